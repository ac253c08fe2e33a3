"""The disk as an object in RADOS, on a Ceph of one OSD which every node reaches over a storage cable of its own."""

import sys

from disk_test import resident
from support import NOT_RUN, QuorumCase, now, quorumd, run, wait_for

from lab import ceph
from lab.network import STORAGE

MEMORY = 16 * 1024  # KiB; it begins with 30 MiB. I/O that is late, under load, uses up to 1 MiB more until it is over


class Rados(QuorumCase):
    @classmethod
    def format_disks(cls):
        cls.ceph = ceph.Ceph(cls.lab)
        cls.addClassCleanup(cls.ceph.stop)
        since = now()
        cls.ceph.start()
        cls.ceph.make_pool("quorum")
        print(f"Ceph: ready after {now() - since:.1f} s", flush=True)
        cls.disk = f"rados:quorum/disk?conf={cls.ceph.conf}"
        return quorumd.format_disks(cls.disk, on=cls.lab.nodes[0])

    def stop_casting(self, since):
        for node in self.lab.nodes:
            self.wait_span(node, "without the disk's vote", lambda span: not span.casts and span.total == 2, since)

    def one_alone(self, since):
        """Until one side has quorum: the first that reads the disk again. Never both (the recorders see to that)."""
        def alone():
            return [node for node in self.lab.nodes
                    if any(span.quorate and span.members == {node.number} and span.end > since
                           for span in self.spans(node))]
        won = wait_for("one side is quorate alone", alone, 60)
        lost, = (node for node in self.lab.nodes if node not in won)
        self.never_quorate(lost, since, 1)

    def test_a_cut_link(self):
        n1, n2 = self.lab.nodes
        blocked = self.cut_off(n2, left=[n1])
        self.never_quorate(n2, blocked.begin, 1)
        n2.heal()
        self.healthy()

    def test_power_off_of_the_holder(self):
        n1, n2 = self.lab.nodes
        self.power_off(n1, left=[n2])
        self.boot(n1)
        self.healthy()

    def test_a_cut_storage_cable(self):
        """And before that: what a voter holds of memory when it has settled, most of it Ceph's library."""
        n2 = self.lab.nodes[1]
        pid = n2.pids("quorumd")[0]
        wait_for("what the start needed is given back", lambda: resident(pid) < MEMORY, 60)
        writes = quorumd.show(n2)["disks"][0]["writes"]
        wait_for("it works for a while", lambda: quorumd.show(n2)["disks"][0]["writes"] >= writes + 5, 60, pause=1)
        print(f"{resident(pid) / 1024:.1f} MiB", flush=True)
        wait_for("what late I/O needed is given back, too", lambda: resident(pid) < MEMORY, 30)
        since = now()
        n2.cut(STORAGE)
        self.loses_its_path(n2)
        n2.heal(STORAGE)
        self.watches(n2)
        self.quorum_lasted(since)

    def test_the_osd_starts_anew(self):
        """Killed and started again: quorum stays with the members' votes, and the disk's come back."""
        since = now()
        self.ceph.kill_osd()
        self.stop_casting(since)
        self.ceph.start_osd()
        self.healthy()
        print(f"OSD: votes back {now() - since:.1f} s after its end", flush=True)
        self.quorum_lasted(since)

    def test_the_osd_hangs_and_the_link_is_cut(self):
        """Nobody has the disk's vote then, and so nobody quorum; what the OSD does afterwards gives it to one side."""
        n1, n2 = self.lab.nodes
        since = now()
        self.ceph.freeze_osd()
        self.stop_casting(since)
        self.quorum_lasted(since)
        cut = now()
        n2.cut()
        for node in self.lab.nodes:
            blocked = self.wait_span(node, "blocked", lambda one, number=node.number: not one.quorate and
                                     one.members == {number}, cut)
            self.never_quorate(node, blocked.begin, 1)
        thawed = now()
        self.ceph.thaw_osd()
        self.one_alone(thawed)
        print(f"OSD: one side has the vote {now() - thawed:.1f} s after it goes on", flush=True)
        n2.heal()
        self.healthy()
        late = wait_for("late I/O is counted", lambda: quorumd.show(n1), 30)["disks"][0]["late"]
        self.assertGreater(late, 0)


if __name__ == "__main__":
    if not ceph.installed():
        print("not run: Ceph's daemons are not installed")
        sys.exit(NOT_RUN)
    run()
