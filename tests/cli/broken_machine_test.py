"""What status, sessions and doctor say where the machine, its network or its limits keep hosts from
srpd, or srpd from what it needs."""

import contextlib
import os
import shutil
import socket
import subprocess
import sys

import support
from broken_support import ACL, TARGET, BrokenTest, needs_namespaces, needs_root

# Runs a command that gets EPERM from io_uring_setup(2).
WITHOUT_IO_URING = """
import ctypes, os, struct, sys
number = 425  # on every architecture
load, jump, answer = 0x20, 0x15, 0x06
refuse, allow = 0x00050000 | 1, 0x7fff0000
steps = [(load, 0, 0, 0), (jump, 0, 1, number), (answer, 0, 0, refuse), (answer, 0, 0, allow)]
code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))
class Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_void_p)]
libc = ctypes.CDLL(None, use_errno=True)
program = Program(len(steps), ctypes.addressof(code))
if (libc.prctl(38, 1, 0, 0, 0) != 0  # PR_SET_NO_NEW_PRIVS
        or libc.prctl(22, 2, ctypes.byref(program), 0, 0) != 0):  # PR_SET_SECCOMP, a filter
    sys.exit(77)
os.execv(sys.argv[1], sys.argv[1:])
"""


class Network(BrokenTest):
    def test_port_in_use(self):
        with socket.create_server(("127.0.0.1", 0)) as other:
            self.serve(listen="127.0.0.1:%d" % other.getsockname()[1])
            self.make_ramdisk()
            self.check_golden("port_in_use")
        self.srpd.wait_for("it works now, on 127.0.0.1:")
        self.assertNotIn("waited for", self.srpctl("status"))

    def test_address_of_nobody(self):
        self.serve(listen="192.0.2.77:5555")
        self.make_ramdisk()
        self.check_golden("address_of_nobody")

    def test_link_that_is_not_there(self):
        self.serve(listen="[fe80::77%nosuch0]:5555")
        self.make_ramdisk()
        self.check_golden("link_that_is_not_there")

    def in_own_network(self):
        """srpd on 192.0.2.1, in a network of its own."""
        needs_namespaces(self, "-n")
        holder = subprocess.Popen(["unshare", "-n", "sleep", "1000"])
        self.addCleanup(holder.wait)
        self.addCleanup(holder.kill)
        self.inside = ["nsenter", "-t", str(holder.pid), "-n", "--"]
        here = os.readlink("/proc/self/ns/net")
        while os.readlink(f"/proc/{holder.pid}/ns/net") == here:
            pass
        for command in ["ip link set lo up", "ip address add 192.0.2.1/32 dev lo"]:
            subprocess.run([*self.inside, *command.split()], check=True)
        self.serve("--backend", "epoll", before=self.inside, listen="192.0.2.1:5555")
        self.make_ramdisk()

    def rule(self, *words):
        if shutil.which("nft") is None:
            self.skipTest("no nft on this machine; tools/install check installs it")
        done = subprocess.run([*self.inside, "nft", *words], capture_output=True, text=True)
        if done.returncode != 0:
            self.skipTest(f"no packet filter in this kernel: {done.stderr.strip()}")

    def test_nothing_is_wrong(self):
        self.in_own_network()
        self.check_golden("nothing_is_wrong", code=0)

    def test_firewall_drops_the_port(self):
        self.in_own_network()
        self.rule("add", "table", "inet", "guard")
        self.rule("add", "chain", "inet", "guard", "arriving",
                  "{ type filter hook input priority 0 ; }")
        self.rule("add", "rule", "inet", "guard", "arriving", "tcp", "dport", "5550-5560", "drop")
        self.check_golden("firewall_drops_the_port")

    def test_firewall_drops_everything(self):
        self.in_own_network()
        self.rule("add", "table", "inet", "guard")
        self.rule("add", "chain", "inet", "guard", "arriving",
                  "{ type filter hook input priority 0 ; policy drop ; }")
        self.rule("add", "rule", "inet", "guard", "arriving", "tcp", "dport", "22", "accept")
        self.check_golden("firewall_drops_everything")
        self.rule("add", "rule", "inet", "guard", "arriving", "tcp", "dport", "{ 80, 5555 }",
                  "accept")
        self.assertNotIn("firewall", self.srpctl("doctor"))


class Limits(BrokenTest):
    def test_few_files(self):
        self.serve(before=["prlimit", "--nofile=256:256"])
        self.make_ramdisk()
        self.check_golden("few_files")

    def test_no_files_left(self):
        self.serve("--loops", "1", before=["prlimit", "--nofile=96:96"])
        self.make_ramdisk()
        with contextlib.ExitStack() as held:
            for _ in range(24):
                held.enter_context(socket.create_connection(("127.0.0.1", self.srpd.port)))
            self.check_golden("no_files_left")

    def test_little_locked_memory(self):
        # Without the right to raise it.
        needs_root(self)
        self.serve("--backend", "epoll",
                   before=["prlimit", "--memlock=65536:65536", "setpriv",
                           "--bounding-set=-sys_resource,-ipc_lock",
                           "--inh-caps=-sys_resource,-ipc_lock"],
                   listen=["127.0.0.1:0", "rdma:*"])
        self.make_ramdisk()
        self.check_golden("little_locked_memory")

    def test_io_uring_refused(self):
        self.tells_of_io_uring = True
        self.serve(before=[sys.executable, "-c", WITHOUT_IO_URING], wait=False)
        self.wait_or_skip()
        self.make_ramdisk()
        self.check_golden("io_uring_refused")

    def wait_or_skip(self):
        try:
            self.srpd.wait_for("srpd: ready")
        except AssertionError:
            if self.srpd.process.wait(timeout=20) == 77:
                self.skipTest("filters of system calls are refused here")
            raise


class Machine(BrokenTest):
    def test_kernel_target(self):
        needs_namespaces(self, "-m")
        self.serve()
        self.make_ramdisk()
        # As if the module were there.
        self.inside = ["unshare", "-m", "sh", "-c",
                       'mount -t tmpfs none /sys/module && mkdir /sys/module/ib_srpt && '
                       'exec "$0" "$@"']
        self.check_golden("kernel_target")

    def test_full_disk(self):
        needs_root(self)
        self.state.mkdir()
        made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", self.state],
                              capture_output=True, text=True)
        if made.returncode != 0:
            self.skipTest(f"cannot mount: {made.stderr.strip()}")
        self.addCleanup(subprocess.run, ["umount", "-l", self.state], check=False)
        self.serve()
        self.make_ramdisk()
        with contextlib.suppress(OSError), open(self.state / "other", "wb", buffering=0) as other:
            while True:
                other.write(bytes(4096))
        self.assertIn("No space left", self.srpctl("set", TARGET, "enable=0") +
                      self.srpctl("save", code=1))
        self.check_golden("full_disk")

    def test_tree_not_mounted(self):
        (self.directory / "tree").write_text("in the way")
        self.serve()
        self.make_ramdisk()
        self.check_golden("tree_not_mounted")

    def test_tree_unmounted(self):
        needs_root(self)
        self.serve()
        self.make_ramdisk()
        self.tree()
        subprocess.run(["umount", self.directory / "tree"], check=True)
        self.check_golden("tree_unmounted", ACL)


if __name__ == "__main__":
    support.main()
