//! `/run`: the list. Column heads sort, check boxes choose for comparison, a view is a link.

use super::{Asked, address, columns, groups};
use crate::components::{Frame, Page, Section, action, layout, parts, table};
use crate::format;
use maud::{Markup, html};
use remuda_app::run::{ExperimentList, MOST, RunGroups, RunState, Runs, SavedViews};
use remuda_model::run::filter::{Attribute, Key, OrderBy, order_by};
use remuda_model::text;

/// Runs of a page.
pub const SHOWN: usize = 50;
/// Experiments that are offered.
const EXPERIMENTS: usize = 100;

/// The tag that names a run's parent.
const PARENT: &str = "mlflow.parentRunId";

/// What the page shows.
#[derive(Clone, Debug)]
pub struct View {
    /// The runs of this page.
    pub runs: Runs,
    /// Groups instead of runs, when that was asked for.
    pub groups: Option<RunGroups>,
    /// The experiments to choose from.
    pub experiments: ExperimentList,
    /// Saved views.
    pub views: SavedViews,
}

/// The list of runs, or of groups of runs.
pub fn page(frame: &Frame, view: &View, asked: &Asked) -> Markup {
    let shown = &view.runs.runs[..view.runs.runs.len().min(SHOWN)];
    let nothing_at_all = asked.is_plain() && shown.is_empty() && view.groups.is_none();
    let body = html! {
        @if nothing_at_all {
            (parts::empty("No run yet. Nothing is asked of a run: a dirty tree is fine, its code is kept with it.", "remuda run"))
            p.muted { "Scripts that speak MLflow need one line: " code { "export MLFLOW_TRACKING_URI=http://" (frame.host) } }
        } @else {
            (views(frame, view, asked))
            (question(view, asked, shown))
            @match &view.groups {
                Some(found) => (groups::table(frame, found, asked)),
                None => (runs(frame, view, asked, shown)),
            }
        }
    };
    let select = asked.select.as_ref().map(|select| format!(" --select {}", super::quoted(select))).unwrap_or_default();
    let command = match &asked.group {
        Some(group) => format!("remuda run groups {}{}", super::quoted(group), asked.flags()),
        None => format!("remuda run list{}{select}", asked.flags()),
    };
    let page = Page {
        title: "Runs".to_owned(),
        section: Section::Run,
        crumbs: Vec::new(),
        beside: html! { @if let Some(experiment) = &asked.experiment { (parts::chip(&format!("experiment {experiment}"))) } },
        lead: html! {
            @if let Some(total) = view.runs.total { span { b { (text::thousands(total)) } @if total == 1 { " run" } @else { " runs" } @if asked.deleted { ", deleted" } } }
            span { "Every run keeps its code, data and environment, committed or not." }
        },
        commands: vec![command],
        body,
    };
    layout::page(frame, page)
}

/// Saved views, and the form that saves this one.
fn views(frame: &Frame, view: &View, asked: &Asked) -> Markup {
    let of = |saved: &remuda_app::run::SaveView| Asked {
        filter: saved.filter.clone(),
        order_by: saved.order_by.clone(),
        experiment: saved.experiment.clone(),
        select: saved.select.clone(),
        group: saved.group.clone(),
        ..Asked::default()
    };
    let fields: Vec<(&str, &str)> =
        asked.fields().into_iter().filter(|(name, _)| !["before", "deleted"].contains(name)).collect();
    let may_save = frame.may_write() && !fields.is_empty() && !asked.deleted;
    html! {
        @if may_save || !view.views.views.is_empty() {
            div.views {
                @for saved in view.views.views.iter().take(40) {
                    @let its = of(&saved.view);
                    a.chip href=(its.address()) title={ "saved by " (saved.actor) } aria-current=[(its == *asked).then_some("true")] { (saved.view.name) }
                }
                @if may_save || (frame.may_write() && !view.views.views.is_empty()) {
                    details {
                        summary.small { "views" }
                        div.view-forms {
                            @if may_save {
                                (action::form(frame, "run", "save-view", "Save this view", &fields, html! {
                                    label { "name " input type="text" name="name" required maxlength="60" autocomplete="off"; }
                                }))
                            }
                            @for saved in view.views.views.iter().take(40) {
                                (action::button(frame, "run", "forget-view", &format!("Forget “{}”", saved.view.name), &[("name", &saved.view.name)]))
                            }
                        }
                    }
                }
            }
        }
    }
}

/// The form that asks: experiment, filter, order, columns, groups.
fn question(view: &View, asked: &Asked, shown: &[RunState]) -> Markup {
    let known = columns::known(shown);
    let selected = asked.select.as_deref().map(columns::asked).unwrap_or_default();
    let experiments = &view.experiments.experiments;
    let chosen =
        |id: i64, name: &str| asked.experiment.as_deref().is_some_and(|asked| asked == name || asked == id.to_string());
    html! {
        form.filters method="get" action="/run" {
            @if experiments.len() > 1 {
                label { "experiment"
                    select name="experiment" {
                        option value="" { "all" }
                        @for one in experiments.iter().take(EXPERIMENTS) {
                            option value=(one.name) selected[chosen(one.id, &one.name)] { (format::cut(&one.name, 40)) " (" (text::thousands(one.runs)) ")" }
                        }
                    }
                }
            }
            label.wide { "filter"
                input type="text" name="filter" size="40" spellcheck="false" autocapitalize="off"
                    value=(asked.filter.as_deref().unwrap_or("")) placeholder="metrics.auc > 0.8 and params.depth = '6'";
            }
            label { "order by"
                input type="text" name="order_by" spellcheck="false" autocapitalize="off"
                    value=(asked.order_by.as_deref().unwrap_or("")) placeholder="metrics.auc DESC";
            }
            label { "group by"
                input type="text" name="group" size="14" list="groups" spellcheck="false" autocapitalize="off"
                    value=(asked.group.as_deref().unwrap_or("")) placeholder="params.depth";
            }
            datalist #groups {
                @for (key, _) in known.iter().filter(|(key, _)| matches!(key, Key::Parameter(_))).take(30) { option value=(key.to_string()) {} }
            }
            label.check { input type="checkbox" name="deleted" value="1" checked[asked.deleted]; " deleted" }
            button type="submit" { "Show" }
            @if !asked.is_plain() { a href="/run" { "all" } }
            @if !known.is_empty() || !selected.is_empty() {
                details.chooser {
                    summary { "columns" @if !selected.is_empty() { " (" (selected.len()) ")" } }
                    div.choices {
                        @for key in &selected {
                            label.check { input type="checkbox" name="select" value=(key.to_string()) checked; " " (format::cut(&columns::name(key), 40)) }
                        }
                        @for (key, times) in known.iter().filter(|(key, _)| !selected.contains(key)) {
                            label.check title={ (times) " of these runs" } { input type="checkbox" name="select" value=(key.to_string()); " " (format::cut(&columns::name(key), 40)) }
                        }
                    }
                }
            }
        }
    }
}

fn runs(frame: &Frame, view: &View, asked: &Asked, shown: &[RunState]) -> Markup {
    html! {
        @if shown.is_empty() {
            @if asked.before.is_some() { p.muted { "Nothing comes after this. " a href=(asked.but(|_| {}).address()) { "Back to the first." } } }
            @else if asked.deleted { (parts::empty("No run is deleted here.", "")) }
            @else { (parts::empty("No run fits this.", "remuda run list")) }
        } @else {
            (rows(frame, asked, shown))
            (choosing(view, asked, shown.len()))
        }
        p.pager {
            @if asked.before.is_some() { a href=(asked.but(|_| {}).address()) rel="first" { "← first" } }
            @if let (true, Some(last)) = (view.runs.more || view.runs.runs.len() > shown.len(), shown.last()) {
                a href=(Asked { before: Some(last.run.clone()), ..asked.clone() }.address()) rel="next" {
                    @if asked.order_by.is_some() { "next →" } @else { "older runs →" }
                }
            }
        }
    }
}

/// What can be done with chosen runs, and with all that fit.
fn choosing(view: &View, asked: &Asked, shown: usize) -> Markup {
    let fields: Vec<(&str, &str)> =
        asked.fields().into_iter().filter(|(name, _)| ["filter", "order_by", "experiment"].contains(name)).collect();
    html! {
        @if shown > 1 && !asked.deleted {
            form #chosen.filters method="get" action="/run/compare" {
                button type="submit" { "Compare the chosen" }
                a href=(address("/run/compare", &fields)) {
                    @match view.runs.total {
                        Some(total) if total > MOST as u64 => { "compare the first " (MOST) " of " (text::thousands(total)) }
                        Some(total) => { "compare all " (text::thousands(total)) }
                        None => "compare all",
                    }
                }
            }
        }
    }
}

fn rows(frame: &Frame, asked: &Asked, shown: &[RunState]) -> Markup {
    let order = asked.order_by.as_deref().and_then(|text| order_by(text).ok());
    let columns = match &asked.select {
        Some(select) => columns::asked(select),
        None => columns::usual(shown, order.as_ref().map(|order| &order.key)),
    };
    let may_choose = shown.len() > 1 && !asked.deleted;
    let head = html! {
        @if may_choose { th scope="col" { span.hidden { "choose" } } }
        (head(asked, &Key::Attribute(Attribute::Status), order.as_ref(), "status"))
        (head(asked, &Key::Attribute(Attribute::Name), order.as_ref(), "run"))
        @for column in &columns { (head(asked, column, order.as_ref(), &columns::name(column))) }
        (head(asked, &Key::Attribute(Attribute::Started), order.as_ref(), "by"))
        th scope="col" {}
    };
    let rows = html! {
        @for (index, run) in shown.iter().enumerate() {
            tr {
                @if may_choose { td { input type="checkbox" name="run" value=(run.run) form="chosen" aria-label={ "choose " (run.run) }; } }
                td { (parts::status(run.status)) span.second { (super::super::run::length(frame, run)) } }
                td.what.wide { (who(run)) }
                @for column in &columns {
                    @if columns::is_number(column) { td.number.wide[is_long(column)] data-label=(columns::name(column)) { (columns::cell(run, column)) } }
                    @else { td.wide[is_long(column)] data-label=(columns::name(column)) { (columns::cell(run, column)) } }
                }
                td title=(run.actor) { (format::cut(&run.actor, 20)) span.second { (parts::time(frame.now, run.started)) } }
                td.end {
                    @if asked.deleted { (super::restore(frame, &run.run)) }
                    @else if let (Some(before), None) = (shown.get(index + 1), &order) {
                        a href={ "/run/" (format::segment(&before.run)) "/diff/" (format::segment(&run.run)) } { "diff" }
                    }
                }
            }
        }
    };
    table::stacked("Runs", head, rows)
}

/// Whether a column's name leaves no room for a second one beside it on a narrow screen.
fn is_long(column: &Key) -> bool {
    columns::name(column).chars().count() > 12
}

/// Id, name, command, experiment; and in what it is nested.
fn who(run: &RunState) -> Markup {
    let named = !run.name.is_empty() && run.name != run.command && run.name != run.note;
    html! {
        @if let Some(parent) = run.tags.get(PARENT) {
            a.nested href=(format::address("run", parent)) title={ "nested in run " (parent) } { "↳" span.hidden { "nested in " (parent) } } " "
        }
        a href=(format::address("run", &run.run)) { b { @if named { (format::cut(&run.name, 40)) } @else { (format::short(&run.run)) } } }
        @if named { " " (parts::digest(&run.run)) } @else { " " (format::cut(&run.command, 60)) }
        span.second {
            @if run.tracked { (format::cut(&run.experiment, 40)) @if !run.note.is_empty() { ": " } }
            (format::cut(&run.note, 80))
        }
    }
}

/// A head that sorts: the greatest first, then the least, then no more.
fn head(asked: &Asked, key: &Key, order: Option<&OrderBy>, name: &str) -> Markup {
    let now = order.filter(|order| order.key == *key).map(|order| order.descending);
    let next = match now {
        None => Some(format!("{key} DESC")),
        Some(true) => Some(format!("{key} ASC")),
        Some(false) => None,
    };
    let sorted = now.map(|descending| if descending { "descending" } else { "ascending" });
    let way = match now {
        None => "",
        Some(true) => " ↓",
        Some(false) => " ↑",
    };
    let link = html! { a.plain href=(asked.but(|asked| asked.order_by = next).address()) title=(name) { (format::cut(name, 24)) (way) } };
    html! {
        @if columns::is_number(key) { th.number scope="col" aria-sort=[sorted] { (link) } }
        @else { th scope="col" aria-sort=[sorted] { (link) } }
    }
}
