//! What is done with a file that is not, or no longer, what a store has written.

use std::fs;
use std::path::Path;

use rusqlite::Connection;

use super::tests::{PLAN, answered, audit_entry, new_run, raw, request, run_id};
use super::*;

/// A store with a run of so many requests, each answered and in the audit trail.
async fn filled(folder: &Path, requests: u32) -> Store {
    let store = Store::open(folder).unwrap();
    store.begin(&new_run(1), &PLAN).unwrap();
    let journal = store.journal(run_id(1)).unwrap();
    for batch in 1..=requests {
        journal.sending(request(batch)).await.unwrap();
        let audit = vec![audit_entry(1, batch)];
        journal.answered(Answered { audit, ..answered(batch, Answer::Accepted) });
    }
    journal.flush().await.unwrap();
    store
}

/// Reads all that a store holds.
fn read_all(store: &Store) -> Result<(), AuditFault> {
    store.run(run_id(1))?;
    store.runs(10)?;
    store.requests(run_id(1))?;
    store.audit(None, &mut |_, _, _| {})?;
    store.audit_verify(None).map(|_| ())
}

fn is_named(error: &StoreError, file: &Path) -> bool {
    error.to_string().contains(&*file.to_string_lossy())
}

#[test]
fn garbage_is_called_damaged_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(FILE);
    let garbage: Vec<u8> =
        (0..20_000_u32).map(|byte| byte.wrapping_mul(2_654_435_761).to_be_bytes()[0]).collect();
    for content in [&garbage[..], b"{}", b"SQLite format 3\0 and no more"] {
        fs::write(&file, content).unwrap();
        let error = Store::open(folder.path()).unwrap_err();
        assert!(matches!(&error, StoreError::Damaged { .. }), "{error}");
        assert!(is_named(&error, &file), "{error}");
        assert_eq!(fs::read(&file).unwrap(), content);
    }
}

#[test]
fn a_database_of_another_program_is_no_store_and_left_as_it_is() {
    for sql in [
        "CREATE TABLE run (id TEXT)",
        "PRAGMA application_id = 7",
        "CREATE TABLE a (b); PRAGMA user_version = 1",
    ] {
        let folder = tempfile::tempdir().unwrap();
        raw(folder.path()).execute_batch(sql).unwrap();
        let before = fs::read(folder.path().join(FILE)).unwrap();
        let error = Store::open(folder.path()).unwrap_err();
        assert!(matches!(&error, StoreError::NotAStore { path } if path.ends_with(FILE)), "{error}");
        assert_eq!(fs::read(folder.path().join(FILE)).unwrap(), before);
    }
}

#[test]
fn a_store_of_a_newer_version_is_refused_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    drop(Store::open(folder.path()).unwrap());
    raw(folder.path()).execute_batch("PRAGMA user_version = 99").unwrap();
    let error = Store::open(folder.path()).unwrap_err();
    assert!(matches!(&error, StoreError::Newer { format: 99, known: 3, .. }), "{error}");
    assert!(is_named(&error, &folder.path().join(FILE)), "{error}");
    let format: u32 = raw(folder.path()).pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    assert_eq!(format, 99);
}

#[tokio::test]
async fn a_file_that_was_cut_off_is_damaged() {
    let folder = tempfile::tempdir().unwrap();
    drop(filled(folder.path(), 40).await);
    let file = folder.path().join(FILE);
    let whole = fs::read(&file).unwrap();
    assert!(!folder.path().join("store.sqlite-wal").exists(), "all of it is in the one file");
    for length in [99, 4_096, whole.len() / 2, whole.len() - 4_096] {
        fs::write(&file, &whole[..length]).unwrap();
        let error = Store::open(folder.path()).unwrap_err();
        assert!(matches!(&error, StoreError::Damaged { .. }), "{length}: {error}");
        assert!(is_named(&error, &file), "{error}");
    }
    fs::write(&file, whole).unwrap();
    read_all(&Store::open(folder.path()).unwrap()).unwrap();
}

#[tokio::test]
async fn a_log_that_was_cut_off_anywhere_leaves_what_was_committed_before() {
    let folder = tempfile::tempdir().unwrap();
    let store = filled(folder.path(), 12).await;
    let (file, log) = (folder.path().join(FILE), folder.path().join("store.sqlite-wal"));
    let (database, log) = (fs::read(file).unwrap(), fs::read(log).unwrap());
    drop(store);
    let (mut last, mut counts) = (0, std::collections::BTreeSet::new());
    for length in (0..log.len()).step_by(log.len() / 50).chain([log.len()]) {
        let torn = tempfile::tempdir().unwrap();
        fs::write(torn.path().join(FILE), &database).unwrap();
        fs::write(torn.path().join("store.sqlite-wal"), &log[..length]).unwrap();
        let store = Store::open(torn.path()).unwrap();
        let requests = match store.requests(run_id(1)) {
            Ok(requests) => requests,
            // The run itself was not written yet.
            Err(error) => {
                assert!(matches!(error, StoreError::NoRun { .. }), "{error}");
                Vec::new()
            }
        };
        assert!(requests.len() >= last, "more of the log holds no less");
        let answers = requests.iter().filter(|request| request.answer.is_some()).count();
        assert_eq!(store.audit_verify(None).unwrap().entries, u64::try_from(answers).unwrap());
        last = requests.len();
        counts.insert(last);
    }
    assert_eq!(last, 12);
    assert!(counts.len() > 6, "the cuts fell between requests: {counts:?}");
}

#[tokio::test]
async fn bytes_that_were_changed_are_an_error_or_harmless_and_never_a_figure() {
    let folder = tempfile::tempdir().unwrap();
    drop(filled(folder.path(), 40).await);
    let file = folder.path().join(FILE);
    let whole = fs::read(&file).unwrap();
    let mut errors = 0;
    for at in (0..whole.len()).step_by(whole.len() / 80) {
        let mut changed = whole.clone();
        for byte in changed.iter_mut().skip(at).take(16) {
            *byte ^= 0x15;
        }
        fs::write(&file, &changed).unwrap();
        let Ok(store) = Store::open(folder.path()) else {
            errors += 1;
            continue;
        };
        errors += usize::from(read_all(&store).is_err());
        // Whatever else is said of it, the trail that is called whole is the one that was written.
        if store.audit_verify(None).is_ok_and(|proof| proof.entries == 40) {
            let mut next = 1;
            store
                .audit(None, &mut |_, entry, _| {
                    assert_eq!(*entry, audit_entry(1, next), "byte {at}");
                    next += 1;
                })
                .unwrap();
        }
    }
    // Tables without a row have pages too, and nobody reads those.
    assert!(errors > 18, "{errors}");
}

#[test]
fn what_no_store_writes_into_a_column_is_damage() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    store.begin(&new_run(1), &PLAN).unwrap();
    Connection::open(folder.path().join(FILE))
        .unwrap()
        .execute_batch("UPDATE run SET period = 'May'")
        .unwrap();
    let error = store.run(run_id(1)).unwrap_err();
    assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
    assert!(matches!(store.runs(1), Err(StoreError::Damaged { .. })));
}
