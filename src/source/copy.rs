//! Rows of an input, copied out as they stand. What is merged over several rows is written into each of
//! them: alone, a row would lose what it is of.

use std::collections::{BTreeMap, BTreeSet};

use crate::findings::Finding;
use crate::parse::{CellKind, Finder, Merge, RawRow, RawRows};

use super::{Input, Source, each_row};

/// Copies the header and the rows of the given numbers (rows of the sheet, lines of the file). The header
/// is the one that was found when the rows were read; of two rows it becomes one.
pub fn copy_rows(
    input: &Input,
    sheet: Option<&str>,
    header_row: u32,
    numbers: &BTreeSet<u32>,
) -> Result<RawRows, Finding> {
    let mut source = input.open(sheet)?;
    let mut copied = RawRows { delimiter: source.delimiter(), rows: Vec::new() };
    let cells = |row: &RawRow| row.cells().map(|cell| (cell.text.to_owned(), cell.kind)).collect();
    let mut finder = Some(Finder::new(Some(header_row)));
    let mut rows: BTreeMap<u32, Vec<(String, CellKind)>> = BTreeMap::new();
    each_row(source.as_mut(), &mut |row| {
        if let Some(found) = finder.as_mut().and_then(|finder| finder.take(row)) {
            finder = None;
            copied.rows.push(cells(&found.header));
        }
        if row.number() > header_row && numbers.contains(&row.number()) {
            rows.insert(row.number(), cells(row));
        }
    })?;
    if let Some(found) = finder.and_then(|mut finder| finder.end()) {
        copied.rows.push(cells(&found.header));
    }
    let merges = source.sight().merges;
    let is_needed = |merge: &Merge| {
        merge.is_over_rows()
            && merge.first_row > header_row
            && rows.range(merge.first_row..=merge.last_row).next().is_some()
    };
    let merges: Vec<Merge> = merges.into_iter().filter(is_needed).collect();
    if !merges.is_empty() {
        fill(&mut rows, &merges, source.as_mut())?;
    }
    copied.rows.extend(rows.into_values());
    Ok(copied)
}

/// Writes what stands in merged cells into the other rows that they cover, where those are blank.
fn fill(
    rows: &mut BTreeMap<u32, Vec<(String, CellKind)>>,
    merges: &[Merge],
    source: &mut dyn Source,
) -> Result<(), Finding> {
    let mut begins: BTreeMap<u32, Vec<&Merge>> = BTreeMap::new();
    for merge in merges {
        begins.entry(merge.first_row).or_default().push(merge);
    }
    each_row(source, &mut |row| {
        for merge in begins.get(&row.number()).into_iter().flatten() {
            let column = usize::try_from(merge.first_column).unwrap_or(usize::MAX);
            let cell = row.cell(column);
            if cell.is_blank() {
                continue;
            }
            for (_, copy) in rows.range_mut(merge.first_row + 1..=merge.last_row) {
                let is_empty = copy.iter().all(|(text, _)| text.is_empty());
                if copy.len() <= column && !is_empty {
                    copy.resize(column + 1, (String::new(), CellKind::Blank));
                }
                if let Some(own) = copy.get_mut(column).filter(|(text, _)| !is_empty && text.is_empty()) {
                    *own = (cell.text.to_owned(), cell.kind);
                }
            }
        }
    })
}
