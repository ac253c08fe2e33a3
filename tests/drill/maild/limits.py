"""Limits on connections, time and guesses, and that the log holds no password."""

import imaplib
import time
import unittest

import support  # noqa: F401
from imap_wire import Imap, Refused
from loopback import wait_until
from maild_node import MaildNode
from support import LineClient, log_lines


class Limits(unittest.TestCase):
    def node(self, limits="", **options):
        node = MaildNode(config={"mail.limits": limits, **options.pop("config", {})}, **options)
        self.addCleanup(node.__exit__)
        return node.__enter__()

    def connect(self, node, name):
        client = LineClient(port=node.port(name))
        self.addCleanup(client.__exit__)
        return client

    def test_connections_of_one_address_are_limited_and_room_is_given_back(self):
        node = self.node("connections_per_address = 2")
        first, second = self.connect(node, "smtp"), self.connect(node, "imap")
        self.assertTrue(first.line().startswith("220 "))
        self.assertTrue(second.line().startswith("* OK"))
        self.assertTrue(self.connect(node, "smtp").line().startswith("421 4.7.0 "))
        self.assertTrue(self.connect(node, "imap").line().startswith("* BYE "))
        self.assertTrue(self.connect(node, "pop3").line().startswith("-ERR [SYS/TEMP] "))
        first.say("QUIT")
        wait_until(lambda: node.status()["sessions"] == 1, "the end of the first session")
        self.assertTrue(self.connect(node, "smtp").line().startswith("220 "))
        self.assertIn("maild_refused_connections_total 3", node.metrics())

    def test_connections_in_all_are_limited(self):
        node = self.node("connections = 1")
        self.assertTrue(self.connect(node, "pop3").line().startswith("+OK"))
        self.assertTrue(self.connect(node, "pop3").line().startswith("-ERR"))

    def test_a_unix_socket_is_not_counted_per_address(self):
        node = self.node("connections_per_address = 1")
        clients = [LineClient(path=node.lmtp_socket) for _ in range(3)]
        for client in clients:
            self.assertTrue(client.line().startswith("220 "))
            client.__exit__()

    def test_sessions_of_one_user_are_limited(self):
        node = self.node("connections_per_user = 2")
        clients = [Imap(node.port("imap")) for _ in range(3)]
        for client in clients:
            self.addCleanup(client.close)
        for client in clients[:2]:
            client.finish(client.send(f'LOGIN ann@example.test "{node.password}"'))
        with self.assertRaises(Refused):
            clients[2].finish(clients[2].send(f'LOGIN ann@example.test "{node.password}"'))
        clients[0].close()
        wait_until(lambda: node.status()["sessions"] == 2, "the end of the first session")
        clients[2].finish(clients[2].send(f'LOGIN ann@example.test "{node.password}"'))

    def test_a_place_taken_again_on_the_same_connection_is_counted_once(self):
        """A POP3 client that is told IN-USE may log in again and again."""
        node = self.node("connections_per_user = 3")
        with LineClient(port=node.port("pop3")) as owner, LineClient(port=node.port("pop3")) as other:
            for client in (owner, other):
                client.line()
            self.assertTrue(self.pop3_login(node, owner).startswith("+OK"))
            for _ in range(4):
                self.assertTrue(self.pop3_login(node, other).startswith("-ERR [IN-USE]"))
        wait_until(lambda: node.status()["sessions"] == 0, "the end of both")
        clients = [Imap(node.port("imap")) for _ in range(3)]
        for client in clients:
            self.addCleanup(client.close)
            client.finish(client.send(f'LOGIN ann@example.test "{node.password}"'))

    def pop3_login(self, node, client):
        client.send("USER ann@example.test\r\n")
        client.line()
        client.send(f"PASS {node.password}\r\n")
        return client.line()

    def test_a_client_that_goes_without_a_word_leaves_nothing(self):
        node = self.node()
        for name in ("smtp", "submission", "imap", "pop3"):
            LineClient(port=node.port(name)).__exit__()
        client = LineClient(port=node.port("pop3"))
        client.line()
        self.assertTrue(self.pop3_login(node, client).startswith("+OK"))
        client.__exit__()
        wait_until(lambda: node.status()["sessions"] == 0, "the end of all")
        with LineClient(port=node.port("pop3")) as next_client:
            next_client.line()
            self.assertTrue(self.pop3_login(node, next_client).startswith("+OK"), "the maildrop is free")

    def test_who_does_not_log_in_in_time_is_sent_away(self):
        node = self.node("login_seconds = 1")
        for name in ("imap", "pop3", "submission"):
            client = self.connect(node, name)
            started = time.monotonic()
            while client.line():
                pass
            self.assertLess(time.monotonic() - started, 10, name)

    def test_a_client_that_is_silent_for_too_long_is_sent_away(self):
        node = self.node("command_seconds = 1")
        client = self.connect(node, "smtp")
        client.reply()
        self.assertTrue(client.reply().startswith("421 "))
        self.assertEqual(client.line(), "")

    def test_a_handshake_that_stalls_does_not_hold_up_others(self):
        node = self.node()
        self.connect(node, "imaps")
        with Imap(node.port("imaps"), tls=True) as client:
            self.assertTrue(client.greeting.startswith(b"* OK"))

    def test_refused_logins_wait_longer_each_time(self):
        node = self.node(config={"mail.auth": "failure_delay_ms = 200"})
        waits = []
        for _ in range(4):
            client = imaplib.IMAP4("127.0.0.1", node.port("imap"))
            started = time.monotonic()
            with self.assertRaises(imaplib.IMAP4.error):
                client.login("ann@example.test", "wrong guess")
            waits.append(time.monotonic() - started)
            client.shutdown()
        self.assertGreaterEqual(waits[0], 0.2)
        self.assertGreaterEqual(waits[3], 0.8)
        self.assertEqual(len(log_lines(node, "credentials_refused")), 4)
        self.assertIn("maild_login_failures_total 4", node.metrics())

    def test_the_log_holds_neither_passwords_nor_text_of_messages(self):
        node = self.node(config={"node": 'name = "mail.example.test"\nlog_level = "debug"'})
        client = imaplib.IMAP4("127.0.0.1", node.port("imap"))
        with self.assertRaises(imaplib.IMAP4.error):
            client.login("ann@example.test", "wrong guess")
        client.login("ann@example.test", node.password)
        client.append("INBOX", None, None, b"Subject: confidential\r\n\r\nnot for the log\r\n")
        client.logout()
        text = "\n".join(node.log())
        self.assertIn("login", text)
        for word in ("wrong guess", node.password, "confidential", "not for the log"):
            self.assertNotIn(word, text)


if __name__ == "__main__":
    unittest.main()
