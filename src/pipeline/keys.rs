//! Every key that a pipeline may have, and what of it is handed to the step that it is for.
//!
//! This table is the only list: the reader, the errors that name the nearest key, the published schema and
//! the settings of the steps all follow it. A key is a flag of the command that does the same by hand.

/// What may stand at a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A text without variables.
    Plain,
    /// Texts without variables, or one.
    Plains,
    /// Texts, or one.
    Texts,
    /// A text.
    Text,
    /// Yes or no.
    Flag,
    /// A whole number.
    Count,
    /// A number, exact.
    Number,
    /// Files of usage in the folder: their names, folders or patterns.
    Inputs,
    /// A file in the folder that is read.
    Input,
    /// A name, or a file in the folder that ends in `.toml`.
    Layout,
    /// A file or a folder in the folder that is written.
    Output(&'static [&'static str]),
    /// Files in the folder that are written.
    Outputs(&'static [&'static str]),
    /// Where an export goes to.
    Targets,
}

/// A key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    /// Its name.
    pub name: &'static str,
    /// What stands there.
    pub kind: Kind,
    /// The flag that it stands for; none where it is of the pipeline itself.
    pub flag: Option<&'static str>,
    /// Whether its table has to have it.
    pub required: bool,
}

/// The key that says what stands in a template.
pub const FILL: &str = "fill";

/// A table of a pipeline.
#[derive(Debug)]
pub struct Section {
    /// Its name; that of the file itself is empty.
    pub name: &'static str,
    /// Its keys.
    pub keys: &'static [Key],
}

impl Section {
    /// A key by its name.
    pub fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys.iter().find(|key| key.name == name)
    }

    /// The table with this name in this table.
    pub fn inner(&self, name: &str) -> Option<&'static Self> {
        SECTIONS.iter().find(|inner| inner.parent() == Some(self.name) && inner.last() == name)
    }

    /// The names of what may stand in it.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        let own = self.name;
        let inner = SECTIONS.iter().filter(move |inner| inner.parent() == Some(own)).map(Self::last);
        self.keys.iter().map(|key| key.name).chain(inner)
    }

    /// The last part of its name.
    pub fn last(&self) -> &'static str {
        self.name.rsplit('.').next().unwrap_or_default()
    }

    /// The table that it stands in; none of the file itself.
    pub fn parent(&self) -> Option<&'static str> {
        match self.name.rsplit_once('.') {
            Some((parent, _)) => Some(parent),
            None if self.name.is_empty() => None,
            None => Some(""),
        }
    }
}

const fn own(name: &'static str, kind: Kind) -> Key {
    Key { name, kind, flag: None, required: false }
}

const fn of(name: &'static str, kind: Kind, flag: &'static str) -> Key {
    Key { name, kind, flag: Some(flag), required: false }
}

const fn required(key: Key) -> Key {
    Key { required: true, ..key }
}

/// The forms of a report.
const REPORTS: &[&str] = &["xlsx", "html", "csv", "json", "parquet"];

/// Every table.
pub const SECTIONS: &[Section] = &[
    Section {
        name: "",
        keys: &[
            required(own("name", Kind::Plain)),
            own("title", Kind::Plain),
            own("server", Kind::Plain),
            required(own("period", Kind::Text)),
        ],
    },
    Section {
        name: "scope",
        keys: &[
            of("offerings", Kind::Texts, "--offering"),
            of("projects", Kind::Texts, "--project"),
            of("customers", Kind::Texts, "--customer"),
        ],
    },
    Section {
        name: "input",
        keys: &[
            required(own("files", Kind::Inputs)),
            of("layout", Kind::Layout, "--layout"),
            of("aliases", Kind::Input, "--aliases"),
            of("sheet", Kind::Text, "--sheet"),
            of("header_row", Kind::Count, "--header-row"),
            of("ignore_columns", Kind::Plains, "--ignore-column"),
            of("decimal", Kind::Plain, "--decimal"),
            of("dates", Kind::Plain, "--dates"),
            of("round", Kind::Plain, "--round"),
            of("hidden_rows", Kind::Plain, "--hidden-rows"),
            of("hidden_columns", Kind::Plain, "--hidden-columns"),
            of("unit_factors", Kind::Plains, "--unit-factor"),
        ],
    },
    Section {
        name: "checks",
        keys: &[of("deny", Kind::Plains, "--deny"), of("warn", Kind::Plains, "--warn")],
    },
    Section {
        name: "checks.guards",
        keys: &[
            own("zeroed_percent", Kind::Number),
            own("lowest_percent", Kind::Number),
            own("highest_percent", Kind::Number),
            own("lowered_percent", Kind::Number),
            own("lowered_rows", Kind::Count),
            own("max_money", Kind::Number),
        ],
    },
    Section {
        name: "post",
        keys: &[
            of("results", Kind::Output(&[]), "--results"),
            of("split_plans", Kind::Plain, "--split-plans"),
        ],
    },
    Section {
        name: "report",
        keys: &[
            of("out", Kind::Outputs(REPORTS), "--out"),
            of("replace", Kind::Flag, "--force"),
            of("invoices", Kind::Flag, "--invoices"),
            of("rules", Kind::Input, "--rules"),
            of("tolerance", Kind::Plains, "--tolerance"),
            of("fail_on", Kind::Plains, "--fail-on"),
            of("skip_faulty", Kind::Flag, "--skip-faulty"),
            of("as", Kind::Plain, "--as"),
            of("locale", Kind::Plain, "--locale"),
            of("template", Kind::Input, "--template"),
        ],
    },
    Section {
        name: "missing",
        keys: &[
            of("out", Kind::Outputs(&["xlsx", "csv", "json"]), "--out"),
            of("replace", Kind::Flag, "--force"),
            of("template", Kind::Output(&["xlsx", "csv"]), "--template"),
            of(FILL, Kind::Plain, "--fill"),
        ],
    },
    Section {
        name: "export",
        keys: &[
            required(of("to", Kind::Targets, "--to")),
            of("tables", Kind::Plains, "--what"),
            of("shape", Kind::Plain, "--shape"),
            of("contract", Kind::Plain, "--contract"),
            of("skip_closed", Kind::Flag, "--skip-closed"),
            of("excel_safe", Kind::Flag, "--excel-safe"),
        ],
    },
];

/// The file itself.
pub const ROOT: &Section = &SECTIONS[0];

/// The kinds of targets that are folders or files; all others are names in the user's own file.
pub const PLACES: [&str; 5] = ["csv", "ndjson", "delta", "parquet", "xlsx"];

/// The kinds of targets that stand in the user's own file under a name.
pub const NAMED: [&str; 2] = ["postgres", "target"];

/// Keys that no pipeline may have, why, and where they belong.
const FORBIDDEN: &[(&[&str], &str, &str)] = &[
    (
        &["url", "api_url", "address", "host", "insecure_http"],
        "a pipeline names no address, or it could send a token anywhere",
        "write it as url of [servers.NAME] in your config.toml, and give `server = \"NAME\"` here",
    ),
    (
        &["token", "token_file", "token_command", "access_token", "keyring", "credentials"],
        "a pipeline says nothing of tokens",
        "name the token in [servers.NAME] of your config.toml, with --token-file or in WALDUR_ACCESS_TOKEN",
    ),
    (
        &["secret", "password", "password_env", "password_file", "password_command", "api_key"],
        "a pipeline holds no secret and says of none where it is",
        "write it into [servers.NAME] or [targets.NAME] of your config.toml",
    ),
    (
        &["command", "program", "exec", "shell", "script", "hook", "before", "after", "on_failure"],
        "a pipeline starts no program",
        "write it into your config.toml",
    ),
    (
        &["webhook", "watch", "notify", "metrics_file", "email"],
        "a pipeline tells nobody outside",
        "write it into [watch] of your config.toml",
    ),
    (
        &["servers", "targets", "policy"],
        "that is of the user's own file",
        "write it into your config.toml, and name it here",
    ),
    (
        &["allow", "allow_zeroed", "allow_jump", "allow_lowered", "allow_missing_organisation"],
        "a pipeline can only make checks and guards stricter",
        "whoever has looked at it gives the flag by hand, with `apply`",
    ),
    (
        &["yes", "no_input", "digest", "partial", "zero_missing"],
        "a pipeline does not agree for a person",
        "agree with `run --yes`, or use `apply` by hand",
    ),
    (&["store", "profile"], "that is of the person who runs it", "give it as a flag of `run`"),
];

/// Why a key is forbidden, and where it belongs instead.
pub fn forbidden(name: &str) -> Option<(&'static str, &'static str)> {
    let folded = name.to_ascii_lowercase().replace('-', "_");
    let found = FORBIDDEN.iter().find(|(names, ..)| names.contains(&folded.as_str()));
    found.map(|(_, why, hint)| (*why, *hint))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_comes_twice_and_no_key_is_forbidden() {
        for section in SECTIONS {
            let mut names: Vec<_> = section.names().collect();
            names.sort_unstable();
            assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "{names:?}");
            assert!(names.iter().all(|name| forbidden(name).is_none()), "{names:?}");
            if let Some(parent) = section.parent() {
                assert!(SECTIONS.iter().any(|other| other.name == parent), "{}", section.name);
            }
        }
        assert_eq!(ROOT.inner("checks").unwrap().inner("guards").unwrap().name, "checks.guards");
        assert!(ROOT.inner("guards").is_none() && ROOT.inner("").is_none());
        assert!(forbidden("Token-File").is_some());
    }
}
