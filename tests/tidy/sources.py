"""The files of the repository that the style tests look at."""

import pathlib

FOLDERS = ("src", "apps", "tests", "bench", "tools", "cmake", "include", "docs", "examples", ".ci")
SKIPPED_PARTS = {"build", "__pycache__", "corpus"}


def files(root, suffixes):
    """Every file below the source folders of `root`, and in `root` itself, with one of `suffixes`.

    A file without a suffix counts as its interpreter says: ".py" or ".sh".
    """
    root = pathlib.Path(root)
    candidates = [p for p in root.iterdir() if p.is_file()]
    for folder in FOLDERS:
        candidates += [p for p in (root / folder).rglob("*") if p.is_file()]
    found = []
    for path in candidates:
        if SKIPPED_PARTS & set(path.relative_to(root).parts):
            continue
        if kind(path) in suffixes:
            found.append(path)
    return sorted(found)


def kind(path):
    if path.name == "CMakeLists.txt":
        return ".cmake"
    if path.suffix or path.name.startswith("."):
        return path.suffix
    with open(path, "rb") as file:
        first = file.readline(80)
    if not first.startswith(b"#!"):
        return ""
    return ".py" if b"python" in first else ".sh"
