//! `doctor`: what can be done with a server and an account, and how that is known.

use clap::Args;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::{Error, ExitStatus};
use crate::jobs::doctor::Diagnosis;
use crate::ui::{self, Format, Style, Terminal};

use super::Global;
use super::connect::connect;
use super::store;

/// Under which word the last diagnosis is kept.
const KEPT: &str = "doctor";

/// What `doctor` takes.
#[derive(Debug, Args)]
pub struct DoctorArguments {
    /// Show what was found out last for this server and account, and ask nothing but whose token it is
    #[arg(long)]
    last: bool,
}

/// A diagnosis as it is kept: for people and for programs.
#[derive(Serialize, Deserialize)]
struct Kept {
    text: String,
    document: Value,
}

/// Runs the command. What was found out before an error ends it is shown, too.
pub async fn run(
    arguments: &DoctorArguments,
    global: &Global,
    terminal: &Terminal,
) -> Result<ExitStatus, Error> {
    let connection = connect(global)?;
    let server = connection.reader.address().to_string();
    if arguments.last {
        return last(&server, connection.reader.account().await?.id, global, terminal);
    }
    let time_zone = connection.server.as_ref().and_then(|server| server.time_zone.as_deref());
    let mut diagnosis = Diagnosis::new(&connection.reader);
    let examined = diagnosis.examine(&connection.reader, time_zone, terminal).await;
    match global.format.into() {
        Format::Json => ui::json(&diagnosis),
        Format::Text => ui::data(&ui::doctor_text(&diagnosis, Style::for_stdout(), global.verbose)),
    }
    if let (Ok(()), Some(account)) = (&examined, &diagnosis.account) {
        let kept = Kept {
            text: ui::doctor_text(&diagnosis, Style::PLAIN, true),
            document: serde_json::to_value(&diagnosis).unwrap_or_default(),
        };
        let kept = serde_json::to_string(&kept).unwrap_or_default();
        store::open(global)?.keep(&server, account.uuid, KEPT, &kept)?;
    }
    examined.map(|()| ExitStatus::Done)
}

fn last(
    server: &str,
    account: crate::domain::UserId,
    global: &Global,
    terminal: &Terminal,
) -> Result<ExitStatus, Error> {
    let kept = store::open(global)?.kept(server, account, KEPT)?;
    let found = kept.and_then(|(at, text)| Some((at, serde_json::from_str::<Kept>(&text).ok()?)));
    let Some((at, kept)) = found else {
        return Err(Error::setting(
            "nothing was found out about this server yet",
            "run `waldur-usage doctor` once",
        ));
    };
    terminal.say(&format!("found out at {}", at.strftime("%Y-%m-%d %H:%M:%S UTC")));
    match global.format.into() {
        Format::Json => ui::json(&kept.document),
        Format::Text => ui::data(&kept.text),
    }
    Ok(ExitStatus::Done)
}
