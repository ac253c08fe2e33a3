"""A cluster of one: no root, no Corosync, no key; and what clusterd says of its configuration."""

import http.client
import pathlib
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "support"))

from loopback import Child, Scratch, wait_until  # noqa: E402
from maild_node import binaries, control_request  # noqa: E402

SOLO = '[cluster]\nmembership = "solo"\nnode = "one"\n'


class Solo(unittest.TestCase):
    def setUp(self):
        self.scratch = Scratch("clusterd")
        self.addCleanup(self.scratch.__exit__)
        self.root = self.scratch.path
        self.write(SOLO)
        self.child = None
        self.addCleanup(lambda: self.child and self.child.stop())

    def write(self, text):
        path = self.root / "etc/quorate/quorate.toml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def ask(self, method, path, body=None):
        return control_request(self.root / "run/quorate/clusterd.sock", method, path, body, 20)

    def answers(self):
        self.assertTrue(self.child.running(), self.child.tail())
        try:
            status, shown = self.ask("GET", "/v1/cluster")
        except (OSError, http.client.HTTPException):
            return None
        return shown if status == 200 and shown["state"] == "running" else None

    def start(self):
        self.child = Child([binaries() / "clusterd", "--root", self.root], self.root / "clusterd.log")
        return wait_until(self.answers, "clusterd")

    def check(self, text, *words, code=78):
        self.write(text)
        done = subprocess.run([binaries() / "clusterd", "--root", self.root, "--check"], capture_output=True, text=True,
                              timeout=20, check=False)
        self.assertEqual(done.returncode, code, done.stderr)
        for word in words:
            self.assertIn(word, done.stderr)

    def test_a_view_of_one(self):
        shown = self.start()
        self.assertTrue(shown["quorate"])
        self.assertEqual((shown["cluster"], shown["node"], shown["coordinator"]), ("one", "one", "one"))
        self.assertEqual(shown["lease"]["state"], "running")
        self.assertEqual([row["status"] for row in shown["members"]], ["member"])
        self.assertEqual(self.ask("GET", "/v1/status")[1]["membership"], "solo")
        self.assertEqual(self.ask("POST", "/v1/nodes/one/ping", {"count": 3})[0], 200)
        self.assertEqual(self.ask("GET", "/v1/nodes/one/cluster")[1]["node"], "one")
        self.assertEqual(self.ask("POST", "/v1/cluster/nodes", {"name": "x", "addresses": []})[0], 409)

    def test_epochs_rise_over_stops_and_kills(self):
        epochs = [self.start()["epoch"]]
        self.assertEqual(self.child.stop(), 0)
        epochs.append(self.start()["epoch"])
        self.child.kill()
        epochs.append(self.start()["epoch"])
        self.assertEqual(epochs, sorted(set(epochs)))

    def test_draining_is_kept(self):
        self.start()
        self.assertEqual(self.ask("POST", "/v1/drain"), (200, {"draining": True}))
        self.child.kill()
        self.assertTrue(self.start()["members"][0]["draining"])
        self.assertEqual(self.ask("POST", "/v1/undrain"), (200, {"draining": False}))
        self.assertFalse(self.ask("GET", "/v1/cluster")[1]["members"][0]["draining"])

    def test_a_damaged_floor_is_the_operators(self):
        self.start()
        self.child.stop()
        floor = self.root / "var/lib/quorate/cluster/floor"
        octets = bytearray(floor.read_bytes())
        octets[20] ^= 1
        floor.write_bytes(octets)
        self.child = Child([binaries() / "clusterd", "--root", self.root], self.root / "clusterd.log")
        self.assertEqual(self.child.process.wait(20), 78)
        self.assertIn("var/lib/quorate/cluster/floor", self.child.tail())

    def test_mistakes_are_named_with_their_lines(self):
        self.check(SOLO, code=0)
        self.check('[node]\nname = "mail.example.test"\n[mail]\nanything = 1\n' + SOLO, code=0)
        self.check(SOLO + "nodes = 3\n", 'quorate.toml:4: cluster.nodes: unknown key; did you mean "node"?')
        self.check('[cluster]\naddresses = ["192.0.2.1:5410"]\n', "cluster.name: is missing")
        self.check('[cluster]\nname = "x"\n', "quorate.toml:1: cluster.addresses: wants this node's address")
        self.check('[cluster]\nname = "x"\naddresses = ["example.test:5410"]\n', "quorate.toml:3: cluster.addresses:")
        self.check(SOLO + "lease_ms = 100\n", "quorate.toml:4: cluster.lease_ms: wants a whole number from 800")
        self.check(SOLO + "[other]\n", "quorate.toml:4: other: unknown key")

    def test_a_key_that_others_may_read_is_refused(self):
        self.write('[cluster]\nname = "x"\nnode = "n1"\naddresses = ["127.0.0.1:0"]\n'
                   'corosync_conf = "corosync.conf"\n')
        (self.root / "corosync.conf").write_text(
            "totem {\n version: 2\n cluster_name: x\n}\nquorum {\n provider: corosync_votequorum\n}\n"
            "nodelist {\n node {\n  name: n1\n  nodeid: 1\n  ring0_addr: 127.0.0.1\n }\n}\n")
        key = self.root / "etc/quorate/cluster.key"
        key.write_text("quorate-key 1 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n")
        key.chmod(0o644)
        done = subprocess.run([binaries() / "clusterd", "--root", self.root], capture_output=True, text=True,
                              timeout=20, check=False)
        self.assertEqual(done.returncode, 78, done.stderr)
        self.assertIn("cluster.key", done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
