#!/usr/bin/env python3
"""srpctl mount and umount, on a configfs that is a directory in memory."""

import os
import pathlib
import subprocess

import support

CONFIGFS = pathlib.Path("/sys/kernel/config")


class Mount(support.TreeTest):
    def setUp(self):
        # Only in the test's own namespace.
        subprocess.run(["mount", "-t", "tmpfs", "memory", "/sys/kernel"], check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", "/sys/kernel"], check=True)
        (CONFIGFS / "rdma_cm" / "mlx5_0").mkdir(parents=True)
        (CONFIGFS / "nvmet").mkdir()
        super().setUp()

    def srpctl(self, command):
        done = subprocess.run([str(support.BIN / "srpctl"), "--tree", str(self.tree), command],
                              capture_output=True, text=True, timeout=60)
        return done.returncode, done.stderr

    def test_the_tree_beside_the_others(self):
        self.assertEqual(self.srpctl("mount"), (0, ""))
        self.assertEqual(sorted(os.listdir(CONFIGFS)), ["nvmet", "rdma_cm", "target"])
        self.assertEqual(os.listdir(CONFIGFS / "rdma_cm"), ["mlx5_0"])
        self.assertIn("core", os.listdir(CONFIGFS / "target"))
        done = subprocess.run(["targetcli", "ls", "/backstores", "1"], capture_output=True,
                              text=True, timeout=120,
                              env={**os.environ, "TARGETCLI_HOME": str(self.directory)})
        if "Could not connect" not in done.stdout + done.stderr:  # no D-Bus on this machine
            self.assertIn("o- ramdisk", done.stdout)
        self.assertEqual(self.srpctl("mount")[0], 1, "twice")
        self.assertEqual(self.ns("ls", str(CONFIGFS))[0], 0)
        self.assertEqual(self.srpctl("umount"), (0, ""))
        self.assertEqual(sorted(os.listdir(CONFIGFS)), ["nvmet", "rdma_cm"])

    def test_refusals(self):
        self.assertIn("no tree is mounted here", self.srpctl("umount")[1])
        (CONFIGFS / "new").mkdir()
        self.assertIn("it has no place for /sys/kernel/config/new; restart srpd",
                      self.srpctl("mount")[1])
        (CONFIGFS / "target").mkdir()
        self.assertIn("the kernel's own target is loaded; unload it", self.srpctl("mount")[1])
        CONFIGFS.rename("/sys/kernel/other")
        self.assertIn("this kernel has no configfs; use 'srpctl ns'", self.srpctl("mount")[1])
        self.end(self.server)
        self.assertIn("no tree is mounted here; mount the tree first", self.srpctl("mount")[1])


if __name__ == "__main__":
    support.main()
