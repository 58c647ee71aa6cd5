//! `doctor`: what can be done with a server and an account, and how that is known.

use crate::error::{Error, ExitStatus};
use crate::jobs::doctor::Diagnosis;
use crate::ui::{self, Format, Style, Terminal};

use super::Global;
use super::connect::connect;

/// Runs the command. What was found out before an error ends it is shown, too.
pub async fn run(global: &Global, terminal: &Terminal) -> Result<ExitStatus, Error> {
    let connection = connect(global)?;
    let time_zone = connection.server.as_ref().and_then(|server| server.time_zone.as_deref());
    let mut diagnosis = Diagnosis::new(&connection.reader);
    let examined = diagnosis.examine(&connection.reader, time_zone, terminal).await;
    match global.format.into() {
        Format::Json => ui::json(&diagnosis),
        Format::Text => ui::data(&ui::doctor_text(&diagnosis, Style::for_stdout(), global.verbose)),
    }
    examined.map(|()| ExitStatus::Done)
}
