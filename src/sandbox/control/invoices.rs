//! `/sandbox/invoices`: which invoices there are, and moving one to another state, as an operator of
//! the real server can.
//!
//! An invoice is named by its customer and month, of which it is the only one. The list tells the ids
//! of the customers, which no other control path knows.

use std::sync::PoisonError;

use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::{Outcome, Wrong, bytes};
use crate::domain::{BillingPeriod, CustomerId};
use crate::sandbox::api::State;
use crate::sandbox::data::InvoiceState;
use crate::sandbox::server::Server;

/// An invoice and the state that it is to have.
#[derive(Deserialize)]
struct Move {
    customer: CustomerId,
    billing_period: BillingPeriod,
    state: InvoiceState,
}

/// All invoices, in the order in which they were made.
pub(super) fn list(state: &State) -> Json {
    let data = state.data.read().unwrap_or_else(PoisonError::into_inner);
    let invoices = (0..data.invoices.len()).map(|at| {
        let invoice = data.invoices.invoice(at);
        let customer = &data.customers[invoice.customer];
        json!({
            "customer": CustomerId::new(customer.uuid).to_string(),
            "customer_name": customer.name,
            "billing_period": invoice.period.to_string(),
            "state": invoice.state,
            "number": invoice.number,
        })
    });
    json!({"invoices": invoices.collect::<Vec<_>>()})
}

/// Moves one to another state.
pub(super) fn move_one(server: &Server, json: Json) -> Outcome {
    let example = "Send {\"customer\": \"…\", \"billing_period\": \"2026-11\", \"state\": \"created\"}.";
    let wanted: Move = serde_json::from_value(json).map_err(|error| format!("{error}. {example}"))?;
    if server.set_invoice_state(wanted.customer, wanted.billing_period, wanted.state) {
        return Ok((200, bytes(&json!({"state": wanted.state}))));
    }
    if is_there(&server.state, &wanted) {
        return Err(Wrong { status: 500, detail: "The change cannot be kept in the state file.".into() });
    }
    let detail = "There is no invoice of this customer and month; GET /sandbox/invoices lists them.";
    Err(Wrong { status: 404, detail: detail.into() })
}

fn is_there(state: &State, wanted: &Move) -> bool {
    let data = state.data.read().unwrap_or_else(PoisonError::into_inner);
    let customer = data.customers.iter().position(|known| known.uuid == wanted.customer.uuid());
    customer.is_some_and(|customer| data.invoices.of_month(customer, wanted.billing_period).is_some())
}
