"""cluster.py NODES BIN [--once]: a cluster of namespaces inside this machine: Corosync, clusterd, maild on each node.

Waits until all nodes see one view, sends mail through each node and reads it back there, and stays until Ctrl-C; then
nothing is left. --once ends after the mail.
"""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
SOURCE = HERE.parents[1]
FOLDER = pathlib.Path(os.environ.get("QUORATE_LAB", SOURCE / ".lab"))
sys.path.insert(0, str(SOURCE / "tests/support"))

from lab import Lab, LabError, clusterd, daemons  # noqa: E402

LOOK_AROUND = """
Look around in another terminal, as root, in this folder:
  tests/lab run n1 {bin}/clusterctl cluster show
  tests/lab run n1 {bin}/clusterctl cluster show --watch
  tests/lab run n2 {bin}/clusterctl status
  tests/lab run n1 {bin}/clusterctl cluster show --diff
  tests/lab run n1 {bin}/clusterctl do uptime
  tests/lab run n1 {bin}/clusterctl events --follow
Break it, and watch:
  tests/lab kill {last}; tests/lab boot {last}       power off and on again, with all that ran on it
  tests/lab freeze {last}; tests/lab thaw {last}     everything in it stops and goes on: its life before is expelled
  tests/lab add                                one node more, which joins the others
  tests/lab cut {last} 0; tests/lab heal {last} 0    one of its two cables; without the number both
The logs are in {folder}/n1 and so on. Ctrl-C ends everything; nothing stays."""


def step(text):
    print(f"\n== {text}", flush=True)


def mail(node, programs):
    """Sends and reads back; how many messages."""
    node.run(str(HERE / "make-accounts"), str(programs), node.root)
    said = node.run("python3", str(HERE / "main_job.py"), node.root, timeout=120)
    print(f"{node.name}: {said.strip()}", flush=True)
    return int(said.split("main job ok: ")[1].split()[0])


def run(lab, programs, once):
    step(f"{len(lab.nodes)} nodes with two rings and Corosync")
    started = time.monotonic()
    lab.start_corosync()
    step("clusterd and maild on each")
    key = clusterd.new_key()
    for node in lab.nodes:
        daemons.configure(node, key)
        daemons.start(node)
    shown = daemons.wait(lab.nodes)
    print(f"one view after {time.monotonic() - started:.1f} s", flush=True)
    sent = sum(mail(node, programs) for node in lab.nodes)
    first = lab.nodes[0]
    print(first.run(str(programs / "clusterctl"), "cluster", "show"))
    agree = json.loads(first.run(str(programs / "clusterctl"), "cluster", "show", "--diff", "--json"))["agree"]
    if not agree:
        sys.exit("quickstart: the members' views differ; see: clusterctl cluster show --diff")
    if not once:
        print(LOOK_AROUND.format(bin=os.path.relpath(programs, SOURCE), folder=lab.folder, last=lab.nodes[-1].name),
              flush=True)
        try:
            while True:
                signal.pause()
        except KeyboardInterrupt:
            print("\nstopping", flush=True)
    return f"cluster ok: {len(lab.nodes)} members, epoch {shown[0]['epoch']}, {sent} messages sent and read back, " \
           "each node on its own store"


def main(nodes, programs, once):
    if (FOLDER / "state.json").exists():
        raise LabError(f"a laboratory is up in {FOLDER}; end it first: tests/lab down")
    os.environ["QUORATE_BIN"] = str(programs)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda got, _: sys.exit(128 + got))
    lab = Lab(nodes, str(FOLDER))
    lab.runs, lab.programs = "daemons", str(programs)
    try:
        with lab:
            lab.save()
            said = run(lab, programs, once)
    finally:
        shutil.rmtree(FOLDER, ignore_errors=True)
    if once:
        print(said)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(int(sys.argv[1]), pathlib.Path(sys.argv[2]).resolve(), "--once" in sys.argv[3:]))
    except KeyboardInterrupt:
        sys.exit(130)
    except (LabError, RuntimeError, TimeoutError) as error:
        sys.exit(f"quickstart: {error}")
