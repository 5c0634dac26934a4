//! Commands that a page can carry out: each becomes a plain form with one button, beside the command itself.

use super::Frame;
use maud::{Markup, html};
use remuda_model::team::SignatureKind;

/// A form of one button that posts to a use case.
pub fn button(frame: &Frame, noun: &str, verb: &str, label: &str, fields: &[(&str, &str)]) -> Markup {
    form(frame, noun, verb, label, fields, html! {})
}

/// The same, with more inputs before the button.
pub fn form(frame: &Frame, noun: &str, verb: &str, label: &str, fields: &[(&str, &str)], inputs: Markup) -> Markup {
    html! {
        @if frame.may_write() {
            form.action method="post" action={ "/action/" (noun) "/" (verb) } {
                input type="hidden" name="back" value=(frame.path);
                @for (name, value) in fields { input type="hidden" name=(name) value=(value); }
                (inputs)
                button type="submit" { (label) }
            }
        }
    }
}

/// The button for a command, when a page can carry it out for whoever looks.
pub fn for_command(frame: &Frame, command: &str, members: &[String]) -> Markup {
    let words: Vec<&str> = command.split_whitespace().collect();
    let concerned = members.is_empty() || members.contains(&frame.actor);
    match words.as_slice() {
        _ if !concerned || words.iter().any(|word| is_placeholder(word)) => html! {},
        ["remuda", "sign", kind, subject] if may_sign(frame, kind) => {
            button(frame, "team", "sign", &format!("Sign {kind}"), &[("kind", kind), ("subject", subject)])
        }
        ["remuda", "gate", "evaluate", candidate] => {
            button(frame, "gate", "evaluate", "Evaluate", &[("candidate", candidate)])
        }
        ["remuda", "release", "create", model] => {
            button(frame, "release", "create", "Create the release", &[("model", model)])
        }
        ["remuda", "release", "promote"] => button(frame, "release", "promote", "Promote", &[]),
        ["remuda", "release", "promote", release] => {
            button(frame, "release", "promote", "Promote", &[("release", release)])
        }
        _ => html! {},
    }
}

/// Whether whoever looks holds a role that may give this signature.
pub fn may_sign(frame: &Frame, kind: &str) -> bool {
    SignatureKind::parse(kind).is_some_and(|kind| frame.roles.iter().any(|role| kind.roles().contains(role)))
}

/// `CANDIDATE` in a command is something to fill in, not to send.
fn is_placeholder(word: &str) -> bool {
    word.len() > 1 && word.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_')
}
