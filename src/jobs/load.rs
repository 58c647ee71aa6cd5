//! Files to parsed rows.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::thread;

use crate::domain::{Place, Spot, visible};
use crate::error::Error;
use crate::findings::{Code, Finding, Findings};
use crate::mapping::{Field, Layout, Metric};
use crate::parse::{ParseSettings, Parsed, Parser, Recogniser, Sum, Wanted};
use crate::plan::{InputFile, InputLayout, SummedRows};
use crate::source::{Input, Source, each_row_ahead, expand};

/// Which files, and how they are to be read.
#[derive(Debug, Clone, Default)]
pub struct InputSettings {
    /// The files, folders, patterns and `-`, in the order in which they are read.
    pub files: Vec<PathBuf>,
    /// The sheet of workbooks; the first visible one with a table where it is not given.
    pub sheet: Option<String>,
    /// How their tables are parsed.
    pub parse: ParseSettings,
}

/// The files in memory and what was parsed from them.
#[derive(Default)]
pub struct Loaded {
    /// The files.
    pub inputs: Vec<Input>,
    /// What a plan remembers of them.
    pub files: Vec<InputFile>,
    /// Their rows.
    pub parsed: Parsed,
}

/// Loads all files. What cannot be read at all stops the run; what is in them becomes findings.
pub fn load(settings: &InputSettings, findings: &mut Findings) -> Result<Loaded, Error> {
    let paths = expand(&settings.files)?;
    let mut remarks: Vec<Finding> = paths.left.iter().map(|(folder, left)| not_read(folder, left)).collect();
    let inputs = read(&paths.files, &settings.parse.layouts, &mut remarks)?;
    let mut parser = Parser::new(&settings.parse, findings);
    let mut sheets = Vec::with_capacity(inputs.len());
    // The digests are of the files alone, and can be taken while these are parsed.
    let digests = thread::scope(|scope| {
        let digests = scope.spawn(|| inputs.iter().map(Input::digest).collect::<Vec<_>>());
        for input in &inputs {
            sheets.push(match table(input, settings, &mut parser) {
                Ok((sheet, told)) => {
                    remarks.extend(told);
                    sheet
                }
                Err(finding) => {
                    remarks.push(*finding);
                    None
                }
            });
        }
        digests.join()
    });
    let digests = digests.map_err(|_| Error::Bug("no digest of the files".into()))?;
    let parsed = parser.finish();
    let files = inputs.iter().zip(sheets).zip(digests).map(|((input, sheet), sha256)| {
        let name = input.name().to_owned();
        let layout = layout(&parsed, &name);
        InputFile { name, sheet, sha256, layout }
    });
    let files = files.collect();
    for remark in remarks {
        findings.push(remark);
    }
    Ok(Loaded { inputs, files, parsed })
}

/// Reads files. A file that comes twice, under whatever name, is one file: its rows
/// would otherwise be reported twice.
fn read(paths: &[PathBuf], layouts: &Recogniser, remarks: &mut Vec<Finding>) -> Result<Vec<Input>, Error> {
    let mut inputs: Vec<Input> = Vec::new();
    for path in paths {
        let input = Input::read(path)?.of_layouts(layouts);
        if let Some(first) = inputs.iter().find(|known| known.bytes() == input.bytes()) {
            let found = format!("the same as {}", visible(first.name()));
            let finding = Finding::new(Code::SameFile, found, "each file once; it is not read again");
            remarks.push(finding.at(Place::file(input.name())));
        } else {
            inputs.push(input);
        }
    }
    Ok(inputs)
}

/// What is said of a folder in which not everything is a spreadsheet.
fn not_read(folder: &Path, left: &[String]) -> Finding {
    let shown = visible(&left[..left.len().min(20)].join(", ")).to_string();
    let more = if left.len() > 20 { format!(", … ({} in all)", left.len()) } else { String::new() };
    let expected = "spreadsheets; name a file, and it is read whatever its name ends in";
    Finding::new(Code::OtherFiles, format!("not read: {shown}{more}"), expected)
        .at(Place::file(&folder.to_string_lossy()))
}

/// How the table of a file was read.
fn layout(parsed: &Parsed, name: &str) -> Option<InputLayout> {
    let at = parsed.tables.iter().position(|read| *read.table.file == *name)?;
    let table = &parsed.tables[at];
    let mut columns = BTreeMap::new();
    for field in Field::ALL.into_iter().chain(Field::MONEY) {
        let header = table.column(field).and_then(|column| table.headers.get(column));
        columns.extend(header.map(|header| (header.as_ref().to_owned(), field.name().to_owned())));
    }
    let amounts = parsed.open_columns.iter().filter(|column| column.table == at && !column.header.is_empty());
    columns.extend(amounts.map(|column| (column.header.as_ref().to_owned(), "component".to_owned())));
    let layout = &table.layout;
    let notes = parsed.notes.get(&at).cloned().unwrap_or_default();
    let quantities = layout.records().map(|_| layout.bind(table.headers.iter().map(AsRef::as_ref)));
    if let Some(Ok(binding)) = quantities {
        let amounts = binding.metrics.iter().flatten().filter_map(|own| table.headers.get(own.quantity));
        for header in amounts {
            columns.entry(header.as_ref().to_owned()).or_insert_with(|| "component".to_owned());
        }
    }
    let own = parsed.sums.iter().filter(|sum| sum.rows > 1 && parsed.subjects[sum.subject].table() == at);
    let sums = own.map(|sum| summed(parsed, sum, layout)).collect();
    Some(InputLayout { name: Some(layout.name.clone()), header_row: table.header_row, columns, notes, sums })
}

/// How many rows were added up to a figure, and where the first of them stands.
fn summed(parsed: &Parsed, sum: &Sum, layout: &Layout) -> SummedRows {
    let metrics = layout.records().map(|records| &records.metrics);
    let metric = match &sum.wanted {
        Wanted::Component(name) => name.as_ref(),
        Wanted::Metric(at) => metrics.and_then(|list| list.get(*at)).map_or("", Metric::label),
    };
    let short = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    SummedRows {
        row: parsed.subjects[sum.subject].number,
        column: short(sum.column).saturating_add(1),
        metric: metric.to_owned(),
        rows: short(sum.rows),
    }
}

/// Parses the rows of a source, twice where that costs less than keeping them.
pub(super) fn parse(source: &mut dyn Source, parser: &mut Parser<'_>) -> Result<(), Finding> {
    if source.is_read_again() {
        parser.expect_twice();
    }
    let result = each_row_ahead(source, &mut |row| parser.row(row));
    parser.sight(source.sight());
    if parser.decide() {
        // It comes as far as the first time, and what ended that is told.
        let _ = each_row_ahead(source, &mut |row| parser.row_again(row));
    }
    parser.end_table(source.table(), result.is_ok());
    result
}

/// Parses one file; returns its sheet and what is to be said of the file.
fn table(
    input: &Input,
    settings: &InputSettings,
    parser: &mut Parser<'_>,
) -> Result<(Option<String>, Vec<Finding>), Box<Finding>> {
    let mut source = input.open(settings.sheet.as_deref())?;
    parse(source.as_mut(), parser)?;
    let sheet = source.table().sheet.as_ref().map(|sheet| sheet.as_ref().to_owned());
    let whole = || source.table().place(Spot::Whole);
    let told = source.remarks().iter().cloned().map(|mut remark| {
        remark.place.get_or_insert_with(whole);
        remark
    });
    Ok((sheet, told.collect()))
}

#[cfg(test)]
mod tests;
