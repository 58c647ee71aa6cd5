//! The paths that are answered, and the methods that the real server names for each.

use super::money_route::MoneyAction;
use crate::sandbox::behaviour::Behaviour;

/// The provider's view of resources and offerings, or the consumer's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Provider,
    Consumer,
}

/// What a path asks for; ids are as spelt.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Action {
    Usages,
    Usage(String),
    SetUsage,
    SetUserUsage(String),
    SetUserUsages(String),
    UserUsages,
    Resources(Side),
    Resource(Side, String),
    PlanPeriods(Side, String),
    Offerings(Side),
    Offering(Side, String),
    Plans,
    PlanComponents,
    OfferingUsers,
    Customers,
    Projects,
    ServiceProviders,
    Me,
    Version,
    Configuration,
    Money(MoneyAction),
}

impl Action {
    /// Whether the action writes.
    pub(super) fn is_post(&self) -> bool {
        matches!(self, Self::SetUsage | Self::SetUserUsage(_) | Self::SetUserUsages(_))
    }
}

/// A path that is answered.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Route {
    pub action: Action,
}

impl Route {
    /// Finds what a path, which must end in a slash, asks a server of a kind for.
    pub(super) fn resolve(path: &str, behaviour: &Behaviour) -> Option<Self> {
        let is_known =
            |route: &Self| behaviour.bulk_user_usages || !matches!(route.action, Action::SetUserUsages(_));
        Self::find(path).filter(is_known)
    }

    fn find(path: &str) -> Option<Self> {
        let path = path.strip_prefix("/api/")?.strip_suffix('/')?;
        let parts: Vec<&str> = path.split('/').collect();
        let action = match parts[..] {
            ["marketplace-component-usages"] => Action::Usages,
            ["marketplace-component-usages", "set_usage"] => Action::SetUsage,
            ["marketplace-component-usages", id] => Action::Usage(lookup(id)?),
            ["marketplace-component-usages", id, "set_user_usage"] => Action::SetUserUsage(lookup(id)?),
            ["marketplace-component-usages", id, "set_user_usages"] => Action::SetUserUsages(lookup(id)?),
            ["marketplace-component-user-usages"] => Action::UserUsages,
            ["marketplace-plans"] => Action::Plans,
            ["marketplace-plan-components"] => Action::PlanComponents,
            ["marketplace-offering-users"] => Action::OfferingUsers,
            ["marketplace-service-providers"] => Action::ServiceProviders,
            ["customers"] => Action::Customers,
            ["projects"] => Action::Projects,
            ["users", "me"] => Action::Me,
            ["version"] => Action::Version,
            ["configuration"] => Action::Configuration,
            [collection, ref rest @ ..] => match MoneyAction::resolve(&parts) {
                Some(action) => Action::Money(action),
                None => two_sided(collection, rest)?,
            },
            [] => return None,
        };
        Some(Self { action })
    }

    /// The methods of the path.
    pub(super) fn allow(&self) -> &'static str {
        match self.action {
            Action::SetUsage | Action::SetUserUsage(_) | Action::SetUserUsages(_) => "POST, OPTIONS",
            Action::Usage(_) | Action::Resource(..) | Action::Offering(Side::Provider, _) => {
                "GET, PUT, PATCH, DELETE, HEAD, OPTIONS"
            }
            Action::Usages
            | Action::UserUsages
            | Action::Resources(_)
            | Action::Offerings(Side::Provider)
            | Action::Plans
            | Action::OfferingUsers
            | Action::Customers
            | Action::Projects
            | Action::ServiceProviders => "GET, POST, HEAD, OPTIONS",
            Action::PlanPeriods(..)
            | Action::Offerings(Side::Consumer)
            | Action::Offering(Side::Consumer, _)
            | Action::PlanComponents
            | Action::Me => "GET, HEAD, OPTIONS",
            Action::Version | Action::Configuration => "GET, OPTIONS",
            Action::Money(ref action) => action.allow(),
        }
    }

    /// The name that `OPTIONS` tells.
    pub(super) fn name(&self) -> &'static str {
        match self.action {
            Action::Usages => "Component Usage List",
            Action::Usage(_) => "Component Usage Instance",
            Action::SetUsage => "Set usage",
            Action::SetUserUsage(_) => "Set user usage",
            Action::SetUserUsages(_) => "Set user usages",
            Action::UserUsages => "Component User Usage List",
            Action::Resources(Side::Provider) => "Provider Resource List",
            Action::Resource(Side::Provider, _) => "Provider Resource Instance",
            Action::Resources(Side::Consumer) => "Resource List",
            Action::Resource(Side::Consumer, _) => "Resource Instance",
            Action::PlanPeriods(..) => "Plan periods",
            Action::Offerings(Side::Provider) => "Provider Offering List",
            Action::Offering(Side::Provider, _) => "Provider Offering Instance",
            Action::Offerings(Side::Consumer) => "Public Offering List",
            Action::Offering(Side::Consumer, _) => "Public Offering Instance",
            Action::Plans => "Provider Plan List",
            Action::PlanComponents => "Plan Component List",
            Action::OfferingUsers => "Offering Users List",
            Action::Customers => "Customer List",
            Action::Projects => "Project List",
            Action::ServiceProviders => "Service Provider List",
            Action::Me => "Me",
            Action::Version => "Version",
            Action::Configuration => "Configuration",
            Action::Money(ref action) => action.name(),
        }
    }
}

fn two_sided(collection: &str, rest: &[&str]) -> Option<Action> {
    let (is_resource, side) = match collection {
        "marketplace-provider-resources" => (true, Side::Provider),
        "marketplace-resources" => (true, Side::Consumer),
        "marketplace-provider-offerings" => (false, Side::Provider),
        "marketplace-public-offerings" => (false, Side::Consumer),
        _ => return None,
    };
    match (is_resource, rest) {
        (true, []) => Some(Action::Resources(side)),
        (true, [id]) => Some(Action::Resource(side, lookup(id)?)),
        (true, [id, "plan_periods"]) => Some(Action::PlanPeriods(side, lookup(id)?)),
        (false, []) => Some(Action::Offerings(side)),
        (false, [id]) => Some(Action::Offering(side, lookup(id)?)),
        _ => None,
    }
}

/// An id in a path: anything without a point.
pub(super) fn lookup(id: &str) -> Option<String> {
    (!id.is_empty() && !id.contains('.')).then(|| id.to_owned())
}
