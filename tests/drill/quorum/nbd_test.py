"""The disk as an NBD export, each node with a server of its own over one file, so that each path can be hurt by itself:
it hangs, it fails, it answers from a cache."""

import os
import shutil
import socket
import subprocess
import sys
import time

from support import NOT_RUN, SILENCE, Lab, Promise, QuorumCase, now, quorumd, run, wait_for

PLUGIN = ["nbdkit", "-f", "--exit-with-parent", "-t", "4"]
CACHE = (("cache", "cache=writethrough", "cache-on-read=true", "cache-min-block-size=4K"),)


class Nbd(QuorumCase):
    """Paths: nbd+unix URIs that differ from node to node, named in [quorum] disks."""

    apart = True

    @classmethod
    def setUpClass(cls):
        cls.lab = Lab(nodes=2)
        cls.lab.up()
        cls.addClassCleanup(cls.tear_down_lab)
        cls.disk = os.path.join(cls.lab.folder, "quorum.disk")
        cls.formatted = quorumd.format_disks(cls.disk)
        cls.servers = {}
        for node in cls.lab.nodes:
            cls.serve(node)
            quorumd.configure(node, disks=[cls.uri(node)])
        cls.lab.start_corosync(device=quorumd.device(cls.formatted))
        for node in cls.lab.nodes:
            cls.start_programs(node)

    @classmethod
    def path(cls, node, what):
        return os.path.join(node.folder, f"{what}.sock")

    @classmethod
    def uri(cls, node):
        return f"nbd+unix:///?socket={cls.path(node, 'nbd')}"

    @classmethod
    def serve(cls, node, *filters):
        """A server of the node's; filters as (name, parameter=value...)."""
        cls.stop_server(node)
        if os.path.exists(cls.path(node, "nbd")):
            os.remove(cls.path(node, "nbd"))
        words = ["--filter=" + one[0] for one in filters] + ["file", cls.disk]
        words += [parameter for one in filters for parameter in one[1:]]
        cls.servers[node.name] = subprocess.Popen([*PLUGIN, "-U", cls.path(node, "nbd"), *words],
                                                  stdin=subprocess.DEVNULL)
        wait_for("nbdkit listens", lambda: os.path.exists(cls.path(node, "nbd")), 20)

    @classmethod
    def stop_server(cls, node):
        server = cls.servers.pop(node.name, None)
        if server:
            server.kill()
            server.wait(10)

    @classmethod
    def tear_down_lab(cls):
        super().tear_down_lab()
        for node in cls.lab.nodes:
            cls.stop_server(node)

    def control(self, node, letter):
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(20)
            connection.connect(self.path(node, "pause"))
            connection.send(letter)
            return connection.recv(1)

    def serve_anew(self, node, *filters):
        """Another server, and quorumd has found it."""
        before = len(self.logged(node, "disk_opened"))
        self.serve(node, *filters)
        wait_for("the disk is opened anew", lambda: len(self.logged(node, "disk_opened")) > before, 30)

    def test_a_path_that_hangs(self):
        n1, n2 = self.lab.nodes
        self.serve_anew(n2, ("pause", f"pause-control={self.path(n2, 'pause')}"))
        self.watches(n2)
        self.assertEqual(self.control(n2, b"p"), b"P")
        since = now()
        self.loses_its_path(n2)
        self.assertEqual(self.control(n2, b"r"), b"R")
        self.watches(n2)
        late = quorumd.show(n2)["disks"][0]["late"]
        self.assertGreater(late, 0)
        self.quorum_lasted(since)

    def test_a_path_with_errors(self):
        n1, n2 = self.lab.nodes
        trigger = os.path.join(n2.folder, "errors")
        self.serve_anew(n2, ("error", "error=EIO", "error-rate=100%", f"error-file={trigger}"))
        self.watches(n2)
        since = now()
        with open(trigger, "w", encoding="ascii"):
            self.loses_its_path(n2)
        self.assertIn("Input/output error", quorumd.show(n2)["disks"][0]["problem"])
        self.asks_its_mate(n2, n1)
        os.remove(trigger)
        self.watches(n2)
        self.quorum_lasted(since)

    def asks_its_mate(self, ward, mate):
        """Words about a shadow set are written and read for a node without a path of its own."""
        word = {"set": "5e" * 16, "lineage": "0" * 32, "generation": 0, "generation_id": "0" * 16, "reserved": 1,
                "members": 0}
        next_word = word | {"lineage": "11" * 16, "generation": 1, "generation_id": "00000000000000ab", "members": 3}
        for one in (word, next_word):
            self.assertEqual(quorumd.control(ward, "PUT", "/v1/witnesses", one), (200, {"held": True, "witness": one}))
        for node in (ward, mate):
            self.assertEqual(quorumd.control(node, "GET", "/v1/witnesses"), (200, {"witnesses": [next_word]}))
        status, answer = quorumd.control(mate, "PUT", "/v1/witnesses", word)
        self.assertEqual((status, answer["error"]["code"], answer["witness"]), (409, "behind", next_word))

    def test_paths_with_caches_of_their_own_are_not_trusted(self):
        """Each node sees what it writes, and of the other for ever what it read first. Believed, that would be a silent
        node, and votes for both when the link is cut; so nobody trusts its path, and nobody has the votes."""
        for node in self.lab.nodes:
            quorumd.stop(node)
            self.serve(node, *CACHE)
        for node in self.lab.nodes:
            quorumd.start(node)
        for node in self.lab.nodes:
            quorumd.wait_shown(node, "opened", lambda shown: shown["voting"] and shown["disks"][0]["opened"])
        self.is_never(self.lab.nodes, 10, "four cycles would be enough for a disk to be trusted",
                      lambda shown: shown["watcher"] or shown["casting"])
        self.nobody_goes_on()
        self.lab.nodes[1].heal()
        for node in self.lab.nodes:
            self.serve(node)
        self.healthy()

    def test_a_path_that_becomes_a_cache_is_trusted_no_more(self):
        """The votes are in use; what a peer says that it has written is not there. One node: it casts as the other's
        ward, and the other has the votes when they part. Both: who is first to notice has them no more."""
        n1, n2 = self.lab.nodes
        self.serve_anew(n2, *CACHE)
        self.loses_its_path(n2)
        self.assertIn("what a peer has written is not there", self.wait_logged(n2, "disk_not_trusted")[-1])
        promise = Promise(self)
        n2.cut()
        self.wait_alone([n1], promise.since)
        blocked = self.wait_span(n2, "blocked", lambda one: not one.quorate and one.members == {2}, promise.since)
        self.never_quorate(n2, blocked.begin, 3)
        n2.heal()
        self.serve(n2)
        self.healthy()
        for node in self.lab.nodes:
            self.serve(node, *CACHE)
        left = wait_for("one of them has noticed", self.without_trust, 60)
        n2.cut()
        self.is_never(left, SILENCE + 3, "it casts, apart",
                      lambda shown: shown["casting"] and len(shown["members"]) == 1)

    def without_trust(self):
        shown = [(node, quorumd.show(node)) for node in self.lab.nodes]
        return [node for node, one in shown if one and not one["watcher"]]

    def is_never(self, nodes, seconds, why, condition):
        until = now() + seconds
        while now() < until:
            for node in nodes:
                shown = quorumd.show(node)
                self.assertFalse(shown and condition(shown), f"{node.name}: {why}: {shown}")
            time.sleep(0.2)

    def nobody_goes_on(self):
        since = now()
        self.lab.nodes[1].cut()
        for node in self.lab.nodes:
            self.wait_span(node, "blocked",
                           lambda one, number=node.number: not one.quorate and one.members == {number}, since)
        self.is_never(self.lab.nodes, SILENCE, "it has the votes",
                      lambda shown: shown["casting"] or shown["votes"]["quorate"])


if __name__ == "__main__":
    if shutil.which("nbdkit") is None:
        print("not run: nbdkit is not installed")
        sys.exit(NOT_RUN)
    run()
