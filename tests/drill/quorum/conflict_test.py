"""Who else would be the quorum device, or does not go with one: named, and quorumd does not start beside it."""

import os

from support import QuorumCase, quorumd, run, wait_for

# Registers a device of another name with votequorum; unregisters it when told to.
RIVAL = """
import ctypes, sys
library = ctypes.CDLL("libvotequorum.so.8")
handle = ctypes.c_uint64()
code = library.votequorum_initialize(ctypes.byref(handle), None)
code = code if code != 1 else library.votequorum_qdevice_register(handle, b"Qdevice")
print("registered", code, flush=True)
sys.stdin.readline()
library.votequorum_qdevice_unregister(handle, b"Qdevice")
"""


class Conflict(QuorumCase):
    @classmethod
    def start_programs(cls, node):
        cls.start_recorder(node)

    def setUp(self):
        self.lab.wait_quorate()

    def starts(self, node):
        quorumd.start(node)
        quorumd.wait_shown(node, "votes", lambda shown: shown["voting"])
        quorumd.stop(node)

    def test_corosync_qdevice(self):
        n1 = self.lab.nodes[0]
        self.pretend(n1, "corosync-qdevice")
        self.assertIn("corosync-qdevice runs on this node", self.refusal(n1))
        n1.kill_program("corosync-qdevice")
        self.starts(n1)

    def test_sbd_whose_watchdog_is_shorter_than_votequorum_waits(self):
        n1 = self.lab.nodes[0]
        # A folder of the node's own: the machine's is not touched.
        n1.run("mount", "-t", "tmpfs", "tmpfs", "/etc/default")
        self.addCleanup(n1.run, "umount", "/etc/default")
        self.pretend(n1, "sbd")
        n1.run("sh", "-c", "echo SBD_WATCHDOG_TIMEOUT=2 >/etc/default/sbd")
        said = self.refusal(n1)
        self.assertIn("SBD runs on this node", said)
        self.assertIn("sync_timeout (3000 ms) is above its SBD_WATCHDOG_TIMEOUT (2000 ms)", said)
        n1.run("sh", "-c", "echo 'SBD_WATCHDOG_TIMEOUT=\"10\"' >/etc/default/sbd")
        self.starts(n1)

    def test_another_device_is_registered_elsewhere(self):
        n1, n2 = self.lab.nodes
        end = os.path.join(n2.folder, "end")
        os.mkfifo(end)
        n2.start("rival", "sh", "-c", 'exec /usr/bin/python3 -c "$0" <>"$1"', RIVAL, end)
        said = wait_for("the rival is registered", lambda: n2.log_text("rival"), 20)
        self.assertEqual(said.strip(), "registered 1")
        try:
            self.assertIn("the quorum device Qdevice is registered in this cluster already: that is corosync-qdevice",
                          self.refusal(n1))
        finally:
            with open(end, "w", encoding="ascii") as order:
                order.write("end\n")
        wait_for("the rival is gone", lambda: not any("Qdevice" in node.run("corosync-quorumtool", "-s", check=False)
                                                      for node in self.lab.nodes), 30)
        self.starts(n1)

    def test_a_device_of_another_model(self):
        n1 = self.lab.nodes[0]
        n1.run("corosync-cmapctl", "-s", "quorum.device.model", "str", "net")
        self.assertIn("a quorum device of model net", self.refusal(n1))
        n1.run("corosync-cmapctl", "-s", "quorum.device.model", "str", "quorumd")
        self.starts(n1)

    def test_options_that_do_not_go_with_a_device(self):
        n1 = self.lab.nodes[0]
        n1.run("corosync-cmapctl", "-s", "quorum.two_node", "u8", "1")
        self.assertIn("two_node does not go with a quorum device", self.refusal(n1))
        # votequorum remembers it: gone, it takes no device all the same, and that is told too.
        n1.run("corosync-cmapctl", "-d", "quorum.two_node")
        quorumd.start(n1)
        said = wait_for("a refusal",
                        lambda: [line for line in self.logged(n1, "refused") if "takes no device" in line], 60)
        self.assertIn("start Corosync anew on this node", said[-1])
        n1.kill()
        n1.power_on()
        self.lab.start_node(n1)
        self.start_programs(n1)
        self.lab.wait_quorate()
        self.starts(n1)


if __name__ == "__main__":
    run()
