"""srpd under a service manager, which the test is: states, watchdog, passed sockets, a bounded end,
and a network that comes later than the service."""

import grp
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import time
import unittest

import support
from iwarp_peer import LOGOUT, Peer
from support import BIN, Srpd, srp
from threads import StoppedThread, thread_named

ACTIVATE = [sys.executable, "-B", str(pathlib.Path(__file__).with_name("activate.py"))]


def configuration(disks, host="127.0.0.1"):
    """A saved one: so many memory disks for one host."""
    return json.dumps({
        "fabric_modules": [],
        "storage_objects": [{"plugin": "ramdisk", "name": f"disk{i}", "size": 1 << 20,
                             "wwn": f"c0ffee{i}"} for i in range(disks)],
        "targets": [{
            "fabric": "srpt", "wwn": "ib.fe80000000000000000000fffe000001", "tpgs": [{
                "tag": 1, "enable": True,
                "luns": [{"index": i, "storage_object": f"/backstores/ramdisk/disk{i}",
                          "alias": f"lun{i}"} for i in range(disks)],
                "node_acls": [{"node_wwn": host, "mapped_luns": [
                    {"index": i, "tpg_lun": i, "write_protect": False, "alias": f"map{i}"}
                    for i in range(disks)]}]}]}]})


class Manager:
    """The end of NOTIFY_SOCKET that belongs to the manager."""

    def __init__(self, directory):
        self.path = directory / "notify"
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(self.path))

    def next(self, seconds=20):
        """The assignments of the next message, or {} when none came."""
        self.socket.settimeout(seconds)
        try:
            text = self.socket.recv(4096).decode()
        except TimeoutError:
            return {}
        return dict(line.split("=", 1) for line in text.splitlines())

    def next_but_alive(self):
        while True:
            message = self.next()
            if message != {"WATCHDOG": "1"}:
                return message

    def pending(self):
        """Forgets what has come; how much that was."""
        count = 0
        self.socket.setblocking(False)
        try:
            while self.socket.recv(4096):
                count += 1
        except BlockingIOError:
            return count

    def command(self, *arguments, **environment):
        variables = {"NOTIFY_SOCKET": self.path, **environment}
        return ["env", *(f"{name}={value}" for name, value in variables.items()),
                str(BIN / "srpd"), *arguments, "--listen", "127.0.0.1:0"]


class States(support.ProgramTest):
    def setUp(self):
        super().setUp()
        self.manager = Manager(self.directory)
        self.addCleanup(self.manager.socket.close)

    def test_life(self):
        srpd = self.start(command=self.manager.command("--ramdisk", "1M", "--ramdisk", "2M",
                                                       "--open"))
        self.assertEqual(self.manager.next(), {"READY": "1", "STATUS": "2 disks on 1 target"})
        self.assertEqual(srp("inq", srpd.url()).returncode, 0)
        srpd.process.send_signal(signal.SIGHUP)
        reloading = self.manager.next()
        self.assertEqual(reloading["RELOADING"], "1")
        self.assertLessEqual(int(reloading["MONOTONIC_USEC"]), time.monotonic_ns() // 1000)
        self.assertEqual(self.manager.next()["READY"], "1")
        self.assertEqual(srpd.stop(), 0)
        self.assertEqual(self.manager.next()["STOPPING"], "1")
        self.assertEqual(self.manager.pending(), 0)  # nobody asked for a watchdog

    def test_reload_serves_what_differs(self):
        state = self.directory / "state"
        saved = state / "target" / "saveconfig.json"
        saved.parent.mkdir(parents=True)
        saved.write_text(configuration(1))
        srpd = self.start(command=self.manager.command(
            "--tree", str(self.directory / "tree"), "--state", str(state), "--no-announce"))
        self.assertEqual(self.manager.next()["READY"], "1")
        with Peer(srpd.port) as peer:
            peer.log_in()
            peer.settle()
            saved.write_text(configuration(2))
            srpd.process.send_signal(signal.SIGHUP)
            self.assertEqual(self.manager.next()["RELOADING"], "1")
            self.assertEqual(self.manager.next()["READY"], "1")
            self.assertEqual(srp("inq", srpd.url(1)).returncode, 0)
            saved.write_text("{")
            srpd.process.send_signal(signal.SIGHUP)
            self.assertEqual(self.manager.next()["RELOADING"], "1")
            self.assertEqual(self.manager.next()["READY"], "1")
            srpd.wait_for("nothing is changed")
            self.assertEqual(srp("inq", srpd.url(1)).returncode, 0)
            peer.command(1, bytes(6))  # its session has stayed
        self.assertEqual(srpd.stop(), 0)

    def test_reload_waits_for_what_is_missing(self):
        state = self.directory / "state"
        saved = state / "target" / "saveconfig.json"
        saved.parent.mkdir(parents=True)
        saved.write_text(configuration(1))
        srpd = self.start(command=self.manager.command(
            "--tree", str(self.directory / "tree"), "--state", str(state), "--no-announce",
            "--control", str(self.directory / "control.sock")))
        self.assertEqual(self.manager.next()["READY"], "1")
        disk = self.directory / "late.img"
        wanted = json.loads(configuration(2))
        wanted["storage_objects"][1] = {"plugin": "fileio", "name": "late", "dev": str(disk),
                                        "size": 1 << 20, "write_back": True, "wwn": "c0ffee9"}
        wanted["targets"][0]["tpgs"][0]["luns"][1]["storage_object"] = "/backstores/fileio/late"
        saved.write_text(json.dumps(wanted))
        srpd.process.send_signal(signal.SIGHUP)
        self.assertEqual(self.manager.next()["RELOADING"], "1")
        self.assertEqual(self.manager.next()["READY"], "1")
        srpd.wait_for("late: waiting for it")
        self.assertNotEqual(srp("inq", srpd.url(1)).returncode, 0)
        self.make_file("late.img", 1 << 20)
        srpd.wait_for("late: it is there now")
        self.assertEqual(srp("inq", srpd.url(1)).returncode, 0)
        self.assertEqual(srpd.stop(), 0)

    def test_not_ready_when_it_cannot_serve(self):
        srpd = self.start(command=self.manager.command("--file", "/nonexistent", "--open"),
                          wait=False)
        self.assertEqual(srpd.process.wait(timeout=20), 1)
        self.assertEqual(self.manager.pending(), 0)

    def test_watchdog(self):
        interval = 0.8
        srpd = self.start(command=self.manager.command(
            "--ramdisk", "1M", "--open", "--loops", "2",
            WATCHDOG_USEC=int(interval * 1e6)))
        self.assertEqual(self.manager.next()["READY"], "1")
        for _ in range(5):
            self.assertEqual(self.manager.next(interval * 10), {"WATCHDOG": "1"})
        with StoppedThread(thread_named(srpd.pid, "srpd/1")):
            time.sleep(interval)
            self.manager.pending()  # from before, and of the round that was under way
            self.assertEqual(self.manager.next(interval * 3), {})
        self.assertEqual(self.manager.next(), {"WATCHDOG": "1"})
        self.assertEqual(srpd.stop(), 0)
        self.assertEqual(self.manager.next_but_alive()["STOPPING"], "1")


class End(support.ProgramTest):
    def test_says_goodbye(self):
        srpd = self.start("--ramdisk", "1M", "--open", "--loops", "1")
        with Peer(srpd.port) as peer:
            peer.log_in()
            peer.settle()
            srpd.process.send_signal(signal.SIGTERM)
            self.assertEqual(peer.next().srp_opcode, LOGOUT)
            peer.wait_closed()
            self.assertEqual(srpd.process.wait(timeout=20), 0)

    def test_is_bounded_whatever_is_stuck(self):
        srpd = self.start("--ramdisk", "1M", "--open", "--loops", "2", "--stop-timeout", "1")
        with StoppedThread(thread_named(srpd.pid, "srpd/1")):
            srpd.process.send_signal(signal.SIGTERM)
            srpd.wait_for("still hold on; ending without them")
        self.assertEqual(srpd.process.wait(timeout=20), 1)


class Activation(support.ProgramTest):
    def listening(self, host="127.0.0.1"):
        made = socket.create_server((host, 0))
        self.addCleanup(made.close)
        return made

    def activated(self, sockets, names, *arguments, wait=True):
        """srpd to which `sockets` were passed."""
        for each in sockets:
            os.set_inheritable(each.fileno(), True)
        command = [*ACTIVATE, ":".join(names), ",".join(str(s.fileno()) for s in sockets),
                   str(BIN / "srpd"), *arguments]
        srpd = ActivatedSrpd(command, [each.fileno() for each in sockets], wait)
        self.addCleanup(self.end, srpd)
        return srpd

    def test_login_over_the_passed_socket(self):
        passed = self.listening()
        srpd = self.activated([passed], ["srpd.socket"], "--ramdisk", "1M", "--open")
        self.assertEqual(srpd.port, passed.getsockname()[1])
        self.check_srp("inq", srpd.url())

    def test_hosts_wait_while_it_restarts(self):
        passed = self.listening()
        first = self.activated([passed], ["x"], "--ramdisk", "1M", "--open", "--no-discovery")
        url = first.url()
        self.check_srp("inq", url)
        self.assertEqual(first.stop(), 0)
        with subprocess.Popen([str(BIN / "srp"), "inq", url], stdout=subprocess.DEVNULL) as waiting:
            with self.assertRaises(subprocess.TimeoutExpired):
                waiting.wait(timeout=0.5)
            self.activated([passed], ["x"], "--ramdisk", "1M", "--open", "--no-discovery")
            self.assertEqual(waiting.wait(timeout=20), 0)

    def test_by_address(self):
        one, two = self.listening(), self.listening()
        address = "127.0.0.1:%d" % two.getsockname()[1]
        srpd = self.activated([one, two], ["one", "two"], "--ramdisk", "1M", "--open", "--listen",
                              address)
        self.assertIn("passed socket 'one' is not used; name it with --listen fd:one", srpd.output)
        self.check_srp("inq", f"srp://{address}/0")

    def test_by_name(self):
        one, two, three = self.listening(), self.listening(), self.listening()
        srpd = self.activated([one, two, three], ["a", "b", "b"], "--ramdisk", "1M", "--open",
                              "--listen", "fd:b")
        self.assertNotIn("'b' is not used", srpd.output)
        for each in [two, three]:
            self.check_srp("inq", "srp://127.0.0.1:%d/0" % each.getsockname()[1])

    def test_name_that_was_not_passed(self):
        srpd = self.activated([self.listening()], ["a"], "--ramdisk", "1M", "--open", "--listen",
                              "fd:b", wait=False)
        srpd.wait_for("--listen fd:b: no TCP socket of this name was passed")
        self.assertEqual(srpd.process.wait(timeout=20), 1)

    def test_control_socket(self):
        path = self.directory / "control.sock"
        passed = socket.socket(socket.AF_UNIX)
        self.addCleanup(passed.close)
        passed.bind(str(path))
        passed.listen()
        arguments = ["--tree", str(self.directory / "tree"), "--state", str(self.directory),
                     "--control", str(path), "--no-announce", "--listen", "127.0.0.1:0"]
        asks = [str(BIN / "srpctl"), "--socket", str(path), "version"]
        first = self.activated([passed], ["control"], *arguments)
        self.assertNotIn("is not used", first.output)
        self.assertEqual(subprocess.run(asks, timeout=60).returncode, 0)
        self.assertEqual(first.stop(), 0)
        self.assertTrue(path.exists(), "it belongs to the manager")
        # Who asks while it restarts waits.
        with subprocess.Popen(asks) as waiting:
            self.activated([passed], ["control"], *arguments)
            self.assertEqual(waiting.wait(timeout=60), 0)

    def test_by_systemd(self):
        tool = shutil.which("systemd-socket-activate")
        if tool is None:
            self.skipTest("no systemd-socket-activate on this machine")
        with self.listening() as free:
            port = free.getsockname()[1]
        srpd = self.start(command=[tool, "-l", f"127.0.0.1:{port}", str(BIN / "srpd"), "--ramdisk",
                                   "1M", "--open"], wait=False)
        srpd.wait_for("Listening on")
        self.check_srp("inq", f"srp://127.0.0.1:{port}/0")


class ActivatedSrpd(Srpd):
    """Inherits descriptors."""

    def __init__(self, command, descriptors, wait):
        self.descriptors = descriptors
        super().__init__(command=command, wait=wait)

    def popen(self, command, **options):
        return super().popen(command, pass_fds=self.descriptors, **options)


class ControlGroup(support.ProgramTest):
    def start_with(self, group, **options):
        return self.start("--tree", str(self.directory / "tree"), "--state", str(self.directory),
                          "--control", str(self.directory / "run" / "control.sock"),
                          "--no-announce", "--control-group", group, **options)

    def test_members_may_ask(self):
        if os.geteuid() != 0:
            self.skipTest("needs root to give a socket to a group")
        self.directory.chmod(0o755)
        self.start_with("nogroup")
        path = self.directory / "run" / "control.sock"
        self.assertEqual(path.stat().st_gid, grp.getgrnam("nogroup").gr_gid)
        self.assertEqual(path.stat().st_mode & 0o777, 0o660)
        as_nobody = ["setpriv", "--reuid=65534", "--clear-groups"]
        asks = [str(BIN.resolve() / "srpctl"), "--socket", str(path), "version"]
        member, stranger = [*as_nobody, "--regid=nogroup"], [*as_nobody, "--regid=65533"]
        if subprocess.run([*member, asks[0], "--version"], capture_output=True).returncode != 0:
            self.skipTest("another user cannot run this build")
        self.assertEqual(subprocess.run([*member, *asks], timeout=60).returncode, 0)
        done = subprocess.run([*stranger, *asks], timeout=60, capture_output=True, text=True)
        self.assertEqual(done.returncode, 3)
        self.assertIn("this user may not ask srpd", done.stderr)

    def test_a_group_that_is_none(self):
        srpd = self.start_with("nosuchgroup", wait=False)
        srpd.wait_for("--control-group: group 'nosuchgroup': there is no such group")
        self.assertEqual(srpd.process.wait(timeout=20), 1)


class Network(support.ProgramTest):
    """In a network of its own, which has nothing at first."""

    def setUp(self):
        super().setUp()
        if os.geteuid() != 0 or shutil.which("ip") is None:
            self.skipTest("needs root and ip to make network namespaces")
        tried = subprocess.run(["unshare", "-n", "true"], capture_output=True, text=True)
        if tried.returncode != 0:
            self.skipTest(f"no network namespaces here: {tried.stderr.strip()}")

    def test_comes_later(self):
        path = self.directory / "saveconfig.json"
        path.write_text(configuration(1, host="192.0.2.1"))
        srpd = self.start(command=["unshare", "-n", str(BIN / "srpd"), "--config", str(path),
                                   "--listen", "192.0.2.1"])
        srpd.wait_for("listen 192.0.2.1:5555: no interface has this address yet; waiting for it")
        inside = ["nsenter", "-t", str(srpd.pid), "-n"]
        for command in ["ip link set lo up", "ip address add 192.0.2.1/32 dev lo"]:
            subprocess.run([*inside, *command.split()], check=True)
        done = subprocess.run([*inside, str(BIN / "srp"), "inq", "srp://192.0.2.1/0"],
                              capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        srpd.wait_for("discovery on 192.0.2.1:5556: the address is there now")
        self.assertEqual(srpd.stop(), 0)


    def test_link_comes_later(self):
        srpd = self.start(command=["unshare", "-n", str(BIN / "srpd"), "--tree",
                                   str(self.directory / "tree"), "--state", str(self.directory),
                                   "--control", str(self.directory / "control.sock"),
                                   "--no-announce", "--listen", "[fe80::77%later0]:5555"])
        srpd.wait_for("listen [fe80::77%later0]:5555:")
        inside = ["nsenter", "-t", str(srpd.pid), "-n"]
        made = subprocess.run([*inside, "ip", "link", "add", "later0", "type", "veth"],
                              capture_output=True, text=True)
        if made.returncode != 0:
            self.skipTest(f"no veth here: {made.stderr.strip()}")
        srpd.wait_for("it works now, on [fe80::77%later0]:5555")
        self.assertEqual(srpd.stop(), 0)


if __name__ == "__main__":
    support.main()
