//! Which argument takes what, and what there is of it: from `config.toml` and the store alone.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use clap::{Arg, Command};
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate};
use jiff::Timestamp;

use crate::cli::config::Config;
use crate::domain::{BillingPeriod, Selector, cut, is_invisible, visible};
use crate::findings::Code;
use crate::jobs::layouts;
use crate::store::Store;
use crate::waldur::ServerAddress;

use super::kept::{KEPT, KeptNames};

/// The most months and runs that are offered.
const MONTHS: usize = 13;
const RUNS: u32 = 30;
/// Longer names are offered by their uuid.
const LONGEST: usize = 120;

/// What an argument takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A server of the configuration.
    Profile,
    /// An offering by name or uuid.
    Offering,
    /// An offering by uuid.
    OfferingId,
    /// The internal name of a component.
    Component,
    /// A month or several.
    Months,
    /// The same, or a word for a month.
    MonthsOrWord,
    /// A month.
    Month,
    /// The name of a finding.
    Code,
    /// A layout or a file of one.
    Layout,
    /// A run of the store.
    Run,
    /// A target of the configuration behind its kind.
    Target,
    /// A file or folder.
    File,
}

impl Kind {
    /// What an argument takes; `None` where it is known by itself or to nobody.
    pub fn of(argument: &Arg) -> Option<Self> {
        let shown =
            argument.get_value_names().and_then(|names| names.first()).map_or("", |name| name.as_str());
        Some(match (argument.get_id().as_str(), shown) {
            ("profile", _) => Self::Profile,
            ("offering", "UUID") => Self::OfferingId,
            ("offering", _) => Self::Offering,
            ("component", _) => Self::Component,
            ("period" | "month", "MONTH") => Self::Month,
            ("period", shown) if shown.contains("last-month") => Self::MonthsOrWord,
            ("period", _) => Self::Months,
            ("deny" | "warn" | "allow" | "code", _) => Self::Code,
            ("layout", _) => Self::Layout,
            ("run", "RUN") => Self::Run,
            ("to", "KIND:TARGET") => Self::Target,
            _ if argument.get_value_parser().type_id() == std::any::TypeId::of::<PathBuf>() => Self::File,
            _ => return None,
        })
    }
}

/// What is known without asking anybody.
pub struct Known {
    /// The words of the line.
    words: Vec<String>,
    /// The folder of the store, where there can be one.
    store: Option<PathBuf>,
    config: OnceLock<Config>,
    kept: OnceLock<Kept>,
    /// Whether the shell completes files by itself.
    wants_files: AtomicBool,
}

/// What the store holds.
#[derive(Default)]
struct Kept {
    names: KeptNames,
    runs: Vec<(String, String, String)>,
}

impl Known {
    /// For a line; nothing is read before it is needed.
    pub fn new(words: Vec<String>, store: Option<PathBuf>) -> Arc<Self> {
        let store = value_of(&words, "--store").map(PathBuf::from).or(store);
        let (config, kept) = (OnceLock::new(), OnceLock::new());
        Arc::new(Self { words, store, config, kept, wants_files: AtomicBool::new(false) })
    }

    /// Whether files are what is wanted.
    pub fn wants_files(&self) -> bool {
        self.wants_files.load(Ordering::Relaxed)
    }

    /// Lets the arguments of a command offer what is known.
    pub fn offered_by(self: &Arc<Self>, command: Command) -> Command {
        let command = command.mut_args(|argument| match Kind::of(&argument) {
            None => argument,
            Some(kind) => {
                let known = Arc::clone(self);
                argument.add(ArgValueCompleter::new(move |current: &OsStr| {
                    known.offer(kind, &current.to_string_lossy())
                }))
            }
        });
        command.mut_subcommands(|subcommand| self.offered_by(subcommand))
    }

    fn offer(&self, kind: Kind, current: &str) -> Vec<CompletionCandidate> {
        let offered: Vec<(String, String)> = match kind {
            Kind::Profile => self
                .config()
                .servers
                .iter()
                .map(|(name, server)| (name.clone(), server.url.clone()))
                .collect(),
            Kind::Offering => self.offerings(),
            Kind::OfferingId => self
                .kept()
                .names
                .iter()
                .map(|(id, offering)| (id.to_string(), offering.name.clone()))
                .collect(),
            Kind::Component => self.components(),
            Kind::Month => self.months(),
            Kind::Months => self.months_behind(current),
            Kind::MonthsOrWord => {
                let words = [("open", "the month that is open"), ("last-month", "the month before it")];
                let words = words.map(|(word, help)| (word.to_owned(), help.to_owned()));
                self.months_behind(current).into_iter().chain(words).collect()
            }
            Kind::Code => {
                Code::ALL.iter().map(|code| (code.name().to_owned(), code.title().to_owned())).collect()
            }
            Kind::Layout => {
                let all = layouts::all().iter().map(|shipped| &shipped.layout);
                let all: Vec<(String, String)> =
                    all.map(|layout| (layout.name.clone(), layout.title.clone())).collect();
                // A file of one's own is as good.
                let fits = all.iter().any(|(name, _)| name.starts_with(current));
                self.wants_files.fetch_or(!fits, Ordering::Relaxed);
                all
            }
            Kind::Run => self
                .kept()
                .runs
                .iter()
                .map(|(id, period, command)| (id.clone(), format!("{command} {period}")))
                .collect(),
            Kind::Target => {
                let targets = self.config().target_names();
                let offered = |(name, files): (&str, Option<&str>)| match files {
                    Some(files) => (format!("target:{name}"), format!("{files} of config.toml")),
                    None => (format!("postgres:{name}"), "a database of config.toml".to_owned()),
                };
                let all: Vec<(String, String)> = targets.map(offered).collect();
                let fits = all.iter().any(|(name, _)| name.starts_with(current));
                self.wants_files.fetch_or(!fits, Ordering::Relaxed);
                all
            }
            Kind::File => {
                self.wants_files.store(true, Ordering::Relaxed);
                Vec::new()
            }
        };
        let fitting = offered.into_iter().filter(|(value, _)| value.starts_with(current) && is_word(value));
        fitting
            .map(|(value, help)| {
                let help = visible(&cut(&help, LONGEST)).to_string();
                CompletionCandidate::new(value).help(Some(help.into()))
            })
            .collect()
    }

    fn config(&self) -> &Config {
        self.config.get_or_init(|| Config::read().unwrap_or_default())
    }

    fn kept(&self) -> &Kept {
        self.kept.get_or_init(|| {
            let store = self.store.as_deref().map(Store::open_to_read);
            store.and_then(Result::ok).flatten().map_or_else(Kept::default, |store| self.read(&store))
        })
    }

    fn read(&self, store: &Store) -> Kept {
        let server = self.server();
        let all = store.kept_of_all(KEPT).unwrap_or_default().into_iter();
        let own = all.filter(|(of, _, _)| server.as_ref().is_none_or(|server| server == of));
        let mut names = KeptNames::new();
        // The newest come first, and what they say of an offering counts.
        for (_, _, json) in own {
            for (id, offering) in serde_json::from_str::<KeptNames>(&json).unwrap_or_default() {
                names.entry(id).or_insert(offering);
            }
        }
        let of_commands = store.runs(RUNS).unwrap_or_default().into_iter().map(|run| {
            let (started, run) = (run.stored.started, run.stored.run);
            (started, (run.id.to_string(), run.period.to_string(), run.command))
        });
        let of_pipelines = store.pipeline_runs(RUNS).unwrap_or_default().into_iter().map(|stored| {
            let run = stored.run;
            (stored.started, (run.id.to_string(), run.period, format!("run {}", run.pipeline)))
        });
        let mut runs: Vec<_> = of_commands.chain(of_pipelines).collect();
        runs.sort_by_key(|(started, _)| std::cmp::Reverse(*started));
        Kept { names, runs: runs.into_iter().map(|(_, run)| run).collect() }
    }

    /// The server that the line or the environment names, as it is written down.
    fn server(&self) -> Option<String> {
        let given = |flag: &str, variable: &str| {
            value_of(&self.words, flag)
                .or_else(|| std::env::var(variable).ok().filter(|value| !value.is_empty()))
        };
        let profile = |name: String| self.config().servers.get(&name).map(|server| server.url.clone());
        let url = given("--url", "WALDUR_API_URL")
            .or_else(|| given("--profile", "WALDUR_PROFILE").and_then(profile))?;
        ServerAddress::parse(&url, true).ok().map(|address| address.to_string())
    }

    /// Names that mean one offering and can be typed, and the uuids of the others.
    fn offerings(&self) -> Vec<(String, String)> {
        let names = &self.kept().names;
        let mut uses: BTreeMap<&str, usize> = BTreeMap::new();
        for offering in names.values() {
            *uses.entry(&offering.name).or_default() += 1;
        }
        let mut offered: Vec<(String, String)> = names
            .iter()
            .map(|(id, offering)| {
                let name = &offering.name;
                let is_name = matches!(name.parse(), Ok(Selector::Name(_)));
                if is_name && uses[name.as_str()] == 1 && is_word(name) {
                    (name.clone(), id.to_string())
                } else {
                    (id.to_string(), name.clone())
                }
            })
            .collect();
        offered.sort();
        offered
    }

    /// The components of the offerings that the line names, or of all.
    fn components(&self) -> Vec<(String, String)> {
        let named = values_of(&self.words, "--offering");
        let names = &self.kept().names;
        let is_named = |id: &str, name: &str| named.iter().any(|named| named == id || named == name);
        let has_named = names.iter().any(|(id, offering)| is_named(&id.to_string(), &offering.name));
        let mut components = BTreeMap::new();
        for (id, offering) in names {
            if has_named && !is_named(&id.to_string(), &offering.name) {
                continue;
            }
            for [own, name, unit] in &offering.components {
                components
                    .entry(own.clone())
                    .or_insert_with(|| format!("{name}, {unit} ({})", offering.name));
            }
        }
        components.into_iter().collect()
    }

    /// The months of runs, and those of the last year; the newest first.
    fn months(&self) -> Vec<(String, String)> {
        let mut months: BTreeSet<BillingPeriod> =
            self.kept().runs.iter().filter_map(|(_, period, _)| period.parse().ok()).collect();
        let current = BillingPeriod::of(Timestamp::now()).ok();
        months.extend(std::iter::successors(current, |month| month.previous()).take(MONTHS));
        months.iter().rev().map(|month| (month.to_string(), String::new())).collect()
    }

    /// The months, also as the end of a range that is begun.
    fn months_behind(&self, current: &str) -> Vec<(String, String)> {
        let months = self.months();
        match current.split_once("..") {
            None => months,
            Some((first, _)) => {
                let behind = months.into_iter().filter(|(month, _)| month.as_str() >= first);
                behind.map(|(month, help)| (format!("{first}..{month}"), help)).collect()
            }
        }
    }
}

/// Whether a value can be offered: it shows whole, and is not taken for a flag.
fn is_word(value: &str) -> bool {
    !value.is_empty()
        && value.trim() == value
        && !value.starts_with('-')
        && value.chars().count() <= LONGEST
        && !value.chars().any(is_invisible)
}

/// The values that a flag has on a line.
fn values_of(words: &[String], flag: &str) -> Vec<String> {
    let joined = words.iter().filter_map(|word| word.strip_prefix(flag)?.strip_prefix('='));
    let apart = words.windows(2).filter(|pair| pair[0] == flag).map(|pair| pair[1].as_str());
    joined.chain(apart).map(str::to_owned).collect()
}

fn value_of(words: &[String], flag: &str) -> Option<String> {
    values_of(words, flag).pop()
}
