//! The rules of FOCUS 1.2 as `tests/focus/rules-1.2.json` has them, and charges held against them.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::domain::{Amount, ExactTotal};
use crate::warehouse::column::ColumnKind;
use crate::warehouse::focus::{allowed, columns};
use crate::warehouse::slice::Slice;

use super::month;

type Row = BTreeMap<String, String>;
type Test = Vec<String>;

#[derive(Debug, Deserialize)]
struct Rules {
    columns: Vec<Column>,
    rules: Vec<Rule>,
    one: Vec<One>,
}

#[derive(Debug, Deserialize)]
struct Column {
    name: String,
    level: String,
    #[serde(rename = "type")]
    kind: String,
    nulls: String,
    when: Option<String>,
    values: Option<Vec<String>>,
}

#[derive(Debug, Deserialize)]
struct Rule {
    id: String,
    says: String,
    #[serde(rename = "if")]
    condition: Vec<Test>,
    must: Test,
}

#[derive(Debug, Deserialize)]
struct One {
    id: String,
    of: String,
    one: String,
}

fn rules() -> Rules {
    serde_json::from_str(include_str!("../../../../tests/focus/rules-1.2.json")).unwrap()
}

fn amount(row: &Row, column: &str) -> Amount {
    Amount::parse(&row[column]).unwrap()
}

fn holds(row: &Row, test: &[String]) -> bool {
    let (column, values) = (&test[0], &test[2..]);
    let value = row.get(column);
    match test[1].as_str() {
        "null" => value.is_none(),
        "set" => value.is_some(),
        "is" => value.is_some_and(|value| values.contains(value)),
        "is not" => value.is_none_or(|value| !values.contains(value)),
        "at least" => amount(row, column) >= Amount::parse(&values[0]).unwrap(),
        "same" => amount(row, column) == amount(row, &values[0]),
        "after" => row[column] > row[&values[0]],
        "product" => {
            let mut total = ExactTotal::default();
            total.add_product(amount(row, &values[0]), amount(row, &values[1])).unwrap();
            total.rounded() == Some(amount(row, column))
        }
        other => panic!("no test is called {other}"),
    }
}

fn is_instant(text: &str) -> bool {
    let shape: String =
        text.chars().map(|letter| if letter.is_ascii_digit() { '9' } else { letter }).collect();
    shape == "9999-99-99T99:99:99Z"
}

/// What charges do that FOCUS does not allow.
pub(super) fn faults(charges: &Slice) -> Vec<String> {
    let (rules, mut faults) = (rules(), Vec::new());
    let rows = month::rows(charges);
    for row in &rows {
        let mut fault = |text: String| faults.push(format!("{}: {text}", row["x_waldur_charge_id"]));
        for column in &rules.columns {
            let name = &column.name;
            let Some(value) = row.get(name) else {
                if column.nulls == "never" && charges.schema().position(name).is_some() {
                    fault(format!("{name} is null"));
                }
                continue;
            };
            if value.trim().is_empty() {
                fault(format!("{name} is blank and not null"));
            }
            if column.values.as_ref().is_some_and(|values| !values.contains(value)) {
                fault(format!("{name} is not allowed to be {value}"));
            }
            if column.kind == "Date/Time" && !is_instant(value) {
                fault(format!("{name} is no instant of whole seconds: {value}"));
            }
        }
        for rule in &rules.rules {
            if rule.condition.iter().all(|test| holds(row, test)) && !holds(row, &rule.must) {
                fault(format!("{}: {}", rule.id, rule.says));
            }
        }
    }
    for One { id, of, one } in &rules.one {
        let mut seen: BTreeMap<&String, Option<&String>> = BTreeMap::new();
        for row in &rows {
            let Some(key) = row.get(of) else { continue };
            if *seen.entry(key).or_insert(row.get(one)) != row.get(one) {
                faults.push(format!("{}: {id}: {of} {key} has several {one}", row["x_waldur_charge_id"]));
            }
        }
    }
    faults
}

#[test]
fn the_columns_are_those_of_focus_and_ours_are_marked() {
    let rules = rules();
    let columns = columns();
    let known: BTreeMap<&str, &Column> =
        rules.columns.iter().map(|column| (column.name.as_str(), column)).collect();
    for column in &columns {
        let Some(rule) = known.get(column.name.as_ref()) else {
            assert!(column.name.starts_with("x_waldur_"), "{}", column.name);
            continue;
        };
        let kind = match rule.kind.as_str() {
            "Decimal" => ColumnKind::Fine,
            "Date/Time" => ColumnKind::Instant,
            "String" | "JSON" => ColumnKind::Text,
            other => panic!("{other}"),
        };
        assert_eq!(column.kind, kind, "{}", column.name);
        assert_eq!(column.is_required, rule.nulls == "never", "{}", column.name);
        assert_eq!(rule.when, None, "{}: its condition is not met", column.name);
    }
    let names: BTreeSet<&str> = columns.iter().map(|column| column.name.as_ref()).collect();
    assert_eq!(names.len(), columns.len(), "a column stands twice");
    for rule in rules.columns {
        assert!(names.contains(rule.name.as_str()) || rule.when.is_some(), "{} is missing", rule.name);
        assert!(rule.level != "Mandatory" || rule.when.is_none(), "{}", rule.name);
    }
}

#[test]
fn the_categories_are_those_of_focus() {
    let rules = rules();
    let values = |name: &str| {
        let column = rules.columns.iter().find(|column| column.name == name).unwrap();
        column.values.clone().unwrap().into_iter().collect::<BTreeSet<String>>()
    };
    let categories: BTreeSet<String> = allowed::categories().map(str::to_owned).collect();
    assert_eq!(categories, values("ServiceCategory"));
    for subcategory in values("ServiceSubcategory") {
        let of = allowed::categories().filter(|category| allowed::belongs(category, &subcategory)).count();
        assert_eq!(of, 1, "{subcategory}");
    }
}
