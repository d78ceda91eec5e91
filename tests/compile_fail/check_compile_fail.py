#!/usr/bin/env python3
"""A sample compiles as it is, and with -DMISUSE fails with the message in its first line.

usage: check_compile_fail.py SAMPLE COMPILER [FLAGS...]
"""

import os
import re
import subprocess
import sys

PREFIX = "// error: "


def compile_sample(command, *more):
    environment = dict(os.environ, LC_ALL="C")
    return subprocess.run([*command, *more], capture_output=True, text=True, env=environment)


def main():
    sample, *compiler = sys.argv[1:]
    with open(sample, encoding="utf-8") as file:
        first = file.readline().rstrip("\n")
    if not first.startswith(PREFIX):
        return f"{sample}: the first line is not '{PREFIX}REGULAR EXPRESSION'"
    command = [*compiler, "-fsyntax-only", sample]
    right = compile_sample(command)
    if right.returncode != 0:
        return f"{sample} does not compile without -DMISUSE:\n{right.stderr}"
    wrong = compile_sample(command, "-DMISUSE")
    if wrong.returncode == 0:
        return f"{sample} compiles with -DMISUSE"
    if not re.search(first.removeprefix(PREFIX), wrong.stderr):
        return f"{sample} fails with another message than '{first}':\n{wrong.stderr}"
    return 0


if __name__ == "__main__":
    sys.exit(main())
