"""Started as root, maild becomes node.user for good. Skipped (77) where it cannot be tried: by others than root."""

import os
import pathlib
import pwd
import sys
import unittest

import support  # noqa: F401
from maild_node import MaildNode
from support import LineClient, log_lines

USER = "nobody"


def ids_of(pid, field):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return [int(word) for word in line.split()[1:]]
    raise KeyError(field)


class Privileges(unittest.TestCase):
    def node(self, user):
        name = f'name = "mail.example.test"\nuser = "{user}"'
        node = MaildNode(config={"node": name})
        self.addCleanup(node.__exit__)
        return node

    def test_root_is_given_up_for_good_after_binding(self):
        node = self.node(USER)
        node.__enter__()
        user = pwd.getpwnam(USER)
        pid = node.pid
        self.assertEqual(ids_of(pid, "Uid"), [user.pw_uid] * 4)
        self.assertEqual(ids_of(pid, "Gid"), [user.pw_gid] * 4)
        self.assertNotIn(0, ids_of(pid, "Groups"))
        self.assertEqual(ids_of(pid, "NoNewPrivs"), [1])
        capabilities = [line.split()[1] for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
                        if line.startswith(("CapEff", "CapPrm"))]
        self.assertEqual({int(mask, 16) for mask in capabilities}, {0})

    def test_what_it_makes_belongs_to_the_user_and_nobody_else_reads_it(self):
        node = self.node(USER)
        node.__enter__()
        user = pwd.getpwnam(USER)
        store = node.root / "var/lib/quorate/mail"
        for path in [store, *store.rglob("*")]:
            info = path.stat()
            self.assertEqual(info.st_uid, user.pw_uid, path)
            self.assertEqual(info.st_mode & 0o007, 0, path)
        for name in ("maild.sock", "lmtp.sock"):
            info = (node.root / "run/quorate" / name).stat()
            self.assertEqual((info.st_uid, info.st_mode & 0o777), (user.pw_uid, 0o660), name)

    def test_it_serves_and_stops_as_the_user(self):
        node = self.node(USER)
        node.__enter__()
        with LineClient(path=node.lmtp_socket) as client:
            self.assertTrue(client.line().startswith("220 "))
        self.assertEqual(node.stop(), 0)
        self.assertFalse((node.root / "run/quorate/maild.sock").exists())
        node.start()

    def test_a_user_that_does_not_exist_stops_the_start(self):
        node = self.node("no-such-user-here")
        node.prepare()
        with self.assertRaises(RuntimeError):
            node.start()
        self.assertIn("no such user: no-such-user-here", "\n".join(node.log()))

    def test_root_without_a_user_is_warned_of(self):
        node = MaildNode()
        self.addCleanup(node.__exit__)
        node.__enter__()
        self.assertTrue(log_lines(node, "running_as_root"))


if __name__ == "__main__":
    if os.geteuid() != 0:
        sys.exit(77)
    unittest.main()
