"""Every message of the corpus is put into maild and into Debian's Dovecot; what they answer about it is compared.

expected.toml lists the differences that are meant, with both answers and the reason why ours is right. A difference
that is not listed fails the test, and so does one that is listed but not seen.

    differential_test.py [--show]    --show prints every difference as an entry for expected.toml
"""

import collections
import datetime
import hashlib
import itertools
import pathlib
import sys
import tomllib

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "support"))

from corpus import corpus, words  # noqa: E402
from imap_wire import Imap, Refused  # noqa: E402
from loopback import Scratch  # noqa: E402
from mail_server import Peers, mail_server  # noqa: E402
from peers import Dovecot  # noqa: E402
from questions import SEARCHES, WHOLE, part_items  # noqa: E402

EXPECTED = pathlib.Path(__file__).with_name("expected.toml")
Difference = collections.namedtuple("Difference", "message question ours peer")


def differences(ours, peer, path=""):
    """Places at which two parsed answers differ, as (path, ours, peer)."""
    if isinstance(ours, list) and isinstance(peer, list) and len(ours) == len(peer):
        for place, (one, other) in enumerate(zip(ours, peer), 1):
            yield from differences(one, other, f"{path}.{place}" if path else str(place))
    elif ours != peer:
        yield path, ours, peer


def shown(value):
    """A value as expected.toml holds it: long ones by their ends, size and digest."""
    text = repr(value)
    if len(text) <= 240:
        return text
    digest = hashlib.sha256(text.encode()).hexdigest()[:12]
    return f"{text[:80]} ... {text[-80:]} ({len(text)} characters, sha256 {digest})"


def answer(client, number, item):
    """What a server says about an item; a refusal is an answer too."""
    try:
        values = client.fetch(number, item)
    except Refused as refused:
        return refused.text.split(b" ")[0]
    value = next((value for name, value in values.items() if name not in ("FLAGS", "UID")), b"nothing")
    return moment(value) if item == "INTERNALDATE" else value


def moment(date):
    """Dovecot writes an internal date in the zone of its process, we in the zone of the APPEND."""
    parsed = datetime.datetime.strptime(date.decode().strip(), "%d-%b-%Y %H:%M:%S %z")
    return parsed.astimezone(datetime.timezone.utc).isoformat()


def compare_messages(entries, ours, peer):
    for entry in entries:
        items = list(WHOLE)
        for client in (ours, peer):
            body = answer(client, entry.number, "BODYSTRUCTURE")
            items += [item for item in part_items(body) if item not in items]
        for item in items:
            one, other = (answer(client, entry.number, item) for client in (ours, peer))
            for path, *values in differences(one, other):
                yield Difference(entry.name, f"{item} {path}".strip(), *map(shown, values))


def compare_flags(entries, ours, peer):
    for entry in entries:
        one, other = (sorted(flag.lower() for flag in client.fetch(entry.number, "FLAGS")["FLAGS"])
                      for client in (ours, peer))
        if one != other:
            yield Difference(entry.name, "FLAGS", repr(one), repr(other))


def search(client, pieces):
    try:
        return client.search(*pieces)
    except Refused as refused:
        return refused.text.split(b" ")[0]


def searches(entries):
    """(what it is called, pieces of the command)."""
    for keys in SEARCHES:
        yield f"SEARCH {keys}", [f"SEARCH {keys}"]
    asked = set()
    for entry in entries:
        for key, word in words(entry):
            if (key, word) not in asked:
                asked.add((key, word))
                yield f"SEARCH {key} {word}", [f"SEARCH CHARSET UTF-8 {key} ", word.encode()]


def compare_searches(entries, ours, peer):
    for called, pieces in searches(entries):
        one, other = search(ours, pieces), search(peer, pieces)
        if isinstance(one, list) and isinstance(other, list):
            for number in sorted(set(one) ^ set(other)):
                found = ("not found", "found") if number in other else ("found", "not found")
                yield Difference(entries[number - 1].name, called, *found)
        elif one != other:
            yield Difference("", called, *("found" if isinstance(said, list) else repr(said) for said in (one, other)))


def open_mailbox(server, account, entries):
    client = Imap(server.imap)
    client.login(*account)
    for entry in entries:
        client.append("INBOX", entry.octets, entry.append_arguments)
    client.command("SELECT INBOX")
    return client


def find_differences():
    entries = corpus()
    with Scratch("differential") as directory:
        for name in ("ours", "peer"):
            (directory / name).mkdir()
            (directory / name).chmod(0o755)
        with mail_server(directory / "ours") as server, Dovecot(directory / "peer") as dovecot:
            peer = Peers.of(dovecot)
            clients = [open_mailbox(one, one.account("corpus"), entries) for one in (server, peer)]
            found = [difference for compare in (compare_messages, compare_flags, compare_searches)
                     for difference in compare(entries, *clients)]
    return len(entries), found


def read_expected():
    """{difference: reason}"""
    tables = tomllib.loads(EXPECTED.read_text(encoding="utf-8"))
    expected = {}
    for entry in tables["difference"]:
        for answers in entry["answers"]:
            expected[Difference(entry["message"], *answers)] = tables["reasons"][entry["reason"]]
    return expected


def as_toml(found):
    """Entries of expected.toml whose reason is still to be found."""
    lines = []
    for message, group in itertools.groupby(found, key=lambda difference: difference.message):
        lines += ["[[difference]]", f'message = "{message}"', 'reason = ""', "answers = ["]
        for difference in group:
            answers = ", ".join('"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"' for text in difference[1:])
            lines.append(f"    [{answers}],")
        lines += ["]", ""]
    return "\n".join(lines)


def main():
    count, found = find_differences()
    if "--show" in sys.argv:
        print(as_toml(found))
        return 0
    expected = read_expected()
    unlisted = [difference for difference in found if difference not in expected]
    unseen = [difference for difference in expected if difference not in set(found)]
    for title, group in (("not listed in expected.toml", unlisted), ("listed but not seen", unseen)):
        if group:
            print(f"# {title}:\n{as_toml(group)}")
    print(f"{count} messages, {len(found)} differences, {len(unlisted)} not listed, {len(unseen)} listed but not seen")
    return 1 if unlisted or unseen else 0


if __name__ == "__main__":
    sys.exit(main())
