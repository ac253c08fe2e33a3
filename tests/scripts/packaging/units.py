"""The drop-in for commands takes back all that the unit of clusterd forbids its children, and systemd reads it."""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

UNITS = pathlib.Path(os.environ["QUORATE_SOURCE"]) / "packaging/systemd"
UNIT, DROP_IN = "quorate-clusterd.service", "quorate-clusterd-commands.conf"
# What a setting is when nothing was said.
FREE = {"CapabilityBoundingSet": "~", "RestrictAddressFamilies": "", "LockPersonality": "no", "PrivateTmp": "no"}
LIMITS = ("CapabilityBoundingSet", "Protect", "Private", "Restrict", "Lock", "System", "NoNew", "MemoryDeny",
          "ReadOnly", "Inaccessible", "Device", "Temporary")


def service(name):
    lines = (UNITS / name).read_text(encoding="ascii").splitlines()
    return dict(line.split("=", 1) for line in lines if line and line[0] not in "#[")


def systemd_reads_them():
    """What systemd says against the two, apart from programs that are not installed here."""
    if shutil.which("systemd-analyze") is None:
        return []
    with tempfile.TemporaryDirectory(prefix="quorate-units-") as folder:
        root = pathlib.Path(folder)
        (root / f"{UNIT}.d").mkdir()
        shutil.copy(UNITS / UNIT, root / UNIT)
        shutil.copy(UNITS / DROP_IN, root / f"{UNIT}.d/commands.conf")
        done = subprocess.run(["systemd-analyze", "verify", root / UNIT], capture_output=True, text=True, check=False)
    absent = ("is not executable", "Command 'man ")
    return [line for line in done.stderr.splitlines() if UNIT in line and not any(text in line for text in absent)]


def main():
    unit, drop_in = service(UNIT), service(DROP_IN)
    forbidden = [key for key in unit if key.startswith(LIMITS)]
    assert len(forbidden) >= 5, forbidden
    problems = [f"{key} is not taken back" for key in forbidden if drop_in.get(key) != FREE.get(key, "no")]
    problems += systemd_reads_them()
    print("\n".join(problems) or "everything is taken back: " + ", ".join(forbidden))
    return 1 if problems else 0


sys.exit(main())
