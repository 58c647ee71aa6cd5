//! What each guard refuses, exactly from where on, and the laws that hold for all of them.

use std::slice::from_ref;

use proptest::prelude::*;
use uuid::Uuid;

use super::*;

/// The smallest step of an amount.
const STEP: &str = "0.0000000001";

fn amount(text: &str) -> Amount {
    text.parse().unwrap()
}

fn cents(cents: i64) -> Amount {
    crate::domain::times(amount("0.01"), cents).unwrap()
}

/// A row of `cpu` that the file names, of a resource and an organisation of its own.
fn line(number: u32, old: Option<Amount>, new: Option<Amount>, last_month: Option<Amount>) -> GuardLine {
    GuardLine {
        resource: ResourceId::new(Uuid::from_u128(number.into())),
        resource_name: format!("resource {number}"),
        customer_name: format!("organisation {number}"),
        component: "cpu".parse().unwrap(),
        unit: "hours".into(),
        old,
        new,
        last_month,
        cost: Cost::NotBilled,
        is_filled_in: false,
    }
}

fn gone_row(number: u32, quantity: &str) -> LastMonthRow {
    let line = line(number, None, None, None);
    LastMonthRow {
        resource: line.resource,
        resource_name: line.resource_name,
        customer_name: line.customer_name,
        component: line.component,
        unit: line.unit,
        amount: amount(quantity),
    }
}

fn with_cost(cost: Cost, line: GuardLine) -> GuardLine {
    GuardLine { cost, ..line }
}

fn thresholds(change: impl FnOnce(&mut WrittenThresholds)) -> Thresholds {
    let mut written = WrittenThresholds::default();
    change(&mut written);
    Thresholds::new(written).unwrap()
}

fn max_money(limit: Amount) -> Thresholds {
    thresholds(|written| written.max_money = Some(limit))
}

fn report(guard: Guard, lines: &[GuardLine], gone: &[LastMonthRow], thresholds: &Thresholds) -> GuardReport {
    let reports = guards(lines, gone, thresholds, &BTreeSet::new());
    reports.into_iter().find(|report| report.guard == guard).unwrap()
}

fn verdict_of(guard: Guard, lines: &[GuardLine]) -> Verdict {
    report(guard, lines, &[], &Thresholds::default()).verdict
}

#[test]
fn names_and_flags_are_each_ones_own() {
    let names: BTreeSet<_> = Guard::ALL.map(Guard::name).into();
    let flags: BTreeSet<_> = Guard::ALL.into_iter().filter_map(Guard::flag).collect();
    assert_eq!((names.len(), flags.len()), (7, 5));
    for guard in Guard::ALL {
        assert_eq!(serde_json::to_value(guard).unwrap(), guard.name());
    }
}

#[test]
fn an_empty_plan_passes_all_of_them() {
    let reports = guards(&[], &[], &Thresholds::default(), &BTreeSet::new());
    assert!(reports.iter().all(|report| report.verdict == Verdict::Passed), "{reports:?}");
}

#[test]
fn rows_that_become_zero_are_counted_among_those_that_were_something() {
    let one = Some(amount("1"));
    let zero = Some(Amount::ZERO);
    let mut lines: Vec<_> = (0..8).map(|number| line(number, one, one, None)).collect();
    lines.push(line(8, one, zero, None));
    lines.push(line(9, None, zero, one));
    // What was zero already, and what the file does not name, is not counted.
    lines.push(line(10, zero, zero, one));
    lines.push(line(11, one, None, one));
    lines.push(line(12, None, zero, None));
    let found = report(Guard::Zeroed, &lines, &[], &Thresholds::default());
    assert_eq!((found.verdict, found.figure.as_str()), (Verdict::Passed, "2 of 10 rows that were not 0"));
    assert_eq!(found.threshold, "more than 20 %");
    lines[0].new = zero;
    let found = report(Guard::Zeroed, &lines, &[], &Thresholds::default());
    assert_eq!((found.verdict, found.examples.len()), (Verdict::Refused, 3));
    assert_eq!(found.flag, Some("--allow-zeroed"));
}

#[test]
fn a_total_is_held_against_all_of_last_months() {
    let lines = |now: &str| [line(1, None, Some(amount(now)), Some(amount("60")))];
    let gone = [gone_row(2, "40")];
    let (low, high) = (amount("50"), amount("200"));
    let step = amount(STEP);
    for (now, verdict) in [
        (low, Verdict::Passed),
        (low.checked_sub(step).unwrap(), Verdict::Refused),
        (high, Verdict::Passed),
        (high.checked_add(step).unwrap(), Verdict::Refused),
    ] {
        let found = report(Guard::Jump, &lines(&now.to_string()), &gone, &Thresholds::default());
        assert_eq!(found.verdict, verdict, "{now}");
    }
    // A row that only the server has counts as it is; two units are never added together.
    let mut several = vec![line(1, None, Some(amount("60")), Some(amount("60")))];
    several.push(line(2, Some(amount("40")), None, Some(amount("40"))));
    several.push(GuardLine { unit: "k-hours".into(), ..line(3, None, Some(amount("9")), Some(amount("3"))) });
    let found = report(Guard::Jump, &several, &[], &Thresholds::default());
    assert_eq!(found.figure, "1 of 2 components");
    assert_eq!((found.examples[0].before, found.examples[0].after), (Some(amount("3")), Some(amount("9"))));
}

#[test]
fn nothing_last_month_has_no_ratio() {
    for last in [None, Some(Amount::ZERO)] {
        assert_eq!(verdict_of(Guard::Jump, &[line(1, None, Some(amount("1e20")), last)]), Verdict::Passed);
    }
    let below = |now: &str| [line(1, None, Some(amount(now)), Some(amount("-10")))];
    assert_eq!(verdict_of(Guard::Jump, &below("-10")), Verdict::Passed);
    assert_eq!(verdict_of(Guard::Jump, &below("-20.01")), Verdict::Refused);
    assert_eq!(verdict_of(Guard::Jump, &below("10")), Verdict::Refused);
}

#[test]
fn what_cannot_be_added_up_is_refused() {
    let most = Some(amount("1e24"));
    let lines: Vec<_> = (0..2).map(|number| line(number, None, most, most)).collect();
    assert_eq!(verdict_of(Guard::Jump, &lines), Verdict::Refused);
    let cost = Cost::Known { old: Amount::ZERO, new: amount("1e24") };
    let dear: Vec<_> = lines.into_iter().map(|line| with_cost(cost, line)).collect();
    let thresholds = max_money(amount("1e24"));
    let found = report(Guard::Money, &dear, &[], &thresholds);
    assert_eq!(
        (found.verdict, found.figure.as_str()),
        (Verdict::Refused, "too much to add up added, 0.00 taken away")
    );
}

#[test]
fn what_is_added_does_not_make_up_for_what_is_taken_away() {
    let cost = |old: &str, new: &str| Cost::Known { old: amount(old), new: amount(new) };
    let new = Some(amount("1"));
    let lines = [
        with_cost(cost("0", "100"), line(1, None, new, None)),
        with_cost(cost("150", "50"), line(2, None, new, None)),
        // The file does not name it.
        with_cost(cost("0", "900"), line(3, new, None, None)),
    ];
    let limit = |limit: &str| max_money(amount(limit));
    let found = report(Guard::Money, &lines, &[], &limit("100"));
    assert_eq!((found.verdict, found.figure.as_str()), (Verdict::Passed, "100.00 added, 100.00 taken away"));
    assert_eq!(report(Guard::Money, &lines, &[], &limit("99.99")).verdict, Verdict::Refused);
    assert_eq!(report(Guard::Money, &lines, &[], &Thresholds::default()).verdict, Verdict::Passed);
    let unpriced = [with_cost(Cost::Unpriced, line(1, None, new, None))];
    let found = report(Guard::Money, &unpriced, &[], &limit("100"));
    assert_eq!(found.verdict, Verdict::Warned);
    assert!(found.figure.ends_with("1 rows without a known price"), "{}", found.figure);
}

#[test]
fn lowered_values_are_warned_of_and_many_by_much_refused() {
    let old = Some(amount("100"));
    let lowered = |rows: u32, new: &str| {
        (0..rows).map(|number| line(number, old, Some(amount(new)), None)).collect::<Vec<_>>()
    };
    assert_eq!(verdict_of(Guard::Lowered, &lowered(20, "98.99")), Verdict::Warned);
    assert_eq!(verdict_of(Guard::Lowered, &lowered(21, "98.99")), Verdict::Refused);
    assert_eq!(verdict_of(Guard::Lowered, &lowered(21, "99")), Verdict::Warned);
    assert_eq!(verdict_of(Guard::Lowered, &lowered(21, "98.9999999999")), Verdict::Refused);
    assert_eq!(verdict_of(Guard::Lowered, &lowered(21, "100")), Verdict::Passed);
    let found = report(Guard::Lowered, &lowered(25, "99"), &[], &Thresholds::default());
    assert_eq!(found.figure, "25 rows lowered, 0 of them by more than 1 %");
    assert_eq!((found.examples.len(), found.examples_hidden), (20, 5));
}

#[test]
fn what_last_month_had_and_this_one_has_not_is_missed() {
    let lines = [line(1, None, Some(amount("1")), None), line(2, Some(amount("1")), None, None)];
    let mut same_organisation = gone_row(3, "0");
    same_organisation.customer_name.clone_from(&lines[0].customer_name);
    let gone = [gone_row(1, "5"), gone_row(2, "5"), same_organisation];
    let found = report(Guard::MissingOrganisation, &lines, &gone, &Thresholds::default());
    assert_eq!(found.verdict, Verdict::Passed);
    let found = report(Guard::MissingResource, &lines, &gone, &Thresholds::default());
    assert_eq!((found.verdict, found.figure.as_str(), found.flag), (Verdict::Warned, "1 resources", None));
    let gone = [gone_row(4, "5"), gone_row(4, "6")];
    let found = report(Guard::MissingOrganisation, &lines, &gone, &Thresholds::default());
    assert_eq!((found.verdict, found.figure.as_str()), (Verdict::Refused, "1 organisation"));
}

#[test]
fn thresholds_that_make_no_sense_are_none() {
    let error = |toml: &str| {
        let written: WrittenThresholds = toml::from_str(toml).unwrap();
        Thresholds::new(written).unwrap_err().to_string()
    };
    assert_eq!(error("zeroed_percent = 100.01"), "zeroed_percent is above 100");
    assert_eq!(error("lowest_percent = 201"), "lowest_percent is above highest_percent");
    assert_eq!(error("max_money = '-1'"), "max_money is below 0");
    assert_eq!(error("lowered_percent = -0.5"), "lowered_percent is below 0");
    let unknown = toml::from_str::<WrittenThresholds>("max_mony = 1").unwrap_err();
    assert!(unknown.message().contains("max_mony"), "{unknown}");
    let strict = thresholds(|written| (written.lowered_percent, written.lowered_rows) = (Amount::ZERO, 0));
    let lines = [line(1, Some(amount("2")), Some(amount("1.9999999999")), None)];
    assert_eq!(report(Guard::Lowered, &lines, &[], &strict).verdict, Verdict::Refused);
}

fn some_line() -> impl Strategy<Value = GuardLine> {
    let quantity = || prop::option::of((0_i64..100_000).prop_map(cents));
    let cost = prop_oneof![
        Just(Cost::NotBilled),
        (0_i64..100_000, 0_i64..100_000)
            .prop_map(|(old, new)| Cost::Known { old: cents(old), new: cents(new) }),
    ];
    (0_u32..6, quantity(), quantity(), quantity(), cost)
        .prop_map(|(number, old, new, last, cost)| with_cost(cost, line(number, old, new, last)))
}

fn scaled(amount: Amount, factor: i64) -> Amount {
    crate::domain::times(amount, factor).unwrap()
}

proptest! {
    #[test]
    fn scaling_everything_changes_no_verdict(
        lines in prop::collection::vec(some_line(), 0..30), limit in 0_i64..500_000, factor in 1_i64..1_000_000
    ) {
        let thresholds = max_money(cents(limit));
        let larger = max_money(scaled(cents(limit), factor));
        let scale = |amount: Amount| scaled(amount, factor);
        let scaled_lines: Vec<GuardLine> = lines.iter().map(|line| GuardLine {
            old: line.old.map(scale),
            new: line.new.map(scale),
            last_month: line.last_month.map(scale),
            cost: match line.cost {
                Cost::Known { old, new } => Cost::Known { old: scale(old), new: scale(new) },
                other => other,
            },
            ..line.clone()
        }).collect();
        let verdicts = |lines: &[GuardLine], thresholds: &Thresholds| {
            let reports = guards(lines, &[], thresholds, &BTreeSet::new());
            reports.into_iter().map(|report| report.verdict).collect::<Vec<_>>()
        };
        prop_assert_eq!(verdicts(&lines, &thresholds), verdicts(&scaled_lines, &larger));
    }

    #[test]
    fn what_is_allowed_is_never_refused_and_nothing_else_changes(
        lines in prop::collection::vec(some_line(), 0..30)
    ) {
        let thresholds = max_money(amount("1"));
        let gone = [gone_row(77, "5")];
        let strict = guards(&lines, &gone, &thresholds, &BTreeSet::new());
        let lenient = guards(&lines, &gone, &thresholds, &Guard::ALL.into());
        for (strict, lenient) in strict.into_iter().zip(lenient) {
            prop_assert_ne!(lenient.verdict, Verdict::Refused);
            let expected = match strict.verdict {
                Verdict::Refused => Verdict::Allowed,
                verdict => verdict,
            };
            prop_assert_eq!(GuardReport { verdict: expected, ..strict }, lenient);
        }
    }

    #[test]
    fn a_total_is_refused_exactly_one_step_beyond_its_bounds(
        last in 1_i64..1_000_000_000, lowest in 0_u32..100, highest in 100_u32..1_000
    ) {
        let percents = (Amount::from(lowest), Amount::from(highest));
        let thresholds = thresholds(|written| {
            (written.lowest_percent, written.highest_percent) = percents;
        });
        let last = cents(last);
        let share = |percent: Amount| crate::domain::percent(last, percent).unwrap();
        let step = amount(STEP);
        let verdict = |now: Amount| {
            let lines = line(1, None, Some(now), Some(last));
            report(Guard::Jump, from_ref(&lines), &[], &thresholds).verdict
        };
        let (low, high) = (share(percents.0), share(percents.1));
        prop_assert_eq!(verdict(low), Verdict::Passed);
        prop_assert_eq!(verdict(low.checked_sub(step).unwrap()), Verdict::Refused);
        prop_assert_eq!(verdict(high), Verdict::Passed);
        prop_assert_eq!(verdict(high.checked_add(step).unwrap()), Verdict::Refused);
    }

    #[test]
    fn rows_are_refused_exactly_one_beyond_their_share(rows in 1_u32..200, share in 0_u32..=100) {
        let thresholds = thresholds(|written| written.zeroed_percent = Amount::from(share));
        let most = rows * share / 100;
        let verdict = |zeroed: u32| {
            let new = |number| if number < zeroed { Amount::ZERO } else { amount("2") };
            let lines: Vec<_> =
                (0..rows).map(|number| line(number, Some(amount("2")), Some(new(number)), None)).collect();
            report(Guard::Zeroed, &lines, &[], &thresholds).verdict
        };
        prop_assert_eq!(verdict(most), Verdict::Passed);
        if most < rows {
            prop_assert_eq!(verdict(most + 1), Verdict::Refused);
        }
    }
}
