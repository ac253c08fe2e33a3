"""Frames that were said before are said again, on real connections: nothing comes twice, nobody is disturbed."""

import os
import pathlib
import signal
import struct
import subprocess

import interconnect_frames as wire
from support import ClusterCase, PingStream, clusterd, run, wait_for

from maild_node import binaries

KNOCK = str(pathlib.Path(binaries()).resolve() / "cluster_knock")


class Recorder:
    """Passes one connection on to an address inside a node's network and keeps what the client said."""

    def __init__(self, node, target):
        self.node, self.target, self.said = node, target, b""

    def run(self, command):
        """`command` is given the recorder's address; what it printed."""
        code = ("import socket, sys, threading\n"
                "server = socket.create_server(('127.0.0.1', 0)); print(server.getsockname()[1], flush=True)\n"
                "client, _ = server.accept(); there = socket.create_connection(%r, 10)\n"
                "def back():\n"
                "    while data := there.recv(65536):\n        client.sendall(data)\n"
                "    client.shutdown(socket.SHUT_WR)\n"
                "threading.Thread(target=back, daemon=True).start()\n"
                "while data := client.recv(65536):\n"
                "    there.sendall(data); sys.stdout.buffer.write(data); sys.stdout.flush()\n")
        process = subprocess.Popen(self.node.command(["python3", "-c", code % (self.target,)]), stdout=subprocess.PIPE,
                                   stderr=subprocess.DEVNULL)
        port = int(process.stdout.readline())
        done = command(f"127.0.0.1:{port}")
        self.said = process.stdout.read()
        process.stdout.close()
        process.wait(10)
        return done


class Replay(ClusterCase):
    def setUp(self):
        super().setUp()
        self.n1, self.n2, self.n3 = self.lab.nodes
        self.lives = {node: (node.number, int(self.incarnation(node), 16)) for node in self.lab.nodes}

    def knock(self, words, first=None, address=None, purpose="circuit"):
        """From n1 to n2, with the cluster's key."""
        key = os.path.join(self.n1.root, "etc/quorate/cluster.key")
        command = [KNOCK, key, address or f"{self.n2.address(1)}:{clusterd.PORT}", purpose]
        done = subprocess.run(self.n1.command(command + ([str(first)] if first else [])), input=words,
                              capture_output=True, timeout=40, check=False)
        self.assertIn(done.returncode, (0, 2), done.stderr)
        return done.stdout

    def circuit(self, node, peer):
        return next(row for row in clusterd.cluster(node)["circuits"] if row["node"] == peer.name)

    def rings_up(self):
        for node, peer in ((self.n1, self.n2), (self.n2, self.n1)):
            wait_for(f"all rings of {node.name} to {peer.name}", lambda a=node, b=peer: all(
                ring["state"] == "up" for ring in self.circuit(a, b)["rings"]))

    def greet(self):
        """What n2 answers to a hello of n1's life: (epoch of the circuit, the number it expects next)."""
        answer = wire.frames(self.knock(wire.hello(self.lives[self.n1], self.lives[self.n2], since=1)))
        self.rings_up()
        kind, since, expected, _ = answer[0]
        self.assertEqual(kind, wire.HELLO, answer)
        return since, expected

    def test_messages_that_came_before_do_not_come_again(self):
        self.rings_up()
        self.assertEqual(self.ping(self.n1, self.n2, count=50)[0], 200)
        since, expected = self.greet()
        self.assertGreater(expected, 50)
        epoch = self.epoch(self.n2)
        before = self.circuit(self.n2, self.n1)
        greeting = wire.hello(self.lives[self.n1], self.lives[self.n2], since)
        again = b"".join(wire.frame(wire.MESSAGE, epoch, number, b"\0" * 100, channel=1)
                         for number in range(1, expected))
        answer = wire.frames(self.knock(greeting + again, first=len(greeting)))
        self.assertEqual([one[:3] for one in answer if one[0] == wire.HELLO], [(wire.HELLO, since, expected)])
        self.rings_up()
        after = self.circuit(self.n2, self.n1)
        self.assertEqual(after["received_messages"], before["received_messages"])
        self.assertEqual(self.epoch(self.n2), epoch)

    def test_nor_do_they_under_a_stream_of_new_ones(self):
        self.rings_up()
        with PingStream(self.n1, self.n2) as stream:
            wait_for("pings", lambda: stream.answered > 3)
            since, expected = self.greet()
            greeting = wire.hello(self.lives[self.n1], self.lives[self.n2], since)
            again = b"".join(wire.frame(wire.MESSAGE, since, number, b"x", channel=1) for number in range(1, expected))
            heard = self.logged(self.n2, "ring_up")
            self.knock(greeting + again + wire.frame(wire.ACK, since, 0) + wire.frame(wire.HEARTBEAT_ACK, since, 1),
                       first=len(greeting))
            wait_for("the true n1 takes its ring back", lambda: len(self.logged(self.n2, "ring_up")) > len(heard))
            so_far = stream.answered
            wait_for("pings afterwards", lambda: stream.answered > so_far + 3)
        self.assertEqual(stream.refused, 0)
        self.rings_up()

    def test_a_gap_is_a_breach(self):
        since, expected = self.greet()
        greeting = wire.hello(self.lives[self.n1], self.lives[self.n2], since)
        answer = wire.frames(self.knock(greeting + wire.frame(wire.MESSAGE, since, expected + 1000, b"x", channel=1),
                                        first=len(greeting)))
        self.assertEqual(answer[-1][0], wire.REFUSAL)
        self.assertRegex(answer[-1][3].decode(), f"message {expected + 1000} after")
        self.rings_up()

    def test_frames_that_are_too_large_or_none_end_the_connection_alone(self):
        """After a right handshake and hello: what was said before stays said, the true n1 takes its ring back."""
        since, expected = self.greet()
        epoch = self.epoch(self.n2)
        greeting = wire.hello(self.lives[self.n1], self.lives[self.n2], since)
        head = wire.HEADER.pack
        for words, said in ((head(b"QF", 1, wire.MESSAGE, (1 << 20) + 1, since, expected, 1, 0), "1048577 octets"),
                            (head(b"QF", 1, wire.MESSAGE, 0xffffffff, since, expected, 1, 0), "4294967295 octets"),
                            (head(b"QF", 1, wire.ACK, 1, since, 0, 0, 0), "1 octets"),
                            (head(b"QF", 1, 99, 0, since, 1, 0, 0), "type 99"),
                            (head(b"QF", 9, wire.MESSAGE, 0, since, expected, 1, 0), "version 9"),
                            (greeting, "out of place"), (os.urandom(500), "not a frame")):
            answer = wire.frames(self.knock(greeting + words, first=len(greeting)))
            self.assertEqual(answer[-1][0], wire.REFUSAL, said)
            self.assertIn(said, answer[-1][3].decode())
            self.rings_up()
        self.assertEqual(self.ping(self.n1, self.n2, count=50)[0], 200)
        self.assertEqual(self.epoch(self.n2), epoch)

    def test_frames_that_are_cut_off_are_not_handed_on(self):
        since, expected = self.greet()
        greeting = wire.hello(self.lives[self.n1], self.lives[self.n2], since)
        message = wire.frame(wire.MESSAGE, since, expected, b"x" * 1000, channel=1)
        for size in (1, wire.HEADER.size - 1, wire.HEADER.size, wire.HEADER.size + 999):
            before = self.circuit(self.n2, self.n1)["received_messages"]
            # It says no more, until the true n1 takes its ring back.
            self.knock(greeting + message[:size], first=len(greeting))
            self.rings_up()
            self.assertEqual(self.circuit(self.n2, self.n1)["received_messages"], before, size)
        self.assertEqual(self.ping(self.n1, self.n2, count=50)[0], 200)

    def test_a_conversation_of_an_earlier_life_is_refused(self):
        since, _ = self.greet()
        greeting = wire.hello(self.lives[self.n1], self.lives[self.n2], since)
        for pid in self.n1.pids("clusterd"):
            os.kill(pid, signal.SIGKILL)
        wait_for("another life", lambda: (clusterd.cluster(self.n1) or {}).get("incarnation", "") not in
                 ("", f"{self.lives[self.n1][1]:016x}"))
        self.healthy()
        answer = wire.frames(self.knock(greeting))
        self.assertEqual(answer[-1][0], wire.REFUSAL)
        self.wait_logged(self.n2, "circuit_refused")

    def test_a_conversation_with_an_earlier_life_is_refused(self):
        since, _ = self.greet()
        greeting = wire.hello(self.lives[self.n1], self.lives[self.n2], since)
        clusterd.stop(self.n2)
        clusterd.start(self.n2)
        self.healthy()
        answer = wire.frames(self.knock(greeting))
        self.assertEqual(answer[-1][0], wire.REFUSAL)
        self.assertIn("another life", answer[-1][3].decode())

    def test_octets_that_were_recorded_on_the_wire_are_refused(self):
        """What somebody without the key can do: TLS does not take the same octets twice."""
        recorder = Recorder(self.n1, (self.n2.address(1), clusterd.PORT))
        text = b'{"method": "POST", "target": "/v1/drain", "body": {}}'
        answer = recorder.run(lambda address: self.knock(struct.pack("<I", len(text)) + text, address=address,
                                                         purpose="request"))
        self.assertIn(b'"draining":true', answer.replace(b" ", b""))
        clusterd.ask(self.n2, "POST", "/v1/undrain", {})
        refused = len(self.logged(self.n2, "peer_refused"))
        code = ("import socket, sys; s = socket.create_connection(%r, 5); s.settimeout(15)\n"
                "s.sendall(sys.stdin.buffer.read())\n"
                "try:\n    while s.recv(4096): pass\nexcept OSError: pass\n")
        subprocess.run(self.n1.command(["python3", "-c", code % ((self.n2.address(1), clusterd.PORT),)]),
                       input=recorder.said, timeout=30, check=True)
        wait_for("a line about it", lambda: len(self.logged(self.n2, "peer_refused")) > refused)
        self.assertFalse(clusterd.cluster(self.n2)["members"][1]["draining"])


if __name__ == "__main__":
    run()
