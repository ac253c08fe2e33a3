"""crowd.py PORT TO... -- FROM...: connections that never say a word, as many as are let in, until stdin ends."""

import select
import socket
import sys
import time

OF_EACH = 10
PAUSE = 0.01  # it fills the port, and leaves the machine to the others


def connect(source, target):
    client = socket.socket()
    client.setblocking(False)
    client.bind((source, 0))
    client.connect_ex(target)
    return client


def crowd(targets, sources):
    watched = select.poll()
    watched.register(sys.stdin, select.POLLIN)
    clients = {}

    def add(way):
        client = connect(*way)
        clients[client.fileno()] = (client, way)
        watched.register(client, select.POLLIN)

    for source in sources:
        for target in targets:
            for _ in range(OF_EACH):
                add((source, target))
    while True:
        for file, _ in watched.poll():
            if file == sys.stdin.fileno():
                return
            # Closed by the other side: a new one takes its place.
            watched.unregister(file)
            client, way = clients.pop(file)
            client.close()
            add(way)
        time.sleep(PAUSE)


port, *words = sys.argv[1:]
border = words.index("--")
crowd([(host, int(port)) for host in words[:border]], words[border + 1:])
