"""srpctl's commands, on a tree whose engine only takes notes."""

import json
import pathlib
import subprocess

import support
from srpctl_support import ACL, HOST, TARGET, WWN, SrpctlTest
from support import BIN


SCST = """\
HANDLER vdisk_fileio {
  DEVICE disk1 {
    filename DISK
    usn 0123456789abcdef
  }
}
TARGET_DRIVER ib_srpt {
  TARGET 0002c903000e8acc0002c903000e8acd {
    enabled 1
    GROUP hosts {
      LUN 0 disk1
      INITIATOR 0x00000000000000000002c90300a0b0c1
    }
  }
}
"""


class Objects(SrpctlTest):
    def test_what_targetcli_makes_is_made_and_drawn(self):
        self.make_all()
        self.assertEqual(self.srpctl("ls"), f"""\
o- / ..................................................................... [...]
  o- backstores .......................................................... [...]
  | o- block .............................................. [Storage Objects: 0]
  | o- fileio ............................................. [Storage Objects: 1]
  | | o- file0 ................. [/tmp/file0.img (16.0MiB) write-back activated]
  | |   o- alua ............................................... [ALUA Groups: 1]
  | |     o- default_tg_pt_gp ................... [ALUA state: Active/optimized]
  | o- pscsi .............................................. [Storage Objects: 0]
  | o- ramdisk ............................................ [Storage Objects: 1]
  | | o- ram0 ............................................ [(16.0MiB) activated]
  | |   o- alua ............................................... [ALUA Groups: 1]
  | |     o- default_tg_pt_gp ................... [ALUA state: Active/optimized]
  | o- user ............................................... [Storage Objects: 0]
  o- srpt ......................................................... [Targets: 1]
    o- {WWN} ........................... [enabled]
      o- acls ........................................................ [ACLs: 1]
      | o- {ACL} ................ [Mapped LUNs: 2]
      |   o- mapped_lun0 .............................. [lun0 ramdisk/ram0 (rw)]
      |   o- mapped_lun7 .............................. [lun7 fileio/file0 (rw)]
      o- luns ........................................................ [LUNs: 2]
        o- lun0 .............................. [ramdisk/ram0 (default_tg_pt_gp)]
        o- lun7 .............................. [fileio/file0 (default_tg_pt_gp)]
""")
        self.assertEqual(len(self.srpctl("ls", "/srpt", "1").splitlines()), 2)
        self.assertEqual(self.json("ls", TARGET, 0)["summary"], "enabled")

    def test_path_before_the_command_as_in_targetcli(self):
        self.srpctl("/backstores/ramdisk", "create", "ram0", "1M")
        self.assertIn("ram0", self.srpctl("/backstores/ramdisk", "ls"))
        self.assertIn("Deleted", self.srpctl("/backstores/ramdisk", "delete", "ram0"))
        self.assertEqual(self.json("ls", "/backstores/ramdisk").get("children"), None)

    def test_targets_and_hosts_have_the_names_of_the_tree_too(self):
        self.make_all()
        target, host = WWN.replace("ib.", "0x"), ACL.replace("ib.", "0x")
        self.assertEqual(self.srpctl("ls", f"/srpt/{target}"), self.srpctl("ls", TARGET))
        self.srpctl("delete", f"/srpt/{target}/acls/{host}/mapped_lun0")
        self.assertIn("Mapped LUNs: 1", self.srpctl("ls", f"{TARGET}/acls/{ACL}"))
        self.srpctl("delete", f"/srpt/{target}/acls/{host}")
        self.srpctl("delete", f"/srpt/{target}")
        self.assertIn("Targets: 0", self.srpctl("ls", "/srpt"))

    def test_mapping_can_be_left_to_the_administrator(self):
        self.make_all()
        self.srpctl("create", f"{TARGET}/acls", "10.0.0.1", "add_mapped_luns=false")
        acl = f"{TARGET}/acls/10.0.0.1"
        self.assertIn("Mapped LUNs: 0", self.srpctl("ls", acl))
        self.srpctl("create", acl, "3", "7", "write_protect=1")
        self.assertIn("mapped_lun3", self.srpctl("ls", acl))
        self.assertIn("(ro)", self.srpctl("ls", acl))
        self.srpctl("set", f"{acl}/mapped_lun3", "write_protect=0")
        self.assertIn("(rw)", self.srpctl("ls", acl))

    def test_a_second_target_port_group_of_units(self):
        self.make_all()
        self.srpctl("create", "/backstores/ramdisk/ram0/alua", "gp1", "16")
        self.assertIn("gp1", self.srpctl("ls", "/backstores/ramdisk/ram0"))
        self.srpctl("set", "/backstores/ramdisk/ram0/alua/gp1", "alua_access_state=1")
        self.assertIn("Active/non-optimized", self.srpctl("ls", "/backstores/ramdisk/ram0"))

    def test_delete_takes_what_refers_to_it(self):
        self.make_all()
        out = self.srpctl("delete", "/backstores/ramdisk/ram0", code=1)
        self.assertIn(f"hosts see it as {TARGET}/luns/lun0", out)
        self.assertIn("--force", out)
        self.srpctl("delete", f"{TARGET}/luns/lun7")
        self.assertIn("Mapped LUNs: 1", self.srpctl("ls", TARGET))
        self.srpctl("delete", "/backstores/ramdisk/ram0", "--force")
        self.assertIn("LUNs: 0", self.srpctl("ls", TARGET))
        self.srpctl("delete", TARGET)
        self.srpctl("delete", "/backstores/fileio/file0")
        self.assertIn("Targets: 0", self.srpctl("ls"))

    def test_attributes(self):
        self.make_all()
        self.assertIn("emulate_tas=1\n", self.srpctl("get", "/backstores/ramdisk/ram0"))
        self.assertEqual(self.srpctl("get", TARGET, "attribute", "srp_sq_size"),
                         "srp_sq_size=4096\n")
        self.srpctl("set", TARGET, "attribute", "srp_sq_size=128", "use_srq=1")
        self.assertEqual(self.json("get", TARGET, "srp_sq_size", "use_srq"),
                         {"srp_sq_size": "128", "use_srq": "1"})
        self.srpctl("set", TARGET, "enable=0")
        self.assertIn("[disabled]", self.srpctl("ls", TARGET, 0))
        self.assertIn("path:", self.srpctl("info", TARGET))
        self.assertEqual(self.json("info", f"{TARGET}/luns/lun7")["object"],
                         "/backstores/fileio/file0")

    def test_resize(self):
        self.make_all()
        self.assertEqual(self.srpctl("resize", "/backstores/fileio/file0", "64M"), """\
/backstores/fileio/file0 has 64.0MiB now, instead of 16.0MiB.
It is not in the saved configuration: 'srpctl save'.
""")
        self.assertIn("(64.0MiB)", self.srpctl("ls", "/backstores/fileio"))
        self.srpctl("save")
        self.assertEqual(self.srpctl("/backstores/ramdisk/ram0", "resize", "32M"),
                         "/backstores/ramdisk/ram0 has 32.0MiB now, instead of 16.0MiB.\n")
        self.assertEqual(self.srpctl("diff"), "nothing is different\n")
        out = self.json("resize", f"{TARGET}/luns/lun0", "48M")
        self.assertEqual((out["size"], out["saved"]), (48 << 20, True))
        out = self.srpctl(text_in=f"cd {TARGET}/acls/{ACL}/mapped_lun7\nresize\n")
        self.assertIn("/backstores/fileio/file0 has 32.0MiB now", out)
        for words, part in [([TARGET, "1G"], "it is no backstore"), (["1G"], "it is no backstore"),
                            (["/backstores/ramdisk/no", "1G"], "no such object"),
                            (["/backstores/ramdisk/ram0", "big"], "big"),
                            (["/backstores/ramdisk/ram0", "1G", "2G"], "too many values"),
                            (["/backstores/ramdisk/ram0", "9T"], "less than 8 TiB")]:
            with self.subTest(words):
                self.assertIn(part, self.srpctl("resize", *words, code=1))

    def test_errors_name_object_cause_and_remedy(self):
        self.make_all()
        for words, parts in [
            (["ls", "/srpt/x"], ["/srpt/x", "no such object", "srpctl ls /srpt"]),
            (["create", "/backstores/ramdisk", "ram0", "1M"], ["ram0", "there already"]),
            (["create", "/backstores/ramdisk", "r1"], ["size is missing", "--help"]),
            (["create", "/backstores/ramdisk", "r1", "many"], ["many"]),
            (["create", "/backstores/ramdisk", "r1", "1M", "sise=2"], ["sise", "name, size"]),
            (["create", "/backstores/fileio", "f9", "/nonexistent/x", "1M"], ["fileio", "f9"]),
            (["create", "/srpt", "nonsense"], ["nonsense", "32 hex digits"]),
            (["create", f"{TARGET}/luns", "/backstores/ramdisk/none"], ["none"]),
            (["create", f"{TARGET}/acls", "not:a:name"], ["not:a:name", "port identifier"]),
            (["set", TARGET, "attribute", "srp_sq_size=1"], ["srp_sq_size", "4 to 65535"]),
            (["set", TARGET, "nothing=1"], ["no attribute 'nothing'", "srpctl get"]),
            (["delete", "/srpt"], ["cannot be deleted"]),
        ]:
            with self.subTest(words):
                out = self.srpctl(*words, code=1)
                for part in parts:
                    self.assertIn(part, out)
        self.assertNotIn("f9", self.srpctl("ls"), "what failed leaves nothing behind")

    def test_wrong_usage(self):
        self.srpctl("nothing", code=2)
        self.srpctl("ls", "--nothing", code=2)
        self.srpctl("set", TARGET, code=1)


class Configuration(SrpctlTest):
    def write(self, saved):
        path = self.directory / "wanted.json"
        path.write_text(json.dumps(saved))
        return path

    def test_save_diff_apply_rollback(self):
        self.make_all()
        self.assertIn("Saved", self.srpctl("save"))
        saved = json.loads((self.directory / "saveconfig.json").read_text())
        self.assertEqual(self.srpctl("diff"), "nothing is different\n")
        saved["storage_objects"].append({"plugin": "ramdisk", "name": "more", "size": 4096})
        path = self.write(saved)
        line = "+ /backstores/ramdisk/more\n"
        self.assertEqual(self.srpctl("apply", "--dry-run", path), line)
        self.assertEqual(self.srpctl("diff", path), line)
        self.assertEqual(self.srpctl("apply", path), line)
        self.assertEqual(self.srpctl("apply", path), "nothing is different\n")
        self.assertEqual(self.srpctl("diff"), "- /backstores/ramdisk/more\n")
        self.srpctl("save")
        self.assertEqual(len(self.json("history")), 2)
        self.assertIn("VERSION", self.srpctl("history"))
        self.assertEqual(self.srpctl("rollback"), "- /backstores/ramdisk/more\n")
        self.assertEqual(self.srpctl("apply", "--save", "-", text_in=json.dumps(saved)), line)
        self.assertEqual(self.srpctl("diff"), "nothing is different\n")

    def test_problems_are_told_and_the_rest_is_done(self):
        objects = [{"plugin": "ramdisk", "name": "good", "size": 4096},
                   {"plugin": "fileio", "name": "bad", "dev": "/nonexistent/x", "size": 4096}]
        out = self.srpctl("apply", self.write({"storage_objects": objects, "targets": []}), code=1)
        self.assertIn("bad", out.splitlines()[-1])
        self.assertIn("good", self.srpctl("ls"))
        self.assertIn("would be missing", self.srpctl("save", code=1))
        self.assertIn("Saved", self.srpctl("save", "--incomplete"))

    def scst(self, disk):
        """scst.conf that serves such a file."""
        path = self.directory / "scst.conf"
        path.write_text(SCST.replace("DISK", str(self.make_file(disk, 1 << 20))))
        return path

    def test_another_target_is_taken_over_in_one_command(self):
        self.srpctl("create", "/backstores/ramdisk", "mine", "1M")
        source = self.scst("one.img")
        out = self.srpctl("import", source, "--apply")
        self.assertIn("1 disk and 1 target served and saved.", out)
        listed = self.srpctl("ls")
        for part in ["mine", "disk1", "ib.0002c903000e8acc0002c903000e8acd", "mapped_lun0"]:
            self.assertIn(part, listed)
        self.assertEqual(self.srpctl("diff"), "nothing is different\n")
        self.assertIn("served and saved", self.srpctl("import", source, "--apply"))
        self.scst("other.img")
        out = self.srpctl("import", source, "--apply", code=1)
        self.assertIn("/backstores/fileio/disk1: something of that name is there already: dev", out)

    def test_another_target_is_taken_over_by_a_pipe(self):
        source = self.scst("one.img")
        self.srpctl("create", "/backstores/ramdisk", "mine", "1M")
        line = f"{BIN / 'srpctl'} import {source} | {BIN / 'srpctl'} --socket {self.socket} apply"
        done = subprocess.run(["sh", "-c", line], capture_output=True, text=True, timeout=60,
                              env=self.environment())
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("- /backstores/ramdisk/mine\n", done.stdout)
        self.assertIn("+ /backstores/fileio/disk1\n", done.stdout)
        out = self.srpctl(text_in="apply\nls /srpt 1\n")
        self.assertIn("no file is named", out)
        self.assertIn("Targets: 1", out)

    def test_what_is_no_configuration(self):
        for text, cause in [("", "empty"), ("[]", "no JSON object"), ("{}", "storage_objects"),
                            ('{"storage_objects": [', "ends too early")]:
            path = self.directory / "bad.json"
            path.write_text(text)
            self.assertIn(cause, self.srpctl("apply", path, code=1))
        self.assertIn("/nonexistent.json", self.srpctl("apply", "/nonexistent.json", code=1))


class Hosts(SrpctlTest):
    host = HOST

    def test_status(self):
        self.make_all()
        out = self.srpctl("status")
        self.assertRegex(out.replace("\n", "|"), rf"srpd 0.1.0, up \d+ s\|"
                         r"listening on 192.0.2.1:5555\|2 backstores, 2 sessions, 1 refused login\|"
                         rf"TARGET +LUNS  ACLS  SESSIONS  STATE\|{WWN}  2     1     2         "
                         r"enabled\|")
        self.assertEqual(self.json("status")["sessions"], 2)

    def test_sessions(self):
        out = self.srpctl("sessions")
        self.assertEqual(len(out.splitlines()), 3)
        self.assertIn(f"1   {HOST}  192.0.2.21:40001", out)
        self.assertIn("3.9MiB", out)
        self.assertRegex(out, r"\b3 +128 +2000 +33 +224 us +255 us ")
        found = self.json("sessions")
        self.assertEqual([each["commands"] for each in found], [1000, 2000])
        self.assertEqual([each["latency"]["count"] for each in found], [1000, 2000])
        self.assertEqual(found[1]["latency"]["buckets"], [[256, 2000]])

    def test_top(self):
        out = self.srpctl("top", "--count", "1", "--interval", "0.1")
        self.assertIn("COMMANDS/S", out)
        self.assertRegex(out, rf"{HOST}  2 +6 +0 .* - +-\n")
        found = self.json("top", "--count", 1, "--interval", "0.1")[0]
        self.assertEqual((found["channels"], found["queue_depth"], found["p99_us"]), (2, 6, 0))

    def test_metrics(self):
        self.assertEqual(self.srpctl("metrics"), "# no numbers\n")
        self.assertEqual(self.json("metrics"), {"text": "# no numbers\n"})

    def test_drain(self):
        self.make_all()
        self.assertEqual(self.srpctl("drain"), "1 target disabled\n")
        self.assertIn("drained", self.srpctl("status"))
        self.assertEqual(self.srpctl("drain", "--off", TARGET), "0 targets disabled\n")
        self.assertIn("enabled", self.srpctl("status"))

    def test_version(self):
        self.assertIn("srpd 0.1.0, protocol 1", self.srpctl("version"))

    def test_no_colour_without_a_terminal(self):
        self.make_all()
        for words in (["ls"], ["status"], ["sessions"], ["doctor"]):
            done = subprocess.run([str(BIN / "srpctl"), "--socket", str(self.socket), *words],
                                  capture_output=True, text=True, env=self.environment(),
                                  timeout=60, check=False)
            self.assertNotIn("\x1b", done.stdout)

    def test_without_a_daemon(self):
        self.end_server()
        for words in (["status"], ["ls"], ["doctor"], []):
            out = self.srpctl(*words, code=3)
            self.assertIn(str(self.socket), out)
            self.assertIn("start it", out)

    def test_many_objects_are_listed_quickly(self):
        objects = [{"plugin": "ramdisk", "name": f"d{i}", "size": 4096} for i in range(2000)]
        path = pathlib.Path(self.directory) / "many.json"
        path.write_text(json.dumps({"storage_objects": objects, "targets": []}))
        self.srpctl("apply", path)
        self.assertEqual(len(self.json("ls", "/backstores/ramdisk")["children"]), 2000)


if __name__ == "__main__":
    support.main()
