"""Outside NBD clients use a unit: what they find is what NBD promises, a crash of shadowd included."""

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import textwrap
import threading

from one_machine import PATIENCE, Machine, check_equal, make_disks

MIB = 1 << 20
# nbdsh's module belongs to the system's Python, whichever runs this.
SYSTEM = {**os.environ, "PATH": "/usr/bin:/bin"}


def run(*words, **more):
    return subprocess.run(words, check=True, timeout=PATIENCE * 2, **more)


def quietly(*words):
    return run(*words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True).stdout


def nbdinfo(machine, octets):
    info = json.loads(subprocess.check_output(["nbdinfo", "--json", machine.nbd]))["exports"][0]
    assert info["export-size"] == octets
    for ability in ("can_flush", "can_fua", "can_multi_conn", "can_trim", "can_zero"):
        assert info[ability], ability
    assert not info["is_read_only"]
    assert "base:allocation" in info["contexts"], info


def nbdcopy(machine, folder, octets):
    source, back = os.path.join(folder, "source"), os.path.join(folder, "back")
    with open(source, "wb") as file:
        file.write(os.urandom(octets))
    run("nbdcopy", "--flush", source, machine.nbd)
    run("nbdcopy", machine.nbd, back)
    run("cmp", source, back)
    os.remove(back)
    os.remove(source)


def extents(machine, octets):
    """The first disk was sparse and one block was written: NBD says that the rest is zeros."""
    run("nbdsh", "-c", f"h.connect_uri({machine.nbd!r})", "-c", "h.pwrite(b'x' * 4096, 1 << 20)", env=SYSTEM)
    told = json.loads(subprocess.check_output(["nbdinfo", "--map", "--json", machine.nbd]))
    hole_and_zeros = 3
    after = MIB + 4096
    assert [(one["offset"], one["length"], one["type"]) for one in told] == [
        (0, MIB, hole_and_zeros), (MIB, 4096, 0), (after, octets - after, hole_and_zeros)], told


def nbdsh(machine):
    """Requests that a client may not make are refused one by one; the connection and the data stay as they are."""
    script = textwrap.dedent("""
        import errno
        h.set_strict_mode(0)
        h.set_request_structured_replies(False)
        h.connect_uri(uri)
        size = h.get_size()
        before = bytes(range(256)) * 16
        h.pwrite(before, 4096)
        def refused(call, *numbers):
            try:
                call()
            except nbd.Error as error:
                assert error.errnum in numbers, (error.errno, error.string)
            else:
                raise AssertionError("accepted")
        refused(lambda: h.pread(4096, size), errno.EINVAL)
        refused(lambda: h.pread(8192, size - 4096), errno.EINVAL)
        refused(lambda: h.pwrite(bytes(4096), size), errno.ENOSPC, errno.EINVAL)
        refused(lambda: h.pwrite(bytes(8192), size - 4096), errno.ENOSPC, errno.EINVAL)
        refused(lambda: h.pread(512, 1), errno.EINVAL)
        refused(lambda: h.pwrite(b"x" * 100, 4096), errno.EINVAL)
        refused(lambda: h.zero(100, 4096), errno.EINVAL)
        refused(lambda: h.trim(4096, size), errno.ENOSPC, errno.EINVAL)
        refused(lambda: h.zero(4096, 0, nbd.CMD_FLAG_FAST_ZERO), errno.ENOTSUP, errno.EOPNOTSUPP)
        assert h.pread(4096, 4096) == before
        h.trim(4096, 4096)
        assert h.pread(4096, 4096) == bytes(4096), "what was trimmed reads as zeros"
        h.pwrite(before, 4096, nbd.CMD_FLAG_FUA)
        h.zero(4096, 4096, nbd.CMD_FLAG_NO_HOLE)
        assert h.pread(4096, 4096) == bytes(4096)
        other = nbd.NBD()
        other.connect_uri(uri)
        h.pwrite(before, 4096)
        h.flush()
        assert other.pread(4096, 4096) == before, "one connection sees what another has written"
    """)
    run("nbdsh", "-c", f"uri = {machine.nbd!r}", "-c", script, env=SYSTEM)


def qemu(machine):
    words = ["qemu-io", "-f", "raw", "-t", "none"]
    for command in ("write -P 0x5a 64k 1M", "read -P 0x5a 64k 1M", "write -z 128k 64k", "read -P 0 128k 64k",
                    "discard 256k 128k", "read -P 0 256k 128k", "writev -P 0x77 1M 4k 8k 12k", "read -P 0x77 1M 24k",
                    "aio_write -P 0x33 2M 512k", "aio_flush", "flush"):
        words += ["-c", command]
    told = quietly(*words, machine.nbd)
    assert "failed" not in told and "error" not in told, told
    told = quietly("qemu-img", "bench", "-f", "raw", "-t", "none", "-c", "2000", "-d", "16", "-w", machine.nbd)
    assert "Run completed" in told, told


def fio(machine):
    run("fio", "--name=verify", "--ioengine=nbd", f"--uri={machine.nbd}", "--rw=randwrite", "--bs=4k", "--iodepth=16",
        "--size=16m", "--verify=crc32c", "--verify_fatal=1", "--verify_state_save=0", "--minimal",
        "--output=/dev/null", stderr=subprocess.DEVNULL)


class Network:
    """The unit offered over TLS to clients that have a key of their own."""

    def __init__(self, machine, folder):
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.address = f"127.0.0.1:{free.getsockname()[1]}"
        self.keys = os.path.join(folder, "clients")
        self.stranger = os.path.join(folder, "stranger")
        self._write_keys(self.keys, {"alice": secrets.token_hex(32), "bob": secrets.token_hex(32)})
        self._write_keys(self.stranger, {"alice": secrets.token_hex(32), "mallory": secrets.token_hex(32)})
        settings = os.path.join(machine.root, "etc/quorate/shadow.export.d")
        os.makedirs(settings)
        with open(os.path.join(settings, "DSA1.toml"), "w", encoding="ascii") as file:
            file.write(f'address = "{self.address}"\nclients = "{self.keys}"\n')

    @staticmethod
    def _write_keys(path, keys):
        with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="ascii") as file:
            file.writelines(f"{name}:{key}\n" for name, key in keys.items())

    def _size(self, uri):
        return subprocess.run(["nbdinfo", "--size", uri], capture_output=True, text=True, timeout=PATIENCE, check=False)

    def check(self, octets):
        for name in ("alice", "bob"):
            told = self._size(f"nbds://{name}@{self.address}/?tls-psk-file={self.keys}")
            assert told.stdout.strip() == str(octets), told
        for name in ("alice", "mallory"):
            told = self._size(f"nbds://{name}@{self.address}/?tls-psk-file={self.stranger}")
            assert told.returncode != 0, f"{name} came in without the right key"
        assert self._size(f"nbd://{self.address}/").returncode != 0, "a client came in without TLS"


class Mounted:
    """A file system on the unit: nbdfuse, a loop device, ext4."""

    def __init__(self, machine, folder):
        self.file = os.path.join(folder, "fuse")
        self.point = os.path.join(folder, "files")
        open(self.file, "a").close()
        os.makedirs(self.point, exist_ok=True)
        self.fuse = subprocess.Popen(["nbdfuse", self.file, machine.nbd], stderr=subprocess.DEVNULL)
        machine.wait(lambda: os.stat(self.file).st_size > 0, "nbdfuse serves the unit")
        # The unit's blocks have 4,096 octets, and so has the loop device's sector.
        self.loop = quietly("losetup", "--find", "--show", "--direct-io=on", "--sector-size=4096", self.file).strip()

    def mount(self):
        run("mount", self.loop, self.point)

    def release(self):
        subprocess.run(["umount", self.point], stderr=subprocess.DEVNULL, check=False)
        subprocess.run(["losetup", "--detach", self.loop], check=False)
        subprocess.run(["umount", "--lazy", self.file], stderr=subprocess.DEVNULL, check=False)
        self.fuse.send_signal(signal.SIGTERM)
        self.fuse.wait(timeout=PATIENCE)


def may_mount():
    if os.geteuid() != 0 or not os.path.exists("/dev/fuse") or not os.path.exists("/dev/loop-control"):
        print("no file system: needs root, /dev/fuse and loop devices", flush=True)
        return False
    return True


def write_files(point, kept):
    """Until the file system fails; what fsync() promised goes to `kept`."""
    number = 0
    try:
        while True:
            number += 1
            name, data = f"letter{number}", os.urandom(1 + number * 997 % 20_000)
            with open(os.path.join(point, name), "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            folder = os.open(point, os.O_RDONLY)
            os.fsync(folder)
            os.close(folder)
            kept[name] = data
    except OSError:
        return


def file_system(machine, folder):
    mounted = Mounted(machine, folder)
    kept = {}
    try:
        run("mkfs.ext4", "-q", "-b", "4096", "-E", "nodiscard", mounted.loop)
        mounted.mount()
        writer = threading.Thread(target=write_files, args=(mounted.point, kept))
        writer.start()
        machine.wait(lambda: len(kept) > 40, "files are written")
        machine.kill()
        writer.join()
    finally:
        mounted.release()
    machine.start()
    machine.wait_full(2)
    mounted = Mounted(machine, folder)
    try:
        mounted.mount()  # replays the journal
        for name, data in kept.items():
            with open(os.path.join(mounted.point, name), "rb") as file:
                assert file.read() == data, name
        run("umount", mounted.point)
        told = quietly("fsck.ext4", "-f", "-n", mounted.loop)
    finally:
        mounted.release()
    print(f"{len(kept)} files that fsync() promised are there after the crash; {told.splitlines()[-1]}", flush=True)


def main():
    folder = tempfile.mkdtemp(prefix="quorate-clients-")
    machine = Machine(folder)
    try:
        disks = make_disks(folder)
        machine.ctl("shadow", "create", "DSA1", *disks)
        network = Network(machine, folder)
        machine.start()
        machine.ctl("shadow", "mount", "DSA1", *disks)
        machine.wait_full(2)
        octets = machine.show()["octets"]
        nbdinfo(machine, octets)
        extents(machine, octets)
        nbdcopy(machine, folder, octets)
        nbdsh(machine)
        qemu(machine)
        fio(machine)
        network.check(octets)
        if may_mount():
            file_system(machine, folder)
        machine.end(signal.SIGTERM)
        check_equal(machine, disks)
    finally:
        if machine.daemon and machine.daemon.poll() is None:
            machine.kill()
        with open(os.path.join(folder, "shadowd.log")) as log:
            print(log.read()[-4000:])
        shutil.rmtree(folder)


main()
