//! The begin of a table of records: its header, and what stands above it.

use std::collections::HashMap;
use std::sync::Arc;

use crate::domain::{fold, visible};
use crate::findings::{Code, Finding};
use crate::mapping::{Binding, Field, Layout, Unbound};
use crate::parse::finder::Found;
use crate::parse::header::listed;
use crate::parse::recogniser::{Recognised, Recogniser};
use crate::parse::{ParsedTable, RawRow};

use super::super::tables::texts;
use super::super::{Parser, State};
use super::titles::TitleFacts;
use super::{RecordsReading, is_given};

impl Parser<'_> {
    /// Begins a table that is none of our own forms; false where it is one, or nothing better is known.
    pub(in crate::parse::rows) fn begins_records(&mut self, found: &Found) -> bool {
        match &found.recognised {
            Recognised::Records(layout, binding) => {
                self.begin_records(found, layout.clone(), binding.as_ref().clone());
                true
            }
            Recognised::Ambiguous(names) => {
                let told = format!("{} fit {}", names.join(" and "), listed(&texts(&found.header)));
                let finding = Finding::new(Code::AmbiguousLayout, told, "columns of one layout alone");
                let hint = format!("say which one it is: --layout {}", names.join(" or --layout "));
                self.refuse_table(finding.at(found.header.whole()).hint(hint));
                true
            }
            Recognised::Ours | Recognised::Nothing => match self.settings.layouts.asked_for() {
                Some(layout) if layout.records().is_some() => {
                    let layout = layout.clone();
                    let unbound =
                        layout.bind(found.header.cells().map(|cell| cell.text)).err().unwrap_or_default();
                    self.refuse_unbound(&layout, &found.header, &unbound);
                    true
                }
                Some(_) => false,
                None if found.is_sure => false,
                None => {
                    let Some((layout, unbound)) = Recogniser::nearly(&found.header) else { return false };
                    self.refuse_unbound(&layout, &found.header, &unbound);
                    true
                }
            },
        }
    }

    /// Refuses the table as a whole; its rows are faulty.
    fn refuse_table(&mut self, finding: Finding) {
        self.findings.push(finding);
        self.state = State::Refused(Box::default());
    }

    /// Names the columns that a layout needs and the table has not.
    fn refuse_unbound(&mut self, layout: &Arc<Layout>, header: &RawRow, unbound: &Unbound) {
        let found = listed(&texts(header));
        if let Some(column) = unbound.unwanted {
            let told = format!("a column {}", visible(header.cell(column).text));
            let expected = format!("a table without it, as {} reads it", layout.name);
            let finding = Finding::new(Code::LayoutMisfit, told, expected).at(header.place(column));
            self.findings.push(finding.hint("`waldur-usage layout list` names the others"));
        }
        for missing in &unbound.missing {
            let told = format!("no column {} in: {found}", missing.shown());
            let expected = format!("a column {}, as the layout {} has it", missing.shown(), layout.name);
            let finding = Finding::new(Code::MissingColumn, told, expected).at(header.whole());
            let hint = "add the column, or write a layout with `waldur-usage layout suggest FILE`";
            self.findings.push(finding.hint(hint));
        }
        self.state = State::Refused(Box::default());
    }

    fn begin_records(&mut self, found: &Found, layout: Arc<Layout>, binding: Binding) {
        let header = &found.header;
        let Some(records) = layout.records() else { return };
        let mut titles = TitleFacts::none();
        if let Some(written) = &records.titles {
            let (facts, faults) = TitleFacts::read(written, &found.above, &header.whole());
            let is_sound = faults.is_empty();
            for fault in faults {
                self.findings.push(fault);
            }
            if !is_sound {
                self.state = State::Refused(Box::default());
                return;
            }
            titles = facts;
        } else {
            self.tell_above(found);
        }
        if is_given(records) && self.given_period(&titles).is_none() {
            let told = "no month in the file";
            let expected =
                format!("--period YYYY-MM, because {} does not say which month it is of", layout.name);
            self.refuse_table(Finding::new(Code::MissingColumn, told, expected).at(header.whole()));
            return;
        }
        if let Some(twice) = twice(header, &binding) {
            self.refuse_table(twice);
            return;
        }
        if let Some(lacks) = binding.identity_lacks.first() {
            let lacks = binding.identity_lacks.iter().fold(lacks.shown(), |all, column| {
                if column == lacks { all } else { format!("{all}, {}", column.shown()) }
            });
            let told = format!("no column {lacks}, by which {} tells records apart", layout.name);
            let expected = "all columns that tell records apart; without them a record that stands twice is seen \
                            only where all of its cells are the same";
            self.findings.push(Finding::new(Code::IncompleteIdentity, told, expected).at(header.whole()));
        }
        let table = self.parsed.tables.len();
        self.parsed.tables.push(Arc::new(table_of(header, &layout, &binding)));
        let reading = RecordsReading::new(table, layout, binding, titles, header);
        self.state = State::Records(Box::new(reading));
    }
}

/// A column that is read and has a namesake.
fn twice(header: &RawRow, binding: &Binding) -> Option<Finding> {
    let mut columns: HashMap<String, Vec<usize>> = HashMap::new();
    for (column, cell) in header.cells().enumerate() {
        columns.entry(fold(cell.text)).or_default().push(column);
    }
    binding.columns().into_iter().find_map(|column| {
        let text = header.cell(column).text;
        let others = columns.get(&fold(text))?;
        let other = others.iter().find(|&&other| other != column)?;
        let expected = format!("one column {}", visible(text));
        let mut finding = Finding::new(Code::DuplicateColumn, visible(text).to_string(), expected);
        finding.others.push(header.place(column));
        Some(finding.at(header.place(*other)))
    })
}

/// The table, with its columns as far as they are fields.
fn table_of(header: &RawRow, layout: &Arc<Layout>, binding: &Binding) -> ParsedTable {
    let mut columns = [None; Field::COUNT];
    let fields = [
        (Field::ResourceUuid, binding.uuid),
        (Field::ResourceBackendId, binding.backend_id),
        (Field::ResourceSlug, binding.slug),
        (Field::ResourceName, binding.name),
        (Field::OfferingUuid, binding.offering_uuid),
        (Field::Offering, binding.offering),
        (Field::BillingPeriod, binding.month.or(binding.end)),
        (Field::ComponentType, binding.metric),
        (Field::Amount, binding.quantity),
        (Field::Unit, binding.unit),
        (Field::Username, binding.username),
    ];
    for (field, column) in fields {
        columns[field.index()] = column;
    }
    let headers = header.cells().map(|cell| cell.text.into()).collect();
    let (table, header_row) = (header.table().clone(), header.number());
    ParsedTable { table, header_row, headers, columns, layout: layout.clone() }
}
