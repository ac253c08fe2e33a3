"""fencer_program.py SOCKET NAME [--confirm]: a program with an outside fencer, as docs/protocols/control.md has it.

Registers, attaches, and prints what it is told, a line each. For each line "confirm NODE_ID INCARNATION" on its input,
or with --confirm for each request, it confirms and prints the answer's status.
"""

import json
import os
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../support"))

import maild_node  # noqa: E402

SESSION = []


def ask(path, method, target, body=None):
    return maild_node.control_request(path, method, target, body, 20)


def confirm(path, name, node, incarnation):
    status, _ = ask(path, "POST", f"/v1/fencers/{name}/confirmed",
                    {"session": SESSION[0], "node_id": int(node), "incarnation": incarnation})
    print(json.dumps({"confirmed": status}), flush=True)


def commands(path, name):
    for line in sys.stdin:
        _, node, incarnation = line.split()
        confirm(path, name, node, incarnation)


def main(path, name, *options):
    status, answer = ask(path, "PUT", f"/v1/fencers/{name}")
    if status >= 300:
        sys.exit(f"{status} {answer}")
    connection = maild_node.UnixConnection(path, 30)
    connection.request("GET", f"/v1/fencers/{name}/requests")
    response = connection.getresponse()
    if response.status != 200:
        sys.exit(f"{response.status} {response.read().decode()}")
    SESSION.append(json.loads(response.readline())["session"])
    print(json.dumps({"session": SESSION[0]}), flush=True)
    threading.Thread(target=commands, args=(path, name), daemon=True).start()
    for line in response:
        if line.strip():
            said = json.loads(line)
            print(json.dumps(said), flush=True)
            if "--confirm" in options and "node_id" in said:
                confirm(path, name, said["node_id"], said["incarnation"])


if __name__ == "__main__":
    main(*sys.argv[1:])
