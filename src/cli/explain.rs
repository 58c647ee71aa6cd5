//! `explain`: what a finding means, why it matters and how to mend it.

use clap::Args;
use serde::Serialize;

use crate::domain::{nearest, visible};
use crate::error::{Error, ExitStatus};
use crate::findings::{Code, Page, Severity, page};
use crate::ui::{self, Format, Style};

use super::Global;

/// What `explain` takes.
#[derive(Debug, Args)]
pub struct ExplainArguments {
    /// The name of a finding, such as unknown-resource; all of them are listed where it is not given
    #[arg(value_name = "CODE")]
    code: Option<String>,
}

/// A code as JSON.
#[derive(Serialize)]
struct Explained<'a> {
    code: Code,
    severity: Severity,
    may_be_lowered: bool,
    title: &'static str,
    #[serde(flatten)]
    page: Option<&'a Page>,
}

impl Explained<'_> {
    fn of(code: Code) -> Self {
        let (severity, may_be_lowered, title) = (code.severity(), code.may_be_lowered(), code.title());
        Self { code, severity, may_be_lowered, title, page: page(code) }
    }
}

/// Runs the command.
pub fn run(arguments: &ExplainArguments, global: &Global) -> Result<ExitStatus, Error> {
    let Some(name) = &arguments.code else {
        match global.format.into() {
            Format::Json => {
                ui::json(&Code::ALL.iter().map(|code| Explained::of(*code)).collect::<Vec<_>>());
            }
            Format::Text => ui::data(&ui::codes_text(Style::for_stdout())),
        }
        return Ok(ExitStatus::Done);
    };
    let code = Code::from_name(name.trim()).ok_or_else(|| {
        let hint = nearest(name, Code::ALL.iter().map(|code| code.name())).map_or_else(
            || "`waldur-usage explain` lists them all".to_owned(),
            |near| format!("did you mean {near}?"),
        );
        Error::setting(format!("there is no finding `{}`", visible(name)), hint)
    })?;
    match global.format.into() {
        Format::Json => ui::json(&Explained::of(code)),
        Format::Text => {
            let text =
                page(code).map_or_else(|| format!("{code}: {}\n", code.title()), |page| page.text(code));
            ui::data(&text);
        }
    }
    Ok(ExitStatus::Done)
}
