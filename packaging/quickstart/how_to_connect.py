"""how_to_connect.py ROOT: the settings a mail client needs, and what to try next."""

import sys

root = sys.argv[1]
print("""
Connect a mail client (server 127.0.0.1, certificate self-signed: accept it once):
  incoming  IMAP  port 2993 (TLS)  or 2143 (STARTTLS)
            POP3  port 2995 (TLS)  or 2110 (STARTTLS)
  outgoing  SMTP  port 2465 (TLS)  or 2587 (STARTTLS), with password
  receiving SMTP  port 2525, LMTP port 2424""")
with open(f"{root}/etc/quorate/demo-accounts", encoding="ascii") as lines:
    for line in lines:
        user, password = line.split()
        print(f"  user {user}  password {password}")
print(f"""
Look around in another terminal:
  export QUORATE_ROOT={root}
  build/release/bin/clusterctl status
  build/release/bin/clusterctl who
  build/release/bin/clusterctl mail show ann@example.test
The log is {root}/var/log/maild.log. Ctrl-C stops the server; the mail stays.""", flush=True)
