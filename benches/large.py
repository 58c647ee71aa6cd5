#!/usr/bin/env python3
"""Posting without latency, and 20,000 resources: how fast the program itself is, and how large.

    python3 benches/large.py

The journal is on disk, in the folder that holds the inputs. What is stored afterwards is read and
compared with the input.
"""
import json
import subprocess
import sys
import tempfile
from decimal import Decimal
from pathlib import Path
from statistics import median

from make_inputs import CURRENT
from measure import Claims, arguments, run, table
from sandbox import sandbox

SIZES = {"2,000 resources": 2_000, "20,000 resources": 20_000}
# In a process of its own: what a program's parent has in memory counts as the program's peak.
MAKE = """
import sys; sys.path.insert(0, sys.argv[1])
from pathlib import Path
import json, make_inputs
make_inputs.RESOURCES = int(sys.argv[3])
folder = Path(sys.argv[2]); folder.mkdir(parents=True)
(folder / "world.json").write_text(json.dumps(make_inputs.world()))
rows = make_inputs.rows_to_apply()
make_inputs.write_csv(folder / "apply.csv", make_inputs.SHORT, rows)
make_inputs.write_bodies(folder / "apply.jsonl", rows)
"""


def main() -> None:
    parser = arguments(__doc__, runs=5)
    parser.add_argument("--connections", type=int, default=8)
    options = parser.parse_args()
    times: dict[str, list[float]] = {}
    peaks: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as temporary:
        for size, resources in SIZES.items():
            folder = Path(temporary) / str(resources)
            make = [sys.executable, "-c", MAKE, str(Path(__file__).parent), str(folder), str(resources)]
            subprocess.run(make, check=True)
        for number in range(options.runs):
            for size, resources in SIZES.items():
                folder = Path(temporary) / str(resources)
                with sandbox(options.program, folder / "world.json") as server:
                    command = [options.program, "apply", folder / "apply.csv", "--yes", "-v"]
                    command += ["--connections", options.connections, "--store", folder / f"store-{number}"]
                    command += ["--results", folder / f"results-{number}"]
                    done = run(command, folder, **server.variables())
                    stored = server.stored(CURRENT)
                wanted = {
                    (body["resource"], item["type"]): Decimal(item["amount"])
                    for body in map(json.loads, (folder / "apply.jsonl").read_text().splitlines())
                    for item in body["usages"]
                }
                if stored != wanted:
                    raise SystemExit(f"{size}: what is stored is not what the file says")
                for stage, seconds in done.stages().items():
                    times.setdefault(f"{size}: {stage}", []).append(seconds)
                times.setdefault(f"{size}: end to end", []).append(done.seconds)
                peaks.setdefault(size, []).append(done.peak_bytes)

    print(f"no latency, {options.connections} connections; {options.runs} runs")
    table(times)
    table(peaks, unit="MB", scale=1e-6)
    claims = Claims()
    rate = SIZES["2,000 resources"] / median(times["2,000 resources: post"])
    claims.check("at least 1,000 resources posted per second", f"{rate:.0f}", rate >= 1_000)
    peak = median(peaks["20,000 resources"])
    claims.check("20,000 resources under 250 MB", f"{peak / 1e6:.0f} MB", peak < 250e6)
    claims.exit()


if __name__ == "__main__":
    main()
