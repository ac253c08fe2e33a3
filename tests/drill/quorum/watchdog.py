"""A watchdog for a node of the laboratory, outside of it, as a hypervisor's agent is: behind a Unix socket. It is told
the time as a line, then fed by lines; unfed for that time it switches the node off, and an empty line ends it."""

import os
import socket
import threading


class Watchdog:
    def __init__(self, node):
        self.node = node
        self.path = os.path.join(node.folder, "watchdog.sock")
        self.ended = threading.Event()
        self.fired = threading.Event()
        if os.path.exists(self.path):
            os.remove(self.path)
        self.listening = socket.socket(socket.AF_UNIX)
        self.listening.bind(self.path)
        self.listening.listen(1)
        threading.Thread(target=self.work, daemon=True).start()

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
        self.fired.set()
        if self.node.alive:
            self.node.kill()
