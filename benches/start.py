#!/usr/bin/env python3
"""How long `--version` and `--help` take, from start to exit.

    python3 benches/start.py
"""
import tempfile
from pathlib import Path
from statistics import median

from measure import Claims, arguments, run, table


def main() -> None:
    options = arguments(__doc__, runs=21).parse_args()
    times: dict[str, list[float]] = {"--version": [], "--help": []}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(options.runs):
            for flag, seconds in times.items():
                seconds.append(run([options.program, flag], Path(folder)).seconds)
    table(times, unit="ms", scale=1000)
    claims = Claims()
    for flag, seconds in times.items():
        took = median(seconds) * 1000
        claims.check(f"{flag} takes less than 20 ms", f"{took:.1f} ms", took < 20)
    claims.exit()


if __name__ == "__main__":
    main()
