//! The terminal: what is printed, and how.
//!
//! stdout is data, stderr is talk. Colour only repeats what a word says already. A reader that goes
//! away (a broken pipe) is no error.

mod doctor;
mod export;
mod findings;
mod guards;
mod hidden;
mod list;
mod log;
mod missing;
mod outcome;
mod people;
mod pipelines;
mod plan;
mod progress;
mod reconciliation;
mod rounding;
mod runs;
mod schedules;
mod settings;
mod story;
mod table;
mod verified;

use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::domain::escaped_json;

pub use doctor::doctor_text;
pub use export::export_text;
pub use findings::{check_text, codes_text, warnings_text};
pub use guards::guards_text;
pub use hidden::Hidden;
pub use list::list_text;
pub use log::{Fault, LogForm};
pub use missing::missing_text;
pub use outcome::{apply_text, files_text, stale_text, unpostable_text};
pub use pipelines::{PipelineLine, pipeline_text};
pub use plan::{SHOWN, left_out_text, plan_text};
pub use progress::Terminal;
pub use reconciliation::reconciliation_text;
pub use rounding::rounding_text;
pub use runs::{ListedRun, RequestLine, RunLine, run_text, runs_text, stale_rows};
pub use schedules::schedules_text;
pub use settings::{explained_text, judged_text};
pub use story::story_text;
pub use table::Table;
pub use verified::{bills_text, verified_text};

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
    /// Without any.
    pub const PLAIN: Self = Self { colour: false };

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

/// Whether something that was to be printed could not be.
static OUTPUT_FAILED: AtomicBool = AtomicBool::new(false);

/// What is kept instead of being printed, while somebody captures it.
static CAPTURED: Mutex<Option<Vec<u8>>> = Mutex::new(None);

/// Keeps what would be printed on stdout, until it is dropped: the steps of a pipeline each have a document
/// of their own, and together they are one.
#[derive(Debug)]
pub struct Capture(());

impl Capture {
    /// Begins to keep it.
    pub fn begin() -> Self {
        *captured() = Some(Vec::new());
        Self(())
    }

    /// What was kept since it was taken last.
    #[expect(clippy::unused_self, reason = "whoever began to keep it takes it")]
    pub fn take(&self) -> String {
        let kept = captured().as_mut().map(std::mem::take).unwrap_or_default();
        String::from_utf8_lossy(&kept).into_owned()
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        *captured() = None;
    }
}

fn captured() -> MutexGuard<'static, Option<Vec<u8>>> {
    CAPTURED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Prints data. A reader that has seen enough closes the pipe, and that is no error.
pub fn data(text: &str) {
    if let Some(kept) = captured().as_mut() {
        kept.extend_from_slice(text.as_bytes());
        return;
    }
    let mut stdout = std::io::stdout().lock();
    let written = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
    if written.is_err_and(|error| error.kind() != std::io::ErrorKind::BrokenPipe) {
        OUTPUT_FAILED.store(true, Ordering::Relaxed);
    }
}

/// Prints data that is too much to be held as one text.
pub fn stream(write: impl FnOnce(&mut dyn Write) -> std::io::Result<()>) {
    if let Some(kept) = captured().as_mut() {
        // Writing to memory cannot fail.
        let _ = write(kept);
        return;
    }
    let mut stdout = std::io::BufWriter::with_capacity(1 << 16, std::io::stdout().lock());
    let written = write(&mut stdout).and_then(|()| stdout.flush());
    if written.is_err_and(|error| error.kind() != std::io::ErrorKind::BrokenPipe) {
        OUTPUT_FAILED.store(true, Ordering::Relaxed);
    }
}

/// Whether everything that was to be printed was.
pub fn is_output_whole() -> bool {
    !OUTPUT_FAILED.load(Ordering::Relaxed)
}

/// Prints a value as JSON; what would move or turn text on a terminal is written as an escape.
pub fn json(value: &impl serde::Serialize) {
    // Serializing our own values to memory cannot fail.
    data(&(escaped_json(&serde_json::to_string_pretty(value).unwrap_or_default()) + "\n"));
}

/// Prints a value as JSON in one line, for whoever reads line by line.
pub fn json_line(value: &impl serde::Serialize) {
    // Serializing our own values to memory cannot fail.
    data(&(escaped_json(&serde_json::to_string(value).unwrap_or_default()) + "\n"));
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
