//! Who holds a lock: a process, as another one on this machine or elsewhere can tell.
//!
//! A process number means something only among the processes that were counted together: on the
//! same host, and on Linux within the same container. Elsewhere nothing is said about it.

/// A process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Holder {
    /// The name of its user.
    pub owner: String,
    /// The name of its machine.
    pub host: String,
    /// What its number is counted in, beside the host; empty where that is all.
    pub processes: String,
    /// Its number.
    pub pid: u32,
}

impl Holder {
    /// This process.
    pub(super) fn this() -> Self {
        Self { owner: user_name(), host: host_name(), processes: counted_in(), pid: std::process::id() }
    }

    /// Whether another process is known not to be there any more.
    pub(super) fn sees_the_end_of(&self, other: &Self) -> bool {
        self.host == other.host && self.processes == other.processes && is_gone(other.pid)
    }
}

fn user_name() -> String {
    ["LOGNAME", "USER", "USERNAME"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
        .unwrap_or_else(user_number)
}

#[cfg(unix)]
fn user_number() -> String {
    format!("user {}", rustix::process::geteuid().as_raw())
}

#[cfg(not(unix))]
fn user_number() -> String {
    "an unknown user".into()
}

#[cfg(unix)]
fn host_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

#[cfg(not(unix))]
fn host_name() -> String {
    std::env::var("COMPUTERNAME").unwrap_or_default()
}

/// On Linux containers may share the name of their host and count processes apart.
fn counted_in() -> String {
    let space = std::fs::read_link("/proc/self/ns/pid");
    space.map(|space| space.to_string_lossy().into_owned()).unwrap_or_default()
}

#[cfg(unix)]
fn is_gone(pid: u32) -> bool {
    let pid = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw);
    // A process of somebody else's is there, though we may not touch it.
    pid.is_some_and(|pid| rustix::process::test_kill_process(pid) == Err(rustix::io::Errno::SRCH))
}

#[cfg(not(unix))]
fn is_gone(_: u32) -> bool {
    false
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::process::Command;

    use super::Holder;

    #[test]
    fn a_process_is_gone_when_it_has_ended_and_was_counted_with_ours() {
        let this = Holder::this();
        assert!(!this.owner.is_empty() && !this.host.is_empty());
        assert!(!this.sees_the_end_of(&this), "this process is there");
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        let other = Holder { pid: child.id(), ..this.clone() };
        assert!(!this.sees_the_end_of(&other));
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(this.sees_the_end_of(&other));
        assert!(!this.sees_the_end_of(&Holder { host: "elsewhere".into(), ..other.clone() }));
        assert!(!this.sees_the_end_of(&Holder { processes: "pid:[1]".into(), ..other.clone() }));
        // A number that can be no process says nothing.
        for pid in [0, u32::MAX] {
            assert!(!this.sees_the_end_of(&Holder { pid, ..this.clone() }));
        }
    }
}
