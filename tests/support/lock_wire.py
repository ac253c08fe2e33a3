"""The lock manager's client protocol, docs/protocols/lock.md, spoken by hand: what its drills need, and what breaks it.

    with LockClient(path) as client:
        number = client.enqueue("domain", "name", EX, VALBLK)
        done = client.completion(number)        done.status, .mode, .token, .value_valid, .value
"""

import socket
import struct
from collections import namedtuple

NL, CR, CW, PR, PW, EX = range(6)
NOQUEUE, VALBLK, IVVALBLK, PERSISTENT, FORCEUNLOCK = 0x1, 0x8, 0x20, 0x80, 0x20000
BLOCKING = 0x1000000
STATUS = ["granted", "unlocked", "not_queued", "cancelled", "deadlock", "timed_out", "no_quorum", "nothing_to_cancel",
          "invalid", "busy", "no_such_lock", "has_sublocks", "parent_not_granted", "too_deep", "no_rights",
          "over_limit", "orphan_other_mode", "no_orphan", "revoked"]
CAUSE = ["holder", "queue", "quorum", "directory", "recovery", "takeover", "move"]

Completion = namedtuple("Completion", "request lock id status mode value_valid has_value token value cycle")
Blocking = namedtuple("Blocking", "lock mode node pid")
Waiting = namedtuple("Waiting", "request lock id cause")
Welcome = namedtuple("Welcome", "version node incarnation locks requests name")
Refused = namedtuple("Refused", "reason text")
Event = namedtuple("Event", "kind")


def frame(kind, fields):
    return struct.pack("<IB", len(fields) + 1, kind) + fields


def text(value):
    value = value.encode() if isinstance(value, str) else value
    return bytes([len(value)]) + value


def hello(lowest=1, highest=1, priority=0, magic=b"QLCK"):
    return frame(1, magic + struct.pack("<HHI", lowest, highest, priority))


def enqueue(request, lock, domain, name, mode, flags=0, parent=0, xid=0, deadline=0):
    head = struct.pack("<IIBIIQI", request, lock, mode, flags, parent, xid, deadline)
    return frame(2, head + text(domain) + text(name))


def convert(request, lock, mode, flags=0, deadline=0, value=b""):
    block = value.ljust(64, b"\0") if flags & VALBLK else b""
    return frame(3, struct.pack("<IIBII", request, lock, mode, flags, deadline) + block)


def dequeue(request, lock, flags=0, value=b""):
    block = value.ljust(64, b"\0") if flags & VALBLK else b""
    return frame(4, struct.pack("<III", request, lock, flags) + block)


def cancel(request, lock):
    return frame(5, struct.pack("<II", request, lock))


def decode(body):
    kind, fields = body[0], body[1:]
    if kind == 0x81:
        head = struct.unpack_from("<HIQII", fields)
        return Welcome(*head, fields[23:].decode())
    if kind == 0x82:
        return Refused(fields[0], fields[2:].decode())
    if kind == 0x83:
        request, lock, number, status, mode, bits, token = struct.unpack_from("<IIQBBBQ", fields)
        rest = fields[27:]
        value = rest[:64] if bits & 2 else b""
        return Completion(request, lock, number, STATUS[status], mode, bool(bits & 1), bool(bits & 2), token, value,
                          rest[len(value):])
    if kind == 0x84:
        return Blocking(*struct.unpack("<IBII", fields))
    if kind == 0x85:
        request, lock, number, cause = struct.unpack("<IIQB", fields)
        return Waiting(request, lock, number, CAUSE[cause])
    return Event({0x86: "suspended", 0x87: "resumed", 0x88: "revoked"}[kind])


class LockClient:
    def __init__(self, path, timeout=20, greet=True):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(timeout)
        self.socket.connect(str(path))
        self.bytes = b""
        self.seen = []
        self.requests = 0
        self.locks = 0
        if greet:
            self.send(hello())
            self.welcome = self.next()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, words):
        self.socket.sendall(words)

    def next(self):
        """The next answer; None at the end of the connection."""
        while True:
            if len(self.bytes) >= 4:
                size = 4 + struct.unpack_from("<I", self.bytes)[0]
                if len(self.bytes) >= size:
                    body, self.bytes = self.bytes[4:size], self.bytes[size:]
                    return decode(body)
            try:
                more = self.socket.recv(65536)
            except ConnectionResetError:
                more = b""
            if not more:
                return None
            self.bytes += more

    def wait(self, fits):
        """The first answer, seen already or to come, that fits; the others stay to be asked for."""
        for index, answer in enumerate(self.seen):
            if fits(answer):
                return self.seen.pop(index)
        while True:
            answer = self.next()
            if answer is None:
                raise EOFError("the server ended the connection")
            if fits(answer):
                return answer
            self.seen.append(answer)

    def request(self):
        self.requests += 1
        return self.requests

    # ---- each returns the number of its lock or request

    def enqueue(self, domain, name, mode, flags=0, **more):
        self.locks += 1
        self.send(enqueue(self.request(), self.locks, domain, name, mode, flags, **more))
        return self.locks

    def convert(self, lock, mode, flags=0, **more):
        self.send(convert(self.request(), lock, mode, flags, **more))
        return self.requests

    def dequeue(self, lock, flags=0, value=b""):
        self.send(dequeue(self.request(), lock, flags, value))
        return self.requests

    def completion(self, lock=None, request=None):
        return self.wait(lambda one: isinstance(one, Completion) and (lock is None or one.lock == lock) and
                         (request is None or one.request == request))

    def blocking(self, lock):
        return self.wait(lambda one: isinstance(one, Blocking) and one.lock == lock)

    def waiting(self, lock):
        return self.wait(lambda one: isinstance(one, Waiting) and one.lock == lock)

    def lock(self, domain, name, mode, flags=0, **more):
        return self.completion(self.enqueue(domain, name, mode, flags, **more))
