"""The PROXY protocol: from configured addresses only, where it is a must; elsewhere it ends the connection."""

import struct
import unittest

import support  # noqa: F401
from maild_node import MaildNode
from support import LineClient, log_lines

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
V1 = b"PROXY TCP4 192.0.2.7 198.51.100.1 56324 25\r\n"
V2 = SIGNATURE + b"\x21\x11" + struct.pack("!H4s4sHH", 12, bytes([192, 0, 2, 8]), bytes([198, 51, 100, 1]), 56324, 25)
V2_LOCAL = SIGNATURE + b"\x20\x00\0\0"
TRUSTED = 'proxy_from = ["127.0.0.0/8"]'
LISTENERS = (
    ("smtp", "smtp", "none", TRUSTED),
    ("imaps", "imap", "implicit", TRUSTED),
    ("direct", "smtp", "none"),
    ("other", "smtp", "none", 'proxy_from = ["203.0.113.0/24"]'),
)


class Proxy(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.node = MaildNode(listeners=LISTENERS, config={"mail.limits": "connections_per_address = 3"})
        cls.node.__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.node.__exit__()

    def connect(self, name, first, **options):
        client = LineClient(port=self.node.port(name), first=first, **options)
        self.addCleanup(client.__exit__)
        return client

    def peers(self):
        return [row["peer"] for row in self.node.ask("GET", "/v1/sessions")["sessions"]]

    def test_version_1_says_who_the_peer_is(self):
        self.assertTrue(self.connect("smtp", V1).line().startswith("220 "))
        self.assertIn("192.0.2.7:56324", self.peers())

    def test_version_2_says_who_the_peer_is(self):
        self.assertTrue(self.connect("smtp", V2).line().startswith("220 "))
        self.assertIn("192.0.2.8:56324", self.peers())

    def test_a_local_connection_of_the_proxy_counts_as_its_own(self):
        self.assertTrue(self.connect("smtp", V2_LOCAL).line().startswith("220 "))

    def test_the_header_comes_before_tls_and_what_follows_it_is_kept(self):
        client = self.connect("imaps", V1, tls=True)
        self.assertTrue(client.line().startswith("* OK"))
        self.assertTrue(self.connect("smtp", V1 + b"QUIT\r\n").line().startswith("220 "))

    def test_a_header_in_pieces_is_read_whole(self):
        client = self.connect("smtp", V2[:13])
        client.send(V2[13:])
        self.assertTrue(client.line().startswith("220 "))

    def test_a_trusted_peer_without_a_header_is_turned_away(self):
        self.assertEqual(self.connect("smtp", b"EHLO client.example\r\n").line(), "")
        self.assertTrue(log_lines(self.node, "proxy_header_invalid"))

    def test_a_header_where_none_is_configured_ends_the_connection(self):
        for name in ("direct", "other"):
            for header in (V1, V2):
                with LineClient(port=self.node.port(name)) as client:
                    self.assertTrue(client.line().startswith("220 "))
                    client.send(header)
                    self.assertEqual(client.line(), "", (name, header))
        self.assertTrue(log_lines(self.node, "proxy_header_refused"))

    def test_the_proxied_address_counts_for_the_limits(self):
        header = V1.replace(b"192.0.2.7", b"192.0.2.99")
        clients = [self.connect("smtp", header) for _ in range(4)]
        greetings = [client.line()[:3] for client in clients]
        self.assertEqual(sorted(greetings), ["220", "220", "220", "421"])
        self.assertTrue(self.connect("smtp", V1.replace(b"192.0.2.7", b"192.0.2.98")).line().startswith("220 "))

    def test_a_proxied_peer_is_never_on_loopback(self):
        header = b"PROXY TCP4 127.0.0.1 127.0.0.1 1 25\r\n"
        client = self.connect("smtp", header)
        client.reply()
        self.assertNotIn("PLAIN", client.say("EHLO client.example"))


if __name__ == "__main__":
    unittest.main()
