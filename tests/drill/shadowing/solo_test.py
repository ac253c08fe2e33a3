"""A shadow set of two files on one machine without Corosync: created, copied, used by outside NBD clients, killed while
it writes, left by a member that comes back; every acknowledged block must be there and the members equal."""

import json
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time

from unit_client import Ledger, same_data

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
    def data_socket(self):
        return os.path.join(self.root, "run/quorate/shadow/DSA1.data")

    @property
    def nbd(self):
        return f"nbd+unix:///?socket={self.root}/run/quorate/shadow/DSA1.sock"


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


def outside_clients(machine, folder):
    source, back = os.path.join(folder, "source"), os.path.join(folder, "back")
    octets = machine.show()["octets"]
    with open(source, "wb") as file:
        file.write(os.urandom(octets))
    info = json.loads(subprocess.check_output(["nbdinfo", "--json", machine.nbd]))["exports"][0]
    assert info["export-size"] == octets and info["can_fua"] and info["can_multi_conn"]
    subprocess.check_call(["nbdcopy", "--flush", source, machine.nbd])
    subprocess.check_call(["nbdcopy", machine.nbd, back])
    subprocess.check_call(["cmp", source, back])
    subprocess.check_call(
        ["fio", "--name=verify", "--ioengine=nbd", f"--uri={machine.nbd}", "--rw=randwrite", "--bs=4k", "--iodepth=16",
         "--size=16m", "--verify=crc32c", "--verify_fatal=1", "--verify_state_save=0",
         "--minimal", "--output=/dev/null"])
    with open("/dev/zero", "rb") as zeros, open(source, "wb") as file:
        file.write(zeros.read(octets))
    subprocess.check_call(["nbdcopy", "--allocated", source, machine.nbd])
    os.remove(source)
    os.remove(back)


def killed_while_it_writes(machine, ledger):
    for _ in range(3):
        before = ledger.acknowledged
        writer = threading.Thread(target=ledger.write_until, args=(machine.data_socket, lambda: False))
        writer.start()
        machine.wait(lambda: ledger.acknowledged > before + 300, "writes are acknowledged")
        machine.end(signal.SIGKILL)
        writer.join()
        machine.start()
        machine.wait_full(2)
        ledger.check(machine.data_socket)


def left_and_back(machine, ledger, disks):
    machine.ctl("shadow", "remove", "DSA1", disks[1])
    machine.wait(lambda: machine.show()["members"][1]["role"] == "expelled", "it is expelled")
    goal = ledger.acknowledged + 200
    ledger.write_until(machine.data_socket, lambda: ledger.acknowledged > goal)
    refused = machine.ctl("shadow", "mount", "--plan", "DSA1", disks[1], fails=True)
    assert "the witness knows" in refused.stdout, refused.stdout
    machine.ctl("shadow", "add", "DSA1", disks[1])
    ledger.write_until(machine.data_socket, lambda: {one["role"] for one in machine.show()["members"]} == {"FULL"})
    machine.wait_full(2)
    ledger.check(machine.data_socket)


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
        outside_clients(machine, folder)
        octets = machine.show()["octets"]
        ledger = Ledger(octets // 4096)
        killed_while_it_writes(machine, ledger)
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
