//! Runs that are killed at any point: between two steps, and at moments that nobody chose.
//!
//! The test starts its own program again for the run that is killed.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::super::super::parquet;
use super::super::log::Log;
use super::readers;
use super::*;

const FOLDER: &str = "WALDUR_USAGE_TEST_DELTA";
const NAME: &str = "export::delta::tests::kill::a_killed_run_leaves_the_old_month_or_the_new_one";

/// How many steps a run of two months of three tables has: four of each month of a table, one of a manifest.
const STEPS: usize = 2 * (3 * 4 + 1);
/// How many points there are in all.
const POINTS: usize = 50;

fn before() -> Vec<Slice> {
    months(|period| [usages(period, 0), resources(period, "Alpha"), items(period, &[], 0)])
}

fn after() -> Vec<Slice> {
    months(|period| [usages(period, 1), resources(period, "Beta"), items(period, &["is_new"], 1)])
}

fn months(of: impl Fn(BillingPeriod) -> [Slice; 3]) -> Vec<Slice> {
    [month("2026-04"), month("2026-05")].into_iter().flat_map(of).collect()
}

/// Revisions of one run are entered table by table where they were missed, and month by month where not.
fn in_one_order(mut manifest: Manifest) -> Manifest {
    manifest.revisions.sort_by(|left, right| (left.period, &left.table).cmp(&(right.period, &right.table)));
    manifest
}

/// Where a run is killed.
#[derive(Debug, Clone, Copy)]
enum Point {
    Step(usize),
    After(Duration),
}

/// Starts a run in a process of its own and kills it; tells whether it was killed before its end.
fn kill(folder: &Path, point: Point) -> bool {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args([NAME, "--exact", "--nocapture"])
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    if let Point::Step(step) = point {
        command.env(end::STEP, step.to_string());
    }
    let mut child = command.spawn().unwrap();
    let mut said = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(said.any(|line| line.contains("SAYS begun")), "the other process did not begin");
    if let Point::After(time) = point {
        std::thread::sleep(time);
        child.kill().unwrap();
    }
    let is_ended = said.any(|line| line.contains("SAYS done"));
    child.wait().unwrap();
    !is_ended
}

/// The digest of what a month has by the log, in the columns of a slice.
async fn digest(folder: &Path, slice: &Slice) -> String {
    let table = folder.join(slice.schema().table().name());
    let files = Log::open(&table).await.unwrap().unwrap().files(slice.period()).unwrap();
    let [file] = &files[..] else { panic!("a month has one file") };
    let file = fs::File::open(table.join(&file.path)).unwrap();
    let rows = parquet::read(file, slice.schema(), slice.period()).unwrap();
    Slice::new(Arc::clone(slice.schema()), slice.period(), &rows).unwrap().digest().to_owned()
}

#[test]
fn a_killed_run_leaves_the_old_month_or_the_new_one() {
    let runtime = Runtime::new().unwrap();
    if let Some(folder) = std::env::var_os(FOLDER) {
        println!("SAYS begun");
        runtime.block_on(bring(Path::new(&folder), 2, &after())).unwrap();
        println!("SAYS done");
        return;
    }
    let root = TempDir::new().unwrap();
    let (old, new) = (root.path().join("old"), root.path().join("new"));
    runtime.block_on(bring(&old, 1, &before())).unwrap();
    copy(&old, &new);
    let began = Instant::now();
    runtime.block_on(bring(&new, 2, &after())).unwrap();
    let took = began.elapsed();

    let is_full = std::env::var("WALDUR_USAGE_SWEEP").is_ok_and(|sweep| sweep == "full");
    let steps = (1..=STEPS).step_by(if is_full { 1 } else { 3 }).map(Point::Step);
    let moments = u32::try_from(POINTS - STEPS).unwrap();
    let moments =
        (0..moments).step_by(if is_full { 1 } else { 10 }).map(|at| Point::After(took * at / moments));
    let points: Vec<Point> = steps.chain(moments).collect();

    let mut folders = Vec::new();
    for (at, point) in points.iter().enumerate() {
        let folder = root.path().join(at.to_string());
        copy(&old, &folder);
        let is_killed = kill(&folder, *point);
        assert!(is_killed || matches!(point, Point::After(_)), "{point:?} is no step of the run");
        for (before, after) in before().iter().zip(after()) {
            let found = runtime.block_on(digest(&folder, before));
            let is_old = found == before.digest();
            let is_new = runtime.block_on(digest(&folder, &after)) == after.digest();
            assert!(is_old != is_new, "{point:?}: {} of {}", before.schema().table(), before.period());
        }
        folders.push(folder);
    }
    // The same question to somebody else, before anything is mended.
    if let Some(found) = readers::sums(&folders) {
        let [is_old, is_new] =
            [&old, &new].map(|folder| readers::sums(std::slice::from_ref(folder)).unwrap().remove(0));
        for (point, found) in points.iter().zip(found) {
            for (month, sums) in &found {
                assert!([&is_old[month], &is_new[month]].contains(&sums), "{point:?}: {month} has {sums}");
            }
            assert_eq!(found.len(), 6, "{point:?}");
        }
    }
    for (point, folder) in points.iter().zip(&folders) {
        runtime.block_on(bring(folder, 2, &after())).unwrap();
        assert_eq!(in_one_order(manifest(folder)), in_one_order(manifest(&new)), "{point:?}");
        for table in ["usages", "resources", "invoice-items"] {
            let versions = |folder: &Path| commits(&folder.join(table)).len();
            assert_eq!(versions(folder), versions(&new), "{point:?}: {table} was written twice");
            assert!(!folder.join(table).join(".rows.parquet.draft").exists(), "{point:?}");
        }
        let mended = files(folder);
        let fates = runtime.block_on(bring(folder, 3, &after())).unwrap();
        assert_eq!(fates, [Fate::Unchanged; 6], "{point:?}");
        assert_eq!(files(folder), mended, "{point:?}");
    }
}
