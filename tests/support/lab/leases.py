"""The lease pages of clusterd (docs/formats/lease-page.md), looked at from outside of the nodes, where nothing freezes:

    page_of(node)          one page, to be read now and then
    leases.py PATH...      a hundred times a second; prints PATH's number, from when to when the page said what it says
    LeaseWatch(lab)        such a program for a laboratory
"""

import contextlib
import mmap
import os
import struct
import subprocess
import sys
import time

WORDS = struct.Struct("=IHHQQQQIIQQ")
PAUSE = 0.01
RUNNING, STALLED, EXPELLED = 1, 2, 3


def now():
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Page:
    """One node's, which may not be there yet."""

    def __init__(self, path):
        self.path = path
        self.memory = None

    def read(self):
        """(epoch, incarnation, state, deadline in seconds) or None."""
        if self.memory is None:
            with contextlib.suppress(OSError, ValueError), open(self.path, "rb") as file:
                self.memory = mmap.mmap(file.fileno(), WORDS.size, access=mmap.ACCESS_READ)
        while self.memory is not None:
            words, again = self.memory[:WORDS.size], self.memory[:WORDS.size]
            _, _, _, sequence, epoch, incarnation, deadline, state, _, _, _ = WORDS.unpack(words)
            if sequence % 2 == 0 and words == again:
                return epoch, incarnation, state, deadline / 1e6
        return None


def path_of(node):
    return os.path.join(node.root, "run/quorate/lease")


def page_of(node):
    return Page(path_of(node))


def watch(paths):
    pages = [Page(path) for path in paths]
    known = [None] * len(pages)
    while True:
        for number, page in enumerate(pages):
            at, said = now(), page.read()
            if known[number] and known[number][2] == said:
                known[number][1] = at
                continue
            if known[number]:
                begin, end, (epoch, incarnation, state, deadline) = known[number]
                print(number, begin, end, epoch, incarnation, state, deadline, flush=True)
            known[number] = [at, at, said] if said else None
        time.sleep(PAUSE)


class Lease:
    """A stretch of time in which a node's page said that it runs, cut where its deadline is."""

    def __init__(self, fields):
        self.node = int(fields[0]) + 1
        self.begin, self.end = float(fields[1]), float(fields[2])
        self.epoch, self.incarnation = int(fields[3]), int(fields[4])
        self.deadline = float(fields[6])
        self.end = min(self.end, self.deadline)
        self.runs = int(fields[5]) == RUNNING and self.end > self.begin

    def __str__(self):
        return f"n{self.node} {self.begin:.2f} to {self.end:.2f}: lease of epoch {self.epoch}"


class LeaseWatch:
    def __init__(self, lab):
        self.log = os.path.join(lab.folder, "leases.log")
        paths = [self.path(node) for node in lab.nodes]
        with open(self.log, "wb") as log:
            self.program = subprocess.Popen([sys.executable, os.path.abspath(__file__), *paths], stdout=log,
                                            stdin=subprocess.DEVNULL)

    path = staticmethod(path_of)

    def stop(self):
        self.program.kill()
        self.program.wait(10)

    def leases(self, node=None):
        with open(self.log, encoding="ascii") as log:
            found = [Lease(line.split()) for line in log if line.endswith("\n")]
        return [one for one in found if one.runs and node in (None, one.node)]

    def conflicts(self, alone):
        """Leases that ran in a node while another one was alone with a lease of a later epoch. `alone` has (node,
        begin, end, members): what each node's services were told."""
        found, ran = [], self.leases()
        for node, begin, end, members in alone:
            for own in (one for one in ran if one.node == node and one.end > begin and one.begin < end):
                for other in ran:
                    since, until = max(begin, own.begin, other.begin), min(end, own.end, other.end)
                    if other.node not in members and other.epoch < own.epoch and until > since:
                        found.append(f"{until - since:.3f} s both with a lease:\n  {own}\n  {other}")
        return found


if __name__ == "__main__":
    watch(sys.argv[1:])
