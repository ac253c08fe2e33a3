"""Clients on all nodes of the laboratory take and convert locks of all modes, count and add under locks, while nodes
are killed, frozen and cut off; what they saw must be a history that locks allow (support/lock_history.py)."""

import math
import os
import pathlib
import random
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "cluster"))

from support import ClusterCase, clusterd, run, wait_for  # noqa: E402

from lock_history import (Add, Count, Hold, Read, check_counter, check_holds, check_set,  # noqa: E402
                          kept_while_converting)
from lock_wire import EX, NL, PR, VALBLK, Completion, Event, LockClient  # noqa: E402

# What a lock shorter than a lease can promise of a node that is cut off: nobody takes over before.
SAFE = 1.0


class Store:
    """What a lock protects. It knows the newest token of who has read or written, and refuses writes of older ones, as
    a careful disk does. A write takes two steps, so that a reader beside a writer sees it torn."""

    def __init__(self, content):
        self.token = 0
        self.halves = [content, content]
        self.step = threading.Lock()

    def read(self, token, half=0):
        with self.step:
            self.token = max(self.token, token)
            return self.halves[half]

    def write(self, token, half, content):
        with self.step:
            if token < self.token:
                return False
            self.token = token
            self.halves[half] = content
            return True


class Worker(threading.Thread):
    """A client that is there whenever its node's clusterd is."""

    def __init__(self, case, node, number):
        super().__init__(daemon=True)
        self.case, self.node = case, node
        self.name = f"{node.name}.{number}"
        self.dice = random.Random(f"{case.seed} {self.name}")
        self.held = {}  # by lock: Hold, until given up
        self.items = 0
        self.done = 0

    def run(self):
        while not self.case.over.is_set():
            try:
                with LockClient(os.path.join(self.node.root, "run/quorate/lock.sock"), timeout=3) as client:
                    self.client = client
                    while not self.case.over.is_set():
                        self.dice.choice([self.hold, self.hold, self.count, self.add, self.read])()
                        self.done += 1
            except (OSError, EOFError, AttributeError, Lost):
                pass  # no daemon, an answer that does not come, or it is told: its locks are gone
            finally:
                self.give_all_up()
            self.case.over.wait(0.05)

    # ---- locks

    def take(self, resource, mode, flags=0):
        number = self.client.enqueue("h", resource, mode, flags, deadline=2000)
        done = self.answer(number)
        if done.status != "granted":
            return None
        now = time.monotonic()
        self.held[number] = Hold(self.name, resource, mode, now, now, done.token, (self.name, now))
        return done

    def answer(self, number):
        def fits(one):
            if isinstance(one, Event) and one.kind in ("suspended", "revoked"):
                raise Lost
            return isinstance(one, Completion) and one.lock == number
        return self.client.wait(fits)

    def convert(self, lock, mode):
        """In the meantime it is sure of less than either mode; refused, it has the old one again."""
        before = self.held[lock]
        kept = kept_while_converting(before.mode, mode)
        if kept != before.mode:
            self.hold_in(lock, kept, before.token)
        self.client.convert(lock, mode, deadline=1000)
        done = self.answer(lock)
        if done.status == "revoked":
            raise Lost
        if done.mode != (mode if done.status == "granted" else before.mode):
            self.case.wrong.append(f"{self.name} converts {before} to {mode}: {done}")
        if done.mode != kept:
            self.hold_in(lock, done.mode, done.token)
        self.case.conversions.append((before.mode, mode, done.status))

    def hold_in(self, lock, mode, token):
        """From now on, instead of what it was held in."""
        before = self.held[lock]
        self.record(lock)
        now = time.monotonic()
        self.held[lock] = Hold(self.name, before.resource, mode, now, now, token, before.lock)

    def give_up(self, lock, flags=0, value=b""):
        self.record(lock)
        self.client.dequeue(lock, flags, value)
        return self.answer(lock).status == "unlocked"

    def record(self, lock):
        hold = self.held.pop(lock)
        hold.end = self.case.until(self.node, hold.start, time.monotonic())
        if hold.end > hold.start:
            self.case.holds.append(hold)

    def give_all_up(self):
        for lock in list(self.held):
            self.record(lock)

    def pause(self):
        time.sleep(self.dice.uniform(0, 0.01))

    # ---- work

    def hold(self):
        granted = self.take(f"any{self.dice.randint(1, 3)}", self.dice.randint(0, 5))
        if granted:
            self.pause()
            for _ in range(self.dice.randint(0, 3)):
                self.convert(granted.lock, self.dice.randint(0, 5))
                self.pause()
            self.give_up(granted.lock)

    def write(self, store, token, content):
        if not store.write(token, 0, content):
            return False
        self.pause()
        return store.write(token, 1, content)

    def count(self):
        start = time.monotonic()
        granted = self.take("counter", EX, VALBLK)
        if not granted:
            return
        before = self.case.counter.read(granted.token)
        told = granted.value.rstrip(b"\0").decode()
        if granted.value_valid and told not in ("", str(before)) and self.sure(start):
            self.case.wrong.append(f"{self.name} is told {told} as valid, and {before} were counted")
        written = self.write(self.case.counter, granted.token, before + 1)
        self.case.counts.append(Count(self.name, start, time.monotonic(), before, written))
        self.give_up(granted.lock, VALBLK if written else 0, str(before + 1).encode())

    def add(self):
        self.items += 1
        item = f"{self.name}.{self.items}"
        one = Add(self.name, time.monotonic(), 0, item, acknowledged=False)
        granted = self.take("set", EX, VALBLK)
        if not granted:
            return
        self.case.adds.append(one)
        items = self.case.set.read(granted.token) | {item}  # torn if a writer was lost: half 0 is written first
        written = self.write(self.case.set, granted.token, items)
        one.end, one.acknowledged = time.monotonic(), written
        self.give_up(granted.lock, VALBLK if written else 0, b"whole")

    def read(self):
        start = time.monotonic()
        granted = self.take("set", PR, VALBLK)
        if not granted:
            return
        first = self.case.set.read(granted.token, half=1)
        self.pause()
        second = self.case.set.read(granted.token, half=0)
        end = time.monotonic()
        if self.sure(start) and granted.value_valid:
            if first != second:
                self.case.wrong.append(f"{self.name} reads {sorted(first ^ second)} half written")
            self.case.reads.append(Read(self.name, start, end, first))
        self.give_up(granted.lock)

    def sure(self, start):
        now = time.monotonic()
        return self.case.until(self.node, start, now) == now


class Lost(Exception):
    """Suspended or revoked: what is held may be taken over soon."""


class History(ClusterCase):
    maxDiff = None

    def setUp(self):
        super().setUp()
        self.seed = int(os.environ.get("QUORATE_HISTORY_SEED", random.randrange(1 << 32)))
        self.over = threading.Event()
        self.counter, self.set = Store(0), Store(frozenset())
        self.holds, self.counts, self.adds, self.reads, self.wrong = [], [], [], [], []
        self.conversions = []  # from, to, how it ended
        self.faults = {}  # by node: when it was last lost, and back

    def until(self, node, start, now):
        """To when a hold of this node's client is sure: not from when its node may be taken over until it is back."""
        lost, back = self.faults.get(node.name, (0, 0))
        if start >= back:
            return now
        return max(start, min(now, lost + SAFE))

    def lose(self, node, dice):
        kind = dice.choice(["kill", "freeze", "cut"])
        print(f"{kind} {node.name}", flush=True)
        self.faults[node.name] = time.monotonic() - (SAFE if kind == "kill" else 0), math.inf
        if kind == "kill":
            node.kill()
        elif kind == "freeze":
            node.freeze()
        else:
            node.cut(0, 1)
        others = self.others(node)
        names = sorted(other.name for other in others)
        wait_for("a view without it", lambda: all(self.members(other) == names for other in others), 60)
        before = len(self.counts)
        wait_for("work without it", lambda: len(self.counts) > before + 10, 60)
        if kind == "kill":
            self.boot(node)
        elif kind == "freeze":
            node.thaw()
        else:
            node.heal(0, 1)
        self.healthy(limit=90)
        self.faults[node.name] = self.faults[node.name][0], time.monotonic()

    def members(self, node):
        shown = clusterd.cluster(node) or {"members": []}
        return sorted(row["name"] for row in shown["members"] if row["status"] == "member")

    def test_what_clients_see_is_what_locks_allow(self):
        dice = random.Random(self.seed)
        print(f"QUORATE_HISTORY_SEED={self.seed}", flush=True)
        keepers = [LockClient(os.path.join(node.root, "run/quorate/lock.sock")) for node in self.lab.nodes]
        for keeper in keepers:
            self.addCleanup(keeper.close)
            for name in ("counter", "set"):
                self.assertEqual(keeper.lock("h", name, NL).status, "granted")
        workers = [Worker(self, node, number) for node in self.lab.nodes for number in range(2)]
        for worker in workers:
            worker.start()
        begun = time.monotonic()
        wait_for("work", lambda: all(worker.done > 5 for worker in workers), 60)
        while time.monotonic() - begun < 45:
            self.lose(dice.choice(self.lab.nodes), dice)
        last = {worker.name: worker.done for worker in workers}
        wait_for("work of all", lambda: all(worker.done > last[worker.name] + 3 for worker in workers), 60)
        self.over.set()
        for worker in workers:
            worker.join(30)
            self.assertFalse(worker.is_alive(), worker.name)
        converted = [one for one in self.conversions if one[2] == "granted"]
        print(f"{len(self.holds)} holds, {len(converted)} of {len(self.conversions)} conversions in "
              f"{len(set(converted))} ways, {len(self.counts)} counts, {len(self.adds)} adds, {len(self.reads)} reads",
              flush=True)
        self.assertGreater(len(set(converted)), 20, "of the 36 pairs of modes")
        self.assertGreater(min(len(self.counts), len(self.adds), len(self.reads)), 30)
        wrong = self.wrong + check_holds(self.holds) + check_counter(self.counts, self.counter.halves[0])
        wrong += check_set(self.adds, self.reads)
        self.assertEqual("\n".join(wrong[:8]), "")


if __name__ == "__main__":
    run()
