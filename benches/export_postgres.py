#!/usr/bin/env python3
"""A million usages that were read already to PostgreSQL, against a bare COPY of the same rows.

    cargo build --release && cargo bench --no-run
    python3 benches/export_postgres.py

Starts a PostgreSQL of its own in a temporary folder, as it is set up by default but for the room of its log.
Then in turn: our month takes the place of the one that stands there (staging, binary COPY, primary key,
statistics, the swap and the audit: all of it), and `psql \\copy` fills an emptied table of the same columns
and the same primary key from a csv file and from a file of COPY's binary form. The faster of the two is the
peer.
"""
import os
import pwd
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

from measure import Claims, arguments, bench_target, table

TIME = re.compile(r"^Time: ([0-9.]+) ms", re.MULTILINE)
PORT = "54329"
BARE = """
CREATE TABLE bare (LIKE waldur.usages INCLUDING ALL);
"""


def tools() -> Path:
    """The folder of the server's programs."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    folders += [Path(folder) for folder in os.environ["PATH"].split(":")]
    for folder in folders:
        if all((folder / name).is_file() for name in ("initdb", "pg_ctl", "psql")):
            return folder
    sys.exit("needs PostgreSQL: apt-get install postgresql")


def other_user() -> list[str]:
    """What lets a server of root's run as somebody else."""
    if os.geteuid() != 0:
        return []
    names = [user.pw_name for user in pwd.getpwall()]
    return ["setpriv", f"--reuid={'postgres' if 'postgres' in names else 'nobody'}", "--clear-groups", "--"]


def main() -> None:
    parser = arguments(__doc__, 5)
    parser.add_argument("--rows", type=int, default=1_000_000, help="how many rows (default: %(default)s)")
    options = parser.parse_args()
    binaries, user, ours = tools(), other_user(), bench_target("export_postgres")
    folder = Path(tempfile.mkdtemp(prefix="bench-postgres-"))
    run = lambda *command: subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    psql_command = [str(binaries / "psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-h", str(folder), "-p", PORT]
    psql_command += ["-U", "bench", "-d", "postgres"]

    def psql(*statements: str) -> str:
        return run(*psql_command, *(part for statement in statements for part in ("-c", statement))).stdout

    def timed(statement: str) -> float:
        psql("TRUNCATE bare", "CHECKPOINT")
        return float(TIME.search(psql(r"\timing on", statement))[1]) / 1000

    def month() -> float:
        psql("CHECKPOINT")
        return float(run(str(ours), str(options.rows), str(folder), PORT, "postgres", "bench").stdout)

    if user:
        folder.chmod(0o755)
        subprocess.run(["chown", user[1].split("=")[1], folder], check=True)
    try:
        run(*user, str(binaries / "initdb"), "-D", "data", "-U", "bench", "-A", "trust", "-E", "UTF8", "--locale=C")
        settings = f"-c listen_addresses= -c unix_socket_directories={folder} -c port={PORT} -c max_wal_size=8GB"
        # A daemon that inherited our pipes would keep us waiting.
        start = [*user, str(binaries / "pg_ctl"), "-D", "data", "-w", "-l", "log", "-o", settings, "start"]
        subprocess.run(start, cwd=folder, check=True, stdout=subprocess.DEVNULL)
        month()
        psql(BARE, rf"\copy (SELECT * FROM waldur.usages) TO '{folder}/rows.csv' (FORMAT csv)")
        psql(rf"\copy (SELECT * FROM waldur.usages) TO '{folder}/rows.bin' (FORMAT binary)")
        figures: dict[str, list[float]] = {"export": [], "psql \\copy, csv": [], "psql \\copy, binary": []}
        for _ in range(options.runs):
            figures["export"].append(month())
            figures["psql \\copy, csv"].append(timed(rf"\copy bare FROM '{folder}/rows.csv' (FORMAT csv)"))
            figures["psql \\copy, binary"].append(timed(rf"\copy bare FROM '{folder}/rows.bin' (FORMAT binary)"))
        same = "SELECT (SELECT (count(*), sum(usage)) FROM bare) = (SELECT (count(*), sum(usage)) FROM waldur.usages)"
        if "t" not in psql(same):
            sys.exit("both tables are to hold the same rows")
        own = "SELECT count(*) FROM pg_index JOIN pg_inherits ON inhrelid = indrelid WHERE inhparent = 'waldur.usages'::regclass"
        if "t" not in psql(f"SELECT count(*) > 0 AND count(*) = ({own}) FROM pg_index WHERE indrelid = 'bare'::regclass"):
            sys.exit("both tables are to have the same indexes")
        print(f"{options.rows} rows, {psql('SHOW server_version').splitlines()[2].strip()}")
        table(figures)
        medians = {name: median(seconds) for name, seconds in figures.items()}
        export = medians.pop("export")
        peer = min(medians, key=medians.get)
        claims = Claims()
        claims.check(f"at most 1.5 × {peer}", f"{export / medians[peer]:.2f}", export <= 1.5 * medians[peer])
    finally:
        subprocess.run([*user, str(binaries / "pg_ctl"), "-D", "data", "-m", "immediate", "stop"], cwd=folder,
                       stdout=subprocess.DEVNULL)
        shutil.rmtree(folder, ignore_errors=True)
    claims.exit()


if __name__ == "__main__":
    main()
