//! What the tests of this room build their stores from, and the tests of opening one, of runs and of
//! what is kept.

use std::path::Path;
use std::sync::Barrier;

use rusqlite::Connection;
use uuid::Uuid;

use super::run::RequestCounts;
use super::*;
use crate::domain::BillingPeriod;
use crate::domain::ResourceId;
use crate::domain::RunId;
use crate::domain::UserId;

/// The id of a run, by a number.
pub(super) fn run_id(number: u128) -> RunId {
    RunId::new(Uuid::from_u128(number))
}

/// A run of a number.
pub(super) fn new_run(number: u128) -> NewRun {
    NewRun {
        id: run_id(number),
        command: "apply".into(),
        undoes: None,
        pipeline: None,
        server: "https://waldur.example.com".into(),
        sandbox: None,
        account: UserId::new(Uuid::from_u128(7)),
        period: BillingPeriod::new(2026, 11).unwrap(),
        digest: "d1ce".into(),
        settings: "{}".into(),
        tool_version: "0.1.0".into(),
    }
}

/// A plan; the store does not look into it.
pub(super) const PLAN: [&str; 1] = ["a plan"];

/// A report.
const REPORT: [&str; 1] = ["a report"];

/// The first attempt at a batch.
pub(super) fn request(batch: u32) -> Sending {
    Sending {
        batch,
        attempt: 1,
        kind: "set_usage".into(),
        resource: ResourceId::new(Uuid::from_u128(batch.into())),
        body: format!(r#"{{"usages":[{{"type":"cpu","amount":"{batch}"}}]}}"#),
    }
}

/// What came of the first attempt at a batch, with nothing for the audit trail.
pub(super) fn answered(batch: u32, answer: Answer) -> Answered {
    Answered { batch, attempt: 1, answer, audit: Vec::new() }
}

/// An entry of a run that differs from others by its amount.
pub(super) fn audit_entry(run: u128, amount: u32) -> AuditEntry {
    AuditEntry {
        at: "2026-11-30T12:00:00Z".parse().unwrap(),
        run: run_id(run),
        account: UserId::new(Uuid::from_u128(7)),
        server: "https://waldur.example.com".into(),
        resource: ResourceId::new(Uuid::from_u128(1)),
        resource_name: "flame \u{202e}data".into(),
        component: "cpu".parse().unwrap(),
        period: BillingPeriod::new(2026, 11).unwrap(),
        username: None,
        cell: Some("usage.xlsx Usage!C14".into()),
        old: None,
        new: Some(amount.to_string().parse().unwrap()),
        answer: "accepted".into(),
    }
}

/// The database of a store, past all that the store checks.
pub(super) fn raw(folder: &Path) -> Connection {
    Connection::open(folder.join(FILE)).unwrap()
}

fn end(is_over: bool) -> End {
    End { status: "partial".into(), code: 5, is_over }
}

#[test]
fn many_who_open_a_new_store_at_once_all_get_it() {
    for _ in 0..5 {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("store");
        let start = Barrier::new(8);
        std::thread::scope(|scope| {
            for number in 0..8 {
                let (folder, start) = (&folder, &start);
                scope.spawn(move || {
                    start.wait();
                    Store::open(folder).unwrap().begin(&new_run(number), &PLAN).unwrap();
                });
            }
        });
        assert_eq!(Store::open(&folder).unwrap().runs(100).unwrap().len(), 8);
    }
}

#[test]
fn what_is_committed_stays_and_what_is_referred_to_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let (mode, synchronous, keys): (String, u8, bool) = store
        .database
        .read(|connection| {
            Ok((
                connection.pragma_query_value(None, "journal_mode", |row| row.get(0))?,
                connection.pragma_query_value(None, "synchronous", |row| row.get(0))?,
                connection.pragma_query_value(None, "foreign_keys", |row| row.get(0))?,
            ))
        })
        .unwrap();
    assert_eq!((mode.as_str(), synchronous, keys), ("wal", 2, true));
    assert_eq!(store.database.path(), folder.path().join("store.sqlite"));
}

#[test]
fn a_run_is_read_back_as_it_was_begun_ended_and_reopened() {
    let folder = tempfile::tempdir().unwrap();
    let run = NewRun {
        undoes: Some(run_id(8)),
        command: "undo".into(),
        sandbox: Some("demo".into()),
        ..new_run(9)
    };
    Store::open(folder.path()).unwrap().begin(&run, &PLAN).unwrap();
    // Another program reads it.
    let store = Store::open(folder.path()).unwrap();
    let stored = store.run(run.id).unwrap().unwrap();
    assert_eq!((&stored.run, &stored.ended), (&run, &None));
    assert_eq!(store.plan(run.id).unwrap(), r#"["a plan"]"#);
    assert_eq!(store.report(run.id).unwrap(), "");

    store.finish(run.id, &end(false), RunFigures::default(), &REPORT).unwrap();
    let ended = store.run(run.id).unwrap().unwrap().ended.unwrap();
    assert!(ended.at >= stored.started);
    assert_eq!(ended.end, end(false));
    assert_eq!(store.report(run.id).unwrap(), r#"["a report"]"#);
    // What it ends with the next time takes the place of it.
    store.finish(run.id, &end(true), RunFigures { rows: 7, differences: 2 }, &["another"]).unwrap();
    assert_eq!(store.report(run.id).unwrap(), r#"["another"]"#);
    let figures = store.summary(run.id).unwrap().unwrap().figures;
    assert_eq!(figures, Some(RunFigures { rows: 7, differences: 2 }));

    store.reopen(run.id).unwrap();
    assert_eq!(store.run(run.id).unwrap().unwrap(), stored);

    assert_eq!(store.run(run_id(1)).unwrap(), None);
    for error in
        [store.finish(run_id(1), &end(true), RunFigures::default(), &REPORT), store.reopen(run_id(1))]
    {
        assert!(matches!(error, Err(StoreError::NoRun { run, .. }) if run == run_id(1)));
    }
    assert!(matches!(store.begin(&run, &PLAN), Err(StoreError::Failed { .. })), "an id is used once");
}

#[tokio::test]
async fn runs_are_listed_newest_first_with_their_answers_counted() {
    let store = Store::in_memory().unwrap();
    for number in 1..=3 {
        store.begin(&new_run(number), &PLAN).unwrap();
    }
    store.finish(run_id(1), &end(true), RunFigures::default(), &REPORT).unwrap();
    let journal = store.journal(run_id(2)).unwrap();
    let answers = [
        Answer::Accepted,
        Answer::Accepted,
        Answer::Rejected { status: 400, message: "no".into() },
        Answer::Lost { reason: "reset".into() },
        Answer::NotSent { reason: "stale".into() },
    ];
    for (batch, answer) in (1..).zip(answers) {
        journal.sending(request(batch)).await.unwrap();
        journal.answered(answered(batch, answer));
    }
    journal.sending(request(6)).await.unwrap();
    journal.flush().await.unwrap();

    let runs = store.runs(10).unwrap();
    let ids: Vec<RunId> = runs.iter().map(|run| run.stored.run.id).collect();
    assert_eq!(ids, [run_id(3), run_id(2), run_id(1)]);
    let counts = RequestCounts { accepted: 2, rejected: 1, lost: 1, not_sent: 1, unanswered: 1 };
    assert_eq!(runs[1].requests, counts);
    assert_eq!(runs[0].requests, RequestCounts::default());
    assert_eq!(runs[2].stored.ended.as_ref().map(|ended| &ended.end), Some(&end(true)));
    assert_eq!(runs[1].stored.ended, None);
    assert_eq!(store.runs(2).unwrap().len(), 2);
}

#[test]
fn a_run_is_found_by_the_beginning_of_its_id() {
    let store = Store::in_memory().unwrap();
    let ids: Vec<RunId> = ["abc00000000000000000000000000001", "abcd0000000000000000000000000002"]
        .iter()
        .map(|id| id.parse().unwrap())
        .collect();
    for id in &ids {
        store.begin(&NewRun { id: *id, ..new_run(0) }, &PLAN).unwrap();
    }
    for beginning in ["abc0", "ABC0", "abc00000-0", "abc00000000000000000000000000001"] {
        assert_eq!(store.find(beginning).unwrap(), ids[0], "{beginning}");
    }
    let several = store.find("abc").unwrap_err();
    assert!(matches!(&several, FindError::Several(found) if *found == [ids[1], ids[0]]), "{several}");
    for nothing in ["", "-", "b", "%", "abc%", "ab_", "abc000000000000000000000000000011"] {
        assert!(matches!(store.find(nothing), Err(FindError::None)), "{nothing}");
    }
}

#[test]
fn the_latest_unfinished_run_is_one_of_this_server_that_is_not_over() {
    let store = Store::in_memory().unwrap();
    let server = new_run(0).server;
    assert_eq!(store.latest_unfinished(&server, None).unwrap(), None);
    store.begin(&new_run(1), &PLAN).unwrap();
    store.begin(&new_run(2), &PLAN).unwrap();
    store.begin(&NewRun { sandbox: Some("demo".into()), ..new_run(3) }, &PLAN).unwrap();
    store.begin(&NewRun { server: "https://other.example.com".into(), ..new_run(4) }, &PLAN).unwrap();
    assert_eq!(store.latest_unfinished(&server, None).unwrap(), Some(run_id(2)));
    assert_eq!(store.latest_unfinished(&server, Some("demo")).unwrap(), Some(run_id(3)));
    assert_eq!(store.latest_unfinished(&server, Some("other")).unwrap(), None);
    store.finish(run_id(2), &end(false), RunFigures::default(), &REPORT).unwrap();
    assert_eq!(store.latest_unfinished(&server, None).unwrap(), Some(run_id(2)), "it stopped half way");
    store.finish(run_id(2), &end(true), RunFigures::default(), &REPORT).unwrap();
    assert_eq!(store.latest_unfinished(&server, None).unwrap(), Some(run_id(1)));
    store.reopen(run_id(2)).unwrap();
    assert_eq!(store.latest_unfinished(&server, None).unwrap(), Some(run_id(2)));
}

#[test]
fn what_was_found_out_is_kept_by_server_account_and_word() {
    let folder = tempfile::tempdir().unwrap();
    let (one, two) = (new_run(0).account, UserId::new(Uuid::from_u128(8)));
    let store = Store::open(folder.path()).unwrap();
    store.keep("https://a.example.com", one, "capabilities", "[1]").unwrap();
    let (first, _) = store.kept("https://a.example.com", one, "capabilities").unwrap().unwrap();
    store.keep("https://a.example.com", one, "capabilities", "[2]").unwrap();
    let store = Store::open(folder.path()).unwrap();
    let (second, json) = store.kept("https://a.example.com", one, "capabilities").unwrap().unwrap();
    assert_eq!(json, "[2]");
    assert!(second >= first);
    for (server, account, what) in [
        ("https://b.example.com", one, "capabilities"),
        ("https://a.example.com", two, "capabilities"),
        ("https://a.example.com", one, "posted-by"),
    ] {
        assert_eq!(store.kept(server, account, what).unwrap(), None);
    }
}

#[test]
fn a_store_in_memory_is_one_for_its_clones_and_no_other() {
    let store = Store::in_memory().unwrap();
    let clone = store.clone();
    store.begin(&new_run(1), &PLAN).unwrap();
    assert!(clone.run(run_id(1)).unwrap().is_some());
    assert!(Store::in_memory().unwrap().run(run_id(1)).unwrap().is_none());
}

#[test]
fn a_document_larger_than_a_part_is_read_back_whole() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    // Characters of several bytes, which the border of a part cuts.
    let plan: Vec<String> = (0..300_000).map(|number| format!("ü{number}€")).collect();
    store.begin(&new_run(1), &plan).unwrap();
    let read = store.plan(run_id(1)).unwrap();
    assert_eq!(serde_json::from_str::<Vec<String>>(&read).unwrap(), plan);
    let parts = "SELECT count(*) FROM part WHERE document = 'plan'";
    let parts: u32 = raw(folder.path()).query_row(parts, (), |row| row.get(0)).unwrap();
    assert!(parts > 3, "{parts}");
}

#[test]
fn a_store_of_the_first_format_is_taken_over_with_all_that_it_holds() {
    let folder = tempfile::tempdir().unwrap();
    let old = raw(folder.path());
    old.execute_batch(schema::MIGRATIONS[0]).unwrap();
    old.execute_batch(
        "INSERT INTO run VALUES (4, '00000000000000000000000000000009', 'apply', NULL,
             'https://waldur.example.com', NULL, '00000000000000000000000000000007', '2026-11', 'd1ce',
             '0.1.0', '{}', '2026-11-30T12:00:00Z', '2026-11-30T12:01:00Z', 'partial', 5, 0, '[\"a report\"]',
             '[\"a plan\"]');
         INSERT INTO request VALUES (6, 4, 1, 1, 'set_usage', '00000000000000000000000000000001', '{}',
             '2026-11-30T12:00:01Z');
         INSERT INTO answer VALUES (6, '2026-11-30T12:00:02Z', 'rejected', 400, 'no');
         PRAGMA application_id = 0x57557367;
         PRAGMA user_version = 1;",
    )
    .unwrap();
    drop(old);
    let store = Store::open(folder.path()).unwrap();
    let stored = store.run(run_id(9)).unwrap().unwrap();
    assert_eq!((&stored.run, stored.ended.unwrap().end), (&new_run(9), end(false)));
    assert_eq!(store.plan(run_id(9)).unwrap(), r#"["a plan"]"#);
    assert_eq!(store.report(run_id(9)).unwrap(), r#"["a report"]"#);
    let requests = store.requests(run_id(9)).unwrap();
    assert_eq!(requests.len(), 1);
    assert_eq!(store.runs(5).unwrap()[0].requests, RequestCounts { rejected: 1, ..RequestCounts::default() });
    // It goes on like any other, and what refers to its run still does.
    store.reopen(run_id(9)).unwrap();
    store.finish(run_id(9), &end(true), RunFigures::default(), &REPORT).unwrap();
    let orphan = raw(folder.path()).execute("INSERT INTO part VALUES (99, 'plan', 0, x'00')", ());
    assert!(orphan.is_err(), "a part is of a run");
}
