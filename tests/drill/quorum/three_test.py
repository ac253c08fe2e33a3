"""Three disks of which a majority decides: one lost and replaced, two lost."""

import os

from support import QuorumCase, now, quorumd, run


class Three(QuorumCase):
    @classmethod
    def format_disks(cls):
        cls.disks = [cls.place(f"quorum{number}.disk") for number in (1, 2, 3)]
        return quorumd.format_disks(*cls.disks)

    @classmethod
    def place(cls, name):
        return os.path.join(cls.lab.folder, name)

    def lose(self, disk):
        """What was on it is not there any more. Returns how to bring it back."""
        with open(disk, "rb") as file:
            content = file.read()
        os.truncate(disk, 0)

        def restore():
            with open(disk, "r+b") as file:
                file.write(content)

        return restore

    def troubled(self, shown):
        return sorted(os.path.basename(disk["path"]) for disk in shown["disks"] if disk["problem"])

    def wait_troubled(self, *names):
        for node in self.lab.nodes:
            quorumd.wait_shown(node, f"trouble with {names}", lambda one: self.troubled(one) == list(names))

    def cast_all_along(self, since):
        """As long as the ring was the same."""
        for node in self.lab.nodes:
            spans = [span for span in self.spans(node) if span.end > since]
            lost = [str(span) for span in spans if span.coming == spans[0].coming and not span.casts]
            self.assertEqual(lost, [])

    def test_disks_are_lost_one_after_the_other(self):
        n1, n2 = self.lab.nodes
        since = now()
        self.lose(self.disks[1])
        self.wait_troubled("quorum2.disk")
        self.settles_a_split(n1, n2, since)
        since = now()
        self.replaces_what_is_lost(n1)
        self.cast_all_along(since)
        self.loses_two(since)

    def settles_a_split(self, stays, leaves, since):
        """With two of three a split is settled as with all; until then nothing has happened to the votes."""
        self.cast_all_along(since)
        blocked = self.cut_off(leaves, left=[stays])
        self.never_quorate(leaves, blocked.begin, 3)
        leaves.heal()
        self.healthy()

    def replaces_what_is_lost(self, node):
        self.ctl_replace(node, self.disks[1], self.place("new.disk"))
        wanted = {self.disks[0], self.place("new.disk"), self.disks[2]}
        for one in self.lab.nodes:
            quorumd.wait_shown(one, "the new disk", lambda shown: {disk["path"] for disk in shown["disks"]} == wanted
                               and not self.troubled(shown))

    def ctl_replace(self, node, old, new):
        quorumd.ctl("--root", node.root, "--yes", "replace", old, new)

    def loses_two(self, since):
        """No majority: the disks' vote is gone, quorum is not. With one back there is a majority again."""
        restores = [self.lose(disk) for disk in (self.disks[0], self.disks[2])]
        lost = now()
        for node in self.lab.nodes:
            self.wait_span(node, "without the disks' vote", lambda span: not span.casts and span.total == 2, lost)
        self.quorum_lasted(since)
        restores[0]()
        self.healthy()


if __name__ == "__main__":
    run()
