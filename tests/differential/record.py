#!/usr/bin/env python3
"""record.py ROOT RECORD [NAME=VALUE...]: carries the scripts of steps/ out on the tree whose
target/ is ROOT, and writes the answers to the file RECORD. NAME=VALUE says what the machine has:

    gid, guid          the names of a port (needed)
    directory          a folder for files (needed)
    block, read_only   block devices; loop, one that discards
    scsi, disk         the number of a SCSI host with a disk at 0:0:0, and its node
    rdma=yes           there are adapters
    contention=yes     scripts may work on the same objects at once

Scripts that need what is not named are left out."""

import pathlib
import sys

import recorder
from steps import (alua, attributes, backstores, concurrency, fabric, files, hardware, logins,
                   names, pr)

# In this order: numbers that the target gives go on over all of them, so those that a machine may
# leave out come late.
SCRIPTS = (names, backstores, attributes, alua, fabric, files, pr, logins, hardware, concurrency)
FILE_BYTES = 1 << 20


def main():
    root, record, *pairs = sys.argv[1:]
    places = dict(pair.split("=", 1) for pair in pairs)
    directory = pathlib.Path(places["directory"])
    directory.mkdir(parents=True, exist_ok=True)
    places["file"] = str(directory / "file")
    pathlib.Path(places["file"]).write_bytes(bytes(FILE_BYTES))
    (directory / "image").write_bytes(bytes(8 * FILE_BYTES))
    with open(record, "w", encoding="ascii") as out:
        tree = recorder.Recorder(root, places, out)
        for script in SCRIPTS:
            if all(need in places for need in script.NEEDS):
                tree.line(f"=== {script.__name__.rpartition('.')[2]}")
                script.run(tree)


if __name__ == "__main__":
    main()
