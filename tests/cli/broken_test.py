"""What status, sessions and doctor say of objects that are not whole, of hosts that cannot log in,
and of files and devices that are not as they should be."""

import fcntl
import json
import os
import pathlib
import subprocess

import support
from broken_support import ACL, HOST, TARGET, BrokenTest, needs_root
from iwarp_peer import Peer, login_req, mpa_request

STRANGER = bytes.fromhex("0000000000000000" "0000000000000bad")


class Objects(BrokenTest):
    def setUp(self):
        super().setUp()
        self.serve()

    def test_nothing(self):
        self.check_golden("nothing")

    def test_never_saved(self):
        self.srpctl("create", "/backstores/ramdisk", "ram0", "16M")
        self.make_target("/backstores/ramdisk/ram0")
        self.check_golden("never_saved")

    def test_saved_is_something_else(self):
        self.make_ramdisk()
        self.srpctl("create", "/backstores/ramdisk", "ram1", "16M")
        self.srpctl("create", f"{TARGET}/luns", "/backstores/ramdisk/ram1")
        self.check_golden("saved_is_something_else")

    def test_saved_is_damaged(self):
        self.make_ramdisk()
        self.saved.write_text(self.saved.read_text()[:-20])
        self.check_golden("saved_is_damaged")

    def test_not_restored(self):
        self.make_ramdisk()
        saved = json.loads(self.saved.read_text())
        saved["storage_objects"].append({"name": "pool", "plugin": "rbd", "wwn": "of-pool"})
        saved["storage_objects"][0]["attributes"]["emulate_tas"] = 7
        saved["targets"].append({"fabric": "iscsi", "wwn": "iqn.2003-01.org.example:a"})
        self.saved.write_text(json.dumps(saved, indent=2))
        before = self.saved.read_text()
        self.restart()
        self.check_golden("not_restored")
        refused = self.srpctl("save", code=1)
        self.assertIn("it would be missing in what is saved", refused)
        self.assertIn("(incomplete)", refused)
        self.assertEqual(self.saved.read_text(), before)
        self.srpctl("save", "--incomplete")
        self.assertNotIn("rbd", self.saved.read_text())
        self.srpctl("save")

    def test_target_without_luns(self):
        self.make_target()
        self.srpctl("save")
        self.check_golden("target_without_luns")

    def test_target_without_acls(self):
        self.make_ramdisk()
        self.srpctl("delete", f"{TARGET}/acls/{ACL}")
        self.srpctl("save")
        self.check_golden("target_without_acls")

    def test_target_disabled(self):
        self.make_ramdisk()
        self.srpctl("set", TARGET, "enable=0")
        self.srpctl("save")
        self.check_golden("target_disabled")

    def test_target_drained(self):
        self.make_ramdisk()
        self.srpctl("drain")
        self.check_golden("target_drained")

    def test_acl_without_luns(self):
        self.make_ramdisk()
        self.srpctl("delete", f"{TARGET}/acls/{ACL}/mapped_lun0")
        self.srpctl("save")
        self.check_golden("acl_without_luns", ACL, 0)

    def test_lun_without_backstore(self):
        self.make_ramdisk()
        port = "0x" + TARGET.rpartition(".")[2]
        tpg = self.tree("srpt", port, "tpgt_1")
        (tpg / "lun" / "lun_9").mkdir()
        (tpg / "acls" / ("0x" + HOST) / "lun_9").mkdir()
        self.check_golden("lun_without_backstore")

    def test_backstore_not_enabled(self):
        self.make_ramdisk()
        for hba, device, control in [("fileio_7", "none", f"fd_dev_name={self.directory}/none"),
                                     ("fileio_8", "dir", f"fd_dev_name={self.directory}"),
                                     ("rd_mcp_9", "ram", "rd_pages=1")]:
            place = self.tree("core", hba, device)
            place.mkdir(parents=True)
            (place / "control").write_text(control)
        self.check_golden("backstore_not_enabled")


class Hosts(BrokenTest):
    def setUp(self):
        super().setUp()
        self.serve()
        self.make_ramdisk()

    def refuse(self, **fields):
        with Peer(self.srpd.port) as peer:
            peer.raw(mpa_request(login_req(**fields)))
            peer.wait_closed()

    def test_stranger(self):
        self.refuse(initiator=STRANGER)
        self.check_golden("stranger")

    def test_host_that_nobody_knows(self):
        self.check_golden("host_that_nobody_knows", "192.0.2.99")

    def test_host_that_never_came(self):
        self.check_golden("host_that_never_came", ACL)

    def test_request_too_long(self):
        self.refuse(initiator=bytes.fromhex(HOST), iu=1 << 20)
        self.check_golden("request_too_long", ACL)

    def test_wrong_target(self):
        self.srpctl("create", "/srpt", "ib.fe80000000000000000000fffe000002")
        self.srpctl("save")
        self.refuse(initiator=bytes.fromhex(HOST), target=bytes.fromhex("00" * 15 + "77"))
        self.check_golden("wrong_target", ACL)

    def test_unknown_data_formats(self):
        self.refuse(initiator=bytes.fromhex(HOST), formats=0x80)
        self.check_golden("unknown_data_formats", ACL)

    def test_lun_not_mapped(self):
        with Peer(self.srpd.port) as peer:
            peer.log_in(initiator=bytes.fromhex(HOST))
            peer.settle()
            self.check_golden("lun_not_mapped", ACL, 5)

    def test_lun_write_protected(self):
        self.srpctl("set", f"{TARGET}/acls/{ACL}/mapped_lun0", "write_protect=1")
        self.srpctl("save")
        with Peer(self.srpd.port) as peer:
            peer.log_in(initiator=bytes.fromhex(HOST))
            peer.settle()
            self.check_golden("lun_write_protected", ACL, 0)


class Files(BrokenTest):
    def setUp(self):
        super().setUp()
        self.serve()
        self.disk = self.make_file_disk()

    def stop(self):
        self.assertEqual(self.srpd.stop(), 0)

    def test_missing(self):
        self.stop()
        self.disk.unlink()
        self.serve()
        self.check_golden("file_missing")

    def test_too_short(self):
        self.stop()
        os.truncate(self.disk, 8 << 20)
        self.serve()
        self.check_golden("file_too_short")

    def test_is_a_directory(self):
        self.stop()
        self.disk.unlink()
        self.disk.mkdir()
        self.serve()
        self.check_golden("file_is_a_directory")

    def test_forbidden(self):
        needs_root(self)
        self.stop()
        self.disk.chmod(0o600)
        self.directory.chmod(0o755)
        for path in [self.state, *self.state.rglob("*")]:
            os.chown(path, 65534, 65534)
        place = self.directory / "run"
        place.mkdir(mode=0o755)
        os.chown(place, 65534, 65534)
        self.socket = place / "srpd.sock"
        as_nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
        tried = subprocess.run([*as_nobody, str(support.BIN.resolve() / "srpd"), "--version"],
                               capture_output=True)
        if tried.returncode != 0:
            self.skipTest("another user cannot run this build")
        self.serve(before=as_nobody)
        self.check_golden("file_forbidden")

    def test_served_by_another(self):
        self.stop()
        with open(self.disk, "rb") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            self.serve()
            self.check_golden("file_served_by_another")

    def test_removed_while_served(self):
        self.disk.unlink()
        self.check_golden("file_removed_while_served")

    def test_cut_while_served(self):
        os.truncate(self.disk, 8 << 20)
        self.check_golden("file_cut_while_served")


class Devices(BrokenTest):
    def setUp(self):
        super().setUp()
        self.serve()

    def test_missing(self):
        link = self.directory / "device"
        self.attach(link)
        self.srpctl("create", "/backstores/block", "disk", link)
        self.make_target("/backstores/block/disk")
        self.srpctl("save")
        self.assertEqual(self.srpd.stop(), 0)
        link.unlink()
        self.serve()
        self.check_golden("device_missing")

    def test_busy(self):
        link = self.directory / "device"
        device = self.attach(link)
        self.srpctl("create", "/backstores/block", "disk", link)
        self.make_target("/backstores/block/disk")
        self.srpctl("save")
        self.assertEqual(self.srpd.stop(), 0)
        held = os.open(device, os.O_RDWR | os.O_EXCL)
        try:
            self.serve()
            self.check_golden("device_busy")
        finally:
            os.close(held)

    def attach(self, link):
        """A block device, with a name that stays."""
        needs_root(self)
        path = self.make_file("blocks", 16 << 20)
        made = subprocess.run(["losetup", "--find", "--show", path], capture_output=True, text=True)
        if made.returncode != 0:
            self.skipTest(f"no loop device here: {made.stderr.strip()}")
        device = made.stdout.strip()
        self.addCleanup(subprocess.run, ["losetup", "--detach", device], check=False)
        pathlib.Path(link).symlink_to(device)
        return device


if __name__ == "__main__":
    support.main()
