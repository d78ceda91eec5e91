#!/usr/bin/env python3
"""What style asks of every file and a machine can see: line length, file size, leftovers,
machine paths, white space, dead links; and that every row of the command table has a test.

usage: tidy.py [ROOT]
"""

import pathlib
import re
import sys

from sources import files, kind

CODE = {".cc", ".h", ".c", ".py", ".sh"}
TEXT = CODE | {".md", ".cmake", ".txt"}
MAX_COLUMNS = 100
MAX_LINES = 800

LEFTOVERS = [
    (r"\b(TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b", "a leftover marker: finish it or take it out"),
    (r"(?i)\b(not (yet )?|un)imple" r"mented\b", "unfinished code: finish it or take it out"),
    (r"^#\s*if\s+0\b", "dead code"),
    (r"^(<{7}|>{7}) ", "a merge conflict"),
]
# Only the programs talk to the terminal; the layers log.
DEBUG_PRINT = re.compile(r"\bstd::(cout|cerr|printf|puts)\b|(?<![\w:.])printf\(")
# A path of one developer's machine means nothing on another one.
MACHINE_PATH = re.compile(r"(?<![\w.$}])/(home|[uU]sers|w[o]rk)/\w")
LINK = re.compile(r"\]\(([^)#\s]+)(#[^)]*)?\)")
URL = re.compile(r"https?://\S+")


def line_findings(relative, number, line, what):
    if "\t" in line:
        yield "a tab"
    if line != line.rstrip():
        yield "white space at the end of the line"
    if what in CODE and len(line) > MAX_COLUMNS and not URL.search(line):
        yield f"{len(line)} columns, at most {MAX_COLUMNS}"
    for pattern, message in LEFTOVERS:
        if re.search(pattern, line):
            yield message
    if MACHINE_PATH.search(line):
        yield "a path of one developer's machine"
    if relative.parts[0] == "src" and what in {".cc", ".h"} and DEBUG_PRINT.search(line):
        yield "prints to the terminal; use base/log.h"


def file_findings(root, path):
    relative = path.relative_to(root)
    what = kind(path)
    text = path.read_text()
    lines = text.splitlines()
    if what in CODE and len(lines) > MAX_LINES:
        yield f"{relative}: {len(lines)} lines, at most {MAX_LINES}: look for the seam"
    if text and not text.endswith("\n"):
        yield f"{relative}: no newline at the end"
    if what == ".h" and relative.parts[0] in ("src", "apps") and "#pragma once" not in lines:
        yield f"{relative}: no #pragma once"
    for number, line in enumerate(lines, 1):
        for message in line_findings(relative, number, line, what):
            yield f"{relative}:{number}: {message}"
        if what == ".md":
            yield from link_findings(path, relative, number, line)


def link_findings(path, relative, number, line):
    for target, _ in LINK.findall(line):
        if not URL.match(target) and not (path.parent / target).exists():
            yield f"{relative}:{number}: the link {target} leads nowhere"


def command_findings(root):
    """Every `NAME_spec` of the command table is named by a file tests/conformance/NAME_*_test.cc.

    The forms of one command (read_6 ... read_16) may share their tests: read_*_test.cc. A test
    belongs to the longest name it begins with: read_capacity_test.cc says nothing about read.
    """
    table = root / "src/scsi/command_table.cc"
    if not table.exists():
        return
    rows = sorted(set(re.findall(r"\b(\w+)_spec\b", table.read_text())))
    if not rows:
        yield "src/scsi/command_table.cc: no row of the form NAME_spec found"
    tested = {longest_name(path.name, rows) for path in
              (root / "tests/conformance").rglob("*_test.cc")}
    for row in rows:
        if not tested & {row, stem(row)}:
            yield f"src/scsi/command_table.cc: {row} has no tests/conformance/{stem(row)}_*_test.cc"


def stem(row):
    """The command without the length of its CDB."""
    return re.sub(r"_\d+$", "", row)


def longest_name(test, rows):
    names = [n for row in rows for n in (row, stem(row)) if test.startswith(n + "_")]
    return max(names, key=len, default=None)


def findings(root):
    root = pathlib.Path(root)
    for path in files(root, TEXT):
        yield from file_findings(root, path)
    yield from command_findings(root)


def main():
    root = sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parents[2]
    found = list(findings(root))
    print("\n".join(found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
