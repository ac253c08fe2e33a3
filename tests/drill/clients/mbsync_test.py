"""isync's mbsync: a Maildir and the server kept equal in both directions."""

import mailbox
import re
import unittest

from client_case import ClientCase, message

TUID = re.compile(rb"X-TUID: .*\r\n")


class Mbsync(ClientCase):
    def configure(self, account, tls="None"):
        folder = self.folder()
        port = self.server.imaps if tls == "IMAPS" else self.server.imap
        certificate = "" if tls == "None" else f"CertificateFile {self.server.certificate}\n"
        (folder / "near").mkdir()
        (folder / "mbsyncrc").write_text(f"""
IMAPAccount far
Host localhost
Port {port}
User {account.address}
Pass "{account.password}"
SSLType {tls}
{certificate}
IMAPStore far
Account far

MaildirStore near
Path {folder}/near/
Inbox {folder}/near/INBOX
SubFolders Verbatim

Channel all
Far :far:
Near :near:
Patterns *
Create Both
Remove Both
Expunge Both
CopyArrivalDate yes
SyncState *
""")
        return folder

    def sync(self, folder):
        return self.run_client("mbsync", "-c", folder / "mbsyncrc", "-a")

    def near(self, folder, name="INBOX"):
        return mailbox.Maildir(folder / "near" / name, create=False)

    def snapshot(self, folder):
        """Every file of the Maildirs with its content; the synchronisation state's own log aside."""
        return {
            path.relative_to(folder): path.read_bytes()
            for path in sorted((folder / "near").rglob("*"))
            if path.is_file() and not path.name.startswith(".mbsyncstate") and path.name != ".uidvalidity"
        }

    def octets(self, maildir):
        """The messages with the line ends of mail, without the mark that mbsync leaves in those it has copied."""
        return sorted(
            TUID.sub(b"", maildir.get_bytes(key).replace(b"\n", b"\r\n")) for key in maildir.keys())

    def far(self, account, name="INBOX"):
        return sorted(TUID.sub(b"", octets) for octets in self.stored(account, name))

    def test_mail_comes_down_and_a_second_run_changes_nothing(self):
        reader = self.server.account("down")
        self.deliver(reader, *(message(f"down {number}") for number in range(20)))
        self.imap(reader, "INBOX").store("1:5", "+FLAGS", r"(\Seen \Flagged)")
        folder = self.configure(reader)
        self.sync(folder)
        near = self.near(folder)
        self.assertEqual(self.octets(near), self.far(reader))
        self.assertEqual(sorted(near[key].get_flags() for key in near.keys()), [""] * 15 + ["FS"] * 5)
        before, far_before = self.snapshot(folder), self.far_state(reader)
        self.sync(folder)
        self.assertEqual(self.snapshot(folder), before)
        self.assertEqual(self.far_state(reader), far_before)

    def far_state(self, account):
        client = self.imap(account, "INBOX")
        return client.uid("FETCH", "1:*", "(UID FLAGS INTERNALDATE RFC822.SIZE)")[1], client.response("UIDVALIDITY")

    def test_mail_goes_up_with_flags_and_a_second_run_changes_nothing(self):
        reader = self.server.account("up")
        folder = self.configure(reader)
        self.sync(folder)
        near = self.near(folder)
        for number in range(10):
            kept = mailbox.MaildirMessage(message(f"up {number}").replace(b"\r\n", b"\n"))
            kept.set_subdir("cur")
            kept.set_flags("RS" if number % 2 else "F")
            near.add(kept)
        self.sync(folder)
        self.assertEqual(len(self.stored(reader)), 10)
        self.assertEqual(self.far(reader), self.octets(near))
        client = self.imap(reader, "INBOX")
        self.assertEqual(len(client.search(None, "ANSWERED", "SEEN")[1][0].split()), 5)
        self.assertEqual(len(client.search(None, "FLAGGED", "UNSEEN")[1][0].split()), 5)
        before, far_before = self.snapshot(folder), self.far_state(reader)
        self.sync(folder)
        self.assertEqual(self.snapshot(folder), before)
        self.assertEqual(self.far_state(reader), far_before)

    def test_mailboxes_are_made_on_both_sides(self):
        reader = self.server.account("boxes")
        client = self.imap(reader)
        client.create('"Far only"')
        client.append('"Far only"', None, None, message("far"))
        folder = self.configure(reader)
        mailbox.Maildir(folder / "near" / "Near only", create=True).add(message("near").replace(b"\r\n", b"\n"))
        self.sync(folder)
        self.assertEqual(self.octets(self.near(folder, "Far only")), [message("far")])
        self.assertEqual(self.far(reader, '"Near only"'), [message("near")])

    def test_what_is_deleted_on_one_side_goes_on_the_other(self):
        reader = self.server.account("deletions")
        self.deliver(reader, *(message(f"delete {number}") for number in range(6)))
        folder = self.configure(reader)
        self.sync(folder)
        near = self.near(folder)
        near.remove(near.keys()[0])
        client = self.imap(reader, "INBOX")
        kept_near = self.octets(near)
        gone = next(
            number for number, octets in enumerate(self.stored(reader), 1) if TUID.sub(b"", octets) in kept_near)
        client.store(str(gone), "+FLAGS", r"(\Deleted)")
        client.expunge()
        self.sync(folder)
        self.assertEqual(len(self.stored(reader)), 4)
        self.assertEqual(self.octets(self.near(folder)), self.far(reader))

    def test_it_works_under_tls(self):
        reader = self.server.account("under-tls")
        self.deliver(reader, message("under TLS"))
        for tls in ("IMAPS", "STARTTLS"):
            with self.subTest(tls):
                self.sync(self.configure_again(reader, tls))

    def configure_again(self, account, tls):
        (self.scratch / tls).mkdir()
        original, self.folder = self.folder, lambda: self.scratch / tls
        try:
            return self.configure(account, tls)
        finally:
            self.folder = original


if __name__ == "__main__":
    unittest.main()
