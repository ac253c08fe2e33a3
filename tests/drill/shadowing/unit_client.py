"""A client of a unit that remembers what it wrote and what was acknowledged."""

import errno
import os
import random
import struct
import sys
import time

# The module belongs to the system's Python, whichever runs this.
sys.path.append("/usr/lib/python3/dist-packages")
import nbd  # noqa: E402

BLOCK = 4096
PATIENCE = 60


def content(block, version):
    return struct.pack("<QQ", block, version) * (BLOCK // 16)


def connect(path):
    """To the unit's nbdkit, which listens a moment after the unit is mounted."""
    until = time.monotonic() + PATIENCE
    while True:
        client = nbd.NBD()
        try:
            client.connect_unix(path)
            return client
        except nbd.Error:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)


class Ended(Exception):
    """shadowd is gone, or its nbdkit."""


class Writes:
    """Of one connection, several at a time."""

    def __init__(self, path):
        self.client = connect(path)
        self.under_way = {}  # by cookie: block, version

    def begin(self, block, version):
        data = nbd.Buffer.from_bytearray(bytearray(content(block, version)))
        try:
            self.under_way[self.client.aio_pwrite(data, block * BLOCK)] = (block, version)
        except nbd.Error as error:
            raise Ended from error

    def acknowledged(self):
        """The next one that is: block, version."""
        try:
            while (cookie := self.client.aio_peek_command_completed()) == 0:
                self.client.poll(-1)
            self.client.aio_command_completed(cookie)
        except nbd.Error as error:
            alive = self.client.aio_is_ready() or self.client.aio_is_processing()
            if alive and error.errnum != errno.ESHUTDOWN:
                raise
            raise Ended from error
        return self.under_way.pop(cookie)


class Ledger:
    """Versions that blocks may have: the acknowledged one, and those of writes that began after it. Of the blocks from
    `first` on; nobody else writes there."""

    def __init__(self, blocks, first=0):
        self.first = first
        self.blocks = blocks
        self.possible = {}
        self.random = random.Random(4711 + first)
        self.acknowledged = 0

    def write_until(self, path, enough, at_once=32):
        """Writes until `enough()` or the connection breaks."""
        writes = Writes(path)
        version = 1000 * len(self.possible) + 1
        try:
            while not enough():
                while len(writes.under_way) < at_once:
                    block = self.first + self.random.randrange(self.blocks)
                    if any(block == one for one, _ in writes.under_way.values()):
                        continue
                    version += 1
                    self.possible.setdefault(block, {0}).add(version)
                    writes.begin(block, version)
                self.take(*writes.acknowledged())
            while writes.under_way:
                self.take(*writes.acknowledged())
        except Ended:
            pass

    def take(self, block, version):
        self.possible[block] = {version}
        self.acknowledged += 1

    def check(self, path):
        """Reads all that was written; what was read once stays so."""
        client = connect(path)
        for block, versions in self.possible.items():
            data = client.pread(BLOCK, block * BLOCK)
            found, = struct.unpack_from("<Q", data, 8)
            assert data in (content(block, found), bytes(BLOCK)), f"block {block} is torn"
            assert found in versions, f"block {block} has version {found}, possible: {sorted(versions)}"
            self.possible[block] = {found}
        client.shutdown()


def same_data(first, second, offset, octets):
    """Compares two members block by block; the first block that differs, or None."""
    with open(first, "rb") as one, open(second, "rb") as two:
        os.lseek(one.fileno(), offset, os.SEEK_SET)
        os.lseek(two.fileno(), offset, os.SEEK_SET)
        for block in range(octets // BLOCK):
            if one.read(BLOCK) != two.read(BLOCK):
                return block
    return None
