"""A cluster made, joined, and left by clusterctl alone, with what it refuses on the way and says to do."""

import os
import sys

from support import clusterd, conf, expect, run_or_skip, wait_for


def kinds_since(node, number):
    events = clusterd.ask(node, "GET", "/v1/events/recent")["events"]
    return [event["kind"] for event in events if event["number"] > number]


def newest(node):
    return clusterd.ask(node, "GET", "/v1/events/recent")["events"][-1]["number"]


def await_votes(lab, node, **wanted):
    """clusterd asks Corosync for the votes now and then."""
    wait_for(f"votes {wanted}",
             lambda: wanted.items() <= lab.ctl(node, "cluster", "show", "--json").json["votes"].items())
    print(f"ok: votes are {wanted}", flush=True)


def create(lab):
    n1 = lab["n1"]
    made = lab.create(n1)
    expect("cluster demo runs" in made.out, "create starts and waits")
    with open(os.path.join(n1.root, "systemctl.log"), encoding="ascii") as calls:
        order = [line.split()[-1] for line in calls if line.startswith("restart")]
    expect(order == ["corosync", "quorate-clusterd"], "Corosync is started before clusterd")
    expect(lab.members(n1) == ["n1"], "n1 is a member of its own cluster")
    expect(os.stat(os.path.join(n1.folder, "etc-corosync/authkey")).st_mode & 0o777 == 0o400, "nobody reads the key")
    again = lab.create(n1, name="other", code=1)
    expect("is n1 of cluster demo already" in again.errors and "leave" in again.errors, "a member creates nothing")


def refused_joins(lab):
    n1, n2 = lab["n1"], lab["n2"]
    before = conf(n1)
    expect("no cluster key" in lab.join(n2, n1, code=1).errors, "without the key nobody joins")
    lab.ctl(n2, "key", "generate")
    wrong = lab.join(n2, n1, code=69)
    expect("same cluster key" in wrong.errors and "key show" in wrong.errors, "with a wrong key nobody joins")
    os.remove(os.path.join(n2.root, "etc/quorate/cluster.key"))
    lab.copy_key(n1, n2)
    taken = lab.ctl(n2, "cluster", "join", "--node", "n1", "--address", n2.address(0), "--address", n2.address(1),
                    "--member", n1.address(0), "--yes", code=1)
    expect("has a node n1 already" in taken.errors, "a name that is taken is refused")
    few = lab.ctl(n2, "cluster", "join", "--node", "n2", "--address", n2.address(0), "--member", n1.address(0), "--yes",
                  code=2)
    expect("2 addresses" in few.errors, "the number of rings must fit")
    foreign = lab.ctl(n2, "cluster", "join", "--node", "n2", "--address", n1.address(0), "--address", n2.address(1),
                      "--member", n1.address(0), "--yes", code=1)
    expect("no address of this machine" in foreign.errors, "an address must be the machine's own")
    nobody = lab.ctl(n2, "cluster", "join", *lab.place(n2), "--member", "10.77.0.99", "--yes", code=69, timeout=60)
    expect("no member answers" in nobody.errors, "a member that does not answer is said not to")
    expect(conf(n1) == before, "what was refused changed nothing")


def join(lab):
    n1, n2, n3 = lab.nodes[:3]
    seen, epoch = newest(n1), lab.epoch(n1)
    slow = os.path.join(n2.folder, "slow")
    with open(slow, "w", encoding="ascii"):
        late = lab.join(n2, n1, "--wait", "0", code=1).errors
    os.remove(slow)
    lab.restart(n2, "quorate-clusterd")
    expect("clusterctl node votes n2 1" in late and "clusterctl cluster leave --node n2" in late,
           "who is not waited for to the end learns how to go on, and how to withdraw")
    clusterd.wait_cluster([n1, n2])
    await_votes(lab, n1, total=1, expected=1)
    lab.ctl(n1, "node", "votes", "n2", "1")
    await_votes(lab, n1, total=2, expected=2)
    expect("quorum_lost" not in kinds_since(n1, seen), "the first node keeps quorum while the second comes")
    lab.copy_key(n1, n3)
    # Any member does, by any of its rings.
    lab.ctl(n3, "cluster", "join", *lab.place(n3), "--member", n2.address(1), "--yes")
    clusterd.wait_cluster([n1, n2, n3])
    kinds = kinds_since(n1, seen)
    expect("quorum_lost" not in kinds and "expelled" not in kinds, "adding a node disturbs nobody")
    expect(lab.epoch(n1) > epoch, "the epoch grew")
    expect(conf(n1) == conf(n2) == conf(n3), "corosync.conf is the same everywhere")
    await_votes(lab, n1, total=3, expected=3, quorum=2)


def leave(lab):
    n1, n2, n3 = lab.nodes[:3]
    early = lab.ctl(n1, "cluster", "leave", "--node", "n3", "--yes", code=1)
    expect("drain it first" in early.errors, "a member that serves is not removed")
    seen = newest(n1)
    left = lab.ctl(n3, "cluster", "leave", "--yes")
    expect("n3 has left cluster demo" in left.out, "a node leaves")
    clusterd.wait_cluster([n1, n2])
    expect("quorum_lost" not in kinds_since(n1, seen), "who stays keeps quorum")
    expect("n3" not in conf(n1) and "n3" not in conf(n2), "the others forget it")
    expect(not n3.pids("clusterd") and not n3.pids("corosync"), "its daemons have ended")
    with open(os.path.join(n3.root, "etc/quorate/quorate.toml"), encoding="ascii") as text:
        expect('membership = "solo"' in text.read(), "it is a cluster of its own from now on")
    await_votes(lab, n1, total=2, expected=2, quorum=2)


def refused_and_removed(lab):
    """Who is refused is shown until it is removed; repaired, it joins as any other."""
    n1, n2, n3 = lab.nodes[:3]
    path = os.path.join(n3.root, "etc/quorate/quorate.toml")
    with open(path, encoding="ascii") as file:
        sound = file.read()
    clusterd.stop(n3)
    clusterd.write(n3, "etc/quorate/quorate.toml", sound.replace('"demo"', '"other"'))
    clusterd.start(n3)
    status_of = lambda node: {row["name"]: row["status"] for row in lab.ctl(  # noqa: E731
        node, "cluster", "show", "--json").json["members"]}
    wait_for("the refusal to be shown", lambda: status_of(n1).get("n3") == "refused")
    # It still answers while it ends, and a join is refused where something of a cluster runs.
    wait_for("the refused clusterd to end", lambda: not n3.pids("clusterd"))
    clusterd.stop(n3, "corosync")
    clusterd.wait_cluster([n1, n2])
    lab.ctl(n1, "cluster", "leave", "--node", "n3", "--yes")
    for node in (n1, n2):
        wait_for(f"{node.name} to forget it", lambda n=node: "n3" not in status_of(n))
        wait_for("its refusal to go with it",
                 lambda n=node: not lab.ctl(n, "cluster", "show", "--json").json["refusals"])
    clusterd.write(n3, "etc/quorate/quorate.toml", sound)
    lab.join(n3, n1)
    clusterd.wait_cluster([n1, n2, n3])
    print("ok: refused, removed, repaired, joined again", flush=True)


def without_quorum(lab):
    n1, n2, n3 = lab.nodes[:3]
    n2.kill()
    wait_for("the loss of quorum to be shown", lambda: "NO QUORUM" in lab.ctl(n1, "cluster", "show").out)
    clusterd.wait_state(n1, "stalled")
    refused = lab.join(n3, n1, code=1)
    expect("no quorum" in refused.errors, "without quorum nobody joins")
    expect("no quorum" in lab.ctl(n1, "cluster", "leave", "--node", "n2", "--yes", code=1).errors,
           "without quorum nobody is removed")
    unsafe = lab.ctl(n1, "cluster", "expected-votes", "1", code=1)
    expect("n2 may run" in unsafe.errors and "--off n2" in unsafe.errors, "what is away might have quorum too")
    expect("no node" in lab.ctl(n1, "cluster", "expected-votes", "1", "--off", "n9", code=1).errors,
           "a node that does not exist is not off")
    expect("is a member" in lab.ctl(n1, "cluster", "expected-votes", "1", "--off", "n1,n2", code=1).errors,
           "a member is not off")
    lab.ctl(n1, "cluster", "expected-votes", "1", "--off", "n2")
    clusterd.wait_cluster([n1])
    expect(lab.ctl(n1, "cluster", "show", "--json").json["quorate"], "one vote is enough when one is expected")
    lab.ctl(n1, "cluster", "leave", "--node", "n2", "--yes")
    expect("n2" not in conf(n1), "what is gone for good is removed")
    lab.join(n3, n1)
    # It may have another id than its number: the smallest that is free.
    wait_for("n1 and n3 to be members", lambda: lab.members(n1) == lab.members(n3) == ["n1", "n3"])
    wait_for("views that agree", lambda: lab.ctl(n3, "cluster", "show", "--diff", code=None).code == 0)
    print("ok: a node that left joins again", flush=True)


def drill(lab):
    create(lab)
    refused_joins(lab)
    join(lab)
    refused_and_removed(lab)
    leave(lab)
    without_quorum(lab)


sys.exit(run_or_skip(drill, 3))
