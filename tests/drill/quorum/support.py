"""What the drills of the quorum disk share: a laboratory with real Corosync and quorumd on every node, and a recorder
on each that samples its quorum ten times a second. Whatever a drill does, no two partitions may be quorate at once."""

import os
import pathlib
import shutil
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "support"))

from lab import Lab, quorumd  # noqa: E402
from lab.node import wait_for  # noqa: E402

NOT_RUN = 77
# Two samples of two nodes are not of one moment, and notifications do not arrive at one either.
JITTER = 0.35
# A node that says nothing for so long said nothing of the time in between.
GAP = 1.0


def run():
    """unittest.main() that says "not run" where there are no namespaces to be had."""
    if os.geteuid() != 0:
        print("not run: the laboratory needs root")
        sys.exit(NOT_RUN)
    unittest.main(verbosity=2)


def now():
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Span:
    """A stretch of time in which a node's services were told the same of quorum."""

    def __init__(self, node, fields):
        self.node = node
        self.asked, self.begin = int(fields[0]) / 1e6, int(fields[1]) / 1e6
        self.end = self.begin
        self.quorate = fields[2] == "1"
        self.ring = fields[3]
        self.members = frozenset() if fields[4] == "-" else frozenset(int(one) for one in fields[4].split(","))
        self.casts = fields[5] == "1"
        self.total = int(fields[6])
        self.coming = fields[7]  # the ring that votequorum is in already

    def key(self):
        return self.quorate, self.ring, self.members, self.casts, self.total, self.coming

    def __str__(self):
        return (f"n{self.node} {self.begin:.2f} to {self.end:.2f}: ring {self.ring} of {sorted(self.members)}, "
                f"{self.total} votes{', the disk casts' if self.casts else ''}{', quorate' if self.quorate else ''}")


def spans_of(node):
    """What a node's recorder wrote, as spans; samples of one node may be of several lives of it."""
    spans = []
    try:
        text = node.log_text("recorder")
    except FileNotFoundError:
        return spans
    for line in text.splitlines():
        fields = line.split()
        if len(fields) != 8:
            continue
        span = Span(node.number, fields)
        last = spans[-1] if spans else None
        if last and last.key() == span.key() and span.asked - last.end < GAP:
            last.end = span.end
        else:
            spans.append(span)
    return spans


def conflicts(spans, allowed=JITTER):
    """Pairs of quorate spans of nodes that do not have each other for a member, over more than `allowed` seconds."""
    found = []
    quorate = [span for span in spans if span.quorate and span.members]
    for number, one in enumerate(quorate):
        for other in quorate[number + 1:]:
            apart = one.node not in other.members or other.node not in one.members
            overlap = min(one.end, other.end) - max(one.begin, other.begin)
            if one.node != other.node and one.ring != other.ring and apart and overlap > allowed:
                found.append(f"{overlap:.2f} s both quorate:\n  {one}\n  {other}")
    return found


class QuorumCase(unittest.TestCase):
    """One laboratory for the tests of a class, which begin and end with all nodes casting in one ring."""

    count = 2
    votes = 1
    soft = True
    stale_view = 0.0  # how long the stale view of a thawed node may overlap

    @classmethod
    def setUpClass(cls):
        cls.lab = Lab(nodes=cls.count)
        cls.lab.up()
        cls.addClassCleanup(cls.tear_down_lab)
        cls.disk = os.path.join(cls.lab.folder, "quorum.disk")
        cls.formatted = cls.format_disks()
        cls.before_corosync()
        cls.lab.start_corosync(device=quorumd.device(cls.formatted, cls.votes, cls.soft))
        for node in cls.lab.nodes:
            cls.start_programs(node)

    @classmethod
    def format_disks(cls):
        return quorumd.format_disks(cls.disk, soft=cls.soft)

    @classmethod
    def before_corosync(cls):
        """For what a class puts on its nodes first."""

    @classmethod
    def start_programs(cls, node):
        cls.start_recorder(node)
        quorumd.start(node)

    @classmethod
    def start_recorder(cls, node):
        wait_for(f"{node.name}: Corosync", lambda: node.run("corosync-cfgtool", "-s", check=False), 30)
        node.start("recorder", "sh", "-c", 'until "$0"; do sleep 0.1; done', quorumd.binary("quorum_recorder"))

    @classmethod
    def boot(cls, node):
        node.power_on()
        cls.lab.start_node(node)
        cls.start_programs(node)

    @classmethod
    def tear_down_lab(cls):
        if os.environ.get("QUORATE_KEEP"):
            print(f"kept {cls.lab.folder}")
            cls.lab.temporary = False
        spans = [span for node in cls.lab.nodes for span in spans_of(node)]
        found = conflicts(spans, max(JITTER, cls.stale_view))
        cls.lab.down()
        if not any(span.quorate for span in spans):
            raise AssertionError("the recorders saw no quorum at all")
        if found:
            raise AssertionError("\n".join(found))

    def setUp(self):
        self.healthy()

    def run(self, result=None):
        before = len(result.failures) + len(result.errors) if result else 0
        super().run(result)
        if result and len(result.failures) + len(result.errors) > before:
            self.show_logs()
        return result

    def show_logs(self, lines=60):
        for node in self.lab.nodes:
            for name in ("quorumd", "corosync"):
                if os.path.exists(node.log(name)):
                    tail = node.log_text(name).splitlines()[-lines:]
                    print(f"---- {name} of {node.name}", *tail, sep="\n", flush=True)
            print(*spans_of(node)[-15:], sep="\n", flush=True)

    # ---- what holds

    def quorum_lasted(self, since):
        """No node's services were told of a loss of quorum."""
        for node in self.lab.nodes:
            lost = [str(span) for span in self.spans(node) if span.end > since and not span.quorate]
            self.assertEqual(lost, [])

    def loses_its_path(self, node):
        """The node whose path to the disk is hurt goes on as the other's ward: a watcher no more, it still casts."""
        quorumd.wait_shown(node, "no watcher", lambda shown: not shown["watcher"])
        quorumd.wait_shown(node, "casts as a ward", lambda shown: shown["casting"] and not shown["watcher"])

    def watches(self, node):
        quorumd.wait_shown(node, "a watcher", lambda shown: shown.get("watcher"))

    def healthy(self, nodes=None, limit=90.0):
        return quorumd.wait_casting(nodes or self.lab.nodes, limit)

    @staticmethod
    def spans(node):
        return spans_of(node)

    def wait_span(self, node, what, condition, since, limit=60.0):
        """The first span of the recorder's after `since` for which the condition holds."""
        def first():
            return next((span for span in spans_of(node) if span.end >= since and condition(span)), None)

        return wait_for(f"{node.name}: {what}", first, limit)

    def wait_alone(self, nodes, since, limit=60.0):
        """Until each of `nodes` is quorate with exactly these members; how long it took from votequorum's new ring,
        and from `since`, at worst."""
        members = frozenset(node.number for node in nodes)
        took = []
        for node in nodes:
            span = self.wait_span(node, f"quorate with {sorted(members)}",
                                  lambda one: one.quorate and one.members == members, since, limit)
            ring = next(one for one in spans_of(node) if span.ring in (one.coming, one.ring))
            took.append((span.begin - ring.begin, span.begin - since))
        return max(one[0] for one in took), max(one[1] for one in took)

    def cut_off(self, lost, left):
        """Pulls its cables; who is left goes on, and it blocks. How long that took from the new ring, and its span."""
        since = now()
        lost.cut()
        from_ring, in_all = self.wait_alone([left], since)
        print(f"cut link: votes settled {from_ring:.2f} s after the new ring, {in_all:.2f} s after the cut", flush=True)
        alone = {lost.number}
        return from_ring, self.wait_span(lost, "blocked", lambda one: not one.quorate and one.members == alone, since)

    def never_quorate(self, node, since, seconds, allowed=0.0):
        """The node says nothing of quorum from `since` + `allowed` on; looked at for `seconds`."""
        until = now() + seconds
        while now() < until:
            for span in spans_of(node):
                if span.quorate and span.end > since + allowed and span.begin < until:
                    self.assertLessEqual(span.end - since, allowed + JITTER, str(span))
            time.sleep(0.2)

    def refusal(self, node):
        """What quorumd says when it ends at once; it does not try again."""
        before = len(self.logged(node, "refused")) if os.path.exists(node.log("quorumd")) else 0
        quorumd.start(node)
        wait_for("a refusal", lambda: len(self.logged(node, "refused")) > before, 60)
        wait_for("its end", lambda: not node.pids("quorumd"), 30)
        wait_for("that it is not tried again", lambda: node.log_text("quorumd").rstrip().endswith("ended: 78"), 30)
        return self.logged(node, "refused")[-1]

    def pretend(self, node, name):
        """A program of this name on the node, which does nothing."""
        path = os.path.join(node.folder, name)
        shutil.copy(shutil.which("sleep"), path)
        node.start(name, path, "1000")
        wait_for(f"{name} runs", lambda: node.pids(name), 20)
        self.addCleanup(node.kill_program, name)

    def logged(self, node, event):
        return [line for line in node.log_text("quorumd").splitlines() if line[3:].startswith(event)]

    def wait_logged(self, node, event, limit=60.0):
        return wait_for(f"{event} in quorumd's log of {node.name}", lambda: self.logged(node, event), limit)


__all__ = ["NOT_RUN", "Lab", "QuorumCase", "conflicts", "now", "quorumd", "run", "spans_of", "wait_for"]
