//! What rounding did, for people.

use crate::domain::visible;
use crate::resolve::Rounding;

use super::{Style, Table, counted, grouped};

/// The sums before and after by component, whether or not anything had to be rounded.
pub fn rounding_text(rounding: &Rounding, style: Style) -> String {
    let title = style.bold(&format!("Rounded {}", rounding.rule));
    let rounded = rounding.amounts_rounded();
    if rounded == 0 {
        return format!("\n{title}\n  no amount has more than two decimal places\n");
    }
    let mut table =
        Table::new(&["component", "unit", ">amounts", ">rounded", ">before", ">after", ">difference"]);
    for sum in &rounding.components {
        let of_users = if sum.of_users { " (of users)" } else { "" };
        let sign = if sum.difference.is_negative() { "" } else { "+" };
        table.row([
            format!("{}{of_users}", visible(&sum.component)),
            visible(&sum.unit).to_string(),
            grouped(sum.amounts),
            grouped(sum.amounts_rounded),
            sum.before.to_string(),
            sum.after.to_string(),
            format!("{sign}{}", sum.difference),
        ]);
    }
    format!("\n{title}: {}\n{}", counted(rounded, "amount"), table.render("  "))
}
