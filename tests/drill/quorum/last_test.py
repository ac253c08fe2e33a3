"""Three nodes and a disk with two votes: any one of them can go on alone."""

from support import QuorumCase, run


class Last(QuorumCase):
    count = 3
    votes = 2
    apart = True

    def test_the_last_one_standing(self):
        n1, n2, n3 = self.lab.nodes
        self.power_off(n1, left=[n2, n3])
        self.power_off(n2, left=[n3])
        self.boot(n1)
        self.boot(n2)
        self.healthy()

    def test_one_against_two(self):
        """The larger side has the votes, and the smaller one waits."""
        n1, n2, n3 = self.lab.nodes
        blocked = self.cut_off(n1, left=[n2, n3])
        self.never_quorate(n1, blocked.begin, 8)
        n1.heal()
        self.healthy()


if __name__ == "__main__":
    run()
