//! `reconcile` end to end: a statement against the sandbox, with and without invoices, and a saved list.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::Value;
use waldur_usage::sandbox::{Behaviour, Settings, World};

use crate::rig::{HPC, Rig, Run};

/// The last closed month of the built-in world.
const CLOSED: &str = "2026-10";
const MADE: [&str; 4] = ["--now", "2026-12-02T08:00:00Z", "--run-id", "00000000000000000000000000000001"];

/// What is stored of a month: resource, component and amount.
fn stored(rig: &Rig, period: &str) -> Vec<(String, String, String)> {
    let hpc = ["cpu", "ram", "gpu_hours", "storage"];
    let own = rig.sandbox.usages().into_iter().filter(|usage| usage.period.to_string() == period);
    let rows =
        own.map(|usage| (usage.resource.to_string(), usage.component.to_string(), usage.amount.to_string()));
    let mut rows: Vec<_> = rows.filter(|(_, component, _)| hpc.contains(&component.as_str())).collect();
    rows.sort();
    rows
}

/// A statement of a month that says just what is stored, with changes.
fn statement(rig: &Rig, period: &str, change: impl FnOnce(&mut Vec<Vec<String>>)) -> PathBuf {
    let mut rows: Vec<Vec<String>> = stored(rig, period)
        .into_iter()
        .map(|(resource, component, amount)| vec![resource, period.to_owned(), component, amount])
        .collect();
    change(&mut rows);
    let header = "resource_uuid,billing_period,component_type,amount".to_owned();
    let lines: Vec<String> = std::iter::once(header).chain(rows.iter().map(|row| row.join(","))).collect();
    rig.file("statement.csv", lines.join("\n") + "\n")
}

fn reconcile(rig: &Rig, account: &str, arguments: &[&str]) -> Run {
    rig.run_as(&rig.token(account), &[&["reconcile"], arguments, &MADE[..]].concat())
}

/// How many keys there are of each class.
fn classes(report: &Value) -> BTreeMap<String, u64> {
    let totals = report["classes"].as_array().unwrap().iter();
    totals.map(|total| (total["class"].as_str().unwrap().into(), total["keys"].as_u64().unwrap())).collect()
}

/// The lines of a class.
fn lines<'a>(report: &'a Value, class: &str) -> Vec<&'a Value> {
    report["lines"].as_array().unwrap().iter().filter(|line| line["class"] == class).collect()
}

fn is_proven(report: &Value) -> bool {
    let rows = report["proof"]["rows"].as_array().unwrap();
    !rows.is_empty() && rows.iter().all(|row| row["difference"] == row["explained"])
}

#[test]
fn a_statement_that_says_what_is_stored_agrees() {
    let rig = Rig::new();
    let count = stored(&rig, CLOSED).len();
    statement(&rig, CLOSED, |_| ());
    let two_way = ["statement.csv", "--offering", HPC, "--period", CLOSED];
    let run = reconcile(&rig, "owner", &two_way).ends_with(0).says("Agrees").says("proven");
    let run = run.says("marketplace-component-usages/").says("marketplace-provider-resources/");
    assert!(!run.stdout.contains("Breaks"), "{}", run.all());
    let report =
        reconcile(&rig, "owner", &[&two_way[..], &["--format", "json"]].concat()).ends_with(0).json();
    assert_eq!(classes(&report), [("match".to_owned(), u64::try_from(count).unwrap())].into());
    assert!(report["verdict"]["agrees"] == true);
    assert_eq!(rig.posts(), 0);
    // The same inputs give the same bytes, at any number of connections.
    let again =
        reconcile(&rig, "owner", &[&two_way[..], &["--format", "json", "--connections", "1"]].concat());
    assert_eq!(again.json(), report);
}

#[test]
fn differences_are_found_in_their_cells() {
    let rig = Rig::new();
    let mut planted = Vec::new();
    statement(&rig, CLOSED, |rows| {
        planted = [0, 5, 10, 15].map(|at| (rows[at][0].clone(), rows[at][2].clone())).to_vec();
        rows[0][3] = "1.23".into();
        rows[5][3] = format!("-{}", rows[5][3]);
        let double = rows[10].clone();
        rows.remove(15);
        rows.push(double);
        rows.push(vec!["no-such-resource".into(), CLOSED.into(), "cpu".into(), "7.00".into()]);
        rows.push(vec![rows[0][0].clone(), CLOSED.into(), "tapes".into(), "3.00".into()]);
        rows.push(vec![rows[0][0].clone(), CLOSED.into(), "node".into(), "1.00".into()]);
    });
    let arguments = ["statement.csv", "--offering", HPC, "--period", CLOSED];
    let run = reconcile(&rig, "owner", &arguments).ends_with(1).says("Breaks").says("statement.csv line 2");
    assert!(!run.stdout.contains("NOT PROVEN"), "{}", run.all());
    let report =
        reconcile(&rig, "owner", &[&arguments[..], &["--format", "json"]].concat()).ends_with(1).json();
    let found = classes(&report);
    for class in [
        "amount",
        "sign",
        "duplicate-in-file",
        "missing-in-file",
        "unknown-resource",
        "unknown-component",
        "not-reportable",
    ] {
        assert_eq!(found.get(class), Some(&1), "{class}: {found:?}\n{report:#}");
    }
    assert!(is_proven(&report), "{:#}", report["proof"]);
    let key = |class: &str| {
        let line = lines(&report, class)[0];
        (line["resource_uuid"].as_str().unwrap().to_owned(), line["component"].as_str().unwrap().to_owned())
    };
    for (class, planted) in
        ["amount", "sign", "duplicate-in-file", "missing-in-file"].into_iter().zip(&planted)
    {
        assert_eq!(key(class), *planted, "{class}");
    }
    // How bad it has to be is the user's to say.
    let breaks = report["verdict"]["breaks"].as_u64().unwrap();
    let on = |limit: &str| reconcile(&rig, "owner", &[&arguments[..], &["--fail-on", limit]].concat());
    on(&format!("rows:{breaks}")).ends_with(0);
    on(&format!("rows:{}", breaks - 1)).ends_with(1);
    on("class:wrong-period").ends_with(0);
    on("class:sign").ends_with(1);
    on("quantity:1000000000").ends_with(0);
    on("quantity:1").ends_with(1);
    on("money:1").ends_with(1);
    on("class:signs").ends_with(2).says("did you mean sign?");
}

#[test]
fn invoices_are_a_third_side() {
    let rig = Rig::new();
    statement(&rig, CLOSED, |_| ());
    let arguments =
        ["statement.csv", "--offering", HPC, "--period", CLOSED, "--invoices", "--format", "json"];
    let mut by_account = BTreeMap::new();
    for account in ["staff", "owner"] {
        let report = reconcile(&rig, account, &arguments).json();
        assert!(is_proven(&report));
        assert_eq!(report["header"]["sides"], "file_server_and_invoices");
        assert_eq!(report["header"]["currency"]["currency"], "EUR");
        by_account.insert(account, report);
    }
    let staff = &by_account["staff"];
    assert!(!classes(staff).contains_key("not-visible"), "{:?}", classes(staff));
    // Everything of the month is on the invoices, and each adds up to what it says.
    let invoices = staff["invoices"].as_array().unwrap();
    assert_eq!(invoices.len(), 4);
    let cents = |value: &Value| -> i64 {
        let text = value.as_str().unwrap();
        let (whole, fraction) = text.split_once('.').unwrap();
        assert!(fraction.len() == 2 || fraction[2..].bytes().all(|digit| digit == b'0'), "{text}");
        format!("{whole}{}", &fraction[..2]).parse().unwrap()
    };
    for invoice in invoices {
        let parts = ["usage", "other", "credits", "compensations"].map(|part| cents(&invoice[part]));
        assert_eq!(parts.iter().sum::<i64>(), cents(&invoice["price"]), "{invoice:#}");
    }
    // The provider sees the lines for the offering, and its own invoice alone.
    let paths: Vec<&str> = by_account["owner"]["header"]["endpoints"]
        .as_array()
        .unwrap()
        .iter()
        .map(|endpoint| endpoint["path"].as_str().unwrap())
        .collect();
    assert!(paths.contains(&"provider-invoice-items/"), "{paths:?}");
    assert_eq!(classes(&by_account["owner"]).get("match"), classes(staff).get("match"));
}

#[test]
fn usages_and_invoices_are_compared_without_a_file() {
    let rig = Rig::new();
    let arguments = ["--offering", HPC, "--period", CLOSED, "--format", "json"];
    let report = reconcile(&rig, "staff", &arguments).json();
    assert_eq!(report["header"]["sides"], "server_and_invoices");
    assert!(is_proven(&report) && classes(&report)["match"] > 50, "{:?}", classes(&report));
    reconcile(&rig, "staff", &["--period", CLOSED]).ends_with(2).says("no offering is named");
    let run = reconcile(&rig, "staff", &["--offering", HPC, "--period", "2026-08..2026-10"]);
    run.says("2026-08..2026-10").says("invoice-items/");
}

#[test]
fn what_an_account_does_not_see_is_never_called_missing() {
    let rig = Rig::new();
    statement(&rig, CLOSED, |_| ());
    let hidden = ["not-billed", "billed", "price"];
    let arguments = ["statement.csv", "--offering", HPC, "--period", CLOSED, "--invoices"];
    for account in ["manager", "consumer", "nobody"] {
        let report = reconcile(&rig, account, &[&arguments[..], &["--format", "json"]].concat());
        if report.code == 3 || report.code == 2 {
            // Who sees nothing of the offering learns that, and no difference.
            assert_eq!(account, "nobody", "{}", report.all());
            continue;
        }
        let report = report.json();
        let found = classes(&report);
        assert!(hidden.iter().all(|class| !found.contains_key(*class)), "{account}: {found:?}");
        assert!(is_proven(&report), "{account}");
    }
    // The consumer reads the consumer's lists, and what others have is unknown to it.
    let run = reconcile(&rig, "consumer", &arguments).ends_with(1);
    let run =
        run.says("marketplace-resources/").says("marketplace-public-offerings/").says("unknown-resource");
    assert!(!run.stdout.contains("missing-in-file"), "{}", run.all());
    let run = reconcile(&rig, "owner", &[&arguments[..], &["--as", "consumer"]].concat());
    run.says("marketplace-resources/");
}

#[test]
fn a_running_month_is_partial_and_a_later_one_refused() {
    let rig = Rig::new();
    statement(&rig, "2026-11", |_| ());
    let of =
        |period: &str| reconcile(&rig, "owner", &["statement.csv", "--offering", HPC, "--period", period]);
    of("2026-11").says("partial 2026-11 is not over");
    of("2026-12").ends_with(2).says("2026-12 has not begun");
    of("2026-11..2026-12").ends_with(2).says("2026-12 has not begun");
    of("2026-11..2026-10").ends_with(2);
    reconcile(&rig, "owner", &["statement.csv", "--offering", HPC]).ends_with(2).says("no month is named");
}

#[test]
fn what_cannot_be_read_stops_or_is_left_out_and_listed() {
    let rig = Rig::new();
    statement(&rig, CLOSED, |rows| {
        rows[3][3] = "n/a".into();
        rows[4][1] = "last month".into();
    });
    let arguments = ["statement.csv", "--offering", HPC, "--period", CLOSED];
    let run = reconcile(&rig, "owner", &arguments).ends_with(3).says("invalid-amount").says("invalid-period");
    assert!(!run.stdout.contains("Proof"), "{}", run.all());
    let skip = [&arguments[..], &["--skip-faulty"]].concat();
    reconcile(&rig, "owner", &skip)
        .ends_with(1)
        .says("2 rows left out")
        .says("statement.csv line 5, column 4");
    let report = reconcile(&rig, "owner", &[&skip[..], &["--format", "json"]].concat()).json();
    let codes: Vec<&str> =
        report["skipped"].as_array().unwrap().iter().map(|row| row["code"].as_str().unwrap()).collect();
    assert_eq!(codes, ["invalid-amount", "invalid-period"]);
    assert_eq!(report["verdict"]["agrees"], false);
    assert_eq!(report["header"]["rows"]["rows_faulty"], 2);
    assert!(is_proven(&report));
    // No flag takes the structure of a file away.
    rig.file("broken.csv", "resource_uuid,billing_period,component_type\na,2026-10,cpu\n");
    let broken = ["broken.csv", "--offering", HPC, "--period", CLOSED, "--skip-faulty"];
    reconcile(&rig, "owner", &broken).ends_with(3).says("missing-column");
}

#[test]
fn stated_money_is_read_and_compared() {
    let rig = Rig::new();
    let uuid = rig.resource("climate-alps");
    let amount = stored(&rig, CLOSED).into_iter().find(|row| row.0 == uuid && row.1 == "cpu").unwrap().2;
    let header = "resource_name,billing_period,component_type,amount,unit_price,price,currency,invoice_number,Organisation,tax";
    let write = |unit_price: &str, price: &str, currency: &str| {
        let row = format!(
            "climate-alps,{CLOSED},cpu,{amount},{unit_price},{price},{currency},R-7,Technische Universität Küstenland,0"
        );
        rig.file("money.csv", format!("{header}\n{row}\n"));
    };
    let arguments = ["money.csv", "--offering", HPC, "--period", CLOSED, "--invoices", "--format", "json"];
    let line = || {
        let report = reconcile(&rig, "staff", &arguments).json();
        let lines = report["lines"].as_array().unwrap();
        let own = |line: &&Value| line["resource_uuid"] == uuid.as_str() && line["component"] == "cpu";
        lines.iter().find(own).unwrap().clone()
    };
    // Quantity times 12.50, rounded up to the cent.
    let cents: i64 = amount.replace('.', "").parse().unwrap();
    let exact = cents * 1250;
    let price = (exact + 99) / 100;
    let price = format!("{}.{:02}", price / 100, price % 100);
    write("12.50 EUR", &price, "");
    assert_eq!(line()["class"], "match", "{:#}", line());
    write("12.50", &price, "EUR");
    assert_eq!(line()["class"], "match");
    write("12.75", &price, "EUR");
    assert_eq!(line()["class"], "price");
    // The cell is the one that is wrong, and not that of the amount.
    let is_in = |line: &Value, header: &str| line["cells"][0]["header"] == header;
    assert!(is_in(&line(), "unit_price"), "{:#}", line());
    write("12.50", "1.00", "EUR");
    assert!(is_in(&line(), "price"), "{:#}", line());
    for (unit_price, price, currency, says) in [
        ("12.50 EUR", "1 USD", "", "EUR, as the rest of the row says"),
        ("$12.50", "1", "", "a sign that one currency alone has"),
        ("12.50", "lots", "EUR", "a number such as"),
        ("12.50", "1", "euro", "the code of a currency"),
    ] {
        write(unit_price, price, currency);
        let run = reconcile(&rig, "staff", &arguments[..6]).ends_with(3);
        run.says("invalid-money").says(says);
    }
    // Elsewhere such columns are ignored, and never taken for components.
    write("12.50", "lots", "EUR");
    rig.run(&["check", "money.csv", "--offering", HPC]).ends_with(0).says("money is compared by reconcile");
    rig.file("wide.csv", "resource_name,billing_period,cpu,price\nclimate-alps,2026-11,7.00,99.00\n");
    let run = rig.run(&["check", "wide.csv", "--offering", HPC]).ends_with(0).says("unknown-column");
    assert!(!run.stdout.contains("unknown-component"), "{}", run.all());
}

#[test]
fn totals_of_money_are_checked_and_tax_below_them_is_no_row() {
    let rig = Rig::new();
    let header = "resource_name,billing_period,component_type,amount,Price (EUR)";
    let run = |totals: &[&str]| {
        let rows = [header, "climate-alps,2026-10,cpu,1.00,12.50", "climate-era5,2026-10,cpu,2.00,25.00"];
        rig.file("money.csv", [&rows[..], totals].concat().join("\n") + "\n");
        let run =
            reconcile(&rig, "staff", &["money.csv", "--offering", HPC, "--period", CLOSED]).ends_with(1);
        let json = ["money.csv", "--offering", HPC, "--period", CLOSED, "--format", "json"];
        let report = reconcile(&rig, "staff", &json).json();
        let rows = &report["header"]["rows"];
        let counts = ["rows_used", "rows_filtered", "rows_faulty"].map(|name| rows[name].as_u64().unwrap());
        assert_eq!(counts, [2, u64::try_from(totals.len()).unwrap(), 0], "{totals:?}: {report:#}");
        let told = report["header"]["remarks"].as_array().unwrap().iter();
        let told = told.filter(|remark| remark["kind"] == "money-total").count();
        (run, told)
    };
    let net = "Summe netto,,,3.00,37.50";
    let gross = [net, "zzgl. MwSt. 22 %,,,,8.25", "Summe brutto,,,,45.75"];
    let less = [net, "Rabatt 20 %,,,,-7.50", "Total,,,,30.00"];
    for right in [&[net][..], &["Total,,,,37.50"], &gross] {
        let (run, told) = run(right);
        assert_eq!(told, 0, "{}", run.all());
        run.says("Price (EUR): 37.50, the sum of the 2 rows above");
    }
    let (run_of_less, told) = run(&less);
    assert_eq!(told, 0, "{}", run_of_less.all());
    run_of_less.says("with their tax and discounts").says("money of no usage, which is not compared");
    for wrong in [&["Total,,,3.00,38.50"][..], &["Total,,,,38.50"]] {
        let (run, told) = run(wrong);
        assert_eq!(told, 1, "{}", run.all());
        run.says("money-total").says("Price (EUR): 38.50, 1.00 more than 37.50");
    }
    // Each of two has its net, its tax and its gross, and then all of it.
    let header = "resource_name,billing_period,component_type,amount,Price (EUR)";
    let rows = |gross: &str| {
        let rows = format!(
            "{header}\nclimate-alps,2026-10,cpu,1.00,12.50\nTotal one,,,,12.50\nVAT,,,,2.75\nTotal one with VAT,,,,15.25\n\
             climate-era5,2026-10,cpu,2.00,25.00\nTotal two,,,,25.00\nVAT,,,,5.50\nTotal two with VAT,,,,{gross}\n\
             Total,,,,45.75\n"
        );
        rig.file("money.csv", rows);
        let json = ["money.csv", "--offering", HPC, "--period", CLOSED, "--format", "json"];
        let report = reconcile(&rig, "staff", &json).json();
        let told = report["header"]["remarks"].as_array().unwrap().iter();
        told.filter(|remark| remark["kind"] == "money-total").count()
    };
    assert_eq!((rows("30.50"), rows("31.50")), (0, 1));
    // The gross total of another tax than the one above it.
    assert_eq!(run(&[net, "VAT,,,,8.25", "Total,,,,46.75"]).1, 1);
}

#[test]
fn resources_of_one_name_are_told_apart_by_who_pays() {
    let rig = Rig::new();
    let owners = ["Institute of Marine Biology", "Harbour City University Hospital"];
    let rows = |own: [&str; 2]| {
        let header = "resource_name,billing_period,component_type,amount,Organisation".to_owned();
        let row = |(amount, own): (&str, &str)| format!("sequencing,{CLOSED},cpu,{amount},{own}");
        let lines: Vec<String> =
            std::iter::once(header).chain(["1.25", "2.50"].into_iter().zip(own).map(row)).collect();
        rig.file("names.csv", lines.join("\n") + "\n");
        let arguments = ["names.csv", "--offering", HPC, "--period", CLOSED, "--format", "json"];
        reconcile(&rig, "staff", &arguments).json()
    };
    let report = rows(owners);
    let own = report["lines"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|line| line["resource"] == "sequencing" && line["component"] == "cpu");
    let own: Vec<(&str, &str)> =
        own.map(|line| (line["organisation"].as_str().unwrap(), line["file"].as_str().unwrap())).collect();
    assert_eq!(own.len(), 2);
    assert!(own.contains(&(owners[0], "1.25")) && own.contains(&(owners[1], "2.50")), "{own:?}");
    assert!(lines(&report, "ambiguous-name").is_empty() && is_proven(&report));
    // Nothing is guessed where a row says nothing of it, or names somebody else.
    for other in ["", "Nordlys HPC Centre"] {
        let report = rows([owners[0], other]);
        assert_eq!(lines(&report, "ambiguous-name").len(), 1, "{other}: {report:#}");
    }
}

#[test]
fn an_amount_below_zero_is_compared_and_never_posted() {
    let rig = Rig::new();
    rig.long(&["climate-alps,2026-11,cpu,-5.00"]);
    let run = reconcile(&rig, "owner", &["usage.csv", "--offering", HPC, "--period", "2026-11"]).ends_with(1);
    run.says("-5.00").says("sign");
    rig.file("wide.csv", "resource_name,billing_period,cpu,ram\nclimate-alps,2026-11,-5.00,3.00\n");
    let wide = ["wide.csv", "--offering", HPC, "--period", "2026-11", "--format", "json"];
    let report = reconcile(&rig, "owner", &wide).json();
    assert_eq!((lines(&report, "sign").len(), lines(&report, "missing-on-server").len()), (1, 1));
    for command in ["check", "plan"] {
        rig.run(&[command, "wide.csv", "--offering", HPC]).ends_with(3).says("negative-amount");
    }
    rig.run(&["apply", "wide.csv", "--offering", HPC, "--yes"]).ends_with(3);
    assert_eq!(rig.posts(), 0);
}

#[test]
fn records_of_other_systems_are_lines_too() {
    let rig = Rig::new();
    let samples = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("samples");
    let name = "slurm-sreport-2026-11.txt";
    rig.file(name, std::fs::read(samples.join(name)).unwrap());
    let arguments =
        [name, "--offering", HPC, "--period", "2026-11", "--round", "half-up", "--format", "json"];
    let report = reconcile(&rig, "owner", &arguments).json();
    let in_file = report["lines"].as_array().unwrap().iter().filter(|line| line["file"].is_string()).count();
    assert!(in_file > 0 && is_proven(&report), "{report:#}");
}

#[test]
fn rows_of_users_are_parts_and_not_compared() {
    let rig = Rig::new();
    let header = "resource_name,billing_period,component_type,amount,username";
    rig.file(
        "users.csv",
        format!("{header}\nclimate-alps,{CLOSED},cpu,1.00,a\nclimate-alps,{CLOSED},cpu,2.00,b\n"),
    );
    let arguments = ["users.csv", "--offering", HPC, "--period", CLOSED];
    let run = reconcile(&rig, "owner", &arguments).ends_with(1).says("2 rows of single users");
    assert!(!run.stdout.contains("duplicate-in-file"), "{}", run.all());
}

#[test]
fn hostile_names_stay_text_everywhere() {
    let rig = Rig::new();
    let names = [
        "=cmd|' /C calc'!A0",
        "\u{1b}[31mred",
        "<script>alert(1)</script>",
        "\u{202e}gnp.exe",
        "'; DROP TABLE--",
    ];
    let rows: Vec<String> = names
        .iter()
        .map(|name| format!("\"{}\",{CLOSED},\"{}\",1.00", name.replace('"', "\"\""), name))
        .collect();
    rig.long(&rows.iter().map(String::as_str).collect::<Vec<_>>());
    let out = ["a.xlsx", "a.html", "a.csv", "a.json", "a.parquet"];
    let mut arguments = vec!["usage.csv", "--offering", HPC, "--period", CLOSED];
    for name in out {
        arguments.extend(["-o", name]);
    }
    let run = reconcile(&rig, "owner", &arguments).ends_with(1);
    assert!(!run.stdout.contains(['\u{1b}', '\u{202e}']), "{}", run.all());
    for name in out {
        assert!(rig.folder.path().join(name).metadata().unwrap().len() > 0, "{name}");
    }
    let page = std::fs::read_to_string(rig.folder.path().join("a.html")).unwrap();
    assert!(!page.contains("<script>alert"));
    reconcile(&rig, "owner", &arguments).ends_with(2).says("is there already");
    arguments.push("--force");
    reconcile(&rig, "owner", &arguments).ends_with(1);
    reconcile(&rig, "owner", &["usage.csv", "--period", CLOSED, "-o", "usage.csv", "--force"]).ends_with(2);
    reconcile(&rig, "owner", &["usage.csv", "--period", CLOSED, "-o", "a.pdf"]).ends_with(2).says(".xlsx");
}

#[test]
fn rules_and_tolerances_are_named_by_what_they_settle() {
    let rig = Rig::new();
    let (mut resource, mut amount) = (String::new(), String::new());
    statement(&rig, CLOSED, |rows| {
        (resource, amount) = (rows[0][0].clone(), rows[0][3].clone());
        let cents: i64 = amount.replace('.', "").parse().unwrap();
        rows[0][3] = format!("{}.{:02}", (cents + 1) / 100, (cents + 1) % 100);
    });
    let arguments = ["statement.csv", "--offering", HPC, "--period", CLOSED];
    reconcile(&rig, "owner", &arguments).ends_with(1);
    let tolerant = [&arguments[..], &["--tolerance", "0.05"]].concat();
    reconcile(&rig, "owner", &tolerant).ends_with(0).says("within-tolerance").says("rule ");
    reconcile(&rig, "owner", &[&arguments[..], &["--tolerance", "lots"]].concat()).ends_with(2);
    rig.file("rules.toml", "[[tolerances]]\nabsolute = 1\n");
    reconcile(&rig, "owner", &[&arguments[..], &["--rules", "rules.toml"]].concat())
        .ends_with(2)
        .says("rules.toml: line");
}

#[test]
fn a_saved_list_stands_in_for_the_server() {
    let rig = Rig::new();
    statement(&rig, CLOSED, |rows| {
        rows[0][3] = "1.23".into();
        rows.remove(7);
        rows.push(vec![
            "00000000000000000000000000000abc".into(),
            CLOSED.into(),
            "cpu".into(),
            "4.00".into(),
        ]);
    });
    let list = ["list", "--period", "2026-09..2026-11", "--format"];
    for form in ["csv", "json", "ndjson"] {
        let saved = rig.run(&[&list[..], &[form]].concat()).ends_with(0).stdout;
        rig.file(&format!("saved.{form}"), saved);
    }
    let common = ["statement.csv", "--offering", HPC, "--period", CLOSED, "--format", "json"];
    let asked = reconcile(&rig, "owner", &common).ends_with(1).json();
    let url = rig.url().to_owned();
    let rig = rig.through("http://127.0.0.1:1");
    for form in ["csv", "json", "ndjson"] {
        let name = format!("saved.{form}");
        let report =
            reconcile(&rig, "owner", &[&common[..], &["--server-rows", &name]].concat()).ends_with(1).json();
        // The list does not know what is not in it.
        let proof = asked["proof"].to_string().replace("unknown-resource", "missing-on-server");
        assert_eq!(report["proof"], serde_json::from_str::<Value>(&proof).unwrap(), "{form}");
        assert_eq!(report["header"]["server_rows"]["name"], name.as_str());
        assert!(report["header"]["server"].is_null());
        let mut expected = classes(&asked);
        let unknown = expected.remove("unknown-resource");
        assert_eq!(unknown, Some(1));
        *expected.entry("missing-on-server".into()).or_default() += 1;
        assert_eq!(classes(&report), expected, "{form}");
        let missing = lines(&report, "missing-on-server");
        assert!(missing[0]["note"].is_string(), "{:#}", missing[0]);
    }
    let csv = std::fs::read_to_string(rig.folder.path().join("saved.csv")).unwrap();
    let refused = |text: String, says: &str| {
        rig.file("bad.csv", text);
        let run =
            reconcile(&rig, "owner", &["statement.csv", "--period", CLOSED, "--server-rows", "bad.csv"]);
        run.ends_with(2).says(says);
    };
    let first = csv.lines().nth(1).unwrap();
    refused(format!("{csv}{first}\n"), "stands twice");
    refused(csv.replacen(",usage,", ",used,", 1), "no column usage");
    refused(format!("{csv}a,b\n"), "cannot be read");
    refused("[{\"uuid\":".into(), "cannot be read");
    reconcile(
        &rig,
        "owner",
        &["statement.csv", "--period", CLOSED, "--server-rows", "bad.csv", "--invoices"],
    )
    .ends_with(2);
    let rig = rig.through(&url);
    rig.run(&["check", "statement.csv", "--offering", HPC, "--format", "csv"])
        .ends_with(2)
        .says("`list` alone");
}

/// What a server does wrong while it is read.
const WRONGS: [&str; 7] = [
    "rows-repeated rate=0.15",
    "rows-lost rate=0.15",
    "rows-lost rate=0.7 path=invoice-items",
    "untied-order rate=0.5",
    "filters-ignored rate=0.1",
    "filters-ignored=type,billing_period",
    "filters-ignored=customer_uuid,offering_uuid",
];

fn sweep(seed: u64, right: &[Value; 2]) {
    let at = usize::try_from(seed).unwrap();
    let is_2026 = seed.is_multiple_of(2);
    let behaviour = if is_2026 { Behaviour::dialect_2026() } else { Behaviour::dialect_2024() };
    let picked = [WRONGS[at / 2 % WRONGS.len()], WRONGS[(at / 2 + at / 14) % WRONGS.len()]];
    let faults = picked.iter().map(|spec| spec.parse().unwrap()).collect();
    let rig = Rig::on(Settings { behaviour, faults, seed, ..Settings::new(World::built_in()) });
    write_swept(&rig);
    let run = swept(&rig);
    let what = format!("seed {seed}, {picked:?}");
    if ![0, 1].contains(&run.code) {
        // What cannot be proven ends the run, and nothing is told of it.
        assert!(run.code == 6 && run.stdout.is_empty(), "{what}\n{}", run.all());
        return;
    }
    let expected = &right[usize::from(is_2026)];
    let report = told(&run);
    assert!(report == *expected, "{what}\n{report:#}\ninstead of\n{expected:#}");
}

fn write_swept(rig: &Rig) {
    statement(rig, CLOSED, |rows| {
        rows[0][3] = "1.23".into();
        rows.remove(9);
    });
}

fn swept(rig: &Rig) -> Run {
    let arguments =
        ["statement.csv", "--offering", HPC, "--period", CLOSED, "--invoices", "--format", "json"];
    reconcile(rig, "staff", &arguments)
}

/// A report without the address, which is another one in each run.
fn told(run: &Run) -> Value {
    let mut report = run.json();
    report["header"]["server"] = Value::Null;
    report["header"]["sandbox"] = Value::Null;
    report["header"]["endpoints"] = Value::Null;
    report
}

#[test]
fn a_server_that_reads_wrong_never_gives_a_wrong_report() {
    let is_full = std::env::var("WALDUR_USAGE_SWEEP").is_ok_and(|sweep| sweep == "full");
    let right = [Behaviour::dialect_2024(), Behaviour::dialect_2026()].map(|behaviour| {
        let rig = Rig::on(Settings { behaviour, ..Settings::new(World::built_in()) });
        write_swept(&rig);
        told(&swept(&rig))
    });
    assert!(right.iter().all(|report| classes(report)["amount"] == 1 && is_proven(report)));
    if let Some(seed) = std::env::var("WALDUR_USAGE_SEED").ok().and_then(|seed| seed.parse().ok()) {
        return sweep(seed, &right);
    }
    let runs = if is_full { 1_000 } else { 20 };
    for seed in 0..runs {
        sweep(seed, &right);
        if is_full && seed % 100 == 99 {
            println!("{} runs done", seed + 1);
        }
    }
}
