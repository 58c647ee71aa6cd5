//! The English text of the workbook, in one place, so that it can be translated.

pub(super) const SUMMARY: &str = "Summary";
pub(super) const BREAKS_TITLE: &str = "Breaks";
pub(super) const LINES_TITLE: &str = "Lines";
pub(super) const PROOF: &str = "Proof";
pub(super) const INVOICES: &str = "Invoices";
pub(super) const INPUTS: &str = "Inputs and rules";
pub(super) const NO_ORGANISATION: &str = "No organisation";

pub(super) const NO_BREAKS: &str = "No line is a break.";
pub(super) const NO_LINES: &str = "There is no line.";
pub(super) const BREAKS: &str = "What somebody has to look at. Totals count the rows that the filters show; a \
     quantity has one where a single component is shown. Status and Note of finance are yours to fill in. \
     Columns to the right of them are not printed.";
pub(super) const LINES: &str = "Totals count the rows that the filters show; a quantity has one where a single \
     component is shown. Columns of prices, cells and ids are not printed.";
pub(super) const PROOF_EXPLAINED: &str = "What the file has less what Waldur has is what the differences of the \
     classes come to. Every figure is added up anew from the lines.";
pub(super) const SEVERAL_COMPONENTS: &str = "mixed";
pub(super) const TOO_LONG: &str = "some are text";
pub(super) const BEYOND: &str = "beyond 10^24";
pub(super) const NO_FORMULA: &str = "a figure instead of a formula, because a spreadsheet keeps 15 digits of a \
     number and would not come to it";
pub(super) const NOT_THE_LINES: &str = "the figure of the report; the lines do not come to it";
pub(super) const STATUSES: [&str; 5] = ["open", "asked", "corrected", "accepted", "disputed"];
pub(super) const STATUS_TITLE: &str = "Not one of the choices";
pub(super) const STATUS_ERROR: &str = "Choose one of the list, or leave the cell blank.";

pub(super) const TOO_MANY_CURRENCIES: &str = "There are more currencies than columns for them; those beyond stand \
     as text with their currency and are in no total.";
pub(super) const INVOICES_EXPLAINED: &str = "Totals count the rows that the filters show. Credits and compensations \
     stand apart from the usage, and no sum has tax in it unless its header says so.";
pub(super) const HAS_ENDED: &str = " (It has ended and was not applied.)";
pub(super) const NOT_VISIBLE: &str = "not visible to this account";
pub(super) const YES: &str = "✓ yes";
pub(super) const NO: &str = "✗ no";

pub(super) const HOLDS: &str = "✓ holds";
pub(super) const DOES_NOT_HOLD: &str = "✗ does not hold";

/// The title of a sheet that has a part of the lines.
pub(super) fn part(title: &str, number: usize, parts: usize) -> String {
    format!("{title}, sheet {number} of {parts}")
}

/// Why lines stand on several sheets.
pub(super) fn split(title: &str, sheets: usize) -> String {
    format!(
        "{title} stand on {sheets} sheets, because a sheet holds 1,048,576 rows. Totals here count all of them."
    )
}

/// Why organisations have no sheets.
pub(super) fn too_many_organisations(count: usize, most: usize) -> String {
    format!(
        "There are {count} organisations; up to {most} would have a sheet each. Filter the column Organisation \
         of the sheet Lines instead."
    )
}

/// Organisations that the summary does not list.
pub(super) fn more_organisations(more: usize) -> String {
    format!("and {more} more; filter the column Organisation of the sheet Lines")
}

/// What charts leave out.
pub(super) fn not_charted(units: usize, bars: u32) -> String {
    format!("Charts show up to {units} units and {bars} components of each; the table above has all of them.")
}

/// Invoices that a sheet has no rows for.
pub(super) fn invoices_left_out(shown: usize, all: usize) -> String {
    format!("The first {shown} of {all} invoices; a sheet has no rows for more. The other formats have all.")
}
