//! `complete`: what fits at the cursor, asked by the script of a shell and told in its own form.
//!
//! The first line of the answer is `files` where the shell is to complete files by itself, and `words`
//! else; then comes what fits, one a line. Law: whatever stands on the line, nothing is said on stderr and
//! nothing fails, because somebody is typing.

use std::ffi::OsString;

use clap::{Args, CommandFactory};

use crate::cli::{Arguments, Global, store};
use crate::error::ExitStatus;
use crate::ui;

use super::Shell;
use super::line::{self, Line};
use super::offer::Known;
use super::quote::{self, Quotes};

/// What `complete` takes.
#[derive(Debug, Args)]
pub struct CompleteArguments {
    /// The shell that asks
    shell: Shell,
    /// bash: the line up to the cursor, and what of it is completed. Others: the words up to the cursor
    #[arg(last = true)]
    words: Vec<OsString>,
}

/// What is asked, whichever shell asks it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Asked {
    /// The words; the last one is the one that is completed.
    words: Vec<String>,
    /// The beginning of the last one that bash keeps on the line.
    kept: String,
    /// The quotes behind it.
    quotes: Quotes,
}

/// Something that fits.
struct Fitting {
    value: String,
    help: String,
}

/// Runs the command.
pub fn complete(arguments: &CompleteArguments, global: &Global) -> ExitStatus {
    let words: Vec<String> = arguments.words.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    let asked = match arguments.shell {
        Shell::Bash => of_bash(&words),
        Shell::Zsh => Some(of_words(words)),
        Shell::Fish => Some(of_open_words(words)),
        Shell::PowerShell => {
            let words = std::env::var("WALDUR_USAGE_WORDS").unwrap_or_default();
            Some(of_open_words(words.split('\n').map(str::to_owned).collect()))
        }
    };
    let Some(asked) = asked else {
        ui::data("files\n");
        return ExitStatus::Done;
    };
    let known = Known::new(asked.words.clone(), store::folder(global).ok());
    let fitting = fitting(&asked, &known);
    // Where nothing is begun yet, files are likelier than a subcommand that may stand in their place.
    let is_begun = asked.words.last().is_some_and(|word| !word.is_empty());
    if known.wants_files() && (fitting.is_empty() || !is_begun) {
        ui::data("files\n");
        return ExitStatus::Done;
    }
    let mut text = String::from("words\n");
    for one in fitting {
        if let Some(line) = told(arguments.shell, &asked, &one) {
            text.push_str(&line);
            text.push('\n');
        }
    }
    ui::data(&text);
    ExitStatus::Done
}

/// bash tells the line, and only that part of the last word that it will replace.
fn of_bash(told: &[String]) -> Option<Asked> {
    let [line, replaced] = told else { return None };
    let Line { words, .. } = line::read(line)?;
    let head = line::read(line.strip_suffix(replaced.as_str())?)?;
    let kept = head.words.last().cloned().unwrap_or_default();
    Some(Asked { words, kept, quotes: head.quotes })
}

fn of_words(words: Vec<String>) -> Asked {
    Asked { words, kept: String::new(), quotes: Quotes::None }
}

/// The last word comes with its quotes, which may be open.
fn of_open_words(mut words: Vec<String>) -> Asked {
    let last = words.pop().unwrap_or_default();
    words.push(line::open_word(&last));
    of_words(words)
}

fn fitting(asked: &Asked, known: &std::sync::Arc<Known>) -> Vec<Fitting> {
    if asked.words.len() < 2 {
        return Vec::new();
    }
    let current = &asked.words[asked.words.len() - 1];
    let mut command = known.offered_by(Arguments::command());
    let words = asked.words.iter().map(OsString::from).collect();
    let found = clap_complete::engine::complete(&mut command, words, asked.words.len() - 1, None);
    let found = found.unwrap_or_default().into_iter().filter(|candidate| !candidate.is_hide_set());
    let found = found.map(|candidate| {
        let help = candidate.get_help().map(ToString::to_string).unwrap_or_default();
        let help = help.lines().next().unwrap_or_default().to_owned();
        Fitting { value: candidate.get_value().to_string_lossy().into_owned(), help }
    });
    // Flags are offered to whoever begins one.
    found.filter(|one| current.starts_with('-') || !one.value.starts_with('-')).collect()
}

/// What fits, as the shell wants it told; `None` where it cannot be.
fn told(shell: Shell, asked: &Asked, fitting: &Fitting) -> Option<String> {
    let Fitting { value, help } = fitting;
    match shell {
        Shell::Bash => {
            let rest = value.strip_prefix(asked.kept.as_str())?;
            (rest.is_ascii() || has_plain_bytes()).then(|| quote::bash(rest, asked.quotes))
        }
        Shell::Zsh | Shell::Fish if help.is_empty() => Some(value.clone()),
        Shell::Zsh | Shell::Fish => Some(format!("{value}\t{help}")),
        Shell::PowerShell => Some(format!("{}\t{value}\t{help}", quote::powershell(value))),
    }
}

/// Whether a byte of ASCII is always a character of its own. It is in UTF-8; in some other locales the second
/// byte of a character may be a backslash, or take one in.
fn has_plain_bytes() -> bool {
    let variables = ["LC_ALL", "LC_CTYPE", "LANG"];
    let locale = variables.iter().filter_map(|name| std::env::var(name).ok()).find(|value| !value.is_empty());
    locale.is_none_or(|locale| {
        let locale = locale.to_ascii_lowercase();
        locale == "c" || locale == "posix" || locale.ends_with("utf-8") || locale.ends_with("utf8")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bash(line: &str, replaced: &str) -> Asked {
        of_bash(&[line.to_owned(), replaced.to_owned()]).unwrap()
    }

    fn told_to_bash(line: &str, replaced: &str, value: &str) -> Option<String> {
        let fitting = Fitting { value: value.to_owned(), help: String::new() };
        told(Shell::Bash, &bash(line, replaced), &fitting)
    }

    #[test]
    fn bash_is_told_only_what_it_replaces() {
        for (line, replaced, value, expected) in [
            ("w check --offering HP", "HP", "HPC a", "HPC\\ a"),
            ("w check --offering \"HP", "HP", "HPC a$", "HPC a\\$"),
            ("w check --offering 'HP", "HP", "HPC 'a", "HPC '\\''a"),
            ("w check --offering=HPC\\ a", "HPC\\ a", "--offering=HPC all", "HPC\\ all"),
            ("w check --offering=\"HP", "HP", "--offering=HPC \"", "HPC \\\"\""),
            ("w export --to postgres:wa", "wa", "postgres:ware house", "ware\\ house"),
            ("w x a\"b c", "b c", "ab cd", "b cd"),
        ] {
            assert_eq!(told_to_bash(line, replaced, value).as_deref(), Some(expected), "{line}");
        }
        assert_eq!(told_to_bash("w x ab:c", "c", "other"), None);
        assert_eq!(of_bash(&["w $(ls) ".to_owned(), String::new()]), None);
        assert_eq!(of_bash(&["w a".to_owned()]), None);
    }

    #[test]
    fn every_kind_of_value_is_taken_by_some_argument() {
        use std::collections::BTreeSet;

        use super::super::offer::Kind;

        fn kinds(command: &clap::Command, found: &mut BTreeSet<Kind>) {
            found.extend(command.get_arguments().filter_map(Kind::of));
            command.get_subcommands().for_each(|subcommand| kinds(subcommand, found));
        }
        let mut found = BTreeSet::new();
        kinds(&Arguments::command(), &mut found);
        assert_eq!(found.len(), 12, "{found:?}");
    }
}
