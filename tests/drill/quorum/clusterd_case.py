"""A laboratory with clusterd beside quorumd on every node, and somebody who looks at their lease pages from outside. No
node may have a lease of an earlier epoch while another goes on without it: that is what keeps data safe where a node
that was frozen tells its services for a moment what it knew before (stale())."""

from recorded import told_of
from support import QuorumCase, wait_for

from lab import clusterd
from lab.leases import RUNNING, LeaseWatch, Page, now

# So long Corosync may tell what it knew before a node was frozen; with token 1000 it was about a second.
STALE_VIEW = 2.0


class ClusterdCase(QuorumCase):
    @classmethod
    def before_corosync(cls):
        clusterd.configure(cls.lab)
        cls.leases = LeaseWatch(cls.lab)
        cls.addClassCleanup(cls.leases.stop)

    @classmethod
    def start_programs(cls, node):
        super().start_programs(node)
        clusterd.start(node)

    @classmethod
    def other_conflicts(cls):
        """Of leases. What the services of each node were told says who goes on without whom."""
        if not all(cls.leases.leases(node.number) for node in cls.lab.nodes):
            return ["a node's lease page was never seen to run"]
        alone = []
        for node in cls.lab.nodes:
            told = [one for one in told_of(node) if one.kind == "told"]
            ends = [one.at for one in told[1:]] + [now()]
            alone += [(node.number, one.at, end, one.members) for one, end in zip(told, ends)]
        return cls.leases.conflicts(alone)

    def setUp(self):
        self.together()

    def together(self):
        self.healthy()
        return clusterd.wait_cluster(self.lab.nodes, limit=60)

    def page(self, node):
        """(epoch, incarnation, state, deadline) of the node's lease page now."""
        return wait_for("the lease page", Page(self.leases.path(node)).read, 20)

    def lease_runs(self, node, epoch, limit=60.0):
        """Until the node has a lease of a later epoch than this; when it was seen to begin."""
        def first():
            return now() if self.page(node)[0] > epoch and self.lease_is_running(node) else None

        return wait_for(f"{node.name} has a lease of an epoch above {epoch}", first, limit, pause=0.01)

    def lease_is_running(self, node):
        _, _, state, deadline = self.page(node)
        return state == RUNNING and deadline > now()

    def lease_is_over(self, node):
        """Whatever the page says, nobody may act on it any more."""
        self.assertFalse(self.lease_is_running(node), "the lease of who was given up runs")

    def corosync_goes_on(self, node, frozen):
        """Since when it was frozen: it told nothing, and now tells for a moment what it knew then."""
        self.stale.append((node.number, frozen, now() + STALE_VIEW))
