"""What the tests of srpctl share: something that answers it, and srpctl as a command."""

import json
import os
import pathlib
import signal
import subprocess

import support
from support import BIN

HOST = "0x00000000000000000000000000000a01"
ACL = "ib.00000000000000000000000000000a01"
WWN = "ib.00000000000000000000000000000001"
TARGET = f"/srpt/{WWN}"


class SrpctlTest(support.ProgramTest):
    host = None

    def setUp(self):
        super().setUp()
        self.socket = self.directory / "srpd.sock"
        words = [str(BIN / "serve_control"), str(self.directory)]
        words += [self.host] if self.host else []
        self.server = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
        self.addCleanup(self.end_server)
        self.assertEqual(self.server.stdout.readline(), "ready\n")

    def end_server(self):
        if self.server.poll() is None:
            self.server.send_signal(signal.SIGTERM)
        self.server.wait(timeout=20)
        self.server.stdout.close()

    def environment(self, **more):
        leaks = pathlib.Path(__file__).resolve().parent / "leaks.supp"
        return {**os.environ, "HOME": str(self.directory), "TZ": "UTC",
                "LSAN_OPTIONS": f"suppressions={leaks}:print_suppressions=0", **more}

    def srpctl(self, *words, text_in="", code=0, seconds=60):
        """What it prints: standard output and then the errors."""
        done = subprocess.run([str(BIN / "srpctl"), "--socket", str(self.socket), *map(str, words)],
                              input=text_in, capture_output=True, text=True, timeout=seconds,
                              env=self.environment())
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def json(self, *words, code=0):
        return json.loads(self.srpctl(*words, "--json", code=code))

    def make_all(self):
        """A target with two LUNs that one host sees."""
        self.srpctl("create", "/backstores/ramdisk", "ram0", "16M")
        self.srpctl("create", "/backstores/fileio", "name=file0", "file_or_dev=/tmp/file0.img",
                    "size=16M")
        self.srpctl("create", "/srpt", WWN)
        self.srpctl("create", f"{TARGET}/acls", ACL)
        self.srpctl("create", f"{TARGET}/luns", "/backstores/ramdisk/ram0")
        self.srpctl("create", f"{TARGET}/luns", "/backstores/fileio/file0", "7")
