//! Programs of others: started without a shell, listened to within limits, stopped when they take too long.
//!
//! A program gets what it needs on its stdin and never the access token of this program's environment.
//! What it says is read to its end, so that it does not wait for a reader, and kept up to a limit.

use std::ffi::{OsStr, OsString};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The variable that holds the access token.
pub const TOKEN: &str = "WALDUR_ACCESS_TOKEN";
/// How long what a program has started and left behind may go on talking in its name.
const AFTERWARDS: Duration = Duration::from_millis(300);

/// Asks a program to end, as whoever stops a service does.
#[cfg(unix)]
pub fn ask_to_end(process: u32) {
    let pid = i32::try_from(process).ok().and_then(rustix::process::Pid::from_raw);
    if let Some(pid) = pid {
        // One that has ended meanwhile need not be asked.
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
    }
}

/// Nobody can be asked here: Ctrl-C reaches it by itself.
#[cfg(not(unix))]
pub fn ask_to_end(_: u32) {}

/// A program that is to be run.
#[derive(Debug, Clone, Copy)]
pub struct Child<'a> {
    /// The program and its arguments.
    pub command: &'a [OsString],
    /// What is written to its stdin.
    pub input: &'a [u8],
    /// How long it may take.
    pub patience: Duration,
    /// How much is kept of its stdout, and of its stderr.
    pub limit: usize,
}

/// What a program said, and how it ended.
#[derive(Debug)]
pub struct Said {
    /// How it ended.
    pub status: ExitStatus,
    /// The beginning of what it said on stdout.
    pub stdout: Vec<u8>,
    /// The beginning of what it said on stderr.
    pub stderr: Vec<u8>,
    /// Whether it said more on stdout than was kept.
    pub is_cut: bool,
}

/// Why nothing is known of what a program would have said.
#[derive(Debug, thiserror::Error)]
pub enum ChildError {
    /// There is no program in the command.
    #[error("no program is named")]
    NoProgram,
    /// It cannot be started.
    #[error("it cannot be started: {0}")]
    NotStarted(#[source] io::Error),
    /// It did not end.
    #[error("it did not end within {} seconds, and was stopped", .0.as_secs())]
    TooLong(Duration),
    /// Nobody can tell how it ended.
    #[error("nobody can tell how it ended: {0}")]
    Lost(#[source] io::Error),
}

impl Child<'_> {
    /// Runs it to its end.
    pub fn run(&self) -> Result<Said, ChildError> {
        let (program, arguments) = self.command.split_first().ok_or(ChildError::NoProgram)?;
        let mut child = Command::new(program)
            .args(arguments)
            .env_remove(TOKEN)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(ChildError::NotStarted)?;
        if let Some(mut stdin) = child.stdin.take() {
            let input = self.input.to_vec();
            // One that does not read what it is given has its own reasons.
            std::thread::spawn(move || {
                let _ = stdin.write_all(&input);
            });
        }
        let stdout = child.stdout.take().map(|stream| Listener::to(stream, self.limit));
        let stderr = child.stderr.take().map(|stream| Listener::to(stream, self.limit));
        let began = Instant::now();
        let mut pause = Duration::from_millis(1);
        let status = loop {
            if let Some(status) = child.try_wait().map_err(ChildError::Lost)? {
                break status;
            }
            if began.elapsed() >= self.patience {
                // Whatever it waits for, nobody waits for it any more.
                let _ = child.kill();
                let _ = child.wait();
                return Err(ChildError::TooLong(self.patience));
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(50));
        };
        let (stdout, is_cut) = stdout.map(Listener::heard).unwrap_or_default();
        let (stderr, _) = stderr.map(Listener::heard).unwrap_or_default();
        Ok(Said { status, stdout, stderr, is_cut })
    }
}

impl Said {
    /// The last line that it said on stderr, where there is one.
    pub fn last_words(&self) -> Option<String> {
        let text = String::from_utf8_lossy(&self.stderr);
        text.lines().map(str::trim).rfind(|line| !line.is_empty()).map(str::to_owned)
    }
}

/// Somebody who reads what a program says, beside whoever waits for it.
struct Listener {
    heard: Arc<Mutex<(Vec<u8>, bool)>>,
    over: Receiver<()>,
}

impl Listener {
    fn to(mut stream: impl Read + Send + 'static, limit: usize) -> Self {
        let heard = Arc::new(Mutex::new((Vec::new(), false)));
        let (sender, over) = mpsc::channel();
        let kept = Arc::clone(&heard);
        std::thread::spawn(move || {
            let mut part = [0; 8192];
            while let Ok(length @ 1..) = stream.read(&mut part) {
                let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                let room = limit.saturating_sub(kept.0.len()).min(length);
                kept.0.extend_from_slice(&part[..room]);
                kept.1 |= room < length;
            }
            // Where nobody waits any more, nobody needs to know.
            let _ = sender.send(());
        });
        Self { heard, over }
    }

    /// What was said, and whether more was said than was kept.
    fn heard(self) -> (Vec<u8>, bool) {
        // A program that it left behind may hold the stream open for ever.
        let _ = self.over.recv_timeout(AFTERWARDS);
        std::mem::take(&mut *self.heard.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Where a program is that is named without a folder; `None` where the search path has none.
pub fn find(program: &str) -> Option<PathBuf> {
    let folders = std::env::var_os("PATH")?;
    let mut candidates = std::env::split_paths(&folders).filter(|folder| folder.is_absolute());
    candidates.find_map(|folder| Some(folder.join(program)).filter(|path| is_program(path)))
}

/// Whether there is a file that can be started as a program.
#[cfg(unix)]
pub fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

/// Whether there is a file that can be started as a program; its ending may be left out.
#[cfg(not(unix))]
pub fn is_program(path: &Path) -> bool {
    path.is_file() || path.with_extension("exe").is_file()
}

/// A command from its words.
pub fn words<W: AsRef<OsStr>>(words: impl IntoIterator<Item = W>) -> Vec<OsString> {
    words.into_iter().map(|word| word.as_ref().to_owned()).collect()
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;

    fn run(command: &[&str], input: &[u8], patience: Duration) -> Result<Said, ChildError> {
        Child { command: &words(command), input, patience, limit: 1000 }.run()
    }

    fn patient(command: &[&str], input: &[u8]) -> Said {
        run(command, input, Duration::from_mins(1)).unwrap()
    }

    #[test]
    fn a_program_is_told_and_listened_to_without_a_shell() {
        let said = patient(&["cat"], b"a; echo $HOME");
        assert_eq!((said.stdout.as_slice(), said.is_cut), (&b"a; echo $HOME"[..], false));
        let said = patient(&["sh", "-c", "echo one >&2; echo two >&2; echo >&2; exit 3"], b"");
        assert_eq!((said.status.code(), said.last_words().as_deref()), (Some(3), Some("two")));
        // One that does not read its input and one that says a lot end all the same.
        let said = patient(&["true"], &vec![b'x'; 1_000_000]);
        assert!(said.status.success() && said.last_words().is_none());
        let said = patient(&["head", "-c", "3000000", "/dev/zero"], b"");
        assert_eq!((said.stdout.len(), said.is_cut), (1000, true));
    }

    #[test]
    fn one_that_does_not_end_is_stopped_and_what_it_left_behind_is_not_waited_for() {
        let began = Instant::now();
        let error = run(&["sleep", "60"], b"", Duration::from_millis(50)).unwrap_err();
        assert!(matches!(error, ChildError::TooLong(_)), "{error}");
        let said = patient(&["sh", "-c", "echo said; sleep 60 & exit 0"], b"");
        assert_eq!(said.stdout, b"said\n");
        assert!(began.elapsed() < Duration::from_secs(20));
    }

    #[test]
    fn one_that_is_not_there_is_named_as_such() {
        assert!(matches!(run(&[], b"", AFTERWARDS), Err(ChildError::NoProgram)));
        assert!(matches!(run(&["/no/such/program"], b"", AFTERWARDS), Err(ChildError::NotStarted(_))));
        assert!(find("sh").is_some_and(|path| path.is_absolute()));
        assert_eq!(find("no-such-program-anywhere"), None);
    }
}
