#!/usr/bin/env python3
"""Checking 100,000 rows, or a million, against only reading them.

    python3 benches/check.py
    python3 benches/check.py --million

Runs in turn: `check` on the workbook, calamine's `worksheet_range` on the same sheet, `check` on the
same rows as csv; of a million also pandas with openpyxl on the workbook. What counts of `check` is its
stages `load` and `resolve`: everything that it does once the server's catalogue is there.
"""
import json
import subprocess
import sys
import tempfile
from argparse import Namespace
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Iterator

from measure import Claims, Run, add_inputs, arguments, bench_target, inputs, run, table
from sandbox import sandbox


@dataclass
class Size:
    """How many rows, and what is claimed of them: ratios to worksheet_range, and memory in MB."""

    rows: int
    xlsx: float
    csv: float
    megabytes: int


SMALL = Size(100_000, xlsx=2.0, csv=1.0, megabytes=300)
MILLION = Size(1_000_000, xlsx=2.5, csv=1.25, megabytes=900)
TIMES_PANDAS = 7
MAKE = """
import sys; sys.path.insert(0, sys.argv[1])
from pathlib import Path
import make_inputs
make_inputs.RESOURCES = 20_000
make_inputs.make_check(Path(sys.argv[2]))
"""
PANDAS = """
import sys, time
import pandas
start = time.perf_counter()
frame = pandas.read_excel(sys.argv[1], engine="openpyxl")
print(len(frame), time.perf_counter() - start)
"""


def stages(done: Run, size: Size) -> dict[str, float]:
    """The times of a check; one that did not take every row is none."""
    rows = json.loads(done.stdout)["rows"]
    if rows["rows_read"] != size.rows or rows["rows_used"] != size.rows:
        raise SystemExit(f"not every row was used: {rows}")
    return done.stages()


@contextmanager
def files(options: Namespace) -> Iterator[Path]:
    """The folder with the world and the files to check."""
    if options.inputs or not options.million:
        with inputs(options) as folder:
            yield folder
        return
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-c", MAKE, str(Path(__file__).parent), folder], check=True)
        yield Path(folder)


def main() -> None:
    parser = arguments(__doc__, runs=7)
    parser.add_argument("--peer", help="peer_calamine (default: the newest build)")
    parser.add_argument("--million", action="store_true", help="a million rows, and pandas beside them")
    add_inputs(parser)
    options = parser.parse_args()
    size = MILLION if options.million else SMALL
    peer = options.peer or bench_target("peer_calamine")
    times: dict[str, list[float]] = {}
    peaks: dict[str, list[float]] = {}
    with files(options) as folder, sandbox(options.program, folder / "world.json") as server:

        def check(ending: str) -> None:
            command = [options.program, "check", folder / f"check.{ending}", "-v", "--format", "json"]
            done = run(command, folder, **server.variables())
            took = stages(done, size)
            for stage in ("load", "resolve"):
                times.setdefault(f"{ending}: {stage}", []).append(took[stage])
            times.setdefault(f"{ending}: load + resolve", []).append(took["load"] + took["resolve"])
            peaks.setdefault(f"check.{ending}", []).append(done.peak_bytes)

        def read(name: str, command: list, header: int, last: int) -> None:
            words = run(command, folder).stdout.split()
            if int(words[0]) != size.rows + header:
                raise SystemExit(f"{name} read {words[0]} rows")
            times.setdefault(f"xlsx: {name}", []).append(float(words[last]))

        for _ in range(options.runs):
            check("xlsx")
            read("worksheet_range", [peer, folder / "check.xlsx"], header=1, last=3)
            check("csv")
            if options.million:
                read("pandas", [sys.executable, "-c", PANDAS, folder / "check.xlsx"], header=0, last=1)

    print(f"{size.rows:,} rows, {options.runs} runs each, in turn")
    table(times)
    table(peaks, unit="MB at most in memory", scale=1e-6)
    took = {name: median(figures) for name, figures in times.items()}
    xlsx, csv = took["xlsx: load + resolve"], took["csv: load + resolve"]
    reading = took["xlsx: worksheet_range"]
    peak = max(max(of_run) for of_run in peaks.values()) / 1e6
    claims = Claims()
    claims.check(
        f"xlsx takes at most {size.xlsx:.2f} × worksheet_range", f"{xlsx / reading:.2f} ×", xlsx <= size.xlsx * reading
    )
    figure = f"{csv / reading:.2f} ×, {csv / xlsx:.2f} × the xlsx"
    claims.check(f"csv takes at most half of that, {size.csv:.2f} ×", figure, csv <= size.csv * reading)
    claims.check(f"memory stays under {size.megabytes} MB", f"{peak:.0f} MB", peak < size.megabytes)
    if options.million:
        pandas = took["xlsx: pandas"]
        figure = f"{pandas / xlsx:.1f} × (xlsx), {pandas / csv:.1f} × (csv)"
        holds = pandas >= TIMES_PANDAS * max(xlsx, csv)
        claims.check(f"both at least {TIMES_PANDAS} × faster than pandas with openpyxl", figure, holds)
    claims.exit()


if __name__ == "__main__":
    main()
