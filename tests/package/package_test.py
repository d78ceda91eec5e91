"""The Debian packages: built, installed on a machine made for it, used by init script, checked by
Debian's and systemd's own tools, and removed without a trace."""

import functools
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

import machine

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent / "cli"))
import threads

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
# Packages that were built before are taken from SRPD_PACKAGES.
MADE = os.environ.get("SRPD_PACKAGES")
OUTPUT = pathlib.Path(MADE or TOP / "build" / "package")
DROP_IN = "/etc/systemd/system/srpd.service.d"
CONFIG = "/var/lib/srpd/target/saveconfig.json"
PIDFILE = "/run/srpd.pid"
INIT = "/etc/init.d/srpd"
UNITS = ["srpd.service", "srpd.socket", "srpd-control.socket", "srp-daemon.service"]
# 0 (safe) to 100: that of a service that mounts, and uses disks and adapters as root.
MOST_EXPOSED = 49

FILES = {
    "srpd": ["/etc/default/srpd", INIT, "/lib/systemd/system/srpd.service",
             "/lib/systemd/system/srpd.socket", "/lib/systemd/system/srpd-control.socket",
             "/usr/sbin/srpctl", "/usr/sbin/srpd",
             "/usr/share/bash-completion/completions/srpctl",
             "/usr/share/bash-completion/completions/srpd", "/usr/share/man/man5/saveconfig.5.gz",
             "/usr/share/man/man8/srpctl.8.gz", "/usr/share/man/man8/srpd.8.gz",
             "/var/lib/srpd/target"],
    "srp": ["/lib/systemd/system/srp-daemon.service", "/usr/bin/srp",
            "/usr/share/bash-completion/completions/srp", "/usr/share/man/man1/srp.1.gz"],
    "libsrp0": ["/usr/lib/*/libsrp.so.0", "/usr/lib/*/libsrp.so.0.1.0"],
    "libsrp-dev": ["/usr/include/srp/libsrp.h", "/usr/lib/*/libsrp.so",
                   "/usr/lib/*/pkgconfig/srp.pc"],
}


def configuration(path="/backstores/ramdisk/disk"):
    return json.dumps({
        "fabric_modules": [],
        "storage_objects": [{"plugin": "ramdisk", "name": "disk", "size": 1 << 20,
                             "wwn": "c0ffee"}],
        "targets": [{"fabric": "srpt", "wwn": "ib.fe80000000000000000000fffe000001", "tpgs": [{
            "tag": 1, "enable": True, "luns": [{"index": 0, "storage_object": path}],
            "node_acls": [{"node_wwn": "127.0.0.1", "mapped_luns": [
                {"index": 0, "tpg_lun": 0, "write_protect": False}]}]}]}]})


@functools.cache
def built():
    """The packages, by name. Made once for all tests."""
    if not MADE:
        done = subprocess.run([TOP / "packaging" / "build-deb", "--cached", OUTPUT], cwd=TOP,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode != 0:
            raise RuntimeError("the packages cannot be built:\n" + done.stdout[-8000:])
    return {path.name.split("_")[0]: path for path in OUTPUT.glob("*.deb")}


class Installed(unittest.TestCase):
    """The packages on a machine; a test finds the service stopped and without configuration."""
    systemd = False

    @classmethod
    def setUpClass(cls):
        cls.packages = built()
        cls.directory = tempfile.mkdtemp(prefix="srpd-package-")
        cls.addClassCleanup(shutil.rmtree, cls.directory, ignore_errors=True)
        cls.machine = machine.Machine(cls.directory, cls.systemd)
        cls.addClassCleanup(cls.machine.end)
        cls.machine.run("mkdir", "/tmp/packages")
        for name in FILES:
            cls.machine.copy(cls.packages[name], "/tmp/packages")
        cls.machine.run("sh", "-c", "dpkg --install /tmp/packages/*.deb", seconds=300)

    def inquiry(self):
        return self.machine.run("srp", "inq", "srp://127.0.0.1/0")

    def configure(self):
        self.machine.write(CONFIG, configuration())


class Package(Installed):
    def setUp(self):
        self.machine.run(INIT, "stop", status=None)
        self.machine.run("rm", "-f", CONFIG, "/etc/default/srpd.local", "/var/log/srpd.log")

    def status(self):
        return self.machine.status(INIT, "status")[0]

    def pid(self):
        return int(self.machine.run("cat", PIDFILE))

    # What is in them

    def test_all_packages(self):
        self.assertEqual(sorted(name for name in self.packages if not name.endswith("-dbgsym")),
                         sorted(FILES))

    def test_files(self):
        for name, wanted in FILES.items():
            listed = set(self.machine.run("dpkg", "--listfiles", name).split())
            for path in wanted:
                pattern = re.compile(re.escape(path).replace(r"\*", "[^/]+") + "$")
                self.assertTrue(any(map(pattern.match, listed)), (name, path, sorted(listed)))

    def test_version_is_that_of_the_programs(self):
        version = self.machine.run("dpkg-query", "-W", "-f", "${Version}", "srpd")
        upstream, _, revision = version.partition("-")
        self.assertEqual(self.machine.run("srpd", "--version").strip(), f"srpd {upstream}")
        self.assertRegex(revision, r"^\d+$")

    def test_without_a_configuration_it_waits_for_one(self):
        self.machine.run(INIT, "start")
        self.assertEqual(self.status(), 0)
        self.configure()
        self.machine.run(INIT, "reload")
        self.machine.wait_until(lambda: self.machine.status(
            "srp", "inq", "srp://127.0.0.1/0")[0] == 0, "the disk")

    def test_manual_pages_are_found(self):
        for page in ["srp(1)", "saveconfig(5)", "srpctl(8)", "srpd(8)"]:
            name, section = page.rstrip(")").split("(")
            path = self.machine.run("man", "--where", section, name).strip()
            self.assertTrue(path.endswith(f"{name}.{section}.gz"), path)

    def test_programs_are_made_with_the_library(self):
        self.machine.run("sh", "-c", "cc -o /tmp/copy /usr/share/doc/libsrp-dev/examples/*.c "
                                     "$(pkg-config --cflags --libs srp)")
        self.configure()
        self.machine.run(INIT, "start")
        linked = self.machine.run("ldd", "/tmp/copy")
        self.assertRegex(linked, r"libsrp\.so\.0 => /(usr/)?lib/")

    # The init script

    def test_life(self):
        self.configure()
        self.machine.run(INIT, "start")
        self.assertEqual(self.status(), 0)
        # It has told that it is ready: there is nothing to wait for.
        self.assertIn("LIO-ORG", self.inquiry())
        first = self.pid()
        self.machine.run(INIT, "start")
        self.assertEqual(self.pid(), first)
        self.machine.run(INIT, "reload")
        self.assertEqual(self.pid(), first)
        self.machine.run(INIT, "restart")
        self.assertNotEqual(self.pid(), first)
        self.inquiry()
        self.machine.run(INIT, "stop")
        self.assertEqual(self.status(), 3)
        self.assertFalse(self.machine.exists(PIDFILE))
        self.assertIn("stopped", self.machine.run("cat", "/var/log/srpd.log"))
        self.machine.run(INIT, "stop")
        self.machine.run(INIT, "reload", status=7)

    def test_options(self):
        self.configure()
        self.machine.run("cp", "/etc/default/srpd", "/tmp/default")
        self.machine.write("/etc/default/srpd", 'SRPD_OPTIONS="--listen 127.0.0.1:7777"\n')
        try:
            self.machine.run(INIT, "restart")
            self.machine.run("srp", "inq", "srp://127.0.0.1:7777/0")
        finally:
            self.machine.run("cp", "/tmp/default", "/etc/default/srpd")

    def test_stale_pid_file(self):
        self.configure()
        self.machine.write(PIDFILE, "1\n")  # of another program
        self.assertEqual(self.status(), 1)
        self.machine.run(INIT, "stop")
        self.assertEqual(self.machine.status("kill", "-0", "1")[0], 0)
        self.machine.write(PIDFILE, "1\n")
        self.machine.run(INIT, "start")
        self.inquiry()

    def test_killed(self):
        self.configure()
        self.machine.run(INIT, "start")
        pid = self.pid()
        self.machine.run("kill", "-KILL", pid)
        self.machine.wait_until(lambda: self.machine.status("kill", "-0", pid)[0] != 0, "its end")
        self.assertEqual(self.status(), 1)
        self.machine.run(INIT, "start")
        self.inquiry()

    def test_mistakes(self):
        self.machine.run("cp", "/etc/default/srpd", "/tmp/default")
        self.machine.write("/etc/default/srpd", 'SRPD_OPTIONS="--listen nonsense:port"\n')
        status, output = self.machine.status(INIT, "start")
        self.machine.run("cp", "/tmp/default", "/etc/default/srpd")
        self.assertEqual(status, 1, output)
        self.assertIn("see /var/log/srpd.log", output)
        self.assertIn("nonsense:port", self.machine.run("cat", "/var/log/srpd.log"))
        self.assertEqual(self.status(), 3)
        self.machine.run(INIT, "dance", status=2)

    # The units

    def test_units_are_right(self):
        output = self.machine.run("systemd-analyze", "verify",
                                  *(f"/lib/systemd/system/{unit}" for unit in UNITS))
        self.assertEqual(output, "")

    def test_service_is_confined(self):
        self.machine.run("systemd-analyze", "security", "--offline=true",
                         f"--threshold={MOST_EXPOSED}", "/lib/systemd/system/srpd.service")

    def test_only_the_service_is_enabled(self):
        enabled = self.machine.run("find", "/etc/systemd/system", "-name", "srpd*", "-o", "-name",
                                   "srp-daemon*")
        self.assertEqual(enabled, "/etc/systemd/system/multi-user.target.wants/srpd.service\n")

    def test_service_makes_no_system_call_that_it_may_not(self):
        unit = self.machine.run("cat", "/lib/systemd/system/srpd.service")
        allowed, denied = set(), set()
        for line in re.findall(r"^SystemCallFilter=(.*)", unit, re.M):
            names = self.calls(line.lstrip("~").split())
            (denied if line.startswith("~") else allowed).update(names)
        self.machine.write(CONFIG, configuration())
        self.machine.run("sh", "-c", "strace -f -qq -o /tmp/calls srpd --tree >/tmp/out 2>&1 &")
        self.machine.wait_until(lambda: "ready" in self.machine.run("cat", "/tmp/out"), "its start")
        self.inquiry()
        self.machine.run("srp", "write", "srp://127.0.0.1/0", "/proc/self/exe", "--count", "64k")
        self.machine.run("pkill", "-HUP", "-x", "srpd")
        self.machine.run("pkill", "-TERM", "-x", "srpd")
        self.machine.wait_until(lambda: self.machine.status("pgrep", "-x", "strace")[0] != 0,
                                "its end")
        made = set(re.findall(r"^\d+ +(\w+)\(", self.machine.run("cat", "/tmp/calls"), re.M))
        self.assertIn("io_uring_setup", made)
        # The first is of strace, before systemd's filter would be in place.
        self.assertEqual(made - {"execve"} - (allowed - denied), set())

    def calls(self, names):
        """The system calls in sets of systemd, and those named by themselves."""
        found = {name for name in names if not name.startswith("@")}
        waiting = [name for name in names if name.startswith("@")]
        while waiting:
            text = self.machine.run("systemd-analyze", "syscall-filter", waiting.pop())
            inside = [word.split()[0] for word in text.splitlines()[1:] if word.strip()]
            found.update(word for word in inside if not word.startswith(("@", "#")))
            waiting += [word for word in inside if word.startswith("@")]
        return found

    # The end

    def test_zz_nothing_is_left(self):
        self.configure()
        self.machine.run(INIT, "start")
        pid = self.pid()
        self.machine.run("dpkg", "--purge", *FILES)
        self.assertNotEqual(self.machine.status("kill", "-0", pid)[0], 0)
        left = self.machine.run(
            "find", "/etc", "/lib/systemd", "/usr/lib/systemd", "/usr/sbin", "/usr/bin",
            "/usr/share/man", "/usr/share/doc", "/var/lib", "/var/log", "/run",
            "(", "-name", "srp", "-o", "-name", "srp.1.gz", "-o", "-name", "srpd*", "-o", "-name",
            "srpctl*", "-o", "-name", "libsrp[0-9.-]*", "-o", "-name", "srp-daemon*", ")")
        self.assertEqual(left, "")


class Service(Installed):
    """The units under systemd itself, with all that they forbid."""
    systemd = True

    @classmethod
    def setUpClass(cls):
        why = machine.missing_for_systemd()
        if why:
            raise unittest.SkipTest(why)
        super().setUpClass()

    def setUp(self):
        self.machine.run("systemctl", "stop", "srpd.socket", "srpd-control.socket",
                         "srpd.service")
        self.machine.run("rm", "-rf", DROP_IN)
        self.machine.run("systemctl", "daemon-reload")
        self.machine.run("systemctl", "reset-failed", "srpd.service")
        self.configure()

    def property(self, name):
        return self.machine.run("systemctl", "show", "--property", name, "--value",
                                "srpd.service").strip()

    def test_life(self):
        self.machine.run("systemctl", "start", "srpd")
        self.assertEqual(self.property("ActiveState"), "active")
        self.assertNotEqual(self.property("StatusText"), "")
        self.assertIn("LIO-ORG", self.inquiry())
        first = self.property("MainPID")
        self.machine.run("systemctl", "reload", "srpd")
        self.inquiry()
        # What it mounts is there for all.
        self.assertIn("rd_mcp_", self.machine.run("ls", "/run/srpd/tree/target/core"))
        self.assertEqual(self.property("MainPID"), first)
        self.machine.run("systemctl", "restart", "srpd")
        self.assertNotEqual(self.property("MainPID"), first)
        self.inquiry()
        self.machine.run("systemctl", "stop", "srpd")
        self.assertEqual(self.property("Result"), "success")
        self.assertIn("stopped", self.machine.run("journalctl", "--unit", "srpd"))

    def test_killed(self):
        self.machine.run("systemctl", "start", "srpd")
        self.machine.run("systemctl", "kill", "--signal=KILL", "srpd")
        self.machine.wait_until(lambda: self.property("NRestarts") == "1", "the restart")
        self.machine.wait_until(lambda: self.property("ActiveState") == "active", "the restart")
        self.inquiry()

    def test_stuck_loop(self):
        self.machine.write(DROP_IN + "/watchdog.conf", "[Service]\nWatchdogSec=1\n"
                           "EnvironmentFile=\nEnvironment=SRPD_OPTIONS='--loops 2'\n")
        self.machine.run("systemctl", "daemon-reload")
        self.machine.run("systemctl", "start", "srpd")
        pid = self.machine.outer_pid(int(self.property("MainPID")))
        with threads.StoppedThread(threads.thread_named(pid, "srpd/1")):
            self.machine.wait_until(lambda: self.property("Result") == "watchdog", "the watchdog")
        self.machine.wait_until(lambda: self.property("NRestarts") == "1", "the restart")
        self.machine.wait_until(lambda: self.property("ActiveState") == "active", "the restart")
        self.inquiry()

    def test_socket(self):
        self.machine.run("systemctl", "start", "srpd.socket")
        self.assertEqual(self.property("ActiveState"), "inactive")
        self.inquiry()  # starts it
        self.assertEqual(self.property("ActiveState"), "active")
        self.machine.run("systemctl", "stop", "srpd.service")
        self.inquiry()

    def test_control_socket(self):
        unit = "/etc/systemd/system/srpd-control.socket.d/group.conf"
        self.machine.write(unit, "[Socket]\nSocketGroup=users\n")
        self.machine.run("systemctl", "daemon-reload")
        self.machine.run("systemctl", "start", "srpd-control.socket")
        self.assertEqual(self.property("ActiveState"), "inactive")
        as_user = ["setpriv", "--reuid=nobody", "--clear-groups"]
        status, output = self.machine.status(*as_user, "--regid=nogroup", "srpctl", "version")
        self.assertEqual(status, 3, output)
        self.assertEqual(self.property("ActiveState"), "inactive")
        # Asking starts it.
        self.machine.run(*as_user, "--regid=users", "srpctl", "status")
        self.assertEqual(self.property("ActiveState"), "active")
        self.machine.run("systemctl", "restart", "srpd.service")
        self.machine.run("srpctl", "version")
        self.machine.run("systemctl", "stop", "srpd.service")
        self.machine.run("srpctl", "version")
        self.assertEqual(self.property("ActiveState"), "active")
        self.machine.run("rm", "-r", unit.rpartition("/")[0])

    def test_memory_may_be_locked(self):
        self.assertEqual(self.property("LimitMEMLOCK"), "infinity")


if __name__ == "__main__":
    why = machine.missing()
    if why:
        print(f"skipped: {why}")
        sys.exit(77)
    unittest.main(verbosity=2)
