//! `analysis require`, `analysis expect` and `analysis request-labels`: what was made of a slice.

use crate::render::layout::wrap;
use crate::render::table::{Side, Table};
use crate::render::words::{ago, percent, sentence};
use crate::render::{Paper, paint};
use remuda_app::analysis::{Expected, LabelRequest, Required};
use remuda_model::text;

/// What `analysis require` wrote.
pub(crate) fn required(answer: &Required, paper: &Paper) -> String {
    let place = format!("{}:{}", answer.file, answer.line);
    let mut out = format!("{} {} in {place}\n", paint::green("demanded by"), paint::bold(&answer.requirement));
    out.push_str(&wrap(&paint::cyan(&answer.criterion), paper.width, 2));
    out.push_str(&wrap(&sentence(&answer.words), paper.width, 2));
    for doubt in &answer.doubts {
        out.push_str(&wrap(&format!("{} {doubt}", paint::yellow("note:")), paper.width, 2));
    }
    let next = "who signed the requirement signs its new text: `remuda requirement show` says who";
    out.push_str(&wrap(&format!("{} {next}", paint::cyan("next:")), paper.width, 0));
    out
}

/// What `analysis expect` wrote.
pub(crate) fn expected(answer: &Expected, paper: &Paper) -> String {
    let place = format!("{}:{}", answer.file, answer.line);
    let mut out = format!("{} {} in {place}\n", paint::green("expected by"), paint::bold(&answer.test));
    let words = format!("{} of validation rows where {} get their own label", percent(answer.pass_rate), answer.filter);
    out.push_str(&wrap(&words, paper.width, 2));
    let next = format!("remuda analysis test CANDIDATE --test {}", answer.test);
    out.push_str(&format!("{} {} runs it\n", paint::cyan("next:"), paint::cyan(&next)));
    out
}

/// What `analysis request-labels` asked for.
pub(crate) fn asked(answer: &LabelRequest, paper: &Paper) -> String {
    let what = if answer.again { "second labels" } else { "labels" };
    let rows = text::count(answer.rows, "row");
    let mut out = format!("{} {what} of {} of {}\n", paint::green("asked for"), paint::bold(&rows), answer.dataset);
    out.push_str(&wrap(&answer.filter, paper.width, 2));
    let pool = format!("drawn by lot from {} of {}; request {}", text::thousands(answer.pool), answer.split, answer.id);
    out.push_str(&wrap(&pool, paper.width, 2));
    out.push_str(&wrap(
        &paint::dim(&format!("{} rows: {}", text::thousands(answer.wanted), answer.because)),
        paper.width,
        2,
    ));
    if answer.rows < answer.wanted {
        let short = text::thousands(answer.wanted - answer.rows);
        out.push_str(&wrap(
            &format!("{} {short} fewer than wanted: no more lie there", paint::yellow("note:")),
            paper.width,
            2,
        ));
    }
    if let Some(output) = &answer.output {
        let keys = text::list(&answer.keys);
        let words =
            format!("{}: {keys}, the inputs, and an empty column {} to fill in", output.display(), answer.label);
        out.push_str(&format!("\n{}", wrap(&words, paper.width, 0)));
    }
    let next = "once they are labelled, put the labels into the data by their ids, and `remuda data add` the new file";
    out.push_str(&wrap(&format!("{} {next}", paint::cyan("next:")), paper.width, 0));
    out
}

/// Requests for labels as a table.
pub(crate) fn requests(requests: &[LabelRequest], paper: &Paper) -> String {
    let columns = [
        ("request", Side::Whole),
        ("slice", Side::Left),
        ("rows", Side::Right),
        ("of", Side::Right),
        ("from", Side::Whole),
        ("when", Side::Whole),
        ("who", Side::Left),
    ];
    let mut table = Table::new(&columns);
    for one in requests {
        table.row(vec![
            one.id.clone(),
            one.name.clone().unwrap_or_else(|| one.filter.clone()),
            text::thousands(one.rows),
            text::thousands(one.pool),
            if one.again { format!("{}, again", one.split) } else { one.split.clone() },
            ago(one.time, paper.now),
            one.actor.clone(),
        ]);
    }
    table.render(paper.width)
}
