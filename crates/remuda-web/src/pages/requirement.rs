//! `/requirement` and `/requirement/{name}`: what the business wants, and where each criterion stands.

use super::gate;
use crate::components::{Frame, Page, Section, action, layout, parts, prose, verdict};
use crate::format;
use maud::{Markup, html};
use remuda_app::requirement::{RequirementPage, Requirements};

/// All requirements.
pub fn list(frame: &Frame, view: &Requirements) -> Markup {
    let body = html! {
        @if view.requirements.is_empty() {
            (parts::empty("No requirement yet. Write `requirements/NAME.md`: a goal, criteria of one line each, prose.", "remuda check"))
        }
        div.cards { @for state in view.requirements.iter().take(30) { (super::board::requirement(state)) } }
        (parts::left_out(view.requirements.len(), 30, "remuda requirement list"))
    };
    let page = Page {
        title: "Requirements".to_owned(),
        section: Section::Requirement,
        crumbs: Vec::new(),
        beside: html! {},
        lead: html! { span { "What the business wants, each in criteria of one line that evidence can meet." } },
        commands: vec!["remuda requirement list".to_owned()],
        body,
    };
    layout::page(frame, page)
}

/// One requirement.
pub fn page(frame: &Frame, view: &RequirementPage) -> Markup {
    let state = &view.state;
    let body = html! {
        @for stale in state.stale.iter().take(6) {
            div.banner.warning { p.headline { (parts::backticks(stale)) } }
        }
        div.columns {
            div.main-column { (criteria(view)) (history(frame, view)) }
            div.side-column { (about(frame, view)) }
        }
    };
    let page = Page {
        title: state.name.clone(),
        section: Section::Requirement,
        crumbs: vec![("Requirements".to_owned(), "/requirement".to_owned())],
        beside: verdict::badge(state.verdict),
        lead: html! { span.goal { (parts::backticks(&state.goal)) } },
        commands: vec![format!("remuda requirement show {}", state.name)],
        body,
    };
    layout::page(frame, page)
}

fn criteria(view: &RequirementPage) -> Markup {
    let state = &view.state;
    let body = html! {
        @if state.verdicts.is_empty() {
            ul.criteria.card {
                @for criterion in &state.criteria {
                    (verdict::pending(&criterion.text, &criterion.words))
                }
            }
            (parts::empty("No candidate was held against these criteria yet.", "remuda gate evaluate MODEL"))
        } @else {
            @for one in state.verdicts.iter().take(24) { (verdict::full(one)) }
            (parts::left_out(state.verdicts.len(), 24, &format!("remuda requirement show {}", state.name)))
        }
    };
    let aside = html! {
        @if let Some(evaluation) = &state.evaluation {
            span {
                "from evaluation " (parts::digest_link("evaluation", &evaluation.id)) " of "
                b { (evaluation.model_name) }
            }
        }
    };
    parts::section("criteria", "Criteria", aside, body)
}

fn history(frame: &Frame, view: &RequirementPage) -> Markup {
    html! {
        @if !view.history.is_empty() {
            (parts::section("history", "Evaluations", html! {}, gate::table(frame, &view.history)))
        }
    }
}

fn about(frame: &Frame, view: &RequirementPage) -> Markup {
    let state = &view.state;
    let intent = html! {
        @if state.signed_by.is_empty() {
            span.muted { "not signed" }
        } @else {
            (remuda_model::text::list(&state.signed_by))
        }
    };
    html! {
        (parts::section("about", "About", html! {}, html! {
            (parts::facts([
                ("owner", parts::text(&state.owner)),
                ("dataset", html! { a href={ "/data/" (format::segment(&state.dataset)) } { (state.dataset) } }),
                ("file", html! { code { (view.path) } }),
                ("text", parts::digest_link("definition", &state.digest)),
                ("intent signed by", intent),
            ]))
            @if !state.signed_by.contains(&frame.actor) {
                @let sign = format!("remuda sign intent {}", state.name);
                div.do-it { (parts::command(&sign)) (action::for_command(frame, &sign, &[])) }
            }
        }))
        @if !view.prose.trim().is_empty() {
            (parts::section("prose", "In words", html! {}, prose::markdown(&format::cut(&view.prose, 30_000))))
        }
    }
}
