//! The place at which a test ends the program: before a step on the disk, by its number.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Tells a program that is started by a test at which step it ends.
const KILL_AT: &str = "WALDUR_USAGE_TEST_KILL_AT";

static STEPS: AtomicUsize = AtomicUsize::new(0);
static KILLED_AT: OnceLock<Option<usize>> = OnceLock::new();

/// A step is about to be made. Nothing of the program tidies up behind it.
pub(super) fn step() {
    let number = STEPS.fetch_add(1, Ordering::SeqCst);
    let end = KILLED_AT.get_or_init(|| std::env::var(KILL_AT).ok()?.parse().ok());
    if *end == Some(number) {
        std::process::abort();
    }
}
