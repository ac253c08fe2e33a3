"""Locks over the nodes of the laboratory: grants, losses, recovery, what a killed node leaves."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

for folder in ("cluster", "libdlm"):
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / folder))

import build  # noqa: E402
from support import ClusterCase, clusterd, run, wait_for  # noqa: E402

from lock_wire import BLOCKING, EX, NL, NOQUEUE, PR, VALBLK, Event, LockClient  # noqa: E402


class Locks(ClusterCase):
    def client(self, node):
        client = LockClient(os.path.join(node.root, "run/quorate/lock.sock"))
        self.addCleanup(client.close)
        return client

    def clients(self):
        return [self.client(node) for node in self.lab.nodes]

    def test_one_holder_at_a_time_wherever_it_asks(self):
        clients = self.clients()
        self.client(self.lab["n2"]).lock("d", "turns", NL)  # keeps the value
        token = 0
        for turn in range(30):
            holder, other = clients[turn % 3], clients[(turn + 1) % 3]
            held = holder.lock("d", "turns", EX, VALBLK)
            self.assertEqual(held.status, "granted")
            self.assertGreater(held.token, token)
            self.assertEqual(held.value.rstrip(b"\0"), str(turn - 1).encode() if turn else b"")
            token = held.token
            refused = other.lock("d", "turns", PR, NOQUEUE)
            self.assertEqual(refused.status, "not_queued")
            other.locks -= 1
            holder.dequeue(held.lock, VALBLK, str(turn).encode())
            self.assertEqual(holder.completion(held.lock).status, "unlocked")
            holder.locks -= 1

    def test_the_holder_hears_of_a_waiter_on_another_node(self):
        one, two, _ = self.clients()
        held = one.lock("d", "asked", EX, BLOCKING)
        number = two.enqueue("d", "asked", EX)
        blocking = one.blocking(held.lock)
        self.assertEqual((blocking.mode, blocking.node), (EX, 2))
        one.convert(held.lock, NL)
        self.assertEqual(two.completion(number).status, "granted")

    def test_a_killed_node_leaves_its_locks_after_takeover(self):
        n1, n2, _ = self.lab.nodes
        one, two, three = self.clients()
        held = {}
        for index in range(40):
            held[index] = one.lock("d", f"killed/{index}", EX, VALBLK)
            self.assertEqual(held[index].status, "granted")
        waits = {index: (two if index % 2 else three).enqueue("d", f"killed/{index}", PR, VALBLK) for index in held}
        kept = two.lock("d", "kept", EX, VALBLK)
        n1.kill()
        for index, number in waits.items():
            granted = (two if index % 2 else three).completion(number)
            self.assertEqual((granted.status, granted.value_valid), ("granted", False))
            self.assertGreater(granted.token, held[index].token)
        allowed = wait_for("a takeover", lambda: self.logged(n2, "takeover_allowed"), 20)
        self.assertTrue(allowed)
        two.convert(kept.lock, NL, VALBLK, value=b"kept")
        self.assertEqual(two.completion(kept.lock).status, "granted")
        self.assertEqual(three.lock("d", "kept", EX, VALBLK).value.rstrip(b"\0"), b"kept")
        self.boot(n1)
        self.healthy()
        again = self.client(n1)
        self.assertEqual(again.lock("d", "killed/0", EX, NOQUEUE).status, "not_queued")

    def test_a_stopped_node_hands_its_trees_over(self):
        n1, _, _ = self.lab.nodes
        one, two, _ = self.clients()
        for index in range(200):
            one.lock("d", f"stopped/{index}", PR)
            self.assertEqual(two.lock("d", f"stopped/{index}", NL).status, "granted")
        clusterd.stop(n1)
        for index in range(200):
            granted = two.lock("d", f"stopped/{index}", EX, VALBLK)
            self.assertEqual((granted.status, granted.value_valid), ("granted", True))
        clusterd.start(n1)
        self.healthy()

    def clusterctl(self, node, *words):
        program = os.path.join(os.environ["QUORATE_BIN"], "clusterctl")
        done = subprocess.run([program, "--root", node.root, "--json", *words], capture_output=True, text=True,
                              timeout=30, check=True)
        return json.loads(done.stdout)

    def test_the_operator_sees_who_waits_for_whom_from_any_node(self):
        n1, n2, n3 = self.lab.nodes
        one, two, three = self.clients()
        first = one.lock("op", "first", EX)
        second = two.lock("op", "second", PR)
        two.waiting(two.enqueue("op", "first", PR))
        three.waiting(three.enqueue("op", "second", EX))
        shown = self.clusterctl(n3, "lock", "show", "op:first")["resources"]
        self.assertEqual([row["resource"] for row in shown], ["op:first"])
        holder, waiter = shown[0]["locks"]
        self.assertEqual((holder["node"], holder["queue"], holder["granted"]), ("n1", "granted", "EX"))
        self.assertEqual((waiter["node"], waiter["queue"], waiter["requested"]), ("n2", "waiting", "PR"))
        self.assertEqual((waiter["blocked_by"], waiter["blocking"]), ([holder["lock"]], []))
        self.assertEqual((holder["blocked_by"], holder["blocking"]), ([], [waiter["lock"]]))
        self.assertEqual(int(holder["token"], 16), first.token)
        self.assertTrue(shown[0]["complete"])
        chain = self.clusterctl(n1, "lock", "why", "op:second")["waits"][0]
        self.assertEqual((chain["node"], chain["blocked_by"][0]["node"]), ("n3", "n2"))
        domains = {row["domain"]: row for row in self.clusterctl(n2, "lock", "domains")["domains"]}
        self.assertEqual(domains["op"], {"domain": "op", "owner": "0:0", "mode": "700", "resources": 2, "locks": 4,
                                         "waiting": 2})
        self.assertEqual({row["node"] for row in self.clusterctl(n2, "lock", "clients")["clients"]}, {"n1", "n2", "n3"})
        self.assertGreater(second.token, 0)

    def test_the_trace_of_every_node_can_be_replayed(self):
        simulator = pathlib.Path(os.environ["QUORATE_BIN"]).parent / "tests/sim_lockmgr"
        if not simulator.exists():
            self.skipTest("sim_lockmgr is not built")
        clients = self.clients()
        for turn in range(60):
            client = clients[turn % 3]
            self.assertEqual(client.lock("trace", f"r{turn % 7}", NL if turn % 4 else PR, VALBLK).status, "granted")
        with tempfile.TemporaryDirectory() as folder:
            files = []
            for node in self.lab.nodes:  # asked of one of them
                files.append(os.path.join(folder, node.name))
                written = self.clusterctl(self.lab["n2"], "lock", "trace", "--node", node.name, files[-1])
                self.assertGreater(written["bytes"], 2000)
                self.assertEqual(written["bytes"], os.path.getsize(files[-1]))
            again = subprocess.run([str(simulator), "--gtest_filter=Replay.GivenTraces*"], capture_output=True,
                                   text=True, timeout=60, env={**os.environ, "QUORATE_REPLAY": ",".join(files)},
                                   check=False)
            self.assertEqual(again.returncode, 0, again.stdout)

    def test_a_deadlock_is_an_event(self):
        one, two, _ = self.clients()
        self.assertEqual(one.lock("dead", "a", EX).status, "granted")
        self.assertEqual(two.lock("dead", "b", EX).status, "granted")
        one.enqueue("dead", "b", EX)
        two.enqueue("dead", "a", EX)

        def told():
            return [event for node in self.lab.nodes
                    for event in clusterd.ask(node, "GET", "/v1/events/recent")["events"]
                    if event["kind"] == "deadlock"]
        event = wait_for("the event", told, 60)[0]
        self.assertEqual({row["resource"] for row in event["cycle"]}, {"dead/a", "dead/b"})

    def start_holder(self, program, node, name, mode):
        holder = subprocess.Popen(node.command([str(program), name, str(mode)]), env=build.environment(node.root),
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.addCleanup(holder.wait)
        self.addCleanup(holder.stdout.close)
        self.addCleanup(holder.stdin.close)  # ends it
        return holder

    def test_programs_for_libdlm_on_two_nodes(self):
        if not build.HEADER.exists() or not build.ours().exists():
            self.skipTest("libdlm-dev, or our library, is not there")
        n1, n2, _ = self.lab.nodes
        with tempfile.TemporaryDirectory() as folder:
            program = build.build("holder", folder)
            first = self.start_holder(program, n1, "shared", EX)
            self.assertEqual(first.stdout.readline(), "0 0 \n")
            keeper = self.start_holder(program, n2, "shared", NL)
            self.assertEqual(keeper.stdout.readline(), "0 0 \n")
            second = self.start_holder(program, n2, "shared", PR)
            first.stdin.write("from n1\n")
            first.stdin.flush()
            self.assertEqual(first.stdout.readline(), "1\n")
            self.assertEqual(second.stdout.readline(), "0 0 from n1\n")
            third = self.start_holder(program, n1, "shared", EX)
            second.stdin.close()  # it ends without giving it back
            self.assertEqual(third.stdout.readline(), "0 0 from n1\n", "a reader's death leaves the value valid")
            fourth = self.start_holder(program, n2, "shared", EX)
            third.stdin.close()
            self.assertEqual(fourth.stdout.readline(), "0 2 from n1\n", "a writer's does not")

    def test_without_quorum_holders_are_told(self):
        n1, _, n3 = self.lab.nodes
        client = self.client(n3)
        held = client.lock("d", "quorum", EX)
        self.assertEqual(held.status, "granted")
        n3.cut(0, 1)
        client.wait(lambda one: one == Event("suspended"))
        number = client.enqueue("d", "more", EX)
        self.assertEqual(client.waiting(number).cause, "quorum")
        other = self.client(n1)
        self.assertEqual(other.lock("d", "quorum", EX).status, "granted")
        n3.heal(0, 1)
        client.wait(lambda one: one == Event("revoked"))
        self.healthy()


if __name__ == "__main__":
    run()
