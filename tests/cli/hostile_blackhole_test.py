"""Hosts that vanish behind a dead link: srpd drops their sessions, busy or idle, within a minute.
Needs root for network namespaces."""

import os
import re
import subprocess
import time

import support
from support import BIN


def ip(*arguments):
    subprocess.run(["ip", *arguments], check=True, capture_output=True)


class BlackHole(support.ProgramTest):
    target, host = "192.0.2.1", "192.0.2.2"

    def setUp(self):
        super().setUp()
        if os.geteuid() != 0:
            self.skipTest("needs root to make network namespaces")
        self.here, self.there = f"srpd-t{os.getpid()}", f"srpd-h{os.getpid()}"
        try:
            for name in (self.here, self.there):
                ip("netns", "add", name)
                self.addCleanup(ip, "netns", "del", name)
            ip("-n", self.here, "link", "add", "v0", "type", "veth", "peer", "name", "v0", "netns",
               self.there)
            for name, address in ((self.here, self.target), (self.there, self.host)):
                ip("-n", name, "addr", "add", address + "/24", "dev", "v0")
                ip("-n", name, "link", "set", "v0", "up")
        except (OSError, subprocess.CalledProcessError) as error:
            self.skipTest(f"no network namespaces with veth here: {error}")

    def run_there(self, *command):
        process = subprocess.Popen(["ip", "netns", "exec", self.there, *command],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT, text=True)
        self.addCleanup(self.kill, process)
        return process

    def kill(self, process):
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()

    def test_link_goes_down(self):
        srpd = self.start(command=["ip", "netns", "exec", self.here, str(BIN / "srpd"), "--ramdisk",
                                   "16M", "--open", "--listen", self.target])
        descriptors = lambda: len(os.listdir(f"/proc/{srpd.pid}/fd"))
        before = descriptors()
        idle = self.run_there(str(BIN / "hold_sessions"), f"{self.target}:5555", "3")
        self.assertEqual(idle.stdout.readline(), "up 3\n")
        self.run_there(str(BIN / "srp"), "--initiator-id", "ab" * 16, "bench",
                       f"srp://{self.target}/0", "--operation", "mixed", "--seconds", "600")
        self.run_there(str(BIN / "srp"), "--initiator-id", "cd" * 16, "ping", "-q",
                       f"srp://{self.target}/0", "-c", "100000", "-i", "20")
        deadline = time.monotonic() + 20
        while srpd.output.count("logged in to") < 5 and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(0.5)
        sessions = re.findall(r"at (\S+): logged in to", srpd.output)
        self.assertEqual(len(sessions), 5, srpd.output)

        ip("-n", self.there, "link", "set", "v0", "down")
        gone = time.monotonic()
        for session in sessions:
            line = srpd.wait_for(f"{session}: session ended", 60 - (time.monotonic() - gone))
            self.assertIn("the connection was lost", line)
            self.assertIn("check the host and the network to it", line)
        print(f"\n  noticed after {time.monotonic() - gone:.0f} s")
        self.assertLessEqual(descriptors(), before)
        self.assertIsNone(srpd.process.poll())

        # The link is back: the same host is welcome.
        ip("-n", self.there, "link", "set", "v0", "up")
        again = self.run_there(str(BIN / "srp"), "ping", "-q", "-c", "3", f"srp://{self.target}/0")
        self.assertEqual(again.wait(timeout=30), 0, again.stdout.read())


if __name__ == "__main__":
    support.main()
