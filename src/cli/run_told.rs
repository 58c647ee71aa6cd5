//! A pipeline's run that has ended, told here and to whoever watches over it.

use std::time::Duration;

use crate::domain::visible;
use crate::ui::Terminal;
use crate::watch::{Ended, tell};

use super::config::Config;

/// Tells of a run that has ended, here and to whoever is named in `[watch]`.
pub async fn finished(ended: &Ended, terminal: &Terminal) {
    // Of what ended before its first step the error tells enough.
    if !ended.steps.is_empty() {
        terminal.say(&in_a_line(ended));
    }
    // What a folder says has no part in it: that may be what ended the run.
    let tellings = match Config::read_user().and_then(|config| config.watch()) {
        Ok(settings) => tell(ended, &settings).await,
        Err(trouble) => return terminal.error(&format!("warning: nobody was told: {trouble}")),
    };
    for telling in tellings {
        if let Some(trouble) = telling.trouble {
            let (to, trouble) = (visible(&telling.to), visible(&trouble));
            terminal.error(&format!("warning: {to} was not told how the run ended: {trouble}"));
        }
    }
}

/// A run that has ended, in a line.
fn in_a_line(ended: &Ended) -> String {
    let took = |took: Duration| format!("{:.1} s", took.as_secs_f64());
    let whole = Duration::try_from(ended.ended.duration_since(ended.started)).unwrap_or_default();
    let period = ended.period.as_ref().map(|period| format!(" of {}", visible(period))).unwrap_or_default();
    let steps = ended.steps.iter().map(|(name, own, _)| format!("{name} {}", took(*own)));
    let steps = steps.collect::<Vec<_>>().join(", ");
    let steps = if steps.is_empty() { steps } else { format!(" ({steps})") };
    let money = ended.money.iter().map(|(currency, amount)| {
        format!(
            ", {amount} {}",
            currency.map_or_else(|| "of no known currency".to_owned(), |own| own.to_string())
        )
    });
    format!(
        "{}{period}: {} in {}{steps}; {} rows, {} differ{}; run {}",
        visible(ended.pipeline.as_deref().unwrap_or_default()),
        ended.status.name(),
        took(whole),
        ended.rows,
        ended.breaks,
        money.collect::<String>(),
        ended.run
    )
}
