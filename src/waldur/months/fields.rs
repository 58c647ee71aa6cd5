//! The fields that rows of servers have, as far as this version of the program knows them.
//!
//! Whatever else a row has was added later: the contract of the export says what becomes of it.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::warehouse::{Origin, Table};

/// Where a usage belongs.
const BELONGS: [&str; 8] = [
    "resource_name",
    "resource_uuid",
    "offering_name",
    "offering_uuid",
    "project_name",
    "project_uuid",
    "customer_name",
    "customer_uuid",
];

/// The fields of a table besides those of its columns.
fn known(table: Table) -> &'static [&'static str] {
    match table {
        Table::Usages => &["name", "measured_unit", "billing_period"],
        Table::UserUsages => &["measured_unit", "backend_id", "billing_period"],
        Table::Invoices => &[
            "url",
            "year",
            "month",
            "created",
            "issuer_details",
            "customer_details",
            "items",
            "backend_id",
            "payment_url",
            "reference_number",
            "compensations",
            "incurred_costs",
        ],
        Table::InvoiceItems => &[
            "url",
            "resource",
            "resource_uuid",
            "offering_uuid",
            "offering_component_type",
            "factor",
            "billing_type",
            "backend_uuid",
            "credit",
            "details",
        ],
        Table::Resources => &RESOURCES,
        Table::Components => &[
            "description",
            "unit_factor",
            "max_value",
            "min_value",
            "max_available_limit",
            "is_boolean",
            "default_limit",
            "factor",
            "is_builtin",
            "is_prepaid",
            "overage_component",
            "min_prepaid_duration",
            "max_prepaid_duration",
            "prepaid_duration_step",
            "min_renewal_duration",
            "max_renewal_duration",
            "renewal_duration_step",
        ],
        Table::Offerings => &OFFERINGS,
        Table::Charges => &[],
    }
}

const RESOURCES: [&str; 61] = [
    "offering",
    "offering_description",
    "offering_image",
    "offering_thumbnail",
    "offering_type",
    "offering_terms_of_service",
    "offering_shared",
    "offering_billable",
    "offering_plugin_options",
    "offering_slug",
    "offering_components",
    "offering_customer_uuid",
    "provider_name",
    "provider_uuid",
    "category_title",
    "category_uuid",
    "category_icon",
    "plan",
    "plan_unit",
    "plan_name",
    "plan_description",
    "attributes",
    "limits",
    "modified",
    "url",
    "scope",
    "description",
    "resource_uuid",
    "effective_id",
    "resource_type",
    "project",
    "project_description",
    "project_end_date",
    "project_end_date_requested_by",
    "project_slug",
    "customer_slug",
    "parent_offering_uuid",
    "parent_offering_name",
    "parent_uuid",
    "parent_name",
    "backend_metadata",
    "is_usage_based",
    "is_limit_based",
    "current_usages",
    "can_terminate",
    "report",
    "end_date",
    "end_date_requested_by",
    "username",
    "limit_usage",
    "downscaled",
    "restrict_member_access",
    "paused",
    "endpoints",
    "error_message",
    "error_traceback",
    "options",
    "available_actions",
    "last_sync",
    "order_in_progress",
    "creation_order",
];

const OFFERINGS: [&str; 58] = [
    "url",
    "created",
    "slug",
    "description",
    "full_description",
    "privacy_policy_link",
    "access_url",
    "endpoints",
    "roles",
    "customer",
    "project",
    "project_uuid",
    "project_name",
    "category",
    "category_uuid",
    "attributes",
    "options",
    "resource_options",
    "components",
    "plugin_options",
    "secret_options",
    "service_attributes",
    "vendor_details",
    "getting_started",
    "integration_guide",
    "thumbnail",
    "order_count",
    "plans",
    "screenshots",
    "shared",
    "billable",
    "scope",
    "scope_uuid",
    "scope_name",
    "scope_state",
    "scope_error_message",
    "files",
    "quotas",
    "paused_reason",
    "datacite_doi",
    "citation_count",
    "latitude",
    "longitude",
    "country",
    "backend_id",
    "organization_groups",
    "image",
    "total_customers",
    "total_cost",
    "total_cost_estimated",
    "parent_description",
    "parent_uuid",
    "parent_name",
    "backend_metadata",
    "has_compliance_requirements",
    "integration_status",
    "google_calendar_is_public",
    "google_calendar_link",
];

/// The fields of rows of a table that nothing here names.
pub(super) fn unknown(table: Table, rows: &[Map<String, Value>]) -> BTreeSet<String> {
    let columns = table.columns();
    let names = columns.iter().filter_map(|column| match &column.origin {
        Origin::Field(name) => Some(name.as_ref()),
        Origin::IdOf(name) => Some(*name),
        Origin::Deployment
        | Origin::BillingPeriod
        | Origin::Detail(_)
        | Origin::Parent(_)
        | Origin::Derived => None,
    });
    let mut named: BTreeSet<&str> = names.chain(known(table).iter().copied()).collect();
    if matches!(table, Table::Usages | Table::UserUsages | Table::InvoiceItems) {
        named.extend(BELONGS);
    }
    let fields = rows.iter().flat_map(Map::keys);
    fields.filter(|field| !named.contains(field.as_str())).cloned().collect()
}
