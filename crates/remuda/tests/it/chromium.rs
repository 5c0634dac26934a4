//! A real browser, driven over its DevTools protocol by a pipe: no port, no driver program, no library.
//!
//! Chromium reads commands from its file descriptor 3 and writes answers and events to 4, each a JSON text that ends
//! with a zero byte. A shell puts our two pipes there.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]

use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// Nothing in these tests takes this long; a browser that hangs fails the test instead of holding it.
const PATIENCE: Duration = Duration::from_secs(30);

/// A browser with one tab.
pub(crate) struct Chromium {
    child: Child,
    input: Option<ChildStdin>,
    messages: Receiver<Value>,
    session: Option<String>,
    sent: u64,
    /// What the tab told since the last [`Chromium::forget`].
    pub(crate) events: Vec<Value>,
    _profile: tempfile::TempDir,
}

/// A key that has a name. Letters are typed by [`Chromium::insert`].
#[derive(Clone, Copy)]
pub(crate) enum Key {
    Tab,
    Enter,
}

/// The browser's program, if the machine has one: `REMUDA_CHROMIUM`, else the first of the usual names.
pub(crate) fn find() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("REMUDA_CHROMIUM") {
        return Some(PathBuf::from(named));
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let names = ["chromium", "chromium-browser", "google-chrome"];
    names.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name))).find(|file| file.is_file())
}

impl Chromium {
    /// Starts it, with one empty tab that tells of its network, its console and its loading.
    pub(crate) fn start(program: &std::path::Path) -> Self {
        let profile = tempfile::tempdir().unwrap();
        let mut child = Command::new("sh")
            .args(["-c", "exec \"$0\" \"$@\" 3<&0 4>&1 0</dev/null 1>/dev/null 2>&1"])
            .arg(program)
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
            .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
            .args(["--disable-dev-shm-usage", "--hide-scrollbars", "--remote-debugging-pipe"])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg("about:blank")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let (sender, messages) = channel();
        std::thread::spawn(move || {
            let mut message = Vec::new();
            while output.read_until(0, &mut message).is_ok_and(|read| read > 0) {
                message.pop();
                let Ok(value) = serde_json::from_slice(&message) else { break };
                if sender.send(value).is_err() {
                    break;
                }
                message.clear();
            }
        });
        let input = child.stdin.take();
        let mut browser =
            Self { child, input, messages, session: None, sent: 0, events: Vec::new(), _profile: profile };
        let target = browser.call("Target.createTarget", json!({"url": "about:blank"}));
        let attached = browser.call("Target.attachToTarget", json!({"targetId": target["targetId"], "flatten": true}));
        browser.session = Some(attached["sessionId"].as_str().unwrap().to_owned());
        for domain in ["Page", "Network", "Log", "Runtime"] {
            browser.call(&format!("{domain}.enable"), json!({}));
        }
        // Each page is weighed as somebody sees it who comes for the first time.
        browser.call("Network.setCacheDisabled", json!({"cacheDisabled": true}));
        browser
    }

    /// A command of the protocol, and its answer.
    pub(crate) fn call(&mut self, method: &str, parameters: Value) -> Value {
        self.sent += 1;
        let id = self.sent;
        let mut message = json!({"id": id, "method": method, "params": parameters});
        if let Some(session) = &self.session {
            message["sessionId"] = json!(session);
        }
        let mut bytes = serde_json::to_vec(&message).unwrap();
        bytes.push(0);
        self.input.as_mut().unwrap().write_all(&bytes).unwrap();
        loop {
            let mut answer = self.receive(method);
            if answer["id"] == json!(id) {
                assert!(answer.get("error").is_none(), "{method}: {}", answer["error"]);
                return answer["result"].take();
            }
            self.events.push(answer);
        }
    }

    fn receive(&self, waiting_for: &str) -> Value {
        self.messages
            .recv_timeout(PATIENCE)
            .unwrap_or_else(|error| panic!("the browser says nothing ({error}); waited for {waiting_for}"))
    }

    /// Forgets what was told so far.
    pub(crate) fn forget(&mut self) {
        self.events.clear();
    }

    /// Waits until the tab tells this, if it has not told it since the last [`Chromium::forget`].
    pub(crate) fn wait_for(&mut self, method: &str) {
        let begun = Instant::now();
        while !self.events.iter().any(|event| event["method"] == method) {
            assert!(begun.elapsed() < PATIENCE, "waited for {method}");
            let event = self.receive(method);
            self.events.push(event);
        }
    }

    /// The parameters of what was told under this name.
    pub(crate) fn told(&self, method: &str) -> Vec<&Value> {
        self.events.iter().filter(|event| event["method"] == method).map(|event| &event["params"]).collect()
    }

    /// Opens an address and waits until everything on it is loaded.
    pub(crate) fn open(&mut self, url: &str) {
        self.forget();
        let answer = self.call("Page.navigate", json!({"url": url}));
        assert!(answer.get("errorText").is_none(), "{url}: {}", answer["errorText"]);
        self.wait_for("Page.loadEventFired");
    }

    /// The value of an expression in the page.
    pub(crate) fn evaluate(&mut self, expression: &str) -> Value {
        let mut answer = self.call(
            "Runtime.evaluate",
            json!({"expression": expression, "returnByValue": true, "awaitPromise": true, "userGesture": true}),
        );
        assert!(answer.get("exceptionDetails").is_none(), "{expression}: {}", answer["exceptionDetails"]);
        answer["result"]["value"].take()
    }

    /// How wide the window is, and which colours the system prefers.
    pub(crate) fn look(&mut self, width: u32, theme: &str) {
        let metrics = json!({"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600});
        self.call("Emulation.setDeviceMetricsOverride", metrics);
        let features = json!([{"name": "prefers-color-scheme", "value": theme}]);
        self.call("Emulation.setEmulatedMedia", json!({"features": features}));
    }

    /// Presses and releases a named key.
    pub(crate) fn press(&mut self, key: Key) {
        let (name, code, text) = match key {
            Key::Tab => ("Tab", 9, ""),
            Key::Enter => ("Enter", 13, "\r"),
        };
        for kind in ["keyDown", "keyUp"] {
            let text = if kind == "keyDown" { text } else { "" };
            let event = json!({"type": kind, "key": name, "code": name, "windowsVirtualKeyCode": code, "text": text});
            self.call("Input.dispatchKeyEvent", event);
        }
    }

    /// Presses and releases the key of a letter.
    pub(crate) fn letter(&mut self, letter: &str) {
        for kind in ["keyDown", "keyUp"] {
            let text = if kind == "keyDown" { letter } else { "" };
            self.call("Input.dispatchKeyEvent", json!({"type": kind, "key": letter, "text": text}));
        }
    }

    /// Types a text into what has the focus.
    pub(crate) fn insert(&mut self, text: &str) {
        self.call("Input.insertText", json!({"text": text}));
    }

    /// Clicks the middle of the first element that fits, with the mouse: needs no script in the page.
    pub(crate) fn click(&mut self, selector: &str) {
        let document = self.call("DOM.getDocument", json!({"depth": 0}));
        let root = &document["root"]["nodeId"];
        let found = self.call("DOM.querySelector", json!({"nodeId": root, "selector": selector}));
        assert_ne!(found["nodeId"], json!(0), "nothing fits {selector}");
        self.call("DOM.scrollIntoViewIfNeeded", json!({"nodeId": found["nodeId"]}));
        let model = self.call("DOM.getBoxModel", json!({"nodeId": found["nodeId"]}));
        let corners: Vec<f64> =
            model["model"]["content"].as_array().unwrap().iter().map(|corner| corner.as_f64().unwrap()).collect();
        let (x, y) = ((corners[0] + corners[4]) / 2.0, (corners[1] + corners[5]) / 2.0);
        for kind in ["mousePressed", "mouseReleased"] {
            let event = json!({"type": kind, "x": x, "y": y, "button": "left", "clickCount": 1});
            self.call("Input.dispatchMouseEvent", event);
        }
    }

    /// The whole page as a PNG file, in Base64.
    pub(crate) fn screenshot(&mut self) -> String {
        let shot = json!({"format": "png", "captureBeyondViewport": true});
        self.call("Page.captureScreenshot", shot)["data"].as_str().unwrap().to_owned()
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        // Without its pipe the browser ends by itself, with all its processes.
        self.input = None;
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(3) {
            if matches!(self.child.try_wait(), Ok(Some(_))) {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
