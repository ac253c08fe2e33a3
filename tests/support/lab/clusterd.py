"""clusterd in the laboratory: configuration, key, start as a service manager does it, and its control API.

    lab.start_corosync()
    clusterd.configure(lab)
    clusterd.start(lab["n1"])
    clusterd.ask(lab["n1"], "GET", "/v1/cluster")
    clusterd.wait_cluster(lab.nodes)
"""

import base64
import contextlib
import http.client
import os
import secrets
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import maild_node  # noqa: E402
from lab.node import wait_for  # noqa: E402

PORT = 5410
SOCKET = "run/quorate/clusterd.sock"
# What systemd does with the unit file: again after a failure, but not when the operator is asked for.
SUPERVISOR = """
while :; do
    "$0" --root "$1"; code=$?
    echo "clusterd ended: $code" >&2
    [ $code -eq 0 ] || [ $code -eq 78 ] && exit $code
    sleep 0.2
done
"""


def addresses(node):
    return [f"{node.address(ring)}:{PORT}" for ring in (0, 1)]


def new_key():
    return f"quorate-key 1 {base64.b64encode(secrets.token_bytes(32)).decode()}\n"


def toml_value(value):
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value)
    if isinstance(value, list):
        return "[" + ", ".join(toml_value(one) for one in value) + "]"
    return f'"{value}"'


def settings(node, /, **changes):
    """The lines of [cluster] for a node; `changes` are its keys, None takes one out."""
    keys = {"name": "lab", "addresses": addresses(node)} | changes
    return "".join(f"{key} = {toml_value(value)}\n" for key, value in keys.items() if value is not None)


def write(node, name, text, mode=0o644):
    path = os.path.join(node.root, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    if os.path.exists(path):
        os.remove(path)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT, mode), "w", encoding="ascii") as out:
        out.write(text)


def configure(lab, nodes=None, key=None, **changes):
    """Configuration and one key for all `nodes` (default: all of the laboratory). Returns the key."""
    key = key or new_key()
    for node in nodes or lab.nodes:
        write(node, "etc/quorate/quorate.toml", "[cluster]\n" + settings(node, **changes))
        write(node, "etc/quorate/cluster.key", key, 0o400)
    return key


def program():
    return os.path.abspath(str(maild_node.binaries() / "clusterd"))


def start(node, supervised=True):
    """As a service: started again when it fails, unless not `supervised`. Output: node.log("clusterd")."""
    if supervised:
        node.start("clusterd", "sh", "-c", SUPERVISOR, program(), node.root)
    else:
        node.start("clusterd", program(), "--root", node.root)


def supervisors(node):
    for pid in node.pids("sh"):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as line:
                if b"clusterd ended" in line.read():
                    yield pid
        except OSError:
            pass


def stop(node, program_name="clusterd", limit=60.0):
    """SIGTERM, as a service manager does; waits for the end. It may be about to be started again: not any more."""
    watched = supervisors(node) if program_name == "clusterd" else []
    for pid in [*watched, *node.pids(program_name)]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, 15)
    wait_for(f"{node.name}: the end of {program_name}", lambda: not node.pids(program_name), limit)


# ---- control API


def control(node, method, path, body=None, timeout=30):
    """(status, JSON or text). The socket is a file that the machine sees too."""
    return maild_node.control_request(os.path.join(node.root, SOCKET), method, path, body, timeout)


def ask(node, method, path, body=None, timeout=30):
    status, answer = control(node, method, path, body, timeout)
    if status >= 300:
        raise RuntimeError(f"{node.name}: {method} {path}: {status} {answer}")
    return answer


def cluster(node):
    """What the node says of the cluster; None when nobody answers for 5 s (off, frozen, starting)."""
    try:
        status, answer = control(node, "GET", "/v1/cluster", timeout=5)
    except (OSError, http.client.HTTPException):
        return None
    return answer if status == 200 else None


def members(shown):
    return sorted(row["node_id"] for row in shown["members"] if row["status"] == "member")


def agrees(node, wanted, state="running"):
    shown = cluster(node)
    return shown if shown and shown["state"] == state and members(shown) == wanted else None


def wait_cluster(nodes, members_wanted=None, limit=60.0):
    """Until each of `nodes` runs in one quorate view of exactly these members; returns what each shows."""
    wanted = sorted(node.number for node in members_wanted or nodes)

    def same_epoch():
        shown = [agrees(node, wanted) for node in nodes]
        if not all(shown) or len({one["epoch"] for one in shown}) != 1:
            return None
        return shown if all(one["quorate"] for one in shown) else None

    return wait_for(f"one view of {wanted} on {', '.join(node.name for node in nodes)}", same_epoch, limit)


def wait_state(node, state, limit=60.0):
    def reached():
        shown = cluster(node)
        return shown if shown and shown["state"] == state else None

    return wait_for(f"{node.name} {state}", reached, limit)
