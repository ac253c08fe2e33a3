"""How long something took, beside what was promised. A machine that has no time for the processes that work for it
makes no false alarm: how long they waited for a processor is known, and is added, up to a limit."""

import contextlib
import time

# Added at most, in seconds.
MOST = 3.0
PROGRAMS = ("corosync", "quorumd")


def now():
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def waits(nodes):
    """Seconds that the first thread of each of these programs, which decides, has waited for a processor so far."""
    found = {}
    for pid in [pid for node in nodes if node.alive for program in PROGRAMS for pid in node.pids(program)]:
        with contextlib.suppress(OSError), open(f"/proc/{pid}/schedstat", encoding="ascii") as file:
            found[pid] = int(file.read().split()[1]) / 1e9
    return found


class Promise:
    def __init__(self, case):
        self.case = case
        self.before = waits(case.lab.nodes)
        self.since = now()

    def kept(self, what, took, promised):
        after = waits(self.case.lab.nodes)
        waited = sum(time - self.before.get(pid, 0.0) for pid, time in after.items())
        limit = promised + min(waited, MOST)
        print(f"{what}: {took:.2f} s, {promised:.0f} s are promised; waited {waited:.2f} s for a processor", flush=True)
        self.case.assertLess(took, limit, what)
