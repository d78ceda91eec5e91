"""Set-ups that do not work: srpd --tree as it is then, and what status, sessions and doctor of
srpctl print, compared with a file below broken/. SRPD_WRITE_GOLDENS=1 writes those files."""

import os
import pathlib
import re
import subprocess

import support
from support import BIN, Srpd

GOLDENS = pathlib.Path(__file__).resolve().parent / "broken"
HOST = "0000000000000000" "0000000000000a01"
ACL = "ib." + HOST
WWN = "ib.fe80000000000000000000fffe000001"
TARGET = f"/srpt/{WWN}"

# What depends on the time, the machine and the run.
VARIABLE = [(r"srpd \d+\.\d+\.\d+, up \d+ \w+", "srpd VERSION, up TIME"),
            (r"last \d+ s ago", "last TIME ago"),
            (r"(?<=  )\d+ (s|min)(?=  )", "TIME"),
            (r"(?<=  )(\d+ us|\d+\.\d m?s)(?=  )", "LATENCY"),
            (r"\d+(?= +LATENCY +LATENCY)", "RATE"),
            # How much is saved is the kernel's whose attributes are shown.
            (r"at line \d+, column \d+", "at line N, column N"),
            (r"127\.0\.0\.1:\d+", "127.0.0.1:PORT"),
            (r"by python\S* \(process \d+\)", "by python (process PID)"),
            (r"/dev/loop\d+", "/dev/loopN"),
            (r"\d+ of the (\d+) files", r"COUNT of the \1 files"),
            (r" {3,}", "  ")]


def needs_root(test):
    if os.geteuid() != 0:
        test.skipTest("needs root")


def needs_namespaces(test, *kinds):
    needs_root(test)
    tried = subprocess.run(["unshare", *kinds, "true"], capture_output=True, text=True)
    if tried.returncode != 0:
        test.skipTest(f"no namespaces here: {tried.stderr.strip()}")


class BrokenTest(support.ProgramTest):
    # Whether it is told that this machine refuses io_uring, as containers do.
    tells_of_io_uring = False

    def setUp(self):
        super().setUp()
        if not os.access("/dev/fuse", os.R_OK | os.W_OK):
            self.skipTest("no FUSE on this machine, or no right to use it")
        self.socket = self.directory / "srpd.sock"
        self.state = self.directory / "state"
        self.saved = self.state / "target" / "saveconfig.json"
        self.srpd = None
        self.inside = []  # what srpctl runs behind, such as nsenter

    def serve(self, *options, before=(), listen="127.0.0.1:0", wait=True):
        """srpd, behind the words of `before`, such as prlimit."""
        words = [*before, str(BIN.resolve() / "srpd"), f"--tree={self.directory}/tree", "--state",
                 self.state, "--control", self.socket, "--no-announce", *options]
        for each in [listen] if isinstance(listen, str) else listen:
            words += ["--listen", each]
        self.srpd = Srpd(command=[str(word) for word in words], wait=wait)
        self.addCleanup(self.end, self.srpd)
        return self.srpd

    def restart(self, *options, **how):
        self.assertEqual(self.srpd.stop(), 0)
        return self.serve(*options, **how)

    def srpctl(self, *words, code=0):
        done = subprocess.run([*self.inside, str(BIN.resolve() / "srpctl"), "--socket",
                               str(self.socket), *map(str, words)], capture_output=True, text=True,
                              timeout=60, check=False,
                              env={**os.environ, "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"})
        if code is not None:
            self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def make_target(self, *backstores):
        """A target whose one host sees these."""
        self.srpctl("create", "/srpt", WWN)
        self.srpctl("create", f"{TARGET}/acls", ACL)
        for each in backstores:
            self.srpctl("create", f"{TARGET}/luns", each)

    def make_ramdisk(self):
        self.srpctl("create", "/backstores/ramdisk", "ram0", "16M")
        self.make_target("/backstores/ramdisk/ram0")
        self.srpctl("save")

    def make_file_disk(self, size="16M"):
        """A file, served."""
        path = self.directory / "disk.img"
        self.srpctl("create", "/backstores/fileio", "disk", path, size)
        self.make_target("/backstores/fileio/disk")
        self.srpctl("save")
        return path

    def tree(self, *parts):
        place = self.directory.joinpath("tree", "target", *parts)
        if not (self.directory / "tree" / "target").exists():
            self.skipTest("no FUSE here: " + self.srpd.output)
        return place

    def normal(self, text):
        text = text.replace(str(self.directory), "DIRECTORY")
        for pattern, instead in VARIABLE:
            text = re.sub(pattern, instead, text)
        lines = [line.rstrip() for line in text.splitlines()]
        if not self.tells_of_io_uring:
            lines = [line for line in lines
                     if not line.startswith(("io_uring: ", "problem io_uring: "))]
        return "\n".join(lines) + "\n"

    def check_golden(self, name, *question, code=1):
        """`question`: the words of doctor; `code`: its exit code."""
        text = ""
        for words, wanted in [(["status"], 0), (["sessions"], 0), (["doctor", *question], code)]:
            text += f"$ srpctl {' '.join(map(str, words))}\n" + self.srpctl(*words, code=wanted)
        text = self.normal(text)
        path = GOLDENS / f"{name}.txt"
        if os.environ.get("SRPD_WRITE_GOLDENS"):
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
        self.maxDiff = None
        self.assertEqual(text, path.read_text() if path.exists() else "", path)
