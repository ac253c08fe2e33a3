"""What both servers are asked: items of each message, and searches in the whole mailbox."""

HEADER_FIELDS = "SUBJECT FROM X-UNUSUAL RECEIVED CONTENT-TYPE"
WHOLE = [
    "ENVELOPE", "BODY", "BODYSTRUCTURE", "RFC822.SIZE", "INTERNALDATE", "BODY.PEEK[]", "BODY.PEEK[HEADER]",
    "BODY.PEEK[TEXT]", "RFC822.HEADER", f"BODY.PEEK[HEADER.FIELDS ({HEADER_FIELDS})]",
    f"BODY.PEEK[HEADER.FIELDS.NOT ({HEADER_FIELDS})]", "BODY.PEEK[]<0.100>", "BODY.PEEK[]<37.64>",
    "BODY.PEEK[]<100000000.10>", "BODY.PEEK[HEADER]<10.20>", "BODY.PEEK[TEXT]<3.70>", "BODY.PEEK[TEXT]<0.1>",
    "BODY.PEEK[TEXT]<20.100000000>",
]


def parts(body, path=()):
    """[(path, is an encapsulated message)] of a parsed BODY or BODYSTRUCTURE."""
    if isinstance(body[0], list):
        found = [(path, False)] if path else []
        for number, child in enumerate((value for value in body if isinstance(value, list)), 1):
            # Extension data of a multipart begins after the subtype, the first value that is no list.
            if number > next(place for place, value in enumerate(body) if not isinstance(value, list)):
                break
            found += parts(child, (*path, number))
        return found
    path = path or (1,)
    if (body[0].lower(), body[1].lower()) == (b"message", b"rfc822"):
        return [(path, True), *inside(body[8], path)]
    return [(path, False)]


def inside(body, path):
    """Parts of an encapsulated message; the only part of one without a multipart is its part 1."""
    return parts(body, path) if isinstance(body[0], list) else parts(body, (*path, 1))


def part_items(body):
    items = []
    for path, is_message in parts(body):
        number = ".".join(map(str, path))
        items += [f"BODY.PEEK[{number}]", f"BODY.PEEK[{number}.MIME]", f"BODY.PEEK[{number}]<4.30>"]
        if is_message:
            items += [f"BODY.PEEK[{number}.HEADER]", f"BODY.PEEK[{number}.TEXT]",
                      f"BODY.PEEK[{number}.HEADER.FIELDS ({HEADER_FIELDS})]"]
    return items


SEARCHES = """
ALL
ANSWERED
UNANSWERED
DELETED
UNDELETED
DRAFT
UNDRAFT
FLAGGED
UNFLAGGED
SEEN
UNSEEN
RECENT
OLD
NEW
KEYWORD $Work
UNKEYWORD $Work
KEYWORD later
KEYWORD nowhere
UNKEYWORD nowhere
SEEN FLAGGED
NOT SEEN
NOT (SEEN FLAGGED)
OR SEEN FLAGGED
OR (SEEN ANSWERED) (FLAGGED NOT DRAFT)
OR OR SEEN ANSWERED OR FLAGGED DRAFT
1:10
10:1
5,7,9:11
*
1:*
NOT 1:10
2:4 UNSEEN
UID 1:10
UID 3:3,5
UID 50:*
NOT UID 1:60
BEFORE 10-Mar-2021
ON 10-Mar-2021
SINCE 10-Mar-2021
SINCE 5-Mar-2021 BEFORE 7-Mar-2021
NOT SINCE 10-Mar-2021
SENTBEFORE 1-Jan-2001
SENTON 2-Mar-2022
SENTSINCE 1-Jan-2005
SENTSINCE 1-Jan-1990
NOT SENTSINCE 1-Jan-1990
LARGER 1000
SMALLER 1000
LARGER 200 SMALLER 400
LARGER 0
HEADER Subject ""
HEADER Date ""
HEADER Message-ID ""
HEADER X-Unusual ""
HEADER Received ""
HEADER Content-Type multipart
HEADER Content-Type "text/plain"
HEADER Content-Disposition attachment
HEADER Content-Transfer-Encoding base64
HEADER MIME-Version 1.0
HEADER Message-ID example
HEADER Resent-From ""
HEADER List-Id ""
SUBJECT ""
SUBJECT test
SUBJECT TEST
SUBJECT "a subject"
FROM example
FROM "@example.test"
FROM ada
TO bob
CC ""
CC example
BCC ""
BCC example
BODY hello
BODY HELLO
BODY "boundary"
BODY "Content-Type"
BODY "Subject:"
TEXT hello
TEXT example
TEXT "Message-ID:"
TEXT "Content-Type: text/plain"
TEXT "multipart/mixed"
NOT TEXT example
BODY "no message has this text"
""".strip().splitlines()
