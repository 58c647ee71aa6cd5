#!/usr/bin/env python3
"""Ten million saved usages to partitioned Parquet, against polars in Python.

    python3 benches/export_parquet.py
    python3 benches/export_parquet.py --rows 1000000 --shuffled

Makes a Parquet file of usages, then runs in turn: `export --from FILE --to parquet:DIR`, and polars reading the
same file, sorting each month by uuid and writing one file for each month with the same compression. What is
written is read back and compared by rows and by the sums of components. `--shuffled` spreads each month over the
whole file; else the file has the months one after the other, as a list of the server or an export has them.
"""
import argparse
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

from measure import Claims, arguments, run, table

GIB = 1024**3
# In a process of its own: what a program's parent has in memory counts as the program's peak.
MAKE = """
import sys
import numpy as np, pyarrow as pa, pyarrow.parquet as pq
out, rows, months, shuffled = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4] == "shuffled"
draw = np.random.default_rng(6)
HEX = np.frombuffer(b"0123456789abcdef", dtype=np.uint8)
def texts(numbers):
    # Sixteen bytes a row as thirty-two digits.
    bytes_ = numbers.reshape(-1, 16)
    digits = np.empty((len(bytes_), 32), dtype=np.uint8)
    digits[:, 0::2], digits[:, 1::2] = HEX[bytes_ >> 4], HEX[bytes_ & 15]
    offsets = np.arange(0, 32 * (len(bytes_) + 1), 32, dtype=np.int32)
    return pa.StringArray.from_buffers(len(bytes_), pa.py_buffer(offsets), pa.py_buffer(digits.tobytes()))
resources = texts(draw.integers(0, 256, (max(1, rows // months // 5), 16), dtype=np.uint8))
components = pa.array(["cpu", "gpu", "ram", "storage", "network"])
first = [np.datetime64(f"{2024 + month // 12}-{month % 12 + 1:02}-01", "D") for month in range(months)]
time = pa.timestamp("us", tz="UTC")
schema = pa.schema([
    ("deployment", pa.string()), ("billing_period", pa.date32()), ("uuid", pa.string()), ("resource_uuid", pa.string()),
    ("component_type", pa.string()), ("usage", pa.decimal128(20, 2)), ("description", pa.string()), ("recurring", pa.bool_()),
    ("missing_usage_policy", pa.string()), ("date", time), ("created", time), ("modified_by", pa.int64()),
])
GROUP = 250_000
with pq.ParquetWriter(out, schema, compression="zstd") as writer:
    for start in range(0, rows, GROUP):
        count = min(GROUP, rows - start)
        at = np.arange(start, start + count)
        month = at % months if shuffled else at * months // rows
        cents = draw.integers(0, 10_000_000, count)
        decimal = np.zeros((count, 2), dtype=np.int64)
        decimal[:, 0] = cents
        decimal = pa.Array.from_buffers(pa.decimal128(20, 2), count, [None, pa.py_buffer(decimal.tobytes())])
        moment = pa.array((1_700_000_000_000_000 + at * 1_000_003).astype("int64")).cast(pa.timestamp("us")).cast(time)
        writer.write_table(pa.Table.from_arrays([
            pa.array(np.full(count, "https://waldur.example.com", dtype=object)),
            pa.array(np.array(first)[month]),
            texts(draw.integers(0, 256, (count, 16), dtype=np.uint8)),
            resources.take(pa.array(at // 5 % len(resources))),
            components.take(pa.array(at % 5)),
            decimal,
            pa.nulls(count, pa.string()),
            pa.array(np.zeros(count, dtype=bool)),
            pa.array(np.full(count, "none", dtype=object)),
            moment,
            moment,
            pa.array(at % 40),
        ], schema=schema))
"""
POLARS = """
import sys
from pathlib import Path
import polars
frame = polars.read_parquet(sys.argv[1]).sort("billing_period", "uuid")
for (day,), month in frame.partition_by("billing_period", as_dict=True, maintain_order=True).items():
    folder = Path(sys.argv[2]) / f"billing_period={day:%Y-%m}"
    folder.mkdir(parents=True)
    month.drop("billing_period").write_parquet(folder / "part-0.parquet", compression="zstd", compression_level=1)
"""
READ_BACK = """
import sys
import duckdb
query = "SELECT component_type, count(*), sum(usage) FROM read_parquet('{}') GROUP BY ALL ORDER BY ALL"
for place in sys.argv[1:]:
    print(duckdb.sql(query.format(place)).fetchall())
"""


def months_of(options: argparse.Namespace) -> str:
    last = options.months - 1
    return f"2024-01..{2024 + last // 12}-{last % 12 + 1:02}"


def read_back(*places: str) -> None:
    """Ends where what was written is not what was read."""
    done = subprocess.run([sys.executable, "-c", READ_BACK, *places], check=True, capture_output=True, text=True)
    told = done.stdout.splitlines()
    if len(set(told)) != 1:
        sys.exit("they do not hold the same:\n" + "\n".join(told))


def main() -> None:
    parser = arguments(__doc__, runs=5)
    parser.add_argument("--rows", type=int, default=10_000_000, help="usages (default: %(default)s)")
    parser.add_argument("--months", type=int, default=24, help="months (default: %(default)s)")
    parser.add_argument("--shuffled", action="store_true", help="each month is spread over the whole file")
    parser.add_argument("--python", type=Path, default=Path(sys.executable), help="a Python with polars")
    options = parser.parse_args()
    seconds: dict[str, list[float]] = {"export": [], "polars": []}
    peaks: dict[str, list[float]] = {"export": [], "polars": []}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        saved = folder / "saved.parquet"
        order = "shuffled" if options.shuffled else "sorted"
        making = [sys.executable, "-c", MAKE, saved, str(options.rows), str(options.months), order]
        subprocess.run(making, check=True)
        period = months_of(options)
        for number in range(options.runs):
            own, other = folder / f"own-{number}", folder / f"other-{number}"
            command = [options.program, "export", "--from", saved, "--period", period, "--to", f"parquet:{own}"]
            for name, words in (("export", command), ("polars", [options.python, "-c", POLARS, saved, other])):
                done = run(words, folder)
                seconds[name].append(done.seconds)
                peaks[name].append(done.peak_bytes)
            if number == 0:
                read_back(str(saved), f"{own}/usages/*/*.parquet", f"{other}/*/*.parquet")
            subprocess.run(["rm", "-rf", own, other], check=True)
    print(f"{options.rows:,} usages of {options.months} months, {order}; {options.runs} runs each, in turn")
    table(seconds)
    table(peaks, unit="MB at most in memory", scale=1e-6)
    claims = Claims()
    ratio = median(seconds["export"]) / median(seconds["polars"])
    claims.check("at most 1.5 × polars reading, sorting and writing the same", f"{ratio:.2f} × its time", ratio <= 1.5)
    peak = median(peaks["export"])
    claims.check("under 2 GiB", f"{peak / GIB:.2f} GiB", peak < 2 * GIB)
    claims.exit()


if __name__ == "__main__":
    main()
