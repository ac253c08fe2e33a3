"""bench/run mail [--quick] [--json] [--only WORD] [--directory DIR]: maild beside Debian's Postfix and Dovecot.

Both are started here, on loopback and on the same file system, one after the other, with durable settings. The load
comes from mail_load, the same for both. Exit status 0: every bar holds.
"""

import argparse
import json
import os
import pathlib
import platform
import signal
import statistics
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "tests/support"), str(HERE / "support")]

import sides  # noqa: E402
from loopback import Scratch  # noqa: E402
from peers import Missing  # noqa: E402
from table import Row, Table, progress  # noqa: E402

KIB = 1024
COMMANDS = {
    "FETCH 1:* (FLAGS)": "ms",
    "FETCH 1:* (ENVELOPE)": "ms",
    "SEARCH UNSEEN": "ms",
}


def flush_microseconds(directory, rounds=200):
    """The median time of writing 4 KiB at the end of a file and flushing it: what bounds every durable delivery."""
    times = []
    with open(pathlib.Path(directory) / "flush", "wb", buffering=0) as file:
        for _ in range(rounds):
            start = time.perf_counter()
            file.write(b"x" * 4096)
            os.fdatasync(file.fileno())
            times.append(time.perf_counter() - start)
    return 1e6 * statistics.median(times)


def measure(directory, side, name, work):
    """Runs `work(server)` on a fresh server of one side, alone on the machine."""
    folder = pathlib.Path(directory) / f"{side.name}-{name}"
    folder.mkdir()
    progress(f"{side.name}: {name}")
    with side(folder) as server:
        return work(server)


def deliveries(directory, table, options):
    for size in (4 * KIB, 50 * KIB):
        what = f"accept and deliver {size // KIB} KiB, 20 sessions (messages/s)"
        rates = {}
        for side, messages in ((sides.Peer, 2000), (sides.Ours, 20000)):
            messages = messages // 4 if options.quick else messages
            rounds = 1 if options.quick else 3

            def rate(server, messages=messages, rounds=rounds):
                server.deliver(size, messages // 10)
                return statistics.median(server.deliver(size, messages) for _ in range(rounds))

            rates[side] = measure(directory, side, f"deliver-{size // KIB}", rate)
        table.add(Row(what, rates[sides.Ours], rates[sides.Peer], at_least=8))


def imap_figures(server, messages):
    server.fill(messages)
    figures = server.time(list(COMMANDS), before=["SELECT INBOX"], repeat=7)
    figures["SELECT warm"] = server.time(["SELECT INBOX"], between="UNSELECT", repeat=21)["SELECT INBOX"]
    figures["SELECT cold"] = statistics.median(server.cold_select() for _ in range(3))
    return figures


def imap(directory, table, options):
    messages = 10_000 if options.quick else 100_000
    both = {
        side: measure(directory, side, "imap", lambda server: imap_figures(server, messages))
        for side in (sides.Peer, sides.Ours)
    }
    ours, peer = both[sides.Ours], both[sides.Peer]
    for name, limit in (("SELECT warm", 1.0), ("SELECT cold", 15.0)):
        table.add(Row(f"{name}, {messages:,} messages (ms)", ours[name], peer[name], at_most=limit))
    for name in COMMANDS:
        table.add(Row(f"{name}, {messages:,} messages (ms)", ours[name], peer[name], at_least=2, smaller=True))


def memory(directory, table, options):
    for tls, limit in ((False, 32), (True, 64)):
        what = "TLS" if tls else "plain"
        counts = {sides.Peer: 200, sides.Ours: 1000 if options.quick else 5000}
        used = {
            side: measure(directory, side, f"idle-{what}", lambda server, n=count: server.idle_kib(n, tls))
            for side, count in counts.items()
        }
        title = f"idle session, {what}, {counts[sides.Ours]:,} at once (KiB)"
        table.add(Row(title, used[sides.Ours], used[sides.Peer], at_most=limit))


PARTS = {"deliver": deliveries, "imap": imap, "memory": memory}


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    parser = argparse.ArgumentParser(prog="bench/run mail", description=__doc__.split(":", 1)[1])
    parser.add_argument("--quick", action="store_true", help="a tenth of the work; rough figures")
    parser.add_argument("--json", action="store_true", help="one JSON object in place of the table")
    parser.add_argument("--only", choices=PARTS, action="append", help="this part (several times: these)")
    parser.add_argument("--directory", help="where the servers keep their data (default: the temporary directory)")
    options = parser.parse_args()
    if options.directory:
        os.environ["TMPDIR"] = options.directory
    table = Table()
    with Scratch("bench") as directory:
        table.note("machine", f"{os.cpu_count()} CPUs, Linux {platform.release()}")
        table.note("write and flush of 4 KiB (us)", round(flush_microseconds(directory)))
        for name in options.only or PARTS:
            PARTS[name](directory, table, options)
    print(json.dumps(table.as_json()) if options.json else table.as_text())
    return 0 if table.holds() else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Missing as missing:
        sys.exit(f"bench/run mail: {missing}")
