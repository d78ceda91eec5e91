"""Records as record.py writes them, and the file that holds those of several kernels: its lines
begin with the kernel that answers so, or with nothing where all do."""

import collections
import difflib

Step = collections.namedtuple("Step", "script section words answer")


def sweep_steps(script, section, words, line):
    """One step for each value; `line` is ` RESULT TEXT[=>VALUE]...`."""
    result, *texts = line.strip().split(" ")
    for text in texts or [""]:
        value, arrow, after = text.partition("=>")
        yield Step(script, section, f"{words} {value}", f"{result}{arrow}{after}")


def steps_of(lines):
    """The steps of a record, in the order of the values for those of a sweep."""
    steps = []
    script = section = words = ""
    for line in lines:
        if line.startswith("=== "):
            script = line[4:]
        elif line.startswith("== "):
            section = line[3:]
        elif line.startswith(" "):
            steps.extend(sweep_steps(script, section, words, line))
        else:
            words, _, answer = line.partition("\t")
            steps.append(Step(script, section, words, answer))
    return steps


def read(path):
    with open(path, encoding="ascii") as file:
        return file.read().splitlines()


def of_kernel(lines, kernel):
    """One kernel's record from the file of several."""
    return [text for owner, _, text in (line.partition("|") for line in lines
                                        if not line.startswith("#"))
            if owner in ("", kernel)]


def merged(first, second, names):
    """Both records as one file."""
    lines = []
    matcher = difflib.SequenceMatcher(a=first, b=second, autojunk=False)
    for _, first_from, first_to, second_from, second_to in matcher.get_opcodes():
        if first[first_from:first_to] == second[second_from:second_to]:
            lines += [f"|{line}" for line in first[first_from:first_to]]
        else:
            lines += [f"{names[0]}|{line}" for line in first[first_from:first_to]]
            lines += [f"{names[1]}|{line}" for line in second[second_from:second_to]]
    return lines
