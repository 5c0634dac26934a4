//! Tables: each in a box of its own that scrolls sideways, so that no page ever does.

use maud::{Markup, html};

/// A table in its scroll box. `head` is the row of `th`s, `rows` the `tr`s. The box takes the keyboard's focus, so
/// that it can be scrolled without a mouse.
pub fn table(label: &str, head: Markup, rows: Markup) -> Markup {
    html! {
        div.scroll role="region" aria-label=(label) tabindex="0" {
            table { thead { tr { (head) } } tbody { (rows) } }
        }
    }
}

/// The same for rows that people read: on narrow screens each row becomes a small card of two columns. There a cell of
/// class `wide` takes both, one of class `end` stands to the right, one of class `aside-cell` is left out, and
/// `data-label` names what a cell holds.
pub fn stacked(label: &str, head: Markup, rows: Markup) -> Markup {
    html! {
        div.scroll role="region" aria-label=(label) tabindex="0" {
            table.stacks { thead { tr { (head) } } tbody { (rows) } }
        }
    }
}

/// Column heads: a name that begins with `#` is one of numbers and stands to the right.
pub fn heads<const N: usize>(names: [&str; N]) -> Markup {
    html! {
        @for name in names {
            @match name.strip_prefix('#') {
                Some(number) => th.number scope="col" { (number) },
                None => th scope="col" { (name) },
            }
        }
    }
}
