//! Who pays, who works and who may report: one provider, its customers, and five accounts.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::chance::pick;
use super::{NewWorld, id};
use crate::domain::Amount;
use crate::domain::sha256;
use crate::sandbox::copied_invoices::invoice;
use crate::sandbox::data::InvoiceState;
use crate::sandbox::world::{Customer, Invoice, Project, Role, User};

/// The id of the account that reports: the owner of the provider.
pub(super) const REPORTER: u32 = 2;
/// Resources for each customer, and for each project.
const PER_CUSTOMER: u32 = 100;
const PER_PROJECT: u32 = 10;
const PROVIDER: &str = "provider";
const FIRST: &str = "organisation-0001";

impl NewWorld {
    fn customer_count(&self) -> u32 {
        self.resources.div_ceil(PER_CUSTOMER)
    }

    /// The number of projects.
    pub(super) fn project_count(&self) -> u32 {
        self.resources.div_ceil(PER_PROJECT)
    }

    pub(super) fn customers(&self) -> Vec<Customer> {
        let numbered = (1..=self.customer_count()).map(|number| format!("organisation-{number:04}"));
        let customers = std::iter::once(PROVIDER.to_owned()).chain(numbered).map(|name| Customer {
            uuid: id("customer", &name),
            abbreviation: String::new(),
            slug: name.clone(),
            email: String::new(),
            is_service_provider: name == PROVIDER,
            name,
            tax_percent: Amount::ZERO,
        });
        customers.collect()
    }

    pub(super) fn projects(&self) -> Vec<Project> {
        let projects = (0..self.project_count()).map(|number| Project {
            uuid: id("project", number),
            name: format!("project-{number:05}"),
            slug: format!("project-{number:05}"),
            customer_uuid: self.customer_of(number),
        });
        projects.collect()
    }

    /// The customer of a project, by the number of the project.
    fn customer_of(&self, project: u32) -> Uuid {
        let customer = pick("customer of project", project, self.customer_count()) + 1;
        id("customer", format!("organisation-{customer:04}"))
    }

    /// The open invoice of the running month for everybody who has a resource. The months before have
    /// none: a million lines would be made whenever the world is started, and nothing bills them.
    pub(super) fn invoices(&self) -> Vec<Invoice> {
        let projects: BTreeSet<u32> = (0..self.resources).map(|number| self.project_of(number)).collect();
        let billed: BTreeSet<Uuid> = projects.into_iter().map(|project| self.customer_of(project)).collect();
        let pending = |customer| invoice(customer, self.running, InvoiceState::Pending);
        billed.into_iter().map(pending).collect()
    }

    #[expect(clippy::unused_self, reason = "every list of the world is asked of the world")]
    pub(super) fn users(&self) -> Vec<User> {
        let owner = role("CUSTOMER.OWNER", "customer", id("customer", PROVIDER));
        let manager = role("OFFERING.MANAGER", "offering", id("offering", 0));
        let consumer = role("CUSTOMER.OWNER", "customer", id("customer", FIRST));
        vec![
            user(1, "staff", vec![]),
            user(REPORTER, "owner", vec![owner]),
            user(3, "manager", vec![manager]),
            user(4, "consumer", vec![consumer]),
            user(5, "nobody", vec![]),
        ]
    }
}

fn role(name: &str, scope_type: &str, scope_uuid: Uuid) -> Role {
    Role { name: name.into(), scope_type: scope_type.into(), scope_uuid }
}

fn user(number: u32, username: &str, roles: Vec<Role>) -> User {
    User {
        id: number,
        username: username.into(),
        uuid: id("user", username),
        email: String::new(),
        first_name: String::new(),
        last_name: String::new(),
        is_staff: username == "staff",
        is_support: false,
        // As well known as the tokens of the built-in world: for this machine alone.
        token: sha256(format!("token of a new world: {username}").as_bytes())[..40].to_owned(),
        token_expired: false,
        roles,
    }
}
