"""A tree of LIO's on this machine, and commands that run on it in srpctl ns. Everything happens in
a mount namespace of the test's own, so no mount is left behind."""

import ctypes
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

BIN = pathlib.Path(os.environ.get("SRPD_BIN", "build/dev/bin"))
DATA = pathlib.Path(__file__).resolve().parent.parent / "data"
INSIDE = "SRPD_TEST_IN_NAMESPACE"
PR_SET_PDEATHSIG = 1


def die_with_parent():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def why_not():
    """What this machine lacks for these tests, or None."""
    if os.geteuid() != 0:
        return "mounting needs root"
    if not os.access("/dev/fuse", os.R_OK | os.W_OK):
        return "/dev/fuse is missing; modprobe fuse"
    for program, package in (("targetcli", "targetcli-fb"), ("dbus-daemon", "dbus-daemon"),
                             ("unshare", "util-linux")):
        if shutil.which(program) is None:
            return f"{program} is missing; install {package}"
    return None


class TreeTest(unittest.TestCase):
    def setUp(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="srpd-tree-"))
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
        self.tree = self.directory / "tree"
        self.state = self.directory / "state"
        self.server = None
        self.serve()

    def serve(self):
        self.server = subprocess.Popen([str(BIN / "serve_tree"), str(self.tree)], text=True,
                                       stdout=subprocess.PIPE, preexec_fn=die_with_parent)
        self.addCleanup(self.end, self.server)
        self.assertEqual(self.server.stdout.readline(), "ready\n")

    def end(self, server, number=signal.SIGTERM):
        if server.poll() is None:
            server.send_signal(number)
        server.wait(timeout=60)
        server.stdout.close()

    def command(self, *words):
        return [str(BIN / "srpctl"), "--tree", str(self.tree), "--state", str(self.state), "ns",
                *map(str, words)]

    def ns(self, *words, text_in=None, seconds=240):
        """Runs a command on the tree: exit status, standard output, standard error."""
        done = subprocess.run(self.command(*words), input=text_in, capture_output=True, text=True,
                              timeout=seconds)
        return done.returncode, done.stdout, done.stderr

    def targetcli(self, *lines):
        """Feeds commands to one targetcli: its output and then its errors, prompts left out."""
        status, out, err = self.ns("targetcli", text_in="\n".join(lines) + "\n")
        self.assertEqual(status, 0, out + err)
        return out.replace("/> ", "") + err

    def saved(self):
        return (self.state / "target" / "saveconfig.json").read_text()


def main():
    """unittest.main() in a mount namespace; 77 where the machine cannot show it."""
    lacking = why_not()
    if lacking:
        print(f"skipped: {lacking}")
        sys.exit(77)
    if INSIDE not in os.environ:
        os.environ[INSIDE] = "1"
        os.execvp("unshare", ["unshare", "--mount", "--propagation", "private", sys.executable,
                              *sys.argv])
    unittest.main(verbosity=2)
