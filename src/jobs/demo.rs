//! A rehearsal in one process: an embedded Waldur, a connection to it and the samples in a folder.

use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::report::{ReportError, write_file};
use crate::sandbox::{Sandbox, Settings, World, start};
use crate::waldur::{Reader, ServerAddress, Token, TokenSource};

use super::check::CheckSettings;
use super::load::InputSettings;
use super::plan::PlanSettings;

const GOOD: &[u8] = include_bytes!("../../samples/usage-2026-11-long.xlsx");
const FAULTY: &[u8] = include_bytes!("../../samples/usage-2026-11-faults.xlsx");

/// A running rehearsal; it ends when it is dropped.
pub struct Demo {
    /// The embedded server.
    pub sandbox: Sandbox,
    /// A connection to it as the provider's owner.
    pub reader: Reader,
    /// The sample without faults.
    pub good: PathBuf,
    /// The sample with a dozen faults.
    pub faulty: PathBuf,
}

impl Demo {
    /// Starts the server and writes the samples.
    pub async fn start(folder: &Path, at_once: usize) -> Result<Self, Error> {
        let sandbox = start(Settings::new(World::built_in()))
            .await
            .map_err(|error| Error::Bug(format!("the embedded server does not start: {error}")))?;
        let token = sandbox.tokens().get("owner");
        let token = token.ok_or_else(|| Error::Bug("the built-in world has no owner".into()))?;
        let address = ServerAddress::parse(&sandbox.url(), false)?;
        let reader = Reader::new(address, TokenSource::Fixed(Token::new(token)?), at_once, Reader::TIMEOUT)?;
        std::fs::create_dir_all(folder)
            .map_err(|source| ReportError::Unwritable { path: folder.to_owned(), source })?;
        let (good, faulty) = (folder.join("usage-2026-11.xlsx"), folder.join("usage-2026-11-faults.xlsx"));
        write_file(&good, GOOD)?;
        write_file(&faulty, FAULTY)?;
        Ok(Self { sandbox, reader, good, faulty })
    }

    /// The settings under which a sample is read.
    pub fn settings(file: &Path) -> PlanSettings {
        let input = InputSettings { files: vec![file.to_owned()], ..InputSettings::default() };
        PlanSettings { check: CheckSettings { input, ..CheckSettings::default() }, ..PlanSettings::default() }
    }
}
