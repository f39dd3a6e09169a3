"""A TCP proxy that breaks connections on the way: after so many bytes of the answer it resets, closes or stalls."""

import random
import socket
import struct
import threading
import time
from collections import Counter

KINDS = ("none", "reset", "close", "stall", "refuse", "lost-reply")


class FaultProxy:
    """Stands before a port on loopback; `chance` decides for each connection what happens to it.

    `lost-reply`: the server got and did everything, and nothing of its answer arrives.
    """

    def __init__(self, port, seed, share=0.6, stall=0.6):
        self.upstream, self.chance, self.share, self.stall = port, random.Random(seed), share, stall
        self.done = Counter()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self.listener.close()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            kind = self.chance.choice(KINDS[1:]) if self.chance.random() < self.share else "none"
            after = self.chance.choice((0, 1, 20, 200, 1500, 20_000, 90_000))
            self.done[kind] += 1
            threading.Thread(target=self._serve, args=(client, kind, after), daemon=True).start()

    def _serve(self, client, kind, after):
        with client:
            if kind == "refuse":
                self._reset(client)
                return
            with socket.create_connection(("127.0.0.1", self.upstream)) as server:
                threading.Thread(target=self._forward, args=(client, server), daemon=True).start()
                self._answer(client, server, kind, 0 if kind == "lost-reply" else after)

    def _forward(self, client, server):
        try:
            while part := client.recv(65536):
                server.sendall(part)
        except OSError:
            pass

    def _answer(self, client, server, kind, left):
        try:
            while part := server.recv(65536):
                if kind == "none":
                    client.sendall(part)
                    continue
                client.sendall(part[:left])
                left -= len(part)
                if left <= 0:
                    self._break(client, kind)
                    return
        except OSError:
            pass

    def _break(self, client, kind):
        if kind == "stall":
            time.sleep(self.stall)
        elif kind != "close":
            self._reset(client)

    def _reset(self, client):
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()
