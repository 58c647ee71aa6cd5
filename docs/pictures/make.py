#!/usr/bin/env python3
"""Draws the pictures of the guide from what the program makes of the samples.

    python3 docs/pictures/make.py [PROGRAM]

Needs chromium, soffice, pdftoppm, openpyxl and Pillow. PROGRAM is target/release/waldur-usage where it is not given.
"""
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import openpyxl
from openpyxl.worksheet.properties import PageSetupProperties
from PIL import Image

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
OFFERING = ["--offering", "HPC allocation"]


def keep(image: Image.Image, name: str, width: int) -> None:
    """Writes a picture with few colours."""
    image = image.convert("RGB")
    image = image.resize((width, round(image.height * width / image.width)), Image.Resampling.LANCZOS)
    image.quantize(64, dither=Image.Dither.NONE).save(HERE / name, optimize=True)


def page(path: Path, folder: Path) -> Image.Image:
    """A page, as a browser shows it."""
    target = folder / "page.png"
    browser = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
    browser += ["--window-size=1100,900", f"--screenshot={target}", path.as_uri()]
    subprocess.run(browser, check=True, capture_output=True)
    return Image.open(target)


def sheet(path: Path, folder: Path, number: int) -> Image.Image:
    """A page of a workbook, as LibreOffice prints it."""
    office = ["soffice", f"-env:UserInstallation=file://{folder}/office", "--headless"]
    subprocess.run([*office, "--convert-to", "pdf", "--outdir", folder, path], check=True, capture_output=True)
    printed = folder / path.with_suffix(".pdf").name
    numbers = ["-f", str(number), "-l", str(number)]
    subprocess.run(["pdftoppm", "-r", "150", "-png", "-singlefile", *numbers, printed, folder / "sheet"], check=True)
    return Image.open(folder / "sheet.png")


def on_one_page(path: Path) -> Path:
    """A copy of a workbook whose first sheet is printed as wide as the paper."""
    workbook = openpyxl.load_workbook(path)
    sheet = workbook.worksheets[0]
    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.fitToHeight = 0
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    copy = path.with_name("printed.xlsx")
    workbook.save(copy)
    return copy


def main() -> None:
    program = Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "target/release/waldur-usage").resolve()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sandbox = subprocess.Popen(
            [program, "sandbox", "--quiet", "--listen", "127.0.0.1:0"], stdout=subprocess.PIPE, text=True
        )
        try:
            assert sandbox.stdout
            words = sandbox.stdout.readline().split()
            token = next(word.split("=")[1] for word in words if word.startswith("staff="))
            environment = {
                **os.environ,
                "HOME": name,
                "XDG_CONFIG_HOME": name,
                "WALDUR_API_URL": words[0],
                "WALDUR_ACCESS_TOKEN": token,
            }

            def run(*arguments: str) -> None:
                done = subprocess.run([program, *arguments], cwd=ROOT, env=environment, capture_output=True)
                if done.returncode not in (0, 1, 3):
                    sys.exit(done.stderr.decode())

            october = ["samples/statement-2026-10.csv", *OFFERING, "--period", "2026-10", "--invoices"]
            outputs = ["-o", f"{folder}/october.html", "-o", f"{folder}/october.xlsx"]
            run("reconcile", *october, *outputs, "--now", "2026-11-15T09:00:00Z")
            run("check", "samples/usage-2026-11-faults.xlsx", "--annotate", f"{folder}/marked.xlsx")
        finally:
            sandbox.terminate()
            sandbox.wait()
        keep(page(folder / "october.html", folder), "reconciliation.png", 900)
        keep(sheet(folder / "october.xlsx", folder, 1), "workbook.png", 900)
        marked = sheet(on_one_page(folder / "marked.xlsx"), folder, 1)
        keep(marked.crop((40, 40, marked.width - 40, marked.height * 55 // 100)), "marked.png", 1000)


if __name__ == "__main__":
    main()
