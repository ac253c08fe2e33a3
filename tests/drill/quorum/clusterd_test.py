"""clusterd beside quorumd: with the disk's vote one of two nodes goes on, under a lease of its own."""

import os

from clusterd_case import ClusterdCase
from support import SETTLED, SILENCE, Promise, quorumd, run, wait_for

from lab import clusterd

# From the votes to the lease: clusterd's own view, and the last lease of who is lost.
LEASE_BEGINS = 3.0


class Clusterd(ClusterdCase):
    apart = True

    def with_disk(self, node):
        shown = clusterd.cluster(node)
        return shown if shown and shown["votes"]["disk"] == 1 else None

    def lose(self, act, promised):
        """n2 is lost to n1, which goes on with the disk's vote, in time."""
        n1, n2 = self.lab.nodes
        epoch = self.page(n1)[0]
        promise = Promise(self)
        act()
        from_ring, in_all = self.wait_alone([n1], promise.since)
        began = self.lease_runs(n1, epoch) - promise.since
        promise.kept("lease", began - (in_all - from_ring if promised == SETTLED else 0), promised + LEASE_BEGINS)
        shown = clusterd.wait_cluster([n1], limit=60)[0]
        self.assertEqual((shown["votes"]["disk"], shown["lease"]["state"]), (1, "running"))

    def test_power_off(self):
        n2 = self.lab.nodes[1]
        self.lose(n2.kill, SILENCE + 2)
        self.boot(n2)
        self.together()

    def test_a_cut_link(self):
        n2 = self.lab.nodes[1]
        self.lose(n2.cut, SETTLED)
        clusterd.wait_state(n2, "stalled")
        self.lease_is_over(n2)
        n2.heal()
        self.together()

    def test_quorumd_away_takes_its_vote_along(self):
        n1, n2 = self.lab.nodes
        for node in self.lab.nodes:
            shown = wait_for(f"{node.name} has the disk's vote", lambda one=node: self.with_disk(one), 60)
            self.assertEqual(shown["votes"].get("device_problem", ""), "")
        for pid in n1.pids("quorumd"):
            os.kill(pid, 9)
        wait_for("found again", lambda: "quorumd_found" in n1.log_text("clusterd").split("quorumd_lost")[-1], 60)
        self.assertTrue(quorumd.show(n2)["casting"])
        wait_for("the disk's vote is back", lambda: self.with_disk(n1), 60)


if __name__ == "__main__":
    run()
