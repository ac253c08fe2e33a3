"""Three nodes, seen and steered by clusterctl: show, diff, do, drain, ping, events, monitor, expected votes."""

import json
import os
import subprocess
import sys

from support import clusterd, expect, run_or_skip, wait_for


def form(lab):
    lab.start_corosync()
    clusterd.configure(lab)
    for node in lab.nodes:
        clusterd.start(node)
    clusterd.wait_cluster(lab.nodes)


def see(lab):
    n1 = lab["n1"]
    text = lab.ctl(n1, "cluster", "show").out
    expect("View of cluster lab from node n1" in text and "3 of 3 configured" in text, "the view has three members")
    expect("View of cluster lab from node n3" in lab.ctl(n1, "cluster", "show", "--from", "n3").out,
           "another node's view is shown")
    wait_for("open circuits", lambda: [
        row["state"] for row in lab.ctl(n1, "cluster", "show", "--json").json["circuits"]] == ["open", "open"])
    agree = lab.ctl(n1, "cluster", "show", "--diff")
    expect("3 of 3 views agree" in agree.out, "the views agree")
    expect("no node" in lab.ctl(n1, "cluster", "show", "--from", "n9", code=1).errors, "an unknown node is said to be")
    status = lab.ctl(n1, "status")
    expect("cluster lab, epoch" in status.out and "maild does not answer" in status.out, "status tells of both daemons")
    lab.ctl(n1, "status", "maild", code=69)
    ping = lab.ctl(n1, "node", "ping", "n2", "--count", "20")
    expect("20 of 20 messages of 100 bytes came back" in ping.out, "messages come back over the interconnect")
    lab.ctl(n1, "node", "ping", "n9", code=1)


def command_everywhere(lab):
    n1, n2 = lab["n1"], lab["n2"]
    off = lab.ctl(n1, "do", "hostname", code=1)
    expect("commands are off" in off.out, "commands are off unless they are allowed")
    for node in lab.nodes:
        clusterd.write(node, "etc/quorate/quorate.toml", "[cluster]\n" + clusterd.settings(node, run_commands=True))
    for node in lab.nodes:
        # One after the other, as an operator does.
        clusterd.stop(node)
        clusterd.start(node)
        clusterd.wait_cluster(lab.nodes)
    done = lab.ctl(n1, "do", "hostname")
    expect(done.out == "== n1\nn1\n== n2\nn2\n== n3\nn3\n", "each node's output stands under its name")
    part = lab.ctl(n1, "do", "--nodes", "n1,n2", "sh", "-c", "echo out; [ $(hostname) = n1 ] || exit 7", code=1)
    expect("-- exit code 7" in part.out and "n2 (exit code 7)" in part.errors, "exit codes are collected")
    results = lab.ctl(n1, "do", "--json", "--timeout", "1", "--nodes", "n3", "sleep", "30", code=1).json["results"]
    expect(results[0]["node"] == "n3" and results[0]["exit_code"] != 0, "a command that takes too long is ended")
    expect("hostname" in n2.log_text("clusterd") and "hostname" in n1.log_text("clusterd"), "both ends log it")


def drain(lab):
    n1 = lab["n1"]
    lab.ctl(n1, "node", "drain", "n3")
    drained = lambda: [row["name"] for row in lab.ctl(n1, "node", "list", "--json").json["members"]  # noqa: E731
                       if row["draining"]]
    wait_for("n3 draining", lambda: drained() == ["n3"])
    lab.ctl(lab["n3"], "node", "undrain")
    wait_for("n3 in service", lambda: drained() == [])
    print("ok: a node drains and takes work again", flush=True)


def follow(lab):
    n1 = lab["n1"]
    lab.ctl(n1, "node", "undrain")
    before = len(lab.ctl(n1, "events", "--json").json["events"])
    command, environment = lab.command(n1, "events", "--follow", "--json")
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as events:
        for _ in range(before):
            events.stdout.readline()
        lab.ctl(n1, "node", "drain")
        kinds = iter(lambda: json.loads(events.stdout.readline())["kind"], "drain")
        print("told meanwhile:", *kinds, flush=True)
        lab.ctl(n1, "node", "undrain")
        events.kill()
    print("ok: events are told as they happen", flush=True)
    samples = lab.ctl(n1, "monitor", "cluster", "lease", "--interval", "1", "--count", "2", "--json").out.splitlines()
    last = json.loads([line for line in samples if line][-1])
    items = {row["item"]: row for group in last["classes"].values() for row in group["items"]}
    expect(items["lease left"]["min"] > 0, "the lease runs while it is watched")
    expect("n2: messages sent" in items and "n3: round trip, ring 0" in items, "figures of every peer")


def disagree(lab):
    n1, n2, n3 = lab.nodes
    n3.freeze()
    silent = lab.ctl(n1, "cluster", "show", "--diff", code=1)
    expect("n3" in silent.out, "a node that gives no view is named")
    clusterd.wait_cluster([n1, n2])
    gone = lab.ctl(n1, "cluster", "show", "--from", "n3", code=69)
    expect("n3" in gone.errors, "nobody answers for a frozen node")
    reached = lab.ctl(n1, "do", "--nodes", "n1,n3", "true", code=1)
    expect("n3 (not run)" in reached.errors, "a node that cannot be reached is named")
    n3.thaw()
    clusterd.wait_cluster(lab.nodes)
    wait_for("views that agree", lambda: lab.ctl(n1, "cluster", "show", "--diff", code=None).code == 0)
    print("ok: thawed, it is a member again", flush=True)


def expect_votes(lab):
    n1, n2, n3 = lab.nodes
    few = lab.ctl(n1, "cluster", "expected-votes", "1", code=1)
    expect("3 votes are present" in few.errors and "node votes NODE 0" in few.errors,
           "fewer votes than are present are not expected, and what to do instead is said")
    many = lab.ctl(n1, "cluster", "expected-votes", "9", code=1)
    expect("expect at most 5" in many.errors, "nor more than would leave quorum")
    n3.kill()
    clusterd.wait_cluster([n1, n2])
    lab.ctl(n1, "cluster", "expected-votes", "2")
    shown = wait_for("two votes expected", lambda: [
        shown for shown in [lab.ctl(n2, "cluster", "show", "--json").json] if shown["votes"]["expected"] == 2])
    expect(shown[0]["votes"]["quorum"] == 2, "quorum is reckoned from it on every node")
    events = clusterd.ask(n1, "GET", "/v1/events/recent")["events"]
    acts = [event for event in events if event["kind"] == "expected_votes"]
    expect([(act["text"], act["uid"]) for act in acts] ==
           [("2 votes expected until Corosync is started anew; asked by uid 0", 0)], "it is an event, with who asked")
    expect("expected_votes" in n1.log_text("clusterd"), "and in the log")
    level = lab.ctl(n1, "cluster", "level", "--raise", "99", "--yes", code=1)
    expect("n1 (1 to 1)" in level.errors, "a level that nobody speaks is refused, naming who does not")


def drill(lab):
    form(lab)
    see(lab)
    command_everywhere(lab)
    drain(lab)
    follow(lab)
    disagree(lab)
    expect_votes(lab)


if __name__ == "__main__":
    os.environ.setdefault("LC_ALL", "C")
    sys.exit(run_or_skip(drill, 3))
