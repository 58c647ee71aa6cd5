//! Reading ahead: a format reads its rows on a thread of its own while those before are made use of.
//!
//! Rows travel in batches, which come back to be filled again, so that a file of any length needs the
//! memory of a few batches.

use std::ops::ControlFlow;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use crate::findings::Finding;
use crate::parse::RawRow;

use super::{Source, guarded_rows};

/// Rows that travel together: enough to make little of the way, few enough to stay in a processor's cache.
const BATCH: usize = 256;

/// Batches on their way; one more is being filled and one made use of.
const BATCHES: usize = 4;

/// Reads all rows as [`each_row`](super::each_row) does, ahead of the sink.
pub fn each_row_ahead(source: &mut dyn Source, sink: &mut dyn FnMut(&RawRow)) -> Result<(), Finding> {
    thread::scope(|scope| {
        let (filled, batches) = sync_channel::<Batch>(BATCHES);
        let (used, again) = sync_channel(BATCHES + 2);
        let reading = scope.spawn(move || fill(source, &filled, &again));
        for batch in batches {
            batch.rows().iter().for_each(&mut *sink);
            // Where the reading has ended, nobody wants it back.
            let _ = used.try_send(batch);
        }
        // What panics in reading is a finding already.
        reading.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// Fills batches until the rows end, or until nobody takes them any more.
fn fill(source: &mut dyn Source, filled: &SyncSender<Batch>, again: &Receiver<Batch>) -> Result<(), Finding> {
    let mut batch = Batch::default();
    let result = guarded_rows(source, &mut |row| {
        batch.push(row);
        if batch.filled < BATCH {
            return ControlFlow::Continue(());
        }
        let mut next = again.try_recv().unwrap_or_default();
        next.filled = 0;
        match filled.send(std::mem::replace(&mut batch, next)) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    });
    // The rows before a fault were read, and count.
    let _ = filled.send(batch);
    result
}

/// Rows, and how many of them are filled; the others wait to be.
#[derive(Default)]
struct Batch {
    rows: Vec<RawRow>,
    filled: usize,
}

impl Batch {
    fn push(&mut self, row: &RawRow) {
        match self.rows.get_mut(self.filled) {
            Some(own) => own.clone_from(row),
            None => self.rows.push(row.clone()),
        }
        self.filled += 1;
    }

    fn rows(&self) -> &[RawRow] {
        &self.rows[..self.filled]
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::findings::Code;
    use crate::parse::{CellKind, Table};
    use crate::source::Sink;

    /// A table of so many rows, and how it ends.
    struct Rows {
        table: Arc<Table>,
        rows: u32,
        end: fn() -> Result<(), Finding>,
    }

    impl Source for Rows {
        fn each_row(&mut self, sink: &mut Sink<'_>) -> Result<(), Finding> {
            let mut row = RawRow::new(self.table.clone());
            for number in 1..=self.rows {
                row.start(number);
                // Rows of all widths, so that one that is filled again has no cell of the one before.
                for column in 0..usize::try_from(number % 4).unwrap() {
                    row.push(column, &format!("{number}/{column}"), CellKind::Text);
                }
                if sink(&row).is_break() {
                    return Ok(());
                }
            }
            (self.end)()
        }

        fn table(&self) -> &Table {
            &self.table
        }

        fn remarks(&self) -> &[Finding] {
            &[]
        }

        fn delimiter(&self) -> Option<u8> {
            None
        }
    }

    fn rows(rows: u32, end: fn() -> Result<(), Finding>) -> Rows {
        Rows { table: Arc::new(Table { file: "a.csv".into(), sheet: None }), rows, end }
    }

    fn shown(row: &RawRow) -> String {
        let cells: Vec<&str> = row.cells().map(|cell| cell.text).collect();
        format!("{}: {}", row.number(), cells.join(" "))
    }

    #[test]
    fn rows_that_are_read_ahead_are_the_rows_in_their_order() {
        for count in [0, 1, 255, 256, 257, 5000] {
            let (mut ahead, mut plain) = (Vec::new(), Vec::new());
            each_row_ahead(&mut rows(count, || Ok(())), &mut |row| ahead.push(shown(row))).unwrap();
            crate::source::each_row(&mut rows(count, || Ok(())), &mut |row| plain.push(shown(row))).unwrap();
            assert_eq!(ahead, plain);
        }
    }

    #[test]
    fn rows_before_a_fault_or_a_panic_count() {
        let fault = || Err(Finding::new(Code::DamagedFile, "half a file", "a whole one"));
        for end in [fault, || panic!("a reader that cannot follow")] {
            let mut count = 0;
            let finding = each_row_ahead(&mut rows(700, end), &mut |_| count += 1).unwrap_err();
            assert_eq!((count, finding.code), (700, Code::DamagedFile));
            assert!(finding.place.is_some(), "the finding names the file");
        }
    }

    #[test]
    #[should_panic(expected = "a bug of ours")]
    fn a_panic_of_ours_is_no_fault_of_the_file() {
        let _ = each_row_ahead(&mut rows(90_000, || Ok(())), &mut |row| {
            assert!(row.number() < 300, "a bug of ours");
        });
    }
}
