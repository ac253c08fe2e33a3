"""A member on a device that delays: nothing that a killed shadowd had under way lands after its successor's first
write.

The device is a file of nbdfuse over nbdkit's delay filter. Each life of shadowd writes the same few blocks again; what
an earlier life left under way would overwrite them."""

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

from one_machine import PATIENCE, Machine, check_equal
from unit_client import Ledger

NOT_RUN = 77
MEMBER_OCTETS = 16 << 20
DELAY_MS = 150
BLOCKS = 64
LIVES = 2


class DelayedDisk:
    """Writes wait before they reach the file beneath."""

    def __init__(self, folder):
        self.beneath = os.path.join(folder, "beneath.img")
        self.path = os.path.join(folder, "delayed.img")
        self.socket = os.path.join(folder, "delay.sock")
        with open(self.beneath, "wb") as file:
            file.truncate(MEMBER_OCTETS)
        open(self.path, "a").close()
        self.server = subprocess.Popen(
            ["nbdkit", "--foreground", "--unix", self.socket, "--threads=64", "--filter=delay", "file", self.beneath,
             f"wdelay={DELAY_MS}ms"])
        until = time.monotonic() + PATIENCE
        while not os.path.exists(self.socket):
            assert time.monotonic() < until, "nbdkit does not listen"
            time.sleep(0.02)
        self.fuse = subprocess.Popen(["nbdfuse", self.path, "--unix", self.socket])
        while os.stat(self.path).st_size != MEMBER_OCTETS:
            assert time.monotonic() < until, "nbdfuse does not serve"
            time.sleep(0.02)

    def drain(self):
        """Until everything is in the file beneath: both processes end after what they have under way."""
        subprocess.run(["umount", self.path], check=True, timeout=PATIENCE)
        self.fuse.wait(timeout=PATIENCE)
        self.server.send_signal(signal.SIGTERM)
        self.server.wait(timeout=PATIENCE)

    def release(self):
        subprocess.run(["umount", "--lazy", self.path], stderr=subprocess.DEVNULL, check=False)
        for process in (self.fuse, self.server):
            if process.poll() is None:
                process.kill()
                process.wait()


def wait_unlocked(path):
    """As the next shadowd would: until it may have the disk. How often it was told to wait."""
    refused = 0
    until = time.monotonic() + PATIENCE
    with open(path, "rb") as disk:
        while True:
            try:
                fcntl.flock(disk, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return refused
            except BlockingIOError:
                refused += 1
                assert time.monotonic() < until, "the disk stays locked"
                time.sleep(0.01)


def one_life(machine, ledger):
    before = ledger.acknowledged
    writer = threading.Thread(target=ledger.write_until, args=(machine.socket, lambda: False))
    writer.start()
    machine.wait(lambda: ledger.acknowledged > before + 100, "writes are acknowledged")
    machine.kill()
    writer.join()


def main():
    if os.geteuid() != 0 or not os.path.exists("/dev/fuse"):
        print("needs root and /dev/fuse")
        sys.exit(NOT_RUN)
    folder = tempfile.mkdtemp(prefix="quorate-delay-")
    machine = Machine(folder)
    delayed = DelayedDisk(folder)
    try:
        plain = os.path.join(folder, "plain.img")
        with open(plain, "wb") as file:
            file.truncate(MEMBER_OCTETS)
        machine.ctl("shadow", "create", "DSA1", plain, delayed.path)
        machine.start()
        machine.ctl("shadow", "mount", "DSA1", plain, delayed.path)
        machine.wait_full(2)
        ledger = Ledger(BLOCKS)
        waited = 0
        for _ in range(LIVES):
            one_life(machine, ledger)
            waited += wait_unlocked(delayed.path)
            machine.start()
            machine.wait_full(2)
            ledger.check(machine.socket)
        assert waited > 0, "no life ended with writes under way on the device"
        machine.end(signal.SIGTERM)
        delayed.drain()
        check_equal(machine, [plain, delayed.beneath])
        print(f"{ledger.acknowledged} writes in {LIVES} lives; the lock was refused {waited} times, nothing came late")
    finally:
        if machine.daemon and machine.daemon.poll() is None:
            machine.kill()
        delayed.release()
        with open(os.path.join(folder, "shadowd.log")) as log:
            print(log.read()[-4000:])
        shutil.rmtree(folder)


main()
