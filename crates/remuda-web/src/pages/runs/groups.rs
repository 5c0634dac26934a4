//! Runs in groups: one row for each value of a parameter, with how many runs, the best and the mean.

use super::Asked;
use crate::components::{Frame, parts, table as tables};
use crate::format;
use maud::{Markup, html};
use remuda_app::run::{RunGroupLine, RunGroups};
use remuda_model::run::filter::{Filter, Test, order_by};
use remuda_model::text;

/// Groups that a page shows.
const SHOWN: usize = 120;

/// The groups as a table.
pub(super) fn table(frame: &Frame, found: &RunGroups, asked: &Asked) -> Markup {
    let shown = &found.groups[..found.groups.len().min(SHOWN)];
    let metric = found.metric.as_deref();
    let rows = html! {
        @for group in shown {
            tr {
                td.what.wide {
                    a href=(runs_of(found, group, asked)) {
                        @match &group.value { Some(value) => b { (format::cut(value, 60)) }, None => span.muted { "none" } }
                    }
                }
                td.number data-label="runs" { (text::thousands(group.runs)) }
                @if metric.is_some() {
                    td.number data-label="best" {
                        b { (format::maybe(group.best)) }
                        @if group.measured > 0 { span.second { "best of " (text::thousands(group.measured)) } }
                    }
                    td.number data-label="mean" {
                        b { (format::maybe(group.mean)) }
                        span.second { @if group.lower.is_some() { (format::interval(group.lower, group.upper)) } @else if group.measured > 0 { "no interval of one" } }
                    }
                }
                td.end { (parts::time(frame.now, group.newest)) }
            }
        }
    };
    let head = html! {
        th scope="col" { (found.by) } th.number scope="col" { "runs" }
        @if let Some(metric) = metric { th.number scope="col" { "best " (metric) } th.number scope="col" { "mean" } }
        th scope="col" { "newest" }
    };
    html! {
        @if shown.is_empty() { (parts::empty("No run fits this.", "remuda run list")) }
        @else {
            (tables::stacked("Groups of runs", head, rows))
            (parts::left_out(found.groups.len(), shown.len(), &format!("remuda run groups {}", super::quoted(&found.by))))
            @if found.more { p.muted { "There are more than " (found.groups.len()) " values: this is no parameter to group by, or a narrower filter is needed." } }
            @if metric.is_some() {
                p.muted.small { "Intervals of means hold with 95 % over runs like these (Student t). The best of many contains luck; compare the runs to see how much." }
            } @else {
                p.muted.small { "Order by a metric to see the best and the mean of each group: " code { "metrics.auc DESC" } }
            }
        }
    }
}

/// The address of a group's runs.
fn runs_of(found: &RunGroups, group: &RunGroupLine, asked: &Asked) -> String {
    let Ok(by) = order_by(&found.by) else { return asked.address() };
    let test = match &group.value {
        Some(value) => Test::Equals(value.clone()),
        None => Test::Absent,
    };
    let own = Filter::Is(by.key, test).to_string();
    let filter = match &asked.filter {
        Some(filter) => format!("({filter}) AND {own}"),
        None => own,
    };
    asked.but(|asked| (asked.filter, asked.group) = (Some(filter), None)).address()
}
