//! The reference of the command line under `docs/cli/`: one page a command, made of the same description
//! that `--help` shows.
//!
//! `WALDUR_USAGE_WRITE_SAMPLES=1 cargo test --lib cli::reference` writes it again.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::PathBuf;

use clap::{Arg, Command, CommandFactory};

use super::{Arguments, exit_codes};

const MADE: &str = "<!-- Made of the command line; see CONTRIBUTING.md. -->\n";

/// Text of help in a document.
fn plain(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace('&', "&amp;").replace('<', "&lt;")
}

fn sentence(text: &str) -> String {
    let text = plain(text);
    if text.is_empty() || text.ends_with(['.', '?', ':']) { text } else { format!("{text}.") }
}

/// `-o, --out <FILE>`
fn written(argument: &Arg) -> String {
    let mut names = Vec::new();
    names.extend(argument.get_short().map(|short| format!("-{short}")));
    names.extend(argument.get_long().map(|long| format!("--{long}")));
    let mut text = names.join(", ");
    if argument.get_action().takes_values() {
        let shown = argument.get_value_names().unwrap_or_default().iter();
        let shown: Vec<String> = shown.map(|name| format!("<{name}>")).collect();
        let many = argument.get_num_args().is_some_and(|count| count.max_values() > 1);
        let _ = write!(text, " {}{}", shown.join(" "), if many { "..." } else { "" });
    }
    text.trim().to_owned()
}

/// An argument as an entry of a list.
fn entry(argument: &Arg) -> String {
    let help = argument.get_long_help().or(argument.get_help()).map(ToString::to_string).unwrap_or_default();
    let mut text = format!("- `{}`: {}", written(argument), sentence(&help));
    if !argument.get_action().takes_values() {
        return text + "\n";
    }
    if !argument.is_hide_default_value_set() && !argument.get_default_values().is_empty() {
        let values = argument.get_default_values().iter();
        let values: Vec<String> = values.map(|value| value.to_string_lossy().into_owned()).collect();
        let _ = write!(text, " `{}` where it is not given.", values.join("`, `"));
    }
    if let Some(variable) = argument.get_env() {
        let _ = write!(text, " The environment variable `{}` says it too.", variable.to_string_lossy());
    }
    text.push('\n');
    for value in argument.get_possible_values().iter().filter(|value| !value.is_hide_set()) {
        let help = value.get_help().map(|help| format!(": {}", sentence(&help.to_string())));
        let _ = writeln!(text, "  - `{}`{}", value.get_name(), help.unwrap_or_default());
    }
    text
}

/// The arguments below their headings, in the order of the help.
fn arguments(command: &Command, is_wanted: impl Fn(&Arg) -> bool) -> String {
    let mut headings: Vec<(String, String)> = Vec::new();
    let wanted = command
        .get_arguments()
        .filter(|argument| !argument.is_hide_set() && is_wanted(argument))
        .filter(|argument| !["help", "version"].contains(&argument.get_id().as_str()));
    for argument in wanted {
        let own = if argument.is_positional() { "Arguments" } else { "Options" };
        let heading = argument.get_help_heading().unwrap_or(own).to_owned();
        match headings.iter_mut().find(|(known, _)| *known == heading) {
            Some((_, entries)) => entries.push_str(&entry(argument)),
            None => headings.push((heading, entry(argument))),
        }
    }
    headings
        .iter()
        .fold(String::new(), |text, (heading, entries)| format!("{text}## {heading}\n\n{entries}\n"))
}

fn file(path: &[&str]) -> String {
    if path.is_empty() { "README.md".to_owned() } else { format!("{}.md", path.join("-")) }
}

fn about(command: &Command) -> String {
    let about = command.get_long_about().or(command.get_about());
    sentence(&about.map(ToString::to_string).unwrap_or_default())
}

fn subcommands(command: &Command) -> impl Iterator<Item = &Command> {
    command
        .get_subcommands()
        .filter(|subcommand| !subcommand.is_hide_set() && subcommand.get_name() != "help")
}

fn table(command: &Command, path: &[&str]) -> String {
    let mut text = String::from("| command | what it does |\n|---|---|\n");
    for subcommand in subcommands(command) {
        let name = subcommand.get_name();
        let page = file(&[path, &[name]].concat());
        let _ = writeln!(text, "| [`{name}`]({page}) | {} |", about(subcommand).replace('|', "\\|"));
    }
    text
}

fn page(command: &Command, path: &[&str]) -> String {
    let mut text = format!("{MADE}# waldur-usage {}\n\n{}\n\n", path.join(" "), about(command));
    let usage = command.clone().render_usage().to_string();
    let usage: Vec<&str> = usage.trim_start_matches("Usage:").lines().map(str::trim).collect();
    let _ = writeln!(text, "```text\n{}\n```\n", usage.join("\n"));
    if subcommands(command).next().is_some() {
        let _ = writeln!(text, "## Commands\n\n{}", table(command, path));
    }
    text.push_str(&arguments(command, |argument| !argument.is_global_set()));
    let after = command.get_after_long_help().or(command.get_after_help());
    if let Some(after) = after {
        let after = after.to_string();
        // What is set in columns stays so; a sentence is one.
        let fence = if after.contains("\n  ") { ("```text\n", "\n```") } else { ("", "") };
        let _ = writeln!(text, "## More\n\n{}{}{}\n", fence.0, after.trim_end(), fence.1);
    }
    text.push_str("What every command takes besides stands in [the overview](README.md).\n");
    text
}

fn overview(command: &Command) -> String {
    let mut text = format!("{MADE}# Commands\n\n{}\n\n{}\n", about(command), table(command, &[]));
    text.push_str("`waldur-usage COMMAND --help` shows the same at the terminal.\n\n");
    text.push_str(&arguments(command, Arg::is_global_set));
    let _ = writeln!(text, "## Exit codes\n\n```text\n{}\n```", exit_codes().trim_end());
    text
}

fn add(command: &Command, path: &[&str], pages: &mut BTreeMap<String, String>) {
    for subcommand in subcommands(command) {
        let path = [path, &[subcommand.get_name()]].concat();
        pages.insert(file(&path), page(subcommand, &path));
        add(subcommand, &path, pages);
    }
}

#[test]
fn the_reference_is_that_of_the_command_line() {
    let mut command = Arguments::command();
    command.build();
    let mut pages = BTreeMap::from([(file(&[]), overview(&command))]);
    add(&command, &[], &mut pages);
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/cli");
    if std::env::var_os("WALDUR_USAGE_WRITE_SAMPLES").is_some_and(|value| value == "1") {
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        for (name, text) in &pages {
            fs::write(folder.join(name), text).unwrap();
        }
    }
    let stale = "is stale: WALDUR_USAGE_WRITE_SAMPLES=1 cargo test --lib cli::reference writes it";
    for (name, text) in &pages {
        let kept = fs::read_to_string(folder.join(name)).unwrap_or_default();
        assert!(kept == *text, "docs/cli/{name} {stale}");
    }
    for entry in fs::read_dir(&folder).unwrap() {
        let name = entry.unwrap().file_name().to_string_lossy().into_owned();
        assert!(pages.contains_key(&name), "docs/cli/{name} {stale}");
    }
}
