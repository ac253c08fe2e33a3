"""What is stopped and goes on: the voter alone, and a whole node, before and during a split. Soft mode."""

import os
import signal

from support import QuorumCase, now, quorumd, run, wait_for


class Freeze(QuorumCase):
    # A node that was frozen tells its own services for a moment what it knew before: no vote can help that, and the
    # lease that clusterd looks at is over by then.
    stale_view = 2.0

    @staticmethod
    def signal(node, program, number):
        for pid in node.pids(program):
            os.kill(pid, number)

    def test_a_frozen_voter_loses_the_vote_before_the_other_side_has_it(self):
        n1, n2 = self.lab.nodes
        self.signal(n1, "quorumd", signal.SIGSTOP)
        since = now()
        self.addCleanup(n1.heal)
        self.addCleanup(self.signal, n1, "quorumd", signal.SIGCONT)
        n1.cut()
        from_ring, in_all = self.wait_alone([n2], since)
        print(f"frozen voter: the other side after {in_all:.2f} s", flush=True)
        lost = [span for span in self.spans(n1) if not span.quorate and span.begin > since]
        self.assertTrue(lost, "votequorum of the frozen voter's node forgot the vote")
        won = next(span for span in self.spans(n2) if span.quorate and span.members == {2} and span.begin > since)
        self.assertLess(lost[0].begin, won.begin)
        # Going on, it must not vote with what it knew.
        thawed = now()
        self.signal(n1, "quorumd", signal.SIGCONT)
        self.never_quorate(n1, thawed, 6)
        n1.heal()
        self.healthy()

    def test_a_node_that_thaws_corosync_first_has_no_vote(self):
        """Corosync tells what it knew before, until it hears of the other ring; nobody votes meanwhile."""
        n1 = self.lab.nodes[0]
        since, before = self.freeze_both(n1)
        self.signal(n1, "corosync", signal.SIGCONT)
        self.wait_span(n1, "its Corosync goes on", lambda span: True, since)
        self.signal(n1, "quorumd", signal.SIGCONT)
        self.comes_back(n1, before)

    def test_a_node_that_thaws_voter_first_has_no_vote(self):
        """The voter finds its lease over before it can tell votequorum anything."""
        n1 = self.lab.nodes[0]
        _, before = self.freeze_both(n1)
        self.signal(n1, "quorumd", signal.SIGCONT)
        shown = quorumd.wait_shown(n1, "its voter goes on", lambda shown: True)
        self.assertFalse(shown["casting"])
        self.signal(n1, "corosync", signal.SIGCONT)
        self.comes_back(n1, before)

    def freeze_both(self, node):
        """Voter and Corosync stand still until the other side has taken over; since when, and what was held before."""
        left = next(one for one in self.lab.nodes if one is not node)
        before = quorumd.show(left)["held"]
        since = now()
        for program in ("quorumd", "corosync"):
            self.signal(node, program, signal.SIGSTOP)
            self.addCleanup(self.signal, node, program, signal.SIGCONT)
        _, in_all = self.wait_alone([left], since)
        print(f"frozen node: the other side after {in_all:.2f} s", flush=True)
        return now(), before

    def comes_back(self, node, before):
        self.assertGreater(self.looks_until_the_vote_is_back(node, before), 0, "nothing was seen of the time before")
        self.healthy()

    def looks_until_the_vote_is_back(self, node, before):
        """What its services are told for a moment is old; its lease is over. How often it was seen without one."""
        without = 0

        def casts():
            nonlocal without
            shown = quorumd.show(node)
            if shown and shown["casting"]:
                self.assertGreater(shown["held"], before, "it holds nothing under the lease from before")
                return True
            without += bool(shown)
            return False

        wait_for(f"{node.name} casts again", casts, 90, pause=0.01)
        return without

    def test_a_node_whose_voter_was_frozen_in_a_whole_cluster_recovers(self):
        n1, n2 = self.lab.nodes
        epoch = quorumd.show(n2)["held"]
        self.signal(n1, "quorumd", signal.SIGSTOP)
        since = now()
        span = self.wait_span(n1, "the vote aged", lambda one: not one.casts, since)
        self.assertTrue(span.quorate, "the members' votes suffice")
        wait_for("the end of its lease", lambda: now() - since > 6, 30)
        self.signal(n1, "quorumd", signal.SIGCONT)
        # An expired lease is not renewed: a new epoch is.
        quorumd.wait_shown(n1, "a later epoch", lambda shown: shown["held"] > epoch and shown["casting"])
        self.healthy()


if __name__ == "__main__":
    run()
