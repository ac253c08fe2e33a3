"""What is stopped and goes on: the voter, Corosync, a whole node; before and during a split. clusterd runs everywhere,
and its lease page is looked at all along: what Corosync tells after a thaw is old for a moment, the lease is over."""

import os
import signal
import time

from clusterd_case import ClusterdCase
from support import SILENCE, Promise, now, quorumd, run, wait_for
from watchdog import watchdog_for

from lab import clusterd, process

PROGRAMS = ("corosync", "quorumd", "clusterd")
VOTE_LASTS = 3.0
WATCHDOG = quorumd.WATCHDOG["watchdog"] / 1000


class Frozen(ClusterdCase):
    """What can be stopped and go on, and what is seen of it."""

    def freeze(self, node, *programs):
        pids = [pid for program in programs for pid in node.pids(program)]
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        self.addCleanup(self.thaw, node, *programs)
        wait_for("they stand still", lambda: all(process.state_of(pid) == "T" for pid in pids), 20, pause=0.01)

    @staticmethod
    def thaw(node, *programs):
        for pid in [pid for program in programs for pid in (node.pids(program) if node.alive else [])]:
            os.kill(pid, signal.SIGCONT)

    def taken_over(self, lost, promise, within=SILENCE + 2):
        """The other node goes on without this one, in time, and has a lease when this one has none."""
        left = next(one for one in self.lab.nodes if one is not lost)
        epoch = self.page(left)[0]
        _, in_all = self.wait_alone([left], promise.since)
        promise.kept(f"without {lost.name}", in_all, within)
        self.lease_is_over(lost)
        self.lease_runs(left, epoch)
        return quorumd.show(left)["held"]

    def goes_on(self, node, program, since):
        """The program does something again; none of what it says is a vote or a lease."""
        if program == "corosync":
            self.wait_span(node, "its Corosync goes on", lambda span: True, since)
        elif program == "quorumd":
            quorumd.wait_shown(node, "its voter goes on", lambda shown: True)
        else:
            wait_for("its clusterd goes on", lambda: clusterd.cluster(node), 60)

    def comes_back(self, node, before):
        """It casts again in a later epoch of the disk's only, and only then has a lease."""
        def casts():
            shown = quorumd.show(node)
            if shown and shown["casting"]:
                self.assertGreater(shown["held"], before, "it holds nothing under the lease from before")
                return True
            return False

        wait_for(f"{node.name} casts again", casts, 90, pause=0.01)
        self.together()


class Freeze(Frozen):
    apart = True

    def thaws(self, *order):
        """Everything of the node stands still until the other has taken over, then goes on one after the other."""
        n1 = self.lab.nodes[0]
        promise = Promise(self)
        self.freeze(n1, *PROGRAMS)
        before = self.taken_over(n1, promise)
        since = now()
        for program in order:
            if program == "corosync":
                self.corosync_goes_on(n1, promise.since)
            self.thaw(n1, program)
            self.goes_on(n1, program, since)
            if order[-1] != program:
                self.lease_is_over(n1)
        self.comes_back(n1, before)

    def test_corosync_thaws_first(self):
        self.thaws("corosync", "quorumd", "clusterd")
        self.thaws("corosync", "clusterd", "quorumd")

    def test_the_voter_thaws_first(self):
        self.thaws("quorumd", "corosync", "clusterd")
        self.thaws("quorumd", "clusterd", "corosync")

    def test_clusterd_thaws_first(self):
        self.thaws("clusterd", "corosync", "quorumd")
        self.thaws("clusterd", "quorumd", "corosync")

    def test_a_frozen_voter_loses_the_vote_before_the_other_side_has_it(self):
        n1, n2 = self.lab.nodes
        promise = Promise(self)
        self.freeze(n1, "quorumd")
        self.addCleanup(n1.heal)
        n1.cut()
        self.taken_over(n1, promise)
        lost = self.wait_span(n1, "votequorum of the frozen voter's node forgets the vote",
                              lambda span: not span.quorate and span.begin > promise.since, promise.since)
        won = self.wait_span(n2, "has quorum alone", lambda span: span.quorate and span.members == {2} and
                             span.begin > promise.since, promise.since)
        self.assertLess(lost.begin, won.begin)
        # Going on, it must not vote with what it knew.
        thawed = now()
        self.thaw(n1, "quorumd")
        self.never_quorate(n1, thawed, 6)
        self.lease_is_over(n1)
        n1.heal()
        self.together()

    def test_a_frozen_node(self):
        """Everything in it at once, with who would ask it; Corosync of the other side does not tell the difference."""
        n1 = self.lab.nodes[0]
        promise = Promise(self)
        n1.freeze()
        self.addCleanup(lambda: n1.alive and n1.thaw())
        before = self.taken_over(n1, promise)
        self.corosync_goes_on(n1, promise.since)
        n1.thaw()
        self.comes_back(n1, before)

    def test_a_frozen_voter_in_a_whole_cluster(self):
        """The members' votes suffice, and the lease goes on."""
        n1, n2 = self.lab.nodes
        held = quorumd.show(n2)["held"]
        self.freeze(n1, "quorumd")
        since = now()
        span = self.wait_span(n1, "the vote aged", lambda one: not one.casts, since)
        self.assertTrue(span.quorate, "the members' votes suffice")
        while now() - since < 6:  # the voter's lease is over then
            for node in (n1, n2):
                self.assertTrue(self.lease_is_running(node), "clusterd's lease needs no vote of the disk")
            time.sleep(0.02)
        self.quorum_lasted(since)
        self.thaw(n1, "quorumd")
        # An expired lease is not renewed: a new epoch is.
        quorumd.wait_shown(n1, "a later epoch", lambda shown: shown["held"] > held and shown["casting"])
        self.together()

    def test_a_frozen_corosync(self):
        """Its voter cannot take its vote back; when votequorum has not answered for as long as a vote lasts, it falls
        silent, as if it were frozen too."""
        n1 = self.lab.nodes[0]
        promise = Promise(self)
        self.freeze(n1, "corosync")
        before = self.taken_over(n1, promise, within=VOTE_LASTS + SILENCE + 2)
        self.assertEqual(quorumd.show(n1)["reason"], "Corosync does not answer")
        self.corosync_goes_on(n1, promise.since)
        self.thaw(n1, "corosync")
        self.comes_back(n1, before)


class Watchdog(Frozen):
    """The last node's is a device where the kernel can have one (device_watchdog.py)."""

    soft = False

    @classmethod
    def before_corosync(cls):
        super().before_corosync()
        cls.watchdogs = [watchdog_for(cls, node) for node in cls.lab.nodes]
        for node, watchdog in zip(cls.lab.nodes, cls.watchdogs):
            with open(os.path.join(node.root, "etc/quorate/quorate.toml"), "a", encoding="ascii") as out:
                out.write(f'[quorum]\nwatchdog = "{watchdog.where}"\n')

    def test_a_frozen_node_is_reset_before_the_other_takes_over(self):
        n1, n2 = self.lab.nodes
        since = now()
        n2.freeze()
        wait_for("less than its watchdog waits", lambda: now() - since > 1, 20)
        n2.thaw()
        self.together()
        self.assertTrue(n2.alive, "a pause that the watchdog does not notice")
        promise = Promise(self)
        n2.freeze()
        wait_for("the watchdog reset n2", lambda: not n2.alive, 30, pause=0.01)
        promise.kept("watchdog", now() - promise.since, WATCHDOG + 1)
        self.assertTrue(self.watchdogs[-1].fired.is_set())
        self.lease_is_over(n2)
        self.taken_over(n2, promise)


if __name__ == "__main__":
    run()
