//! Lines of one text: only the catalogue can tell whether one below the rows is a note or names a resource.

use crate::findings::{Code, Finding};
use crate::mapping::Field;
use crate::parse::HEADING;

use super::resources::ResourceFinder;
use super::rows::Judge;

impl<'a> Judge<'a> {
    /// Leaves notes below the rows out; a line that names a resource is a row without the rest.
    pub(super) fn notes(&mut self, finder: &mut ResourceFinder<'a>) {
        for note in std::mem::take(&mut self.parsed.notes_below) {
            let is_note = note.resource.is_empty()
                || finder
                    .find(&note.resource, note.offering)
                    .is_err_and(|(_, finding)| is_of_nothing(&finding));
            if is_note {
                self.findings.push(note.finding);
                continue;
            }
            self.parsed.fates.faulty(note.row);
            self.parsed.faulty.push((note.row, note.resource, note.offering));
            for fault in note.faults {
                self.findings.push(fault);
            }
        }
    }

    /// Judges a row whose resource was not found: one of a single text may be no row at all.
    pub(super) fn unfound(&mut self, subject: usize, field: Field, finding: Finding) {
        let row = self.parsed.subjects[subject].row;
        match self.parsed.lone_subjects.get(&row) {
            Some(Some(note)) if is_of_nothing(&finding) => {
                self.findings.push(note.clone());
                self.parsed.fates.filtered(row);
            }
            Some(_) if finding.hint.is_none() => self.fault_in(subject, field, finding.hint(HEADING)),
            _ => self.fault_in(subject, field, finding),
        }
    }
}

/// Whether a name is none that the server has.
fn is_of_nothing(finding: &Finding) -> bool {
    matches!(finding.code, Code::UnknownResource | Code::UnknownOffering | Code::NoScope)
}
