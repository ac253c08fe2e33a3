"""A client of docs/protocols/shadow-data.md that remembers what it wrote and what was acknowledged."""

import os
import random
import socket
import struct

BLOCK = 4096
MAGIC = 0x44485351
READ, WRITE, ZERO, FLUSH = 1, 2, 3, 4


def content(block, version):
    return struct.pack("<QQ", block, version) * (BLOCK // 16)


class UnitClient:
    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        hello = self.receive(32)
        magic, version, self.block, _, self.size, _ = struct.unpack("<IIIIQQ", hello)
        assert (magic, version, self.block) == (MAGIC, 1, BLOCK)
        self.cookie = 0

    def receive(self, size):
        data = b""
        while len(data) < size:
            part = self.socket.recv(size - len(data))
            if not part:
                raise ConnectionError("shadowd is gone")
            data += part
        return data

    def ask(self, kind, offset, octets, data=b""):
        self.cookie += 1
        self.socket.sendall(struct.pack("<IBBHQQII", MAGIC, kind, 0, 0, self.cookie, offset, octets, 0) + data)
        return self.cookie

    def answer(self):
        magic, status, cookie, octets, _, _ = struct.unpack("<IIQIIQ", self.receive(32))
        assert magic == MAGIC
        return cookie, status, self.receive(octets)

    def read(self, block):
        cookie = self.ask(READ, block * BLOCK, BLOCK)
        answered, status, data = self.answer()
        assert (answered, status) == (cookie, 0), status
        return data


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
        client = UnitClient(path)
        under_way = {}
        version = 1000 * len(self.possible) + 1
        try:
            while not enough():
                while len(under_way) < at_once:
                    block = self.first + self.random.randrange(self.blocks)
                    if any(block == one for one, _ in under_way.values()):
                        continue
                    version += 1
                    self.possible.setdefault(block, {0}).add(version)
                    under_way[client.ask(WRITE, block * BLOCK, BLOCK, content(block, version))] = (block, version)
                cookie, status, _ = client.answer()
                block, written = under_way.pop(cookie)
                assert status == 0, status
                self.possible[block] = {written}
                self.acknowledged += 1
            while under_way:
                cookie, status, _ = client.answer()
                block, written = under_way.pop(cookie)
                self.possible[block] = {written}
        except OSError:
            pass
        client.socket.close()

    def check(self, path):
        """Reads all that was written; what was read once stays so."""
        client = UnitClient(path)
        for block, versions in self.possible.items():
            data = client.read(block)
            found, = struct.unpack_from("<Q", data, 8)
            assert data in (content(block, found), bytes(BLOCK)), f"block {block} is torn"
            assert found in versions, f"block {block} has version {found}, possible: {sorted(versions)}"
            self.possible[block] = {found}
        client.socket.close()


def same_data(first, second, offset, octets):
    """Compares two members block by block; the first block that differs, or None."""
    with open(first, "rb") as one, open(second, "rb") as two:
        os.lseek(one.fileno(), offset, os.SEEK_SET)
        os.lseek(two.fileno(), offset, os.SEEK_SET)
        for block in range(octets // BLOCK):
            if one.read(BLOCK) != two.read(BLOCK):
                return block
    return None
