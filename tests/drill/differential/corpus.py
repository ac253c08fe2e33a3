"""The messages of the differential test, as a client would append them: our own and those of Python's test suite."""

import email
import email.policy
import pathlib
import re

OWN = pathlib.Path(__file__).resolve().parents[2] / "data/messages"
PYTHON = pathlib.Path("/usr/lib/python3.11/test/test_email/data")
FLAGS = ("\\Seen", "\\Answered", "\\Flagged", "\\Draft", "\\Deleted", "$Work", "Later")


class Entry:
    """A message, what it is appended with, and its place in the mailbox."""

    def __init__(self, number, path):
        self.number = number
        self.name = path.name
        # A client sends CRLF; a bare CR stays where the message has one.
        self.octets = re.sub(rb"(?<!\r)\n", b"\r\n", path.read_bytes())
        self.flags = [flag for place, flag in enumerate(FLAGS) if number % (place + 2) == 0]
        self.date = f"{number % 28 + 1:2d}-Mar-2021 {number % 24:02d}:30:00 +0{number % 7}00"

    @property
    def append_arguments(self):
        return f'({" ".join(self.flags)}) "{self.date}" '


def corpus():
    if not PYTHON.is_dir():
        raise FileNotFoundError(f"{PYTHON}: install Debian package libpython3.11-testsuite")
    paths = sorted(OWN.glob("*.eml")) + sorted(path for path in PYTHON.iterdir() if path.is_file())
    texts = [path for path in paths if path.suffix in (".eml", ".txt")]
    return [Entry(number, path) for number, path in enumerate(texts, 1)]


WORD = re.compile(r"\w{4,}")


def first_words(text, count):
    found = []
    for word in WORD.findall(text):
        if word not in found:
            found.append(word)
    return found[:count]


def words(entry):
    """[(search key, word)]: words that Python reads in the header and the text of a message."""
    found = []
    parsed = email.message_from_bytes(entry.octets, policy=email.policy.default)
    for key, field in (("SUBJECT", "subject"), ("FROM", "from"), ("TO", "to"), ("CC", "cc")):
        try:
            value = str(parsed[field] or "")
        except Exception:  # the parser of structured fields gives up on some garbage
            continue
        found += [(key, word) for word in first_words(value, 3)]
    for part in parsed.walk():
        if part.get_content_maintype() == "text":
            try:
                text = part.get_content()
            except Exception:  # an unknown charset
                continue
            found += [("BODY", word) for word in first_words(text, 3)]
    return [(key, word) for key, word in found if "\ufffd" not in word and word.isprintable()]
