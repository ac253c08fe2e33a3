"""fetchmail and getmail take the mail of an account away, over POP3 and IMAP."""

import mailbox
import os
import shutil
import unittest

from client_case import ClientCase, message

SENT = [message(f"fetched {number}", f"text {number}\r\n.\r\n..\r\n") for number in range(5)]


class Fetchers(ClientCase):
    def filled(self, name):
        account = self.server.account(name)
        self.deliver(account, *SENT)
        return account

    def assert_fetched(self, texts):
        """The sent texts, each once, behind the fields that delivery and the fetcher put in front."""
        found = [text.replace(b"\r\n", b"\n") for text in texts]
        self.assertEqual(len(found), len(SENT))
        for sent in SENT:
            header, body = sent.replace(b"\r\n", b"\n").split(b"\n\n", 1)
            subject = header[header.index(b"Subject: ") :].split(b"\n")[0] + b"\n"
            copies = [text for text in found if subject in text and text.rstrip(b"\n").endswith(body.rstrip(b"\n"))]
            self.assertEqual(len(copies), 1, subject)

    def fetchmail(self, account, protocol, port, options, server_options="", status=0):
        folder = self.scratch / f"{self.id()}-{protocol}-{port}"
        folder.mkdir(exist_ok=True)
        config = folder / "fetchmailrc"
        config.write_text(
            f'poll 127.0.0.1 protocol {protocol} port {port} timeout 30 {server_options} username "{account.address}" '
            f'password "{account.password}" mda "(cat; echo =====END=====) >>{folder}/fetched" {options}\n')
        config.chmod(0o600)
        environment = {**os.environ, "FETCHMAILHOME": str(folder), "HOME": str(folder)}
        self.run_client(
            "fetchmail", "-f", config, "--nodetach", "--nosyslog", "--pidfile", folder / "pid", "-i", folder / "ids",
            status=status, env=environment)
        fetched = folder / "fetched"
        return fetched.read_bytes().split(b"=====END=====\n")[:-1] if fetched.exists() else []

    def test_fetchmail_over_pop3(self):
        account = self.filled("fetchmail-pop3")
        self.assert_fetched(self.fetchmail(account, "pop3", self.server.pop3, "fetchall sslproto ''"))
        self.assertEqual(self.stored(account), [])

    def test_fetchmail_over_pop3_with_stls_keeps_and_does_not_fetch_twice(self):
        account = self.filled("fetchmail-stls")
        options = f"keep sslproto 'auto' sslcertck sslcertfile {self.server.certificate} sslcommonname localhost"
        self.assert_fetched(self.fetchmail(account, "pop3", self.server.pop3, options, "uidl"))
        again = self.fetchmail(account, "pop3", self.server.pop3, options, "uidl", status=1)
        self.assert_fetched(again)
        self.assertEqual(len(self.stored(account)), len(SENT))

    def test_fetchmail_over_imap(self):
        account = self.filled("fetchmail-imap")
        self.assert_fetched(self.fetchmail(account, "imap", self.server.imap, "fetchall sslproto ''"))
        self.assertEqual(self.stored(account), [])

    def test_fetchmail_over_imap_with_tls(self):
        account = self.filled("fetchmail-imaps")
        options = f"ssl sslcertck sslcertfile {self.server.certificate} sslcommonname localhost"
        self.assert_fetched(self.fetchmail(account, "imap", self.server.imaps, options))

    def getmail(self, account, retriever, port, options=""):
        folder = self.scratch / self.id()
        folder.mkdir(exist_ok=True)
        maildir = mailbox.Maildir(folder / "maildir", create=True)
        deliverer = self.unprivileged(folder / "maildir")
        (folder / "getmailrc").write_text(f"""
[retriever]
type = {retriever}
server = localhost
port = {port}
username = {account.address}
password = {account.password}
{options}

[destination]
type = Maildir
path = {folder}/maildir/
{deliverer}

[options]
delivered_to = false
received = false
verbose = 0
{"delete = true" if retriever.endswith("SSLRetriever") else "read_all = false"}
""")
        self.run_client("getmail", "--getmaildir", folder, "--rcfile", "getmailrc", "--quiet")
        return [maildir.get_bytes(key) for key in maildir.keys()]

    def unprivileged(self, maildir):
        """getmail does not deliver as root: the line that names somebody else, who then owns `maildir`."""
        if os.geteuid() != 0:
            return ""
        for path in (maildir, *maildir.iterdir()):
            shutil.chown(path, "nobody", "nogroup")
        return "user = nobody"

    def test_getmail_over_pop3_does_not_fetch_twice(self):
        account = self.filled("getmail-pop3")
        self.assert_fetched(self.getmail(account, "SimplePOP3Retriever", self.server.pop3))
        self.assert_fetched(self.getmail(account, "SimplePOP3Retriever", self.server.pop3))
        self.assertEqual(len(self.stored(account)), len(SENT))

    def test_getmail_over_imap_does_not_fetch_twice(self):
        account = self.filled("getmail-imap")
        self.assert_fetched(self.getmail(account, "SimpleIMAPRetriever", self.server.imap))
        self.assert_fetched(self.getmail(account, "SimpleIMAPRetriever", self.server.imap))

    def test_getmail_over_pop3_with_tls_deletes(self):
        account = self.filled("getmail-pop3s")
        certificate = f"ca_certs = {self.server.certificate}"
        self.assert_fetched(self.getmail(account, "SimplePOP3SSLRetriever", self.server.pop3s, certificate))
        self.assertEqual(self.stored(account), [])

    def test_getmail_over_imap_with_tls_deletes(self):
        account = self.filled("getmail-imaps")
        certificate = f"ca_certs = {self.server.certificate}"
        self.assert_fetched(self.getmail(account, "SimpleIMAPSSLRetriever", self.server.imaps, certificate))
        self.assertEqual(self.stored(account), [])


if __name__ == "__main__":
    unittest.main()
