"""A Ceph in the laboratory: a monitor and an OSD (bluestore on a sparse file) in the namespace of the bridges, which
every node reaches over a storage cable of its own.

    ceph = Ceph(lab)
    ceph.start()
    ceph.make_pool("quorum")
    ... a client on any node: ceph.conf names the configuration
    ceph.stop()

No authentication, one copy of everything: a power failure of the OSD (kill_osd) loses nothing that was acknowledged.
"""

import os
import shutil
import signal
import subprocess
import uuid

from lab.network import SERVER
from lab.node import wait_for

PORT = 3300
CONFIGURATION = """
[global]
fsid = {fsid}
mon host = [v2:{server}:{port}]
mon initial members = a
mon data = {folder}/mon
osd data = {folder}/osd
public addr = {server}
ms bind msgr1 = false
auth cluster required = none
auth service required = none
auth client required = none
osd pool default size = 1
osd pool default min size = 1
mon allow pool size one = true
osd crush chooseleaf type = 0
bluestore block size = 536870912
# Small logs of its database: the defaults want more than the whole device.
bluestore rocksdb options = compression=kNoCompression,max_write_buffer_number=2,write_buffer_size=4194304
osd memory target = 939524096
paxos propose interval = 0.05
# A laboratory's processes are stopped for as long as a test likes.
osd op thread timeout = 600
osd op thread suicide timeout = 0
# Readers have a lease of 0.8 of it, and Ceph 16 does not renew one that ran out where there is no other replica.
osd heartbeat grace = 600
mon data avail crit = 1
mon osd report timeout = 100000
run dir = {folder}
admin socket =
log file =
"""


def installed():
    return all(shutil.which(program) for program in ("ceph", "ceph-mon", "ceph-osd", "monmaptool"))


class Ceph:
    def __init__(self, lab):
        self.lab = lab
        self.folder = os.path.join(lab.folder, "ceph")
        self.conf = os.path.join(self.folder, "ceph.conf")
        self.daemons = {}

    def start(self, limit=60.0):
        """Until an OSD is up; the pools come afterwards."""
        os.makedirs(os.path.join(self.folder, "mon"))
        os.makedirs(os.path.join(self.folder, "osd"))
        fsid, osd = str(uuid.uuid4()), str(uuid.uuid4())
        with open(self.conf, "w", encoding="ascii") as out:
            out.write(CONFIGURATION.format(fsid=fsid, server=SERVER, port=PORT, folder=self.folder))
        self.lab.network.add_storage(self.lab.nodes)
        monitors = os.path.join(self.folder, "monmap")
        self._start("mkfs", "ceph-osd", "-i", "0", "--mkfs", "--osd-uuid", osd)
        self._run("monmaptool", "--create", "--fsid", fsid, "--addv", "a", f"[v2:{SERVER}:{PORT}]", monitors)
        self._run("ceph-mon", "-i", "a", "--mkfs", "--monmap", monitors)
        self._start("mon", "ceph-mon", "-i", "a")
        self.ask("osd", "new", osd)
        if self.daemons.pop("mkfs").wait(limit) != 0:
            raise RuntimeError(f"the OSD could not be made; see {self.folder}/mkfs.log")
        self.start_osd()
        wait_for("the OSD is up", lambda: "1 up" in self.ask("osd", "stat"), limit, pause=0.2)

    def stop(self):
        for name in list(self.daemons):
            self._kill(name)

    def make_pool(self, name):
        """A pool, and something written into it."""
        self.ask("osd", "pool", "create", name, "1")
        self.rados("-p", name, "create", "first")

    # ---- what happens to the OSD

    def kill_osd(self):
        self._kill("osd")

    def start_osd(self):
        self._start("osd", "ceph-osd", "-i", "0")

    def freeze_osd(self):
        self.daemons["osd"].send_signal(signal.SIGSTOP)

    def thaw_osd(self):
        self.daemons["osd"].send_signal(signal.SIGCONT)

    # ---- asked

    def ask(self, *words):
        return self._run("ceph", "--connect-timeout", "30", *words)

    def rados(self, *words):
        # A client that came too early only looks again after a while.
        return self._run("rados", "--objecter-timeout", "1", "--objecter-tick-interval", "1", *words)

    def _run(self, program, *words, timeout=60):
        command = ["nsenter", "-t", str(self.lab.network.hub), "--net", "--", program, "-c", self.conf, *words]
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"{program} {' '.join(words)}: exit {done.returncode}: {done.stdout}{done.stderr}")
        return done.stdout

    def _start(self, name, program, *words):
        log = os.path.join(self.folder, f"{name}.log")
        self.daemons[name] = self.lab.network.serve([program, "-c", self.conf, *words, "-f"], log)

    def _kill(self, name):
        daemon = self.daemons.pop(name)
        daemon.kill()
        daemon.wait(20)
