//! Talk on stderr: stages, progress, questions.

use std::io::{BufRead, IsTerminal, Write};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use crate::domain::visible;
use crate::jobs::Observer;

/// How often progress is said where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// The person at the terminal, or the log of a script.
pub struct Terminal {
    quiet: bool,
    verbose: bool,
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
        Self { quiet, verbose, progress: Mutex::new(None), has_posted: AtomicBool::new(false) }
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
        let _ = writeln!(std::io::stderr().lock(), "{}", only_lines(text));
    }

    /// Whether somebody can be asked.
    pub fn can_ask() -> bool {
        std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
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
        if self.quiet || !std::io::stderr().is_terminal() {
            return;
        }
        let spinner = ProgressBar::new_spinner().with_message(stage.to_owned());
        spinner.enable_steady_tick(Duration::from_millis(120));
        self.with_progress(|progress| *progress = Some(Progress::Spinner(spinner)));
    }

    fn end(&self, stage: &str, took: Duration) {
        self.clear();
        if self.verbose {
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
            *progress = Some(if std::io::stderr().is_terminal() {
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
                    let line = format!("posted {done} of {total} after {} s", since.elapsed().as_secs());
                    let _ = writeln!(std::io::stderr().lock(), "{line}");
                }
            }
            Some(Progress::Spinner(_)) | None => {}
        });
    }

    fn posting_over(&self) {
        self.clear();
    }
}
