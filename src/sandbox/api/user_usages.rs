//! `marketplace-component-user-usages`: the parts of people in usages. `field=` is not known here.

use super::filters::Filters;
use super::object::{Object, Selection};
use super::usages::{in_month, shared_filter, write_resource};
use super::{Answer, View};
use crate::sandbox::data::{UsageFilter, UserUsageRow};

pub(super) fn list(view: &View) -> Answer {
    match filter(view) {
        Ok(filter) => {
            let rows = view.data.user_usages(&filter);
            view.page(&rows, |row, out| write(view, row, out))
        }
        Err(refusal) => refusal,
    }
}

fn filter(view: &View) -> Result<UsageFilter, Answer> {
    let mut filters = Filters::of(view.request);
    let mut filter = shared_filter(&mut filters, view.behaviour);
    if let Some(date) = filters.date("component_usage__billing_period") {
        in_month(&mut filter, date);
    }
    filters.close()?;
    Ok(filter)
}

fn write(view: &View, row: &UserUsageRow, out: &mut Vec<u8>) {
    let data = view.data;
    let usage = data.usages.row(row.usage);
    let component = &data.components[usage.component];
    let link_to_user = row.offering_user.map(|at| {
        view.link(&format!("marketplace-offering-users/{}", data.offering_users[at].uuid.as_simple()))
    });
    Object::open(out, &Selection::all())
        .id("uuid", row.uuid)
        .field("user", &link_to_user)
        .field("username", &row.username)
        .field(
            "component_usage",
            &view.link(&format!("marketplace-component-usages/{}", usage.uuid.as_simple())),
        )
        .amount("usage", row.amount)
        .field("measured_unit", &component.written.measured_unit)
        .field("description", "")
        .moment("created", row.created)
        .moment("modified", row.modified)
        .field("backend_id", "")
        .constant(view.constant.resource(usage.resource), |object| {
            write_resource(data, usage.resource, object);
        })
        .field("component_type", component.kind.as_str())
        .moment("date", usage.date)
        .close();
}
