"""What ./quickstart --nodes starts: a cluster with mail on every node, until Ctrl-C; it leaves nothing behind."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

SOURCE = pathlib.Path(os.environ["QUORATE_SOURCE"])
sys.path.insert(0, str(SOURCE / "tests/support"))

from lab import process  # noqa: E402


def start(folder, *options):
    command = [sys.executable, SOURCE / "packaging/quickstart/cluster.py", "2", os.environ["QUORATE_BIN"], *options]
    return subprocess.Popen(command, env=dict(os.environ, QUORATE_LAB=folder), stdout=subprocess.PIPE, text=True)


def left(folder):
    """Processes of the laboratory, and its folder."""
    return process.of_laboratory(folder) + ([folder] if os.path.exists(folder) else [])


def once(folder):
    quickstart = start(folder, "--once")
    lines = quickstart.stdout.read().splitlines()
    assert quickstart.wait() == 0, lines
    assert lines[-1].startswith("cluster ok: 2 members, epoch "), lines[-1]
    assert "20 messages sent and read back" in lines[-1], lines[-1]
    assert not left(folder), left(folder)
    print(lines[-1], flush=True)


def lab(folder, *words):
    subprocess.run([SOURCE / "tests/lab", *words], env=dict(os.environ, QUORATE_LAB=folder), check=True)


def on_n2(folder, *words):
    look = [SOURCE / "tests/lab", "run", "n2", f"{os.environ['QUORATE_BIN']}/clusterctl", *words]
    environment = dict(os.environ, QUORATE_LAB=folder)
    return subprocess.run(look, env=environment, stdout=subprocess.PIPE, text=True, check=False)


def await_members(folder, wanted):
    shown = {}
    end = time.monotonic() + 60
    while time.monotonic() < end:
        done = on_n2(folder, "cluster", "show", "--json")
        shown = json.loads(done.stdout) if done.returncode == 0 else {}
        members = sorted(row["name"] for row in shown.get("members", []) if row["status"] == "member")
        if members == wanted and shown["quorate"]:
            return
        time.sleep(0.1)
    raise AssertionError(f"not {wanted} with quorum: {shown}")


def until_interrupted(folder):
    quickstart = start(folder)
    seen = iter(quickstart.stdout.readline, "")
    assert any("Ctrl-C ends everything" in line for line in seen)
    done = on_n2(folder, "do", "hostname")
    assert done.stdout == "== n1\nn1\n== n2\nn2\n", done.stdout
    # What the hints name, from another process: the daemons come back, and what came is ended with the rest.
    lab(folder, "kill", "n2")
    lab(folder, "boot", "n2")
    await_members(folder, ["n1", "n2"])
    lab(folder, "add")
    await_members(folder, ["n1", "n2", "n3"])
    quickstart.send_signal(signal.SIGINT)
    rest = quickstart.stdout.read()
    assert quickstart.wait(60) == 0, rest
    assert not left(folder), left(folder)
    print("ends when interrupted, nothing is left", flush=True)


def main():
    if os.geteuid() != 0:
        print("not run: the laboratory needs root")
        return 77
    with tempfile.TemporaryDirectory(prefix="quorate-quickstart-") as folder:
        once(os.path.join(folder, "lab"))
        until_interrupted(os.path.join(folder, "lab"))
    return 0


sys.exit(main())
