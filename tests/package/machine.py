"""A machine to install packages on: this one's files, where every change goes to memory and is gone
with the test (overlay), with processes and a network of its own. Its init is systemd, or one that
does nothing."""

import os
import pathlib
import shutil
import subprocess
import time

NAMESPACES = ["--mount", "--pid", "--net", "--ipc", "--uts", "--cgroup"]
SET_UP = """
set -e
mount --make-rprivate /
mount -t tmpfs tmpfs "$1"
mkdir "$1/changes" "$1/work" "$1/root"
mount -t overlay overlay -o lowerdir=/,upperdir="$1/changes",workdir="$1/work" "$1/root"
mount -t proc proc "$1/root/proc"
mount --rbind /dev "$1/root/dev"
mount -t sysfs sysfs "$1/root/sys"
for place in run tmp; do mount -t tmpfs tmpfs "$1/root/$place"; done
mkdir "$1/root/run/lock"
# What containers forbid, this machine allows: packages start what they bring.
rm -f "$1/root/usr/sbin/policy-rc.d"
ip link set lo up
cd "$1/root"
"""
NO_INIT = """exec chroot . /bin/bash -c 'echo ready; while :; do sleep 1 & wait; done'"""
# Of the services of this machine none is started.
SYSTEMD = """
mount -t cgroup2 cgroup2 sys/fs/cgroup
find etc/systemd/system -type l -delete
echo ready
export container=srpd-test
exec chroot . /lib/systemd/systemd --system --unit=multi-user.target --log-target=null \
  --show-status=no </dev/null
"""


def missing():
    """Why there can be none here, or None."""
    if os.geteuid() != 0:
        return "needs root to install packages"
    for tool in ["unshare", "nsenter", "chroot", "ip", "dpkg", "dpkg-buildpackage", "dh"]:
        if shutil.which(tool) is None:
            return f"no {tool} on this machine; tools/install check installs it"
    return None


def missing_for_systemd():
    """Why systemd cannot run in one here, or None."""
    if not os.path.exists("/lib/systemd/systemd"):
        return "no systemd on this machine; tools/install check installs it"
    if "\tcgroup2\n" not in pathlib.Path("/proc/filesystems").read_text():
        return "this kernel has no cgroup2"
    return None


class Machine:
    def __init__(self, directory, systemd=False):
        self.process = subprocess.Popen(
            ["unshare", *NAMESPACES, "--fork", "--kill-child",
             "sh", "-c", SET_UP + (SYSTEMD if systemd else NO_INIT), "sh", str(directory)],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True)
        first = self.process.stdout.readline()
        if first != "ready\n":
            raise RuntimeError(first + self.process.stdout.read())
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        self.init = int(children.read_text().split()[0])
        if systemd:
            self.wait_until(lambda: "running" in self.run("systemctl", "is-system-running",
                                                          status=None), "the start", seconds=60)

    def copy(self, path, to):
        """A file from outside, with the same name."""
        with open(path, "rb") as file:
            subprocess.run([*self.enter(), "tee", f"{to}/{path.name}"], stdin=file, check=True,
                           stdout=subprocess.DEVNULL)

    def enter(self):
        return ["nsenter", "--target", str(self.init), *NAMESPACES, "--root", "--wd"]

    def outer_pid(self, pid):
        """What a process in it is called here."""
        namespace = os.readlink(f"/proc/{self.init}/ns/pid")
        for status in pathlib.Path("/proc").glob("[0-9]*/status"):
            try:
                same = os.readlink(status.parent / "ns" / "pid") == namespace
                numbers = next(line.split()[1:] for line in status.read_text().splitlines()
                               if line.startswith("NSpid:"))
            except OSError:
                continue
            if same and int(numbers[-1]) == pid:
                return int(numbers[0])
        raise AssertionError(f"the machine has no process {pid}")

    def end(self):
        self.process.kill()  # and with it the init of the machine, and with that the rest
        self.process.wait()
        self.process.stdout.close()

    def run(self, *command, status=0, seconds=300, data=None):
        """The output of both kinds; fails unless it ends with `status`."""
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LC_ALL": "C",
                       "DEBIAN_FRONTEND": "noninteractive"}
        done = subprocess.run(
            [*self.enter(), *map(str, command)],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=seconds,
            env=environment, input=data)
        if status is not None and done.returncode != status:
            raise AssertionError(f"{command} ended with {done.returncode}, not {status}:\n"
                                 f"{done.stdout}")
        return done.stdout

    def status(self, *command, **options):
        """Exit status and output."""
        output = self.run("sh", "-c", '"$@"; echo "status=$?"', "sh", *command, **options)
        text, _, number = output.rpartition("status=")
        return int(number), text

    def write(self, path, text):
        self.run("sh", "-c", 'mkdir -p "$(dirname "$1")" && cat > "$1"', "sh", path, data=text)

    def exists(self, path):
        return self.status("test", "-e", path)[0] == 0

    def wait_until(self, check, what, seconds=20):
        deadline = time.monotonic() + seconds
        while not check():
            if time.monotonic() > deadline:
                raise AssertionError(f"not within {seconds} s: {what}")
            time.sleep(0.1)
