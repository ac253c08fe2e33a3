"""clusterctl command by command against a running maild: what it prints, as JSON too, and its exit codes."""

import json
import os
import pathlib
import subprocess
import unittest

import support  # noqa: F401
from imap_wire import Imap
from maild_node import MaildNode, binaries
from support import message, submit


class Case(unittest.TestCase):
    config = {}

    @classmethod
    def setUpClass(cls):
        cls.node = MaildNode(config=cls.config)
        cls.node.__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.node.__exit__()

    def ctl(self, *words, code=0, stdin=""):
        result = self.node.ctl(*words, stdin=stdin, check=False)
        self.assertEqual(result.returncode, code, result.stdout + result.stderr)
        return result.stdout

    def json(self, *words, **options):
        return json.loads(self.ctl("--json", *words, **options))


class DemoAccounts(Case):
    """packaging/quickstart/make-accounts: whatever it was cut off by, the next run ends with passwords that work."""

    def setUp(self):
        self.passwords = self.node.root / "etc/quorate/demo-accounts"

    def make(self):
        program = pathlib.Path(__file__).resolve().parents[3] / "packaging/quickstart/make-accounts"
        subprocess.run([program, binaries(), self.node.root], check=True, capture_output=True, timeout=60)
        return self.passwords.read_text()

    def check(self):
        lines = [line.split() for line in self.passwords.read_text().splitlines()]
        self.assertEqual(sorted(address for address, _ in lines), ["ann@example.test", "ben@example.test"])
        for address, password in lines:
            with Imap(self.node.port("imap")) as client:
                client.finish(client.send(f"LOGIN {address} {password}"))
        self.assertEqual(self.json("status", "maild")["postmaster_missing"], [])

    def test_passwords_that_are_known_work(self):
        made = self.make()
        self.check()
        self.assertEqual(self.make(), made)
        self.passwords.write_text(made.splitlines()[0] + "\n")
        self.make()
        self.check()
        self.ctl("account", "remove", "ben@example.test", "--yes")
        self.make()
        self.check()
        self.assertEqual(self.passwords.stat().st_mode & 0o777, 0o600)


class DefaultDomain(Case):
    config = {"mail": 'default_domain = "example.test"'}

    def test_the_pattern_may_leave_it_out(self):
        many = ("account", "add", "--pattern", "mst_%d", "--range", "1-100", "--password-stdin")
        self.assertIn("100 accounts created, 0 existed already, 0 failed", self.ctl(*many, stdin="shared\n"))
        names = [row["address"] for row in self.json("account", "list", "mst_*")["accounts"]]
        self.assertEqual(sorted(names), sorted(f"mst_{number}@example.test" for number in range(1, 101)))
        with Imap(self.node.port("imap")) as client:
            client.finish(client.send("LOGIN mst_42 shared"))
        remove = ("account", "remove", "--pattern", "mst_%d", "--range", "1-100", "--yes")
        self.assertIn("100 accounts removed, 0 were not there, 0 failed", self.ctl(*remove))

    def test_every_command_may_leave_it_out(self):
        self.assertIn("account one@example.test created",
                      self.ctl("account", "add", "one", "--password-stdin", stdin="first\n"))
        self.assertEqual(self.json("account", "show", "one")["address"], "one@example.test")
        self.ctl("account", "passwd", "one", "--password-stdin", stdin="second\n")
        self.assertEqual(self.json("mail", "show", "one")["account"], "one@example.test")
        self.assertEqual(self.json("mail", "verify", "one")["problems"], 0)
        self.ctl("alias", "add", "uno", "one")
        self.assertEqual(self.json("alias", "list", "uno*")["aliases"],
                         [{"address": "uno@example.test", "targets": ["one@example.test"]}])
        self.ctl("alias", "remove", "uno")
        with Imap(self.node.port("imap")) as client:
            client.finish(client.send("LOGIN one second"))
            self.assertEqual([row["account"] for row in self.json("who", "--account", "one")["sessions"]],
                             ["one@example.test"])
        path = self.node.root / "short.csv"
        path.write_text("csv1,one\ncsv2@example.test,two\n")
        self.assertEqual(self.json("account", "add", "--csv", str(path))["done"], 2)
        self.ctl("account", "show", "csv1@example.test")
        self.ctl("account", "remove", "one", "--yes")
        self.ctl("account", "show", "one", code=1)


class Clusterctl(Case):
    def test_a_name_without_a_domain_is_refused_with_what_to_do(self):
        words = "ann: has no domain: write NAME@DOMAIN, or set mail.default_domain in quorate.toml"
        for command in (("account", "show", "ann"), ("mail", "show", "ann"), ("who", "--account", "ann"),
                        ("alias", "add", "ann", "ben@example.test"), ("account", "remove", "ann", "--yes")):
            result = self.node.ctl(*command, check=False)
            self.assertEqual((result.returncode, words in result.stderr), (1, True), result.stderr)
        many = ("account", "add", "--pattern", "mst_%d", "--range", "1-2", "--password-stdin")
        self.assertIn("\n  mst_2: has no domain: write NAME@DOMAIN", self.ctl(*many, stdin="shared\n", code=1))

    def test_accounts_are_added_shown_listed_changed_and_removed(self):
        self.assertIn("account one@example.test created",
                      self.ctl("account", "add", "one@example.test", "--password-stdin", stdin="first\n"))
        self.assertIn("one@example.test", self.ctl("account", "list", "one*"))
        self.assertIn("enabled", self.ctl("account", "show", "one@example.test"))
        self.ctl("account", "passwd", "one@example.test", "--password-stdin", stdin="second\n")
        with Imap(self.node.port("imap")) as client:
            client.finish(client.send("LOGIN one@example.test second"))
        self.ctl("account", "quota", "one@example.test", "1048576", "50")
        self.assertIn("1.0 MiB", self.ctl("account", "show", "one@example.test"))
        self.ctl("account", "disable", "one@example.test")
        self.assertFalse(self.json("account", "show", "one@example.test")["enabled"])
        self.ctl("account", "enable", "one@example.test")
        self.ctl("account", "remove", "one@example.test", code=2)
        self.ctl("account", "remove", "one@example.test", "--yes")
        self.ctl("account", "show", "one@example.test", code=1)

    def test_a_pattern_creates_many_and_the_count_is_exact_when_repeated(self):
        many = ("account", "add", "--pattern", "mst_%d@example.test", "--range", "1-100", "--password-stdin")
        self.assertIn("100 accounts created, 0 existed already, 0 failed", self.ctl(*many, stdin="shared\n"))
        self.assertIn("0 accounts created, 100 existed already, 0 failed", self.ctl(*many, stdin="shared\n"))
        self.assertEqual(len(self.json("account", "list", "mst_*")["accounts"]), 100)
        self.ctl("account", "remove", "mst_7@example.test", "--yes")
        remove = ("account", "remove", "--pattern", "mst_%d@example.test", "--range", "1-100", "--yes")
        self.assertIn("99 accounts removed, 1 were not there, 0 failed", self.ctl(*remove))
        self.assertEqual(self.json("account", "list", "mst_*")["accounts"], [])

    def test_an_interrupted_bulk_creation_goes_on_where_it_was(self):
        command = [binaries() / "clusterctl", "--root", self.node.root, "account", "add",
                   "--pattern", "cut_%03d@example.test", "--range", "1-400", "--password-stdin"]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as first:
            first.stdin.write(b"shared\n")
            first.stdin.close()
            while not self.json("account", "list", "cut_*")["accounts"]:
                self.assertIsNone(first.poll())
            first.kill()
        self.assertIn("0 failed", self.ctl(*command[3:], stdin="shared\n"))
        self.assertEqual(len(self.json("account", "list", "cut_*")["accounts"]), 400)

    def test_a_csv_is_checked_whole_before_anything_is_done(self):
        path = self.node.root / "accounts.csv"
        path.write_text("# people\ncsv1@example.test,one,1000\ncsv2@example.test\n")
        result = self.node.ctl("account", "add", "--csv", str(path), check=False)
        self.assertEqual(result.returncode, 2)
        self.assertIn("accounts.csv:3:", result.stderr)
        self.assertEqual(self.json("account", "list", "csv*")["accounts"], [])
        path.write_text("# people\ncsv1@example.test,one,1000\r\ncsv2@example.test,two\n")
        self.assertEqual(self.json("account", "add", "--csv", str(path)), {"done": 2, "skipped": 0, "errors": []})
        self.assertEqual(self.json("account", "show", "csv1@example.test")["quota_bytes"], 1000)
        self.assertEqual(self.json("account", "remove", "--csv", str(path), "--yes")["done"], 2)

    def limits(self, name):
        account = self.json("account", "show", f"{name}@example.test")
        return account["quota_bytes"], account["quota_messages"]

    def test_limits_that_are_given_reach_every_account(self):
        quota = ("--quota-bytes", "1000", "--quota-messages", "7")
        self.ctl("account", "add", "lim0@example.test", "--password-stdin", *quota, stdin="x\n")
        self.ctl("account", "add", "--pattern", "lim%d@example.test", "--range", "1-2", "--password-stdin", *quota,
                 stdin="x\n")
        path = self.node.root / "limits.csv"
        path.write_text("lim3@example.test,x\nlim4@example.test,x,5\nlim5@example.test,x,,6\nlim6@example.test,x,8,9\n")
        self.ctl("account", "add", "--csv", str(path), *quota)
        self.assertEqual([self.limits(f"lim{number}") for number in range(7)],
                         [(1000, 7), (1000, 7), (1000, 7), (1000, 7), (5, 7), (1000, 6), (8, 9)])

    def test_a_limit_that_is_not_given_stays(self):
        self.ctl("account", "add", "stay@example.test", "--password-stdin", "--quota-messages", "7", stdin="x\n")
        self.ctl("account", "quota", "stay@example.test", "1000")
        self.assertEqual(self.limits("stay"), (1000, 7))
        self.ctl("account", "quota", "stay@example.test", "1000", "8")
        self.assertEqual(self.limits("stay"), (1000, 8))

    def test_options_that_do_not_belong_together_are_refused(self):
        many = ("--pattern", "no%d@example.test", "--range", "1-2")
        for words in (("--csv", "x", "--generate"), ("--csv", "x", "--password-stdin"), ("--csv", "x", *many),
                      ("ann@example.test", *many), ("ann@example.test", "--csv", "x"), ("--range", "1-2"),
                      ("ann@example.test", "--generate", "--password-stdin")):
            self.ctl("account", "add", *words, code=2)
        self.assertEqual(self.json("account", "list", "no*")["accounts"], [])

    def test_what_fails_in_bulk_is_named_and_the_exit_code_says_so(self):
        path = self.node.root / "bad.csv"
        path.write_text("good@example.test,one\nbad@unknown.example,two\n")
        self.assertIn("bad@unknown.example", self.ctl("account", "add", "--csv", str(path), code=1))
        self.ctl("account", "show", "good@example.test")

    def test_a_generated_password_works(self):
        result = self.node.ctl("account", "add", "gen@example.test", "--generate")
        password = result.stderr.split("password: ")[1].strip()
        with Imap(self.node.port("imap")) as client:
            client.finish(client.send(f"LOGIN gen@example.test {password}"))

    def test_a_generated_password_stands_in_the_json(self):
        for words in (("account", "add", "json1@example.test"), ("account", "passwd", "json1@example.test"),
                      ("account", "add", "--pattern", "json%d@example.test", "--range", "2-2")):
            result = self.node.ctl("--json", *words, "--generate")
            self.assertEqual(result.stderr, "")
            name = "json2" if "--range" in words else "json1"
            with Imap(self.node.port("imap")) as client:
                client.finish(client.send(f"LOGIN {name}@example.test {json.loads(result.stdout)['password']}"))

    def test_errors_are_json_too(self):
        for words, code, name in ((("account", "show", "nobody@example.test"), 1, "not_found"),
                                  (("account", "add", "ann@example.test", "--generate"), 1, "exists"),
                                  (("account", "remove", "ann@example.test"), 2, "usage"),
                                  (("account", "add", "--colour"), 2, "usage"), (("nonsense",), 2, "usage"),
                                  (("who", "--socket", "/nonexistent"), 69, "unreachable")):
            result = self.node.ctl(*words, "--json", check=False)
            self.assertEqual((result.returncode, result.stderr), (code, ""), result.stdout)
            error = json.loads(result.stdout)["error"]
            self.assertEqual(error["code"], name)
            self.assertTrue(error["message"])

    def test_domains(self):
        self.ctl("domain", "add", "second.test")
        self.assertIn("second.test", self.ctl("domain", "list"))
        self.assertIn("second.test", [row["name"] for row in self.json("domain", "list")["domains"]])
        self.ctl("domain", "add", "second.test", code=1)
        self.ctl("domain", "remove", "second.test", "--yes")
        self.ctl("domain", "remove", "example.test", "--yes", code=1)

    def test_aliases(self):
        self.ctl("alias", "add", "both@example.test", "ann@example.test", "ben@example.test")
        self.assertIn("ann@example.test ben@example.test", self.ctl("alias", "list"))
        row = self.json("alias", "list", "both*")["aliases"][0]
        self.assertEqual(row["targets"], ["ann@example.test", "ben@example.test"])
        self.ctl("alias", "remove", "both@example.test")
        self.ctl("alias", "remove", "both@example.test", code=1)

    def test_aliases_to_nobody(self):
        self.assertIn("nobody is later@example.test yet: mail for it is refused",
                      self.ctl("alias", "add", "soon@example.test", "ann@example.test", "later@example.test"))
        self.assertEqual(self.json("alias", "add", "soon@example.test", "later@example.test"),
                         {"unresolved": ["later@example.test"]})
        loop = self.node.ctl("alias", "add", "later@example.test", "soon@example.test", check=False)
        self.assertEqual(loop.returncode, 1)
        self.assertIn("later@example.test: could never reach anybody", loop.stderr)
        far = self.node.ctl("alias", "add", "far@example.test", "x@far.example", check=False)
        self.assertEqual((far.returncode, far.stderr),
                         (1, "clusterctl: x@far.example: no such domain here; add it first\n"))

    def test_mail_is_shown_and_verified(self):
        submit(self.node, "ann@example.test", ["ben@example.test"], message("x"))
        self.assertIn("INBOX", self.ctl("mail", "show", "ben@example.test"))
        self.assertEqual(self.json("mail", "show", "ben@example.test")["mailboxes"][0]["name"], "INBOX")
        self.assertIn("all sound", self.ctl("mail", "verify", "ben@example.test"))
        self.assertEqual(self.json("mail", "verify", "--all")["problems"], 0)
        self.assertEqual(self.json("mail", "show", "ben@example.test")["mailboxes"][0]["special_use"], "")
        self.ctl("mail", "verify", code=2)
        self.ctl("mail", "show", "nobody@example.test", code=1)

    def test_what_a_mailbox_is_for_is_shown(self):
        with Imap(self.node.port("imap")) as client:
            client.finish(client.send(f'LOGIN ben@example.test "{self.node.password}"'))
            client.finish(client.send("CREATE Drafts"))
        self.assertRegex(self.ctl("mail", "show", "ben@example.test"), r"(?m)^Drafts +\\Drafts +0")
        uses = {row["name"]: row["special_use"] for row in self.json("mail", "show", "ben@example.test")["mailboxes"]}
        self.assertEqual(uses["Drafts"], "\\Drafts")

    def test_sessions_are_listed_and_ended(self):
        with Imap(self.node.port("imap")) as client:
            client.finish(client.send(f'LOGIN ann@example.test "{self.node.password}"'))
            self.assertIn("ann@example.test", self.ctl("who"))
            rows = self.json("who", "--account", "ann@example.test")["sessions"]
            self.assertEqual([row["protocol"] for row in rows], ["imap"])
            self.assertEqual(self.json("kick", str(rows[0]["id"])), {})
            self.assertEqual(client.line(), b"* BYE The operator ended this session")
        self.ctl("kick", "999999", code=1)

    def test_sessions_of_a_disabled_and_of_a_removed_account_are_told_so(self):
        self.ctl("account", "add", "gone@example.test", "--password-stdin", stdin="x\n")
        for words in (("account", "disable", "gone@example.test"), ("account", "remove", "gone@example.test", "--yes")):
            self.ctl("account", "enable", "gone@example.test")
            with Imap(self.node.port("imap")) as client:
                client.finish(client.send("LOGIN gone@example.test x"))
                self.ctl(*words)
                self.assertEqual(client.line(), b"* BYE [CONTACTADMIN] Your account was disabled or removed")

    def test_the_status_is_told(self):
        self.assertIn("maild 0.1.0 on mail.example.test: running", self.ctl("status"))
        self.assertIn("mail is on this node's own local store", self.ctl("status", "maild"))
        self.assertEqual(self.json("status", "maild")["state"], "running")
        self.assertIsNone(self.json("status")["clusterd"])
        self.assertIn("# EOF", self.ctl("metrics"))
        samples = self.json("metrics")["metrics"]
        shown = [line for line in self.ctl("metrics").splitlines() if not line.startswith("#")]
        self.assertEqual(len(samples), len(shown))
        bounds = [one["labels"]["le"] for one in samples if one["name"] == "maild_imap_command_seconds_bucket"]
        self.assertEqual(bounds[-1], "+Inf")
        self.assertIn({"name": "maild_sessions", "labels": {"protocol": "imap"}, "value": 0}, samples)

    def test_wrong_usage_an_absent_daemon_and_a_forbidden_one_have_their_exit_codes(self):
        self.ctl("nonsense", code=2)
        self.ctl("account", "add", code=2)
        absent = subprocess.run([binaries() / "clusterctl", "--root", "/nonexistent", "status"], capture_output=True,
                                text=True, check=False, timeout=20)
        self.assertEqual(absent.returncode, 69)
        self.assertIn("maild does not answer on /nonexistent/run/quorate/maild.sock", absent.stdout)

    @unittest.skipUnless(os.geteuid() == 0, "only root can become somebody else")
    def test_who_may_not_ask_is_told_so(self):
        for folder in (self.node.root / "run", self.node.root / "run/quorate"):
            folder.chmod(0o755)
        refused = subprocess.run([binaries() / "clusterctl", "--socket", self.node.control_path, "status"], user=65534,
                                 group=65534, extra_groups=[], capture_output=True, text=True, check=False, timeout=20)
        self.assertEqual(refused.returncode, 77, refused.stderr)


if __name__ == "__main__":
    unittest.main()
