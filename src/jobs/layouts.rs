//! Layouts by name or from a file, and one for a file that none is known for.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::domain::{nearest, sha256, visible};
use crate::error::Error;
use crate::mapping::{Layout, Role, Sample, Shipped, SuggestError, shipped, suggest as write_layout};
use crate::parse::{Finder, RawRow, Recognised, Recogniser};
use crate::plan::{MadeWith, MadeWithKind};
use crate::source::{Input, SourceError, each_row};

/// Rows that a suggestion is made from.
const ROWS: usize = 5_000;

/// What `layout suggest` is to look at.
#[derive(Debug, Clone, Default)]
pub struct SuggestSettings {
    /// The file.
    pub file: PathBuf,
    /// The sheet of a workbook.
    pub sheet: Option<String>,
    /// The row of the header, where it is not found.
    pub header_row: Option<u32>,
    /// Columns that were settled by hand: `role=HEADER`.
    pub columns: Vec<String>,
}

/// A layout, and what is to be said of it.
#[derive(Debug, Clone)]
pub struct Suggested {
    /// The text of the layout.
    pub text: String,
    /// The columns that it does not read.
    pub not_read: Vec<String>,
}

/// The layouts that come with the program.
pub fn all() -> &'static [Shipped] {
    shipped()
}

/// A layout of the program by its name.
pub fn named(name: &str) -> Result<&'static Shipped, Error> {
    let known = shipped().iter().find(|shipped| shipped.layout.name == name);
    known.ok_or_else(|| {
        let names: Vec<&str> = shipped().iter().map(|shipped| shipped.layout.name.as_str()).collect();
        let near = nearest(name, names.iter().copied());
        let hint = near.map_or_else(
            || format!("there are {}; a file of your own ends in .toml", names.join(", ")),
            |near| format!("did you mean {near}?"),
        );
        Error::setting(format!("no layout is named {}", visible(name)), hint)
    })
}

/// Reads a layout of the user's, and tells what a plan says of its file.
pub fn of_file(path: &Path) -> Result<(Layout, MadeWith), Error> {
    let unreadable = |source| SourceError::Unreadable { path: path.to_owned(), source };
    let text = std::fs::read(path).map_err(unreadable)?;
    let (kind, name) = (MadeWithKind::Layout, path.to_string_lossy().into_owned());
    let file = MadeWith { kind, name, sha256: sha256(&text) };
    let text = String::from_utf8(text)
        .map_err(|_| Error::setting(format!("{} is no UTF-8 text", visible(&path.to_string_lossy())), ""))?;
    let layout = Layout::parse(&text).map_err(|error| {
        let what = format!("{} {error}", visible(&path.to_string_lossy()));
        Error::setting(
            what,
            "docs/layouts.md tells every key; `waldur-usage layout show NAME` prints examples",
        )
    })?;
    Ok((layout, file))
}

/// What tables may be of: everything that is known, or the layout that was asked for, with its file where
/// it is one of the user's own.
pub fn asked_for(layout: Option<&str>) -> Result<(Recogniser, Option<MadeWith>), Error> {
    let Some(text) = layout else { return Ok((Recogniser::default(), None)) };
    let path = Path::new(text);
    let is_file = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("toml"));
    if is_file {
        let (layout, file) = of_file(path)?;
        return Ok((Recogniser::only(Arc::new(layout)), Some(file)));
    }
    Ok((Recogniser::only(named(text)?.layout.clone()), None))
}

/// Suggests a layout for a file.
pub fn suggest(settings: &SuggestSettings) -> Result<Suggested, Error> {
    let shown = visible(&settings.file.to_string_lossy()).to_string();
    let mut given = BTreeMap::new();
    for column in &settings.columns {
        let (role, header) = column.split_once('=').unwrap_or((column, ""));
        let role: Role = role.parse().map_err(|()| {
            let roles: Vec<&str> = Role::ALL.into_iter().map(Role::word).collect();
            Error::setting(
                format!("--column {}: no such role", visible(column)),
                format!("write ROLE=HEADER, with one of {}", roles.join(", ")),
            )
        })?;
        given.insert(role, header.to_owned());
    }
    let sample = sample(settings, &shown)?;
    let stem = settings.file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let suggestion = write_layout(&stem, &sample, &given).map_err(|error| {
        let hint = match &error {
            SuggestError::Tie { role, columns } => {
                let first = columns.first().map_or("", String::as_str);
                format!("say which one it is, such as --column \"{}={}\"", role.word(), visible(first))
            }
            SuggestError::Lacks { role, .. } => format!(
                "name it with --column \"{}=HEADER\"; where the header stands in another row, say --header-row N",
                role.word()
            ),
            SuggestError::NoColumn(_) => "the header may stand in another row: --header-row N".into(),
            SuggestError::Twice(_) => "a layout knows columns by their headers: rename one of them in the file".into(),
            SuggestError::Unwritable(_) => "rename the column in the file".into(),
        };
        Error::setting(format!("{shown}: {error}"), hint)
    })?;
    // What is suggested has to be one that we read.
    Layout::parse(&suggestion.text).map_err(|error| {
        let hint = "write one by hand: `waldur-usage layout show slurm-sacct` prints an example, docs/layouts.md every key";
        Error::setting(format!("{shown}: no layout can be suggested for it: {error}"), hint)
    })?;
    Ok(Suggested { text: suggestion.text, not_read: suggestion.not_read })
}

/// The header and the first rows of a file.
fn sample(settings: &SuggestSettings, shown: &str) -> Result<Sample, Error> {
    let refused = |finding: Box<crate::findings::Finding>| {
        Error::setting(
            format!("{shown}: {}, expected {}", finding.found, finding.expected),
            "a layout needs a file that can be read",
        )
    };
    let input = Input::read(&settings.file)?;
    let mut source = input.open(settings.sheet.as_deref()).map_err(|finding| refused(Box::new(finding)))?;
    let mut finder = Some(Finder::new(settings.header_row));
    let mut found = None;
    let mut rows: Vec<RawRow> = Vec::new();
    let read = each_row(source.as_mut(), &mut |row| match &mut finder {
        Some(looking) => {
            if let Some(header) = looking.take(row) {
                rows.extend(header.below.iter().cloned());
                found = Some(header);
                finder = None;
            }
        }
        None if rows.len() < ROWS => rows.push(row.clone()),
        None => {}
    });
    read.map_err(|finding| refused(Box::new(finding)))?;
    if let Some(header) = finder.and_then(|mut finder| finder.end()) {
        rows.extend(header.below.iter().cloned());
        found = Some(header);
    }
    let header = found.ok_or_else(|| Error::setting(format!("{shown}: no row with anything in it"), ""))?;
    match &header.recognised {
        Recognised::Records(layout, _) => {
            let what = format!("{shown} is one of {} already", layout.name);
            return Err(Error::setting(
                what,
                format!("`waldur-usage layout show {}` prints its layout", layout.name),
            ));
        }
        Recognised::Ours | Recognised::Nothing | Recognised::Ambiguous(_) => {}
    }
    let texts = |row: &RawRow| -> Vec<String> { row.cells().map(|cell| cell.text.to_owned()).collect() };
    let rows = rows.iter().filter(|row| !row.is_blank()).map(texts).collect();
    Ok(Sample { headers: texts(&header.header), rows })
}
