"""Removes a laboratory's folder when the process that made it has ended, however it ended."""

import os
import subprocess

# In a session of its own and nobody's child: whoever kills a test and all its children does not meet it. Processes of
# the laboratory die with its maker, but may write a moment longer.
SCRIPT = """
exec 3<&0
(
    read -r folder <&3
    [ "$(cat <&3)" = keep ] && exit
    tries=100
    until rm -rf -- "$folder" 2>/dev/null || [ $tries -eq 0 ]; do tries=$((tries - 1)); sleep 0.1; done
) >/dev/null 2>&1 &
"""


class Reaper:
    def __init__(self, folder):
        reads, self.pipe = os.pipe()
        subprocess.run(["setsid", "sh", "-c", SCRIPT], stdin=reads, check=True)
        os.close(reads)
        os.write(self.pipe, f"{folder}\n".encode())

    def dismiss(self, keep=False):
        """The folder is gone, or is to stay."""
        if self.pipe is not None:
            if keep:
                os.write(self.pipe, b"keep\n")
            os.close(self.pipe)
            self.pipe = None
