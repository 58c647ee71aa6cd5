//! What a reconciliation may never leave unsaid: scopes that name nobody, resources that no list shows,
//! columns of money that were not read, rows that were left out, and invoices that do not add up.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::proxy::{self, Answer};
use crate::rig::{HPC, Rig, Run};

const CLOSED: &str = "2026-10";
const COAST: &str = "Technische Universität Küstenland";
const MADE: [&str; 4] = ["--now", "2026-12-02T08:00:00Z", "--run-id", "00000000000000000000000000000001"];
const HEADER: &str = "resource_uuid,billing_period,component_type,amount";

/// What is stored of the closed month: resource, component and amount.
fn stored(rig: &Rig) -> Vec<(String, String, String)> {
    let hpc = ["cpu", "ram", "gpu_hours", "storage"];
    let own = rig.sandbox.usages().into_iter().filter(|usage| usage.period.to_string() == CLOSED);
    let rows =
        own.map(|usage| (usage.resource.to_string(), usage.component.to_string(), usage.amount.to_string()));
    let mut rows: Vec<_> = rows.filter(|(_, component, _)| hpc.contains(&component.as_str())).collect();
    rows.sort();
    rows
}

/// A statement that says just what is stored, with a further column and further lines.
fn statement(rig: &Rig, headers: &str, cells: impl Fn(usize) -> String, further: &str) {
    let rows = stored(rig).into_iter().enumerate();
    let rows = rows.map(|(at, (resource, component, amount))| {
        format!("{resource},{CLOSED},{component},{amount}{}\n", cells(at))
    });
    let rows: String = rows.collect();
    rig.file("statement.csv", format!("{HEADER}{headers}\n{rows}{further}"));
}

fn reconcile(rig: &Rig, arguments: &[&str]) -> Run {
    let base = ["reconcile", "--offering", HPC, "--period", CLOSED];
    rig.run_as(&rig.token("staff"), &[&base[..], arguments, &MADE[..]].concat())
}

fn json(rig: &Rig, arguments: &[&str]) -> (i32, Value) {
    let run = reconcile(rig, &[arguments, &["--format", "json"]].concat());
    (run.code, run.json())
}

fn classes(report: &Value) -> BTreeMap<String, u64> {
    let totals = report["classes"].as_array().unwrap().iter();
    totals.map(|total| (total["class"].as_str().unwrap().into(), total["keys"].as_u64().unwrap())).collect()
}

fn sentence(report: &Value) -> &str {
    report["verdict"]["sentence"].as_str().unwrap()
}

/// Kind and weight of the remarks.
fn remarks(report: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let list = report["header"]["remarks"].as_array().unwrap().iter();
    list.map(|remark| (text(&remark["kind"]), text(&remark["weight"]))).collect()
}

/// Takes rows out of a list, and of its count.
fn without(answer: &mut Answer, is_out: impl Fn(&Value) -> bool) {
    let Ok(Value::Array(rows)) = serde_json::from_slice(&answer.body) else { return };
    let kept: Vec<Value> = rows.iter().filter(|row| !is_out(row)).cloned().collect();
    let lost = rows.len() - kept.len();
    if lost > 0 {
        let count = answer.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("x-result-count"));
        let count: usize = count.map_or(rows.len(), |(_, count)| count.parse().unwrap());
        answer.set("x-result-count", &(count - lost).to_string());
        answer.set_rows(&kept);
    }
}

#[test]
fn a_scope_that_names_nobody_is_refused() {
    let rig = Rig::new();
    statement(&rig, "", |_| String::new(), "");
    let meant = format!("did you mean \"{COAST}\"?");
    let misspelt = ["--customer", COAST, "--customer", "Technische Universitat Kustenland"];
    let scope = ["--offering", HPC, "--period", CLOSED];
    for command in [&["check", "statement.csv"][..], &["plan", "statement.csv"], &["missing"]] {
        rig.run(&[command, &scope, &misspelt].concat()).ends_with(2).says(&meant);
    }
    rig.run(&[&["template", "-o", "t.xlsx"][..], &scope, &misspelt].concat()).ends_with(2).says(&meant);
    reconcile(&rig, &[&["statement.csv"][..], &misspelt].concat()).ends_with(2).says(&meant);
    reconcile(&rig, &[&["--invoices"][..], &misspelt].concat()).ends_with(2).says(&meant);
    let nobody = ["statement.csv", "--project", "00000000000000000000000000000001"];
    reconcile(&rig, &nobody).ends_with(2).says("no project in scope has the uuid");
    reconcile(&rig, &["statement.csv", "--customer", COAST]).ends_with(0);
}

#[test]
fn a_resource_that_no_list_shows_is_a_key_of_its_own() {
    let rig = Rig::new();
    statement(&rig, "", |_| String::new(), "");
    let lost = stored(&rig)[0].0.clone();
    let of_lost = stored(&rig).iter().filter(|(resource, _, _)| *resource == lost).count();
    let of_lost = u64::try_from(of_lost).unwrap();
    let (_, whole) = json(&rig, &["--invoices"]);
    let own = lost.replace('-', "");
    let upstream = rig.url().to_owned();
    let front = proxy::start(
        &upstream,
        |_| (),
        move |request, answer| {
            if request.path.contains("-resources/") {
                without(answer, |row| row["uuid"].as_str().is_some_and(|uuid| uuid.replace('-', "") == own));
            }
        },
    );
    let rig = rig.through(&front);
    // Usage and invoices alone.
    let (code, report) = json(&rig, &["--invoices"]);
    assert_eq!(code, 1, "{report:#}");
    assert_eq!(classes(&report).get("not-visible"), Some(&of_lost), "{report:#}");
    let totals = |report: &Value| -> Vec<(String, String)> {
        let rows = report["proof"]["rows"].as_array().unwrap().iter();
        rows.map(|row| (row["component"].to_string(), row["server"].to_string())).collect()
    };
    assert_eq!(totals(&report), totals(&whole));
    assert!(!sentence(&report).contains("in all"), "{}", sentence(&report));
    // With a file, the amount of the server is set against it.
    let (code, report) = json(&rig, &["statement.csv"]);
    assert_eq!((code, classes(&report).get("not-visible")), (1, Some(&of_lost)), "{report:#}");
    let lines = report["lines"].as_array().unwrap().iter();
    for line in lines.filter(|line| line["class"] == "not-visible") {
        assert!(line["file"].is_string() && line["file"] == line["server"], "{line:#}");
    }
}

#[test]
fn columns_of_money_are_read_or_told() {
    let rig = Rig::new();
    let one_is_wrong = |at: usize| if at == 0 { ",0.01".to_owned() } else { ",".to_owned() };
    for header in [",Price (EUR)", ",Total price", ",Cost", ",Amount (EUR)", ",Net"] {
        statement(&rig, header, one_is_wrong, "");
        let (code, report) = json(&rig, &["statement.csv", "--invoices"]);
        assert_eq!((code, classes(&report).get("price")), (1, Some(&1)), "{header}: {report:#}");
    }
    // A currency of the header is that of the row.
    statement(&rig, ",Price (USD)", one_is_wrong, "");
    let (_, report) = json(&rig, &["statement.csv"]);
    let line = &report["lines"].as_array().unwrap()[0];
    assert!(line.to_string().contains("USD"), "{line:#}");
    // Two columns may mean one thing.
    statement(&rig, ",Price,Total price", |_| ",1.00,1.00".into(), "");
    reconcile(&rig, &["statement.csv"]).ends_with(3).says("--ignore-column");
    // What is not read is told, and money among it in the verdict.
    statement(&rig, ",Gross,Remark", |_| ",1.00,x".into(), "");
    let (code, report) = json(&rig, &["statement.csv"]);
    assert_eq!(code, 0);
    let told = sentence(&report);
    assert!(
        told.contains("\"Gross\"") && told.contains("looks like money") && !told.contains("in all"),
        "{told}"
    );
    let kind = || "column-not-read".to_owned();
    assert_eq!(remarks(&report), [(kind(), "told".to_owned()), (kind(), "note".to_owned())]);
    reconcile(&rig, &["statement.csv", "-o", "r.html", "-o", "r.xlsx"]).says("\"Remark\" of");
}

#[test]
fn a_saved_list_without_the_months_is_refused() {
    let rig = Rig::new();
    statement(&rig, "", |_| String::new(), "");
    let list = |arguments: &[&str]| {
        let base = ["list", "--format", "csv"];
        rig.run_as(&rig.token("staff"), &[&base[..], arguments].concat()).ends_with(0).stdout
    };
    let own = list(&["--period", CLOSED]);
    let header = own.lines().next().unwrap();
    rig.file("none.csv", format!("{header}\n"));
    rig.file("before.csv", list(&["--period", "2026-09"]));
    rig.file("cpu.csv", list(&["--period", CLOSED, "--type", "cpu"]));
    let from = |file: &str| reconcile(&rig, &["statement.csv", "--server-rows", file]);
    from("none.csv").ends_with(2).says("the list has no row").says("list --period 2026-10");
    from("before.csv").ends_with(2).says("no row of 2026-10");
    let run = from("cpu.csv").ends_with(1).says("the saved list has no row of ram");
    assert!(!run.stdout.contains("missing-on-server"), "{}", run.all());
}

#[test]
fn rows_of_other_months_stand_in_the_verdict() {
    let rig = Rig::new();
    let (resource, _, _) = stored(&rig)[0].clone();
    statement(
        &rig,
        "",
        |_| String::new(),
        &format!("{resource},2026-09,cpu,12.50\n{resource},2026-08,cpu,1.25\n"),
    );
    let (code, report) = json(&rig, &["statement.csv"]);
    assert_eq!(code, 0);
    let told = sentence(&report);
    assert!(told.contains("2 rows of other months (2026-08, 2026-09), cpu 13.75: not compared"), "{told}");
    assert!(!told.contains("in all"), "{told}");
    assert_eq!(remarks(&report), [("other-months".to_owned(), "told".to_owned())]);
}

#[test]
fn what_rules_leave_alone_is_counted_and_named() {
    let rig = Rig::new();
    let (resource, component, amount) = stored(&rig)[0].clone();
    statement(&rig, "", |_| String::new(), "");
    let text = std::fs::read_to_string(rig.file("x", "").with_file_name("statement.csv")).unwrap();
    let right = format!("{resource},{CLOSED},{component},{amount}\n");
    rig.file("statement.csv", text.replace(&right, &format!("{resource},{CLOSED},{component},77.77\n")));
    rig.file(
        "rules.toml",
        format!(
            "[[ignore]]\nname = \"known\"\nresource = \"{resource}\"\nuntil = 2027-01-31\nreason = \"told\"\n\
             [[tolerance]]\nname = \"typo\"\ncomponent = \"cpuu\"\nabsolute = \"0.05\"\n"
        ),
    );
    let (code, report) = json(&rig, &["statement.csv", "--rules", "rules.toml"]);
    assert_eq!(code, 0, "{report:#}");
    let told = sentence(&report);
    assert!(told.contains("1 key is left alone by a rule") && !told.contains("in all"), "{told}");
    let lines = report["lines"].as_array().unwrap();
    let ignored = lines.iter().find(|line| line["class"] == "ignored").unwrap();
    assert!(ignored["also"].to_string().contains("amount"), "{ignored:#}");
    let all = report["header"]["remarks"].to_string();
    assert!(
        all.contains("rule typo is for the component cpuu") && all.contains("did you mean cpu?"),
        "{all}"
    );
}

#[test]
fn an_invoice_that_does_not_add_up_keeps_the_sides_from_agreeing() {
    let rig = Rig::new();
    statement(&rig, "", |_| String::new(), "");
    let scope = ["statement.csv", "--invoices", "--customer", COAST];
    let (code, report) = json(&rig, &scope);
    let scope_alone = vec![("outside-scope".to_owned(), "note".to_owned())];
    assert_eq!((code, remarks(&report)), (0, scope_alone), "{}", sentence(&report));
    let upstream = rig.url().to_owned();
    let front = proxy::start(
        &upstream,
        |_| (),
        |request, answer| {
            if request.path.starts_with("/api/invoices/")
                && let Ok(Value::Array(mut rows)) = serde_json::from_slice(&answer.body)
            {
                for row in rows.iter_mut().filter(|row| row["price"].is_string()) {
                    row["price"] = "1.00".into();
                }
                answer.set_rows(&rows);
            }
        },
    );
    let rig = rig.through(&front);
    let (code, report) = json(&rig, &scope);
    assert_eq!((code, &report["verdict"]["agrees"]), (1, &Value::Bool(false)), "{}", sentence(&report));
    assert!(sentence(&report).contains("says that it comes to 1.00 without tax"), "{}", sentence(&report));
    reconcile(&rig, &[&scope[..], &["--fail-on", "rows:100"]].concat()).ends_with(1);
    reconcile(&rig, &scope).ends_with(1).says("invoice-total");
}

#[test]
fn a_row_that_was_left_out_is_not_missing() {
    let rig = Rig::new();
    let (resource, component, amount) = stored(&rig)[0].clone();
    statement(&rig, "", |_| String::new(), "");
    let text = std::fs::read_to_string(rig.file("x", "").with_file_name("statement.csv")).unwrap();
    let right = format!("{resource},{CLOSED},{component},{amount}\n");
    rig.file("statement.csv", text.replace(&right, &format!("{resource},{CLOSED},{component},n/a?\n")));
    reconcile(&rig, &["statement.csv"]).ends_with(3);
    let (code, report) = json(&rig, &["statement.csv", "--skip-faulty"]);
    assert_eq!(code, 1);
    let found = classes(&report);
    assert_eq!((found.get("left-out"), found.get("missing-in-file")), (Some(&1), None), "{found:?}");
    let lines = report["lines"].as_array().unwrap();
    let line = lines.iter().find(|line| line["class"] == "left-out").unwrap();
    assert!(line["note"].as_str().unwrap().contains("its row could not be read"), "{line:#}");
    assert!(sentence(&report).contains("1 row could not be read and was left out"), "{}", sentence(&report));
    reconcile(&rig, &["statement.csv", "--skip-faulty", "--fail-on", "rows:100"]).ends_with(1);
}

#[test]
fn lines_of_other_projects_are_on_the_invoice_and_not_compared() {
    let rig = Rig::new();
    let project = "Quantum Materials";
    let of_project: Vec<String> =
        ["qmat-dft", "qmat-gw", "qmat-topo"].map(|name| rig.resource(name)).to_vec();
    let own: Vec<_> = stored(&rig).into_iter().filter(|(id, _, _)| of_project.contains(id)).collect();
    let rows: Vec<String> =
        own.iter().map(|(id, part, amount)| format!("{id},{CLOSED},{part},{amount}")).collect();
    rig.file("own.csv", format!("{HEADER}\n{}\n", rows.join("\n")));
    for account in ["staff", "owner"] {
        let run = |arguments: &[&str]| {
            let base =
                ["reconcile", "--offering", HPC, "--period", CLOSED, "--project", project, "--invoices"];
            let run = rig.run_as(
                &rig.token(account),
                &[&base[..], arguments, &["--format", "json"], &MADE[..]].concat(),
            );
            (run.code, run.json())
        };
        for file in [&["own.csv"][..], &[]] {
            let (code, report) = run(file);
            assert_eq!(code, 0, "{account} {file:?}: {report:#}");
            let keys: u64 = classes(&report).values().sum();
            assert_eq!(keys, u64::try_from(own.len()).unwrap(), "{:?}", classes(&report));
        }
    }
}

#[test]
fn money_that_is_not_compared_is_told() {
    let rig = Rig::new();
    // Tax: the invoice has none of it.
    let has_tax = |at: usize| if at == 0 { ",5.00".to_owned() } else { ",0.00".to_owned() };
    statement(&rig, ",tax", has_tax, "");
    let (code, report) = json(&rig, &["statement.csv", "--invoices"]);
    assert_eq!((code, classes(&report).get("price")), (1, Some(&1)), "{report:#}");
    let worth =
        &report["lines"].as_array().unwrap().iter().find(|line| line["class"] == "price").unwrap()["worth"];
    assert_eq!(worth, "5.00", "what is off is the tax");
    reconcile(&rig, &["statement.csv", "--invoices", "--fail-on", "money:4.99"]).ends_with(1);
    // Nothing that is read tells it.
    let (code, report) = json(&rig, &["statement.csv"]);
    assert_eq!(code, 0);
    assert!(!sentence(&report).contains("in all"), "{}", sentence(&report));
    // A price without an amount.
    let further = format!("{},{CLOSED},cpu,,750.00\n", rig.resource("climate-alps"));
    statement(&rig, ",price", |_| ",".to_owned(), &further);
    reconcile(&rig, &["statement.csv"]).ends_with(3).says("the amount that the price is for");
    let (code, report) = json(&rig, &["statement.csv", "--skip-faulty"]);
    assert_eq!((code, report["skipped"].as_array().unwrap().len()), (1, 1), "{report:#}");
    // A column that is passed over because somebody said so.
    statement(&rig, ",Cost", |_| ",1.00".to_owned(), "");
    let (code, report) = json(&rig, &["statement.csv", "--ignore-column", "Cost"]);
    assert_eq!(code, 0, "{report:#}");
    assert!(sentence(&report).contains("\"Cost\""), "{}", sentence(&report));
    // Rounding.
    let rows = stored(&rig);
    let rows: Vec<String> =
        rows.iter().map(|(id, part, amount)| format!("{id},{CLOSED},{part},{amount}049")).collect();
    let rows = rows.join("\n");
    rig.file("statement.csv", format!("{HEADER}\n{rows}\n"));
    let (code, report) = json(&rig, &["statement.csv", "--round", "down"]);
    assert_eq!(code, 0, "{report:#}");
    assert!(remarks(&report).contains(&("rounded".into(), "told".into())), "{:?}", remarks(&report));
    assert!(sentence(&report).contains("were rounded: down"), "{}", sentence(&report));
}

#[test]
fn an_amount_that_agrees_does_not_tell_whose_it_is() {
    let rig = Rig::new();
    let own = rig.resource("climate-alps");
    let amount = stored(&rig).into_iter().find(|row| row.0 == own && row.1 == "cpu").unwrap().2;
    let header = "resource_uuid,resource_name,billing_period,component_type,amount";
    rig.file("two.csv", format!("{header}\n{own},climate-era5,{CLOSED},cpu,{amount}\n"));
    let (_, report) = json(&rig, &["two.csv"]);
    assert_eq!(classes(&report).get("ambiguous-name"), Some(&1), "{:?}", classes(&report));
    // A name that is nobody's any more is an old one.
    rig.file("two.csv", format!("{header}\n{own},an-old-name,{CLOSED},cpu,{amount}\n"));
    let (_, report) = json(&rig, &["two.csv"]);
    assert_eq!(classes(&report).get("ambiguous-name"), None, "{:?}", classes(&report));
}

#[test]
fn what_an_alias_or_a_factor_makes_agree_says_so() {
    let rig = Rig::new();
    let own = rig.resource("climate-alps");
    let amount = stored(&rig).into_iter().find(|row| row.0 == own && row.1 == "cpu").unwrap().2;
    rig.file("aliases.toml", "[resources]\n\"alps\" = \"climate-alps\"\n");
    let header = "resource_name,billing_period,component_type,amount,unit";
    let note = |name: &str, unit: &str| {
        rig.file("own.csv", format!("{header}\n{name},{CLOSED},cpu,{amount},{unit}\n"));
        let factor = ["--aliases", "aliases.toml", "--unit-factor", "thousands=1 k-hours"];
        let (_, report) = json(&rig, &[&["own.csv"][..], &factor].concat());
        let lines = report["lines"].as_array().unwrap().iter();
        let line =
            lines.clone().find(|line| line["resource_uuid"] == own.as_str() && line["component"] == "cpu");
        assert_eq!(line.unwrap()["class"], "match", "{report:#}");
        line.unwrap()["note"].as_str().unwrap_or_default().to_owned()
    };
    assert_eq!(note("climate-alps", "k-hours"), "");
    assert!(note("alps", "k-hours").contains("alps is an alias of climate-alps"));
    assert!(note("climate-alps", "thousands").contains("taken as k-hours by the factor"));
}
