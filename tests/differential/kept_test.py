#!/usr/bin/env python3
"""kept_test.py KERNEL: srpd's tree of that profile answers the scripts as the kernel did in a
guest. Scripts for hardware that this machine lacks are left to that guest."""

import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "targetcli"))
import support  # noqa: E402

PORT = "0xfe800000000000000002c9fffe0a0b0c"
GUID = "0002:c9ff:fe0a:0b0c"
NAMESPACE = "SRPD_TEST_IN_NAMESPACE"


def lacking():
    if os.geteuid() != 0:
        return "mounting needs root"
    if not os.access("/dev/fuse", os.R_OK | os.W_OK):
        return "/dev/fuse is missing; modprobe fuse"
    if shutil.which("unshare") is None:
        return "unshare is missing; install util-linux"
    return None


def serve(directory, kernel):
    server = subprocess.Popen(
        [str(support.BIN / "srpd"), "--tree", str(directory / "tree"), "--state",
         str(directory / "state"), "--control", str(directory / "control"), "--profile", kernel,
         "--listen", "127.0.0.1:0", "--no-announce", "--no-discovery"],
        text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        preexec_fn=support.die_with_parent)
    for line in server.stdout:
        if "srpd: ready" in line:
            return server
    sys.exit(f"srpd has ended with {server.wait()}")


def main():
    why = lacking()
    if why:
        print(f"skipped: {why}")
        sys.exit(77)
    if NAMESPACE not in os.environ:
        os.environ[NAMESPACE] = "1"
        os.execvp("unshare", ["unshare", "--mount", "--propagation", "private", sys.executable,
                              "-B", *sys.argv])
    kernel = sys.argv[1]
    directory = pathlib.Path(tempfile.mkdtemp(prefix="srpd-differential-"))
    try:
        server = serve(directory, kernel)
        record = directory / "record"
        subprocess.run([sys.executable, "-B", str(HERE / "record.py"),
                        str(directory / "tree/target"), str(record), f"gid={PORT}", f"guid={GUID}",
                        f"directory={directory}/files", "contention=yes"], check=True)
        server.send_signal(signal.SIGTERM)
        said, _ = server.communicate(timeout=60)
        if server.returncode != 0:
            sys.exit(f"srpd has ended with {server.returncode}: {said}")
        kept = support.DATA / "lio" / "record.tsv"
        sys.exit(subprocess.run([sys.executable, "-B", str(HERE / "compare.py"), kernel, str(kept),
                                 str(record)], check=False).returncode)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    main()
