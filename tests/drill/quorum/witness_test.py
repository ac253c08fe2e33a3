"""What quorumd offers shadowing: words about shadow sets on the disk, written only if nobody knows better."""

import os
import shutil
import threading

from support import QuorumCase, quorumd, run

SET = "5e" * 16
LINEAGE = "11" * 16


def word(generation, reserved, name=SET, members=3):
    return {"set": name, "lineage": LINEAGE if generation else "0" * 32, "generation": generation,
            "generation_id": f"{generation:016x}", "reserved": reserved, "members": members if generation else 0}


def put(node, what):
    return quorumd.control(node, "PUT", "/v1/witnesses", what, timeout=90)


def known(node, name=SET):
    status, answer = quorumd.control(node, "GET", "/v1/witnesses", timeout=90)
    return status, next((one for one in answer.get("witnesses", []) if one["set"] == name), answer)


class Witness(QuorumCase):
    def test_a_word_is_on_the_disk_when_it_is_answered(self):
        """Both nodes are killed at once after the answer; what they begin with afterwards is the word."""
        n1, n2 = self.lab.nodes
        self.assertEqual(put(n1, word(0, 1))[0], 200)
        status, answer = put(n1, word(1, 1))
        self.assertEqual((status, answer), (200, {"held": True, "witness": word(1, 1)}))
        for node in (n1, n2):
            node.kill()
        for node in (n1, n2):
            self.boot(node)
        self.healthy()
        self.assertEqual(known(n2), (200, word(1, 1)))

    def refused(self, node, what, known_word):
        status, answer = put(node, what)
        self.assertEqual((status, answer.get("error", {}).get("code")), (409, "behind"), what)
        self.assertEqual(answer["witness"], known_word)

    def test_only_what_nobody_knows_better_is_written(self):
        n1, n2 = self.lab.nodes
        name = "0a" * 16
        self.assertEqual(put(n1, word(0, 1, name))[0], 200)
        self.refused(n2, word(0, 1, name), word(0, 1, name))
        self.refused(n1, word(2, 2, name), word(0, 1, name))
        self.assertEqual(put(n1, word(1, 1, name))[0], 200)
        for stale in (word(0, 2, name), word(1, 1, name), word(2, 2, name), word(2, 3, name)):
            self.refused(n2, stale, word(1, 1, name))
        self.assertEqual(put(n2, word(1, 2, name))[0], 200)
        self.refused(n1, word(1, 2, name), word(1, 2, name))
        self.assertEqual(put(n2, word(2, 2, name))[0], 200)
        self.assertEqual(known(n1, name), (200, word(2, 2, name)))

    @staticmethod
    def ask(answers, node, what):
        answers[node.name] = put(node, what)

    def test_of_two_that_reserve_a_number_at_once_one_has_it_at_most(self):
        name = "0b" * 16
        twice = 0
        for number in range(1, 21):
            answers = {}
            askers = [threading.Thread(target=self.ask, args=(answers, node, word(0, number, name)))
                      for node in self.lab.nodes]
            for asker in askers:
                asker.start()
            for asker in askers:
                asker.join()
            codes = sorted(status for status, _ in answers.values())
            self.assertIn(codes, ([200, 409], [409, 409]), answers)
            twice += codes == [409, 409]
        print(f"of 20 numbers {twice} went to nobody", flush=True)

    def test_words_without_sense_are_refused_by_the_field(self):
        n1 = self.lab.nodes[0]
        status, answer = put(n1, word(1, 1) | {"members": -1})
        self.assertEqual((status, answer["error"]["code"]), (400, "bad_request"))
        self.assertIn("members", answer["error"]["message"])

    def test_a_lost_disk_is_said_and_what_was_known_is_there_afterwards(self):
        name = "0d" * 16
        n1, n2 = self.lab.nodes
        self.assertEqual(put(n1, word(0, 1, name))[0], 200)
        self.assertEqual(put(n1, word(1, 1, name))[0], 200)
        saved = os.path.join(self.lab.folder, "saved.disk")
        shutil.copyfile(self.disk, saved)
        os.truncate(self.disk, 0)
        status, answer = put(n1, word(1, 2, name))
        self.assertEqual((status, answer["error"]["code"]), (409, "unreachable"), answer)
        status, answer = known(n2, name)
        self.assertEqual((status, answer["error"]["code"]), (409, "unreachable"), answer)
        with open(saved, "rb") as file, open(self.disk, "r+b") as disk:
            shutil.copyfileobj(file, disk)
        self.healthy()
        status, word_now = known(n2, name)
        self.assertEqual((status, word_now["generation"]), (200, 1))


if __name__ == "__main__":
    run()
