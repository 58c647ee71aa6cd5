//! Reports for the tests of writers that hold more than the sample: everything a line can say, and as
//! many lines as are asked for.

use std::sync::Arc;

use crate::domain::{Amount, InvoiceLineId, UsageId};
use crate::reconcile::sample;
use crate::reconcile::{CellPlace, Class, Classes, Report, Stated};

fn amount(text: &str) -> Amount {
    text.parse().unwrap()
}

fn id(number: u128) -> uuid::Uuid {
    uuid::Uuid::from_u128(0x0f3c_77aa_0000_4000_8000_0000_0000_0000 + number)
}

/// The sample, with lines that say everything that a line can say, in two currencies and a month that is
/// not over.
pub fn full() -> Report {
    let mut report = sample::report();
    report.header.months[0].is_partial = true;
    report.header.rules[0].until = Some(jiff::civil::date(2026, 11, 30));
    let chf = Some("CHF".parse().unwrap());
    for (line, number) in report.lines.iter_mut().zip(0_u128..).take(6) {
        line.also = Classes::default();
        line.also.add(Class::Price);
        let more = line.more.get_or_insert_default();
        more.cells = vec![CellPlace { table: 0, row: 99, column: 0 }];
        more.usages = vec![UsageId::new(id(number))];
        more.stated = Some(Stated {
            unit_price: Some(amount("1.2500000001")),
            price: Some(amount("1543.21")),
            tax: Some(amount("308.65")),
            currency: chf,
            invoice_number: Some("@R-17".into()),
            customer: Some("<i>Institute</i>".into()),
        });
        if let Some(billed) = &mut more.billed {
            billed.tax = Some(amount("0.01"));
            billed.lines = vec![InvoiceLineId::new(id(500 + number)), InvoiceLineId::new(id(600 + number))];
        }
        if number == 1 {
            more.worth = Some((chf, amount("-123456789012345678.0123456789")));
        }
        if number == 2 {
            line.file = Some(amount("999999999999999999999999.9999999999"));
            line.server = Some(amount("999999999999999999999999.9999999998"));
        }
    }
    report.verdict.at_stake.push((chf, amount("123456789012345678.0123456789")));
    report.organisations[0].stated = vec![(chf, amount("1543.21")), (None, amount("-0.5"))];
    report
}

/// So many lines, the first of which are breaks.
pub fn many(lines: usize) -> Report {
    let mut report = sample::report();
    let own = std::mem::take(&mut report.lines);
    let breaks = own.iter().filter(|line| line.class.is_break()).count();
    for number in 0..lines {
        let place =
            if number < lines / 10 { number % breaks } else { breaks + number % (own.len() - breaks) };
        let mut line = own[place].clone();
        let shifted = amount(&format!("{}.{:02}", (number * 7919) % 100_003, number % 100));
        line.file = line.file.map(|_| shifted);
        report.lines.push(line);
    }
    report.verdict.keys = lines;
    report.verdict.breaks = report.lines.iter().filter(|line| line.class.is_break()).count();
    report.subjects[0].resource = Arc::from("gpu-cluster-of-the-faculty-of-mathematics-and-physics");
    report
}
