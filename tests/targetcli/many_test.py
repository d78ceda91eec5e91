#!/usr/bin/env python3
"""`targetcli saveconfig` of 250 LUNs: LIO's tools walk through the tree once for each of them, so
that its time says what an operation on the mounted tree costs."""

import json
import os
import time

import served_test
import support

LUNS = 250
TRIES = 3
# A debug build with sanitizers is several times slower.
MOST_SECONDS = 40 if os.environ.get("SRPD_SANITIZE") else 8


class Many(served_test.ServedTree):
    def make(self):
        port = self.tree / served_test.PORT
        (self.tree / "target/srpt").mkdir()
        port.parent.mkdir()
        port.mkdir()
        acl = port / "acls" / served_test.HOST
        acl.mkdir()
        for number in range(LUNS):
            hba = self.tree / f"target/core/rd_mcp_{number}"
            device = hba / f"ram{number}"
            hba.mkdir()
            device.mkdir()
            (device / "control").write_text("rd_pages=1")
            (device / "enable").write_text("1")
            lun = port / f"lun/lun_{number}"
            lun.mkdir()
            (lun / "link").symlink_to(device)
            mapped = acl / f"lun_{number}"
            mapped.mkdir()
            (mapped / "link").symlink_to(lun)

    def test_saveconfig(self):
        self.make()
        seconds = []
        for _ in range(TRIES):
            began = time.monotonic()
            status, out, err = self.ns("targetcli", "saveconfig")
            seconds.append(time.monotonic() - began)
            self.assertEqual(status, 0, out + err)
        saved = json.loads(self.saved())
        self.assertEqual(len(saved["storage_objects"]), LUNS)
        self.assertEqual(len(saved["targets"][0]["tpgs"][0]["luns"]), LUNS)
        print(f"targetcli saveconfig of {LUNS} LUNs: {min(seconds):.1f} s")
        self.assertLess(min(seconds), MOST_SECONDS)


if __name__ == "__main__":
    support.main()
