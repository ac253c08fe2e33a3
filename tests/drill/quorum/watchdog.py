"""Watchdogs for a node of the laboratory, which switch it off when they are not fed: one outside of it behind a Unix
socket, as a hypervisor's agent is, and one that is a device (device_watchdog.py).

    watchdog = Socket(node)       or Device(node), of a node that is on
    quorumd.configure(node, watchdog=watchdog.where)
    watchdog.ended.wait(...)      it was told to stop; .fired: it was not fed
"""

import os
import pathlib
import socket
import subprocess
import sys
import threading

from lab import process


class Watchdog:
    def __init__(self, node):
        self.node = node
        self.ended = threading.Event()
        self.fired = threading.Event()

    def start(self):
        threading.Thread(target=self.work, daemon=True).start()

    def fire(self):
        self.fired.set()
        if self.node.alive:
            self.node.kill()


class Socket(Watchdog):
    """It is told the time as a line, then fed by lines; an empty line ends it."""

    def __init__(self, node):
        super().__init__(node)
        path = os.path.join(node.folder, "watchdog.sock")
        self.where = f"unix:{path}"
        if os.path.exists(path):
            os.remove(path)
        self.listening = socket.socket(socket.AF_UNIX)
        self.listening.bind(path)
        self.listening.listen(1)
        self.start()

    def work(self):
        with self.listening:
            connection, _ = self.listening.accept()
        with connection, connection.makefile("rb", buffering=0) as lines:
            line = b"-"
            timeout = int(lines.readline()) / 1000
            connection.settimeout(timeout)
            try:
                while True:
                    line = lines.readline()
                    if line == b"\n":
                        self.ended.set()
                        return
                    if not line:  # its program died: nobody feeds any more
                        break
            except TimeoutError:
                pass
        if not line:
            threading.Event().wait(timeout)
        self.fire()


class Device(Watchdog):
    """With the kernel's API of /dev/watchdog, in the node's mount namespace."""

    def __init__(self, node):
        super().__init__(node)
        self.where = os.path.join(node.folder, "watchdog")
        with open(self.where, "ab"):
            pass
        program = str(pathlib.Path(__file__).with_name("device_watchdog.py"))
        self.program = subprocess.Popen(
            process.entered(node.holder, ["--mount"], [sys.executable, program, self.where]),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        self.seen = []
        self.start()

    def work(self):
        with self.program.stdout:
            for line in self.program.stdout:
                self.seen.append(line.strip())
                if line == "stopped\n":
                    self.ended.set()
                elif line == "fired\n":
                    self.fire()
        self.program.wait()

    def stop(self):
        self.program.kill()


def watchdog_for(case, node):
    """The last node of a case has a device where the kernel can have one, others a program behind a socket."""
    if node is not case.lab.nodes[-1] or not os.path.exists("/dev/fuse"):
        return Socket(node)
    watchdog = Device(node)
    case.addClassCleanup(watchdog.stop)
    return watchdog
