//! The English text of reports, in one place, so that it can be translated.
//!
//! What classes are called and what to do about them stands beside them, in [`crate::reconcile::Class`].

use serde::Serialize;

use crate::reconcile::{Class, Who};

macro_rules! words {
    ($($name:ident $text:literal;)*) => {
        /// Words and sentences without figures in them.
        #[derive(Debug, Serialize)]
        pub struct Words {
            $(#[doc = concat!("\"", $text, "\"")] pub $name: &'static str,)*
        }

        /// The words.
        pub const WORDS: Words = Words { $($name: $text,)* };
    };
}

words! {
    account "Account";
    agrees "The sides agree";
    also "Also";
    at_stake "At stake";
    at_stake_note "the worth of the breaks, each without its sign";
    billed "Billed";
    billed_server "Billed, server";
    break_ "break";
    breaks "Breaks";
    breaks_note "What somebody has to look at, by class. Each key has one class.";
    by_class "By class";
    cell "Cell";
    class "Class";
    class_differences "Differences by class";
    classes "Classes";
    classes_note "How many keys stand how to each other, and what their differences are worth.";
    compensations "Compensations";
    component "Component";
    contents "Contents";
    credits "Credits";
    difference "Difference";
    digest "SHA-256";
    disagrees "The sides do not agree";
    endpoint "Endpoint";
    endpoints "What was read from the server";
    endpoints_note "A list that cannot be shown to be whole ends a run, so what stands here was read whole.";
    explained "Sum of the classes";
    figures "Figures";
    file "File";
    files "Files";
    filter "Filter by text";
    generator "waldur-usage";
    how_read "How it was read";
    inputs "Inputs";
    inputs_note "What was compared, as it was read.";
    invoice "Invoice";
    invoices "Invoices";
    invoices_note "What each invoice comes to without tax, with credits and compensations apart.";
    keys "Keys";
    keys_compared "Keys compared";
    last_month "Last month";
    layout "Layout";
    lines "All lines";
    lines_with_rule "Lines";
    made "Made";
    month "Month";
    months "Months";
    next_step "What to do";
    no "no";
    no_currency "Nobody tells the currency: neither the profile nor the server's configuration.";
    not_seen "not visible to this account";
    not_told "not told";
    notes "Rule and notes";
    nothing "–";
    number "No.";
    offerings "Offerings";
    organisation "Organisation";
    organisations "Organisations";
    organisations_note "What each organisation comes to.";
    other "Other lines";
    partial "partial: the month is not over";
    partial_short "partial";
    place "Where";
    proof "Proof";
    proof_fails "The proof does not hold. Do not rely on this report, and report the fault.";
    proof_holds "Proved: in every component the difference of the totals is the sum of the differences by class, to the last digit.";
    proof_note "File less server is what the differences of the classes come to, exactly.";
    proof_note_billed "Billed less server is what the differences of the classes come to, exactly.";
    resource "Resource";
    row_of_table "Rows";
    rows "Rows of the files";
    rule "Rule";
    remarks "What has to be known of it as a whole";
    remarks_about "About";
    remarks_says "What there is";
    rules "Rules";
    rules_note "What may differ, and what is left alone.";
    run "Run";
    sandbox "This is a sandbox. Nothing in it is real.";
    saved_list "Saved list of the server";
    scope "Narrowed to";
    server "Server";
    sheet "Sheet";
    show_all "Show all";
    show_any "all";
    skipped "Rows that could not be read";
    skipped_found "What stands there";
    skipped_note "They are counted apart and are not in the proof.";
    skipped_why "Why";
    state "State";
    stated "Stated";
    stated_tax "Stated tax";
    tax "Tax";
    this_tool "Program";
    to_top "To the top";
    total "With tax";
    total_price "Without tax";
    trend "By component over time";
    trend_note "What the server had last month, and what each side has of these months.";
    unit "Unit";
    until "Until";
    usage "Usage";
    usage_lines "Usage lines";
    who "Who acts";
    without_price "Breaks without a price";
    worth "Worth";
    yes "yes";
    says "What it says";
}

/// The title of a report.
pub fn title(months: &str) -> String {
    format!("Reconciliation of {months}")
}

/// How many keys differ.
pub fn verdict(breaks: &str, keys: &str, is_any: bool, skipped: Option<&str>) -> String {
    let text = if is_any {
        format!("{breaks} of {keys} keys have to be looked at.")
    } else {
        format!("No key of {keys} has to be looked at.")
    };
    match skipped {
        Some(skipped) => format!("{text} Rows that could not be read and are left out: {skipped}."),
        None => text,
    }
}

/// That months are not over.
pub fn partial(months: &str) -> String {
    format!("{months}: the month is not over, so what is compared is partial.")
}

/// That a page does not hold all lines.
pub fn lines_left_out(shown: &str, all: &str) -> String {
    format!(
        "A page of {all} lines would not open well, so these are the first {shown} breaks. All lines stand \
         in the workbook and in the csv, json and parquet files that the same command writes."
    )
}

/// That a table of all lines is not in the page, because there are too many.
pub fn lines_elsewhere(all: &str) -> String {
    format!(
        "A page of {all} lines would not open well, so only the breaks stand above. All lines stand in the \
         workbook and in the csv, json and parquet files that the same command writes: give -o once more."
    )
}

/// That a figure shows some of the components.
pub fn first_components(shown: &str, all: &str) -> String {
    format!("The first {shown} of {all} components; the table has them all.")
}

/// How many rows became what.
pub fn rows(read: &str, used: &str, faulty: &str, blank: &str, filtered: &str) -> String {
    format!("{read} read: {used} used, {faulty} faulty, {blank} blank, {filtered} filtered")
}

/// How many rows are parts of others.
pub fn rows_of_users(rows: &str) -> String {
    format!("{rows} of them speak of single users and are parts of totals")
}

/// What a class is called where people read it.
pub fn class(class: Class) -> String {
    class.name().replace('-', " ")
}

/// Who must act; nothing where nobody must.
pub fn who(who: Who) -> Option<String> {
    (who != Who::Nobody).then(|| who.to_string())
}

/// What a page says while its rows are filtered; `{}` stands for figures, in order.
pub const ROWS_SHOWN: &str = "{} of {} rows";

/// What the figures are called.
pub mod figures {
    /// The sides by component.
    pub const SIDES: &str = "File and server by component";
    /// The same in a report without a file.
    pub const SIDES_BILLED: &str = "Billed and server by component";
    /// Over time.
    pub const TREND: &str = "Last month, this month, file";
    /// The same in a report without a file.
    pub const TREND_BILLED: &str = "Last month and this month";
    /// What the differences are worth.
    pub const WORTH: &str = "Worth of the differences by class";
    /// That bars of two components cannot be compared.
    pub const OWN_SCALE: &str = "Each component has a scale of its own, because units differ.";
    /// What the sides of the middle are.
    pub const SIGNS: &str = "To the right the file has more than the server, to the left it has less.";
}
