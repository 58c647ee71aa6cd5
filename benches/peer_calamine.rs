//! The yardstick of `check`: opens a workbook with calamine and reads its first sheet, no more.
#![expect(clippy::print_stdout, reason = "what it measured is all that it says")]

use std::error::Error;
use std::time::Instant;

use calamine::{Reader, Xlsx, open_workbook};

fn main() -> Result<(), Box<dyn Error>> {
    // Cargo itself adds `--bench`.
    let path = std::env::args().skip(1).find(|argument| argument != "--bench");
    let path = path.ok_or("usage: peer_calamine FILE.xlsx")?;
    let start = Instant::now();
    let mut workbook: Xlsx<_> = open_workbook(&path)?;
    let sheet = workbook.sheet_names().first().cloned().ok_or("a workbook without a sheet")?;
    let range = workbook.worksheet_range(&sheet)?;
    let seconds = start.elapsed().as_secs_f64();
    println!("{} rows in {seconds:.6} s", range.height());
    Ok(())
}
