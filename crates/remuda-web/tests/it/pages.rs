//! Every page, full and empty: whole, small, self-contained, and deaf to hostile names.

use crate::samples::{self, pages};
use remuda_web::components::Theme;
use remuda_web::report::{Style, document};
use std::collections::HashMap;

/// The greatest page, in bytes before compression.
const LIMIT: usize = 100_000;

fn all() -> Vec<pages::Drawn> {
    pages::full(Theme::System).into_iter().chain(pages::empty(Theme::Dark)).collect()
}

#[test]
fn every_page_is_whole_and_small_and_loads_nothing_from_elsewhere() {
    for (name, page) in all() {
        let page = page.into_string();
        assert!(page.starts_with("<!DOCTYPE html>"), "{name}");
        assert!(page.ends_with("</html>"), "{name}");
        assert!(page.len() <= LIMIT, "{name} has {} bytes", page.len());
        assert!(page.matches("<h1").count() == 1, "{name} has one heading");
        assert!(
            !page.contains(" style=") && !page.contains("<style") && !page.contains("onclick"),
            "{name}: nothing inline"
        );
        for reference in ["src=\"", "href=\"", "action=\""] {
            for target in page.split(reference).skip(1) {
                assert!(
                    target.starts_with('/') || target.starts_with('#'),
                    "{name}: {}",
                    &target[..target.len().min(60)]
                );
            }
        }
    }
}

#[test]
fn every_element_that_opens_closes() {
    const VOID: [&str; 6] = ["meta", "link", "input", "img", "br", "!DOCTYPE"];
    for (name, page) in all() {
        let page = page.into_string();
        let mut open: Vec<&str> = Vec::new();
        for tag in page.split('<').skip(1) {
            let word = tag.split(['>', ' ']).next().unwrap();
            match word.strip_prefix('/') {
                Some(closed) => assert_eq!(open.pop(), Some(closed), "{name}"),
                None if VOID.contains(&word) => {}
                None => open.push(word),
            }
        }
        assert!(open.is_empty(), "{name}: {open:?}");
    }
}

#[test]
fn every_id_is_one_and_every_label_has_its_input() {
    for (name, page) in all() {
        let page = page.into_string();
        let mut ids: HashMap<&str, u32> = HashMap::new();
        for piece in page.split(" id=\"").skip(1) {
            *ids.entry(piece.split('"').next().unwrap()).or_default() += 1;
        }
        for (id, times) in &ids {
            assert_eq!(*times, 1, "{name}: {id}");
        }
        for piece in page.split(" for=\"").skip(1) {
            assert!(ids.contains_key(piece.split('"').next().unwrap()), "{name}");
        }
        for piece in page.split("aria-labelledby=\"").skip(1) {
            assert!(ids.contains_key(piece.split('"').next().unwrap()), "{name}");
        }
    }
}

#[test]
fn every_page_of_a_thing_shows_its_command() {
    let without = ["refused", "token", "api", "login", "login-refused", "problem", "ask-why"];
    for (name, page) in all() {
        if !without.contains(&name) {
            assert!(page.into_string().contains("class=\"command\"><code><span class=\"prompt\""), "{name}");
        }
    }
}

#[test]
fn empty_pages_teach_the_next_command() {
    for (name, page) in pages::empty(Theme::System) {
        let taught = page.into_string();
        let teaches = ["class=\"empty\"", "class=\"muted\""].iter().any(|class| taught.contains(class));
        assert!(teaches, "{name}");
    }
}

#[test]
fn hostile_names_stay_text() {
    let hostile = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>";
    let mut board = samples::board();
    board.product = hostile.into();
    board.requirements[0].name = hostile.into();
    board.requirements[0].goal = hostile.into();
    board.requirements[0].stale = vec![hostile.into()];
    board.requirements[0].verdicts[0].words = hostile.into();
    board.waiting[0].what = hostile.into();
    board.waiting[0].command = format!("remuda sign intent {hostile}");
    board.activity[0].sentence = hostile.into();
    board.members[0].name = hostile.into();
    let mut version = samples::data::page();
    version.profile.columns[1].name = hostile.into();
    version.profile.columns[4].top[0].value = hostile.into();
    version.line.version.source = hostile.into();
    let mut difference = samples::data::difference();
    difference.examples[0].changes[0].before = hostile.into();
    let mut runs = samples::run::difference();
    runs.files[0].diff = format!("+{hostile}\n");
    runs.left.command = hostile.into();
    let mut lineage = samples::lineage();
    lineage.thing.name = hostile.into();
    lineage.because[0].thing.id = hostile.into();
    let mut requirement = samples::requirement_page();
    requirement.prose =
        format!("# {hostile}\n\n{hostile} [x](javascript:alert(1)) [y](https://a.example/\"onmouseover=\"x)");
    let mut frame = samples::frame("/?q=<script>", Theme::System);
    frame.actor = hostile.into();
    let mut behaviour = samples::behaviour::state();
    if let Some(found) = &mut behaviour.found {
        found.tests[0].name = hostile.into();
        found.tests[0].failures[0].after[1].text = hostile.into();
        found.tests[0].failures[0].answered.label = hostile.into();
        found.matrix[0].capability = hostile.into();
    }
    use remuda_web::pages as drawn;
    let pages = [
        drawn::analysis::test::page(&frame, &behaviour),
        drawn::board::page(&frame, &board),
        drawn::data::page(&frame, &version, 0),
        drawn::data::difference(&frame, &difference),
        drawn::run::difference(&frame, &runs),
        drawn::why::page(&frame, &lineage),
        drawn::requirement::page(&frame, &requirement),
        drawn::problem::page(&frame, &remuda_app::Error::not_found("run", hostile).hint(hostile), Some("/")),
    ];
    for page in pages {
        let page = page.into_string();
        assert!(!page.contains("<script>") && !page.contains("<img"), "{page}");
        assert!(!page.contains("href=\"javascript"), "{page}");
        assert!(!page.contains("\"onmouseover"), "{page}");
        assert!(page.contains("&lt;script&gt;"));
    }
}

#[test]
fn very_large_answers_still_make_small_pages() {
    use remuda_web::pages as drawn;
    let frame = samples::frame("/", Theme::System);
    let mut board = samples::board();
    board.requirements = (0..200).map(|_| samples::requirement()).collect();
    board.waiting = (0..300).flat_map(|_| samples::waiting()).collect();
    let mut facts = samples::facts();
    facts.facts =
        (0..500).map(|index| samples::fact(index, "scientist", "run.finished", &"long sentence ".repeat(80))).collect();
    let mut runs = samples::many::list();
    runs.runs.runs =
        (0..500).map(|_| samples::run::run("w8c4n6rt2b", remuda_model::run::RunStatus::Finished, 3)).collect();
    let mut difference = samples::run::difference();
    difference.files[0].diff = "+a line of some length that was added\n".repeat(100_000);
    difference.files = (0..300).map(|_| difference.files[0].clone()).collect();
    let mut lineage = samples::lineage();
    lineage.because = (0..2_000).flat_map(|_| samples::lineage().because).collect();
    let mut live = samples::live::page();
    live.traffic = (0..50_000)
        .map(|index| {
            let mut bucket = live.traffic[0].clone();
            bucket.start += index * bucket.width;
            bucket
        })
        .collect();
    live.metric_history = (0..5_000)
        .map(|index| {
            let mut bucket = live.metric_history[0].clone();
            bucket.start += index * bucket.width;
            bucket
        })
        .collect();
    live.drift = (0..400).map(|index| live.drift[index % 3].clone()).collect();
    live.inputs = (0..1_000).map(|_| live.inputs[0].clone()).collect();
    let drawn: Vec<(&str, maud::Markup)> = vec![
        ("board", drawn::board::page(&frame, &board)),
        ("data", drawn::data::page(&frame, &samples::data::wide_page(900), 3)),
        ("gate", drawn::gate::page(&frame, &samples::gate::wide_evaluation(77, 400))),
        (
            "ledger",
            drawn::ledger::page(
                &frame,
                &facts,
                &remuda_app::ledger::Log { limit: 80, before: None, verb: None, actor: None },
            ),
        ),
        (
            "runs",
            drawn::runs::list::page(
                &frame,
                &runs,
                &drawn::runs::Asked { filter: Some("metrics.`a\"<b>` > 0".into()), ..Default::default() },
            ),
        ),
        ("groups", drawn::runs::list::page(&frame, &samples::many::grouped(500), &Default::default())),
        (
            "compared by name",
            drawn::runs::compare::page(
                &frame,
                &samples::many::compared(500),
                &samples::many::drawn(&samples::many::compared(500)),
                &drawn::runs::compare::Question {
                    runs: samples::many::compared(500).runs.into_iter().map(|run| run.run).collect(),
                    ..Default::default()
                },
            ),
        ),
        ("run diff", drawn::run::difference(&frame, &difference)),
        ("why", drawn::why::page(&frame, &lineage)),
        ("live", drawn::live::page(&frame, &live)),
    ];
    let sizes: Vec<(&str, usize)> = drawn.into_iter().map(|(name, page)| (name, page.into_string().len())).collect();
    assert!(sizes.iter().all(|(_, size)| *size <= LIMIT), "{sizes:?}");
}

#[test]
fn every_code_of_an_error_is_explained_where_problems_point_to() {
    let page = remuda_web::pages::errors::page(&samples::frame("/docs/errors", Theme::System)).into_string();
    for code in remuda_app::error::CODES {
        assert_eq!(page.matches(&format!(" id=\"{}\"", code.code)).count(), 1, "{}", code.code);
    }
}

#[test]
fn a_lineage_is_a_graph_of_links_and_bundles_what_repeats() {
    use remuda_web::pages as drawn;
    let frame = samples::frame("/why/1", Theme::System);
    let mut lineage = samples::lineage();
    let page = drawn::why::page(&frame, &lineage).into_string();
    // Ten things, drawn for wide and for narrow screens; the model led to the release and to its evaluation.
    assert_eq!(page.matches("class=\"node-box").count(), 20);
    assert!(page.contains("10 things and 10 arrows"), "{page}");
    let release = lineage.thing.id.clone();
    let made = |index: i64| {
        let mut step = lineage.led_to[0].clone();
        step.thing.kind = "predictions".into();
        step.thing.id = format!("fact-{index}");
        step.fact = samples::fact(index, "system", "serving.logged", "release 41d0c2aa96e1 made 7 predictions");
        step.from = release.clone();
        step
    };
    let many: Vec<_> = (0..30).map(made).collect();
    lineage.led_to.extend(many);
    let page = drawn::why::page(&frame, &lineage).into_string();
    assert!(page.contains("11 things and 11 arrows"));
    assert_eq!(page.matches("<b>30 times</b>").count(), 3, "twice in the graph, once in words");
}

#[test]
fn the_style_sheet_and_the_script_load_nothing_either() {
    for content in [remuda_web::assets::STYLE, remuda_web::assets::SCRIPT] {
        assert!(
            !content.contains("http:")
                && !content.contains("https:")
                && !content.contains("@import")
                && !content.contains("url(")
        );
    }
}

#[test]
fn the_description_names_every_schema_once() {
    let description = &*remuda_web::openapi::DESCRIPTION;
    assert!(description.conflicts.is_empty(), "{:?}", description.conflicts);
    let text = description.document.to_string();
    let schemas = description.document["components"]["schemas"].as_object().unwrap();
    for reference in text.split("#/components/schemas/").skip(1) {
        let name = reference.split('"').next().unwrap();
        assert!(schemas.contains_key(name), "{name} is referred to and missing");
    }
    assert_eq!(description.document["openapi"], "3.1.0");
}

#[test]
fn a_report_stands_alone_and_is_the_same_every_time() {
    let report = || document(&samples::gate::report(), Style::Inside).into_string();
    let text = report();
    assert_eq!(text, report());
    assert!(text.starts_with("<!DOCTYPE html>") && text.len() <= LIMIT, "{} bytes", text.len());
    for foreign in ["<script", "<link", "src=", "url(", "@import", "http://", "https://", " ago", "<b>who</b>"] {
        let found = text.find(foreign).map(|at| &text[at.saturating_sub(40)..(at + 40).min(text.len())]);
        assert!(found.is_none(), "{foreign}: {found:?}");
    }
    for target in text.split("href=\"").skip(1) {
        let id = target.strip_prefix('#').and_then(|target| target.split('"').next()).expect("a place in the document");
        assert!(text.contains(&format!(" id=\"{id}\"")), "{id}");
    }
    for said in [
        "May “trees” go live?",
        "What its scores are worth",
        "How often the deciding rows were asked",
        "until 2026-12-31",
        "Against other models",
        "Where it fails most",
        "2 groups of rows are worse than the rest beyond what chance explains",
        "in the rest of slice 1",
        " behavioural tests pass",
        "Tests that fail",
        " of the labels of validation are in doubt",
    ] {
        assert!(text.contains(said), "{said}");
    }
}

#[test]
fn a_report_says_what_nobody_has_asked_and_takes_no_text_for_markup() {
    let mut view = samples::gate::report();
    view.findings = remuda_app::analysis::Findings::default();
    let text = document(&view, Style::Inside).into_string();
    for command in ["analysis slices", "analysis test", "analysis labels"] {
        let command = format!("remuda {command} {}", view.model.digest.short());
        assert!(text.contains(&command), "{command}");
    }
    let hostile = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>";
    let mut view = samples::gate::report();
    view.requirements[0].goal = hostile.into();
    view.requirements[0].prose = format!("# {hostile}\n| {hostile} |\n[x](javascript:alert(1))");
    let sliced = view.findings.sliced.as_mut().unwrap();
    sliced.slices[0].filter = hostile.into();
    sliced.loss = hostile.into();
    let tested = view.findings.tested.as_mut().unwrap();
    tested.matrix[0].capability = hostile.into();
    for test in &mut tested.tests {
        (test.passed, test.name, test.about) = (false, hostile.into(), hostile.into());
        test.problem = Some(hostile.into());
    }
    view.findings.doubted.as_mut().unwrap().pairs[0].given = hostile.into();
    let text = document(&view, Style::Inside).into_string();
    assert!(!text.contains("<script") && !text.contains("<img") && !text.contains("href=\"javascript"), "{text}");
}
