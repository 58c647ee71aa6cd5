"""Types lines into a shell on a terminal of its own, as a person would: each with the tabulator at its end.

Reads from stdin what to do: the shell's command line, its environment, what it is told first, the lines, and
the file in which the program that is typed notes what it was given. Prints what the screen showed.
"""
import json
import os
import pty
import select
import sys
import time

PATIENCE = 20


def main() -> None:
    order = json.load(sys.stdin)
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(order["folder"])
        os.execvpe(order["shell"][0], order["shell"], order["environment"])
    screen = b""

    def read(seconds: float) -> None:
        nonlocal screen
        while select.select([terminal], [], [], seconds)[0]:
            try:
                part = os.read(terminal, 65536)
            except OSError:
                return
            if not part:
                return
            screen += part

    def noted() -> int:
        try:
            with open(order["log"], "rb") as log:
                return log.read().count(b"--end--\n")
        except FileNotFoundError:
            return 0

    def wait(count: int) -> bool:
        until = time.monotonic() + PATIENCE
        while noted() < count and time.monotonic() < until:
            read(0.02)
        return noted() >= count

    def type_in(text: str) -> None:
        os.write(terminal, text.encode())
        read(0.02)

    read(0.5)
    for line in order["setup"]:
        type_in(line + "\r")
        read(0.2)
    type_in("waldur-usage ready\r")
    if not wait(1):
        print(screen.decode(errors="replace"))
        sys.exit("the shell did not get ready")
    for number, line in enumerate(order["lines"], 2):
        # What is typed while a completion is sought waits its turn.
        type_in(line + "\t")
        read(0.1)
        type_in("\r")
        if not wait(number):
            print(screen.decode(errors="replace"))
            sys.exit(f"nothing came of {line!r}")
    os.close(terminal)
    print(screen.decode(errors="replace"))


main()
