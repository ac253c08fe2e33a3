"""failures.py BUILD: the last lines of every test that failed in the last run of ctest in BUILD.

ctest prints a failure where it happens, thousands of lines before the end of a long run.
"""

import pathlib
import re
import sys

LINES = 12
ENTRY = re.compile(r"^\d+/\d+ Test: (\S+)\n.*?^-+\n(.*?)<end of output>", re.M | re.S)


def last_lines(text, count=LINES):
    return [line for line in text.splitlines() if line.strip()][-count:]


def main():
    folder = pathlib.Path(sys.argv[1]) / "Testing/Temporary"
    failed = {line.split(":", 1)[1] for line in (folder / "LastTestsFailed.log").read_text().splitlines()}
    log = (folder / "LastTest.log").read_text(encoding="utf-8", errors="replace")
    for name, output in ENTRY.findall(log):
        if name in failed:
            print(f"== {name}", *last_lines(output), sep="\n    ")


if __name__ == "__main__":
    main()
