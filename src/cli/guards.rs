//! The flags of the guards, and what a guard that refuses does to a run.

use std::collections::BTreeSet;

use clap::Args;

use crate::domain::Amount;
use crate::error::Error;
use crate::jobs::guards::{Guarded, guard};
use crate::plan::{Guard, Plan, Refusal, StoredUsage, Thresholds};
use crate::resolve::Catalogue;

use crate::jobs::run::OWN_NUMBER;
use crate::jobs::writers::Writers;

use super::connect::Connection;
use super::{Global, store};

/// What is allowed although it looks like a mistake.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Guards")]
pub struct GuardArguments {
    /// Allow that many rows become 0
    #[arg(long)]
    allow_zeroed: bool,
    /// Allow that the total of a component is far from last month's
    #[arg(long)]
    allow_jump: bool,
    /// Allow that many stored values become less
    #[arg(long)]
    allow_lowered: bool,
    /// Allow that an organisation of last month has no row
    #[arg(long)]
    allow_missing_organisation: bool,
    /// Refuse a plan that adds more to invoices, or takes more away
    #[arg(long, value_name = "AMOUNT")]
    max_money: Option<Amount>,
    /// Thresholds that a pipeline has made stricter than the profile's.
    #[arg(skip)]
    pub stricter: Option<Thresholds>,
}

impl GuardArguments {
    /// Guards a plan by the thresholds of the profile.
    pub fn guard(
        &self,
        plan: &Plan,
        last_month: &[StoredUsage],
        catalogue: &Catalogue,
        writers: &Writers,
        connection: &Connection,
        global: &Global,
    ) -> Result<Guarded, Error> {
        let thresholds = match self.stricter {
            Some(stricter) => stricter,
            None => connection.config.thresholds(connection.server.as_ref(), self.max_money)?,
        };
        let mut guarded = guard(plan, last_month, catalogue, &thresholds, &self.allowed());
        let (server, account) = (&plan.header.server, plan.header.account.id);
        let own = store::open(global)?.kept(server, account, OWN_NUMBER)?;
        let own = own.and_then(|(_, number)| number.parse().ok());
        guarded.other_writers =
            own.map(|own| writers.others(own, catalogue)).or(writers.is_empty().then(Vec::new));
        Ok(guarded)
    }

    fn allowed(&self) -> BTreeSet<Guard> {
        let flags = [
            (self.allow_zeroed, Guard::Zeroed),
            (self.allow_zeroed, Guard::ZeroMissing),
            (self.allow_jump, Guard::Jump),
            (self.allow_lowered, Guard::Lowered),
            (self.allow_missing_organisation, Guard::MissingOrganisation),
        ];
        flags.into_iter().filter(|(is_given, _)| *is_given).map(|(_, guard)| guard).collect()
    }
}

/// Refuses a plan that a guard refuses.
pub fn refuse(guarded: &Guarded) -> Result<(), Error> {
    let refusing = guarded.refusing();
    if refusing.is_empty() {
        return Ok(());
    }
    let guards = refusing.iter().map(|guard| guard.name()).collect();
    let flags = refusing.iter().filter_map(|guard| guard.flag()).collect();
    Err(Refusal::Guards { guards, flags }.into())
}
