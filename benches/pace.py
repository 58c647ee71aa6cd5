#!/usr/bin/env python3
"""Posting at the pace of the observed server: the adaptive number of requests against fixed ones.

    python3 benches/pace.py [--speed 20]

The sandbox takes the time that the recorded server took, divided by the speed. The program begins at
its default and gives way where the server asks for it; each fixed number is a contender of its own.
"""
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

from large import MAKE
from measure import Claims, arguments, run, table
from sandbox import sandbox

FIXED = [1, 2, 4, 8, 16]
RESOURCES = 200


def main() -> None:
    parser = arguments(__doc__, runs=5)
    parser.add_argument("--speed", type=int, default=20, help="by what the observed times are divided")
    options = parser.parse_args()
    times: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "inputs"
        make = [sys.executable, "-c", MAKE, str(Path(__file__).parent), str(folder), str(RESOURCES)]
        subprocess.run(make, check=True)
        for number in range(options.runs):
            for connections in [None, *FIXED]:
                who = "adaptive (default)" if connections is None else f"fixed at {connections:2}"
                model = f"observed:{options.speed}"
                with sandbox(options.program, folder / "world.json", model=model) as server:
                    command = [options.program, "apply", folder / "apply.csv", "--yes", "-v", "--no-invoices"]
                    command += ["--store", folder / f"store-{number}-{connections}"]
                    command += ["--results", folder / f"results-{number}-{connections}"]
                    command += [] if connections is None else ["--connections", connections]
                    done = run(command, folder, **server.variables())
                times.setdefault(who, []).append(done.stages()["post"])
    print(f"posting {RESOURCES} resources × 3, observed times divided by {options.speed}; {options.runs} runs")
    table(times)
    best = min(median(figures) for who, figures in times.items() if who.startswith("fixed"))
    own = median(times["adaptive (default)"])
    claims = Claims()
    claims.check("within 10 % of the best fixed number", f"{own / best:.3f} × its time", own <= 1.1 * best)
    claims.exit()


if __name__ == "__main__":
    main()
