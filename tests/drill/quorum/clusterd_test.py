"""clusterd beside quorumd: with the disk's vote one of two nodes goes on, under a lease of its own."""

import os

from support import QuorumCase, now, quorumd, run, wait_for

from lab import clusterd


class Clusterd(QuorumCase):
    @classmethod
    def before_corosync(cls):
        clusterd.configure(cls.lab)

    @classmethod
    def start_programs(cls, node):
        super().start_programs(node)
        clusterd.start(node)

    def setUp(self):
        self.healthy()
        clusterd.wait_cluster(self.lab.nodes, limit=60)

    def test_the_disks_vote_counts_for_clusterd(self):
        for node in self.lab.nodes:
            shown = wait_for(f"{node.name} has the disk's vote", lambda one=node: self.with_disk(one), 60)
            self.assertEqual(shown["votes"].get("device_problem", ""), "")

    def with_disk(self, node):
        shown = clusterd.cluster(node)
        return shown if shown and shown["votes"]["disk"] == 1 else None

    def goes_on_alone(self, node, since):
        shown = clusterd.wait_cluster([node], limit=60)[0]
        running = wait_for(f"the lease of {node.name}", lambda: self.running(node), 30)
        self.assertEqual(running["votes"]["disk"], 1)
        print(f"clusterd of {node.name} goes on alone {now() - since:.1f} s after", flush=True)
        return shown

    def running(self, node):
        shown = clusterd.cluster(node)
        return shown if shown and shown["state"] == "running" and shown["lease"]["state"] == "running" else None

    def test_power_off(self):
        n1, n2 = self.lab.nodes
        since = now()
        n2.kill()
        self.goes_on_alone(n1, since)
        self.boot(n2)

    def test_a_cut_link(self):
        n1, n2 = self.lab.nodes
        since = now()
        n2.cut()
        self.goes_on_alone(n1, since)
        clusterd.wait_state(n2, "stalled")
        n2.heal()

    def test_quorumd_away_takes_its_vote_along(self):
        n1, n2 = self.lab.nodes
        for pid in n1.pids("quorumd"):
            os.kill(pid, 9)
        wait_for("found again", lambda: "quorumd_found" in n1.log_text("clusterd").split("quorumd_lost")[-1], 60)
        self.assertTrue(quorumd.show(n2)["casting"])
        wait_for("the disk's vote is back", lambda: self.with_disk(n1), 60)


if __name__ == "__main__":
    run()
