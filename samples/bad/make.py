#!/usr/bin/env python3
"""Makes the bad samples: for each finding a small file that shows it, by real writers.

    pip install openpyxl msoffcrypto-tool
    python3 samples/bad/make.py

Which sample belongs to which finding, and where it is found, stands in `src/findings/pages.toml`.
"""
import io
import shutil
import uuid
import zipfile
from pathlib import Path

import msoffcrypto
import openpyxl
from msoffcrypto.format.ooxml import OOXMLFile
from openpyxl.worksheet.cell_range import CellRange

FOLDER = Path(__file__).parent
COLUMNS = "resource_name,billing_period,component_type,amount"

# The built-in world of the sandbox (src/sandbox/built_in/), as far as the samples need it.
NAMESPACE = uuid.UUID("8f3d1c52-7a64-4b0e-9d21-5e603a77c1f4")
HPC = [
    "climate-cordex", "climate-era5", "climate-alps", "climate-ensemble", "climate-cmip7", "flame-les",
    "flame-dns", "flame-spray", "qmat-dft", "qmat-gw", "qmat-topo", "plankton-assembly",
    "plankton-metabarcoding", "plankton-annotation", "sequencing", "acoustics-array", "acoustics-model",
    "tumour-ct", "tumour-mri", "tumour-pathology", "tumour-learning", "cohort-wgs", "cohort-rna",
    "cohort-imputation", "sequencing", "benchmarks", "monitoring", "training-course",
]
MIDDLING = {"cpu": 18_450, "ram": 2_214_000, "gpu_hours": 61_375, "storage": 84_000}


def october(name: str, component: str) -> int:
    """The hundredths that are stored of a resource in October."""
    number, place = HPC.index(name), list(MIDDLING).index(component) + 1
    percent = 33 + (number * 61 + place * 29 + 10 * 17) % 167
    return MIDDLING[component] * percent // 100


def hundredths(amount: int) -> str:
    return f"{amount // 100}.{amount % 100:02}"


def long(name: str, *rows: str, columns: str = COLUMNS, encoding: str = "utf-8") -> None:
    """A text file with a header and rows."""
    path = FOLDER / f"{name}.csv"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(("\n".join([columns, *rows]) + "\n").encode(encoding))


def book(name: str, sheets: dict[str, list[list]]) -> openpyxl.Workbook:
    """A workbook of openpyxl, saved."""
    made = openpyxl.Workbook()
    made.remove(made.active)
    for title, rows in sheets.items():
        sheet = made.create_sheet(title)
        for row in rows:
            sheet.append(row)
    made.save(FOLDER / f"{name}.xlsx")
    return made


def id_of(kind: str, name: str) -> str:
    return uuid.uuid5(NAMESPACE, f"{kind}:{name}").hex


ALPS = "climate-alps,2026-11,cpu"
TABLE = [COLUMNS.split(","), ["climate-alps", "2026-11", "cpu", 100]]
LES = [id_of("plan period", f"hpc/flame/flame-les/{number}") for number in (1, 2)]


def text_files() -> None:
    (FOLDER / "wrong-file-type.csv").write_bytes(b"%PDF-1.7\n% A document that was renamed.\n")
    long("empty-file")
    long("usage", f"{ALPS},100")
    long("several-tables", f"{ALPS},100", "", "resource_name,storage,node", "climate-era5,7,1")
    long("nothing-used", "climate-alps,2026-10,cpu,100")
    long("missing-column", f"{ALPS},100", columns="resource_name,billing_period,component_type,consumed")
    long("duplicate-column", f"{ALPS},100,200", columns=f"{COLUMNS},Amount")
    long("unknown-component-column", "climate-alps,2026-11,100,7", columns="resource_name,billing_period,cpu,gpus")
    long("extra-cell", f"{ALPS},7,25")
    long("missing-value", "climate-alps,,cpu,100")
    long("invalid-resource", f"{ALPS},100", columns=COLUMNS.replace("resource_name", "resource_uuid"))
    long("invalid-period", "climate-alps,2026-13,cpu,100")
    long("invalid-amount", f"{ALPS},about 7")
    long("ambiguous-period", "climate-alps,01/11/2026,cpu,100")
    long("mixed-date-orders", "climate-alps,30/11/2026,cpu,100", "climate-era5,11/30/2026,cpu,100")
    long("ambiguous-amount", f"{ALPS},1.234")
    long("mixed-decimal-signs", f'{ALPS},"1,234.50"', 'climate-era5,2026-11,cpu,"1.234,50"')
    long("too-many-decimals", f"{ALPS},100.2345")
    long("invalid-money", f"{ALPS},100,12.50 EUR,USD", columns=f"{COLUMNS},unit_price,currency")
    long("negative-amount", f"{ALPS},-35")
    long("amount-too-large", f"{ALPS},18874368000000")
    long("invalid-description", f"{ALPS},100,{'x' * 2001}", columns=f"{COLUMNS},description")
    long("invalid-carry-over", f"{ALPS},100,perhaps", columns=f"{COLUMNS},recurring")
    long("carry-over-unsupported", f"{ALPS},100,zero", columns=f"{COLUMNS},missing_usage_policy")
    long("invalid-username", f"{ALPS},100,al\u200bice", columns=f"{COLUMNS},username")
    long("no-scope", f"{ALPS},100")
    long("unknown-offering", f"HPC alocation,{ALPS},100", columns=f"offering,{COLUMNS}")
    long("unknown-resource", "climate-alpz,2026-11,cpu,100")
    long("ambiguous-resource", "sequencing,2026-11,cpu,100")
    long(
        "resource-disagrees",
        "climate-climate-alps,climate-era5,2026-11,cpu,100",
        columns=f"resource_slug,{COLUMNS}",
    )
    alias = '[resources]\n{} = "{}"\n'
    (FOLDER / "alias-hides-name.toml").write_text(alias.format('"climate-alps"', "climate-era5"))
    (FOLDER / "alias-nowhere.toml").write_text(alias.format("Alps", "climate-alpz"))
    (FOLDER / "invalid-alias.toml").write_text('[units]\n"MB-hours" = "0,001 GB-hours"\n')
    storage = id_of("resource", "storage/climate/climate-data")
    long("other-offering", f"{storage},2026-11,cpu,100", columns=COLUMNS.replace("resource_name", "resource_uuid"))
    long("unknown-component", "climate-alps,2026-11,gpu-hour,100")
    long("not-reportable", "climate-alps,2026-11,node,1")
    long("resource-state", "flame-spray,2026-11,cpu,100")
    long("no-plan", "monitoring,2026-11,cpu,100")
    long("unit-mismatch", f"{ALPS},7 h")
    long("mixed-forms", f"{ALPS},7,k-hours,12", columns=f"{COLUMNS},unit,ram")
    long("duplicate-key", f"{ALPS},100", f"{ALPS},50")
    long("unknown-plan-period", f"{ALPS},100,{LES[0]}", columns=f"{COLUMNS},plan_period")
    long("several-plan-periods", "flame-les,2026-11,cpu,100")
    long("below-frozen-before", f"flame-les,2026-11,cpu,40,{LES[0]}", columns=f"{COLUMNS},plan_period")
    long("below-frozen", "flame-les,2026-11,cpu,30")
    long("plan-period-unknown-before", "training-course,2026-11,cpu,100")
    long("plan-period-unknown", "training-course,2026-11,cpu,110")
    long("users-would-bill", f"{ALPS},4,anna", columns=f"{COLUMNS},username")
    long("user-without-total", f"{ALPS},0,anna", columns=f"{COLUMNS},username")
    long("zero-missing-unsafe", f"{ALPS},12,100", columns=COLUMNS.replace("amount", "nodes,amount"))
    long("split-number", f"{ALPS},7,25", "climate-era5,2026-11,cpu,8,metered", columns=f"{COLUMNS},description")
    long("unknown-column", f"{ALPS},100,checked", columns=f"{COLUMNS},Remarks")
    long("other-files/usage", f"{ALPS},100")
    (FOLDER / "other-files/notes.txt").write_text("The export of November.\n")
    long("same-file/usage", f"{ALPS},100")
    shutil.copy(FOLDER / "same-file/usage.csv", FOLDER / "same-file/usage-copy.csv")
    long("guessed-encoding", f"{ALPS},100,für November", columns=f"{COLUMNS},description", encoding="cp1252")
    long("lines-above-header", COLUMNS, f"{ALPS},100", columns="Usage of the cluster")
    long("repeated-header", f"{ALPS},100", COLUMNS, "climate-era5,2026-11,cpu,100")
    long("ragged-rows", f"{ALPS},100", f"climate-era5,2026-11,cpu,100,whole", columns=f"{COLUMNS},description")
    long("blank-amount", f"{ALPS},100", "climate-era5,2026-11,cpu,")
    long("day-as-month", "climate-alps,2026-11-30,cpu,100")
    long("outside-period", f"{ALPS},100", "climate-alps,2026-10,cpu,100")
    long("outside-scope", f"{ALPS},100", "tumour-ct,2026-11,cpu,100")
    long("name-folded", "Climate Alps,2026-11,cpu,100")
    long("unit-converted", f"{ALPS},100000,hours", columns=f"{COLUMNS},unit")
    long("other-month", "climate-alps,2026-10,cpu,100")
    rows = [f"flame-les,2026-11,cpu,{amount},{period},yes" for amount, period in zip((40, 60), LES)]
    long("carry-over-lost", *rows, columns=f"{COLUMNS},plan_period,recurring")
    long("limit-foreseen", "climate-archive,2026-11,egress,499.90")
    long("carried-over", f"{ALPS},100")
    (FOLDER / "carried-over.json").write_text(
        '[{"in": "usages", "where": {"resource": "climate-alps", "billing_period": "2026-10", '
        '"type": "cpu"}, "set": {"recurring": true}}]\n'
    )
    long("not-billed", "climate-alps,2026-10,cpu,100")
    long("users-differ", "climate-cordex,2026-11,cpu,2,djanssen", columns=f"{COLUMNS},username")
    long("unknown-user", f"{ALPS},4,", f"{ALPS},4,nobody", columns=f"{COLUMNS},username")
    long(
        "user-field-ignored",
        "climate-cordex,2026-11,cpu,1,djanssen,a note",
        columns=f"{COLUMNS},username,description",
    )
    long("no-plan-period", "training-course,2026-11,cpu,100")
    described = f"{COLUMNS},description"
    long("shifted-cells", "climate-alps,2026-11,cpu,1234,56", "climate-era5,2026-11,cpu,300,00", columns=described)
    thin = ["climate-alps;2026-11;ram;21.250", "climate-era5;2026-11;ram;22.000", "cohort-wgs;2026-11;ram;22.345,5"]
    long("thin-evidence", *thin, columns=COLUMNS.replace(",", ";"))


def against_last_month() -> None:
    """Amounts that are sound row by row, and odd beside those of October."""
    names = ["climate-alps", "climate-ensemble", "flame-dns", "qmat-gw", "tumour-ct", "cohort-wgs"]

    def month(name: str, component: str, amounts) -> None:
        rows = [
            f"{resource},2026-11,{component},{hundredths(amount)}"
            for resource, amount in zip(names, amounts)
        ]
        long(name, *rows)

    cpu = [october(name, "cpu") for name in names]
    month("unit-ratio", "cpu", [amount * percent * 60 // 100 for amount, percent in zip(cpu, (97, 104, 110, 88, 95, 101))])
    month("spike", "cpu", [cpu[0] * 17, *[amount * 9 // 10 for amount in cpu[1:]]])
    month("copy-of-last-month", "ram", [october(name, "ram") for name in names])
    month("lifetime-counter", "cpu", [amount * percent // 100 for amount, percent in zip(cpu, (150, 132, 180, 141, 160, 155))])


def workbooks() -> None:
    book("usage", {"Usage": TABLE})
    whole = (FOLDER / "usage.xlsx").read_bytes()
    (FOLDER / "usage.xlsx").unlink()
    (FOLDER / "damaged-file.xlsx").write_bytes(whole[: len(whole) * 2 // 3])
    (FOLDER / "missing-sheet.xlsx").write_bytes(whole)
    locked = io.BytesIO()
    OOXMLFile(io.BytesIO(whole)).encrypt("secret", locked)
    (FOLDER / "password-protected.xlsx").write_bytes(locked.getvalue())
    other = [TABLE[0], ["climate-alps", "2026-10", "cpu", 90]]
    book("other-sheets", {"November": TABLE, "October": other})
    hidden = book("hidden-sheets", {"Usage": TABLE, "Old": other})
    hidden["Old"].sheet_state = "hidden"
    hidden.save(FOLDER / "hidden-sheets.xlsx")
    header = [["resource", "billing", "component", None], ["name", "period", "type", "amount"]]
    linked = FOLDER / "external-links.xlsx"
    linked.write_bytes(whole)
    with zipfile.ZipFile(linked, "a") as package:
        # What Excel writes of a workbook that another one is linked to, as far as it is told of.
        package.writestr(
            "xl/externalLinks/externalLink1.xml",
            '<externalLink xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"/>',
        )
        package.writestr(
            "xl/externalLinks/_rels/externalLink1.xml.rels",
            '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
            '<Relationship Id="rId1" Target="rates.xlsx" TargetMode="External"/></Relationships>',
        )
    book("two-row-header", {"Usage": [*header, TABLE[1]]})


def structure() -> None:
    """What a sheet shows, or does not, beside the values of its cells."""
    second = ["climate-era5", "2026-11", "cpu", 50]
    rows = book("hidden-rows", {"Usage": [*TABLE, second]})
    rows["Usage"].row_dimensions[3].hidden = True
    rows.save(FOLDER / "hidden-rows.xlsx")
    wide = [["resource_name", "billing_period", "cpu", "ram"], ["climate-alps", "2026-11", 100, 2000]]
    columns = book("hidden-columns", {"Usage": wide})
    columns["Usage"].column_dimensions["D"].hidden = True
    columns.save(FOLDER / "hidden-columns.xlsx")
    keys = book("hidden-key-columns", {"Usage": TABLE})
    keys["Usage"].column_dimensions["C"].hidden = True
    keys.save(FOLDER / "hidden-key-columns.xlsx")
    ram = ["climate-alps", "2026-11", "ram", 2000]
    merged = book("merged-keys", {"Usage": [*TABLE, ram]})
    merged["Usage"].merge_cells("A2:A3")
    merged.save(FOLDER / "merged-keys.xlsx")
    amount = book("merged-amount", {"Usage": [*TABLE, second]})
    amount["Usage"].merge_cells("D2:D3")
    amount.save(FOLDER / "merged-amount.xlsx")
    covered = book("covered-value", {"Usage": [*TABLE, ["climate-era5", *ram[1:]]]})
    # By way of its menu, openpyxl would clear the value below.
    covered["Usage"].merged_cells.add(CellRange("A2:A3"))
    covered.save(FOLDER / "covered-value.xlsx")
    computed("sum-of-rows", [*TABLE, second, ["climate-cmip7", "2026-11", "cpu", "=SUM(D2:D3)"]], 150)
    long("total-row", f"{ALPS},100", "climate-era5,2026-11,cpu,50", "Total,,,150")
    long("note-row", f"{ALPS},100", "Prepared by the accounting office,,,")
    units = "resource_name,billing_period,cpu,storage"
    long("units-row", ",,k-hours,GB", "climate-alps,2026-11,100,7", columns=units)
    long("total-disagrees", f"{ALPS},100", "climate-era5,2026-11,cpu,50", "Total,,,170")
    priced = [f"{ALPS},100.00,1250.00", "climate-era5,2026-11,cpu,50.00,625.00", "Total,,,150.00,1900.00"]
    long("money-total", *priced, columns=f"{COLUMNS},price")
    shutil.copy(FOLDER.parents[1] / "tests/files/formats/usage.xlsb", FOLDER / "visibility-unknown.xlsb")


def computed(name: str, rows: list[list], value: int) -> None:
    """A workbook with a formula whose value a program has stored, as openpyxl does not."""
    path = FOLDER / f"{name}.xlsx"
    made = book(name, {"Usage": rows})
    made.calculation.fullCalcOnLoad = False
    made.save(path)
    with zipfile.ZipFile(path) as package:
        parts = {part: package.read(part) for part in package.namelist()}
    sheet = parts["xl/worksheets/sheet1.xml"].decode()
    assert sheet.count("<v />") + sheet.count("<v></v>") + sheet.count("<v/>") == 1, sheet
    for empty in ("<v />", "<v></v>", "<v/>"):
        sheet = sheet.replace(empty, f"<v>{value}</v>")
    parts["xl/worksheets/sheet1.xml"] = sheet.encode()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as package:
        for part, content in parts.items():
            package.writestr(part, content)


def other_systems() -> None:
    """Tables of other systems, by the layouts of templates/layouts/."""

    def table(name: str, *lines: str) -> None:
        (FOLDER / name).write_text("\n".join(lines) + "\n", encoding="utf-8")

    focus = "ChargeCategory,ChargeClass,ResourceId,ChargePeriodStart,ChargePeriodEnd,SkuMeter,ConsumedQuantity,ConsumedUnit"
    day = "2026-11-01T00:00:00Z,2026-11-02T00:00:00Z"
    export = "Resource name,Client organization,Client project,Offering,Plan component name,Date of reporting,Value"
    table("ambiguous-layout.csv", f"{focus},{export}".replace("ChargeClass,", ""), "Usage,hpc_climate_climate_alps")
    table("faulty-by-layout.csv", focus, f"Usage,Correction,hpc_climate_climate_alps,{day},cpu,1,k-hours")
    university = "Technische Universität Küstenland,Regional Climate Downscaling,HPC allocation"
    table("reported-outside-month.csv", export, f"climate-alps,{university},CPU,2026-12-03 08:00,100 k-hours")

    rated = "Begin,End,Metric Type,Qty,Cost,Project ID,Resource ID"
    november = "2026-11-01T00:00:00,2026-12-01T00:00:00"
    project = "storage_climate_climate_data"
    volume = f"{november},volume.size,500,1,{project},volume-1"
    table("unknown-metric.csv", rated, volume, f"{november},fpga,2,1,{project},fpga-1")
    table("metric-not-billed.csv", rated, volume, f"{november},image.size,2048,1,{project},image-1")

    jobs = "JobIDRaw|User|Account|Partition|AllocTRES|ElapsedRaw|CPUTimeRAW|Start|End"

    def job(number: str, start: str, end: str, seconds: int = 36_000) -> str:
        given = "cpu=40,node=1"
        return f"{number}|aberg|hpc_climate_climate_alps|standard|{given}|{seconds}|{seconds * 40}|{start}|{end}"

    whole = job("81230", "2026-11-01T00:00:00", "2026-11-01T10:00:00")
    across = job("81555", "2026-11-30T20:00:00", "2026-12-01T06:00:00")
    table("left-out-by-layout.txt", jobs, whole, whole.replace("81230", "81230.batch"))
    table("orphan-part.txt", jobs, whole, whole.replace("81230", "81231.batch"))
    table("repeated-record.txt", jobs, whole, whole)
    table("crosses-months.txt", jobs, across)
    table("booked-whole.txt", jobs, across.replace("12-01T06", "11-01T06").replace("11-30T20", "10-31T20"))
    layout = (FOLDER.parents[1] / "templates/layouts/slurm-sacct.toml").read_text(encoding="utf-8")
    own = layout.replace('"slurm-sacct"', '"jobs-by-their-end"').replace('crossing = "faulty"', 'crossing = "end"')
    assert own.count("jobs-by-their-end") == 1 and own.count('crossing = "end"') == 1
    (FOLDER / "booked-whole.toml").write_text(own, encoding="utf-8")

    def report(name: str, *rows: str, begin: str = "2026-11-01", unit: str = "Hours") -> None:
        table(
            name,
            f"Cluster/Account/User Utilization {begin}T00:00:00 - 2026-11-19T23:59:59 (1641600 secs)",
            f"Usage reported in CPU {unit}",
            "Cluster|Account|Login|Proper Name|Used|Energy",
            *rows,
        )

    table("impossible-time.txt", jobs, job("81230", "2026-11-01T10:00:00", "2026-11-01T12:00:00"))
    table(
        "cut-report.txt",
        "Top 10 Users 2026-11-01T00:00:00 - 2026-11-19T23:59:59 (1641600 secs)",
        "Usage reported in CPU Minutes",
        "Cluster|Login|Proper Name|Account|Used",
        "nordlys|aberg|Anna Berg|hpc_climate_climate_alps|700123",
    )
    table(
        "incomplete-identity.txt",
        "Cluster/Account/User Utilization 2026-11-01T00:00:00 - 2026-11-19T23:59:59 (1641600 secs)",
        "Usage reported in CPU Hours",
        "Account|Login|Proper Name|Used|Energy",
        "hpc_climate_climate_alps|aberg|Anna Berg|1000|0",
    )

    used = "nordlys|hpc_climate_climate_alps|aberg|Anna Berg|1000|0"
    report("part-of-month.txt", used, begin="2026-11-05")
    report("several-sources.txt", used, used.replace("nordlys", "sudurlys").replace("aberg", "bholm"))
    report("unknown-source-unit.txt", used, unit="Fortnights")


if __name__ == "__main__":
    text_files()
    against_last_month()
    workbooks()
    structure()
    other_systems()
