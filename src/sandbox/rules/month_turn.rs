//! What time alone brings about: the turn of the month, and the work that waits in the background.
//!
//! At 00:00 on the 1st, in the server's zone, the invoices of the months before are issued and each
//! customer with resources gets one for the new month, with what recurs in it. It depends on nothing
//! but its arguments. A server that starts in the middle of a month makes up for nothing.

use std::iter::successors;

use jiff::Timestamp;

use super::{billing, billing_time, invoicing};
use crate::sandbox::behaviour::Behaviour;
use crate::sandbox::data::{Data, InvoiceState, MonthBounds};

/// Months that are turned one by one where the clock jumps; what lies further back is left out, so
/// that a clock that is wrong by centuries does not stop the server.
const LONGEST_JUMP: usize = 24;

/// Does what is due by now: turns the months that have passed, and bills what waits.
pub(in crate::sandbox) fn keep_up(data: &mut Data, behaviour: &Behaviour, now: Timestamp) {
    if data.month_has_turned(now) {
        turn_months(data, behaviour, now);
    }
    billing::work_off(data, behaviour, now);
}

/// Turns each month between the last look and a moment. A clock that was set back turns nothing.
pub(in crate::sandbox) fn turn_months(data: &mut Data, behaviour: &Behaviour, now: Timestamp) {
    let Some(current) = billing_time::month_at(now, &behaviour.months_zone()) else { return };
    if let Some(last) = data.month {
        let following = successors(Some(last.period.next()), |period| Some(period.next()));
        let passed: Vec<_> = following.take_while(|&period| period <= current.period).collect();
        for &period in &passed[passed.len().saturating_sub(LONGEST_JUMP)..] {
            turn(data, behaviour, billing_time::month_of(period, &behaviour.months_zone()));
        }
    }
    data.month = Some(current);
}

/// Turns one month, at its first instant.
fn turn(data: &mut Data, behaviour: &Behaviour, month: MonthBounds) {
    let now = month.start;
    let today = now.to_zoned(behaviour.months_zone()).date();
    for at in 0..data.invoices.len() {
        let invoice = data.invoices.invoice(at);
        if invoice.period < month.period && invoice.state.is_open() {
            data.invoices.set_state(at, InvoiceState::Created, today);
        }
    }
    for customer in 0..data.customers.len() {
        if data.invoices.resources_of(customer).is_empty() {
            continue;
        }
        let mut undo = data.begin();
        let place = (customer, month.period);
        // One customer whose invoice cannot be made does not keep the others from theirs.
        if invoicing::get_or_create(data, behaviour, place, now, now, &mut undo).is_err() {
            data.roll_back(undo);
        }
    }
}
