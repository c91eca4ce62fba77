#!/usr/bin/env python3
"""Two Bellhops that know each other by certificate: mutual TLS, no password between them, one connection for both directions."""
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(__file__))
from bellhop import Bellhop, Results, Udp, eventually, free_port  # noqa: E402
from sip import answer_to, make_certificate  # noqa: E402

results = Results()


def server(name, other, port, other_port, peers=True):
    trusted = f'[[peer]]\nname = "{other}"\ncertificates = ["{other}"]\n' if peers else ""
    made = Bellhop(accounts=(), domain=name, more=f"""[[listen]]
transport = "tls"
address = "127.0.0.1:{port}"
client_certificate = "optional"
[tls]
certificate = "own.pem"
key = "own.key"
ca = "{authority}.pem"
[sip]
relay = "anybody"
[[host]]
name = "{other}"
addresses = ["127.0.0.1:{other_port}"]
{trusted}""")
    make_certificate(made.folder, "own", name, authority)
    made.run("account", "add", f"user@{name}", "--password-stdin", text="pw-user\n")
    return made


def phone_of(made):
    """The one user's phone, registered by the operator."""
    phone = Udp(made)
    made.run("ctl", "bindings", "add", f"user@{made.domain}", f"sip:user@127.0.0.1:{phone.port}")
    return phone


def message(sender, of, to, number):
    return (f"MESSAGE sip:user@{to};transport=tls SIP/2.0\r\nVia: SIP/2.0/UDP {sender.address}:{sender.port};rport;branch=z9hG4bK{to}{number}\r\nMax-Forwards: 70\r\n"
            f"From: <sip:guest@elsewhere.{of}>;tag=1\r\nTo: <sip:user@{to}>\r\nCall-ID: {to}-{number}\r\nCSeq: 1 MESSAGE\r\nContent-Length: 0\r\n\r\n")


def deliver(one, other, number):
    """A guest at one server writes to the other's user: what the user's phone hears, or the status."""
    guest, heard = Udp(one), phones[other.domain]
    guest.send(message(guest, one.domain, other.domain, number))
    request = heard.receive(5)
    if request is None:
        return guest.receive(5)
    heard.send(answer_to(request, "200 OK", f"sip:user@127.0.0.1:{heard.port}"))
    answer = guest.receive(5)
    assert answer and answer.startswith("SIP/2.0 200"), answer
    return request


first = Bellhop(accounts=())
authority = f"{first.folder}/ca"
make_certificate(first.folder, "ca", "authority")
ports = free_port(), free_port()
with server("a.test", "b.test", *ports) as a, server("b.test", "a.test", *reversed(ports)) as b:
    phones = {made.domain: phone_of(made) for made in (a, b)}
    # [RFC5922 7, KAM-13]
    with results.test("a peer known by its certificate needs no password"):
        assert deliver(a, b, 1).startswith("MESSAGE "), "delivered"
        assert a.ctl("stats")["tls.handshakes"] == 1 and b.ctl("stats")["tls.handshakes"] == 1
    # [RFC5922 7]
    with results.test("the decision record names the peer that let a request in"):
        b.ctl("log", "level", "SIP", "low-level")
        assert deliver(a, b, 8).startswith("MESSAGE "), "delivered"
        eventually(lambda: "peer a.test" in b.tail(), "the peer in the log")
    # [RFC5923 5]
    with results.test("requests the other way take the same connection"):
        for number in range(2, 5):
            assert deliver(b, a, number).startswith("MESSAGE ") and deliver(a, b, number).startswith("MESSAGE ")
        assert [made.ctl("stats")["tls.handshakes"] for made in (a, b)] == [1, 1]
    # [RFC5922 7]
    with results.test("a certificate that is not believed is told in the log, with the reason"):
        make_certificate(a.folder, "bad", "nobody.test")
        b.ctl("log", "level", "NET", "low-level")
        stranger = subprocess.Popen(["openssl", "s_client", "-connect", f"127.0.0.1:{ports[1]}", "-cert", "bad.pem", "-key", "bad.key"], cwd=a.folder,
                                    stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        eventually(lambda: "certificate not believed: " in b.tail(), "the doubt in the log")
        stranger.terminate()
        stranger.wait()

with server("a.test", "b.test", *ports) as a, server("b.test", "a.test", *reversed(ports), peers=False) as b:
    phones = {made.domain: phone_of(made) for made in (a, b)}
    # [RFC5922 7, threats 58]
    with results.test("a certificate alone is no peer: the stranger behind it is asked for a password"):
        answer = deliver(a, b, 9)
        assert answer and answer.startswith("SIP/2.0 407"), answer

results.finish()
