"""What the tests of hostile peers share: an srpd that serves a well-behaved host meanwhile.

Each test attacks an srpd of its own. The well-behaved host verifies data on a file all the time; at
the end it must still be in its first session, a new host must get in, and srpd must end by itself
with all memory in order (which the sanitizers look at).
"""

import os
import re
import subprocess
import time

import support
from iwarp_peer import Peer, TERMINATE
from support import BIN

GOOD_HOST = "00000000000000000000000000600d00"

# Disks, in the order of LUNs: what is attacked, a file, and the file of the well-behaved host.
MEMORY, FILE, OTHERS = 0, 1, 2


class HostileTest(support.ProgramTest):
    access = ("--open",)

    def setUp(self):
        super().setUp()
        self.srpd = self.start("--ramdisk", "16M",
                               "--file", str(self.make_file("attacked.img", 64 << 20)),
                               "--file", str(self.make_file("others.img", 2 << 20)), *self.access)
        if "--open" in self.access:
            self.begin_good_host()

    def begin_good_host(self):
        self.good_host = subprocess.Popen(
            [str(BIN / "srp"), "--initiator-id", GOOD_HOST, "bench", self.srpd.url(OTHERS),
             "--operation", "mixed", "--verify", "--depth", "2", "--seconds", "600"],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.addCleanup(self.kill_good_host)
        line = self.srpd.wait_for("logged in to")
        self.good_address = re.search(r"at (\S+): logged in", line).group(1)

    def kill_good_host(self):
        if self.good_host.poll() is None:
            self.good_host.kill()
        self.good_host.wait()
        self.good_host.stdout.close()

    def tearDown(self):
        if not hasattr(self, "good_host"):
            return
        self.assert_others_unharmed()
        self.kill_good_host()
        self.assertEqual(self.srpd.stop(), 0, self.srpd.output)

    def assert_others_unharmed(self):
        self.assertIsNone(self.srpd.process.poll(), self.srpd.output)
        if self.good_host.poll() is not None:
            self.fail(f"the other host failed: {self.good_host.stdout.read()}\n{self.srpd.output}")
        self.assertNotIn(f"{self.good_address}: session ended", self.srpd.output)
        begin = time.monotonic()
        done = support.srp("ping", "-q", "-c", "3", self.srpd.url(OTHERS))
        self.assertEqual(done.returncode, 0, (done.stderr.decode(), self.srpd.output))
        self.assertLess(time.monotonic() - begin, 5)

    def peer(self, **options):
        peer = Peer(self.srpd.port, **options)
        self.addCleanup(peer.socket.close)
        return peer

    def session(self, lun=MEMORY, mpa_flags=None, login=None, **options):
        """A peer that has logged in, past the first unit attention."""
        peer = self.peer(**options)
        login = {"initiator": os.urandom(16), **(login or {})}
        if mpa_flags is not None:
            login["mpa_flags"] = mpa_flags
        peer.credits = peer.log_in(**login)
        peer.settle(lun)
        return peer

    def assert_terminated(self, peer, control):
        """srpd says why in a Terminate (its first two bytes in hex), then closes."""
        message = peer.next_of(TERMINATE)
        self.assertEqual(message.payload[:2].hex(), control)
        self.assertLess(peer.wait_closed(), 5)
        peer.socket.close()

    def assert_said(self, peer, *parts):
        """srpd's log has one line about this peer with all parts."""
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            for line in list(self.srpd.lines):
                if peer.name in line and all(part in line for part in parts):
                    return line
            time.sleep(0.02)
        self.fail(f"no line about {peer.name} with {parts}:\n{self.srpd.output}")

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.srpd.pid}/fd"))

    def wait_until(self, holds, seconds, what):
        deadline = time.monotonic() + seconds
        while not holds():
            if time.monotonic() > deadline:
                self.fail(f"not within {seconds} s: {what}\n{self.srpd.output}")
            time.sleep(0.05)

