"""A node of three is lost and comes back, by each kind of fault; the others go on under a higher epoch."""

import os
import signal
import time

from support import ClusterCase, clusterd, leases, run, wait_for


class Loss(ClusterCase):
    def lose(self, node, how):
        """The others form a view without it; returns (the epoch before, what they show)."""
        before = self.healthy()[0]
        old = self.incarnation(node)
        how(node)
        left = self.others(node)
        shown = self.healthy(left)
        for one in shown:
            self.assertGreater(one["epoch"], before["epoch"])
            self.assertNotIn(old, [row["incarnation"] for row in one["members"] if row["status"] == "member"])
        self.await_takeover(left, node)
        return before["epoch"], shown

    def coordinator(self):
        name = clusterd.cluster(self.lab.nodes[0])["coordinator"]
        return self.lab[name]

    def test_three_form_one_view(self):
        shown = self.healthy()
        for one in shown:
            self.assertEqual(one["votes"], {"total": 3, "expected": 3, "quorum": 2, "disk": 0, "device_problem": ""})
            self.assertGreater(one["lease"]["remaining_ms"], 0)
            self.assertEqual([row["status"] for row in one["members"]], ["member"] * 3)
        for node in self.lab.nodes:
            for other in self.others(node):
                status, answer = self.ping(node, other)
                self.assertEqual(status, 200, answer)
                self.assertEqual(len(answer["round_trips_us"]), 5)
                self.assertTrue(all(ring["connected"] for ring in answer["rings"]), answer)

    def test_power_off(self):
        n3 = self.lab["n3"]
        epoch, _ = self.lose(n3, lambda node: node.kill())
        self.boot(n3)
        self.assertGreater(self.healthy()[0]["epoch"], epoch + 1)

    def test_power_off_of_the_coordinator(self):
        node = self.coordinator()
        _, shown = self.lose(node, lambda lost: lost.kill())
        self.assertNotEqual(shown[0]["coordinator"], node.name)
        self.boot(node)
        self.healthy()

    def test_kill_of_clusterd_alone(self):
        """Corosync stays: the group says at once that the process is gone, and a new incarnation takes its place."""
        n2 = self.lab["n2"]
        before = self.healthy()[1]
        for pid in n2.pids("clusterd"):
            os.kill(pid, signal.SIGKILL)
        wait_for("a new incarnation on n2", lambda: (clusterd.cluster(n2) or before)["incarnation"] !=
                 before["incarnation"])
        after = self.healthy()
        self.assertGreater(after[0]["epoch"], before["epoch"])
        self.await_takeover(self.lab.nodes)

    def test_stop(self):
        """Who is asked to stop holds no lease when it has ended; the others take over."""
        n2 = self.lab["n2"]
        self.healthy()
        clusterd.stop(n2)
        self.assertTrue(self.logged(n2, "stopped"))
        self.assertEqual(leases.page_of(n2).read()[2], leases.STALLED)
        self.healthy(self.others(n2))
        self.await_takeover(self.others(n2), n2)
        clusterd.start(n2)
        self.healthy()

    def test_freeze_and_thaw(self):
        """Who was away finds itself expelled, says so, and comes back as somebody new."""
        n3 = self.lab["n3"]
        old = self.incarnation(n3)
        frozen_at = time.monotonic()
        epoch, _ = self.lose(n3, lambda node: node.freeze())
        wait_for("ten seconds of frost", lambda: time.monotonic() - frozen_at > 10)
        for pid in clusterd.supervisors(n3):
            os.kill(pid, signal.SIGKILL)  # the page is to be read when its life is over
        n3.thaw()
        wait_for("the end of the expelled life", lambda: not n3.pids("clusterd"))
        _, incarnation, state, _ = leases.page_of(n3).read()
        self.assertEqual((f"{incarnation:016x}", state), (old, leases.EXPELLED))
        self.assertTrue(self.logged(n3, "expelled"))
        self.assertTrue(any("exit_code=75" in line for line in self.logged(n3, "stopping")))
        clusterd.start(n3)
        shown = self.healthy()
        self.assertNotEqual(self.incarnation(n3), old)
        self.assertGreater(shown[0]["epoch"], epoch + 1)

    def test_corosync_ends_under_clusterd(self):
        """Without Corosync nothing runs; when it is back, the others have gone on, and a new incarnation joins."""
        n2 = self.lab["n2"]
        before = self.healthy()[1]
        n2.kill_program("corosync")
        alone = clusterd.wait_state(n2, "stalled")
        self.assertFalse(alone["quorate"])
        self.assertIn("corosync", alone["reason"].lower())
        wait_for("the end of its lease", lambda: leases.page_of(n2).read()[2] == leases.STALLED)
        self.healthy(self.others(n2))
        self.await_takeover(self.others(n2), n2)
        self.lab.start_node(n2)
        self.healthy()
        self.assertNotEqual(self.incarnation(n2), before["incarnation"])

    def test_full_stop_and_start(self):
        """Epochs go on where they were: they never repeat, whatever was switched off."""
        before = self.healthy()[0]["epoch"]
        for node in self.lab.nodes:
            node.kill()
        for node in self.lab.nodes:
            wait_for(f"the end of the lease of {node.name}", lambda n=node: not self.page_may_act(n))
        for node in self.lab.nodes:
            self.boot(node)
        self.assertGreater(self.healthy()[0]["epoch"], before)


if __name__ == "__main__":
    run()
