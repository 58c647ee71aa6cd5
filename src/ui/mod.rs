//! The terminal: what is printed, and how.
//!
//! stdout is data, stderr is talk. Colour only repeats what a word says already. A reader that goes
//! away (a broken pipe) is no error.

mod findings;
mod list;
mod outcome;
mod plan;
mod progress;
mod table;

use std::io::{IsTerminal, Write};

pub use findings::check_text;
pub use list::list_text;
pub use outcome::{apply_text, stale_text};
pub use plan::{SHOWN, left_out_text, plan_text};
pub use progress::Terminal;
pub use table::Table;

/// In what form data is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// For programs.
    Json,
}

/// Bold and colour where the terminal wants them.
#[derive(Debug, Clone, Copy)]
pub struct Style {
    colour: bool,
}

impl Style {
    /// For stdout as it is now; `NO_COLOR` and `TERM=dumb` turn it off.
    pub fn for_stdout() -> Self {
        let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
            || std::env::var_os("TERM").is_some_and(|terminal| terminal == "dumb");
        Self { colour: std::io::stdout().is_terminal() && !unwanted }
    }

    fn paint(self, code: &str, text: &str) -> String {
        if self.colour { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    /// A heading.
    pub fn bold(self, text: &str) -> String {
        self.paint("1", text)
    }

    /// Something at deny, or not as planned.
    pub fn bad(self, text: &str) -> String {
        self.paint("1;31", text)
    }

    /// A warning.
    pub fn warn(self, text: &str) -> String {
        self.paint("1;33", text)
    }

    /// As it should be.
    pub fn good(self, text: &str) -> String {
        self.paint("1;32", text)
    }
}

/// Prints data.
pub fn data(text: &str) {
    let mut stdout = std::io::stdout().lock();
    // A reader that has seen enough closes the pipe.
    let _ = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
}

/// Prints a value as JSON.
pub fn json(value: &impl serde::Serialize) {
    // Serializing our own values to memory cannot fail.
    data(&format!("{}\n", serde_json::to_string_pretty(value).unwrap_or_default()));
}

/// `1 row`, `2 rows`.
pub fn counted(count: usize, noun: &str) -> String {
    let number = grouped(count);
    if count == 1 { format!("{number} {noun}") } else { format!("{number} {noun}s") }
}

/// `12,345`.
pub fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
