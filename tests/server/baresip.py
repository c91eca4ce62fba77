"""A baresip without a screen: started with a folder of its own, driven over ctrl_tcp, its audio recorded at both ends."""
import atexit
import glob
import json
import os
import re
import shutil
import socket
import struct
import subprocess
import tempfile
import time

from bellhop import eventually, free_port

CONFIG = """poll_method epoll
sip_listen 127.0.0.1:{sip}
net_interface 127.0.0.1
audio_player aubridge,{user}
audio_source ausine,{tone}
audio_alert aubridge,alert-{user}
ausrc_srate 48000
auplay_srate 48000
ausrc_channels 2
auplay_channels 2
rtp_ports {rtp}-{rtp_end}
snd_path {folder}
ctrl_tcp_listen 127.0.0.1:{control}
module_path /usr/lib/baresip/modules
module ausine.so
module aubridge.so
module sndfile.so
module g711.so
module_tmp uuid.so
module_tmp account.so
module_app ctrl_tcp.so
module_app menu.so
"""


class Baresip:
    """`tone`: the frequency it speaks with, in Hz."""

    next_rtp = 30000

    def __init__(self, server, user, tone, transport="udp", answers=False, port=None):
        self.user, self.tone = user, tone
        self.folder = tempfile.mkdtemp(prefix=f"baresip-{user}-")
        control = free_port()
        rtp = Baresip.next_rtp
        Baresip.next_rtp += 100
        with open(f"{self.folder}/config", "w") as f:
            f.write(CONFIG.format(sip=free_port(), user=user, tone=tone, rtp=rtp, rtp_end=rtp + 98, folder=self.folder, control=control))
        with open(f"{self.folder}/accounts", "w") as f:
            f.write(f"<sip:{user}@{server.domain};transport={transport}>;auth_user={user};auth_pass=pw-{user};regint=300;"
                    f'outbound="sip:127.0.0.1:{port or server.port};transport={transport}";audio_codecs=PCMU;'
                    f"answermode={'auto' if answers else 'manual'};ptime=20\n")
        open(f"{self.folder}/contacts", "w").close()
        self.process = subprocess.Popen(["baresip", "-f", self.folder], cwd=self.folder, stdin=subprocess.DEVNULL,
                                        stdout=open(f"{self.folder}/out", "w"), stderr=subprocess.STDOUT)
        atexit.register(self.process.kill)
        self.events = []
        self.buffer = b""
        self.control = None
        eventually(lambda: self._connect(control), lambda: f"baresip {user} takes commands; ended with {self.process.poll()}\n{self.out()}")
        eventually(lambda: "200 OK" in self.out() or "All 1 useragent registered" in self.out(), lambda: f"baresip {user} is registered\n{self.out()}", 30)

    def _connect(self, port):
        try:
            self.control = socket.create_connection(("127.0.0.1", port), timeout=1)
            self.control.settimeout(0.05)
            return True
        except OSError:
            return False

    def out(self):
        return open(f"{self.folder}/out", errors="replace").read()

    def command(self, name, params=""):
        text = json.dumps({"command": name, "params": params, "token": "t"})
        self.control.sendall(f"{len(text)}:{text},".encode())

    def poll(self):
        """Reads what arrived; returns the types of all events so far."""
        try:
            self.buffer += self.control.recv(65536)
        except OSError:
            pass
        while match := re.match(rb"(\d+):", self.buffer):
            start, size = match.end(), int(match.group(1))
            if len(self.buffer) < start + size + 1:
                break
            self.events.append(json.loads(self.buffer[start:start + size]))
            self.buffer = self.buffer[start + size + 1:]
        return [event.get("type") for event in self.events]

    def wait_for(self, event, seconds=20):
        eventually(lambda: event in self.poll(), lambda: f"{event} at {self.user}; seen {self.poll()}\n{self.out()[-1500:]}", seconds)

    def heard(self, tone):
        """Whether what arrived over RTP was that tone: loud, and with its number of zero crossings."""
        files = sorted(glob.glob(f"{self.folder}/dump-*-dec.wav"))
        for name in files:
            octets = open(name, "rb").read()
            rate, channels = struct.unpack_from("<I", octets, 24)[0], struct.unpack_from("<H", octets, 22)[0]
            count = (len(octets) - 44) // 2
            samples = struct.unpack_from(f"<{count}h", octets, 44)[::channels]
            loud = [s for s in samples if abs(s) > 200]
            if len(samples) < rate // 2 or len(loud) < len(samples) // 3:
                continue
            begin = next(i for i, s in enumerate(samples) if abs(s) > 200)
            part = samples[begin:begin + rate * 2]
            crossings = sum((a < 0) != (b < 0) for a, b in zip(part, part[1:]))
            measured = crossings * rate / 2 / len(part)
            if abs(measured - tone) < tone * 0.15:
                return True
        return False

    def close(self):
        if self.control:
            self.control.close()
        self.process.terminate()
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
