"""srpd --tree as bench/administration runs it: its socket, its mounted tree and what it uses."""

import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import time

LOOPBACK = "127.0.0.1"


class DaemonError(Exception):
    """srpd, or what was asked of it, did not do what it should; says what and why."""


def free_port():
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return probe.getsockname()[1]


class Control:
    """A connection of the control socket."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(str(path))
        self.answers = self.socket.makefile("rb")
        self.number = 0

    def request(self, method, *parameters, **named):
        self.number += 1
        return {"jsonrpc": "2.0", "id": self.number, "method": method,
                "params": named or list(parameters)}

    def ask(self, message):
        """Sends a request, or a batch of them, and returns what is answered."""
        self.socket.sendall(json.dumps(message).encode() + b"\n")
        line = self.answers.readline()
        if not line:
            raise DaemonError("srpd has closed the control socket")
        answer = json.loads(line)
        for each in answer if isinstance(answer, list) else [answer]:
            if "error" in each:
                raise DaemonError(f"{message}: {each['error']['message']}"[:500])
        return answer

    def call(self, method, *parameters, **named):
        return self.ask(self.request(method, *parameters, **named))["result"]

    def close(self):
        self.answers.close()
        self.socket.close()


class Daemon:
    """One srpd with a state folder of its own. It is ready when it tells a service manager so."""

    def __init__(self, program, folder):
        self.program = pathlib.Path(program)
        self.folder = pathlib.Path(folder)
        self.saved = self.folder / "state/target/saveconfig.json"
        self.tree = self.folder / "tree"
        self.port = free_port()
        self.process = None
        self.saved.parent.mkdir(parents=True, exist_ok=True)
        self.tree.mkdir(exist_ok=True)

    def start(self, timeout=60):
        """Seconds from its start until hosts are let in."""
        notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        address = self.folder / "notify"
        address.unlink(missing_ok=True)
        notify.bind(str(address))
        notify.settimeout(timeout)
        command = [self.program, "--tree", self.tree, "--control", self.folder / "control",
                   "--state", self.folder / "state", "--listen", f"{LOOPBACK}:{self.port}",
                   "--no-discovery", "--metrics", self.folder / "metrics"]
        self.log = self.folder / "srpd.log"
        with open(self.log, "w") as log, notify:
            begin = time.monotonic()
            self.process = subprocess.Popen(list(map(str, command)), stdout=log, stderr=log,
                                            stdin=subprocess.DEVNULL,
                                            env={**os.environ, "NOTIFY_SOCKET": str(address)})
            try:
                while "READY=1" not in notify.recv(4096).decode():
                    pass
            except TimeoutError:
                raise DaemonError(f"srpd is not ready: {self.log.read_text()[-500:]}") from None
            return time.monotonic() - begin

    def stop(self):
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None

    def control(self):
        return Control(self.folder / "control")

    def is_mounted(self):
        return (self.tree / "target").is_dir()

    def resident_bytes(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status).group(1)) * 1024

    def scrape(self):
        """Seconds, and the page."""
        begin = time.monotonic()
        with socket.socket(socket.AF_UNIX) as to:
            to.connect(str(self.folder / "metrics"))
            to.sendall(b"GET /metrics HTTP/1.1\r\nHost: srpd\r\nConnection: close\r\n\r\n")
            parts = iter(lambda: to.recv(1 << 20), b"")
            page = b"".join(parts)
        if b" 200 " not in page.split(b"\r\n", 1)[0]:
            raise DaemonError(f"no metrics: {page[:200]!r}")
        return time.monotonic() - begin, page


def copy_of_names(tree, to):
    """A copy of a tree with empty files: what listing the same names takes elsewhere."""
    shutil.rmtree(to, ignore_errors=True)
    entries = 0
    places = [(str(tree), str(to))]
    while places:
        source, target = places.pop()
        os.mkdir(target)
        with os.scandir(source) as listing:
            for entry in listing:
                entries += 1
                at = f"{target}/{entry.name}"
                if entry.is_symlink():
                    os.symlink(os.readlink(entry.path), at)
                elif entry.is_dir():
                    places.append((entry.path, at))
                else:
                    os.mknod(at)
    return entries
