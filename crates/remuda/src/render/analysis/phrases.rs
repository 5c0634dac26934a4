//! `analysis phrases`: words and phrases that mark mistakes, each with its interval, its confusion and some of its rows.

use super::slices::{one, reading};
use crate::render::layout::{cut, wrap};
use crate::render::words::{metric, percent, sentence};
use crate::render::{Paper, paint};
use remuda_app::analysis::{FoundPhrase, PhraseExample, PhrasesFound};
use remuda_model::text;

/// What a search for phrases found.
pub(crate) fn phrases(answer: &PhrasesFound, paper: &Paper) -> String {
    let head = &answer.head;
    let columns = text::list(&answer.columns);
    let of = if columns.is_empty() { String::new() } else { format!(" in {}", paint::bold(&columns)) };
    let mut out = format!("{}: what is said{of} where it errs\n", super::title(head));
    out.push_str(super::charge(head));
    let read = format!(
        "searched {} of {}, checked on {} others; {} of all that were checked: {}",
        text::count(answer.searched, "row"),
        head.split,
        text::thousands(answer.overall.n),
        answer.loss,
        metric(&answer.overall)
    );
    out.push_str(&wrap(&read, paper.width, 2));
    if let Some(nothing) = &answer.nothing {
        out.push_str(&format!("\n{}", wrap(&sentence(&format!("{nothing}.")), paper.width, 2)));
        out.push_str(&next(answer.next.as_deref(), "looks elsewhere"));
        return out;
    }
    for phrase in &answer.phrases {
        out.push('\n');
        out.push_str(&found(answer, phrase, paper));
    }
    let confirmed = answer.phrases.iter().filter(|phrase| phrase.slice.confirmed).count();
    out.push_str(&format!("\n{}", wrap(&reading(confirmed, answer.phrases.len(), "phrase"), paper.width, 0)));
    if confirmed == 0 {
        let more = "None can be told from chance on so few rows: more labelled rows would tell; `--min-support` looks for others.";
        out.push_str(&wrap(more, paper.width, 0));
    }
    let first = answer.phrases.iter().find(|phrase| phrase.slice.confirmed && phrase.slice.name.is_none());
    let keep = first.map(|phrase| {
        let filter = phrase.slice.filter.replace('\'', "'\\''");
        format!("remuda analysis keep NAME --data {} --where '{filter}'", head.dataset)
    });
    out.push_str(&next(keep.as_deref(), "names its rows as a slice"));
    out
}

fn next(command: Option<&str>, why: &str) -> String {
    let line = |command| format!("{} {} {why}\n", paint::cyan("next:"), paint::cyan(command));
    command.map(line).unwrap_or_default()
}

fn found(answer: &PhrasesFound, phrase: &FoundPhrase, paper: &Paper) -> String {
    let mut title = paint::bold(&format!("“{}”", phrase.phrase));
    if answer.columns.len() > 1 {
        title.push_str(&format!(" in {}", phrase.column));
    }
    if !phrase.alternatives.is_empty() {
        let others: Vec<String> = phrase.alternatives.iter().map(|other| format!("“{other}”")).collect();
        title.push_str(&paint::dim(&format!(", much the same rows as {}", text::list(&others))));
    }
    let mut out = one(&answer.loss, &answer.overall, &phrase.slice, &title, paper);
    for pair in phrase.confusions.iter().take(if phrase.slice.confirmed { 3 } else { 1 }) {
        let line = format!("{} called {}: {}", pair.truth, paint::bold(&pair.predicted), text::count(pair.rows, "row"));
        out.push_str(&wrap(&line, paper.width, 5));
    }
    // What is not confirmed may be chance: its rows are in the JSON.
    for example in phrase.examples.iter().filter(|_| phrase.slice.confirmed) {
        out.push_str(&wrap(&shown(example), paper.width, 7));
    }
    out
}

/// A row with its phrase between marks, so that it is seen without colours too.
fn shown(example: &PhraseExample) -> String {
    let mark = |text: &str| format!("‹{}›", paint::yellow(text));
    let text: String =
        example.text.iter().map(|piece| if piece.marked { mark(&piece.text) } else { piece.text.clone() }).collect();
    let text = text.replace(['\n', '\r', '\t'], " ");
    let sure = example.confidence.map_or_else(String::new, |sure| format!(", {} sure", percent(sure)));
    let said = format!("{} called {}{sure}", cut(&example.truth, 40), cut(&example.predicted, 40));
    format!("{text}  {}", paint::dim(&format!("({}: {said})", cut(&example.id, 24))))
}
