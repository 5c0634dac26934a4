//! `/release` and `/release/{digest}`: what was put together, what it still lacks, who signed, when it was live.

use super::gate;
use crate::components::{Frame, Page, Section, action, layout, parts, table, verdict};
use crate::format;
use maud::{Markup, html};
use remuda_app::release::{Promotion, ReleaseLine, ReleasePage, Releases};
use remuda_app::team::Signature;
use remuda_model::team::{Independence, Missing};

/// Releases, newest first.
pub fn list(frame: &Frame, view: &Releases) -> Markup {
    let rows = html! { @for line in view.releases.iter().take(80) { (row(frame, line)) } };
    let body = html! {
        @if view.releases.is_empty() {
            (parts::empty("No release yet. A release is one digest over model, features, criteria, evidence and signatures.", "remuda release create MODEL"))
        }
        @else {
            (table::stacked("Releases", table::heads(["release", "model", "verdict", "state", "by", "#went live"]), rows))
        }
        (parts::left_out(view.releases.len(), 80, "remuda release list"))
        @if view.releases.iter().any(|line| line.live) {
            (parts::section("back", "Take it back", html! {}, html! {
                p.muted { "The release that was live before goes live again, in under a second. Why stays with the fact." }
                div.do-it { (parts::command("remuda release rollback")) (rollback(frame)) }
            }))
        }
    };
    let page = Page {
        title: "Releases".to_owned(),
        section: Section::Release,
        crumbs: Vec::new(),
        beside: html! {},
        lead: html! { span { "One digest over model, features, schema, criteria, evidence and signatures." } },
        commands: vec!["remuda release list".to_owned()],
        body,
    };
    layout::page(frame, page)
}

fn row(frame: &Frame, line: &ReleaseLine) -> Markup {
    html! {
        tr {
            td { (parts::digest_link("release", line.digest.as_str())) }
            td.end { a href=(format::address("model_version", line.model.as_str())) { b { (line.model_name) } } }
            td { (verdict::badge(line.verdict)) }
            td.end { (state(line)) }
            td { (line.actor) span.second { (parts::time(frame.now, line.time)) } }
            td.number data-label="went live" { @if line.promotions == 0 { span.muted { "never" } } @else { (line.promotions) "×" } }
        }
    }
}

fn state(line: &ReleaseLine) -> Markup {
    html! {
        @if line.live { span.chip.live { span.pulse aria-hidden="true" {} "live" } }
        @if line.solo { " " (parts::mark(parts::Tone::Warning, "solo")) }
    }
}

fn rollback(frame: &Frame) -> Markup {
    let inputs = html! { label.hidden for="why" { "Why" } input #why type="text" name="why" placeholder="why roll back" maxlength="300"; };
    action::form(frame, "release", "rollback", "Roll back", &[], inputs)
}

/// One release.
pub fn page(frame: &Frame, view: &ReleasePage) -> Markup {
    let line = &view.line;
    let body = html! {
        @if line.solo {
            div.banner.warning {
                p.headline {
                    "Solo mode: made and signed by a one-person team, which has said so. Nobody independent has looked."
                }
            }
        }
        @for waived in line.waivers.iter().take(12) {
            div.banner.warning {
                p.headline {
                    code { (waived.criterion) } " "
                    @if let Some(slice) = &waived.slice { (parts::chip(slice)) " " }
                    "is " (waived.kind.words()) ": " (waived.waiver.words())
                }
            }
        }
        div.columns {
            div.main-column { (readiness(frame, view)) (evidence(frame, view)) (signatures(frame, &view.signatures)) }
            div.side-column { (content(view)) (history(frame, &view.history)) }
        }
    };
    let page = Page {
        title: format!("Release {}", line.digest.short()),
        section: Section::Release,
        crumbs: vec![("Releases".to_owned(), "/release".to_owned())],
        beside: html! { (verdict::badge(line.verdict)) (state(line)) },
        lead: html! {
            span {
                "of "
                a href=(format::address("model_version", line.model.as_str())) { b { (line.model_name) } } " "
                (parts::digest(line.model.as_str()))
            }
            span { "by " b { (line.actor) } ", " (parts::time(frame.now, line.time)) }
        },
        commands: vec![format!("remuda release show {}", line.digest.short())],
        body,
    };
    layout::page(frame, page)
}

fn readiness(frame: &Frame, view: &ReleasePage) -> Markup {
    let line = &view.line;
    let promote = format!("remuda release promote {}", line.digest.short());
    html! {
        @if line.live {
            div.banner.good {
                p.headline { "✓ This release is live." }
                div.do-it { (parts::command("remuda release rollback")) (rollback(frame)) }
            }
        } @else if view.missing.is_empty() {
            div.banner.good {
                p.headline { "✓ Nothing is missing: it may go live." }
                div.do-it { (parts::command(&promote)) (action::for_command(frame, &promote, &[])) }
            }
        } @else {
            (parts::section("missing", "Missing before it may go live", parts::mark(parts::Tone::Warning, &view.missing.len().to_string()), html! {
                ul.waiting { @for one in view.missing.iter().take(20) { (missing(frame, one)) } }
            }))
        }
    }
}

fn missing(frame: &Frame, one: &Missing) -> Markup {
    html! {
        li {
            div.waiting-head { span.chip.warning { "missing" } p { (parts::backticks(&one.what)) } }
            p.on-whom {
                @if !one.roles.is_empty() { "can come from " (parts::roles(&one.roles)) }
                @if one.members.is_empty() {
                    b { "no member would count" }
                } @else {
                    span.muted { (remuda_model::text::list(&one.members)) }
                }
            }
            div.do-it { (parts::command(&one.command)) (action::for_command(frame, &one.command, &one.members)) }
        }
    }
}

fn evidence(frame: &Frame, view: &ReleasePage) -> Markup {
    parts::section(
        "evidence",
        "Evidence",
        html! {},
        html! {
            @if view.evaluations.is_empty() {
                (parts::empty("No evaluation speaks for this release.", &format!("remuda gate evaluate {}", view.line.model.short())))
            }
            @else { (gate::table(frame, &view.evaluations)) }
        },
    )
}

/// Signatures with their independence. (The team page shows them too.)
pub(crate) fn signature_table(frame: &Frame, signatures: &[Signature]) -> Markup {
    let rows = html! {
        @for signature in signatures.iter().take(60) {
            tr {
                td.what { b { (signature.kind.as_str()) } span.second { (signature.subject) } }
                td.end { (signature.member) span.second { (parts::time(frame.now, signature.time)) } }
                td.wide {
                    @match &signature.waived {
                        Some(waived) => { (parts::mark(parts::Tone::Warning, &format!("until {}", waived.until))) " " code { (waived.criterion) } }
                        None => (independence(&signature.independence)),
                    }
                    @if !signature.remark.is_empty() { p.remark { "“" (format::cut(&signature.remark, 160)) "”" } }
                }
            }
        }
    };
    table::stacked("Signatures", table::heads(["promise", "by", "independent?"]), rows)
}

fn independence(independence: &Independence) -> Markup {
    html! {
        @match independence {
            Independence::Independent => (parts::mark(parts::Tone::Good, "✓ independent")),
            Independence::Solo => (parts::mark(parts::Tone::Warning, "solo")),
            Independence::Contributed(work) => {
                (parts::mark(parts::Tone::Warning, "! did part of the work"))
                ul.plain-list.small {
                    @for phrase in work.iter().take(4) { li.muted { (parts::backticks(phrase)) } }
                    @if work.len() > 4 { li.muted { "and " (work.len() - 4) " more" } }
                }
            }
        }
    }
}

fn signatures(frame: &Frame, signatures: &[Signature]) -> Markup {
    parts::section(
        "signatures",
        "Signatures",
        html! {},
        html! {
            @if signatures.is_empty() {
                (parts::empty("Nobody has signed yet.", ""))
            } @else {
                (signature_table(frame, signatures))
            }
            (parts::left_out(signatures.len(), 60, "remuda team show"))
        },
    )
}

/// When releases went live. (The live page shows it too.)
pub(crate) fn promotions(frame: &Frame, history: &[Promotion]) -> Markup {
    html! {
        ol.timeline {
            @for one in history.iter().take(30) {
                li { span class=(if one.how == "promoted" { "chip good" } else { "chip warning" }) { (one.how) } " "
                    (parts::digest_link("release", one.release.as_str())) " by " b { (one.actor) } ", " (parts::time(frame.now, one.time))
                    @if !one.why.is_empty() { p.muted { (format::cut(&one.why, 300)) } } }
            }
        }
        (parts::left_out(history.len(), 30, "remuda release list"))
    }
}

fn history(frame: &Frame, history: &[Promotion]) -> Markup {
    html! { @if !history.is_empty() { (parts::section("history", "When it was live", html! {}, promotions(frame, history))) } }
}

fn content(view: &ReleasePage) -> Markup {
    let content = &view.content;
    parts::section(
        "content",
        "What it is made of",
        html! {},
        html! {
            (parts::facts([
                ("release", parts::digest(view.line.digest.as_str())),
                ("model", parts::digest_link("model_version", content.model.as_str())),
                ("runs on", parts::text(view.engine.as_str())),
                ("signature", parts::digest(content.signature.as_str())),
                ("contract", html! { @match &content.contract { Some(digest) => (parts::digest(digest.as_str())), None => "–" } }),
            ]))
            h3 { "Requirements" }
            ul.plain-list {
                @for (name, digest) in content.requirements.iter().take(30) {
                    li { a href=(format::address("requirement", name)) { (name) } " " (parts::digest(digest.as_str())) }
                }
            }
            h3 { "Evaluations and signatures" }
            ul.plain-list {
                @for id in content.evaluations.iter().take(20) { li { "evaluation " (parts::digest_link("evaluation", id)) } }
                @for id in content.signatures.iter().take(20) {
                    li {
                        @match view.signatures.iter().find(|signature| signature.fact == *id) {
                            Some(signature) => { (signature.kind.as_str()) ", signed by " b { (signature.member) } },
                            None => "signature",
                        }
                        " " (parts::digest_link("fact", id))
                    }
                }
            }
            p { a href={ "/why/" (view.line.digest.short()) } { "lineage" } }
        },
    )
}
