//! What a request costs the observed server, from what it was measured to do.
//!
//! Pages of 300 usages took 135 ms with the uuid alone, 157 ms with the eight columns of the row,
//! 611 ms with five named fields and 1639 ms in full, which was five queries a row: one for each of
//! component, resource, offering, project and customer. A post of three components took 513 ms, one
//! of unchanged amounts some 55 ms, and 4.1 s of a worker once the invoice had some 500 items. All
//! else is solved from these, but for the base of a request, which nobody measured alone.

use std::sync::PoisonError;
use std::time::Duration;

use crate::sandbox::api::{Effort, Request, State};
use crate::sandbox::commits::Written;
use crate::sandbox::data::Data;

/// A request that reads or writes nothing; assumed.
const REQUEST: Duration = Duration::from_millis(15);
/// A row of a list, without any field.
const ROW: Duration = Duration::from_micros(389);
/// A column of the row itself.
const COLUMN: Duration = Duration::from_nanos(10_500);
/// A related object that a row of usages has to be joined with.
const RELATION: Duration = Duration::from_micros(612);
/// A field out of such an object.
const JOINED: Duration = Duration::from_micros(171);
/// A field of a resource that is none of its columns: 300 full resources took 4.4 s.
const RESOURCE_FIELD: Duration = Duration::from_micros(287);
/// A post that changes nothing: 17 to 19 of them in a second.
const POST: Duration = Duration::from_millis(55);
/// A row that a post makes or changes.
const CHANGED: Duration = Duration::from_micros(152_600);
/// The same, for each item that the customer's invoice of the month has already.
const INVOICE_ITEM: Duration = Duration::from_micros(2_079);

/// The share of a read that holds worker and token, in hundredths: four connections of one token got
/// 229 rows a second where one got 183. The rest is the way to the client and back.
const HELD: u32 = 80;

/// How long a post takes among so many at once, against one alone, in thousandths. One, two, four and
/// eight connections got 1.95, 3.30, 3.47 and 3.74 posts a second from two workers.
const AMONG: [(usize, u32); 4] = [(1, 1_000), (2, 1_182), (4, 1_124), (8, 1_043)];

/// Columns of the row of a usage.
const USAGE_COLUMNS: [&str; 8] =
    ["uuid", "created", "description", "usage", "date", "recurring", "billing_period", "modified_by"];
/// What a row of usages is joined with, and the fields out of it.
const USAGE_RELATIONS: [&[&str]; 5] = [
    &["type", "name", "measured_unit"],
    &["resource_name", "resource_uuid"],
    &["offering_name", "offering_uuid"],
    &["project_name", "project_uuid"],
    &["customer_name", "customer_uuid"],
];
/// Columns of the row of a resource.
const RESOURCE_COLUMNS: [&str; 14] = [
    "uuid",
    "name",
    "slug",
    "backend_id",
    "effective_id",
    "state",
    "created",
    "modified",
    "limits",
    "current_usages",
    "attributes",
    "description",
    "offering_uuid",
    "project_uuid",
];
/// How many fields a full resource has besides those.
const RESOURCE_FIELDS: u32 = 49;

/// What there is to do for a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Work {
    /// A page of so many rows, each of which costs this.
    Page { rows: usize, row: Duration },
    /// A post that changes so many rows, before an invoice of so many items.
    Post { changed: usize, items: usize },
}

impl Work {
    /// What a request was, after it is answered.
    pub(super) fn of(state: &State, request: &Request, answer: &crate::sandbox::api::Answer) -> Self {
        match answer.effort {
            Effort::Small => Self::Page { rows: 0, row: Duration::ZERO },
            Effort::Rows(rows) => Self::Page { rows, row: row(request) },
            Effort::Post(written) => {
                let data = state.data.read().unwrap_or_else(PoisonError::into_inner);
                Self::Post { changed: written.changed, items: invoice_items(&data, written) }
            }
        }
    }

    /// How long it takes a server that has nothing else to do.
    pub(super) fn time(self) -> Duration {
        match self {
            Self::Page { rows, row } => REQUEST + row.saturating_mul(small(rows)),
            Self::Post { changed, items } => {
                let each = CHANGED + INVOICE_ITEM.saturating_mul(small(items));
                POST + each.saturating_mul(small(changed))
            }
        }
    }
}

fn small(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// The part of a read's time for which it keeps others waiting.
pub(super) fn held(time: Duration) -> Duration {
    time * HELD / 100
}

/// The time of a post among so many at once: as measured, and on a straight line between.
pub(super) fn among(time: Duration, at_once: usize) -> Duration {
    let after = AMONG.iter().position(|&(count, _)| count >= at_once.max(1));
    let thousandths = match after {
        None => AMONG[AMONG.len() - 1].1,
        Some(0) => AMONG[0].1,
        Some(at) => {
            let ((low, from), (high, to)) = (AMONG[at - 1], AMONG[at]);
            let (step, steps) = (small(at_once - low), small(high - low));
            // Multiplied before divided, and summed before subtracted: it may rise or fall.
            (from * (steps - step) + to * step) / steps
        }
    };
    time.saturating_mul(thousandths) / 1_000
}

/// What a row of the list costs that a request asks for.
pub(super) fn row(request: &Request) -> Duration {
    let fields: Vec<&str> = request.query.all("field").collect();
    let wants = |name: &&str| fields.is_empty() || fields.contains(name);
    if request.path.contains("/marketplace-component-usages/") {
        let columns = USAGE_COLUMNS.iter().filter(|name| wants(name)).count();
        let joined = USAGE_RELATIONS.map(|fields| fields.iter().filter(|name| wants(name)).count());
        let relations = joined.iter().filter(|&&count| count > 0).count();
        let joined: usize = joined.iter().sum();
        return ROW + COLUMN * small(columns) + RELATION * small(relations) + JOINED * small(joined);
    }
    if request.path.contains("-resources/") {
        let columns = RESOURCE_COLUMNS.iter().filter(|name| wants(name)).count();
        let others = fields.iter().filter(|name| !RESOURCE_COLUMNS.contains(name)).count();
        let others = if fields.is_empty() { RESOURCE_FIELDS } else { small(others) };
        return ROW + COLUMN * small(columns) + RESOURCE_FIELD * others;
    }
    // Other lists were not measured; they are short, and taken as columns of their rows.
    ROW + COLUMN * small(if fields.is_empty() { 20 } else { fields.len() })
}

/// The items that were on the invoice before a post went into it.
fn invoice_items(data: &Data, written: Written) -> usize {
    let Some((resource, month)) = written.resource.zip(written.month) else { return 0 };
    let customer = data.customer_of(&data.resources[resource]);
    let invoice = data.invoices.of_month(customer, month).map(|at| data.invoices.invoice(at));
    invoice.map_or(0, |invoice| invoice.items.len()).saturating_sub(written.changed)
}
