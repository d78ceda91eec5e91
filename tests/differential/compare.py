#!/usr/bin/env python3
"""compare.py KERNEL KERNELS-RECORD OUR-RECORD: prints each step that srpd answers otherwise than
the kernel, unless deviations.py says that it is meant; and what is said there and is not so.
KERNELS-RECORD may hold the records of several kernels; scripts that OUR-RECORD lacks are left out.

compare.py --equal KERNEL FILE RECORD: whether the file still holds what the kernel answers.
compare.py --merge FIRST-NAME FIRST SECOND-NAME SECOND: prints the file for both."""

import collections
import difflib
import re
import sys

import records
from deviations import DEVIATIONS

SHOWN = 2000


def by_words(steps):
    """Steps by what was done; the same done again has a number."""
    found, times = {}, collections.Counter()
    for step in steps:
        key = (step.script, step.section, step.words)
        times[key] += 1
        found[(*key, times[key])] = step
    return found


class Comparison:
    def __init__(self, kernel):
        self.kernel = kernel
        self.met = collections.Counter()
        self.unmeant = []

    def meant(self, step, kernels, ours):
        for index, deviation in enumerate(DEVIATIONS):
            if (self.kernel in deviation.kernels and deviation.script in ("", step.script) and
                    re.fullmatch(deviation.section, step.section) and
                    re.fullmatch(deviation.step, step.words) and
                    re.fullmatch(deviation.kernel, kernels, re.DOTALL) and
                    re.fullmatch(deviation.ours, ours, re.DOTALL)):
                self.met[index] += 1
                return True
        return False

    def compare(self, kernels, ours):
        for key, step in kernels.items():
            mine = ours.get(key)
            answer = mine.answer if mine else "(missing)"
            if answer != step.answer and not self.meant(step, step.answer, answer):
                self.unmeant.append((step, answer))
        for key, step in ours.items():
            if key not in kernels and not self.meant(step, "(missing)", step.answer):
                self.unmeant.append((step._replace(answer="(missing)"), step.answer))

    def unmet(self, scripts):
        return [deviation for index, deviation in enumerate(DEVIATIONS)
                if not self.met[index] and self.kernel in deviation.kernels and
                (not deviation.script or deviation.script in scripts)]


def compared(kernel, kernels_lines, our_lines):
    ours = records.steps_of(our_lines)
    scripts = {step.script for step in ours}
    kernels = [step for step in records.steps_of(kernels_lines) if step.script in scripts]
    if not kernels:
        print("FAIL: there is nothing to compare with")
        return 1
    comparison = Comparison(kernel)
    comparison.compare(by_words(kernels), by_words(ours))
    for step, answer in comparison.unmeant[:SHOWN]:
        print(f"{step.script}: {step.section}: {step.words}\n  kernel: {step.answer}\n"
              f"  srpd:   {answer}")
    unmet = comparison.unmet(scripts)
    for deviation in unmet:
        print(f"no longer so: {deviation.step}: {deviation.kernel} / {deviation.ours} "
              f"({deviation.reason})")
    print(f"{len(kernels)} steps, {len(comparison.unmeant)} answered otherwise, "
          f"{sum(comparison.met.values())} of them on purpose by {len(comparison.met)} rules")
    return 1 if comparison.unmeant or unmet else 0


def main():
    words = sys.argv[1:]
    if words[0] == "--merge":
        first, second = records.read(words[2]), records.read(words[4])
        print("\n".join(records.merged(first, second, (words[1], words[3]))))
        return 0
    equal = words[0] == "--equal"
    kernel, kernels_file, record = words[1:] if equal else words
    kernels_lines, our_lines = records.read(kernels_file), records.read(record)
    if any("|" in line.partition(" ")[0] for line in kernels_lines[:50]):
        kernels_lines = records.of_kernel(kernels_lines, kernel)
    if not equal:
        return compared(kernel, kernels_lines, our_lines)
    difference = list(difflib.unified_diff(kernels_lines, our_lines, "kept", "kernel", n=0,
                                           lineterm=""))
    print("\n".join(difference[:SHOWN]))
    return 1 if difference else 0


if __name__ == "__main__":
    sys.exit(main())
