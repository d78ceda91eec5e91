"""Starting and stopping srpd, and every mistake somebody makes with its command line."""

import os
import signal
import socket
import stat
import unittest

import support
from support import srpd_fails


class Mistakes(support.ProgramTest):
    def fails(self, arguments, *parts, status=1):
        returned, output = srpd_fails(*arguments)
        self.assertEqual(returned, status, output)
        for part in parts:
            self.assertIn(part, output)

    def test_nothing_to_serve(self):
        self.fails([], "nothing to serve", "srpd --ramdisk 256M --open", "--config FILE")

    def test_unknown_option(self):
        self.fails(["--ramdsk", "1G"], "--ramdsk", status=2)

    def test_unknown_size(self):
        self.fails(["--ramdisk", "256X", "--open"], "unknown unit 'X'", "256M")

    def test_missing_file(self):
        self.fails(["--file", str(self.directory / "none"), "--open"], "does not exist", "truncate")

    def test_directory(self):
        self.fails(["--file", str(self.directory), "--open"], "is a directory")

    def test_block_is_a_file(self):
        path = self.make_file("disk.img", 1 << 20)
        self.fails(["--block", str(path), "--open"], "not a block device", f"--file {path}")

    def test_bad_allow(self):
        self.fails(["--ramdisk", "1M", "--allow", "no initiator at all"], "no initiator at all")

    def test_bad_listen(self):
        self.fails(["--ramdisk", "1M", "--open", "--listen", "127.0.0.1:notaport"],
                   "127.0.0.1:notaport")

    def test_address_of_another_machine(self):
        self.fails(["--ramdisk", "1M", "--open", "--listen", "192.0.2.1:5555"], "192.0.2.1")

    def test_port_in_use(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            self.fails(["--ramdisk", "1M", "--open", "--listen", f"127.0.0.1:{port}"],
                       f"127.0.0.1:{port}", "in use")

    def test_same_file_twice(self):
        path = self.make_file("disk.img", 1 << 20)
        self.fails(["--file", str(path), "--file", str(path), "--open"], "already served")

    def test_same_serial_twice(self):
        self.fails(["--ramdisk", "1M,serial=x", "--ramdisk", "1M,serial=x", "--open"],
                   "same serial x")

    def test_config_and_disks(self):
        self.fails(["--config", "x", "--ramdisk", "1M"], "--ramdisk excludes --config", status=2)

    def test_read_only_file(self):
        if os.geteuid() == 0:
            self.skipTest("root may write every file")
        path = self.make_file("disk.img", 1 << 20)
        path.chmod(stat.S_IRUSR)
        self.fails(["--file", str(path), "--open"], "permission denied", ",ro")

    def test_read_only_file_as_nobody(self):
        if os.geteuid() != 0:
            self.skipTest("needs root to become another user")
        path = self.make_file("disk.img", 1 << 20)
        path.chmod(0o444)
        self.directory.chmod(0o755)
        pid = os.fork()
        if pid == 0:
            os.setgid(65534)
            os.setuid(65534)
            output, status = "", 0
            try:
                status, output = srpd_fails("--file", str(path), "--open")
            except PermissionError:
                os._exit(77)  # the build directory is closed to others
            os._exit(0 if status == 1 and "permission denied" in output and ",ro" in output else 1)
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        if status == 77:
            self.skipTest("another user cannot run this build")
        self.assertEqual(status, 0)


class Help(support.ProgramTest):
    def test_help(self):
        status, output = srpd_fails("--help")
        self.assertEqual(status, 0)
        for part in ["--ramdisk", "--file", "--null", "--block", "--config", "--listen", "--allow",
                     "--open", "--loops", "--cpu", "--backend", "--poll-us", "--target-name",
                     "--log-level", "--check-config"]:
            self.assertIn(part, output)

    def test_version(self):
        status, output = srpd_fails("--version")
        self.assertEqual(status, 0)
        self.assertRegex(output, r"^srpd \d+\.\d+\.\d+")


class Life(support.ProgramTest):
    def test_summary_names_each_lun_in_order(self):
        path = self.make_file("disk.img", 8 << 20)
        srpd = self.start("--ramdisk", "256M", "--file", f"{path},dsync", "--null", "1T",
                          "--ramdisk", "1M,ro", "--open")
        for pattern in [rf"LUN 0 +srp://127.0.0.1:{srpd.port}/0 +ram0\n +ramdisk 256 MiB,",
                        rf"LUN 1 .*file0\n +{path} 8 MiB \(dsync\), write cache off",
                        r"LUN 2 .*null0\n +null 1 TiB,",
                        r"LUN 3 .*ram1\n +ramdisk 1 MiB \(read-only\),"]:
            self.assertRegex(srpd.output, pattern)
        self.assertIn("open: whoever reaches the port", srpd.output)

    def test_serials_stay_the_same(self):
        path = self.make_file("disk.img", 8 << 20)
        seen = set()
        for _ in range(2):
            srpd = self.start("--ramdisk", "1M", "--file", str(path), "--open")
            seen.add(tuple(line.split()[-1] for line in srpd.lines if "serial" in line))
            self.assertEqual(srpd.stop(), 0)
        self.assertEqual(len(seen), 1)
        self.assertEqual(len(set(seen.pop())), 2)

    def test_closed_by_default(self):
        srpd = self.start("--ramdisk", "1M", wait=False)
        srpd.wait_for("nobody may log in: add --allow")
        srpd.wait_for("srpd: ready")

    def test_signals_end_it(self):
        for number in [signal.SIGTERM, signal.SIGINT]:
            srpd = self.start("--ramdisk", "1M", "--open", "--loops", "2")
            self.assertEqual(srpd.stop(number), 0)
            self.assertIn("stopped", srpd.output)

    def test_hangup_does_not(self):
        srpd = self.start("--ramdisk", "1M", "--open")
        srpd.process.send_signal(signal.SIGHUP)
        srpd.wait_for("SIGHUP")
        self.assertIsNone(srpd.process.poll())

    def test_every_backend(self):
        for backend in ["epoll", "automatic"]:
            srpd = self.start("--ramdisk", "1M", "--open", "--backend", backend, "--cpu", "0",
                              "--poll-us", "0")
            self.assertIn("epoll" if backend == "epoll" else "(", srpd.output)
            self.assertEqual(srpd.stop(), 0)

    def test_ipv6_and_several_listeners(self):
        try:
            socket.create_server(("::1", 0), family=socket.AF_INET6).close()
        except OSError:
            self.skipTest("no IPv6 on loopback")
        srpd = self.start("--ramdisk", "1M", "--open", "--listen", "[::1]:0")
        self.assertRegex(srpd.output, r"on \[::1\]:\d+ 127\.0\.0\.1:\d+")


if __name__ == "__main__":
    support.main()
