#!/usr/bin/env python3
"""Holds the includes of src/ to the layers that CMakeLists.txt declares.

A file of layer L may include its own layer and those that `layer(L DEPENDS ...)` names, not what
these depend on in turn. Two layers are also seams: from outside only their seam headers are seen,
except by control and the programs, which build the concrete things. The implementations
behind a seam do not see each other.

usage: check_layers.py [ROOT]
"""

import pathlib
import re
import sys

from sources import files

INCLUDE = re.compile(r'^\s*#\s*include\s+["<]([^">]+)[">]')
LAYER = re.compile(r"^layer\((\w+)([^)]*)\)", re.MULTILINE)

# Layer -> what of it other layers may include; BUILDERS may include everything.
SEAMS = {"store": {"store/backstore.h", "store/pass_through.h"},
         "transport": {"transport/transport.h"}}
BUILDERS = {"control"}


def declared_layers(cmake_text):
    """{layer: set of layers it may include}, from the layer() calls."""
    layers = {}
    for name, rest in LAYER.findall(cmake_text):
        words = rest.split()
        depends = []
        if "DEPENDS" in words:
            for word in words[words.index("DEPENDS") + 1:]:
                if word == "LINKS":
                    break
                depends.append(word)
        layers[name] = set(depends)
    return layers


def wrong_include(includer, included, layers):
    """Why `includer` (a path below src/) may not include `included`, or None."""
    layer, other = includer.parts[0], pathlib.PurePosixPath(included).parts[0]
    if other not in layers:
        return None  # a system or library header
    if other == layer:
        return across_implementations(includer, pathlib.PurePosixPath(included))
    if other not in layers[layer]:
        return f"{layer} does not depend on {other} (see layer({layer} ...) in CMakeLists.txt)"
    if other in SEAMS and layer not in BUILDERS and included not in SEAMS[other]:
        return f"{layer} sees only {', '.join(sorted(SEAMS[other]))} of {other}"
    return None


def across_implementations(includer, included):
    """transport/iwarp/ and transport/local/ do not know each other."""
    if includer.parts[0] != "transport" or len(includer.parts) < 3 or len(included.parts) < 3:
        return None
    if includer.parts[1] == included.parts[1]:
        return None
    return f"{includer.parent} does not see {included.parent}"


def findings(root):
    root = pathlib.Path(root)
    layers = declared_layers((root / "CMakeLists.txt").read_text())
    if not layers:
        yield "CMakeLists.txt: no layer() found"
        return
    for path in files(root, {".h", ".cc"}):
        relative = path.relative_to(root)
        if relative.parts[0] != "src":
            continue
        inside = relative.relative_to("src")
        if inside.parts[0] not in layers:
            yield f"{relative}: {inside.parts[0]} is no layer of CMakeLists.txt"
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
            match = INCLUDE.match(line)
            # The C library has folders of such names: <scsi/sg.h>.
            foreign = match and "<" in line and not (root / "src" / match.group(1)).exists()
            why = match and not foreign and wrong_include(inside, match.group(1), layers)
            if why:
                yield f"{relative}:{number}: {why}"


def main():
    root = sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parents[2]
    found = list(findings(root))
    print("\n".join(found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
