//! One file per use of the product: the visible sequence of its stages.
//!
//! A job takes settings that are already valid and a connection, calls the stages one after the
//! other, and returns a value. It asks nobody, prints nothing and reads no environment; what it is
//! doing it tells an [`Observer`].

pub mod aliases;
pub mod annotate;
pub mod apply;
pub mod audit;
pub mod billing;
pub mod catalogue;
pub mod check;
pub mod chosen;
pub mod copy_world;
pub mod demo;
pub mod doctor;
pub mod explain_key;
pub mod export;
pub mod foresee;
pub mod freshness;
pub mod fuzz;
pub mod guards;
pub mod layouts;
pub mod left_out;
pub mod likely_dialect;
pub mod load;
pub mod missing;
pub mod people;
pub mod plan;
pub mod post;
mod post_past;
pub mod post_people;
pub mod reconcile;
pub mod refresh;
pub mod results;
pub mod run;
pub mod scope_names;
pub mod template;
pub mod undo;
pub mod verify;
pub mod writers;

use std::time::{Duration, Instant};

/// Is told what a job is doing; the terminal shows it, tests and `--quiet` do not.
pub trait Observer: Sync {
    /// A stage begins.
    fn begin(&self, stage: &str);

    /// A stage is over.
    fn end(&self, stage: &str, took: Duration);

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
    fn begin(&self, _stage: &str) {}
    fn end(&self, _stage: &str, _took: Duration) {}
    fn posting(&self, _requests: usize) {}
    fn posted(&self) {}
    fn posting_over(&self) {}
}

/// Tells an observer of the stages of a job, one after the other.
struct Stages<'a> {
    observer: &'a dyn Observer,
    stage: &'static str,
    since: Instant,
}

impl<'a> Stages<'a> {
    /// Begins the first stage.
    fn begin(observer: &'a dyn Observer, stage: &'static str) -> Self {
        observer.begin(stage);
        Self { observer, stage, since: Instant::now() }
    }

    /// Ends the stage and begins the next one.
    fn next(&mut self, stage: &'static str) {
        self.observer.end(self.stage, self.since.elapsed());
        self.observer.begin(stage);
        (self.stage, self.since) = (stage, Instant::now());
    }
}

impl Drop for Stages<'_> {
    /// Ends the last stage, also where an error ends the job.
    fn drop(&mut self) {
        self.observer.end(self.stage, self.since.elapsed());
    }
}
