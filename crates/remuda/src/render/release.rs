//! Releases: what they are made of, what is missing, what is live.

use super::Paper;
use super::gate::{summaries, verdict_word};
use super::layout::wrap;
use super::paint;
use super::table::{Side, Table};
use super::team;
use super::words::{ago, short};
use remuda_app::release::{Promotion, ReleaseLine, ReleasePage, Releases};
use remuda_model::team::Missing;
use remuda_model::text;

/// `release list`.
pub(crate) fn list(answer: &Releases, paper: &Paper) -> String {
    if answer.releases.is_empty() {
        return "No releases yet: `remuda release create MODEL`.\n".to_owned();
    }
    let columns = [
        ("release", Side::Whole),
        ("", Side::Left),
        ("verdict", Side::Whole),
        ("model", Side::Left),
        ("version", Side::Whole),
        ("made", Side::Whole),
        ("by", Side::Left),
    ];
    let mut table = Table::new(&columns);
    for line in &answer.releases {
        table.row(vec![
            paint::bold(line.digest.short()),
            standing(line),
            verdict_word(line.verdict),
            line.model_name.clone(),
            line.model.short().to_owned(),
            ago(line.time, paper.now),
            line.actor.clone(),
        ]);
    }
    table.render(paper.width)
}

fn standing(line: &ReleaseLine) -> String {
    match (line.live, line.promotions) {
        (true, _) => paint::green("● live"),
        (false, 0) => String::new(),
        (false, _) => paint::dim("was live"),
    }
}

/// `release create` and `release show`.
pub(crate) fn show(page: &ReleasePage, paper: &Paper) -> String {
    let ReleaseLine { digest, model_name, model, actor, time, solo, verdict, .. } = &page.line;
    let mut out =
        format!("release {}  {}  {}\n", paint::bold(digest.short()), standing(&page.line), verdict_word(*verdict));
    out.push_str(&format!("  model {model_name} {}, made {} by {actor}\n", model.short(), ago(*time, paper.now)));
    out.push_str(&format!("  runs on {}\n", page.engine.as_str()));
    if *solo {
        out.push_str(&format!("  {}\n", paint::yellow("made and signed by a one-person team")));
    }
    for waived in &page.line.waivers {
        let slice = waived.slice.as_ref().map(|slice| format!(" ({slice})")).unwrap_or_default();
        let sentence = format!("`{}`{slice} is {}: {}", waived.criterion, waived.kind.words(), waived.waiver.words());
        out.push_str(&wrap(&paint::yellow(&sentence), paper.width, 2));
    }
    let requirements: Vec<String> =
        page.content.requirements.iter().map(|(name, digest)| format!("{name} {}", digest.short())).collect();
    if !requirements.is_empty() {
        out.push_str(&format!("  requirements {}\n", requirements.join(", ")));
    }
    if let Some(contract) = &page.content.contract {
        out.push_str(&format!("  contract {}\n", contract.short()));
    }
    if !page.evaluations.is_empty() {
        out.push_str(&format!("\n{}\n{}", paint::bold("Evidence"), summaries(&page.evaluations, paper, 2)));
    }
    if !page.signatures.is_empty() {
        out.push_str(&format!("\n{}\n{}", paint::bold("Signatures"), team::signatures(&page.signatures, paper)));
    }
    out.push('\n');
    out.push_str(&missing(page, paper));
    if !page.history.is_empty() {
        out.push_str(&format!("\n{}\n{}", paint::bold("History"), history(&page.history, paper)));
    }
    out
}

fn missing(page: &ReleasePage, paper: &Paper) -> String {
    if page.line.live {
        return format!("It is live. {}\n", paint::cyan("remuda live"));
    }
    if page.missing.is_empty() {
        let command = format!("remuda release promote {}", page.line.digest.short());
        return format!("{} Nothing is missing. {}\n", paint::green("✓"), paint::cyan(&command));
    }
    let count = text::count(page.missing.len() as u64, "thing");
    let mut out = format!("{}\n", paint::bold(&format!("Before it may go live, {count} must be there")));
    page.missing.iter().for_each(|missing| out.push_str(&missing_line(missing, paper)));
    out
}

/// What is missing, who can provide it, with which command.
fn missing_line(missing: &Missing, paper: &Paper) -> String {
    let mut out = format!("  {} {}", paint::yellow("○"), wrap(&missing.what, paper.width, 4).trim_start());
    let members =
        if missing.members.is_empty() { "nobody holds the role".to_owned() } else { text::list(&missing.members) };
    out.push_str(&wrap(&format!("{}: {members}", team::roles(&missing.roles)), paper.width, 4));
    out.push_str(&format!("    {}\n", paint::cyan(&missing.command)));
    out
}

/// `release promote` and `release rollback`.
pub(crate) fn promoted(page: &ReleasePage, _paper: &Paper) -> String {
    let ReleaseLine { digest, model_name, .. } = &page.line;
    format!("{} release {} is live: {model_name}\n", paint::green("✓"), paint::bold(digest.short()))
}

/// Who went live when.
pub(crate) fn history(history: &[Promotion], paper: &Paper) -> String {
    let mut table = Table::new(&[
        ("release", Side::Whole),
        ("", Side::Left),
        ("when", Side::Whole),
        ("who", Side::Left),
        ("why", Side::Left),
    ])
    .indent(2);
    for promotion in history {
        table.row(vec![
            short(promotion.release.as_str()).to_owned(),
            promotion.how.clone(),
            ago(promotion.time, paper.now),
            promotion.actor.clone(),
            promotion.why.clone(),
        ]);
    }
    table.render(paper.width)
}
