"""bench/run interconnect [--quick] [--json] [--only WORD]: clusterd's interconnect beside bare Asio over the same path.

Nodes are namespaces of this machine, joined by veth pairs and a bridge, with real Corosync. Needs root. Exit status 0:
every bar holds.
"""

import argparse
import concurrent.futures
import contextlib
import datetime
import json
import os
import pathlib
import platform
import re
import signal
import statistics
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "tests/support"), str(HERE / "support")]

from lab import Lab, LabError, clusterd, corosync  # noqa: E402
from loopback import self_signed  # noqa: E402
from table import Row, Table, progress  # noqa: E402

SMALL, LARGE = 100, 64 * 1024
AT_ONCE = 16
PORT = 7900
MEMBERS = re.compile(r"^(\w+ +\d+ [\d:.]+) .*\[QUORUM\] Members\[(\d+)\]", re.M)


@contextlib.contextmanager
def cluster(nodes, **settings):
    """A laboratory whose nodes are in one view."""
    with Lab(nodes) as lab:
        lab.start_corosync()
        clusterd.configure(lab, **settings)
        for node in lab.nodes:
            clusterd.start(node)
        clusterd.wait_cluster(lab.nodes)
        yield lab


# ---- the peer

def echo_peer():
    return str(pathlib.Path(os.environ["QUORATE_BIN"]) / "echo_peer")


@contextlib.contextmanager
def echo_server(node, *arguments):
    address = f"{node.address(0)}:{PORT}"
    command = node.command([echo_peer(), "--address", address, "serve", *map(str, arguments)])
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        if server.stdout.readline() != b"ready\n":
            raise RuntimeError("echo_peer does not serve")
        yield address
        server.stdin.close()


def ask(node, address, *arguments):
    return json.loads(node.run(echo_peer(), "--address", address, "ask", *map(str, arguments), timeout=300))


# ---- ours

def ping(node, to, size, count, at_once=1):
    body = {"count": count, "bytes": size, "at_once": at_once}
    return clusterd.ask(node, "POST", f"/v1/nodes/{to.name}/ping", body, timeout=300)["round_trips_us"]


def pings_together(node, to, size, count):
    """Octets per second one way, `AT_ONCE` messages under way."""
    start = time.monotonic()
    done = ping(node, to, size, count, AT_ONCE)
    return size * len(done) / (time.monotonic() - start)


# ---- figures

def round_trip(table, options):
    """As clusterd comes, which looks for the answer before it sleeps; and sleeping at once, as the peer does."""
    for name, settings in (("", {}), (", both asleep while they wait (busy_poll_us = 0)", {"busy_poll_us": 0})):
        add_round_trip(table, options, name, settings)


def add_round_trip(table, options, name, settings):
    count, rounds = (1000, 1) if options.quick else (10_000, 5)
    ours, peer = [], []
    with cluster(2, **settings) as lab:
        here, there = lab.nodes
        with echo_server(there) as address:
            for _ in range(rounds):
                peer.append(ask(here, address, "--bytes", SMALL, "--count", count)["median_us"])
                ours.append(statistics.median(ping(here, there, SMALL, count)))
    table.add(Row(f"round trip of {SMALL} octets, TLS against bare TCP (us){name}", statistics.median(ours),
                  statistics.median(peer), at_least=1 / 1.5, smaller=True))


def throughput(table, options):
    count, rounds = (800, 1) if options.quick else (8000, 5)
    ours, peer = [], []
    with cluster(2) as lab:
        here, there = lab.nodes
        certificate, key = self_signed(lab.folder)
        with echo_server(there, "--certificate", certificate, "--key", key) as address:
            for _ in range(rounds):
                peer.append(ask(here, address, "--tls", "--bytes", LARGE, "--count", count,
                                "--at-once", AT_ONCE)["bytes_per_second"])
                ours.append(pings_together(here, there, LARGE, count))
    table.add(Row(f"messages of {LARGE // 1024} KiB there and back, against bare TLS (MB/s each way)",
                  statistics.median(ours) / 1e6, statistics.median(peer) / 1e6, at_least=0.6))


def when_seen(node, members, end):
    """When clusterd first told of a view of so many members."""
    while time.time() < end:
        status = clusterd.ask(node, "GET", "/v1/status", timeout=5)
        if status["members"] == members and status["quorate"] and status["state"] == "running":
            return time.time()
        time.sleep(0.001)
    raise TimeoutError(f"{node.name}: no view of {members} members")


def when_detected(node, members, after):
    """When Corosync of the node first logged a membership of so many nodes."""
    for text, count in MEMBERS.findall(node.log_text("corosync")):
        year = datetime.datetime.fromtimestamp(after).year
        when = datetime.datetime.strptime(f"{year} {text}", "%Y %b %d %H:%M:%S.%f").timestamp()
        if int(count) == members and when > after:
            return when
    raise RuntimeError(f"{node.name}: Corosync did not log the new membership")


def lose_one(lab):
    """(Corosync's detection, what clusterd adds to it) in ms, until the last survivor has it."""
    *survivors, lost = lab.nodes
    killed = time.time()
    lost.kill()
    with concurrent.futures.ThreadPoolExecutor(len(survivors)) as threads:
        seen = list(threads.map(lambda node: when_seen(node, len(survivors), killed + 30), survivors))
    detected = max(when_detected(node, len(survivors), killed) for node in survivors)
    lost.power_on()
    corosync.start(lost)
    clusterd.start(lost)
    clusterd.wait_cluster(lab.nodes)
    return 1000 * (detected - killed), 1000 * (max(seen) - detected)


def detection(table, options):
    with cluster(3) as lab:
        times = [lose_one(lab) for _ in range(2 if options.quick else 7)]
    detected, added = zip(*times)
    table.note("clusterd after Corosync, all rounds (ms)", " ".join(f"{one:.0f}" for one in added))
    table.add(Row("after kill -9 of a node: what the new view adds to Corosync's detection, median (ms)",
                  statistics.median(added), statistics.median(detected), at_most=100))
    table.add(Row("the same, the slowest survivor of all rounds (ms)", max(added), max(detected), at_most=100))


PARTS = {"round-trip": round_trip, "throughput": throughput, "detection": detection}


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    parser = argparse.ArgumentParser(prog="bench/run interconnect", description=__doc__.split(":", 1)[1])
    parser.add_argument("--quick", action="store_true", help="a tenth of the work; rough figures")
    parser.add_argument("--json", action="store_true", help="one JSON object in place of the table")
    parser.add_argument("--only", choices=PARTS, action="append", help="this part (several times: these)")
    options = parser.parse_args()
    table = Table()
    table.note("machine", f"{os.cpu_count()} CPUs, Linux {platform.release()}")
    for name in options.only or PARTS:
        progress(name)
        PARTS[name](table, options)
    print(json.dumps(table.as_json()) if options.json else table.as_text())
    return 0 if table.holds() else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except LabError as error:
        sys.exit(f"bench/run interconnect: {error}")
