"""What was sent and what was acknowledged, and whether a mailbox agrees.

A message carries its id in the Message-ID field. Acknowledged: it must be there exactly once, octet for octet, for
ever. Sent only: it may be there once, whole, or not at all.
"""

import pathlib
import random
import re
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "support"))

from imap_wire import Imap  # noqa: E402

ID = re.compile(rb"^Message-ID: <([^>]+)>\r$", re.M)


class Broken(AssertionError):
    """A promise was not kept."""


def compose(random_source, number):
    """(id, octets): a message of a random size, most of them small, some large."""
    name = f"{number}.{random_source.getrandbits(64):016x}@drill"
    size = int(10 ** random_source.uniform(2, 5.3))
    lines = [f"{number} {random_source.getrandbits(200):x}\r\n" for _ in range(1 + size // 60)]
    header = f"From: <drill@client.example.net>\r\nSubject: drill {number}\r\nMessage-ID: <{name}>\r\n\r\n"
    return name, (header + "".join(lines)).encode()


class Mailbox:
    """What one account's INBOX must hold."""

    def __init__(self):
        self.sent = {}
        self.acknowledged = set()
        self.flagged = set()
        self.uid_promised = {}  # by APPENDUID
        self.uid_seen = {}
        self.uidvalidity = None


class Ledger:
    """Of several accounts. Any thread."""

    def __init__(self, accounts, seed):
        self.lock = threading.Lock()
        self.random = random.Random(seed)
        self.mailboxes = {account: Mailbox() for account in accounts}
        self.number = 0

    def next_message(self, accounts):
        """A new message that will be sent to `accounts`."""
        with self.lock:
            self.number += 1
            name, octets = compose(self.random, self.number)
            for account in accounts:
                self.mailboxes[account].sent[name] = octets
            return name, octets

    def acknowledge(self, account, name, uid=None):
        with self.lock:
            self.mailboxes[account].acknowledged.add(name)
            if uid:
                self.mailboxes[account].uid_promised[name] = uid

    def flag(self, account, name):
        with self.lock:
            self.mailboxes[account].flagged.add(name)

    def acknowledged(self):
        return sum(len(box.acknowledged) for box in self.mailboxes.values())


def expect(condition, what):
    if not condition:
        raise Broken(what)


def check_identity(account, box, name, octets):
    expect(name in box.sent, f"{account}: a message that nobody sent: {name}")
    sent = box.sent[name]
    trace = octets[: len(octets) - len(sent)]
    expect(octets.endswith(sent), f"{account}: {name} was changed or cut: {len(octets)} octets, sent {len(sent)}")
    sound = not trace or trace.startswith(b"Return-Path: <")
    expect(sound, f"{account}: {name} has a strange beginning: {trace[:80]!r}")


def check_account(port, login, account, box, everything=False):
    """Compares INBOX with the ledger. `everything`: reads again what was already found sound."""
    with Imap(port) as client:
        client.login(*login)
        answers = client.command("SELECT INBOX")[0]
        validity = [int(word) for line in answers if line and line[0].startswith(b"OK [UIDVALIDITY")
                    for word in re.findall(rb"\d+", line[0])[:1]][0]
        expect(box.uidvalidity in (None, validity), f"{account}: UIDVALIDITY {box.uidvalidity} became {validity}")
        box.uidvalidity = validity
        known = {} if everything else {uid: name for name, uid in box.uid_seen.items()}
        first = max(known, default=0) + 1
        uids = fetch_all(client, "UID FETCH 1:* (UID)", b"UID")
        expect(uids == sorted(set(uids)), f"{account}: UIDs do not ascend")
        found = dict(known)
        for uid, flags, octets in fetch_messages(client, first):
            name = ID.search(octets)
            expect(name, f"{account}: UID {uid} is no message of ours: {octets[:100]!r}")
            name = name[1].decode()
            expect(name not in found.values(), f"{account}: {name} is there twice")
            check_identity(account, box, name, octets)
            found[uid] = name
            expect(name not in box.flagged or b"\\Flagged" in flags, f"{account}: {name} lost a flag")
    check_uids(account, box, found, uids)


def check_uids(account, box, found, uids):
    expect(sorted(found) == uids, f"{account}: UIDs vanished: {sorted(set(found) ^ set(uids))[:5]}")
    uid_of = {name: uid for uid, name in found.items()}
    missing = box.acknowledged - set(uid_of)
    expect(not missing, f"{account}: {len(missing)} acknowledged messages are missing: {sorted(missing)[:3]}")
    for promise in (box.uid_seen, box.uid_promised):
        for name, uid in promise.items():
            expect(uid_of.get(name) == uid, f"{account}: {name} had UID {uid}, now {uid_of.get(name)}")
    box.uid_seen = uid_of


def fetch_all(client, command, item):
    return [int(response[2][response[2].index(item) + 1]) for response in client.command(command)[0]
            if len(response) == 3 and response[1] == b"FETCH"]


def fetch_messages(client, first_uid):
    for response in client.command(f"UID FETCH {first_uid}:* (UID FLAGS BODY.PEEK[])")[0]:
        if len(response) == 3 and response[1] == b"FETCH":
            values = dict(zip(map(bytes, response[2][::2]), response[2][1::2]))
            uid = int(values[b"UID"])
            if uid >= first_uid:  # `n:*` names the last message even when it is before n
                yield uid, values[b"FLAGS"], values[b"BODY[]"]
