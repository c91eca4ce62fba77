"""Phones in web pages: JsSIP and SIP.js in a Chromium without a screen, driven over lines of JSON (browser/driver.mjs)."""
import atexit
import filecmp
import json
import os
import shutil
import subprocess
import threading
import time

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "browser")
MODULES = os.path.abspath(os.path.join(HERE, "../../../build/browser-modules"))
LISTS = ("package.json", "package-lock.json")


def install_modules():
    """The npm packages of browser/package-lock.json, once for each state of it; without npm's registry there is no test."""
    wanted = [os.path.join(HERE, name) for name in LISTS]
    present = [os.path.join(MODULES, name) for name in LISTS]
    done = os.path.join(MODULES, "installed")
    if os.path.exists(done) and all(filecmp.cmp(a, b, shallow=False) for a, b in zip(wanted, present)):
        return
    os.makedirs(MODULES, exist_ok=True)
    for name in wanted:
        shutil.copy(name, MODULES)
    npm = subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries", "3", "--fetch-timeout", "60000"],
                         cwd=MODULES, capture_output=True, text=True, timeout=400)
    if npm.returncode != 0:
        raise AssertionError(f"the npm packages of tests/server/browser could not be installed (is npm's registry reachable?): {npm.stderr[-600:]}")
    open(done, "w").close()


class Browser:
    def __init__(self):
        install_modules()
        self.pages = {}
        self.answers = {}
        self.arrived = threading.Condition()
        self.last_id = 0
        self.errors = open(os.path.join(MODULES, "driver.log"), "w")
        self.process = subprocess.Popen(["node", os.path.join(HERE, "driver.mjs"), MODULES], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=self.errors, text=True)
        atexit.register(self.close)
        self.ready = False
        threading.Thread(target=self._read, daemon=True).start()
        self._wait(lambda: self.ready, "Chromium starts", 90)

    def _read(self):
        for line in self.process.stdout:
            said = json.loads(line)
            with self.arrived:
                if "id" in said:
                    self.answers[said["id"]] = said
                elif "page" in said:
                    self.pages[said["page"]].events.append(said)
                else:
                    self.ready = True
                self.arrived.notify_all()

    def _wait(self, condition, what, seconds):
        with self.arrived:
            deadline = time.monotonic() + seconds
            while not condition():
                if self.process.poll() is not None:
                    raise AssertionError(f"{what}: the browser's driver ended\n{open(self.errors.name).read()[-1500:]}")
                left = deadline - time.monotonic()
                if left <= 0:
                    raise AssertionError(f"not within {seconds} s: {what}")
                self.arrived.wait(min(left, 1))

    def command(self, what, seconds=30, **more):
        with self.arrived:
            self.last_id += 1
            identifier = self.last_id
        self.process.stdin.write(json.dumps({"id": identifier, "do": what, **more}) + "\n")
        self.process.stdin.flush()
        self._wait(lambda: identifier in self.answers, f"{what} {more}", seconds)
        answer = self.answers.pop(identifier)
        if "error" in answer:
            raise AssertionError(f"{what} {more}: {answer['error']}")
        return answer["value"]

    def phone(self, user, library):
        return WebPhone(self, user, library)

    def close(self):
        if self.process.poll() is None:
            self.process.stdin.close()
            try:
                self.process.wait(timeout=15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class WebPhone:
    """One page with one phone; `events` is all it told, in order, {"event": "registered", ...}."""

    serial = 0

    def __init__(self, browser, user, library):
        WebPhone.serial += 1
        self.browser, self.user = browser, user
        self.name = f"{user}-{WebPhone.serial}"
        self.events = []
        browser.pages[self.name] = self
        opened = browser.command("open", page=self.name, library=library, seconds=60)
        self.origin, self.library = opened["origin"], opened["library"]

    def run(self, function, *parameters, seconds=30):
        """window.phone.function(...parameters); an AssertionError when it fails in the page."""
        return self.browser.command("run", page=self.name, function=function, **{"with": list(parameters)}, seconds=seconds)

    def register(self, url, domain, password=None, expires=120, seconds=30):
        self.run("start", {"url": url, "user": self.user, "domain": domain, "password": password or f"pw-{self.user}", "expires": expires}, seconds=seconds)

    def seen(self, event):
        return [e for e in self.events if e["event"] == event]

    def wait_for(self, event, count=1, seconds=20):
        """The newest event of that name, when it has been told `count` times."""
        try:
            self.browser._wait(lambda: len(self.seen(event)) >= count, f"{event} at {self.name}", seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}; seen {self.events}") from None
        return self.seen(event)[-1]

    def hears(self, packets=50, seconds=20):
        """Waits until audio has been sent, and received with something in it."""
        deadline = time.monotonic() + seconds
        stats = {}
        while time.monotonic() < deadline:
            stats = self.run("stats")
            if stats["sent"] >= packets and stats["received"] >= packets and stats["energy"] > 0:
                return stats
            time.sleep(0.2)
        raise AssertionError(f"no audio both ways at {self.name} within {seconds} s: {stats}; seen {self.events}")

    def kill(self):
        """The page's process dies: nothing is said to anybody."""
        self.browser.command("kill", page=self.name)

    def close(self):
        self.browser.command("close", page=self.name)
