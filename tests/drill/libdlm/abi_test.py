"""libdlm.so.3 and libdlm_lt.so.3 in place of the distribution's: the same names, and programs that know no better."""

import os
import pathlib
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lockmgr"))

import build
from lone import Lone
from lock_wire import EX, NL, PR, VALBLK
from loopback import Scratch, wait_until

NOT_RUN = 77
DISTRIBUTION = sorted(pathlib.Path("/usr/lib").glob("*/libdlm.so.3"))


class Abi(Lone):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        scratch = Scratch("libdlm")
        cls.addClassCleanup(scratch.__exit__)
        cls.folder = scratch.path

    def run_program(self, program, *words):
        self.assertEqual(len(build.loaded(program)), 1)
        self.assertIn(str(build.ours()), build.loaded(program)[0])
        done = subprocess.run([program, *words], env=build.environment(self.root), capture_output=True, text=True,
                              timeout=60, check=False)
        self.assertEqual((done.returncode, done.stdout), (0, "all well\n"), done.stderr)

    def test_the_same_names_without_versions(self):
        for library in ("libdlm.so.3", "libdlm_lt.so.3"):
            theirs = DISTRIBUTION[0].parent / library
            self.assertEqual(build.exported(build.ours() / library), build.exported(theirs), library)
            self.assertEqual(build.soname(build.ours() / library), build.soname(theirs))

    def test_a_program_with_the_thread(self):
        self.run_program(build.build("threads", self.folder))

    def test_a_program_with_the_light_library(self):
        self.run_program(build.build("light", self.folder, "dlm_lt", threads=False))

    def test_programs_compile_with_our_header_too(self):
        header = pathlib.Path(os.environ["QUORATE_SOURCE"]) / "lockmgr/libdlm/include"
        self.run_program(build.build("threads", self.folder, header=header))
        self.run_program(build.build("light", self.folder, "dlm_lt", threads=False, header=header))

    def test_without_a_lock_manager_the_calls_say_so(self):
        program = build.build("light", self.folder, "dlm_lt", threads=False)
        done = subprocess.run([program], env=build.environment("/nonexistent"), capture_output=True, text=True,
                              timeout=20, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("errno 2", done.stderr)

    def test_a_program_hears_when_the_lock_manager_goes(self):
        program = build.build("holder", self.folder)
        holder = self.start_holder(program, "gone", 5)
        self.assertEqual(holder.stdout.readline(), "0 0 \n")
        waiter = self.start_holder(program, "gone", 5)
        wait_until(lambda: self.metric("clusterd_locks") == 2, "it waits")
        self.child.stop()
        self.assertTrue(waiter.stdout.readline().startswith("107 "), "ENOTCONN")
        for one in (holder, waiter):
            one.kill()
            one.communicate()
        self.start()

    def test_a_program_leaves_the_half_of_a_block_that_it_does_not_see(self):
        with self.client() as client:
            self.assertEqual(client.lock("default", "half", NL).status, "granted")
            writer = client.lock("default", "half", EX)
            client.dequeue(writer.lock, VALBLK, b"a" * 64)
            holder = self.start_holder(build.build("holder", self.folder), "half", EX)
            self.assertEqual(holder.stdout.readline(), f"0 0 {'a' * 32}\n")
            self.assertEqual(holder.communicate("new\n", timeout=20)[0], "1\n")
            read = client.lock("default", "half", PR, VALBLK)
            self.assertEqual((read.value, read.value_valid), (b"new".ljust(32, b"\0") + b"a" * 32, True))

    def start_holder(self, program, name, mode):
        return subprocess.Popen([program, name, str(mode)], env=build.environment(self.root), stdin=subprocess.PIPE,
                                stdout=subprocess.PIPE, text=True)


if __name__ == "__main__":
    if not build.HEADER.exists() or not DISTRIBUTION:
        print("not run: libdlm-dev is not installed")
        sys.exit(NOT_RUN)
    unittest.main(verbosity=2)
