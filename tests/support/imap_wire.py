"""A small IMAP client that keeps what the server said: responses come back parsed (RFC 3501 section 9), nested.

A list is a list, NIL is None, a quoted string or literal is bytes, any other atom is an Atom. Reads no further than
the tagged answer of its own command.
"""

import re
import socket
import ssl


class Atom(bytes):
    """An unquoted word of a response: `FLAGS`, `\\Seen`, `12`, `BODY[1]<0>`."""


class ImapError(RuntimeError):
    """The server closed the connection, or broke the grammar."""


class Refused(ImapError):
    """A tagged NO or BAD. `text` is what follows the tag."""

    def __init__(self, command, text):
        super().__init__(f"{command!r}: {text.decode(errors='replace')}")
        self.text = text


ATOM = re.compile(rb'[^ ()"\r\n\[\]]+')


class Reader:
    """Parses one response, asking the connection for literals as they come."""

    def __init__(self, first_line, read_literal):
        self.text = first_line
        self.at = 0
        self.read_literal = read_literal

    def values(self, closing=b""):
        found = []
        while self.at < len(self.text):
            char = self.text[self.at : self.at + 1]
            if char == closing:
                self.at += 1
                return found
            if char == b" ":
                self.at += 1
            else:
                found.append(self.value(char))
        if closing:
            raise ImapError(f"list not closed: {self.text[:200]!r}")
        return found

    def value(self, char):
        if char == b"(":
            self.at += 1
            return self.values(b")")
        if char == b'"':
            return self.quoted()
        if char == b"{":
            return self.literal()
        atom = self.atom()
        return None if atom == b"NIL" else atom

    def quoted(self):
        found = re.compile(rb'"((?:[^"\\]|\\.)*)"', re.S).match(self.text, self.at)
        if not found:
            raise ImapError(f"quoted string not closed: {self.text[self.at:][:200]!r}")
        self.at = found.end()
        return re.sub(rb"\\(.)", rb"\1", found[1])

    def literal(self):
        found = re.compile(rb"\{(\d+)\}$").match(self.text, self.at)
        if not found:
            raise ImapError(f"bad literal: {self.text[self.at:][:80]!r}")
        octets, self.text = self.read_literal(int(found[1]))
        self.at = 0
        return octets

    def atom(self):
        """Also takes `BODY[HEADER.FIELDS (A B)]<0>` and `[UIDNEXT 4]` whole, as one word."""
        start = self.at
        while True:
            found = ATOM.match(self.text, self.at)
            if found:
                self.at = found.end()
            if self.text[self.at : self.at + 1] != b"[":
                break
            end = self.text.find(b"]", self.at)
            if end < 0:
                raise ImapError(f"bracket not closed: {self.text[start:][:80]!r}")
            self.at = end + 1
        if self.at == start:
            raise ImapError(f"not a value: {self.text[start:][:80]!r}")
        return Atom(self.text[start : self.at])


class Imap:
    """One connection. `command` waits for the tagged answer; NO and BAD raise Refused."""

    def __init__(self, port, tls=False, timeout=60):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=timeout)
        if tls:
            context = ssl._create_unverified_context()
            self.socket = context.wrap_socket(self.socket)
        self.file = self.socket.makefile("rb")
        self.tags = 0
        self.greeting = self.line()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.file.close()
        self.socket.close()

    def line(self):
        line = self.file.readline()
        if not line.endswith(b"\r\n"):
            raise ImapError(f"connection closed after {line!r}")
        return line[:-2]

    def read_literal(self, size):
        octets = self.file.read(size)
        if len(octets) != size:
            raise ImapError("connection closed inside a literal")
        return octets, self.line()

    def send(self, *pieces):
        """Sends a command whose pieces are joined; a bytes piece goes as a literal (non-synchronising, RFC 7888)."""
        self.tags += 1
        tag = f"t{self.tags}"
        out = [tag.encode(), b" "]
        for piece in pieces:
            out.append(b"{%d+}\r\n" % len(piece) + piece if isinstance(piece, bytes) else piece.encode())
        self.socket.sendall(b"".join(out) + b"\r\n")
        return tag

    def finish(self, tag, command=""):
        """(untagged responses, text of the OK) up to the answer with this tag."""
        untagged = []
        while True:
            line = self.line()
            word, _, rest = line.partition(b" ")
            if word == tag.encode():
                if not rest.startswith(b"OK"):
                    raise Refused(command, rest)
                return untagged, rest
            if word == b"*" and rest.split(b" ")[0] in (b"OK", b"NO", b"BAD", b"BYE", b"PREAUTH"):
                untagged.append([Atom(rest)])
            elif word == b"*":
                untagged.append(Reader(rest, self.read_literal).values())

    def command(self, *pieces):
        return self.finish(self.send(*pieces), pieces[0] if isinstance(pieces[0], str) else "")

    def login(self, user, password):
        return self.command(f'LOGIN "{user}" "{password}"')

    def append(self, mailbox, octets, flags=""):
        """The text of the OK, with APPENDUID where the server has UIDPLUS."""
        return self.command(f'APPEND "{mailbox}" {flags}', octets)[1]

    def fetch(self, number, items, uid=False):
        """The items of one message as {name: value}."""
        for response in self.command(f"{'UID ' if uid else ''}FETCH {number} ({items})")[0]:
            if len(response) == 3 and response[1] == b"FETCH":
                return pairs(response[2])
        raise ImapError(f"no FETCH response for {number} ({items})")

    def search(self, *pieces):
        found = []
        for response in self.command(*pieces)[0]:
            if response and response[0] == b"SEARCH":
                found += [int(number) for number in response[1:]]
        return found


def pairs(values):
    """The list of a FETCH response as a dictionary with names in upper case."""
    return {bytes(name).decode().upper(): value for name, value in zip(values[::2], values[1::2])}
