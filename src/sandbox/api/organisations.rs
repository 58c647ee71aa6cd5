//! `customers`, `projects` and `marketplace-service-providers`: those that a user belongs to.

use serde_json::Value as Json;
use uuid::Uuid;

use super::object::{Object, Selection};
use super::{Answer, View};
use crate::sandbox::data::Scope;
use crate::sandbox::rules::{sees_all, sees_project};

pub(super) fn customers(view: &View) -> Answer {
    let data = view.data;
    let rows: Vec<_> = data.customers.iter().filter(|customer| belongs(view, customer.uuid)).collect();
    let selection = Selection::of(view.request);
    view.page(&rows, |customer, out| {
        Object::open(out, &selection)
            .field("url", &view.link(&format!("customers/{}", customer.uuid.as_simple())))
            .id("uuid", customer.uuid)
            .moment("created", data.opened)
            .field("name", &customer.name)
            .field("slug", &customer.slug)
            .field("native_name", "")
            .field("abbreviation", &customer.abbreviation)
            .field("email", &customer.email)
            .field("is_service_provider", &customer.is_service_provider)
            .close();
    })
}

pub(super) fn projects(view: &View) -> Answer {
    let data = view.data;
    let user = &data.users[view.user];
    let rows: Vec<usize> = (0..data.projects.len()).filter(|&at| sees_project(data, user, at)).collect();
    let selection = Selection::of(view.request);
    view.page(&rows, |&at, out| {
        let project = &data.projects[at];
        let customer = &data.customers[data.project_customers[at]];
        Object::open(out, &selection)
            .field("url", &view.link(&format!("projects/{}", project.uuid.as_simple())))
            .id("uuid", project.uuid)
            .field("name", &project.name)
            .field("slug", &project.slug)
            .field("customer", &view.link(&format!("customers/{}", customer.uuid.as_simple())))
            .id("customer_uuid", customer.uuid)
            .field("customer_name", &customer.name)
            .moment("created", data.opened)
            .close();
    })
}

/// The service providers; `field=` is not known here.
pub(super) fn service_providers(view: &View) -> Answer {
    let data = view.data;
    let visible = |&at: &usize| {
        let customer = &data.customers[at];
        customer.is_service_provider && belongs(view, customer.uuid)
    };
    let rows: Vec<usize> = (0..data.customers.len()).filter(visible).collect();
    view.page(&rows, |&at, out| {
        let customer = &data.customers[at];
        let uuid = Uuid::new_v5(&customer.uuid, b"service provider");
        let offerings = data.offerings.iter().filter(|offering| offering.customer == at).count();
        Object::open(out, &Selection::all())
            .field("url", &view.link(&format!("marketplace-service-providers/{}", uuid.as_simple())))
            .id("uuid", uuid)
            .moment("created", data.opened)
            .field("description", "")
            .field("enable_notifications", &true)
            .field("customer", &view.link(&format!("customers/{}", customer.uuid.as_simple())))
            .field("customer_name", &customer.name)
            .id("customer_uuid", customer.uuid)
            .field("customer_image", &Json::Null)
            .field("customer_abbreviation", &customer.abbreviation)
            .field("customer_native_name", "")
            .field("customer_country", "")
            .field("image", &Json::Null)
            .field("organization_group", &Json::Null)
            .field("offering_count", &offerings)
            .close();
    })
}

fn belongs(view: &View, customer: Uuid) -> bool {
    let user = &view.data.users[view.user];
    sees_all(user) || user.roles.iter().any(|(_, scope)| *scope == Scope::Customer(customer))
}
