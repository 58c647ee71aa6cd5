//! Every class, planted one by one, and what must not be taken for one.

use super::worlds::{Sides3, amount, fault, named, priced, resource_id, told};
use super::*;
use crate::domain::CarryOver;
use crate::findings::Code;
use crate::plan::InvoiceState;

fn rules(text: &str) -> Rules {
    Rules::parse(text).unwrap()
}

/// What one key of October to November comes to, with no rule.
fn one(plant: impl FnOnce(&mut Sides3)) -> Vec<String> {
    with(&Rules::default(), plant)
}

fn with(rules: &Rules, plant: impl FnOnce(&mut Sides3)) -> Vec<String> {
    let mut sides = Sides3::new("2026-10..2026-11");
    plant(&mut sides);
    let report = sides.report(rules);
    assert!(report.proof.holds(), "{:?}", report.proof);
    told(&report)
}

#[test]
fn agreement_is_exact_and_nothing_is_zero() {
    let lines = one(|sides| {
        sides.states(1, "cpu", "2026-11", "7.50");
        sides.stores(1, "cpu", "2026-11", "7.5");
        sides.states(2, "cpu", "2026-11", "0");
        sides.stores(3, "cpu", "2026-11", "0");
        sides.states(4, "cpu", "2026-11", "7.51");
        sides.stores(4, "cpu", "2026-11", "7.50");
        sides.states(5, "cpu", "2026-11", "1.005");
        sides.stores(5, "cpu", "2026-11", "1.01");
    });
    assert_eq!(
        lines,
        [
            "resource-4 cpu 2026-11: 7.51 7.50 | amount | 0.01 EUR",
            "resource-5 cpu 2026-11: 1.005 1.01 | amount | -0.01 EUR | the server has it rounded to two decimal places",
            "resource-2 cpu 2026-11: 0.00 - | match | 0 in the file, and nothing on the server",
            "resource-1 cpu 2026-11: 7.50 7.50 | match",
            "resource-3 cpu 2026-11: - 0.00 | match | nothing in the file, and 0 on the server",
        ]
    );
}

#[test]
fn names_that_lead_nowhere_are_keys_of_their_own() {
    let lines = one(|sides| {
        let line = sides.states(0, "cpu", "2026-11", "42");
        named(line, Some("nobody"), None, None);
        fault(line, Code::UnknownResource, "no such resource");
        let line = sides.states(0, "cpu", "2026-11", "8");
        named(line, Some("nobody"), None, None);
        fault(line, Code::UnknownResource, "no such resource");
        let line = sides.states(0, "cpu", "2026-11", "1");
        named(line, Some("twin"), None, None);
        fault(line, Code::AmbiguousResource, "two of them");
        let line = sides.states(1, "cpu", "2026-11", "9");
        named(line, None, Some("fpga"), Some("h"));
        fault(line, Code::UnknownComponent, "no such component");
        let line = sides.states(1, "cpu", "2026-11", "10");
        named(line, None, Some("fpga"), Some("days"));
        fault(line, Code::UnknownComponent, "no such component");
    });
    assert_eq!(
        lines,
        [
            "nobody cpu 2026-11: 50.00 - | unknown-resource +duplicate-in-file | no such resource",
            "resource-1 fpga 2026-11: 10.00 - | unknown-component | no such component",
            "resource-1 fpga 2026-11: 9.00 - | unknown-component | no such component",
            "twin cpu 2026-11: 1.00 - | ambiguous-name | two of them",
        ]
    );
}

#[test]
fn a_saved_list_knows_no_names_so_what_is_not_in_it_is_missing() {
    let lines = one(|sides| {
        sides.is_saved = true;
        let line = sides.states(0, "cpu", "2026-11", "42");
        named(line, Some("nobody"), None, None);
        fault(line, Code::UnknownResource, "no such resource");
        // A list without any row of the component would tell nothing of it.
        sides.states(1, "cpu", "2026-11", "1");
        sides.stores(1, "cpu", "2026-11", "1");
    });
    assert_eq!(
        lines,
        [
            "nobody cpu 2026-11: 42.00 - | missing-on-server | the saved list has no such resource",
            "resource-1 cpu 2026-11: 1.00 1.00 | match",
        ]
    );
}

#[test]
fn what_the_server_cannot_take_is_no_missing_row() {
    let lines = one(|sides| {
        fault(sides.states(1, "cpu", "2026-11", "42"), Code::ResourceState, "terminated");
        // It took it before it was terminated.
        fault(sides.states(2, "cpu", "2026-11", "42"), Code::ResourceState, "terminated");
        sides.stores(2, "cpu", "2026-11", "42");
        fault(sides.states(3, "seats", "2026-11", "3"), Code::NotReportable, "a fixed price");
    });
    assert_eq!(
        lines,
        [
            "resource-1 cpu 2026-11: 42.00 - | not-reportable +missing-on-server | 21.00 EUR | terminated",
            "resource-3 seats 2026-11: 3.00 - | not-reportable +missing-on-server | a fixed price",
            "resource-2 cpu 2026-11: 42.00 42.00 | match +not-reportable",
        ]
    );
}

#[test]
fn doubles_are_told_from_parts_that_add_up() {
    let lines = one(|sides| {
        for text in ["42", "42"] {
            fault(sides.states(1, "cpu", "2026-11", text), Code::DuplicateKey, "twice");
        }
        sides.stores(1, "cpu", "2026-11", "42");
        for text in ["40", "2"] {
            sides.states(2, "cpu", "2026-11", text);
        }
        sides.stores(2, "cpu", "2026-11", "42");
        // One row for each plan period is no double.
        for (plan_period, text) in [(1, "30"), (2, "5")] {
            let line = sides.states(3, "cpu", "2026-11", text);
            line.more.get_or_insert_default().plan_period =
                Some(crate::domain::PlanPeriodId::new(uuid::Uuid::from_u128(plan_period)));
        }
        for text in ["30", "12"] {
            sides.stores(3, "cpu", "2026-11", text);
        }
    });
    assert_eq!(
        lines,
        [
            "resource-3 cpu 2026-11: 35.00 42.00 | amount +several-rows | -3.50 EUR",
            "resource-1 cpu 2026-11: 84.00 42.00 | duplicate-in-file | 21.00 EUR | 2 rows of the file: 42.00, 42.00; the server has one of them",
            "resource-2 cpu 2026-11: 42.00 42.00 | match +duplicate-in-file | the rows of the file add up to what the server has",
        ]
    );
}

#[test]
fn several_rows_of_the_server_are_compared_by_their_sum_and_their_parts() {
    let lines = one(|sides| {
        for (resource, text) in [(1, "42"), (2, "30"), (3, "17"), (4, "41")] {
            sides.states(resource, "cpu", "2026-11", text);
            for part in ["30", "7", "5"].into_iter().take(if resource == 3 { 2 } else { 3 }) {
                sides.stores(resource, "cpu", "2026-11", part);
            }
        }
        sides.states(5, "cpu", "2026-11", "12");
        for part in ["30", "7", "5"] {
            sides.stores(5, "cpu", "2026-11", part);
        }
    });
    assert_eq!(
        lines,
        [
            "resource-4 cpu 2026-11: 41.00 42.00 | amount +several-rows | -0.50 EUR",
            "resource-3 cpu 2026-11: 17.00 37.00 | amount +several-rows | -10.00 EUR",
            "resource-2 cpu 2026-11: 30.00 42.00 | several-rows | -6.00 EUR | the file has one of 3 rows: 30.00, 7.00, 5.00",
            "resource-5 cpu 2026-11: 12.00 42.00 | several-rows | -15.00 EUR | the file has some of 3 rows: 30.00, 7.00, 5.00",
            "resource-1 cpu 2026-11: 42.00 42.00 | match +several-rows | the rows of the server add up to what the file has",
        ]
    );
}

#[test]
fn signs_digits_and_units_explain_amounts() {
    let lines = one(|sides| {
        for (resource, file, server) in [
            (1, "-42", "42"),
            (2, "-1", "42"),
            (3, "1234.56", "1243.56"),
            (4, "2520", "42"),
            (5, "42", "43008"),
            (6, "-5", "-7"),
        ] {
            sides.states(resource, "cpu", "2026-11", file);
            sides.stores(resource, "cpu", "2026-11", server);
        }
        let line = sides.states(7, "ram", "2026-11", "10");
        named(line, None, None, Some("MiB-days"));
        fault(line, Code::UnitMismatch, "MiB-days, and not GB-hours");
        sides.stores(7, "ram", "2026-11", "10");
        let line = sides.states(8, "ram", "2026-11", "10");
        named(line, None, None, Some("gb hours"));
        fault(line, Code::UnitMismatch, "gb hours, and not GB-hours");
        sides.stores(8, "ram", "2026-11", "10");
        fault(sides.states(9, "cpu", "2026-11", "-3"), Code::NegativeAmount, "below zero");
    });
    assert_eq!(
        lines,
        [
            "resource-4 cpu 2026-11: 2520.00 42.00 | wrong-unit | 1239.00 EUR | the file has 60 times what the server has: minutes and hours, or seconds and minutes?",
            "resource-5 cpu 2026-11: 42.00 43008.00 | wrong-unit | -21483.00 EUR | the server has 1024 times what the file has: a step of 1024, as from MB to GB?",
            "resource-7 ram 2026-11: 10.00 10.00 | wrong-unit | MiB-days, and not GB-hours",
            "resource-2 cpu 2026-11: -1.00 42.00 | sign | -21.50 EUR | the file is below zero",
            "resource-6 cpu 2026-11: -5.00 -7.00 | sign | 1.00 EUR | both sides are below zero",
            "resource-1 cpu 2026-11: -42.00 42.00 | sign | -42.00 EUR | the same amount with the opposite sign",
            "resource-9 cpu 2026-11: -3.00 - | sign +missing-on-server | -1.50 EUR | the file is below zero",
            "resource-3 cpu 2026-11: 1234.56 1243.56 | transposed-digits | -4.50 EUR",
            "resource-8 ram 2026-11: 10.00 10.00 | match",
        ]
    );
}

#[test]
fn what_stands_in_another_month_points_there_and_back() {
    let lines = one(|sides| {
        sides.states(1, "cpu", "2026-10", "42");
        sides.stores(1, "cpu", "2026-11", "42");
        // The server has it in the month after those that are compared, and in the one before.
        sides.states(2, "cpu", "2026-11", "43.25");
        sides.stores(2, "cpu", "2026-12", "43.25");
        sides.states(3, "cpu", "2026-10", "44.25");
        sides.stores(3, "cpu", "2026-09", "44.25");
        // Both months are exchanged.
        sides.states(4, "cpu", "2026-10", "45");
        sides.states(4, "cpu", "2026-11", "46");
        sides.stores(4, "cpu", "2026-10", "46");
        sides.stores(4, "cpu", "2026-11", "45");
    });
    assert_eq!(
        lines,
        [
            "resource-2 cpu 2026-11: 43.25 - | wrong-period +missing-on-server | 21.63 EUR | the server has the amount in 2026-12",
            "resource-4 cpu 2026-10: 45.00 46.00 | wrong-period | -0.50 EUR | the server has the file's amount in 2026-11, and the file the server's in 2026-11",
            "resource-4 cpu 2026-11: 46.00 45.00 | wrong-period | 0.50 EUR | the server has the file's amount in 2026-10, and the file the server's in 2026-10",
            "resource-1 cpu 2026-10: 42.00 - | wrong-period +missing-on-server | 21.00 EUR | the server has the amount in 2026-11",
            "resource-1 cpu 2026-11: - 42.00 | wrong-period +missing-in-file | -21.00 EUR | the file has the amount in 2026-10",
            "resource-3 cpu 2026-10: 44.25 - | wrong-period +missing-on-server | 22.13 EUR | the server has the amount in 2026-09",
        ]
    );
}

#[test]
fn what_is_the_same_every_month_is_missing_and_not_elsewhere() {
    let lines = one(|sides| {
        sides.states(1, "cpu", "2026-10", "42");
        sides.states(1, "cpu", "2026-11", "42");
        sides.stores(1, "cpu", "2026-10", "42");
        sides.stores(2, "cpu", "2026-09", "42");
        sides.states(2, "cpu", "2026-10", "42");
        sides.stores(2, "cpu", "2026-11", "42");
        sides.states(2, "cpu", "2026-11", "42");
        // One amount cannot be that of two months.
        sides.states(3, "cpu", "2026-10", "50");
        sides.states(3, "cpu", "2026-11", "50");
        sides.stores(3, "cpu", "2026-12", "50");
    });
    assert_eq!(
        lines,
        [
            "resource-2 cpu 2026-10: 42.00 - | missing-on-server | 21.00 EUR",
            "resource-1 cpu 2026-11: 42.00 - | missing-on-server | 21.00 EUR",
            "resource-3 cpu 2026-10: 50.00 - | missing-on-server | 25.00 EUR",
            "resource-3 cpu 2026-11: 50.00 - | wrong-period +missing-on-server | 25.00 EUR | the server has the amount in 2026-12",
            "resource-2 cpu 2026-11: 42.00 42.00 | match",
            "resource-1 cpu 2026-10: 42.00 42.00 | match",
        ]
    );
}

#[test]
fn carried_over_is_what_nobody_reported() {
    let lines = one(|sides| {
        for resource in 1..=4 {
            sides.stores(resource, "cpu", "2026-10", "42").carry_over = CarryOver::Reuse;
            sides.states(resource, "cpu", "2026-10", "42");
            let row = sides.stores(resource, "cpu", "2026-11", "42");
            (row.carry_over, row.modified_by) = (CarryOver::Reuse, None);
            match resource {
                // Somebody reported the same once more.
                2 => row.modified_by = Some(7),
                3 => drop(sides.states(3, "cpu", "2026-11", "55")),
                4 => drop(sides.states(4, "cpu", "2026-11", "42")),
                _ => {}
            }
        }
        sides.stores(5, "cpu", "2026-10", "42").carry_over = CarryOver::Zero;
        sides.states(5, "cpu", "2026-10", "42");
        sides.stores(5, "cpu", "2026-11", "0").modified_by = None;
        sides.states(5, "cpu", "2026-11", "6");
    });
    assert_eq!(
        lines[..5],
        [
            "resource-5 cpu 2026-11: 6.00 0.00 | missing-on-server | 3.00 EUR | the server has 0 for want of a report",
            "resource-2 cpu 2026-11: - 42.00 | missing-in-file | -21.00 EUR",
            "resource-1 cpu 2026-11: - 42.00 | carried-over +missing-in-file | -21.00 EUR | the month before has the same amount, and recurs",
            "resource-3 cpu 2026-11: 55.00 42.00 | carried-over | 6.50 EUR | the month before has the same amount, and recurs",
            "resource-2 cpu 2026-10: 42.00 42.00 | match",
        ]
    );
    assert!(
        lines.contains(&"resource-4 cpu 2026-11: 42.00 42.00 | match +carried-over".to_owned()),
        "{lines:?}"
    );
}

#[test]
fn rules_settle_and_are_named() {
    let text = "[[tolerance]]\nname = \"cents\"\nabsolute = \"0.05\"\n\
                [[tolerance]]\nname = \"money\"\nmoney = \"0.02\"\n\
                [[ignore]]\nname = \"ticket\"\nresource = \"resource-3\"\nreason = \"r\"\nuntil = 2026-12-31\n\
                [[ignore]]\nname = \"old\"\nresource = \"resource-4\"\nreason = \"r\"\nuntil = 2026-11-30\n\
                [[unit]]\nname = \"minutes\"\nfrom = \"min\"\nto = \"hours\"\nfactor = \"1/60\"\n";
    let mut sides = Sides3::new("2026-11");
    for (resource, of, file, server) in
        [(1, "cpu", "42.05", "42"), (2, "ram", "42", "50"), (3, "cpu", "42", "50"), (4, "cpu", "42", "50")]
    {
        sides.states(resource, of, "2026-11", file);
        sides.stores(resource, of, "2026-11", server);
    }
    for (resource, minutes) in [(5, "90"), (6, "100")] {
        let line = sides.states(resource, "cpu", "2026-11", minutes);
        named(line, None, None, Some("min"));
        fault(line, Code::UnitMismatch, "min, and not hours");
        sides.stores(resource, "cpu", "2026-11", "1.5");
    }
    // A tolerance lets no row be missing.
    sides.states(7, "cpu", "2026-11", "0.05");
    let report = sides.report(&rules(text));
    assert!(report.proof.holds());
    assert_eq!(
        told(&report),
        [
            "resource-4 cpu 2026-11: 42.00 50.00 | amount | -4.00 EUR",
            "resource-7 cpu 2026-11: 0.05 - | missing-on-server | 0.03 EUR",
            "resource-6 cpu 2026-11: 100.00 1.50 | wrong-unit | the rule minutes makes no exact amount of it; add round to the rule",
            "resource-2 ram 2026-11: 42.00 50.00 | within-tolerance | -0.01 EUR | by money",
            "resource-1 cpu 2026-11: 42.05 42.00 | within-tolerance | 0.03 EUR | by cents",
            "resource-3 cpu 2026-11: 42.00 50.00 | ignored +amount | -4.00 EUR | by ticket",
            "resource-5 cpu 2026-11: 1.50 1.50 | match | by minutes",
        ]
    );
    let uses: Vec<_> = report.header.rules.iter().map(|rule| (rule.name.as_str(), rule.lines)).collect();
    assert_eq!(uses, [("cents", 1), ("money", 1), ("ticket", 1), ("old", 0), ("minutes", 1)]);
    assert!(report.header.rules[3].has_ended);
    assert_eq!(
        report.verdict.sentence,
        "Agrees but for 3 of 7 keys; 4.03 EUR at stake; no price is known of 1 key; 1 key is left alone by a rule, which comes to 4.00 EUR"
    );
    let ignored = report.lines.iter().find(|line| line.class == Class::Ignored).unwrap();
    assert!(ignored.also.has(Class::Amount), "{ignored:?}");
}

#[test]
fn prices_are_held_against_the_rounding_of_lines_and_the_plans() {
    let lines = one(|sides| {
        for (resource, unit_price, price, currency) in [
            (1, Some("0.001"), Some("0.05"), None),
            (2, Some("0.001"), Some("0.04"), Some("EUR")),
            (3, Some("0.002"), None, None),
            (4, None, Some("0.06"), None),
            (5, Some("0.001"), Some("0.05"), Some("USD")),
        ] {
            priced(sides.states(resource, "ram", "2026-11", "42.5"), unit_price, price, currency);
            sides.stores(resource, "ram", "2026-11", "42.5");
        }
        // A price alone, where the server has nothing.
        priced(sides.states(6, "seats", "2026-11", "1"), None, Some("10"), Some("EUR"));
    });
    assert_eq!(
        lines,
        [
            "resource-6 seats 2026-11: 1.00 - | missing-on-server | 10.00 EUR",
            "resource-2 ram 2026-11: 42.50 42.50 | price | -0.01 EUR | the file has 0.04 for 42.50 at 0.001, which comes to 0.05; the file rounds to the nearest cent, and invoices round up",
            "resource-4 ram 2026-11: 42.50 42.50 | price | 0.01 EUR | the file has the price 0.06, and by the plan of today it is 0.05",
            "resource-3 ram 2026-11: 42.50 42.50 | price | 0.04 EUR | a unit costs 0.002 in the file and 0.001 by the plan of today",
            "resource-5 ram 2026-11: 42.50 42.50 | price | the file states USD and the server EUR: the prices are not compared",
            "resource-1 ram 2026-11: 42.50 42.50 | match",
        ]
    );
}

#[test]
fn money_has_a_tolerance_of_its_own() {
    let mut tolerant = Rules::default();
    tolerant.add_tolerance("money=0.01".parse().unwrap());
    let lines = with(&tolerant, |sides| {
        priced(sides.states(2, "ram", "2026-11", "42.5"), Some("0.001"), Some("0.04"), None);
        sides.stores(2, "ram", "2026-11", "42.5");
        priced(sides.states(4, "cpu", "2026-11", "2"), Some("0.5"), Some("1.02"), None);
        sides.stores(4, "cpu", "2026-11", "2");
    });
    assert_eq!(
        lines,
        [
            "resource-4 cpu 2026-11: 2.00 2.00 | price | 0.02 EUR | the file has 1.02 for 2.00 at 0.50, which comes to 1.00",
            "resource-2 ram 2026-11: 42.50 42.50 | within-tolerance | -0.01 EUR | by money=0.01 | the file has 0.04 for 42.50 at 0.001, which comes to 0.05; the file rounds to the nearest cent, and invoices round up",
        ]
    );
}

#[test]
fn invoices_are_a_third_side() {
    let mut sides = Sides3::new("2026-11");
    sides.sides = super::Sides::FileServerAndInvoices;
    sides.invoiced("2026-11", &InvoiceState::Created);
    for (resource, billed) in [(1, Some("42")), (2, None), (3, Some("30")), (4, Some("42"))] {
        let line = sides.states(resource, "cpu", "2026-11", "42");
        if resource == 4 {
            priced(line, Some("0.6"), Some("25.20"), None);
        }
        sides.stores(resource, "cpu", "2026-11", "42");
        if let Some(billed) = billed {
            sides.bills(resource, "cpu", "2026-11", billed, "0.5");
        }
    }
    sides.bills(5, "cpu", "2026-11", "9", "0.5");
    sides.bills(6, "cpu", "2026-11", "0", "0.5");
    sides.states(7, "cpu", "2026-11", "5");
    // Usage of what is billed by limit is on no invoice.
    sides.states(8, "disk", "2026-11", "5");
    sides.stores(8, "disk", "2026-11", "5");
    for (resource, usage, hours) in [(1, "600", "10"), (2, "6001", "101"), (3, "60", "1")] {
        sides.states(resource, "ram", "2026-11", usage);
        sides.stores(resource, "ram", "2026-11", usage);
        sides.bills(resource, "ram", "2026-11", hours, "0.001");
    }
    let report = sides.report(&Rules::default());
    assert!(report.proof.holds());
    assert_eq!(
        told(&report),
        [
            "resource-7 cpu 2026-11: 5.00 - | missing-on-server | 2.50 EUR",
            "resource-2 cpu 2026-11: 42.00 42.00 | not-billed | 21.00 EUR | stored, not billed: the closed invoice has no line of it; it came too late, or stood under no plan period",
            "resource-4 cpu 2026-11: 42.00 42.00 | price | 4.20 EUR | a unit costs 0.60 in the file and 0.50 on the invoice",
            "resource-3 cpu 2026-11: 42.00 42.00 | billed | 6.00 EUR | the invoice bills another quantity than the server has",
            "resource-5 cpu 2026-11: - - | billed | -4.50 EUR | the invoice bills what the server does not have",
            "resource-2 ram 2026-11: 6001.00 6001.00 | converted-by-server | the server bills hours: the usage divided by 60, rounded up",
            "resource-1 ram 2026-11: 600.00 600.00 | converted-by-server | the server bills hours: the usage divided by 60, rounded up",
            "resource-3 ram 2026-11: 60.00 60.00 | converted-by-server | the server bills hours: the usage divided by 60, rounded up",
            "resource-6 cpu 2026-11: - - | match | nothing on the server, and 0 on the invoice",
            "resource-8 disk 2026-11: 5.00 5.00 | match",
            "resource-1 cpu 2026-11: 42.00 42.00 | match",
        ]
    );
}

#[test]
fn what_is_not_seen_is_not_called_unbilled() {
    let mut sides = Sides3::new("2026-10..2026-11");
    sides.sides = super::Sides::FileServerAndInvoices;
    // Of October nothing is shown, and November was not read at all.
    sides.invoices.entry(super::worlds::month("2026-10")).or_default();
    for period in ["2026-10", "2026-11"] {
        sides.states(1, "cpu", period, "42");
        sides.stores(1, "cpu", period, "42");
    }
    assert_eq!(
        told(&sides.report(&Rules::default())),
        [
            "resource-1 cpu 2026-10: 42.00 42.00 | not-visible | 0.00 EUR | not visible to this account: the lines of the invoice",
            "resource-1 cpu 2026-11: 42.00 42.00 | not-visible | 0.00 EUR | the invoices of the month were not read",
        ]
    );
}

#[test]
fn usages_and_invoices_are_compared_without_a_file() {
    let mut sides = Sides3::new("2026-11");
    sides.sides = super::Sides::ServerAndInvoices;
    sides.invoiced("2026-11", &InvoiceState::Created);
    for (resource, stored, billed) in [
        (1, "42", Some("42")),
        (2, "42", None),
        (3, "42", Some("24")),
        (4, "2520", Some("42")),
        (5, "0", None),
    ] {
        sides.stores(resource, "cpu", "2026-11", stored);
        if let Some(billed) = billed {
            sides.bills(resource, "cpu", "2026-11", billed, "0.5");
        }
    }
    // Two rows and one line of their sum.
    sides.stores(6, "cpu", "2026-11", "30");
    sides.stores(6, "cpu", "2026-11", "12");
    sides.bills(6, "cpu", "2026-11", "42", "0.5");
    sides.stores(7, "disk", "2026-11", "5");
    let report = sides.report(&Rules::default());
    assert!(report.proof.holds());
    assert_eq!(
        told(&report),
        [
            "resource-2 cpu 2026-11: - 42.00 | not-billed | 21.00 EUR | stored, not billed: the closed invoice has no line of it; it came too late, or stood under no plan period",
            "resource-4 cpu 2026-11: - 2520.00 | billed +wrong-unit | 1239.00 EUR | the server has 60 times what the invoice has: minutes and hours, or seconds and minutes?",
            "resource-3 cpu 2026-11: - 42.00 | billed +transposed-digits | 9.00 EUR | the invoice bills another quantity than the server has",
            "resource-7 disk 2026-11: - 5.00 | ignored | 0.00 EUR | by not billed by usage",
            "resource-6 cpu 2026-11: - 42.00 | match",
            "resource-1 cpu 2026-11: - 42.00 | match",
            "resource-5 cpu 2026-11: - 0.00 | match | 0 on the server, and nothing on the invoice",
        ]
    );
    let cpu = &report.proof.rows[0];
    assert_eq!((cpu.file, cpu.server), (amount("150"), amount("2688")));
}

#[test]
fn the_same_rows_in_any_order_give_the_same_report() {
    let plant = |turn: bool| {
        let mut sides = Sides3::new("2026-10..2026-11");
        for resource in 0..30 {
            let text = format!("{}.5", resource * 7 % 11);
            sides.states(resource, "cpu", "2026-11", &text);
            sides.stores(resource, "cpu", "2026-11", if resource % 3 == 0 { "5.5" } else { &text });
            sides.stores(resource, "cpu", "2026-10", "1");
        }
        if turn {
            sides.lines.reverse();
            sides.stored.reverse();
        }
        sides.report(&Rules::default())
    };
    let (forth, back) = (plant(false), plant(true));
    assert_eq!(forth.lines, back.lines);
    assert_eq!(forth.subjects, back.subjects);
    assert_eq!(forth.verdict, back.verdict);
    assert!(forth.lines.iter().any(|line| line.class == Class::MissingInFile));
    assert_eq!(forth.subjects[0].resource_uuid, Some(resource_id(0)));
    assert_eq!(forth.trend[0].server, amount("193"));
}
