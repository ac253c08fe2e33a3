"""A shadow set of two files on one machine without Corosync: created, copied, killed while it writes, left by a member
that comes back; every acknowledged block must be there and the members equal."""

import fcntl
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time

from one_machine import Machine, check_equal, make_disks
from unit_client import Ledger


def killed_while_it_writes(machine, ledger):
    for _ in range(3):
        before = ledger.acknowledged
        writer = threading.Thread(target=ledger.write_until, args=(machine.socket, lambda: False))
        writer.start()
        machine.wait(lambda: ledger.acknowledged > before + 300, "writes are acknowledged")
        machine.end(signal.SIGKILL)
        writer.join()
        machine.start()
        machine.wait_full(2)
        ledger.check(machine.socket)


def killed_and_its_disk_still_held(machine, ledger, disks):
    """The lock of a killed daemon outlives it by its last I/O."""
    machine.end(signal.SIGKILL)
    with open(disks[0], "rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        machine.start()
        time.sleep(2)
    machine.wait_full(2)
    ledger.check(machine.socket)


def left_and_back(machine, ledger, disks):
    machine.ctl("shadow", "remove", "DSA1", disks[1])
    machine.wait(lambda: machine.show()["members"][1]["role"] == "expelled", "it is expelled")
    goal = ledger.acknowledged + 200
    ledger.write_until(machine.socket, lambda: ledger.acknowledged > goal)
    refused = machine.ctl("shadow", "mount", "--plan", "DSA1", disks[1], fails=True)
    assert "the witness knows" in refused.stdout, refused.stdout
    machine.ctl("shadow", "add", "DSA1", disks[1])
    ledger.write_until(machine.socket, lambda: {one["role"] for one in machine.show()["members"]} == {"FULL"})
    machine.wait_full(2)
    ledger.check(machine.socket)


def refusals(machine, folder, disks):
    member = machine.ctl("shadow", "create", "DSA2", disks[0], fails=True)
    assert "DSA1" in member.stderr or "open as a member" in member.stderr, member.stderr
    with_files = os.path.join(folder, "ext4.img")
    with open(with_files, "wb") as disk:
        disk.truncate(16 << 20)
    subprocess.check_call(["/sbin/mkfs.ext4", "-q", "-L", "letters", with_files])
    carries = machine.ctl("shadow", "create", "DSA2", with_files, fails=True)
    assert "ext4 labelled letters" in carries.stderr, carries.stderr


def main():
    folder = tempfile.mkdtemp(prefix="quorate-shadow-")
    machine = Machine(folder)
    try:
        disks = make_disks(folder)
        machine.ctl("shadow", "create", "DSA1", *disks)
        machine.start()
        machine.ctl("shadow", "mount", "DSA1", *disks)
        machine.wait_full(2)
        octets = machine.show()["octets"]
        ledger = Ledger(octets // 4096)
        killed_while_it_writes(machine, ledger)
        killed_and_its_disk_still_held(machine, ledger, disks)
        left_and_back(machine, ledger, disks)
        refusals(machine, folder, disks)
        machine.end(signal.SIGTERM)
        check_equal(machine, disks)
        print(f"{ledger.acknowledged} writes acknowledged, all there; members equal in {octets >> 20} MiB")
    finally:
        if machine.daemon and machine.daemon.poll() is None:
            machine.daemon.kill()
            machine.daemon.wait()
        with open(os.path.join(folder, "shadowd.log")) as log:
            print(log.read()[-4000:])
        shutil.rmtree(folder)


main()
