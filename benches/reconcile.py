#!/usr/bin/env python3
"""Reconciling a million keys a side, or five, against DataComPy and csv-diff.

    python3 benches/reconcile.py
    python3 benches/reconcile.py --keys 5000000

Makes one csv file for each side, a statement and a saved `list` of the same columns; one key in a hundred differs. Then runs in
turn: `reconcile` with `--server-rows`, DataComPy with polars, and the csv-diff crate, each from the two files to
the finished comparison, with no report written; time and memory are those of the whole process. `--growth` takes a half and a quarter of the keys too.
"""
import argparse
import importlib.util
import math
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from measure import Claims, arguments, bench_target, run, table

GIB = 1024**3
# One process makes the files: what a program's parent has in memory counts as the program's peak.
MAKE = """
import random, sys
folder, keys = sys.argv[1], int(sys.argv[2])
draw = random.Random(6)
COMPONENTS = [("cpu", "hours"), ("gpu", "hours"), ("ram", "GB-hours"), ("storage", "GB"), ("network", "GB")]
MONTHS = [f"2026-{month:02}-01" for month in range(1, 11)]
headers = ["uuid,resource_uuid,component_type,unit,amount,billing_period\\n"]
headers += ["uuid,resource_uuid,type,measured_unit,usage,billing_period\\n"]
counts = {"changed": 0, "added": 0, "removed": 0}
number = 0
with open(folder + "/file.csv", "w") as file, open(folder + "/server.csv", "w") as server:
    file.write(headers[0])
    server.write(headers[1])
    while number < keys:
        resource = f"{draw.getrandbits(128):032x}"
        for component, unit in COMPONENTS:
            for month in MONTHS:
                if number == keys:
                    break
                number += 1
                cents = draw.randrange(1, 10_000_000)
                uuid = f"{draw.getrandbits(128):032x}"
                row = lambda cents: (
                    f"{uuid},{resource},{component},{unit},{cents // 100}.{cents % 100:02},{month}\\n"
                )
                fate = draw.randrange(1000)
                if fate == 0:
                    counts["added"] += 1
                    file.write(row(cents))
                elif fate == 1:
                    counts["removed"] += 1
                    server.write(row(cents))
                else:
                    changed = fate < 10
                    counts["changed"] += changed
                    file.write(row(cents + 777 * changed))
                    server.write(row(cents))
print(counts["changed"], counts["added"], counts["removed"])
"""
DATACOMPY = """
import sys, time
import polars
from datacompy.polars import PolarsCompare
start = time.perf_counter()
file = polars.read_csv(sys.argv[1]).drop("uuid", "unit")
server = polars.read_csv(sys.argv[2]).drop("uuid", "measured_unit")
server = server.rename({"type": "component_type", "usage": "amount"})
compare = PolarsCompare(file, server, join_columns=["resource_uuid", "component_type", "billing_period"])
both = len(compare.intersect_rows)
changed = both - compare.count_matching_rows()
print(changed, len(compare.df1_unq_rows), len(compare.df2_unq_rows), time.perf_counter() - start)
"""
VERDICT = re.compile(r"(?:Agrees but for|Differs in) ([0-9,]+) of ([0-9,]+) keys")


@dataclass
class Made:
    """The two files, and how they differ."""

    folder: Path
    keys: int
    changed: int
    added: int
    removed: int

    @property
    def breaks(self) -> int:
        return self.changed + self.added + self.removed

    @property
    def files(self) -> list[Path]:
        return [self.folder / "file.csv", self.folder / "server.csv"]


def make(folder: Path, keys: int) -> Made:
    folder.mkdir(parents=True)
    command = [sys.executable, "-c", MAKE, str(folder), str(keys)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return Made(folder, keys, *map(int, done.stdout.split()))


class Contest:
    """The runs of all contenders: how long each took, and what it had in memory at most."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.seconds: dict[str, list[float]] = {}
        self.peaks: dict[str, list[float]] = {}

    def take(self, name: str, command: list, folder: Path):
        done = run(command, folder)
        self.seconds.setdefault(name, []).append(done.seconds)
        self.peaks.setdefault(name, []).append(done.peak_bytes)
        return done

    def reconcile(self, name: str, made: Made) -> None:
        file, server = made.files
        command = [self.options.program, "reconcile", file, "--server-rows", server, "--period", "2026-01..2026-10"]
        # Differences are what is measured, and no reason to end with 1. The lists are of years gone by.
        command += ["--fail-on", f"rows:{made.keys + 1}", "--now", "2026-12-02T08:00:00Z", "-v"]
        done = self.take(name, command, made.folder)
        found = VERDICT.search(done.stdout)
        counts = [int(count.replace(",", "")) for count in found.groups()] if found else None
        if counts != [made.breaks, made.keys]:
            sys.exit(f"reconcile found {counts} and not {made.breaks} of {made.keys}:\n{done.stdout[:2000]}")
        for stage, seconds in done.stages().items():
            self.seconds.setdefault(f"{name}: {stage}", []).append(seconds)

    def datacompy(self, name: str, made: Made) -> None:
        done = self.take(name, [self.options.python, "-c", DATACOMPY, *made.files], made.folder)
        words = done.stdout.split()
        if list(map(int, words[:3])) != [made.changed, made.added, made.removed]:
            sys.exit(f"DataComPy found {words[:3]}")
        # Whoever has loaded the libraries for something else pays its own work alone.
        self.seconds.setdefault(f"{name}, without loading libraries", []).append(float(words[3]))

    def csv_diff(self, name: str, made: Made) -> None:
        done = self.take(name, [self.options.peer, *made.files], made.folder)
        count = int(done.stdout.split()[0])
        if count != made.breaks:
            sys.exit(f"csv-diff found {count} differences and not {made.breaks}")


def main() -> None:
    parser = arguments(__doc__, runs=5)
    parser.add_argument("--keys", type=int, default=1_000_000, help="keys a side (default: %(default)s)")
    parser.add_argument("--growth", action="store_true", help="a half and a quarter of the keys too")
    parser.add_argument("--python", type=Path, default=Path(sys.executable), help="a Python with datacompy and polars")
    parser.add_argument("--peer", type=Path, help="peer_csv_diff (default: the newest build)")
    options = parser.parse_args()
    options.peer = options.peer or bench_target("peer_csv_diff")
    has_datacompy = options.python != Path(sys.executable) or importlib.util.find_spec("datacompy") is not None
    contest = Contest(options)
    sizes = [options.keys // 4, options.keys // 2] if options.growth else []
    with tempfile.TemporaryDirectory() as temporary:
        made = make(Path(temporary) / "all", options.keys)
        parts = [make(Path(temporary) / str(keys), keys) for keys in sizes]
        for _ in range(options.runs):
            contest.reconcile("reconcile", made)
            if has_datacompy:
                contest.datacompy("DataComPy", made)
            contest.csv_diff("csv-diff", made)
            for part in parts:
                contest.reconcile(f"reconcile, {part.keys:,} keys", part)
    print(f"{options.keys:,} keys a side, {made.breaks:,} of them differ; {options.runs} runs each, in turn")
    table(contest.seconds)
    table(contest.peaks, unit="MB at most in memory", scale=1e-6)
    claim(contest, options, has_datacompy, sizes)


def claim(contest: Contest, options: argparse.Namespace, has_datacompy: bool, sizes: list[int]) -> None:
    seconds = {name: median(figures) for name, figures in contest.seconds.items()}
    peaks = {name: median(figures) for name, figures in contest.peaks.items()}
    own, peak = seconds["reconcile"], peaks["reconcile"]
    claims = Claims()
    if has_datacompy:
        other = seconds["DataComPy"]
        claims.check("faster than DataComPy with polars, as processes", f"{own / other:.2f} × its time", own < other)
        work = seconds["DataComPy, without loading libraries"]
        print(f"  beside DataComPy in a Python that has loaded its libraries already: {own / work:.2f} × its time")
        other = peaks["DataComPy"]
        claims.check("with less memory", f"{peak / other:.2f} × its memory", peak < other)
    else:
        print("  DataComPy is left out: pip install datacompy polars")
    ratio, memory = own / seconds["csv-diff"], peak / peaks["csv-diff"]
    print(f"  beside csv-diff, which compares bytes: {ratio:.2f} × its time, {memory:.2f} × its memory")
    if options.keys >= 5_000_000:
        claims.check("within 1.5 GiB", f"{peak / GIB:.2f} GiB", peak <= 1.5 * GIB)
    for keys in sizes:
        grown = own / seconds[f"reconcile, {keys:,} keys"]
        allowed = options.keys * math.log(options.keys) / (keys * math.log(keys))
        figure = f"{grown:.2f} × from {keys:,} keys, and n log n is {allowed:.2f} ×"
        # Small runs are mostly starting up; a tenth is left for the noise of a machine.
        claims.check("time grows no worse than n log n", figure, grown <= allowed * 1.1)
    claims.exit()


if __name__ == "__main__":
    main()
