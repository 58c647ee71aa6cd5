//! x
#![allow(dead_code)]
pub mod domain;
mod findings;
mod frame;
mod mapping;
mod parse;
mod plan;
mod resolve;
mod source;
