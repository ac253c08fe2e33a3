"""The two sides of the comparison, behind the same few verbs: deliver, fill, time, cold_select, idle_kib."""

import contextlib
import json
import os
import pathlib
import subprocess
import time

from loopback import wait_until
from maild_node import MaildNode
from peers import DOMAIN, PASSWORD, Dovecot, Postfix

USERS = 256
IDLE_USERS = 500
BIG = "big"


def mail_load():
    return pathlib.Path(os.environ["QUORATE_BIN"]) / "mail_load"


def load(port, *arguments):
    """Runs mail_load against a port of 127.0.0.1; its reports."""
    command = [str(mail_load()), "--server", f"127.0.0.1:{port}", *map(str, arguments)]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=1800)
    return [json.loads(line) for line in done.stdout.splitlines()]


def private_kib(pid):
    """What a process holds alone: Private_Clean and Private_Dirty of smaps_rollup."""
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as lines:
        return sum(int(line.split()[1]) for line in lines if line.startswith("Private_"))


def forget_files(directory):
    """Drops the page cache of every file below `directory`, clean first."""
    os.sync()
    for path in pathlib.Path(directory).rglob("*"):
        if path.is_file():
            file = os.open(path, os.O_RDONLY)
            try:
                os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
            finally:
                os.close(file)


class Side(contextlib.ExitStack):
    """Set by the two: imap, imaps and smtp ports, `login(name)` -> (user, password), `directory`."""

    def time(self, commands, before=(), between=None, repeat=5):
        """Median milliseconds of each command."""
        arguments = []
        for command in before:
            arguments += ["--before", command]
        for command in commands:
            arguments += ["--command", command]
        if between:
            arguments += ["--between", between]
        reports = load(self.imap, "time", *self.login_arguments(BIG), *arguments, "--repeat", repeat)
        return {command: report["median_ms"] for command, report in zip(commands, reports)}

    def login_arguments(self, name):
        user, password = self.login(name)
        return ["--user", user, "--password", password]

    def cold_select(self):
        """The first SELECT after a restart of the server, with the page cache of its files dropped."""
        self.stop()
        forget_files(self.directory)
        self.start()
        return self.time(["SELECT INBOX"], repeat=1)["SELECT INBOX"]

    @contextlib.contextmanager
    def idle_sessions(self, count, tls):
        """Sessions that have selected their inbox and wait in IDLE."""
        command = [
            mail_load(), "--server", f"127.0.0.1:{self.imaps if tls else self.imap}", "idle",
            *self.login_arguments("idle%d"), "--users", IDLE_USERS, "--sessions", count, "--select", "INBOX", "--idle"]
        command += ["--tls"] if tls else []
        process = subprocess.Popen(list(map(str, command)), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        try:
            report = json.loads(process.stdout.readline() or b"{}")
            if report.get("sessions") != count:
                raise RuntimeError(f"{count} idle sessions: only {report}")
            yield
        finally:
            process.stdin.close()
            process.stdout.close()
            process.wait(60)


class Peer(Side):
    """Postfix accepting SMTP and handing to Dovecot's LMTP, which delivers into mdbox."""

    name = "peer"

    def __init__(self, directory):
        super().__init__()
        self.directory = directory
        self.dovecot = self.enter_context(Dovecot(directory))
        self.postfix = self.enter_context(Postfix(directory, self.dovecot))
        self.imap, self.imaps, self.smtp = self.dovecot.imap, self.dovecot.imaps, self.postfix.plain

    def login(self, name):
        return f"{name}@{DOMAIN}", PASSWORD

    def start(self):
        self.dovecot.start()

    def stop(self):
        self.dovecot.stop()

    def deliver(self, size, messages):
        """Messages per second until the last is in its mailbox."""
        start = time.monotonic()
        load(self.smtp, "deliver", "--size", size, "--messages", messages, "--recipients", USERS)
        wait_until(lambda: not self.postfix.queued(), "delivery of what Postfix accepted", seconds=600, step=0.02)
        return messages / (time.monotonic() - start)

    def fill(self, messages):
        amount = ("--messages", messages, "--together", 1000, "--multiappend")
        load(self.imap, "append", *self.login_arguments(BIG), *amount)

    def idle_kib(self, count, tls):
        with self.idle_sessions(count, tls):
            pids = self.dovecot.session_pids()
            if len(pids) < count:
                raise RuntimeError(f"{len(pids)} imap processes for {count} sessions")
            used = sum(private_kib(pid) for pid in pids)
            if tls:
                used += sum(private_kib(pid) for pid in self.dovecot.login_pids())
            return used / count


class Ours(Side):
    """maild, which delivers before it answers."""

    name = "ours"

    def __init__(self, directory):
        super().__init__()
        self.directory = directory
        limits = "connections = 20000\nconnections_per_address = 20000\nconnections_per_user = 100"
        config = {"mail.limits": limits, "node": 'name = "mail.example.test"\nlog_level = "warn"'}
        self.node = self.enter_context(MaildNode(accounts=(), config=config, root=directory))
        self.node.add_accounts([f"user{number}" for number in range(USERS)] + [BIG])
        self.ports()

    def ports(self):
        for name in ("imap", "imaps", "smtp"):
            setattr(self, name, self.node.port(name))

    def login(self, name):
        return f"{name}@{DOMAIN}", self.node.password

    def start(self):
        self.node.start()
        self.ports()

    def stop(self):
        self.node.stop()

    def deliver(self, size, messages):
        reports = load(self.smtp, "deliver", "--size", size, "--messages", messages, "--recipients", USERS)
        return reports[0]["per_second"]

    def fill(self, messages):
        load(self.imap, "append", *self.login_arguments(BIG), "--messages", messages, "--together", 200)

    def idle_kib(self, count, tls):
        """Against a daemon that has just started."""
        self.node.add_accounts([f"idle{number}" for number in range(IDLE_USERS)])
        self.stop()
        self.start()
        before = private_kib(self.node.pid)
        with self.idle_sessions(count, tls):
            return (private_kib(self.node.pid) - before) / count
