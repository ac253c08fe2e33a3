"""Sessions that send mail as fast as they are answered and note each acknowledgement, until the server is gone."""

import pathlib
import re
import smtplib
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "support"))

from imap_wire import Imap, ImapError, Refused  # noqa: E402

SENDER = "drill@client.example.net"
GONE = (OSError, EOFError, smtplib.SMTPServerDisconnected, smtplib.SMTPConnectError, ImapError)


class Sender(threading.Thread):
    """`server` has the ports and `login(account)`. A refusal is counted in `refused`, with the text of the last."""

    def __init__(self, ledger, server, random_source):
        super().__init__(daemon=True)
        self.ledger, self.server, self.random = ledger, server, random_source
        self.accounts = sorted(ledger.mailboxes)
        self.stopping = threading.Event()
        self.answered = self.refused = 0
        self.last_refusal = ""
        self.failure = None

    def run(self):
        try:
            self.send_until_gone()
        except GONE:
            pass
        except Exception as failure:  # shown by the test, which owns the thread
            self.failure = failure

    def refuse(self, text):
        self.refused += 1
        self.last_refusal = text

    def some_accounts(self, most):
        return self.random.sample(self.accounts, self.random.randint(1, most))


class SmtpSender(Sender):
    def send_until_gone(self):
        with smtplib.SMTP("127.0.0.1", self.server.smtp, timeout=30) as client:
            client.ehlo()
            while not self.stopping.is_set():
                readers = self.some_accounts(3)
                name, octets = self.ledger.next_message(readers)
                client.mail(SENDER)
                accepted = [reader for reader in readers if client.rcpt(reader)[0] == 250]
                code, text = client.data(octets) if accepted else (0, b"no recipient")
                if code != 250:
                    self.refuse(f"{code} {text.decode()}")
                    client.rset()
                    continue
                self.answered += 1
                for reader in accepted:
                    self.ledger.acknowledge(reader, name)


class LmtpSender(Sender):
    def send_until_gone(self):
        with smtplib.LMTP("127.0.0.1", self.server.lmtp, local_hostname="drill", timeout=30) as client:
            client.ehlo()
            while not self.stopping.is_set():
                readers = self.some_accounts(2)
                name, octets = self.ledger.next_message(readers)
                client.mail(SENDER)
                accepted = [reader for reader in readers if client.rcpt(reader)[0] == 250]
                self.deliver(client, name, octets, accepted)

    def deliver(self, client, name, octets, accepted):
        """One reply for each recipient that was accepted (RFC 2033 4.2)."""
        client.putcmd("data")
        if client.getreply()[0] != 354:
            self.refuse("DATA")
            return
        client.send(smtplib._quote_periods(octets) + b".\r\n")
        for reader in accepted:
            code, text = client.getreply()
            if code == 250:
                self.answered += 1
                self.ledger.acknowledge(reader, name)
            else:
                self.refuse(f"{code} {text.decode()}")


class AppendSender(Sender):
    """Appends to one account and flags some of what it has appended."""

    def send_until_gone(self):
        reader = self.random.choice(self.accounts)
        with Imap(self.server.imap, timeout=30) as client:
            client.login(*self.server.login(reader))
            client.command("SELECT INBOX")
            while not self.stopping.is_set():
                name, octets = self.ledger.next_message([reader])
                tag = client.send('APPEND "INBOX" ', octets)
                text = self.answer(client, tag)
                if text is None:
                    continue
                self.answered += 1
                uid = int(re.search(rb"\[APPENDUID \d+ (\d+)\]", text)[1])
                self.ledger.acknowledge(reader, name, uid)
                if self.random.random() < 0.3:
                    client.command(f"UID STORE {uid} +FLAGS.SILENT (\\Flagged)")
                    self.ledger.flag(reader, name)

    def answer(self, client, tag):
        """The OK's text; None when the APPEND was refused. A lost connection passes through."""
        try:
            return client.finish(tag, "APPEND")[1]
        except Refused as refused:
            self.refuse(refused.text.decode())
            return None


KINDS = (SmtpSender, LmtpSender, AppendSender)
