"""Many who want nothing, at the interconnect and the control socket: members and operators are not kept out."""

import json
import os
import re
import select
import socket
import subprocess

from support import ClusterCase, Events, clusterd, run, wait_for


class Crowd(ClusterCase):
    """Somebody without the key takes all the room that strangers have at a node's port, and does not let go."""

    CROWD = os.path.join(os.path.dirname(os.path.abspath(__file__)), "crowd.py")
    STRANGERS = [f"10.77.0.{number}" for number in range(101, 111)]

    def rings_up(self, node, other):
        circuit = next(row for row in clusterd.cluster(node)["circuits"] if row["node"] == other.name)
        return [ring["state"] for ring in circuit["rings"]] == ["up", "up"]

    def test_members_come_in_all_the_same(self):
        n1, _, n3 = self.lab.nodes
        for address in self.STRANGERS:
            n1.run("ip", "addr", "add", f"{address}/24", "dev", "eth0")
        crowd = subprocess.Popen(n1.command(["python3", self.CROWD, str(clusterd.PORT), n3.address(0), "--",
                                             *self.STRANGERS]), stdin=subprocess.PIPE)
        try:
            with crowd.stdin:
                wait_for("the crowd fills the port", lambda: any(
                    "too many connections" in line for line in self.logged(n3, "peer_refused")))
                clusterd.stop(n3)
                self.healthy(self.others(n3))
                clusterd.start(n3)
                self.healthy()
                for node in self.others(n3):
                    wait_for(f"{node.name}: both rings to n3", lambda n=node: self.rings_up(n, n3))
                self.assertEqual(clusterd.ask(n1, "GET", "/v1/nodes/n3/status")["node"], "n3")
                self.assertIsNone(crowd.poll(), "the crowd was there to the end")
        finally:
            crowd.wait(60)


class NeverRead(ClusterCase):
    """Clients of the control socket that ask and never read: they are dropped, and cost little meanwhile."""

    EVENTS = 1000  # as many as are kept; more than a socket's buffer has room for
    ASKED = 500

    def connect(self, words):
        client = socket.socket(socket.AF_UNIX)
        client.connect(os.path.join(self.lab["n1"].root, clusterd.SOCKET))
        client.settimeout(60)
        client.sendall(words)
        return client

    def rss(self):
        with open(f"/proc/{self.lab['n1'].pids('clusterd')[0]}/status", encoding="ascii") as status:
            return int(re.search(r"VmRSS:\s+(\d+) kB", status.read())[1]) << 10

    def test_who_never_reads_is_dropped_and_disturbs_nobody(self):
        n1 = self.lab["n1"]
        before, rss = self.healthy(), self.rss()
        deaf = [self.connect(b"GET /v1/events HTTP/1.1\r\nHost: x\r\n\r\n") for _ in range(10)]
        reader, numbers = Events(n1), []
        for _ in range(self.EVENTS // 2):
            clusterd.ask(n1, "PUT", "/v1/fencers/deaf")
            clusterd.ask(n1, "DELETE", "/v1/fencers/deaf")
            numbers += [reader.next()["number"] for _ in range(2)]
        self.assertEqual(numbers, list(range(numbers[0], numbers[0] + self.EVENTS)), "a reader has them all")
        reader.close()
        asked = self.ASKED * len(json.dumps(clusterd.ask(n1, "GET", "/v1/events/recent")))
        for _ in range(10):
            deaf.append(self.connect(b"GET /v1/events/recent HTTP/1.1\r\nHost: x\r\n\r\n" * self.ASKED))
        watched = select.poll()
        for client in deaf:
            watched.register(client, 0)  # POLLHUP: the other end has closed
        gone = set()

        def all_gone():
            self.assertEqual(clusterd.ask(n1, "GET", "/v1/status")["state"], "running")
            self.assertLess(self.rss() - rss, 10 * asked // 2, "what they asked for is not kept for them")
            gone.update(file for file, events in watched.poll(0) if events & select.POLLHUP)
            return len(gone) == len(deaf)

        wait_for("the deaf ones are dropped", all_gone, 120, pause=0.5)
        self.assertTrue(any("does not read" in line for line in self.logged(n1, "control_client_dropped")))
        for client in deaf:
            client.close()
        self.assertEqual([one["epoch"] for one in self.healthy()], [one["epoch"] for one in before])


if __name__ == "__main__":
    run()
