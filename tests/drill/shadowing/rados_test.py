"""Members in RADOS, on a Ceph of one OSD: written while the OSD is killed and started again, shut out by the
blocklist while they write."""

import os
import shutil
import subprocess
import tempfile
import threading

import single_ceph
from one_machine import Machine
from unit_client import Ledger

BIN = os.environ["QUORATE_BIN"]
PATIENCE = 120
OCTETS = 64 << 20
SET_OCTETS = 16 << 20


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


def a_set(folder, ceph, disks):
    """Written while the OSD starts anew, and while shadowd is killed; every acknowledged block is there."""
    os.makedirs(folder)
    machine = Machine(folder)
    try:
        machine.ctl("shadow", "create", "DSA1", *disks)
        machine.start()
        machine.ctl("shadow", "mount", "DSA1", *disks)
        machine.wait_full(len(disks))
        ledger = Ledger(machine.show()["octets"] // 4096)
        writer = threading.Thread(target=ledger.write_until, args=(machine.socket, lambda: False))
        writer.start()
        machine.wait(lambda: ledger.acknowledged > 200, "writes are acknowledged")
        ceph.kill_osd()
        before = ledger.acknowledged
        ceph.start_osd()
        machine.wait(lambda: ledger.acknowledged > before + 500, "writes go on after the OSD's restart")
        machine.kill()
        writer.join()
        machine.start()
        machine.wait_full(len(disks))
        ledger.check(machine.socket)
        print(f"a set of {len(disks)}: {ledger.acknowledged} writes acknowledged, all there", flush=True)
    finally:
        if machine.daemon and machine.daemon.poll() is None:
            machine.kill()
        with open(os.path.join(folder, "shadowd.log")) as log:
            print(log.read()[-2000:])


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
        file = os.path.join(folder, "file.img")
        with open(file, "wb") as disk:
            disk.truncate(SET_OCTETS)
        a_set(os.path.join(folder, "both"), ceph, [file, f"rados:shadow/a?conf={ceph.conf}&size={SET_OCTETS}"])
        a_set(os.path.join(folder, "alone"), ceph, [f"rados:shadow/b?conf={ceph.conf}&size={SET_OCTETS}"])
    finally:
        if ceph:
            ceph.stop()
        shutil.rmtree(folder)


main()
