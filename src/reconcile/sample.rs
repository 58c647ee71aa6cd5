//! A small report with one line of each class, for the tests of those who write reports.

use std::sync::Arc;

use super::*;
use crate::domain::{Amount, BillingPeriod, Place, ResourceId, Spot, UsageId};
use crate::findings::{Code, RowCounts};
use crate::plan::{InputFile, InvoiceState, Scope};

fn amount(text: &str) -> Amount {
    Amount::parse(text).unwrap()
}

fn uuid(number: usize) -> uuid::Uuid {
    uuid::Uuid::from_u128(0x6663_7cd7_602c_5b9b_a4e2_bb7a_5834_0000 + u128::try_from(number).unwrap())
}

fn measured(component: &str, unit: &str) -> Measured {
    Measured { component: component.into(), unit: unit.into() }
}

/// The report. Its texts hold what may not become markup, a formula or a terminal escape.
pub fn report() -> Report {
    let period: BillingPeriod = "2026-11".parse().unwrap();
    let organisations = ["Institute of Hydrology", "=HYPERLINK(\"http://evil\")", "<b>Ärzte & Söhne</b>"];
    let subjects: Vec<Subject> = (0..6_usize)
        .map(|number| Subject {
            organisation: organisations[number % 3].into(),
            customer: Some(crate::domain::CustomerId::new(uuid(100 + number % 3))),
            project: format!("Project {}", number % 2).into(),
            project_uuid: Some(crate::domain::ProjectId::new(uuid(200 + number % 2))),
            offering: "HPC allocation".into(),
            offering_uuid: Some(crate::domain::OfferingId::new(uuid(300))),
            resource: format!("resource-{number}").into(),
            resource_uuid: (number < 5).then(|| ResourceId::new(uuid(number))),
        })
        .collect();
    let components =
        vec![measured("cpu", "k-hours"), measured("ram", "GB-hours"), measured("gpu_hours", "h")];
    let mut lines = Vec::new();
    let repeats = Class::ALL.iter().rev().copied().chain([Class::Match; 8]);
    for (at, class) in repeats.enumerate() {
        let (file, server) = match class {
            Class::Match => (Some(amount("120.50")), Some(amount("120.50"))),
            Class::MissingOnServer | Class::UnknownResource => (Some(amount("75")), None),
            Class::MissingInFile | Class::CarriedOver => (None, Some(amount("1250.75"))),
            Class::Sign => (Some(amount("-40")), Some(amount("40"))),
            _ => (Some(amount("1234.56")), Some(amount("1243.56"))),
        };
        let has_rule = matches!(class, Class::WithinTolerance | Class::Ignored);
        let billed = Billed {
            quantity: server.unwrap_or_default(),
            unit_price: Some(amount("1.25")),
            price: crate::domain::line_price(server.unwrap_or_default(), amount("1.25")).unwrap(),
            tax: None,
            invoice_number: Some("100042".into()),
            lines: vec![],
        };
        let worth = amount("11.25");
        let eur = Some("EUR".parse().unwrap());
        lines.push(Line {
            class,
            also: Classes::default(),
            period,
            subject: u32::try_from(at % 6).unwrap(),
            component: u32::try_from(at % 3).unwrap(),
            file,
            server,
            cell: file.map(|_| CellPlace { table: 0, row: u32::try_from(at + 2).unwrap(), column: 4 }),
            usage: server.map(|_| UsageId::new(uuid(1000 + at))),
            more: Some(Box::new(More {
                billed: Some(billed),
                worth: class.is_break().then_some((eur, worth)),
                rule: has_rule.then_some(0),
                note: class.is_break().then_some(0),
                ..More::default()
            })),
        });
    }
    lines.sort_by_key(|line| !line.class.is_break());
    let eur = Some("EUR".parse().unwrap());
    let breaks = lines.iter().filter(|line| line.class.is_break()).count();
    let total = |pick: fn(&Line) -> Option<Amount>, component: u32| {
        let own = lines.iter().filter(|line| line.component == component);
        Amount::total(own.filter_map(pick)).unwrap()
    };
    let proof = (0_u32..3).map(|component| ProofRow {
        measured: components[usize::try_from(component).unwrap()].clone(),
        file: total(|line| line.file, component),
        server: total(|line| line.server, component),
        classes: Class::ALL
            .iter()
            .map(|class| {
                let own = lines.iter().filter(|line| line.component == component && line.class == *class);
                let zero = Amount::ZERO;
                let each = own
                    .map(|line| line.file.unwrap_or(zero).checked_sub(line.server.unwrap_or(zero)).unwrap());
                (*class, Amount::total(each).unwrap())
            })
            .filter(|(_, amount)| *amount != Amount::ZERO)
            .collect(),
    });
    let at_stake = Amount::total(vec![amount("11.25"); breaks]).unwrap();
    Report {
        made: Made {
            run: crate::domain::RunId::new(uuid(1)),
            at: "2026-12-02T08:00:00Z".parse().unwrap(),
            tool_version: "0.1.0".into(),
        },
        header: Header {
            server: Some("https://waldur.example.com".into()),
            sandbox: None,
            account: None,
            sides: Sides::FileServerAndInvoices,
            months: vec![Month { period, is_partial: false }],
            offerings: vec!["HPC allocation".into()],
            scope: Scope::default(),
            currency: Some(CurrencyOf {
                currency: "EUR".parse().unwrap(),
                source: "the server's configuration".into(),
            }),
            inputs: vec![InputFile {
                name: "statement.xlsx".into(),
                sheet: Some("Usage".into()),
                sha256: "00".repeat(32),
                layout: None,
            }],
            server_rows: None,
            rows: RowCounts {
                rows_read: lines.len() + 2,
                rows_used: lines.len(),
                rows_faulty: 1,
                rows_blank: 1,
                rows_filtered: 0,
            },
            rows_of_users: 0,
            endpoints: vec![Endpoint {
                path: "marketplace-component-usages/".into(),
                read: "by month, offering and component; counts and ids agree".into(),
                rows: lines.len(),
            }],
            rules: vec![RuleUse {
                name: "half a hundredth".into(),
                says: "cpu may differ by 0.05".into(),
                until: None,
                has_ended: false,
                lines: 2,
            }],
            remarks: Vec::new(),
        },
        verdict: Verdict {
            agrees: false,
            keys: lines.len(),
            breaks,
            at_stake: vec![(eur, at_stake)],
            without_price: 0,
            sentence: format!("{breaks} of {} keys differ; {at_stake} EUR at stake", lines.len()),
        },
        classes: Class::ALL
            .iter()
            .map(|class| {
                let keys = lines.iter().filter(|line| line.class == *class).count();
                let worth = if class.is_break() { vec![(eur, amount("11.25"))] } else { vec![] };
                ClassTotal { class: *class, keys, worth }
            })
            .collect(),
        proof: Proof { rows: proof.collect() },
        organisations: (0..3_usize)
            .map(|number| {
                let own = || lines.iter().filter(|line| usize::try_from(line.subject % 3) == Ok(number));
                let breaks = own().filter(|line| line.class.is_break()).count();
                let billed = own().filter_map(|line| Some(line.more.as_ref()?.billed.as_ref()?.price));
                OrganisationTotal {
                    name: organisations[number].into(),
                    customer: subjects[number].customer,
                    keys: own().count(),
                    breaks,
                    worth: vec![(eur, Amount::total(vec![amount("11.25"); breaks]).unwrap())],
                    stated: vec![],
                    billed: Amount::total(billed),
                }
            })
            .collect(),
        invoices: (0..3_usize)
            .map(|number| InvoiceTotal {
                organisation: organisations[number].into(),
                customer: subjects[number].customer.unwrap(),
                period,
                number: Some("100042".into()),
                state: Some(InvoiceState::Created),
                usage: amount("5210.33"),
                other: amount("100"),
                credits: amount("-25.50"),
                compensations: amount("-10"),
                tax: Some(amount("1160.46")),
                price: Some(amount("5274.83")),
                total: Some(amount("6435.29")),
                is_whole: true,
                is_in_part: false,
                stated: vec![(eur, amount("5210.33"))],
                stated_tax: vec![],
            })
            .collect(),
        trend: components
            .iter()
            .zip(0_u32..)
            .map(|(measured, at)| Trend {
                measured: measured.clone(),
                last_month: Some(amount("4000")),
                server: total(|line| line.server, at),
                file: Some(total(|line| line.file, at)),
            })
            .collect(),
        skipped: vec![SkippedRow {
            place: Place {
                file: "statement.xlsx".into(),
                sheet: Some("Usage".into()),
                spot: Spot::Cell { row: 99, column: 4 },
                header: Some("amount".into()),
            },
            code: Code::InvalidAmount,
            found: "=cmd|' /C calc'!A0".into(),
        }],
        lines,
        subjects,
        components,
        tables: vec![TablePlace {
            file: "statement.xlsx".into(),
            sheet: Some("Usage".into()),
            headers: ["resource_name", "billing_period", "component_type", "amount"].map(Arc::from).to_vec(),
        }],
        notes: vec!["\u{1b}[31m60 times the other: \u{202e}minutes for hours?".into()],
    }
}

#[test]
fn the_sample_is_sound() {
    let report = report();
    assert!(report.proof.holds());
    assert_eq!(report.views().count(), report.lines.len());
    let first = report.breaks().next().unwrap();
    assert_eq!(first.cells().next().unwrap().to_string(), "statement.xlsx Usage!D2 \"amount\"");
}
