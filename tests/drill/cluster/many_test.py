"""As many nodes as the design promises, or as the machine's memory allows, form one view."""

import re

from support import ClusterCase, clusterd, run, wait_for

MOST = 16
FEWEST = 3
NODE_MIB = 200  # Corosync locks about 120 MiB


def nodes_that_fit():
    with open("/proc/meminfo", encoding="ascii") as shown:
        available = int(re.search(r"MemAvailable:\s+(\d+)", shown.read())[1]) // 1024
    return max(FEWEST, min(MOST, available // NODE_MIB))


class Many(ClusterCase):
    count = nodes_that_fit()

    def setUp(self):
        self.healthy(limit=120)

    def rings_up(self, node):
        circuits = clusterd.cluster(node)["circuits"]
        rings = [ring["state"] for circuit in circuits for ring in circuit["rings"]]
        return rings == ["up"] * 2 * (self.count - 1)

    def test_one_view_of_all_and_one_without_the_coordinator(self):
        """Every circuit is open on both rings; losing one node costs one view, not many."""
        print(f"{self.count} nodes")
        shown = self.healthy()
        self.assertEqual({one["epoch"] for one in shown}, {shown[0]["epoch"]})
        for node in self.lab.nodes:
            wait_for(f"{node.name}: all circuits on both rings", lambda n=node: self.rings_up(n))
        first, *others = self.lab.nodes
        first.kill()
        left = self.healthy(others)
        self.assertEqual({one["epoch"] for one in left}, {left[0]["epoch"]})
        self.assertNotIn(1, clusterd.members(left[0]))


if __name__ == "__main__":
    run()
