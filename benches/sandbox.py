"""A sandbox that is started for a measurement, and what is stored in it."""
import json
import re
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Iterator
from urllib.request import ProxyHandler, Request, build_opener


@dataclass
class Sandbox:
    """A running sandbox."""

    url: str
    token: str
    process: int

    def variables(self) -> dict[str, str]:
        """What a program has to know to reach it."""
        return {"WALDUR_API_URL": self.url, "WALDUR_ACCESS_TOKEN": self.token}

    def peak_bytes(self) -> int:
        """The most memory that it has had; Linux alone tells."""
        status = Path(f"/proc/{self.process}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) * 1024

    def stored(self, month: str) -> dict[tuple[str, str], Decimal]:
        """Every usage of a month, by resource and component."""
        stored: dict[tuple[str, str], Decimal] = {}
        opener = build_opener(ProxyHandler({}))
        page, rows, count = 1, 0, 1
        while rows < count:
            query = f"billing_period={month}-01&page_size=300&page={page}"
            query += "&field=resource_uuid&field=type&field=usage"
            url = f"{self.url}/api/marketplace-component-usages/?{query}"
            request = Request(url, headers={"Authorization": f"Token {self.token}"})
            with opener.open(request, timeout=60) as answer:
                count = int(answer.headers["X-Result-Count"])
                items = json.load(answer)
            for item in items:
                stored[item["resource_uuid"], item["type"]] = Decimal(item["usage"])
            page, rows = page + 1, rows + len(items)
        return stored


@contextmanager
def sandbox(program: Path, world: Path, latency: int = 0, model: str | None = None) -> Iterator[Sandbox]:
    """A fresh sandbox on a world, on a free port; latency in milliseconds, or the times of a model."""
    if not program.is_file():
        raise SystemExit(f"there is no {program}: cargo build --release, or name another")
    pace = ["--model", model] if model else ["--latency", str(latency)]
    listen = ["--listen", "127.0.0.1:0", "--world", str(world), *pace]
    command = [str(program), "sandbox", "--quiet", *listen]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    try:
        # The first line names the address and the tokens.
        words = process.stdout.readline().split()
        if not words:
            raise SystemExit(f"the sandbox does not start: {' '.join(command)}")
        tokens = dict(word.split("=", 1) for word in words[1:])
        yield Sandbox(words[0], tokens["staff"], process.pid)
    finally:
        process.terminate()
        process.wait()
