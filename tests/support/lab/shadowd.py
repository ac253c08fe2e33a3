"""shadowd in the laboratory: units, start as a service manager does it, and its control API.

    shadowd.configure(lab["n1"], "DSA1", disks, cluster=True, shared=True)
    shadowd.start(lab["n1"])
    shadowd.wait_full(lab["n1"], "DSA1", 2)
"""

import contextlib
import http.client
import json
import os
import shutil
import subprocess

import maild_node
from lab.node import wait_for

SOCKET = "run/quorate/shadowd.sock"
# What systemd does with the unit file: again after a failure, but not when the operator is asked for. Programs in the
# root's bin come first.
SUPERVISOR = """
PATH="$1/bin:$PATH"
while :; do
    "$0" --root "$1"; code=$?
    echo "shadowd ended: $code" >&2
    [ $code -eq 0 ] || [ $code -eq 78 ] && exit $code
    sleep 0.2
done
"""


def program(name):
    return os.path.abspath(str(maild_node.binaries() / name))


def configure(node, unit, disks, **keys):
    """etc/quorate/shadow.d/UNIT.toml."""
    lines = "disks = [\n" + "".join(f"    {json.dumps(disk)},\n" for disk in disks) + "]\n"
    lines += "".join(f"{key} = {json.dumps(value)}\n" for key, value in keys.items())
    folder = os.path.join(node.root, "etc/quorate/shadow.d")
    os.makedirs(folder, exist_ok=True)
    os.makedirs(os.path.join(node.root, "run/quorate"), exist_ok=True)
    with open(os.path.join(folder, unit + ".toml"), "w", encoding="utf-8") as out:
        out.write(lines)


def serve(node, name, path, address):
    """etc/quorate/served.d/NAME.toml."""
    folder = os.path.join(node.root, "etc/quorate/served.d")
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, name + ".toml"), "w", encoding="utf-8") as out:
        out.write(f"path = {json.dumps(path)}\naddress = {json.dumps(address)}\n")


def let_disks_fail(node):
    """Put before start(): writes of other nodes to disks that this node serves fail while the file exists whose path
    is returned."""
    trigger = os.path.join(node.root, "disks-fail")
    folder = os.path.join(node.root, "bin")
    os.makedirs(folder, exist_ok=True)
    wrapper = os.path.join(folder, "nbdkit")
    nbdkit = shutil.which("nbdkit")
    fails = f"error-pwrite=EIO error-pwrite-rate=100% error-pwrite-file={trigger}"
    with open(wrapper, "w", encoding="ascii") as out:
        out.write(f"""#!/bin/sh
case "$*" in
    *quorate-disk*) exec {nbdkit} --filter=error "$@" {fails} ;;
esac
exec {nbdkit} "$@"
""")
    os.chmod(wrapper, 0o755)
    return trigger


def disk_servers(node):
    """Pids of the nbdkits that serve the node's disks to others."""
    for pid in node.pids("nbdkit"):
        with contextlib.suppress(OSError), open(f"/proc/{pid}/cmdline", "rb") as line:
            if b"quorate-disk" in line.read():
                yield pid


def start(node):
    os.makedirs(os.path.join(node.root, "run/quorate"), exist_ok=True)
    node.start("shadowd", "sh", "-c", SUPERVISOR, program("shadowd"), node.root)


def supervisors(node):
    for pid in node.pids("sh"):
        with contextlib.suppress(OSError), open(f"/proc/{pid}/cmdline", "rb") as line:
            if b"shadowd ended" in line.read():
                yield pid


def stop(node, limit=60.0):
    for pid in [*supervisors(node), *node.pids("shadowd")]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, 15)
    wait_for(f"{node.name}: the end of shadowd", lambda: not node.pids("shadowd"), limit)


def ctl(node, *words, fails=False, timeout=90):
    """clusterctl on the node; None for `fails`: either way."""
    command = [program("clusterctl"), "--root", node.root, "--yes", *words]
    done = subprocess.run(node.command(command), capture_output=True, text=True, timeout=timeout, check=False)
    if fails is not None and (done.returncode != 0) != fails:
        raise AssertionError(f"{node.name}: {words}: {done.returncode}: {done.stdout}{done.stderr}")
    return done


def add(node, unit, disk, limit=30.0):
    """Adds the disk, once the unit's locks of its mount are settled: before, it is refused with `now`."""
    def added():
        done = ctl(node, "shadow", "add", unit, disk, fails=None)
        assert done.returncode == 0 or "cannot be added now" in done.stderr, f"{done.stdout}{done.stderr}"
        return done.returncode == 0
    wait_for(f"{node.name}: {disk} is added", added, limit, pause=0.5)


def show(node, unit):
    """What the node's shadowd says of a unit; None when nobody answers, or it has no such unit."""
    try:
        status, answer = maild_node.control_request(os.path.join(node.root, SOCKET), "GET", f"/v1/shadow/{unit}",
                                                    timeout=3)
    except (OSError, http.client.HTTPException):
        return None
    return answer if status == 200 else None


def roles(shown):
    return [member["role"] for member in shown["members"]]


def wait_shown(node, unit, what, condition, limit=90.0):
    seen = []

    def met():
        shown = show(node, unit)
        seen[:] = [shown]
        return shown if shown and condition(shown) else None

    try:
        return wait_for(f"{node.name}: {unit} {what}", met, limit)
    except TimeoutError as late:
        raise TimeoutError(f"{late}\n{json.dumps(seen[0])}") from late


def wait_full(node, unit, count, limit=90.0):
    """Until that many members are FULL, and nothing is to be merged."""
    return wait_shown(node, unit, f"has {count} members FULL and merged",
                      lambda shown: shown["mounted"] and roles(shown).count("FULL") == count
                      and shown["to_merge"] == 0 and not shown["stalled"], limit)


def unit_socket(node, unit):
    return os.path.join(node.root, f"run/quorate/shadow/{unit}.sock")


def nbd(node, unit):
    return f"nbd+unix:///?socket={unit_socket(node, unit)}"
