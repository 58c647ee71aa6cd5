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
    } else if text.contains(SHOWN_OTHERWISE) || text.contains(SHOWN_AS) {
        Some(
            "what is stored is another number than one sees; format the cell as a plain number, and look at it",
        )
    } else {
        None
    }
}
