"""Two nodes write a set of a served disk and a member in RADOS. The OSD starts anew under load; a node freezes, is shut
out by the blocklist, and thaws."""

import sys

from cluster_case import MEMBER_OCTETS, NOT_RUN, UNIT, ShadowCase, clusterd, run, shadowd, wait_for
from lab import ceph


class RadosClusterTest(ShadowCase):
    count = 3
    mounting = 2
    disks = 1

    def create_set(self):
        self.ceph = ceph.Ceph(self.lab)
        self.addCleanup(self.ceph.stop)
        self.ceph.start()
        self.ceph.make_pool("shadow")
        self.disks = 2
        self.rados = f"rados:shadow/a?conf={self.ceph.conf}"
        shadowd.ctl(self.lab.nodes[0], "shadow", "create", UNIT, self.paths[0], f"{self.rados}&size={MEMBER_OCTETS}")

    def prepare(self):
        first = self.openers[0]
        shadowd.serve(first, "disk0", self.paths[0], f"{first.address()}:10800")
        self.places = [f"{first.name}:{self.paths[0]}", self.rados]

    def configure(self, node):
        shadowd.configure(node, UNIT, self.places, cluster=True)

    def the_osd_starts_anew(self):
        writers = [self.write(node) for node in self.openers]
        for writer in writers:
            writer.wait_more(100)
        self.ceph.kill_osd()
        self.ceph.start_osd()
        for writer in writers:
            writer.wait_more(200)
            writer.stop()

    def a_frozen_node_is_shut_out(self):
        first, second = self.openers
        writers = [self.write(node) for node in self.openers]
        for writer in writers:
            writer.wait_more(100)
        second.freeze()
        wait_for("its client is shut out", lambda: ":0/" in self.ceph.ask("osd", "blocklist", "ls"), 60, pause=0.5)
        writers[0].wait_more(100)
        second.thaw()
        for writer in writers:
            writer.stop()
        clusterd.wait_cluster(self.lab.nodes, limit=60)
        for node in self.openers:
            shadowd.wait_full(node, UNIT, 2)
        for node in self.openers:
            self.check_through(node)

    def all_is_equal(self):
        first = self.openers[0]
        shadowd.ctl(first, "shadow", "scrub", UNIT, "now")
        shown = shadowd.wait_shown(first, UNIT, "is scrubbed", lambda shown: shown["scrub"]["passes"] > 0)
        self.assertEqual((shown["scrub"]["mismatches"], shown["scrub"]["unreadable"]), (0, 0))

    def test_a_set_with_a_member_in_rados(self):
        self.the_osd_starts_anew()
        self.a_frozen_node_is_shut_out()
        self.all_is_equal()
        for node in self.lab.nodes:
            shadowd.stop(node)
        self.done = True


if not ceph.installed():
    print("not run: needs Ceph's daemons")
    sys.exit(NOT_RUN)
run()
