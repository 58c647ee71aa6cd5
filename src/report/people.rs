//! The users of a plan on a sheet of their own: each a part of a total, and in no sum.

use rust_xlsxwriter::{Worksheet, XlsxError};

use crate::domain::visible;
use crate::plan::{PersonLine, Plan};

use super::cell_text::cell_text;
use super::comparison::Styles;
use super::write_amount;

const HEADERS: [(&str, f64); 12] = [
    ("Organisation", 28.0),
    ("Project", 24.0),
    ("Offering", 20.0),
    ("Resource", 22.0),
    ("Resource uuid", 36.0),
    ("Component", 14.0),
    ("User", 24.0),
    ("Status", 12.0),
    ("Stored in Waldur", 16.0),
    ("In the file", 16.0),
    ("Difference", 16.0),
    ("Cell", 30.0),
];
/// The columns that hold numbers.
const NUMBERS: std::ops::RangeInclusive<u16> = 8..=10;

/// What happens to a user.
pub(super) fn status(person: &PersonLine) -> &'static str {
    match person.old {
        _ if person.is_correction() => "closed",
        _ if person.is_same() => "same",
        None => "new",
        Some(_) => "changed",
    }
}

/// Fills a sheet with some of the users of a plan.
pub(super) fn people(
    sheet: &mut Worksheet,
    plan: &Plan,
    styles: &Styles,
    is_wanted: fn(&PersonLine) -> bool,
) -> Result<(), XlsxError> {
    sheet.set_name("Users")?;
    sheet.set_landscape().set_paper_size(9).set_print_fit_to_pages(1, 0);
    sheet.set_freeze_panes(1, 4)?;
    sheet.set_repeat_rows(0, 0)?;
    for (column, (header, width)) in (0_u16..).zip(HEADERS) {
        let style = if NUMBERS.contains(&column) { &styles.header_right } else { &styles.header };
        sheet.write_string_with_format(0, column, header, style)?;
        sheet.set_column_width(column, width)?;
    }
    let mut row = 0;
    for resource in &plan.resources {
        for person in resource.people.iter().filter(|person| is_wanted(person)) {
            row += 1;
            let texts = [
                &resource.customer_name,
                &resource.project_name,
                &resource.offering_name,
                &resource.name,
                &resource.resource.to_string(),
                &person.component.to_string(),
                &person.username,
                &status(person).to_owned(),
            ];
            for (column, text) in (0_u16..).zip(texts) {
                sheet.write_string(row, column, cell_text(&visible(text).to_string()))?;
            }
            let new = person.new.get();
            let difference = new.checked_sub(person.old.unwrap_or_default());
            for (column, number) in NUMBERS.zip([person.old, Some(new), difference]) {
                if let Some(number) = number {
                    write_amount(sheet, row, column, number, &styles.amount)?;
                }
            }
            sheet.write_string(row, 11, plan.cell_of(person.place.as_deref()))?;
        }
    }
    sheet.autofilter(0, 0, row, 11)?;
    Ok(())
}
