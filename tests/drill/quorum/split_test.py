"""Two nodes and a disk: links cut, either node switched off, and everything started at once after a blackout."""

from support import SETTLED, Promise, QuorumCase, now, quorumd, run, wait_for


class Split(QuorumCase):
    """In a healthy pair both hold; the one with the lower id leads."""

    apart = True

    def test_power_off_of_the_leader(self):
        n1, n2 = self.lab.nodes
        self.power_off(n1, left=[n2])
        self.boot(n1)
        self.healthy()

    def test_start_of_all_after_a_blackout(self):
        since = now()
        for node in self.lab.nodes:
            node.kill()
        for node in self.lab.nodes:
            self.boot(node)
        self.healthy()
        wait_for("both quorate", lambda: all(quorumd.show(node)["votes"]["quorate"] for node in self.lab.nodes), 30)
        print(f"blackout: both have the votes {now() - since:.1f} s after it", flush=True)

    def test_a_cut_link(self):
        """One side goes on at once, the other blocks; healed, both have the votes again."""
        n1, n2 = self.lab.nodes
        blocked = self.cut_off(n2, left=[n1])
        self.never_quorate(n2, blocked.begin, 8)
        shown = quorumd.show(n2)
        self.assertEqual(shown["state"], "RESIGNED", shown)
        n2.heal()
        self.healthy()

    def test_power_off_of_the_other(self):
        n1, n2 = self.lab.nodes
        self.power_off(n2, left=[n1])

    def test_an_orderly_end(self):
        """Who leaves in order is not waited for."""
        n1, n2 = self.lab.nodes
        promise = Promise(self)
        quorumd.stop(n1)
        self.wait_logged(n1, "stopped")
        n1.kill()
        from_ring, in_all = self.wait_alone([n2], promise.since)
        print(f"orderly end: {in_all:.2f} s in all", flush=True)
        promise.kept("orderly end", from_ring, SETTLED)
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


if __name__ == "__main__":
    run()
