//! A table of lines and the sheets that it takes: where each column of it is, for formulas that add it up.

use std::fmt::Write;

use rust_xlsxwriter::column_number_to_name;

use super::columns::{Column, What};
use super::names::{SheetNames, quoted};

/// The rows of a sheet.
pub(super) const MOST_ROWS: u32 = 1_048_576;
/// Title, links, totals and header.
pub(super) const HEADER_ROWS: u32 = 4;

/// A sheet with a part of the lines.
#[derive(Debug, Clone)]
pub(super) struct Part {
    pub(super) sheet: String,
    pub(super) rows: u32,
}

/// A table of lines.
#[derive(Debug, Clone)]
pub(super) struct LineTable {
    /// What it is called on the sheet.
    pub(super) title: String,
    /// What it is called in formulas, with a number for each part.
    pub(super) name: String,
    pub(super) columns: Vec<Column>,
    /// At least one, even where there is nothing to show.
    pub(super) parts: Vec<Part>,
    /// How many rows a part has at most.
    rows_per_part: usize,
}

impl LineTable {
    /// Plans a table of so many rows; `most_rows` is what a sheet holds in all.
    pub(super) fn plan(
        title: &str,
        name: String,
        columns: Vec<Column>,
        rows: usize,
        names: &mut SheetNames,
        most_rows: u32,
    ) -> Self {
        let rows_per_part =
            usize::try_from(most_rows.saturating_sub(HEADER_ROWS)).unwrap_or(usize::MAX).max(1);
        let mut parts = Vec::new();
        let mut left = rows;
        loop {
            let own = left.min(rows_per_part);
            parts.push(Part { sheet: names.take(title), rows: u32::try_from(own).unwrap_or(u32::MAX) });
            left -= own;
            if left == 0 {
                return Self { title: title.to_owned(), name, columns, parts, rows_per_part };
            }
        }
    }

    /// The position of a column.
    pub(super) fn column(&self, what: What) -> Option<u16> {
        let at = self.columns.iter().position(|column| column.what == what)?;
        u16::try_from(at).ok()
    }

    /// Where a row of all parts stands, for a link.
    pub(super) fn cell(&self, row: usize) -> Option<String> {
        let part = self.parts.get(row / self.rows_per_part)?;
        let row = u32::try_from(row % self.rows_per_part).ok()? + HEADER_ROWS + 1;
        Some(format!("internal:{}!A{row}", quoted(&part.sheet)))
    }

    /// `SUMIFS` of a column over all parts; `None` where there is nothing to add up.
    pub(super) fn sum_ifs(&self, what: What, criteria: &[(What, &str)]) -> Option<String> {
        self.over_parts(|part| {
            let sum = self.range(part, what)?;
            Some(format!("SUMIFS({sum}{})", self.criteria(part, criteria, true)?))
        })
    }

    /// `COUNTIFS` over all parts.
    pub(super) fn count_ifs(&self, criteria: &[(What, &str)]) -> Option<String> {
        self.over_parts(|part| Some(format!("COUNTIFS({})", self.criteria(part, criteria, false)?)))
    }

    /// How many lines there are, counted by their classes.
    pub(super) fn count(&self) -> Option<String> {
        self.over_parts(|part| Some(format!("COUNTA({})", self.range(part, What::Class)?)))
    }

    fn over_parts(&self, of_part: impl Fn(&Part) -> Option<String>) -> Option<String> {
        let parts: Option<Vec<String>> = self.parts.iter().map(of_part).collect();
        parts.map(|parts| parts.join("+"))
    }

    fn criteria(&self, part: &Part, criteria: &[(What, &str)], is_after: bool) -> Option<String> {
        let mut text = String::new();
        for (at, (what, criterion)) in criteria.iter().enumerate() {
            let comma = if is_after || at > 0 { "," } else { "" };
            let _ = write!(text, "{comma}{},{criterion}", self.range(part, *what)?);
        }
        Some(text)
    }

    fn range(&self, part: &Part, what: What) -> Option<String> {
        let column = column_number_to_name(self.column(what)?);
        let (first, last) = (HEADER_ROWS + 1, HEADER_ROWS + part.rows);
        (part.rows > 0).then(|| format!("{}!${column}${first}:${column}${last}", quoted(&part.sheet)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_add_up_all_parts() {
        let column = |what| Column { what, header: String::new(), width: 10.0 };
        let columns = vec![column(What::Class), column(What::Difference)];
        let mut names = SheetNames::default();
        let table = LineTable::plan("It's", "Lines".into(), columns, 7, &mut names, 4 + 3);
        let rows: Vec<(&str, u32)> =
            table.parts.iter().map(|part| (part.sheet.as_str(), part.rows)).collect();
        assert_eq!(rows, [("It's", 3), ("It's (2)", 3), ("It's (3)", 1)]);
        let sum = table.sum_ifs(What::Difference, &[(What::Class, "\"amount\"")]);
        assert_eq!(
            sum.as_deref(),
            Some(
                "SUMIFS('It''s'!$B$5:$B$7,'It''s'!$A$5:$A$7,\"amount\")\
                 +SUMIFS('It''s (2)'!$B$5:$B$7,'It''s (2)'!$A$5:$A$7,\"amount\")\
                 +SUMIFS('It''s (3)'!$B$5:$B$5,'It''s (3)'!$A$5:$A$5,\"amount\")"
            )
        );
        assert_eq!(table.cell(3).as_deref(), Some("internal:'It''s (2)'!A5"));
        assert_eq!((table.cell(9), table.sum_ifs(What::Server, &[])), (None, None));
        let none = LineTable::plan("None", "None".into(), vec![], 0, &mut names, 100);
        assert_eq!((none.parts.len(), none.count_ifs(&[(What::Class, "1")])), (1, None));
    }
}
