"""Writes the samples of files that other systems make, as they make them: samples/slurm-*.txt,
samples/cloudkitty-*.csv, samples/focus-*.csv and samples/waldur-export-*.csv and .xlsx.

    python3 tests/files/make_layouts.py

The resources are those of the built-in world of the sandbox, by their backend ids. openpyxl writes the
workbook; everything else is text.
"""

import csv
import datetime
import pathlib

import openpyxl

SAMPLES = pathlib.Path(__file__).resolve().parents[2] / "samples"
RULER = "-" * 80
ALPS, DFT, WGS = "hpc_climate_climate_alps", "hpc_qmat_qmat_dft", "hpc_cohort_cohort_wgs"


def text(name, lines):
    (SAMPLES / name).write_text("\n".join(lines) + "\n", encoding="utf-8")


def sreport():
    banner = [
        RULER,
        "Cluster/Account/User Utilization 2026-11-01T00:00:00 - 2026-11-19T23:59:59 (1641600 secs)",
    ]
    text("slurm-sreport-2026-11.txt", [
        *banner,
        "Usage reported in CPU Minutes",
        RULER,
        "Cluster|Account|Login|Proper Name|Used|Energy",
        "nordlys|root|||2400600|0",
        "nordlys|climate|||1200600|0",
        f"nordlys|{ALPS}|||1200600|0",
        f"nordlys|{ALPS}|aberg|Anna Berg|700123|0",
        f"nordlys|{ALPS}|bholm|Bert Holm|500477|0",
        "nordlys|qmat|||600000|0",
        f"nordlys|{DFT}|||600000|0",
        f"nordlys|{DFT}|clund|Carl Lund|600000|0",
        "nordlys|cohort|||600000|0",
        f"nordlys|{WGS}|||600000|0",
        f"nordlys|{WGS}|aberg|Anna Berg|599999|0",
        f"nordlys|{WGS}|dquist|Dora Quist|1|0",
    ])
    text("slurm-sreport-tres-2026-11.txt", [
        *banner,
        "Usage reported in TRES Minutes",
        RULER,
        "Cluster|Account|Login|Proper Name|TRES Name|Used",
        f"nordlys|{ALPS}|||cpu|1200600",
        f"nordlys|{ALPS}|||mem|7680000",
        f"nordlys|{ALPS}|aberg|Anna Berg|cpu|700123",
        f"nordlys|{ALPS}|aberg|Anna Berg|mem|5000000",
        f"nordlys|{ALPS}|aberg|Anna Berg|node|11000",
        f"nordlys|{ALPS}|aberg|Anna Berg|gres/gpu|633",
        f"nordlys|{ALPS}|bholm|Bert Holm|cpu|500477",
        f"nordlys|{ALPS}|bholm|Bert Holm|mem|2680000",
        f"nordlys|{ALPS}|bholm|Bert Holm|node|8000",
        f"nordlys|{ALPS}|bholm|Bert Holm|billing|500477",
        f"nordlys|{DFT}|||cpu|600000",
        f"nordlys|{DFT}|clund|Carl Lund|cpu|600000",
        f"nordlys|{DFT}|clund|Carl Lund|mem|614400",
        f"nordlys|{DFT}|clund|Carl Lund|gres/gpu|27",
    ])


def sacct():
    def job(number, user, account, tres, seconds, start, end):
        cpus = int(tres.split("cpu=")[1].split(",")[0]) if tres else 0
        return f"{number}|{user}|{account}|standard|{tres}|{seconds}|{cpus * seconds}|{start}|{end}"

    alps = "billing=40,cpu=40,mem=160G,node=1"
    dft = "billing=64,cpu=64,gres/gpu=4,gres/gpu:a100=4,mem=250G,node=1"
    text("slurm-sacct-2026-11.txt", [
        "JobIDRaw|User|Account|Partition|AllocTRES|ElapsedRaw|CPUTimeRAW|Start|End",
        # --truncate has cut this one at the turn of the month.
        job(81230, "aberg", ALPS, alps, 72000, "2026-11-01T00:00:00", "2026-11-01T20:00:00"),
        job("81230.batch", "", ALPS, "cpu=40,mem=160G,node=1", 72000, "2026-11-01T00:00:00", "2026-11-01T20:00:00"),
        job("81230.0", "", ALPS, "cpu=40,mem=160G,node=1", 71990, "2026-11-01T00:00:10", "2026-11-01T20:00:00"),
        job(81411, "bholm", ALPS, alps, 36000, "2026-11-09T08:15:00", "2026-11-09T18:15:00"),
        job("81411.batch", "", ALPS, "cpu=40,mem=160G,node=1", 36000, "2026-11-09T08:15:00", "2026-11-09T18:15:00"),
        job(81502, "clund", DFT, dft, 45000, "2026-11-12T06:00:00", "2026-11-12T18:30:00"),
        job("81502.extern", "", DFT, dft, 45000, "2026-11-12T06:00:00", "2026-11-12T18:30:00"),
        job(81760, "clund", DFT, "", 0, "Unknown", "2026-11-18T10:00:00"),
        job(81777, "clund", DFT, dft, 7200, "2026-11-19T22:00:00", "Unknown"),
    ])


def cloudkitty():
    with open(SAMPLES / "cloudkitty-2026-11.csv", "w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["Begin", "End", "Metric Type", "Qty", "Cost", "Project ID", "Resource ID", "User ID"])
        for day in range(30):
            begin = datetime.date(2026, 11, 1) + datetime.timedelta(day)
            end = begin + datetime.timedelta(1)
            times = [f"{begin}T00:00:00", f"{end}T00:00:00"]
            climate, flame = "storage_climate_climate_data", "storage_flame_flame_data"
            rows.writerow([*times, "volume.size", "500.0", "1.2", climate, "volume-1", "u1"])
            if day < 15:
                rows.writerow([*times, "volume.size", "200.0", "0.48", climate, "volume-2", "u1"])
            rows.writerow([*times, "image.size", "2048.0", "0.02", climate, "image-1", "u1"])
            rows.writerow([*times, "volume.size", "120.5", "0.29", flame, "volume-3", "u2"])


def focus():
    headers = [
        "BillingAccountId", "BillingPeriodStart", "BillingPeriodEnd", "ChargeCategory", "ChargeClass",
        "ChargeDescription", "ChargePeriodStart", "ChargePeriodEnd", "ResourceId", "ResourceName",
        "SubAccountId", "SkuId", "SkuMeter", "ConsumedQuantity", "ConsumedUnit", "BilledCost", "BillingCurrency",
    ]
    with open(SAMPLES / "focus-2026-11.csv", "w", newline="", encoding="utf-8") as file:
        rows = csv.DictWriter(file, headers)
        rows.writeheader()
        month = {
            "BillingAccountId": "nordlys", "BillingPeriodStart": "2026-11-01T00:00:00Z",
            "BillingPeriodEnd": "2026-12-01T00:00:00Z", "BillingCurrency": "EUR",
        }

        def charge(day, days, category, resource="", meter="", quantity="", unit="", cost="0"):
            begin = datetime.date(2026, 11, day)
            end = begin + datetime.timedelta(days)
            rows.writerow({
                **month, "ChargeCategory": category, "ChargePeriodStart": f"{begin}T00:00:00Z",
                "ChargePeriodEnd": f"{end}T00:00:00Z", "ResourceId": resource, "SkuMeter": meter,
                "ConsumedQuantity": quantity, "ConsumedUnit": unit, "BilledCost": cost,
            })

        for day in range(1, 31):
            charge(day, 1, "Usage", ALPS, "cpu", "0.375", "k-hours", "4.69")
            charge(day, 1, "Usage", DFT, "cpu", "0.1", "k-hours", "1.25")
            if day % 3 == 0:
                charge(day, 1, "Usage", DFT, "gpu_hours", "12.125", "hours", "10.31")
        charge(1, 30, "Purchase", DFT, "cpu", "", "", "100")
        charge(1, 30, "Credit", ALPS, "cpu", "", "", "-20")
        charge(1, 30, "Tax", "", "", "", "", "33.61")


def export():
    table = [
        ["Resource name", "Client organization", "Client project", "Offering", "Plan component name",
         "Missing usage policy", "Date of reporting", "Value", "Comment"],
        ["climate-alps", "Technische Universität Küstenland", "Regional Climate Downscaling", "HPC allocation", "CPU", "None",
         "2026-11-20 08:05", "123.45 k-hours", ""],
        ["climate-alps", "Technische Universität Küstenland", "Regional Climate Downscaling", "HPC allocation", "RAM", "None",
         "2026-11-20 08:05", "1200 GB-hours", "by hand"],
        ["qmat-dft", "Technische Universität Küstenland", "Quantum Materials", "HPC allocation", "GPU", "None",
         "2026-11-19 17:30", "7.5 hours", ""],
        ["climate-data", "Technische Universität Küstenland", "Regional Climate Downscaling", "Research data storage", "Block storage",
         "None", "2026-11-19 17:31", "640 GB", ""],
    ]
    with open(SAMPLES / "waldur-export-2026-11.csv", "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(table)
    workbook = openpyxl.Workbook()
    sheet = workbook.active
    sheet.title = "Resource usage"
    for row in table:
        sheet.append(row)
    workbook.properties.created = workbook.properties.modified = datetime.datetime(2026, 11, 20, 9)
    workbook.save(SAMPLES / "waldur-export-2026-11.xlsx")


if __name__ == "__main__":
    sreport()
    sacct()
    cloudkitty()
    focus()
    export()
