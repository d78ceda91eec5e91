"""srp discover, connect, disconnect and daemon against srpd on loopback, and every mistake that
needs no kernel initiator to be made."""

import json
import os
import re
import signal
import socket
import struct
import subprocess
import time
import unittest

import support
from iwarp_peer import (ENHANCED, LOGIN_REJ, REJECT, SEND, Closed, Peer, login_req, mpa_request)
from support import BIN

NAME = "0002c903000e8acc"

BLOCK = f"""IO Unit Info:
    port LID:        0000
    port GID:        00000000000000000000ffff7f000001
    change ID:       0001
    max controllers: 0x10

    controller[  1]
        GUID:      {NAME}
        vendor ID: 000000
        device ID: 000000
        IO class : 0100
        Maximum size of Send Messages in bytes: 8276
        ID:        Linux SRP target
        service entries: 1
            service[  0]: {NAME} / SRP.T10:{NAME}
"""

HELLO = b"SRP-DISC\x01" + bytes(7)


def mad(attribute, modifier=0, method=1, transaction=b"12345678"):
    return struct.pack(">BBBBHH8sHHI", 1, 6, 1, method, 0, 0, transaction, attribute, 0,
                       modifier) + bytes(232)


class DiscoveryTest(support.ProgramTest):
    def serve(self, *arguments):
        srpd = self.start("--ramdisk", "16M", "--file", str(self.make_file("disk", 1 << 20)),
                          "--target-name", NAME, "--open", "--discovery-port", "0", *arguments)
        srpd.discovery_port = int(re.search(r"^ discovery on \S+:(\d+)$", srpd.output,
                                            re.M).group(1))
        return srpd

    def discover(self, srpd, *arguments):
        return self.check_srp("discover", f"127.0.0.1:{srpd.port}", "--discovery-port",
                              srpd.discovery_port, *arguments).decode()

    def srp_fails(self, arguments, *parts, status=3):
        done = support.srp(*arguments)
        said = done.stderr.decode()
        self.assertEqual(done.returncode, status, (done.stdout, said))
        for part in parts:
            self.assertIn(part, said)
        return said


class Discover(DiscoveryTest):
    def test_the_block_of_ibsrpdm(self):
        self.assertEqual(self.discover(self.serve()), BLOCK)

    def test_login_strings(self):
        srpd = self.serve()
        self.assertEqual(self.discover(srpd, "-c"),
                         f"id_ext={NAME},ioc_guid={NAME},dest=127.0.0.1:{srpd.port}\n")

    def test_luns(self):
        srpd = self.serve()
        table = self.discover(srpd, "--luns").splitlines()
        self.assertEqual(len(table), 3)
        self.assertRegex(table[1], rf"^{srpd.url(0)} +16 MiB +LIO-ORG RAMDISK-MCP ")
        self.assertRegex(table[2], rf"^{srpd.url(1)} +1 MiB +LIO-ORG FILEIO ")

    def test_json(self):
        srpd = self.serve()
        told = json.loads(self.discover(srpd, "--json"))
        self.assertEqual(told["problems"], [])
        unit, = told["units"]
        self.assertEqual(unit["node"], socket.gethostname())
        self.assertTrue(unit["software"].startswith("srpd "))
        self.assertEqual(unit["controllers"]["1"]["guid"], NAME)
        self.assertEqual(unit["listeners"], [{"form": "rdma_cm", "address": "127.0.0.1",
                                              "port": srpd.port, "transport": "iwarp",
                                              "device": "lo"}])

    def test_the_port_after_the_targets(self):
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        srpd = self.start("--ramdisk", "1M", "--target-name", NAME, "--open", wait=False,
                          listen=f"127.0.0.1:{port}")
        try:
            srpd.wait_for("srpd: ready")
        except AssertionError:
            self.skipTest("the port was taken meanwhile")
        if "no discovery service at" in srpd.output:
            self.skipTest("the port after it is taken")
        self.assertIn(f" discovery on 127.0.0.1:{port + 1}\n", srpd.output)
        self.assertEqual(self.check_srp("discover", f"srp://127.0.0.1:{port}/").decode(), BLOCK)

    def test_several_targets_and_the_one_that_is_named(self):
        path = self.directory / "saveconfig.json"
        disk = {"plugin": "ramdisk", "name": "d", "size": 1 << 20, "attributes": {}}
        targets = [{"fabric": "srpt", "wwn": f"ib.{0:015x}{n}{0:015x}{n}",
                    "tpgs": [{"tag": 1, "enable": True, "luns":
                              [{"index": 0, "storage_object": "/backstores/ramdisk/d"}],
                              "node_acls": []}]} for n in (1, 2)]
        path.write_text(json.dumps({"storage_objects": [disk], "targets": targets}))
        srpd = self.start("--config", str(path), "--discovery-port", "0", wait=False)
        srpd.wait_for("srpd: ready")
        port = re.search(r" discovery on \S+:(\d+)", srpd.output).group(1)
        lines = self.check_srp("discover", "-c", f"127.0.0.1:{srpd.port}", "--discovery-port", port)
        self.assertEqual(len(lines.splitlines()), 2)
        url = f"srp://127.0.0.1:{srpd.port}/{0:015x}2/"
        one = self.check_srp("discover", "-c", url, "--discovery-port", port).decode()
        self.assertEqual(one, f"id_ext={0:015x}2,ioc_guid={0:015x}2,dest=127.0.0.1:{srpd.port}\n")
        self.srp_fails(["discover", f"srp://127.0.0.1:{srpd.port}/{0:015x}3/", "--discovery-port",
                        port], "no such target")

    def test_every_address_of_a_wildcard(self):
        srpd = self.start("--ramdisk", "1M", "--target-name", NAME, "--open", "--discovery-port",
                          "0", "--no-announce", listen="0.0.0.0:0")
        port = re.search(r" discovery on \S+:(\d+)", srpd.output).group(1)
        lines = self.check_srp("discover", "-c", f"127.0.0.1:{srpd.port}", "--discovery-port",
                               port).decode().splitlines()
        self.assertTrue(lines[0].endswith(f",dest=127.0.0.1:{srpd.port}"), lines)
        self.assertEqual(len(set(lines)), len(lines))

    def test_two_listeners_share_the_service(self):
        srpd = self.serve("--listen", "127.0.0.1:0")
        lines = self.discover(srpd, "-c").splitlines()
        self.assertEqual(len(lines), 2)
        ports = re.search(r"^srpd \S+ on \S+:(\d+) \S+:(\d+)", srpd.output, re.M).groups()
        self.assertEqual(sorted(line.rsplit(":", 1)[1] for line in lines), sorted(ports))

    def test_ipv6(self):
        try:
            socket.create_server(("::1", 0), family=socket.AF_INET6).close()
        except OSError:
            self.skipTest("no IPv6 on loopback")
        srpd = self.start("--ramdisk", "1M", "--target-name", NAME, "--open", "--discovery-port",
                          "0", listen="[::1]:0", wait=False)
        srpd.wait_for("srpd: ready")
        target = re.search(r"^srpd \S+ on (\[::1\]:\d+)", srpd.output, re.M).group(1)
        port = re.search(r" discovery on \[::1\]:(\d+)", srpd.output).group(1)
        lines = self.check_srp("discover", "-c", target, "--discovery-port", port).decode()
        self.assertTrue(lines.endswith(f",dest={target}\n"), lines)

    def test_without_discovery_service(self):
        srpd = self.start("--ramdisk", "1M", "--target-name", NAME, "--open", "--no-discovery")
        self.assertNotIn("discovery on", srpd.output)
        with socket.create_server(("127.0.0.1", 0)) as free:
            nobody = free.getsockname()[1]
        lines = self.check_srp("discover", "-c", f"127.0.0.1:{srpd.port}", "--discovery-port",
                               nobody).decode()
        self.assertEqual(lines, f"id_ext={NAME},ioc_guid={NAME},dest=127.0.0.1:{srpd.port}\n")

    def test_nobody_there(self):
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        self.srp_fails(["discover", f"127.0.0.1:{port}"], f"127.0.0.1:{port}", "is srpd running")

    def test_the_targets_port_is_no_discovery_service(self):
        srpd = self.serve()
        self.srp_fails(["discover", "127.0.0.1", "--discovery-port", srpd.port],
                       "something else", "--discovery-port")

    def test_something_that_never_answers(self):
        with socket.create_server(("127.0.0.1", 0)) as mute:
            self.srp_fails(["discover", "127.0.0.1", "--discovery-port", mute.getsockname()[1],
                            "--patience", "0.5"], "no answer in time", "firewall")

    def test_wrong_words(self):
        self.srp_fails(["discover", "srp://[::1/"], "malformed")
        self.srp_fails(["discover", "127.0.0.1", "-c", "--json"], status=2)

    def test_a_login_at_the_discovery_port(self):
        srpd = self.serve()
        done = support.srp("ping", "-c", "1", f"srp://127.0.0.1:{srpd.discovery_port}/0")
        self.assertEqual(done.returncode, 3)
        srpd.wait_for("the host has the discovery port where it needs the target's")

    def test_the_port_is_taken(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            status, output = support.srpd_fails("--ramdisk", "1M", "--open", "--listen",
                                                "127.0.0.1:0", "--discovery-port", str(port))
        self.assertEqual(status, 1)
        self.assertIn(f"--discovery-port: listen 127.0.0.1:{port}: address already in use; "
                      "choose another one", output)


class Hostile(DiscoveryTest):
    """Visitors that do as they like; afterwards an honest one is answered."""

    def setUp(self):
        super().setUp()
        self.srpd = self.serve()

    def tearDown(self):
        self.assertEqual(self.discover(self.srpd), BLOCK)
        self.assertEqual(self.srpd.stop(), 0, self.srpd.output)

    def peer(self, private_data=HELLO):
        peer = Peer(self.srpd.discovery_port)
        self.addCleanup(peer.socket.close)
        peer.raw(mpa_request(private_data))
        return peer

    def welcome(self, peer):
        flags, answer = peer.reply()
        self.assertFalse(flags & REJECT)
        self.assertEqual(answer, b"SRP-DISC\x01\0\0\0" + struct.pack(">HH", 4, 4096))

    def test_as_documented(self):
        peer = self.peer()
        self.welcome(peer)
        peer.send(mad(0x0010))
        answer = peer.next_of(SEND).payload
        self.assertEqual(answer[:24], struct.pack(">BBBBHH8sHHI", 1, 6, 1, 0x81, 0, 0,
                                                  b"12345678", 0x0010, 0, 0))
        self.assertEqual(answer[64:70], struct.pack(">HBBBB", 1, 16, 0, 0x10, 0))
        peer.send(mad(0xff10))
        answer = peer.next_of(SEND).payload
        self.assertEqual(answer[64:67], struct.pack(">HB", 1, 1))
        self.assertEqual(answer[72:136].rstrip(b"\0").decode(), socket.gethostname())
        peer.send(mad(0xff11, 1))
        answer = peer.next_of(SEND).payload
        self.assertEqual(answer[64:68], struct.pack(">BBH", 1, 0, self.srpd.port))
        self.assertEqual(answer[72:88], bytes(10) + b"\xff\xff\x7f\0\0\x01")
        for attribute, modifier, status in [(0xff11, 0, 0x1c), (0xff11, 2, 0x1c),
                                            (0x0011, 2, 0x100), (0x0011, 17, 0x1c),
                                            (0x0002, 0, 0x0c)]:
            peer.send(mad(attribute, modifier))
            answer = peer.next_of(SEND).payload
            self.assertEqual(struct.unpack(">H", answer[4:6])[0], status)
            self.assertEqual(answer[64:], bytes(192))

    def test_greetings(self):
        for private_data, reason in [(b"", 1), (b"SRP-DISC", 1), (b"SRP-DISC\x02" + bytes(7), 2),
                                     (b"\xff" * 500, 1)]:
            flags, answer = self.peer(private_data).reply()
            self.assertTrue(flags & REJECT)
            self.assertEqual(answer, b"SRP-DISC\x01" + bytes([reason]) + bytes(6))
        flags, answer = self.peer(login_req()).reply()
        self.assertTrue(flags & REJECT)
        self.assertEqual((answer[0], answer[8:16]), (LOGIN_REJ, b"login..."))

    def test_what_is_no_request(self):
        for iu in [b"x", mad(0x10)[:255], mad(0x10) + b"x", bytes(256), mad(0x10, method=0x81),
                   os.urandom(256), bytes(9000)]:
            peer = self.peer()
            self.welcome(peer)
            peer.send(iu)
            self.assertLess(peer.wait_closed(), 5, (len(iu), iu[:8]))

    def test_requests_without_end(self):
        peer = self.peer()
        self.welcome(peer)
        answered = 0
        with self.assertRaises((Closed, ConnectionError)):
            for _ in range(5000):
                peer.send(mad(0x0011, 1))
                peer.next_of(SEND)
                answered += 1
        self.assertEqual(answered, 4096)

    def test_a_flood_that_does_not_read(self):
        peer = self.peer()
        self.welcome(peer)
        peer.socket.settimeout(5)
        try:
            for _ in range(20000):
                peer.send(mad(0x0011, 1))
        except OSError:
            pass
        peer.reset()

    def test_visitors_beyond_the_limit(self):
        peers = [self.peer() for _ in range(20)]
        replies = [peer.reply() for peer in peers]
        busy = [answer for flags, answer in replies if flags & REJECT]
        self.assertEqual(busy, [b"SRP-DISC\x01\x03" + bytes(6)] * 4)
        done = support.srp("discover", f"127.0.0.1:{self.srpd.port}", "--discovery-port",
                           self.srpd.discovery_port)
        self.assertEqual(done.returncode, 3)
        self.assertIn("too many visitors; try again later", done.stderr.decode())
        for peer in peers:
            peer.reset()
        self.wait_until_answered()

    def wait_until_answered(self):
        deadline = time.monotonic() + 10
        while support.srp("discover", f"127.0.0.1:{self.srpd.port}", "--discovery-port",
                          self.srpd.discovery_port).returncode != 0:
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.1)

    def test_ending_with_visitors(self):
        peers = [self.peer() for _ in range(5)]
        for peer in peers:
            self.welcome(peer)
        begin = time.monotonic()
        self.assertEqual(self.srpd.stop(signal.SIGTERM), 0, self.srpd.output)
        self.assertLess(time.monotonic() - begin, 5)
        self.srpd = self.serve()


@unittest.skipIf(os.path.exists("/sys/class/infiniband_srp"), "this machine has ib_srp")
class WithoutKernelInitiator(DiscoveryTest):
    def test_connect(self):
        self.srp_fails(["connect", "192.0.2.1"], "ib_srp: the kernel's SRP initiator is not loaded",
                       "modprobe ib_srp")

    def test_connect_mistakes(self):
        self.srp_fails(["connect"], "TARGET", status=2)
        self.srp_fails(["connect", "192.0.2.1", "-o", "queu_size=1"], "queu_size", "queue_size",
                       status=2)
        self.srp_fails(["connect", "id_ext=1,ioc_guid=1"], "either dest", status=2)

    def test_disconnect(self):
        self.assertIn(b"logged in nowhere", self.check_srp("disconnect", "all"))
        self.srp_fails(["disconnect", "host7"], "not logged in there", "logged in nowhere")
        self.srp_fails(["disconnect", "127.0.0.1"], "not logged in there")

    def write(self, text):
        path = self.directory / "daemon.conf"
        path.write_text(text)
        return path

    def test_daemon_mistakes(self):
        self.srp_fails(["daemon", "--config", self.directory / "none"], "No such file", "write it",
                       status=2)
        self.srp_fails(["daemon", "--config", self.write("conect x")], "line 1", "connect",
                       status=2)

    def test_daemon_once(self):
        path = self.write("connect 127.0.0.1")
        self.srp_fails(["daemon", "--once", "--config", path], "modprobe ib_srp")

    def test_daemon_signals(self):
        path = self.write("interval 1\nlogin id_ext=1,ioc_guid=1,dest=127.0.0.1:1\n")
        daemon = subprocess.Popen([str(BIN / "srp"), "daemon", "--config", str(path)],
                                  stderr=subprocess.PIPE, text=True)
        self.addCleanup(daemon.stderr.close)
        self.addCleanup(daemon.kill)
        self.assertIn("modprobe ib_srp", daemon.stderr.readline())
        path.write_text("nonsense")
        daemon.send_signal(signal.SIGHUP)
        self.assertIn("going on with what was read before", daemon.stderr.readline())
        path.write_text("connect 127.0.0.1")
        daemon.send_signal(signal.SIGHUP)
        self.assertIn("read again", daemon.stderr.readline())
        daemon.send_signal(signal.SIGTERM)
        rest = daemon.stderr.read()
        self.assertEqual(daemon.wait(timeout=10), 0)
        self.assertIn("sessions stay as they are", rest)
        self.assertNotIn("modprobe", rest)


if __name__ == "__main__":
    support.main()
