"""A clusterd alone, for lock clients: no root, no Corosync."""

import http.client
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "support"))

from lock_wire import LockClient  # noqa: E402
from loopback import Child, Scratch, wait_until  # noqa: E402
from maild_node import binaries, control_request  # noqa: E402

SOLO = '[cluster]\nmembership = "solo"\nnode = "one"\n'


class Lone(unittest.TestCase):
    """One daemon for the tests of a class."""

    settings = ""

    @classmethod
    def setUpClass(cls):
        scratch = Scratch("locks")
        cls.addClassCleanup(scratch.__exit__)
        cls.root = scratch.path
        path = cls.root / "etc/quorate/quorate.toml"
        path.parent.mkdir(parents=True)
        path.write_text(SOLO + cls.settings)
        cls.path = cls.root / "run/quorate/lock.sock"
        cls.start()
        cls.addClassCleanup(lambda: cls.child.stop())

    @classmethod
    def start(cls):
        cls.child = Child([binaries() / "clusterd", "--root", cls.root], cls.root / "clusterd.log")
        wait_until(cls.answers, "clusterd")

    @classmethod
    def ask(cls, method, path, body=None):
        return control_request(cls.root / "run/quorate/clusterd.sock", method, path, body, 20)

    @classmethod
    def answers(cls):
        if not cls.child.running():
            raise AssertionError(cls.child.tail())
        try:
            return cls.ask("GET", "/v1/status")[1]["quorate"]
        except (OSError, http.client.HTTPException):
            return None

    def client(self, **more):
        client = LockClient(self.path, **more)
        self.addCleanup(client.close)
        return client

    def metric(self, name):
        for line in self.ask("GET", "/metrics")[1].splitlines():
            if line.startswith(name + " "):
                return float(line.split()[-1])
        return None

    def logged(self, event):
        return [line for line in (self.root / "clusterd.log").read_text().splitlines() if line[3:].startswith(event)]
