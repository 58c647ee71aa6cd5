#!/usr/bin/env python3
"""Reading a month of 300,000 usages for an export: the program against a bare client.

    python3 benches/export_read.py

The sandbox takes 20 ms per request, and both use 8 connections. The bare client (`load_generator.rs`) is
told the very pages beforehand, with the same fields, and parses their JSON; the program finds the pages,
proves that none lost a row, and puts the rows into typed, sorted, hashed columns. The two take turns.
"""
import json
import sys
import tempfile
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from urllib.parse import urlencode

from measure import Claims, arguments, bench_target, run, table
from sandbox import sandbox

RESOURCES, COMPONENTS = 60_000, 5
PERIOD = "2026-10"
PAGE = 300
CONNECTIONS = 8
LATENCY = 20
LIST = "/api/marketplace-component-usages/"
FIELDS = [
    "uuid", "resource_uuid", "usage", "description", "recurring", "missing_usage_policy", "date", "created",
    "modified_by", "billing_period",
]


def write_pages(world: Path, requests: Path) -> None:
    """Writes the requests of all pages of the month, one slice for each component type."""
    types: dict[str, int] = {}
    for usage in json.loads(world.read_bytes())["usages"]:
        types[usage["type"]] = types.get(usage["type"], 0) + 1
    paths = []
    for kind, count in sorted(types.items()):
        for page in range(1, -(-count // PAGE) + 1):
            query = [("billing_period", f"{PERIOD}-01"), ("type", kind)]
            query += [("field", field) for field in FIELDS] + [("page_size", PAGE)]
            query += [("page", page)] if page > 1 else []
            paths.append(f"GET {LIST}?{urlencode(query)}")
    requests.write_text("\n".join(paths) + "\n")


def main() -> None:
    options = arguments(__doc__, runs=5).parse_args()
    client = bench_target("load_generator")
    times: dict[str, list[float]] = {}
    peak = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        world = folder / "world.json"
        size = ["--resources", RESOURCES, "--components", COMPONENTS, "--months", 1]
        run([options.program, "sandbox", "world", "new", *size, "-o", world], folder)
        count = RESOURCES * COMPONENTS
        requests = folder / "requests.txt"
        # In a process of its own: what a program's parent has in memory counts as the program's peak.
        writing = get_context("spawn").Process(target=write_pages, args=(world, requests))
        writing.start()
        writing.join()
        with sandbox(options.program, world, latency=LATENCY) as server:
            variables = server.variables()
            for number in range(options.runs):
                target = folder / f"target-{number}"
                command = [options.program, "export", "--period", PERIOD, "--what", "usages", "-v"]
                command += ["--to", f"parquet:{target}", "--connections", CONNECTIONS]
                done = run(command, folder, **variables)
                manifest = json.loads((target / "manifest.json").read_bytes())
                rows = sum(entry["rows"] for entry in manifest["slices"])
                if rows != count:
                    sys.exit(f"{rows} rows were exported, and there are {count}")
                times.setdefault("program", []).append(done.stages()[f"reading {PERIOD}"])
                peak = max(peak, done.peak_bytes)
                done = run([client, server.url, requests, CONNECTIONS, "--parse"], folder, **variables)
                asked = done.stdout.split()
                if f"{asked[0]} × 200" not in done.stdout:
                    sys.exit(f"not every page came: {done.stdout}")
                times.setdefault("bare client", []).append(float(asked[3]))
    print(f"{count:,} usages, {PAGE} a page, {LATENCY} ms a request, {CONNECTIONS} connections")
    table(times)
    ratio = median(times["bare client"]) / median(times["program"])
    print(f"at most {peak / 2**20:.0f} MiB in the program")
    claims = Claims()
    claims.check("at least 0.9 × the bare client", f"{ratio:.2f} × its speed", ratio >= 0.9)
    claims.exit()


if __name__ == "__main__":
    main()
