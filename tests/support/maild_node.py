"""A maild of the build in a temporary root, on ports of 127.0.0.1 that the system chooses, with accounts.

    with MaildNode(accounts=("ann", "ben")) as node:
        smtplib.SMTP("127.0.0.1", node.port("submission"))
        node.kill(); node.start()                # a crash, and what recovers from it
        assert node.verify("ann") == []

Ports are chosen anew at each start: ask for them after it. `node.control(...)` is the control API, `node.ctl(...)` is
clusterctl.
"""

import http.client
import json
import os
import pathlib
import signal
import socket
import subprocess

from loopback import Child, Scratch, self_signed, wait_until

DOMAIN = "example.test"
PASSWORD = "secret of the tests"
# (name, protocol, tls): what node.port() and node.socket_path() know them by.
LISTENERS = (
    ("smtp", "smtp", "starttls"),
    ("submission", "submission", "starttls"),
    ("submissions", "submission", "implicit"),
    ("lmtp", "lmtp", "none"),
    ("imap", "imap", "starttls"),
    ("imaps", "imap", "implicit"),
    ("pop3", "pop3", "starttls"),
    ("pop3s", "pop3", "implicit"),
)
LMTP_SOCKET = "run/quorate/lmtp.sock"


def binaries():
    """The folder of the build's programs; QUORATE_BIN names it, as ctest does."""
    given = os.environ.get("QUORATE_BIN")
    if given:
        return pathlib.Path(given)
    return pathlib.Path(__file__).resolve().parents[2] / "build/dev/bin"


def full_address(name):
    return name if "@" in name else f"{name}@{DOMAIN}"


def control_request(path, method, target, body=None, timeout=120):
    """(status, JSON or text) of the control API at the socket `path`."""
    connection = UnixConnection(path, timeout)
    try:
        connection.request(method, target, json.dumps(body) if body is not None else None)
        response = connection.getresponse()
        text = response.read().decode()
        kind = response.getheader("Content-Type", "")
        return response.status, json.loads(text) if kind == "application/json" else text
    finally:
        connection.close()


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout=120):
        super().__init__("maild", timeout=timeout)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class MaildNode:
    """`config` maps table names to TOML lines that are added to them: {"mail.limits": "recipients = 200"}. `listeners`
    takes the place of LISTENERS; a fourth element is more TOML for that one. `wrap` is put in front of the command."""

    def __init__(self, accounts=("ann", "ben"), config=None, listeners=LISTENERS, root=None, environment=None,
                 wrap=(), cleartext=True):
        self.accounts = [full_address(name) for name in accounts]
        self.password = PASSWORD
        self.config = dict(config or {})
        self.listeners = listeners
        self.environment = environment or {}
        self.wrap = list(wrap)
        self.cleartext = cleartext
        self.scratch = None if root else Scratch("maild")
        self.root = pathlib.Path(root) if root else self.scratch.path
        self.config_path = self.root / "etc/quorate/quorate.toml"
        self.log_path = self.root / "maild.log"
        self.control_path = self.root / "run/quorate/maild.sock"
        self.child = None
        self.addresses = []

    # ---- life

    def __enter__(self):
        try:
            self.prepare()
            self.start()
            self.add_accounts(self.accounts)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self.child:
            self.child.stop()
        if self.scratch:
            self.scratch.__exit__()

    def prepare(self):
        """Folders, certificate and configuration, without a start."""
        tls = self.root / "etc/quorate/tls"
        tls.mkdir(parents=True, exist_ok=True)
        if not (tls / "cert.pem").exists():
            self_signed(tls)
        self.write_config()

    def write_config(self):
        tables = {
            "node": 'name = "mail.example.test"',
            "mail.tls": 'certificate = "etc/quorate/tls/cert.pem"\nkey = "etc/quorate/tls/key.pem"',
            "mail.auth": f"cleartext_on_loopback = {str(self.cleartext).lower()}\nfailure_delay_ms = 10",
            "mail.limits": "",
            "mail.store": "",
        }
        for name, lines in self.config.items():
            kept = [line for line in tables.get(name, "").splitlines()
                    if line.split("=")[0] not in {added.split("=")[0] for added in lines.splitlines()}]
            tables[name] = "\n".join([*kept, lines])
        text = "".join(f"[{name}]\n{lines}\n\n" for name, lines in tables.items())
        for _, protocol, tls, *more in self.listeners:
            text += self.listen_table(protocol, "127.0.0.1:0", tls, *more)
        text += self.listen_table("lmtp", f"unix:{LMTP_SOCKET}", "none")
        self.config_path.write_text(text)

    @staticmethod
    def listen_table(protocol, address, tls, more=""):
        return f'[[mail.listen]]\nprotocol = "{protocol}"\naddress = "{address}"\ntls = "{tls}"\n{more}\n'

    def command(self):
        return [*self.wrap, binaries() / "maild", "--root", self.root]

    def start(self, seconds=30.0):
        self.child = Child(self.command(), self.log_path, self.environment)
        wait_until(self.answers, "maild's control socket", seconds)
        self.addresses = [row["address"] for row in self.status()["listeners"]]
        return self

    def answers(self):
        if not self.child.running():
            raise RuntimeError(f"maild ended with {self.child.process.returncode}:\n{self.child.tail()}")
        try:
            return self.status()["pid"] > 0
        except (OSError, http.client.HTTPException):
            return False

    @property
    def pid(self):
        """Of maild itself, behind what wraps it."""
        return self.status()["pid"]

    def stop(self, seconds=30.0):
        """SIGTERM, as the service manager does; the exit code."""
        return self.child.stop(seconds)

    def kill(self):
        """SIGKILL, as a crash."""
        self.child.kill()

    def reload(self):
        """SIGHUP; returns when maild has read its configuration, with what it logged."""
        before = len(self.log())
        os.kill(self.pid, signal.SIGHUP)

        def done():
            lines = self.log()[before:]
            return lines if any("reloaded" in line or "reload_refused" in line for line in lines) else None

        return wait_until(done, "the reload")

    # ---- where it is

    def port(self, name):
        for number, (known, *_) in enumerate(self.listeners):
            if known == name:
                return int(self.addresses[number].rpartition(":")[2])
        raise KeyError(name)

    @property
    def lmtp_socket(self):
        return self.root / LMTP_SOCKET

    def log(self):
        return self.log_path.read_text(errors="replace").splitlines()

    # ---- steering it

    def control(self, method, path, body=None):
        """(status, JSON or text) of the control API."""
        return control_request(self.control_path, method, path, body)

    def ask(self, method, path, body=None):
        status, answer = self.control(method, path, body)
        if status >= 300:
            raise RuntimeError(f"{method} {path}: {status} {answer}")
        return answer

    def status(self):
        return self.ask("GET", "/v1/status")

    def metrics(self):
        return self.ask("GET", "/metrics")

    def add_accounts(self, names, quota_bytes=0):
        """Also their domains. All have `password`."""
        addresses = [full_address(name) for name in names]
        for domain in sorted({address.rpartition("@")[2] for address in addresses}):
            status, answer = self.control("POST", "/v1/domains", {"name": domain})
            if status >= 300 and status != 409:
                raise RuntimeError(f"domain {domain}: {answer}")
        for begin in range(0, len(addresses), 1000):
            rows = [{"address": address, "password": self.password, "quota_bytes": quota_bytes}
                    for address in addresses[begin : begin + 1000]]
            answer = self.ask("POST", "/v1/accounts:bulk", {"action": "add", "accounts": rows})
            if answer["errors"]:
                raise RuntimeError(answer["errors"][0])

    def verify(self, name):
        """The problems that `clusterctl mail verify` finds."""
        return self.ask("POST", f"/v1/mail/{full_address(name)}/verify")["problems"]

    def mailboxes(self, name):
        rows = self.ask("GET", f"/v1/mail/{full_address(name)}")["mailboxes"]
        return {row["name"]: row for row in rows}

    def ctl(self, *words, stdin="", check=True):
        """clusterctl on this node: a CompletedProcess."""
        return subprocess.run([binaries() / "clusterctl", "--root", self.root, *words], input=stdin, text=True,
                              capture_output=True, check=check, timeout=120)
