"""fence_quorumd: what Pacemaker asks of it, and a node that obeys; in watchdog mode one that cannot."""

import os
import signal
import subprocess

from support import QuorumCase, now, quorumd, run, wait_for
from watchdog import Device, Socket, watchdog_for


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
        self.assertIn("it said so, left Corosync's ring, and is silent", text)
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
        self.assertIn("neither obeys nor has it started anew", text)
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
        cls.watchdogs[node.name] = watchdog_for(cls, node)
        quorumd.configure(node, watchdog=cls.watchdogs[node.name].where)

    @classmethod
    def boot(cls, node):
        node.power_on()
        cls.attach(node)
        cls.lab.start_node(node)
        cls.start_programs(node)

    def test_a_node_that_cannot_obey_was_reset_by_its_watchdog(self):
        n1, n2 = self.lab.nodes
        since = now()
        for pid in n2.pids("quorumd"):
            os.kill(pid, signal.SIGSTOP)
        n2.cut()
        # It still runs: whoever asks now waits until it does not.
        code, text = agent(n1, action="off", plug="n2")
        self.assertFalse(n2.alive, "said to be fenced, and it runs")
        self.assertEqual(code, 0, text)
        self.assertIn("its watchdog has run out", text)
        print(f"fenced after {now() - since:.1f} s", flush=True)
        self.assertEqual(agent(n1, action="status", plug="n2"), (2, "Status: OFF\n"))
        n2.heal()
        self.wait_alone([n1], since)
        self.assertTrue(self.watchdogs["n2"].fired.is_set())
        n2.kill()
        self.boot(n2)
        self.healthy()

    def test_an_orderly_end_leaves_the_machine_alone_and_sbd_is_refused(self):
        for node in self.lab.nodes:
            quorumd.stop(node)
            self.assertTrue(self.watchdogs[node.name].ended.wait(20), "it was told to stop")
            self.assertTrue(node.alive)
            if isinstance(self.watchdogs[node.name], Socket):
                self.attach(node)
        # Two programs would want the watchdog.
        n2 = self.lab.nodes[-1]
        self.pretend(n2, "sbd")
        self.assertIn("SBD runs on this node: it wants the watchdog for itself", self.refusal(n2))
        n2.kill_program("sbd")
        if isinstance(self.watchdogs["n2"], Device):
            self.is_not_shared(n2)
        for node in self.lab.nodes:
            quorumd.start(node)
        self.healthy()

    def is_not_shared(self, node):
        """Another program has the device open, whatever its name."""
        watchdog = self.watchdogs[node.name]
        self.assertIn("timeout 5", watchdog.seen)
        enough = os.path.join(node.folder, "enough")
        node.start("holder", "sh", "-c",
                   'exec 3>>"$0"; until [ -e "$1" ]; do printf f >&3; sleep 0.5; done; printf V >&3',
                   watchdog.where, enough)
        wait_for("it is taken", lambda: watchdog.seen[-1:] == ["armed"], 20)
        self.assertIn("another program has it", self.refusal(node))
        with open(enough, "wb"):
            wait_for("it is given back", lambda: watchdog.seen[-1:] == ["stopped"], 20)


if __name__ == "__main__":
    run()
