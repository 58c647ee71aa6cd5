#!/usr/bin/env python3
"""Checking 100,000 rows, against only reading them.

    python3 benches/check.py

Runs in turn: `check` on the workbook, calamine's `worksheet_range` on the same sheet, `check` on the
same rows as csv. What counts of `check` is its stages `load` and `resolve`: everything that it does
once the server's catalogue is there.
"""
import json
from statistics import median

from measure import Claims, Run, add_inputs, arguments, bench_target, inputs, run, table
from sandbox import sandbox

ROWS = 100_000
LARGEST = 300 * 10**6


def stages(done: Run) -> dict[str, float]:
    """The times of a check; one that did not take every row is none."""
    rows = json.loads(done.stdout)["rows"]
    if rows["rows_read"] != ROWS or rows["rows_used"] != ROWS:
        raise SystemExit(f"not every row was used: {rows}")
    return done.stages()


def main() -> None:
    parser = arguments(__doc__, runs=7)
    parser.add_argument("--peer", help="peer_calamine (default: the newest build)")
    add_inputs(parser)
    options = parser.parse_args()
    peer = options.peer or bench_target("peer_calamine")
    times: dict[str, list[float]] = {}
    peaks: dict[str, list[float]] = {}
    with inputs(options) as folder, sandbox(options.program, folder / "world.json") as server:

        def check(ending: str) -> None:
            command = [options.program, "check", folder / f"check.{ending}", "-v", "--format", "json"]
            done = run(command, folder, **server.variables())
            took = stages(done)
            for stage in ("load", "resolve"):
                times.setdefault(f"{ending}: {stage}", []).append(took[stage])
            times.setdefault(f"{ending}: load + resolve", []).append(took["load"] + took["resolve"])
            peaks.setdefault(f"check.{ending}", []).append(done.peak_bytes)

        def read() -> None:
            done = run([peer, folder / "check.xlsx"], folder)
            rows, seconds = int(done.stdout.split()[0]), float(done.stdout.split()[3])
            if rows != ROWS + 1:
                raise SystemExit(f"the peer read {rows} rows")
            times.setdefault("xlsx: worksheet_range", []).append(seconds)

        for _ in range(options.runs):
            check("xlsx")
            read()
            check("csv")

    print(f"{ROWS:,} rows, {options.runs} runs each, in turn")
    table(times)
    table(peaks, unit="MB at most in memory", scale=1e-6)
    reading = median(times["xlsx: worksheet_range"])
    xlsx = median(times["xlsx: load + resolve"]) / reading
    csv = median(times["csv: load + resolve"]) / reading
    peak = max(max(of_run) for of_run in peaks.values())
    claims = Claims()
    claims.check("xlsx takes at most 2.00 × worksheet_range", f"{xlsx:.2f} ×", xlsx <= 2)
    figure = f"{csv:.2f} ×, {csv / xlsx:.2f} × the xlsx"
    claims.check("csv takes at most half of that, 1.00 ×", figure, csv <= 1)
    claims.check("memory stays under 300 MB", f"{peak / 1e6:.0f} MB", peak < LARGEST)
    claims.exit()


if __name__ == "__main__":
    main()
