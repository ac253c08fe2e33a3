"""bench/run shadow [--quick] [--json] [--folder DIR]: a set of two local files beside one raw file and QEMU's quorum.

Where both members stand on one disk (they do, unless --folder is given twice) it serves both, so the peer of the bars
is both files at once through bare io_uring, in the least system calls; one raw file stands beside it.
A peer that is not installed is left out, with a note. Exit status 0: every bar holds.
"""

import argparse
import contextlib
import json
import os
import pathlib
import platform
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE / "support")]

from table import Row, Table, progress  # noqa: E402

BIN = pathlib.Path(os.environ["QUORATE_BIN"])
MIB = 1 << 20
GIB = 1 << 30


class Files:
    def __init__(self, folders, octets):
        self.folders = [tempfile.mkdtemp(prefix="shadowbench-", dir=folder) for folder in folders]
        self.octets = octets
        self.members = [self.make(f"member{i}", self.folders[i % len(self.folders)]) for i in range(2)]
        self.raw = self.make("raw", self.folders[0])
        self.root = os.path.join(self.folders[0], "root")
        os.makedirs(os.path.join(self.root, "run/quorate"))

    def make(self, name, folder):
        """Written once, so that no file system has to allocate while it is measured."""
        path = os.path.join(folder, name)
        with open(path, "wb", buffering=0) as file:
            for _ in range(self.octets // MIB):
                file.write(b"\xa5" * MIB)
            os.fsync(file.fileno())
        return path

    def remove(self):
        for folder in self.folders:
            shutil.rmtree(folder)


def fio(seconds, *words):
    command = ["fio", "--name=x", "--direct=1", "--output-format=json", "--time_based", f"--runtime={seconds}", *words]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=600, cwd="/")
    text = done.stdout.decode()
    job = json.loads(text[text.index("{"):])["jobs"][0]  # the nbd engine talks before
    side = job["write"] if job["write"]["total_ios"] else job["read"]
    return {"iops": side["iops"], "mib_s": side["bw_bytes"] / MIB,
            "median_us": side["clat_ns"]["percentile"]["50.000000"] / 1000}


def raw(files, seconds, rw, block, depth):
    return fio(seconds, f"--filename={files.raw}", "--ioengine=io_uring", f"--rw={rw}", f"--bs={block}",
               f"--iodepth={depth}", f"--size={files.octets}")


def library(files, seconds, *words, members=2):
    done = subprocess.run(
        [BIN / "shadow_load", *files.members[:members], "--witness", os.path.join(files.root, "witness"),
         "--seconds", str(seconds), *map(str, words)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=True, timeout=600, text=True)
    result = json.loads(done.stdout)
    result["ready_s"] = float(re.search(r"ready after ([\d.]+) s", done.stderr)[1])
    return result


def bare(files, seconds, *words, members=2):
    done = subprocess.run([BIN / "bare_load", *files.members[:members], "--seconds", str(seconds), *map(str, words)],
                          stdout=subprocess.PIPE, check=True, timeout=600, text=True)
    return json.loads(done.stdout)


def alternate(rounds, ours, peer, key):
    """Medians of both, measured in turn so that what else the machine does meets both alike."""
    pairs = [(ours()[key], peer()[key]) for _ in range(rounds)]
    return [statistics.median(side) for side in zip(*pairs)]


WRITES = (
    ("4 KiB random write, one at a time, against {} (us)", "median_us", ("--depth", 1), ("randwrite", "4k", 1),
     {"at_least": 1 / 1.25, "smaller": True}),
    ("4 KiB random writes, 32 at a time, against {} (/s)", "iops", ("--depth", 32), ("randwrite", "4k", 32),
     {"at_least": 0.85}),
    ("1 MiB sequential writes, against {} (MiB/s)", "mib_s", ("--depth", 8, "--octets", MIB, "--sequential"),
     ("write", "1m", 8), {"at_least": 0.9}),
)


def writes(table, files, seconds, rounds):
    for what, key, words, of_fio, bar in WRITES:
        both = alternate(rounds, lambda: library(files, seconds, *words), lambda: bare(files, seconds, *words), key)
        table.add(Row(what.format("both files at once"), *both, **bar))
        one = raw(files, seconds, *of_fio)[key]
        table.add(Row(what.format("one raw file"), both[0], one, smaller=bar.get("smaller", False)))
    single = alternate(rounds, lambda: library(files, seconds, "--depth", 32),
                       lambda: library(files, seconds, "--depth", 32, members=1), "iops")
    table.add(Row("4 KiB random writes, 32 at a time, against a set of one member (/s)", *single, at_least=0.5))


def reads(table, files, seconds, rounds):
    two = alternate(rounds, lambda: library(files, seconds, "--depth", 32, "--read"),
                    lambda: library(files, seconds, "--depth", 32, "--read", members=1), "iops")
    table.add(Row("4 KiB random reads of two members, 32 at a time, against one (/s)", *two, at_least=1.6))
    two = alternate(rounds, lambda: bare(files, seconds, "--depth", 32, "--read"),
                    lambda: bare(files, seconds, "--depth", 32, "--read", members=1), "iops")
    table.add(Row("what the disks give: two files against one, bare (/s)", *two))


def processor(table, files, seconds, _):
    for what, *words in (("read", "--read"), ("write to two members",)):
        ours = library(files, seconds, "--depth", 32, *words)["cpu_us"]
        table.add(Row(f"processor of a 4 KiB {what}, kernel included (us)", ours, 8, at_most=8))
        peer = bare(files, seconds, "--depth", 32, *words)["cpu_us"]
        table.add(Row("the same against bare io_uring (us)", ours, peer, smaller=True))


def overwrite(path):
    subprocess.run(["shred", "-n", "1", path], check=True)


def read_and_write(files, seconds):
    """The slower of the two: what a copy could do that looked at nothing."""
    common = ["--direct=1", "--ioengine=io_uring", "--bs=1m", "--iodepth=4", f"--size={files.octets}", "--time_based",
              f"--runtime={seconds}"]
    jobs = [["--name=source", "--rw=read", f"--filename={files.members[0]}", *common],
            ["--name=target", "--rw=write", f"--filename={files.members[1]}", *common]]
    done = subprocess.run(["fio", "--output-format=json", *jobs[0], *jobs[1]], stdout=subprocess.PIPE, check=True,
                          timeout=600, cwd="/")
    source, target = json.loads(done.stdout)["jobs"]
    return {"mib_s": min(source["read"]["bw_bytes"], target["write"]["bw_bytes"]) / MIB}


def copies(table, files, seconds, rounds):
    """A disk that is equal already is read beside its source; it is the speed of both at once that bounds it."""
    ours = statistics.median(
        files.octets / MIB / library(files, 0.1)["ready_s"] for _ in range(rounds))
    words = ("--depth", 8, "--octets", 256 * 1024, "--sequential", "--read", "--both")
    table.add(Row("copy of a disk that is equal already, against reading both files (MiB/s)", ours,
                  bare(files, seconds, *words)["mib_s"], at_least=0.9))
    table.add(Row("the same against reading one (MiB/s)", ours, raw(files, seconds, "read", "1m", 8)["mib_s"]))

    def other():
        overwrite(files.members[1])
        return {"mib_s": files.octets / MIB / library(files, 0.1)["ready_s"]}

    both = alternate(rounds, other, lambda: read_and_write(files, seconds), "mib_s")
    table.add(Row("copy of a disk that has other data, against reading one while the other is written (MiB/s)", *both,
                  at_least=0.8))


def under_copy(table, files, seconds, rounds):
    """Of a disk that has something else everywhere, so that the copy reads, writes and reads it again."""
    words = ("--depth", 32)

    def copying():
        overwrite(files.members[1])
        return library(files, seconds, *words, "--under-copy")

    both = alternate(rounds, copying, lambda: library(files, seconds, *words), "iops")
    table.add(Row("4 KiB random writes, 32 at a time, while a disk is copied, against without (/s)", *both,
                  at_least=0.7))


@contextlib.contextmanager
def btrfs(folder, octets):
    """A file of a btrfs raid1 on two loop devices."""
    with contextlib.ExitStack() as undo:
        loops = []
        for number in range(2):
            backing = os.path.join(folder, f"btrfs{number}")
            with open(backing, "wb") as file:
                os.posix_fallocate(file.fileno(), 0, octets)
            undo.callback(os.remove, backing)
            loops.append(subprocess.check_output(
                ["losetup", "--find", "--show", "--direct-io=on", backing], text=True).strip())
            undo.callback(subprocess.run, ["losetup", "--detach", loops[-1]], check=True)
        subprocess.run(["mkfs.btrfs", "--quiet", "--data", "raid1", "--metadata", "raid1", *loops],
                       check=True, stderr=subprocess.DEVNULL)
        place = os.path.join(folder, "btrfs")
        os.mkdir(place)
        undo.callback(os.rmdir, place)
        subprocess.run(["mount", "-t", "btrfs", "-o", f"device={loops[1]}", loops[0], place], check=True)
        undo.callback(subprocess.run, ["umount", place], check=True)
        file = os.path.join(place, "file")
        subprocess.run(["dd", "if=/dev/zero", f"of={file}", "bs=1M", "count=256", "conv=fsync", "status=none"],
                       check=True)
        yield file


def synchronous(table, files, seconds, rounds):
    """One at a time, each on both disks for good before the next."""
    if os.geteuid() != 0 or not shutil.which("mkfs.btrfs"):
        table.note("btrfs", "needs root and btrfs-progs: not measured")
        return
    with btrfs(files.folders[0], files.octets) as file:
        both = alternate(rounds, lambda: library(files, seconds, "--fua"), lambda: fio(
            seconds, f"--filename={file}", "--ioengine=psync", "--sync=1", "--rw=randwrite", "--bs=4k",
            "--size=256m"), "iops")
    table.add(Row("4 KiB synchronous random writes, one at a time, against btrfs raid1 (/s)", *both, at_least=2))


def restart(table, files, *_):
    """Every region that the write-intent log can hold (1,008 of 4 MiB) is hot when its opener dies."""
    disks = [os.path.join(files.folders[i % len(files.folders)], f"large{i}") for i in range(2)]
    command = [BIN / "shadow_load", *disks, "--witness", os.path.join(files.root, "large-witness")]
    try:
        for disk in disks:
            with open(disk, "wb") as file:
                file.truncate(64 * GIB)
        hot = [*command, "--sequential", "--step", 4 * MIB, "--within", 1008 * 4 * MIB, "--depth", 32, "--seconds", 4]
        died = subprocess.run([str(word) for word in [*hot, "--crash"]], check=False, stderr=subprocess.DEVNULL)
        if died.returncode != -signal.SIGKILL:
            raise RuntimeError(f"the opener did not die as told: {died.returncode}")
        again = subprocess.run([*command, "--again", "--seconds", "0.1"], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, check=True, text=True, timeout=600)
        ours = float(re.search(r"ready after ([\d.]+) s", again.stderr)[1])
    finally:
        for disk in disks:
            os.remove(disk)
    table.add(Row("restart of a set of 64 GiB with 4 GiB hot, until it is reconciled (s)", ours, 5, at_most=5))


def over_nbd(uri, seconds):
    return fio(seconds, "--ioengine=nbd", f"--uri={uri}", "--rw=randwrite", "--bs=4k", "--iodepth=32", "--size=256m")


def wait_for(path):
    until = time.monotonic() + 60
    while not os.path.exists(path):
        if time.monotonic() > until:
            raise RuntimeError(f"{path}: nobody listens")
        time.sleep(0.05)


def ours_over_nbd(files, seconds):
    ctl = [BIN / "clusterctl", "--root", files.root, "--yes", "shadow"]
    subprocess.run([*ctl, "create", "DSA1", *files.members, "--force"], check=True, stdout=subprocess.DEVNULL)
    daemon = subprocess.Popen([BIN / "shadowd", "--root", files.root], stderr=subprocess.DEVNULL)
    try:
        wait_for(os.path.join(files.root, "run/quorate/shadowd.sock"))
        subprocess.run([*ctl, "mount", "DSA1", *files.members], check=True, stdout=subprocess.DEVNULL)
        socket = os.path.join(files.root, "run/quorate/shadow/DSA1.sock")
        wait_for(socket)
        show = [BIN / "clusterctl", "--root", files.root, "--json", "shadow", "show", "DSA1"]
        while {one["role"] for one in json.loads(subprocess.check_output(show))["members"]} != {"FULL"}:
            time.sleep(0.1)
        return over_nbd(f"nbd+unix:///?socket={socket}", seconds)
    finally:
        subprocess.run([*ctl, "dismount", "DSA1"], check=False)
        daemon.terminate()
        daemon.wait()


def qemu_over_nbd(files, seconds):
    socket = os.path.join(files.folders[0], "qemu.sock")
    nodes = [f"driver=file,node-name=f{i},filename={path},cache.direct=on,aio=io_uring"
             for i, path in enumerate(files.members)]
    quorum = "driver=quorum,node-name=q,vote-threshold=2," + ",".join(f"children.{i}=f{i}" for i in range(2))
    command = ["qemu-storage-daemon"]
    for node in [*nodes, quorum]:
        command += ["--blockdev", node]
    command += ["--nbd-server", f"addr.type=unix,addr.path={socket}", "--export",
                "type=nbd,id=e,node-name=q,name=,writable=on"]
    daemon = subprocess.Popen(command)
    try:
        wait_for(socket)
        return over_nbd(f"nbd+unix:///?socket={socket}", seconds)
    finally:
        daemon.terminate()
        daemon.wait()


def nbd(table, files, seconds, rounds):
    if not shutil.which("qemu-storage-daemon"):
        table.note("QEMU", "qemu-storage-daemon is not installed: not measured")
        return
    both = alternate(rounds, lambda: ours_over_nbd(files, seconds), lambda: qemu_over_nbd(files, seconds), "iops")
    table.add(Row("4 KiB random writes over NBD, 32 at a time, against QEMU's quorum (/s)", *both, at_least=1.5))


PARTS = {"writes": writes, "reads": reads, "processor": processor, "copies": copies,
         "under_copy": under_copy, "synchronous": synchronous, "restart": restart, "nbd": nbd}


def main():
    parser = argparse.ArgumentParser(prog="bench/run shadow", description=__doc__.split(":", 1)[1])
    parser.add_argument("--quick", action="store_true", help="one short round; rough figures")
    parser.add_argument("--json", action="store_true", help="one JSON object in place of the table")
    parser.add_argument("--folder", action="append", help="where the members are (twice: one each)")
    parser.add_argument("--only", choices=PARTS, action="append", help="this part (several times: these)")
    options = parser.parse_args()
    seconds, rounds = (2, 1) if options.quick else (4, 3)
    table = Table()
    table.note("machine", f"{os.cpu_count()} CPUs, Linux {platform.release()}")
    table.note("load", " ".join(f"{one:.1f}" for one in os.getloadavg()))
    files = Files(options.folder or [None], 512 * MIB)
    try:
        for name in options.only or PARTS:
            progress(name)
            PARTS[name](table, files, seconds, rounds)
    finally:
        files.remove()
    print(json.dumps(table.as_json()) if options.json else table.as_text())
    return 0 if table.holds() else 1


if __name__ == "__main__":
    sys.exit(main())
