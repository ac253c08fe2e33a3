"""The control API as docs/protocols/control.md describes it: who may ask, errors, counts, metrics."""

import json
import os
import re
import subprocess
import sys
import unittest

import support  # noqa: F401
from imap_wire import Imap
from maild_node import MaildNode
from support import LineClient, message, submit

# As another user: what the control socket says.
ASK_AS = """
import os, socket, sys
os.setgroups([int(word) for word in sys.argv[3].split(",") if word])
os.setgid(int(sys.argv[2]))
os.setuid(int(sys.argv[2]))
ask = socket.socket(socket.AF_UNIX)
ask.settimeout(10)
try:
    ask.connect(sys.argv[1])
except PermissionError:
    sys.exit("EACCES")
ask.sendall(b"GET /v1/status HTTP/1.1\\r\\nHost: maild\\r\\nConnection: close\\r\\n\\r\\n")
print(ask.recv(100).decode().split()[1])
"""
STRANGER = 65534

SAMPLE = re.compile(r'^(?P<name>[a-z_]+)(\{[a-z_]+="[^"]*"(,[a-z_]+="[^"]*")*\})? -?[0-9.e+-]+$')
SUFFIXES = {"counter": ("_total",), "gauge": ("",), "histogram": ("_bucket", "_count", "_sum")}


class ControlApi(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.node = MaildNode()
        cls.node.__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.node.__exit__()

    def error(self, status, code, method, path, body=None):
        got, answer = self.node.control(method, path, body)
        self.assertEqual((got, answer["error"]["code"]), (status, code), answer)
        self.assertTrue(answer["error"]["message"])

    # ---- who may ask

    def ask_as(self, uid, groups=""):
        for folder in (self.node.root / "run", self.node.root / "run/quorate"):
            folder.chmod(0o755)
        return subprocess.run([sys.executable, "-c", ASK_AS, self.node.control_path, str(uid), groups],
                              capture_output=True, text=True, timeout=20)

    @unittest.skipUnless(os.geteuid() == 0, "only root can become somebody else")
    def test_a_stranger_cannot_connect_and_is_refused_if_the_mode_lets_him(self):
        self.assertIn("EACCES", self.ask_as(STRANGER).stderr)
        self.node.control_path.chmod(0o666)
        try:
            self.assertEqual(self.ask_as(STRANGER).stdout.strip(), "403")
        finally:
            self.node.control_path.chmod(0o660)

    def test_the_socket_is_for_its_user_and_group(self):
        self.assertEqual(self.node.control_path.stat().st_mode & 0o777, 0o660)

    # ---- errors

    def test_what_is_not_there_is_404(self):
        self.error(404, "not_found", "GET", "/v1/accounts/nobody@example.test")
        self.error(404, "not_found", "PATCH", "/v1/accounts/nobody@example.test", {"enabled": True})
        self.error(404, "not_found", "DELETE", "/v1/accounts/nobody@example.test")
        self.error(404, "not_found", "GET", "/v1/mail/nobody@example.test")
        self.error(404, "not_found", "DELETE", "/v1/aliases/nobody@example.test")
        self.error(404, "not_found", "DELETE", "/v1/sessions/999999")
        self.error(404, "no_such_path", "GET", "/v1/nothing")
        self.error(405, "method_not_allowed", "PUT", "/v1/status")

    def test_what_could_never_work_is_409(self):
        self.error(409, "alias_loop", "PUT", "/v1/aliases/self@example.test", {"targets": ["self@example.test"]})

    def test_what_is_there_already_is_409(self):
        self.error(409, "exists", "POST", "/v1/accounts", {"address": "ann@example.test", "password": "x"})
        self.error(409, "exists", "POST", "/v1/domains", {"name": "example.test"})

    def test_what_the_directory_refuses_is_400(self):
        self.error(400, "refused", "POST", "/v1/accounts", {"address": "no address", "password": "x"})
        self.error(400, "refused", "POST", "/v1/accounts", {"address": "a@unknown.example", "password": "x"})
        self.error(400, "refused", "POST", "/v1/accounts", {"address": "empty@example.test", "password": ""})
        self.error(400, "refused", "DELETE", "/v1/domains/example.test")

    def test_a_body_of_the_wrong_shape_is_400(self):
        self.error(400, "bad_request", "POST", "/v1/accounts", {"address": 17, "password": "x"})
        self.error(400, "bad_request", "POST", "/v1/domains", {})
        self.error(400, "bad_request", "POST", "/v1/accounts:bulk", {"action": "paint", "accounts": []})
        self.error(400, "bad_request", "POST", "/v1/accounts:bulk",
                   {"action": "add", "accounts": [{"address": f"x{number}@example.test"} for number in range(1001)]})

    def test_a_bad_request_names_the_field(self):
        one = {"address": "x@example.test", "password": "x"}
        for message, method, path, body in (
                ("address: wants a text", "POST", "/v1/accounts", {**one, "address": 17}),
                ("password: is missing", "POST", "/v1/accounts", {"address": "x@example.test"}),
                ("quota: unknown field", "POST", "/v1/accounts", {**one, "quota": 1}),
                ("quota_bytes: wants a whole number from 0 to 9223372036854775807", "PATCH",
                 "/v1/accounts/ann@example.test", {"quota_bytes": -1}),
                ("enabled: wants true or false", "PATCH", "/v1/accounts/ann@example.test", {"enabled": "no"}),
                ("address: unknown field", "PATCH", "/v1/accounts/ann@example.test", {"address": "x"}),
                ("action: wants add or remove", "POST", "/v1/accounts:bulk", {"action": "paint", "accounts": []}),
                ("accounts: is missing", "POST", "/v1/accounts:bulk", {"action": "add"}),
                ("accounts: wants a list of objects", "POST", "/v1/accounts:bulk",
                 {"action": "add", "accounts": ["x"]}),
                ("accounts[1].password: wants a text", "POST", "/v1/accounts:bulk",
                 {"action": "add", "accounts": [one, {**one, "password": 1}]}),
                ("accounts[1].colour: unknown field", "POST", "/v1/accounts:bulk",
                 {"action": "add", "accounts": [one, {**one, "colour": "red"}]}),
                ("name: is missing", "POST", "/v1/domains", {}),
                ("enabled: unknown field", "POST", "/v1/domains", {"name": "x.test", "enabled": True}),
                ("targets: wants a list", "PUT", "/v1/aliases/x@example.test", {"targets": "ann@example.test"}),
                ("targets: wants a list of texts", "PUT", "/v1/aliases/x@example.test", {"targets": [1]}),
                ("limit: wants a whole number from 1 to 10000", "GET", "/v1/accounts?limit=abc", None),
                ("limit: wants a whole number from 1 to 10000", "GET", "/v1/aliases?limit=10001", None),
                ("limits: unknown parameter", "GET", "/v1/accounts?limits=1", None),
                ("user: unknown parameter", "GET", "/v1/sessions?user=ann", None),
                ("this request has no fields", "DELETE", "/v1/accounts/ann@example.test", {"sure": True})):
            status, answer = self.node.control(method, path, body)
            self.assertEqual((status, answer), (400, {"error": {"code": "bad_request", "message": message}}))
        self.assertEqual(self.node.control("GET", "/v1/accounts/x@example.test")[0], 404, "nothing was done")

    # ---- accounts

    def test_bulk_counts_exactly_and_may_be_repeated(self):
        rows = [{"address": f"bulk{number}@example.test", "password": "one for all"} for number in range(30)]
        bad = [{"address": "not an address", "password": "x"}]
        add = {"action": "add", "accounts": rows[:10]}
        self.assertEqual(self.node.ask("POST", "/v1/accounts:bulk", add), {"done": 10, "existing": 0, "errors": []})
        answer = self.node.ask("POST", "/v1/accounts:bulk", {"action": "add", "accounts": rows + bad})
        self.assertEqual((answer["done"], answer["existing"], len(answer["errors"])), (20, 10, 1))
        self.assertEqual(answer["errors"][0]["address"], "not an address")
        remove = {"action": "remove", "accounts": rows}
        self.assertEqual(self.node.ask("POST", "/v1/accounts:bulk", remove), {"done": 30, "absent": 0, "errors": []})
        self.assertEqual(self.node.ask("POST", "/v1/accounts:bulk", remove), {"done": 0, "absent": 30, "errors": []})

    def test_lists_come_in_pages(self):
        rows = [{"address": f"page{number}@example.test", "password": "one for all"} for number in range(5)]
        self.node.ask("POST", "/v1/accounts:bulk", {"action": "add", "accounts": rows})
        found, after = [], ""
        while True:
            page = self.node.ask("GET", f"/v1/accounts?pattern=page*&limit=2&after={after}")
            found += [row["address"] for row in page["accounts"]]
            if not page["more"]:
                break
            after = found[-1]
        self.assertEqual(found, [row["address"] for row in rows])

    def test_passwords_never_come_out(self):
        text = json.dumps(self.node.ask("GET", "/v1/accounts")) + json.dumps(
            self.node.ask("GET", "/v1/accounts/ann@example.test"))
        self.assertNotIn("secret", text)
        self.assertNotIn("$y$", text)

    def test_a_new_password_holds_at_once_and_the_old_one_no_more(self):
        self.node.ask("POST", "/v1/accounts", {"address": "change@example.test", "password": "before"})

        def log_in(password):
            with Imap(self.node.port("imap")) as client:
                client.finish(client.send(f'LOGIN change@example.test "{password}"'))

        log_in("before")
        self.node.ask("PATCH", "/v1/accounts/change@example.test", {"password": "after"})
        log_in("after")
        with self.assertRaises(RuntimeError):
            log_in("before")

    def test_a_removed_account_ends_its_sessions_and_its_mail_is_gone_for_a_successor(self):
        self.node.ask("POST", "/v1/accounts", {"address": "gone@example.test", "password": self.node.password})
        submit(self.node, "ann@example.test", ["gone@example.test"], message("x"))
        with Imap(self.node.port("imap")) as client:
            client.finish(client.send(f'LOGIN gone@example.test "{self.node.password}"'))
            client.finish(client.send("SELECT INBOX"))
            self.node.ask("DELETE", "/v1/accounts/gone@example.test")
            self.assertTrue(client.line().startswith(b"* BYE"))
        self.node.ask("POST", "/v1/accounts", {"address": "gone@example.test", "password": "x"})
        self.assertEqual(self.node.mailboxes("gone")["INBOX"]["messages"], 0)

    def test_a_disabled_account_loses_its_sessions_and_cannot_log_in(self):
        self.node.ask("POST", "/v1/accounts", {"address": "off@example.test", "password": self.node.password})
        with Imap(self.node.port("imap")) as client:
            client.finish(client.send(f'LOGIN off@example.test "{self.node.password}"'))
            self.node.ask("PATCH", "/v1/accounts/off@example.test", {"enabled": False})
            self.assertTrue(client.line().startswith(b"* BYE"))
        with Imap(self.node.port("imap")) as client, self.assertRaises(RuntimeError):
            client.finish(client.send(f'LOGIN off@example.test "{self.node.password}"'))

    # ---- sessions, state, metrics

    def test_a_session_is_listed_and_can_be_ended(self):
        with LineClient(port=self.node.port("smtp")) as client:
            client.reply()
            port = client.socket.getsockname()[1]
            rows = self.node.ask("GET", "/v1/sessions")["sessions"]
            row = next(row for row in rows if row["peer"] == f"127.0.0.1:{port}")
            self.assertEqual((row["protocol"], row["account"], row["tls"]), ("smtp", "", False))
            self.node.ask("DELETE", f"/v1/sessions/{row['id']}")
            self.assertTrue(client.reply().startswith("421 "))

    def test_the_status_has_what_the_page_says(self):
        status = self.node.status()
        self.assertEqual((status["daemon"], status["state"], status["api_version"]), ("maild", "running", 1))
        self.assertEqual(len(status["listeners"]), len(self.node.listeners) + 1)
        self.assertGreater(status["certificate_expires"], 1_700_000_000)
        for key in ("segments", "journal_bytes", "flushes", "records", "open_accounts", "replayed", "volume_bytes"):
            self.assertIsInstance(status["store"][key], int)

    def test_metrics_are_openmetrics(self):
        lines = self.node.metrics().split("\n")
        self.assertEqual(lines[-2:], ["# EOF", ""])
        kinds = {}
        for line in lines[:-2]:
            if line.startswith("# TYPE "):
                _, _, name, kind = line.split()
                self.assertNotIn(name, kinds, "one family, one TYPE line")
                kinds[name] = kind
            elif not line.startswith("# HELP "):
                found = SAMPLE.match(line)
                self.assertTrue(found, line)
                family = next((name for name, kind in kinds.items() for suffix in SUFFIXES[kind]
                               if name + suffix == found["name"]), None)
                self.assertIsNotNone(family, line)
                self.assertTrue(family.startswith("maild_"), family)
        self.assertEqual(set(kinds.values()), {"counter", "gauge", "histogram"})

    def test_metrics_count_what_happens(self):
        def value(name):
            return int(float(re.search(rf"^{name} (\S+)$", self.node.metrics(), re.M)[1]))

        before = value("maild_delivered_messages_total"), value("maild_logins_total")
        submit(self.node, "ann@example.test", ["ann@example.test", "ben@example.test"], message("x"))
        self.assertEqual((value("maild_delivered_messages_total"), value("maild_logins_total")),
                         (before[0] + 2, before[1] + 1))


if __name__ == "__main__":
    unittest.main()
