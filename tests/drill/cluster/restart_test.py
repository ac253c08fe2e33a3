"""Rolling restart of all nodes under a stream of pings; maild beside clusterd is not disturbed."""

import os
import signal

from support import ClusterCase, PingStream, clusterd, run

from maild_node import MaildNode


class Restart(ClusterCase):
    def test_rolling_restart_under_streams_between_all(self):
        """Whichever node is down, the other two talk to each other without a message lost. What is said to and by the
        one that goes and comes back arrives in order too, once, and in the life for which it was meant."""
        epoch = self.healthy()[0]["epoch"]
        for number, node in enumerate(self.lab.nodes):
            first, second = self.others(node)
            with PingStream(first, second) as staying, PingStream(first, node) as to, PingStream(node, second) as by:
                for stream in (staying, to, by):
                    stream.wait_more()
                self.go_down(node, killed=number == 1)
                self.healthy([first, second])
                self.await_takeover([first, second], node)
                staying.wait_more()
                clusterd.start(node)
                self.healthy()
                for stream in (staying, to, by):
                    stream.wait_more()
            self.assertEqual(staying.refused, 0, f"while {node.name} was down")
            self.assertGreater(to.refused + by.refused, 0, f"{node.name} went down under its streams")
            now = self.epoch(first)
            self.assertGreater(now, epoch)
            epoch = now
        for node in self.lab.nodes:
            self.assertEqual(self.out_of_sequence(node), [])
            self.assertIn("clusterd_ping_out_of_sequence_total 0\n", clusterd.ask(node, "GET", "/metrics"))

    @staticmethod
    def go_down(node, killed):
        for pid in clusterd.supervisors(node) if killed else ():
            os.kill(pid, signal.SIGTERM)
        if killed:
            node.kill_program("clusterd")
        clusterd.stop(node)

    def test_maild_beside_clusterd(self):
        """One configuration file for both; maild has a store of its own on each node."""
        nodes = []
        try:
            for node in self.lab.nodes:
                mail = MaildNode(accounts=("ann",), root=node.root, wrap=node.command([]),
                                 config={"cluster": clusterd.settings(node)})
                nodes.append(mail)
                mail.__enter__()
            for node in self.lab.nodes:
                clusterd.stop(node)
                clusterd.start(node)
            self.healthy()
            for mail, node in zip(nodes, self.lab.nodes):
                code = ("import smtplib, ssl; c = smtplib.SMTP('127.0.0.1', %d, timeout=20); "
                        "c.starttls(context=ssl._create_unverified_context()); c.login('ann@example.test', %r); "
                        "print(c.sendmail('ann@example.test', ['ann@example.test'], 'Subject: x\\r\\n\\r\\nx\\r\\n'))")
                said = node.run("python3", "-c", code % (mail.port("submission"), mail.password))
                self.assertEqual(said.strip(), "{}")
        finally:
            for mail in nodes:
                mail.__exit__()
        self.healthy()


if __name__ == "__main__":
    run()
