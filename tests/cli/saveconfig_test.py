"""srpd --config: what LIO saved is served, damaged files are explained."""

import json
import os

import support
from support import DATA, srp, srpd_fails

HOST = "00000000000000000002c90300a0b0c1"  # an ACL of the saved file


class Saveconfig(support.ProgramTest):
    def setUp(self):
        super().setUp()
        text = (DATA / "saveconfig_lio.json").read_text()
        # The devices of the machine it was saved on are not to be touched here.
        text = text.replace('"/dev/', '"/nonexistent/')
        self.text = text.replace('"/tmp/', f'"{self.directory}/')
        self.path = self.write("saveconfig.json", self.text)

    def write(self, name, text):
        path = self.directory / name
        path.write_text(text)
        return path

    def test_what_lio_saved_is_served(self):
        srpd = self.start("--config", str(self.path))
        for cause in ["type 'user'", "\"gp1\"",
                      "pt0 (/nonexistent/sda): there is no such SCSI device",
                      "blk1 (/nonexistent/nullb0): there is no such device"]:
            self.assertIn(cause, srpd.output)
        self.assertIn("929cc061-e082-4d98-810c-c90b421bd066", srpd.output)
        self.assertIn("target fe80000000000000000000fffe000001", srpd.output)
        as_host = ("--initiator-id", HOST)
        self.check_srp(*as_host, "write", srpd.url(0), "-q", data=os.urandom(65536))
        protected = srp(*as_host, "write", srpd.url(1), "-q", data=os.urandom(65536))
        self.assertEqual(protected.returncode, 1, protected.stderr)
        self.assertIn(b"27/00", protected.stderr.replace(b"0x", b""))
        inquiry = self.check_srp(*as_host, "inq", srpd.url(0))
        self.assertIn(b"RAMDISK-MCP", inquiry)
        self.assertIn(b"929cc061", inquiry)
        stranger = srp("--initiator-id", "ab" * 16, "luns", f"srp://127.0.0.1:{srpd.port}")
        self.assertEqual(stranger.returncode, 3, stranger.stderr)

    def test_check_creates_nothing(self):
        before = sorted(os.listdir(self.directory))
        status, output = srpd_fails("--config", str(self.path), "--check-config")
        self.assertEqual(status, 1, output)
        self.assertIn("4 disks on 1 target can be served, 5 problems", output)
        self.assertEqual(sorted(os.listdir(self.directory)), before)

    def test_check_of_a_sound_file(self):
        saved = json.loads(self.text)
        saved["storage_objects"] = [o for o in saved["storage_objects"]
                                    if o["plugin"] in ("ramdisk", "fileio")]
        for entry in saved["storage_objects"]:
            entry["alua_tpgs"] = []
        path = self.write("sound.json", json.dumps(saved))
        status, output = srpd_fails("--config", str(path), "--check-config")
        self.assertEqual(status, 0, output)

    def test_every_cut_is_explained(self):
        end = self.text.rindex("}")
        for length in range(0, end, max(1, end // 60)):
            path = self.write("cut.json", self.text[:length])
            status, output = srpd_fails("--config", str(path))
            self.assertEqual(status, 1, output)
            self.assertIn(str(path), output)
            self.assertIn("backup", output)

    def test_missing_backing_file_leaves_the_rest(self):
        saved = json.loads(self.text)
        for entry in saved["storage_objects"]:
            if entry["name"] == "file0":
                entry["dev"] = "/nonexistent/disk.img"
        path = self.write("missing.json", json.dumps(saved))
        srpd = self.start("--config", str(path))
        self.assertIn("/nonexistent/disk.img): the folder that it is to be made in does not exist",
                      srpd.output)
        self.assertIn("LUN 1: its storage object /backstores/fileio/file0 is not served",
                      srpd.output)
        self.check_srp("--initiator-id", HOST, "capacity", srpd.url(0))

    def test_nothing_usable(self):
        path = self.write("other.json", '{"storage_objects": [], "targets": []}')
        status, output = srpd_fails("--config", str(path))
        self.assertEqual(status, 1)
        self.assertIn("nothing of it can be served", output)

    def test_no_such_file(self):
        status, output = srpd_fails("--config", "/nonexistent.json")
        self.assertEqual(status, 1)
        self.assertIn("/etc/target/saveconfig.json", output)


if __name__ == "__main__":
    support.main()
