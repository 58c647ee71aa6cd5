//! The file of a marked copy: what it must not replace, and what is said of it.

use std::path::{Path, PathBuf};

use crate::domain::{shell_word, visible};
use crate::error::Error;
use crate::jobs::annotate::Annotated;
use crate::report::{MOST_COMMENTS, is_untouched_copy};
use crate::source::expand;
use crate::ui;

/// What workbooks that can be marked end in.
const ENDINGS: [&str; 4] = ["xlsx", "xlsm", "xltx", "xltm"];

/// Refuses several inputs and a name whose file would be lost, before the server is asked. A marked copy
/// that nobody has saved since is replaced: all that is in it is in the input too.
pub fn keep(out: &Path, files: &[PathBuf], force: bool) -> Result<(), Error> {
    let shown = visible(&out.to_string_lossy()).to_string();
    let ending = out.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    if !ENDINGS.contains(&ending.as_str()) {
        return Err(Error::setting(format!("{shown}: a marked copy is a workbook"), "name it .xlsx"));
    }
    let inputs = expand(files)?.files;
    if inputs.len() != 1 {
        let what = format!("a marked copy is of one file, and these are {}", inputs.len());
        return Err(Error::setting(what, "check each file by itself, with a copy of its own"));
    }
    let Ok(own) = out.canonicalize() else { return Ok(()) };
    if inputs.iter().any(|input| input.canonicalize().is_ok_and(|input| input == own)) {
        let what = format!("{shown} is the input, and would be replaced");
        return Err(Error::setting(what, "name another file; the input is never changed"));
    }
    if !own.is_file() || force || std::fs::read(&own).is_ok_and(|bytes| is_untouched_copy(&bytes)) {
        return Ok(());
    }
    let what = format!("{shown} is there already, and is no marked copy as it was written");
    Err(Error::setting(what, "name another file, or use --force; what was changed in it would be lost"))
}

/// What was written, and what comes next.
pub fn told(annotated: &Annotated, files: &[PathBuf]) -> String {
    let shown = visible(&annotated.path.to_string_lossy()).to_string();
    let input = files.first().map(|file| visible(&file.to_string_lossy()).to_string()).unwrap_or_default();
    let mut lines = vec![format!(
        "marked copy written to {shown}: {} coloured, {} commented, {} listed",
        ui::counted(annotated.cells, "cell"),
        ui::counted(annotated.comments, "cell"),
        ui::counted(annotated.findings, "finding")
    )];
    if annotated.cells > MOST_COMMENTS {
        lines.push(format!("only {} cells have a comment; all are coloured", ui::grouped(MOST_COMMENTS)));
    }
    if !annotated.is_patched {
        lines.push(format!(
            "it is a new workbook with the values of {input}; formats, formulas and other sheets are not in it"
        ));
    }
    if annotated.cells > 0 {
        let copy = shell_word(&annotated.path.to_string_lossy());
        lines.push(format!("mend the coloured cells in it, then: waldur-usage check {copy}"));
    }
    lines.join("\n")
}
