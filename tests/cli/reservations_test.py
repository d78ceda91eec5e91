"""Persistent reservations as hosts see them over kill -9: what was answered with GOOD is there
again where the host has asked for that, and only there."""

import os
import signal
import subprocess

import support
from support import BIN

ALICE, BOB = 32 * "a", 32 * "b"
REGISTER, RESERVE, RELEASE, CLEAR, PREEMPT, IGNORE = 0, 1, 2, 3, 4, 6
APTPL = 1
WWN = "ib.fe80000000000000000000fffe000001"


class Reservations(support.ProgramTest):
    def setUp(self):
        super().setUp()
        self.state = self.directory / "state"

    def raw(self, who, cdb, *options, data=b"", code=0):
        command = [str(BIN / "srp"), "--initiator-id", who, "raw", self.srpd.url(), cdb, *options]
        if data:
            command += ["--out", "-"]
        done = subprocess.run(command, input=data, capture_output=True, timeout=60, check=False)
        self.assertEqual(done.returncode != 0, code != 0, done.stdout + done.stderr)
        return done.stdout if code == 0 else done.stderr.decode()

    def out(self, who, action, kind=0, key=0, new=0, flags=0, code=0):
        data = key.to_bytes(8, "big") + new.to_bytes(8, "big") + bytes((0, 0, 0, 0, flags, 0, 0, 0))
        return self.raw(who, f"5f{action:02x}{kind:02x}00000000001800", data=data, code=code)

    def keys(self, who):
        data = self.raw(who, "5e000000000000040000", "--in-length", "1024", "--in", "-")
        count = int.from_bytes(data[4:8], "big") // 8
        return [int.from_bytes(data[8 + 8 * i:16 + 8 * i], "big") for i in range(count)]

    def write(self, who, code=0):
        return self.raw(who, "2a000000000000000100", data=bytes(512), code=code)

    def kill_and_restart(self):
        self.srpd.process.send_signal(signal.SIGKILL)
        self.srpd.process.wait(timeout=30)
        self.serve()

    def prove(self):
        """Alice reserves for good, and Bob without that."""
        self.out(BOB, REGISTER, new=0xb)
        self.out(ALICE, REGISTER, new=0xa)
        self.assertEqual(self.keys(ALICE), [0xb, 0xa])
        self.kill_and_restart()
        self.assertEqual(self.keys(ALICE), [], "nobody has asked for more")
        self.out(ALICE, REGISTER, new=0xa, flags=APTPL)
        self.out(ALICE, RESERVE, kind=1, key=0xa)
        self.write(ALICE)
        self.assertIn("RESERVATION CONFLICT", self.write(BOB, code=1))
        self.kill_and_restart()
        self.assertIn("RESERVATION CONFLICT", self.write(BOB, code=1))
        self.write(ALICE)
        self.assertEqual(self.keys(BOB), [0xa])
        self.out(BOB, REGISTER, new=0xb, flags=APTPL)
        self.out(BOB, PREEMPT, kind=3, key=0xb, new=0xa)
        self.kill_and_restart()
        self.assertEqual(self.keys(BOB), [0xb])
        self.assertIn("RESERVATION CONFLICT", self.write(ALICE, code=1))
        self.out(BOB, CLEAR, key=0xb)
        self.kill_and_restart()
        self.assertEqual(self.keys(BOB), [])
        self.write(ALICE)


class OfFlags(Reservations):
    def serve(self):
        self.srpd = self.start("--ramdisk", "16M", "--open", "--state", str(self.state),
                               "--no-announce")

    def test_survive(self):
        self.serve()
        self.prove()

    def test_a_file_that_is_damaged_is_named(self):
        self.serve()
        self.out(ALICE, REGISTER, new=0xa, flags=APTPL)
        [file] = (self.state / "target/pr").iterdir()
        self.assertTrue(file.name.startswith("aptpl_"))
        file.write_bytes(file.read_bytes()[:50])
        self.kill_and_restart()
        self.srpd.wait_for(str(file))
        self.assertEqual(self.keys(ALICE), [])

    def test_nothing_has_changed_where_it_cannot_be_written(self):
        self.serve()
        (self.state / "target").mkdir(parents=True)
        (self.state / "target/pr").write_text("in the way\n")
        self.assertIn("NOT READY (08/00)",
                      self.out(ALICE, REGISTER, new=0xa, flags=APTPL, code=1))
        self.assertEqual(self.keys(ALICE), [])
        (self.state / "target/pr").unlink()
        self.out(ALICE, REGISTER, new=0xa, flags=APTPL)
        self.assertEqual(self.keys(ALICE), [0xa])


class OfTree(Reservations):
    def srpctl(self, *words, code=0):
        done = subprocess.run([str(BIN / "srpctl"), "--socket", str(self.directory / "srpd.sock"),
                               *map(str, words)], capture_output=True, text=True, timeout=60,
                              check=False, env={**os.environ, "PATH": "/usr/bin:/bin"})
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout

    def serve(self):
        self.srpd = self.start(f"--tree={self.directory}/tree", "--state", str(self.state),
                               "--control", str(self.directory / "srpd.sock"), "--no-announce")

    def make_disk(self):
        self.srpctl("create", "/backstores/ramdisk", "ram0", "16M")
        self.srpctl("create", "/srpt", WWN)
        for who in (ALICE, BOB):
            self.srpctl("create", f"/srpt/{WWN}/acls", f"ib.{who}")
        self.srpctl("create", f"/srpt/{WWN}/luns", "/backstores/ramdisk/ram0")

    def test_survive(self):
        self.serve()
        self.make_disk()
        self.srpctl("save")
        self.prove()

    def test_administrators_see_who_keeps_whom_out(self):
        self.serve()
        self.make_disk()
        self.assertNotIn("reserved", self.srpctl("info", "/backstores/ramdisk/ram0"))
        self.out(ALICE, REGISTER, new=0xa)
        self.out(ALICE, RESERVE, kind=1, key=0xa)
        info = self.srpctl("info", "/backstores/ramdisk/ram0")
        for part in (f"reserved by:   0x{ALICE}", "reservation:   Write Exclusive Access\n",
                     f"registered:    0x{ALICE} (0x000000000000000a)"):
            self.assertIn(part, info)
        said = self.srpctl("doctor", BOB, code=1)
        self.assertIn(f"/backstores/ramdisk/ram0 is reserved by 0x{ALICE} (Write Exclusive "
                      "Access): commands of this host get RESERVATION CONFLICT", said)
        said = self.srpctl("doctor", ALICE, code=1)
        self.assertIn("which lets this host in", said)
        self.assertNotIn("RESERVATION CONFLICT", said)


if __name__ == "__main__":
    support.main()
