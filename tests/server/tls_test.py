#!/usr/bin/env python3
"""TLS as users meet it: a real phone over TLS, the right certificate by SNI, certificates that change under a running server."""
import os
import socket
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(__file__))
from baresip import Baresip  # noqa: E402
from bellhop import PROGRAM, Bellhop, Results, Udp, eventually, free_port  # noqa: E402
from phones import talk  # noqa: E402
from sip import make_certificate  # noqa: E402

results = Results()
port = free_port()


def s_client(*args):
    done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{port}", *args], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30)
    return done.stdout + done.stderr


def ended(stream):
    stream.settimeout(0.01)
    try:
        return stream.recv(4096) == b""
    except TimeoutError:
        return False
    except OSError:
        return True


def shown_for(name):
    said = s_client("-servername", name)
    return next((line.split("CN = ")[1].strip() for line in said.splitlines() if line.startswith("subject=")), said)


server = Bellhop(more=f"""
[[listen]]
transport = "tls"
address = "127.0.0.1:{port}"
[[domain]]
name = "other.test"
certificate = "other.pem"
key = "other.key"
[tls]
certificate = "server.pem"
key = "server.key"
""", accounts=())
make_certificate(server.folder, "server", "example.test")
make_certificate(server.folder, "other", "other.test")
for user in ("alice", "bob"):
    server.run("account", "add", f"{user}@{server.domain}", "--password-stdin", text=f"pw-{user}\n")

with server:
    with Baresip(server, "alice", 440, transport="tls", port=port) as alice, Baresip(server, "bob", 880, answers=True) as bob:
        # [KAM-13] baresip over TLS calls baresip over UDP
        with results.test("baresip over TLS calls baresip over UDP, audio both ways"):
            talk(server, alice, bob)
        # [KAM-13] two domains, two certificates: the right one by SNI
        with results.test("the certificate is the one of the domain that the client names"):
            shown = [shown_for(name) for name in ("example.test", "other.test", "unknown.test")]
            assert shown == ["example.test", "other.test", "example.test"], shown
        # [RFC5077 3] a session is resumed whichever shard takes the connection
        with results.test("a session is resumed"):
            session = f"{server.folder}/session"
            subprocess.run(["sh", "-c", f"(sleep 1) | openssl s_client -connect 127.0.0.1:{port} -tls1_2 -sess_out {session}"], capture_output=True, timeout=30)
            assert all("Reused, " in s_client("-tls1_2", "-sess_in", session) for _ in range(4)), "every time"
        # [RFC8996 2] nothing below TLS 1.2
        with results.test("TLS 1.1 is refused"):
            said = s_client("-tls1_1", "-cipher", "ALL:@SECLEVEL=0")
            assert "Cipher is (NONE)" in said, said[-600:]
        # [RFC3261 26.2.1] plain SIP at a TLS port ends with a line that says what it was
        with results.test("plain SIP at the TLS port is refused and named in the log"):
            with socket.create_connection(("127.0.0.1", port), timeout=10) as plain:
                plain.sendall(b"OPTIONS sip:example.test SIP/2.0\r\n\r\n")
                while plain.recv(4096):
                    pass
            eventually(lambda: "not TLS" in server.tail(), server.tail(3))
        # [threats 69] handshakes that never end cost the others nothing, and end
        with results.test("300 stalled handshakes do not delay a call"):
            stalled = [socket.create_connection(("127.0.0.1", port), timeout=10) for _ in range(300)]
            for number, stream in enumerate(stalled):
                if number % 2:
                    stream.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(40))  # a ClientHello that is cut off
            asker, slowest = Udp(server), 0.0
            for number in range(20):
                started = time.monotonic()
                answer = asker.ask(f"OPTIONS sip:{server.domain} SIP/2.0\r\nVia: SIP/2.0/UDP {asker.address}:{asker.port};branch=z9hG4bKs{number}\r\nMax-Forwards: 70\r\n"
                                   f"From: <sip:x@x.test>;tag=1\r\nTo: <sip:{server.domain}>\r\nCall-ID: stalled{number}\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n")
                slowest = max(slowest, time.monotonic() - started)
                assert answer and answer.startswith("SIP/2.0 200"), answer
            assert slowest < 1, f"{slowest:.3f} s"
            bob.command("dial", f"sip:alice@{server.domain}")
            alice.wait_for("CALL_INCOMING", 5)
            bob.command("hangup")
            alice.wait_for("CALL_CLOSED")
            eventually(lambda: all(ended(stream) for stream in stalled), "the server ends them after handshake_timeout", 20)
        alice.events.clear()
        # [KAM-13] a new certificate is read without a restart, and no connection ends
        with results.test("a changed certificate is served within seconds; the phone's connection stays and rings"):
            make_certificate(server.folder, "server", "renewed.test")
            eventually(lambda: shown_for("example.test") == "renewed.test", "the new certificate")
            bob.command("dial", f"sip:alice@{server.domain}")
            alice.wait_for("CALL_INCOMING")
            bob.command("hangup")
            alice.wait_for("CALL_CLOSED")
        # [KAM-13] one that cannot be used changes nothing
        with results.test("a certificate that does not fit its key is refused, the old one stays"):
            with open(f"{server.folder}/server.pem", "w") as f:
                f.write(open(f"{server.folder}/other.pem").read())
            eventually(lambda: "the old ones stay" in server.tail(), server.tail(3))
            assert shown_for("example.test") == "renewed.test"
            # [contract] bad configuration gets file:line and what is wrong
            said = subprocess.run([PROGRAM, "check", "--config", server.config], capture_output=True, text=True)
            assert said.returncode == 1 and "bellhop.toml:" in said.stderr and "server.pem" in said.stderr, said.stderr

results.finish()
