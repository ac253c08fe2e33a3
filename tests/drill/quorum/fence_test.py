"""fence_quorumd: what Pacemaker asks of it, and a node that obeys; in watchdog mode one that cannot."""

import os
import signal
import subprocess

from support import QuorumCase, now, quorumd, run, wait_for
from watchdog import Watchdog


def agent(node, *arguments, **options):
    """Exit code and output of the agent on a node."""
    text = "".join(f"{key}={value}\n" for key, value in options.items())
    done = subprocess.run(node.command([quorumd.binary("fence_quorumd"), *arguments]), input=text, capture_output=True,
                          text=True, timeout=60, check=False, env=node.environment())
    return done.returncode, done.stdout + done.stderr


class SoftMode(QuorumCase):
    def test_what_pacemaker_asks(self):
        n1, n2 = self.lab.nodes
        code, text = agent(n1, action="metadata")
        self.assertEqual(code, 0)
        for action in ("off", "reboot", "status", "list", "monitor", "metadata"):
            self.assertIn(f'<action name="{action}" />', text)
        self.assertEqual(agent(n1, action="monitor")[0], 0)
        self.assertEqual(agent(n1, action="list"), (0, "n1,\nn2,\n"))
        self.assertEqual(agent(n1, action="status", plug="n2"), (0, "Status: ON\n"))
        self.assertEqual(agent(n1, "-o", "status", "-n", "2")[0], 0)
        self.assertEqual(agent(n1, action="status", plug="n9")[0], 1)
        self.assertEqual(agent(n1, action="off")[0], 2)
        self.assertEqual(agent(n1, action="dance", plug="n2")[0], 2)

    def test_a_node_that_obeys_is_reset(self):
        n1, n2 = self.lab.nodes
        since = now()
        code, text = agent(n1, action="reboot", plug="n2")
        self.assertEqual(code, 0, text)
        self.assertIn("it said so", text)
        wait_for("n2 was reset", lambda: not n2.alive, 20)
        print(f"fenced after {now() - since:.1f} s", flush=True)
        self.wait_alone([n1], since)
        n2.kill()
        self.boot(n2)
        self.healthy()

    def test_without_a_watchdog_silence_is_no_proof(self):
        n1, n2 = self.lab.nodes
        for pid in n2.pids("quorumd"):
            os.kill(pid, signal.SIGSTOP)
        code, text = agent(n1, action="off", plug="n2")
        self.assertEqual(code, 1, text)
        self.assertIn("neither obeys nor is silent", text)
        for pid in n2.pids("quorumd"):
            os.kill(pid, signal.SIGCONT)
        n2.kill()
        self.boot(n2)
        self.healthy()


class WatchdogMode(QuorumCase):
    soft = False

    @classmethod
    def before_corosync(cls):
        cls.watchdogs = {}
        for node in cls.lab.nodes:
            cls.attach(node)

    @classmethod
    def attach(cls, node):
        cls.watchdogs[node.name] = Watchdog(node)
        quorumd.configure(node, watchdog=f"unix:{cls.watchdogs[node.name].path}")

    def test_a_node_that_cannot_obey_was_reset_by_its_watchdog(self):
        n1, n2 = self.lab.nodes
        since = now()
        for pid in n2.pids("quorumd"):
            os.kill(pid, signal.SIGSTOP)
        wait_for("the watchdog reset n2", lambda: not n2.alive, 30)
        print(f"watchdog: reset after {now() - since:.1f} s", flush=True)
        self.assertGreater(now() - since, 4.0)
        code, text = agent(n1, action="off", plug="n2")
        self.assertEqual(code, 0, text)
        self.assertIn("its watchdog has run out", text)
        self.wait_alone([n1], since)
        n2.kill()
        self.attach(n2)
        self.boot(n2)
        self.healthy()

    def test_an_orderly_end_leaves_the_machine_alone_and_sbd_is_refused(self):
        n1, n2 = self.lab.nodes
        quorumd.stop(n2)
        self.assertTrue(self.watchdogs["n2"].ended.wait(20), "it was told to stop")
        self.assertTrue(n2.alive)
        # Two programs would want the watchdog.
        self.pretend(n2, "sbd")
        self.assertIn("SBD runs on this node: it wants the watchdog for itself", self.refusal(n2))
        n2.kill_program("sbd")
        self.attach(n2)
        quorumd.start(n2)
        self.healthy()


if __name__ == "__main__":
    run()
