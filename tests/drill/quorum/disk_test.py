"""What happens to the disk: gone while all nodes are up, another one, two voters for one place."""

import os

from support import QuorumCase, now, quorumd, run, wait_for


def content(path):
    with open(path, "rb") as file:
        return file.read()


def run_time(pid):
    """Seconds that its threads have run."""
    total = 0
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/schedstat", encoding="ascii") as file:
            total += int(file.read().split()[0])
    return total / 1e9


def resident(pid):
    """KiB."""
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS"))


class Disk(QuorumCase):
    def restored_at_the_end(self, path):
        before = content(path)

        def restore():
            with open(path, "r+b") as disk:
                disk.write(before)

        self.addCleanup(restore)

    def test_the_disk_is_lost_while_all_nodes_are_up(self):
        """Nothing happens to quorum, which the members have; when the disk is back, its votes are."""
        since = now()
        self.restored_at_the_end(self.disk)
        os.truncate(self.disk, 0)
        for node in self.lab.nodes:
            quorumd.wait_shown(node, "casts no more", lambda shown: not shown["casting"])
            self.wait_span(node, "without the disk's vote", lambda span: not span.casts and span.total == 2, since)
        self.quorum_lasted(since)
        self.assertIn("Input/output error", quorumd.show(self.lab.nodes[0])["disks"][0]["problem"])
        self.doCleanups()
        self.healthy()

    def test_a_quiet_voter_writes_and_reads_once_in_each_interval(self):
        """And costs what it promises: half a percent of a core, 16 MiB."""
        n1 = self.lab.nodes[0]
        pid = n1.pids("quorumd")[0]
        first, since, used = quorumd.show(n1)["disks"][0], now(), run_time(pid)
        last = wait_for("12 writings", lambda: self.after(n1, first["writes"] + 12), 60, pause=4)  # asking costs too
        took, used = now() - since, run_time(pid) - used
        writes, reads = (last[kind] - first[kind] for kind in ("writes", "reads"))
        print(f"in {took:.1f} s {writes} writings, {reads} readings, {used / took:.2%} of a core, "
              f"{resident(pid) / 1024:.1f} MiB", flush=True)
        self.assertGreater(took, 10.5)
        self.assertAlmostEqual(reads, writes, delta=2)
        self.assertLess(used / took, 0.005, "of a core")
        self.assertLess(resident(pid), 16 * 1024)

    @staticmethod
    def after(node, writes):
        disk = quorumd.show(node)["disks"][0]
        return disk if disk["writes"] >= writes else None

    def test_another_disk_is_refused(self):
        """A disk of another cluster in the place of ours: named, and never written."""
        n1, n2 = self.lab.nodes
        other = os.path.join(self.lab.folder, "other.disk")
        quorumd.format_disks(other, cluster="elsewhere")
        before = content(other)
        quorumd.stop(n2)
        quorumd.configure(n2, disks=[other])
        self.assertIn("a quorum disk of another cluster (elsewhere", self.refusal(n2))
        self.assertEqual(content(other), before)
        os.remove(os.path.join(n2.root, "etc/quorate/quorate.toml"))
        quorumd.start(n2)
        self.healthy()

    def test_a_second_daemon_on_a_node_is_refused(self):
        n1 = self.lab.nodes[0]
        done = n1.run(quorumd.binary("quorumd"), "--root", n1.root, check=False)
        self.assertEqual(done, "")
        n1.start("second", quorumd.binary("quorumd"), "--root", n1.root)
        said = wait_for("the second one's refusal", lambda: n1.log_text("second"), 20)
        self.assertIn("another quorumd runs on this node", said)
        self.healthy()

    def test_two_voters_for_one_place(self):
        """A second voter with a node's place on the disk (its machine was cloned): one of them ends, and says why; the
        other goes on."""
        n1, n2 = self.lab.nodes
        # In namespaces of its own, where it finds no lock: as a clone would, but for its Corosync.
        clone = os.path.join(n1.folder, "clone")
        n1.start("clone", "unshare", "-m", "sh", "-c", 'mkdir -p "$1"; rm -f /run/quorumd.lock;' + quorumd.SUPERVISOR,
                 quorumd.binary("quorumd"), clone)
        ended = wait_for("one of the two ends for good", lambda: self.for_good(n1), 90)
        self.assertEqual(len(ended), 1)
        last = [line for line in n1.log_text(ended[0]).splitlines() if line[3:].startswith("evicted")][-1]
        self.assertIn("another voter has this node's place on the disk", last)
        left = {"quorumd": clone, "clone": n1.root}[ended[0]]
        wait_for("the other casts", lambda: (quorumd.show(n1, root=left) or {}).get("casting"), 90)
        self.assertEqual(len(self.for_good(n1)), 1)
        for program in ("sh", "quorumd"):
            n1.kill_program(program)
        self.start_programs(n1)
        self.healthy()

    def for_good(self, node):
        return [name for name in ("quorumd", "clone") if os.path.exists(node.log(name))
                and node.log_text(name).rstrip().endswith("quorumd ended: 78")]


if __name__ == "__main__":
    run()
