//! Whether the audit trail is what was written.
//!
//! The chain alone shows an entry that was changed, taken out, swapped or put in. What it cannot
//! show is that its end was cut off, or that all of it was written anew by somebody who knows how;
//! for that a person notes the head that a run prints, and it is looked for.

use super::Store;
use super::StoreError;
use super::audit::{Link, link_hash};
use crate::domain::visible;

/// The audit trail is whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditProof {
    /// How many entries it has.
    pub entries: u64,
    /// The hash of the last one; none where there is no entry.
    pub head: Option<String>,
    /// The entry whose hash is the head that was asked for.
    pub noted: Option<u64>,
}

/// The audit trail is not what was written, or cannot be read.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AuditFault {
    /// The chain breaks.
    #[error("entry {entry} of the audit trail {what}")]
    Broken {
        /// The first entry that is not what it must be, counted from 1.
        entry: u64,
        /// What is wrong with it.
        what: &'static str,
    },
    /// No entry has the hash that was asked for.
    #[error(
        "no entry of the audit trail has the hash {}: entries were cut off or written anew",
        visible(head)
    )]
    HeadIsGone {
        /// The hash that was asked for.
        head: String,
        /// How many entries there are.
        entries: u64,
    },
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Store {
    /// Follows the chain from its beginning to its end, and looks for a head that somebody noted
    /// earlier. Entries that are added meanwhile may be among those looked at.
    pub fn audit_verify(&self, expected_head: Option<&str>) -> Result<AuditProof, AuditFault> {
        let mut follower = Follower { expected_head, entries: 0, head: None, noted: None };
        // Below zero too, where nothing of ours is.
        let mut after = i64::MIN;
        loop {
            let links = self.audit_links(after)?;
            let Some(last) = links.last() else { break };
            after = last.number;
            for link in links {
                follower.follow(link)?;
            }
        }
        follower.end()
    }
}

struct Follower<'a> {
    expected_head: Option<&'a str>,
    entries: u64,
    head: Option<String>,
    noted: Option<u64>,
}

impl Follower<'_> {
    fn follow(&mut self, link: Link) -> Result<(), AuditFault> {
        let entry = self.entries + 1;
        let broken = |what| AuditFault::Broken { entry, what };
        match u64::try_from(link.number) {
            Ok(number) if number == entry => {}
            Ok(number) if number > entry => return Err(broken("is missing")),
            Ok(_) | Err(_) => return Err(broken("has another before it that was put in")),
        }
        if link.hash != link_hash(self.head.as_deref().unwrap_or_default(), &link.entry) {
            return Err(broken("is not what was written after the entry before it"));
        }
        if self.expected_head.is_some_and(|head| head.trim().eq_ignore_ascii_case(&link.hash)) {
            self.noted = Some(entry);
        }
        (self.entries, self.head) = (entry, Some(link.hash));
        Ok(())
    }

    fn end(self) -> Result<AuditProof, AuditFault> {
        let Self { expected_head, entries, head, noted } = self;
        match (expected_head, noted) {
            (Some(head), None) => Err(AuditFault::HeadIsGone { head: head.trim().to_owned(), entries }),
            (Some(_), Some(_)) | (None, _) => Ok(AuditProof { entries, head, noted }),
        }
    }
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;
    use crate::domain::canonical_json;
    use crate::domain::sha256;
    use crate::store::AuditEntry;
    use crate::store::tests::{audit_entry, raw, run_id};

    /// A store with so many entries of run 1, the even ones of run 2.
    fn with_entries(number: u32) -> (TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let entries: Vec<_> =
            (1..=number).map(|entry| audit_entry(if entry % 2 == 0 { 2 } else { 1 }, entry)).collect();
        store.audit_append(&entries[..1]).unwrap();
        store.audit_append(&entries[1..]).unwrap();
        (folder, store)
    }

    /// Does to the table what nobody may do.
    fn tamper(folder: &TempDir, sql: &str) {
        let triggers = "DROP TRIGGER audit_is_never_changed; DROP TRIGGER audit_is_never_cut;";
        raw(folder.path()).execute_batch(&[triggers, sql].concat()).unwrap();
    }

    #[test]
    fn the_chain_is_what_its_words_say_it_is() {
        let (_folder, store) = with_entries(2);
        let first = canonical_json(&audit_entry(1, 1)).unwrap();
        let second = canonical_json(&audit_entry(2, 2)).unwrap();
        let head = sha256(format!("{}{second}", sha256(first.as_bytes())).as_bytes());
        assert_eq!(store.audit_head().unwrap(), Some((2, head.clone())));
        let proof = store.audit_verify(None).unwrap();
        assert_eq!(proof, AuditProof { entries: 2, head: Some(head), noted: None });
    }

    #[test]
    fn entries_are_shown_in_their_order_all_or_those_of_a_run() {
        let (_folder, store) = with_entries(2_500);
        let shown = |run| {
            let mut shown: Vec<(u64, AuditEntry)> = Vec::new();
            store
                .audit(run, &mut |number, entry, hash| {
                    assert_eq!(hash.len(), 64);
                    // Who is shown entries may ask the store for more.
                    if number == 1 {
                        assert!(store.audit_head().unwrap().is_some());
                    }
                    shown.push((number, entry.clone()));
                })
                .unwrap();
            shown
        };
        let all = shown(None);
        assert_eq!(all.len(), 2_500);
        for (number, (at, entry)) in (1..).zip(&all) {
            assert_eq!(
                (*at, entry),
                (u64::from(number), &audit_entry(if number % 2 == 0 { 2 } else { 1 }, number))
            );
        }
        let of_two: Vec<u64> = shown(Some(run_id(2))).into_iter().map(|(number, _)| number).collect();
        assert_eq!(of_two, (1..=1_250).map(|half| half * 2).collect::<Vec<u64>>());
        assert_eq!(shown(Some(run_id(3))), []);
        assert_eq!(store.audit_verify(None).unwrap().entries, 2_500);
    }

    #[test]
    fn an_empty_trail_is_whole_and_has_no_head() {
        let store = Store::in_memory().unwrap();
        store.audit_append(&[]).unwrap();
        assert_eq!(store.audit_head().unwrap(), None);
        let proof = store.audit_verify(None).unwrap();
        assert_eq!(proof, AuditProof { entries: 0, head: None, noted: None });
        assert!(matches!(store.audit_verify(Some("ab")), Err(AuditFault::HeadIsGone { entries: 0, .. })));
    }

    #[test]
    fn what_was_changed_taken_out_swapped_or_put_in_is_found() {
        let swap = "UPDATE audit SET number = -number WHERE number IN (3, 4);
                    UPDATE audit SET number = 7 + number WHERE number < 0;";
        let close_the_gap = "DELETE FROM audit WHERE number = 3;
                             UPDATE audit SET number = number - 1 WHERE number > 3;";
        let make_room = "UPDATE audit SET number = -number WHERE number > 3;
                         UPDATE audit SET number = 1 - number WHERE number < 0;
                         INSERT INTO audit (number, entry, hash) SELECT 4, entry, hash FROM audit WHERE number = 3;";
        for (sql, at, what) in [
            ("UPDATE audit SET entry = replace(entry, '\"3.00\"', '\"4.00\"') WHERE number = 3", 3, "is not"),
            ("UPDATE audit SET entry = entry || ' ' WHERE number = 6", 6, "is not"),
            ("UPDATE audit SET hash = upper(hash) WHERE number = 5", 5, "is not"),
            ("DELETE FROM audit WHERE number = 1", 1, "is missing"),
            ("DELETE FROM audit WHERE number IN (3, 4)", 3, "is missing"),
            (close_the_gap, 3, "is not"),
            (swap, 3, "is not"),
            (make_room, 4, "is not"),
            (
                "INSERT INTO audit (number, entry, hash) SELECT 7, entry, hash FROM audit WHERE number = 6",
                7,
                "is not",
            ),
            (
                "INSERT INTO audit (number, entry, hash) SELECT 0, entry, hash FROM audit WHERE number = 1",
                1,
                "put in",
            ),
            (
                "INSERT INTO audit (number, entry, hash) SELECT -5, entry, hash FROM audit WHERE number = 1",
                1,
                "put in",
            ),
        ] {
            let (folder, store) = with_entries(6);
            store.audit_verify(None).unwrap();
            tamper(&folder, sql);
            let fault = store.audit_verify(None).unwrap_err();
            let AuditFault::Broken { entry, what: found } = fault else { panic!("{sql}: {fault}") };
            assert_eq!((entry, found.contains(what)), (at, true), "{sql}: {found}");
        }
    }

    #[test]
    fn a_noted_head_shows_that_the_end_was_cut_off_or_all_written_anew() {
        let (folder, store) = with_entries(5);
        let (_, noted) = store.audit_head().unwrap().unwrap();
        store.audit_append(&[audit_entry(3, 6)]).unwrap();
        let proof = store.audit_verify(Some(&noted)).unwrap();
        assert_eq!((proof.entries, proof.noted), (6, Some(5)));
        let as_people_note_it = format!(" {}\n", noted.to_uppercase());
        assert_eq!(store.audit_verify(Some(&as_people_note_it)).unwrap().noted, Some(5));

        tamper(&folder, "DELETE FROM audit WHERE number > 4");
        assert_eq!(store.audit_verify(None).unwrap().entries, 4, "the chain alone cannot show it");
        let fault = store.audit_verify(Some(&noted)).unwrap_err();
        assert!(matches!(&fault, AuditFault::HeadIsGone { head, entries: 4 } if *head == noted), "{fault}");

        // All anew, by the rules.
        raw(folder.path()).execute_batch("DELETE FROM audit").unwrap();
        let anew: Vec<_> = (1..=6).map(|entry| audit_entry(1, entry + 10)).collect();
        store.audit_append(&anew).unwrap();
        store.audit_verify(None).unwrap();
        assert!(matches!(store.audit_verify(Some(&noted)), Err(AuditFault::HeadIsGone { .. })));
    }

    #[test]
    fn this_program_itself_cannot_change_or_cut_the_trail() {
        let (folder, store) = with_entries(3);
        for sql in ["UPDATE audit SET entry = '{}'", "DELETE FROM audit WHERE number = 3"] {
            let error = raw(folder.path()).execute_batch(sql).unwrap_err();
            assert!(error.to_string().contains("the audit trail is never"), "{error}");
        }
        store.audit_verify(None).unwrap();
    }
}
