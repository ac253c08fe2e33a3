"""Frames of the interconnect as docs/formats/interconnect.md has them, made and read without clusterd's code."""

import struct

HEADER = struct.Struct("<2sBBIQQHH")
HELLO, MESSAGE, ACK, HEARTBEAT, HEARTBEAT_ACK, REFUSAL = range(1, 7)


def frame(kind, epoch, sequence, payload=b"", channel=0):
    return HEADER.pack(b"QF", 1, kind, len(payload), epoch, sequence, channel, 0) + payload


def hello(sender, addressee, since, expected=1, ring=1, cluster="lab"):
    """`sender` and `addressee` are (node id, incarnation)."""
    payload = struct.pack("<IQIQHHHH", *sender, *addressee, ring, 1, 1, len(cluster)) + cluster.encode()
    return frame(HELLO, since, expected, payload)


def frames(octets):
    """[(kind, epoch, sequence, payload)] of whole frames."""
    found = []
    while len(octets) >= HEADER.size:
        magic, version, kind, size, epoch, sequence, _, _ = HEADER.unpack_from(octets)
        if (magic, version) != (b"QF", 1) or len(octets) < HEADER.size + size:
            break
        found.append((kind, epoch, sequence, octets[HEADER.size:HEADER.size + size]))
        octets = octets[HEADER.size + size:]
    return found
