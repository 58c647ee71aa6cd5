//! What a webhook and a program are told, as JSON; `docs/schema/ended.schema.json` describes it.
//!
//! `text` is a line for people, which the incoming webhooks of chats show. Names of pipelines may come
//! from folders that somebody downloaded, so that nothing in it can call anybody or be a link.

use std::fmt::Write;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use crate::domain::{Amount, Currency, RunId, is_invisible};
use crate::error::ExitStatus;

use super::{Ended, Event};

/// How much of a name stands in the line for people.
const LONGEST_NAME: usize = 80;

/// How a run ended.
#[derive(Debug, Serialize)]
pub(super) struct Message<'a> {
    format: u8,
    event: Event,
    is_test: bool,
    text: String,
    pipeline: Option<&'a str>,
    run: RunId,
    started: Timestamp,
    ended: Timestamp,
    milliseconds: u64,
    status: &'static str,
    code: u8,
    meaning: &'static str,
    period: Option<&'a str>,
    rows: u64,
    breaks: u64,
    money: Vec<Money>,
    steps: Vec<Step<'a>>,
}

#[derive(Debug, Serialize)]
struct Money {
    currency: Option<Currency>,
    difference: Amount,
}

#[derive(Debug, Serialize)]
struct Step<'a> {
    name: &'a str,
    milliseconds: u64,
    status: &'static str,
    code: u8,
}

impl<'a> Message<'a> {
    /// What is told of a run.
    pub(super) fn of(ended: &'a Ended, is_test: bool) -> Self {
        let money = ended.money.iter();
        let steps = ended.steps.iter().map(|(name, took, status)| Step {
            name,
            milliseconds: milliseconds(*took),
            status: status.name(),
            code: status.code(),
        });
        Self {
            format: 1,
            event: ended.event(),
            is_test,
            text: text(ended, is_test),
            pipeline: ended.pipeline.as_deref(),
            run: ended.run,
            started: ended.started,
            ended: ended.ended,
            milliseconds: milliseconds(ended.took()),
            status: ended.status.name(),
            code: ended.status.code(),
            meaning: ended.status.meaning(),
            period: ended.period.as_deref(),
            rows: ended.rows,
            breaks: ended.breaks,
            money: money
                .map(|(currency, difference)| Money { currency: *currency, difference: *difference })
                .collect(),
            steps: steps.collect(),
        }
    }

    /// As JSON; what would move or turn text is written as an escape.
    pub(super) fn json(&self) -> String {
        // Serializing our own values to memory cannot fail.
        let json = serde_json::to_string(self).unwrap_or_default();
        let mut escaped = String::with_capacity(json.len());
        for character in json.chars() {
            if is_invisible(character) {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    // Writing to a string cannot fail.
                    let _ = write!(escaped, "\\u{unit:04x}");
                }
            } else {
                escaped.push(character);
            }
        }
        escaped
    }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn text(ended: &Ended, is_test: bool) -> String {
    let mut text = String::from("waldur-usage");
    for part in [ended.pipeline.as_deref(), ended.period.as_deref()].into_iter().flatten() {
        text.push(' ');
        text.push_str(&plain(part));
    }
    // Writing to a string cannot fail.
    let _ = match (ended.event(), ended.status) {
        (Event::Done, _) => write!(text, ": done"),
        (Event::Breaks, _) if ended.breaks == 0 => write!(text, ": differences"),
        (Event::Breaks, _) => write!(text, ": {} that differ", ended.breaks),
        (Event::Failed, ExitStatus::Partial) => write!(text, ": FAILED, and something may have been posted"),
        (Event::Failed, status) => write!(text, ": FAILED ({}, exit code {})", status.name(), status.code()),
    };
    for (currency, difference) in &ended.money {
        let currency = currency.map_or_else(|| "of an unknown currency".to_owned(), |it| it.to_string());
        let _ = write!(text, ", {difference} {currency}");
    }
    if is_test {
        text.push_str(" (this is a test)");
    }
    text
}

/// A name without what a chat, a page or a terminal would obey.
fn plain(name: &str) -> String {
    let shown = |character: char| {
        let is_plain = character.is_alphanumeric() || " -_.,+/()".contains(character);
        if is_plain { character } else { '_' }
    };
    name.chars().take(LONGEST_NAME).map(shown).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::watch::hostile;
    use serde_json::{Value, json};

    #[test]
    fn a_message_says_all_and_its_line_calls_nobody() {
        let ended = hostile();
        let json = Message::of(&ended, false).json();
        assert!(!json.chars().any(is_invisible), "{json}");
        let read: Value = serde_json::from_str(&json).unwrap();
        assert_eq!(read["pipeline"], json!(ended.pipeline));
        assert_eq!(read["event"], json!("breaks"));
        assert_eq!(
            read["text"],
            json!(
                "waldur-usage a___ 1 _ __channel_ ___31m 2026-10: 3 that differ, 0.01 of an unknown currency, -41.20 EUR"
            )
        );
        assert_eq!(read["money"][1], json!({"currency": "EUR", "difference": "-41.20"}));
        assert_eq!(read["milliseconds"], json!(62345));
        assert_eq!(read["steps"][0]["code"], json!(1));
    }

    #[test]
    fn a_failure_is_told_with_its_code() {
        let ended = Ended { status: ExitStatus::Server, breaks: 0, money: BTreeMap::new(), ..hostile() };
        let message = Message::of(&ended, true);
        assert!(
            message.text.ends_with(": FAILED (server, exit code 6) (this is a test)"),
            "{}",
            message.text
        );
        assert_eq!(message.event, Event::Failed);
        let event = |status, breaks| Ended { status, breaks, ..hostile() }.event();
        assert_eq!(event(ExitStatus::Done, 0), Event::Done);
        assert_eq!(event(ExitStatus::Done, 1), Event::Breaks);
        assert_eq!(event(ExitStatus::Differences, 0), Event::Breaks);
        assert_eq!(event(ExitStatus::Partial, 1), Event::Failed);
    }

    #[test]
    fn every_message_is_what_the_schema_says() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/schema/ended.schema.json");
        let (mut schemas, mut compiler) = (boon::Schemas::new(), boon::Compiler::new());
        let schema = compiler.compile(path, &mut schemas).unwrap();
        for status in ExitStatus::ALL {
            let bare = Ended {
                status,
                pipeline: None,
                period: None,
                breaks: 0,
                money: BTreeMap::new(),
                steps: Vec::new(),
                ..hostile()
            };
            for ended in [bare, Ended { status, ..hostile() }] {
                let read: Value = serde_json::from_str(&Message::of(&ended, true).json()).unwrap();
                if let Err(error) = schemas.validate(&read, schema) {
                    panic!("{error:#}\n{read:#}");
                }
            }
        }
        let read: Value = serde_json::from_str(&Message::of(&hostile(), false).json()).unwrap();
        for (pointer, value) in [
            ("/event", json!("broken")),
            ("/rows", json!(-1)),
            ("/money/0/difference", json!(0.01)),
            ("/started", json!("yesterday")),
            ("/steps/0/code", json!("1")),
        ] {
            let mut changed = read.clone();
            *changed.pointer_mut(pointer).unwrap() = value;
            assert!(schemas.validate(&changed, schema).is_err(), "{pointer}");
        }
    }
}
