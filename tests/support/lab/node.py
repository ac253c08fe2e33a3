"""One node of the laboratory."""

import os
import subprocess
import time

from lab import process

NAMESPACES = ["--mount", "--uts", "--ipc", "--net", "--pid", "--fork"]
ENTER = ["--mount", "--uts", "--ipc", "--net", "--pid"]


class Node:
    """A machine of the laboratory: powered on or off, running or frozen."""

    def __init__(self, lab, number):
        self.lab = lab
        self.number = number
        self.name = f"n{number}"
        self.folder = os.path.join(lab.folder, self.name)
        self.root = os.path.join(self.folder, "root")
        self.holder = None
        self.started = None
        os.makedirs(self.root, exist_ok=True)

    def address(self, ring=0):
        return f"10.77.{ring}.{self.number}"

    def power_on(self):
        self.holder = process.start_holder(self.name, self.folder, NAMESPACES, self.lab.dies_with_us)
        self.started = process.start_time(self.holder)
        self.lab.network.connect(self)

    @property
    def alive(self):
        return self.holder is not None and process.start_time(self.holder) == self.started

    def kill(self):
        """Power off: every process at once, no farewell. Files stay, as a disk does."""
        if self.alive:
            process.kill_all(self.holder)
        self.holder = None

    def freeze(self):
        process.stop_all(self.holder)

    def thaw(self):
        process.continue_all(self.holder)

    def cut(self, *rings):
        self.lab.network.set_port(self, rings, "down")

    def heal(self, *rings):
        self.lab.network.set_port(self, rings, "up")

    def command(self, argv):
        return process.entered(self.holder, ENTER, argv)

    def run(self, *argv, check=True, timeout=30, **options):
        """Runs a command in the node to its end; returns what it printed."""
        done = subprocess.run(self.command(argv), capture_output=True, text=True, timeout=timeout, check=False,
                              env=self.environment(), **options)
        if check and done.returncode != 0:
            raise RuntimeError(f"{self.name}: {' '.join(argv)}: exit {done.returncode}: {done.stdout}{done.stderr}")
        return done.stdout

    @property
    def frozen(self):
        return self.alive and process.state_of(self.holder) == "T"

    def start(self, name, *argv):
        """Starts a daemon, a child of the node's first process; its output goes to NAME.log in the node's folder."""
        with open(self.log(name), "ab") as log:
            subprocess.run(self.command(["setsid", "--fork", *argv]), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                           env=self.environment(), check=True, timeout=30)

    def pids(self, program):
        """Pids, as the machine sees them, of the node's processes with this program name."""
        found = []
        for pid in process.in_pid_namespace(self.holder):
            try:
                with open(f"/proc/{pid}/comm", encoding="utf-8") as comm:
                    if comm.read().strip() == program[:15]:
                        found.append(pid)
            except OSError:
                pass
        return found

    def kill_program(self, program):
        """kill -9 of every process of this name in the node, and waits for its end."""
        for pid in self.pids(program):
            process.kill(pid)
            process.wait_gone(pid)

    def environment(self):
        return dict(os.environ, QUORATE_ROOT=self.root)

    def log(self, name):
        return os.path.join(self.folder, f"{name}.log")

    def log_text(self, name):
        with open(self.log(name), encoding="utf-8", errors="replace") as log:
            return log.read()


def wait_for(what, condition, limit=60.0, pause=0.05):
    """Waits until condition() is true and returns that value; an error names `what`."""
    deadline = time.monotonic() + limit
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {limit:.0f} s")
        time.sleep(pause)
