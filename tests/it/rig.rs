//! What a test runs on: a sandbox, a folder of its own, and the program with a clean environment.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;
use tokio::runtime::Runtime;
use waldur_usage::sandbox::{Fault, FaultKind, Sandbox, Settings, StoredUsage, World, start};

/// The offering of the built-in world in which tests look resources up.
pub const HPC: &str = "HPC allocation";

/// What lets a file of a few rows pass the guards.
pub const LAX: [&str; 2] = ["--allow-jump", "--allow-missing-organisation"];

/// A sandbox and a folder.
pub struct Rig {
    runtime: Runtime,
    pub sandbox: Sandbox,
    pub folder: TempDir,
    url: String,
}

/// What a run of the program left.
pub struct Run {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Run {
    /// stdout and stderr, for messages of failed tests.
    pub fn all(&self) -> String {
        format!("exit {}\n--- stdout\n{}\n--- stderr\n{}", self.code, self.stdout, self.stderr)
    }

    /// Fails unless the run ended so.
    pub fn ends_with(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{}", self.all());
        self
    }

    /// Fails unless stdout or stderr has the text.
    pub fn says(self, text: &str) -> Self {
        assert!(self.stdout.contains(text) || self.stderr.contains(text), "no {text:?} in\n{}", self.all());
        self
    }

    /// stdout as JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}\n{}", self.all()))
    }
}

impl Rig {
    /// The built-in world.
    pub fn new() -> Self {
        Self::on(Settings::new(World::built_in()))
    }

    /// Any sandbox.
    pub fn on(settings: Settings) -> Self {
        let runtime = Runtime::new().unwrap();
        let sandbox = runtime.block_on(start(settings)).unwrap();
        let url = sandbox.url();
        Self { runtime, sandbox, folder: TempDir::new().unwrap(), url }
    }

    /// Lets the program talk to another address than the sandbox's own.
    pub fn through(mut self, url: &str) -> Self {
        url.clone_into(&mut self.url);
        self
    }

    /// The address that the program talks to.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Writes a file into the folder.
    pub fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    /// Writes a long table: a header and rows.
    pub fn long(&self, rows: &[&str]) -> PathBuf {
        let header = "resource_name,billing_period,component_type,amount";
        self.file("usage.csv", format!("{header}\n{}\n", rows.join("\n")))
    }

    /// The token of an account.
    pub fn token(&self, account: &str) -> String {
        self.sandbox.tokens()[account].clone()
    }

    /// Runs the program as the provider's owner.
    pub fn run(&self, arguments: &[&str]) -> Run {
        self.run_as(&self.token("owner"), arguments)
    }

    /// Runs the program with a token.
    pub fn run_as(&self, token: &str, arguments: &[&str]) -> Run {
        // The files of tests name a few resources, which the guards would take for a truncated month.
        let lax: &[&str] = if arguments.first() == Some(&"apply") { &LAX } else { &[] };
        self.run_guarded(token, &[arguments, lax].concat())
    }

    /// Runs the program with a token, under the guards as they are.
    pub fn run_guarded(&self, token: &str, arguments: &[&str]) -> Run {
        let output = command(self.folder.path())
            .env("WALDUR_API_URL", &self.url)
            .env("WALDUR_ACCESS_TOKEN", token)
            .args(arguments)
            .output()
            .unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let run = Run {
            code: output.status.code().unwrap(),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        };
        let shows = |text: &str| !token.is_empty() && text.contains(token);
        assert!(!shows(&run.stdout) && !shows(&run.stderr), "the token shows in\n{}", run.all());
        run
    }

    /// What is stored, by resource, component and month.
    pub fn stored(&self) -> BTreeMap<String, StoredUsage> {
        let key = |usage: &StoredUsage| {
            format!("{} {} {} {:?}", usage.resource, usage.component, usage.period, usage.plan_period)
        };
        self.sandbox.usages().into_iter().map(|usage| (key(&usage), usage)).collect()
    }

    /// The stored usages of a resource, by its name, this month: component to usage.
    pub fn stored_of(&self, name: &str) -> BTreeMap<String, StoredUsage> {
        let id = self.resource(name);
        let usages = self.sandbox.usages().into_iter();
        let own =
            usages.filter(|usage| usage.resource.to_string() == id && usage.period.to_string() == "2026-11");
        own.map(|usage| (usage.component.to_string(), usage)).collect()
    }

    /// The uuid of a resource by its name.
    pub fn resource(&self, name: &str) -> String {
        let url = format!(
            "{}/api/marketplace-provider-resources/?name_exact={name}&field=uuid",
            self.sandbox.url()
        );
        let rows = crate::proxy::get_json(&url, &self.token("staff"));
        rows[0]["uuid"].as_str().unwrap().to_owned()
    }

    /// The posts that the sandbox has seen.
    pub fn posts(&self) -> usize {
        let requests = self.sandbox.requests();
        requests.iter().filter(|request| request.method == "POST" && !is_probe(&request.body)).count()
    }

    /// Lets requests go wrong. The first post of a run asks for a capability and is let through.
    pub fn inject(&self, method: &str, path: &str, skip: usize, times: usize, kind: FaultKind) {
        let skip = skip + usize::from(method == "POST");
        let (method, path_contains) = (method.to_owned(), path.to_owned());
        self.sandbox.inject(Fault { method, path_contains, skip, times, ..Fault::new(kind) });
    }

    /// Stops the sandbox and leaves its address dead.
    pub fn stop(self) -> (TempDir, String) {
        self.runtime.block_on(self.sandbox.stop());
        (self.folder, self.url)
    }
}

/// Whether a post is the one that no version can save.
fn is_probe(body: &str) -> bool {
    body == r#"{"usages":[],"date":"garbage"}"#
}

/// The program in a folder, with nothing of the caller's environment.
pub fn command(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_waldur-usage"));
    command.env_clear().current_dir(folder).env("HOME", folder).env("XDG_CONFIG_HOME", folder.join("config"));
    command.stdin(Stdio::null());
    command
}

/// Whether an outside program is there; where it has to be and is not, the test fails.
pub fn has_tool(name: &str) -> bool {
    let found = Command::new(name).arg("--version").output().is_ok();
    assert!(found || std::env::var_os("WALDUR_USAGE_REQUIRE_TOOLS").is_none(), "needs {name}");
    if !found {
        #[expect(clippy::print_stdout, reason = "a skipped test says so")]
        {
            println!("skipped: needs {name}");
        }
    }
    found
}
