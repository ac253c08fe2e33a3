"""clusterd as an ordinary user, started by root: members as ever, and only the hand is left of root."""

import os
import pwd

from support import ClusterCase, clusterd, run, wait_for

USER = "nobody"


def status_field(pid, field):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return next(line for line in status if line.startswith(field + ":")).split()[1:]


class Privileges(ClusterCase):
    clusterd = {"user": USER, "run_commands": True}

    @classmethod
    def before_corosync(cls):
        """Corosync talks to root alone, unless a file in uidgid.d names another; the laboratory's files are root's."""
        for node in cls.lab.nodes:
            folder = os.path.join(node.folder, "etc-corosync/uidgid.d")
            os.makedirs(folder, exist_ok=True)
            with open(os.path.join(folder, "quorate"), "w", encoding="ascii") as out:
                out.write(f"uidgid {{\n  uid: {USER}\n}}\n")
            for path in (cls.lab.folder, node.folder, node.root, os.path.join(node.folder, "etc-corosync")):
                os.chmod(path, 0o755)

    def test_only_the_hand_is_roots(self):
        self.healthy()
        uid = str(pwd.getpwnam(USER).pw_uid)
        for node in self.lab.nodes:
            (daemon,) = node.pids("clusterd")
            (hand,) = node.pids("clusterd-hand")
            self.assertEqual(set(status_field(daemon, "Uid")), {uid})
            self.assertEqual(status_field(daemon, "CapEff"), ["0" * 16])
            self.assertEqual(status_field(daemon, "NoNewPrivs"), ["1"])
            self.assertEqual(set(status_field(hand, "Uid")), {"0"})
            self.assertEqual(os.stat(os.path.join(node.root, "run/quorate/lease")).st_mode & 0o777, 0o644)
            self.assertEqual(os.stat(os.path.join(node.root, clusterd.SOCKET)).st_mode & 0o777, 0o660)

    def test_what_needs_root_works_by_the_hand(self):
        n1 = self.lab["n1"]
        answer = clusterd.ask(n1, "POST", "/v1/nodes/n2/commands", {"words": ["id", "-u"]})
        self.assertEqual(answer["output"], "0\n")
        added = clusterd.ask(n1, "POST", "/v1/cluster/nodes",
                             {"name": "n4", "addresses": ["10.77.0.4", "10.77.1.4"], "votes": 0})
        self.assertTrue(added["authkey"])
        clusterd.ask(n1, "DELETE", "/v1/cluster/nodes/n4")
        self.healthy()

    def test_a_restart_finds_its_files(self):
        n3 = self.lab["n3"]
        old = self.incarnation(n3)
        clusterd.stop(n3)
        clusterd.start(n3)
        wait_for("a new incarnation", lambda: (clusterd.cluster(n3) or {}).get("incarnation", old) != old)
        self.healthy()


if __name__ == "__main__":
    run()
