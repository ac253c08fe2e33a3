"""Rolling restart of all nodes under a stream of pings; maild beside clusterd is not disturbed."""


from support import ClusterCase, PingStream, clusterd, run, wait_for

from maild_node import MaildNode


class Restart(ClusterCase):
    def test_rolling_restart_under_a_stream(self):
        """Whichever node is down, the other two talk to each other without a message lost."""
        epoch = self.healthy()[0]["epoch"]
        for node in self.lab.nodes:
            first, second = self.others(node)
            with PingStream(first, second) as stream:
                wait_for("pings", lambda s=stream: s.answered > 3)
                clusterd.stop(node)
                self.healthy([first, second])
                clusterd.start(node)
                self.healthy()
                so_far = stream.answered
                wait_for("pings afterwards", lambda s=stream, n=so_far: s.answered > n + 3)
            self.assertEqual(stream.refused, 0, f"while {node.name} was down")
            now = self.epoch(first)
            self.assertGreater(now, epoch)
            epoch = now

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
