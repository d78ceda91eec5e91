"""What targetcli says is served: srpd --tree, unmodified targetcli, and hosts that log in to
what came of it."""

import os
import pathlib
import re
import signal
import subprocess
import threading
import time

import support

TARGET = "0x00000000000000000000000000001234"
SAVED = f"/srpt/ib.{TARGET[2:]}"
HOST = "0x00000000000000000000000000000077"
PORT = f"target/srpt/{TARGET}/tpgt_1"


class ServedTree(support.TreeTest):
    """srpd in the place of a tree that serves nothing."""

    def serve(self):
        self.lines = []
        self.server = subprocess.Popen(
            [str(support.BIN / "srpd"), "--tree", str(self.tree), "--state", str(self.state),
             "--listen", "127.0.0.1:0", "--no-announce"],
            text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            preexec_fn=support.die_with_parent)
        self.addCleanup(self.end, self.server)
        self.reader = threading.Thread(target=self.read_lines, args=(self.server, self.lines))
        self.reader.start()
        self.wait_for("srpd: ready")
        self.port = re.search(r"^srpd \S+ on \S+:(\d+)", "".join(self.lines), re.M).group(1)

    @staticmethod
    def read_lines(server, lines):
        with server.stdout as output:
            lines.extend(iter(output.readline, ""))

    def wait_for(self, text):
        deadline = time.monotonic() + 60
        while not any(text in line for line in self.lines):
            self.assertIsNone(self.server.poll(), "".join(self.lines))
            self.assertLess(time.monotonic(), deadline, "".join(self.lines))
            time.sleep(0.02)

    def end(self, server, number=signal.SIGTERM):
        if server.poll() is None:
            server.send_signal(number)
        server.wait(timeout=60)
        self.reader.join()

    def restart(self, number):
        self.end(self.server, number)
        self.serve()


class Served(ServedTree):
    def srp(self, command, lun="", data=None):
        url = f"srp://127.0.0.1:{self.port}/{lun}"
        words = [str(support.BIN / "srp"), "--initiator-id", HOST, *command.split(), url]
        done = subprocess.run(words, input=data, capture_output=True, timeout=60)
        return done.returncode, done.stdout, done.stderr.decode()

    def luns(self):
        status, out, err = self.srp("luns")
        self.assertEqual(status, 0, err)
        return [int(number) for number in re.findall(r"^srp://\S*?/(\d+)\b", out.decode(), re.M)]

    def write(self, lun, data):
        status, out, err = self.srp("write -q", lun, data)
        self.assertEqual(status, 0, err)

    def read(self, lun, size):
        status, out, err = self.srp(f"read --count {size} -q", lun)
        self.assertEqual(status, 0, err)
        return out

    def configure(self):
        return self.targetcli(
            "/backstores/ramdisk create name=mem size=8M",
            f"/backstores/fileio create name=file file_or_dev={self.directory}/file.img size=4M",
            f"/srpt create {TARGET}",
            f"{SAVED}/luns create /backstores/ramdisk/mem",
            f"{SAVED}/luns create /backstores/fileio/file",
            f"{SAVED}/acls create ib.{HOST[2:]}",
            "saveconfig")

    def test_hosts_get_what_targetcli_made(self):
        said = self.configure()
        self.assertIn("Created Node ACL", said)
        first = self.directory / "first.json"
        first.write_text(self.saved())
        self.assertEqual(self.luns(), [0, 1])
        data = os.urandom(1 << 20)
        self.write(1, data)
        self.assertEqual(self.read(1, len(data)), data)
        self.assertEqual((self.directory / "file.img").read_bytes()[:len(data)], data)

        # It changes under the hands of the host.
        self.targetcli("/backstores/ramdisk create name=more size=1M",
                       f"{SAVED}/luns create /backstores/ramdisk/more")
        self.assertEqual(self.luns(), [0, 1, 2])
        self.targetcli(f"{SAVED}/luns delete lun0")
        self.assertEqual(self.luns(), [1, 2])
        self.targetcli(f"{SAVED}/acls delete ib.{HOST[2:]}")
        status, _, err = self.srp("luns")
        self.assertNotEqual(status, 0)
        self.assertIn("rejected", err)

        # Back to what it was; targetcli has saved on each exit since.
        restored = self.targetcli(f"restoreconfig {first} clear_existing=true")
        self.assertIn("Configuration restored from", restored)
        self.assertNotIn("error", restored)
        self.assertEqual(self.luns(), [0, 1])
        self.assertEqual(self.read(1, len(data)), data)

    def test_a_crash_is_a_restart(self):
        self.configure()
        saved = self.saved()
        data = os.urandom(1 << 20)
        self.write(1, data)
        self.restart(signal.SIGKILL)
        self.assertEqual(self.luns(), [0, 1])
        self.assertEqual(self.read(1, len(data)), data)
        self.targetcli("saveconfig")
        self.assertEqual(self.saved(), saved)

    def test_what_is_missing_is_waited_for(self):
        self.configure()
        saved = self.saved()
        data = os.urandom(4096)
        self.write(1, data)
        image = self.directory / "file.img"
        image.rename(self.directory / "away.img")
        self.restart(signal.SIGTERM)
        self.wait_for("waiting for it")
        self.assertEqual(self.luns(), [0])
        self.assertFalse(image.exists(), "an empty disk must not take its place")
        self.targetcli("saveconfig")
        self.assertEqual(self.saved(), saved, "the saved configuration is not partial")
        (self.directory / "away.img").rename(image)
        self.wait_for("it is there now")
        self.assertEqual(self.luns(), [0, 1])
        self.assertEqual(self.read(1, len(data)), data)

    def test_counters_are_those_of_the_host(self):
        self.configure()
        self.write(0, bytes(1 << 20))
        statistics = self.tree / PORT / "lun/lun_0/statistics/scsi_tgt_port"
        self.assertEqual((statistics / "write_mbytes").read_text(), "1\n")
        self.assertNotEqual((statistics / "in_cmds").read_text(), "0\n")

    def test_discovery_follows_the_tree(self):
        def found():
            done = subprocess.run([str(support.BIN / "srp"), "discover", "-c",
                                   f"127.0.0.1:{self.port}"], capture_output=True, text=True,
                                  timeout=60)
            return done.stdout
        self.assertNotIn("id_ext=", found())
        self.configure()
        self.assertIn(f"ioc_guid={TARGET[-16:]}", found())
        (self.tree / PORT / "enable").write_text("0\n")
        self.assertNotIn("id_ext=", found())

    def test_a_broken_saved_file_is_told_and_kept(self):
        self.end(self.server)
        saved = self.state / "target" / "saveconfig.json"
        saved.parent.mkdir(parents=True, exist_ok=True)
        saved.write_text('{"storage_objects": [')
        done = subprocess.run([str(support.BIN / "srpd"), "--tree", str(self.tree), "--state",
                               str(self.state), "--listen", "127.0.0.1:0", "--no-announce"],
                              capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"{saved}: ", done.stderr)
        self.assertIn("from a backup", done.stderr)
        self.assertEqual(saved.read_text(), '{"storage_objects": [')

    def test_without_a_mount_the_program_ends_clean(self):
        self.end(self.server)
        self.assertEqual(self.server.returncode, 0)
        mounts = pathlib.Path("/proc/self/mounts").read_text()
        self.assertNotIn(str(self.tree), mounts)


if __name__ == "__main__":
    support.main()
