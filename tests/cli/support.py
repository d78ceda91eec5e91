"""What the tests of the programs share: srpd as a child process, srp as a command."""

import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest

BIN = pathlib.Path(os.environ.get("SRPD_BIN", "build/dev/bin"))
SANITIZED = bool(os.environ.get("SRPD_SANITIZE"))
DATA = pathlib.Path(__file__).resolve().parent.parent / "data"


class Srpd:
    """A running srpd. Standard output and error come in lines; ends with the test."""

    def __init__(self, *arguments, command=None, listen="127.0.0.1:0", wait=True):
        if command is None:
            command = [str(BIN / "srpd"), *arguments, "--listen", listen]
        self.process = self.popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                  text=True, bufsize=1)
        self.lines = []
        self.arrived = threading.Condition()
        self.reader = threading.Thread(target=self.read_lines, daemon=True)
        self.reader.start()
        if wait:
            self.wait_for("srpd: ready")

    def popen(self, command, **options):
        return subprocess.Popen(command, **options)

    def read_lines(self):
        for line in self.process.stdout:
            with self.arrived:
                self.lines.append(line)
                self.arrived.notify_all()
        with self.arrived:
            self.arrived.notify_all()

    @property
    def pid(self):
        return self.process.pid

    @property
    def output(self):
        return "".join(self.lines)

    @property
    def port(self):
        return int(re.search(r"^srpd \S+ on \S+:(\d+)", self.output, re.M).group(1))

    def url(self, lun=0):
        return f"srp://127.0.0.1:{self.port}/{lun}"

    def wait_for(self, text, seconds=20):
        """The first line with `text`; fails the test at the end of output or time."""
        deadline = time.monotonic() + seconds
        with self.arrived:
            while True:
                for line in self.lines:
                    if text in line:
                        return line
                left = deadline - time.monotonic()
                if left <= 0 or not self.reader.is_alive():
                    raise AssertionError(f"no '{text}' from srpd:\n{self.output}")
                self.arrived.wait(min(left, 0.2))

    def stop(self, number=signal.SIGTERM, seconds=20):
        """Sends the signal; the exit status, with the rest of the output read."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        self.process.wait(timeout=seconds)
        self.reader.join()
        self.process.stdout.close()
        return self.process.returncode

    def resident(self):
        """Bytes of memory in use."""
        text = pathlib.Path(f"/proc/{self.pid}/status").read_text()
        return int(re.search(r"^VmRSS:\s+(\d+) kB", text, re.M).group(1)) * 1024

    def cpu_seconds(self):
        fields = pathlib.Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def srpd_fails(*arguments, seconds=20):
    """Exit status and output of an srpd that is expected to end by itself."""
    done = subprocess.run([str(BIN / "srpd"), *arguments], capture_output=True, text=True,
                          timeout=seconds)
    return done.returncode, done.stdout + done.stderr


def srp(*arguments, data=None, seconds=60):
    """Runs srp; a CompletedProcess with bytes."""
    return subprocess.run([str(BIN / "srp"), *map(str, arguments)], input=data,
                          capture_output=True, timeout=seconds)


class ProgramTest(unittest.TestCase):
    def setUp(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="srpd-cli-"))
        self.addCleanup(self.remove_directory)

    def remove_directory(self):
        """With the trees that killed daemons have left mounted there."""
        for line in pathlib.Path("/proc/self/mounts").read_text().splitlines():
            point = line.split()[1]
            if point.startswith(f"{self.directory}/"):
                subprocess.run(["fusermount3", "-u", "-z", point], check=False)
        shutil.rmtree(self.directory, ignore_errors=True)

    def start(self, *arguments, **options):
        srpd = Srpd(*arguments, **options)
        self.addCleanup(self.end, srpd)
        return srpd

    def end(self, srpd):
        if not srpd.process.stdout.closed:
            srpd.stop(signal.SIGKILL)

    def make_file(self, name, size):
        path = self.directory / name
        with open(path, "wb") as file:
            file.truncate(size)
        return path

    def check_srp(self, *arguments, data=None):
        """srp must succeed; its standard output as bytes."""
        done = srp(*arguments, data=data)
        self.assertEqual(done.returncode, 0, (arguments, done.stdout[-2000:], done.stderr.decode()))
        return done.stdout


def main():
    """unittest.main(), where a run of which everything was skipped ends with 77."""
    program = unittest.main(exit=False, verbosity=2)
    result = program.result
    if not result.wasSuccessful():
        sys.exit(1)
    sys.exit(77 if result.testsRun and len(result.skipped) == result.testsRun else 0)
