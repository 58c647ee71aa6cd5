//! Rows in the order of what they speak of, and plain matches told apart from all else.
//!
//! Nearly all keys of large files are matches with nothing to be said of them. They hang on nothing but
//! their own rows, so parts of the rows can be gone through at the same time.

use crate::domain::BillingPeriod;

use super::cells::{Calendar, Group};
use super::judge::Plain;
use super::report::Line;
use super::rows::{FileRow, Key, ServerRow, at};

/// Sorted rows of all sides: all there are, a part of them, or those of one resource and component.
#[derive(Debug, Clone, Copy)]
pub struct Side<'s> {
    pub file: &'s [FileRow],
    pub server: &'s [ServerRow],
    pub billed: &'s [Key],
}

/// What is left of rows when plain matches are told apart.
#[derive(Debug, Default)]
pub struct Sifted {
    pub matches: Vec<Line>,
    /// The resources and components of which a month is no plain match.
    pub pairs: Vec<(u32, u32)>,
}

/// Resources and components in order, which are asked for in order.
pub struct InOrder<'p>(pub &'p [(u32, u32)]);

impl InOrder<'_> {
    pub fn has(&mut self, asked: (u32, u32)) -> bool {
        while let Some((first, rest)) = self.0.split_first()
            && *first < asked
        {
            self.0 = rest;
        }
        self.0.first() == Some(&asked)
    }
}

impl<'s> Side<'s> {
    /// Two parts of about one size; no resource is in both.
    pub fn halves(self) -> (Self, Self) {
        let of_file = self.file.get(self.file.len() / 2).map(|row| row.key.subject);
        let of_server = self.server.get(self.server.len() / 2).map(|row| row.key.subject);
        let middle = of_file.or(of_server).unwrap_or_default();
        let (file, behind_file) =
            self.file.split_at(self.file.partition_point(|row| row.key.subject < middle));
        let (server, behind_server) =
            self.server.split_at(self.server.partition_point(|row| row.key.subject < middle));
        let (billed, behind_billed) =
            self.billed.split_at(self.billed.partition_point(|key| key.subject < middle));
        (
            Side { file, server, billed },
            Side { file: behind_file, server: behind_server, billed: behind_billed },
        )
    }

    /// Takes the rows of the first resource and component off.
    pub fn next(&mut self) -> Option<Self> {
        let keys = [
            self.file.first().map(|row| pair(row.key)),
            self.server.first().map(|row| pair(row.key)),
            self.billed.first().map(|key| pair(*key)),
        ];
        let own = keys.into_iter().flatten().min()?;
        let count = |is_own: &mut dyn Iterator<Item = bool>| is_own.take_while(|is_own| *is_own).count();
        let of_file = count(&mut self.file.iter().map(|row| pair(row.key) == own));
        let of_server = count(&mut self.server.iter().map(|row| pair(row.key) == own));
        let of_billed = count(&mut self.billed.iter().map(|key| pair(*key) == own));
        let (file, server, billed);
        (file, self.file) = self.file.split_at(of_file);
        (server, self.server) = self.server.split_at(of_server);
        (billed, self.billed) = self.billed.split_at(of_billed);
        Some(Side { file, server, billed })
    }

    /// The rows of one resource and component, where they are of one.
    pub fn group(&self) -> Option<Group<'s>> {
        let first = self.file.first().map(|row| row.key);
        let first = first.or_else(|| self.server.first().map(|row| row.key));
        let (subject, component) = pair(first.or_else(|| self.billed.first().copied())?);
        Some(Group { subject, component, file: self.file, server: self.server })
    }

    pub fn months(&self) -> Vec<BillingPeriod> {
        self.billed.iter().map(|key| key.period).collect()
    }

    /// Makes the lines of plain matches, in a list with room for so many, and says where anything else is.
    pub fn sift(mut self, plain: &Plain<'_>, calendar: &Calendar, room: usize) -> Sifted {
        let mut sifted = Sifted::default();
        sifted.matches.reserve(room);
        let mut cells = Vec::new();
        while let Some(own) = self.next() {
            let Some(group) = own.group() else { continue };
            group.cells(&own.months(), calendar, &mut cells);
            let mut has_more = false;
            for cell in cells.iter().filter(|cell| cell.is_compared) {
                if plain.takes(&group, cell) {
                    sifted.matches.push(plain.line(&group, cell));
                } else {
                    has_more = true;
                }
            }
            if has_more {
                sifted.pairs.push((group.subject, group.component));
            }
        }
        sifted
    }
}

/// A resource and a component.
pub fn pair(key: Key) -> (u32, u32) {
    (key.subject, key.component)
}

/// Puts rows into the order of their subjects by counting them, which for millions takes a part of the time
/// of sorting.
pub fn by_subject<T>(rows: Vec<T>, subjects: usize, subject: impl Fn(&T) -> u32) -> Vec<T> {
    if rows.is_sorted_by_key(&subject) {
        return rows;
    }
    let mut places = vec![0_usize; subjects.saturating_add(1)];
    for row in &rows {
        if let Some(count) = places.get_mut(at(subject(row)).saturating_add(1)) {
            *count = count.saturating_add(1);
        }
    }
    let mut before = 0_usize;
    for place in &mut places {
        before = before.saturating_add(*place);
        *place = before;
    }
    let mut sorted: Vec<Option<T>> = Vec::new();
    sorted.resize_with(rows.len(), || None);
    for row in rows {
        let place = &mut places[at(subject(&row))];
        sorted[*place] = Some(row);
        *place = place.saturating_add(1);
    }
    // None of them is empty; this way the list itself is kept.
    sorted.into_iter().map_while(|row| row).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn pairs_in_order_are_found_in_order(
            pairs in prop::collection::btree_set((0_u32..4, 0_u32..4), 0..16),
            asked in prop::collection::vec((0_u32..4, 0_u32..4), 0..40),
        ) {
            let (list, mut asked): (Vec<_>, _) = (pairs.iter().copied().collect(), asked);
            asked.sort_unstable();
            let mut found = InOrder(&list);
            for pair in asked {
                prop_assert_eq!(found.has(pair), pairs.contains(&pair));
            }
        }

        #[test]
        fn counting_leaves_the_order_of_sorting(subjects in prop::collection::vec(0_u32..9, 0..60)) {
            let rows: Vec<(u32, usize)> = subjects.into_iter().zip(0..).collect();
            let mut expected = rows.clone();
            expected.sort_by_key(|row| row.0);
            prop_assert_eq!(by_subject(rows, 9, |row| row.0), expected);
        }
    }
}
