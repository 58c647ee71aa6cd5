//! The one integration binary: the program as its users run it, against the embedded Waldur.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod apply;
mod check;
mod command_line;
mod contract;
mod demo;
mod doctor;
mod fault_sweep;
mod house;
mod kill_sweep;
mod list;
mod months;
mod past_months;
mod picture;
mod plan;
mod plan_file;
mod plan_periods;
mod proxy;
mod public_sandbox;
mod reading;
mod rehearsal;
mod rig;
mod runs;
mod samples;
mod sandbox_command;
mod sandbox_control;
mod sandbox_faults;
mod sandbox_resources;
mod sandbox_sweep;
mod sandbox_zones;
mod server_faults;
mod stale;
mod tokens;
mod wire;
mod worlds;
mod worlds_refused;
