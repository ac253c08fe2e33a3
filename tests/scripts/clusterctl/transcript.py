"""transcript.py FILE [--rewrite]: clusterctl against daemons with canned answers; a file is a transcript, as those of
support/datadriven.hpp: a verb line, body lines, ----, the expected output, a blank line.

    answer DAEMON METHOD PATH [STATUS]   from now on the daemon answers so: the body, a JSON object. "@cluster" as its
                                         first word is the answer of a healthy three-node cluster, changed by the rest
                                         as cluster() says; "@quorum" is that of quorumd on a pair with a disk
    run WORD...                          clusterctl with these words; prints output, "error: " lines, "exit N"
    ctl WORD...                          the same of quorumctl
    agent                                fence_quorumd with the body on its standard input
    asked [sorted]                       the requests since the last time; sorted, where they are sent at once
    file PATH                            writes the body; "cat PATH" prints it, "remove PATH" removes it, "ls PATH"

The root directory is ROOT in words and output; a key's fingerprint is printed as KEY, this machine's addresses as
ADDRESSES.
"""

import copy
import http.server
import json
import os
import pathlib
import re
import shlex
import socketserver
import subprocess
import sys
import tempfile
import threading

MEMBER = {"software": "0.1.0", "status": "member", "votes": 1, "directory_weight": 1, "draining": False,
          "levels": [1, 1]}


def member(number):
    return {"name": f"n{number}", "node_id": number, "incarnation": f"8d1f0000000000{number:02}", **MEMBER,
            "addresses": [f"10.77.0.{number}:5410", f"10.77.1.{number}:5410"]}


def circuit(number):
    rings = [{"ring": ring, "address": f"10.77.{ring}.{number}:5410", "state": "up", "round_trip_us": 80 + ring,
              "carries": ring == 0, "breaks": ring} for ring in (0, 1)]
    return {"node": f"n{number}", "node_id": number, "state": "open", "rings": rings, "sent_messages": 100 * number,
            "sent_bytes": 10_000, "received_messages": 99 * number, "received_bytes": 9_900, "resent_messages": 0,
            "queued_bytes": 0}


CLUSTER = {
    "cluster": "demo", "key": "5f0c11d2", "node": "n1", "node_id": 1, "incarnation": "8d1f000000000001",
    "state": "running", "reason": "", "epoch": 12, "quorate": True, "coordinator": "n1", "level": 1,
    "votes": {"total": 3, "expected": 3, "quorum": 2, "disk": 0},
    "lease": {"state": "running", "reason": "", "remaining_ms": 1400, "length_ms": 1500},
    "time": 1790000123, "formed": 1789000000, "last_transition": 1790000000, "transitions": 4,
    "members": [member(number) for number in (1, 2, 3)],
    "circuits": [circuit(number) for number in (2, 3)],
    "links": [{"node": f"n{number}", "ring": ring, "address": f"10.77.{ring}.{number}", "connected": True}
              for number in (2, 3) for ring in (0, 1)],
    "takeovers": [], "refusals": [],
}


def cluster(changes):
    """CLUSTER changed: by top-level key; {"members": {"n3": {...}}} changes one member, {"n3": null} removes it."""
    view = copy.deepcopy(CLUSTER)
    for key, value in changes.items():
        if key in ("members", "circuits") and isinstance(value, dict):
            name = "name" if key == "members" else "node"
            for row in view[key]:
                row.update(value.get(row[name]) or {})
            view[key] = [row for row in view[key] if value.get(row[name], {}) is not None]
        else:
            view[key] = value
    return view


def voter(number):
    return {"id": number, "name": f"n{number}", "votes": 1, "member": True, "known": True, "silent": False,
            "state": "HOLD", "watcher": True, "stopped": False, "counter": 1000 + number, "changed_ms_ago": 300,
            "held": 7, "released": 6, "holds": True}


QUORUM = {
    "voting": True, "waiting": "", "cluster": "demo", "node": "n1", "node_id": 1, "disk_votes": 1, "state": "HOLD",
    "reason": "", "ring": {"node_id": 1, "sequence": 9}, "members": [1, 2], "watcher": True, "casting": True,
    "epoch": 7, "held": 7, "released": 6, "lease_ms": 3400, "corosync_problem": "",
    "votes": {"expected": 3, "total": 3, "quorum": 2, "disk": 1, "quorate": True},
    "timing": {"mode": "soft", "silence_ms": 12000, "lease_ms": 4000},
    "disks": [{"path": "/dev/shared", "uuid": "5f0c11d2b1a94c3e8d7f6a5b4c3d2e1f", "opened": True, "problem": "",
               "reads": 120, "writes": 61, "errors": 0, "late": 0, "last_io_us": 180}],
    "nodes": [voter(1), voter(2)],
}


def quorum(changes):
    """QUORUM changed: by top-level key; {"nodes": {"n3": {...}}} changes one node, or adds it."""
    view = copy.deepcopy(QUORUM)
    for key, value in changes.items():
        if key != "nodes":
            view[key] = value
            continue
        for name, change in value.items():
            if name not in (row["name"] for row in view["nodes"]):
                view["nodes"].append(voter(int(name[1:])))
            next(row for row in view["nodes"] if row["name"] == name).update(change)
    return view


class Daemon:
    """Answers on a Unix socket with what it was told to."""

    def __init__(self, path):
        self.path, self.answers, self.asked = path, {}, []
        daemon = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self):
                size = int(self.headers.get("Content-Length", 0))
                body = self.rfile.read(size).decode()
                daemon.asked.append(f"{self.command} {self.path}{' ' if body else ''}{body}")
                missing = (404, json.dumps({"error": {"code": "no_such_path", "message": "no such path"}}))
                status, text = daemon.answers.get((self.command, self.path), missing)
                self.send_response(status)
                self.send_header("Content-Type", "application/json" if text.startswith("{") else "text/plain")
                self.send_header("Content-Length", str(len(text.encode())))
                self.end_headers()
                self.wfile.write(text.encode())

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer

            def address_string(self):
                return ""

            def log_message(self, *_):
                pass

        class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
            daemon_threads = True

        self.server = Server(str(path), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


class Session:
    def __init__(self, root):
        self.root = pathlib.Path(root)
        (self.root / "run/quorate").mkdir(parents=True)
        self.daemons, self.log = {}, []
        self.programs = pathlib.Path(os.environ["QUORATE_BIN"])

    def path(self, text):
        return self.root / text.lstrip("/")

    def daemon(self, name):
        if name not in self.daemons:
            self.daemons[name] = Daemon(self.root / f"run/quorate/{name}.sock")
        return self.daemons[name]

    def answer(self, words, body):
        name, method, path = words[:3]
        status = int(words[3]) if len(words) > 3 else 200
        if body.startswith("@cluster"):
            body = json.dumps(cluster(json.loads(body[len("@cluster"):].strip() or "{}")))
        elif body.startswith("@quorum"):
            body = json.dumps(quorum(json.loads(body[len("@quorum"):].strip() or "{}")))
        elif body.startswith("{") and "\n{" not in body:
            body = json.dumps(json.loads(body))
        self.daemon(name).answers[(method, path)] = (status, body)
        return ""

    def run(self, words, body, program="clusterctl"):
        words = [word.replace("ROOT", str(self.root)) for word in words]
        done = subprocess.run([self.programs / program, "--root", self.root, *words], input=body, capture_output=True,
                              text=True, timeout=60, check=False, env={**os.environ, "LC_ALL": "C"})
        errors = "".join(f"error: {line}\n" for line in done.stderr.splitlines())
        text = done.stdout + errors + (f"exit {done.returncode}\n" if done.returncode else "")
        text = re.sub(r"\b(?!8d1f)[0-9a-f]{16}\b", "KEY", text)
        return re.sub(r"it has .*", "it has ADDRESSES", text)

    def ctl(self, words, body):
        return self.run(words, body, "quorumctl")

    def agent(self, words, body):
        done = subprocess.run([self.programs / "fence_quorumd"], input=f"{body}\nroot={self.root}\n",
                              capture_output=True, text=True, timeout=60, check=False)
        errors = "".join(f"error: {line}\n" for line in done.stderr.splitlines())
        return done.stdout + errors + (f"exit {done.returncode}\n" if done.returncode else "")

    def asked(self, words, _):
        lines = []
        for name, daemon in sorted(self.daemons.items()):
            requests = sorted(daemon.asked) if words == ["sorted"] else daemon.asked
            lines += [f"{name}: {line}\n" for line in requests]
            daemon.asked.clear()
        return "".join(lines)

    def file(self, words, body):
        self.path(words[0]).parent.mkdir(parents=True, exist_ok=True)
        self.path(words[0]).write_text(body)
        return ""

    def cat(self, words, _):
        return self.path(words[0]).read_text()

    def remove(self, words, _):
        self.path(words[0]).unlink()
        return ""

    def ls(self, words, _):
        found = sorted(self.path(words[0]).iterdir())
        return "".join(f"{file.stat().st_mode & 0o777:o} {file.name}\n" for file in found)

    def do(self, verb, words, body):
        known = ("answer", "run", "ctl", "agent", "asked", "file", "cat", "remove", "ls")
        verbs = {name: getattr(self, name) for name in known}
        return verbs[verb](words, body).replace(str(self.root), "ROOT")


def blocks(text):
    """(comments and blank lines before, verb line, body, expected) of each command."""
    lines, at = text.split("\n"), 0
    while at < len(lines):
        before = []
        while at < len(lines) and (not lines[at] or lines[at].startswith("#")):
            before.append(lines[at])
            at += 1
        if at == len(lines):
            yield before, None, "", ""
            return
        verb, at = lines[at], at + 1
        body = []
        while lines[at] != "----":
            body.append(lines[at])
            at += 1
        at += 1
        doubled = lines[at : at + 1] == ["----"]
        at += doubled
        expected = []
        while at < len(lines) and (lines[at : at + 2] != ["----", "----"] if doubled else lines[at]):
            expected.append(lines[at])
            at += 1
        at += 2 * doubled
        yield before, verb, "\n".join(body + [""]) if body else "", "\n".join(expected + [""]) if expected else ""


def main(file, rewrite):
    written, failed = [], False
    with tempfile.TemporaryDirectory(prefix="quorate-clusterctl-") as root:
        session = Session(root)
        for before, verb, body, expected in blocks(pathlib.Path(file).read_text()):
            written += before
            if verb is None:
                break
            name, *words = shlex.split(verb)
            got = session.do(name, words, body)
            if got and not got.endswith("\n"):
                got += "\n"
            if got != expected and not rewrite:
                failed = True
                print(f"{file}: {verb}\n-- expected\n{expected}-- got\n{got}")
            rule = ["----", "----"] if "\n\n" in got or got.startswith("\n") else ["----"]
            written += [verb, *body.splitlines(), *rule, *got.splitlines(), *(rule if len(rule) == 2 else [])]
    if rewrite:
        pathlib.Path(file).write_text("\n".join(written))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], "--rewrite" in sys.argv[2:] or os.environ.get("QUORATE_REWRITE") == "1"))
