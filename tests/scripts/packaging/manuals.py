"""What a program's --help offers stands in its manual page, and nothing else does: long options, and subcommands."""

import os
import pathlib
import re
import subprocess
import sys

PAGES = pathlib.Path(os.environ["QUORATE_SOURCE"]) / "packaging/man"
BIN = pathlib.Path(os.environ["QUORATE_BIN"])
# Sections that speak of the program's own options; elsewhere a page may name others'.
MANUALS = {
    "quorumctl": ("quorumctl.8", ("SYNOPSIS", "OPTIONS", "COMMANDS")),
    "quorumd": ("quorumd.8", ("SYNOPSIS", "OPTIONS")),
    "fence_quorumd": ("fence_quorumd.8", ("SYNOPSIS", "OPTIONS")),
}
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*")
# Offered by every subcommand too, and told once, if at all.
ASSUMED = {"--help"}


def help_text(program, *words):
    done = subprocess.run([BIN / program, *words, "--help"], capture_output=True, text=True, timeout=30, check=True)
    return done.stdout


def subcommands(text):
    listed = text.partition("\nSubcommands:\n")[2]
    return re.findall(r"^  ([a-z][a-z-]*)", listed, re.M)


def offered(program):
    """(options, subcommands) of the program and all that is below it."""
    top = help_text(program)
    verbs = subcommands(top)
    texts = [top] + [help_text(program, verb) for verb in verbs]
    return {option for text in texts for option in OPTION.findall(text)} - ASSUMED, set(verbs)


def documented(page, sections):
    text = (PAGES / page).read_text(encoding="ascii").replace("\\-", "-")
    text = re.sub(r"\\f.", "", text)
    parts = re.split(r"^\.SH (.*)$", text, flags=re.M)
    chosen = {name: body for name, body in zip(parts[1::2], parts[2::2]) if name in sections}
    assert set(chosen) == set(sections), f"{page}: sections {sorted(set(sections) - set(chosen))} are missing"
    verbs = re.findall(r'^\.TP\n\.BI? "?([a-z][a-z-]*)', chosen.get("COMMANDS", ""), re.M)
    return {option for body in chosen.values() for option in OPTION.findall(body)} - ASSUMED, set(verbs)


def main():
    problems = []
    for program, (page, sections) in MANUALS.items():
        for what, told, real in zip(("option", "command"), documented(page, sections), offered(program)):
            problems += [f"{page}: {what} {name} is missing" for name in sorted(real - told)]
            problems += [f"{page}: {program} has no {what} {name}" for name in sorted(told - real)]
            print(f"{program}: {len(real)} {what}s")
    print("\n".join(problems) or "all of them are told")
    return 1 if problems else 0


sys.exit(main())
