//! `/data`, `/data/{digest}` and `/data/{a}/diff/{b}`: dataset versions, what they look like, how they differ.

use super::profile;
use crate::components::{Frame, Page, Section, chart, diff, layout, parts, table};
use crate::format;
use maud::{Markup, html};
use remuda_app::data::{RowChange, VersionDiff, VersionLine, VersionPage, Versions};
use remuda_model::data::{ContractReport, RuleResult, RuleSeverity};
use remuda_model::text;

/// All versions of all datasets.
pub fn list(frame: &Frame, view: &Versions) -> Markup {
    let mut names: Vec<&str> = Vec::new();
    for line in &view.versions {
        if !names.contains(&line.version.dataset.as_str()) {
            names.push(&line.version.dataset);
        }
    }
    let body = html! {
        @if names.is_empty() {
            (parts::empty("No data yet. A file becomes a version: checked by its contract, stored once, split for good.", "remuda data add FILE --as NAME"))
        }
        @for name in names.iter().take(20) {
            @let versions: Vec<&VersionLine> = view.versions.iter().filter(|line| line.version.dataset == **name).collect();
            (parts::section(&format!("dataset-{name}"), name, parts::chip(&text::count(versions.len() as u64, "version")), html! {
                (versions_table(frame, &versions[..versions.len().min(40)], None))
                (parts::left_out(versions.len(), 40, &format!("remuda data log {name}")))
            }))
        }
    };
    let page = Page {
        title: "Data".to_owned(),
        section: Section::Data,
        crumbs: Vec::new(),
        beside: html! {},
        lead: html! { span { "Versions are content-addressed: the same rows are the same version, and are stored once." } },
        commands: vec!["remuda data log".to_owned()],
        body,
    };
    layout::page(frame, page)
}

fn versions_table(frame: &Frame, versions: &[&VersionLine], here: Option<&str>) -> Markup {
    let rows = html! {
        @for (index, line) in versions.iter().enumerate() {
            @let version = &line.version;
            @let breaches = version.report.breaches().count();
            tr aria-current=[(here == Some(version.digest.as_str())).then_some("true")] {
                td.what {
                    (parts::digest_link("dataset_version", version.digest.as_str()))
                    span.second { (format::cut(&version.source, 60)) }
                }
                td.number data-label="rows" { (text::thousands(version.rows)) }
                td.number.aside-cell { (format::bytes(version.bytes)) }
                td.number.aside-cell { (format::bytes(version.new_bytes)) }
                td {
                    @if breaches == 0 {
                        (parts::mark(parts::Tone::Good, "✓ kept"))
                    } @else {
                        (parts::mark(parts::Tone::Warning, &text::count(breaches as u64, "breach")))
                    }
                }
                td { (line.actor) span.second { (parts::time(frame.now, line.time)) } }
                td.end {
                    @if let Some(before) = versions.get(index + 1) {
                        a href={ "/data/" (before.version.digest.short()) "/diff/" (version.digest.short()) } { "diff" }
                    }
                }
            }
        }
    };
    table::stacked("Versions", table::heads(["version", "#rows", "#size", "#new", "contract", "by", "change"]), rows)
}

/// One version. `columns_page` turns the pages of the profile, from 0.
pub fn page(frame: &Frame, view: &VersionPage, columns_page: usize) -> Markup {
    let version = &view.line.version;
    let body = html! {
        div.columns.side-first {
            div.main-column {
                (profile::columns(view, columns_page))
            }
            div.side-column {
                (overview(frame, view))
                (contract(&version_report(view)))
                (looks(frame, view))
                (used_by(frame, view))
            }
        }
        (siblings(frame, view))
    };
    let page = Page {
        title: format!("{} {}", version.dataset, version.digest.short()),
        section: Section::Data,
        crumbs: vec![("Data".to_owned(), "/data".to_owned())],
        beside: html! { @if version.report.breaches().next().is_some() { (parts::mark(parts::Tone::Warning, "contract breached")) } },
        lead: html! {
            span { (text::count(version.rows, "row")) }
            span { (text::count(view.profile.columns.len() as u64, "column")) }
            span { "from " b { (version.source) } }
            span { "by " b { (view.line.actor) } ", " (parts::time(frame.now, view.line.time)) }
        },
        commands: vec![format!("remuda data show {}", version.digest.short())],
        body,
    };
    layout::page(frame, page)
}

fn version_report(view: &VersionPage) -> ContractReport {
    if view.report.results.is_empty() { view.line.version.report.clone() } else { view.report.clone() }
}

fn overview(frame: &Frame, view: &VersionPage) -> Markup {
    let version = &view.line.version;
    let [train, validation, holdout] = version.split_rows;
    parts::section(
        "split",
        "Split and size",
        html! {},
        html! {
            (chart::stacked(&[("train", train, "part-train"), ("validation", validation, "part-validation"), ("holdout", holdout, "part-holdout")]))
            (parts::facts([
                ("digest", parts::digest(version.digest.as_str())),
                ("size", parts::text(format::bytes(version.bytes))),
                ("new bytes", parts::text(format::bytes(version.new_bytes))),
                ("duplicate rows", parts::text(text::thousands(view.profile.duplicate_rows))),
                ("contract", html! { @match &version.contract { Some(digest) => (parts::digest(digest.as_str())), None => span.muted { "none" } } }),
                ("added", parts::ago(frame.now, view.line.time)),
            ]))
            p { a href={ "/why/" (version.digest.short()) } { "lineage" } }
        },
    )
}

fn contract(report: &ContractReport) -> Markup {
    let broken = report.breaches().count();
    let body = html! {
        @if report.results.is_empty() { p.muted { "No rule was checked." } }
        @else {
            @if broken > 0 {
                ul.rules { @for result in report.breaches().take(40) { (rule(result)) } }
                (parts::left_out(broken, 40, "remuda data show NAME"))
            }
            @let kept = report.results.len() - broken;
            @if kept > 0 {
                details {
                    summary { (text::count(kept as u64, "rule")) " kept" }
                    ul.rules {
                        @for result in report.results.iter().filter(|result| result.passed).take(80) { (rule(result)) }
                    }
                    (parts::left_out(kept, 80, "remuda data show NAME"))
                }
            }
        }
    };
    let aside = if report.results.is_empty() {
        html! {}
    } else if broken == 0 {
        parts::mark(parts::Tone::Good, "✓ all kept")
    } else {
        parts::mark(parts::Tone::Warning, &format!("{broken} of {} broken", report.results.len()))
    };
    parts::section("contract", "Contract", aside, body)
}

fn rule(result: &RuleResult) -> Markup {
    html! {
        li class=(if result.passed { "kept" } else { "broken" }) {
            @if result.passed { span.tick { "✓" span.hidden { "kept" } } }
            @else if result.severity == RuleSeverity::Error { span.cross { "✗" span.hidden { "broken" } } }
            @else { span.warn { "!" span.hidden { "broken, a warning" } } }
            span {
                code { (result.rule) }
                @if !result.passed {
                    span.muted { " " (text::count(result.breaches, "row")) } p { (format::cut(&result.message, 400)) }
                }
            }
        }
    }
}

fn looks(frame: &Frame, view: &VersionPage) -> Markup {
    let spent: u32 =
        view.looks.iter().filter(|look| !look.retired).fold(0, |sum, look| sum.saturating_add(look.charge));
    let body = html! {
        p.budget {
            (chart::pips(spent, view.budget))
            span.budget-words { (view.budget.saturating_sub(spent)) " of " (view.budget) " left" }
        }
        @if view.looks.is_empty() { p.muted { "Nobody has looked at this holdout." } }
        ol.looks {
            @for look in view.looks.iter().take(12) {
                li {
                    b { (look.actor) } " saw " (look.revealed) " for " (super::linked_words(&look.purpose))
                    span.muted {
                        @if look.retired { ", at a retired holdout" } @else { ", charge " (look.charge) }
                        ", " (parts::ago(frame.now, look.time))
                    }
                }
            }
        }
        (parts::left_out(view.looks.len(), 12, "remuda data show NAME"))
    };
    parts::section("looks", "Looks at the holdout", html! {}, body)
}

fn used_by(frame: &Frame, view: &VersionPage) -> Markup {
    html! {
        @if !view.used_by.is_empty() {
            (parts::section("used", "Used by", html! {}, super::ledger::feed(frame, &view.used_by[..view.used_by.len().min(10)])))
        }
    }
}

fn siblings(frame: &Frame, view: &VersionPage) -> Markup {
    let all: Vec<&VersionLine> = view.siblings.iter().take(20).collect();
    let here = &view.line.version.digest;
    let newest = all.iter().find(|line| line.version.digest != *here);
    html! {
        @if !all.is_empty() {
            (parts::section("siblings", "Versions", html! {
                @if let Some(other) = newest {
                    @let (before, after) = if other.time < view.line.time { (*other, &view.line) } else { (&view.line, *other) };
                    a href={ "/data/" (before.version.digest.short()) "/diff/" (after.version.digest.short()) } {
                        "compare with " (other.version.digest.short())
                    }
                }
            }, html! {
                (versions_table(frame, &all, Some(here.as_str())))
                (parts::left_out(view.siblings.len(), 20, "remuda data log"))
            }))
        }
    }
}

/// How two versions differ.
pub fn difference(frame: &Frame, view: &VersionDiff) -> Markup {
    let body = html! {
        div.tiles {
            (tile("added", view.counts.added, "added")) (tile("removed", view.counts.removed, "removed"))
            (tile("changed", view.counts.changed, "changed")) (tile("relabelled", view.counts.relabelled, "relabelled"))
            (tile("the same", view.same, "same"))
        }
        div.columns {
            div.main-column { (examples(view)) }
            div.side-column { (by_column(view)) }
        }
    };
    let page = Page {
        title: format!("{} → {}", format::short(&view.before), format::short(&view.after)),
        section: Section::Data,
        crumbs: vec![
            ("Data".to_owned(), "/data".to_owned()),
            (format::short(&view.after), format::address("dataset_version", &view.after)),
        ],
        beside: html! {},
        lead: html! {
            @if view.key.is_empty() {
                span { "no key: whole rows are compared, so a changed row counts as removed and added" }
            }
            @else { span { "rows matched by " b { (text::list(&view.key)) } } }
        },
        commands: vec![format!("remuda data diff {} {}", format::short(&view.before), format::short(&view.after))],
        body,
    };
    layout::page(frame, page)
}

fn tile(label: &str, count: u64, class: &str) -> Markup {
    html! { div class={ "tile " (class) } { b { (text::thousands(count)) } span { "rows " (label) } } }
}

fn by_column(view: &VersionDiff) -> Markup {
    let most = view.by_column.iter().map(|column| column.rows).max().unwrap_or(0);
    let body = html! {
        @if view.by_column.is_empty() { p.muted { "No column differs in a row that both have." } }
        ul.bars {
            @for column in view.by_column.iter().take(40) {
                li {
                    span.bar-name { (column.column) } (chart::bar(format::share(column.rows, most)))
                    span.bar-value { (text::thousands(column.rows)) }
                }
            }
        }
        (parts::left_out(view.by_column.len(), 40, "remuda data diff BEFORE AFTER"))
    };
    parts::section("by-column", "Changes by column", html! {}, body)
}

fn examples(view: &VersionDiff) -> Markup {
    let rows = html! {
        @for row in view.examples.iter().take(60) {
            tr {
                td { span class={ "chip change-" (change_class(&row.kind)) } { (row.kind) } }
                td.end { @for cell in &row.key { code { (format::cut(&cell.value, 60)) } " " } }
                td.wide { (differing(row)) }
            }
        }
    };
    let body = html! {
        @if view.examples.is_empty() { (parts::empty("The two versions have the same rows.", "")) }
        @else { (table::stacked("Example rows", table::heads(["kind", "key", "what differs"]), rows)) }
    };
    parts::section("examples", "Some of the rows", html! {}, body)
}

/// What differs in a row that both have; the row itself where only one has it.
fn differing(row: &RowChange) -> Markup {
    html! {
        ul.plain-list.cells {
            @for change in row.changes.iter().take(12) {
                li {
                    span.muted { (change.column) " " }
                    @match row.kind.as_str() {
                        "added" => (format::cut(&change.after, 160)),
                        "removed" => (format::cut(&change.before, 160)),
                        _ => (diff::change(&change.before, &change.after)),
                    }
                }
            }
        }
    }
}

fn change_class(kind: &str) -> &'static str {
    match kind {
        "added" => "added",
        "removed" => "removed",
        "relabelled" => "relabelled",
        _ => "changed",
    }
}
