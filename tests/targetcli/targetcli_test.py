#!/usr/bin/env python3
"""Unmodified targetcli on the tree: the life of a configuration."""

import json
import os
import signal

import configuration
import support
from configuration import in_any_order

TARGET = "ib.fe80000000000000021234fffe567890"
INITIATOR = "ib.00000000000000000002c90300a1b2c3"
TPG = f"target/srpt/0x{TARGET[3:]}/tpgt_1"


class Targetcli(support.TreeTest):
    def read(self, path):
        return (self.tree / path).read_text()

    def create_all(self):
        return self.targetcli(
            "/backstores/ramdisk create name=rd0 size=16M",
            "/backstores/ramdisk create name=rd1 size=1M nullio=true",
            f"/backstores/fileio create name=f0 file_or_dev={self.directory}/f0 size=10M",
            f"/backstores/fileio create name=f1 file_or_dev={self.directory}/f1 size=1M "
            "write_back=false",
            "/backstores/user:null create name=u0 size=1M cfgstring=nothing",
            "/backstores/ramdisk/rd0/alua create gp1 1",
            f"/srpt create {TARGET}",
            f"/srpt/{TARGET}/luns create /backstores/ramdisk/rd0",
            f"/srpt/{TARGET}/luns create /backstores/fileio/f0",
            f"/srpt/{TARGET}/acls create {INITIATOR}",
            f"/srpt/{TARGET}/acls/{INITIATOR} create 5 1 1")

    def test_ls(self):
        out = self.targetcli("ls")
        for node in ("block", "fileio", "pscsi", "ramdisk", "user:null"):
            self.assertRegex(out, rf"o- {node} \.+ \[Storage Objects: 0\]")
        for fabric in ("iscsi", "loopback", "srpt", "vhost", "xen-pvscsi"):
            self.assertRegex(out, rf"o- {fabric} \.+ \[Targets: 0\]")

    def test_create(self):
        out = self.create_all()
        for line in ("Created ramdisk rd0 with size 16M.", "Created fileio f0 with size 10485760",
                     "Created user-backed storage object u0 size 1048576.",
                     "Created ALUA TPG gp1.", f"Created target {TARGET}.", "Created LUN 1.",
                     f"Created Node ACL for {INITIATOR}", "Created Mapped LUN 5."):
            self.assertIn(line + "\n", out)
        self.assertIn("Status: ACTIVATED", self.read("target/core/rd_mcp_0/rd0/info"))
        self.assertIn("nullio: 1", self.read("target/core/rd_mcp_1/rd1/info"))
        self.assertEqual(self.read(f"{TPG}/enable"), "1\n")
        mapped = self.tree / TPG / "acls" / f"0x{INITIATOR[3:]}" / "lun_5"
        self.assertEqual((mapped / "write_protect").read_text(), "1\n")
        out = self.targetcli("ls")
        for line in (r"rd0 \.+ \[\(16\.0MiB\) activated\]", r"rd1 \.+ \[nullio \(1\.0MiB\) deact",
                     r"f0 \.+ \[\S+/f0 \(10\.0MiB\) write-back activated\]",
                     r"f1 \.+ \[\S+/f1 \(1\.0MiB\) write-thru deactivated\]",
                     r"u0 \.+ \[nothing \(1\.0MiB\) deactivated\]",
                     r"gp1 \.+ \[ALUA state: Active/optimized\]",
                     r"mapped_lun5 \.+ \[lun1 fileio/f0 \(ro\)\]",
                     r"lun0 \.+ \[ramdisk/rd0 \(default_tg_pt_gp\)\]"):
            self.assertRegex(out, "o- " + line)

    def test_get_set_info(self):
        self.create_all()
        out = self.targetcli(
            f"/srpt/{TARGET} get attribute srp_max_rdma_size",
            f"/srpt/{TARGET} set attribute srp_max_rsp_size=512",
            "/backstores/fileio/f1 set attribute block_size=4096",
            "/backstores/fileio/f1 set attribute block_size=4095",
            "/backstores/ramdisk/rd0 set attribute emulate_tas=0",
            "/backstores/ramdisk/rd0/alua/gp1 set alua preferred=1",
            f"/srpt/{TARGET}/acls/{INITIATOR} info",
            "/backstores/ramdisk/rd0 info",
            "/srpt info",
            "sessions")
        for text in ("srp_max_rdma_size=65536", "Parameter srp_max_rsp_size is now '512'.",
                     "Parameter block_size is now '4096'.",
                     "Cannot set attribute block_size: [Errno 22]",
                     "Cannot set attribute emulate_tas: [Errno 22]",
                     f"wwns:\n{INITIATOR}", "size: 16777216", "Allowed WWN types: ib",
                     "(no open sessions)"):
            self.assertIn(text, out)
        self.assertEqual(self.read(f"{TPG}/attrib/srp_max_rsp_size"), "512\n")
        self.assertEqual(self.read("target/core/rd_mcp_0/rd0/alua/gp1/preferred"), "1\n")

    def test_save_clear_restore(self):
        self.create_all()
        self.targetcli("set global auto_save_on_exit=false", "saveconfig")
        first = json.loads(self.saved())
        self.assertEqual({(each["plugin"], each["name"]) for each in first["storage_objects"]},
                         {("ramdisk", "rd0"), ("ramdisk", "rd1"), ("fileio", "f0"),
                          ("fileio", "f1"), ("user", "u0")})
        self.assertEqual(first["targets"][0]["wwn"], TARGET)
        out = self.targetcli("clearconfig confirm=True", "ls")
        self.assertIn("All configuration cleared", out)
        self.assertEqual(len(os.listdir(self.tree / "target/core")), 1, "alua")
        self.assertNotIn(TARGET, out)
        out = self.targetcli("restoreconfig", "saveconfig")
        self.assertIn("Configuration restored", out)
        second = json.loads(self.saved())
        self.assertEqual(in_any_order(second), in_any_order(first))
        self.targetcli("clearconfig confirm=True", "restoreconfig", "saveconfig")
        third = json.loads(self.saved())
        self.assertEqual(third["targets"], first["targets"], "turned round twice")

    def test_everything_that_there_is(self):
        """The disks are those of the engine that serves nothing."""
        places = {"directory": str(self.directory), "port": TARGET[3:], "block": "/dev/ram0",
                  "user": "null"}
        if not os.path.exists(places["block"]):  # targetcli looks for itself
            del places["block"]
        said = self.targetcli("set global auto_save_on_exit=false",
                              *configuration.commands(places), "saveconfig")
        self.assertNotRegex(said.lower(), "error|cannot|failed|traceback")
        first = json.loads(self.saved())
        groups = {(each["name"], group["name"]): group for each in first["storage_objects"]
                  for group in each["alua_tpgs"]}
        self.assertEqual(groups["rd0", "gp1"]["nonop_delay_msecs"], 50)
        self.assertEqual(groups["rd0", "gp1"]["preferred"], 1)
        self.assertEqual(groups["rd0", "gp2"]["alua_support_offline"], 0)
        self.assertEqual(self.read("target/core/rd_mcp_0/rd0/alua/gp1/alua_access_state"), "1\n")
        tpg = first["targets"][0]["tpgs"][0]
        self.assertEqual(sorted(lun["alua_tg_pt_gp_name"] for lun in tpg["luns"])[-2:],
                         ["gp1", "gp1"])
        said = self.targetcli("clearconfig confirm=True", "restoreconfig", "saveconfig")
        self.assertNotRegex(said.lower(), "error|cannot|failed|traceback")
        found = list(configuration.differences(in_any_order(first),
                                               in_any_order(json.loads(self.saved()))))
        self.assertEqual(found, [])

    def test_restores_what_the_kernels_target_saved(self):
        config = json.loads((support.DATA / "saveconfig_lio.json").read_text())
        # Other plugins want devices that this machine may not have.
        kept = [each for each in config["storage_objects"]
                if each["plugin"] in ("ramdisk", "fileio", "user")]
        paths = {f"/backstores/{each['plugin']}/{each['name']}" for each in kept}
        for each in kept:
            if each["plugin"] == "fileio":
                each["dev"] = str(self.directory / each["name"])
        for tpg in (tpg for target in config["targets"] for tpg in target["tpgs"]):
            self.assertTrue(all(lun["storage_object"] in paths for lun in tpg["luns"]))
        config["storage_objects"] = kept
        file = self.directory / "lio.json"
        file.write_text(json.dumps(config))
        out = self.targetcli(f"restoreconfig {file}", "saveconfig")
        self.assertIn("Configuration restored from", out)
        self.assertEqual(in_any_order(json.loads(self.saved())), in_any_order(config))

    def test_delete(self):
        self.create_all()
        out = self.targetcli(
            f"/srpt/{TARGET}/acls/{INITIATOR} delete 5",
            f"/srpt/{TARGET}/luns delete 1",
            f"/srpt/{TARGET}/acls delete {INITIATOR}",
            f"/srpt delete {TARGET}",
            "/backstores/ramdisk/rd0/alua delete gp1",
            "/backstores/ramdisk delete rd0", "/backstores/ramdisk delete rd1",
            "/backstores/fileio delete f0", "/backstores/fileio delete f1",
            "/backstores/user:null delete u0")
        self.assertIn(f"Deleted Target {TARGET}.", out)
        self.assertIn("Deleted storage object u0.", out)
        self.assertEqual(os.listdir(self.tree / "target/core"), ["alua"])
        self.assertEqual([each for each in os.listdir(self.tree / "target/srpt")
                          if each.startswith("0x")], [])

    def test_goes_on_after_a_crash_of_the_daemon(self):
        self.create_all()
        self.targetcli("saveconfig")
        saved = json.loads(self.saved())
        self.end(self.server, signal.SIGKILL)
        self.serve()
        self.targetcli("restoreconfig", "saveconfig")
        self.assertEqual(in_any_order(json.loads(self.saved())), in_any_order(saved))


if __name__ == "__main__":
    support.main()
