"""What the drills of the cluster share: a laboratory with clusterd on every node, and what must hold on all of them."""

import http.client
import json
import os
import pathlib
import re
import sys
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "support"))

from lab import Lab, LabError, clusterd, leases  # noqa: E402
from lab.node import wait_for  # noqa: E402

NOT_RUN = 77
SANITIZER = re.compile(r"\w+Sanitizer|runtime error:")


def run():
    """unittest.main() that says "not run" where there are no namespaces to be had."""
    if os.geteuid() != 0:
        print("not run: the laboratory needs root")
        sys.exit(NOT_RUN)
    unittest.main(verbosity=2)


class ClusterCase(unittest.TestCase):
    """One laboratory for the tests of a class, which begin and end with all nodes in one view."""

    count = 3
    corosync = {}
    clusterd = {}

    @classmethod
    def setUpClass(cls):
        cls.lab = Lab(nodes=cls.count)
        cls.lab.up()
        cls.addClassCleanup(cls.tear_down_lab)
        cls.before_corosync()
        cls.lab.start_corosync(**cls.corosync)
        cls.key = clusterd.configure(cls.lab, **cls.clusterd)
        for node in cls.lab.nodes:
            clusterd.start(node)

    @classmethod
    def before_corosync(cls):
        """For what a class puts on its nodes first."""

    @classmethod
    def tear_down_lab(cls):
        if os.environ.get("QUORATE_KEEP"):
            print(f"kept {cls.lab.folder}")
            cls.lab.keep()
        reports = [report for node in cls.lab.nodes for report in cls.sanitizer_reports(node)]
        reports += [f"{node.name}: {line}" for node in cls.lab.nodes for line in cls.out_of_sequence(node)]
        cls.lab.down()
        if reports:
            raise AssertionError("\n".join(reports))

    @staticmethod
    def sanitizer_reports(node, lines=40):
        log = node.log_text("clusterd").splitlines() if os.path.exists(node.log("clusterd")) else []
        first = next((number for number, line in enumerate(log) if SANITIZER.search(line)), None)
        return [] if first is None else [f"clusterd of {node.name}:", *log[first:first + lines]]

    @staticmethod
    def out_of_sequence(node):
        """What clusterd logs, in any of its lives, when the interconnect lost, repeated or reordered a ping."""
        log = node.log_text("clusterd").splitlines() if os.path.exists(node.log("clusterd")) else []
        return [line for line in log if "ping_out_of_sequence" in line]

    def setUp(self):
        self.healthy()

    def run(self, result=None):
        before = len(result.failures) + len(result.errors) if result else 0
        super().run(result)
        if result and len(result.failures) + len(result.errors) > before:
            self.show_logs()
        return result

    def show_logs(self, lines=40):
        for node in self.lab.nodes:
            try:
                tail = node.log_text("clusterd").splitlines()[-lines:]
            except OSError:
                continue
            print(f"---- clusterd of {node.name}", *tail, sep="\n", flush=True)

    # ---- what holds

    def healthy(self, nodes=None, limit=60.0):
        """All of `nodes` in one quorate view of exactly these, lease running, by the lease page too; returns what each
        shows."""
        nodes = nodes or self.lab.nodes
        shown = clusterd.wait_cluster(nodes, limit=limit)
        for one in shown:
            self.assertEqual(one["lease"]["state"], "running", one)
        self.same_view(shown)
        for node, one in zip(nodes, shown):
            wait_for(f"the lease page of {node.name} runs", lambda n=node, s=one: self.page_runs(n, s), limit)
        return shown

    @staticmethod
    def page_runs(node, shown):
        """It may be a later epoch than the one that was shown."""
        epoch, incarnation, state, deadline = leases.page_of(node).read()
        life = int(shown["incarnation"], 16)
        return (incarnation, state) == (life, leases.RUNNING) and epoch >= shown["epoch"] and deadline > leases.now()

    @staticmethod
    def page_may_act(node):
        """What the node's lease page says to whoever reads it: "running", and the deadline is still to come."""
        _, _, state, deadline = leases.page_of(node).read()
        return state == leases.RUNNING and deadline > leases.now()

    def await_takeover(self, nodes, *lost):
        """`nodes` have a view without `lost`. The lost ones' leases had ended when each was told to take over."""
        for node in nodes:
            wait_for(f"{node.name} has taken over", lambda asked=node: not clusterd.cluster(asked)["takeovers"])
            for one in lost:
                self.assertFalse(self.page_may_act(one), f"the lease of {one.name}")

    def same_view(self, shown):
        """Members of one epoch agree on everything that a view is made of."""
        views = [{key: one[key] for key in ("cluster", "key", "epoch", "coordinator", "level", "quorate")}
                 | {"members": sorted((row["name"], row["incarnation"]) for row in one["members"]
                                      if row["status"] == "member")}
                 for one in shown]
        for view in views[1:]:
            self.assertEqual(view, views[0])

    def epoch(self, node):
        return clusterd.cluster(node)["epoch"]

    def incarnation(self, node):
        return clusterd.cluster(node)["incarnation"]

    def others(self, node):
        return [other for other in self.lab.nodes if other is not node]

    def boot(self, node, corosync=True):
        node.power_on()
        if corosync:
            self.lab.start_node(node)
        clusterd.start(node)

    def logged(self, node, event):
        return [line for line in node.log_text("clusterd").splitlines() if line[3:].startswith(event)]

    def wait_logged(self, node, event, limit=60.0):
        return wait_for(f"{event} in the log of {node.name}", lambda: self.logged(node, event), limit)

    def ping(self, node, other, count=5, size=100, timeout=30):
        return clusterd.control(node, "POST", f"/v1/nodes/{other.name}/ping", {"count": count, "bytes": size}, timeout)


class Events:
    """The event stream of a node, read on demand."""

    def __init__(self, node, since=None):
        self.connection = clusterd.maild_node.UnixConnection(os.path.join(node.root, clusterd.SOCKET), 60)
        self.connection.request("GET", "/v1/events" + ("" if since is None else f"?since={since}"))
        self.response = self.connection.getresponse()

    def next(self, kind=None):
        while True:
            line = self.response.readline()
            if not line:
                raise EOFError("the stream ended")
            event = json.loads(line) if line.strip() else None
            if event and kind in (None, event["kind"]):
                return event

    def close(self):
        self.response.close()
        self.connection.close()


class PingStream:
    """Numbered messages from one node to another and back, many at once, until stopped. clusterd refuses a run of
    which one is lost, comes twice or out of order; how many runs were answered and refused is kept. After a new view it
    sends again what that made void; but all that a life of one node says to a life of another in one epoch is numbered
    besides, and who receives it logs what is not next (out_of_sequence())."""

    def __init__(self, node, other, size=4000, count=200, at_once=16):
        self.node, self.other, self.count = node, other, count
        self.body = {"count": count, "bytes": size, "at_once": at_once}
        self.answered = 0
        self.refused = 0
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.work, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        self.thread.join(60)

    def wait_more(self, runs=3):
        """Until so many more runs were answered."""
        so_far = self.answered
        wait_for(f"pings from {self.node.name} to {self.other.name}", lambda: self.answered >= so_far + runs)

    def work(self):
        path = f"/v1/nodes/{self.other.name}/ping"
        while not self.stopping.is_set():
            try:
                status, answer = clusterd.control(self.node, "POST", path, self.body, 20)
            except (OSError, http.client.HTTPException):
                status = 0
            if status == 200 and len(answer["round_trips_us"]) == self.count:
                self.answered += 1
            else:
                self.refused += 1
                time.sleep(0.1)


__all__ = ["ClusterCase", "Events", "Lab", "LabError", "PingStream", "clusterd", "leases", "run", "wait_for"]
