"""Corosync has a quorum device and no quorumd publishes its votes: they do not count, and that is said, not silent."""

import pathlib

from support import ClusterCase, clusterd, run, wait_for

from lab import corosync
from maild_node import binaries

CAST_VOTES = str(pathlib.Path(binaries()).resolve() / "cluster_cast_votes")


class Device(ClusterCase):
    count = 2
    corosync = {"device": {"model": "net", "votes": 1}}

    def tearDown(self):
        n1, n2 = self.lab.nodes
        if not n2.alive:
            self.boot(n2)
            self.healthy()
        # What was registered once stays so in votequorum: the test with it comes last.
        n1.kill_program("cluster_cast_votes")
        n2.kill_program("cluster_cast_votes")

    @staticmethod
    def votequorum_goes_on(node):
        """Alone with the device, which stands as node 0."""
        quorate, members = corosync.quorum(node) or (False, [])
        return quorate and members in ([1], [0, 1])

    def stalls(self, node, reason):
        def seen():
            shown = clusterd.cluster(node)
            return shown if shown and shown["state"] == "stalled" and shown["reason"].startswith(reason) else None

        return wait_for(f"{node.name} stalls: {reason}", seen)

    def problem(self, node, words):
        said = wait_for(f"{node.name} says {words}",
                        lambda: words in (clusterd.cluster(node) or {}).get("votes", {}).get("device_problem", ""))
        self.assertTrue(said)

    def test_a_device_that_nobody_serves(self):
        n1, n2 = self.lab.nodes
        self.problem(n1, "corosync.conf has a quorum device (model net), but no program casts its votes")
        self.assertIn("no quorumd publishes", self.wait_logged(n1, "quorum_device_does_not_count")[0])
        n2.kill()
        self.stalls(n1, "no quorum; corosync.conf has a quorum device")
        self.assertRegex(clusterd.ask(n1, "GET", "/v1/status")["reason"], "the members' votes alone decide")

    def test_one_that_casts_and_publishes_nothing(self):
        """Votequorum goes on with the device's vote; clusterd must not, for another partition may have it by now."""
        n1, n2 = self.lab.nodes
        for node in self.lab.nodes:
            node.start("device", CAST_VOTES, "Qdevice")
        self.problem(n1, "Qdevice casts 1 vote of the quorum device in Corosync, which no quorumd publishes")
        self.healthy()
        n2.kill()
        wait_for("votequorum goes on", lambda: self.votequorum_goes_on(n1))
        self.assertEqual(self.stalls(n1, "no quorum; Qdevice casts 1 vote")["votes"]["disk"], 0)


if __name__ == "__main__":
    run()
