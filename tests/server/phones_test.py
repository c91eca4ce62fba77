#!/usr/bin/env python3
"""Real phones against a real server: baresip with audio both ways, SIPp as caller and callee, sipsak; and a restart in between."""
import os
import signal
import socket
import subprocess
import sys

sys.path.insert(0, os.path.dirname(__file__))
from baresip import Baresip  # noqa: E402
from bellhop import Bellhop, Results, eventually, free_port  # noqa: E402
from phones import talk  # noqa: E402

SCENARIOS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "sipp")
results = Results()


def sipp_command(server, scenario, user, port, transport, callee="-"):
    return ["sipp", f"127.0.0.1:{server.port}", "-sf", f"{SCENARIOS}/{scenario}.xml", "-i", "127.0.0.1", "-p", str(port),
            "-t", "t1" if transport == "tcp" else "u1", "-m", "1", "-nostdin", "-timeout", "45s", "-timeout_error", "-trace_err",
            "-key", "user", user, "-au", user, "-ap", f"pw-{user}", "-key", "domain", server.domain, "-key", "callee", callee]


def errors(server):
    """The end of the newest log of SIPp and of the server's."""
    logs = sorted((f"{server.folder}/{f}" for f in os.listdir(server.folder) if f.endswith("_errors.log")), key=os.path.getmtime)
    return (open(logs[-1]).read()[-1500:] if logs else "") + "\n" + server.tail(3)


def sipp(server, scenario, user, port=None, transport="udp", callee="-"):
    done = subprocess.run(sipp_command(server, scenario, user, port or free_port(), transport, callee), cwd=server.folder,
                          capture_output=True, text=True, timeout=90)
    if done.returncode != 0:
        raise AssertionError(f"SIPp {scenario}: exit {done.returncode}\n{done.stderr[-300:]}\n{errors(server)}")


def sipp_call(server, caller, callee, transport="udp"):
    """bob registers, then plays `callee`; alice plays `caller`."""
    server.run("ctl", "bindings", "remove", f"bob@{server.domain}", check=False)  # of the call before
    port = free_port()
    sipp(server, "register", "bob", port)
    listening = None
    silent = socket.socket(type=socket.SOCK_DGRAM)
    if callee:
        silent.close()
        listening = subprocess.Popen(sipp_command(server, callee, "bob", port, "udp"), cwd=server.folder, stdin=subprocess.DEVNULL,
                                     stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    else:
        silent.bind(("127.0.0.1", port))  # a phone that hears and says nothing: no ICMP error comes back
    eventually(lambda: f"0100007F:{port:04X} " in open("/proc/net/udp").read(), "the callee listens")
    try:
        sipp(server, caller, "alice", transport=transport, callee="bob")
        if listening:
            assert listening.wait(timeout=60) == 0, f"the callee's SIPp: exit {listening.returncode}\n{errors(server)}"
    finally:
        silent.close()
        if listening and listening.poll() is None:
            listening.kill()
            listening.wait()


for transport in ("udp", "tcp"):
    with results.test(f"baresip registers with digest and calls another over {transport}, audio both ways"):
        with Bellhop() as server:
            with Baresip(server, "alice", 440, transport) as alice, Baresip(server, "bob", 1000, transport, answers=True) as bob:
                talk(server, alice, bob)

with results.test("baresip over TCP is called from UDP, and after a restart of the server the callee is still reachable"):
    server = Bellhop()
    server.start()
    try:
        with Baresip(server, "alice", 440, "udp") as alice, Baresip(server, "bob", 1000, "udp", answers=True) as bob:
            assert server.stop(signal.SIGTERM) == 0
            server.start()
            assert "2 bindings" in open(server.log).read(), server.tail()
            talk(server, alice, bob)
    finally:
        server.clean()

with Bellhop(more='[sip]\ntimer_b = "2s"\ntimer_c = "3s"\ncancel_wait = "500ms"\n') as server:
    for transport in ("udp", "tcp"):
        with results.test(f"SIPp over {transport}: a call is answered and ended"):
            sipp_call(server, "caller_answered", "callee_answers", transport)
        with results.test(f"SIPp over {transport}: a ringing call is cancelled"):
            sipp_call(server, "caller_cancels", "callee_cancelled", transport)
        with results.test(f"SIPp over {transport}: the callee is busy"):
            sipp_call(server, "caller_busy", "callee_busy", transport)
    with results.test("SIPp: nobody answers, 408 after Timer B"):
        sipp_call(server, "caller_unanswered", None)
    with results.test("SIPp: it rings for ever, Timer C ends it"):
        sipp_call(server, "caller_rung_out", "callee_cancelled")
    with results.test("no transaction is left over when all calls are done"):
        eventually(lambda: all(server.ctl("transactions")[side] == "0 of 0 selected" for side in ("server", "client")), "empty tables", 60)

with Bellhop(domain="localhost") as server:  # sipsak looks the domain up whatever its proxy
    with results.test("sipsak: OPTIONS is answered 200"):
        done = subprocess.run(["sipsak", "-vv", "-s", f"sip:127.0.0.1:{server.port}"], capture_output=True, text=True, timeout=30)
        assert done.returncode == 0 and "200" in done.stdout, done.stdout + done.stderr
    with results.test("sipsak: registration with digest"):
        done = subprocess.run(["sipsak", "-U", "-vv", "-s", f"sip:alice@{server.domain}", "-u", "alice", "-a", "pw-alice", "-p", f"127.0.0.1:{server.port}",
                               "-C", "sip:alice@127.0.0.1:9999", "-x", "120"], capture_output=True, text=True, timeout=30)
        assert done.returncode == 0, done.stdout + done.stderr
        bindings = server.ctl("bindings", "list")
        assert "alice" in str(bindings), bindings
    with results.test("sipsak: a wrong password is refused"):
        done = subprocess.run(["sipsak", "-U", "-vv", "-s", f"sip:alice@{server.domain}", "-u", "alice", "-a", "wrong", "-p", f"127.0.0.1:{server.port}",
                               "-C", "sip:alice@127.0.0.1:9998", "-x", "120"], capture_output=True, text=True, timeout=30)
        assert done.returncode != 0 and "9998" not in str(server.ctl("bindings", "list")), done.stdout

results.finish()
