"""A file that behaves as /dev/watchdog does, for kernels that have none: ioctl and write reach this program by way of
FUSE, whose root here is the file itself. Prints what happens: armed, fed, stopped, fired.

    device_watchdog.py PATH     (PATH is a file that exists; in the mount namespace of who shall see it)

As the kernel's API has it: one opener at a time (EBUSY); WDIOC_SETTIMEOUT, WDIOC_GETTIMEOUT, WDIOC_KEEPALIVE; the
letter V before the end stops it, an end without leaves it armed."""

import ctypes
import errno
import os
import select
import stat
import struct
import sys
import time

GETATTR, OPEN, WRITE, RELEASE, FLUSH, INIT, IOCTL, FORGET = 3, 14, 16, 18, 25, 26, 39, 2
HEADER = struct.Struct("=IIQQIIII")
KEEPALIVE, SETTIMEOUT, GETTIMEOUT = 0x80045705, 0xC0045706, 0x80045707
DIRECT_IO = 1


class Watchdog:
    def __init__(self, device):
        self.device = device
        self.timeout = 60
        self.opened = False
        self.magic = False
        self.until = None

    def say(self, what):
        print(what, flush=True)

    def feed(self):
        self.until = time.clock_gettime(time.CLOCK_BOOTTIME) + self.timeout

    def left(self):
        return None if self.until is None else self.until - time.clock_gettime(time.CLOCK_BOOTTIME)

    def serve(self):
        while True:
            left = self.left()
            if left is not None and left <= 0:
                self.say("fired")
                return
            if select.select([self.device], [], [], left)[0]:
                self.answer(os.read(self.device, 1 << 20))

    def answer(self, request):
        _, operation, unique, _, _, _, _, _ = HEADER.unpack_from(request)
        if operation == FORGET:
            return
        body = request[HEADER.size:]
        work = {INIT: self.init, GETATTR: self.attributes, OPEN: self.open, WRITE: self.write, RELEASE: self.release,
                FLUSH: lambda _: b"", IOCTL: self.ioctl}.get(operation)
        result = work(body) if work else errno.ENOSYS
        error, out = (-result, b"") if isinstance(result, int) else (0, result)
        os.write(self.device, struct.pack("=IiQ", 16 + len(out), error, unique) + out)

    def init(self, _):
        return struct.pack("=IIIIHHII", 7, 31, 0, 0, 1, 1, 4096, 1) + bytes(36)

    def attributes(self, _):
        return struct.pack("=QII", 0, 0, 0) + struct.pack("=6Q10I", 1, 0, 0, 0, 0, 0, 0, 0, 0,
                                                           stat.S_IFREG | 0o600, 1, 0, 0, 0, 4096, 0)

    def open(self, _):
        if self.opened:
            return errno.EBUSY
        self.opened, self.magic = True, False
        self.feed()
        self.say("armed")
        return struct.pack("=QII", 1, DIRECT_IO, 0)

    def write(self, body):
        size = struct.unpack_from("=I", body, 16)[0]
        self.magic = b"V" in body[40:40 + size]
        self.feed()
        return struct.pack("=II", size, 0)

    def release(self, _):
        self.opened = False
        if self.magic:
            self.until = None
            self.say("stopped")
        return b""

    def ioctl(self, body):
        command = struct.unpack_from("=I", body, 12)[0]
        if command == SETTIMEOUT:
            self.timeout = struct.unpack_from("=i", body, 32)[0]
            self.say(f"timeout {self.timeout}")
        elif command not in (KEEPALIVE, GETTIMEOUT):
            return errno.ENOTTY
        if command != GETTIMEOUT:
            self.feed()
        return struct.pack("=iIII", 0, 0, 0, 0) + struct.pack("=i", self.timeout)


def main():
    path = sys.argv[1]
    device = os.open("/dev/fuse", os.O_RDWR)
    options = f"fd={device},rootmode={stat.S_IFREG | 0o600:o},user_id=0,group_id=0"
    if ctypes.CDLL(None, use_errno=True).mount(b"watchdog", path.encode(), b"fuse", 0, options.encode()) != 0:
        sys.exit(os.strerror(ctypes.get_errno()))
    Watchdog(device).serve()


if __name__ == "__main__":
    main()
