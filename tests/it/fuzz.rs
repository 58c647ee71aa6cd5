//! The inputs that fuzzers have kept are replayed; `WALDUR_USAGE_SWEEP=full` changes them at random too.
//!
//! The targets for `cargo fuzz` stand in `fuzz/`, and say there how they are run.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use waldur_usage::fuzz;

/// How long a sweep goes on, for each of the two.
const SWEEP: Duration = Duration::from_mins(5);

fn saved(folder: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/fuzz").join(folder);
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.into_iter().map(|path| (path.clone(), std::fs::read(path).unwrap())).collect()
}

/// Changes some bytes: another value, a piece taken out, put in again or moved.
fn change(bytes: &mut Vec<u8>, others: &[(PathBuf, Vec<u8>)], random: &mut fastrand::Rng) {
    let telling = b"0123456789.,;\"'\n\r\t -+/|eE%\xff\0";
    for _ in 0..random.usize(1..8) {
        let at = random.usize(..=bytes.len());
        match random.u8(..6) {
            0 if at < bytes.len() => bytes[at] = random.u8(..),
            1 if at < bytes.len() => bytes[at] = telling[random.usize(..telling.len())],
            2 => bytes.insert(at, telling[random.usize(..telling.len())]),
            3 => {
                let end = (at + random.usize(..20)).min(bytes.len());
                bytes.drain(at..end);
            }
            4 => {
                let other = &others[random.usize(..others.len())].1;
                let start = random.usize(..=other.len());
                let end = (start + random.usize(..60)).min(other.len());
                bytes.splice(at..at, other[start..end].iter().copied());
            }
            _ => {
                let end = (at + random.usize(..60)).min(bytes.len());
                let piece = bytes[at..end].to_vec();
                bytes.splice(at..at, piece);
            }
        }
    }
    bytes.truncate(4096);
}

fn replay(folder: &str, target: fn(&[u8])) {
    let saved = saved(folder);
    assert!(saved.len() >= 20, "{}", saved.len());
    for (_, bytes) in &saved {
        target(bytes);
    }
    let is_full = std::env::var("WALDUR_USAGE_SWEEP").is_ok_and(|sweep| sweep == "full");
    let mut random = fastrand::Rng::with_seed(2026);
    let (start, mut left) = (Instant::now(), 500_u64);
    while if is_full { start.elapsed() < SWEEP } else { left > 0 } {
        left = left.saturating_sub(1);
        let mut bytes = saved[random.usize(..saved.len())].1.clone();
        change(&mut bytes, &saved, &mut random);
        let one = Instant::now();
        let ended = std::panic::catch_unwind(|| target(&bytes));
        assert!(
            ended.is_ok() && one.elapsed() < Duration::from_secs(20),
            "{folder}: {}",
            bytes.escape_ascii()
        );
    }
}

#[test]
fn kept_files_are_read_without_panic() {
    replay("csv", fuzz::file);
}

#[test]
fn kept_cells_are_parsed_without_panic() {
    replay("cells", fuzz::cells);
}
