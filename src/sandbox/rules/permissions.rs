//! Who may report, and who sees what.

use crate::sandbox::data::{Data, Scope, User};

/// Whether a user may report usage of an offering's resources.
pub(in crate::sandbox) fn may_report(data: &Data, user: &User, offering: usize) -> bool {
    let offering = &data.offerings[offering];
    let customer = data.customers[offering.customer].uuid;
    user.is_staff
        || user.roles.iter().any(|(role, scope)| match scope {
            Scope::Customer(uuid) => role == "CUSTOMER.OWNER" && *uuid == customer,
            Scope::Offering(uuid) => role == "OFFERING.MANAGER" && *uuid == offering.uuid,
            Scope::Project(_) => false,
        })
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
