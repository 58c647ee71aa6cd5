//! Pipelines wherever they are started, and however they are stopped: the project file beside them, links to
//! them, the server that a flag names, and signals.

use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};

use crate::pipelines::{
    FILE, UPLOAD, configure, id_of, pipeline, pipeline_runs, rows, steps, upload, whole_world,
};
use crate::rig::{Rig, Run, command};
use crate::{proxy, runs::ROWS};

/// Runs the program in another folder, as a timer would.
fn from(rig: &Rig, folder: &Path, arguments: &[&str]) -> Run {
    let output = command(rig.folder.path())
        .current_dir(folder)
        .env("WALDUR_API_URL", rig.url())
        .env("WALDUR_ACCESS_TOKEN", rig.token("owner"))
        .args(arguments)
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Run { code: output.status.code().unwrap(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// The project file beside the pipeline.
fn project(rig: &Rig, text: &str) {
    rig.file("month-end/waldur-usage.toml", text);
}

/// Lets every schedule have been installed long ago.
fn age(rig: &Rig) {
    for entry in fs::read_dir(rig.folder.path().join("config/waldur-usage/schedules")).unwrap() {
        let path = entry.unwrap().path();
        let mut schedule: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        schedule["installed"] = "2020-01-01T00:00:00Z".into();
        fs::write(path, schedule.to_string()).unwrap();
    }
}

#[test]
fn the_project_file_of_a_pipeline_counts_wherever_it_is_started() {
    let rig = upload();
    whole_world(&rig);
    let elsewhere = tempfile::tempdir().unwrap();
    let file = rig.folder.path().join(FILE).canonicalize().unwrap();
    let file = file.to_str().unwrap();
    project(&rig, "[policy.guards]\nmax_money = '0.01'\n");
    for folder in [elsewhere.path(), rig.folder.path(), &rig.folder.path().join("month-end")] {
        from(&rig, folder, &["run", file, "--yes"]).ends_with(4).says("the plan: ").says("money");
        from(&rig, folder, &["run", file, "--dry-run"]).ends_with(4).says("money");
    }
    let begun = id_of(&pipeline_runs(&rig)[0]);
    from(&rig, elsewhere.path(), &["resume", &begun]).ends_with(4).says("money");
    // By itself, too.
    from(&rig, elsewhere.path(), &["schedule", "install", file, "--at", "daily 02:30", "--due", "--yes"])
        .ends_with(0);
    age(&rig);
    from(&rig, elsewhere.path(), &["schedule", "due"]).ends_with(4).says("due since").says("money");
    // What it does not say, that of the current folder still does.
    project(&rig, "[policy.guards]\nlowered_rows = 3\n");
    let here = elsewhere.path().join("waldur-usage.toml");
    fs::write(&here, "[policy.guards]\nmax_money = '0.01'\n").unwrap();
    from(&rig, elsewhere.path(), &["run", file, "--yes"]).ends_with(4).says("money");
    assert_eq!(rig.posts(), 0);
    // Where one of them is faulty or looser, nothing begins, and the file is named.
    for text in ["highest_percent = 100000", "max_money = -1", "max_money = 'much'"] {
        project(&rig, &format!("[policy.guards]\n{text}\n"));
        for arguments in
            [&["pipeline", "check", file][..], &["run", file, "--yes"], &["run", file, "--dry-run"]]
        {
            from(&rig, elsewhere.path(), arguments).ends_with(2).says("month-end/waldur-usage.toml line 2: ");
        }
    }
    project(&rig, "[policy.guards]\nlowest_percent = 120\n");
    fs::write(&here, "[policy.guards]\nhighest_percent = 110\n").unwrap();
    let both = from(&rig, elsewhere.path(), &["pipeline", "check", file]).ends_with(2);
    both.says("month-end/waldur-usage.toml and ").says("lowest_percent is above highest_percent");
    // With nothing in its way it posts.
    fs::remove_file(&here).unwrap();
    project(&rig, "");
    from(&rig, elsewhere.path(), &["run", file, "--yes"]).ends_with(0).says("verified");
}

#[test]
fn the_project_file_of_a_pipeline_picks_its_server_for_every_step() {
    let rig = upload();
    whole_world(&rig);
    pipeline(&rig, &UPLOAD.replace("server = \"main\"\n", ""));
    project(&rig, "profile = 'main'\n");
    let elsewhere = tempfile::tempdir().unwrap();
    let output = command(rig.folder.path())
        .current_dir(elsewhere.path())
        .env("WALDUR_ACCESS_TOKEN", rig.token("owner"))
        .args(["run", rig.folder.path().join(FILE).to_str().unwrap(), "--yes"])
        .output()
        .unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    assert_eq!(stderr.matches("the server is main, as ").count(), 1, "it is said once\n{stderr}");
    assert!(stderr.contains("month-end/waldur-usage.toml says"), "{stderr}");
}

#[test]
fn an_address_that_is_not_the_servers_own_is_said() {
    let rig = upload();
    whole_world(&rig);
    let run = rig.run(&["run", FILE, "--dry-run"]);
    assert!(!run.stderr.contains("the server is"), "{}", run.all());
    let folder = rig.folder.path().join("config/waldur-usage");
    let text = fs::read_to_string(folder.join("config.toml")).unwrap();
    fs::write(folder.join("config.toml"), text.replace(rig.url(), "https://main.example.org")).unwrap();
    let told = format!("the server is {}, as --url or WALDUR_API_URL says, and not main", rig.url());
    rig.run(&["run", FILE, "--dry-run"]).says(&told);
}

#[cfg(unix)]
#[test]
fn a_link_to_a_pipeline_is_the_same_pipeline() {
    let rig = upload();
    whole_world(&rig);
    std::os::unix::fs::symlink("pipeline.toml", rig.folder.path().join("month-end/link.toml")).unwrap();
    let second = Arc::new(Mutex::new(None::<(Option<i32>, String)>));
    let told = second.clone();
    let (folder, token, upstream) = (rig.folder.path().to_owned(), rig.token("owner"), rig.sandbox.url());
    let front = proxy::start(
        &rig.sandbox.url(),
        move |_| {
            let mut told = told.lock().unwrap();
            if told.is_none() {
                let output = command(&folder)
                    .env("WALDUR_API_URL", &upstream)
                    .env("WALDUR_ACCESS_TOKEN", &token)
                    .args(["run", "month-end/link.toml", "--yes"])
                    .output()
                    .unwrap();
                *told = Some((output.status.code(), String::from_utf8(output.stderr).unwrap()));
            }
        },
        |_, _| {},
    );
    let rig = rig.through(&front);
    rig.run(&["run", FILE, "--yes"]).ends_with(0);
    let (code, said) = second.lock().unwrap().clone().unwrap();
    assert_eq!(code, Some(8), "{said}");
    assert!(said.contains("of this pipeline goes on since"), "{said}");
}

#[test]
fn a_pattern_that_may_lead_upwards_is_told_before_anything_is_read() {
    let rig = upload();
    for pattern in [".?/outside/*", "usage/.*/*.csv", ".[.]/x.csv"] {
        pipeline(&rig, &UPLOAD.replace("usage/*.csv", pattern));
        rig.run(&["pipeline", "check", FILE]).ends_with(2).says("line 5: ").says("may stand for `..`");
        rig.run(&["run", FILE, "--yes"]).ends_with(2).says("may stand for `..`");
    }
    assert!(rig.sandbox.requests().is_empty());
}

#[test]
fn resume_without_a_run_goes_on_with_a_pipeline_that_has_not_run_since() {
    let rig = upload();
    whole_world(&rig);
    project(&rig, "[policy.guards]\nmax_money = '0.01'\n");
    rig.run(&["run", FILE, "--yes"]).ends_with(4);
    let begun = id_of(&pipeline_runs(&rig)[0]);
    rig.run(&["resume"]).ends_with(4).says(&format!("goes on with run {begun} of the pipeline upload"));
    project(&rig, "");
    // What ran again since may have done it all.
    rig.run(&["run", FILE, "--yes"]).ends_with(0);
    let posts = rig.posts();
    let told = rig.run(&["resume"]).ends_with(0);
    told.says("nothing to resume: upload has run again since its run ").says(&begun);
    assert_eq!(rig.posts(), posts);
    // Another one that stopped, and did not run since, is gone on with.
    fs::remove_dir_all(rig.folder.path().join("month-end/reports")).unwrap();
    rows(&rig, &ROWS);
    rig.run(&["run", FILE, "--yes"]).ends_with(3);
    whole_world(&rig);
    let run = rig.run(&["resume"]).ends_with(0);
    run.says("step 4 of 5, report");
    assert!(steps(&pipeline_runs(&rig)[0]).iter().all(|(_, state)| state == "done"));
}

#[cfg(unix)]
mod signals {
    use std::process::Stdio;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use rustix::process::{Pid, Signal, kill_process};

    use super::{Arc, FILE, Mutex, Path, Rig, Run, age, command, configure, fs, pipeline_runs, proxy, steps};
    use super::{from, upload, whole_world};

    /// Which request a signal comes with.
    #[derive(Clone, Copy)]
    enum When {
        Request(usize),
        FirstPost,
    }

    /// Runs the program and sends it signals while a request is under way, each after so many milliseconds.
    fn signalled(
        rig: &Rig,
        arguments: &[&str],
        when: When,
        signal: Signal,
        pauses: &'static [u64],
    ) -> (Run, String) {
        let victim = Arc::new(Mutex::new(None::<Pid>));
        let (its, seen) = (victim.clone(), AtomicUsize::new(0));
        let front = proxy::start(
            &rig.sandbox.url(),
            move |request| {
                let is_post = request.path.contains("set_usage") && !request.is_probe();
                let is_due = match when {
                    When::Request(number) => seen.fetch_add(1, Ordering::SeqCst) == number,
                    When::FirstPost => is_post && seen.fetch_add(1, Ordering::SeqCst) == 0,
                };
                if !is_due {
                    return;
                }
                let pid = loop {
                    if let Some(pid) = *its.lock().unwrap() {
                        break pid;
                    }
                    std::thread::sleep(Duration::from_millis(1));
                };
                for pause in pauses {
                    std::thread::sleep(Duration::from_millis(*pause));
                    let _ = kill_process(pid, signal);
                }
                // It hears of it before the answer comes.
                std::thread::sleep(Duration::from_millis(400));
            },
            |_, _| {},
        );
        let child = command(rig.folder.path())
            .env("WALDUR_API_URL", &front)
            .env("WALDUR_ACCESS_TOKEN", rig.token("owner"))
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        *victim.lock().unwrap() = Pid::from_raw(i32::try_from(child.id()).unwrap());
        let output = child.wait_with_output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let (stdout, stderr) = (text(output.stdout), text(output.stderr));
        let code = output.status.code();
        (Run { code: code.unwrap_or_else(|| panic!("{}: {stderr}", output.status)), stdout, stderr }, front)
    }

    /// A rig whose runs tell a file how they ended.
    fn watched() -> Rig {
        let rig = upload();
        whole_world(&rig);
        let told = rig.folder.path().join("told");
        configure(
            &rig,
            &format!("[watch.program]\ncommand = ['/bin/sh', '-c', '/bin/cat >> {}']", told.display()),
        );
        rig
    }

    fn told(rig: &Rig) -> Vec<serde_json::Value> {
        let text = fs::read_to_string(rig.folder.path().join("told")).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn run_of(rig: &Rig, arguments: &[&str], when: When, signal: Signal) -> Run {
        signalled(rig, arguments, when, signal, &[0]).0
    }

    const RUN: [&str; 5] = ["run", FILE, "--yes", "--connections", "1"];

    #[test]
    fn a_run_that_is_told_to_stop_says_so_to_whoever_is_told() {
        for signal in [Signal::INT, Signal::TERM] {
            // Before its first step.
            let rig = watched();
            run_of(&rig, &RUN, When::Request(0), signal).ends_with(130).says("interrupted");
            let line = &told(&rig)[0];
            assert_eq!((&line["event"], &line["code"]), (&"failed".into(), &130.into()), "{line}");
            assert_eq!(pipeline_runs(&rig)[0]["state"], "interrupted", "it is over");
            // In the middle of one.
            let rig = watched();
            run_of(&rig, &RUN, When::Request(4), signal).ends_with(130).says("`waldur-usage resume ");
            let line = &told(&rig)[0];
            assert_eq!((&line["code"], &line["steps"][0]["code"]), (&130.into(), &130.into()), "{line}");
            let begun = &pipeline_runs(&rig)[0];
            assert_eq!(steps(begun)[0], ("check".into(), "interrupted, can be resumed".into()));
            assert_eq!(rig.posts(), 0);
        }
    }

    #[test]
    fn a_service_that_is_stopped_while_it_posts_finishes_what_is_under_way() {
        let rig = watched();
        // All who hear of the stop tell the program: that is one wish, and not two.
        let (run, front) = signalled(&rig, &RUN, When::FirstPost, Signal::TERM, &[0, 1, 1]);
        let run = run.ends_with(5).says("requests in flight finish");
        assert!(!run.stderr.contains("stopped at once"), "{}", run.all());
        assert_eq!((rig.posts(), told(&rig)[0]["code"].as_u64()), (1, Some(5)));
        assert_eq!(steps(&pipeline_runs(&rig)[0])[2].1, "partial, can be resumed");
        let rig = rig.through(&front);
        rig.run(&["resume"]).ends_with(0).says("verified");
        // The second wish is not patient.
        let rig = watched();
        let (run, front) = signalled(&rig, &RUN, When::FirstPost, Signal::TERM, &[0, 700]);
        run.ends_with(5).says("stopped at once").says("`waldur-usage resume ");
        assert_eq!(told(&rig)[0]["code"], 5);
        rig.through(&front).run(&["resume"]).ends_with(0).says("verified");
    }

    #[test]
    fn every_command_hears_the_signal_of_services_as_ctrl_c() {
        let rig = watched();
        let check = ["check", "month-end/usage/usage.csv", "--profile", "main"];
        run_of(&rig, &check, When::Request(2), Signal::TERM).ends_with(130).says("nothing was sent");
        let apply =
            ["apply", "month-end/usage/usage.csv", "--profile", "main", "--yes", "--connections", "1"];
        run_of(&rig, &apply, When::FirstPost, Signal::TERM).ends_with(5).says("waldur-usage resume ");
        assert_eq!(rig.posts(), 1);
    }

    #[test]
    fn what_schedule_due_has_started_is_stopped_with_it() {
        let rig = watched();
        let install = ["schedule", "install", FILE, "--at", "daily 02:30", "--due", "--yes"];
        from(&rig, Path::new(rig.folder.path()), &install).ends_with(0);
        age(&rig);
        // The one that is told is not the one that runs the pipeline.
        run_of(&rig, &["schedule", "due"], When::Request(4), Signal::TERM).ends_with(130);
        assert_eq!(told(&rig)[0]["code"], 130);
        assert_eq!(rig.posts(), 0);
    }
}
