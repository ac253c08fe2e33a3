"""bench/run lock [--quick] [--json] [--only WORD]: lock clients beside the bare socket, Redis and the interconnect.

Local figures need clusterd alone; `remote` needs the laboratory, and root. A peer that is not installed is left out,
with a note. Exit status 0: every bar holds.
"""

import argparse
import contextlib
import json
import os
import pathlib
import platform
import shutil
import statistics
import subprocess
import sys
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "tests/support"), str(HERE / "support"), str(HERE.parent / "tests/drill/lockmgr")]

from lab import Lab, LabError, clusterd  # noqa: E402
from loopback import Child, Scratch, free_ports, listens, wait_until  # noqa: E402
from table import Row, Table, progress  # noqa: E402

SOLO = '[cluster]\nmembership = "solo"\nnode = "one"\n'
LOCK = "run/quorate/lock.sock"
# Who waits no longer waits for a step of the machine, or for its turn of the processor, not for a recovery. In the
# laboratory two clusterds that recover and five clients share the processors.
NO_WAIT_MS = 5
NO_WAIT_SHARED_MS = 20


def load_program():
    return str(pathlib.Path(os.environ["QUORATE_BIN"]) / "lock_load")


def load(path, *words, node=None):
    command = [load_program(), "--socket", str(path), *map(str, words)]
    if node:
        command = node.command(command)
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=600)
    return json.loads(done.stdout)


@contextlib.contextmanager
def serving(path, *words, node=None):
    """A lock_load that runs beside."""
    command = [load_program(), "--socket", str(path), *map(str, words)]
    with subprocess.Popen(node.command(command) if node else command, stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as process:
        if process.stdout.readline() != b"ready\n":
            raise RuntimeError("lock_load does not serve")
        yield process
        process.stdin.close()
        process.terminate()


@contextlib.contextmanager
def alone():
    """clusterd alone; the path of its lock socket, and its pid."""
    with Scratch("lockbench") as scratch:
        root = scratch
        config = root / "etc/quorate/quorate.toml"
        config.parent.mkdir(parents=True)
        config.write_text(SOLO)
        program = pathlib.Path(os.environ["QUORATE_BIN"]) / "clusterd"
        child = Child([program, "--root", root], root / "clusterd.log")
        try:
            wait_until((root / LOCK).exists, "clusterd")
            yield root / LOCK
        finally:
            child.stop()


# ---- the machine alone

def engine(*words):
    command = [str(pathlib.Path(os.environ["QUORATE_BIN"]) / "lock_engine"), *map(str, words)]
    return json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=600).stdout)


def machine(table, options):
    count = 100_000 if options.quick else 1_000_000
    pair = engine("pairs", "--count", count)["pair_ns"] / 1000
    table.add(Row("lock and release by the machine alone (us of one processor), against what is asked for", pair, 1,
                  at_least=1, smaller=True))
    held = engine("memory", "--count", count)["bytes_per_lock"]
    table.add(Row(f"{count:,} locks held, a resource each (octets for one), against what is asked for", held, 300,
                  at_least=1, smaller=True))


def recovery(table, options):
    count = 100_000 if options.quick else 1_000_000
    found = engine("recovery", "--count", count)
    table.note("recovery: wait in trees of the others (median ms, 99 of 100 ms), longest step (ms)",
               " ".join(f"{found[f'{name}_ms']:.3g}" for name in ("untouched_median", "untouched_p99", "longest_step")))
    what = f"one of three nodes lost, {count:,} locks: until its trees are usable (ms), against what is asked for"
    table.add(Row(what, found["touched_ms"], 300, at_least=1, smaller=True))
    table.add(Row("meanwhile the longest wait in trees of the others (ms), beside that of its own",
                  found["untouched_ms"], found["touched_ms"], at_most=NO_WAIT_MS))


# ---- on one node

def round_trip(table, options):
    count, rounds = (5000, 1) if options.quick else (20_000, 5)
    ours, bare = [], []
    with alone() as path:
        echo = path.parent / "echo.sock"
        with serving(echo, "serve"):
            for _ in range(rounds):
                bare.append(load(echo, "echo", "--count", count)["median_us"])
                ours.append(load(path, "lock", "--count", count)["median_us"])
    table.add(Row("a lock by a client of the node, against the bare socket's round trip (us)", statistics.median(ours),
                  statistics.median(bare), at_least=1 / 1.3, smaller=True))


def pairs_together(path, clients, seconds, at_once=128):
    command = [load_program(), "--socket", str(path), "pairs", "--seconds", str(seconds), "--at-once", str(at_once)]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(clients)]
    return sum(json.loads(one.communicate()[0])["pairs_per_second"] for one in running)


def redis_pairs(clients, seconds):
    """SET NX and DEL, as many under way as ours: by one thread of Redis, asked by its own benchmark's client."""
    port = free_ports(1)[0]
    command = ["redis-server", "--port", str(port), "--save", "", "--appendonly", "no"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as server:
        try:
            wait_until(lambda: listens(port), "redis")
            rates = []
            for verb in (["set", "k", "v", "nx"], ["del", "k"]):
                count = int(300_000 * seconds)
                command = ["redis-benchmark", "-p", str(port), "-n", str(count), "-c", str(clients), "-P", "128",
                           "--csv"]
                done = subprocess.run(command + verb, stdout=subprocess.PIPE, check=True, text=True, timeout=600)
                rates.append(float(done.stdout.splitlines()[-1].split(",")[1].strip('"')))
            return 1 / sum(1 / rate for rate in rates)
        finally:
            server.terminate()


def pairs(table, options):
    seconds, rounds = (1, 1) if options.quick else (5, 3)
    clients = 4
    with alone() as path:
        ours = statistics.median(pairs_together(path, clients, seconds) for _ in range(rounds))
    what = f"locks and releases, pipelined by {clients} clients (pairs/s), against what is asked for"
    table.add(Row(what, ours, 500_000, at_least=1))
    if shutil.which("redis-server"):
        peer = statistics.median(redis_pairs(clients, seconds) for _ in range(rounds))
        table.add(Row("the same beside Redis: SET NX and DEL (pairs/s)", ours, peer))
    else:
        table.note("Redis", "not installed: not measured")


# ---- over two nodes

@contextlib.contextmanager
def cluster(count):
    """A laboratory whose nodes are in one view."""
    with Lab(count) as lab:
        lab.start_corosync()
        clusterd.configure(lab)
        for node in lab.nodes:
            clusterd.start(node)
        clusterd.wait_cluster(lab.nodes)
        yield lab


@contextlib.contextmanager
def relayed(here, there, port, *words):
    """The way of a remote conversion with nothing done on it: its path, for a client of `here`."""
    address = f"{there.address(0)}:{port}"
    path = os.path.join(here.root, f"relay{port}.sock")
    program = str(pathlib.Path(os.environ["QUORATE_BIN"]) / "bare_relay")
    program = [program, "--address", address, *words]
    ends = [there.command([*program, "far"]), here.command([*program, "near", "--socket", path])]
    with contextlib.ExitStack() as stack:
        for command in ends:
            process = stack.enter_context(subprocess.Popen(command, stdout=subprocess.PIPE))
            stack.callback(process.terminate)
            if process.stdout.readline() != b"ready\n":
                raise RuntimeError("bare_relay does not serve")
        yield path


def remote(table, options):
    count, rounds = (500, 1) if options.quick else (5000, 3)
    ours, local, bare, way = [], [], [], []
    convert = ["convert", "--count", count]
    with cluster(2) as lab:
        here, there = lab.nodes
        for turn in range(rounds):
            local.append(load(os.path.join(here.root, LOCK), *convert, "--name", f"local{turn}/")["median_us"])
            # Known and mastered there, since it was the first to ask.
            name = f"round{turn}/"
            with serving(os.path.join(there.root, LOCK), "hold", "--count", count, "--name", name):
                ours.append(load(os.path.join(here.root, LOCK), *convert, "--name", name)["median_us"])
            body = {"count": count, "bytes": 100}
            bare.append(statistics.median(
                clusterd.ask(here, "POST", f"/v1/nodes/{there.name}/ping", body, timeout=300)["round_trips_us"]))
        with relayed(here, there, 7391) as path:
            plain = [load(path, "echo", "--count", count)["median_us"] for _ in range(rounds)]
        with relayed(here, there, 7392, "--tls", "--nice=-15") as path:
            for _ in range(rounds):
                way.append(load(path, "echo", "--count", count)["median_us"])
    table.note("the interconnect's round trip between two clusterds (us)", f"{statistics.median(bare):.1f}")
    table.note("the way of a conversion with nothing done on it, without TLS and precedence (us)",
               f"{statistics.median(plain):.1f}")
    table.add(Row("a client's conversion at another node's master, against the same way with nothing done on it (us)",
                  statistics.median(ours), statistics.median(way), at_least=1 / 1.5, smaller=True))
    table.add(Row("what the other node adds to it, against the interconnect's round trip (us)",
                  statistics.median(ours) - statistics.median(local), statistics.median(bare), at_least=1 / 1.5,
                  smaller=True))


# ---- a node is lost

class Events(threading.Thread):
    """When clusterd of a node tells of its events: (Unix time in ms, kind)."""

    def __init__(self, node):
        super().__init__(daemon=True)
        self.seen = []
        command = ["curl", "-sN", "--unix-socket", os.path.join(node.root, clusterd.SOCKET), "http://node/v1/events"]
        self.curl = subprocess.Popen(command, stdout=subprocess.PIPE)

    def run(self):
        for line in self.curl.stdout:
            if line.strip():
                self.seen.append((1000 * time.time(), json.loads(line)["kind"]))

    def last(self, kind):
        return max((when for when, one in self.seen if one == kind), default=None)

    def close(self):
        self.curl.terminate()
        self.curl.wait()


def lose_one(lab, path, stack, each):
    """In ms: from the new view until the lost node's trees were usable; from there to the word that the lost node can
    do no harm any more, if that came later; the longest waits in the others' trees."""
    here, other, lost = lab.nodes
    for first in lab.nodes:
        for node in [first, *(node for node in lab.nodes if node is not first)]:
            stack.enter_context(serving(path(node), "hold", "--count", each, "--name", f"{first.name}/", node=node))
    probes = [stack.enter_context(serving(path(here), "probe", "--count", each, "--name", f"{first.name}/"))
              for first in (lost, here, other)]
    events = stack.enter_context(contextlib.closing(Events(here)))
    events.start()
    time.sleep(1)
    lost.kill()
    wait_until(lambda: events.last("takeover_allowed"), "takeover", seconds=120)
    time.sleep(3)
    reports = []
    for probe in probes:
        probe.stdin.close()
        reports.append(json.loads(probe.stdout.readline()))
    view = events.last("view")
    harmless = max(events.last("takeover_allowed") - view, 0)
    return (reports[0]["last_waiter_done_unix_ms"] - view, harmless, *(report["longest_ms"] for report in reports[1:]))


def lost_node(table, options):
    each = 2_000 if options.quick else 20_000
    with cluster(3) as lab, contextlib.ExitStack() as stack:
        touched, harmless, here, other = lose_one(lab, lambda node: os.path.join(node.root, LOCK), stack, each)
    what = f"a node of three killed, {12 * each:,} locks"
    table.note("from the view to the word that the lost node can do no harm any more (ms)", f"{harmless:.1f}")
    table.add(Row(f"{what}: until its trees are usable, from the view (ms), against what is asked for", touched, 300,
                  at_least=1, smaller=True))
    table.note("the same from that word (ms)", f"{touched - harmless:.1f}")
    for tree, longest in (("here", here), ("at the other node", other)):
        table.add(Row(f"{what}: the longest wait in trees mastered {tree} (ms)", longest, touched,
                      at_most=NO_WAIT_SHARED_MS))


# ---- etcd, in the same laboratory

@contextlib.contextmanager
def etcd(lab):
    """A member on each node; the address at which the first one serves clients."""
    peers = ",".join(f"{node.name}=http://{node.address(0)}:2380" for node in lab.nodes)
    servers = []
    try:
        for node in lab.nodes:
            client, peer = (f"http://{node.address(0)}:{port}" for port in (2379, 2380))
            words = ["etcd", "--name", node.name, "--data-dir", os.path.join(node.root, "etcd"),
                     "--listen-client-urls", client, "--advertise-client-urls", client, "--listen-peer-urls", peer,
                     "--initial-advertise-peer-urls", peer, "--initial-cluster", peers, "--log-level", "error"]
            servers.append(subprocess.Popen(node.command(words), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        address = f"{lab.nodes[0].address(0)}:2379"
        check = ["etcdctl", "--endpoints", address, "--command-timeout=2s", "put", "here", "yes"]
        wait_until(lambda: subprocess.run(lab.nodes[0].command(check), stdout=subprocess.DEVNULL, check=False,
                                          stderr=subprocess.DEVNULL, env=os.environ | {"ETCDCTL_API": "3"}
                                          ).returncode == 0, "etcd")
        yield address
    finally:
        for server in servers:
            server.terminate()
            server.wait()


def etcd_load(node, address, *words):
    command = [sys.executable, str(HERE / "support/etcd_load.py"), address, *map(str, words)]
    done = subprocess.run(node.command(command), stdout=subprocess.PIPE, check=True, timeout=600)
    return json.loads(done.stdout)


def beside_etcd(table, options):
    """One after the other, and 64 under way: ours by four clients with 16 each."""
    if not shutil.which("etcd") or not shutil.which("etcdctl"):
        table.note("etcd", "not installed: not measured")
        return
    count, seconds = (100, 1) if options.quick else (500, 5)
    with cluster(3) as lab:
        here = lab.nodes[0]
        path = os.path.join(here.root, LOCK)
        ours_once = load(path, "lock", "--count", 10 * count, node=here)["median_us"]
        ours_many = pairs_together(path, 4, seconds, 16)
        with etcd(lab) as address:
            once = {api: etcd_load(here, address, api, "once", count)["median_us"] for api in ("lock", "transaction")}
            many = {api: etcd_load(here, address, api, "many", 10 * count)["pairs_per_second"]
                    for api in ("lock", "transaction")}
    table.note("etcd's lock service and its transactions: one lock (us), pairs/s",
               " ".join(f"{one:,.0f}" for one in [*once.values(), *many.values()]))
    table.add(Row("one lock, three nodes, against etcd (us)", ours_once, min(once.values()), at_least=10, smaller=True))
    table.add(Row("locks and releases, three nodes, 64 under way, against etcd (pairs/s)", ours_many,
                  max(many.values()), at_least=20))


PARTS = {"machine": machine, "recovery": recovery, "round-trip": round_trip, "pairs": pairs, "remote": remote,
         "lost-node": lost_node, "etcd": beside_etcd}


def main():
    parser = argparse.ArgumentParser(prog="bench/run lock", description=__doc__.split(":", 1)[1])
    parser.add_argument("--quick", action="store_true", help="a tenth of the work; rough figures")
    parser.add_argument("--json", action="store_true", help="one JSON object in place of the table")
    parser.add_argument("--only", choices=PARTS, action="append", help="this part (several times: these)")
    options = parser.parse_args()
    table = Table()
    table.note("machine", f"{os.cpu_count()} CPUs, Linux {platform.release()}")
    table.note("load", " ".join(f"{one:.1f}" for one in os.getloadavg()))
    for name in options.only or PARTS:
        progress(name)
        PARTS[name](table, options)
    print(json.dumps(table.as_json()) if options.json else table.as_text())
    return 0 if table.holds() else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except LabError as error:
        sys.exit(f"bench/run lock: {error}")
