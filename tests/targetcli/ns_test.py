#!/usr/bin/env python3
"""srpctl ns: what a command sees in it, what the machine sees of it, and how it ends."""

import os
import pathlib
import signal
import subprocess
import time

import support


def mounts():
    return pathlib.Path("/proc/self/mounts").read_text()


def children_of(pid):
    return pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


class Ns(support.TreeTest):
    def test_the_tree_is_where_the_tools_look(self):
        status, out, err = self.ns("ls", "/sys/kernel/config/target")
        self.assertEqual((status, out, err), (0, "core\ndbroot\nversion\n", ""))

    def test_the_rest_of_sysfs_is_still_there(self):
        _, out, _ = self.ns("ls", "/sys/kernel", "/sys/class")
        for name in [*os.listdir("/sys/kernel"), *os.listdir("/sys/class")]:
            self.assertIn(f"{name}\n", out)

    def test_a_port_is_offered(self):
        gids = "/sys/class/infiniband/*/ports/*/gids/0"
        _, out, _ = self.ns("sh", "-c", f"cat {gids}")
        self.assertRegex(out, r"^([0-9a-f]{4}:){7}[0-9a-f]{4}\n")
        (self.tree / "target/srpt").mkdir()
        (self.tree / "target/srpt/0x0000000000000001000000000000000f").mkdir()
        if not os.path.exists("/sys/class/infiniband"):
            _, out, _ = self.ns("sh", "-c", f"cat {gids}")
            self.assertIn("0000:0000:0000:0001:0000:0000:0000:000f\n", out)

    def test_files_of_the_tools_are_ours(self):
        directory = next((each for each in ("/etc/target", "/etc/rtslib-fb-target")
                          if os.path.isdir(each)), None)
        if directory is None:
            self.skipTest("rtslib has no directory in /etc here")
        self.ns("sh", "-c", f"echo ours > {directory}/srpd-test")
        self.assertFalse(os.path.exists(f"{directory}/srpd-test"))
        self.assertEqual((self.state / "target/srpd-test").read_text(), "ours\n")
        self.assertEqual((self.state / "target").stat().st_mode & 0o777, 0o700)
        _, out, _ = self.ns("sh", "-c", "echo $TARGETCLI_HOME")
        self.assertEqual(out, f"{self.state}/targetcli\n")

    def test_handlers_are_on_a_bus_of_its_own(self):
        call = ["gdbus", "call", "--system", "--dest", "org.kernel.TCMUService1", "--object-path",
                "/org/kernel/TCMUService1"]
        status, out, _ = self.ns(*call, "--method",
                                 "org.freedesktop.DBus.ObjectManager.GetManagedObjects")
        self.assertEqual(status, 0)
        self.assertRegex(out, "'/org/kernel/TCMUService1/null': .*'org.kernel.TCMUService1': "
                              "{'ConfigDesc': <'Any word.")
        call[-1] += "/null"
        check = [*call, "--method", "org.kernel.TCMUService1.CheckConfig"]
        self.assertEqual(self.ns(*check, "null/x")[1], "(true, '')\n")
        self.assertEqual(self.ns(*check, "null/x:y")[1],
                         "(false, 'colons and blanks cannot be saved')\n")
        medium = [*call, "--method", "org.kernel.TCMUService1.ChangeMedium", "x", "1", "null/y"]
        self.assertIn("have no medium", self.ns(*medium)[1])

    def test_nothing_is_left(self):
        before = mounts()
        self.assertEqual(self.ns("true")[0], 0)
        self.assertEqual(mounts(), before)
        self.assertEqual(os.listdir(self.state / "run"), [])

    def test_the_command_gets_its_words_and_input(self):
        status, out, _ = self.ns("sh", "-c", 'read line; echo "$line" "$@"', "sh", "--tree", "-x",
                                 "a b", text_in="from outside\n")
        self.assertEqual((status, out), (0, "from outside --tree -x a b\n"))

    def test_the_status_is_that_of_the_command(self):
        self.assertEqual(self.ns("sh", "-c", "exit 42")[0], 42)
        self.assertEqual(self.ns("sh", "-c", "kill -9 $$")[0], 128 + 9)
        status, _, err = self.ns("no-such-command")
        self.assertEqual((status, err), (1, "srpctl: no-such-command: No such file or directory; "
                                            "look for it in PATH\n"))

    def test_a_signal_to_end_reaches_the_command(self):
        script = "trap 'echo ending; exit 7' TERM; echo started; while :; do sleep 0.05; done"
        with subprocess.Popen(self.command("sh", "-c", script), stdout=subprocess.PIPE,
                              text=True) as running:
            self.assertEqual(running.stdout.readline(), "started\n")
            running.send_signal(signal.SIGTERM)
            self.assertEqual(running.stdout.readline(), "ending\n")
            self.assertEqual(running.wait(timeout=60), 7)

    def test_the_bus_ends_with_a_killed_srpctl(self):
        with subprocess.Popen(self.command("cat"), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              text=True) as running:
            running.stdin.write("x\n")
            running.stdin.flush()
            self.assertEqual(running.stdout.readline(), "x\n")
            children = children_of(running.pid)
            self.assertEqual(len(children), 2)
            running.kill()
            running.wait(timeout=60)
        deadline = time.monotonic() + 60
        while any(os.path.exists(f"/proc/{child}/exe") for child in children):
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.01)

    def test_without_a_tree(self):
        self.end(self.server)
        status, _, err = self.ns("true")
        self.assertEqual(status, 1)
        self.assertEqual(err, f"srpctl: {self.tree}: no tree is mounted here; mount the tree "
                              "first, or say with --tree where it is\n")

    def test_with_a_tree_that_nobody_serves(self):
        self.end(self.server, signal.SIGKILL)
        status, _, err = self.ns("true")
        self.assertEqual(status, 1)
        self.assertIn("nobody serves this tree any more; mount the tree first", err)
        self.serve()
        self.assertEqual(self.ns("true")[0], 0)


if __name__ == "__main__":
    support.main()
