//! One file per use of the product: the visible sequence of its stages.
//!
//! A job takes settings that are already valid and a connection, calls the stages one after the
//! other, and returns a value. It asks nobody, prints nothing and reads no environment; what it is
//! doing it tells an [`Observer`].

pub mod apply;
pub mod catalogue;
pub mod check;
pub mod demo;
pub mod left_out;
pub mod load;
pub mod plan;
pub mod post;
pub mod refresh;

use std::time::{Duration, Instant};

/// Is told what a job is doing; the terminal shows it, tests and `--quiet` do not.
pub trait Observer: Sync {
    /// A stage is over.
    fn stage(&self, name: &str, took: Duration);

    /// Posting begins, with this many requests.
    fn posting(&self, requests: usize);

    /// A request was answered, or was lost.
    fn posted(&self);

    /// Posting is over.
    fn posting_over(&self);
}

/// Tells nobody.
pub struct Silent;

impl Observer for Silent {
    fn stage(&self, _name: &str, _took: Duration) {}
    fn posting(&self, _requests: usize) {}
    fn posted(&self) {}
    fn posting_over(&self) {}
}

/// Times stages for an observer.
struct Stages<'a> {
    observer: &'a dyn Observer,
    since: Instant,
}

impl<'a> Stages<'a> {
    fn new(observer: &'a dyn Observer) -> Self {
        Self { observer, since: Instant::now() }
    }

    fn done(&mut self, name: &str) {
        self.observer.stage(name, self.since.elapsed());
        self.since = Instant::now();
    }
}
