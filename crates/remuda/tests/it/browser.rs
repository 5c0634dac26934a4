//! The pages in a real browser: every route of the demo, wide and narrow, light and dark, by keyboard, with scripts
//! off. `REMUDA_SCREENSHOTS=FOLDER` keeps a picture of each.
//!
//! Without a Chromium the test says so and is left out, but not in CI, which installs one (`cargo xtask ci`).

#![expect(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "a test may fail and say so loudly")]

use crate::chromium::{self, Chromium, Key};
use crate::harness::{Server, Stage};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Instant;

/// What a page may weigh with its style sheet and its script, as it is transferred.
const BYTES: u64 = 100_000;
const WIDTHS: [u32; 2] = [1280, 390];
const THEMES: [&str; 2] = ["light", "dark"];

/// Every page that links lead to from the board.
const ROUTES: [&str; 34] = [
    "/",
    "/analysis",
    "/analysis/:",
    "/analysis/compare",
    "/analysis/labels",
    "/analysis/mistakes",
    "/analysis/phrases",
    "/analysis/threshold",
    "/api",
    "/data",
    "/data/:",
    "/data/:/diff/:",
    "/docs/errors",
    "/gate",
    "/gate/:",
    "/gate/:/report",
    "/ledger",
    "/live",
    "/login",
    "/model",
    "/model/:",
    "/release",
    "/release/:",
    "/requirement",
    "/requirement/:",
    "/run",
    "/run/:",
    "/run/:/diff/:",
    "/run/compare",
    "/team",
    "/test/:",
    "/token",
    "/why",
    "/why/:",
];

#[test]
fn every_page_holds_up_in_a_browser() {
    let Some(program) = chromium::find() else {
        let in_ci = ["CI", "REMUDA_CI"].iter().any(|name| std::env::var_os(name).is_some());
        assert!(!in_ci, "there is no Chromium here, and in CI the pages must be looked at: install `chromium`");
        eprintln!("SKIPPED: there is no Chromium here, so nobody looked at the pages; install `chromium`");
        return;
    };
    let begun = Instant::now();
    let stage = Stage::new();
    let server = stage.serve(&["demo", "--no-open", "--listen", "127.0.0.1:0", "--folder", "demo", "--json"]);
    let mut browser = Chromium::start(&program);
    eprintln!("the demo and the browser are up after {:.1} s", begun.elapsed().as_secs_f64());

    let mut visit = Visit { server: &server, browser: &mut browser, complaints: Vec::new() };
    let mut reached = visit.crawl();
    visit.stylesheet_obeys_the_chosen_theme();
    visit.keyboard_reaches_everything();
    visit.a_command_is_copied();
    visit.forms_work_with_scripts_off();
    reached.extend(["/login", "/token"].map(str::to_owned));
    reached.sort();
    let complaints = visit.complaints;
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
    assert_eq!(reached, ROUTES, "every page is reached by links, and none is new to this test");
    eprintln!("looked at {} routes in {:.1} s", reached.len(), begun.elapsed().as_secs_f64());
}

/// A browser at the demo's pages, and what was found wrong with them.
struct Visit<'a> {
    server: &'a Server,
    browser: &'a mut Chromium,
    complaints: Vec<String>,
}

/// The route of an address: what stands for a thing becomes `:`.
fn route(path: &str) -> String {
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    match parts.as_slice() {
        ["docs", ..] | [_] => path.to_owned(),
        ["analysis", "compare" | "labels" | "mistakes" | "phrases" | "threshold"] => path.to_owned(),
        ["run", "compare"] => path.to_owned(),
        [noun, _] => format!("/{noun}/:"),
        [noun, _, "report"] => format!("/{noun}/:/report"),
        [noun, _, middle, _] => format!("/{noun}/:/{middle}/:"),
        _ => path.to_owned(),
    }
}

impl Visit<'_> {
    /// Follows links from the board; looks at the first two pages of each route. Answers the routes.
    fn crawl(&mut self) -> Vec<String> {
        let mut seen: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let mut waiting = std::collections::VecDeque::from(["/".to_owned()]);
        let mut links = std::collections::BTreeSet::new();
        while let Some(path) = waiting.pop_front() {
            let visited = seen.entry(route(&path)).or_default();
            if visited.len() >= 2 || visited.contains(&path) {
                continue;
            }
            visited.push(path.clone());
            for link in self.inspect(&path) {
                let foreign = ["/theme/", "/assets/", "/api/v1/", "/download"];
                if !foreign.iter().any(|prefix| link.starts_with(prefix)) {
                    links.insert(link.clone());
                    waiting.push_back(link);
                }
            }
        }
        // Of each kind two pages are looked at; but no link of any of them may lead nowhere.
        for link in links {
            if let Err(error) = ureq::get(format!("{}{link}", self.server.url)).call() {
                self.complaints.push(format!("the link {link} leads nowhere: {error}"));
            }
        }
        // The page that refuses and the one that asks who comes are reached by no link.
        self.inspect("/login");
        self.refused("/run/nothing");
        seen.into_keys().collect()
    }

    /// Opens a page and looks at it at each width and theme. Answers the addresses of its own origin it links to.
    fn inspect(&mut self, path: &str) -> Vec<String> {
        self.browser.look(WIDTHS[0], THEMES[0]);
        self.browser.open(&format!("{}{path}", self.server.url));
        self.check_traffic(path, 200);
        self.check_looks(path);
        let links = self.browser.evaluate(
            "[...document.querySelectorAll('a[href]')].filter(a => a.origin === location.origin && !a.pathname.endsWith('/onnx'))\
             .map(a => a.pathname + a.search)",
        );
        links.as_array().unwrap().iter().map(|link| link.as_str().unwrap().to_owned()).collect()
    }

    fn check_looks(&mut self, path: &str) {
        for width in WIDTHS {
            for theme in THEMES {
                self.browser.look(width, theme);
                let found = self.browser.evaluate(include_str!("page_check.js"));
                for complaint in found.as_array().unwrap() {
                    let complaint = complaint.as_str().unwrap();
                    self.complaints.push(format!("{path} at {width}, {theme}: {complaint}"));
                }
                self.keep_picture(path, width, theme);
            }
        }
    }

    /// Status, weight, nothing from elsewhere, nothing on the console.
    fn check_traffic(&mut self, path: &str, expected: u64) {
        let mut found = Vec::new();
        let responses = self.browser.told("Network.responseReceived");
        for response in &responses {
            let url = response["response"]["url"].as_str().unwrap();
            let status = response["response"]["status"].as_u64().unwrap();
            let is_page = response["type"] == "Document";
            if !url.starts_with(&format!("{}/", self.server.url)) && !url.starts_with("data:") {
                found.push(format!("loads {url}"));
            } else if status != if is_page { expected } else { 200 } {
                found.push(format!("{url} answers {status}"));
            }
        }
        if !responses.iter().any(|response| response["type"] == "Stylesheet") {
            found.push("no style sheet came".to_owned());
        }
        for request in self.browser.told("Network.requestWillBeSent") {
            let url = request["request"]["url"].as_str().unwrap();
            if !url.starts_with(&self.server.url) && !url.starts_with("data:") {
                found.push(format!("asks for {url}"));
            }
        }
        let finished = self.browser.told("Network.loadingFinished");
        let bytes: u64 = finished.iter().map(|one| one["encodedDataLength"].as_f64().unwrap() as u64).sum();
        if bytes > BYTES {
            found.push(format!("weighs {bytes} bytes"));
        }
        found.extend(self.console(expected));
        self.complaints.extend(found.into_iter().map(|one| format!("{path}: {one}")));
    }

    /// Errors, warnings and breaches of the content security policy that the browser told.
    fn console(&self, expected: u64) -> Vec<String> {
        let mut found = Vec::new();
        for entry in self.browser.told("Log.entryAdded") {
            let (level, text) = (&entry["entry"]["level"], entry["entry"]["text"].as_str().unwrap());
            let is_the_status = expected != 200 && text.contains(&expected.to_string());
            if (level == "error" || level == "warning") && !is_the_status {
                found.push(format!("console: {text}"));
            }
        }
        for thrown in self.browser.told("Runtime.exceptionThrown") {
            found.push(format!("script: {}", thrown["exceptionDetails"]["text"]));
        }
        found
    }

    /// The page of an error is a page like others, with its status.
    fn refused(&mut self, path: &str) {
        self.browser.open(&format!("{}{path}", self.server.url));
        self.check_traffic(path, 404);
        let alert = self.browser.evaluate("document.querySelector('[role=alert] .code code')?.textContent");
        if alert != json!("request.not_found") {
            self.complaints.push(format!("{path}: the error's code is {alert}"));
        }
    }

    fn keep_picture(&mut self, path: &str, width: u32, theme: &str) {
        let Some(folder) = std::env::var_os("REMUDA_SCREENSHOTS") else { return };
        let name: String = route(path).chars().map(|letter| if letter == '/' { '-' } else { letter }).collect();
        let name = name.replace(':', "x");
        let name = if name == "-" { "-board" } else { name.as_str() };
        let file = std::path::Path::new(&folder).join(format!("{}-{width}-{theme}.png", &name[1..]));
        let picture = self.browser.screenshot();
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(file, decode(&picture)).unwrap();
    }

    /// The cookie that chooses dark wins over a system that prefers light.
    fn stylesheet_obeys_the_chosen_theme(&mut self) {
        let ground = "getComputedStyle(document.body).backgroundColor";
        self.browser.look(1280, "light");
        self.browser.open(&format!("{}/", self.server.url));
        let light = self.browser.evaluate(ground);
        self.browser.open(&format!("{}/theme/dark?back=/", self.server.url));
        let dark = self.browser.evaluate(ground);
        self.browser.open(&format!("{}/theme/system?back=/", self.server.url));
        if light == dark || self.browser.evaluate(ground) != light {
            self.complaints.push(format!("the theme is not obeyed: {light}, {dark}"));
        }
    }

    /// Tab goes from the skip link through the navigation to the content; each stop shows that it has the focus.
    fn keyboard_reaches_everything(&mut self) {
        self.browser.look(1280, "light");
        self.browser.open(&format!("{}/", self.server.url));
        let mut stops: Vec<Value> = Vec::new();
        for _ in 0..24 {
            self.browser.press(Key::Tab);
            stops.push(self.browser.evaluate(FOCUS));
        }
        let places: Vec<&str> = stops.iter().map(|stop| stop["place"].as_str().unwrap()).collect();
        let first = |place: &str| places.iter().position(|one| *one == place).unwrap_or(usize::MAX);
        if !(first("skip") == 0 && first("find") < first("nav") && first("nav") < first("main") && first("main") < 24) {
            self.complaints.push(format!("Tab walks through {places:?}"));
        }
        for stop in stops.iter().filter(|stop| stop["seen"] != json!(true)) {
            self.complaints.push(format!("the focus on {} cannot be seen", stop["what"]));
        }

        self.browser.open(&format!("{}/", self.server.url));
        self.browser.press(Key::Tab);
        self.browser.press(Key::Enter);
        self.browser.press(Key::Tab);
        let skipped = self.browser.evaluate(FOCUS);
        if skipped["place"] != "main" {
            self.complaints.push(format!("the skip link leads to {skipped}"));
        }
        self.browser.letter("/");
        if self.browser.evaluate(FOCUS)["place"] != "find" {
            self.complaints.push("`/` does not find".to_owned());
        }
        // A page that has just come takes no letter for the second of two.
        self.browser.open(&format!("{}/", self.server.url));
        self.browser.letter("t");
        self.browser.letter("g");
        let here = self.browser.evaluate("location.pathname");
        if here != json!("/") {
            self.complaints.push(format!("`t` alone leads to {here}"));
        }
        self.browser.open(&format!("{}/", self.server.url));
        self.browser.forget();
        self.browser.letter("g");
        self.browser.letter("l");
        self.browser.wait_for("Page.loadEventFired");
        let here = self.browser.evaluate("location.pathname");
        if here != json!("/live") {
            self.complaints.push(format!("`g l` leads to {here}"));
        }
    }

    /// The button beside a command puts it on the clipboard: by the browser's clipboard, and where that is not given
    /// (a server reached without TLS) by a selection.
    fn a_command_is_copied(&mut self) {
        let permissions = json!(["clipboardReadWrite", "clipboardSanitizedWrite"]);
        self.browser.call("Browser.grantPermissions", json!({"permissions": permissions, "origin": self.server.url}));
        self.browser.open(&format!("{}/ledger", self.server.url));
        self.browser.click(".command .copy");
        let copied = self.browser.evaluate("navigator.clipboard.readText()");
        if copied != json!("remuda ledger log") {
            self.complaints.push(format!("the clipboard holds {copied}"));
        }
        let without = json!({"source": "Object.defineProperty(Navigator.prototype, 'clipboard', {value: undefined})"});
        let script = self.browser.call("Page.addScriptToEvaluateOnNewDocument", without);
        self.browser.open(&format!("{}/live", self.server.url));
        self.browser.click(".command .copy");
        self.browser.call("Page.removeScriptToEvaluateOnNewDocument", json!({"identifier": script["identifier"]}));
        self.browser.open(&format!("{}/live", self.server.url));
        let copied = self.browser.evaluate("navigator.clipboard.readText()");
        if copied != json!("remuda live") {
            self.complaints.push(format!("without a clipboard of its own the button copies {copied}"));
        }
    }

    /// Without scripts a filter filters and a form writes a fact; only the mouse and the keyboard are used.
    fn forms_work_with_scripts_off(&mut self) {
        self.browser.call("Emulation.setScriptExecutionDisabled", json!({"value": true}));
        self.browser.open(&format!("{}/ledger", self.server.url));
        self.browser.click(".filters input[name=verb]");
        self.browser.insert("team.signed");
        self.browser.forget();
        self.browser.press(Key::Enter);
        self.browser.wait_for("Page.loadEventFired");
        let verbs = self.texts(".fact-verb");
        if verbs.is_empty() || verbs.iter().any(|verb| verb != "team.signed") {
            self.complaints.push(format!("with scripts off the ledger's filter shows {verbs:?}"));
        }
        self.browser.open(&format!("{}/team", self.server.url));
        self.browser.forget();
        self.browser.click("form[action='/action/team/token'] button");
        self.browser.wait_for("Page.loadEventFired");
        self.check_traffic("the page of a new token", 200);
        let token = self.texts(".command .line");
        if token.first().is_none_or(|token| token.len() < 20) {
            self.complaints.push(format!("with scripts off the token's form shows {token:?}"));
        }
        self.browser.call("Emulation.setScriptExecutionDisabled", json!({"value": false}));
        self.check_looks("/token");
    }

    /// The texts of elements, read without the page's help.
    fn texts(&mut self, selector: &str) -> Vec<String> {
        let list = format!("[...document.querySelectorAll({selector:?})].map(one => one.textContent)");
        let found = self.browser.evaluate(&list);
        found.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
    }
}

/// What has the focus, where that is, and whether it can be seen: in the window, with a ring around it or, for a
/// field of text, a caret.
const FOCUS: &str = "(() => {
  const at = document.activeElement;
  const box = at.getBoundingClientRect();
  const style = getComputedStyle(at);
  const inside = box.width > 0 && box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth;
  const ring = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 1;
  const place = at.matches('.skip') ? 'skip' : at.matches('#find') ? 'find'
    : at.closest('nav.places') ? 'nav' : at.closest('main') ? 'main' : at.closest('.rail') ? 'rail' : 'nowhere';
  return { place, seen: inside && ring, what: at.outerHTML.slice(0, 90) };
})()";

/// Base64, as the protocol sends pictures.
fn decode(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len() * 3 / 4);
    let (mut held, mut bits) = (0u32, 0);
    for letter in text.bytes() {
        let value = match letter {
            b'A'..=b'Z' => letter - b'A',
            b'a'..=b'z' => letter - b'a' + 26,
            b'0'..=b'9' => letter - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            b'=' => break,
            other => panic!("{other} is no letter of Base64"),
        };
        held = (held << 6) | u32::from(value);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push((held >> bits) as u8);
            held &= (1 << bits) - 1;
        }
    }
    bytes
}
