"""tidy.py SOURCE [--self-test]: the rules of the house that the compiler cannot check. Prints file:line: rule, exits 1 on any.

Rules: banned includes and calls by folder, co_await shapes that g++ 12 miscompiles, leftovers, absolute machine paths, line
length, header guards, functions over the limit (a ratchet: what is listed in long_functions.txt may not grow), format.
"""

import pathlib
import re
import shutil
import subprocess
import sys

SHELLS = ("io/", "cluster/io/", "cluster/clusterd/", "lockmgr/client/", "lockmgr/libdlm/",
          "quorum/io/", "quorum/quorumd/", "shadowing/cluster/", "shadowing/io/", "shadowing/nbdkit/",
          "shadowing/shadowd/", "services/mail/maild/", "clusterctl/", "tests/", "bench/")
FUNCTION_LINES = 70

WORLD = [
    (re.compile(r'#include <boost/'), "Boost belongs to io and the shells"),
    (re.compile(r'#include <(sys/socket|netinet/[a-z]+|sys/epoll|poll)\.h>'), "sockets belong to io and the shells"),
    (re.compile(r'_clock::now\(\)'), "cores are handed the time"),
    (re.compile(r'\b(s?rand|getenv|secure_getenv)\s*\('), "cores are handed randomness and settings"),
]
# The store's journal has the one thread of its own that its contract names.
THREAD = (re.compile(r'#include <thread>'), "threads belong to io and the shells")
THREAD_EXCEPTIONS = ("services/mail/store/src/",)

EVERYWHERE = [
    (re.compile(r'[?:]\s*co_await'), "co_await in a conditional: g++ 12 corrupts memory; name the result first"),
    (re.compile(r'co_await[^;]*\w\{[^}]*\}[^;]*\)'), "braced aggregate inside co_await: g++ 12 corrupts memory; name it first"),
    (re.compile(r'\b(TO' r'DO|FIX' r'ME|XX' r'X|HA' r'CK)\b'), "leftover"),
    (re.compile(r'(?<![\w.])/(wo' r'rk|ro' r'ot|ho' r'me)/\w'), "path of a machine"),
    (re.compile(r'using namespace std;'), "using namespace std"),
    (re.compile(r'#include <(iostream|regex)>'), "slow to compile: use fmt, or a parser"),
    (re.compile(r'#include <boost/asio\.hpp>'), "include the Asio headers you use"),
    (re.compile(r'GTEST_' r'SKIP|DISABLED_'), "a test that does not run"),
]


def sources(root):
    listed = subprocess.run(
        ["git", "-C", root, "ls-files", "-co", "--exclude-standard"], capture_output=True, text=True, check=True
    ).stdout.split("\n")
    return [name for name in listed if name.endswith((".cpp", ".hpp", ".py", ".cmake", ".sh")) and (root / name).exists()]


def check_lines(name, lines):
    in_shell = name.startswith(SHELLS)
    for number, line in enumerate(lines, 1):
        rules = list(EVERYWHERE)
        if not in_shell and name.endswith((".cpp", ".hpp")):
            rules += WORLD
            if not name.startswith(THREAD_EXCEPTIONS):
                rules.append(THREAD)
        for pattern, reason in rules:
            if pattern.search(line):
                yield f"{name}:{number}: {reason}: {line.strip()[:80]}"
        if len(line) > 120:
            yield f"{name}:{number}: line of {len(line)} columns"


def functions(lines):
    """Yields (first line, length, head) of blocks that begin with a function head at class or namespace level."""
    start = None
    for number, line in enumerate(lines, 1):
        indent = len(line) - len(line.lstrip(" "))
        if start is None:
            if indent in (0, 4) and re.search(r"\)( const| noexcept| override)*( -> [\w:<>]+)? \{$", line):
                if not re.match(r"\s*(if|for|while|switch|\} else)", line):
                    start = (number, indent)
        elif re.match(r" {%d}\}" % start[1], line) and indent == start[1]:
            yield start[0], number - start[0] + 1, lines[start[0] - 1].strip()
            start = None


def check_functions(name, lines, allowed):
    for first, length, head in functions(lines):
        limit = allowed.get((name, head), FUNCTION_LINES)
        if length > limit:
            yield f"{name}:{first}: function of {length} lines (limit {limit}): {head[:80]}"


def read_allowed(path):
    allowed = {}
    for line in path.read_text().splitlines():
        if line and not line.startswith("#"):
            name, limit, head = line.split(" ", 2)
            allowed[(name, head)] = int(limit)
    return allowed


def check_format(root, names):
    formatter = shutil.which("clang-format-14") or shutil.which("clang-format")
    if not formatter:
        yield "clang-format-14 is not installed: the format was not checked"
        return
    code = [name for name in names if name.endswith((".cpp", ".hpp"))]
    result = subprocess.run([formatter, "--dry-run", "-Werror", *code], cwd=root, capture_output=True, text=True)
    for line in result.stderr.splitlines():
        if "error:" in line:
            yield line.replace(str(root) + "/", "")


def check_glossary(lines):
    """An authority says a word once."""
    seen = set()
    for number, line in enumerate(lines, 1):
        word = line.split("|")[1].strip() if line.startswith("|") else None
        if word in seen:
            yield f"docs/glossary.md:{number}: '{word}' is there already"
        seen.add(word or number)


def check_tree(root):
    allowed = read_allowed(root / "tests/tidy/long_functions.txt")
    names = sources(root)
    for name in names:
        lines = (root / name).read_text(encoding="utf-8", errors="replace").splitlines()
        if name != "tests/tidy/tidy.py":
            yield from check_lines(name, lines)
        if name == "docs/glossary.md":
            yield from check_glossary(lines)
        if name.endswith(".hpp") and "#pragma once" not in lines:
            yield f"{name}:1: no #pragma once"
        if name.endswith(".cpp"):
            yield from check_functions(name, lines, allowed)
    yield from check_format(root, names)


BAD = [
    ("services/mail/imap/src/a.cpp", "#include <boost/asio/ip/tcp.hpp>"),
    ("lockmgr/src/a.cpp", "auto t = std::chrono::steady_clock::now();"),
    ("base/src/a.cpp", "#include <thread>"),
    ("io/src/a.cpp", "auto x = ok ? co_await f() : 0;"),
    ("io/src/a.cpp", "auto x = co_await f(Options{a, b});"),
    ("io/src/a.cpp", "// TO" "DO later"),
    ("docs/a.py", "path = '/ro" "ot/x'"),
]


def self_test():
    for name, line in BAD:
        if not list(check_lines(name, [line])):
            yield f"self-test: not caught in {name}: {line}"
    if not list(check_glossary(["| lease | a |", "| lease page | b |", "| lease | c |"])):
        yield "self-test: a word that is defined twice was not caught"
    long_function = ["void f() {"] + ["    g();"] * 80 + ["}"]
    if not list(check_functions("a.cpp", long_function, {})):
        yield "self-test: a function of 82 lines was not caught"
    if list(check_lines("io/src/a.cpp", ["auto x = co_await f(a, std::move(b));"])):
        yield "self-test: a sound co_await was reported"


def main(arguments):
    root = pathlib.Path(arguments[0]).resolve()
    problems = list(self_test() if "--self-test" in arguments else check_tree(root))
    print("\n".join(problems) if problems else "tidy: nothing found")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
