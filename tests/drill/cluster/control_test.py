"""The control API of a cluster: the same answers through any node, events, commands, votes, level, metrics."""

import grp
import json
import os
import re

from support import ClusterCase, Events, clusterd, run, wait_for


class Control(ClusterCase):
    clusterd = {"run_commands": True}

    def test_status(self):
        self.healthy()
        for node in self.lab.nodes:
            status = clusterd.ask(node, "GET", "/v1/status")
            expected = {"daemon": "clusterd", "node": node.name, "membership": "corosync", "state": "running",
                        "cluster": "lab", "members": 3, "quorate": True, "commands_enabled": True}
            self.assertEqual({key: status[key] for key in expected}, expected)
            self.assertGreater(status["epoch"], 0)

    def test_every_node_answers_for_every_other(self):
        self.healthy()
        for node in self.lab.nodes:
            for other in self.lab.nodes:
                shown = clusterd.ask(node, "GET", f"/v1/nodes/{other.name}/cluster")
                self.assertEqual(shown["node"], other.name)
                self.assertEqual(clusterd.ask(node, "GET", f"/v1/nodes/{other.name}/status")["node"], other.name)

    def test_corosyncs_links_are_shown(self):
        shown = clusterd.cluster(self.lab["n1"])
        links = {(row["node"], row["ring"], row["address"]): row["connected"] for row in shown["links"]}
        self.assertEqual(links, {(f"n{n}", ring, f"10.77.{ring}.{n}"): True for n in (2, 3) for ring in (0, 1)})

    def test_events_are_numbered_and_streamed(self):
        n1, n2, n3 = self.lab.nodes
        recent = clusterd.ask(n1, "GET", "/v1/events/recent")["events"]
        self.assertEqual(recent[0]["kind"], "start")
        self.assertEqual([event["number"] for event in recent], list(range(1, len(recent) + 1)))
        self.assertIn("view", [event["kind"] for event in recent])
        stream = Events(n1)
        clusterd.stop(n3)
        view = stream.next("view")
        self.assertEqual(sorted(view["members"]), ["n1", "n2"])
        self.assertTrue(view["quorate"])
        clusterd.start(n3)
        stream.next("view")
        stream.close()
        again = Events(n1, since=recent[-1]["number"])
        self.assertEqual(again.next("view"), view)
        again.close()
        self.assertEqual(clusterd.ask(n2, "GET", "/v1/nodes/n1/events/recent")["events"][0]["kind"], "start")

    def test_commands_run_everywhere_and_are_logged_on_both_ends(self):
        n1, _, n3 = self.lab.nodes
        for node in self.lab.nodes:
            answer = clusterd.ask(n1, "POST", f"/v1/nodes/{node.name}/commands", {"words": ["hostname"]})
            self.assertEqual(answer, {"exit_code": 0, "output": f"{node.name}\n", "truncated": False})
        answer = clusterd.ask(n1, "POST", "/v1/commands", {"words": ["sh", "-c", "echo here; exit 7"]})
        self.assertEqual((answer["exit_code"], answer["output"]), (7, "here\n"))
        answer = clusterd.ask(n1, "POST", "/v1/commands", {"words": ["sleep", "60"], "timeout_seconds": 1})
        self.assertEqual(answer["exit_code"], 124)
        self.assertTrue(any("hostname" in line and 'asked_by="uid 0 of n1"' in line
                            for line in self.logged(n3, "command ")), self.logged(n3, "command "))
        self.assertTrue(any("hostname" in line and "node=n3" in line and 'asked_by="uid 0 of n1"' in line
                            for line in self.logged(n1, "command_sent")), self.logged(n1, "command_sent"))
        event = clusterd.ask(n3, "GET", "/v1/events/recent")["events"][-1]
        self.assertEqual((event["kind"], event["asked_by"]), ("command", "uid 0 of n1"))
        # What a caller says of itself counts for nothing, and one long command is not kept whole.
        clusterd.ask(n1, "POST", "/v1/commands", {"words": ["true", "x" * 50000],
                                                  "asked_by": {"uid": 7, "node": "nowhere"}})
        event = clusterd.ask(n1, "GET", "/v1/events/recent")["events"][-1]
        self.assertEqual((event["kind"], event["asked_by"]), ("command", "uid 0 of n1"))
        self.assertLess(len(event["text"]), 1200)
        for body, code in (({"words": []}, 400), ({"words": "id"}, 400), ({}, 400),
                           ({"words": ["id"], "timeout_seconds": 0}, 400)):
            self.assertEqual(clusterd.control(n1, "POST", "/v1/commands", body)[0], code, body)
        self.assertEqual(clusterd.control(n1, "POST", "/v1/nodes/n2/commands")[0], 400)

    def test_only_root_may_run_commands_and_change_nodes(self):
        n1 = self.lab["n1"]
        group = grp.getgrnam("nogroup").gr_gid
        path = os.path.join(n1.root, clusterd.SOCKET)
        os.chown(path, 0, group)
        # As nobody, whose group the socket has: status yes, commands no, here and elsewhere.
        code = ("import os, sys; sys.path.insert(0, %r); import maild_node\n"
                "os.setgroups([]); os.setgid(%s); os.setuid(65534)\n"
                "for m, t, b in (('GET', '/v1/status', None), ('POST', '/v1/commands', {'words': ['id']}),\n"
                "                ('POST', '/v1/nodes/n2/commands', {'words': ['id']}),\n"
                "                ('POST', '/v1/nodes/n2/cluster/nodes', {'name': 'x'}),\n"
                "                ('DELETE', '/v1/cluster/nodes/n2', None),\n"
                "                ('PUT', '/v1/nodes/n2/corosync-conf', {'text': '', 'replaces': ''}),\n"
                "                ('PUT', '/v1/nodes/n1/corosync-conf', {'text': '', 'replaces': ''}),\n"
                "                ('POST', '/v1/cluster/expected-votes', {'votes': 3}),\n"
                "                ('POST', '/v1/cluster/level', {'level': 1}),\n"
                "                ('GET', '/v1/nodes/n2/cluster', None)):\n"
                "    print(maild_node.control_request(%r, m, t, b)[0])\n")
        support = os.path.dirname(os.path.abspath(clusterd.maild_node.__file__))
        for folder in (self.lab.folder, n1.folder, n1.root, os.path.join(n1.root, "run"),
                       os.path.join(n1.root, "run/quorate")):
            os.chmod(folder, 0o755)
        said = n1.run("python3", "-c", code % (support, group, path))
        self.assertEqual(said.split(), ["200", *["403"] * 8, "200"])

    def test_votes_and_level(self):
        n1 = self.lab["n1"]
        self.assertEqual(clusterd.ask(n1, "POST", "/v1/cluster/expected-votes", {"votes": 4}), {"expected_votes": 4})
        for node in self.lab.nodes:
            wait_for("four expected", lambda asked=node: clusterd.cluster(asked)["votes"]["expected"] == 4)
        clusterd.ask(n1, "POST", "/v1/cluster/expected-votes", {"votes": 3})
        for node in self.lab.nodes:
            wait_for("three expected", lambda asked=node: clusterd.cluster(asked)["votes"]["expected"] == 3)
        status, answer = clusterd.control(n1, "POST", "/v1/cluster/level", {"level": 9})
        self.assertEqual(status, 409)
        self.assertIn("n1", answer["error"]["message"])
        self.healthy()

    def test_metrics(self):
        self.healthy()
        self.ping(self.lab["n1"], self.lab["n2"])
        status, text = clusterd.control(self.lab["n1"], "GET", "/metrics")
        self.assertEqual(status, 200)
        self.assertTrue(text.endswith("# EOF\n"))
        values = dict(re.findall(r"^(clusterd_\S+) (\S+)$", text, re.M))
        for name, value in (("clusterd_members", "3"), ("clusterd_quorate", "1"), ("clusterd_votes", "3"),
                            ('clusterd_ring_up{node="n2",ring="0"}', "1"),
                            ('clusterd_ring_up{node="n3",ring="1"}', "1"),
                            ('clusterd_build_info{version="0.1.0"}', "1")):
            self.assertEqual(values.get(name), value, name)
        for name in ("clusterd_epoch", "clusterd_lease_remaining_seconds", "clusterd_transitions_total",
                     'clusterd_circuit_sent_bytes_total{node="n2"}'):
            self.assertGreater(float(values[name]), 0, name)

    def test_ping(self):
        n1, n2, _ = self.lab.nodes
        status, answer = self.ping(n1, n2, count=200, size=0)
        self.assertEqual((status, len(answer["round_trips_us"])), (200, 200))
        status, answer = self.ping(n1, n2, count=20, size=65536)
        self.assertEqual((status, len(answer["round_trips_us"])), (200, 20))
        self.assertEqual(self.ping(n1, n1)[0], 200)
        for body in ({"count": 0}, {"count": 10001}, {"bytes": -1}, {"bytes": 65537}, {"count": "x"}):
            self.assertEqual(clusterd.control(n1, "POST", "/v1/nodes/n2/ping", body)[0], 400, body)


if __name__ == "__main__":
    run()
