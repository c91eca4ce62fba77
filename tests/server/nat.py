"""A NAT on loopback: phones send to its inside port, it sends on from ports of its own that it forgets when they fall silent."""
import select
import socket
import threading
import time


class Nat:
    """A UDP NAT in front of a server, as strict as they come: a mapping for each peer, open to that peer only (RFC 4787: address and port dependent
    in both mapping and filtering, "symmetric"). `life`: seconds a mapping lasts without traffic. `inbound_refreshes`: whether what comes
    from outside counts as traffic; for many NATs only what goes out does."""

    outside = "127.0.0.3"

    def __init__(self, server, life=8.0, inbound_refreshes=True):
        self.server, self.life, self.inbound_refreshes = ("127.0.0.1", server.port), life, inbound_refreshes
        self.inside = socket.socket(type=socket.SOCK_DGRAM)
        self.inside.bind(("127.0.0.1", 0))
        self.port = self.inside.getsockname()[1]
        self.mappings = {}  # phone -> [socket, last used]
        self.made = self.dropped = 0
        self.running = True
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _mapping(self, phone):
        if phone not in self.mappings:
            out = socket.socket(type=socket.SOCK_DGRAM)
            out.bind((self.outside, 0))
            self.mappings[phone] = [out, 0.0]
            self.made += 1
        return self.mappings[phone]

    def _run(self):
        while self.running:
            now = time.monotonic()
            for phone in [p for p, (_, used) in self.mappings.items() if now - used > self.life]:
                self.mappings.pop(phone)[0].close()
            by_socket = {out: phone for phone, (out, _) in self.mappings.items()}
            for ready in select.select([self.inside, *by_socket], [], [], 0.1)[0]:
                octets, sender = ready.recvfrom(65536)
                now = time.monotonic()
                if ready is self.inside:
                    mapping = self._mapping(sender)
                    mapping[1] = now
                    mapping[0].sendto(octets, self.server)
                elif sender != self.server:
                    self.dropped += 1
                else:
                    if self.inbound_refreshes:
                        self.mappings[by_socket[ready]][1] = now
                    self.inside.sendto(octets, by_socket[ready])

    def close(self):
        self.running = False
        self.thread.join()
        self.inside.close()
        for out, _ in self.mappings.values():
            out.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
