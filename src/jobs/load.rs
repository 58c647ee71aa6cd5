//! Files to parsed rows.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::error::Error;
use crate::findings::{Code, Finding, Findings};
use crate::mapping::Field;
use crate::parse::{ParseSettings, Parsed, Parser};
use crate::plan::{InputFile, InputLayout};
use crate::source::{Input, each_row};

/// Which files, and how they are to be read.
#[derive(Debug, Clone, Default)]
pub struct InputSettings {
    /// The files, in the order in which they are read.
    pub files: Vec<PathBuf>,
    /// The sheet of workbooks; the first visible one where it is not given.
    pub sheet: Option<String>,
    /// How their tables are parsed.
    pub parse: ParseSettings,
}

/// The files in memory and what was parsed from them.
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
    let inputs: Vec<Input> = settings.files.iter().map(|path| Input::read(path)).collect::<Result<_, _>>()?;
    let mut files = Vec::new();
    let mut refused = Vec::new();
    let mut parser = Parser::new(&settings.parse, findings);
    for input in &inputs {
        let sheet = match table(input, settings, &mut parser) {
            Ok((sheet, others)) => {
                refused.extend(others);
                sheet
            }
            Err(finding) => {
                refused.push(*finding);
                None
            }
        };
        let layout = None;
        files.push(InputFile { name: input.name().to_owned(), sheet, sha256: input.digest(), layout });
    }
    let parsed = parser.finish();
    for file in &mut files {
        file.layout = layout(&parsed, &file.name);
    }
    for finding in refused {
        findings.push(finding);
    }
    Ok(Loaded { inputs, files, parsed })
}

/// How the table of a file was read.
fn layout(parsed: &Parsed, name: &str) -> Option<InputLayout> {
    let at = parsed.tables.iter().position(|read| *read.table.file == *name)?;
    let table = &parsed.tables[at];
    let mut columns = BTreeMap::new();
    for field in Field::ALL {
        let header = table.column(field).and_then(|column| table.headers.get(column));
        columns.extend(header.map(|header| (header.as_ref().to_owned(), field.name().to_owned())));
    }
    let amounts = parsed.open_columns.iter().filter(|column| column.table == at && !column.header.is_empty());
    columns.extend(amounts.map(|column| (column.header.as_ref().to_owned(), "component".to_owned())));
    Some(InputLayout { header_row: table.header_row, columns })
}

/// Parses one file; returns its sheet and a finding about sheets that were not read.
fn table(
    input: &Input,
    settings: &InputSettings,
    parser: &mut Parser<'_>,
) -> Result<(Option<String>, Option<Finding>), Box<Finding>> {
    let mut source = input.open(settings.sheet.as_deref())?;
    let result = each_row(source.as_mut(), &mut |row| parser.row(row));
    parser.end_table(source.table(), result.is_ok());
    result?;
    let sheet = source.table().sheet.as_ref().map(|sheet| sheet.as_ref().to_owned());
    let others = source.other_sheets();
    let finding = (!others.is_empty() && settings.sheet.is_none()).then(|| {
        let found = format!("not read: {}", crate::domain::visible(&others.join(", ")));
        Finding::new(Code::OtherSheets, found, "one sheet; --sheet NAME reads another one")
            .at(source.table().place(crate::domain::Spot::Whole))
    });
    Ok((sheet, finding))
}
