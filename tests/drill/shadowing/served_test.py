"""Each node serves a disk of its own to the others, and all write the set. A node is lost with its disk; it returns,
and its disk by a copy."""

from cluster_case import UNIT, ShadowCase, clusterd, run, shadowd, wait_for


class ServedTest(ShadowCase):
    count = 3
    mounting = 2

    def prepare(self):
        for number, node in enumerate(self.openers):
            shadowd.serve(node, f"disk{number}", self.paths[number], f"{node.address()}:1080{number}")
        self.places = [f"{node.name}:{path}" for node, path in zip(self.openers, self.paths)]

    def configure(self, node):
        shadowd.configure(node, UNIT, self.places, cluster=True)

    def test_a_node_is_lost_with_its_disk(self):
        first, second = self.openers
        writers = [self.write(node) for node in self.openers]
        for writer in writers:
            writer.wait_more(100)
        first.kill()
        shadowd.wait_shown(second, UNIT, "goes on without the lost disk",
                           lambda shown: shadowd.roles(shown) == ["expelled", "FULL"] and not shown["stalled"])
        writers[1].wait_more(100)
        for writer in writers:
            writer.stop()
        self.check_through(second)

        self.boot(first)
        clusterd.wait_cluster(self.lab.nodes, limit=60)
        shadowd.wait_shown(first, UNIT, "is mounted", lambda shown: shown["mounted"])
        again = [self.write(node) for node in self.openers]
        wait_for("the disk that was lost is a member again", lambda: self.is_added(second), 90, pause=1)
        for node in self.openers:
            shadowd.wait_full(node, UNIT, 2)
        for writer in again:
            writer.wait_more(100)
            writer.stop()
        self.check_through(first)
        self.check_through(second)
        self.shadowd_is_killed(first, second)
        self.end_all()

    def is_added(self, node):
        """Refused until what was asked of the lost disk has ended: that is known when its node answers again."""
        shadowd.ctl(node, "shadow", "add", UNIT, self.places[0])
        return "expelled" not in shadowd.roles(shadowd.show(node, UNIT))

    def shadowd_is_killed(self, first, second):
        """What it has under way at the other's disk is dropped there before anybody relies on its end."""
        writers = [self.write(node) for node in self.openers]
        for writer in writers:
            writer.wait_more(100)
        first.kill_program("shadowd")
        writers[0].stop()
        wait_for("the next shadowd has made an end of the killed one",
                 lambda: "predecessor_ended" in first.log_text("shadowd"), 60)
        for node in self.openers:
            shadowd.wait_shown(node, UNIT, "is mounted and merged",
                               lambda shown: shown["mounted"] and shown["to_merge"] == 0 and not shown["stalled"])
        writers[1].wait_more(100)
        writers[1].stop()
        for node in self.openers:
            self.check_through(node)


run()
