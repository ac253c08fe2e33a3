"""Cables: one ring cut under load loses nothing; both cut, two go on and one waits; healed, they are three again."""

import re

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

    def resent(self, node, other):
        metrics = clusterd.ask(node, "GET", "/metrics")
        return int(re.search(rf'clusterd_circuit_resent_messages_total{{node="{other.name}"}} (\d+)', metrics)[1])

    def cut_under_load(self, ring):
        """(messages sent again meanwhile, whether all was in one epoch)."""
        n1, n2 = self.lab["n1"], self.lab["n2"]
        self.wait_rings(n1, n2, ["up", "up"])
        epoch, before = self.healthy()[0]["epoch"], self.resent(n1, n2) + self.resent(n2, n1)
        with PingStream(n1, n2) as there, PingStream(n2, n1) as back:
            there.wait_more()
            back.wait_more()
            n2.cut(ring)
            wanted = ["up", "up"]
            wanted[ring] = "down"
            self.wait_rings(n1, n2, wanted)
            self.assertTrue(self.circuit(n1, n2)["rings"][ring]["problem"], "why it is down is shown")
            there.wait_more()
            back.wait_more()
            again = self.resent(n1, n2) + self.resent(n2, n1) - before
            n2.heal(ring)
            self.wait_rings(n1, n2, ["up", "up"])
        self.assertEqual((there.refused, back.refused), (0, 0))
        self.assertEqual(self.out_of_sequence(n1) + self.out_of_sequence(n2), [])
        self.wait_links()
        print(f"ring {ring} cut: {again} messages sent again", flush=True)
        return again, self.healthy()[0]["epoch"] == epoch

    def wait_links(self):
        for node in self.lab.nodes:
            wait_for(f"Corosync's links of {node.name}",
                     lambda n=node: all(row["connected"] for row in clusterd.cluster(n)["links"]))

    def test_one_ring_cut_under_load_loses_nothing(self):
        """All that was on the cut ring comes over the other one, in the same epoch: nothing is void by a new view."""
        before = self.healthy()
        for _ in range(4):
            # Corosync may lose a token with the cable and make a new ring of the same members: that is a new epoch.
            # It uses ring 0 while it can, and the messages stay on ring 1 once they went there.
            runs = [self.cut_under_load(ring) for ring in (0, 1)]
            self.assertGreater(sum(again for again, _ in runs), 0)
            if any(again > 0 and one_epoch for again, one_epoch in runs):
                break
        else:
            self.fail("every cut that messages were on made a new epoch")
        after = self.healthy()
        self.assertEqual([one["incarnation"] for one in after], [one["incarnation"] for one in before])

    def test_two_of_three_go_on_and_the_third_waits(self):
        n1, n2, n3 = self.lab.nodes
        before = self.healthy()
        old = self.incarnation(n3)
        n3.cut()
        shown = self.healthy([n1, n2])
        self.assertGreater(shown[0]["epoch"], before[0]["epoch"])
        self.await_takeover([n1, n2], n3)
        alone = clusterd.wait_state(n3, "stalled")
        self.assertEqual(alone["lease"]["state"], "stalled")
        self.assertFalse(self.page_may_act(n3))
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
            self.assertFalse(self.page_may_act(node))
            # The lease ends first; then Corosync notices.
            wait_for(f"{node.name} without quorum", lambda asked=node: not clusterd.cluster(asked)["quorate"])
        for node in self.lab.nodes[1:]:
            node.heal()
        self.assertGreater(self.healthy()[0]["epoch"], before)


if __name__ == "__main__":
    run()
