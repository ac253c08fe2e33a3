"""A disk that is full: mail is refused for now, what was acknowledged stays readable, all goes on when there is room.

Runs itself in a mount namespace of its own, where a small tmpfs is the store's volume.
"""

import os
import pathlib
import random
import subprocess
import sys
import time

INSIDE = "QUORATE_FULL_DISK_INSIDE"
VOLUME_MIB = 48


def enter_namespace():
    """Does not return: this program again, where it may mount."""
    flags = ["-m"] if os.geteuid() == 0 else ["-U", "-r", "-m"]
    environment = {**os.environ, INSIDE: "1"}
    os.execvpe("unshare", ["unshare", *flags, sys.executable, *sys.argv], environment)


if __name__ == "__main__" and INSIDE not in os.environ:
    enter_namespace()

from ledger import Broken, Ledger, check_account, expect  # noqa: E402
from senders import KINDS  # noqa: E402

from loopback import Scratch, wait_until  # noqa: E402
from maild_node import MaildNode, full_address  # noqa: E402

ACCOUNTS = [full_address(f"full{number}") for number in range(3)]
# RFC 3463 4.3.1 mail system full, RFC 5321 452 and 451; RFC 5530 OVERQUOTA, UNAVAILABLE and SERVERBUG's kin.
TEMPORARY = ("452 4.3.1", "451 4.3.", "NO [OVERQUOTA]", "NO [UNAVAILABLE]", "NO [LIMIT]")


class Server:
    def __init__(self, node):
        self.node = node
        self.smtp, self.lmtp, self.imap = (node.port(name) for name in ("smtp", "lmtp", "imap"))

    def login(self, account):
        return account, self.node.password


class Filler:
    """A file that takes all room that is left on the volume."""

    def __init__(self, volume):
        self.path = volume / "filler"

    def fill(self):
        with open(self.path, "ab", buffering=0) as file:
            for size in (1 << 20, 4096):
                try:
                    while True:
                        file.write(bytes(size))
                except OSError:
                    continue

    def free(self):
        self.path.unlink()


def run_senders(ledger, server, source, seconds, kinds=KINDS):
    """For that long, and until each has had an answer: on a busy machine that takes longer."""
    senders = [kind(ledger, server, random.Random(source.getrandbits(64))) for kind in kinds]
    for sender in senders:
        sender.start()
    time.sleep(seconds)
    wait_until(lambda: all(sender.answered or sender.refused or not sender.is_alive() for sender in senders),
               "an answer to every sender", seconds=60)
    for sender in senders:
        sender.stopping.set()
    for sender in senders:
        sender.join(60)
        expect(not sender.is_alive(), f"{type(sender).__name__} hangs")
        expect(not sender.failure, f"{type(sender).__name__}: {sender.failure!r}")
    return senders


def check(node, ledger):
    server = Server(node)
    for account, box in ledger.mailboxes.items():
        check_account(server.imap, server.login(account), account, box, everything=True)


def until_all_refuse(ledger, server, source, filler):
    """Room set aside before may still take some: goes on until every kind of session was refused in one run."""
    for _ in range(20):
        filler.fill()
        senders = run_senders(ledger, server, source, 0.5)
        for sender in senders:
            if sender.refused:
                answer = sender.last_refusal
                expect(answer.startswith(TEMPORARY), f"{type(sender).__name__} was refused with {answer!r}")
        if all(sender.refused and not sender.answered for sender in senders):
            return [sender.last_refusal for sender in senders]
    raise Broken("the disk is full, and mail is still accepted")


def accepts_again(ledger, server, source):
    senders = run_senders(ledger, server, source, 0.2)
    return all(sender.answered and not sender.refused for sender in senders)


def drill(root, volume):
    source = random.Random(1)
    ledger = Ledger(ACCOUNTS, 1)
    filler = Filler(volume)
    with MaildNode(accounts=ACCOUNTS, root=root, config={"mail.store": "segment_bytes = 4194304"}) as node:
        server = Server(node)
        senders = run_senders(ledger, server, source, 0.5)
        expect(all(sender.answered for sender in senders), "mail is not accepted with an empty disk")
        print("full:", until_all_refuse(ledger, server, source, filler), flush=True)
        check(node, ledger)
        print(f"{ledger.acknowledged()} acknowledged messages are readable while the disk is full", flush=True)
        filler.free()
        wait_until(lambda: accepts_again(ledger, server, source), "mail accepted again", seconds=30)
        check(node, ledger)
        print("full again:", until_all_refuse(ledger, server, source, filler), flush=True)
        node.kill()
        filler.free()
        node.start()
        check(node, ledger)
        for account in ACCOUNTS:
            problems = node.verify(account)
            expect(not problems, f"{account}: verify found {problems[:3]}")
    print(f"ok: {ledger.acknowledged()} acknowledged messages, none lost")


def main():
    with Scratch("full") as root:
        volume = root / "var/lib/quorate/mail"
        volume.mkdir(parents=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={VOLUME_MIB}m", "full-disk", volume], check=True)
        try:
            drill(root, pathlib.Path(volume))
        except Broken as broken:
            print(f"FAILED: {broken}")
            return 1
        finally:
            subprocess.run(["umount", "-l", volume], check=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
