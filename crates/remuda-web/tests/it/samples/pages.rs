//! Every page over the example answers, and every page in its empty state.

use super::{analysis, behaviour, data, gate, live, many, run};
use maud::Markup;
use remuda_app::Error;
use remuda_app::gate::Evaluations;
use remuda_app::ledger::{Facts, Lineage, Log, Thing};
use remuda_app::model::Models;
use remuda_app::release::Releases;
use remuda_app::requirement::{RequirementPage, Requirements};
use remuda_app::run::{FileKind, RunState, RunsCompared};
use remuda_app::team::NewToken;
use remuda_model::gate::VerdictKind;
use remuda_model::run::RunStatus;
use remuda_web::components::lines::Manner;
use remuda_web::components::{Frame, Theme};
use remuda_web::pages::runs::{Asked, Logged};
use remuda_web::{openapi, pages};

/// A page's name and how to draw it.
pub(crate) type Drawn = (&'static str, Markup);

fn nothing_asked() -> Log {
    Log { limit: 80, before: Some(60), verb: None, actor: None }
}

fn sorted() -> Asked {
    Asked {
        filter: Some("metrics.`val/auc` > 0.8".into()),
        order_by: Some("metrics.val/auc DESC".into()),
        select: Some("metrics.val/auc, params.depth, tags.team, status, start_time".into()),
        experiment: Some("search depth".into()),
        before: Some("w8c4n6rt2b".into()),
        ..Asked::default()
    }
}

fn grouped() -> Asked {
    Asked { group: Some("params.depth".into()), order_by: Some("metrics.auc DESC".into()), ..Asked::default() }
}

fn many_compared(frame: &Frame, view: &RunsCompared) -> Markup {
    pages::runs::compare::page(frame, view, &many::drawn(view), &many::question())
}

/// Every page, as it looks when there is something to show.
pub(crate) fn full(theme: Theme) -> Vec<Drawn> {
    let at = |path: &str| super::frame(path, theme);
    let done =
        Frame { notice: Some("Signed. The signature binds what stands on this page.".into()), ..at("/release/1") };
    let error = Error::not_found("run", "k9").hint("`remuda run list` shows them").hint("did you mean `k3f7m2pq9x`?");
    let mut running = run::run("z5m3x8kd4v", RunStatus::Running, 0);
    running.metrics.clear();
    vec![
        ("board", pages::board::page(&at("/"), &super::board())),
        ("requirements", pages::requirement::list(&at("/requirement"), &super::requirements())),
        ("requirement", pages::requirement::page(&at("/requirement/retention"), &super::requirement_page())),
        (
            "data-list",
            pages::data::list(
                &at("/data"),
                &remuda_app::data::Versions {
                    versions: vec![data::line("customers", 2), data::line("customers", 1), data::line("tickets", 0)],
                },
            ),
        ),
        ("data", pages::data::page(&at("/data/1"), &data::page(), 0)),
        ("data-diff", pages::data::difference(&at("/data/1/diff/2"), &data::difference())),
        ("runs", pages::runs::list::page(&at("/run"), &many::list(), &Asked::default())),
        ("runs-sorted", pages::runs::list::page(&at("/run?order_by=x"), &many::list(), &sorted())),
        (
            "runs-deleted",
            pages::runs::list::page(&at("/run"), &many::list(), &Asked { deleted: true, ..Asked::default() }),
        ),
        ("runs-grouped", pages::runs::list::page(&at("/run"), &many::grouped(8), &grouped())),
        ("runs-compared", many_compared(&at("/run/compare"), &many::compared(3))),
        ("runs-paired", many_compared(&at("/run/compare"), &many::paired())),
        ("runs-many", many_compared(&at("/run/compare"), &many::compared(500))),
        (
            "run-tracked",
            pages::run::page_with(
                &at("/run/a"),
                &many::tracked("0f9e8d7c6b5a", RunStatus::Finished, 2),
                &Logged {
                    curves: Some(many::curves("0f9e8d7c6b5a")),
                    files: Some(many::files()),
                    manner: Manner { smooth: 0.6, ..Manner::default() },
                },
            ),
        ),
        ("run-files", pages::runs::files::folder(&at("/run/a/files"), &many::files())),
        ("run-file-table", pages::runs::files::file(&at("/run/a/files/x"), &many::preview(FileKind::Table))),
        ("run-file-page", pages::runs::files::file(&at("/run/a/files/x"), &many::preview(FileKind::Page))),
        ("run-file-text", pages::runs::files::file(&at("/run/a/files/x"), &many::preview(FileKind::Markdown))),
        ("run-file-other", pages::runs::files::file(&at("/run/a/files/x"), &many::preview(FileKind::Other))),
        (
            "run-live",
            pages::run::page_with(
                &at("/run/a"),
                &many::tracked("0f9e8d7c6b5a", RunStatus::Running, 2),
                &Logged { curves: Some(many::curves("0f9e8d7c6b5a")), ..Logged::default() },
            ),
        ),
        ("run", pages::run::page(&at("/run/w8c4n6rt2b"), &run::run("w8c4n6rt2b", RunStatus::Finished, 7))),
        ("run-failed", pages::run::page(&at("/run/q2n7p9wc6h"), &run::run("q2n7p9wc6h", RunStatus::Failed, 9))),
        ("run-running", pages::run::page(&at("/run/z5m3x8kd4v"), &running)),
        ("run-diff", pages::run::difference(&at("/run/a/diff/b"), &run::difference())),
        ("errors", pages::errors::page(&at("/docs/errors"))),
        (
            "refused",
            pages::problem::bare(&at("/"), &Error::new("access.denied", "this request comes from another site")),
        ),
        ("models", pages::model::list(&at("/model"), &Models { models: vec![run::model_line()] })),
        ("model", pages::model::page(&at("/model/1"), &run::model_page())),
        ("behaviour", pages::analysis::test::page(&at("/test/1"), &behaviour::state())),
        ("behaviour-unrun", pages::analysis::test::page(&at("/test/1"), &behaviour::unrun())),
        (
            "gate-list",
            pages::gate::list(
                &at("/gate"),
                &Evaluations {
                    evaluations: vec![
                        gate::summary(VerdictKind::Met),
                        gate::summary(VerdictKind::Undecided),
                        gate::summary(VerdictKind::NotMet),
                    ],
                },
            ),
        ),
        ("gate", pages::gate::page(&at("/gate/h6v9d3kq7m"), &gate::evaluation())),
        ("analyses", pages::analysis::list(&at("/analysis"), &analysis::analyses())),
        (
            "mistakes",
            pages::analysis::mistakes::page(&at("/analysis/mistakes"), &analysis::asked(analysis::mistakes())),
        ),
        ("labels", pages::analysis::labels::page(&at("/analysis/labels"), &analysis::asked(analysis::labels()))),
        ("compare", pages::analysis::compare::page(&at("/analysis/compare"), &analysis::asked(analysis::comparison()))),
        ("phrases", pages::analysis::phrases::page(&at("/analysis/phrases"), &analysis::asked(analysis::phrases()))),
        (
            "threshold",
            pages::analysis::threshold::page(
                &at("/analysis/threshold"),
                &analysis::asked(analysis::threshold()),
                &["churn_costs.csv".to_owned()],
            ),
        ),
        (
            "threshold-classes",
            pages::analysis::threshold::page(
                &at("/analysis/threshold"),
                &analysis::asked(analysis::expected_cost()),
                &[],
            ),
        ),
        ("slices", pages::analysis::slices::page(&at("/analysis/s4k7m2pq9x"), &analysis::sliced())),
        (
            "releases",
            pages::release::list(
                &at("/release"),
                &Releases { releases: vec![gate::release_line(false), gate::release_line(true)] },
            ),
        ),
        ("release", pages::release::page(&at("/release/1"), &gate::release(false))),
        ("release-live", pages::release::page(&done, &gate::release(true))),
        ("live", pages::live::page(&at("/live"), &live::page())),
        ("why", pages::why::page(&at("/why/1"), &super::lineage())),
        ("ledger", pages::ledger::page(&at("/ledger"), &super::facts(), &nothing_asked())),
        ("team", pages::team::page(&at("/team"), &super::team())),
        (
            "token",
            pages::team::new_token(
                &at("/team"),
                &NewToken { member: "quality".into(), token: "remuda_0123456789abcdef".into() },
            ),
        ),
        ("api", pages::reference::page(&at("/api"), &openapi::DESCRIPTION.operations)),
        ("login", pages::login::page(&at("/login"), "/", None)),
        (
            "login-refused",
            pages::login::page(
                &at("/login"),
                "/",
                Some(
                    &Error::new("access.unknown", "that is no valid token").hint("`remuda team token NAME` makes one"),
                ),
            ),
        ),
        ("problem", pages::problem::page(&at("/run/k9"), &error, Some("/run"))),
    ]
}

/// Every page that has an empty state, in it.
pub(crate) fn empty(theme: Theme) -> Vec<Drawn> {
    let at = |path: &str| super::frame(path, theme);
    let mut requirement = super::requirement();
    requirement.verdicts.clear();
    requirement.signed_by.clear();
    requirement.evaluation = None;
    let requirement = RequirementPage {
        state: requirement,
        path: "requirements/x.md".into(),
        prose: String::new(),
        history: Vec::new(),
    };
    let mut version = data::page();
    version.profile.columns.clear();
    version.report.results.clear();
    version.line.version.report.results.clear();
    version.line.version.split_rows = [0; 3];
    version.looks.clear();
    version.siblings.clear();
    version.used_by.clear();
    let bare = RunState {
        metrics: Vec::new(),
        steps: Vec::new(),
        models: Vec::new(),
        parameters: Default::default(),
        snapshot: Default::default(),
        ..run::run("a", RunStatus::Finished, 1)
    };
    let mut evaluation = gate::evaluation();
    evaluation.requirements.clear();
    evaluation.confusion = None;
    evaluation.verdict = VerdictKind::Undecided;
    let mut release = gate::release(false);
    release.evaluations.clear();
    release.signatures.clear();
    release.missing.clear();
    let alone = Lineage {
        thing: Thing { kind: "run".into(), id: "a".into(), name: String::new() },
        because: Vec::new(),
        led_to: Vec::new(),
        joins: Vec::new(),
    };
    vec![
        ("empty-board", pages::board::page(&at("/"), &super::empty_board())),
        (
            "empty-requirements",
            pages::requirement::list(&at("/requirement"), &Requirements { requirements: Vec::new() }),
        ),
        ("empty-requirement", pages::requirement::page(&at("/requirement/x"), &requirement)),
        ("empty-data-list", pages::data::list(&at("/data"), &remuda_app::data::Versions { versions: Vec::new() })),
        ("empty-data", pages::data::page(&at("/data/1"), &version, 7)),
        ("empty-runs", pages::runs::list::page(&at("/run"), &many::nothing(), &Asked::default())),
        ("empty-runs-filtered", pages::runs::list::page(&at("/run"), &many::nothing(), &sorted())),
        ("empty-runs-grouped", pages::runs::list::page(&at("/run"), &many::grouped(0), &grouped())),
        ("empty-runs-compared", many_compared(&at("/run/compare"), &many::compared(0))),
        (
            "empty-run-live",
            pages::run::page_with(
                &at("/run/a"),
                &RunState { metrics: Vec::new(), ..many::tracked("0f9e8d7c6b5a", RunStatus::Running, 2) },
                &Logged::default(),
            ),
        ),
        ("empty-run", pages::run::page(&at("/run/a"), &bare)),
        ("empty-models", pages::model::list(&at("/model"), &Models { models: Vec::new() })),
        (
            "empty-behaviour",
            pages::analysis::test::page(
                &at("/test/1"),
                &remuda_app::analysis::TestState { files: Vec::new(), ..behaviour::unrun() },
            ),
        ),
        ("empty-gate-list", pages::gate::list(&at("/gate"), &Evaluations { evaluations: Vec::new() })),
        ("empty-gate", pages::gate::page(&at("/gate/1"), &evaluation)),
        (
            "empty-analyses",
            pages::analysis::list(
                &at("/analysis"),
                &remuda_app::analysis::Analyses { analyses: Vec::new(), requests: Vec::new() },
            ),
        ),
        (
            "empty-mistakes",
            pages::analysis::mistakes::page(&at("/analysis/mistakes"), &analysis::asked(analysis::no_mistakes())),
        ),
        (
            "empty-labels",
            pages::analysis::labels::page(&at("/analysis/labels"), &analysis::asked(analysis::no_doubts())),
        ),
        (
            "empty-phrases",
            pages::analysis::phrases::page(&at("/analysis/phrases"), &analysis::asked(analysis::no_phrases())),
        ),
        ("unasked-labels", pages::analysis::labels::page(&at("/analysis/labels"), &analysis::unasked())),
        ("unasked-compare", pages::analysis::compare::page(&at("/analysis/compare"), &analysis::unasked())),
        ("unasked-mistakes", pages::analysis::mistakes::page(&at("/analysis/mistakes"), &analysis::no_models())),
        ("refused-threshold", pages::analysis::threshold::page(&at("/analysis/threshold"), &analysis::refused(), &[])),
        ("empty-slices", pages::analysis::slices::page(&at("/analysis/a"), &analysis::nothing())),
        ("empty-releases", pages::release::list(&at("/release"), &Releases { releases: Vec::new() })),
        ("empty-release", pages::release::page(&at("/release/1"), &release)),
        ("empty-live", pages::live::page(&at("/live"), &live::empty())),
        ("empty-why", pages::why::page(&at("/why/a"), &alone)),
        ("ask-why", pages::why::ask(&at("/why"), &Facts { facts: Vec::new(), more: false })),
        (
            "empty-ledger",
            pages::ledger::page(
                &at("/ledger"),
                &Facts { facts: Vec::new(), more: false },
                &Log { limit: 80, before: None, verb: Some("x".into()), actor: None },
            ),
        ),
        ("empty-team", pages::team::page(&at("/team"), &super::empty_team())),
    ]
}
