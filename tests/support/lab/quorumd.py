"""quorumd in the laboratory: a disk that is a file all nodes see, the device in corosync.conf, start, control API.

    disk = quorumd.format_disk(lab)
    lab.start_corosync(device=quorumd.device([disk]))
    quorumd.start(lab["n1"])
    quorumd.wait_voting(lab.nodes)
"""

import http.client
import json
import os
import subprocess

import maild_node
from lab.node import wait_for

SOCKET = "run/quorate/quorumd.sock"
# What systemd does with the unit file.
SUPERVISOR = """
while :; do
    "$0" --root "$1"; code=$?
    echo "quorumd ended: $code" >&2
    [ $code -eq 0 ] || [ $code -eq 78 ] && exit $code
    sleep 0.2
done
"""
# Soft mode's constants, as they stand in corosync.conf.
SOFT = {"heartbeat": 1000, "late_io": 1000, "lease": 4000, "poll": 500, "watchdog": 0, "silence": 12000, "guard": 1000,
        "clock_error_ppm": 1000}
WATCHDOG = SOFT | {"late_io": 2000, "lease": 5000, "watchdog": 5000}


def binary(name):
    return os.path.abspath(str(maild_node.binaries() / name))


def ctl(*words, code=0, on=None):
    """quorumctl on the machine itself, or on a node; its answer as JSON."""
    command = [binary("quorumctl"), "--json", *words]
    done = subprocess.run(on.command(command) if on else command, capture_output=True, text=True, timeout=60,
                          check=False)
    if code is not None and done.returncode != code:
        raise RuntimeError(f"quorumctl {' '.join(words)}: exit {done.returncode}: {done.stdout}{done.stderr}")
    return json.loads(done.stdout)


def format_disks(*paths, soft=True, cluster="lab", on=None):
    """Quorum disks; returns what quorumctl says of them."""
    return ctl("format", *paths, "--cluster", cluster, "--yes", *(["--soft"] if soft else []), on=on)


def device(formatted, votes=1, soft=True):
    """The section of corosync.conf for disks that were formatted."""
    ours = dict(SOFT if soft else WATCHDOG, cluster=formatted["cluster_uuid"])
    for number, disk in enumerate(formatted["disks"], 1):
        ours[f"disk{number}"] = disk["path"]
        ours[f"uuid{number}"] = disk["uuid"]
    return {"model": "quorumd", "votes": votes, "timeout": 3000, "sync_timeout": 3000 if soft else 25000,
            "quorumd": ours}


def configure(node, **keys):
    lines = "".join(f"{key} = {json.dumps(value)}\n" for key, value in keys.items())
    path = os.path.join(node.root, "etc/quorate/quorate.toml")
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="ascii") as out:
        out.write("[quorum]\n" + lines)


def start(node, supervised=True):
    if supervised:
        node.start("quorumd", "sh", "-c", SUPERVISOR, binary("quorumd"), node.root)
    else:
        node.start("quorumd", binary("quorumd"), "--root", node.root)


def stop(node, limit=30.0):
    for pid in node.pids("quorumd"):
        os.kill(pid, 15)
    wait_for(f"{node.name}: the end of quorumd", lambda: not node.pids("quorumd"), limit)


def control(node, method, path, body=None, timeout=30, root=None):
    return maild_node.control_request(os.path.join(root or node.root, SOCKET), method, path, body, timeout)


def show(node, timeout=2, root=None):
    """GET /v1/quorum; None when nobody answers (off, frozen, starting). `root`: of another one on this node."""
    try:
        status, answer = control(node, "GET", "/v1/quorum", timeout=timeout, root=root)
    except (OSError, http.client.HTTPException):
        return None
    return answer if status == 200 else None


def wait_shown(node, what, condition, limit=60.0):
    def met():
        shown = show(node)
        return shown if shown and condition(shown) else None

    return wait_for(f"{node.name}: {what}", met, limit)


def wait_casting(nodes, limit=60.0):
    """Until each of `nodes` casts the disk's votes in one ring of exactly these."""
    members = sorted(node.number for node in nodes)

    def casts(shown):
        votes = shown.get("votes", {})
        return shown.get("casting") and shown["members"] == members and votes["quorate"] and votes["device_casts"]

    return [wait_shown(node, f"casts with {members}", casts, limit) for node in nodes]
