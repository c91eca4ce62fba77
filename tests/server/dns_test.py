#!/usr/bin/env python3
"""Finding peers through a real DNS server (nsd) on loopback: NAPTR, SRV, dead targets, times to live, silent and forging name servers,
and two Bellhops as two domains (RFC 3263)."""
import atexit
import collections
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.dirname(__file__))
from bellhop import Bellhop, Results, Udp, eventually, free_port  # noqa: E402
from sip import answer_to  # noqa: E402

results = Results()
NSD = shutil.which("nsd") or "/usr/sbin/nsd"


class Phone:
    """Answers every request with 200 (or as it is told, or not at all) and keeps what it heard. Over UDP, or TCP for one connection
    at a time."""

    def __init__(self, status="200 OK", tcp=False):
        self.status, self.heard, self.tcp = status, [], tcp
        self.socket = socket.socket(type=socket.SOCK_STREAM if tcp else socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        if tcp:
            self.socket.listen()
        threading.Thread(target=self.serve_stream if tcp else self.serve, daemon=True).start()

    def serve(self):
        while True:
            request, peer = self.socket.recvfrom(65536)
            answer = self.hear(request.decode())
            if answer:
                self.socket.sendto(answer.encode(), peer)

    def serve_stream(self):
        while True:
            stream, _ = self.socket.accept()
            waiting = b""
            while octets := stream.recv(65536):
                waiting += octets
                while b"\r\n\r\n" in waiting:  # our requests have no bodies
                    request, waiting = waiting.split(b"\r\n\r\n", 1)
                    answer = self.hear(request.decode() + "\r\n\r\n")
                    if answer:
                        stream.sendall(answer.encode())

    def hear(self, request):
        self.heard.append(request)
        if self.status is None or request.startswith("ACK"):
            return None
        return answer_to(request, self.status, f"sip:callee@127.0.0.1:{self.port}")

    def count(self, method):
        return len({re.search(r"branch=([^;\r]+)", request).group(1) for request in list(self.heard) if request.startswith(method)})


class Front:
    """The name server that Bellhop asks: counts the questions and passes them to nsd. Names in `silent` get no answer; those in `forged`
    get a wrong id and an answer to another question before the right one."""

    def __init__(self, upstream):
        self.socket = socket.socket(type=socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.upstream, self.asked = upstream, collections.Counter()
        self.silent, self.forged = set(), set()
        threading.Thread(target=self.serve, daemon=True).start()

    @staticmethod
    def question(packet):
        labels, at = [], 12
        while packet[at]:
            labels.append(packet[at + 1:at + 1 + packet[at]].decode())
            at += 1 + packet[at]
        kind = {1: "A", 28: "AAAA", 33: "SRV", 35: "NAPTR"}.get(int.from_bytes(packet[at + 1:at + 3], "big"), "?")
        return ".".join(labels).lower(), kind, packet[12:at + 5]

    def serve(self):
        while True:
            packet, peer = self.socket.recvfrom(4096)
            name, kind, asked = self.question(packet)
            self.asked[name, kind] += 1
            if name in self.silent:
                continue
            with socket.socket(type=socket.SOCK_DGRAM) as up:
                up.settimeout(2)
                up.sendto(packet, ("127.0.0.1", self.upstream))
                answer = up.recv(4096)
            if name in self.forged:
                lie = b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\x7f\0\0\7"  # 127.0.0.7
                other = asked[:1] + bytes([asked[1] ^ 1]) + asked[2:]
                for forged_id, text in ((bytes([packet[0] ^ 255, packet[1]]), asked), (packet[:2], other)):
                    self.socket.sendto(forged_id + b"\x81\x80\0\1\0\1\0\0\0\0" + text + lie, peer)
            self.socket.sendto(answer, peer)

    def total(self, name):
        return sum(n for (asked, _), n in self.asked.items() if asked.endswith(name))


class Nsd:
    """One zone, test., in the foreground."""

    def __init__(self, records):
        self.folder = tempfile.mkdtemp(prefix="bellhop-nsd-")
        self.port = free_port()
        with open(os.path.join(self.folder, "zone"), "w") as f:
            f.write("$ORIGIN test.\n$TTL 60\n@ IN SOA ns.test. master.test. 1 3600 600 86400 2\n@ IN NS ns\nns IN A 127.0.0.1\n" + records)
        config = os.path.join(self.folder, "nsd.conf")
        with open(config, "w") as f:
            f.write(f"""server:
  ip-address: 127.0.0.1
  port: {self.port}
  username: ""
  zonesdir: "{self.folder}"
  database: ""
  pidfile: "{self.folder}/pid"
  xfrdfile: "{self.folder}/xfrd.state"
  zonelistfile: "{self.folder}/zone.list"
  xfrdir: "{self.folder}"
  rrl-ratelimit: 0
  server-count: 1
remote-control:
  control-enable: no
zone:
  name: "test"
  zonefile: "zone"
""")
        self.log = os.path.join(self.folder, "log")
        self.process = subprocess.Popen([NSD, "-d", "-c", config], stdout=open(self.log, "w"), stderr=subprocess.STDOUT)
        atexit.register(self.stop)
        eventually(self.answers, "nsd answers")

    def answers(self):
        if self.process.poll() is not None:
            raise AssertionError(f"nsd ended: {open(self.log).read()}")
        with socket.socket(type=socket.SOCK_DGRAM) as ask:
            ask.settimeout(0.2)
            try:
                ask.sendto(b"\0\7\1\0\0\1\0\0\0\0\0\0\2ns\4test\0\0\1\0\1", ("127.0.0.1", self.port))
                return len(ask.recv(512)) > 12
            except OSError:
                return False

    def stop(self):
        self.process.terminate()
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def request(phone, method, uri, more="", call_id=None, cseq=1, to_tag="", branch=None):
    return (f"{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP {phone.address}:{phone.port};rport;branch=z9hG4bK{branch or os.urandom(6).hex()}\r\n"
            f"Max-Forwards: 70\r\nFrom: <sip:alice@example.test>;tag=1\r\nTo: <sip:callee@partner.test>{to_tag}\r\n"
            f"Call-ID: {call_id or os.urandom(6).hex()}\r\nCSeq: {cseq} {method}\r\n"
            f"Contact: <sip:alice@{phone.address}:{phone.port}>\r\n{more}Content-Length: 0\r\n\r\n")


def final(phone, text, seconds=5):
    """Sends, and returns the final response and how long it took."""
    started = time.monotonic()
    cseq = re.search(r"\r\nCSeq: .*\r\n", text).group(0)
    phone.send(text)
    while True:
        answer = phone.receive(seconds - (time.monotonic() - started) if time.monotonic() - started < seconds - 0.01 else 0.01)
        if answer is None:
            raise AssertionError(f"no final response within {seconds} s")
        if not answer.startswith("SIP/2.0 1") and cseq in answer:  # an answer to something earlier may have been repeated
            return answer, time.monotonic() - started


def ask(uri, method="MESSAGE", seconds=5):
    """The status of a new request, and how long it took."""
    phone = Udp(server)
    answer, took = final(phone, request(phone, method, uri), seconds)
    return int(answer.split()[1]), took


# ---- the world: phones, their zone, the name server, one Bellhop

tcp, first, second, silent, light, heavy, quick, brief = Phone(tcp=True), Phone(), Phone(), Phone(None), Phone(), Phone(), Phone(), Phone()
busy, closed, atlanta_port, biloxi_port = Phone("503 Service Unavailable"), free_port(), free_port(), free_port()
zone = f"""
here 60 IN A 127.0.0.1
here 60 IN AAAA ::1
chooser 60 IN NAPTR 10 10 "s" "SIP+D2T" "" _sip._tcp.elsewhere
chooser 60 IN NAPTR 20 10 "s" "SIP+D2U" "" _sip._udp.chooser
_sip._tcp.elsewhere 60 IN SRV 1 0 {tcp.port} here
_sip._udp.chooser 60 IN SRV 1 0 {first.port} here
_sip._udp.dead 60 IN SRV 1 0 {silent.port} here
_sip._udp.dead 60 IN SRV 2 0 {second.port} here
_sip._udp.closed 60 IN SRV 1 0 {closed} here
_sip._udp.closed 60 IN SRV 2 0 {second.port} here
_sip._udp.busy 60 IN SRV 1 0 {busy.port} here
_sip._udp.busy 60 IN SRV 2 0 {second.port} here
_sip._tcp.refused 60 IN SRV 1 0 {closed} here
_sip._udp.refused 60 IN SRV 1 0 {second.port} here
_sip._udp.shared 60 IN SRV 1 30 {heavy.port} here
_sip._udp.shared 60 IN SRV 1 10 {light.port} here
quick 60 IN A 127.0.0.1
forged 60 IN A 127.0.0.1
slow 60 IN A 127.0.0.1
alias 60 IN CNAME quick
brief 1 IN A 127.0.0.1
lasting 60 IN A 127.0.0.1
_sip._udp.atlanta 60 IN SRV 1 0 {atlanta_port} here
_sip._udp.biloxi 60 IN SRV 1 0 {biloxi_port} here
"""
nsd = Nsd(zone)
dns = Front(nsd.port)


def settings(servers=None, timer_b="2s", relay="anybody"):
    listed = ", ".join(f'"127.0.0.1:{port}"' for port in servers or [dns.port])
    return f"""[sip]
relay = "{relay}"
timer_b = "{timer_b}"
[dns]
servers = [{listed}]
timeout = "300ms"
avoid_failed = "5s"
"""


def bellhop(port=None, **more):
    made = Bellhop(accounts=more.pop("accounts", ()), authenticate="none", more=settings(**more.pop("settings", {})), **more)
    if port is not None:
        text = open(made.config).read().replace(f":{made.port}\"", f":{port}\"")
        open(made.config, "w").write(text)
        made.port = port
    return made.start()


server = bellhop()

# [KAM-16, RFC3263 4.1]
with results.test("NAPTR picks TCP, through an SRV record of another domain"):
    assert ask("sip:callee@chooser.test")[0] == 200
    assert tcp.count("MESSAGE") == 1 and first.count("MESSAGE") == 0 and "Via: SIP/2.0/TCP" in tcp.heard[0], tcp.heard

# [CGP-53, CGP-56, KAM-16, KAM-20, RFC3263 4.3]
with results.test("a silent first target: the second has the call after Timer B, and the next call at once"):
    status, took = ask("sip:callee@dead.test", "INVITE", 8)
    assert status == 200 and 1.9 < took < 6, (status, took)
    assert silent.count("INVITE") == 1 and second.count("INVITE") == 1
    assert server.ctl("stats")["transport.targets.avoided"] == 1
    status, took = ask("sip:callee@dead.test", "INVITE")
    assert status == 200 and took < 1.9 and silent.count("INVITE") == 1, (status, took)
    assert server.ctl("stats")["proxy.failovers"] == 1

# [CGP-56, RFC3263 4.3]
with results.test("a closed port, a refused connection and a 503 are left at once"):
    for name in ("closed", "refused", "busy"):
        before = second.count("MESSAGE")
        status, took = ask(f"sip:callee@{name}.test")
        assert status == 200 and took < 1.9 and second.count("MESSAGE") == before + 1, (name, status, took)
    assert busy.count("MESSAGE") == 1

# [KAM-16, RFC2782]
with results.test("weights 30 and 10 share the calls three to one"):
    phone = Udp(server)
    for _ in range(100):
        assert final(phone, request(phone, "MESSAGE", "sip:callee@shared.test"))[0].startswith("SIP/2.0 200")
    assert heavy.count("MESSAGE") + light.count("MESSAGE") == 100 and 58 <= heavy.count("MESSAGE") <= 90, heavy.count("MESSAGE")

# [KAM-19]
with results.test("nothing is asked twice while it may be believed"):
    assert ask(f"sip:callee@lasting.test:{quick.port}")[0] == 200
    asked = dict(dns.asked)
    for _ in range(5):
        assert ask(f"sip:callee@lasting.test:{quick.port}")[0] == 200
        assert ask("sip:callee@shared.test")[0] == 200
    assert {k: n for k, n in dns.asked.items() if asked.get(k) != n and ("lasting" in k[0] or k[1] == "A" or "_udp.shared" in k[0])} == {}, dns.asked
    assert dns.asked["lasting.test", "A"] == 1 and dns.asked["lasting.test", "AAAA"] == 1, dns.asked

# [KAM-19]
with results.test("a short time to live is obeyed"):
    assert ask(f"sip:callee@brief.test:{brief.port}")[0] == 200
    assert ask(f"sip:callee@brief.test:{brief.port}")[0] == 200
    time.sleep(1.2)
    assert ask(f"sip:callee@brief.test:{brief.port}")[0] == 200
    assert dns.asked["brief.test", "A"] >= 2 and brief.count("MESSAGE") == 3, dns.asked

# [RFC2308 5]
with results.test("absence is believed for the SOA's two seconds"):
    assert ask("sip:callee@absent.test:5060")[0] == 404
    assert ask("sip:callee@absent.test:5060")[0] == 404
    asked = dns.asked["absent.test", "A"]
    time.sleep(2.2)
    assert ask("sip:callee@absent.test:5060")[0] == 404
    assert asked == 1 and dns.asked["absent.test", "A"] == 2, dns.asked

# [RFC1034 3.6.2]
with results.test("aliases are followed"):
    before = quick.count("MESSAGE")
    assert ask(f"sip:callee@alias.test:{quick.port}")[0] == 200 and quick.count("MESSAGE") == before + 1

# [KAM-19, threats 70]
with results.test("a name server that never answers delays nobody else"):
    dns.silent.add("slow.test")
    waiting = [Udp(server) for _ in range(30)]
    for phone in waiting:
        phone.send(request(phone, "MESSAGE", "sip:callee@slow.test:5060"))
    times = []
    for name in ("quick", "lasting"):
        for _ in range(5):
            status, took = ask(f"sip:callee@{name}.test:{quick.port}")
            times.append(took)
            assert status == 200
    assert max(times) < 1, times
    for phone in waiting:
        assert phone.receive(8).startswith("SIP/2.0 500"), "the name is not known to be absent"
    assert dns.asked["slow.test", "A"] <= 4, dns.asked

# [threats 71]
with results.test("answers with a wrong id and to another question are ignored"):
    dns.forged.add("forged.test")
    before = quick.count("MESSAGE")
    assert ask(f"sip:callee@forged.test:{quick.port}")[0] == 200 and quick.count("MESSAGE") == before + 1

server.stop()
server.clean()

# [KAM-19, threats 70]
with results.test("the second name server is asked when the first is dead"):
    dead = socket.socket(type=socket.SOCK_DGRAM)
    dead.bind(("127.0.0.1", 0))
    server = bellhop(settings={"servers": [dead.getsockname()[1], dns.port]})
    status, took = ask(f"sip:callee@quick.test:{quick.port}")
    assert status == 200 and took < 3, (status, took)
    server.clean()


# [ARCH-14]
with results.test("two domains make the trapezoid through DNS"):
    atlanta = server = bellhop(atlanta_port, domain="atlanta.test")
    biloxi = bellhop(biloxi_port, domain="biloxi.test", accounts=("bob",))
    bob, alice = Phone(), Udp(atlanta)
    biloxi.run("ctl", "bindings", "add", "bob@biloxi.test", f"sip:bob@127.0.0.1:{bob.port}")
    answer, _ = final(alice, request(alice, "INVITE", "sip:bob@biloxi.test"))
    assert answer.startswith("SIP/2.0 200"), answer
    invite = next(text for text in reversed(bob.heard) if text.startswith("INVITE"))
    vias = re.findall(r"Via: SIP/2.0/UDP 127.0.0.1:(\d+)", invite)
    assert vias == [str(biloxi_port), str(atlanta_port), str(alice.port)], vias
    routes = "".join(f"Route: {value}\r\n" for line in reversed(re.findall(r"Record-Route: (.*)\r\n", answer)) for value in reversed(line.split(", ")))
    call_id = re.search(r"Call-ID: (\S+)", answer).group(1)
    contact = re.search(r"Contact: <([^>]+)>", answer).group(1)
    alice.send(request(alice, "ACK", contact, routes, call_id, 1, ";tag=callee"))
    eventually(lambda: bob.count("ACK") >= 1, "the ACK at bob")
    answer, _ = final(alice, request(alice, "BYE", contact, routes, call_id, 2, ";tag=callee"))
    assert answer.startswith("SIP/2.0 200") and bob.count("BYE") == 1, answer
    assert dns.asked["_sip._udp.biloxi.test", "SRV"] == 1, dns.asked
    atlanta.clean()
    biloxi.clean()

# [ARCH-14, CGP-51]
with results.test("where strangers are not relayed, DNS is not even asked"):
    server = bellhop(settings={"relay": "nobody"})
    before, stranger = dns.total("chooser.test"), Udp(server)
    answer, _ = final(stranger, request(stranger, "MESSAGE", "sip:callee@chooser.test").replace("From: <sip:alice@example", "From: <sip:eve@elsewhere"))
    assert answer.startswith("SIP/2.0 401"), answer
    assert dns.total("chooser.test") == before
    server.clean()

results.finish()
