//! `/team`: members, roles, what the ledger says they did, signatures and their independence, tokens.

use super::release;
use crate::components::{Frame, Page, Section, action, layout, parts};
use crate::format;
use maud::{Markup, html};
use remuda_app::team::{MemberWork, NewToken, Team};
use remuda_model::team::SignatureKind;
use remuda_model::text;

/// The team.
pub fn page(frame: &Frame, view: &Team) -> Markup {
    let body = html! {
        div.columns {
            div.main-column { (members(frame, view)) (signatures(frame, view)) }
            div.side-column { (demands(view)) (sign(frame)) (tokens(frame)) }
        }
    };
    let page = Page {
        title: "Team".to_owned(),
        section: Section::Team,
        crumbs: Vec::new(),
        beside: html! { @if view.solo { (parts::mark(parts::Tone::Warning, "solo mode")) } },
        lead: html! {
            span { b { (view.product) } }
            span { "stage " b { (view.stage.as_str()) } }
            span { "risk " b { (view.risk.as_str()) } }
            span { (text::count(view.members.len() as u64, "member")) }
        },
        commands: vec!["remuda team show".to_owned()],
        body,
    };
    layout::page(frame, page)
}

fn members(frame: &Frame, view: &Team) -> Markup {
    parts::section(
        "members",
        "Members",
        html! {},
        html! {
            @if view.members.is_empty() {
                (parts::empty("No member yet. Name them in `remuda.toml`: `[members.NAME]` with roles.", "remuda check"))
            }
            div.people { @for work in view.members.iter().take(60) { (person(frame, work)) } }
            (parts::left_out(view.members.len(), 60, "remuda team show"))
        },
    )
}

fn person(frame: &Frame, work: &MemberWork) -> Markup {
    html! {
        article.person {
            header { span.avatar aria-hidden="true" { (initial(&work.member.name)) } h3 { (work.member.name) } }
            p { (parts::roles(&work.member.roles)) }
            @if work.facts.is_empty() { p.muted { "no fact yet" } }
            @else {
                ul.plain-list.small.facts-done {
                    @for (verb, count) in work.facts.iter().take(8) {
                        li { code { (verb) } " " b { (text::thousands(*count)) } }
                    }
                }
            }
            @if let Some(last) = work.last { p.muted.small { "last " (parts::ago(frame.now, last)) } }
        }
    }
}

fn initial(name: &str) -> String {
    name.chars().next().map(|letter| letter.to_uppercase().collect()).unwrap_or_default()
}

fn signatures(frame: &Frame, view: &Team) -> Markup {
    parts::section(
        "signatures",
        "Signatures",
        html! {},
        html! {
            @if view.signatures.is_empty() {
                (parts::empty("Nobody has signed yet. A signature is a promise that binds digests.", "remuda sign intent NAME"))
            }
            @else { (release::signature_table(frame, &view.signatures)) }
            (parts::left_out(view.signatures.len(), 60, "remuda team show"))
        },
    )
}

fn demands(view: &Team) -> Markup {
    let demanded = view.risk.signatures();
    parts::section(
        "demands",
        "What a promotion needs",
        html! {},
        html! {
            ul.plain-list.demands {
                @for kind in SignatureKind::PROMOTING {
                    @let needed = demanded.contains(&kind);
                    li class=(if needed { "needed" } else { "muted" }) {
                        b { (kind.as_str()) } @if !needed { " (not at this risk)" }
                        p { "“" (kind.promise()) "”" }
                        p { "from " (parts::roles(kind.roles())) }
                    }
                }
            }
            p.muted.small { "Independence is checked against who did the work, never against who holds a role now." }
        },
    )
}

fn sign(frame: &Frame) -> Markup {
    let offered: Vec<SignatureKind> =
        SignatureKind::PROMOTING.into_iter().filter(|kind| action::may_sign(frame, kind.as_str())).collect();
    let inputs = html! {
        label {
            "I promise"
            select name="kind" {
                @for kind in &offered { option value=(kind.as_str()) title=(kind.promise()) { (kind.as_str()) } }
            }
        }
        label {
            "of"
            input type="text" name="subject" required placeholder="requirement, evaluation or release" spellcheck="false";
        }
        label { "remark" input type="text" name="remark" maxlength="300"; }
    };
    html! { @if !offered.is_empty() { (parts::section("sign", "Sign", html! {}, html! { div.card.stack { (action::form(frame, "team", "sign", "Sign", &[], inputs)) } })) } }
}

fn tokens(frame: &Frame) -> Markup {
    parts::section(
        "tokens",
        "Tokens",
        html! {},
        html! {
            p.muted {
                "A token lets a member use this server from elsewhere. It is shown once; the ledger keeps its hash."
            }
            (parts::command(&format!("remuda team token {}", if frame.actor.is_empty() { "NAME" } else { &frame.actor })))
            (action::button(frame, "team", "token", "Make a token for me", &[("member", &frame.actor)]))
        },
    )
}

/// A new token: shown this once.
pub fn new_token(frame: &Frame, view: &NewToken) -> Markup {
    let body = html! {
        div.banner.warning { p.headline { "Copy it now: it is not shown again." } }
        (parts::text_to_copy(&view.token))
        p.muted {
            "Use it as " code { "authorization: Bearer …" } ", or paste it at the login page. Made "
            (format::time(frame.now)) "."
        }
    };
    let page = Page {
        title: format!("A token for {}", view.member),
        section: Section::Team,
        crumbs: vec![("Team".to_owned(), "/team".to_owned())],
        beside: html! {},
        lead: html! {},
        commands: Vec::new(),
        body,
    };
    layout::page(frame, page)
}
