//! Talk on stderr: stages, progress, questions.

use std::io::{BufRead, IsTerminal, Write};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use crate::domain::{RunId, visible};
use crate::jobs::Observer;

use super::log::{Fault, Level, Line, Log, LogForm};

/// How often progress is said where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// The person at the terminal, or the log of a script.
pub struct Terminal {
    quiet: bool,
    verbose: bool,
    /// Where talk is JSON.
    log: Option<Log>,
    progress: Mutex<Option<Progress>>,
    has_posted: AtomicBool,
}

/// Text of which nothing but the ends of lines moves the cursor. Whoever makes a text shows names so already;
/// this is for causes that libraries tell.
fn only_lines(text: &str) -> String {
    text.split('\n').map(|line| visible(line).to_string()).collect::<Vec<_>>().join("\n")
}

enum Progress {
    Spinner(ProgressBar),
    Bar(ProgressBar),
    Lines { total: usize, done: usize, since: Instant, said: Instant },
}

impl Terminal {
    /// A terminal that says nothing but errors where `quiet`, and the time of each stage where
    /// `verbose`.
    pub fn new(quiet: bool, verbose: bool) -> Self {
        Self { quiet, verbose, log: None, progress: Mutex::new(None), has_posted: AtomicBool::new(false) }
    }

    /// The same, with its talk in this form.
    pub fn logging(self, form: LogForm) -> Self {
        let log = match form {
            LogForm::Text => None,
            LogForm::Json => Some(Log::default()),
        };
        Self { log, ..self }
    }

    /// Says something to a person.
    pub fn say(&self, text: &str) {
        if !self.quiet {
            let level = if text.starts_with("warning") { Level::Warning } else { Level::Info };
            self.put(&Line { level, message: text, ..Line::default() });
        }
    }

    /// Says something that is said even when quiet.
    pub fn error(&self, text: &str) {
        let message = text.strip_prefix("error: ").filter(|_| self.log.is_some());
        let level = if message.is_some() { Level::Error } else { Level::Warning };
        self.put(&Line { level, message: message.unwrap_or(text), ..Line::default() });
    }

    /// Says what ends the program.
    pub fn fault(&self, fault: &Fault) {
        if self.log.is_some() {
            self.put(&Line {
                level: Level::Error,
                message: &fault.message,
                cause: fault.cause.as_deref(),
                hint: fault.hint.as_deref(),
                exit_code: Some(fault.exit_code),
                ..Line::default()
            });
            return;
        }
        let cause = fault.cause.iter().map(|cause| format!("\n  because: {cause}"));
        let hint = fault.hint.iter().map(|hint| format!("\n  hint: {hint}"));
        let text: String = std::iter::once(fault.message.clone()).chain(cause).chain(hint).collect();
        self.error(&text);
    }

    /// Whether talk is JSON.
    pub fn is_log(&self) -> bool {
        self.log.is_some()
    }

    /// From now on a run is talked of.
    pub fn run(&self, run: RunId) {
        if let Some(log) = &self.log {
            log.run(run);
        }
    }

    fn put(&self, line: &Line<'_>) {
        if let Some(log) = &self.log {
            log.write(line);
        } else {
            // Without a stderr there is nobody to tell.
            let _ = writeln!(std::io::stderr().lock(), "{}", only_lines(line.message));
        }
    }

    /// Whether progress can be drawn.
    fn can_draw(&self) -> bool {
        self.log.is_none() && std::io::stderr().is_terminal()
    }

    /// Whether somebody can be asked.
    pub fn can_ask() -> bool {
        std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
    }

    /// Says what is to be typed, and leaves the cursor behind it.
    pub fn prompt(text: &str) {
        let mut stderr = std::io::stderr().lock();
        let _ = write!(stderr, "{text}").and_then(|()| stderr.flush());
    }

    /// Asks a question until it is answered; a closed stdin is a no.
    pub fn ask(question: &str) -> bool {
        loop {
            let _ = write!(std::io::stderr().lock(), "{} [yes/no] ", only_lines(question));
            let mut answer = String::new();
            let read = std::io::stdin().lock().read_line(&mut answer);
            match answer.trim().to_ascii_lowercase().as_str() {
                "yes" | "y" => return true,
                "no" | "n" => return false,
                _ if read.is_ok_and(|bytes| bytes > 0) => {}
                _ => {
                    let _ = writeln!(std::io::stderr().lock());
                    return false;
                }
            }
        }
    }

    /// Whether posting has begun, so that an interruption is the job's own business.
    pub fn has_posted(&self) -> bool {
        self.has_posted.load(Ordering::Relaxed)
    }

    fn clear(&self) {
        self.with_progress(|progress| {
            if let Some(Progress::Bar(bar) | Progress::Spinner(bar)) = progress.take() {
                bar.finish_and_clear();
            }
        });
    }

    fn with_progress(&self, act: impl FnOnce(&mut Option<Progress>)) {
        act(&mut self.progress.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
    }
}

impl Observer for Terminal {
    fn begin(&self, stage: &str) {
        if let Some(log) = &self.log {
            log.stage(Some(stage));
            self.say("begins");
        }
        if self.quiet || !self.can_draw() {
            return;
        }
        let spinner = ProgressBar::new_spinner().with_message(stage.to_owned());
        spinner.enable_steady_tick(Duration::from_millis(120));
        self.with_progress(|progress| *progress = Some(Progress::Spinner(spinner)));
    }

    fn end(&self, stage: &str, took: Duration) {
        self.clear();
        if let Some(log) = &self.log {
            if !self.quiet {
                let milliseconds = u64::try_from(took.as_millis()).ok();
                log.write(&Line { message: "is over", milliseconds, ..Line::default() });
            }
            log.stage(None);
        } else if self.verbose {
            self.error(&format!("{stage}: {:.3} s", took.as_secs_f64()));
        }
    }

    fn posting(&self, requests: usize) {
        self.has_posted.store(true, Ordering::Relaxed);
        self.clear();
        if self.quiet || requests == 0 {
            return;
        }
        self.with_progress(|progress| {
            *progress = Some(if self.can_draw() {
                let template = "posting {bar:30} {pos}/{len}, {rate}, {eta} left";
                let bar =
                    ProgressBar::with_draw_target(u64::try_from(requests).ok(), ProgressDrawTarget::stderr());
                let rate = |state: &ProgressState, text: &mut dyn std::fmt::Write| {
                    // Writing to the bar's own line cannot fail.
                    let _ = write!(text, "{:.1} a second", state.per_sec());
                };
                bar.set_style(
                    ProgressStyle::with_template(template)
                        .unwrap_or_else(|_| ProgressStyle::default_bar())
                        .with_key("rate", rate),
                );
                Progress::Bar(bar)
            } else {
                let now = Instant::now();
                Progress::Lines { total: requests, done: 0, since: now, said: now }
            });
        });
    }

    fn posted(&self) {
        self.with_progress(|progress| match progress {
            Some(Progress::Bar(bar)) => bar.inc(1),
            Some(Progress::Lines { total, done, since, said }) => {
                *done += 1;
                if said.elapsed() >= LINE_EVERY {
                    *said = Instant::now();
                    let message = format!("posted {done} of {total} after {} s", since.elapsed().as_secs());
                    self.put(&Line {
                        message: &message,
                        milliseconds: u64::try_from(since.elapsed().as_millis()).ok(),
                        requests_done: Some(*done),
                        requests: Some(*total),
                        ..Line::default()
                    });
                }
            }
            Some(Progress::Spinner(_)) | None => {}
        });
    }

    fn posting_over(&self) {
        self.clear();
    }
}
