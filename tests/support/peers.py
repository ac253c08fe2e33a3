"""Debian's Dovecot and Postfix in a box: started from nothing inside a directory, on free ports of 127.0.0.1, without
a look at /etc or the system's services. They are what Quorate is compared with.

    with Scratch("peers") as directory, Dovecot(directory) as dovecot, Postfix(directory, dovecot) as postfix:
        smtplib.SMTP("127.0.0.1", postfix.smtp)

Every address at example.test exists, with the password in `PASSWORD`. Both flush what they acknowledge, as their
defaults do. Dovecot and Postfix switch users, so this needs root; Missing says what is not there.

As a program: `peers.py` runs both until Ctrl-C and prints where they listen.
"""

import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import sys
import time

from loopback import Child, Scratch, free_ports, self_signed

DOMAIN = "example.test"
PASSWORD = "peer-secret"


class Missing(RuntimeError):
    """What this machine lacks to run a peer."""


def require(program, package, user):
    if os.geteuid() != 0:
        raise Missing(f"{program} switches users: run as root")
    found = shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if not found:
        raise Missing(f"{program} is not installed: Debian package {package}")
    try:
        pwd.getpwnam(user)
    except KeyError:
        raise Missing(f"user {user} does not exist: install Debian package {package}") from None
    return found


def write(path, text, mode=0o644):
    path.write_text(text)
    path.chmod(mode)
    return path


class Dovecot:
    """IMAP, IMAPS, POP3, POP3S and LMTP over mdbox, one process per session as Debian ships it."""

    def __init__(self, directory, settings=""):
        self.program = require("dovecot", "dovecot-core", "dovenull")
        self.directory = pathlib.Path(directory) / "dovecot"
        self.settings = settings
        self.domain, self.password = DOMAIN, PASSWORD
        self.child = None

    def __enter__(self):
        self.directory.mkdir(exist_ok=True)
        self.mail = self.directory / "mail"
        self.mail.mkdir(exist_ok=True)
        shutil.chown(self.mail, "nobody", "nogroup")
        self.certificate, self.key = self_signed(self.directory)
        self.auth_socket = self.directory / "auth-for-smtp"
        self.imap, self.imaps, self.pop3, self.pop3s, self.lmtp = free_ports(5)
        self.config = write(self.directory / "dovecot.conf", self._configuration())
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def start(self):
        self.child = Child([self.program, "-F", "-c", self.config], self.directory / "stdout")
        self.child.wait_listening([self.imap, self.imaps, self.pop3, self.pop3s, self.lmtp])

    def stop(self):
        self.child.stop()

    @property
    def pid(self):
        return self.child.pid

    def session_pids(self):
        """The imap processes, one per session."""
        return self._children("imap")

    def login_pids(self):
        """The imap-login processes, which stay for as long as a TLS session does."""
        return self._children("imap-login")

    def _children(self, name):
        command = ["ps", "-o", "pid=,comm=", "--ppid", str(self.pid)]
        listed = subprocess.run(command, capture_output=True, text=True, check=True)
        rows = [line.split(None, 1) for line in listed.stdout.splitlines()]
        return [int(pid) for pid, found in rows if found.strip() == name]

    def doveadm(self, *arguments, **options):
        command = ["doveadm", "-c", str(self.config), *arguments]
        return subprocess.run(command, check=True, capture_output=True, **options).stdout

    def _configuration(self):
        here = self.directory
        return f"""
base_dir = {here}/run
state_dir = {here}/state
instance_name = quorate-peer
log_path = {here}/log
protocols = imap pop3 lmtp
listen = 127.0.0.1
ssl = yes
ssl_cert = <{self.certificate}
ssl_key = <{self.key}
disable_plaintext_auth = no
auth_mechanisms = plain login
first_valid_uid = 1
mail_location = mdbox:~/mdbox
mail_max_userip_connections = 0
recipient_delimiter = +
default_vsz_limit = 1G
passdb {{
  driver = static
  args = password={PASSWORD}
}}
userdb {{
  driver = static
  args = uid=nobody gid=nogroup home={self.mail}/%n allow_all_users=yes
}}
namespace inbox {{
  inbox = yes
  separator = /
  mailbox Drafts {{
    special_use = \\Drafts
  }}
}}
service imap-login {{
  process_limit = 2000
  inet_listener imap {{
    port = {self.imap}
  }}
  inet_listener imaps {{
    port = {self.imaps}
    ssl = yes
  }}
}}
service pop3-login {{
  inet_listener pop3 {{
    port = {self.pop3}
  }}
  inet_listener pop3s {{
    port = {self.pop3s}
    ssl = yes
  }}
}}
service auth {{
  unix_listener {self.auth_socket} {{
    mode = 0666
  }}
}}
service imap {{
  process_limit = 2000
}}
service lmtp {{
  inet_listener lmtp {{
    port = {self.lmtp}
  }}
}}
{self.settings}
"""


MASTER_CF = """
127.0.0.1:{smtp} inet n - n - - smtpd
127.0.0.1:{plain} inet n - n - - smtpd -o smtpd_tls_security_level=none
127.0.0.1:{submission} inet n - n - - smtpd -o smtpd_sasl_auth_enable=yes -o smtpd_tls_auth_only=yes
  -o smtpd_relay_restrictions=permit_sasl_authenticated,reject
127.0.0.1:{submissions} inet n - n - - smtpd -o smtpd_sasl_auth_enable=yes -o smtpd_tls_wrappermode=yes
  -o smtpd_relay_restrictions=permit_sasl_authenticated,reject
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
tlsmgr unix - - n 1000? 1 tlsmgr
proxymap unix - - n - - proxymap
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
lmtp unix - - n - - lmtp
error unix - - n - - error
retry unix - - n - - error
postlog unix-dgram n - n - 1 postlogd
"""


class Postfix:
    """Accepts SMTP for example.test and hands it to a Dovecot's LMTP port. `plain` is the port without STARTTLS; the
    submission ports want AUTH.

    Debian's defaults, but for in_flow_delay: it holds a sender back while deliveries lag, which costs Postfix time in
    a measurement that ends with the last delivery.
    """

    def __init__(self, directory, dovecot):
        self.program = require("postfix", "postfix", "postfix")
        self.directory = pathlib.Path(directory) / "postfix"
        self.dovecot = dovecot
        self.child = None

    def __enter__(self):
        here = self.directory
        here.mkdir(exist_ok=True)
        for name in ("etc", "queue", "data"):
            (here / name).mkdir(exist_ok=True)
        shutil.chown(here / "data", "postfix", "root")
        self.smtp, self.plain, self.submission, self.submissions = ports = free_ports(4)
        write(here / "etc/master.cf", MASTER_CF.format(**vars(self)))
        write(here / "etc/main.cf", self._main_cf())
        self.child = Child([self.program, "-c", here / "etc", "start-fg"], here / "stdout")
        self.child.wait_listening(ports)
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        """`start-fg` waits for the master, which runs in a session of its own: both are ended by pid."""
        pid_file = self.directory / "queue/pid/master.pid"
        master = int(pid_file.read_text()) if pid_file.exists() else None
        if master and self.child.running():
            os.kill(master, signal.SIGTERM)
        self.child.stop()

    @property
    def log(self):
        return self.directory / "log"

    def queued(self):
        """Messages accepted but not yet delivered."""
        found = 0
        for name in ("maildrop", "incoming", "active", "deferred"):
            for _, _, files in os.walk(self.directory / "queue" / name):
                found += len(files)
        return found

    def _main_cf(self):
        here = self.directory
        return f"""
compatibility_level = 3.6
queue_directory = {here}/queue
data_directory = {here}/data
maillog_file = {here}/log
maillog_file_prefixes = {here}
myhostname = peer.example.test
mydestination =
mynetworks =
smtpd_relay_restrictions = permit_sasl_authenticated, reject_unauth_destination
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
alias_maps =
alias_database =
local_recipient_maps =
virtual_mailbox_domains = {DOMAIN}
virtual_mailbox_maps = static:present
virtual_transport = lmtp:inet:127.0.0.1:{self.dovecot.lmtp}
smtpd_sasl_type = dovecot
smtpd_sasl_path = {self.dovecot.auth_socket}
smtpd_tls_cert_file = {self.dovecot.certificate}
smtpd_tls_key_file = {self.dovecot.key}
smtpd_tls_security_level = may
message_size_limit = 52428800
mailbox_size_limit = 0
in_flow_delay = 0
"""


def main():
    with Scratch("peers") as directory, Dovecot(directory) as dovecot, Postfix(directory, dovecot) as postfix:
        print(f"directory {directory}")
        for peer, names in ((dovecot, "imap imaps pop3 pop3s lmtp"), (postfix, "smtp plain submission submissions")):
            print(type(peer).__name__, *(f"{name} {getattr(peer, name)}" for name in names.split()))
        print(f"accounts  anybody@{DOMAIN}, password {PASSWORD}", flush=True)
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        try:
            while True:
                time.sleep(3600)
        except KeyboardInterrupt:
            pass


if __name__ == "__main__":
    try:
        main()
    except Missing as missing:
        sys.exit(f"peers: {missing}")
