//! Rules as they are written, refused and applied.

use super::*;
use crate::domain::Amount;
use crate::reconcile::class::Class;
use crate::reconcile::report::{Measured, Subject};

fn amount(text: &str) -> Amount {
    Amount::parse(text).unwrap()
}

fn tolerance(text: &str) -> Tolerance {
    text.parse().expect(text)
}

fn fault(text: &str) -> String {
    let error = Rules::parse(text).expect_err(text);
    let hint = error.hint.as_ref().map_or_else(String::new, |hint| format!(" ({hint})"));
    format!("{error}{hint}")
}

fn today() -> jiff::civil::Date {
    jiff::civil::date(2026, 12, 2)
}

fn measured(component: &str, unit: &str) -> Measured {
    Measured { component: component.into(), unit: unit.into() }
}

/// The file that the documentation shows.
fn documented() -> &'static str {
    let page = include_str!("../../../docs/reconcile-rules.md");
    let (_, rest) = page.split_once("```toml\n").unwrap();
    rest.split_once("```").unwrap().0
}

#[test]
fn the_documented_file_is_read_and_says_what_it_does() {
    let rules = Rules::parse(documented()).unwrap();
    assert_eq!(rules.aliases(), Some("names.toml"));
    let says: Vec<String> = rules.says().into_iter().map(|(name, says)| format!("{name}: {says}")).collect();
    assert_eq!(
        says,
        [
            "rounding of the meter: cpu may differ by 0.05 or 0.1 % of the server's, whichever is more",
            "storage: amounts in GB-hours may differ by 0.5 % of the server's",
            "a cent a line: money may differ by 0.01 EUR",
            "ticket 4711: missing-in-file, resource climate-alps, component gpu_hours, 2026-10..2026-11 \
             is left alone: the provider reports it with December",
            "closed trial: resource 66637cd7602c5b9ba4e2bb7a5834dd44 is left alone: \
             a trial that nobody pays for",
            "minutes of the scheduler: 1 cpu-minutes is 1/60 cpu-hours, rounded half-up",
        ]
    );
}

#[test]
fn texts_of_the_command_line_are_the_same_rules() {
    for (text, says) in [
        ("0.05", "amounts may differ by 0.05"),
        (" 1% ", "amounts may differ by 1 % of the server's"),
        ("cpu=0.5", "cpu may differ by 0.50"),
        ("cpu = 0.25 %", "cpu may differ by 0.25 % of the server's"),
        ("unit:GB-hours=2", "amounts in GB-hours may differ by 2.00"),
        ("money=0.02", "money may differ by 0.02 in money"),
        ("money=0.02 eur", "money may differ by 0.02 EUR"),
        ("component:money=1", "money may differ by 1.00"),
        ("a=b=1", "a=b may differ by 1.00"),
    ] {
        assert_eq!(tolerance(text).to_string(), says, "{text}");
    }
    for text in ["", "cpu", "=1", "cpu=", "1%%", "one", "0,05", "money=1%", "money=1 EURO", "unit:GB"] {
        assert_eq!(text.parse::<Tolerance>(), Err(ToleranceError::Form), "{text}");
    }
    assert_eq!("cpu=-1".parse::<Tolerance>(), Err(ToleranceError::Negative));
}

#[test]
fn what_cannot_be_understood_is_refused_with_its_line() {
    let ignore = "[[ignore]]\nreason = \"r\"\nuntil = 2026-12-31\n";
    for (text, expected) in [
        (
            "\n[[tolerence]]\nabsolute = 1\n",
            "line 2: unknown field `tolerence`, expected one of `aliases`, `tolerance`, `ignore`, `unit` (did you mean tolerance?)",
        ),
        (
            "[[tolerance]]\nabsolut = 1\n",
            "line 2: unknown field `absolut`, expected one of `name`, `component`, `unit`, `absolute`, `relative`, `money`, `currency`, `until` (did you mean absolute?)",
        ),
        (
            "[[tolerance]]\nname = \"x\"\n",
            "line 1: it says by how much in none of absolute, relative and money",
        ),
        ("[[tolerance]]\nabsolute = -1\n", "line 1: a tolerance is not below 0"),
        ("[[tolerance]]\nrelative = \"0.01\"\n", "line 2: not a share; write it as \"1%\""),
        ("[[tolerance]]\nabsolute = 1\ncurrency = \"EUR\"\n", "line 3: a currency without a limit of money"),
        ("[[tolerance]]\nmoney = 1\ncurrency = \"€\"\n", "line 3: not the code of a currency, such as EUR"),
        (
            "[[ignore]]\nclass = \"amount\"\nuntil = 2026-12-31\n",
            "line 1: no reason: say why it is left alone",
        ),
        (
            "[[ignore]]\nclass = \"amount\"\nreason = \"r\"\n",
            "line 1: no end: say until which day, as in until = 2026-12-31",
        ),
        (ignore, "line 1: it would leave everything alone; name a resource, component, period or class"),
        (
            &format!("{ignore}class = \"amounts\"\n"),
            "line 4: amounts is no class of differences (did you mean amount?)",
        ),
        (&format!("{ignore}class = \"match\"\n"), "line 4: match is nothing that has to be left alone"),
        (&format!("{ignore}class = []\n"), "line 4: an empty list of classes"),
        (
            &format!("{ignore}period = \"11/2026\"\n"),
            "line 4: not a month; write it as 2026-11 or 2026-09..2026-11",
        ),
        (&format!("{ignore}resource = \" \"\n"), "line 4: an empty text"),
        (
            "[[ignore]]\nreason = \"r\"\nclass = \"amount\"\nuntil = \"soon\"\n",
            "line 4: not a day; write it as 2026-12-31",
        ),
        (
            "[[unit]]\nfrom = \"min\"\nto = \"h\"\nfactor = \"0\"\n",
            "line 4: not a factor above 0, such as 0.001 or 1/1024",
        ),
        ("[[unit]]\nfrom = \"h\"\nto = \"h\"\nfactor = \"2\"\n", "line 1: both units are the same"),
        (
            "[[unit]]\nfrom = \"min\"\nto = \"h\"\nfactor = \"1/60\"\nround = \"away\"\n",
            "line 5: not a rule of rounding: half-up, half-even, up or down",
        ),
        (
            "[[tolerance]]\nname = \"a\"\nmoney = 1\n[[tolerance]]\nname = \"a\"\nmoney = 2\n",
            "line 5: two rules are called a",
        ),
        ("aliases = \"a\\u202Eb\"\n", "line 1: a text with a character that does not show"),
    ] {
        assert_eq!(fault(text), expected, "{text}");
    }
    assert_eq!(fault(&" ".repeat((1 << 20) + 1)), "line 1: a rule file of more than 1 MiB");
    let many = "[[tolerance]]\nabsolute = 1\n".repeat(201);
    assert_eq!(fault(&many), "line 401: more than 200 tolerances");
}

#[test]
fn the_most_particular_rule_counts_alone() {
    let mut rules = Rules::default();
    for text in ["1%", "unit:h=5", "cpu=0", "money=0.02"] {
        rules.add_tolerance(tolerance(text));
    }
    let applied = Applied::new(&rules, today());
    let within = |component: &str, unit: &str, difference: &str| {
        applied.quantity(&measured(component, unit), amount(difference), amount("100"), None)
    };
    assert_eq!(within("ram", "GB", "1"), Some(0));
    assert_eq!(within("ram", "GB", "-1"), Some(0));
    assert_eq!(within("ram", "GB", "1.0000000001"), None);
    assert_eq!(within("gpu", "h", "5"), Some(1));
    assert_eq!(within("gpu", "h", "5.01"), None);
    assert_eq!(within("cpu", "h", "0.01"), None);
    let eur = Some("EUR".parse().unwrap());
    let cheap =
        applied.quantity(&measured("cpu", "h"), amount("0.01"), amount("100"), Some((eur, amount("-0.02"))));
    assert_eq!(cheap, Some(3));
    assert_eq!(applied.money(&measured("cpu", "h"), eur, amount("0.02")), Some(3));
    assert_eq!(applied.money(&measured("cpu", "h"), eur, amount("0.03")), None);
}

#[test]
fn limits_of_quantity_and_money_have_to_hold_both() {
    let rules =
        Rules::parse("[[tolerance]]\nabsolute = \"0.5\"\nrelative = \"1%\"\nmoney = 2\ncurrency = \"EUR\"\n")
            .unwrap();
    let applied = Applied::new(&rules, today());
    let within = |difference: &str, worth: Option<(&str, &str)>| {
        let worth = worth.map(|(currency, worth)| (Some(currency.parse().unwrap()), amount(worth)));
        applied.quantity(&measured("cpu", "h"), amount(difference), amount("1000"), worth).is_some()
    };
    assert!(within("10", Some(("EUR", "2"))));
    assert!(within("-0.5", Some(("EUR", "-2"))));
    assert!(!within("10.01", Some(("EUR", "1"))));
    assert!(!within("0.5", Some(("EUR", "2.01"))));
    assert!(!within("0.5", Some(("USD", "1"))));
    assert!(!within("0.5", None));
}

#[test]
fn an_ended_rule_is_not_applied_and_said() {
    let text = "[[ignore]]\nname = \"old\"\nclass = \"amount\"\nreason = \"r\"\nuntil = 2026-12-01\n\
                [[ignore]]\nname = \"new\"\nclass = [\"amount\", \"price\"]\ncomponent = \"cpu\"\n\
                reason = \"r\"\nuntil = \"2026-12-02\"\n";
    let rules = Rules::parse(text).unwrap();
    let mut applied = Applied::new(&rules, today());
    let subject = Subject {
        organisation: "".into(),
        customer: None,
        project: "".into(),
        project_uuid: None,
        offering: "".into(),
        offering_uuid: None,
        resource: "r".into(),
        resource_uuid: None,
    };
    applied.settle(&[subject]);
    let month = "2026-11".parse().unwrap();
    let (cpu, ram) = (measured("cpu", "h"), measured("ram", "GB"));
    assert_eq!(applied.ignored(Class::Amount, 0, &cpu, month), Some(1));
    assert_eq!(applied.ignored(Class::Price, 0, &cpu, month), Some(1));
    assert_eq!(applied.ignored(Class::Sign, 0, &cpu, month), None);
    assert_eq!(applied.ignored(Class::Amount, 0, &ram, month), None);
    applied.count(1);
    let uses: Vec<_> = applied.into_uses().into_iter().map(|rule| (rule.has_ended, rule.lines)).collect();
    assert_eq!(uses, [(true, 0), (false, 1)]);
}

#[test]
fn foreign_units_are_exact_or_rounded_as_the_rule_says() {
    let rules = Rules::parse(
        "[[unit]]\nfrom = \"min\"\nto = \"h\"\nfactor = \"1/60\"\n\
         [[unit]]\nfrom = \"MB\"\nto = \"GB\"\nfactor = \"1/1024\"\nround = \"half-up\"\n",
    )
    .unwrap();
    let applied = Applied::new(&rules, today());
    let converted = |from: &str, to: &str, text: &str| applied.convert(from, to, amount(text));
    assert_eq!(converted("min", "h", "90"), Some((0, Converted::To(amount("1.5")))));
    assert_eq!(converted(" min ", "h", "-90"), Some((0, Converted::To(amount("-1.5")))));
    assert_eq!(converted("min", "h", "100"), Some((0, Converted::NoLastDigit)));
    assert_eq!(converted("MB", "GB", "513"), Some((1, Converted::To(amount("0.5")))));
    assert_eq!(converted("h", "min", "1"), None);
}
