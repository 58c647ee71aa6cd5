//! What each finding means where a file is compared and not posted: the one table of it.
//!
//! A reconciliation goes on past what only speaks against posting. It stops where it cannot be known
//! which figures a file states, because then nothing that it says of the others would be proven.

use crate::findings::Code;

/// What a finding at deny means for a reconciliation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bearing {
    /// Which figures the file states cannot be told, of the whole or of the rows that it is about.
    Stops,
    /// An amount or a price cannot be read; the other figures of its row can.
    StopsFigure,
    /// It is a fault of every figure of its rows.
    OfRow,
    /// It is a fault of single figures.
    OfFigure,
    /// It speaks of posting alone.
    Passes,
}

/// What a code means.
pub fn bearing(code: Code) -> Bearing {
    match code {
        Code::InvalidResource
        | Code::NoScope
        | Code::UnknownOffering
        | Code::UnknownResource
        | Code::AmbiguousResource
        | Code::ResourceDisagrees
        | Code::OtherOffering
        | Code::ResourceState
        | Code::NoPlan => Bearing::OfRow,
        Code::NegativeAmount
        | Code::UnknownComponent
        | Code::NotReportable
        | Code::UnitMismatch
        | Code::DuplicateKey => Bearing::OfFigure,
        Code::InvalidAmount
        | Code::AmbiguousAmount
        | Code::MixedDecimalSigns
        | Code::TooManyDecimals
        | Code::AmountTooLarge
        | Code::InvalidMoney => Bearing::StopsFigure,
        Code::InvalidDescription
        | Code::InvalidCarryOver
        | Code::CarryOverUnsupported
        | Code::UnknownPlanPeriod
        | Code::SeveralPlanPeriods
        | Code::BelowFrozen
        | Code::PlanPeriodUnknown
        | Code::UsersWouldBill
        | Code::UserWithoutTotal
        | Code::ZeroMissingUnsafe
        | Code::UnitRatio
        | Code::Spike
        | Code::CopyOfLastMonth
        | Code::LifetimeCounter
        | Code::OtherMonth
        | Code::CarryOverLost
        | Code::LimitForeseen
        | Code::CarriedOver
        | Code::NotBilled
        | Code::UsersDiffer
        | Code::UnknownUser
        | Code::UserFieldIgnored
        | Code::NoPlanPeriod => Bearing::Passes,
        Code::WrongFileType
        | Code::DamagedFile
        | Code::EmptyFile
        | Code::MissingSheet
        | Code::PasswordProtected
        | Code::SeveralTables
        | Code::NothingUsed
        | Code::MissingColumn
        | Code::DuplicateColumn
        | Code::UnknownComponentColumn
        | Code::ExtraCell
        | Code::ShiftedCells
        | Code::MissingValue
        | Code::InvalidPeriod
        | Code::AmbiguousPeriod
        | Code::MixedDateOrders
        | Code::InvalidUsername
        | Code::InvalidAlias
        | Code::AliasHidesName
        | Code::AliasNowhere
        | Code::ThinEvidence
        | Code::HiddenRows
        | Code::HiddenColumns
        | Code::TotalDisagrees
        | Code::SumOfRows
        | Code::MergedAmount
        | Code::CoveredValue
        | Code::AmbiguousLayout
        | Code::LayoutMisfit
        | Code::UnknownMetric
        | Code::FaultyByLayout
        | Code::CrossesMonths
        | Code::PartOfMonth
        | Code::RepeatedRecord
        | Code::OrphanPart
        | Code::SeveralSources
        | Code::UnknownSourceUnit
        | Code::ReportedOutsideMonth
        | Code::MixedForms
        | Code::CutReport
        | Code::ImpossibleTime
        // What is a warning unless the user grades it higher, who then wants it heeded here too.
        | Code::IncompleteIdentity
        | Code::LeftOutByLayout
        | Code::MetricNotBilled
        | Code::BookedWhole
        | Code::SplitNumber
        | Code::UnknownColumn
        | Code::OtherSheets
        | Code::HiddenSheets
        | Code::OtherFiles
        | Code::SameFile
        | Code::ExternalLinks
        | Code::GuessedEncoding
        | Code::LinesAboveHeader
        | Code::TwoRowHeader
        | Code::RepeatedHeader
        | Code::NoteRow
        | Code::UnitsRow
        | Code::TotalRow
        | Code::MoneyTotal
        | Code::MergedKeys
        | Code::HiddenRowsUsed
        | Code::HiddenRowsSkipped
        | Code::HiddenColumnsUsed
        | Code::HiddenColumnsSkipped
        | Code::HiddenKeyColumns
        | Code::VisibilityUnknown
        | Code::RaggedRows
        | Code::BlankAmount
        | Code::DayAsMonth
        | Code::OutsidePeriod
        | Code::OutsideScope
        | Code::NameFolded
        | Code::UnitConverted => Bearing::Stops,
    }
}
