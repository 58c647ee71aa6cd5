//! The closed list of what can be found, with stable names.
//!
//! Users write these names into policies and scripts, so a name is never changed; the exhaustive
//! matches below make every new code think about its name, its title and its severity.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How grave a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Not worth a word.
    Allow,
    /// Worth a look; changes no exit code.
    Warn,
    /// Nothing is sent while it stands.
    Deny,
}

impl fmt::Display for Severity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            Self::Allow => "allow",
            Self::Warn => "warn",
            Self::Deny => "deny",
        })
    }
}

macro_rules! codes {
    ($($variant:ident $severity:ident $name:literal $title:literal;)*) => {
        /// What kind of thing was found.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $(#[doc = concat!("`", $name, "`: ", $title, ".")] $variant,)*
        }

        impl Code {
            /// Every code there is.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The stable name, in kebab case.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// One line that says what it means.
            pub fn title(self) -> &'static str {
                match self { $(Self::$variant => $title,)* }
            }

            /// The severity where no policy says otherwise.
            pub fn severity(self) -> Severity {
                match self { $(Self::$variant => Severity::$severity,)* }
            }
        }
    };
}

codes! {
    WrongFileType Deny "wrong-file-type" "the file is not a spreadsheet that can be read";
    DamagedFile Deny "damaged-file" "the file breaks off or contradicts itself";
    EmptyFile Deny "empty-file" "the file holds no row of usage";
    MissingSheet Deny "missing-sheet" "the workbook has no such sheet";
    PasswordProtected Deny "password-protected" "the file is protected by a password";
    SeveralTables Deny "several-tables" "a sheet or file holds more than one table";
    NothingUsed Deny "nothing-used" "no row of the files is used";
    MissingColumn Deny "missing-column" "a column that every row needs is not there";
    DuplicateColumn Deny "duplicate-column" "two columns have one meaning";
    UnknownComponentColumn Deny "unknown-component-column" "a column holds numbers and is no component";
    ExtraCell Deny "extra-cell" "a row has more cells than the header";
    ShiftedCells Deny "shifted-cells" "numbers fell apart at an unquoted comma, and the cells behind them moved";
    MissingValue Deny "missing-value" "a cell that the row needs is blank";
    InvalidResource Deny "invalid-resource" "a resource or offering uuid is not one";
    InvalidPeriod Deny "invalid-period" "a billing period is not a month";
    InvalidAmount Deny "invalid-amount" "an amount is not a number";
    AmbiguousPeriod Deny "ambiguous-period" "a date could lie in two months, and its column does not show which one is meant";
    MixedDateOrders Deny "mixed-date-orders" "some dates of a column have the day first, and others the month";
    AmbiguousAmount Deny "ambiguous-amount" "an amount could be two numbers, and its column does not show which one is meant";
    MixedDecimalSigns Deny "mixed-decimal-signs" "some amounts of a column have a decimal point, and others a decimal comma";
    InvalidMoney Deny "invalid-money" "a price, a tax or a currency cannot be read, or two currencies stand in a row";
    TooManyDecimals Deny "too-many-decimals" "an amount has more than two decimal places";
    NegativeAmount Deny "negative-amount" "an amount is negative";
    AmountTooLarge Deny "amount-too-large" "an amount is 10^12 or more";
    InvalidDescription Deny "invalid-description" "a description is one the server breaks on";
    InvalidCarryOver Deny "invalid-carry-over" "recurring or missing_usage_policy cannot be understood";
    CarryOverUnsupported Deny "carry-over-unsupported" "this server does not know the missing usage policy";
    InvalidUsername Deny "invalid-username" "a username is longer than 100 characters, or holds what does not show";
    NoScope Deny "no-scope" "a resource is not named by uuid and no offering is given";
    UnknownOffering Deny "unknown-offering" "an offering is not on the server, or not visible to this account";
    UnknownResource Deny "unknown-resource" "a resource is not on the server, or not visible to this account";
    AmbiguousResource Deny "ambiguous-resource" "a name fits several resources";
    ResourceDisagrees Deny "resource-disagrees" "the columns of a row name different resources";
    InvalidAlias Deny "invalid-alias" "an entry of the alias file cannot be understood";
    AliasHidesName Deny "alias-hides-name" "an alias is the name of a resource itself";
    AliasNowhere Deny "alias-nowhere" "an alias leads to no resource in scope, or to several";
    OtherOffering Deny "other-offering" "a resource belongs to another offering than the row or the scope says";
    UnknownComponent Deny "unknown-component" "a component type is not one of the offering";
    NotReportable Deny "not-reportable" "usage of this component cannot be reported";
    ResourceState Deny "resource-state" "the resource takes no usage in its state";
    NoPlan Deny "no-plan" "the resource has no plan";
    UnitMismatch Deny "unit-mismatch" "a unit is not the one that the component is measured in";
    DuplicateKey Deny "duplicate-key" "several rows report the same resource, component and month";
    UnknownPlanPeriod Deny "unknown-plan-period" "a row names a plan period that takes no usage of this resource and month";
    SeveralPlanPeriods Deny "several-plan-periods" "the month has several plan periods or stored rows, and a post reaches one of them";
    BelowFrozen Deny "below-frozen" "a total is less than the stored rows that a post does not change";
    PlanPeriodUnknown Deny "plan-period-unknown" "a stored row would change, and the resource lists no plan period that shows which";
    UsersWouldBill Deny "users-would-bill" "the total of these users is absent or 0, and a newer server would bill their sum";
    UserWithoutTotal Deny "user-without-total" "a row of a user belongs to a total that is neither stored nor in the file";
    ZeroMissingUnsafe Deny "zero-missing-unsafe" "a number is not read, so silence cannot be taken for zero";
    ThinEvidence Warn "thin-evidence" "a single cell, or one of a row that is not used, shows how a whole column is read";
    HiddenRows Deny "hidden-rows" "rows with content are hidden, and nobody said whether they count";
    HiddenColumns Deny "hidden-columns" "a column of amounts is hidden, and nobody said whether it counts";
    TotalDisagrees Deny "total-disagrees" "a total is not the sum of the rows that it stands for";
    SumOfRows Deny "sum-of-rows" "an amount is computed from other rows, which report it already";
    MergedAmount Deny "merged-amount" "an amount is merged over several rows or components";
    CoveredValue Deny "covered-value" "a value stands under a merged cell, where nobody sees it";
    AmbiguousLayout Deny "ambiguous-layout" "a header fits two layouts equally well";
    LayoutMisfit Deny "layout-misfit" "a table has a column that the layout it was to be read by does not allow";
    UnknownMetric Deny "unknown-metric" "a record counts something that the layout does not know";
    FaultyByLayout Deny "faulty-by-layout" "a record is of a kind that the layout does not add up";
    CrossesMonths Deny "crosses-months" "a record lies in two months";
    PartOfMonth Deny "part-of-month" "a report does not begin with the month that it is of";
    RepeatedRecord Deny "repeated-record" "a record stands twice and would be added up twice";
    OrphanPart Deny "orphan-part" "a part of a record stands without the record";
    SeveralSources Deny "several-sources" "records of several sources would be added up";
    UnknownSourceUnit Deny "unknown-source-unit" "the lines above the header name no unit that the layout knows";
    ReportedOutsideMonth Deny "reported-outside-month" "a row was reported outside of the month that it is to be of";
    MixedForms Deny "mixed-forms" "a table names a component in each row and has columns of components besides";
    CutReport Deny "cut-report" "a report lists only a part of what was used";
    ImpossibleTime Deny "impossible-time" "a record ends in time to come, or lasts longer than from its begin to its end";
    IncompleteIdentity Warn "incomplete-identity" "columns by which a layout tells records apart are missing";
    LeftOutByLayout Warn "left-out-by-layout" "the layout leaves rows out";
    MetricNotBilled Warn "metric-not-billed" "the offering has no component for something that was counted";
    BookedWhole Warn "booked-whole" "records that lie in two months were booked into one, as the layout says";
    SplitNumber Warn "split-number" "the cell behind an amount may be the rest of it";
    UnknownColumn Warn "unknown-column" "a column has no meaning here and is ignored";
    OtherSheets Warn "other-sheets" "the workbook has further sheets, which were not read";
    HiddenSheets Warn "hidden-sheets" "the workbook has hidden sheets, which are read only by name";
    OtherFiles Warn "other-files" "a folder has further files, which were not read";
    SameFile Warn "same-file" "a file is the same as another one, and was read once";
    ExternalLinks Warn "external-links" "the workbook takes values from other files, and shows what it last saw of them";
    GuessedEncoding Warn "guessed-encoding" "a text file does not say in which encoding it is written";
    LinesAboveHeader Warn "lines-above-header" "rows above the header were taken for titles";
    TwoRowHeader Warn "two-row-header" "two rows were read as one header";
    RepeatedHeader Warn "repeated-header" "the header stands again among the rows, and was left out";
    MoneyTotal Warn "money-total" "a total of prices is not the sum of the rows that it stands for";
    TotalRow Warn "total-row" "a row is the total of others, and was left out";
    NoteRow Warn "note-row" "a line of text below the rows was taken for a note, and was left out";
    UnitsRow Warn "units-row" "a row below the header names the units of its columns";
    MergedKeys Warn "merged-keys" "a merged cell was read for each of the rows that it covers";
    HiddenRowsUsed Warn "hidden-rows-used" "hidden rows were taken in, as --hidden-rows says";
    HiddenRowsSkipped Warn "hidden-rows-skipped" "hidden rows were left out, as --hidden-rows says";
    HiddenColumnsUsed Warn "hidden-columns-used" "a hidden column of amounts was taken in, as --hidden-columns says";
    HiddenColumnsSkipped Warn "hidden-columns-skipped" "a hidden column of amounts was left out, as --hidden-columns says";
    HiddenKeyColumns Warn "hidden-key-columns" "a column that says what an amount is of is hidden, and was read";
    VisibilityUnknown Warn "visibility-unknown" "the format does not show us which rows and columns are hidden, and which cells are merged";
    RaggedRows Warn "ragged-rows" "rows end before the header does; what they lack is blank";
    BlankAmount Warn "blank-amount" "a row has no amount and reports nothing";
    DayAsMonth Warn "day-as-month" "a period is a day, and is read as the month that the day lies in";
    OutsidePeriod Warn "outside-period" "rows of other months were filtered out";
    OutsideScope Warn "outside-scope" "rows of other projects or organisations were filtered out";
    NameFolded Warn "name-folded" "a name is the server's but for case, blanks and dashes";
    UnitConverted Warn "unit-converted" "amounts were converted by a factor that was given";
    UnitRatio Warn "unit-ratio" "amounts are 24, 60, 1000 or 1024 times last month's, or that part of them";
    Spike Warn "spike" "amounts are at least ten times last month's";
    CopyOfLastMonth Warn "copy-of-last-month" "every amount of a component is exactly last month's";
    LifetimeCounter Warn "lifetime-counter" "no amount of a component is below last month's, as with a counter that never starts anew";
    OtherMonth Warn "other-month" "rows are of a month that the server does not book into now";
    CarryOverLost Warn "carry-over-lost" "a post switches off what another stored row of the month carries over";
    LimitForeseen Warn "limit-foreseen" "the server would count the stored row too and refuse the amount; it is not sent";
    CarriedOver Warn "carried-over" "last month recurs, and the server may store that amount instead of the reported one";
    NotBilled Warn "not-billed" "the invoice of the month can no longer change: stored, but never billed";
    UsersDiffer Warn "users-differ" "the users of a total do not add up to it";
    UnknownUser Warn "unknown-user" "a username is none of the offering's users, and is sent without a link to one";
    UserFieldIgnored Warn "user-field-ignored" "a row of a user has a description or a carry-over, which only a total has";
    NoPlanPeriod Warn "no-plan-period" "the resource has no plan period this month: stored, but never billed";
}

impl Code {
    /// The code of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.name() == name)
    }

    /// Whether a user may grade it below deny although it is there by default: the row can be posted all
    /// the same, and what it means is settled.
    pub fn may_be_lowered(self) -> bool {
        matches!(self, Self::ResourceDisagrees) || self.severity() != Severity::Deny
    }
}

impl fmt::Display for Code {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

impl Serialize for Code {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_found_again() {
        for code in Code::ALL {
            assert_eq!(Code::from_name(code.name()), Some(*code));
            assert!(code.name().bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'));
        }
    }
}
