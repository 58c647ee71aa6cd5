//! Where the months of an export come from.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures_util::future::BoxFuture;

use crate::domain::BillingPeriod;
use crate::error::Error;
use crate::warehouse::{Proof, Schema, Scope, Slice, Table};

/// A month of a table as it was read, with what proves that it is whole.
#[derive(Debug)]
pub struct Extract {
    /// The rows.
    pub slice: Slice,
    /// The proof.
    pub proof: Proof,
}

/// Where months come from: a server, or a file of rows that were read before.
pub trait MonthSource: Send {
    /// The origin of the server.
    fn deployment(&self) -> String;

    /// The names of the fields that rows of a table have and that none of our columns knows.
    fn unknown_fields(&mut self, table: Table) -> BoxFuture<'_, Result<BTreeSet<String>, Error>>;

    /// The hash of the invoices of a month with their states, where every one of them is beyond change.
    fn closed(&mut self, period: BillingPeriod) -> BoxFuture<'_, Result<Option<String>, Error>>;

    /// A month, whole, of each of these tables and in their order.
    fn month<'a>(
        &'a mut self,
        period: BillingPeriod,
        schemas: &'a [Arc<Schema>],
    ) -> BoxFuture<'a, Result<Vec<Extract>, Error>>;

    /// What of the server is read, where this is asked for.
    fn scope(&self, asked: Scope) -> Scope {
        asked
    }

    /// The roles by which an account sees what is read; none where it sees everything, or nothing is asked.
    fn roles(&self) -> BTreeSet<String> {
        BTreeSet::new()
    }

    /// What else the user has to know of what was read, such as what the account is not shown; each is
    /// told once.
    fn told(&mut self) -> Vec<String> {
        Vec::new()
    }
}
