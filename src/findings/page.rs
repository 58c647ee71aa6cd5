//! What a finding means, why it matters and how to mend it: one page for each code.
//!
//! All pages stand in `pages.toml`, each with the sample that shows it. `explain` and the pages under
//! `docs/findings/` are made of it, so that the two never say different things.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

use super::{Code, Severity};

const WRITTEN: &str = include_str!("pages.toml");

/// The page of a code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Page {
    /// What was found, in two or three sentences.
    pub means: String,
    /// What would happen otherwise.
    pub matters: String,
    /// What to do.
    pub mend: String,
    /// What it looks like.
    pub example: String,
    /// How it is shown by a file of `samples/bad/`.
    #[serde(default)]
    pub sample: Sample,
}

/// A sample and how it is looked at.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Sample {
    /// The files or folders under `samples/bad/`; the code with the ending `.csv` where none is named.
    pub files: Vec<String>,
    /// Where it is found, after the name of the file; none where it speaks of the server alone.
    pub at: Option<String>,
    /// The file that `at` is in, where it is not the first one.
    pub at_file: Option<String>,
    /// `check` or `plan`; `check` where none is named.
    pub command: Option<String>,
    /// The flags beside the files; the offering of the sample world where none are named.
    pub arguments: Option<Vec<String>>,
    /// Other codes that it cannot be shown without.
    pub also: Vec<String>,
    /// Files that are applied by the operator before.
    pub before: Vec<String>,
    /// The release of the sandbox that it is shown on; 2024 where none is named.
    pub dialect: Option<String>,
    /// What of that release is different.
    pub capability: Vec<String>,
    /// The account; the owner of the provider where none is named.
    pub account: Option<String>,
    /// Changes to the built-in world of the sandbox: a file of pointers and values.
    pub world: Option<String>,
}

impl Sample {
    /// The files or folders under `samples/bad/`.
    pub fn files(&self, code: Code) -> Vec<String> {
        if self.files.is_empty() { vec![format!("{code}.csv")] } else { self.files.clone() }
    }
}

/// All pages, by the names of their codes.
pub fn pages() -> &'static BTreeMap<String, Page> {
    static PAGES: OnceLock<BTreeMap<String, Page>> = OnceLock::new();
    PAGES.get_or_init(|| toml::from_str(WRITTEN).unwrap_or_default())
}

/// The page of a code; `None` where nobody has written it yet, which a test finds out.
pub fn page(code: Code) -> Option<&'static Page> {
    pages().get(code.name())
}

impl Page {
    /// The page for a terminal.
    pub fn text(&self, code: Code) -> String {
        let mut text = format!("{code}: {}\n{}\n", code.title(), grading(code));
        for (title, part) in self.parts() {
            let _ = writeln!(text, "\n{title}\n{}", wrapped(part));
        }
        let _ = writeln!(text, "\nExample\n{}", wrapped(&self.example));
        let files: Vec<String> =
            self.sample.files(code).iter().map(|file| format!("samples/bad/{file}")).collect();
        let _ = writeln!(text, "\nSample: {}", files.join(", "));
        text
    }

    fn parts(&self) -> [(&'static str, &str); 3] {
        [("What it means", &self.means), ("Why it matters", &self.matters), ("How to mend it", &self.mend)]
    }
}

/// Words in lines that a terminal shows without breaking them, two blanks to the right.
fn wrapped(text: &str) -> String {
    const WIDTH: usize = 96;
    let mut lines = vec![String::from(" ")];
    for word in text.split(' ') {
        let Some(line) = lines.last_mut() else { break };
        if line.trim().is_empty() || line.chars().count() + 1 + word.chars().count() <= WIDTH {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(format!("  {word}"));
        }
    }
    lines.join("\n")
}

/// What can be made of a code.
fn grading(code: Code) -> String {
    match (code.severity(), code.may_be_lowered()) {
        (Severity::Deny, false) => "Always at deny: nothing is sent while it stands.".to_owned(),
        (Severity::Deny, true) => {
            format!("At deny; `--warn {code}` or `--allow {code}` lets it pass.")
        }
        (severity, _) => {
            format!("At {severity}; `--deny {code}` makes it a fault, `--allow {code}` silences it.")
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;

    use super::*;

    /// A page as a document.
    fn document(page: &Page, code: Code) -> String {
        let mut text = String::from("<!-- Made of src/findings/pages.toml; see CONTRIBUTING.md. -->\n");
        let _ = writeln!(text, "# {code}\n\n{}. {}\n", capital(code.title()), grading(code));
        for (title, part) in page.parts() {
            let _ = writeln!(text, "## {title}\n\n{part}\n");
        }
        let _ = writeln!(text, "## Example\n\n{}\n", page.example);
        let files = page.sample.files(code);
        let links: Vec<String> =
            files.iter().map(|file| format!("[`samples/bad/{file}`](../../samples/bad/{file})")).collect();
        let _ = writeln!(text, "Sample: {}", links.join(", "));
        text
    }

    fn capital(text: &str) -> String {
        let mut characters = text.chars();
        characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
    }

    /// The table of all codes, as a document.
    fn index() -> String {
        let mut text =
            String::from("<!-- Made of src/findings/pages.toml; see CONTRIBUTING.md. -->\n# Findings\n\n");
        text.push_str("What can be wrong with a file of usage, or worth a look. `waldur-usage explain CODE` shows the same pages. The severity can be changed by `--deny`, `--warn` and `--allow`, or by `[policy]` in `config.toml`; what cannot be posted stays at deny.\n\n");
        text.push_str("| finding | severity | what it is |\n|---|---|---|\n");
        for code in Code::ALL {
            let lowered = if code.severity() == Severity::Deny && code.may_be_lowered() {
                " (can be lowered)"
            } else {
                ""
            };
            let _ =
                writeln!(text, "| [`{code}`]({code}.md) | {}{lowered} | {} |", code.severity(), code.title());
        }
        text
    }

    #[test]
    fn long_parts_are_wrapped_between_words() {
        let text = ["word"; 40].join(" ");
        let lines = wrapped(&text);
        assert!(lines.lines().count() == 3 && lines.lines().all(|line| line.len() <= 96), "{lines}");
        assert_eq!(lines.split_whitespace().count(), 40);
        assert_eq!(wrapped("a b"), "  a b");
    }

    #[test]
    fn every_code_has_a_page_and_every_page_a_code() {
        let written: BTreeMap<String, Page> = toml::from_str(WRITTEN).unwrap();
        let missing: Vec<&str> =
            Code::ALL.iter().map(|code| code.name()).filter(|name| !written.contains_key(*name)).collect();
        assert!(missing.is_empty(), "no page in src/findings/pages.toml for: {}", missing.join(", "));
        let strange: Vec<&String> = written.keys().filter(|name| Code::from_name(name).is_none()).collect();
        assert!(strange.is_empty(), "pages of findings that are none: {strange:?}");
        for (name, page) in &written {
            for part in [&page.means, &page.matters, &page.mend, &page.example] {
                let is_whole = part.trim() == part && !part.contains('\n') && part.ends_with(['.', '?', '`']);
                assert!(is_whole, "{name}: {part:?}");
            }
        }
    }

    /// `WALDUR_USAGE_WRITE_SAMPLES=1 cargo test --lib findings::page` writes them again.
    #[test]
    fn the_documents_are_those_of_the_pages() {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/findings");
        let mut documents = vec![("README.md".to_owned(), index())];
        let of_codes = Code::ALL.iter().filter_map(|code| Some((*code, page(*code)?)));
        documents.extend(of_codes.map(|(code, page)| (format!("{code}.md"), document(page, code))));
        let is_written = std::env::var_os("WALDUR_USAGE_WRITE_SAMPLES").is_some();
        if is_written {
            fs::create_dir_all(&folder).unwrap();
        }
        for (name, text) in &documents {
            let path = folder.join(name);
            if is_written {
                fs::write(&path, text).unwrap();
            }
            let stored = fs::read_to_string(&path).unwrap_or_default();
            assert!(stored == *text, "docs/findings/{name} is not what src/findings/pages.toml says");
        }
        let stored = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name());
        let strange: Vec<_> =
            stored.filter(|name| documents.iter().all(|(own, _)| *own != name.to_string_lossy())).collect();
        assert!(strange.is_empty(), "documents of no finding: {strange:?}");
    }
}
