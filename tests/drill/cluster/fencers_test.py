"""Outside fencers: a takeover waits for them with its reason shown, through deaths, restarts and operators."""

import json
import os
import pathlib
import queue
import signal
import subprocess
import sys
import threading

from support import ClusterCase, clusterd, run, wait_for

from maild_node import binaries

PROGRAM = str(pathlib.Path(__file__).resolve().parent / "fencer_program.py")


class FencerProgram:
    """fencer_program.py at a node."""

    def __init__(self, node, name, *options):
        words = [sys.executable, PROGRAM, os.path.join(node.root, clusterd.SOCKET), name, *options]
        self.session = None
        self.process = subprocess.Popen(node.command(words), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True)
        self.lines = queue.Queue()
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        for line in self.process.stdout:
            self.lines.put(json.loads(line))
        self.lines.put(None)

    def next(self, key, limit=20):
        """The next line that has `key`."""
        while True:
            line = self.lines.get(timeout=limit)
            if line is None:
                raise EOFError(self.process.stderr.read())
            if key in line:
                return line

    def confirm(self, request):
        self.process.stdin.write(f"confirm {request['node_id']} {request['incarnation']}\n")
        self.process.stdin.flush()
        return self.next("confirmed")["confirmed"]

    def signal(self, number):
        """To the program itself, which nsenter started."""
        threads = pathlib.Path(f"/proc/{self.process.pid}/task")
        for pid in (threads / str(self.process.pid) / "children").read_text(encoding="ascii").split():
            os.kill(int(pid), number)

    def kill(self):
        if self.process.poll() is None:
            self.signal(signal.SIGKILL)
            self.process.kill()
            self.process.wait(10)
        self.thread.join(10)
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            stream.close()


class Fencers(ClusterCase):
    def setUp(self):
        super().setUp()
        self.programs = []
        self.n1, self.n2, self.n3 = self.lab.nodes
        # What the last test lost would be asked of the fencers of this one too.
        self.wait_taken_over(*self.lab.nodes)

    def tearDown(self):
        for program in self.programs:
            program.kill()
        for node in self.lab.nodes:
            if not node.alive:
                self.boot(node)
        for node in self.lab.nodes:
            wait_for(f"clusterd of {node.name}", lambda asked=node: clusterd.cluster(asked))
            for row in self.fencers(node):
                clusterd.ask(node, "DELETE", f"/v1/fencers/{row['name']}?force=true")
        self.healthy()

    def program(self, node, name, *options):
        program = FencerProgram(node, name, *options)
        self.programs.append(program)
        program.session = program.next("session")["session"]
        return program

    def fencers(self, node):
        return clusterd.ask(node, "GET", "/v1/fencers")["fencers"]

    def fencer(self, node, name="rados"):
        return next((row for row in self.fencers(node) if row["name"] == name), None)

    def lose(self, node):
        """Power off; the others form a view without it. Returns the lost incarnation."""
        old = self.incarnation(node)
        node.kill()
        self.healthy(self.others(node))
        return old

    def waits_for(self, node):
        shown = clusterd.cluster(node)
        return ", ".join(row["waiting_for"] for row in shown["takeovers"]) if shown else None

    def wait_only_for(self, what, *nodes):
        for node in nodes or (self.n1, self.n2):
            wait_for(f"{node.name} waits for {what}", lambda asked=node: self.waits_for(asked) == what)

    def wait_taken_over(self, *nodes):
        for node in nodes or (self.n1, self.n2):
            wait_for(f"{node.name} has taken over", lambda asked=node: self.waits_for(asked) == "")

    def ctl(self, node, *words, code=0):
        done = subprocess.run([str(binaries() / "clusterctl"), "--root", node.root, *words], capture_output=True,
                              text=True, timeout=60, stdin=subprocess.DEVNULL, check=False)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def test_it_holds_the_takeover_until_it_confirms(self):
        rados = self.program(self.n1, "rados")
        life = self.lose(self.n3)
        request = rados.next("node_id")
        self.assertEqual((request["node"], request["node_id"], request["incarnation"]), ("n3", 3, life))
        self.assertEqual(request["epoch"], self.epoch(self.n1))
        self.wait_only_for("fencer rados of n1")
        self.assertRegex(self.ctl(self.n2, "cluster", "show"), rf"n3 +3 +{life} +fencer rados of n1\n")
        self.assertRegex(self.ctl(self.n1, "cluster", "show"), rf"rados +attached .* n3 \({life}\) since ")
        _, text = clusterd.control(self.n1, "GET", "/metrics")
        self.assertIn('clusterd_fencer_attached{fencer="rados"} 1\n', text)
        self.assertIn('clusterd_fencer_unconfirmed{fencer="rados"} 1\n', text)
        self.assertFalse(self.logged(self.n2, "takeover_allowed") and self.waits_for(self.n2) == "")
        self.assertEqual(rados.confirm(request), 200)
        self.wait_taken_over()
        self.assertEqual(rados.confirm(request), 409)
        kinds = [event["kind"] for event in clusterd.ask(self.n1, "GET", "/v1/events/recent")["events"]
                 if event.get("fencer") == "rados"]
        self.assertEqual(kinds[-4:], ["fencer_registered", "fencer_attached", "fencer_asked", "fencer_confirmed"])

    def test_dying_without_having_confirmed_keeps_it_waiting(self):
        rados = self.program(self.n1, "rados")
        life = self.lose(self.n3)
        rados.next("node_id")
        rados.kill()
        wait_for("absent", lambda: self.fencer(self.n1)["state"] == "absent")
        self.wait_logged(self.n1, "fencer_absent")
        self.wait_only_for("fencer rados of n1")
        # Back again, it is asked again.
        again = self.program(self.n1, "rados")
        request = again.next("node_id")
        self.assertEqual(request["incarnation"], life)
        self.wait_only_for("fencer rados of n1")
        self.assertEqual(again.confirm(request), 200)
        self.wait_taken_over()

    def test_the_operator_removes_it_and_is_told_what_is_at_stake(self):
        rados = self.program(self.n1, "rados")
        self.lose(self.n3)
        rados.next("node_id")
        rados.kill()
        self.wait_only_for("fencer rados of n1")
        said = self.ctl(self.n2, "fencer", "remove", "rados", "--node", "n1", code=2)
        self.assertIn("will be destroyed", said)
        self.assertEqual(clusterd.control(self.n1, "DELETE", "/v1/fencers/rados")[0], 409)
        self.wait_only_for("fencer rados of n1")
        self.ctl(self.n2, "--yes", "fencer", "remove", "rados", "--node", "n1")
        self.wait_taken_over()
        self.assertEqual(self.fencers(self.n1), [])
        self.assertTrue(any("unconfirmed" in line for line in self.logged(self.n1, "fencer_removed")))

    def test_the_operator_confirms_in_its_place(self):
        rados = self.program(self.n1, "rados")
        self.lose(self.n3)
        rados.next("node_id")
        self.wait_only_for("fencer rados of n1")
        self.assertIn("will be destroyed", self.ctl(self.n1, "fencer", "confirm", "rados", "n3", code=2))
        self.ctl(self.n1, "--yes", "fencer", "confirm", "rados", "n3")
        self.wait_taken_over()
        self.assertEqual(self.fencer(self.n1)["state"], "attached")
        self.assertTrue(any("by=operator" in line for line in self.logged(self.n1, "fencer_confirmed")))

    def test_clusterd_starts_anew_under_a_registered_fencer(self):
        """The registration stays: also what the old life of this node held waits for the program to be back."""
        rados = self.program(self.n1, "rados")
        before = self.incarnation(self.n1)
        for pid in self.n1.pids("clusterd"):
            os.kill(pid, signal.SIGKILL)
        self.healthy()
        self.assertNotEqual(self.incarnation(self.n1), before)
        with self.assertRaises(EOFError):
            rados.next("node_id")
        self.assertEqual(self.fencer(self.n1)["state"], "absent")
        self.assertEqual([row["incarnation"] for row in self.fencer(self.n1)["unconfirmed"]], [before])
        self.wait_only_for("fencer rados of n1", *self.lab.nodes)
        again = self.program(self.n1, "rados", "--confirm")
        self.assertEqual(again.next("node_id")["incarnation"], before)
        self.wait_taken_over(*self.lab.nodes)
        # Nobody is lost: it may go in order.
        clusterd.ask(self.n1, "DELETE", "/v1/fencers/rados")
        self.assertEqual(again.next("removed"), {"removed": True})
        clusterd.stop(self.n1)
        clusterd.start(self.n1)
        self.healthy()
        self.assertEqual(self.fencers(self.n1), [])

    def test_all_of_all_nodes_are_waited_for(self):
        first = self.program(self.n1, "serving")
        second = self.program(self.n2, "serving")
        rados = self.program(self.n1, "rados", "--confirm")
        self.lose(self.n3)
        self.assertEqual(rados.next("confirmed"), {"confirmed": 200})
        self.wait_only_for("fencer serving of n1, fencer serving of n2")
        self.assertEqual(second.confirm(second.next("node_id")), 200)
        self.wait_only_for("fencer serving of n1")
        self.assertEqual(first.confirm(first.next("node_id")), 200)
        self.wait_taken_over()

    def test_one_that_comes_while_a_takeover_waits_is_waited_for_too(self):
        rados = self.program(self.n1, "rados")
        self.lose(self.n3)
        request = rados.next("node_id")
        late = self.program(self.n2, "late")
        self.assertEqual(late.next("node_id")["node"], "n3")
        self.assertEqual(rados.confirm(request), 200)
        self.wait_only_for("fencer late of n2")
        clusterd.ask(self.n2, "DELETE", "/v1/fencers/late?force=true")
        self.wait_taken_over()

    def test_a_second_program_is_refused_until_the_first_is_gone(self):
        rados = self.program(self.n1, "rados")
        second = FencerProgram(self.n1, "rados")
        with self.assertRaisesRegex(EOFError, "409.*answers for fencer rados already"):
            second.next("session")
        second.kill()
        # Frozen is not gone.
        rados.signal(signal.SIGSTOP)
        third = FencerProgram(self.n1, "rados")
        with self.assertRaisesRegex(EOFError, "409"):
            third.next("session")
        third.kill()
        rados.kill()
        self.program(self.n1, "rados")

    def test_confirmations_that_are_none(self):
        rados = self.program(self.n1, "rados")
        life = self.lose(self.n3)
        request = rados.next("node_id")
        sound = {"node_id": 3, "incarnation": life}
        path = "/v1/fencers/rados/confirmed"
        for body, code in (({}, 400), ({"node_id": 3}, 400), (sound | {"incarnation": "0x1"}, 400),
                           (sound | {"session": ""}, 400), (sound | {"more": 1}, 400), (sound | {"session": "1"}, 409),
                           (sound | {"session": rados.session, "incarnation": "1"}, 409),
                           (sound | {"session": rados.session, "node_id": 2}, 409)):
            self.assertEqual(clusterd.control(self.n1, "POST", path, body)[0], code, body)
        self.assertEqual(clusterd.control(self.n1, "POST", "/v1/fencers/other/confirmed", sound)[0], 404)
        for name in ("lease", "a" * 33, "-x", "a%20b", "%C3%A4"):
            self.assertEqual(clusterd.control(self.n1, "PUT", f"/v1/fencers/{name}")[0], 400, name)
        self.wait_only_for("fencer rados of n1")
        self.assertEqual(rados.confirm(request), 200)
        self.wait_taken_over()

    def test_no_more_than_there_is_room_for(self):
        for number in range(31):
            self.assertEqual(clusterd.control(self.n1, "PUT", f"/v1/fencers/f{number}")[0], 201)
        status, answer = clusterd.control(self.n1, "PUT", "/v1/fencers/one-more")
        self.assertEqual((status, answer["error"]["code"]), (409, "refused"))
        self.assertEqual(clusterd.control(self.n1, "PUT", "/v1/fencers/f0")[0], 200)


if __name__ == "__main__":
    run()
