"""What a node's recorder wrote: spans in which its services were told the same of quorum, and what it was told when."""

# Two samples of two nodes are not of one moment, and notifications do not arrive at one either.
JITTER = 0.35
# A node that says nothing for so long said nothing of the time in between.
GAP = 1.0


class Knowledge:
    """What was told last."""

    def __init__(self, node, told):
        self.node, self.begin, self.end = node, told.at, told.at
        self.ring, self.members, self.quorate = told.ring, told.members, told.quorate

    def __str__(self):
        return (f"n{self.node} {self.begin:.2f} to {self.end:.2f}: told of ring {self.ring} of {sorted(self.members)}"
                f"{', quorate' if self.quorate else ''}")


def members_of(text):
    return frozenset() if text == "-" else frozenset(int(one) for one in text.split(","))


class Span:
    """A stretch of time in which a node's services were told the same of quorum."""

    def __init__(self, node, fields):
        self.node = node
        self.asked, self.begin = int(fields[0]) / 1e6, int(fields[1]) / 1e6
        self.end = self.begin
        self.quorate = fields[2] == "1"
        self.ring = fields[3]
        self.members = members_of(fields[4])
        self.casts = fields[5] == "1"
        self.total = int(fields[6])
        self.coming = fields[7]  # the ring that votequorum is in already

    def key(self):
        return self.quorate, self.ring, self.members, self.casts, self.total, self.coming

    def __str__(self):
        return (f"n{self.node} {self.begin:.2f} to {self.end:.2f}: ring {self.ring} of {sorted(self.members)}, "
                f"{self.total} votes{', the disk casts' if self.casts else ''}{', quorate' if self.quorate else ''}")


class Told:
    """What Corosync told by itself: "ring" is the new membership, "told" is what all services see of it."""

    def __init__(self, fields):
        self.kind, self.at, self.ring = fields[0], int(fields[1]) / 1e6, fields[2]
        self.members = members_of(fields[3])
        self.quorate = fields[4:] == ["1"]


def lines_of(node):
    try:
        return [line.split() for line in node.log_text("recorder").splitlines()]
    except FileNotFoundError:
        return []


def spans_of(node):
    """The samples as spans; those of one node may be of several lives of it."""
    spans = []
    for fields in lines_of(node):
        if len(fields) != 8:
            continue
        span = Span(node.number, fields)
        last = spans[-1] if spans else None
        # A question that took long says what is so at its end.
        if last and last.key() == span.key() and span.begin - last.end < GAP:
            last.end = span.end
        else:
            spans.append(span)
    return spans


def told_of(node):
    lengths = {"ring": 4, "told": 5}
    return [Told(fields) for fields in lines_of(node) if fields and len(fields) == lengths.get(fields[0])]


def told_spans(node):
    """What services know of quorum from one telling to the next, whether they could ask or not."""
    spans, last = [], None
    for fields in lines_of(node):
        if fields[:1] == ["begin"]:  # another Corosync, or another life of the node
            last = None
        elif fields and fields[0].isdigit():
            if last:
                last.end = max(last.end, int(fields[1]) / 1e6)
        elif fields[:1] == ["told"] and len(fields) == 5:
            told = Told(fields)
            if last:
                last.end = max(last.end, told.at)
            last = Knowledge(node.number, told)
            spans.append(last)
    return spans


def settled(node, since, condition):
    """What the services were told first of a ring for which the condition holds, and how long after the ring."""
    told = told_of(node)
    for one in told:
        if one.kind == "told" and one.at >= since and condition(one):
            ring = next((ring for ring in told if ring.kind == "ring" and ring.ring == one.ring), None)
            return (one, one.at - ring.at) if ring else None
    return None


def conflicts(spans, stale=()):
    """Pairs of quorate spans of nodes that do not have each other for a member. `stale` has (node, begin, end): so long
    may this node tell what it knew before."""
    found = []
    quorate = [span for span in spans if span.quorate and span.members]
    for number, one in enumerate(quorate):
        for other in quorate[number + 1:]:
            apart = one.node not in other.members or other.node not in one.members
            begin, end = max(one.begin, other.begin), min(one.end, other.end)
            for node, since, until in sorted(stale, key=lambda window: window[1]):
                if node in (one.node, other.node) and since - JITTER <= begin:
                    begin = max(begin, until)
            if one.node != other.node and one.ring != other.ring and apart and end - begin > JITTER:
                found.append(f"{end - begin:.2f} s both quorate:\n  {one}\n  {other}")
    return found
