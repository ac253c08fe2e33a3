"""What the drills of the quorum disk share: a laboratory with real Corosync and quorumd on every node, and a recorder
on each that samples its quorum ten times a second. Whatever a drill does, no two partitions may be quorate at once."""

import concurrent.futures
import os
import pathlib
import shutil
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "support"))

from lab import Lab, quorumd  # noqa: E402
from lab.node import wait_for  # noqa: E402
from promise import Promise, now  # noqa: E402
from recorded import JITTER, conflicts, settled, spans_of, told_spans  # noqa: E402

NOT_RUN = 77
# So many laboratories at once: they mostly wait.
AT_ONCE = 4
# What is promised, in seconds: votes after a clean split, from Corosync's new membership; after a loss, from the loss.
SETTLED = 3.0
SILENCE = quorumd.SOFT["silence"] / 1000


def run():
    """The tests of the calling file: "not run" where there are no namespaces to be had. Without arguments each class,
    and each test of one that is `apart`, runs in a process and a laboratory of its own, some at once."""
    if os.geteuid() != 0:
        print("not run: the laboratory needs root")
        sys.exit(NOT_RUN)
    names = [] if sys.argv[1:] else laboratories(vars(sys.modules["__main__"]))
    if len(names) < 2:
        unittest.main(verbosity=2)
    failed = []
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        for name, done in zip(names, pool.map(run_alone, names)):
            print(done.stdout, flush=True)
            failed += [name] if done.returncode != 0 else []
    sys.exit(f"failed: {', '.join(failed)}" if failed else 0)


def run_alone(name):
    command = ["setpriv", "--pdeathsig", "KILL", sys.executable, *sys.argv, name]
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)


def laboratories(module):
    """Names of what of a module's tests is to have a laboratory of its own."""
    names = []
    for name, case in module.items():
        if isinstance(case, type) and issubclass(case, QuorumCase) and case.__module__ == "__main__":
            # As they stand in the file: the longest first.
            tests = [test for test in vars(case) if test.startswith("test_")]
            names += [f"{name}.{test}" for test in tests] if case.apart else [name] if tests else []
    return names


class QuorumCase(unittest.TestCase):
    """One laboratory for the tests of a class, which begin and end with all nodes casting in one ring."""

    count = 2
    votes = 1
    soft = True
    apart = False  # each test can have a laboratory of its own

    def __init_subclass__(cls):
        super().__init_subclass__()
        cls.stale = []  # (node, begin, end): so long a node that was frozen may tell what it knew before

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
            cls.lab.keep()
        spans = [span for node in cls.lab.nodes for span in spans_of(node)]
        told = [span for node in cls.lab.nodes for span in told_spans(node)]
        found = conflicts(spans, cls.stale) + conflicts(told, cls.stale) + cls.other_conflicts()
        cls.lab.down()
        saw = {span.node for span in spans if span.quorate}
        blind = [node.name for node in cls.lab.nodes if node.number not in saw]
        if blind:
            raise AssertionError(f"the recorders of {', '.join(blind)} saw no quorum at all")
        if found:
            raise AssertionError("\n".join(found))

    @classmethod
    def other_conflicts(cls):
        """What else must not be at once, as text."""
        return []

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
        """No node's services were told of a loss of quorum while Corosync had them all for members: what it loses where
        it has no time is not looked at here."""
        everybody = frozenset(node.number for node in self.lab.nodes)
        for node in self.lab.nodes:
            lost = [str(span) for span in self.spans(node) if span.end > since and not span.quorate
                    and span.members == everybody and span.end - span.begin > JITTER]
            self.assertEqual(lost, [])

    def loses_its_path(self, node):
        """The node whose path to the disk is hurt goes on as the other's ward: a watcher no more, it still casts."""
        quorumd.wait_shown(node, "no watcher", lambda shown: not shown["watcher"])
        quorumd.wait_shown(node, "casts as a ward", lambda shown: shown["casting"] and not shown["watcher"])

    def watches(self, node):
        quorumd.wait_shown(node, "a watcher", lambda shown: shown.get("watcher"))

    def healthy(self, nodes=None, limit=90.0):
        """All cast, each with a path of its own: who was another's ward until now might have to be waited for."""
        nodes = nodes or self.lab.nodes
        quorumd.wait_casting(nodes, limit)
        for node in nodes:
            quorumd.wait_shown(node, "all are watchers, nobody is a ward", lambda shown: shown["watcher"] and not any(
                row.get("wards") for row in shown["nodes"]), limit)

    @staticmethod
    def spans(node):
        return spans_of(node)

    def wait_span(self, node, what, condition, since, limit=60.0):
        """The first span of the recorder's after `since` for which the condition holds."""
        def first():
            return next((span for span in spans_of(node) if span.end >= since and condition(span)), None)

        return wait_for(f"{node.name}: {what}", first, limit)

    def wait_alone(self, nodes, since, limit=60.0):
        """Until the services of each of `nodes` are told of quorum with exactly these members; how long it took from
        Corosync's new membership, and from `since`, at worst."""
        members = frozenset(node.number for node in nodes)
        took = [self.wait_settled(node, f"quorate with {sorted(members)}",
                                  lambda one: one.quorate and one.members == members, since, limit) for node in nodes]
        return max(one[0] for one in took), max(one[1] for one in took)

    def wait_settled(self, node, what, condition, since, limit=60.0):
        told, from_ring = wait_for(f"{node.name}: {what}", lambda: settled(node, since, condition), limit)
        return from_ring, told.at - since

    def cut_off(self, lost, left):
        """Pulls its cables; who is left goes on, and it blocks, in time. The span in which it blocks."""
        promise = Promise(self)
        lost.cut()
        from_ring, in_all = self.wait_alone(left, promise.since)
        print(f"{', '.join(node.name for node in left)}: {in_all:.2f} s after the cut", flush=True)
        promise.kept("cut link, who goes on", from_ring, SETTLED)
        alone = {lost.number}
        blocked, _ = self.wait_settled(lost, "blocked", lambda one: not one.quorate and one.members == alone,
                                       promise.since)
        promise.kept("cut link, who blocks", blocked, SETTLED)
        return self.wait_span(lost, "blocked", lambda one: not one.quorate and one.members == alone, promise.since)

    def power_off(self, lost, left):
        """Who is left waits out the silence of a node that it cannot ask, and hardly longer."""
        promise = Promise(self)
        lost.kill()
        from_ring, in_all = self.wait_alone(left, promise.since)
        print(f"{from_ring:.2f} s after the new ring", flush=True)
        self.assertGreater(in_all, SILENCE - 2, "nobody may take over before the silence is over")
        promise.kept(f"power off {lost.name}", in_all, SILENCE + 2)

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


__all__ = ["NOT_RUN", "SETTLED", "SILENCE", "Lab", "Promise", "QuorumCase", "now", "quorumd", "run", "wait_for"]
