"""What clusterctl prints again and again: in place on a terminal, appended elsewhere; Ctrl-C; rates of what grows."""

import json
import os
import pathlib
import pty
import select
import signal
import subprocess
import tempfile
import threading
import time
import unittest

from transcript import CLUSTER, Daemon, cluster

PROGRAM = pathlib.Path(os.environ["QUORATE_BIN"]) / "clusterctl"
ENTER, LEAVE, HOME = b"\033[?1049h", b"\033[?1049l", b"\033[H"


class Growing(Daemon):
    """Counters grow by 100 with each question."""

    def __init__(self, path):
        super().__init__(path)
        self.questions = 0

    @property
    def answers(self):
        self.questions += 1
        grown = json.loads(json.dumps(CLUSTER))
        for circuit in grown["circuits"]:
            circuit["sent_messages"] = 100 * self.questions
        metrics = ('maild_sessions{protocol="imap"} 3\nmaild_sessions{protocol="smtp"} 4\n'
                   f"maild_logins_total {self.questions}\n")
        return {("GET", "/v1/cluster"): (200, json.dumps(grown)), ("GET", "/metrics"): (200, metrics)}

    @answers.setter
    def answers(self, _):
        pass


class Watching(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="quorate-watch-")
        self.addCleanup(self.folder.cleanup)
        self.sockets = pathlib.Path(self.folder.name) / "run/quorate"
        self.sockets.mkdir(parents=True)

    def daemon(self, kind=Daemon, name="clusterd"):
        daemon = kind(self.sockets / f"{name}.sock")
        self.addCleanup(daemon.server.server_close)
        self.addCleanup(daemon.server.shutdown)
        return daemon

    def start(self, *words, **options):
        child = subprocess.Popen([PROGRAM, "--root", self.folder.name, *words], **options)
        self.addCleanup(lambda: child.poll() is None and child.kill())
        return child

    def on_terminal(self, *words):
        """(child, read): read(text) returns what came until it has `text`."""
        ours, theirs = pty.openpty()
        self.addCleanup(os.close, ours)
        child = self.start(*words, stdin=theirs, stdout=theirs, stderr=theirs)
        os.close(theirs)

        def read(text, limit=20):
            seen, end = b"", time.monotonic() + limit
            while text not in seen:
                self.assertLess(time.monotonic(), end, seen)
                if select.select([ours], [], [], 0.1)[0]:
                    seen += os.read(ours, 65536)
            return seen

        return child, read

    def test_on_a_terminal_it_is_redrawn_in_place_and_ctrl_c_restores_the_terminal(self):
        daemon = self.daemon()
        daemon.answers[("GET", "/v1/cluster")] = (200, json.dumps(CLUSTER))
        child, read = self.on_terminal("cluster", "show", "--watch", "0.1")
        first = read(b"epoch            12")
        self.assertTrue(first.startswith(ENTER), first[:40])
        daemon.answers[("GET", "/v1/cluster")] = (200, json.dumps(cluster({"epoch": 13})))
        self.assertIn(HOME, read(b"epoch            13"))
        child.send_signal(signal.SIGINT)
        last = read(LEAVE)
        self.assertEqual(child.wait(10), 0)
        self.assertIn(b"\033[?25h", last)

    def test_elsewhere_pictures_are_appended(self):
        daemon = self.daemon()
        daemon.answers[("GET", "/v1/cluster")] = (200, json.dumps(CLUSTER))
        child = self.start("cluster", "show", "--watch", "0.1", stdout=subprocess.PIPE)
        seen = b"".join(child.stdout.readline() for _ in range(40))
        child.send_signal(signal.SIGTERM)
        child.stdout.close()
        self.assertEqual(child.wait(10), 0)
        self.assertGreaterEqual(seen.count(b"View of cluster demo from node n1"), 2)
        self.assertNotIn(b"\033", seen)

    def test_without_a_number_it_looks_every_two_seconds(self):
        daemon = self.daemon()
        for path in ("/v1/cluster", "/v1/nodes/n1/cluster", "/v1/nodes/n2/cluster", "/v1/nodes/n3/cluster"):
            daemon.answers[("GET", path)] = (200, json.dumps(CLUSTER))
        forms = {(): "/v1/cluster", ("--from", "n2"): "/v1/nodes/n2/cluster", ("--diff",): "/v1/nodes/n3/cluster"}
        for more, asked in forms.items():
            for words in (["--watch", *more], [*more, "--watch"]):
                with self.subTest(words=words):
                    daemon.asked.clear()
                    began = time.monotonic()
                    child = self.start("cluster", "show", "--json", *words, stdout=subprocess.PIPE)
                    seen = [child.stdout.readline() for _ in range(3)]  # a picture, an empty line, the second
                    took = time.monotonic() - began
                    child.kill()
                    child.wait()
                    child.stdout.close()
                    self.assertTrue(seen[0].startswith(b"{") and seen[2].startswith(b"{"), seen)
                    self.assertGreaterEqual(took, 1.5)
                    self.assertIn(f"GET {asked}", daemon.asked)

    def test_a_daemon_that_is_away_is_said_to_be_and_waited_for(self):
        child = self.start("cluster", "show", "--watch", "0.1", "--json", stdout=subprocess.PIPE)
        self.assertIn("clusterd does not answer", json.loads(child.stdout.readline())["error"])
        self.daemon().answers[("GET", "/v1/cluster")] = (200, json.dumps(CLUSTER))
        lines = iter(child.stdout.readline, b"")
        self.assertTrue(any(json.loads(line).get("epoch") == 12 for line in lines if line.strip()))
        child.send_signal(signal.SIGINT)
        child.stdout.close()
        self.assertEqual(child.wait(10), 0)

    def test_a_frozen_daemon_does_not_keep_ctrl_c_waiting(self):
        daemon, held = self.daemon(), threading.Event()
        daemon.server.process_request = lambda *_: held.set()
        child, read = self.on_terminal("cluster", "show", "--watch")
        self.assertTrue(held.wait(20))
        child.send_signal(signal.SIGINT)
        read(LEAVE)
        self.assertEqual(child.wait(10), 0)

    def test_rates_have_current_average_least_and_greatest(self):
        self.daemon(Growing)
        self.daemon(Growing, "maild")
        child = self.start("monitor", "--interval", "0.2", "--count", "3", "--json", stdout=subprocess.PIPE)
        samples = [json.loads(line) for line in child.stdout.read().splitlines() if line]
        child.stdout.close()
        self.assertEqual(child.wait(10), 0)
        self.assertEqual(len(samples), 3)
        rows = {row["item"]: row for group in samples[-1]["classes"].values() for row in group["items"]}
        sent = rows["n2: messages sent"]
        # Five classes ask clusterd in turn: 500 between two samples, at least 0.2 s apart.
        self.assertLessEqual(sent["max"], 2500)
        self.assertTrue(0 < sent["min"] <= sent["ave"] <= sent["max"], sent)
        self.assertEqual(rows["n3: messages received"]["max"], 0)
        seven = {"cur": 7.0, "ave": 7.0, "min": 7.0, "max": 7.0}
        self.assertEqual(rows["sessions"], {"item": "sessions", "unit": "", **seven})
        self.assertEqual(rows["lease left"]["cur"], 1400)
        self.assertGreater(rows["logins"]["cur"], 0)

    def test_the_picture_of_monitor_names_what_does_not_answer(self):
        self.daemon(Growing)
        child = self.start("monitor", "lease", "mail", "--interval", "0.1", "--count", "1", stdout=subprocess.PIPE)
        text = child.stdout.read().decode()
        child.stdout.close()
        self.assertEqual(child.wait(10), 0)
        self.assertRegex(text, r"LEASE STATISTICS +CUR +AVE +MIN +MAX\n")
        self.assertRegex(text, r"lease left \(ms\) +1400\.00 +1400\.00 +1400\.00 +1400\.00\n")
        self.assertIn("maild does not answer", text)

    def test_a_counter_that_went_back_is_a_restart_and_no_rate(self):
        daemon = self.daemon()
        start, low = cluster({}), cluster({})
        start["circuits"][0]["sent_messages"] = 1_000_000
        daemon.answers[("GET", "/v1/cluster")] = (200, json.dumps(start))
        child = self.start("monitor", "cluster", "--interval", "0.3", "--count", "3", "--json", stdout=subprocess.PIPE)
        first = json.loads(child.stdout.readline())
        low["circuits"][0]["sent_messages"] = 5
        daemon.answers[("GET", "/v1/cluster")] = (200, json.dumps(low))
        last = json.loads([line for line in child.stdout.read().splitlines() if line][-1])
        child.stdout.close()
        child.wait(10)
        for sample in (first, last):
            rows = {row["item"]: row for row in sample["classes"]["cluster"]["items"]}
            self.assertEqual(rows["n2: messages sent"]["max"], 0)


if __name__ == "__main__":
    unittest.main()
