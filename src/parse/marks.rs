//! The names by which workbooks say what in them is ours.
//!
//! Our writers give a sheet or a column that holds no usage a defined name, which every spreadsheet program
//! keeps and moves along when a sheet is renamed. Our readers then pass it over without a word.

/// Names the sheet of findings in a marked copy.
pub const FINDINGS_MARK: &str = "waldur_usage_findings";

/// Names the sheet of a template that says how to fill it in.
pub const HELP_MARK: &str = "waldur_usage_help";

/// Names the columns of a template that hold keys and are hidden on purpose.
pub const KEYS_MARK: &str = "waldur_usage_hidden_keys";
