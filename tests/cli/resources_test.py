"""What srpd uses while nobody uses it: memory without sessions, memory of idle sessions, time."""

import subprocess
import time

import support
from support import BIN, SANITIZED

MIB = 1 << 20


class Resources(support.ProgramTest):
    def setUp(self):
        super().setUp()
        if SANITIZED:
            self.skipTest("sanitizers use memory and time of their own")

    def hold(self, srpd, count):
        """`count` idle sessions; ends with the test."""
        process = subprocess.Popen([str(BIN / "hold_sessions"), f"127.0.0.1:{srpd.port}",
                                    str(count)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   text=True)
        self.addCleanup(self.let_go, process)
        self.assertEqual(process.stdout.readline(), f"up {count}\n")
        return process

    def let_go(self, process):
        if process.poll() is None:
            process.stdin.close()
            process.wait(timeout=30)
        process.stdout.close()

    def test_memory_without_sessions(self):
        path = self.make_file("disk.img", 64 * MIB)
        srpd = self.start("--ramdisk", "1G", "--file", str(path), "--null", "1T", "--open")
        self.assertLess(srpd.resident(), 32 * MIB)

    def test_memory_of_idle_sessions(self):
        srpd = self.start("--ramdisk", "64M", "--open")
        self.let_go(self.hold(srpd, 20))  # what the first ones need once
        before = srpd.resident()
        count = 1000
        self.hold(srpd, count)
        time.sleep(1)
        each = (srpd.resident() - before) / count
        print(f"\n  {each / 1024:.1f} KiB for each of {count} idle sessions")
        self.assertLessEqual(each, 64 * 1024)

    def idle_share(self, srpd, seconds=4):
        time.sleep(1.5)
        before = srpd.cpu_seconds()
        time.sleep(seconds)
        return (srpd.cpu_seconds() - before) / seconds

    def test_idle_time(self):
        path = self.make_file("disk.img", 64 * MIB)
        for backend in ["automatic", "epoll"]:
            srpd = self.start("--ramdisk", "64M", "--file", str(path), "--open", "--loops", "2",
                              "--backend", backend)
            self.hold(srpd, 10)
            self.assertLess(self.idle_share(srpd), 0.005)
            srpd.stop()


if __name__ == "__main__":
    support.main()
