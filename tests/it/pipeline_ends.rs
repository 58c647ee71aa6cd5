//! How runs of pipelines end where something goes wrong on the way, and what is told of them then.

use std::fs;

use waldur_usage::sandbox::{Fault, FaultKind};

use crate::pipelines::{FILE, UPLOAD, configure, id_of, pipeline, pipeline_runs, steps, upload, whole_world};
use crate::rig::Rig;

#[test]
fn a_post_that_the_server_rejects_ends_the_run_and_is_not_passed_over() {
    let rig = upload();
    whole_world(&rig);
    let (method, path_contains) = ("POST".to_owned(), "set_usage".to_owned());
    let kind = FaultKind::Status(500, "{}".into(), "application/json".into());
    rig.sandbox.inject(Fault { method, path_contains, times: usize::MAX, ..Fault::new(kind) });
    let run = rig.run(&["run", FILE, "--yes"]).ends_with(6);
    assert!(!run.all().contains("waldur-usage resume"), "{}", run.all());
    let over = &pipeline_runs(&rig)[0];
    assert_eq!(over["state"], "server");
    let states: Vec<String> = steps(over).into_iter().map(|(_, state)| state).collect();
    assert_eq!(states, ["done", "done", "server", "not begun", "not begun"]);
    rig.sandbox.clear_faults();
    let posts = rig.posts();
    rig.run(&["resume"]).ends_with(0).says("nothing to resume");
    rig.run(&["resume", &id_of(over)]).ends_with(2).says("is over").says("`waldur-usage run FILE`");
    assert_eq!(rig.posts(), posts);
    // The next run is one of its own, and posts.
    rig.run(&["run", FILE, "--yes"]).ends_with(0).says("verified");
}

#[test]
fn a_key_that_differs_in_two_steps_differs_once() {
    let rig = upload();
    whole_world(&rig);
    pipeline(&rig, &UPLOAD.replace("[post]", "[missing]").replace("fail_on = [\"class:amount\"]\n", ""));
    let run = rig.run(&["run", FILE, "--format", "json"]).ends_with(1);
    let steps = &run.json()["steps"];
    let breaks: Vec<u64> =
        steps.as_array().unwrap().iter().filter_map(|step| step["facts"]["breaks"].as_u64()).collect();
    assert!(breaks.iter().filter(|breaks| **breaks > 0).count() > 1, "{breaks:?}");
    let most = breaks.iter().max().unwrap();
    run.says(&format!(", {most} differ"));
    let listed = rig.run(&["runs", "list"]).ends_with(0);
    let row = listed.stdout.lines().nth(1).unwrap();
    assert_eq!(row.split_whitespace().last(), Some(most.to_string().as_str()), "{}", listed.stdout);
}

#[test]
fn the_list_of_what_is_missing_can_be_rehearsed_as_it_is_shipped() {
    let rig = Rig::new();
    configure(&rig, "");
    let template = rig.run(&["pipeline", "show", "who-has-not-reported"]).ends_with(0).stdout;
    pipeline(&rig, &template);
    rig.run(&["pipeline", "check", FILE]).ends_with(0).says("no fault");
    rig.run(&["run", FILE, "--dry-run"]).ends_with(1).says("a dry run: nothing was posted");
}

#[test]
fn a_faulty_pipeline_is_spoken_of_by_its_name() {
    let rig = upload();
    let folder = rig.folder.path().join("metrics");
    fs::create_dir(&folder).unwrap();
    configure(&rig, &format!("[watch]\nmetrics_folder = '{}'", folder.display()));
    for text in [UPLOAD.replace("\"open\"", "\"opn\""), UPLOAD.replace("\"main\"", "\"mian\"")] {
        pipeline(&rig, &text);
        rig.run(&["run", FILE, "--yes"]).ends_with(2);
    }
    // One that nobody can read has no name but that of its file.
    pipeline(&rig, "name = ");
    rig.run(&["run", FILE, "--yes"]).ends_with(2);
    let files = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut files: Vec<String> = files.collect();
    files.sort();
    assert_eq!(files.len(), 2, "{files:?}");
    assert!(files[0].starts_with("waldur-usage-pipeline-") && files[1].starts_with("waldur-usage-upload-"));
}

#[test]
fn who_was_not_there_to_agree_can_agree_later() {
    let rig = upload();
    whole_world(&rig);
    rig.run(&["run", FILE]).ends_with(2).says("nobody can be asked");
    let run = id_of(&pipeline_runs(&rig)[0]);
    rig.run(&["resume", &run]).ends_with(2);
    assert_eq!(rig.posts(), 0);
    rig.run(&["resume", &run, "--yes"]).ends_with(0).says("verified");
    assert!(rig.posts() > 0);
}

#[test]
fn a_variable_that_is_set_to_nothing_is_not_set() {
    let rig = upload();
    for name in ["WALDUR_USAGE_STORE", "WALDUR_USAGE_LOG", "WALDUR_PROFILE"] {
        let output =
            crate::rig::command(rig.folder.path()).env(name, "").args(["runs", "list"]).output().unwrap();
        assert!(output.status.success(), "{name}: {output:?}");
    }
    rig.run(&["runs", "list", "--store", ""]).ends_with(2).says("--store");
}

#[cfg(unix)]
mod unix {
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::process::{Command, Stdio};
    use std::time::Duration;

    use super::*;

    #[test]
    fn links_that_wait_for_drafts_get_nothing() {
        let rig = upload();
        whole_world(&rig);
        let outside = rig.file("precious", "mine");
        let reports = rig.folder.path().join("month-end/reports");
        fs::create_dir_all(&reports).unwrap();
        // As drafts were called once: by the number of the process, which somebody can guess.
        let own = std::process::id();
        for number in (1..100).chain(own..own + 3_000) {
            symlink(&outside, reports.join(format!("2026-11.json.{number}.part"))).unwrap();
        }
        rig.run(&["run", FILE, "--yes"]).ends_with(0);
        assert_eq!(fs::read_to_string(&outside).unwrap(), "mine");
        assert!(fs::symlink_metadata(reports.join("2026-11.json")).unwrap().is_file());
    }

    #[test]
    fn a_folder_that_becomes_a_link_meanwhile_gets_nothing() {
        let outside = tempfile::tempdir().unwrap();
        for steps in [
            "[report]\nout = [\"out/{period}.json\"]\nreplace = true\n",
            "[missing]\nout = [\"out/missing.csv\"]\ntemplate = \"out/template.xlsx\"\n",
            "[export]\nto = [\"csv:out\"]\ntables = [\"usages\"]\n",
            "[export]\nto = [\"delta:out\"]\ntables = [\"usages\"]\n",
            "[export]\nto = [\"xlsx:out/usages.xlsx\"]\ntables = [\"usages\"]\n",
        ] {
            let rig = upload();
            whole_world(&rig);
            let above = if steps.starts_with("[report]") { "[post]" } else { "[input]" };
            let (head, _) = UPLOAD.split_once(above).unwrap();
            pipeline(&rig, &format!("{head}{steps}"));
            let place = rig.folder.path().join("month-end/out");
            fs::create_dir(&place).unwrap();
            rig.inject(
                "GET",
                "component-usages",
                0,
                usize::MAX,
                FaultKind::Delay(Duration::from_millis(400)),
            );
            let mut child = crate::rig::command(rig.folder.path())
                .env("WALDUR_API_URL", rig.url())
                .env("WALDUR_ACCESS_TOKEN", rig.token("owner"))
                .args(["run", FILE])
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap();
            // What the folder is was looked at before anything was asked.
            let is_asked =
                || rig.sandbox.requests().iter().any(|request| request.path.contains("component-usages"));
            while !is_asked() && child.try_wait().unwrap().is_none() {
                std::thread::sleep(Duration::from_millis(10));
            }
            fs::rename(&place, place.with_file_name("was")).unwrap();
            symlink(outside.path(), &place).unwrap();
            let output = child.wait_with_output().unwrap();
            let said = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(2), "{steps}: {said}");
            assert!(said.contains("link"), "{steps}: {said}");
            assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0, "{steps}");
        }
    }

    #[test]
    fn links_that_lead_to_each_other_end_no_pattern_and_no_run() {
        let rig = upload();
        whole_world(&rig);
        let folder = rig.folder.path().join("month-end");
        for link in ["s1", "s2", "s3"] {
            symlink(".", folder.join(link)).unwrap();
        }
        symlink("..", folder.join("up")).unwrap();
        symlink("/", folder.join("root")).unwrap();
        for pattern in ["*/".repeat(14) + "*.csv", "**/*.zzz.csv".to_owned(), "r*/*/*/*/*.csv".to_owned()] {
            pipeline(&rig, &UPLOAD.replace("usage/*.csv", &pattern));
            rig.run(&["run", FILE, "--yes"]).ends_with(2).says("no spreadsheet");
        }
        assert_eq!(rig.posts(), 0);
    }

    #[test]
    fn a_wish_to_stop_while_the_last_post_is_under_way_ends_the_run_behind_it() {
        let rig = upload();
        whole_world(&rig);
        rig.inject("POST", "set_usage", 0, usize::MAX, FaultKind::Delay(Duration::from_secs(3)));
        let mut child = crate::rig::command(rig.folder.path())
            .env("WALDUR_ACCESS_TOKEN", rig.token("owner"))
            .env("WALDUR_API_URL", rig.url())
            // All of them are under way at once, so that none is left to be sent.
            .args(["run", FILE, "--yes", "--connections", "64"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // Where a post has come in, it is under way.
        while rig.posts() < 27 && child.try_wait().unwrap().is_none() {
            std::thread::sleep(Duration::from_millis(20));
        }
        let number = child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &number]).status().unwrap().success());
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(5), "{said}");
        assert!(said.contains("requests in flight finish"), "{said}");
        let run = &pipeline_runs(&rig)[0];
        let states: Vec<String> = steps(run).into_iter().map(|(_, state)| state).collect();
        assert_eq!(states, ["done", "done", "done", "not begun", "not begun"]);
        rig.sandbox.clear_faults();
        rig.run(&["resume", &id_of(run)]);
        assert_ne!(steps(&pipeline_runs(&rig)[0])[3].1, "not begun");
    }

    #[test]
    fn settings_that_anybody_may_change_are_refused() {
        let rig = upload();
        let config = rig.folder.path().join("config/waldur-usage/config.toml");
        fs::set_permissions(&config, PermissionsExt::from_mode(0o666)).unwrap();
        for command in [&["auth", "status"][..], &["run", FILE, "--yes"], &["config", "explain"]] {
            rig.run(command).ends_with(2).says("anybody may change");
        }
        assert!(rig.sandbox.requests().is_empty());
        fs::set_permissions(&config, PermissionsExt::from_mode(0o664)).unwrap();
        rig.run(&["config", "explain"]).ends_with(0);
    }
}
