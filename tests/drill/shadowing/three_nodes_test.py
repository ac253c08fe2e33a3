"""Three nodes write one set at the same time while a member leaves and comes back, a shadowd is killed, the node that
copies is powered off, and in the end all nodes lose power."""

import json
import os

from cluster_case import UNIT, ShadowCase, clusterd, run, shadowd


class ThreeNodesTest(ShadowCase):
    mounting = 3

    def writers(self, nodes=None):
        writers = [self.write(node) for node in nodes or self.openers]
        for writer in writers:
            writer.wait_more(100)
        return writers

    def stop(self, writers):
        for writer in writers:
            writer.stop()

    def whole(self, nodes=None):
        for node in nodes or self.openers:
            shadowd.wait_full(node, UNIT, self.disks)

    def member_leaves_and_returns(self):
        first, second, _ = self.openers
        writers = self.writers()
        shadowd.ctl(first, "shadow", "remove", UNIT, self.paths[1])
        for node in self.openers:
            shadowd.wait_shown(node, UNIT, "has expelled the member",
                               lambda shown: shadowd.roles(shown) == ["FULL", "expelled"])
        for writer in writers:
            writer.wait_more(100)
        shadowd.ctl(second, "shadow", "add", UNIT, self.paths[1])
        self.whole()
        self.stop(writers)

    def shadowd_is_killed(self):
        first, second, third = self.openers
        writers = self.writers()
        first.kill_program("shadowd")
        for writer in writers[1:]:
            writer.wait_more(100)
        self.whole()
        self.stop(writers)
        self.check_through(second)

    def copying_node_is_lost(self):
        """Another one goes on with the copy."""
        first, second, third = self.openers
        writers = self.writers()
        shadowd.ctl(first, "shadow", "remove", UNIT, self.paths[0])
        shadowd.wait_shown(first, UNIT, "has expelled the member",
                           lambda shown: shadowd.roles(shown) == ["expelled", "FULL"])
        shadowd.ctl(first, "shadow", "add", UNIT, self.paths[0])
        shadowd.wait_shown(first, UNIT, "copies", lambda shown: shadowd.roles(shown)[0] != "expelled")
        first.kill()
        clusterd.wait_cluster([second, third])
        for writer in writers[1:]:
            writer.wait_more(20)
        self.whole([second, third])
        self.stop(writers)
        self.check_through(third)
        self.boot(first)
        clusterd.wait_cluster(self.lab.nodes, limit=60)
        self.whole()

    def all_lose_power(self):
        writers = self.writers()
        for node in self.openers:
            node.kill()
        self.stop(writers)
        for node in self.openers:
            self.boot(node)
        clusterd.wait_cluster(self.lab.nodes, limit=60)
        self.whole()
        for node in self.openers:
            self.check_through(node)

    def stale_member_comes_up_alone(self):
        """It is refused, until the operator accepts the loss."""
        first, _, _ = self.openers
        shadowd.ctl(first, "shadow", "remove", UNIT, self.paths[0])
        shadowd.wait_shown(first, UNIT, "has expelled the member",
                           lambda shown: shadowd.roles(shown) == ["expelled", "FULL"])
        for node in self.openers:
            shadowd.stop(node)
        os.rename(self.paths[1], self.paths[1] + ".away")
        for node in self.openers:
            shadowd.start(node)
        shadowd.wait_shown(first, UNIT, "refuses", lambda shown: shown["refused"] and not shown["mounted"])
        before = json.loads(shadowd.ctl(first, "--json", "shadow", "label", self.paths[0]).stdout)
        shadowd.ctl(first, "shadow", "accept-loss", UNIT)
        for node in self.openers:
            shown = shadowd.wait_shown(node, UNIT, "goes on with what is there", lambda shown: shown["mounted"])
        self.assertNotEqual(shown["lineage"], before["lineage"])
        os.rename(self.paths[1] + ".away", self.paths[1])
        shadowd.ctl(first, "shadow", "add", UNIT, self.paths[1])
        self.whole()

    def test_a_set_that_three_nodes_write(self):
        self.member_leaves_and_returns()
        self.shadowd_is_killed()
        self.copying_node_is_lost()
        self.all_lose_power()
        self.stale_member_comes_up_alone()
        self.end_all()


run()
