"""What every test with real daemons needs: free ports, a certificate, children that end with the test.

Nothing here ends a process that it did not start.
"""

import ctypes
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time


def free_ports(count):
    """Ports of 127.0.0.1 that were free a moment ago; all different."""
    holders = []
    try:
        for _ in range(count):
            holder = socket.socket()
            holder.bind(("127.0.0.1", 0))
            holders.append(holder)
        return [holder.getsockname()[1] for holder in holders]
    finally:
        for holder in holders:
            holder.close()


def wait_until(condition, what, seconds=20.0, step=0.05):
    """Calls `condition` until it returns something true, which is returned; TimeoutError names `what`."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {seconds:.0f} s")
        time.sleep(step)


def listens(port):
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def self_signed(directory, name="mail.example.test"):
    """(certificate, key): PEM files in `directory`, also good for localhost and 127.0.0.1."""
    certificate, key = pathlib.Path(directory) / "cert.pem", pathlib.Path(directory) / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
         "-days", "30", "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name},DNS:localhost,IP:127.0.0.1",
         "-keyout", str(key), "-out", str(certificate)],
        check=True, capture_output=True)
    return certificate, key


class Scratch:
    """A temporary directory that others may enter, removed at the end. QUORATE_KEEP=1 keeps it and says where it is."""

    def __init__(self, name):
        self.path = pathlib.Path(tempfile.mkdtemp(prefix=f"quorate-{name}-"))
        self.path.chmod(0o755)

    def __enter__(self):
        return self.path

    def __exit__(self, *_):
        if os.environ.get("QUORATE_KEEP"):
            print(f"kept {self.path}")
        else:
            shutil.rmtree(self.path, ignore_errors=True)


LIBC = ctypes.CDLL(None)
PR_SET_PDEATHSIG = 1


def end_with_parent():
    """In the child: SIGTERM when the test itself is killed and cannot clean up."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


class Child:
    """A daemon in the foreground, in its own process group, with its output in a file. Started from the main thread."""

    def __init__(self, command, log, environment=None):
        self.command = [str(word) for word in command]
        self.log = pathlib.Path(log)
        with open(self.log, "ab") as output:
            self.process = subprocess.Popen(
                self.command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
                preexec_fn=end_with_parent, env={**os.environ, **(environment or {})})

    @property
    def pid(self):
        return self.process.pid

    def running(self):
        return self.process.poll() is None

    def tail(self, lines=15):
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def wait_listening(self, ports, seconds=20.0):
        def ready():
            if not self.running():
                raise RuntimeError(f"{self.command[0]} ended with {self.process.returncode}:\n{self.tail()}")
            return all(listens(port) for port in ports)

        wait_until(ready, f"{self.command[0]} on ports {ports}", seconds)

    def kill(self):
        """SIGKILL, as a crash would."""
        if self.running():
            self.process.kill()
        return self.process.wait(10)

    def stop(self, seconds=20.0):
        """SIGTERM, then SIGKILL to what is left of its process group. Returns the exit code."""
        if self.running():
            self.process.terminate()
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                pass
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        return self.process.wait(10)
