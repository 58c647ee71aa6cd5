//! Files to parsed rows.

use std::path::PathBuf;

use crate::error::Error;
use crate::findings::{Code, Finding, Findings};
use crate::parse::{ParseSettings, Parsed, Parser};
use crate::plan::InputFile;
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
        files.push(InputFile { name: input.name().to_owned(), sheet, sha256: input.digest() });
    }
    let parsed = parser.finish();
    for finding in refused {
        findings.push(finding);
    }
    Ok(Loaded { inputs, files, parsed })
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
