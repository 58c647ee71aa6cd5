//! Pipelines that run by themselves: when, started by whom, and how the last time ended.
//!
//! A schedule is kept in the user's configuration and carried out by a timer of systemd, by cron, or by
//! whoever calls `run --due`. It names the pipeline and the program and holds nothing secret. What it
//! writes it marks, and takes away exactly that.

mod cron;
mod crontab;
mod due;
mod entry;
mod files;
mod line;
mod memory;
mod systemd;
mod unit;
mod when;
mod zone;

pub use crate::child::ask_to_end;
pub use crontab::{Crontab, line as crontab_line};
pub use due::due;
pub use entry::{By, Registry, Schedule, folders, plain};
pub use line::{LastRun, ScheduleLine};
pub use memory::{Attempt, Memory};
pub use systemd::{Changed, Standing, Systemd, enabling, lingers};
pub use when::When;
pub use zone::local as local_zone;
