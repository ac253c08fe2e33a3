"""Rubbish and strangers, at the interconnect and the control socket: a clear line in the log, nobody disturbed."""

import json
import os
import pathlib
import re
import socket
import struct
import subprocess
import time

from support import ClusterCase, clusterd, run, wait_for

from maild_node import binaries

KNOCK = pathlib.Path(binaries()) / "cluster_knock"


class BadInput(ClusterCase):
    def setUp(self):
        super().setUp()
        self.before = self.healthy()

    def tearDown(self):
        after = self.healthy()
        self.assertEqual([one["epoch"] for one in after], [one["epoch"] for one in self.before], "nobody was disturbed")

    def knock(self, purpose, words, key=None, node="n1", at="n2"):
        """What a peer with this key is answered: (exit code, octets)."""
        if key is not None:
            clusterd.write(self.lab[node], "knock.key", key, 0o400)
        path = os.path.join(self.lab[node].root, "knock.key" if key else "etc/quorate/cluster.key")
        command = self.lab[node].command([str(KNOCK), path, f"{self.lab[at].address(0)}:{clusterd.PORT}", purpose])
        done = subprocess.run(command, input=words, capture_output=True, timeout=30, check=False)
        return done.returncode, done.stdout

    def request(self, **fields):
        text = json.dumps(fields).encode()
        code, answer = self.knock("request", struct.pack("<I", len(text)) + text)
        self.assertEqual(code, 0)
        return json.loads(answer[4:])

    def raw(self, words, node="n1", at="n2"):
        """Octets to the port without TLS; how it ended."""
        code = ("import socket, sys; s = socket.create_connection((%r, %d), 5); s.settimeout(15)\n"
                "s.sendall(sys.stdin.buffer.read())\n"
                "try:\n    print('answer', len(s.recv(100)))\nexcept ConnectionResetError:\n    print('reset')\n")
        done = subprocess.run(self.lab[node].command(
            ["python3", "-c", code % (self.lab[at].address(0), clusterd.PORT)]), input=words, capture_output=True,
            timeout=30, check=False)
        return done.stdout.decode()

    def refused(self, event, does):
        """The line that n2 logs of it, and did not before."""
        n2 = self.lab["n2"]
        time.sleep(1.1)  # no more than one line in a second
        before = len(self.logged(n2, event))
        does()
        return wait_for(f"one more line {event}", lambda: self.logged(n2, event)[before:], 30)[-1]

    def test_octets_that_are_no_tls_are_refused(self):
        for words in (b"GET / HTTP/1.0\r\n\r\n", os.urandom(4000), b"\x16\x03\x01\x40\x00" + b"\0" * 100):
            self.assertIn("10.77.0.1", self.refused("peer_refused", lambda words=words: self.raw(words)))

    def test_who_says_nothing_is_closed(self):
        started = time.monotonic()
        self.raw(b"")
        self.assertLess(time.monotonic() - started, 15)

    def test_another_key_is_refused(self):
        def knock():
            self.assertEqual(self.knock("circuit", b"", key=clusterd.new_key())[0], 1)
        self.refused("peer_refused", knock)

    def test_rubbish_frames_end_their_connection_only(self):
        for words in (os.urandom(100), b"\0" * 1000, b"\xff" * 70000, os.urandom(5)):
            def knock(words=words):
                self.assertEqual(self.knock("circuit", words)[0], 0, words[:20])
            self.refused("circuit_refused", knock)

    def test_requests_that_are_none(self):
        self.assertEqual(self.knock("request", struct.pack("<I", 0xffffffff)), (0, b""))
        self.assertEqual(self.knock("request", struct.pack("<I", (4 << 20) + 1)), (0, b""))
        for words in (b"{", b"[1]", b"\xff\xfe"):
            code, answer = self.knock("request", struct.pack("<I", len(words)) + words)
            self.assertEqual(json.loads(answer[4:])["status"], 400, words)

    def test_peers_get_only_what_is_theirs(self):
        self.assertEqual(self.request(method="GET", target="/v1/status")["status"], 200)
        for method, target in (("POST", "/v1/cluster/level"), ("GET", "/metrics"), ("GET", "/v1/nodes/n3/status"),
                               ("GET", "/../etc"), ("", "")):
            self.assertEqual(self.request(method=method, target=target)["status"], 404, target)
        answer = self.request(method="POST", target="/v1/commands", body={"words": ["id"]})
        self.assertEqual((answer["status"], answer["body"]["error"]["code"]), (403, "disabled"))
        answer = self.request(method="PUT", target="/v1/corosync-conf", body={"text": "rubbish", "replaces": "00"})
        self.assertEqual(answer["status"], 409)

    def say(self, node, words):
        """What octets to the control socket are answered before it is closed."""
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(60)
            client.connect(os.path.join(node.root, clusterd.SOCKET))
            answer = b""
            try:
                client.sendall(words)
                while more := client.recv(4096):
                    answer += more
            except (ConnectionResetError, BrokenPipeError):
                pass  # it had read enough
            return answer

    def test_the_control_socket_answers_rubbish(self):
        n1 = self.lab["n1"]
        before = len(self.logged(n1, "control_client_dropped"))
        for words, status in ((b"rubbish\r\n\r\n", 400), (b"\xff" * 5000, 400), (b"\x16\x03\x01\x02\x00", 400),
                              (b"GET /" + b"x" * 70000 + b" HTTP/1.1\r\n\r\n", 431),
                              (b"POST /v1/drain HTTP/1.1\r\nContent-Length: 999999999\r\n\r\n", 413)):
            answer = self.say(n1, words)
            self.assertEqual(answer.split(b"\r\n")[0].split(b" ")[1:2], [str(status).encode()], words[:20])
            self.assertIn(b"the request cannot be read", answer)
        wait_for("a line about it", lambda: len(self.logged(n1, "control_client_dropped")) > before)
        path = os.path.join(n1.root, clusterd.SOCKET)
        for body in ("[]", "{", '{"votes": "many"}', "{}"):
            connection = clusterd.maild_node.UnixConnection(path, 60)
            connection.request("POST", "/v1/cluster/expected-votes", body)
            self.assertEqual(connection.getresponse().status, 400, body)
            connection.close()
        self.assertEqual(clusterd.control(n1, "GET", "/v1/nodes/n9/status")[0], 404)
        self.assertEqual(clusterd.control(n1, "GET", "/v1/nothing")[0], 404)
        self.assertEqual(clusterd.control(n1, "PUT", "/v1/status")[0], 405)


class Strangers(ClusterCase):
    """Who may not be a member learns why, and the members stay as they are."""

    count = 4

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        clusterd.wait_cluster(cls.lab.nodes, limit=60)

    def setUp(self):
        n4 = self.lab["n4"]
        for pid in n4.pids("clusterd"):
            os.kill(pid, 15)
        self.three = self.lab.nodes[:3]
        wait_for("n4 has no clusterd", lambda: not n4.pids("clusterd"))
        self.healthy(self.three)

    def start_stranger(self, **changes):
        n4 = self.lab["n4"]
        with open(n4.log("clusterd"), "w", encoding="ascii"):
            pass
        key = changes.pop("key", self.key)
        clusterd.configure(self.lab, [n4], key=key, **changes)
        clusterd.start(n4, supervised=False)
        wait_for("the stranger ends", lambda: not n4.pids("clusterd") and n4.log_text("clusterd"))
        self.healthy(self.three)
        return n4.log_text("clusterd")

    def test_another_cluster_name(self):
        self.assertRegex(self.start_stranger(name="other"), "its cluster is named other, this one lab")

    def test_another_key(self):
        self.assertRegex(self.start_stranger(key=clusterd.new_key()), "copy cluster.key from a member")

    def test_a_name_that_corosync_conf_does_not_have(self):
        self.assertRegex(self.start_stranger(node="n7"), r"corosync.conf.*n7")

    def start_second(self, n1):
        """Another root directory on a member."""
        second = os.path.join(n1.folder, "second")
        os.makedirs(os.path.join(second, "etc/quorate"), exist_ok=True)
        text = clusterd.settings(n1, addresses=["10.77.0.1:5499"])
        pathlib.Path(second, "etc/quorate/quorate.toml").write_text("[cluster]\n" + text, encoding="ascii")
        key = pathlib.Path(second, "etc/quorate/cluster.key")
        key.write_text(self.key, encoding="ascii")
        key.chmod(0o400)
        n1.start("second", clusterd.program(), "--root", second)

    def test_a_second_daemon_on_the_same_node(self):
        n1 = self.lab["n1"]
        self.start_second(n1)
        wait_for("the second ends", lambda: re.search("another clusterd of a cluster runs", n1.log_text("second")))
        wait_for("one is left", lambda: len(n1.pids("clusterd")) == 1)
        self.healthy(self.three)

    def test_a_second_daemon_with_the_same_node_id(self):
        """Its node's lock was swept away: the group sees two processes of one node."""
        n1 = self.lab["n1"]
        before = self.healthy(self.three)
        n1.run("rm", "/run/clusterd.lock")
        self.start_second(n1)
        wait_for("the second ends", lambda: re.search("node id 1 is taken", n1.log_text("second")))
        wait_for("one is left", lambda: len(n1.pids("clusterd")) == 1)
        after = self.healthy(self.three)
        self.assertEqual([one["incarnation"] for one in after], [one["incarnation"] for one in before])
        self.assertTrue(any("node id 1 is taken" in row["text"] for one in after for row in one["refusals"]) or
                        any("node id 1 is taken" in line for line in self.logged(n1, "member_refused")))

    def test_a_second_daemon_on_the_same_directory(self):
        n1 = self.lab["n1"]
        said = n1.run("sh", "-c", f"{clusterd.program()} --root {n1.root} 2>&1; echo code $?")
        self.assertIn("another clusterd runs", said)
        self.assertIn("code 78", said)
        self.healthy(self.three)

    def start_with_conf(self, change):
        """n4 with a corosync.conf of its own while Corosync runs with the true one."""
        path = pathlib.Path(self.lab["n4"].folder, "etc-corosync/corosync.conf")
        good = path.read_text(encoding="ascii")
        path.write_text(change(good), encoding="ascii")
        try:
            return self.start_stranger()
        finally:
            path.write_text(good, encoding="ascii")

    def test_a_broken_corosync_conf(self):
        for change in (lambda text: text.replace("nodelist {", "nodelist"), lambda text: text[:len(text) // 2],
                       lambda text: "rubbish\n" + text, lambda text: text.replace("nodeid: 4", "nodeid: four")):
            self.assertRegex(self.start_with_conf(change), r"corosync\.conf(:\d+)?: ")

    def test_a_corosync_conf_of_other_nodes(self):
        self.assertRegex(self.start_with_conf(lambda text: re.sub(r"name: n(\d)", r"name: m\1", text)),
                         r"corosync\.conf has no node named n4")

    def test_a_node_id_that_is_not_corosyncs(self):
        """Free or another member's: it joins nothing under an id that is not its own."""
        for change in (lambda text: text.replace("nodeid: 4", "nodeid: 9"),
                       lambda text: text.replace("nodeid: 2", "nodeid: 9").replace("nodeid: 4", "nodeid: 2")):
            said = self.start_with_conf(change)
            self.assertRegex(said, r"wrong_node .*Corosync runs this machine as node 4, .* calls n4 node [29]")
            self.assertRegex(said, "stopping exit_code=78")
            self.assertNotIn("view epoch", said)


if __name__ == "__main__":
    run()
