"""swaks, the SMTP tester's tool, against every port that takes mail."""

import unittest

from client_case import SENDER, ClientCase, message


class SwaksCase(ClientCase):
    def swaks(self, port, *arguments, status=0):
        return self.run_client(
            "swaks", "--server", "127.0.0.1", "--port", port, "--from", SENDER, "--timeout", "30",
            *arguments, status=status)

    def file(self, octets):
        """swaks ends the last line of a file by itself."""
        path = self.folder() / "message"
        path.write_bytes(octets.removesuffix(b"\r\n"))
        return f"@{path}"


class Swaks(SwaksCase):
    def send(self, port, reader, subject, *arguments):
        sent = message(subject, "body by swaks\r\n.\r\n..dots\r\n")
        self.swaks(port, "--to", reader.address, "--data", self.file(sent), *arguments)
        self.assert_delivered(self.wait_stored(reader, 1)[0], sent)

    def test_plain_smtp(self):
        self.send(self.server.smtp, self.server.account("plain"), "plain")

    def test_pipelining(self):
        self.send(self.server.smtp, self.server.account("pipelining"), "pipelined", "--pipeline")

    def test_starttls_with_pipelining(self):
        self.send(self.server.smtp, self.server.account("starttls"), "starttls", "--tls", "--pipeline")

    def test_lmtp(self):
        self.send(self.server.lmtp, self.server.account("lmtp"), "lmtp", "--protocol", "LMTP")

    def test_lmtp_with_pipelining(self):
        self.send(self.server.lmtp, self.server.account("pipelmtp"), "pipelmtp", "--protocol", "LMTP", "--pipeline")

    def test_authentication_plain_after_starttls(self):
        writer, reader = self.server.account("writer"), self.server.account("auth-plain")
        self.send(self.server.submission, reader, "auth plain", "--tls", "--auth", "PLAIN",
                  "--auth-user", writer.address, "--auth-password", writer.password)

    def test_authentication_login_under_implicit_tls(self):
        writer, reader = self.server.account("writer"), self.server.account("auth-login")
        self.send(self.server.submissions, reader, "auth login", "--tls-on-connect", "--auth", "LOGIN",
                  "--auth-user", writer.address, "--auth-password", writer.password)

    def test_wrong_password_ends_with_the_status_for_authentication(self):
        writer = self.server.account("writer")
        text = self.swaks(self.server.submission, "--to", writer.address, "--tls", "--auth", "PLAIN",
                          "--auth-user", writer.address, "--auth-password", "wrong", status=28)
        self.assertIn("535 5.7.8", text)

    def test_submission_without_authentication_is_refused(self):
        reader = self.server.account("unauthenticated")
        text = self.swaks(self.server.submission, "--to", reader.address, "--tls", status=(23, 24))
        self.assertRegex(text, r"<~\* 5[35]\d 5\.7\.\d")
        self.assertEqual(self.stored(reader), [])

    def test_two_recipients_of_one_transaction(self):
        readers = [self.server.account("first"), self.server.account("second")]
        addresses = ",".join(reader.address for reader in readers)
        data = self.file(message("for two"))
        self.swaks(self.server.smtp, "--pipeline", "--to", addresses, "--data", data)
        for reader in readers:
            self.assert_delivered(self.wait_stored(reader, 1)[0], message("for two"))


class SwaksOnAStrictServer(SwaksCase):
    """As installed: without TLS no password is taken, not even on loopback."""

    cleartext = False

    def test_no_password_in_clear_text_on_the_submission_port(self):
        writer = self.server.account("writer")
        self.swaks(self.server.submission, "--to", writer.address, "--auth", "PLAIN", "--auth-user", writer.address,
                   "--auth-password", writer.password, status=28)


if __name__ == "__main__":
    unittest.main()
