"""Puts tests/support on the path, and what the drills of maild share."""

import email.message
import email.policy
import pathlib
import smtplib
import socket
import ssl
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "support"))


def message(subject, body="text\r\n", sender="ann@example.test", recipient="ben@example.test"):
    """The octets of a message, lines ended as SMTP wants them."""
    made = email.message.EmailMessage(policy=email.policy.SMTP)
    made["From"], made["To"], made["Subject"] = sender, recipient, subject
    made.set_content(body)
    return made.as_bytes()


class LineClient:
    """A connection that speaks lines, for what the clients of the standard library do not let one say."""

    def __init__(self, port=None, path=None, first=b"", timeout=20, tls=False):
        if path:
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.settimeout(timeout)
            self.socket.connect(str(path))
        else:
            self.socket = socket.create_connection(("127.0.0.1", port), timeout=timeout)
        if first:
            self.socket.sendall(first)
        if tls:
            self.socket = ssl._create_unverified_context().wrap_socket(self.socket)
        self.file = self.socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()
        self.socket.close()

    def send(self, text):
        self.socket.sendall(text if isinstance(text, bytes) else text.encode())

    def line(self):
        """The next line, without its end; empty at the end of the connection."""
        try:
            return self.file.readline().decode(errors="replace").rstrip("\r\n")
        except ConnectionResetError:
            return ""

    def reply(self):
        """A reply of SMTP with all its lines."""
        lines = [self.line()]
        while lines[-1][3:4] == "-":
            lines.append(self.line())
        return "\n".join(lines)

    def say(self, text):
        self.send(text + "\r\n")
        return self.reply()


def submit(node, sender, recipients, content):
    """Sends a message through the submission port with STARTTLS and a login."""
    with smtplib.SMTP("127.0.0.1", node.port("submission"), timeout=30) as client:
        client.starttls(context=ssl._create_unverified_context())
        client.login(sender, node.password)
        return client.sendmail(sender, recipients, content)


def log_lines(node, event):
    return [line for line in node.log() if line[3:].startswith(event + " ") or line[3:] == event]
