//! The template that a page is made from: ours, or one that the user gives.
//!
//! A template lays out and cannot do more. Text is escaped, and there is no way around it; a page loads
//! nothing and runs nothing but the style and the script that stand in its template, whose digests are
//! in its policy. The work that a template can cause is limited, so that no template hangs a run or
//! fills the memory.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Serde, Value};
use minijinja::{AutoEscape, Environment, Error, ErrorKind};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::report::ReportError;

/// The largest template that is read.
const LARGEST: u64 = 1 << 20;
/// The template that comes with the program.
const OURS: &str = include_str!("../../../templates/reconciliation.html");
const OURS_NAME: &str = "templates/reconciliation.html";
/// Where the policy goes.
const POLICY: &str = "{{ policy }}";
/// What a page may cost in all, and for each row of its tables: some hundred steps or bytes are used.
const FUEL: u64 = 2_000_000;
const FUEL_OF_A_ROW: u64 = 20_000;

/// A template of a page.
#[derive(Debug, Clone)]
pub struct PageTemplate {
    path: PathBuf,
    text: String,
    policy: String,
}

impl PageTemplate {
    /// Reads a template that the user gives; what is no template is told before a report is made.
    pub fn read(path: &Path) -> Result<Self, ReportError> {
        let fault = |reason: String| ReportError::Template { path: path.to_owned(), reason };
        let file = File::open(path).map_err(|error| fault(error.to_string()))?;
        let mut text = String::new();
        file.take(LARGEST + 1).read_to_string(&mut text).map_err(|error| fault(error.to_string()))?;
        if u64::try_from(text.len()).is_ok_and(|length| length > LARGEST) {
            return Err(fault("larger than 1 MiB".to_owned()));
        }
        Self::new(path, &text)
    }

    /// The one that comes with the program.
    pub(super) fn ours() -> Result<Self, ReportError> {
        Self::new(Path::new(OURS_NAME), OURS)
    }

    fn new(path: &Path, text: &str) -> Result<Self, ReportError> {
        let fault = |reason: String| ReportError::Template { path: path.to_owned(), reason };
        // Browsers read every line end as one character, and digest it so.
        let text = text.trim_start_matches('\u{feff}').replace("\r\n", "\n").replace('\r', "\n");
        if !text.contains(POLICY) {
            return Err(fault(format!("it has no {POLICY}, so that its page could load and run anything")));
        }
        if text.contains("autoescape") {
            return Err(fault(
                "it turns escaping off, so that text of a file could become markup".to_owned(),
            ));
        }
        plain(&text).map_err(fault)?;
        let policy = policy(&text).map_err(fault)?;
        let template = Self { path: path.to_owned(), text, policy };
        Self::environment(FUEL).template_from_str(&template.text).map_err(|error| template.fault(&error))?;
        Ok(template)
    }

    /// What the page may load and run: nothing but the style and the script of the template.
    pub(super) fn policy(&self) -> &str {
        &self.policy
    }

    /// Fills the template with a page that has so many rows.
    pub(super) fn fill(&self, page: &impl Serialize, rows: usize) -> Result<String, ReportError> {
        let rows = u64::try_from(rows).unwrap_or(u64::MAX);
        let environment = Self::environment(FUEL.saturating_add(FUEL_OF_A_ROW.saturating_mul(rows)));
        let template = environment.template_from_str(&self.text).map_err(|error| self.fault(&error))?;
        template.render(Value::from(Serde(page))).map_err(|error| self.fault(&error))
    }

    fn environment(fuel: u64) -> Environment<'static> {
        // It has no filters and no functions: nothing in it goes around the escaping, reads a file or
        // makes lists of lists.
        let mut environment = Environment::empty();
        environment.set_auto_escape_callback(|_| AutoEscape::Html);
        environment.set_undefined_behavior(minijinja::UndefinedBehavior::SemiStrict);
        let mut syntax = SyntaxConfig::builder();
        syntax.trim_blocks(true).lstrip_blocks(true).keep_trailing_newline(true);
        if let Ok(syntax) = syntax.build() {
            environment.set_syntax(syntax);
        }
        environment.set_recursion_limit(50);
        environment.set_fuel(Some(fuel));
        environment
    }

    fn fault(&self, error: &Error) -> ReportError {
        let place = error.line().map_or_else(String::new, |line| format!("line {line}: "));
        let reason = match (error.kind(), error.detail()) {
            (ErrorKind::OutOfFuel, _) => "it asks for more work than a page may cost".to_owned(),
            (kind, None) => kind.to_string(),
            (kind, Some(detail)) => format!("{kind}: {detail}"),
        };
        ReportError::Template { path: self.path.clone(), reason: format!("{place}{reason}") }
    }
}

/// Whether the tags of a template only name what a page has. Lists and maps that a template makes are not
/// taken: a list of two lists of two lists is quickly more than any budget of steps sees coming.
fn plain(text: &str) -> Result<(), String> {
    let mut rest = text;
    while let Some(start) = next_tag(rest) {
        let (open, inside) = rest[start..].split_at(2);
        let length = match open {
            "{#" => Ok(inside.find("#}")),
            "{{" => plain_tag(inside, "}}"),
            _ => plain_tag(inside, "%}"),
        };
        let length = length.map_err(|found| {
            let before = &text[..text.len() - inside.len()];
            format!("line {}: {found}", 1 + before.matches('\n').count())
        })?;
        // A tag without an end is told by the engine.
        let Some(length) = length else { break };
        rest = &inside[length + 2..];
    }
    Ok(())
}

fn next_tag(text: &str) -> Option<usize> {
    let mut braces = text.match_indices('{').map(|(at, _)| at);
    braces.find(|at| ["{{", "{%", "{#"].iter().any(|open| text[*at..].starts_with(open)))
}

/// Where a tag ends, or what is not taken in it.
fn plain_tag(inside: &str, close: &str) -> Result<Option<usize>, &'static str> {
    let is_raw = inside.trim_start_matches(['-', '+', ' ', '\t', '\n']).starts_with("raw");
    if close == "%}" && is_raw {
        return Err("raw text is not taken; write it outside of tags");
    }
    let mut quote = None;
    let mut skips = false;
    // Where the word began that ends here.
    let mut word = 0;
    for (at, character) in inside.char_indices() {
        if skips {
            skips = false;
        } else if let Some(open) = quote {
            match character {
                '\\' => skips = true,
                character if character == open => quote = None,
                _ => {}
            }
        } else if inside[at..].starts_with(close) {
            return Ok(Some(at));
        } else {
            match character {
                '"' | '\'' => quote = Some(character),
                '{' => return Err("maps are not taken in tags: they only name things"),
                ',' => return Err("commas are not taken in tags: they only name things"),
                '[' if !is_a_thing(&inside[word..at], &inside[..at]) => {
                    return Err("lists are not taken in tags: they only name things");
                }
                _ => {}
            }
        }
        if !character.is_alphanumeric() && character != '_' {
            word = at + character.len_utf8();
        }
    }
    Ok(None)
}

/// Whether a place of something can be named after it: a name, or what was named by a place before.
fn is_a_thing(word: &str, before: &str) -> bool {
    const WORDS: [&str; 11] = ["if", "elif", "else", "in", "and", "or", "not", "is", "set", "with", "for"];
    if word.is_empty() { before.ends_with([']', ')']) } else { !WORDS.contains(&word) }
}

/// The content security policy that lets in the styles and scripts of a template by their digests.
fn policy(text: &str) -> Result<String, String> {
    let allowed = |name: &str| -> Result<String, String> {
        let digests = blocks(text, name)?.into_iter().map(|block| {
            let digest = Sha256::digest(block.as_bytes());
            format!("'sha256-{}'", base64(&digest))
        });
        let digests: Vec<String> = digests.collect();
        Ok(if digests.is_empty() { "'none'".to_owned() } else { digests.join(" ") })
    };
    Ok(format!(
        "default-src 'none'; style-src {}; script-src {}; base-uri 'none'; form-action 'none'",
        allowed("style")?,
        allowed("script")?
    ))
}

/// What stands between the tags of this name.
fn blocks<'a>(text: &'a str, name: &str) -> Result<Vec<&'a str>, String> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let lower = text.to_ascii_lowercase();
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(start) = lower[at..].find(&format!("<{name}")) {
        let start = at + start;
        let Some(rest) = text[start..].strip_prefix(&open) else {
            return Err(format!("{open} is written so, in small letters and without more in it"));
        };
        let length = rest.find(&close).ok_or_else(|| format!("{open} is not closed by {close}"))?;
        let block = &rest[..length];
        if let Some(tag) = ["{{", "{%", "{#"].iter().find(|tag| block.contains(**tag)) {
            return Err(format!("{tag} in {open}: what changes from page to page cannot be in its policy"));
        }
        found.push(block);
        at = start + open.len() + length;
    }
    Ok(found)
}

/// Bytes as policies write them.
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let bits = three.iter().fold(0_usize, |bits, byte| (bits << 8) | usize::from(*byte))
            << (8 * (3 - three.len()));
        for place in 0..4 {
            let is_there = place <= three.len();
            let letter = LETTERS[(bits >> (18 - 6 * place)) & 63];
            text.push(if is_there { char::from(letter) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize)]
    struct Said {
        policy: String,
        said: &'static str,
        many: Vec<u32>,
    }

    fn fill(text: &str) -> Result<String, String> {
        let template = PageTemplate::new(Path::new("own.html"), text).map_err(|error| error.to_string())?;
        let said = "<img src=x onerror='a()'> & \"b\"";
        let page = Said { policy: template.policy().to_owned(), said, many: (0..1000).collect() };
        template.fill(&page, 0).map_err(|error| error.to_string())
    }

    #[test]
    fn text_is_escaped_between_tags_and_in_attributes() {
        let filled = fill("{{ policy }}<p title=\"{{ said }}\">{{ said }}</p>").unwrap();
        let escaped = "&lt;img src=x onerror=&#x27;a()&#x27;&gt; &amp; &quot;b&quot;";
        assert!(filled.ends_with(&format!("<p title=\"{escaped}\">{escaped}</p>")), "{filled}");
    }

    #[test]
    fn there_is_no_way_around_the_escaping_and_the_policy() {
        for (text, reason) in [
            ("<p>{{ said }}</p>", "it has no {{ policy }}"),
            ("{{ policy }}{% autoescape false %}{{ said }}{% endautoescape %}", "it turns escaping off"),
            ("{{ policy }}\n{{ said|safe }}", "line 2: unknown filter"),
            ("{{ policy }}<script>{{ said }}</script>", "{{ in <script>"),
            ("{{ policy }}<SCRIPT>a()</SCRIPT>", "<script> is written so"),
            ("{{ policy }}<script src=\"a.js\"></script>", "<script> is written so"),
            ("{{ policy }}<style>p { }", "<style> is not closed"),
            ("{{ policy }}\n\n{{ nobody }}", "line 3: undefined value"),
            ("{{ policy }}{% for %}", "line 1: syntax error"),
            ("{{ policy }}{% include 'a' %}", "line 1: syntax error"),
            ("{{ policy }}\n{{ [said, said] }}", "line 2: lists are not taken"),
            ("{{ policy }}{% set x = '%}' %}{% set x = said, said %}", "line 1: commas are not taken"),
            ("{{ policy }}{% for x in[said] %}{% endfor %}", "line 1: lists are not taken"),
            ("{{ policy }}{{ {'a': said} }}", "line 1: maps are not taken"),
            ("{{ policy }}{%- raw %}{{ \" }}{% endraw %}{{ [said] }}", "line 1: raw text is not taken"),
            ("{{ policy }}{{ range(9) }}", "line 1: unknown function"),
        ] {
            let error = fill(text).unwrap_err();
            assert!(error.starts_with("cannot use the template own.html: "), "{error}");
            assert!(error.contains(reason), "{text}: {error}");
        }
    }

    #[test]
    fn the_policy_names_what_stands_in_the_template() {
        let filled =
            fill("{{ policy }}<style>p{}</style><script>a()</script><script>b()\r\n</script>").unwrap();
        // By openssl: printf 'p{}' | openssl dgst -sha256 -binary | openssl base64
        for digest in DIGESTS {
            assert!(filled.replace("&#x2f;", "/").contains(digest), "{filled}");
        }
        assert!(
            fill("{{ policy }}").unwrap().contains("style-src &#x27;none&#x27;; script-src &#x27;none&#x27;")
        );
    }

    const DIGESTS: [&str; 3] = [
        "gG2yISYereRMiG2lMXrbiUgi0Ubw9p7QCeWcroOvy9Y=",
        "qVpDBgj7bpq5hMAcGp3AOc79J3Y1Z4HvySTwKrWDoy4=",
        "coNNbfmqp+okL86S9CsPdmsdHszSHUdBwS8D/cAVSiQ=",
    ];

    #[test]
    fn no_template_hangs_a_run_or_fills_the_memory() {
        let doubled: String = (0..60).map(|_| "{% set x = x ~ x %}").collect();
        let captured: String = (0..60).map(|_| "{% set x %}{{ x }}{{ x }}{% endset %}").collect();
        let loops = "{% for a in many %}{% for b in many %}{% for c in many %}{% for d in many %}x";
        let ends = "{% endfor %}".repeat(4);
        let calls = "{% macro a() %}{{ a() }}{% endmacro %}{{ a() }}";
        let deep = format!("{}1{}", "(".repeat(100_000), ")".repeat(100_000));
        for hostile in [
            format!("{{% set x = said %}}{doubled}{{{{ x }}}}"),
            format!("{{% set x = said %}}{captured}{{{{ x }}}}"),
            format!("{loops}{ends}"),
            "{{ said * 1000000000 }}".to_owned(),
            calls.to_owned(),
            format!("{{{{ {deep} }}}}"),
        ] {
            let begun = std::time::Instant::now();
            let filled = fill(&format!("{{{{ policy }}}}{hostile}"));
            let start: String = hostile.chars().take(60).collect();
            let took = begun.elapsed();
            assert!(filled.as_ref().map_or(true, |page| page.len() < 1 << 20), "{start}");
            assert!(took < std::time::Duration::from_mins(1), "{start}: {took:?}");
        }
    }

    #[test]
    fn bytes_are_written_as_others_write_them() {
        let written = ["", "f", "fo", "foo", "foob", "fooba", "foobar"].map(|text| base64(text.as_bytes()));
        assert_eq!(written, ["", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"]);
    }
}
