"""Two nodes and a disk: links cut, either node switched off, and everything started at once after a blackout."""

from support import QuorumCase, now, quorumd, run, wait_for


class Split(QuorumCase):
    def other(self, node):
        return next(one for one in self.lab.nodes if one is not node)

    def holder(self):
        """In a healthy pair both hold; the one with the lower id leads."""
        return self.lab.nodes[0]

    def test_a_cut_link(self):
        """One side goes on at once, the other blocks; healed, both have the votes again."""
        n1, n2 = self.lab.nodes
        from_ring, blocked = self.cut_off(n2, left=n1)
        self.assertLess(from_ring, 6.0, "3 s are the promise of a machine that has time")
        self.never_quorate(n2, blocked.begin, 8)
        shown = quorumd.show(n2)
        self.assertEqual(shown["state"], "RESIGNED", shown)
        n2.heal()
        self.healthy()

    def power_off(self, lost):
        """The survivor waits out the silence of a node that it cannot ask."""
        left = self.other(lost)
        since = now()
        lost.kill()
        from_ring, in_all = self.wait_alone([left], since)
        print(f"power off {lost.name}: {from_ring:.2f} s after the new ring, {in_all:.2f} s after the loss", flush=True)
        self.assertGreater(in_all, 10.0, "nobody may take over before the silence is over")
        self.assertLess(in_all, 12 + 6.0, "silence + 2 s are the promise of a machine that has time")
        self.boot(lost)
        self.healthy()

    def test_power_off_of_the_leader(self):
        self.power_off(self.lab.nodes[0])

    def test_power_off_of_the_other(self):
        self.power_off(self.lab.nodes[1])

    def test_an_orderly_end(self):
        """Who leaves in order is not waited for."""
        n1, n2 = self.lab.nodes
        quorumd.stop(n1)
        self.wait_logged(n1, "stopped")
        since = now()
        n1.kill()
        from_ring, in_all = self.wait_alone([n2], since)
        print(f"orderly end: {from_ring:.2f} s after the new ring, {in_all:.2f} s after the loss", flush=True)
        self.assertLess(from_ring, 6.0)
        self.boot(n1)
        self.healthy()

    def test_corosync_alone_starts_anew(self):
        """Its quorumd stays, finds it again, and registers when the other node knows it."""
        n1, n2 = self.lab.nodes
        voter = n2.pids("quorumd")
        n2.kill_program("corosync")
        self.wait_logged(n2, "corosync_lost")
        self.lab.start_node(n2)
        self.start_recorder(n2)  # it ends with Corosync
        self.wait_logged(n2, "corosync_found")
        self.healthy()
        self.assertEqual(n2.pids("quorumd"), voter)
        self.assertTrue(n1.pids("corosync") and n2.pids("corosync"))

    def test_start_of_all_after_a_blackout(self):
        since = now()
        for node in self.lab.nodes:
            node.kill()
        for node in self.lab.nodes:
            self.boot(node)
        self.healthy()
        wait_for("both quorate", lambda: all(quorumd.show(node)["votes"]["quorate"] for node in self.lab.nodes), 30)
        print(f"blackout: both have the votes {now() - since:.1f} s after it", flush=True)


if __name__ == "__main__":
    run()
