"""The rings: one bridge each, in a network namespace of their own, and a cable per node and ring. With storage, one
more bridge and cable, which is cut by itself; what serves it runs in the bridges' namespace, at SERVER."""

import subprocess

from lab import process

RINGS = (0, 1)
STORAGE = 2
SERVER = f"10.77.{STORAGE}.254"
# Otherwise the bridge's is that of one of its ports, and changes when that node is powered off.
SERVER_MAC = "02:00:00:00:00:fe"


class Network:
    def __init__(self, folder, dies_with_us):
        self.folder = folder
        self.dies_with_us = dies_with_us
        self.hub = None
        self.started = None
        self.has_storage = False

    def power_on(self):
        self.hub = process.start_holder("hub", self.folder, ["--net"], self.dies_with_us)
        self.started = process.start_time(self.hub)
        for ring in RINGS:
            self._add_bridge(ring)

    def add_storage(self, nodes):
        """The bridge of the storage and each node's cable to it; a node that is powered on later gets its own."""
        self._add_bridge(STORAGE)
        self._hub("link", "set", "lo", "up")
        self._hub("link", "set", f"ring{STORAGE}", "address", SERVER_MAC)
        self._hub("addr", "add", f"{SERVER}/24", "dev", f"ring{STORAGE}")
        self.has_storage = True
        for node in nodes:
            self._plug_in(node, STORAGE)

    def serve(self, argv, log):
        """Starts what serves the storage; it ends with its laboratory, or with this process."""
        command = ["nsenter", "-t", str(self.hub), "--net", "--", *argv]
        if self.dies_with_us:
            command = ["setpriv", "--pdeathsig", "KILL", *command]
        with open(log, "ab") as out:
            return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out)

    def _add_bridge(self, ring):
        self._hub("link", "add", f"ring{ring}", "type", "bridge", "forward_delay", "0")
        self._hub("link", "set", f"ring{ring}", "up")

    def power_off(self):
        if self.hub is not None and process.start_time(self.hub) == self.started:
            process.kill_hub(self.hub)
        self.hub = None

    def connect(self, node):
        """A node's cables, new at every power-on: the old ones go with its namespace, when the kernel gets to it."""
        for ring in (*RINGS, STORAGE) if self.has_storage else RINGS:
            self._plug_in(node, ring)

    def _plug_in(self, node, ring):
        port = f"{node.name}r{ring}"
        self._hub("link", "del", port, check=False, stderr=subprocess.DEVNULL)
        self._hub("link", "add", port, "type", "veth", "peer", "name", f"eth{ring}", "netns", str(node.holder))
        self._hub("link", "set", port, "master", f"ring{ring}")
        self._hub("link", "set", port, "up")
        inside = ["nsenter", "-t", str(node.holder), "--net", "--", "ip"]
        subprocess.run([*inside, "addr", "add", f"{node.address(ring)}/24", "dev", f"eth{ring}"], check=True)
        subprocess.run([*inside, "link", "set", f"eth{ring}", "up"], check=True)

    def set_port(self, node, rings, state):
        for ring in rings or RINGS:
            self._hub("link", "set", f"{node.name}r{ring}", state)

    def _hub(self, *arguments, check=True, stderr=None):
        command = ["nsenter", "-t", str(self.hub), "--net", "--", "ip", *arguments]
        subprocess.run(command, check=check, stderr=stderr)
