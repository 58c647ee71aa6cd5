#!/usr/bin/env python3
"""How long `--version`, `--help`, the help of a command and a completion take, from start to exit.

    python3 benches/start.py

The completion is one of names that a run against a large world left in the store.
"""
import subprocess
import tempfile
from pathlib import Path
from statistics import median

from measure import Claims, arguments, run, table

MOST = 30


def fill(program: Path, folder: Path) -> None:
    """Leaves the names of a server in the store of a folder."""
    sandbox = subprocess.Popen(
        [program, "sandbox", "--quiet", "--listen", "127.0.0.1:0"], stdout=subprocess.PIPE, text=True
    )
    try:
        assert sandbox.stdout
        words = sandbox.stdout.readline().split()
        token = next(word.split("=")[1] for word in words if word.startswith("staff="))
        variables = {"WALDUR_API_URL": words[0], "WALDUR_ACCESS_TOKEN": token, "WALDUR_USAGE_STORE": str(folder)}
        command = [program, "missing", "--period", "2026-11", "--offering", "HPC allocation"]
        run(command, folder, **variables)
    finally:
        sandbox.terminate()
        sandbox.wait()


def main() -> None:
    options = arguments(__doc__, runs=21).parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        fill(options.program, folder)
        commands = {
            "--version": ["--version"],
            "--help": ["--help"],
            "reconcile --help": ["reconcile", "--help"],
            "a completion of names": ["complete", "bash", "--", "waldur-usage check --offering HP", "HP"],
        }
        # What another version may not have yet is not measured.
        help_text = run([options.program, "--help"], folder).stdout
        if "\n  config " in help_text:
            commands["config explain"] = ["config", "explain"]
        times: dict[str, list[float]] = {what: [] for what in commands}
        for _ in range(options.runs):
            for what, words in commands.items():
                done = run([options.program, *words], folder, WALDUR_USAGE_STORE=str(folder))
                times[what].append(done.seconds)
                if what == "a completion of names" and "allocation" not in done.stdout:
                    raise SystemExit(f"nothing was completed: {done.stdout}")
    table(times, unit="ms", scale=1000)
    claims = Claims()
    for what, seconds in times.items():
        took = median(seconds) * 1000
        claims.check(f"{what} takes less than {MOST} ms", f"{took:.1f} ms", took < MOST)
    claims.exit()


if __name__ == "__main__":
    main()
