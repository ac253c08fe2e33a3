"""What the drills of sets on several nodes share: a laboratory with clusterd and shadowd, writers on every node in
areas of their own, and what must hold in the end."""

import json
import os
import pathlib
import sys
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "support"))

from lab import Lab, clusterd, shadowd  # noqa: E402
from lab.node import wait_for  # noqa: E402
from unit_client import Ledger, same_data  # noqa: E402

NOT_RUN = 77
UNIT = "DSA1"
MEMBER_OCTETS = 24 << 20


def run():
    """unittest.main() that says "not run" where there are no namespaces to be had."""
    if os.geteuid() != 0:
        print("not run: the laboratory needs root")
        sys.exit(NOT_RUN)
    unittest.main(verbosity=2)


class Writer:
    """Writes through a node's shadowd, in an area of its own, until it is stopped or the node is gone."""

    def __init__(self, node, ledger):
        self.node = node
        self.ledger = ledger
        self.stopping = threading.Event()
        self.failure = None
        self.thread = threading.Thread(target=self.work, daemon=True)

    def work(self):
        try:
            self.ledger.write_until(shadowd.unit_socket(self.node, UNIT), self.stopping.is_set, at_once=8)
        except Exception as failure:  # pylint: disable=broad-except
            self.failure = failure

    def start(self):
        self.thread.start()
        return self

    def stop(self, limit=90):
        self.stopping.set()
        self.thread.join(limit)
        if self.thread.is_alive():
            raise TimeoutError(f"{self.node.name}: a write was not answered within {limit} s")
        self.check()

    def check(self):
        if self.failure:
            raise RuntimeError(f"{self.node.name}: a write failed") from self.failure

    def wait_more(self, count=200, limit=90):
        goal = self.ledger.acknowledged + count

        def reached():
            self.check()
            return self.ledger.acknowledged >= goal

        wait_for(f"{self.node.name}: {count} more writes are acknowledged", reached, limit)


class ShadowCase(unittest.TestCase):
    """One laboratory per test: `count` nodes, of which the first `mounting` mount a set of `disks` files."""

    count = 3
    mounting = 2
    disks = 2
    done = False  # else the logs are shown

    def setUp(self):
        self.lab = Lab(nodes=self.count)
        self.lab.up()
        self.addCleanup(self.tear_down)
        clusterd.configure(self.lab)
        self.start_corosync()
        for node in self.lab.nodes:
            clusterd.start(node)
        self.paths = [os.path.join(self.lab.folder, f"disk{number}.img") for number in range(self.disks)]
        for number, path in enumerate(self.paths):
            with open(path, "wb") as disk:
                disk.write(os.urandom(1 << 20) * (MEMBER_OCTETS >> 20) if number else b"")
                disk.truncate(MEMBER_OCTETS)
        self.openers = self.lab.nodes[:self.mounting]
        self.create_set()
        clusterd.wait_cluster(self.lab.nodes, limit=60)
        self.prepare()
        for node in self.openers:
            self.configure(node)
        for node in self.lab.nodes:
            shadowd.start(node)
        shown = [shadowd.wait_full(node, UNIT, self.disks) for node in self.openers]
        blocks = shown[0]["octets"] // shown[0]["block_octets"]
        share = blocks // self.mounting
        self.ledgers = {node.name: Ledger(share, number * share) for number, node in enumerate(self.openers)}

    def start_corosync(self):
        self.lab.start_corosync()

    def create_set(self):
        shadowd.ctl(self.lab.nodes[0], "shadow", "create", UNIT, *self.paths)

    def prepare(self):
        """What a test wants before the set is mounted."""

    def configure(self, node):
        shadowd.configure(node, UNIT, self.paths, cluster=True, shared=True)

    def tear_down(self):
        if not self.done:
            self.show_logs()
        if os.environ.get("QUORATE_KEEP"):
            print(f"kept {self.lab.folder}")
            self.lab.keep()
        self.lab.down()

    def show_logs(self, lines=30):
        for node in self.lab.nodes:
            for name in ("shadowd", "clusterd"):
                if os.path.exists(node.log(name)):
                    log = node.log_text(name).splitlines()[-lines:]
                    print(f"---- {name} of {node.name}", *log, sep="\n", flush=True)

    # ---- what happens

    def write(self, node):
        return Writer(node, self.ledgers[node.name]).start()

    def boot(self, node):
        node.power_on()
        self.lab.start_node(node)
        clusterd.start(node)
        shadowd.start(node)

    # ---- what must hold

    def check_through(self, node):
        """Every acknowledged block is there, of all writers, and stays as it was read."""
        for ledger in self.ledgers.values():
            ledger.check(shadowd.unit_socket(node, UNIT))

    def check_equal(self, paths=None):
        """The members, block by block. Nobody has them open."""
        paths = paths or self.paths
        label = json.loads(shadowd.ctl(self.lab.nodes[0], "--json", "shadow", "label", paths[0]).stdout)
        for other in paths[1:]:
            differs = same_data(paths[0], other, label["data_offset"], label["octets"])
            self.assertIsNone(differs, f"{paths[0]} and {other} differ at block {differs}")

    def end_all(self):
        """Ends every shadowd in peace, and compares the members."""
        for node in self.lab.nodes:
            if node.alive:
                shadowd.stop(node)
        self.check_equal()
        self.done = True


__all__ = ["MEMBER_OCTETS", "ShadowCase", "UNIT", "Writer", "clusterd", "run", "shadowd", "wait_for"]
