//! Waivers: signatures of the product owner that let one verdict pass until a day, and their place beside it.

use super::{Sign, Waived};
use crate::app::App;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::gate::Evaluation;
use crate::pin::payload;
use crate::use_case::UseCase;
use jiff::civil::Date;
use jiff::{Timestamp, tz::TimeZone};
use remuda_ledger::FactQuery;
use remuda_model::gate::{Verdict, VerdictKind, Waiver};
use remuda_model::team::SignatureKind;
use serde::Deserialize;

/// Days that a waiver may hold.
const LONGEST: i64 = 366;

/// What of a signature's payload a waiver needs.
#[derive(Deserialize)]
struct Record {
    kind: SignatureKind,
    remark: String,
    #[serde(default)]
    waived: Option<Waived>,
}

/// The verdict that a request waives, with its last day.
pub(super) async fn waived(app: &App, context: &Context, request: &Sign) -> Result<Waived> {
    let invalid = |text: String| Error::new("request.invalid", text);
    let example = "remuda sign waiver EVALUATION --criterion 1 --until 2026-12-31 --remark \"why\"";
    if request.remark.trim().is_empty() {
        return Err(invalid("a waiver says why".to_owned()).hint(example));
    }
    let Some(until) = &request.until else {
        return Err(invalid("a waiver has a last day".to_owned()).hint(example));
    };
    let day: Date = until.trim().parse().map_err(|source: jiff::Error| {
        invalid(format!("`{until}` is no day")).hint("write it as 2026-12-31").caused_by(&source)
    })?;
    let today = day_of(app.clock.now());
    if day < today {
        return Err(invalid(format!("{day} is over: today is {today}")).hint("choose a later day"));
    }
    let last = today.saturating_add(jiff::Span::new().days(LONGEST));
    if day > last {
        let text = format!("{day} is too far away: a waiver holds for a year at most, which is until {last}");
        return Err(invalid(text).hint("sign it again then, with what is known by then"));
    }
    let evaluation = crate::gate::Show { evaluation: request.subject.clone() }.run(app, context).await?;
    let verdict = chosen(&evaluation, request.criterion.as_deref())?;
    if verdict.kind == VerdictKind::Met {
        return Err(invalid(format!("`{}` is met: there is nothing to waive", verdict.criterion)));
    }
    let text = verdict.criterion.clone();
    // A number names one line of the report, so one slice; the text of the criterion names all of them.
    let by_number = request.criterion.as_deref().is_some_and(|word| word.trim().parse::<usize>().is_ok());
    Ok(Waived { criterion: text, slice: verdict.slice.clone().filter(|_| by_number), until: day.to_string() })
}

/// The verdict that is meant: by its number in the report, by its text, or the only one that is not met.
fn chosen<'a>(evaluation: &'a Evaluation, criterion: Option<&str>) -> Result<&'a Verdict> {
    let verdicts: Vec<&Verdict> = evaluation.requirements.iter().flat_map(|found| &found.verdicts).collect();
    let lines = |verdicts: &[&Verdict]| {
        let open = verdicts.iter().enumerate().filter(|(_, verdict)| verdict.kind != VerdictKind::Met);
        let line = |(at, verdict): (usize, &&Verdict)| {
            let slice = verdict.slice.as_ref().map(|slice| format!(" ({slice})")).unwrap_or_default();
            format!("{}: `{}`{slice} is {}", at + 1, verdict.criterion, verdict.kind.words())
        };
        open.map(line).collect::<Vec<String>>()
    };
    let unknown = |text: String| {
        let error = Error::new("request.invalid", text);
        lines(&verdicts).into_iter().take(8).fold(error, |error, line| error.hint(format!("--criterion {line}")))
    };
    let Some(word) = criterion else {
        let open: Vec<&&Verdict> = verdicts.iter().filter(|verdict| verdict.kind != VerdictKind::Met).collect();
        return match open.as_slice() {
            [only] => Ok(only),
            [] => Err(unknown(format!("every criterion of evaluation {} is met", evaluation.id))),
            _ => Err(unknown(format!("which criterion of evaluation {}?", evaluation.id))),
        };
    };
    let by_number = word.trim().parse::<usize>().ok().and_then(|number| verdicts.get(number.wrapping_sub(1)).copied());
    // Of a criterion with slices, the text means all of them: one that is not met stands for it.
    let of_text = |verdict: &&&Verdict| verdict.criterion == word.trim();
    let by_text = verdicts.iter().filter(of_text).max_by_key(|verdict| verdict.kind != VerdictKind::Met).copied();
    by_number
        .or(by_text)
        .ok_or_else(|| unknown(format!("evaluation {} has no criterion `{}`", evaluation.id, word.trim())))
}

/// Puts the newest waiver beside each verdict that it is of.
pub(crate) async fn attach(app: &App, context: &Context, evaluations: &mut [Evaluation]) -> Result<()> {
    let query =
        FactQuery { verbs: vec!["team.signed".into()], newest_first: true, ..FactQuery::of(&context.product()?.name) };
    let today = day_of(app.clock.now());
    for fact in app.ledger.facts(&query).await? {
        let record: Record = payload(&fact)?;
        let Some(waived) = record.waived.filter(|_| record.kind == SignatureKind::Waiver) else { continue };
        let Some(evaluation) = evaluations.iter_mut().find(|evaluation| evaluation.id == fact.fact.subject) else {
            continue;
        };
        let verdicts = evaluation.requirements.iter_mut().flat_map(|found| &mut found.verdicts);
        let same = |verdict: &&mut Verdict| {
            verdict.criterion == waived.criterion
                && (waived.slice.is_none() || waived.slice == verdict.slice)
                && verdict.kind != VerdictKind::Met
                && verdict.waiver.is_none()
        };
        for verdict in verdicts.filter(same) {
            verdict.waiver = Some(Waiver {
                fact: fact.fact.id.clone(),
                member: fact.fact.actor.clone(),
                until: waived.until.clone(),
                why: record.remark.clone(),
                expired: waived.until.parse::<Date>().is_ok_and(|day| day < today),
            });
        }
    }
    Ok(())
}

/// The day of a moment in microseconds since 1970, UTC.
pub(crate) fn day_of(time: i64) -> Date {
    TimeZone::UTC.to_datetime(Timestamp::from_microsecond(time).unwrap_or(Timestamp::UNIX_EPOCH)).date()
}
