//! One run at a time for a server, an offering and a month.
//!
//! A lock is a row per offering with its holder, taken together or not at all. It is renewed while
//! it is held and given back when it is dropped; where its holder is gone or has not renewed it in
//! time, another run takes it. A holder that was asleep for so long has lost it, so it asks
//! [`Lock::is_held`] before each request. Law: of two that want one lock at once, one gets it.

use std::collections::BTreeSet;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{OptionalExtension, Row, Transaction};
use uuid::Uuid;

use super::Store;
use super::StoreError;
use super::column::parsed;
use super::holder::Holder;
use crate::domain::BillingPeriod;
use crate::domain::OfferingId;
use crate::domain::RunId;
use crate::domain::visible;

/// How long a lock is good for, and how often it is renewed.
const PACE: Pace = Pace { lifetime: Duration::from_mins(2), renewal: Duration::from_secs(30) };

/// What a run works on, and no other may meanwhile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockScope {
    /// The server.
    pub server: String,
    /// The offerings that it posts to.
    pub offerings: Vec<OfferingId>,
    /// The month that it posts into.
    pub period: BillingPeriod,
}

/// A lock was not got.
#[derive(Debug, Clone, thiserror::Error)]
pub enum LockError {
    /// Another run has it.
    #[error(
        "run {run} works on the same offering and month since {since:.0}, by {} on {} (process {pid})",
        visible(owner),
        visible(host)
    )]
    Held {
        /// Whose run it is.
        owner: String,
        /// On which machine.
        host: String,
        /// In which process.
        pid: u32,
        /// Since when.
        since: Timestamp,
        /// When it ends, unless it is renewed until then.
        expires: Timestamp,
        /// The run.
        run: RunId,
    },
    /// Another run of the same pipeline has it.
    #[error(
        "run {run} of this pipeline goes on since {since:.0}, by {} on {} (process {pid})",
        visible(owner),
        visible(host)
    )]
    Running {
        /// Whose run it is.
        owner: String,
        /// On which machine.
        host: String,
        /// In which process.
        pid: u32,
        /// Since when.
        since: Timestamp,
        /// The run.
        run: RunId,
    },
    /// The store cannot be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The right to post; given back when it is dropped.
#[derive(Debug)]
pub struct Lock {
    claim: Claim,
    /// There until this is dropped.
    stop: Option<Sender<()>>,
    renewer: Option<JoinHandle<()>>,
}

#[derive(Debug, Clone, Copy)]
struct Pace {
    lifetime: Duration,
    renewal: Duration,
}

/// The rows of one lock.
#[derive(Debug, Clone)]
struct Claim {
    store: Store,
    /// What is written into its rows, and into no other lock's, also of the same run.
    mark: String,
    rows: usize,
    lifetime: Duration,
    /// Until when it is good; none once it is lost.
    good_until: Arc<Mutex<Option<Timestamp>>>,
}

impl Store {
    /// Takes the lock of a scope for a run, of all its offerings or of none.
    pub fn lock(&self, scope: &LockScope, run: RunId) -> Result<Lock, LockError> {
        self.lock_at(PACE, scope, run)
    }

    /// Takes the lock of a pipeline, by its file, for a run of it.
    pub fn lock_pipeline(&self, path: &str, run: RunId) -> Result<Lock, LockError> {
        let key = Key { server: PIPELINE.to_owned(), offering: path.to_owned(), period: String::new() };
        self.lock_keys(PACE, &[key], run)?.map_err(LockRow::running)
    }

    fn lock_at(&self, pace: Pace, scope: &LockScope, run: RunId) -> Result<Lock, LockError> {
        let offerings: BTreeSet<OfferingId> = scope.offerings.iter().copied().collect();
        let key = |offering: &OfferingId| Key {
            server: scope.server.clone(),
            offering: offering.to_string(),
            period: scope.period.to_string(),
        };
        let keys: Vec<Key> = offerings.iter().map(key).collect();
        self.lock_keys(pace, &keys, run)?.map_err(LockRow::held)
    }

    /// Takes the locks of these keys, or says who has one of them.
    fn lock_keys(&self, pace: Pace, keys: &[Key], run: RunId) -> Result<Result<Lock, LockRow>, LockError> {
        let (this, mark) = (Holder::this(), Uuid::new_v4().simple().to_string());
        // Read inside, since it may have waited for its turn.
        let taken = self.database.write(|transaction| {
            let since = Timestamp::now();
            for key in keys {
                if let Some(row) = LockRow::find(transaction, key)?
                    && !row.is_over(&this, since)
                {
                    return Ok(Err(row));
                }
            }
            let expires = since + pace.lifetime;
            for Key { server, offering, period } in keys {
                transaction.execute(
                    "INSERT OR REPLACE INTO lock (server, offering, period, claim, run, owner, host,
                         processes, pid, since, expires)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
                    (
                        server,
                        offering,
                        period,
                        &mark,
                        run.to_string(),
                        &this.owner,
                        &this.host,
                        &this.processes,
                        this.pid,
                        since.to_string(),
                        expires.to_string(),
                    ),
                )?;
            }
            Ok(Ok(expires))
        })?;
        let expires = match taken {
            Ok(expires) => expires,
            Err(row) => return Ok(Err(row)),
        };
        let claim = Claim {
            store: self.clone(),
            mark,
            rows: keys.len(),
            lifetime: pace.lifetime,
            good_until: Arc::new(Mutex::new(Some(expires))),
        };
        Lock::keep(claim, pace.renewal).map(Ok)
    }
}

impl Lock {
    fn keep(claim: Claim, renewal: Duration) -> Result<Self, LockError> {
        let (stop, stopped) = mpsc::channel();
        let renewed = claim.clone();
        let mut lock = Self { claim, stop: Some(stop), renewer: None };
        let thread = std::thread::Builder::new().name("lock".into()).spawn(move || {
            while stopped.recv_timeout(renewal) == Err(RecvTimeoutError::Timeout) {
                renewed.renew();
            }
        });
        // Without the thread the lock is given back here.
        let path = lock.claim.store.database.path();
        lock.renewer = Some(thread.map_err(|error| StoreError::unusable(path, error))?);
        Ok(lock)
    }

    /// Whether no other run can have it: it was renewed in time, and nobody has taken it.
    pub fn is_held(&self) -> bool {
        self.claim.good_until().is_some_and(|good_until| Timestamp::now() < good_until)
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(renewer) = self.renewer.take() {
            let _ = renewer.join();
        }
        // What cannot be given back expires.
        let _ = self.claim.store.database.write(|transaction| {
            transaction.execute("DELETE FROM lock WHERE claim = ?1", [&self.claim.mark])
        });
    }
}

impl Claim {
    /// Makes it good for another while. Where the store cannot be written it is good until it
    /// expires, and the next attempt may come in time.
    fn renew(&self) {
        let renewed = self.store.database.write(|transaction| {
            let expires = Timestamp::now() + self.lifetime;
            let rows = transaction.execute(
                "UPDATE lock SET expires = ?2 WHERE claim = ?1",
                (&self.mark, expires.to_string()),
            )?;
            Ok((rows == self.rows).then_some(expires))
        });
        if let Ok(good_until) = renewed {
            *self.good_until.lock().unwrap_or_else(PoisonError::into_inner) = good_until;
        }
    }

    fn good_until(&self) -> Option<Timestamp> {
        *self.good_until.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What stands in the place of a server where a pipeline is locked; no server has such an address.
const PIPELINE: &str = "pipeline";

/// What a row of a lock is found by.
struct Key {
    server: String,
    offering: String,
    period: String,
}

/// A lock as it is kept.
struct LockRow {
    holder: Holder,
    since: Timestamp,
    expires: Timestamp,
    run: RunId,
}

impl LockRow {
    fn find(transaction: &Transaction<'_>, key: &Key) -> rusqlite::Result<Option<Self>> {
        transaction
            .query_row(
                "SELECT * FROM lock WHERE server = ?1 AND offering = ?2 AND period = ?3",
                (&key.server, &key.offering, &key.period),
                Self::of,
            )
            .optional()
    }

    fn of(row: &Row<'_>) -> rusqlite::Result<Self> {
        let holder = Holder {
            owner: row.get("owner")?,
            host: row.get("host")?,
            processes: row.get("processes")?,
            pid: row.get("pid")?,
        };
        Ok(Self {
            holder,
            since: parsed(row, "since")?,
            expires: parsed(row, "expires")?,
            run: parsed(row, "run")?,
        })
    }

    /// Whether it may be taken from its holder.
    fn is_over(&self, this: &Holder, now: Timestamp) -> bool {
        self.expires <= now || this.sees_the_end_of(&self.holder)
    }

    fn held(self) -> LockError {
        let Self { holder: Holder { owner, host, pid, .. }, since, expires, run } = self;
        LockError::Held { owner, host, pid, since, expires, run }
    }

    fn running(self) -> LockError {
        let Self { holder: Holder { owner, host, pid, .. }, since, run, .. } = self;
        LockError::Running { owner, host, pid, since, run }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;
    use std::time::Instant;

    use super::*;
    use crate::store::tests::{raw, run_id};

    /// Expires at once, and is not renewed by itself.
    const ASLEEP: Pace = Pace { lifetime: Duration::ZERO, renewal: Duration::from_hours(1) };

    fn scope(offerings: &[u128]) -> LockScope {
        LockScope {
            server: "https://waldur.example.com".into(),
            offerings: offerings.iter().map(|number| OfferingId::new(Uuid::from_u128(*number))).collect(),
            period: BillingPeriod::new(2026, 11).unwrap(),
        }
    }

    fn is_refused(result: &Result<Lock, LockError>, holder: u128) -> bool {
        matches!(result, Err(LockError::Held { run, pid, .. })
            if *run == run_id(holder) && *pid == std::process::id())
    }

    #[test]
    fn a_second_run_is_refused_until_the_first_gives_the_lock_back() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let lock = store.lock(&scope(&[1, 2, 2]), run_id(1)).unwrap();
        assert!(lock.is_held());
        let other = Store::open(folder.path()).unwrap();
        assert!(is_refused(&other.lock(&scope(&[2]), run_id(2)), 1));
        // The same run in another process is another run.
        assert!(is_refused(&other.lock(&scope(&[1]), run_id(1)), 1));
        let error = other.lock(&scope(&[1]), run_id(2)).unwrap_err();
        assert!(error.to_string().contains(&std::process::id().to_string()), "{error}");
        drop(lock);
        assert!(other.lock(&scope(&[1, 2]), run_id(2)).unwrap().is_held());
    }

    #[test]
    fn other_offerings_months_and_servers_are_free() {
        let store = Store::in_memory().unwrap();
        let _lock = store.lock(&scope(&[1]), run_id(1)).unwrap();
        let others = [
            scope(&[2]),
            LockScope { period: BillingPeriod::new(2026, 12).unwrap(), ..scope(&[1]) },
            LockScope { server: "https://other.example.com".into(), ..scope(&[1]) },
        ];
        for other in others {
            assert!(store.lock(&other, run_id(2)).unwrap().is_held());
        }
    }

    #[test]
    fn a_pipeline_is_run_once_at_a_time_and_hinders_no_month() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let lock = store.lock_pipeline("/a/pipeline.toml", run_id(1)).unwrap();
        let other = Store::open(folder.path()).unwrap();
        let error = other.lock_pipeline("/a/pipeline.toml", run_id(2)).unwrap_err();
        assert!(matches!(error, LockError::Running { run, .. } if run == run_id(1)), "{error}");
        assert!(other.lock_pipeline("/b/pipeline.toml", run_id(2)).unwrap().is_held());
        assert!(other.lock(&scope(&[1]), run_id(3)).unwrap().is_held());
        drop(lock);
        assert!(other.lock_pipeline("/a/pipeline.toml", run_id(2)).unwrap().is_held());
    }

    #[test]
    fn all_offerings_are_taken_or_none() {
        let store = Store::in_memory().unwrap();
        let _lock = store.lock(&scope(&[2]), run_id(1)).unwrap();
        assert!(is_refused(&store.lock(&scope(&[1, 2, 3]), run_id(2)), 1));
        let _first = store.lock(&scope(&[1]), run_id(3)).unwrap();
        let _third = store.lock(&scope(&[3]), run_id(4)).unwrap();
    }

    #[test]
    fn a_lock_that_expired_is_taken_and_its_holder_knows() {
        let store = Store::in_memory().unwrap();
        let asleep = store.lock_at(ASLEEP, &scope(&[1, 2]), run_id(1)).unwrap();
        assert!(!asleep.is_held(), "it is over, whether anybody took it or not");
        let lock = store.lock(&scope(&[2]), run_id(2)).unwrap();
        asleep.claim.renew();
        assert_eq!(asleep.claim.good_until(), None, "half a lock is none");
        assert!(!asleep.is_held());
        drop(asleep);
        assert!(lock.is_held());
        assert!(is_refused(&store.lock(&scope(&[2]), run_id(3)), 2), "what was lost is not given back");
    }

    #[test]
    fn a_lock_that_nobody_took_meanwhile_is_renewed() {
        let store = Store::in_memory().unwrap();
        let mut lock = store.lock_at(ASLEEP, &scope(&[1]), run_id(1)).unwrap();
        lock.claim.lifetime = PACE.lifetime;
        lock.claim.renew();
        assert!(lock.is_held());
        assert!(is_refused(&store.lock(&scope(&[1]), run_id(2)), 1));
    }

    #[test]
    fn a_lock_is_renewed_while_it_is_held() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let pace = Pace { renewal: Duration::from_millis(5), ..PACE };
        let lock = store.lock_at(pace, &scope(&[1]), run_id(1)).unwrap();
        let (first, began) = (lock.claim.good_until().unwrap(), Instant::now());
        while lock.claim.good_until().unwrap() == first {
            assert!(began.elapsed() < Duration::from_secs(20), "nobody renews it");
            std::thread::sleep(Duration::from_millis(5));
        }
        let LockError::Held { since, expires, .. } = store.lock(&scope(&[1]), run_id(2)).unwrap_err() else {
            panic!("it is held")
        };
        assert!(since < first && first < expires);
    }

    #[test]
    fn a_lock_of_another_machine_is_taken_when_it_expires_and_not_before() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let lock = store.lock(&scope(&[1]), run_id(1)).unwrap();
        // No such process is here.
        let there = "UPDATE lock SET host = 'elsewhere', pid = 2147483647";
        raw(folder.path()).execute_batch(there).unwrap();
        let error = store.lock(&scope(&[1]), run_id(2)).unwrap_err();
        assert!(matches!(&error, LockError::Held { host, .. } if host == "elsewhere"), "{error}");
        raw(folder.path()).execute_batch("UPDATE lock SET expires = '2026-01-01T00:00:00Z'").unwrap();
        store.lock(&scope(&[1]), run_id(2)).unwrap();
        drop(lock);
    }

    #[test]
    fn of_many_threads_that_want_a_lock_at_once_one_gets_it() {
        let folder = tempfile::tempdir().unwrap();
        let stores: Vec<Store> = (0..12).map(|_| Store::open(folder.path()).unwrap()).collect();
        for round in 0..5 {
            let start = Barrier::new(stores.len());
            let results: Vec<_> = std::thread::scope(|threads| {
                let threads: Vec<_> = (1..)
                    .zip(&stores)
                    .map(|(number, store)| {
                        let start = &start;
                        threads.spawn(move || {
                            start.wait();
                            // Each wants offerings of its own too, in another order.
                            store.lock(&scope(&[number * 100, 50, number]), run_id(number))
                        })
                    })
                    .collect();
                threads.into_iter().map(|thread| thread.join().unwrap()).collect()
            });
            let (got, refused): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
            assert_eq!((got.len(), refused.len()), (1, 11), "round {round}");
            for error in refused {
                let error = error.unwrap_err();
                assert!(matches!(error, LockError::Held { .. }), "{error}");
            }
        }
    }
}
