#!/usr/bin/env python3
"""Real phones behind a NAT that forgets: registered, called, calling, and still found when its mapping would be long gone."""
import os
import socket
import sys
import time

sys.path.insert(0, os.path.dirname(__file__))
from baresip import Baresip  # noqa: E402
from bellhop import Bellhop, Results  # noqa: E402
from nat import Nat  # noqa: E402
from phones import talk  # noqa: E402
from sip import bindings  # noqa: E402

results = Results()


def hang_up_from(one, other):
    one.command("hangup")
    other.wait_for("CALL_CLOSED")


with Bellhop(more='[nat]\nping_interval = "5s"\n') as server, Nat(server) as nat:
    with Baresip(server, "alice", 440, answers=True, port=nat.port) as alice, Baresip(server, "bob", 880, answers=True) as bob:
        # [CGP-05, RT-14] the binding knows where the NAT put it
        with results.test("a phone behind NAT registers and is known by its outside address"):
            assert nat.made == 1, nat.made
            known = bindings(server, "alice")
            assert len(known) == 1 and f"{Nat.outside}:" in known[0], known
        # [RT-16] it calls
        with results.test("it calls a phone outside, audio both ways, and hangs up"):
            talk(server, alice, bob)
        # [PAR-10] held by pings over several lives of the mapping
        with results.test("after three lives of the mapping it is called, on the same mapping"):
            time.sleep(24)
            assert nat.made == 1, f"{nat.made} mappings"
            alice.events.clear()
            bob.events.clear()
            bob.command("dial", f"sip:alice@{server.domain}")
            alice.wait_for("CALL_ESTABLISHED")
        # [RT-16, PAR-10] the call is held longer than the mapping would live by itself
        with results.test("the call is held for two lives of the mapping, then the phone outside hangs up and the one behind NAT hears it"):
            time.sleep(16)
            hang_up_from(bob, alice)
            assert nat.made == 1, f"{nat.made} mappings"

with Bellhop(more='[nat]\nping_interval = "5s"\nping = "options"\n') as server, Nat(server, inbound_refreshes=False) as nat:
    with Baresip(server, "alice", 440, answers=True, port=nat.port) as alice, Baresip(server, "bob", 880, answers=True) as bob:
        # [PAR-10] NATs that count only what goes out need an answer from the phone
        with results.test("OPTIONS keep a NAT open that is refreshed by outgoing traffic only"):
            time.sleep(20)
            assert nat.made == 1, f"{nat.made} mappings"
            bob.command("dial", f"sip:alice@{server.domain}")
            alice.wait_for("CALL_ESTABLISHED")
            hang_up_from(alice, bob)
        # [RFC5626 8] any phone may ask for its outside address
        with results.test("a STUN request through the NAT is answered with its outside address"):
            with socket.socket(type=socket.SOCK_DGRAM) as phone:
                phone.bind(("127.0.0.1", 0))
                phone.settimeout(5)
                phone.sendto(b"\x00\x01\x00\x00\x21\x12\xa4\x42abcdefghijkl", ("127.0.0.1", nat.port))
                answer = phone.recv(2048)
                address = bytes(a ^ b for a, b in zip(answer[28:32], b"\x21\x12\xa4\x42"))
                assert answer[:2] == b"\x01\x01" and socket.inet_ntoa(address) == Nat.outside, answer

with Bellhop(more='[nat]\nping = "none"\n') as server, Nat(server, life=3.0) as nat:
    with Baresip(server, "alice", 440, answers=True, port=nat.port) as alice, Baresip(server, "bob", 880, answers=True) as bob:
        # [PAR-10] without pings this NAT does forget: the tests above would see it
        with results.test("without pings the phone is lost until it registers again"):
            time.sleep(5)
            bob.command("dial", f"sip:alice@{server.domain}")
            time.sleep(4)
            assert "CALL_INCOMING" not in alice.poll(), "the mapping was gone"
            bob.command("hangup")

results.finish()
