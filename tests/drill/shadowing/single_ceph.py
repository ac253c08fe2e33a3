"""A Ceph of one monitor and one OSD for a test on one machine, in a network namespace of its own."""

import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.environ["QUORATE_SOURCE"], "tests/support"))

from lab import ceph  # noqa: E402
from lab.network import SERVER  # noqa: E402

NOT_RUN = 77


def in_own_network():
    """Starts this program anew in a network namespace that has the servers' address."""
    if os.geteuid() != 0 or not ceph.installed():
        print("needs root and Ceph's daemons")
        sys.exit(NOT_RUN)
    if os.environ.get("QUORATE_OWN_NETWORK") != "yes":
        os.environ["QUORATE_OWN_NETWORK"] = "yes"
        os.execvp("unshare", ["unshare", "--net", "--", sys.executable, *sys.argv])
    subprocess.check_call(["ip", "link", "set", "lo", "up"])
    subprocess.check_call(["ip", "addr", "add", f"{SERVER}/32", "dev", "lo"])


class OneMachine:
    """What lab.ceph wants of a laboratory: it is all here."""

    nodes = ()
    hub = property(lambda self: os.getpid())
    network = property(lambda self: self)

    def __init__(self, folder):
        self.folder = folder

    def add_storage(self, nodes):
        pass

    def serve(self, argv, log):
        with open(log, "ab") as out:
            return subprocess.Popen(["setpriv", "--pdeathsig", "KILL", *argv], stdin=subprocess.DEVNULL,
                                    stdout=out, stderr=out)


def start(folder):
    one = ceph.Ceph(OneMachine(folder))
    one.start()
    one.make_pool("shadow")
    return one
