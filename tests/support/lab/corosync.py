"""Corosync in the laboratory: its configuration, start, and what votequorum says."""

import os
import re
import secrets
import subprocess


def configuration(nodes, options):
    """corosync.conf for these nodes. One key a line: Corosync takes no one-line section."""
    token = options.get("token", 1000)
    lines = [
        "totem {", "  version: 2", "  cluster_name: lab", "  transport: knet", f"  token: {token}",
        "  crypto_cipher: aes256", "  crypto_hash: sha256", "}", "nodelist {",
    ]
    for node in nodes:
        lines += ["  node {", f"    name: {node.name}", f"    nodeid: {node.number}",
                  f"    ring0_addr: {node.address(0)}", f"    ring1_addr: {node.address(1)}", "  }"]
    lines += ["}", "quorum {", "  provider: corosync_votequorum"]
    lines += [f"  {key}: {value}" for key, value in options.get("quorum", {}).items()]
    if "device" in options:
        lines += section("device", options["device"], "  ")
    lines += ["}", "logging {", "  to_stderr: yes", "  to_syslog: no", "  timestamp: hires", "}",
              # Namespaces have no right to real-time scheduling and the root cgroup.
              "system {", "  sched_rr: no", "  move_to_root_cgroup: no", "}", ""]
    return "\n".join(lines)


def section(name, values, indent):
    """A section; a value that is a dictionary is a section in it."""
    lines = [f"{indent}{name} {{"]
    for key, value in values.items():
        lines += section(key, value, indent + "  ") if isinstance(value, dict) else [f"{indent}  {key}: {value}"]
    return lines + [f"{indent}}}"]


def configure(nodes, options):
    write(nodes, configuration(nodes, options), secrets.token_bytes(256))


def write(nodes, text, key):
    for node in nodes:
        folder = os.path.join(node.folder, "etc-corosync")
        with open(os.path.join(folder, "corosync.conf"), "w", encoding="ascii") as out:
            out.write(text)
        with open(os.path.join(folder, "authkey"), "wb") as out:
            out.write(key)
        os.chmod(os.path.join(folder, "authkey"), 0o400)


def add(nodes, node):
    """`node`, which is one of `nodes`, in everybody's configuration; who runs reads it again."""
    with open(os.path.join(nodes[0].folder, "etc-corosync", "authkey"), "rb") as stored:
        key = stored.read()
    write(nodes, configuration(nodes, {}), key)
    running = [other for other in nodes if other is not node and other.alive and not other.frozen]
    if running:
        running[0].run("corosync-cfgtool", "-R")


def start(node):
    node.start("corosync", "corosync", "-f", "-c", "/etc/corosync/corosync.conf")


def quorum(node):
    """(quorate, ids of the members) as votequorum of this node says; None when Corosync does not answer."""
    try:
        text = node.run("corosync-quorumtool", "-s", check=False, timeout=5)
    except subprocess.TimeoutExpired:
        return None
    if "Quorate:" not in text:
        return None
    quorate = re.search(r"^Quorate:\s+Yes", text, re.M) is not None
    members = re.findall(r"^\s+(\d+)\s+\d+\s", text, re.M)
    return quorate, sorted(int(member) for member in members)
