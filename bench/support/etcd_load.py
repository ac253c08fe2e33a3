"""etcd_load.py ADDRESS API once|many COUNT: locks and releases at an etcd member, by its JSON gateway.

API: `lock` (the lock service, one lease for all) or `transaction` (a put if the key is not there, then a delete).
`once`: COUNT one after the other; prints the time of the lock alone. `many`: 64 connections, each one after the other,
COUNT in all; prints the rate. One process with bare sockets, so that the client costs little.
"""

import base64
import json
import selectors
import socket
import statistics
import sys
import time

AT_ONCE = 64


def coded(text):
    return base64.b64encode(text.encode()).decode()


def posted(path, body):
    text = json.dumps(body)
    return f"POST {path} HTTP/1.1\r\nHost: etcd\r\nContent-Length: {len(text)}\r\n\r\n{text}".encode()


class Connection:
    def __init__(self, address):
        host, port = address.rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), timeout=60)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.text = b""

    def send(self, request):
        self.socket.sendall(request)

    def answer(self):
        """The answer's body once it is whole, else nothing."""
        self.text += self.socket.recv(65536)
        head, end, body = self.text.partition(b"\r\n\r\n")
        if not end:
            return None
        size = int(head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0])
        if len(body) < size:
            return None
        if b" 200 " not in head.split(b"\r\n", 1)[0]:
            raise RuntimeError(self.text.decode())
        self.text = body[size:]
        return json.loads(body[:size])

    def ask(self, request):
        self.send(request)
        while (answer := self.answer()) is None:
            pass
        return answer


class LockApi:
    def __init__(self, connection):
        self.lease = connection.ask(posted("/v3/lease/grant", {"TTL": 600}))["ID"]

    def lock(self, name):
        return posted("/v3/lock/lock", {"name": coded(name), "lease": self.lease})

    def release(self, _name, answer):
        return posted("/v3/lock/unlock", {"key": answer["key"]})


class TransactionApi:
    def __init__(self, _connection):
        pass

    def lock(self, name):
        free = {"key": coded(name), "target": "CREATE", "result": "EQUAL", "create_revision": "0"}
        return posted("/v3/kv/txn", {"compare": [free],
                                     "success": [{"request_put": {"key": coded(name), "value": coded("held")}}]})

    def release(self, name, answer):
        if not answer.get("succeeded"):
            raise RuntimeError("somebody else holds it")
        return posted("/v3/kv/deleterange", {"key": coded(name)})


def one_after_the_other(address, api, count):
    connection = Connection(address)
    api = api(connection)
    times = []
    for _ in range(count):
        begun = time.perf_counter()
        answer = connection.ask(api.lock("accounts/alice"))
        times.append(time.perf_counter() - begun)
        connection.ask(api.release("accounts/alice", answer))
    return {"median_us": 1e6 * statistics.median(times)}


def together(address, api, count):
    connections = [Connection(address) for _ in range(AT_ONCE)]
    api = api(connections[0])
    ready = selectors.DefaultSelector()
    locking = {}
    begun = time.perf_counter()
    for number, connection in enumerate(connections):
        ready.register(connection.socket, selectors.EVENT_READ, (f"accounts/{number}", connection))
        locking[connection] = True
        connection.send(api.lock(f"accounts/{number}"))
    done = 0
    while done < count:
        for key, _ in ready.select():
            name, connection = key.data
            answer = connection.answer()
            if answer is None:
                continue
            if locking[connection]:
                connection.send(api.release(name, answer))
            else:
                done += 1
                connection.send(api.lock(name))
            locking[connection] = not locking[connection]
    return {"pairs_per_second": done / (time.perf_counter() - begun)}


def main():
    address, api, manner, count = sys.argv[1:]
    run = {"once": one_after_the_other, "many": together}[manner]
    print(json.dumps(run(address, {"lock": LockApi, "transaction": TransactionApi}[api], int(count))))


if __name__ == "__main__":
    main()
