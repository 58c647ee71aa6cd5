//! The yardstick beside `reconcile`: the csv-diff crate on the same two files, to the finished difference.
#![expect(clippy::print_stdout, reason = "what it measured is all that it says")]

use std::error::Error;
use std::fs::File;
use std::time::Instant;

use csv_diff::csv::Csv;
use csv_diff::csv_diff::CsvByteDiffLocalBuilder;

/// Where the resource, the component and the month stand in the files of `reconcile.py`.
const KEY: [usize; 3] = [1, 2, 5];

fn main() -> Result<(), Box<dyn Error>> {
    // Cargo itself adds `--bench`.
    let mut paths = std::env::args().skip(1).filter(|argument| argument != "--bench");
    let (Some(left), Some(right)) = (paths.next(), paths.next()) else {
        return Err("usage: peer_csv_diff FILE.csv FILE.csv".into());
    };
    let start = Instant::now();
    let comparison = CsvByteDiffLocalBuilder::new().primary_key_columns(KEY).build()?;
    let (left, right) = (File::open(left)?, File::open(right)?);
    let differences = comparison.diff(Csv::with_reader_seek(left), Csv::with_reader_seek(right))?;
    let seconds = start.elapsed().as_secs_f64();
    println!("{} differences in {seconds:.6} s", differences.as_slice().len());
    Ok(())
}
