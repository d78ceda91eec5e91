"""srpctl and srpd --tree: a disk is made, used, explained when it is not seen, saved and there
again."""

import json
import os
import subprocess

import support
from iwarp_peer import Peer, login_req, mpa_request
from support import BIN

HOST = "0000000000000000" "0000000000000a01"
ACL = "ib." + HOST
STRANGER = bytes.fromhex("0000000000000000" "0000000000000bad")
WWN = "ib.fe80000000000000000000fffe000001"
TARGET = f"/srpt/{WWN}"
LOOPBACK = ("problem srpd: it listens on loopback only: no other machine reaches it; start it "
            "with --listen ADDRESS\n")


class Manage(support.ProgramTest):
    def setUp(self):
        super().setUp()
        self.socket = self.directory / "srpd.sock"
        self.srpd = self.serve()

    def serve(self):
        srpd = self.start(f"--tree={self.directory}/tree", "--state", str(self.directory / "state"),
                          "--control", str(self.socket), "--no-announce")
        return srpd

    def srpctl(self, *words, code=0):
        done = subprocess.run([str(BIN / "srpctl"), "--socket", str(self.socket), *map(str, words)],
                              capture_output=True, text=True, timeout=60, check=False,
                              env={**os.environ, "PATH": "/usr/bin:/bin"})
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def make_disk(self):
        self.srpctl("create", "/backstores/ramdisk", "ram0", "16M")
        self.srpctl("create", "/srpt", WWN)
        self.srpctl("create", f"{TARGET}/acls", ACL)
        self.srpctl("create", f"{TARGET}/luns", "/backstores/ramdisk/ram0")

    def bytes_of(self, lun):
        return int(self.check_srp("--initiator-id", HOST, "capacity", "--bytes",
                                  self.srpd.url(lun)))

    def doctor(self, *words):
        """What is wrong besides that only this machine is served, as all tests are, and that what
        they make is not saved."""
        done = self.srpctl("doctor", *words, code=1)
        self.assertIn(LOOPBACK, done)
        unsaved = f"problem {self.directory}/state/target/saveconfig.json: "
        return "".join(line for line in done.splitlines(keepends=True)
                       if line != LOOPBACK and not line.startswith(unsaved))

    def refuse(self):
        with Peer(self.srpd.port) as peer:
            peer.raw(mpa_request(login_req(initiator=STRANGER)))
            peer.wait_closed()

    def test_a_disk_is_made_used_and_there_again(self):
        self.make_disk()
        data = os.urandom(65536)
        as_host = ("--initiator-id", HOST)
        self.check_srp(*as_host, "write", self.srpd.url(0), "-q", data=data)
        with Peer(self.srpd.port) as peer:
            peer.log_in(initiator=bytes.fromhex(HOST))
            sessions = json.loads(self.srpctl("sessions", "--json"))
            self.assertEqual(sessions[0]["peer"], peer.name)
            self.assertEqual(json.loads(self.srpctl("status", "--json"))["ports"][0]["sessions"], 1)
            self.assertIn("good    " + ACL + ": logged in, 1 channel", self.doctor(ACL))
        self.assertIn("Saved", self.srpctl("save"))
        self.assertEqual(self.srpd.stop(), 0)
        self.assertFalse(self.socket.exists())
        self.srpd = self.serve()
        self.assertEqual(self.srpctl("diff"), "nothing is different\n")
        self.check_srp(*as_host, "capacity", self.srpd.url(0))

    def test_a_disk_grows_under_a_host_and_stays_grown(self):
        disk = self.directory / "disk.img"
        backstore = "/backstores/fileio/disk"
        self.srpctl("create", "/backstores/fileio", "disk", disk, "16M")
        self.srpctl("create", "/srpt", WWN)
        self.srpctl("create", f"{TARGET}/acls", ACL)
        self.srpctl("create", f"{TARGET}/luns", backstore)
        self.srpctl("save")
        as_host = ("--initiator-id", HOST)
        data = os.urandom(65536)
        with Peer(self.srpd.port) as peer:
            peer.log_in(initiator=bytes.fromhex(HOST))
            peer.settle()
            self.assertEqual(self.srpctl("resize", backstore, "48M"),
                             f"{backstore} has 48.0MiB now, instead of 16.0MiB.\n")
            self.assertEqual(disk.stat().st_size, 48 << 20)
            self.assertEqual(peer.command(1, bytes(6))[1:], (2, (6, 0x2a, 0x09)))
            self.assertEqual(peer.command(2, bytes(6))[1:], (0, None))
            out = self.srpctl("resize", backstore, "32M", code=1)
            self.assertIn("would shrink from 48 MiB to 32 MiB: hosts lose", out)
            self.assertIn("--force", out)
            os.truncate(disk, 64 << 20)
            self.assertIn("has 64.0MiB now", self.srpctl("resize", backstore))
            self.assertEqual(peer.command(3, bytes(6))[1:], (2, (6, 0x2a, 0x09)))
            self.check_srp(*as_host, "write", self.srpd.url(0), "--offset", 63 << 20, "-q",
                           data=data)
        self.assertEqual(self.bytes_of(0), 67108864)
        self.assertEqual(self.srpd.stop(), 0)
        self.srpd = self.serve()
        self.assertEqual(self.bytes_of(0), 67108864)
        self.assertEqual(self.srpctl("diff"), "nothing is different\n")
        self.srpctl("resize", backstore, "32M", "--force")
        self.assertEqual(disk.stat().st_size, 64 << 20)
        self.assertEqual(self.bytes_of(0), 33554432)

    def test_doctor(self):
        self.assertEqual(self.doctor(),
                         "problem /srpt: there is no target; 'srpctl create /srpt' makes one\n")
        self.make_disk()
        self.assertEqual(self.doctor(), "")
        self.assertEqual(self.doctor(ACL, "5"), f"""\
problem {TARGET}/acls/{ACL}: LUN 5 is not mapped; srpctl create {TARGET}/acls/{ACL} 5 TPG_LUN
problem {ACL}: no login of it has arrived; check that it reaches an address that srpd listens on \
(ping, firewall), and what its kernel says (dmesg)
""")
        self.refuse()
        self.assertRegex(self.doctor(), r"^problem login of 0x0*bad at 127.0.0.1: refused 1 time, "
                         r"last \d+ s ago: no ACL names this initiator; make an ACL for it: .*\n$")

    def test_doctor_of_what_is_not_whole(self):
        self.make_disk()
        acl = f"{TARGET}/acls/{ACL}"
        self.srpctl("drain")
        self.assertEqual(self.doctor(), f"problem {TARGET}: it is drained: no host can log in; "
                         "srpctl drain --off\n")
        self.srpctl("drain", "--off")
        self.srpctl("set", TARGET, "enable=0")
        self.assertEqual(self.doctor(), f"problem {TARGET}: it is not enabled: no host can log in; "
                         f"srpctl set {TARGET} enable=1\n")
        self.srpctl("set", TARGET, "enable=1")
        self.srpctl("delete", f"{acl}/mapped_lun0")
        self.assertEqual(self.doctor(), f"problem {acl}: no LUN is mapped: this host sees no disk; "
                         f"srpctl create {acl} 0 0\n")
        self.srpctl("delete", acl)
        self.assertEqual(self.doctor(), f"problem {TARGET}: it has no ACL: nobody may log in; "
                         f"srpctl create {TARGET}/acls INITIATOR\n")
        self.srpctl("delete", f"{TARGET}/luns/lun0")
        self.assertIn(f"problem {TARGET}: it has no LUN; srpctl create {TARGET}/luns OBJECT\n",
                      self.doctor())

    def test_what_cannot_be_opened_is_explained(self):
        out = self.srpctl("create", "/backstores/block", "b0", "/nonexistent/disk", code=1)
        self.assertIn("/nonexistent/disk", out)
        out = self.srpctl("create", "/backstores/fileio", "f0", self.directory, "1M", code=1)
        self.assertIn(str(self.directory), out)
        self.assertNotIn("f0", self.srpctl("ls"))

    def test_a_second_srpd_leaves_the_socket_alone(self):
        other = self.serve()
        other.wait_for("another srpd serves it")
        self.assertEqual(other.stop(), 0)
        self.assertIn("srpd", self.srpctl("version"))


if __name__ == "__main__":
    support.main()
