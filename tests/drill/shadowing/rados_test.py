"""Members in RADOS, on a Ceph of one OSD: written while the OSD is killed and started again, shut out by the
blocklist while they write."""

import os
import shutil
import subprocess
import tempfile

import single_ceph

BIN = os.environ["QUORATE_BIN"]
PATIENCE = 120
OCTETS = 64 << 20


class Load:
    def __init__(self, place, node):
        self.process = subprocess.Popen([f"{BIN}/member_load", "load", place, str(node)], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)

    def wait_acknowledged(self, more):
        """Until so many more writes were acknowledged; how many there are."""
        first = None
        for line in self.process.stdout:
            word, number = line.split()
            assert word == "acknowledged", line
            first = int(number) if first is None else first
            if int(number) >= first + more:
                return int(number)
        raise AssertionError(f"it ended: {self.process.wait(PATIENCE)}")

    def finish(self):
        """What it said last."""
        self.process.stdin.close()
        lines = self.process.stdout.read().splitlines()
        assert self.process.wait(PATIENCE) == 0, lines
        return lines[-1].split()


def member(word, place, *words):
    subprocess.run([f"{BIN}/member_load", word, place, *map(str, words)], check=True, timeout=PATIENCE)


def the_osd_starts_anew_under_load(ceph, place):
    load = Load(place, node=1)
    load.wait_acknowledged(300)
    ceph.kill_osd()
    ceph.start_osd()
    load.wait_acknowledged(2000)
    word, number = load.finish()
    assert word == "verified", word
    print(f"OSD restart under load: {number} blocks as they were acknowledged", flush=True)


def who_was_shut_out_can_write_no_more(place):
    load = Load(place, node=2)
    load.wait_acknowledged(300)
    member("drop", place, 2)
    word, number = load.finish()
    assert word == "refused", word
    print(f"blocklisted after {number} writes", flush=True)
    other = Load(place, node=3)
    other.wait_acknowledged(300)
    word, number = other.finish()
    assert word == "verified", word


def main():
    single_ceph.in_own_network()
    folder = tempfile.mkdtemp(prefix="quorate-rados-")
    ceph = None
    try:
        ceph = single_ceph.start(folder)
        place = f"rados:shadow/disk?conf={ceph.conf}"
        member("make", place, OCTETS)
        the_osd_starts_anew_under_load(ceph, place)
        who_was_shut_out_can_write_no_more(place)
    finally:
        if ceph:
            ceph.stop()
        shutil.rmtree(folder)


main()
