"""Medians, the table, and the goals that bench/compare judges."""

import dataclasses
import statistics

MIB = 1 << 20


@dataclasses.dataclass(frozen=True)
class Point:
    operation: str  # read or write
    pattern: str  # rand or seq
    block: int
    depth: int

    @property
    def name(self):
        size = f"{self.block // MIB}M" if self.block >= MIB else f"{self.block // 1024}k"
        return f"{size}-{self.pattern}{self.operation}-{self.depth}"


POINTS = [Point(operation, "rand", 4096, depth)
          for operation in ("read", "write") for depth in (1, 32, 128)]
POINTS += [Point(operation, "seq", MIB, 8) for operation in ("read", "write")]


@dataclasses.dataclass(frozen=True)
class Goal:
    """`metric` of srpd over that of `peer` is at least, or at most, `bound`."""

    metric: str
    peer: str
    bound: float
    at_least: bool = True

    def met(self, ratio):
        return ratio >= self.bound if self.at_least else ratio <= self.bound


def goals(point):
    if point.block >= MIB:
        return [Goal("bytes_per_s", "floor", 0.95), Goal("bytes_per_s", "nbdkit", 1.0)]
    found = [Goal("iops", "tgt", 3.0), Goal("iops", "nbdkit", 2.0)]
    if point.depth == 1:
        found = [Goal("iops", "tgt", 2.0), Goal("iops", "nbdkit", 1.2),
                 Goal("p50_us", "floor", 1.5, at_least=False)]
    return found + [Goal("cpu_us", "nbdkit", 0.5, at_least=False)]


def medians(rounds):
    """One result per peer and point: the median of each number over the rounds."""
    keys = set().union(*rounds)
    return {key: statistics.median(r[key] for r in rounds if key in r) for key in keys}


def table(results):
    """results: {(point, peer): {metric: number}}."""
    def number(row, metric, form):
        return form.format(row[metric]) if metric in row else "-"

    lines = [f"{'':18} {'':8} {'IOPS':>10} {'MiB/s':>8} {'p50 µs':>9} {'p99 µs':>9} "
             f"{'server CPU µs/IO':>17}"]
    last = None
    for (point, peer), row in results.items():
        if point != last and last is not None:
            lines.append("")
        label = point.name if point != last else ""
        last = point
        lines.append(
            f"{label:18} {peer:8} {number(row, 'iops', '{:.0f}'):>10} "
            f"{row['bytes_per_s'] / MIB:8.0f} {number(row, 'p50_us', '{:.1f}'):>9} "
            f"{number(row, 'p99_us', '{:.1f}'):>9} {number(row, 'cpu_us', '{:.2f}'):>17}")
    return "\n".join(lines)


def judge(results):
    """[(point name, what, ratio, bound text, met)] for every goal whose two sides were measured."""
    verdicts = []
    for point in dict.fromkeys(point for point, _ in results):
        ours = results.get((point, "srpd"))
        for goal in goals(point) if ours else []:
            theirs = results.get((point, goal.peer))
            if not theirs or not theirs.get(goal.metric):
                continue
            ratio = ours[goal.metric] / theirs[goal.metric]
            bound = f"{'>=' if goal.at_least else '<='} {goal.bound:g}"
            verdicts.append((point.name, f"{goal.metric} / {goal.peer}", ratio, bound,
                             goal.met(ratio)))
    return verdicts


def verdict_table(verdicts):
    lines = [f"{name:18} {what:22} {ratio:8.2f}  {bound:8} {'pass' if met else 'FAIL'}"
             for name, what, ratio, bound, met in verdicts]
    passed = sum(met for *_, met in verdicts)
    lines.append(f"goals: {passed} of {len(verdicts)} met")
    return "\n".join(lines)
