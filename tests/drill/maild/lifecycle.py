"""Start, reload, stop: what an operator and the service manager do to maild."""

import os
import pathlib
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
import unittest

import support
from imap_wire import Imap
from loopback import Child, self_signed, wait_until
from maild_node import MaildNode, binaries
from support import LineClient, log_lines, message, submit

# Binds a socket, passes it as systemd does (sd_listen_fds(3)), and becomes maild.
ACTIVATION = """
import os, socket, sys
listening = socket.socket()
listening.bind(("127.0.0.1", int(sys.argv[1])))
listening.listen(5)
if listening.fileno() != 3:
    os.dup2(listening.fileno(), 3)
os.set_inheritable(3, True)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1")
os.execv(sys.argv[2], sys.argv[2:])
"""


def certificate_of(port):
    with LineClient(port=port, tls=True) as client:
        return client.socket.getpeercert(binary_form=True)


class Lifecycle(unittest.TestCase):
    def node(self, **options):
        node = MaildNode(**options)
        self.addCleanup(node.__exit__)
        return node.__enter__()

    # ---- reload

    def test_a_reload_brings_a_new_certificate_to_new_connections_only(self):
        node = self.node()
        before = certificate_of(node.port("imaps"))
        with Imap(node.port("imaps"), tls=True) as old:
            self_signed(node.root / "etc/quorate/tls")
            node.reload()
            self.assertNotEqual(certificate_of(node.port("imaps")), before)
            self.assertEqual(old.socket.getpeercert(binary_form=True), before)
            old.finish(old.send("NOOP"))

    def test_a_reload_with_a_bad_certificate_keeps_all_of_the_old(self):
        node = self.node()
        before = certificate_of(node.port("imaps"))
        node.config["mail.limits"] = "message_bytes = 2048"
        node.write_config()
        (node.root / "etc/quorate/tls/key.pem").write_text("nonsense")
        lines = node.reload()
        self.assertTrue(any(line.startswith("<3>reload_refused") and "key.pem" in line for line in lines), lines)
        self.assertEqual(certificate_of(node.port("imaps")), before)
        self.assertIn("SIZE 52428800", self.ehlo(node))

    def test_a_reload_with_a_bad_file_says_file_and_line_and_keeps_the_old(self):
        node = self.node()
        node.config["mail.limits"] = "recipients = 1"
        node.write_config()
        lines = node.reload()
        self.assertTrue(any("reload_refused" in line and "quorate.toml:" in line for line in lines), lines)
        self.assertEqual(node.status()["state"], "running")

    def test_a_reload_changes_limits_and_the_log_level(self):
        node = self.node()
        self.assertIn("SIZE 52428800", self.ehlo(node))
        node.config["mail.limits"] = "message_bytes = 4096"
        node.config["node"] = 'name = "mail.example.test"\nlog_level = "debug"'
        node.write_config()
        node.reload()
        self.assertIn("SIZE 4096", self.ehlo(node))
        wait_until(lambda: log_lines(node, "connected"), "a line of the debug level")

    def test_a_reload_names_what_needs_a_new_start(self):
        node = self.node()
        node.config["node"] = 'name = "other.example.test"'
        node.write_config()
        self.assertTrue(any("restart_needed" in line and "node.name" in line for line in node.reload()))

    def test_a_reload_without_tls_leaves_the_open_listeners_theirs(self):
        node = self.node()
        node.listeners = [(name, protocol, "none") for name, protocol, _ in node.listeners]
        node.write_config()
        self.assertTrue(any("restart_needed" in line and "listen" in line for line in node.reload()))
        with LineClient(port=node.port("imaps"), tls=True) as client:
            self.assertTrue(client.line().startswith("* OK"))

    def ehlo(self, node):
        with LineClient(port=node.port("smtp")) as client:
            client.reply()
            return client.say("EHLO client.example")

    # ---- stop

    def test_sigterm_says_good_bye_in_every_protocol_and_exits_zero(self):
        node = self.node()
        clients = {name: LineClient(port=node.port(name)) for name in ("smtp", "imap", "pop3")}
        for client in clients.values():
            client.line()
        os.kill(node.pid, signal.SIGTERM)
        self.assertTrue(clients["smtp"].reply().startswith("421 "))
        self.assertTrue(clients["imap"].line().startswith("* BYE"))
        for client in clients.values():
            self.assertEqual([line for line in iter(client.line, "") if not line.startswith("-ERR")], [])
            client.__exit__()
        self.assertEqual(node.child.process.wait(20), 0)
        self.assertTrue(log_lines(node, "stopped"), node.log()[-5:])

    def test_a_session_in_idle_hears_of_the_end(self):
        node = self.node()
        with Imap(node.port("imap")) as client:
            client.finish(client.send(f'LOGIN ann@example.test "{node.password}"'))
            client.finish(client.send("SELECT INBOX"))
            client.send("IDLE")
            self.assertTrue(client.line().startswith(b"+"))
            os.kill(node.pid, signal.SIGTERM)
            self.assertTrue(client.line().startswith(b"* BYE"))
        self.assertEqual(node.child.process.wait(20), 0)

    def test_the_drain_is_bounded_however_a_client_stalls(self):
        node = self.node(config={"mail.limits": "drain_seconds = 1"})
        client = LineClient(port=node.port("imaps"))
        pid = node.pid
        time.sleep(0.2)
        started = time.monotonic()
        os.kill(pid, signal.SIGTERM)
        self.assertEqual(node.child.process.wait(20), 0)
        self.assertLess(time.monotonic() - started, 8)
        client.__exit__()

    def test_nothing_new_is_taken_while_sessions_are_finished(self):
        node = self.node()
        port = node.port("smtp")
        with LineClient(port=port) as client:
            client.reply()
            os.kill(node.pid, signal.SIGTERM)
            client.reply()
            node.child.process.wait(20)
            with self.assertRaises(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", port), timeout=5)

    def test_mail_and_accounts_are_there_after_a_new_start(self):
        node = self.node()
        submit(node, "ann@example.test", ["ben@example.test"], message("kept"))
        self.assertEqual(node.stop(), 0)
        node.start()
        self.assertEqual(node.mailboxes("ben")["INBOX"]["messages"], 1)
        self.assertEqual(node.verify("ben"), [])

    def test_mail_is_there_after_a_crash(self):
        node = self.node()
        submit(node, "ann@example.test", ["ben@example.test"], message("kept"))
        node.kill()
        node.start()
        self.assertEqual(node.mailboxes("ben")["INBOX"]["messages"], 1)
        self.assertEqual(node.verify("ben"), [])

    # ---- start

    def test_a_second_maild_on_the_same_root_is_refused_and_the_first_goes_on(self):
        node = self.node()
        second = subprocess.run(node.command(), capture_output=True, text=True, timeout=20)
        self.assertEqual(second.returncode, 1, second.stderr)
        self.assertEqual(node.status()["state"], "running")

    def test_a_port_in_use_is_named(self):
        with socket.socket() as holder:
            holder.bind(("127.0.0.1", 0))
            holder.listen()
            port = holder.getsockname()[1]
            node = MaildNode()
            self.addCleanup(node.__exit__)
            node.prepare()
            text = node.config_path.read_text().replace("127.0.0.1:0", f"127.0.0.1:{port}", 1)
            node.config_path.write_text(text)
            result = subprocess.run(node.command(), capture_output=True, text=True, timeout=20)
        self.assertEqual(result.returncode, 1)
        self.assertIn(f"127.0.0.1:{port}", result.stderr)

    def test_the_service_manager_hears_of_readiness_reload_and_stop(self):
        directory = pathlib.Path(MaildNode().root)
        self.addCleanup(shutil.rmtree, directory, True)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            path = str(directory / "notify")
            manager.bind(path)
            manager.settimeout(20)
            node = self.node(environment={"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "400000"})
            self.assertEqual(manager.recv(100), b"READY=1")
            node.reload()
            heard = {manager.recv(100) for _ in range(4)}
            self.assertIn(b"RELOADING=1", heard)
            self.assertIn(b"WATCHDOG=1", heard)
            node.stop()
            manager.settimeout(1)
            self.assertIn(b"STOPPING=1", iter(lambda: manager.recv(100), b""))

    def test_a_socket_of_the_service_manager_is_used(self):
        node = MaildNode(listeners=(("imap", "imap", "starttls"),))
        self.addCleanup(node.__exit__)
        node.prepare()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        node.config_path.write_text(node.config_path.read_text().replace("127.0.0.1:0", f"127.0.0.1:{port}"))
        node.command = lambda: [sys.executable, "-c", ACTIVATION, port, binaries() / "maild", "--root", node.root]
        node.start()
        with LineClient(port=port) as client:
            self.assertTrue(client.line().startswith("* OK"))
        held = os.readlink(f"/proc/{node.pid}/fd/3")
        self.assertTrue(held.startswith("socket:"), held)


if __name__ == "__main__":
    unittest.main()
