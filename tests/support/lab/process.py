"""Processes in namespaces: holders, what runs beside them, and signals to all of a node at once."""

import os
import signal
import subprocess
import sys
import time

# The outermost process of each holder that was started here, by the holder's pid: to be waited for when it ends.
_outermost = {}

HOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "holder.py")


def start_holder(name, folder, namespaces, dies_with_us):
    """Starts a holder; returns its pid as the machine sees it."""
    environment = dict(os.environ, LAB_NODE=folder)
    command = ["unshare", *namespaces, sys.executable, HOLDER, name]
    if dies_with_us:
        command = ["setpriv", "--pdeathsig", "KILL", *command]
    if "--fork" in namespaces:
        command[command.index("--fork")] = "--kill-child=KILL"
    with open(os.path.join(folder, "holder.log"), "ab") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log,
                                   env=environment, start_new_session=True)
    with process.stdout:
        ready = process.stdout.readline() == b"ready\n"
    if not ready:
        process.kill()
        process.wait()
        with open(os.path.join(folder, "holder.log"), encoding="utf-8") as log:
            raise RuntimeError(f"{name}: its namespaces could not be made (is this root?): {log.read().strip()}")
    holder = process.pid
    if "--fork" in namespaces:
        with open(f"/proc/{process.pid}/task/{process.pid}/children", encoding="ascii") as children:
            holder = int(children.read().split()[0])
    _outermost[holder] = process
    return holder


def entered(pid, namespaces, command):
    return ["nsenter", "-t", str(pid), *namespaces, "--", *command]


def in_pid_namespace(holder):
    """Pids, as the machine sees them, of everything in the holder's PID namespace, the holder included."""
    wanted = os.readlink(f"/proc/{holder}/ns/pid")
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                if os.readlink(f"/proc/{entry}/ns/pid") == wanted:
                    found.append(int(entry))
            except OSError:
                pass
    return found


def of_laboratory(folder):
    """Processes of a laboratory: they have its folder in their environment, or in their words."""
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit() and int(entry) != os.getpid():
            try:
                with open(f"/proc/{entry}/environ", "rb") as environ, open(f"/proc/{entry}/cmdline", "rb") as words:
                    if folder.encode() in environ.read() + words.read():
                        found.append(int(entry))
            except OSError:
                pass
    return found


def _stat(pid):
    """Fields of /proc/PID/stat from the state on; None when the process is gone or waits to be reaped."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
    except OSError:
        return None
    return None if fields[0] == "Z" else fields


def start_time(pid):
    """When the process started, in ticks since boot; None when it is gone. A pid may be another process by now."""
    fields = _stat(pid)
    return int(fields[19]) if fields else None


def state_of(pid):
    fields = _stat(pid)
    return fields[0] if fields else "gone"


def entrances(holder):
    """The nsenter processes outside that wait for a process inside. One whose child stops stops itself, and one that is
    stopped keeps a killed node's namespace alive, because it does not reap."""
    inside = set(in_pid_namespace(holder))
    parents = {int(fields[1]) for fields in map(_stat, inside - {holder}) if fields}
    return parents - inside - {0}


def _signal(pids, number):
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            pass


def stop_all(holder):
    """Stops every process; what was forked meanwhile too."""
    while True:
        running = [pid for pid in in_pid_namespace(holder) if state_of(pid) not in ("T", "gone")]
        if not running:
            return
        _signal(running, signal.SIGSTOP)
        time.sleep(0.005)


def continue_all(holder):
    _signal([*in_pid_namespace(holder), *entrances(holder)], signal.SIGCONT)


def kill_all(holder):
    """Kills the holder, and with it everything in its PID namespace."""
    outside = entrances(holder)
    kill(holder)
    _signal(outside, signal.SIGKILL)
    wait_gone(holder)
    _reap(holder)


def kill_hub(holder):
    """Kills a holder that has no PID namespace."""
    kill(holder)
    wait_gone(holder)
    _reap(holder)


def _reap(holder):
    """One that another process started is that one's to wait for."""
    process = _outermost.pop(holder, None)
    if process:
        process.wait(60)


def kill(pid):
    _signal([pid], signal.SIGKILL)


def wait_gone(pid, limit=60.0):
    deadline = time.monotonic() + limit
    while state_of(pid) != "gone":
        if time.monotonic() > deadline:
            raise RuntimeError(f"process {pid} does not end")
        time.sleep(0.01)
