"""Three nodes and a disk with two votes: any one of them can go on alone."""

from support import QuorumCase, now, run


class Last(QuorumCase):
    count = 3
    votes = 2

    def test_the_last_one_standing(self):
        n1, n2, n3 = self.lab.nodes
        since = now()
        n1.kill()
        from_ring, in_all = self.wait_alone([n2, n3], since)
        print(f"two of three: {in_all:.2f} s after the loss", flush=True)
        since = now()
        n2.kill()
        from_ring, in_all = self.wait_alone([n3], since)
        print(f"one of three: {in_all:.2f} s after the loss", flush=True)
        self.assertGreater(in_all, 10.0)
        self.boot(n1)
        self.boot(n2)
        self.healthy()

    def test_one_against_two(self):
        """The larger side has the votes, and the smaller one waits."""
        n1, n2, n3 = self.lab.nodes
        since = now()
        n1.cut()
        self.wait_alone([n2, n3], since)
        blocked = self.wait_span(n1, "blocked", lambda one: not one.quorate and one.members == {1}, since)
        self.never_quorate(n1, blocked.begin, 8)
        n1.heal()
        self.healthy()


if __name__ == "__main__":
    run()
