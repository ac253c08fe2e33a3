"""Lock clients that break the rules: each is cut off with a reason, and nobody else is disturbed."""

import contextlib
import os
import random
import socket
import struct
import threading
import time
import unittest

from lone import Lone
import lock_wire
from lock_wire import EX, PR, Refused, enqueue, frame, hello
from loopback import wait_until


class BadInput(Lone):
    settings = "[cluster.locks]\nclients_max = 40\nclient_locks_max = 5000\nclient_patience_s = 5\n"

    def setUp(self):
        self.bystander = self.client()
        self.assertEqual(self.bystander.lock("good", "held", EX).status, "granted")

    def tearDown(self):
        """The bystander still holds, and is served."""
        self.assertEqual(self.bystander.lock("good", "another", EX).status, "granted")
        with lock_wire.LockClient(self.path) as other:
            self.assertEqual(other.lock("good", "held", PR, lock_wire.NOQUEUE).status, "not_queued")
        self.bystander.close()

    def refused(self, client):
        while True:
            answer = client.next()
            if answer is None or isinstance(answer, Refused):
                return answer

    def test_frames_that_are_none(self):
        for words in (b"\0\0\0\0", b"\xff\xff\xff\xff", struct.pack("<I", 1025), frame(0x55, b""), frame(2, b"short"),
                      frame(1, b"QLCK" + bytes(8)), hello(), enqueue(1, 0, "d", "a", EX), enqueue(1, 2, "d", "a", EX),
                      enqueue(1, 1, "d", "a", EX) * 2, frame(4, bytes(13)), os.urandom(3000)):
            client = self.client()
            client.send(words)
            self.assertIn(self.refused(client).reason, (1, 2), words[:20])
            self.assertIsNone(client.next())
        self.assertTrue(self.logged("lock_client_cut"))

    def test_no_hello(self):
        for words in (enqueue(1, 1, "d", "a", EX), hello(magic=b"HTTP"), hello(7, 9), b"GET / HTTP/1.1\r\n\r\n"):
            client = self.client(greet=False)
            client.send(words)
            self.assertIn(self.refused(client).reason, (1, 2), words[:20])

    def test_random_frames_of_known_types(self):
        dice = random.Random(4711)
        for _ in range(150):
            client = lock_wire.LockClient(self.path)
            for _ in range(dice.randint(1, 20)):
                body = bytes(dice.choice([0, 1, 2, dice.randint(0, 255)]) for _ in range(dice.randint(0, 120)))
                try:
                    client.send(frame(dice.randint(1, 9), body))
                except OSError:
                    break
            client.close()

    def test_names_and_modes_out_of_range(self):
        client = self.client()
        for domain, name, mode, flags in (("", "a", EX, 0), ("d" * 65, "a", EX, 0), ("d", "n" * 65, EX, 0),
                                          ("d", "a", 6, 0), ("d", "a", 255, 0), ("d", "a", EX, 0x80000000),
                                          ("d", "a", EX, 0x10)):
            client.locks = 0  # an enqueue that fails gives its number back
            self.assertEqual(client.lock(domain, name, mode, flags).status, "invalid", (domain, name, mode, flags))
        self.assertEqual(client.lock("d", "", EX).status, "granted")

    def test_who_never_reads_is_cut_off(self):
        deaf = socket.socket(socket.AF_UNIX)
        self.addCleanup(deaf.close)
        deaf.connect(str(self.path))
        deaf.settimeout(0.5)
        deaf.sendall(hello())
        words = b"".join(lock_wire.cancel(n, 9) for n in range(4000))
        sent = 0
        try:
            while sent < 400 << 20:
                sent += deaf.send(words)
        except (TimeoutError, BrokenPipeError, ConnectionResetError):
            pass
        self.assertLess(sent, 100 << 20, "the server takes no more requests than it can answer")
        before = time.monotonic()
        self.assertEqual(self.bystander.lock("good", "quick", EX).status, "granted")
        self.assertLess(time.monotonic() - before, 1)
        wait_until(lambda: [line for line in self.logged("lock_client_cut") if "not read" in line], "it is cut off", 90)

    def test_who_floods_does_not_keep_others_waiting(self):
        """Locks and their releases without an end, all answers read: others have their turn between."""
        stop = threading.Event()
        flood = self.client()
        answered = []

        def read():
            with contextlib.suppress(OSError):
                while octets := flood.socket.recv(1 << 16):
                    answered.append(len(octets))

        def write():
            words = b"".join(enqueue(2 * n, n, "flood", f"{n}", EX) + lock_wire.dequeue(2 * n + 1, n)
                             for n in range(1, 500))
            with contextlib.suppress(OSError):
                while not stop.is_set():
                    flood.send(words)

        threads = [threading.Thread(target=one, daemon=True) for one in (read, write)]
        for thread in threads:
            thread.start()
        wait_until(lambda: sum(answered) > 1 << 20, "the flood is answered")
        slowest = 0
        for turn in range(50):
            before = time.monotonic()
            self.assertEqual(self.bystander.lock("good", f"quick{turn}", EX).status, "granted")
            slowest = max(slowest, time.monotonic() - before)
        stop.set()
        threads[1].join()
        flood.socket.shutdown(socket.SHUT_RDWR)
        threads[0].join()
        self.assertLess(slowest, 5)
        self.assertGreater(self.metric('clusterd_lock_domain_wait_seconds_count{domain="flood"}'), 1000)
        self.assertGreater(self.metric('clusterd_lock_domain_hold_seconds_count{domain="flood"}'), 1000)
        self.assertGreaterEqual(self.metric('clusterd_lock_domain_wait_seconds_count{domain="good"}'), 50)

    def test_more_locks_than_allowed(self):
        client = self.client()
        with lock_wire.LockClient(self.path) as holder:
            holder.lock("d", "flood", EX)
            for first in range(1, 5000, 1000):
                client.send(b"".join(enqueue(n, n, "d", "flood", EX) for n in range(first, first + 1000)))
                client.waiting(first + 999)
            client.send(enqueue(5001, 5001, "d", "flood", EX))
            self.assertEqual(client.completion(5001).status, "over_limit")

    def test_more_clients_than_allowed(self):
        clients = [self.client(greet=False) for _ in range(60)]
        for client in clients:
            with contextlib.suppress(BrokenPipeError):  # refused already, and not waited for
                client.send(hello())
        answers = [client.next() for client in clients]
        full = [one for one in answers if isinstance(one, Refused)]
        self.assertTrue(full)
        self.assertEqual({one.reason for one in full}, {5})
        for client in clients:
            client.close()
        wait_until(lambda: self.metric("clusterd_lock_clients") == 1, "they have gone")


if __name__ == "__main__":
    unittest.main(verbosity=2)
