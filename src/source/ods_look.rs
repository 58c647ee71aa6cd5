//! What an OpenDocument table says of its rows and columns beside their cells: what is hidden, filtered,
//! folded away with its group, and merged.

use quick_xml::events::BytesStart;

use crate::findings::Finding;
use crate::parse::{Merge, Sight, Unseen};

use super::added_rows::AddedCells;
use super::ods::{attribute, count};
use super::ods_styles::{Flat, Styles};

/// Merged cells, or stretches of hidden rows; a sheet has no more rows.
const MOST: usize = 2_097_152;

/// The columns of a sheet.
const MOST_COLUMNS: usize = 16_384;

/// A look at a table while it is read.
#[derive(Debug, Default)]
pub struct OdsLook {
    sight: Sight,
    added: AddedCells,
    /// Columns so far.
    columns: u32,
    /// For each group of rows that is open, whether it is folded away.
    row_groups: Vec<bool>,
    column_groups: Vec<bool>,
    flat: Flat,
}

impl OdsLook {
    /// Starts a sheet of a document with these styles.
    pub fn of(sheet: &str, styles: &Styles) -> Self {
        Self { added: AddedCells::of(sheet, Vec::new()), flat: styles.flat().clone(), ..Self::default() }
    }

    /// Takes the beginning of an element; rows and columns so far are those before it.
    pub fn begin(&mut self, element: &BytesStart<'_>, above: u32, column: u32) -> Result<(), Finding> {
        match element.name().0 {
            "table:table-row-group" => self.row_groups.push(is_folded(element)?),
            "table:table-column-group" => self.column_groups.push(is_folded(element)?),
            "table:table-column" => {
                let times = count(element, "table:number-columns-repeated")?;
                if let Some(how) = self.unseen(element, &self.column_groups)?
                    && times > 0
                {
                    let last = self.columns.saturating_add(times) - 1;
                    Sight::add(&mut self.sight.columns, self.columns, last, how);
                }
                self.columns = self.columns.saturating_add(times);
            }
            "table:table-row" => {
                let times = count(element, "table:number-rows-repeated")?;
                if let Some(how) = self.unseen(element, &self.row_groups)?
                    && times > 0
                {
                    let first = above.saturating_add(1);
                    Sight::add(&mut self.sight.rows, first, above.saturating_add(times), how);
                }
            }
            "table:table-cell" => self.cell(element, above, column)?,
            _ => {}
        }
        if self.sight.rows.len() > MOST
            || self.sight.merges.len() > MOST
            || self.sight.columns.len() > MOST_COLUMNS
        {
            self.sight.columns.truncate(MOST_COLUMNS);
            self.sight.rows.truncate(MOST);
            self.sight.merges.truncate(MOST);
            self.sight.is_unknown = true;
        }
        Ok(())
    }

    /// Takes the end of an element.
    pub fn end_of(&mut self, name: &str) {
        match name {
            "table:table-row-group" => drop(self.row_groups.pop()),
            "table:table-column-group" => drop(self.column_groups.pop()),
            _ => {}
        }
    }

    fn cell(&mut self, element: &BytesStart<'_>, above: u32, column: u32) -> Result<(), Finding> {
        // Nearly no cell is merged or computed, and looking an attribute up is not free.
        let text: &str = element;
        if text.contains("-spanned") {
            let rows = count(element, "table:number-rows-spanned")?.max(1);
            let columns = count(element, "table:number-columns-spanned")?.max(1);
            if rows > 1 || columns > 1 {
                self.sight.merges.push(Merge {
                    first_row: above.saturating_add(1),
                    last_row: above.saturating_add(rows),
                    first_column: column,
                    last_column: column.saturating_add(columns) - 1,
                });
            }
        }
        if text.contains(":formula")
            && let Some(formula) = attribute(element, "table:formula")?
        {
            self.added.take(&formula, (above, column));
        }
        Ok(())
    }

    /// How a row or column comes not to be seen; whatever it says beside `visible` hides it.
    fn unseen(&self, element: &BytesStart<'_>, groups: &[bool]) -> Result<Option<Unseen>, Finding> {
        let visibility = attribute(element, "table:visibility")?;
        let is_folded = groups.contains(&true);
        Ok(match visibility.as_deref() {
            Some("filter") => Some(Unseen::Filtered),
            _ if is_folded => Some(Unseen::Collapsed),
            None | Some("visible") => self.flat.is_flat(element)?.then_some(Unseen::Hidden),
            // A program may fold a group away row by row.
            Some(_) if !groups.is_empty() => Some(Unseen::Collapsed),
            Some(_) => Some(Unseen::Hidden),
        })
    }

    /// What was seen.
    pub fn end(self) -> Sight {
        let mut sight = Sight { added: self.added.into_list(), ..self.sight };
        sight.merges.sort_unstable();
        sight
    }
}

fn is_folded(element: &BytesStart<'_>) -> Result<bool, Finding> {
    Ok(attribute(element, "table:display")?.as_deref() == Some("false"))
}
