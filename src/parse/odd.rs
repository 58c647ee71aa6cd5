//! What a reader says of a cell whose stored value is not what one sees in it.
//!
//! Such a cell is an error, with these words behind its text. Nobody has read the number or the name that
//! is stored, so it is only ever shown, with what can be done about it.

/// Behind a number that its format shows as something else; the format follows.
pub const SHOWN_OTHERWISE: &str = " in the number format ";
/// Behind a number that stands beside a text which is not it.
pub const SHOWN_AS: &str = ", which is shown as ";
/// Behind a text that is struck out, or a part of it.
pub const STRUCK_OUT: &str = " struck out)";
/// Behind a text that is raised or lowered in part.
pub const RAISED: &str = " raised or lowered)";
/// Behind a value that the file breaks into pieces.
pub const IN_PIECES: &str = " (a value in pieces)";

/// Whether a number is one that its format shows as something else.
pub fn is_of_format(text: &str) -> bool {
    !text.ends_with(STRUCK_OUT) && (text.contains(SHOWN_OTHERWISE) || text.contains(SHOWN_AS))
}

/// Behind an instant that its file shows in another zone; what stands before it is of UTC.
pub const SHOWN_ELSEWHERE: &str = " [UTC, shown elsewhere]";

/// Behind a time of day.
pub const TIME_OF_DAY: &str = ", a time of day";
/// Values of a column of data that no amount, month or name is made of.
pub const UNREAD_KIND: &str = "a value of a kind that is not read";
/// Numbers of a column of data that are not exact enough to be an amount.
pub const HALF_PRECISION: &str = "a number of 16 bits (float16), which keeps three digits";
/// Numbers of a column of data that have too many digits.
pub const TOO_MANY_DIGITS: &str = "a decimal of more than 38 digits";
/// Bytes of a column of data that are no text.
pub const NO_TEXT: &str = "bytes that are no text";

/// What can be done about such a cell; `None` where the cell is an error of another kind.
pub fn hint(text: &str) -> Option<&'static str> {
    if text.ends_with(STRUCK_OUT) {
        Some("take out what is struck out, or show it as valid again")
    } else if text.ends_with(RAISED) {
        Some(
            "a mark such as a footnote belongs into a cell of its own; write the value alone, in plain characters",
        )
    } else if text.ends_with(IN_PIECES) {
        Some("enter the value again in a spreadsheet program, and save it")
    } else if shows_money(text) {
        Some(
            "an amount is a quantity, not money; if it is one, format the cell as a plain number without currency",
        )
    } else if text.contains(SHOWN_OTHERWISE) || text.contains(SHOWN_AS) {
        Some(
            "what is stored is another number than one sees; format the cell as a plain number, and look at it",
        )
    } else if text.ends_with(TIME_OF_DAY) {
        Some("write the quantity that was used; a time of day is none")
    } else if [UNREAD_KIND, HALF_PRECISION, TOO_MANY_DIGITS, NO_TEXT].contains(&text) {
        Some("write the column as decimals, integers, dates or text")
    } else {
        None
    }
}

/// Whether a number is shown with a currency: by its sign, or by the word of one as formats have it.
fn shows_money(text: &str) -> bool {
    let shown =
        text.split_once(SHOWN_OTHERWISE).or_else(|| text.split_once(SHOWN_AS)).map(|(_, shown)| shown);
    shown.is_some_and(|shown| {
        // `[$-409]` is a language, and `[$€-407]` is money.
        let words = shown.replace("[$-", "");
        words.contains(['$', '€', '£', '¥']) || words.contains("money")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_told_from_other_formats() {
        let is_money = |text: &str| hint(text).is_some_and(|hint| hint.contains("not money"));
        for shown in ["#,##0.00 [$€-407]", "$#,##0", "0.00\" €\"", "#,##0.00 [$EUR]"] {
            assert!(is_money(&format!("5{SHOWN_OTHERWISE}{shown}")), "{shown}");
        }
        assert!(!is_money(&format!("5{SHOWN_OTHERWISE}[$-409]0.0,")));
        assert!(!is_money("costs $5") && is_money(&format!("5{SHOWN_AS}money")));
    }
}
