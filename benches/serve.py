#!/usr/bin/env python3
"""The sandbox on 20,000 resources and 1,000,000 usages: memory, pages at any depth, posts.

    python3 benches/serve.py

A page of 300 rows is compared with a bare axum handler that answers the same bytes; the two take
turns under the same load generator, on one connection.
"""
import json
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Iterator
from urllib.request import ProxyHandler, Request, build_opener

from measure import Claims, arguments, bench_target, run, table
from sandbox import sandbox

RESOURCES, COMPONENTS, MONTHS = 20_000, 5, 10
PAGE = 300
# The kernel sends the first few hundred answers of a connection faster than those after them: a
# shorter run would measure a burst of a few milliseconds.
READS = 5_000
POSTS = 20_000
CONNECTIONS = 8
LIST = "/api/marketplace-component-usages/"


@contextmanager
def bare_server(file: Path) -> Iterator[str]:
    """The URL of a handler that answers the bytes of a file."""
    process = subprocess.Popen([bench_target("bare_server"), file], stdout=subprocess.PIPE, text=True)
    try:
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.wait()


def rate(told: str, status: int) -> float:
    """Requests per second of a run of the load generator whose every answer had one status."""
    count, seconds = int(told.split()[0]), float(told.split()[3])
    if f"{count} × {status}" not in told:
        raise SystemExit(f"not every request was answered with {status}: {told}")
    return count / seconds


def main() -> None:
    options = arguments(__doc__, runs=5).parse_args()
    generator = bench_target("load_generator")
    rates: dict[str, list[float]] = {}
    ratios: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        world = folder / "world.json"
        size = ["--resources", RESOURCES, "--components", COMPONENTS, "--months", MONTHS]
        made = run([options.program, "sandbox", "world", "new", *size, "-o", world], folder)
        written = json.loads(world.read_bytes())
        print(f"{len(written['resources']):,} resources, {len(written['usages']):,} usages,", end=" ")
        print(f"made in {made.seconds:.1f} s with {made.peak_bytes / 2**20:.0f} MiB")
        count = len(written["usages"])
        open_states = {it["uuid"]: it for it in written["resources"] if it["state"] == "OK" and it["plan_uuid"]}
        # On a server of 2024 a month without an invoice gets last month's recurring rows with its
        # first report, and the report after that can break.
        recurring = {it["resource_uuid"] for it in written["usages"] if it["recurring"]}
        open_states = {uuid: it for uuid, it in open_states.items() if uuid not in recurring}
        offerings = {it["uuid"]: it for it in written["offerings"]}
        posts = folder / "posts.jsonl"
        with posts.open("w") as lines:
            for at, resource in enumerate(list(open_states.values()) * 2):
                if at == POSTS:
                    break
                components = offerings[resource["offering_uuid"]]["components"]
                usages = [
                    {"type": it["type"], "amount": f"{at % 997}.{at % 100:02}"}
                    for it in components
                    if it["billing_type"] == "usage" and not it.get("limit_amount")
                ]
                lines.write(json.dumps({"resource": resource["uuid"], "usages": usages[:3]}) + "\n")
        del written, open_states, offerings

        with sandbox(options.program, world) as server:
            variables = server.variables()
            last = -(-count // PAGE)
            for depth, page in [("first page", 1), ("middle page", last // 2), ("last page but one", last - 1)]:
                path = f"{LIST}?page_size={PAGE}&page={page}"
                reads = folder / "reads.txt"
                reads.write_text(f"GET {path}\n" * READS)
                opener = build_opener(ProxyHandler({}))
                request = Request(server.url + path, headers={"Authorization": f"Token {server.token}"})
                body = folder / "page.json"
                body.write_bytes(opener.open(request, timeout=60).read())
                with bare_server(body) as bare:
                    for _ in range(options.runs):
                        done = run([generator, server.url, reads, 1], folder, **variables)
                        rates.setdefault(f"sandbox, {depth}", []).append(rate(done.stdout, 200))
                        done = run([generator, bare, reads, 1], folder, **variables)
                        rates.setdefault(f"bare, {depth}", []).append(rate(done.stdout, 200))
                ratios[depth] = median(rates[f"sandbox, {depth}"]) / median(rates[f"bare, {depth}"])
            peak = server.peak_bytes()
            for connections in (1, CONNECTIONS):
                for _ in range(options.runs):
                    done = run([generator, server.url, posts, connections], folder, **variables)
                    which = f"posts, {connections} connection{'s' if connections > 1 else ''}"
                    rates.setdefault(which, []).append(rate(done.stdout, 201))
            after = server.peak_bytes()
    table(rates, "requests per second")
    claims = Claims()
    claims.check("under 1 GiB", f"{peak / 2**20:.0f} MiB, {after / 2**20:.0f} MiB after the posts", after < 2**30)
    for depth, ratio in ratios.items():
        claims.check(f"{depth} at least 0.25 × the bare handler", f"{ratio:.2f} ×", ratio >= 0.25)
    least = min(median(rates["posts, 1 connection"]), median(rates[f"posts, {CONNECTIONS} connections"]))
    claims.check("at least 3,000 posts per second", f"{least:,.0f}", least >= 3000)
    claims.exit()


if __name__ == "__main__":
    main()
