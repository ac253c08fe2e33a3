"""The lock manager of a cluster of one, as its clients see it on the socket."""

import os
import select
import signal
import subprocess
import sys
import unittest

from lone import Lone
from lock_wire import BLOCKING, CR, EX, IVVALBLK, NL, PERSISTENT, PR, VALBLK, LockClient, enqueue
from loopback import wait_until

HOLDER = """
import sys
sys.path.insert(0, sys.argv[2])
from lock_wire import *
client = LockClient(sys.argv[1])
print(client.lock("d", sys.argv[3], EX, VALBLK).status, flush=True)
sys.stdin.read()
"""


class Solo(Lone):
    settings = '[cluster.locks]\n[[cluster.locks.domains]]\nname = "closed"\nuser = "root"\nmode = "700"\n'

    def test_a_value_block_goes_from_holder_to_holder(self):
        one, two = self.client(), self.client()
        held = one.lock("d", "value", EX, VALBLK | BLOCKING)
        self.assertEqual((held.status, held.value), ("granted", bytes(64)))
        waits = two.enqueue("d", "value", PR, VALBLK)
        self.assertEqual(two.waiting(waits).cause, "holder")
        blocking = one.blocking(held.lock)
        self.assertEqual((blocking.mode, blocking.pid), (PR, os.getpid()))
        one.dequeue(held.lock, VALBLK, b"written")
        granted = two.completion(waits)
        self.assertEqual((granted.status, granted.value_valid), ("granted", True))
        self.assertEqual(granted.value.rstrip(b"\0"), b"written")
        self.assertGreater(granted.token, held.token)

    def test_many_requests_in_one_write(self):
        client = self.client()
        words = b"".join(enqueue(number, number, "d", f"many/{number}", EX) for number in range(1, 5001))
        client.send(words)
        done = [client.completion() for _ in range(5000)]
        self.assertEqual({one.status for one in done}, {"granted"})
        self.assertEqual([one.request for one in done], list(range(1, 5001)))

    def test_a_killed_holder_leaves_its_value_in_doubt(self):
        support = os.path.join(os.environ["QUORATE_SOURCE"], "tests/support")
        holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(self.path), support, "killed"],
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.assertEqual(holder.stdout.readline(), "granted\n")
        waiter = self.client()
        number = waiter.enqueue("d", "killed", PR, VALBLK)
        waiter.waiting(number)
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        holder.stdin.close()
        holder.stdout.close()
        granted = waiter.completion(number)
        self.assertEqual((granted.status, granted.value_valid), ("granted", False))

    def test_locks_go_with_their_client_and_are_counted(self):
        with LockClient(self.path) as client:
            client.lock("d", "counted", EX, IVVALBLK)
            self.assertGreaterEqual(self.metric("clusterd_locks"), 1)
            self.assertGreaterEqual(self.metric("clusterd_lock_clients"), 1)
        keeper = self.client()
        self.assertEqual(keeper.lock("d", "counted", EX).status, "granted")
        self.assertGreater(self.metric('clusterd_lock_completions_total{status="granted"}'), 0)

    def test_persistent_locks_outlive_their_client(self):
        with LockClient(self.path) as client:
            self.assertEqual(client.lock("d", "orphan", EX, PERSISTENT).status, "granted")
        other = self.client()
        number = other.enqueue("d", "orphan", CR)
        other.waiting(number)
        heir = self.client()
        adopted = heir.lock("d", "orphan", EX, PERSISTENT | 0x4000)
        self.assertEqual(adopted.status, "granted")
        heir.dequeue(adopted.lock)
        self.assertEqual(other.completion(number).status, "granted")

    def test_a_deadline_and_a_deadlock_end_a_wait(self):
        one, two = self.client(), self.client()
        first = one.lock("d", "a", EX)
        self.assertEqual(two.lock("d", "a", EX, deadline=30).status, "timed_out")
        second = two.lock("d", "b", EX)
        numbers = {one: one.enqueue("d", "b", EX), two: two.enqueue("d", "a", EX)}
        for client in numbers:
            client.waiting(numbers[client])
        readable, _, _ = select.select([one.socket, two.socket], [], [], 20)
        loser, winner = (one, two) if readable[0] is one.socket else (two, one)
        victim = loser.completion(numbers[loser])
        self.assertEqual(victim.status, "deadlock")
        self.assertEqual(victim.cycle[0], 2, "both locks of the cycle are told")
        loser.dequeue((first if loser is one else second).lock)
        self.assertEqual(winner.completion(numbers[winner]).status, "granted")

    def test_the_end_of_the_daemon_is_told(self):
        client = self.client()
        client.lock("d", "last", NL)
        self.child.stop()
        self.assertEqual(client.next().reason, 6)
        self.assertIsNone(client.next())
        self.start()
        with LockClient(self.path) as again:
            self.assertNotEqual(again.welcome.incarnation, client.welcome.incarnation)
            self.assertEqual(again.lock("d", "last", EX).status, "granted")
        wait_until(lambda: self.metric("clusterd_lock_clients") == 0, "no clients")


if __name__ == "__main__":
    unittest.main(verbosity=2)
