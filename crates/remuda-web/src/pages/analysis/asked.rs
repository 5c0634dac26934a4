//! What the pages that ask about a candidate share: the chooser, the way from one question to the next, the head of an
//! answer, and what stands there before anything was asked. They ask about validation rows: a look at the holdout is
//! charged, and no address that somebody opens may spend it.

use crate::components::{Frame, Page, Section, layout, parts};
use crate::format;
use maud::{Markup, html};
use remuda_app::Error;
use remuda_app::analysis::AnalysisHead;
use remuda_app::model::ModelLine;
use remuda_model::text;

/// A question that a page asks: verb, name, what it tells, and whether it is for classes only.
const QUESTIONS: [(&str, &str, &str, bool); 5] = [
    ("mistakes", "Mistakes", "The matrix, rows behind its cells, the surest mistakes, calibration.", false),
    ("phrases", "Phrases", "Which words and phrases mark the mistakes.", false),
    ("labels", "Labels", "Which labels are probably wrong.", true),
    ("threshold", "Threshold", "From which probability on to act, when mistakes have a price.", true),
    ("compare", "Compare", "What one candidate wins and loses against another.", false),
];

/// Candidates that a chooser offers.
const OFFERED: usize = 100;

/// What was asked, and what came of it.
pub struct Asked<T> {
    /// The candidates that can be chosen, newest first.
    pub models: Vec<ModelLine>,
    /// The candidate that was chosen, as the address has it; empty: none yet.
    pub candidate: String,
    /// What else was chosen: the other candidate, or a file.
    pub other: String,
    /// The answer, when enough was chosen to ask.
    pub found: Option<Result<T, Error>>,
}

/// A page about a candidate.
pub(super) struct Sheet<'a, T> {
    /// The verb, which is the last part of the address.
    pub(super) verb: &'static str,
    /// Its name.
    pub(super) title: &'static str,
    /// What it tells, for those who have not asked yet.
    pub(super) about: &'static str,
    /// The head of an answer.
    pub(super) head: fn(&T) -> &AnalysisHead,
    /// What can be chosen besides the candidate.
    pub(super) inputs: Markup,
    /// What the command has behind the candidate, with a space before it.
    pub(super) options: String,
    /// What the line under the heading says besides the head.
    pub(super) lead: &'a dyn Fn(&T) -> Markup,
    /// The answer.
    pub(super) body: &'a dyn Fn(&T) -> Markup,
}

impl<T> Sheet<'_, T> {
    pub(super) fn page(&self, frame: &Frame, asked: &Asked<T>) -> Markup {
        let found = asked.found.as_ref().and_then(|found| found.as_ref().ok());
        let head = found.map(|view| (self.head)(view));
        let candidate = head.map_or(asked.candidate.as_str(), |head| head.model.short());
        let named = if candidate.is_empty() { "CANDIDATE" } else { candidate };
        let command = format!("remuda analysis {} {named}{}", self.verb, self.options);
        let body = html! {
            (tabs(self.verb, candidate))
            (self.chooser(asked, candidate))
            @match &asked.found {
                Some(Ok(view)) => { ((self.body)(view)) },
                Some(Err(error)) => { (parts::error(error)) }
                None => { (nothing_asked(asked.models.is_empty(), &command)) }
            }
        };
        let page = Page {
            title: head.map_or_else(|| self.title.to_owned(), |head| format!("{} of {}", self.title, head.model_name)),
            section: Section::Analysis,
            crumbs: vec![("Analysis".to_owned(), "/analysis".to_owned())],
            beside: html! { @if head.is_some_and(|head| head.charged) { (parts::chip("a holdout look")) } },
            lead: html! {
                @match (head, found) {
                    (Some(head), Some(view)) => { (lead(head)) ((self.lead)(view)) }
                    _ => span { (self.about) }
                }
            },
            commands: vec![command],
            body,
        };
        layout::page(frame, page)
    }

    /// A form that asks by an address: it works with scripts off, and its page can be sent to somebody.
    fn chooser(&self, asked: &Asked<T>, candidate: &str) -> Markup {
        html! {
            @if !asked.models.is_empty() {
                form.chooser action={ "/analysis/" (self.verb) } method="get" {
                    (candidates("candidate", "candidate", &asked.models, candidate))
                    (self.inputs)
                    button type="submit" { "Ask" }
                }
                p.small.muted {
                    @if self.verb == "threshold" { "On validation rows: what is chosen on a holdout cannot be judged on it." }
                    @else { "On validation rows. " code { "--split holdout" } " in a terminal is a look at the holdout, and charged." }
                }
            }
        }
    }
}

fn nothing_asked(no_models: bool, command: &str) -> Markup {
    if no_models {
        return parts::empty("No model yet that could be asked about. A step that learns makes one.", "remuda run");
    }
    parts::empty("Nothing was asked yet. Choose above, or ask in a terminal.", command)
}

/// Which candidate, on which rows of which data.
fn lead(head: &AnalysisHead) -> Markup {
    html! {
        span {
            "candidate "
            a href=(format::address("model_version", head.model.as_str())) { b { (head.model_name) } } " "
            (parts::digest(head.model.as_str()))
        }
        span { (text::count(head.rows, "row")) " of " (head.split) }
        span { "data " (parts::digest_link("dataset_version", head.version.as_str())) }
    }
}

/// A choice among candidates.
pub(super) fn candidates(field: &str, label: &str, models: &[ModelLine], chosen: &str) -> Markup {
    let is_chosen = |line: &ModelLine| {
        let digest = &line.version.digest;
        !chosen.is_empty() && (digest.short() == chosen || digest.as_str() == chosen || line.version.name == chosen)
    };
    // A name means its newest version, and the newest stands first.
    let place = models.iter().position(is_chosen);
    html! {
        label {
            (label)
            select name=(field) {
                @if place.is_none() { option value="" selected { "choose one" } }
                @for (index, line) in models.iter().enumerate().take(OFFERED) {
                    option value=(line.version.digest.short()) selected[place == Some(index)] {
                        (format::cut(&line.version.name, 40)) " " (line.version.digest.short())
                    }
                }
            }
        }
    }
}

/// The other questions about the same candidate.
fn tabs(here: &str, candidate: &str) -> Markup {
    html! {
        nav.tabs aria-label="Questions" {
            ul {
                @for (verb, name, _, _) in QUESTIONS {
                    li { a href=(address(verb, candidate)) aria-current=[(verb == here).then_some("page")] { (name) } }
                }
            }
        }
    }
}

fn address(verb: &str, candidate: &str) -> String {
    if candidate.is_empty() {
        return format!("/analysis/{verb}");
    }
    format!("/analysis/{verb}?candidate={}", format::segment(candidate))
}

/// The questions about one candidate in a line.
pub(crate) fn links(candidate: &str, is_number: bool) -> Markup {
    let fits = QUESTIONS.iter().filter(|(_, _, _, classes_only)| !(is_number && *classes_only));
    html! {
        @for (index, (verb, name, _, _)) in fits.enumerate() {
            @if index > 0 { " · " }
            a href=(address(verb, candidate)) { (name.to_lowercase()) }
        }
    }
}

/// All questions with what each tells.
pub(super) fn all() -> Markup {
    html! {
        ul.asks {
            @for (verb, name, about, _) in QUESTIONS {
                li { a href=(address(verb, "")) { b { (name) } } " " span.second { (about) } }
            }
        }
    }
}
