"""The server that a test of clients talks to: maild, or with QUORATE_MAIL_SERVER=peers Debian's Postfix and Dovecot.

A test that the peers fail is a wrong test, so each is made to pass there too:

    QUORATE_MAIL_SERVER=peers python3 tests/drill/clients/curl_test.py

Either way a server has the ports `smtp`, `submission`, `submissions`, `lmtp`, `imap`, `imaps`, `pop3`, `pop3s` of
127.0.0.1, `certificate` (PEM file), and `account(name)`, which makes sure that the account exists.
"""

import collections
import contextlib
import os

from peers import DOMAIN, PASSWORD, Dovecot, Postfix

Account = collections.namedtuple("Account", "address password")


class Peers:
    @classmethod
    def of(cls, dovecot, postfix=None):
        peers = cls()
        for name in ("lmtp", "imap", "imaps", "pop3", "pop3s", "certificate"):
            setattr(peers, name, getattr(dovecot, name))
        for name in ("smtp", "submission", "submissions") if postfix else ():
            setattr(peers, name, getattr(postfix, name))
        return peers

    def account(self, name):
        return Account(f"{name}@{DOMAIN}", PASSWORD)


@contextlib.contextmanager
def peers(directory):
    with Dovecot(directory) as dovecot, Postfix(directory, dovecot) as postfix:
        yield Peers.of(dovecot, postfix)


class Maild:
    """The part of a MaildNode that a client sees."""

    def __init__(self, node):
        self.node = node
        self.certificate = node.root / "etc/quorate/tls/cert.pem"
        self.known = set()
        for name in ("smtp", "submission", "submissions", "lmtp", "imap", "imaps", "pop3", "pop3s"):
            setattr(self, name, node.port(name))

    def account(self, name):
        if name not in self.known:
            self.node.add_accounts([name])
            self.known.add(name)
        return Account(f"{name}@{DOMAIN}", self.node.password)


@contextlib.contextmanager
def maild(directory, cleartext):
    from maild_node import MaildNode

    with MaildNode(accounts=(), root=directory, cleartext=cleartext) as node:
        yield Maild(node)


def mail_server(directory, cleartext=True):
    """A context manager that gives the server. Not `cleartext`: no password without TLS, not even on loopback."""
    return peers(directory) if os.environ.get("QUORATE_MAIL_SERVER") == "peers" else maild(directory, cleartext)
