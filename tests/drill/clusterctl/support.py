"""A laboratory for clusterctl: nodes that are machines with systemd, as far as clusterctl can tell."""

import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.environ["QUORATE_SOURCE"], "tests/support"))

from lab import Lab, LabError, clusterd  # noqa: E402
from lab.node import wait_for  # noqa: E402

__all__ = ["CtlLab", "clusterd", "conf", "expect", "run_or_skip", "wait_for"]

# What clusterctl asks of systemd, with the two units that it knows; each call is noted. Who stops clusterd stops what
# would start it again first. With a file `slow` in its folder a node does not start clusterd when it is told to.
SYSTEMCTL = """#!/bin/sh
for unit; do :; done
echo "$*" >>"$QUORATE_ROOT/systemctl.log"
running() { for pid in /proc/[0-9]*; do [ "$(cat "$pid/comm" 2>/dev/null)" = "$1" ] && basename "$pid"; done; }
supervisors() { grep -lz 'clusterd [e]nded' /proc/[0-9]*/cmdline 2>/dev/null | cut -d/ -f3; }
stop() {
    [ "$1" = clusterd ] && for pid in $(supervisors); do kill "$pid"; done
    for pid in $(running "$1"); do kill "$pid"; done
    while [ -n "$(running "$1")" ]; do sleep 0.05; done
}
start() { setsid --fork "$@" >>"$LAB_FOLDER/$name.log" 2>&1 </dev/null; }
name=${unit#quorate-}
case "$unit $*" in
    corosync*restart*) stop corosync; start corosync -f -c /etc/corosync/corosync.conf ;;
    quorate-clusterd*restart*)
        stop clusterd
        [ -e "$LAB_FOLDER/slow" ] && exit
        start sh -c "$LAB_SUPERVISOR" "$QUORATE_BIN/clusterd" "$QUORATE_ROOT"
        ;;
    *--now*) stop "$name" ;;
esac
"""


class Answer:
    def __init__(self, done):
        self.code, self.out, self.errors = done.returncode, done.stdout, done.stderr

    @property
    def json(self):
        return json.loads(self.out)


class CtlLab(Lab):
    """`ctl(node, ...)` runs clusterctl there; an exit code other than `code` ends the drill."""

    def __enter__(self):
        super().__enter__()
        self.tools = os.path.join(self.folder, "tools")
        os.makedirs(self.tools)
        tool = os.path.join(self.tools, "systemctl")
        with open(os.open(tool, os.O_WRONLY | os.O_CREAT, 0o755), "w", encoding="ascii") as out:
            out.write(SYSTEMCTL)
        for node in self.nodes:
            self.furnish(node)
        return self

    def furnish(self, node):
        node.run("mkdir", "-p", "/run/systemd/system")

    def environment(self, node):
        return dict(node.environment(), PATH=f"{self.tools}:{os.environ['PATH']}", LAB_FOLDER=node.folder,
                    LAB_SUPERVISOR=clusterd.SUPERVISOR, QUORATE_BIN=os.environ["QUORATE_BIN"])

    def command(self, node, *words):
        program = os.path.join(os.environ["QUORATE_BIN"], "clusterctl")
        return node.command([program, *words]), self.environment(node)

    def ctl(self, node, *words, code=0, timeout=120):
        command, environment = self.command(node, *words)
        done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=timeout, check=False)
        answer = Answer(done)
        if code is not None and answer.code != code:
            raise AssertionError(f"{node.name}: clusterctl {' '.join(words)}: exit {answer.code}, not {code}\n"
                                 f"{answer.out}{answer.errors}{self.logs(node)}")
        return answer

    def logs(self, node):
        text = ""
        for name in ("corosync", "clusterd"):
            if os.path.exists(node.log(name)):
                text += f"-- {name} of {node.name}\n" + "\n".join(node.log_text(name).splitlines()[-15:]) + "\n"
        return text

    def restart(self, node, unit):
        subprocess.run(node.command([os.path.join(self.tools, "systemctl"), "restart", unit]),
                       env=self.environment(node), stdin=subprocess.DEVNULL, timeout=60, check=True)

    def create(self, node, name="demo", **options):
        return self.ctl(node, "cluster", "create", "--name", name, *self.place(node), "--yes", **options)

    def join(self, node, member, *more, **options):
        return self.ctl(node, "cluster", "join", *self.place(node), "--member", member.address(0), "--yes", *more,
                        **options)

    @staticmethod
    def place(node):
        return ["--node", node.name, "--address", node.address(0), "--address", node.address(1)]

    @staticmethod
    def copy_key(source, target):
        with open(os.path.join(source.root, "etc/quorate/cluster.key"), encoding="ascii") as key:
            clusterd.write(target, "etc/quorate/cluster.key", key.read(), 0o400)

    def members(self, node):
        shown = self.ctl(node, "cluster", "show", "--json").json
        return sorted(row["name"] for row in shown["members"] if row["status"] == "member")

    def epoch(self, node):
        return self.ctl(node, "cluster", "show", "--json").json["epoch"]


def conf(node):
    with open(os.path.join(node.folder, "etc-corosync/corosync.conf"), encoding="ascii") as text:
        return text.read()


def run_or_skip(drill, nodes):
    """The drill with a laboratory of so many nodes; 77 where there can be none."""
    try:
        lab = CtlLab(nodes)
    except LabError as error:
        print(f"not run: {error}")
        return 77
    with lab:
        drill(lab)
    return 0


def expect(condition, what):
    if not condition:
        raise AssertionError(what)
    print(f"ok: {what}", flush=True)
