"""Machines made of namespaces: network, mounts and host name of their own, joined by a cable, each
with a D-Bus and an mDNS responder where the test wants one."""

import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import threading
import time

import support
from support import Srpd

DBUS_CONFIG = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <listen>unix:path=/run/dbus/system_bus_socket</listen>
  <policy context="default">
    <allow user="*"/> <allow own="*"/> <allow send_type="method_call"/>
    <allow send_type="signal"/> <allow send_type="method_return"/> <allow send_type="error"/>
    <allow receive_type="method_call"/> <allow receive_type="signal"/>
    <allow receive_type="method_return"/> <allow receive_type="error"/>
  </policy>
</busconfig>
"""

AVAHI_CONFIG = """[server]
use-ipv4=yes
use-ipv6=no
enable-dbus=yes
disallow-other-stacks=no
[publish]
publish-hinfo=no
publish-workstation=no
[rlimits]
"""


def missing():
    """Why this machine cannot make machines, or None."""
    if os.geteuid() != 0:
        return "needs root to make network namespaces"
    for tool in ["unshare", "nsenter", "ip", "mount", "dbus-daemon", "avahi-daemon"]:
        if shutil.which(tool) is None:
            return f"no {tool} on this machine; tools/install check installs it"
    tried = subprocess.run(["unshare", "-n", "-m", "-u", "true"], capture_output=True, text=True)
    return None if tried.returncode == 0 else f"no namespaces here: {tried.stderr.strip()}"

RESOLVED_CONFIG = """[Resolve]
MulticastDNS=yes
LLMNR=no
DNSStubListener=no
FallbackDNS=
"""


def resolved(directory):
    """The program systemd-resolved, unpacked into `directory` where it is not installed: as a
    package it takes over the name resolution of the machine. None where it cannot be had."""
    installed = pathlib.Path("/lib/systemd/systemd-resolved")
    if installed.exists():
        return installed
    fetched = subprocess.run("apt-get download systemd-resolved && "
                             "dpkg-deb -x systemd-resolved_*.deb .", shell=True, cwd=directory,
                             capture_output=True)
    program = directory / "lib/systemd/systemd-resolved"
    return program if fetched.returncode == 0 and program.exists() else None


class Program:
    """A daemon in a machine; its lines are kept."""

    def __init__(self, command):
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                        stdin=subprocess.DEVNULL, text=True)
        self.lines = []
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            self.lines.append(line)

    def stop(self, number=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.reader.join()
        self.process.stdout.close()


class Machine:
    def __init__(self, test, name):
        self.name = name
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix=f"srpd-{name}-"))
        test.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
        self.test = test
        # Mounts of its own on /run: sockets and pid files of the daemons.
        script = ("mount -t tmpfs tmpfs /run && hostname \"$0\" && ip link set lo up && "
                  "mkdir /run/dbus /run/avahi-daemon && echo made && exec sleep 100000")
        self.holder = subprocess.Popen(
            ["unshare", "-n", "-m", "-u", "--propagation", "private", "sh", "-c", script, name],
            stdout=subprocess.PIPE, text=True)
        test.addCleanup(self.end_holder)
        if self.holder.stdout.readline() != "made\n":
            raise AssertionError(f"cannot make the machine {name}")
        self.programs = {}

    def end_holder(self):
        self.holder.kill()
        self.holder.wait()
        self.holder.stdout.close()

    def inside(self, *command):
        return ["nsenter", "-t", str(self.holder.pid), "-n", "-m", "-u", "--", *map(str, command)]

    def run(self, *command, seconds=60):
        return subprocess.run(self.inside(*command), capture_output=True, text=True,
                              timeout=seconds)

    def check(self, *command):
        done = self.run(*command)
        if done.returncode != 0:
            raise AssertionError((command, done.stdout, done.stderr))
        return done.stdout

    def srp(self, *arguments, seconds=60):
        return self.run(support.BIN.resolve() / "srp", *arguments, seconds=seconds)

    def start(self, name, command):
        program = Program(self.inside(*command))
        self.programs[name] = program
        self.test.addCleanup(program.stop, signal.SIGKILL)
        return program

    def stop(self, name):
        self.programs.pop(name).stop()

    def start_dbus(self):
        config = self.directory / "dbus.conf"
        config.write_text(DBUS_CONFIG)
        self.check("rm", "-f", "/run/dbus/system_bus_socket")
        self.start("dbus", ["dbus-daemon", f"--config-file={config}", "--nofork", "--nopidfile"])
        self.wait_until(lambda: self.run("test", "-S", "/run/dbus/system_bus_socket")
                        .returncode == 0, "D-Bus is there")

    def start_avahi(self):
        config = self.directory / "avahi.conf"
        config.write_text(AVAHI_CONFIG)
        self.check("rm", "-f", "/run/avahi-daemon/pid")
        avahi = self.start("avahi", ["avahi-daemon", "-f", config, "--no-drop-root", "--no-chroot",
                                     "--no-rlimits"])
        self.wait_until(lambda: any("Server startup complete" in line for line in avahi.lines),
                        lambda: f"Avahi is there: {avahi.lines}")

    def start_resolved(self, program):
        account = "systemd-resolve"
        for file, line in [("passwd", f"{account}:x:61996:61996::/:/usr/sbin/nologin"),
                           ("group", f"{account}:x:61996:")]:
            system = pathlib.Path("/etc") / file
            if account not in system.read_text():
                own = self.directory / file
                own.write_text(f"{system.read_text()}{line}\n")
                self.check("mount", "--bind", own, system)
        self.check("mkdir", "-p", "/run/systemd/resolved.conf.d")
        config = self.directory / "mdns.conf"
        config.write_text(RESOLVED_CONFIG)
        self.check("cp", config, "/run/systemd/resolved.conf.d/")
        self.start("resolved", [program])
        control = program.parents[2] / "usr/bin/resolvectl"
        self.wait_until(lambda: self.run(control, "mdns", "eth0", "yes").returncode == 0,
                        "systemd-resolved does multicast DNS on eth0")

    def start_srpd(self, *arguments, **options):
        command = self.inside(support.BIN.resolve() / "srpd", *arguments)
        srpd = Srpd(command=command, **options)
        self.test.addCleanup(self.end_srpd, srpd)
        return srpd

    @staticmethod
    def end_srpd(srpd):
        if not srpd.process.stdout.closed:
            srpd.stop(signal.SIGKILL)

    @staticmethod
    def wait_until(holds, what, seconds=30):
        deadline = time.monotonic() + seconds
        while not holds():
            if time.monotonic() > deadline:
                raise AssertionError(f"not within {seconds} s: "
                                     f"{what() if callable(what) else what}")
            time.sleep(0.1)


def join(one, other, network):
    """A cable; the machines get NETWORK.1 and NETWORK.2 on eth0."""
    ends = [f"srpd{machine.holder.pid}" for machine in (one, other)]
    subprocess.run(["ip", "link", "add", ends[0], "type", "veth", "peer", "name", ends[1]],
                   check=True)
    for number, (machine, end) in enumerate(zip((one, other), ends), 1):
        subprocess.run(["ip", "link", "set", end, "netns", str(machine.holder.pid)], check=True)
        machine.check("ip", "link", "set", end, "name", "eth0")
        machine.check("ip", "address", "add", f"{network}.{number}/24", "dev", "eth0")
        machine.check("ip", "link", "set", "eth0", "up", "multicast", "on")
        machine.check("ip", "route", "add", "224.0.0.0/4", "dev", "eth0")
