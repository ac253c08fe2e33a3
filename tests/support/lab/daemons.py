"""Our daemons on the nodes of a laboratory, as a person wants them: clusterd that allows commands, and maild on a store
of its own. Drills that want something else configure clusterd themselves (lab/clusterd.py).

    programs = daemons.find_programs()
    key = clusterd.new_key()
    for node in lab.nodes:
        daemons.configure(node, key)
        daemons.start(node)
    daemons.wait(lab.nodes)
"""

import http.client
import os
import subprocess

from lab import clusterd, corosync
from lab.node import wait_for

import maild_node

NAMES = ("clusterd", "clusterctl", "maild")
SOURCE = os.path.abspath(os.path.join(os.path.dirname(__file__), *[os.pardir] * 3))
MAILD_SOCKET = "run/quorate/maild.sock"


def find_programs():
    """The folder that has all of NAMES: QUORATE_BIN where it is set, else a build's; None when there is none."""
    given = os.environ.get("QUORATE_BIN")
    folders = [given] if given else [os.path.join(SOURCE, "build", preset, "bin") for preset in ("release", "dev")]
    for folder in folders:
        if all(os.access(os.path.join(folder, name), os.X_OK) for name in NAMES):
            return os.path.abspath(folder)
    return None


def make_root(node):
    """maild's configuration and certificate. Returns the file to which [cluster] may be added."""
    subprocess.run([os.path.join(SOURCE, "packaging/quickstart/make-root"), node.root], check=True,
                   stdout=subprocess.DEVNULL)
    return os.path.join(node.root, "etc/quorate/quorate.toml")


def configure(node, key):
    with open(make_root(node), "a", encoding="utf-8") as config:
        config.write("\n[cluster]\n" + clusterd.settings(node, node=node.name, run_commands=True))
    clusterd.write(node, "etc/quorate/cluster.key", key, 0o400)


def start(node):
    clusterd.start(node)
    node.start("maild", str(maild_node.binaries() / "maild"), "--root", node.root)


def maild_answers(node):
    socket = os.path.join(node.root, MAILD_SOCKET)
    try:
        return maild_node.control_request(socket, "GET", "/v1/status", timeout=1)[0] == 200
    except (OSError, http.client.HTTPException):
        return False


def wait_answers(node, limit=60.0):
    """Until both can be asked, whether there is quorum or not."""
    wait_for(f"clusterd on {node.name}; see {node.log('clusterd')}", lambda: clusterd.cluster(node), limit)
    wait_for(f"maild on {node.name}; see {node.log('maild')}", lambda: maild_answers(node), limit)


def wait(nodes, limit=60.0):
    """Until all of them are in one view and have mail; returns their views."""
    shown = clusterd.wait_cluster(nodes, limit=limit)
    for node in nodes:
        wait_for(f"maild on {node.name}; see {node.log('maild')}", lambda asked=node: maild_answers(asked), limit)
    return shown


def ctl(node, *words):
    return node.run(str(maild_node.binaries() / "clusterctl"), *words, timeout=120)


def join(node, member):
    """A node that is on joins the cluster of `member` as an operator has it done, and gets its vote."""
    with open(make_root(node), "a", encoding="utf-8") as config:
        config.write("\n[cluster]\nrun_commands = true\n")
    with open(os.path.join(member.root, "etc/quorate/cluster.key"), encoding="ascii") as key:
        clusterd.write(node, "etc/quorate/cluster.key", key.read(), 0o400)
    ctl(node, "cluster", "join", "--node", node.name, "--address", node.address(0), "--address", node.address(1),
        "--member", member.address(0), "--no-start", "--yes")
    corosync.start(node)
    start(node)
    wait_for(f"{node.name} as a member; see {node.log('clusterd')}", lambda: is_member(member, node))
    ctl(member, "node", "votes", node.name, "1")
    wait_for(f"the vote of {node.name}", lambda: is_member(member, node, votes=1) and is_member(node, node, votes=1))


def is_member(seen_by, node, votes=0):
    """With so many votes, or more."""
    shown = clusterd.cluster(seen_by)
    return shown and any(row["name"] == node.name and row["status"] == "member" and row["votes"] >= votes
                         for row in shown["members"])
