//! The words of the trade, as types that cannot be wrong.
//!
//! Everything else in the crate speaks in these: an [`Amount`] is an exact decimal, a
//! [`BillingPeriod`] is a month, an id is a uuid however it was spelt, and a [`Place`] says where
//! in the user's file something stands. Nothing here reads a clock, a file or a socket, and nothing
//! here uses binary floating point.
#![deny(clippy::float_arithmetic, clippy::as_conversions)]

mod amount;
mod amount_text;
mod billing_period;
mod canonical;
mod carry_over;
mod component;
mod currency;
mod cut;
mod destination;
mod digest;
mod exact;
mod factor;
mod file_stem;
mod ids;
mod look_alike;
mod money;
mod months;
mod near;
mod place;
mod resource_state;
mod role;
mod rounding;
mod selector;
mod shell;
mod slug;
mod usage_key;
mod visible;

pub use amount::{Amount, AmountError, NotReportable, ReportableAmount};
pub use amount_text::AmountText;
pub use billing_period::{BillingPeriod, BillingPeriodError, PeriodRange};
pub use canonical::canonical_json;
pub use carry_over::CarryOver;
pub use component::{BillingType, ComponentType, ComponentTypeError};
pub use currency::{Currency, CurrencyError};
pub use cut::cut;
pub use destination::{Destination, SandboxWorld};
pub use digest::{Digest, sha256};
pub use exact::{Exact, Quotient, Ratio, RatioError};
pub use factor::{Factor, FactorError};
pub use file_stem::file_stem;
pub use ids::{
    CustomerId, IdError, InvoiceId, InvoiceLineId, OfferingId, PlanId, PlanPeriodId, ProjectId, ResourceId,
    RunId, UsageId, UserId,
};
pub use look_alike::{look_alike, lost_zeros, skeleton};
pub use money::{ExactTotal, apportion, line_price, percent, share, times};
pub use months::Months;
pub use near::{fold, fold_name, fold_short, fold_unit, likeness, nearest, nearest_few};
pub use place::{Place, Spot};
pub use resource_state::ResourceState;
pub use role::Role;
pub use rounding::{RoundingRule, Unrounded};
pub use selector::Selector;
pub use shell::shell_word;
pub use slug::slug;
pub use usage_key::UsageKey;
pub use visible::{Visible, escaped_json, is_invisible, visible};
