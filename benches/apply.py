#!/usr/bin/env python3
"""Posting 2,000 resources × 3 components, against a script and against a bare load generator.

    python3 benches/apply.py --peer SCRIPT.py

Every contender has a fresh sandbox that takes 20 ms per request. What is stored afterwards is read
and compared with the input, whoever posted it. The peer is any script that takes the arguments
URL TOKEN FILE.xlsx MONTH OFFERING and uploads the file; without one, that comparison is left out.
"""
import json
import re
import sys
from decimal import Decimal
from pathlib import Path
from statistics import median

from make_inputs import CURRENT
from measure import Claims, Run, add_inputs, arguments, bench_target, inputs, run, table
from sandbox import Sandbox, sandbox

LATENCY = 20
CONNECTIONS = 8


def prove(who: str, server: Sandbox, bodies: list[dict]) -> None:
    """Ends the measuring where not exactly the input is stored."""
    wanted = {
        (body["resource"], item["type"]): Decimal(item["amount"]) for body in bodies for item in body["usages"]
    }
    stored = server.stored(CURRENT)
    if stored != wanted:
        differ = sum(stored.get(key) != amount for key, amount in wanted.items())
        raise SystemExit(f"{who}: {differ} of {len(wanted)} usages are not stored as the file has them")


def main() -> None:
    parser = arguments(__doc__, runs=5)
    parser.add_argument("--peer", type=Path, help="the script to compare with")
    parser.add_argument("--load-generator", help="load_generator (default: the newest build)")
    add_inputs(parser)
    options = parser.parse_args()
    generator = options.load_generator or bench_target("load_generator")
    has_peer = options.peer is not None and options.peer.exists()
    if not has_peer:
        missing = f"there is no {options.peer}" if options.peer else "none is named with --peer"
        print(f"without the comparison with a script: {missing}")
    times: dict[str, list[float]] = {}
    with inputs(options) as folder:
        bodies = [json.loads(line) for line in (folder / "apply.jsonl").read_text().splitlines()]
        offering = json.loads((folder / "world.json").read_text())["offerings"][0]["uuid"]

        def contend(who: str, command, *, tells_server: bool = True) -> Run:
            with sandbox(options.program, folder / "world.json", LATENCY) as server:
                variables = server.variables() if tells_server else {}
                done = run(command(server), folder, **variables)
                prove(who, server, bodies)
            times.setdefault(f"{who}: end to end", []).append(done.seconds)
            return done

        def apply(_: Sandbox) -> list:
            number = len(times.get("apply: end to end", []))
            flags = ["--offering", offering, "--yes", "-v", "--connections", CONNECTIONS]
            flags += ["--store", folder / f"store-{number}", "--results", folder / f"results-{number}"]
            return [options.program, "apply", folder / "apply.xlsx", *flags]

        def script(server: Sandbox) -> list:
            file = folder / "apply.xlsx"
            return [sys.executable, options.peer, server.url, server.token, file, CURRENT, offering]

        def generate(server: Sandbox) -> list:
            return [generator, server.url, folder / "apply.jsonl", CONNECTIONS]

        for _ in range(options.runs):
            for stage, seconds in contend("apply", apply).stages().items():
                times.setdefault(f"apply: {stage}", []).append(seconds)
            if has_peer:
                # Its own clock starts after its libraries are loaded.
                told = re.findall(r"([0-9.]+) s\b", contend("peer", script, tells_server=False).stdout)
                times.setdefault("peer: as it tells itself", []).append(sum(map(float, told)))
            done = contend("load generator", generate)
            if f"{len(bodies)} × 201" not in done.stdout:
                raise SystemExit(f"not every request was accepted: {done.stdout}")
            times.setdefault("load generator: its requests", []).append(float(done.stdout.split()[3]))

    print(f"{len(bodies):,} requests, {LATENCY} ms each, {CONNECTIONS} connections; {options.runs} runs, in turn")
    table(times)
    claims = Claims()
    own = median(times["apply: end to end"])
    if has_peer:
        faster = median(times["peer: end to end"]) / own
        told = median(times["peer: as it tells itself"]) / own
        figure = f"{faster:.2f} × ({told:.2f} × its own clock)"
        claims.check("end to end at least 3.00 × faster than the peer", figure, faster >= 3)
    rate = len(bodies) / median(times["apply: post"])
    bare = len(bodies) / median(times["load generator: its requests"])
    figure = f"{rate / bare:.3f} × ({rate:.0f} and {bare:.0f} requests per second)"
    claims.check("posting at least 0.90 × the load generator", figure, rate / bare >= 0.9)
    claims.exit()


if __name__ == "__main__":
    main()
