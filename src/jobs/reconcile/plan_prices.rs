//! Which resources' plans of the month have to be known, because the file has the price of another plan.

use std::collections::BTreeSet;

use crate::domain::{Amount, ResourceId};
use crate::resolve::{Catalogue, FileLine};

/// The resources of which the file has a unit price that is not the one of the plan of today and is that of
/// another plan of the offering: right where the resource had that plan, and wrong where it did not.
pub fn doubtful(lines: &[FileLine], catalogue: &Catalogue) -> BTreeSet<ResourceId> {
    let of_line = |line: &FileLine| -> Option<ResourceId> {
        let money = line.more.as_deref()?.money.as_ref()?;
        let resource = catalogue.resource(line.resource?)?;
        let offering = catalogue.offering(resource.offering)?;
        let component = line.component.as_ref()?;
        let today = resource.plan.and_then(|plan| offering.price(plan, component));
        let cost = |unit: Amount| crate::domain::line_price(line.amount, unit);
        let is_at = |unit: Amount| match money.unit_price {
            Some(own) => own == unit,
            None => money.price.is_some() && money.price == cost(unit),
        };
        let others = offering.prices.iter().filter(|((_, own), _)| own == component);
        let is_other = others.into_iter().any(|(_, price)| is_at(*price));
        (!today.is_some_and(is_at) && is_other).then_some(resource.id)
    };
    lines.iter().filter_map(of_line).collect()
}
