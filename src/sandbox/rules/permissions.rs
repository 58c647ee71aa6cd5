//! Who may report, and who sees what.

use crate::sandbox::data::{Data, Scope, User};

/// Whether a user may report usage of an offering's resources.
pub(in crate::sandbox) fn may_report(data: &Data, user: &User, offering: usize) -> bool {
    let manages = |(role, scope): &(String, Scope)| {
        role == "OFFERING.MANAGER" && *scope == Scope::Offering(data.offerings[offering].uuid)
    };
    user.is_staff || is_of_provider(data, user, offering) || user.roles.iter().any(manages)
}

/// Whether a user may report for the organisation that provides an offering, not for the offering
/// alone.
pub(in crate::sandbox) fn is_of_provider(data: &Data, user: &User, offering: usize) -> bool {
    let customer = data.customers[data.offerings[offering].customer].uuid;
    user.roles.iter().any(|(role, scope)| role == "CUSTOMER.OWNER" && *scope == Scope::Customer(customer))
}

/// Whether a user sees everything.
pub(in crate::sandbox) fn sees_all(user: &User) -> bool {
    user.is_staff || user.is_support
}

/// Whether a user sees an offering, and its resources, as their provider.
pub(in crate::sandbox) fn sees_offering(data: &Data, user: &User, offering: usize) -> bool {
    let offering = &data.offerings[offering];
    let customer = data.customers[offering.customer].uuid;
    let scopes = [Scope::Customer(customer), Scope::Offering(offering.uuid)];
    sees_all(user) || user.roles.iter().any(|(_, scope)| scopes.contains(scope))
}

/// Whether a user sees a project, and its resources, as their consumer.
pub(in crate::sandbox) fn sees_project(data: &Data, user: &User, project: usize) -> bool {
    let customer = data.customers[data.project_customers[project]].uuid;
    let scopes = [Scope::Customer(customer), Scope::Project(data.projects[project].uuid)];
    sees_all(user) || user.roles.iter().any(|(_, scope)| scopes.contains(scope))
}

/// Whether a user sees what a customer is billed: with any role on the customer itself.
pub(in crate::sandbox) fn sees_bills_of(data: &Data, user: &User, customer: usize) -> bool {
    let scope = Scope::Customer(data.customers[customer].uuid);
    sees_all(user) || user.roles.iter().any(|(_, held)| *held == scope)
}

/// Whether a user sees what is earned by the offerings of a customer: staff, owners and managers,
/// and of those who see everything else, support does not.
pub(in crate::sandbox) fn provides(data: &Data, user: &User, customer: usize) -> bool {
    let scope = Scope::Customer(data.customers[customer].uuid);
    let has_role = |role: &str| matches!(role, "CUSTOMER.OWNER" | "CUSTOMER.MANAGER");
    user.is_staff || user.roles.iter().any(|(role, held)| *held == scope && has_role(role))
}

/// Whether a user owns a customer, or is staff.
pub(in crate::sandbox) fn owns(data: &Data, user: &User, customer: usize) -> bool {
    let scope = Scope::Customer(data.customers[customer].uuid);
    user.is_staff || user.roles.iter().any(|(role, held)| *held == scope && role == "CUSTOMER.OWNER")
}
