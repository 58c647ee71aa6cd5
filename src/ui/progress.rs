//! Talk on stderr: stages, progress, questions.

use std::io::{BufRead, IsTerminal, Write};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::jobs::Observer;

/// How often progress is said where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// The person at the terminal, or the log of a script.
pub struct Terminal {
    quiet: bool,
    verbose: bool,
    progress: Mutex<Option<Progress>>,
}

enum Progress {
    Bar(ProgressBar),
    Lines { total: usize, done: usize, since: Instant, said: Instant },
}

impl Terminal {
    /// A terminal that says nothing but errors where `quiet`, and the time of each stage where
    /// `verbose`.
    pub fn new(quiet: bool, verbose: bool) -> Self {
        Self { quiet, verbose, progress: Mutex::new(None) }
    }

    /// Says something to a person.
    pub fn say(&self, text: &str) {
        if !self.quiet {
            self.error(text);
        }
    }

    /// Says something that is said even when quiet.
    #[expect(clippy::unused_self, reason = "errors are said by the same one who says everything else")]
    pub fn error(&self, text: &str) {
        // Without a stderr there is nobody to tell.
        let _ = writeln!(std::io::stderr().lock(), "{text}");
    }

    /// Whether somebody can be asked.
    pub fn can_ask() -> bool {
        std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
    }

    /// Asks a question; only `yes` is yes.
    pub fn ask(question: &str) -> bool {
        let _ = write!(std::io::stderr().lock(), "{question} [yes/no] ");
        let mut answer = String::new();
        let read = std::io::stdin().lock().read_line(&mut answer);
        read.is_ok() && matches!(answer.trim().to_ascii_lowercase().as_str(), "yes" | "y")
    }

    fn with_progress(&self, act: impl FnOnce(&mut Option<Progress>)) {
        act(&mut self.progress.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
    }
}

impl Observer for Terminal {
    fn stage(&self, name: &str, took: Duration) {
        if self.verbose {
            self.error(&format!("{name}: {:.3} s", took.as_secs_f64()));
        }
    }

    fn posting(&self, requests: usize) {
        if self.quiet || requests == 0 {
            return;
        }
        self.with_progress(|progress| {
            *progress = Some(if std::io::stderr().is_terminal() {
                let template = "posting {bar:30} {pos}/{len} {per_sec}, {eta} left";
                let bar =
                    ProgressBar::with_draw_target(u64::try_from(requests).ok(), ProgressDrawTarget::stderr());
                bar.set_style(
                    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()),
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
                    let line = format!("posted {done} of {total} after {} s", since.elapsed().as_secs());
                    let _ = writeln!(std::io::stderr().lock(), "{line}");
                }
            }
            None => {}
        });
    }

    fn posting_over(&self) {
        self.with_progress(|progress| {
            if let Some(Progress::Bar(bar)) = progress.take() {
                bar.finish_and_clear();
            }
        });
    }
}
