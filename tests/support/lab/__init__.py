"""A laboratory: a cluster of nodes inside one machine, from namespaces, with real Corosync. Needs root.

    with Lab(nodes=3) as lab:
        lab.start_corosync()
        lab.wait_quorate()
        lab["n2"].kill()

Every node has its own network, mount, UTS, IPC and PID namespace, held by one process: when that process dies, so
does everything in the node, and nothing stays behind. Two rings connect the nodes, 10.77.0.N and 10.77.1.N; their
bridges stand in a network namespace of their own, so the machine's own network is never touched.
"""

from lab.cluster import Lab, LabError
from lab.node import Node

__all__ = ["Lab", "LabError", "Node"]
