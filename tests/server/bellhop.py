"""A Bellhop for tests: started on a free loopback port with a folder of its own, asked over its control socket, stopped at the end."""
import atexit
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time

PROGRAM = os.environ.get("BELLHOP", os.path.join(os.path.dirname(__file__), "../../build/dev/bellhop"))


def free_port():
    """A port that is free for UDP and TCP on 127.0.0.1."""
    while True:
        with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
            tcp.bind(("127.0.0.1", 0))
            port = tcp.getsockname()[1]
            try:
                udp.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


class Bellhop:
    def __init__(self, accounts=("alice", "bob"), authenticate="all", more="", domain="example.test", folder=None,
                 guard='exempt = ["127.0.0.0/8"]', workers=2):
        self.process = None
        atexit.register(self.clean)  # a test that fails half-way leaves no server behind
        self.folder = folder or tempfile.mkdtemp(prefix="bellhop-test-")
        self.port = free_port()
        self.domain = domain
        self.config = os.path.join(self.folder, "bellhop.toml")
        with open(self.config, "w") as f:
            f.write(f"""[server]
data_dir = "data"
workers = {workers}
[[listen]]
transport = "udp"
address = "127.0.0.1:{self.port}"
[[listen]]
transport = "tcp"
address = "127.0.0.1:{self.port}"
[[domain]]
name = "{domain}"
authenticate = "{authenticate}"
[guard]
{guard}
{more}
""")
        for user in accounts:
            self.run("account", "add", f"{user}@{domain}", "--password-stdin", text=f"pw-{user}\n")
        self.log = os.path.join(self.folder, "log")

    def run(self, *args, text=None, check=True):
        done = subprocess.run([PROGRAM, *args, "--config", self.config], input=text, capture_output=True, text=True, timeout=60)
        if check and done.returncode != 0:
            raise AssertionError(f"bellhop {' '.join(args)}: exit {done.returncode}: {done.stderr}")
        return done

    def ctl(self, *args):
        return json.loads(self.run("ctl", *args, "--json").stdout)

    def start(self, stderr=None, reader=None):
        """`stderr`: where the log goes instead of a file, read from `reader` until the server is ready."""
        self.process = subprocess.Popen([PROGRAM, "run", "--config", self.config], stderr=stderr or open(self.log, "a"))
        deadline = time.monotonic() + 60
        said = b""
        while reader is not None:
            said += os.read(reader, 4096)
            if b" ready: " in said:
                return self
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise AssertionError(f"bellhop ended with {self.process.returncode}: {self.tail()}")
            if " ready: " in open(self.log).read():
                return self
            time.sleep(0.05)
        raise AssertionError(f"not ready: {self.tail()}")

    def tail(self, lines=20):
        return "".join(open(self.log).readlines()[-lines:])

    def stop(self, sig=signal.SIGTERM):
        if self.process is None:
            return None
        self.process.send_signal(sig)
        code = self.process.wait(timeout=60)
        self.process = None
        with open(self.log, "a") as f:
            f.write("-- stopped\n")
        os.rename(self.log, self.log + ".old")
        return code

    def clean(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.clean()


class Results:
    """Runs test functions and prints a line for each; the last line counts them."""

    def __init__(self):
        self.passed = self.failed = 0

    @contextlib.contextmanager
    def test(self, name):
        started = time.monotonic()
        try:
            yield
            self.passed += 1
            print(f"ok   {name} ({time.monotonic() - started:.1f} s)", flush=True)
        except Exception as error:  # a failed test must not keep the others from running
            self.failed += 1
            print(f"FAIL {name}: {error}", flush=True)

    def finish(self):
        print(f"{self.passed} passed, {self.failed} failed")
        raise SystemExit(1 if self.failed or not self.passed else 0)


def eventually(condition, what, seconds=20):
    """`what`: a text, or what makes one of how things are when the time is over."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return
        time.sleep(0.1)
    raise AssertionError(f"not within {seconds} s: {what() if callable(what) else what}")


class Udp:
    """A UDP socket that speaks raw SIP with the server. No other of this program had its port before: who sends to a closed one does not reach the next."""

    used = set()

    def __init__(self, server, address="127.0.0.1"):
        self.port = None
        while self.port is None or self.port in Udp.used:
            self.socket = socket.socket(type=socket.SOCK_DGRAM)
            self.socket.bind((address, 0))
            self.address, self.port = self.socket.getsockname()
        Udp.used.add(self.port)
        self.server = ("127.0.0.1", server.port)

    def send(self, text):
        self.socket.sendto(text.encode() if isinstance(text, str) else text, self.server)

    def receive(self, seconds=3):
        self.socket.settimeout(seconds)
        try:
            return self.socket.recv(65536).decode(errors="replace")
        except TimeoutError:
            return None

    def ask(self, text, seconds=3):
        self.send(text)
        return self.receive(seconds)
