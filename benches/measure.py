"""Runs programs, measures them, and holds the figures against what is claimed."""
import os
import re
import subprocess
import sys
import tempfile
import time
from argparse import ArgumentParser, Namespace
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Iterator

ROOT = Path(__file__).resolve().parent.parent
RELEASE = ROOT / "target" / "release"
STAGE = re.compile(r"^([a-z][a-z0-9 (),-]*): ([0-9.]+) s$", re.MULTILINE)


@dataclass
class Run:
    """One run of a program."""

    seconds: float
    peak_bytes: int
    stdout: str
    stderr: str

    def stages(self) -> dict[str, float]:
        """The time of each stage, as `-v` tells it; a stage that comes twice is added up."""
        stages: dict[str, float] = {}
        for stage, seconds in STAGE.findall(self.stderr):
            stages[stage] = stages.get(stage, 0.0) + float(seconds)
        return stages


def run(command: list, folder: Path, **variables: str) -> Run:
    """Runs a program to its end; anything but exit status 0 ends the measuring.

    Settings of the user's own must not change what is measured, so the program sees none of them.
    """
    if not Path(command[0]).is_file():
        sys.exit(f"there is no {command[0]}: cargo build --release, or name another")
    own = {name: value for name, value in os.environ.items() if not name.startswith("WALDUR")}
    environment = {**own, "XDG_CONFIG_HOME": str(folder), "XDG_DATA_HOME": str(folder), **variables}
    with tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr:
        start = time.perf_counter()
        process = subprocess.Popen(
            [str(word) for word in command],
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            env=environment,
        )
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        stdout.seek(0)
        stderr.seek(0)
        texts = [file.read().decode(errors="replace") for file in (stdout, stderr)]
    # Linux counts in kilobytes, macOS in bytes.
    peak_bytes = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    if process.returncode != 0:
        sys.exit(f"{command[0]} ended with {process.returncode}:\n{texts[0][-2000:]}\n{texts[1][-2000:]}")
    return Run(seconds, peak_bytes, *texts)


def bench_target(name: str) -> Path:
    """The newest build of a bench target."""
    found = [path for path in (RELEASE / "deps").glob(f"{name}-*") if path.suffix in ("", ".exe")]
    if not found:
        sys.exit(f"{name} is not built: cargo bench --no-run")
    return max(found, key=lambda path: path.stat().st_mtime)


def arguments(description: str | None, runs: int) -> ArgumentParser:
    """The options that every script has."""
    parser = ArgumentParser(description=(description or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=runs, help="how often each is run (default: %(default)s)")
    parser.add_argument("--program", type=Path, default=RELEASE / "waldur-usage", help="waldur-usage")
    return parser


def add_inputs(parser: ArgumentParser) -> None:
    parser.add_argument("--inputs", type=Path, help="a folder of make_inputs.py, instead of making them anew")


@contextmanager
def inputs(options: Namespace) -> Iterator[Path]:
    """The folder with the inputs; a temporary one unless another is given."""
    if options.inputs:
        yield options.inputs
        return
    with tempfile.TemporaryDirectory() as folder:
        # In a process of its own: what a program's parent has in memory counts as the program's peak.
        subprocess.run([sys.executable, Path(__file__).with_name("make_inputs.py"), folder], check=True)
        yield Path(folder)


class Claims:
    """What is claimed and whether it holds."""

    def __init__(self) -> None:
        self.missed = 0

    def check(self, what: str, figure: str, holds: bool) -> None:
        self.missed += not holds
        print(f"  {'holds ' if holds else 'MISSED'}  {what}: {figure}")

    def exit(self) -> None:
        """Ends with 1 where a claim is missed."""
        sys.exit(1 if self.missed else 0)


def table(rows: dict[str, list[float]], unit: str = "s", scale: float = 1.0) -> None:
    """Median, least and greatest of each row."""
    width = max(len(name) for name in rows)
    print(f"{'':{width}}  {'median':>9}  {'least':>9}  {'greatest':>9}  {unit}")
    for name, figures in rows.items():
        shown = [median(figures), min(figures), max(figures)]
        print(f"{name:{width}}  " + "  ".join(f"{figure * scale:9.3f}" for figure in shown))
