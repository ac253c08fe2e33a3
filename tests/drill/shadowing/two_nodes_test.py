"""Two nodes and a quorum disk, which remembers the set's generations, write one set at the same time; one is powered
off with writes under way, and comes back."""

import os

from cluster_case import UNIT, ShadowCase, clusterd, run, shadowd
from lab import quorumd


class TwoNodesTest(ShadowCase):
    count = 2

    def start_corosync(self):
        disk = os.path.join(self.lab.folder, "quorum.img")
        with open(disk, "wb") as out:
            out.truncate(16 << 20)
        self.lab.start_corosync(device=quorumd.device(quorumd.format_disks(disk)))
        for node in self.lab.nodes:
            quorumd.start(node)
        quorumd.wait_casting(self.lab.nodes)

    def configure(self, node):
        shadowd.configure(node, UNIT, self.paths, cluster=True, shared=True, quorum_disk=True)

    def boot(self, node):
        node.power_on()
        self.lab.start_node(node)
        quorumd.start(node)
        clusterd.start(node)
        shadowd.start(node)

    def test_a_node_is_powered_off_while_both_write(self):
        first, second = self.openers
        writers = [self.write(node) for node in self.openers]
        for writer in writers:
            writer.wait_more()
        first.kill()
        clusterd.wait_cluster([second])  # with the quorum disk's vote
        writers[1].wait_more(10)
        shadowd.wait_full(second, UNIT, 2)
        writers[1].wait_more()
        for writer in writers:
            writer.stop()
        self.check_through(second)

        self.boot(first)
        clusterd.wait_cluster(self.lab.nodes, limit=60)
        shadowd.wait_full(first, UNIT, 2)
        again = [self.write(node) for node in self.openers]
        for writer in again:
            writer.wait_more()
        for writer in again:
            writer.stop()
        self.check_through(first)
        self.check_through(second)
        self.stale_member_alone_is_refused()
        self.end_all()

    def stale_member_alone_is_refused(self):
        """The quorum disk knows better."""
        first, second = self.openers
        shadowd.ctl(first, "shadow", "remove", UNIT, self.paths[0])
        shadowd.wait_shown(second, UNIT, "has expelled the member",
                           lambda shown: shadowd.roles(shown) == ["expelled", "FULL"])
        for node in self.openers:
            shadowd.stop(node)
        os.rename(self.paths[1], self.paths[1] + ".away")
        shadowd.start(first)
        shadowd.wait_shown(first, UNIT, "refuses", lambda shown: shown["refused"] and not shown["mounted"])
        os.rename(self.paths[1] + ".away", self.paths[1])
        shadowd.start(second)
        shadowd.wait_shown(first, UNIT, "is mounted", lambda shown: shown["mounted"])
        shadowd.add(first, UNIT, self.paths[0])
        for node in self.openers:
            shadowd.wait_full(node, UNIT, 2)


run()
