"""mail_load does what it says it does: each load, small, against maild. It is no measurement."""

import json
import pathlib
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "support"))

from imap_wire import Imap  # noqa: E402
from maild_node import MaildNode, binaries  # noqa: E402

READERS = [f"user{number}" for number in range(4)]


class MailLoad(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.node = cls.enterClassContext(MaildNode(accounts=READERS))

    def start(self, port, *arguments):
        command = [str(binaries() / "mail_load"), "--server", f"127.0.0.1:{self.node.port(port)}", *arguments]
        pipe = subprocess.PIPE
        return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True)

    def load(self, port, *arguments):
        out, errors = self.start(port, *arguments).communicate(timeout=60)
        self.assertEqual(errors, "")
        return [json.loads(line) for line in out.splitlines()]

    def login(self, name):
        return ["--user", f"{name}@example.test", "--password", self.node.password]

    def messages(self):
        return sum(box["messages"] for name in READERS for box in self.node.mailboxes(name).values())

    def test_it_delivers_as_many_messages_as_it_reports(self):
        for port, extra in (("smtp", []), ("lmtp", ["--lmtp"])):
            with self.subTest(port):
                before = self.messages()
                [report] = self.load(port, "deliver", "--messages", "83", "--sessions", "5", "--per-connection", "7",
                                     "--recipients", "4", *extra)
                self.assertEqual(report["messages"], 83)
                self.assertEqual(self.messages() - before, 83)
                self.assertGreaterEqual(report["p99_ms"], report["p50_ms"])

    def test_messages_have_the_size_asked_for(self):
        self.node.add_accounts(["sizes"])
        self.load("imap", "append", *self.login("sizes"), "--messages", "3", "--size", "5000")
        with Imap(self.node.port("imap")) as client:
            client.login("sizes@example.test", self.node.password)
            client.command("SELECT INBOX")
            self.assertEqual(client.fetch(1, "RFC822.SIZE")["RFC822.SIZE"], b"5000")

    def test_append_fills_a_mailbox_and_time_reports_each_command(self):
        self.node.add_accounts(["big"])
        self.load("imap", "append", *self.login("big"), "--messages", "200", "--together", "40", "--seen-of-100", "40")
        reports = self.load("imap", "time", *self.login("big"), "--before", "SELECT INBOX", "--repeat", "3",
                            "--command", "FETCH 1:* (FLAGS)", "--command", "SEARCH UNSEEN", "--between", "NOOP")
        self.assertEqual([len(report["ms"]) for report in reports], [3, 3])
        self.assertGreater(reports[0]["octets"], 200 * len("* 1 FETCH (FLAGS ())\r\n"))
        with Imap(self.node.port("imap")) as client:
            client.login("big@example.test", self.node.password)
            client.command("SELECT INBOX")
            self.assertEqual(len(client.search("SEARCH SEEN")), 80)

    def test_idle_sessions_stay_until_standard_input_ends(self):
        for port, extra in (("imap", []), ("imaps", ["--tls"])):
            with self.subTest(port):
                process = self.start(port, "idle", *self.login("user%d"), "--users", "4", "--sessions", "12",
                                     "--select", "INBOX", "--idle", *extra)
                self.assertEqual(json.loads(process.stdout.readline())["sessions"], 12)
                process.communicate(timeout=30)
                self.assertEqual(process.returncode, 0)

    def test_a_refusal_fails_the_run(self):
        process = self.start("smtp", "deliver", "--messages", "1", "--recipient", "nobody@example.test")
        _, errors = process.communicate(timeout=30)
        self.assertEqual(process.returncode, 1)
        self.assertIn("550", errors)


if __name__ == "__main__":
    unittest.main()
