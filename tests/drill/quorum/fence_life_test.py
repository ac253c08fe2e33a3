"""Fences of one life and of a whole machine: a voter that starts again on the same boot is asked again, and the
operator's word that a lost node is off makes the silence unnecessary."""

import os
import signal
import subprocess

from support import QuorumCase, now, quorumd, run, wait_for

PAGE = 4096
REQUESTS_OF_N1 = (2 + 2, 2 + 6)  # the two sides of its page: docs/formats/quorum-disk.md


def stopped(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
        return stat.read().rpartition(")")[2].split()[0] == "T"


class Lives(QuorumCase):
    def asked_for(self):
        """The request page of n1 has gone to the disk."""
        with open(self.disk, "rb") as disk:
            for page in REQUESTS_OF_N1:
                disk.seek(page * PAGE)
                if b"fence_quorumd" in disk.read(PAGE):
                    return True
        return False

    def freeze_voter(self, node):
        pids = node.pids("quorumd")
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        wait_for(f"{node.name}: its voter stands", lambda: all(stopped(pid) for pid in pids), 60)
        return pids

    def test_a_new_life_on_the_same_boot_is_asked_again(self):
        n1, n2 = self.lab.nodes
        pids = self.freeze_voter(n2)
        agent = subprocess.Popen(n1.command([quorumd.binary("fence_quorumd"), "-o", "off", "-n", "n2"]),
                                 stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                 env=n1.environment())
        wait_for("the request", self.asked_for, 60)
        for pid in pids:
            os.kill(pid, signal.SIGKILL)  # its supervisor starts another
        text, _ = agent.communicate(timeout=120)
        self.assertEqual(agent.returncode, 0, text)
        self.assertIn("left Corosync's ring", text)
        self.assertFalse(n2.alive, "said to be fenced, and it runs")
        n2.kill()
        self.boot(n2)
        self.healthy()

    def test_nobody_waits_for_a_node_that_is_said_to_be_off(self):
        n1, n2 = self.lab.nodes

        def confirm():
            command = [quorumd.binary("quorumctl"), "--root", n1.root, "--yes", "fence-confirmed", "n2"]
            done = subprocess.run(n1.command(command), capture_output=True, text=True, timeout=60, check=False)
            return done.returncode, done.stdout + done.stderr

        code, text = confirm()
        self.assertEqual(code, 1, text)
        self.assertIn("n2 is in Corosync's ring: it runs", text)
        since = now()
        n2.kill()
        wait_for("it is believed", lambda: confirm()[0] == 0, 60)
        said = now() - since
        self.wait_alone([n1], since)
        print(f"n2 off; said so after {said:.1f} s, votes after {now() - since:.1f} s", flush=True)
        self.boot(n2)
        self.healthy()


if __name__ == "__main__":
    run()
