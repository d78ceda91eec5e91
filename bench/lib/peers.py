"""The servers that bench/compare measures, and how each is loaded.

A peer starts its server on a free loopback port with a disk in memory, filled once so that no
page is touched for the first time while the clock runs; run() loads it and returns the client's
numbers. Each is set up as its own documentation advises for speed:

srpd    --ramdisk; loaded by `srp bench`.
tgt     tgtd with its rdwr store on a file in tmpfs (it has no RAM disk) and one I/O thread, which
        is faster here than its default of 16; immediate data, no initial R2T, 256 KiB segments;
        loaded by bench/load/iscsi_load (libiscsi), and for random reads by iscsi-perf too: the
        better rate counts.
nbdkit  memory plugin with allocator=malloc, as its page on benchmarking says; loaded by fio's nbd
        engine.
floor   TCP alone with the sizes that srpd's messages have: a 64-byte SRP_CMD in a Send is 88 bytes
        with its framing; 4 KiB in an RDMA Write is 4116; a 36-byte SRP_RSP in a Send is 60.
"""

import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import time

LOOPBACK = "127.0.0.1"
TICKS = os.sysconf("SC_CLK_TCK")


class PeerError(Exception):
    """A server or its load did not do what it should; says what and why."""


def free_port():
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return probe.getsockname()[1]


def output_of(command, timeout):
    """The standard output of a load program; PeerError with its last words when it fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout,
                              stdin=subprocess.DEVNULL)
    except subprocess.TimeoutExpired:
        raise PeerError(f"{command[0]}: not over after {timeout:.0f} s") from None
    if done.returncode != 0:
        last = (done.stderr or done.stdout).strip().splitlines()[-3:]
        raise PeerError(f"{' '.join(command)}: status {done.returncode}: {' / '.join(last)}")
    return done.stdout


class Peer:
    name = ""
    tools = ()

    def __init__(self, settings, folder):
        self.settings = settings
        self.folder = pathlib.Path(folder)
        self.port = free_port()
        self.process = None

    @classmethod
    def missing(cls):
        return [tool for tool in cls.tools if shutil.which(tool) is None]

    def launch(self, command, **options):
        """Starts the server and waits until its port is open."""
        self.log = self.folder / f"{self.name}.log"
        with open(self.log, "w") as log:
            self.process = subprocess.Popen(self.pinned(command, "server"), stdout=log, stderr=log,
                                            stdin=subprocess.DEVNULL, **options)
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                break
            with socket.socket() as probe:
                if probe.connect_ex((LOOPBACK, self.port)) == 0:
                    return
            time.sleep(0.05)
        raise PeerError(f"{command[0]} does not serve: {self.log.read_text().strip()[-500:]}")

    def pinned(self, command, side):
        cpu = self.settings.pin.get(side)
        return command if cpu is None else ["taskset", "-c", str(cpu), *command]

    def load(self, command, seconds):
        return output_of(self.pinned([str(word) for word in command], "client"), seconds + 30)

    def stop(self):
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(3)
        except subprocess.TimeoutExpired:  # tgtd does not go while it has a target
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
        self.process = None

    def cpu_seconds(self):
        """Processor time of the server so far, threads that have ended included."""
        stat = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text()
        fields = stat.rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def resident_bytes(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status).group(1)) * 1024

    def measure(self, point, seconds):
        """run(), with the server's processor time per I/O added."""
        before = self.cpu_seconds()
        result = self.run(point, seconds)
        used = self.cpu_seconds() - before
        result["cpu_us"] = 1e6 * used / max(result["ios"], 1)
        return result


class Srpd(Peer):
    name = "srpd"

    def start(self):
        self.launch([self.settings.srpd, "--ramdisk", f"{self.settings.disk_mib}M", "--open",
                     "--listen", f"{LOOPBACK}:{self.port}"])
        self.bench("write", "seq", 1 << 20, 8, 1)

    def bench(self, operation, pattern, block, depth, seconds):
        text = self.load([self.settings.srp, "bench", f"srp://{LOOPBACK}:{self.port}/0",
                          "--operation", operation, "--pattern", pattern, "--block", block,
                          "--depth", depth, "--seconds", seconds, "--json"], seconds)
        result = json.loads(text)
        if result["reconnects"] > 0:
            raise PeerError(f"srpd ended the session {result['reconnects']} times; see its log")
        return result

    def run(self, point, seconds):
        return self.bench(point.operation, point.pattern, point.block, point.depth, seconds)


class Tgt(Peer):
    name = "tgt"
    tools = ("tgtd", "tgtadm", "iscsi-perf")
    target = "iqn.2000-01.bench:disk"
    parameters = {"MaxRecvDataSegmentLength": "262144", "MaxXmitDataSegmentLength": "262144",
                  "FirstBurstLength": "262144", "MaxBurstLength": "1048576", "InitialR2T": "No",
                  "ImmediateData": "Yes", "MaxQueueCmd": "128"}

    def start(self):
        # On tmpfs; a socket path of its own keeps it apart from a tgtd of the system.
        self.disk = pathlib.Path("/dev/shm") / f"bench-tgt-{os.getpid()}.img"
        with open(self.disk, "wb") as disk:
            for _ in range(self.settings.disk_mib):
                disk.write(bytes(1 << 20))
        self.environment = {**os.environ, "TGT_IPC_SOCKET": str(self.folder / "tgt")}
        self.launch(["tgtd", "-f", "-C", "0", "-t", "1", "--iscsi",
                     f"portal={LOOPBACK}:{self.port}"], env=self.environment)
        self.admin("--mode", "target", "--op", "new", "-T", self.target)
        self.admin("--mode", "logicalunit", "--op", "new", "--lun", "1", "-b", str(self.disk))
        for name, value in self.parameters.items():
            self.admin("--mode", "target", "--op", "update", "-n", name, "-v", value)
        self.admin("--mode", "target", "--op", "bind", "-I", "ALL")
        self.url = f"iscsi://{LOOPBACK}:{self.port}/{self.target}/1"

    def admin(self, *words):
        command = ["tgtadm", "-C", "0", "--lld", "iscsi", "--tid", "1", *words]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True,
                              timeout=10)
        if done.returncode != 0:
            raise PeerError(f"{' '.join(command)}: {done.stderr.strip()}")

    def run(self, point, seconds):
        text = self.load([self.settings.programs / "iscsi_load", self.url, point.operation,
                          {"rand": "random", "seq": "sequential"}[point.pattern], point.block,
                          point.depth, seconds], seconds)
        return json.loads(text)

    def measure(self, point, seconds):
        result = super().measure(point, seconds)
        if point.operation == "read" and point.pattern == "rand":
            result["iscsi_perf_iops"] = self.iscsi_perf(point, seconds)
            result["iops"] = max(result["iops"], result["iscsi_perf_iops"])
        return result

    def iscsi_perf(self, point, seconds):
        text = self.load(["iscsi-perf", "-m", point.depth, "-b", point.block // 512, "-t",
                          max(1, round(seconds)), "-r", self.url], seconds)
        return float(re.findall(r"iops average (\d+)", text)[-1])

    def stop(self):
        super().stop()
        self.disk.unlink(missing_ok=True)


class Nbdkit(Peer):
    name = "nbdkit"
    tools = ("nbdkit", "fio")

    def start(self):
        self.launch(["nbdkit", "-f", "-i", LOOPBACK, "-p", str(self.port), "memory",
                     f"{self.settings.disk_mib}M", "allocator=malloc"])
        self.fio("write", 1 << 20, 8)

    def fio(self, mode, block, depth, *more):
        text = self.load(["fio", "--name=load", "--ioengine=nbd",
                          f"--uri=nbd://{LOOPBACK}:{self.port}", f"--rw={mode}", f"--bs={block}",
                          f"--iodepth={depth}", f"--size={self.settings.disk_mib}M",
                          "--lat_percentiles=1", "--output-format=json", *more], 30)
        return json.loads(text[text.index("{"):])["jobs"][0]

    def run(self, point, seconds):
        mode = ("rand" if point.pattern == "rand" else "") + point.operation
        job = self.fio(mode, point.block, point.depth, f"--runtime={seconds}", "--time_based")
        side = job[point.operation]
        percentiles = side["lat_ns"]["percentile"]
        return {"ios": side["total_ios"], "iops": side["iops"], "bytes_per_s": side["bw_bytes"],
                "p50_us": percentiles["50.000000"] / 1000,
                "p99_us": percentiles["99.000000"] / 1000}


class Floor(Peer):
    name = "floor"

    def start(self):
        self.launch([str(self.settings.programs / "floor"), "serve", str(self.port)])
        # launch() has connected once; the server takes that as an order of no bytes.

    def run(self, point, seconds):
        if point.block >= 1 << 20:
            direction = "download" if point.operation == "read" else "upload"
            words = [direction, self.port, point.block, 0, 0, seconds]
        else:
            sizes = (88, point.block + 80) if point.operation == "read" else (point.block + 92, 60)
            words = ["exchange", self.port, *sizes, point.depth, seconds]
        result = json.loads(self.load([self.settings.programs / "floor", *words], seconds))
        result.setdefault("ios", round(result["iops"] * seconds))
        return result


ALL = (Srpd, Tgt, Nbdkit, Floor)
