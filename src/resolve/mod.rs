//! From names to ids: every figure against what the server knows.
//!
//! Takes [`Parsed`](crate::parse::Parsed) figures and one snapshot of the server, the [`Catalogue`],
//! and leaves [`Usages`]: figures whose resource and component exist, take reports, and are reported
//! once. Everything else becomes a finding with its cell.

mod aliases;
mod bearing;
mod beside;
mod capabilities;
mod catalogue;
mod columns;
mod ends;
mod file_lines;
mod lines;
mod months;
mod name_index;
mod notes;
mod offering_names;
mod people;
mod plan_periods;
mod resources;
mod rounded;
mod rows;
mod sums;
mod units;
mod usages;
mod zero_missing;

pub use aliases::SettledAliases;
pub use bearing::{Bearing, bearing};
pub use capabilities::{Capabilities, CarryOverField, Evidence, RowsPer};
pub use catalogue::{Catalogue, Component, Elsewhere, LimitPeriod, Offering, PlanPeriod, Resource};
pub use ends::not_ended;
#[cfg(test)]
pub use file_lines::LineFault;
pub use file_lines::{FileLine, FileLineMore, MoneyColumns, StatedMoney};
pub use months::months;
pub use offering_names::OfferingNames;
pub use people::{UserUsage, UserUsages};
pub use plan_periods::{HOW_TO_CHOOSE, plan_periods, several_plan_periods};
pub use resources::ResourceFinder;
pub use rounded::Rounding;
pub use rows::{ResolveSettings, rows};
pub use usages::{Usage, Usages};
pub use zero_missing::{NO_FILE, NamedKeys};
