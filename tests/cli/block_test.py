"""Block devices as disks: on loop devices, which need root."""

import os
import pathlib
import subprocess
import unittest

import support
from support import srp, srpd_fails

MIB = 1 << 20


def losetup(*arguments):
    return subprocess.run(["losetup", *map(str, arguments)], capture_output=True, text=True)


class Block(support.ProgramTest):
    def setUp(self):
        super().setUp()
        self.file = self.make_file("blocks", 64 * MIB)
        made = losetup("--find", "--show", self.file)
        if made.returncode != 0:
            raise unittest.SkipTest("needs loop devices and root: " + made.stderr.strip())
        self.device = pathlib.Path(made.stdout.strip())
        self.addCleanup(losetup, "--detach", self.device)

    def second_srpd(self):
        return srpd_fails("--block", str(self.device), "--open", "--listen", "127.0.0.1:0")

    def test_disk_of_a_device(self):
        data = os.urandom(4 * MIB)
        srpd = self.start("--block", str(self.device), "--open")
        self.assertIn(f"{self.device} 64 MiB (block device)", srpd.output)
        cache = pathlib.Path(f"/sys/block/{self.device.name}/queue/write_cache").read_text().strip()
        self.assertIn("write cache " + ("on" if cache == "write back" else "off"), srpd.output)
        self.assertIn(b"IBLOCK", self.check_srp("inq", srpd.url()))
        self.check_srp("write", srpd.url(), "-q", data=data)
        self.assertEqual(self.check_srp("read", srpd.url(), "-q", "--count", len(data)), data)
        srpd.stop()
        self.assertEqual(self.file.read_bytes()[:len(data)], data)

    def test_held_exclusively(self):
        srpd = self.start("--block", str(self.device), "--open")
        status, output = self.second_srpd()
        self.assertEqual(status, 1, output)
        self.assertIn("somebody else holds it exclusively", output)
        srpd.stop()
        self.start("--block", str(self.device), "--open")

    def test_mounted(self):
        place = self.directory / "mounted"
        place.mkdir()
        subprocess.run(["mkfs.ext4", "-q", str(self.device)], check=True)
        mounted = subprocess.run(["mount", str(self.device), str(place)], capture_output=True,
                                 text=True)
        if mounted.returncode != 0:
            raise unittest.SkipTest("cannot mount: " + mounted.stderr.strip())
        self.addCleanup(subprocess.run, ["umount", str(place)])
        status, output = self.second_srpd()
        self.assertEqual(status, 1, output)
        self.assertIn(f"mounted at {place}", output)
        self.assertIn("umount", output)

    def test_read_only(self):
        srpd = self.start("--block", f"{self.device},ro", "--open")
        refused = srp("write", srpd.url(), "-q", data=bytes(4096))
        self.assertEqual(refused.returncode, 1, refused.stderr)
        self.assertIn(b"27/00", refused.stderr.replace(b"0x", b""))


if __name__ == "__main__":
    support.main()
