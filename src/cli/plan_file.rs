//! The forms of a plan: its file, a workbook, a page and a text, chosen by the ending of a name.

use std::path::Path;

use crate::domain::visible;
use crate::error::Error;
use crate::plan::Plan;
use crate::report::{plan_page, write_comparison, write_file, write_json};
use crate::ui::{self, Style, Terminal};

/// What a plan is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlanForm {
    /// The file that `apply` takes.
    Json,
    /// A workbook.
    Workbook,
    /// A page for a browser.
    Page,
    /// The text of the terminal, with all lines.
    Text,
}

impl PlanForm {
    /// The form that the ending of a name stands for.
    pub fn of(path: &Path) -> Result<Self, Error> {
        let ending = path.extension().and_then(|ending| ending.to_str()).map(str::to_ascii_lowercase);
        match ending.as_deref() {
            Some("json") => Ok(Self::Json),
            Some("xlsx") => Ok(Self::Workbook),
            Some("html") => Ok(Self::Page),
            Some("txt") => Ok(Self::Text),
            _ => {
                let what = format!("{}: the ending names no format", visible(&path.to_string_lossy()));
                Err(Error::setting(what, "use .json, .xlsx, .html or .txt"))
            }
        }
    }

    /// Refuses a name whose file would be lost: an input, or, without `force`, what somebody may have
    /// worked on.
    pub fn keep<'a>(
        self,
        path: &Path,
        mut inputs: impl Iterator<Item = &'a Path>,
        force: bool,
    ) -> Result<(), Error> {
        let Ok(own) = path.canonicalize() else { return Ok(()) };
        let shown = visible(&path.to_string_lossy()).to_string();
        if inputs.any(|input| input.canonicalize().is_ok_and(|input| input == own)) {
            let what = format!("{shown} is an input, and would be replaced");
            return Err(Error::setting(what, "name another file"));
        }
        if self != Self::Json && own.is_file() && !force {
            let what = format!("{shown} is there already");
            return Err(Error::setting(what, "name another file, or use --force"));
        }
        Ok(())
    }

    /// Writes a plan and says so.
    pub fn write(self, path: &Path, plan: &Plan, terminal: &Terminal) -> Result<(), Error> {
        match self {
            Self::Json => write_json(path, &plan.file())?,
            Self::Workbook => write_comparison(path, plan)?,
            Self::Page => write_file(path, plan_page(plan).as_bytes())?,
            Self::Text => write_file(path, ui::plan_text(plan, Style::PLAIN, usize::MAX).as_bytes())?,
        }
        terminal.say(&format!("written to {}", visible(&path.to_string_lossy())));
        Ok(())
    }
}
