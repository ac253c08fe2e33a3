"""Damage on the disk: a body file or a database with changed octets. `mail verify` reports it, and nobody is served
what is not what was stored."""

import pathlib
import poplib
import smtplib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "support"))

from imap_wire import Imap, ImapError, Refused  # noqa: E402
from maild_node import MaildNode  # noqa: E402

COUNT = 30


def message(number):
    text = "".join(f"line {line} of message {number:04d}\r\n" for line in range(400))
    return f"Subject: message {number}\r\nMessage-ID: <damage.{number:04d}@drill>\r\n\r\n{text}".encode()


def change(path, offset, octets):
    with open(path, "r+b") as file:
        file.seek(offset)
        file.write(octets)


def leave(client):
    """QUIT, which gives the maildrop free before it returns, unless the server has hung up."""
    try:
        client.quit()
    except (poplib.error_proto, OSError):
        client.close()


class Damage(unittest.TestCase):
    def setUp(self):
        self.node = self.enterContext(MaildNode(accounts=("ann",)))
        self.volume = self.node.root / "var/lib/quorate/mail"
        with smtplib.LMTP("127.0.0.1", self.node.port("lmtp"), local_hostname="drill") as client:
            for number in range(COUNT):
                client.sendmail("a@client.example.net", ["ann@example.test"], message(number))
        self.assertEqual(self.node.verify("ann"), [])

    def files_with(self, marker):
        """[(path, offset)] of every place below the volume at which `marker` stands."""
        found = []
        for path in sorted(self.volume.rglob("*")):
            if path.is_file():
                octets = path.read_bytes()
                at = octets.find(marker)
                while at >= 0:
                    found.append((path, at))
                    at = octets.find(marker, at + 1)
        return found

    def fetch_body(self, number):
        """The octets served as message `number`; None when the server would not."""
        with Imap(self.node.port("imap"), timeout=20) as client:
            client.login("ann@example.test", self.node.password)
            client.command("SELECT INBOX")
            try:
                return client.fetch(number + 1, "BODY.PEEK[]")["BODY[]"]
            except (Refused, ImapError):
                return None

    def retrieve(self, number):
        client = poplib.POP3("127.0.0.1", self.node.port("pop3"), timeout=20)
        client.user("ann@example.test")
        client.pass_(self.node.password)
        try:
            return b"".join(line + b"\r\n" for line in client.retr(number + 1)[1])
        except (poplib.error_proto, OSError):
            return None
        finally:
            leave(client)

    def damage_body(self, number):
        self.node.stop()
        places = self.files_with(b"line 200 of message %04d" % number)
        self.assertEqual(len(places), 1, "the body stands in one place")
        path, offset = places[0]
        change(path, offset, b"LINE")
        self.node.start()

    def test_a_changed_body_is_reported_by_verify(self):
        self.damage_body(7)
        problems = self.node.verify("ann")
        self.assertEqual(len(problems), 1, problems)
        self.assertIn("8", str(problems[0]), "names the UID")

    def test_clusterctl_exits_with_an_error_when_verify_finds_something(self):
        self.damage_body(3)
        done = self.node.ctl("mail", "verify", "ann@example.test", check=False)
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)

    def test_a_changed_body_is_not_served_and_the_others_are(self):
        self.damage_body(7)
        for serve in (self.fetch_body, self.retrieve):
            with self.subTest(serve.__name__):
                self.assertIsNone(serve(7))
                for number in (0, 6, 8, COUNT - 1):
                    self.assertTrue(serve(number).endswith(message(number)))

    def test_mail_is_still_accepted_beside_a_damaged_body(self):
        self.damage_body(COUNT - 1)
        with smtplib.LMTP("127.0.0.1", self.node.port("lmtp"), local_hostname="drill") as client:
            client.sendmail("a@client.example.net", ["ann@example.test"], message(COUNT))
        self.assertTrue(self.fetch_body(COUNT).endswith(message(COUNT)))

    def test_a_damaged_database_is_reported_and_never_served_silently(self):
        self.node.stop()
        databases = sorted(self.volume.rglob("mail.db"))
        self.assertEqual(len(databases), 1)
        size = databases[0].stat().st_size
        for offset in range(4096, size, 4096):
            change(databases[0], offset, b"\xff" * 64)
        self.node.start()
        status, answer = self.node.control("POST", "/v1/mail/ann@example.test/verify")
        self.assertTrue(status >= 300 or answer["problems"], f"{status} {answer}")
        for number in range(COUNT):
            served = self.served_or_nothing(number)
            self.assertTrue(served is None or served.endswith(message(number)), f"message {number} was changed")

    def served_or_nothing(self, number):
        try:
            return self.fetch_body(number)
        except (Refused, ImapError, OSError):
            return None


if __name__ == "__main__":
    unittest.main()
