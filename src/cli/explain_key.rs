//! `explain-key`: the whole story of one figure.

use std::path::PathBuf;

use clap::Args;
use jiff::Timestamp;

use crate::domain::{BillingPeriod, ComponentType, PeriodRange, RunId, Selector};
use crate::error::{Error, ExitStatus};
use crate::jobs::explain_key::{Explained, KeySettings, explain_key};
use crate::jobs::reconcile::ReconcileSettings;
use crate::reconcile::Rules;
use crate::ui::{self, Format, Style, Terminal};

use super::connect::connect;
use super::input::InputArguments;
use super::{Global, check, store};

/// What `explain-key` takes.
#[derive(Debug, Args)]
pub struct ExplainKeyArguments {
    /// The resource, by uuid; by name, slug or backend id inside --offering
    #[arg(value_name = "RESOURCE")]
    resource: String,
    /// The component, by its internal name
    #[arg(value_name = "COMPONENT")]
    component: ComponentType,
    /// The month (YYYY-MM)
    #[arg(value_name = "MONTH")]
    month: BillingPeriod,
    /// Files in which its cells are looked for
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    input: InputArguments,
    /// The time of the report, instead of the server's clock
    #[arg(long, value_name = "TIME", hide = true)]
    now: Option<Timestamp>,
}

/// Runs the command.
pub async fn run(
    arguments: &ExplainKeyArguments,
    global: &Global,
    terminal: &Terminal,
) -> Result<ExitStatus, Error> {
    let connection = connect(global)?;
    let mut settings = arguments.input.settings(&arguments.files, &connection)?;
    settings.input.parse.reads_money = true;
    settings.input.parse.takes_negative = true;
    settings.input.parse.period = Some(PeriodRange::single(arguments.month));
    settings.resolve.keeps_lines = true;
    let currency = connection.server.as_ref().map(super::config::Server::currency).transpose()?;
    let settings = KeySettings {
        reconcile: ReconcileSettings {
            check: settings,
            periods: PeriodRange::single(arguments.month),
            with_invoices: true,
            skip_faulty: true,
            server_rows: None,
            currency: currency.flatten(),
            side: None,
            rules: Rules::default(),
            now: arguments.now,
            run: None::<RunId>,
        },
        resource: arguments.resource.parse::<Selector>().unwrap_or_else(|never| match never {}),
        component: arguments.component.clone(),
        period: arguments.month,
    };
    let store = store::open(global)?;
    match explain_key(&connection.reader, Some(&store), settings, terminal).await? {
        Explained::Stopped(stopped) => {
            check::show(&stopped, global);
            Ok(ExitStatus::Denied)
        }
        Explained::Done(story) => {
            match global.format.into() {
                Format::Json => ui::json(&story),
                Format::Text => ui::data(&ui::story_text(&story, Style::for_stdout())),
            }
            Ok(ExitStatus::Done)
        }
    }
}
