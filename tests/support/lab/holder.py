"""holder.py NAME: the first process of a node. Prepares the private folders of its namespaces, says so, reaps orphans.

The folders of the machine that daemons write to are covered by folders below the node's own (LAB_NODE), so that two
nodes never meet in a file.
"""

import os
import signal
import socket
import subprocess
import sys

PRIVATE = {
    "/etc/corosync": "etc-corosync",
    "/var/lib/corosync": "var-corosync",
    "/var/lib/pacemaker": "var-pacemaker",
    "/var/log/pacemaker": "log-pacemaker",
}


def mount(*arguments):
    subprocess.run(["mount", *arguments], check=True)


def prepare(name, folder):
    socket.sethostname(name)
    mount("--make-rprivate", "/")
    mount("-t", "proc", "proc", "/proc")
    for target in ("/run", "/dev/shm"):
        mount("-t", "tmpfs", "-o", "mode=1777" if target == "/dev/shm" else "mode=755", "tmpfs", target)
    for target, source in PRIVATE.items():
        source = os.path.join(folder, source)
        os.makedirs(source, exist_ok=True)
        if os.path.isdir(target):
            mount("--bind", source, target)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)


def reap(*_):
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def main():
    if sys.argv[1] != "hub":
        prepare(sys.argv[1], os.environ["LAB_NODE"])
        signal.signal(signal.SIGCHLD, reap)
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    print("ready", flush=True)
    while True:
        signal.pause()


main()
