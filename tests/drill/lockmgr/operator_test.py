"""What the operator sees of locks: who waits for whom, where most wait, and the figures as they change."""

import json
import os
import subprocess
import sys
import threading
import unittest

from lone import Lone
from lock_wire import EX, NL, PR, LockClient
from loopback import wait_until

PROGRAM = """
import sys
sys.path.insert(0, sys.argv[2])
from lock_wire import *
client = LockClient(sys.argv[1])
for name in sys.argv[3:-1]:
    assert client.lock("op", name, EX).status == "granted"
if sys.argv[-1]:
    client.waiting(client.enqueue("op", sys.argv[-1], EX))
print("ready", flush=True)
sys.stdin.read()
"""


class Operator(Lone):
    def program(self, holds, waits=""):
        support = os.path.join(os.environ["QUORATE_SOURCE"], "tests/support")
        words = [sys.executable, "-c", PROGRAM, str(self.path), support, *holds, waits]
        process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.addCleanup(process.wait)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.stdin.close)  # ends it
        self.assertEqual(process.stdout.readline(), "ready\n")
        return process

    def clusterctl(self, *words):
        program = os.path.join(os.environ["QUORATE_BIN"], "clusterctl")
        done = subprocess.run([program, "--root", self.root, *words], capture_output=True, text=True, timeout=60,
                              check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def setUp(self):
        # What the test before had has gone with its clients.
        wait_until(lambda: self.metric("clusterd_locks") == 0, "no locks")

    def test_why_a_process_waits(self):
        first = self.program(["first"])
        second = self.program(["second"], "first")
        client = self.client()
        client.waiting(client.enqueue("op", "second", PR))
        chain = json.loads(self.clusterctl("--json", "lock", "why", str(os.getpid())))["waits"]
        self.assertEqual([(wait["pid"], wait["resource"], wait["requested"]) for wait in chain],
                         [(os.getpid(), "op:second", "PR")])
        blocker = chain[0]["blocked_by"][0]
        self.assertEqual((blocker["pid"], blocker["queue"], blocker["granted"], blocker["node"]),
                         (second.pid, "granted", "EX", "one"))
        further = blocker["waits"][0]
        self.assertEqual((further["pid"], further["resource"]), (second.pid, "op:first"))
        self.assertEqual([last["pid"] for last in further["blocked_by"]], [first.pid])
        self.assertEqual(further["blocked_by"][0]["waits"], [])
        lines = self.clusterctl("lock", "why", str(os.getpid())).splitlines()
        self.assertEqual(len(lines), 4, lines)
        self.assertIn(f"{os.getpid()}", lines[0])
        self.assertIn("for PR on op:second", lines[0])
        self.assertIn(f"{second.pid}", lines[1])
        self.assertIn("holds EX", lines[1])
        self.assertIn("for EX on op:first", lines[2])
        self.assertIn(f"{first.pid}", lines[3])
        self.assertIn("nothing is waited for", self.clusterctl("lock", "why", str(first.pid)))
        self.assertIn("nobody waits", self.clusterctl("lock", "why", "op:none"))

    def test_top_has_those_first_that_most_wait_for(self):
        client = self.client()
        for name, waiting, readers in (("calm", 0, 1), ("read", 0, 4), ("hot", 3, 0), ("warm", 1, 0)):
            for _ in range(readers):
                self.client().lock("op", name, PR)
            if waiting:
                client.lock("op", name, EX)
            for _ in range(waiting):
                other = self.client()
                other.waiting(other.enqueue("op", name, EX))
        rows = [line.split() for line in self.clusterctl("lock", "top").splitlines()]
        self.assertEqual(rows[0], ["RESOURCE", "MASTER", "LOCKS", "WAITING", "LONGEST"])
        self.assertEqual([row[:4] for row in rows[1:]],
                         [["op:hot", "one", "4", "3"], ["op:warm", "one", "2", "1"], ["op:read", "one", "4", "0"],
                          ["op:calm", "one", "1", "0"]])
        self.assertEqual(rows[3][4], "-")
        self.assertEqual(len(self.clusterctl("lock", "top", "--count", "2").splitlines()), 3)

    def work(self, stop):
        with LockClient(self.path) as client:
            while not stop.is_set():
                held = client.lock("op", "turns", EX)
                client.dequeue(held.lock)
                client.completion(held.lock)
                client.locks -= 1

    def figures(self, *classes):
        text = self.clusterctl("--json", "monitor", *classes, "--interval", "0.3", "--count", "2")
        newest = json.loads(text.splitlines()[-1])["classes"]
        self.assertEqual(set(newest), set(classes))
        for figures in newest.values():
            self.assertEqual(figures["error"], "")
        return {name: {row["item"]: row for row in figures["items"]} for name, figures in newest.items()}

    def test_monitor_tells_what_there_is_and_how_fast_it_changes(self):
        client = self.client()
        for index in range(5):
            client.lock("kept", f"r{index}", NL)
        stop = threading.Event()
        worker = threading.Thread(target=self.work, args=(stop,))
        worker.start()
        self.addCleanup(worker.join)
        self.addCleanup(stop.set)

        def busy():
            seen = self.figures("lock", "dlock", "rlock")
            rates = [seen["lock"][item]["max"] for item in ("requests completed", "locks granted", "locks released")]
            return seen if all(rate > 0 for rate in rates) else None
        seen = wait_until(busy, "rates", 60)
        self.assertEqual(seen["lock"]["clients"]["cur"], 2)
        self.assertGreaterEqual(seen["lock"]["locks"]["min"], 5)
        self.assertGreaterEqual(seen["lock"]["resources"]["min"], 5)
        self.assertEqual(set(seen["dlock"]), {"directory entries", "messages unacknowledged", "deadlocks"})
        self.assertEqual(seen["dlock"]["deadlocks"]["max"], 0)
        self.assertGreaterEqual(seen["rlock"]["trees"]["min"], 5)
        self.assertEqual(seen["rlock"]["trees"]["cur"], seen["rlock"]["trees mastered here"]["cur"])
        self.assertEqual(seen["rlock"]["recovery under way"]["cur"], 0)
        self.assertEqual(seen["rlock"]["trees moved"]["max"], 0)
        picture = self.clusterctl("monitor", "rlock", "--interval", "0.1", "--count", "1")
        self.assertIn("DYNAMIC LOCK REMASTERING STATISTICS", picture)


if __name__ == "__main__":
    unittest.main(verbosity=2)
