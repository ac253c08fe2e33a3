"""main_job.py ROOT: sends messages over both submission ports with TLS and AUTH, reads each back over IMAP and POP3 in
clear-text-free sessions, and compares byte for byte. The last line says how many."""

import imaplib
import poplib
import smtplib
import ssl
import sys
import time
import uuid


def accounts(root):
    with open(f"{root}/etc/quorate/demo-accounts", encoding="ascii") as lines:
        return dict(line.split() for line in lines)


def messages(sender, recipient, run):
    bodies = {
        "plain text": "Hello,\r\nthis is a short message.\r\n",
        "dots at line starts": ".\r\n..\r\n.hidden\r\nend\r\n",
        "unicode": "Gr\u00fc\u00dfe, \u4f60\u597d, \u03b3\u03b5\u03b9\u03ac \U0001f4ec\r\n",
        "long": "".join(f"line {i:06d} of a longer message\r\n" for i in range(8000)),
        "attachment": (
            '--limit\r\nContent-Type: text/plain\r\n\r\nsee attachment\r\n--limit\r\n'
            "Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\n"
            "AAECAwQFBgcICQ==\r\n--limit--\r\n"
        ),
    }
    for number, (name, body) in enumerate(bodies.items()):
        kind = 'multipart/mixed; boundary="limit"' if name == "attachment" else "text/plain; charset=utf-8"
        header = (
            f"From: <{sender}>\r\nTo: <{recipient}>\r\nSubject: quickstart {name}\r\n"
            f"Message-ID: <{run}.{number}@example.test>\r\nMIME-Version: 1.0\r\n"
            f"Content-Type: {kind}\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
        )
        yield (header + body).encode()


def send(port, implicit_tls, context, sender, password, recipient, batch):
    if implicit_tls:
        client = smtplib.SMTP_SSL("127.0.0.1", port, context=context, timeout=30)
    else:
        client = smtplib.SMTP("127.0.0.1", port, timeout=30)
        client.starttls(context=context)
    with client:
        client.login(sender, password)
        for message in batch:
            client.sendmail(sender, [recipient], message, mail_options=["BODY=8BITMIME"])


def read_imap(context, user, password):
    with imaplib.IMAP4_SSL("127.0.0.1", 2993, ssl_context=context, timeout=30) as client:
        client.login(user, password)
        client.select("INBOX", readonly=True)
        _, data = client.uid("FETCH", "1:*", "(BODY.PEEK[])")
        return [item[1] for item in data if isinstance(item, tuple)]


def read_pop3(context, user, password):
    client = poplib.POP3_SSL("127.0.0.1", 2995, context=context, timeout=30)
    client.user(user)
    client.pass_(password)
    found = []
    for number in range(1, client.stat()[0] + 1):
        _, lines, _ = client.retr(number)
        found.append(b"".join(line + b"\r\n" for line in lines))
    client.quit()
    return found


def delivered(stored, sent):
    """The stored message is what was sent behind the trace header that delivery put in front."""
    return stored.endswith(sent) and stored.startswith(b"Return-Path: <") and b"\r\nReceived: from " in stored[:2000]


def main(root):
    context = ssl.create_default_context(cafile=f"{root}/etc/quorate/tls/cert.pem")
    context.check_hostname = False
    passwords = accounts(root)
    ann, ben = sorted(passwords)
    run = uuid.uuid4().hex
    started = time.monotonic()
    total = 0
    for port, implicit, sender, recipient in ((2587, False, ann, ben), (2465, True, ben, ann)):
        batch = list(messages(sender, recipient, f"{run}.{port}"))
        send(port, implicit, context, sender, passwords[sender], recipient, batch)
        print(f"sent {len(batch)} messages from {sender} to {recipient} through port {port}", file=sys.stderr)
        by_imap = read_imap(context, recipient, passwords[recipient])
        by_pop3 = read_pop3(context, recipient, passwords[recipient])
        if by_imap != by_pop3:
            sys.exit("main job FAILED: IMAP and POP3 show different messages")
        for message in batch:
            if sum(delivered(stored, message) for stored in by_imap) != 1:
                sys.exit(f"main job FAILED: not found exactly once: {message[:200]!r}")
        total += len(batch)
    print(f"took {time.monotonic() - started:.2f} s", file=sys.stderr)
    print(f"main job ok: {total} messages over SMTP, read back identical over IMAP and POP3")


if __name__ == "__main__":
    main(sys.argv[1])
