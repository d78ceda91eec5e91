"""A file with protection information: what is changed behind srpd's back is an error that names the
block, and nothing else is; also after a restart, and after srpd was killed while it wrote."""

import os
import subprocess
import time

import support
from support import BIN, srp

HOST = "0000000000000000" "0000000000000a01"
ACL = "ib." + HOST
WWN = "ib.fe80000000000000000000fffe000001"
TARGET = f"/srpt/{WWN}"
DISK = "/backstores/fileio/disk"
AS_HOST = ("--initiator-id", HOST)
BLOCK = 512
MIB = 1 << 20


class Protection(support.ProgramTest):
    def setUp(self):
        super().setUp()
        self.socket = self.directory / "srpd.sock"
        self.image = self.directory / "disk.img"
        self.side = self.directory / "disk.img.protection"
        self.srpd = self.serve()
        self.srpctl("create", "/backstores/fileio", "disk", self.image, "16M")
        self.srpctl("set", DISK, "pi_prot_type=1")
        self.srpctl("create", "/srpt", WWN)
        self.srpctl("create", f"{TARGET}/acls", ACL)
        self.srpctl("create", f"{TARGET}/luns", DISK)
        self.srpctl("save")

    def serve(self):
        return self.start(f"--tree={self.directory}/tree", "--state", str(self.directory / "state"),
                          "--control", str(self.socket), "--no-announce")

    def srpctl(self, *words, code=0):
        done = subprocess.run([str(BIN / "srpctl"), "--socket", str(self.socket), *map(str, words)],
                              capture_output=True, text=True, timeout=60, check=False,
                              env={**os.environ, "PATH": "/usr/bin:/bin"})
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def write(self, offset, data):
        self.check_srp(*AS_HOST, "write", self.srpd.url(0), "--offset", offset, "-q", data=data)

    def read(self, offset, count):
        return self.check_srp(*AS_HOST, "read", self.srpd.url(0), "--offset", offset, "--count",
                              count, "-q")

    def expect_error(self, lba, words):
        failed = srp(*AS_HOST, "read", self.srpd.url(0), "--offset", lba * BLOCK, "--count", BLOCK,
                     "-q")
        said = failed.stderr.decode()
        self.assertEqual(failed.returncode, 1, said)
        self.assertIn(words, said)
        self.assertRegex(said, rf"\b{lba}\b")
        self.assertEqual(failed.stdout, b"")

    def change(self, path, offset, data):
        with open(path, "r+b") as file:
            file.seek(offset)
            file.write(data)

    def test_what_is_changed_behind_its_back_is_found(self):
        data = os.urandom(MIB)
        self.write(0, data)
        self.change(self.image, 700 * BLOCK + 3, b"damaged")
        self.change(self.side, 900 * 8 + 4, bytes(4))
        for _ in range(2):
            self.expect_error(700, "GUARD CHECK FAILED")
            self.expect_error(900, "REFERENCE TAG CHECK FAILED")
            self.assertEqual(self.read(0, 700 * BLOCK), data[:700 * BLOCK])
            self.assertEqual(self.read(701 * BLOCK, 199 * BLOCK), data[701 * BLOCK:900 * BLOCK])
            self.assertEqual(self.read(901 * BLOCK, MIB - 901 * BLOCK), data[901 * BLOCK:])
            self.assertEqual(self.srpd.stop(), 0)
            self.srpd = self.serve()
        self.write(700 * BLOCK, data[700 * BLOCK:701 * BLOCK])
        self.write(900 * BLOCK, data[900 * BLOCK:901 * BLOCK])
        self.assertEqual(self.read(0, MIB), data)
        self.assertIn("shows", self.srpctl("set", DISK, "pi_prot_type=0", code=1))

    def test_a_larger_disk_has_more_of_it(self):
        self.assertEqual(self.side.stat().st_size, 16 * MIB // BLOCK * 8)
        self.srpctl("resize", DISK, "32M")
        self.assertEqual(self.side.stat().st_size, 32 * MIB // BLOCK * 8)
        data = os.urandom(MIB)
        self.write(31 * MIB, data)
        self.assertEqual(self.read(30 * MIB, 2 * MIB), bytes(MIB) + data)
        self.change(self.image, 32 * MIB - 1, b"\x55" if data[-1] != 0x55 else b"\xaa")
        self.expect_error(32 * MIB // BLOCK - 1, "GUARD CHECK FAILED")

    def restart(self):
        self.assertEqual(self.srpd.stop(), 0)
        self.srpd = self.serve()

    def expect_served(self, served):
        """Waits for it: what is missing is looked for once a second."""
        for _ in range(100):
            if ("waited for" not in self.srpctl("status")) == served:
                break
            time.sleep(0.1)
        status = self.srpctl("status")
        self.assertEqual("waited for" not in status, served, status)

    def test_without_it_the_disk_is_not_served(self):
        data = os.urandom(MIB)
        self.write(0, data)
        whole = self.side.read_bytes()
        for broken in (None, whole[:4096], b""):
            self.assertEqual(self.srpd.stop(), 0)
            if broken is None:
                self.side.unlink()
            else:
                self.side.write_bytes(broken)
            self.srpd = self.serve()
            self.expect_served(False)
            said = self.srpctl("doctor", code=1)
            self.assertRegex(said, rf"problem {DISK}: it is waited for: .*{self.side}: .*"
                                   r"; bring it back.*; or give it up: with pi_prot_format=1")
            self.assertNotEqual(srp(*AS_HOST, "read", self.srpd.url(0), "--count", BLOCK,
                                    "-q").returncode, 0)
            self.assertIn('"pi_prot_type": 1', self.saved())
            self.srpctl("save")
            self.assertIn('"pi_prot_type": 1', self.saved())
            self.side.write_bytes(whole)
            self.expect_served(True)
            self.assertEqual(self.read(0, MIB), data)
        self.change(self.image, 700 * BLOCK, b"damaged")
        self.expect_error(700, "GUARD CHECK FAILED")

    def test_it_can_be_given_up(self):
        data = os.urandom(MIB)
        self.write(0, data)
        self.assertEqual(self.srpd.stop(), 0)
        self.side.unlink()
        self.srpd = self.serve()
        self.expect_served(False)
        self.srpctl("set", DISK, "pi_prot_format=1")
        self.expect_served(True)
        self.change(self.image, 700 * BLOCK, data[701 * BLOCK:702 * BLOCK])
        self.assertEqual(self.read(700 * BLOCK, BLOCK), data[701 * BLOCK:702 * BLOCK])
        self.write(700 * BLOCK, data[700 * BLOCK:701 * BLOCK])
        self.change(self.image, 700 * BLOCK, data[701 * BLOCK:702 * BLOCK])
        self.expect_error(700, "GUARD CHECK FAILED")
        self.restart()
        self.expect_served(True)

    def saved(self):
        return (self.directory / "state" / "target" / "saveconfig.json").read_text()

    def test_killed_while_it_writes_it_leaves_no_unreadable_block(self):
        for _ in range(5):
            writer = subprocess.Popen(
                [str(BIN / "srp"), *AS_HOST, "write", self.srpd.url(0), "-q", "--chunk", "16k"],
                stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
            self.addCleanup(writer.kill)
            writer.stdin.write(os.urandom(4 * MIB))
            writer.stdin.flush()
            time.sleep(0.05)
            self.srpd.stop(9)
            self.srpd = self.serve()
            writer.kill()
            writer.wait()
            writer.stdin.close()
            self.assertEqual(len(self.read(0, 16 * MIB)), 16 * MIB)


if __name__ == "__main__":
    support.main()
