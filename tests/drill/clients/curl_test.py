"""curl's smtp, imap and pop3 against the server."""

import unittest

from client_case import SENDER, ClientCase, message


class Curl(ClientCase):
    def curl(self, url, *arguments, status=0):
        return self.run_client(
            "curl", "--silent", "--show-error", "--max-time", "30", "--cacert", self.server.certificate, url,
            *arguments, status=status)

    def test_smtp_and_smtp_with_starttls(self):
        reader = self.server.account("smtp")
        folder = self.folder()
        for number, extra in enumerate(((), ("--ssl-reqd",)), 1):
            sent = message(f"by curl {number}", "text\r\n.\r\n..\r\n")
            (folder / "message").write_bytes(sent)
            self.curl(f"smtp://localhost:{self.server.smtp}/client.example.net", "--mail-from", SENDER,
                      "--mail-rcpt", reader.address, "--upload-file", folder / "message", *extra)
            self.assert_delivered(self.wait_stored(reader, number)[-1], sent)

    def test_smtps_with_authentication(self):
        writer, reader = self.server.account("writer"), self.server.account("smtps")
        path = self.folder() / "message"
        path.write_bytes(message("by curl"))
        self.curl(f"smtps://localhost:{self.server.submissions}/client.example.net", "--user", ":".join(writer),
                  "--mail-from", writer.address, "--mail-rcpt", reader.address, "--upload-file", path)
        self.assert_delivered(self.wait_stored(reader, 1)[-1], message("by curl"))

    def test_imap_lists_searches_and_fetches(self):
        reader = self.server.account("imap")
        self.deliver(reader, message("first"), message("second"))
        for url in (f"imap://localhost:{self.server.imap}", f"imaps://localhost:{self.server.imaps}"):
            with self.subTest(url):
                user = ("--user", ":".join(reader))
                self.assertIn("INBOX", self.curl(f"{url}/", *user))
                self.assertIn("EXISTS", self.curl(url, *user, "-X", "EXAMINE INBOX"))
                self.assertIn("* SEARCH 2", self.curl(f"{url}/INBOX?SUBJECT%20second", *user))
                fetched = self.curl(f"{url}/INBOX;UID=1", *user).encode()
                self.assertEqual(fetched, self.stored(reader)[0])
                section = f"{url}/INBOX;MAILINDEX=2;SECTION=HEADER.FIELDS%20(SUBJECT)"
                self.assertIn("Subject: second", self.curl(section, *user))

    def test_imap_appends(self):
        reader = self.server.account("append")
        path = self.folder() / "message"
        path.write_bytes(message("appended by curl"))
        self.curl(f"imap://localhost:{self.server.imap}/INBOX", "--user", ":".join(reader), "--upload-file", path)
        self.assertEqual(self.stored(reader), [message("appended by curl")])

    def test_imap_with_starttls(self):
        reader = self.server.account("starttls")
        self.deliver(reader, message("protected"))
        text = self.curl(f"imap://localhost:{self.server.imap}/INBOX;UID=1", "--ssl-reqd", "--user", ":".join(reader))
        self.assert_delivered(text.encode(), message("protected"))

    def test_pop3_lists_and_fetches(self):
        reader = self.server.account("pop3")
        self.deliver(reader, message("by POP3", ".\r\n..\r\nend\r\n"))
        for url, extra in (
            (f"pop3://localhost:{self.server.pop3}", ()), (f"pop3://localhost:{self.server.pop3}", ("--ssl-reqd",)),
            (f"pop3s://localhost:{self.server.pop3s}", ()),
        ):
            with self.subTest(url, extra=extra):
                user = ("--user", ":".join(reader), *extra)
                self.assertRegex(self.curl(f"{url}/", *user), r"^1 \d+")
                self.assertEqual(self.curl(f"{url}/1", *user).encode(), self.stored(reader)[0])

    def test_a_wrong_password_is_a_login_failure(self):
        reader = self.server.account("refused")
        for url in (f"imap://localhost:{self.server.imap}", f"pop3://localhost:{self.server.pop3}"):
            self.curl(url, "--user", f"{reader.address}:wrong", status=67)


if __name__ == "__main__":
    unittest.main()
