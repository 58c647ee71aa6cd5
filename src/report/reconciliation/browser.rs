//! A real Chromium for the tests of pages, spoken to over its pipe. It needs no library and no
//! driver: `--remote-debugging-pipe` reads and writes messages that end in a zero byte.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::{Value, json};

/// How long an answer may take on a machine that does much else.
const PATIENCE: Duration = Duration::from_mins(4);

/// Whether a program is there; a test that it is missing for says so and is over.
pub fn has_tool(name: &str) -> bool {
    let found = Command::new(name).arg("--version").output().is_ok();
    assert!(found || std::env::var_os("WALDUR_USAGE_REQUIRE_TOOLS").is_none(), "needs {name}");
    if !found {
        say(&format!("skipped: needs {name}"));
    }
    found
}

/// Tells something of a test that has no other place.
pub fn say(text: &str) {
    println!("{text}");
}

/// A running browser with one page.
pub struct Browser {
    child: Child,
    pipe: ChildStdin,
    answers: Receiver<Value>,
    session: Option<String>,
    last: u64,
    /// The requests that the page made, by their address.
    pub requests: Vec<String>,
    /// What the browser complained of: errors of scripts, and what the policy kept out.
    pub complaints: Vec<String>,
}

impl Browser {
    /// Starts one that keeps what it needs in a folder, and can reach nobody by name.
    pub fn start(folder: &Path) -> Self {
        let profile = format!("--user-data-dir={}", folder.join("browser").display());
        let mut child = Command::new("sh")
            .args(["-c", "exec chromium \"$@\" 3<&0 4>&1 </dev/null >/dev/null 2>&1", "sh"])
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe", &profile])
            .args(["--host-resolver-rules=MAP * ~NOTFOUND", "--disable-dev-shm-usage", "--hide-scrollbars"])
            .arg("--force-color-profile=srgb")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (sender, answers) = channel();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || {
            let mut message = Vec::new();
            while output.read_until(0, &mut message).is_ok_and(|length| length > 0) {
                message.pop();
                if sender.send(serde_json::from_slice(&message).unwrap()).is_err() {
                    break;
                }
                message.clear();
            }
        });
        let pipe = child.stdin.take().unwrap();
        let (requests, complaints) = (Vec::new(), Vec::new());
        let mut browser = Self { child, pipe, answers, session: None, last: 0, requests, complaints };
        let target = browser.call("Target.createTarget", &json!({"url": "about:blank"}));
        let attached = json!({"targetId": target["targetId"], "flatten": true});
        let session = browser.call("Target.attachToTarget", &attached);
        browser.session = Some(session["sessionId"].as_str().unwrap().to_owned());
        for domain in ["Network.enable", "Page.enable", "Runtime.enable", "Log.enable"] {
            browser.call(domain, &json!({}));
        }
        browser
    }

    /// Asks for something, and waits for the answer.
    pub fn call(&mut self, method: &str, parameters: &Value) -> Value {
        self.last += 1;
        let mut message = json!({"id": self.last, "method": method, "params": parameters});
        if let Some(session) = &self.session {
            message["sessionId"] = session.as_str().into();
        }
        self.pipe.write_all(message.to_string().as_bytes()).unwrap();
        self.pipe.write_all(&[0]).unwrap();
        self.pipe.flush().unwrap();
        loop {
            let mut answer = self.next();
            if answer["id"] == self.last {
                assert!(answer["error"].is_null(), "{method}: {}", answer["error"]);
                return answer["result"].take();
            }
        }
    }

    fn next(&mut self) -> Value {
        let answer = self.answers.recv_timeout(PATIENCE).expect("the browser answers");
        let told = &answer["params"];
        match answer["method"].as_str() {
            Some("Network.requestWillBeSent") => {
                self.requests.push(told["request"]["url"].as_str().unwrap_or_default().to_owned());
            }
            Some("Runtime.exceptionThrown") => self.complaints.push(told["exceptionDetails"].to_string()),
            Some("Log.entryAdded") => self.complaints.push(told["entry"].to_string()),
            _ => {}
        }
        answer
    }

    /// Opens a file, and waits until it is there.
    pub fn open(&mut self, path: &Path) {
        let address = json!({"url": format!("file://{}", path.display())});
        self.call("Page.navigate", &address);
        while self.next()["method"] != "Page.loadEventFired" {}
    }

    /// What an expression comes to in the page.
    pub fn evaluate(&mut self, expression: &str) -> Value {
        let asked = json!({"expression": expression, "returnByValue": true, "awaitPromise": true});
        let mut answer = self.call("Runtime.evaluate", &asked);
        assert!(answer["exceptionDetails"].is_null(), "{}", answer["exceptionDetails"]);
        answer["result"]["value"].take()
    }

    /// Makes the page look as on a screen in the light or in the dark, or on paper.
    pub fn look(&mut self, medium: &str, scheme: &str) {
        let features = json!([{"name": "prefers-color-scheme", "value": scheme}]);
        self.call("Emulation.setEmulatedMedia", &json!({"media": medium, "features": features}));
    }

    /// Takes a picture of the whole page into the folder that `WALDUR_USAGE_PICTURES` names, if any.
    pub fn picture(&mut self, name: &str) {
        let Some(folder) = std::env::var_os("WALDUR_USAGE_PICTURES") else { return };
        let shot = self.call("Page.captureScreenshot", &json!({"captureBeyondViewport": true}));
        keep(&PathBuf::from(folder).join(name), &shot["data"]);
    }

    /// Prints the page on paper of so many inches; the bytes of the PDF are as long as this.
    pub fn print(&mut self, name: &str, (width, height): (f64, f64)) -> usize {
        let paper = json!({
            "paperWidth": width, "paperHeight": height, "preferCSSPageSize": false, "printBackground": false,
        });
        let printed = self.call("Page.printToPDF", &paper);
        if let Some(folder) = std::env::var_os("WALDUR_USAGE_PICTURES") {
            keep(&PathBuf::from(folder).join(name), &printed["data"]);
        }
        printed["data"].as_str().unwrap().len()
    }
}

/// Keeps what came as base64.
fn keep(path: &Path, data: &Value) {
    let file = std::fs::File::create(path).unwrap();
    let mut decode = Command::new("base64").arg("-d").stdin(Stdio::piped()).stdout(file).spawn().unwrap();
    decode.stdin.take().unwrap().write_all(data.as_str().unwrap().as_bytes()).unwrap();
    assert!(decode.wait().unwrap().success());
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
