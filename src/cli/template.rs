//! `template`: a workbook in which the usage of a month is filled in.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde::Serialize;

use crate::domain::{BillingPeriod, shell_word, visible};
use crate::error::{Error, ExitStatus};
use crate::jobs::template::{Made, TemplateSettings, template};
use crate::report::{TemplateForm, write_template_text, write_template_workbook};
use crate::resolve::ResolveSettings;
use crate::ui::{self, Format, Terminal};

use super::Global;
use super::connect::connect;
use super::input::selectors;

/// What `template` takes.
#[derive(Debug, Args)]
pub struct TemplateArguments {
    /// The offering whose usage is to be filled in, by uuid or name; repeatable
    #[arg(long, value_name = "UUID|NAME")]
    offering: Vec<String>,
    /// The month (YYYY-MM); the server's own where it is not given
    #[arg(long, value_name = "MONTH")]
    period: Option<BillingPeriod>,
    /// Only resources of this project, by uuid or name; repeatable
    #[arg(long, value_name = "UUID|NAME")]
    project: Vec<String>,
    /// Only resources of this organisation, by uuid or name; repeatable
    #[arg(long, value_name = "UUID|NAME")]
    customer: Vec<String>,
    /// A row for each resource and component, or a column for each component
    #[arg(long, value_name = "FORM", value_enum, default_value_t)]
    form: FormArgument,
    /// Where to write it: .xlsx, or .csv
    #[arg(short, long, value_name = "FILE")]
    out: PathBuf,
    /// Replace a file that is there already
    #[arg(long)]
    force: bool,
}

/// The shape as it is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum FormArgument {
    /// A row for each resource and component
    #[default]
    Long,
    /// A row for each resource, a column for each component
    Wide,
}

/// What was written, as JSON.
#[derive(Serialize)]
struct Written<'a> {
    file: &'a str,
    period: BillingPeriod,
    rows: usize,
    resources: usize,
    in_other_states: usize,
    without_plan: usize,
}

/// Runs the command.
pub async fn run(
    arguments: &TemplateArguments,
    global: &Global,
    terminal: &Terminal,
) -> Result<ExitStatus, Error> {
    let is_workbook = is_workbook(&arguments.out)?;
    let shown = visible(&arguments.out.to_string_lossy()).to_string();
    if arguments.out.is_file() && !arguments.force {
        let hint = "name another file, or use --force; what was filled in there would be lost";
        return Err(Error::setting(format!("{shown} is there already"), hint));
    }
    let connection = connect(global)?;
    let server = connection.server.as_ref();
    let of_profile = connection.config.offerings(server);
    let offerings = if arguments.offering.is_empty() { &of_profile } else { &arguments.offering };
    if offerings.is_empty() {
        return Err(Error::setting("no offering is named", "name one with --offering, by uuid or name"));
    }
    let settings = TemplateSettings {
        offerings: selectors(offerings),
        resolve: ResolveSettings {
            projects: selectors(&arguments.project),
            customers: selectors(&arguments.customer),
            keeps_lines: false,
        },
        period: arguments.period,
        form: match arguments.form {
            FormArgument::Long => TemplateForm::Long,
            FormArgument::Wide => TemplateForm::Wide,
        },
        time_zone: server.and_then(|server| server.time_zone.clone()),
        is_workbook,
    };
    let made = template(&connection.reader, &settings, terminal).await?;
    if is_workbook {
        write_template_workbook(&arguments.out, &made.template)?;
    } else {
        write_template_text(&arguments.out, &made.template)?;
    }
    if matches!(global.format.into(), Format::Json) {
        ui::json(&Written {
            file: &arguments.out.to_string_lossy(),
            period: made.template.period,
            rows: made.template.rows(),
            resources: made.template.resources.len(),
            in_other_states: made.in_other_states,
            without_plan: made.without_plan,
        });
    }
    terminal.say(&told(&made, &arguments.out));
    Ok(ExitStatus::Done)
}

/// Whether the ending of the name stands for a workbook.
pub(super) fn is_workbook(path: &Path) -> Result<bool, Error> {
    let ending = path.extension().and_then(|ending| ending.to_str()).map(str::to_ascii_lowercase);
    match ending.as_deref() {
        Some("xlsx") => Ok(true),
        Some("csv") => Ok(false),
        _ => {
            let what = format!("{}: the ending names no format", visible(&path.to_string_lossy()));
            Err(Error::setting(what, "use .xlsx or .csv"))
        }
    }
}

/// What was written, what was not, and what comes next.
fn told(made: &Made, out: &Path) -> String {
    let out = out.to_string_lossy();
    let shown = visible(&out);
    let template = &made.template;
    let rows = ui::counted(template.rows(), "row");
    let resources = ui::counted(template.resources.len(), "resource");
    let mut text = format!("written to {shown}: {rows} for {resources}, {}", template.period);
    let left_out =
        [(made.in_other_states, "in a state that takes no usage"), (made.without_plan, "without a plan")];
    for (count, why) in left_out.into_iter().filter(|(count, _)| *count > 0) {
        let _ = write!(text, "\nnot in it: {} {why}", ui::counted(count, "resource"));
    }
    let _ = write!(text, "\nfill in the amounts, then: waldur-usage plan {}", shell_word(&out));
    text
}
