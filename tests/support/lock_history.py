"""Histories of lock clients, and what must hold in them whatever happened to the nodes. Times are seconds of one clock.

A hold begins when its client has the grant and ends when it begins to give it up, so that two holds which overlap were
held at once in truth. Of a client whose node is lost, frozen or cut off it ends earlier: when others may take over.
A lock that is converted is one hold after the other: `kept_while_converting` until its client hears what became of it.
"""

from dataclasses import dataclass

MODES = ["NL", "CR", "CW", "PR", "PW", "EX"]
# Bit m of entry r: r may be granted while another one holds m.
COMPATIBLE = [0b111111, 0b011111, 0b000111, 0b001011, 0b000011, 0b000001]


@dataclass
class Hold:
    client: str
    resource: str
    mode: int
    start: float
    end: float
    token: int = 0
    lock: object = None  # one that was converted downwards keeps its token


@dataclass
class Count:
    """One increment: what was read under the lock and written back as one more. Not acknowledged: it may not count."""
    client: str
    start: float
    end: float
    before: int
    acknowledged: bool = True


@dataclass
class Add:
    client: str
    start: float
    end: float
    item: object
    acknowledged: bool = True


@dataclass
class Read:
    client: str
    start: float
    end: float
    items: frozenset


def compatible(one, other):
    return bool(COMPATIBLE[one] >> other & 1)


def conflicts_no_more(one, other):
    """Than `one`: what may stand beside it may stand beside `other`."""
    return not COMPATIBLE[one] & ~COMPATIBLE[other]


def kept_while_converting(one, other):
    """What a lock keeps others from whichever of the two modes it is held in: it may have been converted already."""
    if conflicts_no_more(one, other):
        return other
    return one if conflicts_no_more(other, one) else MODES.index("CR")


def check_holds(holds):
    """Two holds of one resource that overlap are in compatible modes; of those that are not, the later has the greater
    token."""
    wrong = []
    by_resource = {}
    for hold in sorted(holds, key=lambda one: one.start):
        earlier = by_resource.setdefault(hold.resource, [])
        for other in earlier:
            if compatible(hold.mode, other.mode):
                continue
            if other.end > hold.start:
                wrong.append(f"{hold} beside {other}")
            elif 0 < hold.token <= other.token and (hold.lock is None or hold.lock != other.lock):
                wrong.append(f"{hold} has no greater token than {other}")
        earlier.append(hold)
    return wrong


def check_counter(counts, final):
    """A register that is read and written under a lock: every acknowledged increment took the next number, in the order
    of time, and none is lost."""
    wrong = []
    numbers = {}
    for one in counts:
        if one.acknowledged and one.before in numbers:
            wrong.append(f"{one} and {numbers[one.before]} have read the same")
        elif one.acknowledged:
            numbers[one.before] = one
    acknowledged = sorted(numbers.values(), key=lambda one: one.before)
    newest = None  # of those with a smaller number, the one that began last
    for one in acknowledged:
        if newest and one.end < newest.start:
            wrong.append(f"{one} was over before {newest} began, and has the greater number")
        newest = one if newest is None or one.start > newest.start else newest
    unknown = {one.before for one in counts if not one.acknowledged}
    missing = [number for number in range(final) if number not in numbers and number not in unknown]
    if missing:
        wrong.append(f"nobody has counted {missing[:5]}")
    if acknowledged and acknowledged[-1].before >= final:
        wrong.append(f"{acknowledged[-1]} is lost: the counter ends at {final}")
    return wrong


def check_set(adds, reads):
    """What was added before a read began is in it, what was added after it ended is not, nothing comes from nowhere,
    and nothing that was read is gone later."""
    wrong = []
    known = {one.item: one for one in adds}
    for read in reads:
        for item in read.items:
            if item not in known:
                wrong.append(f"{item} in {read.client}'s read was never added")
            elif known[item].start > read.end:
                wrong.append(f"{known[item]} began after it was read at {read.end}")
        lost = [one for one in adds if one.acknowledged and one.end < read.start and one.item not in read.items]
        wrong += [f"{one} is not in {read.client}'s read of {read.start}" for one in lost[:3]]
    ordered = sorted(reads, key=lambda one: one.end)
    for read in reads:
        for other in ordered:
            if other.end >= read.start:
                break
            if not other.items <= read.items:
                gone = sorted(other.items - read.items)[:3]
                wrong.append(f"{gone} read by {other.client} are gone for {read.client}")
                break
    return wrong
