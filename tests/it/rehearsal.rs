//! A plan that was made in a rehearsal is never applied to a real server, and the other way round,
//! even where both have the same address.

use std::sync::{Arc, Mutex};

use waldur_usage::sandbox::{Settings, World};

use crate::proxy::{self, Answer, Request};
use crate::rig::{HPC, Rig};

const HEADER: &str = "X-Waldur-Sandbox";
const APPLY: [&str; 3] = ["apply", "plan.json", "--yes"];

/// What stands at the one address.
#[derive(Clone, PartialEq)]
enum Behind {
    /// The sandbox itself.
    Sandbox,
    /// A server that names no world, as a real one.
    Real,
    /// Another world.
    OtherWorld,
    /// The sandbox until the first post, then a real server.
    RealFromFirstPost,
    /// The sandbox until the first post has been answered by a real server.
    RealAnswersFirstPost,
}

/// A rig whose address can be taken over by something else.
fn rig() -> (Rig, Arc<Mutex<Behind>>) {
    let behind = Arc::new(Mutex::new(Behind::Sandbox));
    let rig = Rig::new();
    let (before, after) = (behind.clone(), behind.clone());
    let looks = Mutex::new(0);
    let url = proxy::start(
        &rig.sandbox.url(),
        move |request: &mut Request| {
            let mut behind = before.lock().unwrap();
            // The second look at a resource is the last read before its post.
            let mut looks = looks.lock().unwrap();
            if request.path.contains("/plan_periods/") {
                *looks += 1;
            }
            if *behind == Behind::RealFromFirstPost && *looks == 2 {
                *behind = Behind::Real;
            }
        },
        move |request: &Request, answer: &mut Answer| {
            let mut behind = after.lock().unwrap();
            let is_created = answer.status.contains("201");
            if *behind == Behind::RealAnswersFirstPost && is_created && request.method == "POST" {
                *behind = Behind::Real;
            }
            match *behind {
                Behind::Real => answer.remove(HEADER),
                Behind::OtherWorld => answer.set(HEADER, "0123456789abcdef0123456789abcdef"),
                Behind::Sandbox | Behind::RealFromFirstPost | Behind::RealAnswersFirstPost => {}
            }
        },
    );
    (rig.through(&url), behind)
}

fn plan(rig: &Rig) {
    rig.long(&["climate-alps,2026-11,cpu,7.5", "climate-era5,2026-11,cpu,300"]);
    rig.run(&["plan", "usage.csv", "--offering", HPC, "-o", "plan.json"]).ends_with(0);
}

#[test]
fn a_plan_of_a_sandbox_fits_that_world_alone() {
    let (rig, behind) = rig();
    plan(&rig);
    for (other, words) in [
        (Behind::Real, "the plan was made against a sandbox with world "),
        (Behind::OtherWorld, "a sandbox with world 0123456789abcdef0123456789abcdef answers on http://"),
    ] {
        *behind.lock().unwrap() = other;
        rig.run(&APPLY).ends_with(4).says(words).says("make a plan for this server");
    }
    assert_eq!(rig.posts(), 0);
    *behind.lock().unwrap() = Behind::Sandbox;
    rig.run(&APPLY).ends_with(0).says("2 posted").says("a sandbox answers there (named ");
}

#[test]
fn a_plan_of_a_real_server_is_not_posted_to_a_sandbox() {
    let (rig, behind) = rig();
    *behind.lock().unwrap() = Behind::Real;
    plan(&rig);
    *behind.lock().unwrap() = Behind::Sandbox;
    rig.run(&APPLY).ends_with(4).says("made against a server that is no sandbox, and a sandbox with world ");
    assert_eq!(rig.posts(), 0, "a report that ends in a rehearsal would be taken for delivered");
    *behind.lock().unwrap() = Behind::Real;
    let run = rig.run(&APPLY).ends_with(0).says("2 posted");
    assert!(!run.all().contains("a sandbox answers"), "{}", run.all());
}

#[test]
fn the_world_of_a_plan_is_under_its_digest() {
    let (rig, behind) = rig();
    plan(&rig);
    let text = std::fs::read_to_string(rig.folder.path().join("plan.json")).unwrap();
    let mut written: serde_json::Value = serde_json::from_str(&text).unwrap();
    let header = written["body"]["binding"].as_object_mut().unwrap();
    assert!(header["sandbox"].as_str().unwrap().len() == 32 && text.contains("\"sandbox\""));
    header.remove("sandbox");
    rig.file("plan.json", serde_json::to_string(&written).unwrap());
    *behind.lock().unwrap() = Behind::Real;
    rig.run(&APPLY).ends_with(4).says("damaged or edited");
    assert_eq!(rig.posts(), 0);
}

#[test]
fn a_server_that_changes_hands_before_the_first_post_gets_none() {
    let (rig, behind) = rig();
    // No row may be old at all, so the resource is read again just before its post.
    rig.long(&["climate-era5,2026-11,cpu,300"]);
    *behind.lock().unwrap() = Behind::RealFromFirstPost;
    rig.run(&["apply", "usage.csv", "--offering", HPC, "--yes", "--max-age", "0"])
        .ends_with(6)
        .says("is answered by another server than before");
    assert_eq!(rig.posts(), 0);
}

#[test]
fn a_server_that_changes_hands_in_the_middle_gets_no_second_post() {
    let (rig, behind) = rig();
    *behind.lock().unwrap() = Behind::RealAnswersFirstPost;
    rig.long(&["climate-alps,2026-11,cpu,7.5", "climate-cordex,2026-11,cpu,80.5", "qmat-gw,2026-11,cpu,3"]);
    rig.run(&["apply", "usage.csv", "--offering", HPC, "--yes", "--connections", "1"])
        .ends_with(5)
        .says("is answered by another server than before");
    assert_eq!(rig.posts(), 1);
}

#[test]
fn a_sandbox_of_the_same_world_takes_the_plan_again_after_a_restart() {
    let rig = Rig::new();
    plan(&rig);
    let listen = rig.sandbox.url().trim_start_matches("http://").parse().unwrap();
    let (folder, _) = rig.stop();
    let listen = waldur_usage::sandbox::Listen::on_loopback(listen).unwrap();
    let again = Rig::on(Settings { listen, ..Settings::new(World::built_in()) });
    again.file("plan.json", std::fs::read(folder.path().join("plan.json")).unwrap());
    again.run(&APPLY).ends_with(0).says("2 posted");
}
