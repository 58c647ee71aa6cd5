//! Usage figures of a Waldur marketplace: load, check, compare, post and report them.
//!
//! The story goes one way. A file's cells leave `source` as text with their address, `parse`
//! turns them into typed figures, `resolve` sets them against one snapshot of the server, and
//! `plan` compares them with what is stored. A plan that somebody agreed to is posted by a job and
//! proven by reading back; or `reconcile` says where a file, the server and the invoices differ; or
//! `export` brings whole months to a `warehouse`. What is wrong with the data becomes `findings` on the
//! way, with its cell; what stops a run is an `error`.
//!
//! A pure middle (`domain`, `findings`, `mapping`, `frame`, `parse`, `resolve`, `plan`,
//! `reconcile`, `warehouse`) has edges
//! around it (`source`, `waldur`, `report`, `export`, `store`, `sandbox`); `jobs` put the stages in order,
//! `config` knows the user's settings and tokens, `pipeline` reads which of them one file asks for, `ui` shows
//! their results, and `cli` is what the shell calls. What runs by itself has its time in `schedule`, and
//! `watch` tells how it ended; both start a `child` where the program of somebody else is needed. A test reads the sources and keeps
//! the arrows pointing this way.

mod child;
pub mod cli;
mod config;
mod confined;
pub mod domain;
mod error;
mod export;
mod findings;
mod frame;
mod jobs;
mod mapping;
mod parse;
mod pipeline;
mod plan;
mod reconcile;
mod report;
mod resolve;
pub mod sandbox;
mod schedule;
mod secret;
mod source;
mod store;
mod ui;
mod waldur;
mod warehouse;
mod watch;

#[doc(hidden)]
pub use export::measure_postgres;
#[doc(hidden)]
pub use jobs::fuzz;
