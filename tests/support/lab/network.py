"""The rings: one bridge each, in a network namespace of their own, and a cable per node and ring."""

import subprocess

from lab import process

RINGS = (0, 1)


class Network:
    def __init__(self, folder, dies_with_us):
        self.folder = folder
        self.dies_with_us = dies_with_us
        self.hub = None
        self.started = None

    def power_on(self):
        self.hub = process.start_holder("hub", self.folder, ["--net"], self.dies_with_us)
        self.started = process.start_time(self.hub)
        for ring in RINGS:
            self._hub("link", "add", f"ring{ring}", "type", "bridge", "forward_delay", "0")
            self._hub("link", "set", f"ring{ring}", "up")

    def power_off(self):
        if self.hub is not None and process.start_time(self.hub) == self.started:
            process.kill_hub(self.hub)
        self.hub = None

    def connect(self, node):
        """A node's cables, new at every power-on: the old ones went with its namespace."""
        for ring in RINGS:
            port = f"{node.name}r{ring}"
            self._hub("link", "add", port, "type", "veth", "peer", "name", f"eth{ring}", "netns", str(node.holder))
            self._hub("link", "set", port, "master", f"ring{ring}")
            self._hub("link", "set", port, "up")
            inside = ["nsenter", "-t", str(node.holder), "--net", "--", "ip"]
            subprocess.run([*inside, "addr", "add", f"{node.address(ring)}/24", "dev", f"eth{ring}"], check=True)
            subprocess.run([*inside, "link", "set", f"eth{ring}", "up"], check=True)

    def set_port(self, node, rings, state):
        for ring in rings or RINGS:
            self._hub("link", "set", f"{node.name}r{ring}", state)

    def _hub(self, *arguments):
        subprocess.run(["nsenter", "-t", str(self.hub), "--net", "--", "ip", *arguments], check=True)
