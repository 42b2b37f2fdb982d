//! A headless Chromium, driven through WebDriver. Each window is a browser of its own: nothing is shared but the
//! program.

use super::ports::free_port;
use super::process::{Process, dying_with_us};
use super::{PATIENCE, eventually, holds_within};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The driver, and through it any number of windows.
pub struct Browser {
    url: String,
    driver: Process,
    files: tempfile::TempDir,
}

/// One page.
pub struct Window {
    http: reqwest::Client,
    session: String,
}

impl Browser {
    /// Starts the driver.
    pub async fn start() -> Self {
        let files = tempfile::tempdir().unwrap();
        write_launcher(&files.path().join("chromium"));
        for _ in 0..5 {
            let port = free_port();
            let mut driver = dying_with_us("TERM", program(&["chromedriver"]));
            driver.arg(format!("--port={port}")).env("TMPDIR", files.path());
            let mut process = Process::start("chromedriver", driver);
            let url = format!("http://127.0.0.1:{port}");
            let up = holds_within(PATIENCE, async || {
                reqwest::get(format!("{url}/status")).await.is_ok() || !process.runs()
            });
            if up.await && process.runs() {
                let driver = process;
                return Self { url, driver, files };
            }
        }
        panic!("chromedriver does not start");
    }

    /// Opens a page in a fresh browser.
    pub async fn open(&self, page: &str) -> Window {
        let http = reqwest::Client::new();
        // No sandbox: it refuses root, and only our own page is opened. No /dev/shm: containers give it 64 MB.
        let profile = self.files.path().join(format!("{:016x}", rand::random::<u64>()));
        let arguments = [
            "--headless=new",
            "--no-sandbox",
            "--disable-dev-shm-usage",
            "--disable-gpu",
            &format!("--user-data-dir={}", profile.display()),
        ];
        let options = json!({ "binary": self.files.path().join("chromium"), "args": arguments });
        let wanted = json!({ "capabilities": { "alwaysMatch": { "goog:chromeOptions": options } } });
        let opened = post(&http, &format!("{}/session", self.url), &wanted).await;
        let id = opened["sessionId"].as_str().expect("a session").to_owned();
        let session = format!("{}/session/{id}", self.url);
        let window = Window { http, session };
        window.order("url", &json!({ "url": page })).await;
        window
    }
}

impl Drop for Browser {
    /// The windows go with the driver, but they need a moment, in which they still write files.
    fn drop(&mut self) {
        self.driver.kill9();
        for _ in 0..100 {
            if std::fs::remove_dir_all(self.files.path()).is_ok() {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Window {
    /// Runs JavaScript in the page; `return` gives its value.
    pub async fn run(&self, script: &str) -> Value {
        self.order("execute/sync", &json!({ "script": script, "args": [] }))
            .await
    }

    /// Whether a CSS selector finds something that can be seen.
    pub async fn shows(&self, selector: &str) -> bool {
        let selector = Value::from(selector);
        let script = format!("const e = document.querySelector({selector}); return !!e && e.checkVisibility()");
        self.run(&script).await == json!(true)
    }

    /// Waits until a CSS selector finds something that can be seen.
    pub async fn wait_for(&self, selector: &str) {
        eventually(&format!("{selector} is shown"), async || self.shows(selector).await).await;
    }

    /// Waits until an element's text holds `words`.
    pub async fn wait_for_text(&self, selector: &str, words: &str) {
        let what = format!("{selector} says {words:?}");
        eventually(&what, async || self.text(selector).await.contains(words)).await;
    }

    /// An element's text; empty when it is not there.
    pub async fn text(&self, selector: &str) -> String {
        let selector = Value::from(selector);
        let script = format!("return document.querySelector({selector})?.innerText ?? ''");
        self.run(&script).await.as_str().unwrap_or_default().to_owned()
    }

    /// Waits for an element and clicks it as a visitor does.
    pub async fn click(&self, selector: &str) {
        self.wait_for(selector).await;
        let element = self.element(selector).await;
        self.order(&format!("element/{element}/click"), &json!({})).await;
    }

    /// Waits for an element and types into it; `\u{E007}` is the Enter key.
    pub async fn type_into(&self, selector: &str, text: &str) {
        self.wait_for(selector).await;
        let element = self.element(selector).await;
        self.order(&format!("element/{element}/value"), &json!({ "text": text }))
            .await;
    }

    /// Loads the page again.
    pub async fn reload(&self) {
        self.order("refresh", &json!({})).await;
    }

    async fn element(&self, selector: &str) -> String {
        let how = json!({ "using": "css selector", "value": selector });
        let found = self.order("element", &how).await;
        let id = found.as_object().and_then(|reference| reference.values().next());
        id.and_then(Value::as_str).expect("an element reference").to_owned()
    }

    async fn order(&self, what: &str, with: &Value) -> Value {
        post(&self.http, &format!("{}/{what}", self.session), with).await
    }
}

async fn post(http: &reqwest::Client, url: &str, body: &Value) -> Value {
    let answer = http.post(url).json(body).timeout(PATIENCE * 4).send().await.unwrap();
    let mut answer: Value = answer.json().await.unwrap();
    let value = answer["value"].take();
    assert!(value.get("error").is_none(), "{url} {body}: {value}");
    value
}

/// Chromium outlives its driver; started by this, it does not.
fn write_launcher(at: &Path) {
    use std::os::unix::fs::PermissionsExt;
    let chromium = program(&["chromium", "google-chrome"]);
    let script = format!(
        "#!/bin/sh\nexec setpriv --pdeathsig KILL -- {} \"$@\"\n",
        chromium.display()
    );
    std::fs::write(at, script).unwrap();
    std::fs::set_permissions(at, std::fs::Permissions::from_mode(0o755)).unwrap();
}

fn program(names: &[&str]) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let dirs = std::env::split_paths(&path).collect::<Vec<_>>();
    let mut files = names.iter().flat_map(|name| dirs.iter().map(move |dir| dir.join(name)));
    let found = files.find(|file| file.is_file());
    found.unwrap_or_else(|| {
        panic!(
            "{} is not installed (apt-get install chromium chromium-driver)",
            names[0]
        )
    })
}
