//! `/run/compare`: many runs side by side: the question, the drawings. The tables are in `compared`.

use super::{Asked, compared, quoted};
use crate::components::lines::{Line, Manner, figure, hue};
use crate::components::spread::{self, Axis, Cell};
use crate::components::{Frame, Page, Section, layout, parts};
use crate::format;
use maud::{Markup, html};
use remuda_app::run::{Along, CompareRuns, ComparedMetric, MOST, RunCurves, RunsCompared};
use remuda_model::text;

/// Runs whose curves are drawn in one figure.
pub const CURVES: usize = 20;
/// Metrics that are drawn.
const METRICS: usize = 4;
/// Parameters among the parallel coordinates.
const AXES: usize = 7;
/// Points of all curves of a page, about: so many bytes weigh.
const POINTS: usize = 500;

/// What is compared, and how it is drawn.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Question {
    /// The runs that were named.
    pub runs: Vec<String>,
    /// Filter, order and experiment, when none were.
    pub asked: Asked,
    /// Metrics whose curves are drawn.
    pub metrics: Vec<String>,
    /// Along what, on which scale, how smooth.
    pub manner: Manner,
    /// Across and up in the scatter.
    pub axes: (Option<String>, Option<String>),
    /// Whether the models of the best are judged on the same rows.
    pub paired: bool,
}

impl Question {
    /// Reads a query.
    pub fn read(pairs: &[(String, String)]) -> Self {
        let all = |wanted: &str| -> Vec<String> {
            let found = pairs.iter().filter(|(name, value)| name == wanted && !value.trim().is_empty());
            found.map(|(_, value)| value.trim().to_owned()).collect()
        };
        Self {
            // A form sends many runs as one field.
            runs: all("run").iter().flat_map(|runs| runs.split(',')).map(|run| run.trim().to_owned()).collect(),
            asked: Asked { select: None, group: None, before: None, deleted: false, ..Asked::read(pairs) },
            metrics: all("metric"),
            manner: manner(pairs),
            axes: (all("across").pop(), all("up").pop()),
            paired: !all("paired").is_empty(),
        }
    }

    /// The question for the application.
    pub fn request(&self) -> CompareRuns {
        CompareRuns {
            runs: self.runs.clone(),
            filter: self.asked.filter.clone(),
            order_by: self.asked.order_by.clone(),
            experiment: self.asked.experiment.clone(),
            limit: MOST,
            paired: self.paired,
        }
    }

    /// The metrics whose curves are drawn: those that were asked for, or the first.
    pub fn chosen(&self, compared: &RunsCompared) -> Vec<String> {
        let known = |name: &String| compared.metrics.iter().any(|metric| metric.name == *name);
        let asked: Vec<String> = self.metrics.iter().filter(|name| known(name)).take(8).cloned().collect();
        if !asked.is_empty() {
            return asked;
        }
        let tracked = compared.runs.iter().any(|run| run.tracked);
        let own = compared.metrics.iter().filter(|metric| tracked && !metric.name.starts_with("system/"));
        own.take(METRICS).map(|metric| metric.name.clone()).collect()
    }

    fn command(&self) -> String {
        if self.runs.is_empty() {
            return format!("remuda run compare{}", self.asked.flags());
        }
        let shown: Vec<String> = self.runs.iter().take(6).map(|run| quoted(run)).collect();
        format!("remuda run compare {}{}", shown.join(" "), if self.runs.len() > 6 { " …" } else { "" })
    }
}

/// How curves are to be drawn, by a query.
pub(crate) fn manner(pairs: &[(String, String)]) -> Manner {
    let of = |wanted: &str| pairs.iter().rev().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str());
    let smooth = of("smooth").and_then(|text| text.parse::<f64>().ok()).filter(|smooth| (0.0..1.0).contains(smooth));
    Manner {
        along: of("along").and_then(Along::parse).unwrap_or_default(),
        log: of("scale") == Some("log"),
        smooth: smooth.unwrap_or_default(),
    }
}

/// How many buckets each of so many curves has.
pub fn buckets(curves: usize) -> usize {
    (POINTS / curves.max(1)).clamp(12, 150)
}

/// What is drawn besides tables.
#[derive(Clone, Debug, Default)]
pub struct Drawn {
    /// The metrics whose curves are drawn.
    pub metrics: Vec<String>,
    /// The curves.
    pub curves: Option<RunCurves>,
}

/// The page.
pub fn page(frame: &Frame, view: &RunsCompared, drawn: &Drawn, asked: &Question) -> Markup {
    let body = html! {
        @if view.runs.is_empty() { (parts::empty("No run fits this.", "remuda run list")) }
        @else {
            (compared::best(view, asked))
            (compared::parameters(view))
            (compared::metrics(view))
            (curves(view, drawn, asked))
            (coordinates(view))
            (against(view, asked))
            (question(view, drawn, asked))
        }
    };
    let page = Page {
        title: format!("{} compared", text::count(view.runs.len() as u64, "run")),
        section: Section::Run,
        crumbs: vec![("Runs".to_owned(), "/run".to_owned())],
        beside: html! {},
        lead: html! {
            @if view.total > view.runs.len() as u64 { span { "the first " (view.runs.len()) " of " b { (text::thousands(view.total)) } " that fit" } }
            @if let Some(filter) = asked.asked.filter.as_ref().filter(|_| asked.runs.is_empty()) {
                span { a href=(asked.asked.address()) { code { (format::cut(filter, 120)) } } }
            }
            span { (view.differing()) " differ" @if view.parameters.iter().filter(|one| one.differs).count() == 1 { "s" } }
        },
        commands: vec![asked.command()],
        body,
    };
    layout::page(frame, page)
}

/// The name of a run among others.
pub(super) fn name(view: &RunsCompared, place: usize) -> String {
    let Some(run) = view.runs.get(place) else { return String::new() };
    let plain = run.name.is_empty() || view.runs.iter().filter(|other| other.name == run.name).count() > 1;
    if plain { format::short(&run.run) } else { format::cut(&run.name, 32) }
}

fn curves(view: &RunsCompared, drawn: &Drawn, asked: &Question) -> Markup {
    let Some(found) = &drawn.curves else { return html! {} };
    let manner = asked.manner;
    let place_of = |run: &str| view.runs.iter().position(|one| one.run == run);
    let names: Vec<String> = (0..view.runs.len().min(CURVES)).map(|place| name(view, place)).collect();
    let figures: Vec<(&String, Vec<Line<'_>>)> = drawn
        .metrics
        .iter()
        .map(|metric| {
            let of_metric = found.curves.iter().filter(|curve| curve.metric == *metric && curve.points > 1);
            let lines = of_metric.filter_map(|curve| {
                let hue = place_of(&curve.run)?;
                Some(Line { name: names.get(hue).map_or("", String::as_str), hue, buckets: &curve.buckets })
            });
            (metric, lines.collect())
        })
        .filter(|(_, lines): &(_, Vec<Line<'_>>)| !lines.is_empty())
        .collect();
    html! {
        @if !figures.is_empty() {
            (parts::section("curves", "Curves", html! {}, html! {
                div.line-grid { @for (metric, lines) in &figures { (figure(metric, lines, manner, false)) } }
                ul.line-legend {
                    @for (place, run) in view.runs.iter().take(CURVES).enumerate() {
                        li data-hue=(place % crate::components::lines::HUES) { span class={ "swatch " (hue(place)) } {} a href=(format::address("run", &run.run)) { (names.get(place).map_or("", String::as_str)) } }
                    }
                }
                @if view.runs.len() > CURVES { p.muted.small { "Curves of the first " (CURVES) " runs; of more no eye follows one." } }
                p.muted.small { "Each line goes through the first, least, greatest and last point of its stretch: no peak is lost." @if manner.smooth > 0.0 { " Faint: as logged; strong: smoothed." } }
            }))
        }
    }
}

fn cells(metric: &ComparedMetric) -> Axis {
    let cell = |value: &Option<remuda_app::run::ComparedValue>| {
        let found = value.as_ref()?;
        let number = found.value.filter(|number| number.is_finite())?;
        Some(Cell::number(number, found.lower.zip(found.upper)))
    };
    Axis { name: metric.name.clone(), values: metric.values.iter().map(cell).collect() }
}

fn words(parameter: &remuda_app::run::ComparedParameter) -> Axis {
    let values = parameter.values.iter().map(|value| value.as_deref().map(Cell::text)).collect();
    Axis { name: parameter.name.clone(), values }
}

fn names(view: &RunsCompared) -> Vec<String> {
    (0..view.runs.len()).map(|place| name(view, place)).collect()
}

fn coordinates(view: &RunsCompared) -> Markup {
    let Some(metric) = view.metrics.first() else { return html! {} };
    let mut axes: Vec<Axis> = view.parameters.iter().filter(|one| one.differs).take(AXES).map(words).collect();
    if axes.is_empty() || view.runs.len() < 3 {
        return html! {};
    }
    for axis in &mut axes {
        for cell in axis.values.iter_mut().flatten() {
            cell.interval = None;
        }
    }
    let mut last = cells(metric);
    last.values.iter_mut().flatten().for_each(|cell| cell.interval = None);
    axes.push(last);
    parts::section(
        "parallel",
        "Parameters and the metric",
        html! {},
        html! {
            (spread::parallel(&axes, &names(view), metric.less_is_better))
            p.muted.small { "Each line is a run; the strongest fifth has the best " (metric.name) ". What a run does not have stands below its axis." }
        },
    )
}

fn against(view: &RunsCompared, asked: &Question) -> Markup {
    let Some(metric) = view.metrics.first() else { return html! {} };
    if view.runs.len() < 3 {
        return html! {};
    }
    let find = |text: &Option<String>| {
        let text = text.as_deref()?;
        let parameter =
            text.strip_prefix("params.").and_then(|name| view.parameters.iter().find(|one| one.name == name));
        let metric = text.strip_prefix("metrics.").and_then(|name| view.metrics.iter().find(|one| one.name == name));
        parameter.map(words).or_else(|| metric.map(cells))
    };
    let usual = view.parameters.iter().find(|one| one.differs).map(words);
    let across = find(&asked.axes.0).or(usual).or_else(|| view.metrics.get(1).map(cells));
    let up = find(&asked.axes.1).unwrap_or_else(|| cells(metric));
    let best =
        view.metrics.iter().find(|one| one.name == up.name).and_then(|one| one.best.as_ref()).map(|best| best.place);
    html! {
        @if let Some(across) = across {
            (parts::section("scatter", "Against each other", html! {}, html! {
                (spread::scatter(&across, &up, &names(view), best))
                p.muted.small { "Whiskers are intervals, where they are known. What scripts logged has none: on how many rows it rests is not known." }
            }))
        }
    }
}

/// The form that draws anew.
fn question(view: &RunsCompared, drawn: &Drawn, asked: &Question) -> Markup {
    let manner = asked.manner;
    let option = |value: &str, name: &str, chosen: bool| html! { option value=(value) selected[chosen] { (name) } };
    let axis = |name: &str, chosen: &Option<String>| {
        let is = |key: &str| chosen.as_deref() == Some(key);
        html! {
            select name=(name) {
                option value="" { "as usual" }
                @for one in view.parameters.iter().filter(|one| one.differs).take(40) {
                    @let key = format!("params.{}", one.name);
                    (option(&key, &format::cut(&key, 40), is(&key)))
                }
                @for one in view.metrics.iter().take(40) {
                    @let key = format!("metrics.{}", one.name);
                    (option(&key, &format::cut(&key, 40), is(&key)))
                }
            }
        }
    };
    let body = html! {
        form.filters method="get" action="/run/compare" {
            @if !asked.runs.is_empty() { input type="hidden" name="run" value=(asked.runs.join(",")); }
            @for (name, value) in asked.asked.fields() { input type="hidden" name=(name) value=(value); }
            label { "along" select name="along" { @for along in [Along::Step, Along::Time, Along::Wall] { (option(along.as_str(), along.as_str(), along == manner.along)) } } }
            label { "scale" select name="scale" { (option("", "even", !manner.log)) (option("log", "logarithms", manner.log)) } }
            label { "smoothing" select name="smooth" { @for (value, name) in [("0", "off"), ("0.6", "0.6"), ("0.9", "0.9")] { (option(value, name, value.parse::<f64>().ok() == Some(manner.smooth))) } } }
            label { "across" (axis("across", &asked.axes.0)) }
            label { "up" (axis("up", &asked.axes.1)) }
            @if view.metrics.len() > 1 {
                details.chooser { summary { "metrics (" (drawn.metrics.len()) ")" }
                    div.choices { @for metric in view.metrics.iter().take(40) {
                        label.check { input type="checkbox" name="metric" value=(metric.name) checked[drawn.metrics.contains(&metric.name)]; " " (format::cut(&metric.name, 40)) }
                    } } }
            }
            button type="submit" { "Draw" }
        }
    };
    parts::section("draw", "Draw otherwise", html! {}, body)
}
