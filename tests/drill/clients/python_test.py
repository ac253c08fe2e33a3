"""Python's smtplib, imaplib and poplib against the server."""

import imaplib
import poplib
import re
import smtplib
import unittest

from client_case import SENDER, ClientCase, message


class Smtplib(ClientCase):
    def test_mail_from_outside_reaches_the_mailbox_as_it_was_sent(self):
        reader = self.server.account("outside")
        sent = message("from outside")
        with smtplib.SMTP("127.0.0.1", self.server.smtp, timeout=30) as client:
            client.sendmail(SENDER, [reader.address], sent, mail_options=["BODY=8BITMIME"])
        self.assert_delivered(self.wait_stored(reader, 1)[0], sent)

    def test_mail_from_outside_may_come_under_tls(self):
        reader = self.server.account("starttls")
        sent = message("under TLS", "Gr\u00fc\u00dfe\r\n")
        with smtplib.SMTP("127.0.0.1", self.server.smtp, timeout=30) as client:
            client.starttls(context=self.tls)
            client.sendmail(SENDER, [reader.address], sent, mail_options=["BODY=8BITMIME"])
        self.assert_delivered(self.wait_stored(reader, 1)[0], sent)

    def test_the_receiving_port_does_not_relay(self):
        with smtplib.SMTP("127.0.0.1", self.server.smtp, timeout=30) as client:
            client.ehlo()
            client.mail(SENDER)
            code, text = client.rcpt("somebody@elsewhere.example.org")
            self.assertIn(code, (550, 551, 554), text)

    def test_submission_wants_authentication_under_tls(self):
        writer, reader = self.server.account("writer"), self.server.account("starttls-reader")
        with smtplib.SMTP("127.0.0.1", self.server.submission, timeout=30) as client:
            client.starttls(context=self.tls)
            client.ehlo()
            answers = client.mail(writer.address)[0], client.rcpt(reader.address)[0]
            self.assertIn(next(code for code in answers if code != 250), (530, 550, 554))
            client.rset()
            with self.assertRaises(smtplib.SMTPAuthenticationError):
                client.login(writer.address, "wrong")
            client.login(*writer)
            client.sendmail(writer.address, [reader.address], message("submitted"))
        self.assert_delivered(self.wait_stored(reader, 1)[0], message("submitted"))

    def test_each_mechanism_of_smtplib_authenticates_on_the_implicit_tls_port(self):
        writer, reader = self.server.account("mechanisms"), self.server.account("implicit-reader")
        for number, mechanism in enumerate(("PLAIN", "LOGIN"), 1):
            with self.subTest(mechanism):
                with smtplib.SMTP_SSL("127.0.0.1", self.server.submissions, context=self.tls, timeout=30) as client:
                    client.ehlo()
                    self.assertIn(mechanism, client.esmtp_features["auth"].split())
                    client.user, client.password = writer
                    code, text = client.auth(mechanism, getattr(client, f"auth_{mechanism.lower()}"))
                    self.assertEqual(code, 235, text)
                    client.sendmail(writer.address, [reader.address], message(f"by {mechanism}"))
                self.assert_delivered(self.wait_stored(reader, number)[-1], message(f"by {mechanism}"))

    def test_lmtp_answers_for_each_recipient(self):
        first, second = self.server.account("lmtp-first"), self.server.account("lmtp-second")
        with smtplib.LMTP("127.0.0.1", self.server.lmtp, local_hostname="client.example.net", timeout=30) as client:
            client.ehlo()
            client.mail(SENDER)
            self.assertEqual(client.rcpt(first.address)[0], 250)
            self.assertEqual(client.rcpt(second.address)[0], 250)
            client.putcmd("data")
            self.assertEqual(client.getreply()[0], 354)
            client.send(message("to both").replace(b"\r\n.", b"\r\n..") + b".\r\n")
            self.assertEqual([client.getreply()[0], client.getreply()[0]], [250, 250])
        for reader in (first, second):
            self.assert_delivered(self.stored(reader)[0], message("to both"))

    def test_one_message_to_several_recipients_reaches_each(self):
        readers = [self.server.account(f"several{number}") for number in range(5)]
        with smtplib.SMTP("127.0.0.1", self.server.smtp, timeout=30) as client:
            client.sendmail(SENDER, [reader.address for reader in readers], message("to several"))
        for reader in readers:
            self.assert_delivered(self.wait_stored(reader, 1)[0], message("to several"))

    def test_a_plus_address_reaches_the_account(self):
        reader = self.server.account("plus")
        with smtplib.SMTP("127.0.0.1", self.server.smtp, timeout=30) as client:
            client.sendmail(SENDER, ["plus+detail@example.test"], message("plus"))
        self.assert_delivered(self.wait_stored(reader, 1)[0], message("plus"))


class Imaplib(ClientCase):
    def test_a_mailbox_lives_from_create_to_delete(self):
        client = self.imap(self.server.account("mailboxes"))
        self.assertEqual(client.create("Work/2024")[0], "OK")
        names = b"\n".join(client.list()[1])
        self.assertRegex(names, rb'"/" "?Work/2024"?')
        self.assertEqual(client.subscribe("Work/2024")[0], "OK")
        self.assertRegex(b"\n".join(client.lsub()[1]), rb"Work/2024")
        self.assertEqual(client.rename("Work/2024", "Archive")[0], "OK")
        self.assertEqual(client.status("Archive", "(MESSAGES UIDNEXT)")[0], "OK")
        self.assertEqual(client.unsubscribe("Work/2024")[0], "OK")
        self.assertEqual(client.delete("Archive")[0], "OK")
        self.assertEqual(client.select("Archive")[0], "NO")

    def test_append_keeps_flags_date_and_octets(self):
        client = self.imap(self.server.account("append"), "INBOX")
        date = '"17-Jul-1996 02:44:25 -0700"'
        kind, text = client.append("INBOX", r"(\Flagged $Label1)", date, message("appended"))
        self.assertEqual(kind, "OK", text)
        self.assertRegex(text[0], rb"\[APPENDUID \d+ 1\]")
        _, answer = client.fetch("1", "(FLAGS INTERNALDATE BODY.PEEK[])")
        self.assertIn(b"\\Flagged", answer[0][0])
        self.assertIn(b"$Label1", answer[0][0])
        self.assertIn(b'"17-Jul-1996 ', answer[0][0])
        self.assertEqual(answer[0][1], message("appended"))

    def test_search_finds_by_header_flag_size_and_text(self):
        reader = self.server.account("search")
        client = self.imap(reader)
        for number in range(4):
            client.append("INBOX", r"(\Seen)" if number % 2 else None, None, message(f"number {number}"))
        client.append("INBOX", None, None, message("big", "Gr\u00fc\u00dfe aus K\u00f6ln " * 500 + "\r\n"))
        client.select("INBOX")
        for criteria, wanted in (
            (("UNSEEN",), b"1 3 5"), (("SUBJECT", '"number 2"'), b"3"), (("LARGER", "4000"), b"5"),
            (("NOT", "SEEN", "SMALLER", "4000"), b"1 3"), (("SENTON", "2-Mar-2021"), b"1 2 3 4 5"),
            (("BODY", "begins"), b"1 2 3 4"), (("OR", "SUBJECT", "big", "SUBJECT", '"number 0"'), b"1 5"),
        ):
            with self.subTest(criteria):
                self.assertEqual(client.search(None, *criteria)[1], [wanted])
        client.literal = "K\u00f6ln".encode()
        self.assertEqual(client.search("UTF-8", "BODY")[1], [b"5"])

    def test_flags_change_and_expunge_removes(self):
        reader = self.server.account("flags")
        client = self.imap(reader)
        for number in range(3):
            client.append("INBOX", None, None, message(f"flag {number}"))
        client.select("INBOX")
        self.assertIn(b"\\Deleted", client.store("2", "+FLAGS", r"(\Deleted)")[1][0])
        self.assertEqual(client.expunge()[1], [b"2"])
        self.assertEqual(self.stored(reader), [message("flag 0"), message("flag 2")])

    def test_copy_and_move_take_messages_along(self):
        reader = self.server.account("copies")
        client = self.imap(reader)
        client.create("Kept")
        client.append("INBOX", r"(\Answered)", None, message("one"))
        client.append("INBOX", None, None, message("two"))
        client.select("INBOX")
        self.assertRegex(client.copy("1", "Kept")[1][0], rb"\[COPYUID \d+ 1 1\]")
        kind, text = client._simple_command("MOVE", "2", "Kept")
        self.assertEqual(kind, "OK", text)
        self.assertEqual(self.stored(reader), [message("one")])
        self.assertEqual(self.stored(reader, "Kept"), [message("one"), message("two")])

    def test_sections_and_partial_fetches_are_parts_of_the_whole(self):
        reader = self.server.account("sections")
        client = self.imap(reader)
        client.append("INBOX", None, None, message("sections"))
        client.select("INBOX")
        header, text = message("sections").split(b"\r\n\r\n", 1)
        for item, wanted in (
            ("BODY[HEADER]", header + b"\r\n\r\n"), ("BODY[TEXT]", text), ("BODY[1]", text),
            ("BODY[]<5.20>", message("sections")[5:25]), ("RFC822.HEADER", header + b"\r\n\r\n"),
            ("BODY[HEADER.FIELDS (SUBJECT)]", b"Subject: sections\r\n\r\n"),
        ):
            with self.subTest(item):
                self.assertEqual(client.fetch("1", f"({item})")[1][0][1], wanted)

    def test_a_second_session_sees_what_the_first_does(self):
        reader = self.server.account("sessions")
        watcher = self.imap(reader, "INBOX")
        self.deliver(reader, message("new"))
        watcher.noop()
        self.assertEqual(watcher.response("EXISTS")[1][-1], b"1")

    def test_idle_announces_a_delivery(self):
        reader = self.server.account("idle")
        watcher = self.imap(reader, "INBOX")
        watcher.send(b"I1 IDLE\r\n")
        self.assertTrue(watcher.readline().startswith(b"+"))
        self.deliver(reader, message("awaited"))
        seen = watcher.readline()
        while not re.match(rb"\* 1 EXISTS", seen):
            self.assertTrue(seen.startswith(b"* "), seen)
            seen = watcher.readline()
        watcher.send(b"DONE\r\n")
        while not seen.startswith(b"I1 "):
            seen = watcher.readline()
        self.assertTrue(seen.startswith(b"I1 OK"), seen)

    def test_starttls_and_implicit_tls_serve_the_same_mail(self):
        reader = self.server.account("tls")
        self.deliver(reader, message("secret"))
        plain = imaplib.IMAP4("127.0.0.1", self.server.imap, timeout=30)
        plain.starttls(self.tls)
        for client in (plain, imaplib.IMAP4_SSL("127.0.0.1", self.server.imaps, ssl_context=self.tls, timeout=30)):
            with client:
                client.login(*reader)
                self.assertEqual(client.select("INBOX")[1], [b"1"])

    def test_a_wrong_password_is_refused(self):
        reader = self.server.account("refused")
        with imaplib.IMAP4("127.0.0.1", self.server.imap, timeout=30) as client:
            with self.assertRaisesRegex(imaplib.IMAP4.error, "AUTHENTICATIONFAILED"):
                client.login(reader.address, "wrong")


class Poplib(ClientCase):
    def pop3(self, account, tls=False):
        if tls:
            client = poplib.POP3_SSL("127.0.0.1", self.server.pop3s, context=self.tls, timeout=30)
        else:
            client = poplib.POP3("127.0.0.1", self.server.pop3, timeout=30)
        client.user(account.address)
        client.pass_(account.password)
        return client

    def test_messages_come_as_they_are_stored(self):
        reader = self.server.account("retr")
        self.deliver(reader, message("one"), message("two", "..\r\n.\r\n...dots\r\n"))
        for tls in (False, True):
            with self.subTest(tls=tls):
                client = self.pop3(reader, tls)
                self.assertEqual(client.stat()[0], 2)
                texts = [b"".join(line + b"\r\n" for line in client.retr(number)[1]) for number in (1, 2)]
                self.assertEqual(texts, self.stored(reader))
                sizes = [int(line.split()[1]) for line in client.list()[1]]
                self.assertEqual(sizes, [len(text) for text in texts])
                client.quit()

    def test_top_gives_header_and_as_many_lines(self):
        reader = self.server.account("top")
        self.deliver(reader, message("top", "1\r\n2\r\n3\r\n"))
        client = self.pop3(reader)
        lines = client.top(1, 2)[1]
        self.assertEqual(lines[-3:], [b"", b"1", b"2"])
        client.quit()

    def test_what_is_deleted_goes_at_quit_and_not_before(self):
        reader = self.server.account("dele")
        self.deliver(reader, message("goes"), message("stays"))
        client = self.pop3(reader)
        client.dele(1)
        self.assertEqual(client.stat()[0], 1)
        client.rset()
        self.assertEqual(client.stat()[0], 2)
        client.dele(1)
        self.assertEqual(len(self.stored(reader)), 2)
        client.quit()
        self.assert_delivered(self.stored(reader)[0], message("stays"))

    def test_uidl_stays_the_same_from_session_to_session(self):
        reader = self.server.account("uidl")
        self.deliver(reader, message("one"), message("two"))
        client = self.pop3(reader)
        first = client.uidl()[1]
        client.quit()
        self.deliver(reader, message("three"))
        client = self.pop3(reader)
        second = client.uidl()[1]
        client.quit()
        self.assertEqual(second[:2], first)
        self.assertEqual(len({line.split()[1] for line in second}), 3)

    def test_stls_protects_the_password(self):
        reader = self.server.account("stls")
        client = poplib.POP3("127.0.0.1", self.server.pop3, timeout=30)
        self.assertIn("STLS", client.capa())
        client.stls(self.tls)
        client.user(reader.address)
        client.pass_(reader.password)
        self.assertEqual(client.stat(), (0, 0))
        client.quit()


if __name__ == "__main__":
    unittest.main()
