//! The columns of a dataset version, each as a card: type, use, histogram or most frequent values, missing, distinct.

use crate::components::{chart, parts};
use crate::format;
use maud::{Markup, html};
use remuda_app::data::VersionPage;
use remuda_model::data::{Column, ColumnProfile, ColumnUse};
use remuda_model::text;

/// Cards on one page: keeps a page of a very wide dataset under its size.
const CARDS: usize = 24;
/// A column of so few distinct values is shown by them, even if they are numbers.
const FEW: u64 = 6;
/// Most frequent values on a card.
const VALUES: usize = 6;
/// Where the most frequent value is rarer than this, bars would say nothing: values are examples only.
const RARE: f64 = 0.005;

/// The cards of one page of columns.
pub(super) fn columns(view: &VersionPage, page: usize) -> Markup {
    let all = &view.profile.columns;
    let pages = all.len().div_ceil(CARDS).max(1);
    let page = page.min(pages - 1);
    let shown = all.iter().skip(page * CARDS).take(CARDS);
    let body = html! {
        @if all.is_empty() { p.muted { "This version has no columns." } }
        div.profiles {
            @for profile in shown { (card(profile, view.columns.iter().find(|column| column.name == profile.name))) }
        }
        @if pages > 1 { (pager(view, page, pages)) }
    };
    parts::section("columns", "Columns", parts::chip(&all.len().to_string()), body)
}

fn pager(view: &VersionPage, page: usize, pages: usize) -> Markup {
    let address = format::address("dataset_version", view.line.version.digest.as_str());
    html! {
        nav.pager aria-label="Pages of columns" {
            @for index in 0..pages.min(60) {
                a href={ (address) "?columns=" (index) } aria-current=[(index == page).then_some("page")] {
                    (index + 1)
                }
            }
        }
    }
}

fn card(profile: &ColumnProfile, column: Option<&Column>) -> Markup {
    let column_use = column.map(|column| column.column_use).unwrap_or_default();
    html! {
        article.profile {
            header {
                h3 title=(format::cut(&profile.name, 200)) { (format::cut(&profile.name, 60)) }
                span.muted { (profile.column_type.as_str()) }
                @if column_use != ColumnUse::Feature {
                    span class={ "chip use-" (column_use.as_str()) } { (column_use.as_str()) }
                }
            }
            @if !profile.top.is_empty() && (profile.histogram.is_empty() || profile.distinct <= FEW) {
                (values(profile))
            }
            @else if !profile.histogram.is_empty() { (numbers(profile)) }
            @else if profile.missing >= profile.count { p.muted { "no values" } }
            @else { p.muted.small { "no value comes often" } }
            footer {
                span { (text::thousands(profile.distinct)) " distinct" }
                @if profile.missing > 0 {
                    span.missing {
                        (text::thousands(profile.missing)) " missing, "
                        (format::percent(format::share(profile.missing, profile.count)))
                    }
                } @else { span.muted { "none missing" } }
                @if let Some(length) = profile.mean_length.filter(|_| profile.distinct > FEW) {
                    span.muted { "about " (text::count(length.round() as u64, "letter")) }
                }
            }
        }
    }
}

fn numbers(profile: &ColumnProfile) -> Markup {
    let value = |number: f64| format::column_value(number, profile.column_type);
    html! {
        (chart::histogram(&profile.histogram))
        @if let Some(numbers) = &profile.numbers {
            div.ends { span { (value(numbers.minimum)) } span { (value(numbers.maximum)) } }
            p.quantiles {
                span { span.muted { "median " } b { (value(numbers.quantiles[2])) } }
                span { span.muted { "middle half " } (value(numbers.quantiles[1])) " to " (value(numbers.quantiles[3])) }
            }
        }
    }
}

fn values(profile: &ColumnProfile) -> Markup {
    let present = profile.count.saturating_sub(profile.missing);
    let shown: u64 = profile.top.iter().take(VALUES).map(|value| value.count).sum();
    let most = profile.top.first().map_or(0.0, |value| format::share(value.count, present));
    if most < RARE {
        return html! {
            p.muted.small { "no value comes often; such as" }
            ul.plain-list.small { @for value in profile.top.iter().take(4) { li.example { (format::cut(&value.value, 120)) } } }
        };
    }
    html! {
        ul.bars.small {
            @for value in profile.top.iter().take(VALUES) {
                @let share = format::share(value.count, present);
                li {
                    span.bar-name title=(format::cut(&value.value, 200)) {
                        @if value.value.is_empty() { i { "empty" } } @else { (format::cut(&value.value, 28)) }
                    }
                    (chart::bar(share))
                    span.bar-value title=(text::thousands(value.count)) { (format::percent(share)) }
                }
            }
        }
        @if profile.distinct > VALUES as u64 && shown < present {
            p.muted.small {
                "the other " (text::thousands(profile.distinct - VALUES as u64)) ": "
                (format::percent(format::share(present - shown, present)))
            }
        }
    }
}
