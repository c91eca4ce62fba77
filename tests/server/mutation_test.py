#!/usr/bin/env python3
"""Mutated messages over live sockets, UDP and TCP: pipelined, cut anywhere, ended in the middle. The server must live, serve others, and keep nothing.

  MUTATIONS   messages for each seed and transport (2,000; 20,000 is the long run, with BELLHOP=build/asan/bellhop)
  SEEDS       how many seeds (1)
"""
import glob
import os
import random
import socket
import sys
import time

sys.path.insert(0, os.path.dirname(__file__))
from bellhop import Bellhop, Results, Udp, eventually  # noqa: E402

results = Results()
MUTATIONS = int(os.environ.get("MUTATIONS", "2000"))
SEEDS = int(os.environ.get("SEEDS", "1"))
DATA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../data")
CORPUS = [open(path, "rb").read() for kind in ("captures/*.sip", "rfc4475/*.dat", "rfc5118/*.dat") for path in sorted(glob.glob(f"{DATA}/{kind}"))]
SPICE = [b"\r\n", b"\r\n\r\n", b"\0", b":", b";", b",", b"\"", b"<", b">", b"%00", b"\xff\xfe", b" " * 100, b"Content-Length: 4294967300\r\n", b"Content-Length: -1\r\n",
         b"Via: SIP/2.0/UDP 127.0.0.1:9;branch=\r\n", b"Route: <sip:127.0.0.1;lr>\r\n", b"sip:a@b;" * 60, b"Authorization: Digest \r\n", b"99999999999", b";tag=", b"[::1]"]


def mutated(random_source):
    message = bytearray(random_source.choice(CORPUS))
    for _ in range(random_source.randrange(1, 6)):
        at = random_source.randrange(len(message) + 1)
        kind = random_source.randrange(7)
        if kind == 0 and message:
            message[at % len(message)] ^= 1 << random_source.randrange(8)
        elif kind == 1:
            message[at:at] = random_source.choice(SPICE)
        elif kind == 2:
            del message[at:at + random_source.randrange(1, 40)]
        elif kind == 3:
            message[at:at] = message[at:at + random_source.randrange(1, 400)]
        elif kind == 4:
            other = random_source.choice(CORPUS)
            message[at:] = other[random_source.randrange(len(other)):]
        elif kind == 5:
            lines = bytes(message).split(b"\r\n")
            random_source.shuffle(lines)
            message = bytearray(b"\r\n".join(lines))
        else:
            del message[at:]
    return bytes(message[:60000])


def serves_others(server):
    port = Udp(server)
    text = (f"OPTIONS sip:example.test SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:{port.port};rport;branch=z9hG4bK{time.monotonic_ns()}\r\nMax-Forwards: 70\r\n"
            f"From: <sip:x@127.0.0.1>;tag=1\r\nTo: <sip:example.test>\r\nCall-ID: {time.monotonic_ns()}\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n")
    answer = None
    for wait in (0.5, 1, 2, 4, 4):  # repeated as over UDP: the kernel may have no room left behind thousands of others
        answer = answer or port.ask(text, wait)
    assert answer and answer.startswith("SIP/2.0 200"), f"others are not served: {answer}\n{server.tail(40)}"


def over_udp(server, random_source):
    port = Udp(server)
    for number in range(MUTATIONS):
        try:
            port.send(mutated(random_source))
        except OSError:  # an ICMP error of what an earlier one made the server send
            pass
        if number % 500 == 0:
            serves_others(server)


def over_tcp(server, random_source):
    stream, left = None, 0
    for number in range(MUTATIONS):
        if number % 500 == 0:
            serves_others(server)
        message = mutated(random_source)
        for _ in range(random_source.randrange(3)):  # pipelined
            message += mutated(random_source)
        try:
            if stream is None or left == 0:
                if stream is not None:
                    stream.close()
                stream, left = socket.create_connection(("127.0.0.1", server.port), timeout=10), random_source.randrange(1, 20)
                stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            left -= 1
            cut = random_source.randrange(len(message) + 1)
            stream.sendall(message[:cut])
            if random_source.randrange(8) == 0:
                stream.close()
                stream = None
                continue
            stream.sendall(message[cut:])
            stream.setblocking(False)
            try:
                while stream.recv(65536):
                    pass
            except BlockingIOError:
                pass
            stream.settimeout(10)
        except OSError:  # closed by the server, as it should
            stream = None
    if stream is not None:
        stream.close()


# Whoever is asked to, open: what is bad is not to be hidden behind a challenge.
more = '[sip]\nrelay = "anybody"\nt1 = "50ms"\ntimer_b = "1s"\n[tcp]\nmessage_timeout = "1s"\n'
for seed in range(SEEDS):
    for name, send in (("UDP", over_udp), ("TCP", over_tcp)):
        # [threats 22, 24, 25] mutated messages end in answers or silence
        with results.test(f"{MUTATIONS} mutated messages over {name}, seed {seed}"):
            with Bellhop(authenticate="none" if seed % 2 == 0 else "all", more=more) as server:
                send(server, random.Random(f"{name} {seed}"))
                serves_others(server)
                eventually(lambda: server.ctl("status")["server_transactions"] == 0, "no transaction stays", 90)
                assert server.stop() == 0, "it ends as it should"
results.finish()
