//! The account itself, the users of offerings, and the version, which not everybody may know.

use serde_json::{Value as Json, json};

use super::object::{Object, Selection};
use super::{Answer, View};
use crate::sandbox::data::{Scope, User};
use crate::sandbox::rules::{sees_all, sees_offering};

/// `configuration`: what the web client asks for before anybody has signed in, as far as it concerns money.
pub(super) fn configuration() -> Answer {
    Answer::value(200, &json!({"WALDUR_CORE": {"CURRENCY_NAME": "EUR", "SITE_NAME": "Waldur sandbox"}}))
}

/// `users/me`: the whole of it holds the token in clear, as on the real server.
pub(super) fn me(view: &View) -> Answer {
    let user = &view.data.users[view.user];
    let mut body = Vec::new();
    Object::open(&mut body, &Selection::of(view.request))
        .field("url", &view.link(&format!("users/{}", user.uuid.as_simple())))
        .id("uuid", user.uuid)
        .field("username", &user.username)
        .field("slug", &user.username)
        .field("full_name", &full_name(user))
        .field("native_name", "")
        .field("job_title", "")
        .field("email", &user.email)
        .field("phone_number", "")
        .field("organization", "")
        .field("civil_number", &Json::Null)
        .field("description", "")
        .field("is_staff", &user.is_staff)
        .field("is_active", &true)
        .field("is_support", &user.is_support)
        .field("token", &user.token)
        .field("token_lifetime", &Json::Null)
        .field("registration_method", "default")
        .field("preferred_language", "")
        .field("first_name", &user.first_name)
        .field("last_name", &user.last_name)
        .field("permissions", &permissions(view, user))
        .field("requested_email", &Json::Null)
        .field("affiliations", &json!([]))
        .field("identity_source", "")
        .close();
    Answer::json(200, body)
}

fn full_name(user: &User) -> String {
    format!("{} {}", user.first_name, user.last_name).trim().to_owned()
}

fn permissions(view: &View, user: &User) -> Vec<Json> {
    let data = view.data;
    let told = user.roles.iter().map(|(role, scope)| {
        let (scope_type, uuid, name) = match scope {
            Scope::Customer(uuid) => {
                ("customer", uuid, data.customers.iter().find(|it| it.uuid == *uuid).map(|it| &it.name))
            }
            Scope::Project(uuid) => {
                ("project", uuid, data.projects.iter().find(|it| it.uuid == *uuid).map(|it| &it.name))
            }
            Scope::Offering(uuid) => {
                ("offering", uuid, data.offering(*uuid).map(|at| &data.offerings[at].written.name))
            }
        };
        json!({
            "user_uuid": user.uuid.as_simple().to_string(),
            "user_name": full_name(user),
            "role_name": role,
            "scope_type": scope_type,
            "scope_uuid": uuid.as_simple().to_string(),
            "scope_name": name,
            "expiration_time": null,
        })
    });
    told.collect()
}

/// `version`: for staff and support.
pub(super) fn version(view: &View) -> Answer {
    if sees_all(&view.data.users[view.user]) {
        Answer::value(200, &json!({"version": view.behaviour.dialect.version()}))
    } else {
        Answer::detail(403, "You do not have permission to perform this action.")
    }
}

/// `marketplace-offering-users`: for the provider, and for the people themselves.
pub(super) fn offering_users(view: &View) -> Answer {
    let data = view.data;
    let user = &data.users[view.user];
    let known = data.offering_users.iter().filter_map(|row| Some((row, data.offering(row.offering_uuid)?)));
    let visible = known.filter(|&(row, at)| row.user_uuid == user.uuid || sees_offering(data, user, at));
    let rows: Vec<_> = visible.collect();
    let selection = Selection::of(view.request);
    view.page(&rows, |&(row, at), out| {
        let offering = &data.offerings[at];
        let customer = &data.customers[offering.customer];
        let person = data.users.iter().find(|person| person.uuid == row.user_uuid);
        let offering_link =
            view.link(&format!("marketplace-provider-offerings/{}", offering.uuid.as_simple()));
        Object::open(out, &selection)
            .field("url", &view.link(&format!("marketplace-offering-users/{}", row.uuid.as_simple())))
            .id("uuid", row.uuid)
            .field("user", &view.link(&format!("users/{}", row.user_uuid.as_simple())))
            .field("offering", &offering_link)
            .field("username", &row.username)
            .id("offering_uuid", offering.uuid)
            .field("offering_name", &offering.written.name)
            .id("user_uuid", row.user_uuid)
            .field("user_username", &person.map(|person| &person.username))
            .field("user_full_name", &person.map(full_name))
            .moment("created", view.data.opened)
            .moment("modified", view.data.opened)
            .field("propagation_date", &Json::Null)
            .id("customer_uuid", customer.uuid)
            .field("customer_name", &customer.name)
            .field("is_restricted", &false)
            .close();
    })
}
