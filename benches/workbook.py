#!/usr/bin/env python3
"""How long the workbook of a large reconciliation takes, beside rust_xlsxwriter that writes as many plain
cells in as many sheets. Ends with 1 where it takes more than 1.5 times as long."""

import argparse
import json
import os
import statistics
import subprocess
import sys

TEST = "report::reconciliation::workbook::tests::measure::how_long_a_large_workbook_takes"
MOST = 1.5


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    command = ["cargo", "test", "--release", "--lib", TEST, "--", "--exact", "--nocapture"]
    environment = dict(os.environ, WALDUR_USAGE_LINES=str(options.lines))
    runs = []
    for _ in range(options.runs):
        output = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True).stdout
        runs.append(next(json.loads(line) for line in output.splitlines() if line.startswith("{")))
        print(runs[-1])
    ratio = statistics.median(run["ratio"] for run in runs)
    own = statistics.median(run["seconds"] for run in runs)
    plain = statistics.median(run["plain_seconds"] for run in runs)
    holds = ratio <= MOST
    print(f"{options.lines:,} lines, {runs[0]['cells']:,} cells in {runs[0]['sheets']} sheets: "
          f"{own:.2f} s, plain cells {plain:.2f} s, ratio {ratio:.2f} (at most {MOST}): "
          f"{'holds' if holds else 'MISSED'}")
    sys.exit(0 if holds else 1)


if __name__ == "__main__":
    main()
