//! The log of what was committed: for each post that stored anything, when, by whom, through which
//! path, and the rows as they stand after it.
//!
//! It is taken from what the tables say was written and not taken back, never from what a request
//! asked for: whoever folds the log over the world from which a sandbox started has what is stored.
//! Only the latest commits are kept, so that a long run does not fill the memory; how many are gone
//! is counted. Parts of people in a usage are no rows of it.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;

use super::data::{Data, StoredUsage};
use crate::domain::{BillingPeriod, UsageId};

/// How many commits are kept.
const KEPT: usize = 50_000;

/// One post that stored something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// When.
    pub moment: Timestamp,
    /// The user name of who posted; empty where it came with no post, as at the turn of a month.
    pub account: String,
    /// The path of the post; `another writer` or `time` where it came with no request.
    pub path: String,
    /// The rows that it wrote, as they stand after it; none where it only emptied
    /// `current_usages`, or was about the parts of people.
    pub rows: Vec<StoredUsage>,
    /// The rows that it deleted.
    pub deleted: Vec<UsageId>,
}

/// What of a post is in the tables.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Written {
    /// How many rows were written, not taken back, and have another amount than before or are new.
    pub changed: usize,
    /// The resource of the rows.
    pub resource: Option<usize>,
    /// Their month.
    pub month: Option<BillingPeriod>,
    /// Whether the post is in the log.
    pub is_logged: bool,
}

/// The commits that are kept.
#[derive(Debug, Default)]
pub(super) struct Commits(Mutex<Log>);

#[derive(Debug, Default)]
struct Log {
    kept: VecDeque<Commit>,
    forgotten: u64,
}

impl Commits {
    /// Takes what was written since the last time, and logs it where there is anything or the post
    /// was said to be done. Whoever calls this holds the tables, so that the log has their order.
    pub(super) fn record(
        &self,
        data: &mut Data,
        moment: Timestamp,
        user: Option<usize>,
        path: &str,
        is_done: bool,
    ) -> Written {
        let lasting = data.usages.take_lasting();
        let changed = |&(at, before): &(usize, _)| before != Some(data.usages.row(at).amount);
        let written = Written {
            changed: lasting.iter().filter(|row| changed(row)).count(),
            resource: lasting.first().map(|&(at, _)| data.usages.row(at).resource),
            month: lasting.first().map(|&(at, _)| data.usages.row(at).period),
            is_logged: is_done || !lasting.is_empty(),
        };
        if written.is_logged {
            let (gone, there): (Vec<_>, Vec<_>) =
                lasting.iter().map(|&(at, _)| at).partition(|&at| data.usages.is_deleted(at));
            let rows = there.into_iter().map(|at| data.stored_usage(at)).collect();
            let deleted = gone.into_iter().map(|at| data.stored_usage(at).uuid).collect();
            let account = user.map(|user| data.users[user].username.clone()).unwrap_or_default();
            self.keep(Commit { moment, account, path: path.to_owned(), rows, deleted });
        }
        written
    }

    fn keep(&self, commit: Commit) {
        let mut log = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if log.kept.len() == KEPT {
            log.kept.pop_front();
            log.forgotten += 1;
        }
        log.kept.push_back(commit);
    }

    /// The commits that are kept, oldest first, and how many older ones are gone.
    pub(super) fn kept(&self) -> (Vec<Commit>, u64) {
        let log = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (log.kept.iter().cloned().collect(), log.forgotten)
    }
}
