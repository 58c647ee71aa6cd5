//! A token that expires in the middle of a run: the file is read again, and only the same account goes on.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::proxy;
use crate::rig::{HPC, Rig, Run, command};

/// A server whose tokens are `first` and then, from a moment on, `second`.
struct Renewal {
    rig: Rig,
    url: String,
}

/// Until which request the first token is good: the nth one with this method and this in its path.
#[derive(Clone, Copy)]
struct Until(&'static str, &'static str, usize);

impl Renewal {
    /// Lets the file hold `next` once the first token has expired, and `second` belong to an account.
    fn new(until: Until, next: &'static str, account: &str) -> Self {
        let rig = Rig::new();
        rig.long(&["climate-alps,2026-11,cpu,7.5", "climate-alps,2026-11,ram,8"]);
        let file = rig.file("token", "first\n");
        let (first, second) = (rig.token("owner"), rig.token(account));
        let (seen, has_expired) = (AtomicUsize::new(0), AtomicBool::new(false));
        let before = move |request: &mut proxy::Request| {
            let Until(method, path, number) = until;
            if request.method == method
                && request.path.contains(path)
                && seen.fetch_add(1, Ordering::Relaxed) + 1 == number
            {
                has_expired.store(true, Ordering::Relaxed);
                std::fs::write(&file, next).unwrap();
            }
            let has_expired = has_expired.load(Ordering::Relaxed);
            let carried = request.headers.iter_mut().find(|(name, _)| name == "authorization").unwrap();
            carried.1 = match (carried.1.as_str(), has_expired) {
                ("Token first", false) => format!("Token {first}"),
                ("Token second", true) => format!("Token {second}"),
                (other, _) => other.to_owned(),
            };
        };
        let url = proxy::start(&rig.sandbox.url(), before, |_, _| {});
        Self { rig, url }
    }

    fn apply(&self) -> Run {
        let output = command(self.rig.folder.path())
            .env("WALDUR_API_URL", &self.url)
            .args(["apply", "usage.csv", "--offering", HPC, "--yes", "--token-file", "token"])
            .args(crate::rig::LAX)
            .output()
            .unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let (stdout, stderr) = (text(output.stdout), text(output.stderr));
        Run { code: output.status.code().unwrap(), stdout, stderr }
    }
}

#[test]
fn a_read_goes_on_with_the_token_that_the_file_holds_by_then() {
    let renewal = Renewal::new(Until("GET", "provider-resources", 1), "second\n", "owner");
    renewal.apply().ends_with(0).says("verified");
    assert_eq!(renewal.rig.posts(), 1);
}

#[test]
fn a_post_that_was_answered_401_is_sent_once_more() {
    // The first post of a run asks for a capability.
    let renewal = Renewal::new(Until("POST", "set_usage", 2), "second", "owner");
    renewal.apply().ends_with(0).says("verified");
    let requests = renewal.rig.sandbox.requests();
    let posts: Vec<_> = requests.iter().filter(|request| request.method == "POST").collect();
    assert_eq!(posts.len(), 3, "one asks, one is refused, one is accepted");
    assert_eq!(renewal.rig.stored_of("climate-alps")["cpu"].amount.to_string(), "7.50");
}

#[test]
fn a_token_of_another_account_ends_the_run() {
    let renewal = Renewal::new(Until("GET", "provider-resources", 1), "second", "manager");
    renewal
        .apply()
        .ends_with(7)
        .says("the new token is of account")
        .says("hint: put a fresh token of the first");
    assert_eq!(renewal.rig.posts(), 0);
    let renewal = Renewal::new(Until("POST", "set_usage", 2), "second", "manager");
    let before = renewal.rig.stored();
    // Nobody can look any more, so what became of the post is left open.
    renewal.apply().ends_with(5).says("the new token is of account").says("0 accepted, 1 rejected");
    assert_eq!(renewal.rig.stored(), before);
}

#[test]
fn without_a_new_token_an_expired_one_stops_the_run() {
    for next in ["first", "third", ""] {
        let renewal = Renewal::new(Until("GET", "provider-resources", 1), next, "owner");
        renewal.apply().ends_with(7).says("does not accept the token: Invalid token.");
        let renewal = Renewal::new(Until("POST", "set_usage", 2), next, "owner");
        let before = renewal.rig.stored();
        renewal.apply().ends_with(5).says("the server does not let this account post: 401");
        assert_eq!(renewal.rig.stored(), before);
    }
}
