"""One machine with shadowd and a set of two files, as the drills use it."""

import json
import os
import signal
import subprocess
import time

from unit_client import same_data

BIN = os.environ["QUORATE_BIN"]
PATIENCE = 90
MEMBER_OCTETS = 48 << 20


class Machine:
    def __init__(self, folder):
        self.folder = folder
        self.root = os.path.join(folder, "root")
        os.makedirs(os.path.join(self.root, "run/quorate"))
        self.daemon = None
        self.log = open(os.path.join(folder, "shadowd.log"), "ab")

    def start(self):
        self.daemon = subprocess.Popen([f"{BIN}/shadowd", "--root", self.root], stderr=self.log)
        self.wait(lambda: self.ctl("shadow", "show", fails=None).returncode == 0, "shadowd answers")

    def end(self, how):
        self.daemon.send_signal(how)
        self.daemon.wait(timeout=PATIENCE)

    def kill(self):
        self.end(signal.SIGKILL)

    def ctl(self, *words, fails=False):
        command = [f"{BIN}/clusterctl", "--root", self.root, "--yes", *words]
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
        if fails is not None:
            assert (done.returncode != 0) == fails, f"{words}: {done.stdout}{done.stderr}"
        return done

    def show(self):
        done = self.ctl("--json", "shadow", "show", "DSA1", fails=None)
        return json.loads(done.stdout) if done.returncode == 0 else {"mounted": False, "members": []}

    def wait(self, holds, what):
        until = time.monotonic() + PATIENCE
        while not holds():
            assert time.monotonic() < until, f"not within {PATIENCE} s: {what}\n{self.show()}"
            time.sleep(0.05)

    def wait_full(self, count):
        def is_full():
            unit = self.show()
            full = [one for one in unit["members"] if one["role"] == "FULL"]
            return unit["mounted"] and len(full) == count and unit["to_merge"] == 0
        self.wait(is_full, f"{count} members are FULL and merged")

    @property
    def socket(self):
        return os.path.join(self.root, "run/quorate/shadow/DSA1.sock")

    @property
    def nbd(self):
        return f"nbd+unix:///?socket={self.socket}"


def make_disks(folder):
    disks = [os.path.join(folder, name) for name in ("a.img", "b.img")]
    with open(disks[0], "wb") as disk:
        disk.truncate(MEMBER_OCTETS)
    with open(disks[1], "wb") as disk:
        disk.write(os.urandom(1 << 20) * (MEMBER_OCTETS >> 20))
    return disks


def check_equal(machine, disks):
    label = json.loads(machine.ctl("--json", "shadow", "label", disks[0]).stdout)
    differs = same_data(disks[0], disks[1], label["data_offset"], label["octets"])
    assert differs is None, f"the members differ at block {differs}"
    return label["octets"]
