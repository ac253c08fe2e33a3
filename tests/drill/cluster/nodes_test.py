"""Nodes that come and go by corosync.conf: on all nodes or on none, and nobody is disturbed."""

import base64
import os

from support import ClusterCase, PingStream, clusterd, run, wait_for

from lab import corosync


def conf_path(node):
    return os.path.join(node.folder, "etc-corosync/corosync.conf")


def conf(node):
    with open(conf_path(node), encoding="ascii") as stored:
        return stored.read()


class Nodes(ClusterCase):
    def body(self, number, **more):
        name = f"n{number}"
        return {"name": name, "addresses": [f"10.77.{ring}.{number}" for ring in (0, 1)],
                "interconnect": [f"10.77.{ring}.{number}:5410" for ring in (0, 1)]} | more

    def confs(self):
        return [conf(node) for node in self.lab.nodes]

    def refused(self, status, answer, code=409):
        self.assertEqual(status, code, answer)
        return answer["error"]["message"]

    def test_a_fourth_node_joins_and_leaves_again(self):
        n1 = self.lab["n1"]
        before = self.healthy()
        answer = clusterd.ask(n1, "POST", "/v1/cluster/nodes", self.body(4))
        self.assertEqual((answer["node_id"], answer["cluster"]), (4, "lab"))
        texts = self.confs()
        self.assertEqual(texts, [answer["corosync_conf"]] * 3)
        with open(os.path.join(n1.folder, "etc-corosync/authkey"), "rb") as key:
            self.assertEqual(base64.b64decode(answer["authkey"]), key.read())
        wait_for("four votes expected", lambda: clusterd.cluster(n1)["votes"]["expected"] == 4)
        # Nobody had to leave for it.
        self.assertEqual([one["incarnation"] for one in self.healthy()], [one["incarnation"] for one in before])
        seen = [self.events(node)[-1]["number"] for node in self.lab.nodes]
        n4 = self.lab.add_node()
        try:
            for name, octets in (("corosync.conf", answer["corosync_conf"].encode()),
                                 ("authkey", base64.b64decode(answer["authkey"]))):
                with open(os.path.join(n4.folder, "etc-corosync", name), "wb") as out:
                    out.write(octets)
            clusterd.configure(self.lab, [n4], key=self.key)
            with PingStream(n1, self.lab["n2"]) as stream:
                stream.wait_more()
                corosync.start(n4)
                clusterd.start(n4)
                shown = self.healthy()
                stream.wait_more()
            self.assertEqual(stream.refused, 0)
            self.nobody_stalled(seen)
            self.assertEqual(shown[0]["votes"], {"total": 4, "expected": 4, "quorum": 3, "disk": 0,
                                                 "device_problem": ""})
            self.leave(n1, n4)
        finally:
            n4.kill()
            self.lab.nodes.remove(n4)
        self.healthy()

    @staticmethod
    def events(node):
        return clusterd.ask(node, "GET", "/v1/events/recent")["events"]

    def nobody_stalled(self, seen):
        """What the first nodes share could be used all the time since those events."""
        for node, number in zip(self.lab.nodes, seen):
            kinds = {event["kind"] for event in self.events(node) if event["number"] > number}
            self.assertIn("view", kinds, "n4 has joined")
            self.assertFalse(kinds & {"lease_stalled", "quorum_lost", "expelled"}, (node.name, kinds))

    def leave(self, n1, n4):
        status, answer = clusterd.control(n1, "DELETE", "/v1/cluster/nodes/n4")
        self.assertIn("drain", self.refused(status, answer))
        clusterd.ask(n1, "POST", "/v1/nodes/n4/drain")
        wait_for("n4 drains for all to see", lambda: all(
            row["draining"] and row["directory_weight"] == 0
            for node in self.lab.nodes for row in clusterd.cluster(node)["members"] if row["name"] == "n4"))
        clusterd.stop(n4)
        self.assertFalse(self.page_may_act(n4))
        for pid in n4.pids("corosync"):
            os.kill(pid, 15)
        self.healthy([node for node in self.lab.nodes if node is not n4])
        clusterd.ask(n1, "DELETE", "/v1/cluster/nodes/n4")
        self.assertNotIn("10.77.0.4", conf(n1))
        wait_for("three votes expected", lambda: clusterd.cluster(n1)["votes"]["expected"] == 3)

    def test_a_node_that_refuses_changes_nothing_anywhere(self):
        n1, _, n3 = self.lab.nodes
        with open(conf_path(n3), "a", encoding="ascii") as out:
            out.write("# changed by hand\n")
        before = self.confs()
        status, answer = clusterd.control(n1, "POST", "/v1/cluster/nodes", self.body(5))
        message = self.refused(status, answer)
        self.assertIn("n3 refuses", message)
        self.assertIn("nothing is changed", message)
        self.assertEqual(self.confs(), before)
        with open(conf_path(n3), "w", encoding="ascii") as out:
            out.write(before[0])

    def test_a_node_that_is_off_changes_nothing_anywhere(self):
        n1, n2, n3 = self.lab.nodes
        n3.kill()
        self.healthy([n1, n2])
        before = self.confs()
        status, answer = clusterd.control(n1, "POST", "/v1/cluster/nodes", self.body(5), timeout=60)
        self.assertIn("n3 does not answer", self.refused(status, answer))
        self.assertEqual(self.confs(), before)
        status, answer = clusterd.control(n1, "GET", "/v1/nodes/n3/status", timeout=60)
        self.assertEqual((status, answer["error"]["code"]), (502, "unreachable"))
        self.boot(n3)

    def test_what_does_not_fit_is_refused_with_its_reason(self):
        n1 = self.lab["n1"]
        for body, words in ((self.body(2), "given twice"), (self.body(5, node_id=1), "nodeid 1 is given twice"),
                            (self.body(5, addresses=["10.77.0.5"]), "has 1 addresses")):
            self.assertIn(words, self.refused(*clusterd.control(n1, "POST", "/v1/cluster/nodes", body)))
        status, answer = clusterd.control(n1, "DELETE", "/v1/cluster/nodes/n9")
        self.assertEqual((status, answer["error"]["code"]), (404, "no_such_node"))

    def test_draining_is_kept_over_a_restart(self):
        n2 = self.lab["n2"]
        self.assertEqual(clusterd.ask(n2, "POST", "/v1/drain"), {"draining": True})
        clusterd.stop(n2)
        clusterd.start(n2)
        shown = self.healthy()
        for one in shown:
            self.assertEqual([row["draining"] for row in one["members"]], [False, True, False])
        self.assertEqual(clusterd.ask(n2, "POST", "/v1/undrain"), {"draining": False})
        wait_for("nobody drains", lambda: not any(row["draining"] for row in clusterd.cluster(n2)["members"]))


if __name__ == "__main__":
    run()
