#!/usr/bin/env python3
"""clang-format-19 has nothing to change. Exit 77 (skipped) where it is not installed.

usage: check_format.py [ROOT]
"""

import pathlib
import shutil
import subprocess
import sys

from sources import files

TOOL = "clang-format-19"


def main():
    if shutil.which(TOOL) is None:
        print(f"{TOOL} is not installed: tools/install check")
        return 77
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parents[2])
    paths = [str(p) for p in files(root, {".h", ".cc", ".c"})]
    if not paths:
        print(f"no sources below {root}")
        return 1
    return subprocess.run([TOOL, "--dry-run", "-Werror", "--style=file", *paths]).returncode


if __name__ == "__main__":
    sys.exit(main())
