"""What the tests of whole servers say and hear in SIP, and the certificates they show."""
import hashlib
import os
import re
import subprocess
import time


def bindings(server, user):
    """The rows of one user in `ctl bindings list`; all of them for ""."""
    return [row for row in server.run("ctl", "bindings", "list").stdout.splitlines() if f"{user}@" in row]


def lines_of(message, *names):
    return [line for line in message.split("\r\n") if line.startswith(tuple(f"{name}:" for name in names))]


def expect(phone, start, seconds=20):
    """The next message a phone hears that begins so; what comes before it (100 Trying, repetitions) is passed over."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        message = phone.receive(0.5)
        if message and message.startswith(start):
            return message
    raise AssertionError(f"not within {seconds} s: {start}")


def answer_to(request, status, contact, tag="callee"):
    """The answer of a callee that knows the rules."""
    lines = [line if not line.startswith("To:") or ";tag=" in line else f"{line};tag={tag}"
             for line in lines_of(request, "Via", "Record-Route", "From", "To", "Call-ID", "CSeq")]
    return "\r\n".join([f"SIP/2.0 {status}", *lines, f"Contact: <{contact}>", "Content-Length: 0", "", ""])


def credentials(challenge, method, uri, user, password):
    """The line that answers the first challenge of a 401 or 407 (RFC 7616, qop auth)."""
    line = lines_of(challenge, "WWW-Authenticate", "Proxy-Authenticate")[0]
    realm, nonce, algorithm = (re.search(rf'{name}="?([^",]+)', line).group(1) for name in ("realm", "nonce", "algorithm"))

    def hashed(*parts):
        return hashlib.new({"SHA-256": "sha256", "MD5": "md5"}[algorithm], ":".join(parts).encode()).hexdigest()

    response = hashed(hashed(user, realm, password), nonce, "00000001", "c", "auth", hashed(method, uri))
    name = "Authorization" if line.startswith("WWW") else "Proxy-Authorization"
    return (f'{name}: Digest username="{user}", realm="{realm}", nonce="{nonce}", uri="{uri}", algorithm={algorithm}, '
            f'qop=auth, nc=00000001, cnonce="c", response="{response}"\r\n')


def make_certificate(folder, name, domain, authority=None):
    """`name`.pem and `name`.key in the folder, from one moment to the next; signed by itself, or by the pair called `authority` (a path
    without its ending)."""
    signed = ["-CA", f"{authority}.pem", "-CAkey", f"{authority}.key"] if authority else []
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj", f"/CN={domain}",
                    "-addext", f"subjectAltName=DNS:{domain}", "-keyout", f"{folder}/{name}.key.new", "-out", f"{folder}/{name}.pem.new", *signed],
                   check=True, capture_output=True)
    for kind in ("key", "pem"):
        os.rename(f"{folder}/{name}.{kind}.new", f"{folder}/{name}.{kind}")
