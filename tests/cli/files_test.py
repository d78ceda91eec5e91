"""What happens to the file behind a disk, as a host sees it."""

import json
import os
import signal
import subprocess
import time

import support
from support import srp

MIB = 1 << 20


class Files(support.ProgramTest):
    def pattern(self, size):
        return os.urandom(size)

    def test_data_survive_kill(self):
        path = self.directory / "disk.img"
        data = self.pattern(4 * MIB)
        for mode in ["buffered", "dsync", "direct"]:
            srpd = self.start("--file", f"{path}:64M,{mode}", "--open")
            self.check_srp("write", srpd.url(), "-q", data=data)
            srpd.stop(signal.SIGKILL)
            srpd = self.start("--file", f"{path},{mode}", "--open")
            self.assertEqual(self.check_srp("read", srpd.url(), "-q", "--count", len(data)), data)
            srpd.stop()
            path.unlink()

    def test_restart_right_after_kill(self):
        """Killed under load, with operations under way: port and file are free for the next one."""
        path = self.make_file("disk.img", 64 * MIB)
        arguments = ["--file", f"{path},direct", "--open"]
        srpd = self.start(*arguments)
        port = srpd.port
        for _ in range(5):
            load = subprocess.Popen([support.BIN / "srp", "bench", f"srp://127.0.0.1:{port}/0",
                                     "--pattern", "randwrite", "--depth", "64", "--seconds", "20"],
                                    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(0.3)
            srpd.stop(signal.SIGKILL)
            srpd = self.start(*arguments, listen=f"127.0.0.1:{port}")
            load.terminate()
            load.wait()

    def test_read_only(self):
        path = self.make_file("disk.img", 4 * MIB)
        srpd = self.start("--file", f"{path},ro", "--open")
        refused = srp("write", srpd.url(), "-q", data=self.pattern(4096))
        self.assertEqual(refused.returncode, 1, refused.stderr)
        self.assertIn(b"27/00", refused.stderr.replace(b"0x", b""))
        self.assertEqual(self.check_srp("read", srpd.url(), "-q", "--count", 4096), bytes(4096))

    def test_shrunk(self):
        path = self.make_file("disk.img", 4 * MIB)
        srpd = self.start("--file", str(path), "--open")
        self.check_srp("write", srpd.url(), "-q", data=self.pattern(4 * MIB))
        os.truncate(path, 2 * MIB)
        failed = srp("read", srpd.url(), "-q", "--offset", 3 * MIB, "--count", 4096)
        self.assertEqual(failed.returncode, 1, failed.stderr)
        self.assertIn(b"MEDIUM ERROR", failed.stderr.upper())
        self.assertEqual(len(self.check_srp("read", srpd.url(), "-q", "--count", 2 * MIB)), 2 * MIB)
        self.assertIn("was shrunk to 2 MiB while 4 MiB are served", srpd.wait_for("shrunk"))

    def test_grown(self):
        path = self.make_file("disk.img", 4 * MIB)
        srpd = self.start("--file", str(path), "--open")
        os.truncate(path, 8 * MIB)
        srpd.wait_for("has grown from 4 MiB to 8 MiB")
        self.assertEqual(self.check_srp("capacity", srpd.url(), "--bytes").strip(), b"8388608")

    def test_deleted(self):
        path = self.make_file("disk.img", 4 * MIB)
        srpd = self.start("--file", str(path), "--open")
        path.unlink()
        srpd.wait_for("was deleted while it is served")

    def test_full_disk(self):
        """In a mount namespace of its own, on a file system that is full after 1 MiB."""
        if subprocess.run(["unshare", "-rm", "true"], capture_output=True).returncode != 0:
            self.skipTest("mount namespaces are not allowed here")
        script = (f"mount -t tmpfs -o size=1m tmpfs {self.directory} && "
                  f"exec {support.BIN.resolve()}/srpd --file {self.directory}/disk.img:64M --open "
                  "--listen 127.0.0.1:0")
        srpd = support.Srpd(command=["unshare", "-rm", "sh", "-c", script])
        self.addCleanup(self.end, srpd)
        self.check_srp("write", srpd.url(), "-q", data=self.pattern(65536))
        failed = srp("write", srpd.url(), "-q", data=self.pattern(4 * MIB))
        self.assertEqual(failed.returncode, 1, failed.stderr)
        self.assertIn(b"27/07", failed.stderr.replace(b"0x", b""))


class Disks(support.ProgramTest):
    def test_ramdisk_and_null(self):
        srpd = self.start("--ramdisk", "16M", "--null", "16M", "--open")
        data = os.urandom(MIB)
        for lun, expected in [(0, data), (1, bytes(MIB))]:
            self.check_srp("write", srpd.url(lun), "-q", data=data)
            self.assertEqual(self.check_srp("read", srpd.url(lun), "-q", "--count", MIB), expected)

    def test_a_fast_host_keeps_its_session(self):
        """All it may have under way, reacting to every answer while others are still leaving."""
        srpd = self.start("--ramdisk", "64M", "--open")
        for depth in (128, 512):
            for operation in ("read", "write"):
                load = json.loads(self.check_srp("bench", srpd.url(), "--depth", depth, "--seconds",
                                                 0.5, "--operation", operation, "--json"))
                self.assertEqual(load["reconnects"], 0, srpd.output)
                self.assertGreater(load["ios"], 0)
        self.assertNotIn("protocol error", srpd.output)

    def test_closed_by_default_tells_what_to_allow(self):
        srpd = self.start("--ramdisk", "16M")
        refused = srp("luns", f"srp://127.0.0.1:{srpd.port}")
        self.assertEqual(refused.returncode, 3, refused.stderr)
        self.assertRegex(srpd.wait_for("--allow 127.0.0.1"), "127.0.0.1")

    def test_allowed_by_address(self):
        srpd = self.start("--ramdisk", "16M", "--allow", "127.0.0.1")
        self.check_srp("capacity", srpd.url())

    def test_allowed_by_port_identifier(self):
        name = "0002c903000e8acd"
        srpd = self.start("--ramdisk", "16M", "--allow", "0x" + name)
        self.check_srp("--initiator-id", name.rjust(32, "0"), "capacity", srpd.url())
        other = srp("--initiator-id", "ff" * 16, "capacity", srpd.url())
        self.assertEqual(other.returncode, 3, other.stderr)

    def test_serial_and_target_name_are_shown(self):
        srpd = self.start("--ramdisk", "16M,serial=my-serial", "--open", "--target-name",
                          "0002:c903:000e:8acc")
        self.assertIn(b"my-serial", self.check_srp("inq", srpd.url()))
        self.assertIn(b"0x0002c903000e8acc0002c903000e8acc", self.check_srp("inq", srpd.url()))


if __name__ == "__main__":
    support.main()
