"""srpd --metrics and srpctl metrics: what was done is what is counted; the log of srpd stays
bounded and readable by machines."""

import http.client
import json
import os
import re
import shutil
import socket
import subprocess
import time
import urllib.request

import support
from iwarp_peer import Peer, login_req, mpa_request
from support import BIN

MEBIBYTE = 1 << 20
SAMPLE = re.compile(r'^([a-z_]+)(?:\{(.*)\})? (\S+)$')
LABEL = re.compile(r'([a-z_]+)="((?:[^"\\]|\\.)*)"(?:,|$)')
CLASSES = ["read", "write", "flush", "unmap", "other"]


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=60)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)


class Page:
    def __init__(self, text):
        self.text = text
        self.samples = []
        for line in text.splitlines():
            if not line.startswith("#"):
                name, labels, value = SAMPLE.match(line).groups()
                self.samples.append((name, dict(LABEL.findall(labels or "")), float(value)))

    def values(self, name, **labels):
        return [value for found, has, value in self.samples
                if found == name and labels.items() <= has.items()]

    def sum(self, name, **labels):
        return sum(self.values(name, **labels))


class MetricsTest(support.ProgramTest):
    def setUp(self):
        super().setUp()
        self.socket = self.directory / "metrics.sock"

    def get(self, path="/metrics"):
        connection = UnixConnection(self.socket)
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()

    def page(self):
        status, text = self.get()
        self.assertEqual(status, 200)
        return Page(text)

    def page_when(self, condition):
        """A page of before is given out for a moment."""
        for _ in range(200):
            page = self.page()
            if condition(page):
                return page
            time.sleep(0.1)
        return self.fail("the numbers never came:\n" + page.text)

    def check_format(self, page):
        if shutil.which("promtool") is None:
            self.skipTest("no promtool on this machine; tools/install check installs it")
        done = subprocess.run(["promtool", "check", "metrics"], input=page.text, text=True,
                              capture_output=True, timeout=60)
        self.assertEqual((done.returncode, done.stdout + done.stderr), (0, ""), page.text)

    def check_histograms(self, page):
        """Their buckets add up, and they count what the counters count."""
        for io_class in CLASSES:
            for lun in ["0", "1"]:
                labels = {"class": io_class, "lun": lun}
                buckets = page.values("srpd_lun_latency_seconds_bucket", **labels)
                self.assertEqual(buckets, sorted(buckets))
                count = page.sum("srpd_lun_latency_seconds_count", **labels)
                self.assertEqual(page.sum("srpd_lun_commands_total", **labels), count)
                self.assertEqual(buckets[-1] if buckets else 0, count)


class Numbers(MetricsTest):
    def test_what_is_done_is_counted(self):
        srpd = self.start("--ramdisk", "8M", "--null", "1G", "--allow", "127.0.0.1",
                          "--metrics", str(self.socket))
        self.check_srp("write", srpd.url(0), "-q", data=os.urandom(8 * MEBIBYTE))
        self.check_srp("read", srpd.url(0), "/dev/null", "-q")
        self.check_srp("bench", srpd.url(1), "--pattern", "randread", "--depth", "8",
                       "--seconds", "1", "--json")
        done = support.srp("raw", srpd.url(0), "ff 00 00 00 00 00")
        self.assertNotEqual(done.returncode, 0)

        page = self.page_when(lambda page: not page.values("srpd_session_credits"))
        read = page.sum("srpd_lun_bytes_total", lun="0", **{"class": "read"})
        self.assertEqual(page.sum("srpd_lun_bytes_total", lun="0", **{"class": "write"}),
                         8 * MEBIBYTE)
        self.assertEqual(read, 8 * MEBIBYTE)
        self.assertGreater(page.sum("srpd_lun_commands_total", lun="1", **{"class": "read"}), 0)
        self.assertGreaterEqual(
            page.sum("srpd_lun_errors_total", lun="0", error="illegal request"), 1)
        self.assertGreaterEqual(page.sum("srpd_lun_errors_total", error="unit attention"), 1)
        self.assertEqual(page.values("srpd_lun_commands_total", initiator="127.0.0.1", lun="0",
                                     **{"class": "unmap"}), [0])
        self.check_histograms(page)
        self.check_format(page)

    def test_sessions_and_refusals(self):
        srpd = self.start("--ramdisk", "1M", "--allow", "127.0.0.1", "--metrics", str(self.socket),
                          "--loops", "2")
        with Peer(srpd.port) as peer:
            peer.log_in()
            page = self.page_when(lambda page: page.sum("srpd_sessions") == 1)
            self.assertEqual(page.values("srpd_session_credits", peer=peer.name), [128])
            self.assertEqual(page.values("srpd_session_queue_depth", peer=peer.name), [0])
        for loop in "01":
            self.assertGreater(page.sum("srpd_loop_looks_total", loop=loop) +
                               page.sum("srpd_loop_sleeps_total", loop=loop), 0)
            self.assertGreater(page.sum("srpd_loop_mails_total", loop=loop), 0)
        self.assertGreater(page.sum("srpd_loop_events_total"), 0)
        with Peer(srpd.port) as peer:
            peer.raw(mpa_request(login_req(iu=1)))
            peer.wait_closed()
        page = self.page_when(lambda page: page.sum("srpd_logins_refused_total") == 1)
        self.check_format(page)

    def test_a_port_of_loopback(self):
        srpd = self.start("--ramdisk", "1M", "--open", "--metrics", "0")
        url = re.search(r"http://127\.0\.0\.1:\d+/metrics", srpd.wait_for("metrics at")).group(0)
        with urllib.request.urlopen(url, timeout=60) as answer:
            self.assertIn("version=0.0.4", answer.headers["Content-Type"])
            self.assertIn("srpd_info{", answer.read().decode())

    def test_addresses_that_cannot_be_used(self):
        file = self.make_file("file", 1)
        for where, part in [("127.0.0.1:99999", "--metrics 127.0.0.1:99999: the port is not"),
                            ("192.0.2.1:9", "--metrics 192.0.2.1:9: "),
                            ("rdma:127.0.0.1:9", "TCP port"), (str(file), "no socket")]:
            status, out = support.srpd_fails("--ramdisk", "1M", "--open", "--listen",
                                             "127.0.0.1:0", "--metrics", where)
            self.assertEqual(status, 1, where)
            self.assertIn(part, out)

    def test_it_ends_while_somebody_asks(self):
        srpd = self.start("--ramdisk", "1M", "--open", "--metrics", str(self.socket))
        waiting = socket.socket(socket.AF_UNIX)
        waiting.connect(str(self.socket))
        waiting.send(b"GET /metrics HT")
        self.assertEqual(srpd.stop(), 0)
        waiting.close()
        self.assertFalse(self.socket.exists())

    def test_srpctl_prints_the_same(self):
        control = self.directory / "srpd.sock"
        self.start(f"--tree={self.directory}/tree", "--state", str(self.directory / "state"),
                   "--control", str(control), "--no-announce", "--metrics", str(self.socket))
        done = subprocess.run([str(BIN / "srpctl"), "--socket", str(control), "metrics"],
                              capture_output=True, text=True, timeout=60, check=True)
        names = set(re.findall("^# HELP (\\S+)", done.stdout, re.M))
        self.assertEqual(names, set(re.findall("^# HELP (\\S+)", self.get()[1], re.M)))
        self.assertGreater(len(names), 20)


class Log(MetricsTest):
    LOGINS = 600

    def test_a_flood_of_bad_logins_does_not_fill_it(self):
        srpd = self.start("--ramdisk", "1M", "--allow", "192.0.2.1", "--log-format", "json",
                          "--metrics", str(self.socket))
        for _ in range(self.LOGINS):
            with Peer(srpd.port) as peer:
                peer.raw(mpa_request(login_req()))
                peer.wait_closed()
        page = self.page_when(
            lambda page: page.sum("srpd_logins_refused_total") == self.LOGINS)
        self.assertEqual(srpd.stop(), 0)
        lines = [line for line in srpd.lines if line.startswith("{")]
        for line in lines:
            self.assertEqual(set(json.loads(line)), {"time", "level", "message"})
        told = [line for line in lines if "refused:" in line]
        self.assertGreater(len(told), 0)
        self.assertLess(len(told), 250)
        self.assertGreaterEqual(page.sum("srpd_log_lines_total", level="warning"), len(told))

    def test_hosts_that_log_in_and_vanish_do_not_fill_it_either(self):
        srpd = self.start("--ramdisk", "1M", "--allow", "127.0.0.1", "--metrics", str(self.socket))
        for _ in range(self.LOGINS):
            with Peer(srpd.port) as peer:
                peer.log_in()
        page = self.page_when(lambda page: page.sum("srpd_sessions") == 0 and
                              page.sum("srpd_log_suppressed_lines_total") > 0)
        told = srpd.output.count("logged in to")
        self.assertGreaterEqual(told, 200)
        self.assertLess(told, self.LOGINS / 2)
        self.assertGreaterEqual(page.sum("srpd_log_suppressed_lines_total"), self.LOGINS - told)
        time.sleep(6)  # until such a line may be written again
        with Peer(srpd.port) as peer:
            peer.log_in()
        srpd.wait_for("similar lines suppressed")

    def test_logfmt(self):
        srpd = self.start("--ramdisk", "1M", "--open", "--log-format", "logfmt")
        self.assertEqual(srpd.stop(), 0)
        self.assertRegex(srpd.output, r'(?m)^time=\S+Z level=info message="stopped"$')


if __name__ == "__main__":
    support.main()
