"""Two nodes serve a disk each to the others, a third one has none; all write the set. A node is lost with its disk, a
shadowd is killed, a disk fails or hangs for the others, a cable is cut, and each time the disk returns; a new disk is
added, one is taken out for a while; in the end fio verifies from all nodes."""

import contextlib
import os
import signal
import subprocess

from cluster_case import MEMBER_OCTETS, UNIT, ShadowCase, clusterd, run, shadowd, wait_for

FIO_OCTETS = 4 << 20


class ServedTest(ShadowCase):
    count = 3
    mounting = 3

    def prepare(self):
        servers = self.openers[:2]
        self.places = []
        for number, (node, path) in enumerate(zip(servers, self.paths)):
            shadowd.serve(node, f"disk{number}", path, f"{node.address()}:1080{number}")
            self.places.append(f"{node.name}:{path}")
        self.trigger = shadowd.let_disks_fail(servers[0])

    def configure(self, node):
        shadowd.configure(node, UNIT, self.places, cluster=True)

    # ---- what happens

    def writers(self, nodes=None):
        writers = [self.write(node) for node in nodes or self.openers]
        for writer in writers:
            writer.wait_more(100)
        return writers

    def stop(self, writers):
        for writer in writers:
            writer.wait_more(50)
            writer.stop()

    def wait_roles(self, node, *wanted):
        shadowd.wait_shown(node, UNIT, f"has {wanted}", lambda shown: shadowd.roles(shown)[:len(wanted)] == list(wanted)
                           and shown["mounted"] and not shown["stalled"])

    def whole(self, count=2):
        for node in self.openers:
            shadowd.wait_full(node, UNIT, count)

    def add(self, node, disk):
        """Refused until what was asked of it before has ended."""
        def is_added():
            shadowd.ctl(node, "shadow", "add", UNIT, disk, fails=None)
            return "expelled" not in shadowd.roles(shadowd.show(node, UNIT))
        wait_for(f"{disk} is a member again", is_added, 90, pause=0.5)

    def a_node_is_lost_with_its_disk(self):
        first, second, third = self.openers
        writers = self.writers()
        first.kill()
        for node in (second, third):
            self.wait_roles(node, "expelled", "FULL")
        for writer in writers[1:]:
            writer.wait_more(100)
        for writer in writers:
            writer.stop()
        self.check_through(third)
        self.boot(first)
        clusterd.wait_cluster(self.lab.nodes, limit=60)
        shadowd.wait_shown(first, UNIT, "is mounted", lambda shown: shown["mounted"])
        writers = self.writers()
        self.add(second, self.places[0])
        self.whole()
        self.stop(writers)
        for node in self.openers:
            self.check_through(node)

    def shadowd_is_killed(self):
        """What it has under way at the other's disk is dropped there before anybody relies on its end."""
        first, second, _ = self.openers
        writers = self.writers()
        first.kill_program("shadowd")
        writers[0].stop()
        wait_for("the next shadowd has made an end of the killed one",
                 lambda: "predecessor_ended" in first.log_text("shadowd"), 60)
        for node in self.openers:
            shadowd.wait_shown(node, UNIT, "is mounted and merged",
                               lambda shown: shown["mounted"] and shown["to_merge"] == 0 and not shown["stalled"])
        self.stop(writers[1:])
        if "expelled" in shadowd.roles(shadowd.show(second, UNIT)):
            self.add(second, self.places[0])
        self.whole()
        self.check_through(first)

    def a_disk_fails_for_the_others(self):
        """nbdkit's error filter."""
        first, second, _ = self.openers
        writers = self.writers()
        with open(self.trigger, "w", encoding="ascii"):
            pass
        self.wait_roles(first, "expelled", "FULL")
        os.remove(self.trigger)
        for writer in writers:
            writer.wait_more(50)
        self.add(first, self.places[0])
        self.whole()
        self.stop(writers)
        self.check_through(second)

    def a_disk_hangs_for_the_others(self):
        first, second, third = self.openers
        writers = self.writers()
        for pid in shadowd.disk_servers(second):
            os.kill(pid, signal.SIGSTOP)
        self.wait_roles(first, "FULL", "expelled")
        for pid in shadowd.disk_servers(second):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
        for writer in writers:
            writer.wait_more(50)
        self.add(third, self.places[1])
        self.whole()
        self.stop(writers)
        self.check_through(first)

    def a_cable_is_cut_and_heals(self):
        """The disk that was away gets what changed meanwhile."""
        first, second, third = self.openers
        writers = self.writers()
        first.cut()
        for node in (second, third):
            self.wait_roles(node, "expelled", "FULL")
        for writer in writers[1:]:
            writer.wait_more(50)
        first.heal()
        writers[0].stop()
        clusterd.wait_cluster(self.lab.nodes, limit=60)
        shadowd.wait_shown(first, UNIT, "is mounted", lambda shown: shown["mounted"])
        self.add(third, self.places[0])
        self.whole()
        self.stop(writers[1:])
        self.assertTrue(any("a minicopy begins" in node.log_text("shadowd") for node in self.openers))
        self.check_through(first)

    def a_disk_is_taken_out_for_a_while(self):
        first, second, third = self.openers
        writers = self.writers()
        refused = shadowd.ctl(first, "shadow", "add", UNIT, self.places[1], fails=True)
        self.assertIn("is a member already", refused.stderr)
        shadowd.ctl(second, "shadow", "remove", "--minicopy", UNIT, self.places[1])
        self.wait_roles(first, "FULL", "expelled")
        for writer in writers:
            writer.wait_more(50)
        self.add(third, self.places[1])
        self.whole()
        self.stop(writers)

    def a_new_disk_is_added(self):
        """Of the node that had none; its node labels it, and all learn of it."""
        first, _, third = self.openers
        path = os.path.join(self.lab.folder, "new.img")
        with open(path, "wb") as disk:
            disk.write(os.urandom(1 << 20) * (MEMBER_OCTETS >> 20))
        shadowd.ctl(third, "disk", "serve", "disk2", path, "--address", f"{third.address()}:10802")
        writers = self.writers()
        self.add(first, f"{third.name}:{path}")
        self.whole(3)
        self.stop(writers)
        self.paths.append(path)
        told = shadowd.ctl(third, "--json", "disk", "list").stdout
        self.assertIn('"served":true', told)
        shown = shadowd.ctl(third, "shadow", "show", UNIT).stdout
        self.assertIn("the nodes that serve the disks", shown)

    def fio_verifies_from_all_nodes(self):
        command = ["fio", "--name=verify", "--ioengine=nbd", "--rw=randwrite", "--bs=4k", "--iodepth=8",
                   "--verify=crc32c", "--do_verify=1", "--verify_state_save=0", f"--size={FIO_OCTETS}"]
        runs = [subprocess.Popen([*command, f"--uri={shadowd.nbd(node, UNIT)}", f"--offset={number * FIO_OCTETS}"],
                                 stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
                for number, node in enumerate(self.openers)]
        for one in runs:
            said, _ = one.communicate(timeout=90)
            self.assertEqual(one.returncode, 0, said)

    def test_a_set_of_served_disks(self):
        self.a_node_is_lost_with_its_disk()
        self.shadowd_is_killed()
        self.a_disk_fails_for_the_others()
        self.a_disk_hangs_for_the_others()
        self.a_cable_is_cut_and_heals()
        self.a_disk_is_taken_out_for_a_while()
        self.a_new_disk_is_added()
        self.fio_verifies_from_all_nodes()
        self.end_all()


run()
