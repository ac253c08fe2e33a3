"""What maild says of its configuration: file and line, all mistakes at once, exit 78, and nothing opened."""

import pathlib
import subprocess
import unittest

import support  # noqa: F401
from loopback import Scratch
from maild_node import MaildNode, binaries

GOOD = """[node]
name = "mail.example.test"

[mail.tls]
certificate = "etc/quorate/tls/cert.pem"
key = "etc/quorate/tls/key.pem"

[[mail.listen]]
protocol = "imap"
address = "127.0.0.1:0"
tls = "starttls"
"""


def start(*options):
    return subprocess.run([binaries() / "maild", *options], capture_output=True, text=True, timeout=20)


class Configuration(unittest.TestCase):
    def setUp(self):
        self.scratch = Scratch("maild-configuration")
        self.addCleanup(self.scratch.__exit__)
        self.node = MaildNode(root=self.scratch.path)
        self.node.prepare()

    def run_maild(self, text, *options):
        self.node.config_path.write_text(text)
        return start("--root", self.scratch.path, *options)

    def refused(self, text, *expected, options=("--check",)):
        result = self.run_maild(text, *options)
        self.assertEqual(result.returncode, 78, result.stderr)
        for words in expected:
            self.assertIn(words, result.stderr)
        return result.stderr

    def test_a_good_file_is_found_good(self):
        result = self.run_maild(GOOD, "--check")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("ok", result.stdout)

    def test_the_file_that_quickstart_writes_is_good(self):
        make_root = pathlib.Path(__file__).resolve().parents[3] / "packaging/quickstart/make-root"
        subprocess.run([make_root, self.scratch.path / "fresh"], check=True, capture_output=True)
        result = start("--root", self.scratch.path / "fresh", "--check")
        self.assertEqual(result.returncode, 0, result.stderr)

    def test_an_unknown_key_is_an_error_that_says_which_was_meant(self):
        self.refused(GOOD.replace("protocol", "protocal"),
                     'etc/quorate/quorate.toml:9: mail.listen.protocal: unknown key; did you mean "protocol"?')

    def test_an_unknown_table_is_an_error(self):
        self.refused(GOOD + "\n[mail.limit]\nrecipients = 200\n", "quorate.toml:13: mail.limit: unknown key")

    def test_all_mistakes_are_reported_at_once_in_the_order_of_their_lines(self):
        text = GOOD.replace('"mail.example.test"', "17").replace('"imap"', '"imapp"')
        text += "[mail.limits]\nrecipients = 1\n"
        errors = self.refused(text, "quorate.toml:2: node.name:", "quorate.toml:9: mail.listen.protocol:",
                              "quorate.toml:13: mail.limits.recipients: wants a whole number from 100 to 100000")
        lines = [int(line.split(":")[2]) for line in errors.splitlines()]
        self.assertEqual(lines, sorted(lines))

    def test_a_file_that_is_no_toml_is_refused_with_its_line(self):
        self.refused("[node]\nname = = 1\n", "quorate.toml:2:")

    def test_a_missing_file_is_named(self):
        self.node.config_path.unlink()
        result = start("--root", self.scratch.path)
        self.assertEqual(result.returncode, 78)
        self.assertIn("etc/quorate/quorate.toml: No such file or directory", result.stderr)

    def test_a_missing_root_is_named(self):
        result = start("--root", "/nonexistent")
        self.assertEqual(result.returncode, 78)
        self.assertIn("/nonexistent", result.stderr)

    def test_nothing_to_listen_on_is_a_mistake(self):
        self.refused('[node]\nname = "a.example"\n', "mail.listen: nothing to listen on")

    def test_tls_without_a_certificate_is_a_mistake(self):
        self.refused(GOOD.replace('certificate = "etc/quorate/tls/cert.pem"\n', ""),
                     "needs mail.tls.certificate and mail.tls.key")

    def test_an_address_that_is_none_is_a_mistake(self):
        self.refused(GOOD.replace("127.0.0.1:0", "localhost"), "quorate.toml:10: mail.listen.address:", "has no port")

    def test_a_proxy_network_that_is_none_is_a_mistake(self):
        self.refused(GOOD + 'proxy_from = ["10.0.0.0/33"]\n',
                     'quorate.toml:12: mail.listen.proxy_from: "10.0.0.0/33" is not a network')

    def test_a_certificate_that_cannot_be_used_stops_the_start(self):
        (self.scratch.path / "etc/quorate/tls/cert.pem").write_text("nonsense")
        self.refused(GOOD, "etc/quorate/tls/cert.pem: no usable certificate", options=())

    def test_wrong_usage_is_another_exit_code(self):
        result = self.run_maild(GOOD, "--nonsense")
        self.assertEqual(result.returncode, 64)
        self.assertIn("usage: maild", result.stderr)


if __name__ == "__main__":
    unittest.main()
