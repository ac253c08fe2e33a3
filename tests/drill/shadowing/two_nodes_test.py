"""Two nodes write one set at the same time; one is powered off with writes under way, and comes back."""

from cluster_case import UNIT, ShadowCase, clusterd, run, shadowd


class TwoNodesTest(ShadowCase):
    def test_a_node_is_powered_off_while_both_write(self):
        first, second = self.openers
        writers = [self.write(node) for node in self.openers]
        for writer in writers:
            writer.wait_more()
        first.kill()
        writers[1].wait_more(10)  # it has stalled at most until the takeover
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
        self.end_all()


run()
