"""What the tests of real clients share: one server per file of tests, accounts, messages in and out."""

import imaplib
import pathlib
import smtplib
import ssl
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "support"))

from loopback import Scratch, wait_until  # noqa: E402
from mail_server import mail_server  # noqa: E402

SENDER = "sender@client.example.net"


def message(subject, body="Hello,\r\n.a line that begins with a dot\r\n.\r\nend\r\n"):
    return (
        f"From: <{SENDER}>\r\nTo: <reader@example.test>\r\nSubject: {subject}\r\n"
        f"Date: Tue, 2 Mar 2021 10:00:00 +0100\r\nMessage-ID: <{subject.replace(' ', '.')}@client.example.net>\r\n"
        f"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{body}"
    ).encode()


class ClientCase(unittest.TestCase):
    """`server` and the folder `scratch` live as long as the class; every test uses accounts of its own."""

    maxDiff = 2000
    cleartext = True  # passwords without TLS, which loopback allows

    @classmethod
    def setUpClass(cls):
        cls.scratch = cls.enterClassContext(Scratch("clients"))
        cls.server = cls.enterClassContext(mail_server(cls.scratch, cls.cleartext))
        cls.tls = ssl.create_default_context(cafile=str(cls.server.certificate))

    def folder(self):
        """An empty folder of this test."""
        path = self.scratch / self.id()
        path.mkdir()
        return path

    def deliver(self, account, *messages):
        with smtplib.LMTP("127.0.0.1", self.server.lmtp, local_hostname="client.example.net") as client:
            for octets in messages:
                client.sendmail(SENDER, [account.address], octets, mail_options=["BODY=8BITMIME"])

    def imap(self, account, mailbox=None):
        client = self.enterContext(imaplib.IMAP4("127.0.0.1", self.server.imap, timeout=30))
        client.login(*account)
        if mailbox:
            kind, text = client.select(mailbox)
            self.assertEqual(kind, "OK", text)
        return client

    def stored(self, account, mailbox="INBOX"):
        """The messages of a mailbox, in order of their UIDs, as octets."""
        with imaplib.IMAP4("127.0.0.1", self.server.imap, timeout=30) as client:
            client.login(*account)
            client.select(mailbox, readonly=True)
            _, answers = client.uid("FETCH", "1:*", "(BODY.PEEK[])")
            return [answer[1] for answer in answers if isinstance(answer, tuple)]

    def wait_stored(self, account, count):
        wait_until(lambda: len(self.stored(account)) >= count, f"{count} messages of {account.address}")
        return self.stored(account)

    def assert_delivered(self, stored, sent):
        """Octet for octet, behind the trace fields that delivery puts in front."""
        self.assertTrue(stored.endswith(sent), f"stored: {stored!r}\nsent: {sent!r}")
        self.assertTrue(stored.startswith(b"Return-Path: <"), stored[:80])
        self.assertIn(b"\r\nReceived: ", stored[: len(stored) - len(sent)])

    def run_client(self, *command, status=0, **options):
        """Runs an outside program, at most a minute; returns what it printed. Its exit status must be `status`, or one
        of several."""
        done = subprocess.run(
            [str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60, **options)
        text = done.stdout.decode(errors="replace")
        allowed = status if isinstance(status, tuple) else (status,)
        self.assertIn(done.returncode, allowed, f"{command[0]}:\n{text[-3000:]}")
        return text
