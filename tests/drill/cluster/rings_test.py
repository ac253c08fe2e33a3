"""Cables: one ring cut under load loses nothing; both cut, two go on and one waits; healed, they are three again."""

from support import ClusterCase, PingStream, clusterd, run, wait_for


class Rings(ClusterCase):
    def circuit(self, node, other):
        shown = clusterd.cluster(node)
        return next(row for row in shown["circuits"] if row["node"] == other.name)

    def ring_states(self, node, other):
        return [ring["state"] for ring in self.circuit(node, other)["rings"]]

    def wait_rings(self, node, other, wanted):
        wait_for(f"rings from {node.name} to {other.name} are {wanted}",
                 lambda: self.ring_states(node, other) == wanted)

    def test_one_ring_cut_under_load_loses_nothing(self):
        n1, n2 = self.lab["n1"], self.lab["n2"]
        before = self.healthy()
        self.wait_rings(n1, n2, ["up", "up"])
        for ring in (0, 1):
            with PingStream(n1, n2) as stream:
                wait_for("pings", lambda s=stream: s.answered > 3)
                n2.cut(ring)
                wanted = ["up", "up"]
                wanted[ring] = "down"
                self.wait_rings(n1, n2, wanted)
                so_far = stream.answered
                wait_for("pings over the other ring", lambda s=stream, n=so_far: s.answered > n + 3)
                n2.heal(ring)
                self.wait_rings(n1, n2, ["up", "up"])
            self.assertEqual(stream.refused, 0)
        after = self.healthy()
        # Corosync may have lost a token with the cable and made a new ring of the same members: that is a new epoch.
        self.assertEqual([one["incarnation"] for one in after], [one["incarnation"] for one in before])

    def test_two_of_three_go_on_and_the_third_waits(self):
        n1, n2, n3 = self.lab.nodes
        before = self.healthy()
        old = self.incarnation(n3)
        n3.cut()
        shown = self.healthy([n1, n2])
        self.assertGreater(shown[0]["epoch"], before[0]["epoch"])
        alone = clusterd.wait_state(n3, "stalled")
        self.assertEqual(alone["lease"]["state"], "stalled")
        self.assertTrue(alone["reason"])
        self.assertFalse(alone["quorate"])
        status, answer = clusterd.control(n3, "POST", "/v1/cluster/nodes", {"name": "n9", "addresses": ["10.77.0.9"]})
        self.assertEqual((status, answer["error"]["code"]), (409, "no_quorum"))
        n3.heal()
        healed = self.healthy()
        self.assertGreater(healed[0]["epoch"], shown[0]["epoch"])
        self.assertNotEqual(self.incarnation(n3), old)

    def test_nobody_goes_on_when_all_are_alone(self):
        before = self.healthy()[0]["epoch"]
        for node in self.lab.nodes[1:]:
            node.cut()
        for node in self.lab.nodes:
            clusterd.wait_state(node, "stalled")
            # The lease ends first; then Corosync notices.
            wait_for(f"{node.name} without quorum", lambda asked=node: not clusterd.cluster(asked)["quorate"])
        for node in self.lab.nodes[1:]:
            node.heal()
        self.assertGreater(self.healthy()[0]["epoch"], before)


if __name__ == "__main__":
    run()
