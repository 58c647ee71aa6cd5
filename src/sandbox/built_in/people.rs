//! The organisations, their projects, and the accounts one can rehearse with.

use super::id;
use crate::domain::Amount;
use crate::sandbox::world::{Customer, OfferingUser, Project, Role, User};

/// The provider, then its customers: key, name, abbreviation.
const CUSTOMERS: [(&str, &str, &str); 4] = [
    ("nordlys", "Nordlys HPC Centre", "NHC"),
    ("tuk", "Technische Universität Küstenland", "TUK"),
    ("imb", "Institute of Marine Biology", "IMB"),
    ("hcuh", "Harbour City University Hospital", "HCUH"),
];

/// Key, name, customer.
const PROJECTS: [(&str, &str, &str); 8] = [
    ("climate", "Regional Climate Downscaling", "tuk"),
    ("flame", "Turbulent Combustion", "tuk"),
    ("qmat", "Quantum Materials", "tuk"),
    ("plankton", "Plankton Genomics", "imb"),
    ("acoustics", "Ocean Acoustics", "imb"),
    ("tumour", "Tumour Imaging", "hcuh"),
    ("cohort", "Cohort Genomics", "hcuh"),
    ("operations", "Centre Operations", "nordlys"),
];

/// The id of the account that reports: the owner of the provider.
pub(super) const REPORTER: u32 = 2;

pub(super) fn customers() -> Vec<Customer> {
    let customers = CUSTOMERS.iter().map(|&(key, name, abbreviation)| Customer {
        uuid: id("customer", key),
        name: name.into(),
        abbreviation: abbreviation.into(),
        slug: key.into(),
        email: format!("accounts@{key}.example.org"),
        is_service_provider: key == "nordlys",
        tax_percent: Amount::ZERO,
    });
    customers.collect()
}

pub(super) fn projects() -> Vec<Project> {
    let projects = PROJECTS.iter().map(|&(key, name, customer)| Project {
        uuid: id("project", key),
        name: name.into(),
        slug: key.into(),
        customer_uuid: id("customer", customer),
    });
    projects.collect()
}

pub(super) fn users() -> Vec<User> {
    let owner = role("CUSTOMER.OWNER", "customer", "nordlys");
    let manager = role("OFFERING.MANAGER", "offering", "hpc");
    let consumer = role("CUSTOMER.OWNER", "customer", "tuk");
    vec![
        user(1, "staff", "Astrid Holm", "5a9d1c0e7b3f4862a0d4e6c8b1f2937450ac3e17", vec![]),
        user(REPORTER, "owner", "Bo Lindqvist", "c27e40b9d8514f6f93ab17e05d6c8f2a4b90e3d1", vec![owner]),
        user(3, "manager", "Chiara Rossi", "0f6b83ad19e24c57b8d2604fa7c3e915d48b72f0", vec![manager]),
        user(4, "consumer", "Dörte Janßen", "913ce7f52ab04d68871f5b9e0c4da3624e7f18b5", vec![consumer]),
        user(5, "nobody", "Emil Novák", "e48d05f3c6a97b12de90417f3b85ca266db01e9f", vec![]),
    ]
}

fn role(role: &str, scope_type: &str, key: &str) -> Role {
    Role { name: role.into(), scope_type: scope_type.into(), scope_uuid: id(scope_type, key) }
}

fn user(number: u32, username: &str, name: &str, token: &str, roles: Vec<Role>) -> User {
    let (first_name, last_name) = name.split_once(' ').unwrap_or((name, ""));
    User {
        id: number,
        username: username.into(),
        uuid: id("user", username),
        email: format!("{username}@example.org"),
        first_name: first_name.into(),
        last_name: last_name.into(),
        is_staff: username == "staff",
        is_support: false,
        token: token.into(),
        token_expired: false,
        roles,
    }
}

pub(super) fn offering_users() -> Vec<OfferingUser> {
    vec![OfferingUser {
        uuid: id("offering user", "consumer"),
        offering_uuid: id("offering", "hpc"),
        user_uuid: id("user", "consumer"),
        username: "djanssen".into(),
    }]
}
