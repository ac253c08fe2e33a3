"""The table that a benchmark prints: what, ours, peer, ratio, bar, ok or short."""

import dataclasses
import sys


def progress(text):
    print(f"-- {text}", file=sys.stderr, flush=True)


@dataclasses.dataclass
class Row:
    """One comparison. `smaller`: less is better. The bar is a least ratio to the peer, or a most for our own
    figure, or none."""

    what: str
    ours: float
    peer: float
    at_least: float | None = None
    at_most: float | None = None
    smaller: bool = False

    @property
    def ratio(self):
        """How many times better we are."""
        better, worse = (self.peer, self.ours) if self.smaller or self.at_most else (self.ours, self.peer)
        return better / worse if worse else float("inf")

    @property
    def bar(self):
        if self.at_least:
            return f"{self.at_least:g} x"
        return f"<= {self.at_most:g}" if self.at_most else ""

    @property
    def ok(self):
        if self.at_least:
            return self.ratio >= self.at_least
        return not self.at_most or self.ours <= self.at_most


def figure(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


class Table:
    def __init__(self):
        self.rows = []
        self.notes = {}

    def add(self, row):
        self.rows.append(row)
        verdict = "ok" if row.ok else "short"
        progress(f"{row.what}: {figure(row.ours)} against {figure(row.peer)}, {row.ratio:.1f} x: {verdict}")

    def note(self, name, value):
        self.notes[name] = value

    def holds(self):
        return all(row.ok for row in self.rows)

    def as_text(self):
        cells = [("what", "ours", "peer", "ratio", "bar", "")]
        for row in self.rows:
            verdict = "ok" if row.ok else "short"
            cells.append((row.what, figure(row.ours), figure(row.peer), f"{row.ratio:.1f}", row.bar, verdict))
        widths = [max(len(row[column]) for row in cells) for column in range(len(cells[0]))]
        lines = [f"{name}: {value}" for name, value in self.notes.items()]
        for row in cells:
            first, *others = (text.ljust(width) if not column else text.rjust(width)
                              for column, (text, width) in enumerate(zip(row, widths)))
            lines.append("  ".join([first, *others]))
        return "\n".join(lines)

    def as_json(self):
        rows = [
            {**dataclasses.asdict(row), "ratio": row.ratio, "bar": row.bar, "ok": row.ok} for row in self.rows]
        return {"notes": self.notes, "rows": rows, "ok": self.holds()}
