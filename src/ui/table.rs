//! Columns that line up, without boxes.

use unicode_width::UnicodeWidthStr;

/// A small table.
#[derive(Debug)]
pub struct Table {
    rows: Vec<Vec<String>>,
    right: Vec<bool>,
}

impl Table {
    /// A table with these headers; those that begin with `>` are set to the right.
    pub fn new(headers: &[&str]) -> Self {
        let right = headers.iter().map(|header| header.starts_with('>')).collect();
        let headers = headers.iter().map(|header| header.trim_start_matches('>').to_owned());
        Self { rows: vec![headers.collect()], right }
    }

    /// Adds a row.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// The text, each line with this indent.
    pub fn render(&self, indent: &str) -> String {
        let columns = self.right.len();
        let width =
            |column: usize| self.rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.width()).max();
        let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
        let mut text = String::new();
        for row in &self.rows {
            let mut line = String::from(indent);
            for (column, cell) in row.iter().enumerate() {
                let padding = " ".repeat(widths[column].saturating_sub(cell.width()));
                if self.right[column] {
                    line.push_str(&padding);
                    line.push_str(cell);
                } else {
                    line.push_str(cell);
                    line.push_str(&padding);
                }
                line.push_str("  ");
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_by_width_not_by_length() {
        let mut table = Table::new(&["name", ">amount"]);
        table.row(["Łódź".to_owned(), "1.00".to_owned()]);
        table.row(["日本".to_owned(), "-10.00".to_owned()]);
        assert_eq!(table.render(""), "name  amount\nŁódź    1.00\n日本  -10.00\n");
    }
}
