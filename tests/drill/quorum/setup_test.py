"""From a two-node cluster without a disk to one with a disk, to another disk, and back; all while it runs."""

import os

from support import Lab, QuorumCase, quorumd, run, wait_for

from lab import corosync


class Setup(QuorumCase):
    @classmethod
    def setUpClass(cls):
        cls.lab = Lab(nodes=2)
        cls.lab.up()
        cls.addClassCleanup(cls.tear_down_lab)
        cls.disk = os.path.join(cls.lab.folder, "quorum.disk")
        cls.lab.start_corosync(quorum={"two_node": 1})
        for node in cls.lab.nodes:
            cls.start_programs(node)

    def setUp(self):
        self.lab.wait_quorate()

    def ctl(self, node, *words, code=0):
        return quorumd.ctl("--root", node.root, "--yes", *words, code=code)

    def conf(self, node):
        with open(os.path.join(node.folder, "etc-corosync", "corosync.conf"), encoding="ascii") as file:
            return file.read()

    def test_set_up_replace_and_remove(self):
        n1, n2 = self.lab.nodes
        for node in self.lab.nodes:
            quorumd.wait_shown(node, "waits", lambda shown: "has no quorum device" in shown["waiting"])
        self.refused_while_not_formatted(n1)
        self.asks_before_it_overwrites()
        quorumd.format_disks(self.disk)
        self.set_up(n1)
        self.reformatting_is_refused(n1)
        self.replace(n1)
        self.restart_with_what_the_file_says()
        self.remove(n2)

    def refused_while_not_formatted(self, node):
        answer = self.ctl(node, "setup", self.disk, code=1)
        self.assertIn("No such file", answer["error"]["message"])
        for other in self.lab.nodes:
            self.assertNotIn("quorumd", self.conf(other))

    def asks_before_it_overwrites(self):
        with open(self.disk, "wb") as file:
            file.write(b"mail" * 4096 * 1024)
        answer = quorumd.ctl("format", self.disk, "--cluster", "lab", "--soft", code=2)
        self.assertIn(f"{self.disk} is not blank; overwrite it", answer["error"]["message"])
        with open(self.disk, "rb") as file:
            self.assertEqual(file.read(8), b"mailmail")

    def set_up(self, node):
        self.ctl(node, "setup", self.disk)
        self.healthy()
        for one in self.lab.nodes:
            self.assertIn("model: quorumd", self.conf(one))
            self.assertNotIn("two_node", self.conf(one))
            shown = quorumd.show(one)
            self.assertEqual((shown["votes"]["expected"], shown["votes"]["total"], shown["votes"]["quorum"]), (3, 3, 2))

    def reformatting_is_refused(self, node):
        answer = self.ctl(node, "format", self.disk, "--cluster", "x", "--soft", code=1)
        self.assertIn("in use", answer["error"]["message"])

    def replace(self, node):
        new = os.path.join(self.lab.folder, "new.disk")
        before = [quorumd.show(one)["votes"]["quorate"] for one in self.lab.nodes]
        self.assertEqual(before, [True, True])
        self.ctl(node, "replace", self.disk, new)
        self.healthy()
        os.rename(self.disk, self.disk + ".away")
        for one in self.lab.nodes:
            self.assertEqual([disk["path"] for disk in quorumd.show(one)["disks"]], [new])
            self.assertIn(f"disk1: {new}", self.conf(one))

    def restart_with_what_the_file_says(self):
        n1, n2 = self.lab.nodes
        n2.kill()
        self.boot(n2)
        self.healthy()

    def remove(self, node):
        self.ctl(node, "remove")
        for one in self.lab.nodes:
            self.assertNotIn("quorumd", self.conf(one))
            quorumd.wait_shown(one, "waits again", lambda shown: "has no quorum device" in shown["waiting"])
        wait_for("two votes of two", lambda: all(corosync.quorum(one) == (True, [1, 2]) for one in self.lab.nodes), 30)


if __name__ == "__main__":
    run()
