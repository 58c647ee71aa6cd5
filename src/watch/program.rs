//! A program that is told of a run on its stdin; it is started without a shell.

use std::time::Duration;

use crate::child::Child;
use crate::domain::visible;

use super::settings::Program;

/// How long it may take.
pub(super) const PATIENCE: Duration = Duration::from_mins(1);
/// How much is kept of what it says, for the case that it fails.
const LIMIT: usize = 16 * 1024;

/// Starts it and waits until it has ended.
pub(super) fn run(program: &Program, body: &str, patience: Duration) -> Result<(), String> {
    let input = format!("{body}\n");
    let child = Child { command: &program.command, input: input.as_bytes(), patience, limit: LIMIT };
    let said = child.run().map_err(|error| error.to_string())?;
    if said.status.success() {
        return Ok(());
    }
    let words = said.last_words().map(|words| format!(": {}", visible(&words))).unwrap_or_default();
    Err(format!("it ended with {}{words}", said.status))
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;
    use crate::child::words;

    fn run_words(command: &[&str], patience: Duration) -> Result<(), String> {
        let program = Program { command: words(command), on: [crate::watch::Event::Failed].into() };
        run(&program, r#"{"text":"$(touch /no/such) `id`"}"#, patience)
    }

    #[test]
    fn it_is_told_on_its_stdin_and_its_end_is_heeded() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("said");
        let minute = Duration::from_mins(1);
        run_words(&["tee", file.to_str().unwrap()], minute).unwrap();
        let said = std::fs::read_to_string(&file).unwrap();
        assert_eq!(said, "{\"text\":\"$(touch /no/such) `id`\"}\n");
        let error = run_words(&["sh", "-c", "printf 'no \\033[31mway\\n' >&2; exit 4"], minute).unwrap_err();
        assert_eq!(error, "it ended with exit status: 4: no \\u{1b}[31mway");
        assert!(run_words(&["/no/such/program"], minute).unwrap_err().contains("cannot be started"));
        assert!(run_words(&["sleep", "60"], Duration::from_millis(50)).unwrap_err().contains("stopped"));
    }
}
