"""The checker of lock histories, with histories that it must accept and such that it must not."""

import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "support"))

from lock_history import (COMPATIBLE, MODES, Add, Count, Hold, Read, check_counter, check_holds,  # noqa: E402
                          check_set, kept_while_converting)

NL, CR, CW, PR, PW, EX = range(6)


def holds(*rows):
    return [Hold(f"c{number}", *row) for number, row in enumerate(rows)]


class Holds(unittest.TestCase):
    def test_the_matrix_is_symmetrical_and_has_16_refusals(self):
        refused = 0
        for one in range(6):
            for other in range(6):
                overlap = holds(("r", one, 0, 2), ("r", other, 1, 3))
                self.assertEqual(bool(check_holds(overlap)), not COMPATIBLE[one] >> other & 1,
                                 (MODES[one], MODES[other]))
                self.assertEqual(COMPATIBLE[one] >> other & 1, COMPATIBLE[other] >> one & 1)
                refused += 0 if COMPATIBLE[one] >> other & 1 else 1
        self.assertEqual(refused, 16)

    def test_one_after_the_other_is_well(self):
        self.assertEqual(check_holds(holds(("r", EX, 0, 1, 5), ("r", EX, 1, 2, 6), ("r", PR, 2, 3, 7))), [])

    def test_other_resources_do_not_matter(self):
        self.assertEqual(check_holds(holds(("r", EX, 0, 9), ("s", EX, 1, 2))), [])

    def test_an_overlap_behind_a_compatible_one_is_found(self):
        self.assertEqual(len(check_holds(holds(("r", PR, 0, 9), ("r", PR, 1, 2), ("r", PW, 8, 10)))), 1)

    def test_a_token_that_does_not_grow_is_found(self):
        self.assertTrue(check_holds(holds(("r", EX, 0, 1, 5), ("r", EX, 2, 3, 5))))
        self.assertTrue(check_holds(holds(("r", PR, 0, 1, 7), ("r", EX, 2, 3, 6))))
        self.assertEqual(check_holds(holds(("r", PR, 0, 1, 7), ("r", PR, 2, 3, 6))), [])


class Conversions(unittest.TestCase):
    def test_what_is_kept_forbids_what_both_modes_forbid(self):
        for one in range(6):
            for other in range(6):
                kept = kept_while_converting(one, other)
                either = COMPATIBLE[one] | COMPATIBLE[other]
                self.assertEqual(COMPATIBLE[kept] & either, either, (MODES[one], MODES[other]))

    def test_downwards_lets_others_in_with_an_older_token(self):
        self.assertEqual(check_holds(holds(("r", EX, 0, 1, 5, 1), ("r", PR, 1, 9, 5, 1), ("r", PR, 2, 3, 6))), [])
        self.assertTrue(check_holds(holds(("r", EX, 0, 1, 5, 1), ("r", PR, 1, 9, 5, 2))), "another lock's")

    def test_a_conversion_into_the_way_is_found(self):
        self.assertTrue(check_holds(holds(("r", PR, 0, 9, 5), ("r", PR, 1, 2, 6), ("r", PW, 2, 3, 7))))
        self.assertTrue(check_holds(holds(("r", PR, 0, 1, 5), ("r", EX, 3, 4, 5), ("r", CW, 1, 2, 6))))


class Counter(unittest.TestCase):
    def test_numbers_in_order(self):
        good = [Count("a", 0, 1, 0), Count("b", 2, 3, 1), Count("a", 2.5, 4, 2)]
        self.assertEqual(check_counter(good, 3), [])

    def test_two_that_read_the_same(self):
        self.assertTrue(check_counter([Count("a", 0, 1, 0), Count("b", 2, 3, 0)], 1))

    def test_a_number_that_goes_back_in_time(self):
        self.assertTrue(check_counter([Count("a", 0, 1, 1), Count("b", 2, 3, 0)], 2))

    def test_one_that_is_lost(self):
        self.assertTrue(check_counter([Count("a", 0, 1, 0), Count("b", 2, 3, 1)], 1))
        self.assertTrue(check_counter([Count("a", 0, 1, 0), Count("b", 4, 5, 2)], 3))

    def test_what_is_not_acknowledged_may_count_or_not(self):
        self.assertEqual(check_counter([Count("a", 0, 1, 0), Count("b", 2, 3, 1, False)], 1), [])
        self.assertEqual(check_counter([Count("a", 0, 1, 0), Count("b", 2, 3, 1, False), Count("c", 4, 5, 2)], 3), [])
        self.assertEqual(check_counter([Count("a", 0, 1, 0, False), Count("b", 2, 3, 0)], 1), [])


class Set(unittest.TestCase):
    def test_reads_in_order(self):
        adds = [Add("a", 0, 1, "x"), Add("b", 2, 5, "y"), Add("b", 6, 7, "z", False)]
        reads = [Read("c", 1.5, 2, frozenset("x")), Read("c", 3, 4, frozenset("xy")), Read("d", 8, 9, frozenset("xyz"))]
        self.assertEqual(check_set(adds, reads), [])
        self.assertEqual(check_set(adds, reads[:2] + [Read("d", 8, 9, frozenset("xy"))]), [])

    def test_an_add_that_a_later_read_misses(self):
        self.assertTrue(check_set([Add("a", 0, 1, "x")], [Read("c", 2, 3, frozenset())]))

    def test_a_read_of_what_was_not_added_yet(self):
        self.assertTrue(check_set([Add("a", 5, 6, "x")], [Read("c", 2, 3, frozenset("x"))]))

    def test_a_read_of_what_never_was(self):
        self.assertTrue(check_set([], [Read("c", 2, 3, frozenset("x"))]))

    def test_what_was_read_and_is_gone(self):
        adds = [Add("a", 0, 9, "x", False)]
        self.assertTrue(check_set(adds, [Read("c", 1, 2, frozenset("x")), Read("d", 3, 4, frozenset())]))


if __name__ == "__main__":
    unittest.main(verbosity=2)
