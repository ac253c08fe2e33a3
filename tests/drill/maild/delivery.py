"""Where mail goes: aliases, details, catch-all, quota, several recipients, large messages, and who hears of it."""

import poplib
import smtplib
import ssl
import threading
import unittest

import support
from imap_wire import Imap
from maild_node import MaildNode
from support import LineClient, message, submit


def count(node, name, mailbox="INBOX"):
    return node.mailboxes(name)[mailbox]["messages"]


class Delivery(unittest.TestCase):
    def node(self, **options):
        node = MaildNode(**options)
        self.addCleanup(node.__exit__)
        return node.__enter__()

    def receive(self, node, recipients, content=b"Subject: x\r\n\r\ntext\r\n", lmtp=False):
        """The replies to RCPT and to the end of the message."""
        with LineClient(path=node.lmtp_socket) if lmtp else LineClient(port=node.port("smtp")) as client:
            client.reply()
            client.say("LHLO client.example" if lmtp else "EHLO client.example")
            client.say("MAIL FROM:<far@away.example>")
            rcpt = [client.say(f"RCPT TO:<{recipient}>") for recipient in recipients]
            accepted = [reply for reply in rcpt if reply.startswith("250")]
            if not accepted:
                return rcpt, []
            client.say("DATA")
            client.send(content + b".\r\n")
            return rcpt, [client.reply() for _ in range(len(accepted) if lmtp else 1)]

    def login(self, node, name):
        client = Imap(node.port("imap"))
        self.addCleanup(client.close)
        client.finish(client.send(f'LOGIN {name}@example.test "{node.password}"'))
        return client

    def test_an_alias_reaches_all_its_targets_once(self):
        node = self.node(accounts=("ann", "ben", "cho"))
        node.ask("PUT", "/v1/aliases/all@example.test",
                 {"targets": ["ann@example.test", "ben@example.test", "team@example.test"]})
        node.ask("PUT", "/v1/aliases/team@example.test", {"targets": ["ben@example.test", "cho@example.test"]})
        _, done = self.receive(node, ["all@example.test", "ben@example.test"])
        self.assertTrue(done[0].startswith("250"), done)
        self.assertEqual([count(node, name) for name in ("ann", "ben", "cho")], [1, 1, 1])

    def test_received_names_the_cipher_as_registered(self):
        """RFC 8314 4.3: the name is IANA's, whatever version of TLS was spoken."""
        node = self.node(accounts=("ann",))
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            context = ssl._create_unverified_context()
            context.minimum_version = context.maximum_version = version
            with smtplib.SMTP("127.0.0.1", node.port("smtp")) as client:
                client.starttls(context=context)
                client.sendmail("far@away.example", "ann@example.test", "Subject: x\r\n\r\ntext\r\n")
            mail = poplib.POP3("127.0.0.1", node.port("pop3"))
            mail.user("ann@example.test")
            mail.pass_(node.password)
            text = b"\n".join(mail.retr(len(mail.list()[1]))[1])
            mail.quit()
            self.assertRegex(text, rb"(?m)^\ttls TLS_[A-Z0-9_]+;$")

    def test_an_alias_loop_is_put_off_not_lost(self):
        node = self.node()
        node.ask("PUT", "/v1/aliases/a@example.test", {"targets": ["b@example.test"]})
        node.ask("PUT", "/v1/aliases/@example.test", {"targets": ["a@example.test"]})
        rcpt, _ = self.receive(node, ["a@example.test"])
        self.assertTrue(rcpt[0].startswith("451"), rcpt)

    def test_the_catch_all_takes_what_has_no_account(self):
        node = self.node()
        self.assertTrue(self.receive(node, ["nobody@example.test"])[0][0].startswith("550 5.1.1"))
        node.ask("PUT", "/v1/aliases/@example.test", {"targets": ["ann@example.test"]})
        self.assertTrue(self.receive(node, ["nobody@example.test"])[1][0].startswith("250"))
        self.receive(node, ["ben@example.test"])
        self.assertEqual((count(node, "ann"), count(node, "ben")), (1, 1))

    def test_another_domain_is_no_business_of_ours(self):
        node = self.node()
        self.assertTrue(self.receive(node, ["x@far.example"])[0][0].startswith("550 5.7.1"))

    def test_a_disabled_account_takes_no_mail(self):
        node = self.node()
        node.ask("PATCH", "/v1/accounts/ben@example.test", {"enabled": False})
        self.assertTrue(self.receive(node, ["ben@example.test"])[0][0].startswith("550 5.2.1"))

    def test_a_detail_goes_to_inbox_unless_its_mailbox_is_wanted(self):
        node = self.node()
        client = self.login(node, "ann")
        client.finish(client.send("CREATE lists"))
        self.receive(node, ["ann+lists@example.test"])
        self.assertEqual((count(node, "ann"), count(node, "ann", "lists")), (1, 0))
        node.config["mail"] = "detail_mailbox = true"
        node.write_config()
        node.reload()
        self.receive(node, ["ann+lists@example.test"])
        self.receive(node, ["ann+elsewhere@example.test"])
        self.assertEqual((count(node, "ann"), count(node, "ann", "lists")), (2, 1))

    def test_there_is_always_a_postmaster(self):
        node = self.node(accounts=("ann", "ben"), config={"mail": 'postmaster = "ann@example.test"'})
        self.assertTrue(self.receive(node, ["postmaster"])[1][0].startswith("250"))
        self.assertTrue(self.receive(node, ["Postmaster@example.test"])[1][0].startswith("250"))
        self.assertEqual(count(node, "ann"), 2)

    def test_a_domain_without_a_postmaster_is_told_of_until_it_has_one(self):
        node = self.node()
        self.assertTrue(self.receive(node, ["postmaster@example.test"])[0][0].startswith("550"))
        self.assertEqual(node.status()["postmaster_missing"], ["example.test"])
        self.assertIn("postmaster NOBODY in example.test: clusterctl alias add postmaster@example.test ACCOUNT",
                      node.ctl("status").stdout)
        self.assertTrue([line for line in node.reload() if "postmaster_missing domains=1 first=example.test" in line])
        node.stop()
        node.start()
        self.assertEqual(len(support.log_lines(node, "postmaster_missing")), 2)
        node.ctl("alias", "add", "postmaster@example.test", "ann@example.test")
        node.ask("POST", "/v1/domains", {"name": "second.test"})
        self.assertEqual(node.status()["postmaster_missing"], [])
        self.assertNotIn("postmaster", node.ctl("status").stdout)
        self.assertFalse([line for line in node.reload() if "postmaster_missing" in line])
        for address in ("postmaster", "postmaster@example.test", "postmaster@second.test"):
            self.assertTrue(self.receive(node, [address])[1][0].startswith("250"), address)
        node.ask("PATCH", "/v1/accounts/ann@example.test", {"enabled": False})
        self.assertEqual(node.status()["postmaster_missing"], ["example.test", "second.test"])

    def test_quota_is_looked_at_with_the_declared_size_and_again_at_the_end(self):
        node = self.node()
        node.ask("PATCH", "/v1/accounts/ben@example.test", {"quota_bytes": 5000})
        with LineClient(port=node.port("smtp")) as client:
            client.reply()
            client.say("EHLO client.example")
            client.say("MAIL FROM:<far@away.example> SIZE=6000")
            self.assertTrue(client.say("RCPT TO:<ben@example.test>").startswith("452 4.2.2"))
            self.assertTrue(client.say("RCPT TO:<ann@example.test>").startswith("250"))
        _, done = self.receive(node, ["ben@example.test"], b"Subject: x\r\n\r\n" + b"0123456789\r\n" * 500)
        self.assertTrue(done[0].startswith("452 4.2.2"), done)
        self.assertTrue(self.receive(node, ["ben@example.test"])[1][0].startswith("250"))
        self.assertEqual(count(node, "ben"), 1)

    def test_a_new_quota_holds_for_a_session_that_is_under_way(self):
        node = self.node()
        client = self.login(node, "ben")
        client.finish(client.send("SELECT INBOX"))
        node.ask("PATCH", "/v1/accounts/ben@example.test", {"quota_messages": 1})
        self.assertTrue(self.receive(node, ["ben@example.test"])[1][0].startswith("250"))
        _, done = self.receive(node, ["ben@example.test"], b"Subject: y\r\n\r\n")
        self.assertTrue(not done or done[0].startswith("452 4.2.2"), done)
        self.assertEqual(count(node, "ben"), 1)

    def test_smtp_gives_a_message_to_all_recipients_or_to_none(self):
        node = self.node(accounts=("ann", "ben", "cho"))
        node.ask("PATCH", "/v1/accounts/cho@example.test", {"quota_bytes": 2000})
        content = b"Subject: x\r\n\r\n" + b"0123456789\r\n" * 500
        _, done = self.receive(node, [f"{name}@example.test" for name in ("ann", "ben", "cho")], content)
        self.assertTrue(done[0].startswith("452"), done)
        self.assertEqual([count(node, name) for name in ("ann", "ben", "cho")], [0, 0, 0])

    def test_lmtp_answers_for_each_recipient(self):
        node = self.node(accounts=("ann", "ben", "cho"))
        node.ask("PATCH", "/v1/accounts/ben@example.test", {"quota_bytes": 2000})
        content = b"Subject: x\r\n\r\n" + b"0123456789\r\n" * 500
        names = [f"{name}@example.test" for name in ("ann", "ben", "cho")]
        _, done = self.receive(node, names, content, lmtp=True)
        self.assertEqual([reply[:3] for reply in done], ["250", "452", "250"])
        self.assertEqual([count(node, name) for name in ("ann", "ben", "cho")], [1, 0, 1])

    def test_a_message_larger_than_memory_allows_comes_back_unchanged(self):
        node = self.node()
        body = "".join(f"{number:07d} {'x' * 60}\r\n" for number in range(60_000))
        sent = f"Subject: large\r\n\r\n{body}".encode()
        submit(node, "ann@example.test", ["ben@example.test"], sent)
        client = poplib.POP3("127.0.0.1", node.port("pop3"), timeout=60)
        client.user("ben@example.test")
        client.pass_(node.password)
        got = b"".join(line + b"\r\n" for line in client.retr(1)[1])
        client.quit()
        self.assertTrue(got.endswith(sent))
        self.assertEqual(node.verify("ben"), [])

    def test_a_session_in_idle_hears_of_new_mail(self):
        node = self.node()
        client = self.login(node, "ben")
        client.finish(client.send("SELECT INBOX"))
        tag = client.send("IDLE")
        self.assertTrue(client.line().startswith(b"+"))
        self.receive(node, ["ben@example.test"])
        self.assertEqual(client.line(), b"* 1 EXISTS")
        client.socket.sendall(b"DONE\r\n")
        client.finish(tag)

    def test_a_maildrop_has_one_session_at_a_time_and_is_free_after_it(self):
        node = self.node()
        first = poplib.POP3("127.0.0.1", node.port("pop3"), timeout=30)
        first.user("ann@example.test")
        first.pass_(node.password)
        second = poplib.POP3("127.0.0.1", node.port("pop3"), timeout=30)
        second.user("ann@example.test")
        with self.assertRaisesRegex(poplib.error_proto, r"\[IN-USE\]"):
            second.pass_(node.password)
        second.close()
        first.quit()
        third = poplib.POP3("127.0.0.1", node.port("pop3"), timeout=30)
        third.user("ann@example.test")
        third.pass_(node.password)
        third.quit()

    def test_many_sessions_at_once_lose_nothing(self):
        node = self.node()
        failures, both = [], ["ann@example.test", "ben@example.test"]

        def send():
            try:
                with smtplib.SMTP("127.0.0.1", node.port("smtp"), timeout=60) as client:
                    for _ in range(20):
                        client.sendmail("far@away.example", both, b"Subject: x\r\n\r\n")
            except (OSError, smtplib.SMTPException) as error:
                failures.append(error)

        threads = [threading.Thread(target=send) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])
        self.assertEqual((count(node, "ann"), count(node, "ben")), (160, 160))
        self.assertEqual(node.verify("ann") + node.verify("ben"), [])

    def test_clear_text_passwords_want_tls_where_loopback_is_not_excepted(self):
        node = self.node(cleartext=False)
        with self.assertRaises(poplib.error_proto):
            client = poplib.POP3("127.0.0.1", node.port("pop3"), timeout=30)
            self.addCleanup(client.close)
            client.user("ann@example.test")
            client.pass_(node.password)
        client = poplib.POP3_SSL("127.0.0.1", node.port("pop3s"), context=ssl._create_unverified_context(), timeout=30)
        client.user("ann@example.test")
        client.pass_(node.password)
        client.quit()


if __name__ == "__main__":
    unittest.main()
