#!/usr/bin/env python3
"""Phones in web pages against a real server: JsSIP and SIP.js in Chromium over ws and wss, with audio from page to page."""
import os
import re
import sys

sys.path.insert(0, os.path.dirname(__file__))
from bellhop import Bellhop, Results, Udp, eventually, free_port  # noqa: E402
from sip import answer_to, bindings, credentials, expect  # noqa: E402
from webphone import Browser  # noqa: E402

results = Results()


def web_server(origins=(), **more):
    """A Bellhop with a listener for ws and one for wss."""
    ports = {"ws": free_port(), "wss": free_port()}
    listens = "".join(f'[[listen]]\ntransport = "{kind}"\naddress = "127.0.0.1:{port}"\n' for kind, port in ports.items())
    allowed = ", ".join(f'"{origin}"' for origin in origins)
    server = Bellhop(more=f'[tls]\ncertificate = "test.pem"\nkey = "test.key"\nself_signed = true\n[websocket]\norigins = [{allowed}]\nping_interval = "10s"\n{listens}', **more)
    server.url = {kind: f"{kind}://127.0.0.1:{port}/sip" for kind, port in ports.items()}
    return server


def talk(caller, callee, domain):
    """One calls, each hears the other, the caller hangs up."""
    established = len(caller.seen("established")), len(callee.seen("established"))
    ended, rung = len(callee.seen("ended")), len(callee.seen("incoming"))
    caller.run("call", f"sip:{callee.user}@{domain}")
    incoming = callee.wait_for("incoming", rung + 1)
    assert incoming["from"] == f"sip:{caller.user}@{domain}", incoming
    callee.run("answer")
    caller.wait_for("established", established[0] + 1)
    callee.wait_for("established", established[1] + 1)
    for phone in (caller, callee):
        stats = phone.hears()
        assert stats["connection"] == "connected" and stats["dtls"] == "connected", stats
    caller.run("hangup")
    callee.wait_for("ended", ended + 1)


class UdpPhone(Udp):
    """A phone without a page: registers with digest, and answers or makes calls line by line."""

    def __init__(self, server, user):
        super().__init__(server)
        self.user, self.domain = user, server.domain

    def request(self, method, uri, more="", cseq=1, branch="1", to_tag=""):
        return (f"{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP {self.address}:{self.port};branch=z9hG4bK{self.user}{branch}\r\nMax-Forwards: 70\r\n"
                f"From: <sip:{self.user}@{self.domain}>;tag={self.user}\r\nTo: <{self.target or uri}>{to_tag}\r\nCall-ID: {self.user}-{self.port}\r\n"
                f"CSeq: {cseq} {method}\r\nContact: <sip:{self.user}@{self.address}:{self.port}>\r\n{more}")

    target = None

    def authorize(self, answer, method, uri):
        return credentials(answer, method, uri, self.user, f"pw-{self.user}")

    def register(self):
        uri = f"sip:{self.domain}"
        self.target = f"sip:{self.user}@{self.domain}"
        answer = self.ask(self.request("REGISTER", uri, "Content-Length: 0\r\n\r\n"))
        proof = self.authorize(answer, "REGISTER", uri)
        answer = self.ask(self.request("REGISTER", uri, f"{proof}Content-Length: 0\r\n\r\n", 2, "2"))
        assert answer.startswith("SIP/2.0 200"), answer
        self.target = None

    def wait_for(self, start):
        return expect(self, start, 10)

    def answer(self, request, status):
        self.send(answer_to(request, status, f"sip:{self.user}@{self.address}:{self.port}", "udp"))


with Browser() as browser, web_server() as server:
    domain = server.domain
    alice, bob = browser.phone("alice", "jssip"), browser.phone("bob", "sipjs")
    with results.test(f"{alice.library} and {bob.library} register over ws with digest"):
        alice.register(server.url["ws"], domain)
        bob.register(server.url["ws"], domain)
        assert len(bindings(server, "alice")) == 1 and len(bindings(server, "bob")) == 1, bindings(server, "")
    with results.test("a page calls a page, audio both ways, and the other way round"):
        talk(alice, bob, domain)
        talk(bob, alice, domain)
    with results.test("pages chat by MESSAGE"):
        for one, other in ((alice, bob), (bob, alice)):
            text = f"Grüße from {one.user} ☎"
            assert one.run("message", f"sip:{other.user}@{domain}", text) in (200, 202)
            assert other.wait_for("message")["text"] == text
    with results.test("a page is busy, a page cancels"):
        for one, other in ((alice, bob), (bob, alice)):
            ended, rung = len(one.seen("ended")), len(other.seen("incoming"))
            one.run("call", f"sip:{other.user}@{domain}")
            other.wait_for("incoming", rung + 1)
            other.run("reject", 486)
            one.wait_for("ended", ended + 1)
            ended = len(other.seen("ended"))
            one.run("call", f"sip:{other.user}@{domain}")
            other.wait_for("incoming", rung + 2)
            one.run("hangup")
            other.wait_for("ended", ended + 1)
    with results.test("a page that is killed disappears from the bindings, and its user cannot be called"):
        bob.kill()
        eventually(lambda: not bindings(server, "bob"), "bob's binding is gone", 15)
        ended = len(alice.seen("ended"))
        alice.run("call", f"sip:bob@{domain}")
        assert alice.wait_for("ended", ended + 1)["status"] in (404, 480), alice.events
    with results.test("after a restart of the server a page comes back by itself, with one binding"):
        server.stop()
        server.start()
        alice.wait_for("registered", len(alice.seen("registered")) + 1, 40)
        eventually(lambda: len(bindings(server, "alice")) == 1, lambda: f"one binding: {bindings(server, 'alice')}")
    with results.test("a wrong password is refused"):
        eve = browser.phone("bob", "sipjs")
        try:
            eve.register(server.url["ws"], domain, password="wrong")
        except AssertionError as error:
            assert "registration failed" in str(error), error
        assert eve.seen("refused") and not eve.seen("registered"), eve.events
        eve.close()
    with results.test("a page rings a UDP phone and is told that it is busy; the UDP phone rings the page and gives up"):
        phone = UdpPhone(server, "bob")
        phone.register()
        ended = len(alice.seen("ended"))
        alice.run("call", f"sip:bob@{domain}")
        invite = phone.wait_for("INVITE")
        phone.answer(invite, "180 Ringing")
        alice.wait_for("progress")
        phone.answer(invite, "486 Busy Here")
        assert alice.wait_for("ended", ended + 1)["status"] == 486, alice.events
        ended, rung = len(alice.seen("ended")), len(alice.seen("incoming"))
        uri = f"sip:alice@{domain}"
        phone.send(phone.request("INVITE", uri, "Content-Length: 0\r\n\r\n", 10, "i1"))
        challenge = phone.wait_for("SIP/2.0 407")
        phone.send(phone.request("ACK", uri, "Content-Length: 0\r\n\r\n", 10, "i1", re.search(r"(?m)^To:.*(;tag=[^\s;]+)", challenge).group(1)))
        sdp = f"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio {free_port()} RTP/AVP 0\r\n"
        phone.send(phone.request("INVITE", uri, f"{phone.authorize(challenge, 'INVITE', uri)}Content-Type: application/sdp\r\n"
                                 f"Content-Length: {len(sdp)}\r\n\r\n{sdp}", 11, "i2"))
        phone.wait_for("SIP/2.0 180")
        alice.wait_for("incoming", rung + 1)
        phone.send(phone.request("CANCEL", uri, "Content-Length: 0\r\n\r\n", 11, "i2"))
        alice.wait_for("ended", ended + 1)
    with results.test("pages register over wss and call each other"):
        alice.close()
        secure = browser.phone("alice", "sipjs"), browser.phone("bob", "jssip")
        for phone in secure:
            phone.register(server.url["wss"], domain)
        talk(*secure, domain)
        for phone in secure:
            phone.close()
        eventually(lambda: not bindings(server, "alice"), "alice's binding is gone", 15)

with Browser() as browser, web_server(origins=["https://phone.example.test"]) as server:
    with results.test("a page of another origin is not let in, and the log says why"):
        page = browser.phone("alice", "jssip")
        try:
            page.register(server.url["ws"], server.domain, seconds=8)
        except AssertionError:
            pass
        assert page.seen("disconnected") and not page.seen("connected"), page.events
        eventually(lambda: page.origin in server.tail(50), lambda: f"{page.origin} in the log: {server.tail()}")

results.finish()
