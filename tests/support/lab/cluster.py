"""The laboratory as a whole: nodes, rings, Corosync; and the same laboratory found again from its state file."""

import json
import os
import shutil
import tempfile

from lab import corosync
from lab.network import Network
from lab.node import Node, wait_for
from lab.reaper import Reaper


NODES_MAX = 32


class LabError(Exception):
    """What the person at the keyboard did wrong."""


class Lab:
    def __init__(self, nodes=3, folder=None, dies_with_us=True):
        if os.geteuid() != 0:
            raise LabError("the laboratory needs root: it makes namespaces")
        if not 1 <= nodes <= NODES_MAX:
            raise LabError(f"a laboratory has 1 to {NODES_MAX} nodes")
        self.dies_with_us = dies_with_us
        self.temporary = folder is None
        self.folder = folder or tempfile.mkdtemp(prefix="quorate-lab-")
        os.makedirs(self.folder, exist_ok=True)
        self.reaper = Reaper(self.folder) if self.temporary else None
        self.network = Network(self.folder, dies_with_us)
        self.nodes = [Node(self, number) for number in range(1, nodes + 1)]
        self.corosync_options = {}
        # What runs on a node that is on, for who finds the laboratory again: "nodes" (nothing), "corosync", "daemons".
        self.runs = "nodes"
        self.programs = None  # the folder of the daemons' programs

    def __enter__(self):
        self.up()
        return self

    def __exit__(self, *_):
        self.down()

    def __getitem__(self, name):
        for node in self.nodes:
            if node.name == name:
                return node
        raise LabError(f"no node {name}; there are {', '.join(node.name for node in self.nodes)}")

    def up(self):
        try:
            self.network.power_on()
            for node in self.nodes:
                node.power_on()
        except BaseException:
            self.down()
            raise

    def down(self):
        """All of it, whatever does not end; what did not end can be found by its folder, and ended once more."""
        self.find_again()
        failures = []
        for end in [*(node.kill for node in self.nodes), self.network.power_off]:
            try:
                end()
            except Exception as failure:  # pylint: disable=broad-except
                failures.append(failure)
        if failures:
            raise failures[0]
        if self.temporary or os.path.exists(self.state_file):
            shutil.rmtree(self.folder, ignore_errors=True)
        if self.reaper:
            self.reaper.dismiss()

    def keep(self):
        """The folder stays, to be looked at."""
        self.temporary = False
        if self.reaper:
            self.reaper.dismiss(keep=True)

    def add_node(self):
        """Powers one more node on; Corosync of the others does not know it yet."""
        if len(self.nodes) == NODES_MAX:
            raise LabError(f"a laboratory has at most {NODES_MAX} nodes")
        node = Node(self, len(self.nodes) + 1)
        node.power_on()
        self.nodes.append(node)
        return node

    # ---- Corosync

    def start_corosync(self, nodes=None, **options):
        """`options`: token, quorum={...}, device={...}; the configuration always names all nodes."""
        self.corosync_options = options
        corosync.configure(self.nodes, options)
        for node in nodes or self.nodes:
            self.start_node(node)

    def start_node(self, node):
        """Starts Corosync on a node that is on, with the configuration that its disk has."""
        corosync.start(node)

    def wait_quorate(self, nodes=None, members=None, limit=60.0):
        """Until each of `nodes` is quorate with exactly `members` (default: the same nodes)."""
        nodes = nodes or self.nodes
        wanted = (True, sorted(node.number for node in (members or nodes)))
        for node in nodes:
            wait_for(f"{node.name} quorate with members {wanted[1]}",
                     lambda asked=node: corosync.quorum(asked) == wanted, limit)

    # ---- found again: whoever powers a node on, from whatever process, saves; whoever ends it all looks first

    @property
    def state_file(self):
        return os.path.join(self.folder, "state.json")

    def save(self):
        state = {
            "runs": self.runs,
            "programs": self.programs,
            "hub": [self.network.hub, self.network.started],
            "nodes": [[node.holder, node.started] for node in self.nodes],
        }
        with open(self.state_file + ".new", "w", encoding="ascii") as out:
            json.dump(state, out)
        os.replace(self.state_file + ".new", self.state_file)

    def find_again(self):
        """Takes over what was saved last; False when nothing was."""
        try:
            with open(self.state_file, encoding="ascii") as stored:
                state = json.load(stored)
        except FileNotFoundError:
            return False
        self.runs, self.programs = state["runs"], state["programs"]
        self.network.hub, self.network.started = state["hub"]
        self.nodes = self.nodes[:len(state["nodes"])]
        for number, (holder, started) in enumerate(state["nodes"], 1):
            if number > len(self.nodes):
                self.nodes.append(Node(self, number))
            self.nodes[number - 1].holder, self.nodes[number - 1].started = holder, started
        return True

    @classmethod
    def load(cls, folder):
        if not os.path.exists(os.path.join(folder, "state.json")):
            raise LabError(f"no laboratory in {folder}; start one: tests/lab up 3")
        lab = cls(1, folder, dies_with_us=False)
        lab.find_again()
        return lab
