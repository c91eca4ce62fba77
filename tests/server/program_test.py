#!/usr/bin/env python3
"""The outside contract of the program (house.md section 6): subcommands, checks, start, drain, restart, reload, control socket."""
import hashlib
import os
import re
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(__file__))
from bellhop import PROGRAM, Bellhop, Results, Udp, eventually  # noqa: E402

results = Results()


def options(phone, uri):
    return (f"OPTIONS {uri} SIP/2.0\r\nVia: SIP/2.0/UDP {phone.address}:{phone.port};rport;branch=z9hG4bKopt{os.urandom(4).hex()}\r\n"
            f"Max-Forwards: 0\r\nFrom: <sip:probe@example.test>;tag=1\r\nTo: <{uri}>\r\nCall-ID: {os.urandom(6).hex()}\r\n"
            f"CSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n")


def register(phone, user, contact, cseq=1, call_id="reg-1", more=""):
    return (f"REGISTER sip:example.test SIP/2.0\r\nVia: SIP/2.0/UDP {phone.address}:{phone.port};rport;branch=z9hG4bK{os.urandom(4).hex()}\r\n"
            f"Max-Forwards: 70\r\nFrom: <sip:{user}@example.test>;tag=1\r\nTo: <sip:{user}@example.test>\r\nCall-ID: {call_id}\r\n"
            f"CSeq: {cseq} REGISTER\r\nContact: <{contact}>\r\nExpires: 3600\r\n{more}Content-Length: 0\r\n\r\n")


def credentials(challenge, user, password):
    """An Authorization line for the first challenge of a 401 (RFC 7616, qop auth)."""
    line = next(line for line in challenge.split("\r\n") if line.startswith("WWW-Authenticate: "))
    realm, nonce, algorithm = (re.search(rf'{name}="?([^",]+)', line).group(1) for name in ("realm", "nonce", "algorithm"))

    def hashed(text):
        return hashlib.new({"SHA-256": "sha256", "MD5": "md5"}[algorithm], text.encode()).hexdigest()

    uri = f"sip:{realm}"
    response = hashed(":".join((hashed(f"{user}:{realm}:{password}"), nonce, "00000001", "c", "auth", hashed(f"REGISTER:{uri}"))))
    return (f'Authorization: Digest username="{user}", realm="{realm}", nonce="{nonce}", uri="{uri}", algorithm={algorithm}, '
            f'qop=auth, nc=00000001, cnonce="c", response="{response}"\r\n')


with results.test("version is printed"):
    out = subprocess.run([PROGRAM, "--version"], capture_output=True, text=True)
    assert out.returncode == 0 and "0.1.0" in out.stdout, out

with results.test("check accepts a good file and names line and key of a bad one"):
    server = Bellhop()
    assert server.run("check").returncode == 0
    with open(server.config, "a") as f:
        f.write("[servr]\nworkers = 1\n")
    bad = server.run("check", check=False)
    assert bad.returncode == 1, bad
    said = bad.stdout + bad.stderr
    assert "bellhop.toml:" in said and "servr" in said, said
    server.clean()

with results.test("accounts are added, listed and removed, on a stopped server"):
    server = Bellhop(accounts=("alice",))
    assert "alice" in server.run("account", "list").stdout
    server.run("account", "remove", "alice@example.test")
    assert "alice" not in server.run("account", "list").stdout
    server.clean()

# [RT-05, CUCM-02]
with results.test("the server answers OPTIONS to itself before the hop check"):
    with Bellhop() as server:
        phone = Udp(server)
        answer = phone.ask(options(phone, f"sip:127.0.0.1:{server.port}"))
        assert answer and answer.startswith("SIP/2.0 200 Keepalive"), answer

# [DET-01]
with results.test("REGISTER is challenged with both algorithms, SHA-256 first"):
    with Bellhop() as server:
        phone = Udp(server)
        answer = phone.ask(register(phone, "alice", f"sip:alice@127.0.0.1:{phone.port}"))
        assert answer and answer.startswith("SIP/2.0 401"), answer
        assert 0 < answer.find("algorithm=SHA-256") < answer.find("algorithm=MD5"), answer

# [USR-01]
with results.test("bindings survive SIGTERM and are seen by ctl"):
    server = Bellhop(authenticate="none")
    server.start()
    phone = Udp(server)
    answer = phone.ask(register(phone, "alice", f"sip:alice@127.0.0.1:{phone.port}"))
    assert answer and answer.startswith("SIP/2.0 200"), answer
    assert server.ctl("stats")["location.bindings"] == 1, server.ctl("stats")
    assert "sip:alice@" in str(server.ctl("bindings", "list")), server.ctl("bindings", "list")
    assert server.stop() == 0
    server.start()
    assert "1 bindings" in open(server.log).read(), server.tail()
    server.stop()
    server.clean()

with results.test("after kill -9 at most the last second of registrations is lost"):
    server = Bellhop(authenticate="none")
    server.start()
    phone = Udp(server)
    assert phone.ask(register(phone, "alice", f"sip:alice@127.0.0.1:{phone.port}")).startswith("SIP/2.0 200")
    time.sleep(1.2)
    server.stop(signal.SIGKILL)
    server.start()
    assert "1 bindings" in open(server.log).read(), server.tail()
    server.stop()
    server.clean()

with results.test("SIGHUP takes a good file and keeps the old snapshot for a bad one"):
    with Bellhop() as server:
        with open(server.config, "a") as f:
            f.write("[nonsense]\n")
        os.kill(server.process.pid, signal.SIGHUP)
        eventually(lambda: "nonsense" in open(server.log).read(), "the fault in the log")
        phone = Udp(server)
        assert phone.ask(options(phone, f"sip:127.0.0.1:{server.port}")).startswith("SIP/2.0 200")
        text = open(server.config).read().replace("[nonsense]\n", "").replace("workers = 2\n", 'workers = 2\nname = "Renamed"\n')
        with open(server.config, "w") as f:
            f.write(text)
        os.kill(server.process.pid, signal.SIGHUP)
        eventually(lambda: "\r\nServer: Renamed\r\n" in phone.ask(options(phone, f"sip:127.0.0.1:{server.port}")), "the new name in answers")

# [CGP-21, CGP-22, CGP-33] Levels and tags
with results.test("after one call each tag and level has said what is its own"):
    def call(server):
        caller, callee = Udp(server), Udp(server)
        server.run("ctl", "bindings", "add", "alice@example.test", f"sip:alice@127.0.0.1:{callee.port}")
        caller.send(options(caller, "sip:alice@example.test").replace("OPTIONS", "INVITE").replace("Max-Forwards: 0", "Max-Forwards: 70"))
        invite = callee.receive()
        lines = [line for line in invite.split("\r\n") if line.startswith(("Via:", "From:", "To:", "Call-ID:", "CSeq:"))]
        callee.send("SIP/2.0 200 OK\r\n" + "\r\n".join(line + ";tag=c" if line.startswith("To:") else line for line in lines)
                    + "\r\nContent-Length: 0\r\n\r\n")
        while "200 OK" not in caller.receive():
            pass
        return lambda: open(server.log).read()

    with Bellhop(authenticate="none") as server:
        log = call(server)
        eventually(lambda: "SIP call established" in log(), "the report of the session, at the default level")
        assert "SIPC " not in log() and "SIPS " not in log() and "INVITE sip:" not in log(), log()
    with Bellhop(authenticate="none", more='[log.levels]\nSIPS = "low-level"\n') as server:
        log = call(server)
        eventually(lambda: "SIPS INVITE" in log(), "the server transaction")
        assert "SIPC INVITE" not in log(), log()
    with Bellhop(authenticate="none", more='[log]\nlevel = "all-info"\n') as server:
        log = call(server)
        eventually(lambda: all(word in log() for word in ("SIPS INVITE", "SIPC INVITE", "SIP call established", "SIPDATA", "INVITE sip:")), "all of them")

# [USR-15]
with results.test("bindings are added and removed by the operator, and calls follow"):
    with Bellhop(authenticate="none") as server:
        phone, callee = Udp(server), Udp(server)
        message = lambda n: (options(phone, "sip:alice@example.test").replace("OPTIONS", "MESSAGE").replace("Max-Forwards: 0", "Max-Forwards: 70")  # noqa: E731
                             .replace("tag=1", f"tag={n}"))
        assert phone.ask(message(1)).startswith("SIP/2.0 480")
        server.run("ctl", "bindings", "add", "alice@example.test", f"sip:alice@127.0.0.1:{callee.port}")
        phone.send(message(2))
        assert callee.receive().startswith(f"MESSAGE sip:alice@127.0.0.1:{callee.port} SIP/2.0\r\n")
        server.run("ctl", "bindings", "remove", "alice@example.test")
        assert phone.ask(message(3)).startswith("SIP/2.0 480")

with results.test("an account added while the server runs can register at once"):
    with Bellhop(accounts=("alice",)) as server:
        server.run("account", "add", "carol@example.test", "--password-stdin", text="secret\n")
        phone = Udp(server)

        def registered(password, cseq):
            challenge = phone.ask(register(phone, "carol", "sip:carol@127.0.0.1:9", cseq, "carol"))
            answer = phone.ask(register(phone, "carol", "sip:carol@127.0.0.1:9", cseq + 1, "carol", credentials(challenge, "carol", password)))
            return answer.split(" ")[1]

        eventually(lambda: registered("secret", time.monotonic_ns() % 10**9) == "200", "carol registers", 5)
        assert registered("wrong", 10**9) == "401"

with results.test("a second server on the same address refuses to start"):
    with Bellhop() as server:
        other = Bellhop()
        text = open(other.config).read().replace(f":{other.port}", f":{server.port}")
        open(other.config, "w").write(text)
        done = subprocess.run([PROGRAM, "run", "--config", other.config], capture_output=True, text=True, timeout=30)
        assert done.returncode == 1 and "in use" in done.stderr, done
        other.clean()

results.finish()
