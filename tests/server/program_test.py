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
from sip import answer_to, credentials, expect, lines_of  # noqa: E402

results = Results()


def options(phone, uri):
    return (f"OPTIONS {uri} SIP/2.0\r\nVia: SIP/2.0/UDP {phone.address}:{phone.port};rport;branch=z9hG4bKopt{os.urandom(4).hex()}\r\n"
            f"Max-Forwards: 0\r\nFrom: <sip:probe@example.test>;tag=1\r\nTo: <{uri}>\r\nCall-ID: {os.urandom(6).hex()}\r\n"
            f"CSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n")


def register(phone, user, contact, cseq=1, call_id="reg-1", more=""):
    return (f"REGISTER sip:example.test SIP/2.0\r\nVia: SIP/2.0/UDP {phone.address}:{phone.port};rport;branch=z9hG4bK{os.urandom(4).hex()}\r\n"
            f"Max-Forwards: 70\r\nFrom: <sip:{user}@example.test>;tag=1\r\nTo: <sip:{user}@example.test>\r\nCall-ID: {call_id}\r\n"
            f"CSeq: {cseq} REGISTER\r\nContact: <{contact}>\r\nExpires: 3600\r\n{more}Content-Length: 0\r\n\r\n")


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
            answer = phone.ask(register(phone, "carol", "sip:carol@127.0.0.1:9", cseq + 1, "carol", credentials(challenge, "REGISTER", f"sip:{server.domain}", "carol", password)))
            return answer.split(" ")[1]

        eventually(lambda: registered("secret", time.monotonic_ns() % 10**9) == "200", "carol registers", 5)
        assert registered("wrong", 10**9) == "401"

def ha1(algorithm, user, realm, password):
    return hashlib.new(algorithm, f"{user}:{realm}:{password}".encode()).hexdigest()


# [PAR-06]
with results.test("sipsak registers as accounts that were added and imported by H(A1)"):
    with Bellhop(accounts=(), domain="localhost") as server:  # sipsak looks the domain up whatever its proxy
        added = server.run("account", "add", "alice@localhost", "--ha1-stdin", text=ha1("md5", "alice", "localhost", "wonderland") + "\n")
        assert "asked for MD5" in added.stdout, added
        people = os.path.join(server.folder, "people.csv")
        with open(people, "w") as f:
            f.write(f"user,domain,password,md5,sha256\nBob,localhost,,{ha1('md5', 'Bob', 'localhost', 'builder')}\n")
        server.run("account", "import", people)
        for user, password, good in (("alice", "wonderland", True), ("Bob", "builder", True), ("alice", "builder", False)):
            done = subprocess.run(["sipsak", "-U", "-vv", "-s", f"sip:{user}@localhost", "-u", user, "-a", password, "-p", f"127.0.0.1:{server.port}",
                                   "-C", f"sip:{user}@127.0.0.1:9999", "-x", "120"], capture_output=True, text=True, timeout=30)
            assert (done.returncode == 0) == good, (user, password, done.stdout + done.stderr)
        assert len(server.ctl("bindings", "list")) == 2, server.ctl("bindings", "list")

# [PAR-06]
with results.test("a phone that takes the first challenge registers whichever H(A1) its account has"):
    def registered(server, user, password):
        phone = Udp(server)
        challenge = phone.ask(register(phone, user, f"sip:{user}@127.0.0.1:9", 1, os.urandom(4).hex()), 15)
        answer = phone.ask(register(phone, user, f"sip:{user}@127.0.0.1:9", 2, os.urandom(4).hex(), credentials(challenge, "REGISTER", f"sip:{server.domain}", user, password)), 15)
        return answer.split(" ")[1], challenge

    hashes = [ha1(algorithm, "carol", "example.test", "secret") for algorithm in ("md5", "sha256")]
    for given, offered in ((hashes[:1], "MD5"), (hashes[1:], "SHA-256"), (hashes, "SHA-256")):
        with Bellhop(accounts=("dave",)) as server:
            server.run("account", "add", "carol@example.test", "--ha1-stdin", text=" ".join(given) + "\n")
            status, challenge = registered(server, "carol", "secret")
            assert status == "200" and f"algorithm={offered}" in challenge, (status, challenge)
            assert registered(server, "carol", "wrong")[0] == "401"
            assert registered(server, "dave", "pw-dave")[0] == "200"
            strangers = registered(server, "nobody", "secret")
            assert strangers[0] == "401" and strangers[1].count("algorithm=") == challenge.count("algorithm="), strangers

# [PAR-06]
with results.test("what is no H(A1) is refused, by file and line in an import"):
    server = Bellhop(accounts=())
    people = os.path.join(server.folder, "people.csv")
    with open(people, "w") as f:
        f.write("alice,example.test,secret\n\nbob,example.test,,0123\n")
    done = server.run("account", "import", people, check=False)
    assert done.returncode == 1 and f"{people}: line 3: an H(A1) is the hash" in done.stderr, done
    done = server.run("account", "add", "bob@example.test", "--ha1-stdin", text="0123\n", check=False)
    assert done.returncode == 1 and "32 digits for MD5" in done.stderr, done
    assert server.run("account", "add", "bob@example.test", check=False).returncode == 2
    assert server.run("account", "add", "bob@example.test", "--ha1-stdin", "--password-stdin", text="x\n", check=False).returncode == 2
    assert server.run("account", "list").stdout == "none\n"
    server.clean()


def reply(phone, request, status):
    """The phone's answer to a request, with a To tag and a Contact."""
    phone.send(answer_to(request, status, f"sip:phone@127.0.0.1:{phone.port}"))


class Call:
    """A call from one UDP phone to another, a step at a time."""

    def __init__(self, server, callee_name):
        self.caller, self.callee = Udp(server), Udp(server)
        server.run("ctl", "bindings", "add", f"{callee_name}@{server.domain}", f"sip:phone@127.0.0.1:{self.callee.port}")
        text = options(self.caller, f"sip:{callee_name}@{server.domain}").replace("OPTIONS", "INVITE").replace("Max-Forwards: 0", "Max-Forwards: 70")
        self.caller.send(text.replace("Content-Length", f"Contact: <sip:probe@127.0.0.1:{self.caller.port}>\r\nContent-Length"))
        self.invite = expect(self.callee, "INVITE ")
        reply(self.callee, self.invite, "180 Ringing")
        expect(self.caller, "SIP/2.0 180")

    def answer(self):
        reply(self.callee, self.invite, "200 OK")
        self.ok = expect(self.caller, "SIP/2.0 200")

    def say(self, method, cseq):
        """A request of the caller within the dialog."""
        routes = [line.replace("Record-Route", "Route") for line in reversed(lines_of(self.ok, "Record-Route"))]
        target = re.search("<(.*)>", lines_of(self.ok, "Contact")[0]).group(1)
        self.caller.send(f"{method} {target} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:{self.caller.port};rport;branch=z9hG4bK{os.urandom(6).hex()}\r\n"
                         "Max-Forwards: 70\r\n" + "\r\n".join(routes + lines_of(self.ok, "From", "To", "Call-ID"))
                         + f"\r\nCSeq: {cseq} {method}\r\nContent-Length: 0\r\n\r\n")
        return expect(self.callee, f"{method} ")


def with_drain_timeout(server, text):
    config = open(server.config).read().replace("workers = 2\n", f'workers = 2\ndrain_timeout = "{text}"\n')
    with open(server.config, "w") as f:
        f.write(config)
    return server


# [house 6]
with results.test("after SIGTERM calls that ring are answered, acknowledged and ended, new requests get 503, and the program ends with 0"):
    limit = 60
    with with_drain_timeout(Bellhop(accounts=(), authenticate="none"), f"{limit}s") as server:
        phone = Udp(server)
        first, second = Call(server, "bob"), Call(server, "carol")
        told = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        cseq = iter(range(1, 10**6))
        eventually(lambda: (phone.ask(register(phone, "dave", "sip:dave@127.0.0.1:9", next(cseq))) or "").startswith("SIP/2.0 503"), "REGISTER is refused")
        for method in ("INVITE", "MESSAGE"):
            refused = phone.ask(options(phone, "sip:bob@example.test").replace("OPTIONS", method).replace("Max-Forwards: 0", "Max-Forwards: 70"), 15)
            assert refused and refused.startswith("SIP/2.0 503") and "\r\nRetry-After: " in refused, refused
        assert phone.ask(options(phone, f"sip:127.0.0.1:{server.port}"), 15).startswith("SIP/2.0 200"), "a keep-alive is no new call"
        assert server.ctl("status")["state"] == "draining", server.ctl("status")
        first.answer()
        first.say("ACK", 1)
        reply(first.callee, first.say("BYE", 2), "200 OK")
        assert lines_of(expect(first.caller, "SIP/2.0 200"), "CSeq") == ["CSeq: 2 BYE"]
        assert server.process.poll() is None, "the second call still rings"
        second.answer()
        time.sleep(0.2)  # a caller is not on this machine
        second.say("ACK", 1)
        assert server.process.wait(timeout=limit) == 0, server.tail()
        assert time.monotonic() - told < limit, "it waited for the limit although all had ended"
        server.process = None

# [house 6]
with results.test("after SIGTERM a call that rings on is given up at the drain's limit, and the program ends with 0"):
    with with_drain_timeout(Bellhop(accounts=(), authenticate="none"), "1s") as server:
        call = Call(server, "bob")
        told = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(timeout=30) == 0, server.tail()
        assert time.monotonic() - told >= 1
        assert "some calls were still being set up" in open(server.log).read(), server.tail()
        server.process = None

with results.test("a second server on the same address refuses to start"):
    with Bellhop() as server:
        other = Bellhop()
        text = open(other.config).read().replace(f":{other.port}", f":{server.port}")
        open(other.config, "w").write(text)
        done = subprocess.run([PROGRAM, "run", "--config", other.config], capture_output=True, text=True, timeout=30)
        assert done.returncode == 1 and "in use" in done.stderr, done
        other.clean()

results.finish()
