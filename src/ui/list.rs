//! Stored usages for people.

use crate::domain::visible;
use crate::waldur::ListRow;

use super::Table;

const COLUMNS: [(&str, &str); 9] = [
    ("billing_period", "period"),
    ("customer_name", "organisation"),
    ("project_name", "project"),
    ("resource_name", "resource"),
    ("type", "component"),
    ("usage", ">usage"),
    ("measured_unit", "unit"),
    ("description", "description"),
    ("uuid", "uuid"),
];

/// The same of single users, whose rows name no month.
const USER_COLUMNS: [(&str, &str); 9] = [
    ("date", "reported"),
    ("customer_name", "organisation"),
    ("project_name", "project"),
    ("resource_name", "resource"),
    ("component_type", "component"),
    ("username", "user"),
    ("usage", ">usage"),
    ("measured_unit", "unit"),
    ("uuid", "uuid"),
];

/// A table with the columns that the rows have: the usual ones, or else all that were asked for.
pub fn list_text(rows: &[ListRow], fields: &[String]) -> String {
    let columns: Vec<(&str, String)> = if fields.is_empty() {
        let is_of_users = rows.iter().any(|row| row.0.contains_key("username"));
        let columns = if is_of_users { USER_COLUMNS } else { COLUMNS };
        columns.iter().map(|(field, header)| (*field, (*header).to_owned())).collect()
    } else {
        fields.iter().map(|field| (field.as_str(), visible(field).to_string())).collect()
    };
    let headers: Vec<&str> = columns.iter().map(|(_, header)| header.as_str()).collect();
    let mut table = Table::new(&headers);
    for row in rows {
        table.row(columns.iter().map(|(field, _)| visible(&row.text(field)).to_string()));
    }
    table.render("")
}
