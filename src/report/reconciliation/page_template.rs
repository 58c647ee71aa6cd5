//! The template that a page is made from: ours, or one that the user gives.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::report::ReportError;

/// The largest template that is read.
const LARGEST: u64 = 1 << 20;

/// A template of a page.
#[derive(Debug, Clone)]
pub struct PageTemplate {
    path: PathBuf,
    text: String,
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
        Ok(Self { path: path.to_owned(), text })
    }
}
