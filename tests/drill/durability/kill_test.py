"""kill -9 of maild at random moments under load from several sessions, again and again.

    kill_test.py [--rounds N] [--seed N] [--seconds N]

After each crash maild starts anew, and: every message answered 250 or OK is there exactly once, octet for octet; no
message is there in part; UIDs ascend and stay, UIDVALIDITY too; flags answered OK are set; `mail verify` finds nothing.
Some crashes are followed by others during recovery. The seed decides messages, recipients and moments.
"""

import argparse
import random
import secrets
import sys
import time

from ledger import Broken, Ledger, check_account, expect
from senders import KINDS

from loopback import Child
from maild_node import MaildNode, full_address

ACCOUNTS = [full_address(f"drill{number}") for number in range(6)]
SENDERS_OF_A_KIND = 2


class Server:
    """Where maild listens since its last start."""

    def __init__(self, node):
        self.node = node
        self.smtp, self.lmtp, self.imap = (node.port(name) for name in ("smtp", "lmtp", "imap"))

    def login(self, account):
        return account, self.node.password


def crash(node, ledger, source):
    """Load for a random while, then SIGKILL. Returns the senders, which have noticed."""
    server = Server(node)
    senders = [kind(ledger, server, random.Random(source.getrandbits(64)))
               for kind in KINDS for _ in range(SENDERS_OF_A_KIND)]
    for sender in senders:
        sender.start()
    time.sleep(source.uniform(0.05, 1.0))
    node.kill()
    for sender in senders:
        sender.join(60)
        expect(not sender.is_alive(), f"{type(sender).__name__} did not notice that the server is gone")
        expect(not sender.failure, f"{type(sender).__name__}: {sender.failure!r}")
        expect(not sender.refused, f"{type(sender).__name__} was refused: {sender.last_refusal}")
    return senders


def crash_while_starting(node, source):
    """SIGKILL in the middle of recovery, or shortly before or after."""
    child = Child(node.command(), node.log_path)
    time.sleep(source.uniform(0, 0.3))
    child.kill()


def check(node, ledger, everything=False):
    server = Server(node)
    for account, box in ledger.mailboxes.items():
        check_account(server.imap, server.login(account), account, box, everything)
        problems = node.verify(account)
        expect(not problems, f"{account}: verify found {problems[:3]}")


def drill(options):
    source = random.Random(options.seed)
    ledger = Ledger(ACCOUNTS, source.getrandbits(64))
    started = time.monotonic()
    with MaildNode(accounts=ACCOUNTS) as node:
        for number in range(1, options.rounds + 1):
            before = ledger.acknowledged()
            crash(node, ledger, source)
            while source.random() < 0.3:
                crash_while_starting(node, source)
            restart = time.monotonic()
            node.start()
            took = time.monotonic() - restart
            check(node, ledger)
            print(f"round {number}: {ledger.acknowledged() - before} acknowledged, start took {took:.2f} s", flush=True)
            if time.monotonic() - started > options.seconds:
                break
        check(node, ledger, everything=True)
        node.stop()
        node.start()
        check(node, ledger, everything=True)
    expect(ledger.acknowledged() > 10 * options.rounds, "the load was too small to prove anything")
    print(f"ok: {number} crashes, {ledger.acknowledged()} acknowledged messages are all there")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--seconds", type=float, default=200, help="no new round after this")
    options = parser.parse_args()
    if options.seed is None:
        options.seed = secrets.randbits(32)
    print(f"seed {options.seed}", flush=True)
    try:
        drill(options)
    except Broken as broken:
        print(f"FAILED (seed {options.seed}): {broken}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
