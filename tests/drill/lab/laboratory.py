"""The laboratory itself: three nodes form a cluster, lose and regain one by each kind of fault, then leave nothing; nor
does a laboratory of a test that fails or is killed."""

import gc
import os
import signal
import subprocess
import sys
import warnings

sys.path.insert(0, os.path.join(os.environ["QUORATE_SOURCE"], "tests/support"))

from lab import Lab, LabError, process  # noqa: E402
from lab.node import wait_for  # noqa: E402


def lose_and_regain(lab, what, lose, regain):
    n1, n2, n3 = lab.nodes
    lose(n3)
    lab.wait_quorate([n1, n2], members=[n1, n2])
    regain(n3)
    lab.wait_quorate()
    print(f"{what}: lost and regained", flush=True)


def reboot(lab):
    def boot(node):
        node.power_on()
        lab.start_node(node)
    return boot


def leftovers(folder):
    return process.of_laboratory(folder) + ([folder] if os.path.exists(folder) else [])


def main():
    try:
        lab = Lab(nodes=3)
    except LabError as error:
        print(f"not run: {error}")
        return 77
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        drill(lab)
        gc.collect()
    killed()
    left = leftovers(lab.folder) + failing() + [str(warning.message) for warning in warned]
    if left:
        print(f"left behind: {left}")
        return 1
    return 0


def failing():
    """What is left of a laboratory in which a test failed."""
    lab = Lab(nodes=2)
    try:
        with lab:
            lab.start_corosync()
            raise RuntimeError("a test that fails")
    except RuntimeError:
        return leftovers(lab.folder)


MAKER = """
import sys, time
sys.path.insert(0, sys.argv[1])
from lab import Lab
lab = Lab(nodes=2)
lab.up()
lab.start_corosync()
print(lab.folder, flush=True)
time.sleep(600)
"""


def killed():
    """Waits until nothing is left of a laboratory whose maker had no time to end it."""
    with subprocess.Popen([sys.executable, "-c", MAKER, sys.path[0]], stdout=subprocess.PIPE, text=True) as maker:
        folder = maker.stdout.readline().strip()
        assert len(process.of_laboratory(folder)) > 4, "it has a hub, holders and Corosync"
        maker.send_signal(signal.SIGKILL)
    wait_for("nothing of it is left", lambda: not leftovers(folder))
    print("killed: nothing is left", flush=True)


def drill(lab):
    with lab:
        lab.start_corosync()
        lab.wait_quorate(limit=60)
        print("three nodes quorate", flush=True)
        n1 = lab["n1"]
        assert n1.run("hostname") == "n1\n"
        n1.run("ping", "-c1", "-W2", lab["n2"].address(1))
        n1.cut(0)
        n1.run("ping", "-c1", "-W2", lab["n2"].address(1))
        n1.heal(0)
        lose_and_regain(lab, "power off", lambda node: node.kill(), reboot(lab))
        lose_and_regain(lab, "freeze", lambda node: node.freeze(), lambda node: node.thaw())
        lose_and_regain(lab, "cut cables", lambda node: node.cut(), lambda node: node.heal())


sys.exit(main())
