//! How many labels to ask for: what the gate's price says, or what would show that a slice is worse, or a hundred.

use super::chosen::Chosen;
use super::request_labels::RequestLabels;
use crate::app::App;
use crate::context::Context;
use crate::error::Result;
use remuda_model::data::Split;
use remuda_model::gate::{Price, Verdict, VerdictKind};
use remuda_model::text;
use remuda_stats::price::cohen_h;

/// Rows when nothing says how many.
const USUAL: u64 = 100;
/// The level at which a slice is confirmed, and the chance that it is when it is as bad as it looks.
const LEVEL: f64 = 0.05;
const CHANCE: f64 = 0.8;

/// How many rows, and why.
pub(super) struct Needed {
    pub(super) rows: u64,
    pub(super) because: String,
    pub(super) price: Option<Price>,
}

/// The rows that a request asks for. Only rows of the holdout decide at the gate, so its price counts there; on validation
/// rows counts what would confirm a slice that is not confirmed yet.
pub(super) async fn needed(
    app: &App,
    context: &Context,
    chosen: &Chosen<'_>,
    request: &RequestLabels,
    split: Split,
) -> Result<Needed> {
    if let Some(rows) = request.rows {
        return Ok(Needed { rows, because: "that many were asked for".to_owned(), price: None });
    }
    let usual = |because: &str| Needed { rows: USUAL, because: because.to_owned(), price: None };
    if request.again {
        return Ok(usual("a hundred second opinions tell how many labels are wrong, give or take a tenth"));
    }
    Ok(match split {
        Split::Holdout => priced(app, context, chosen)
            .await?
            .unwrap_or_else(|| usual("no verdict on this slice has a price: a hundred to begin with")),
        Split::Validation => {
            confirming(chosen).unwrap_or_else(|| usual("the slice needs no more rows to be confirmed: a hundred"))
        }
        Split::Train => usual("nothing says how many help to learn: a hundred to begin with"),
    })
}

/// What the newest undecided verdict on exactly this slice costs.
async fn priced(app: &App, context: &Context, chosen: &Chosen<'_>) -> Result<Option<Needed>> {
    let is_on_it = |verdict: &&Verdict| {
        let filter = remuda_model::gate::parse(&verdict.criterion).ok().and_then(|criterion| criterion.filter);
        verdict.kind == VerdictKind::Undecided && filter.as_deref() == Some(chosen.filter.as_str())
    };
    let evaluations = crate::gate::evaluations(app, context).await?;
    let on_data = evaluations.iter().filter(|evaluation| evaluation.dataset == chosen.dataset);
    let verdicts = on_data.flat_map(|evaluation| evaluation.requirements.iter().flat_map(|one| &one.verdicts));
    let Some((verdict, price)) = verdicts.filter(is_on_it).find_map(|one| Some((one, one.price.as_ref()?))) else {
        return Ok(None);
    };
    // From the most hopeful case to the least: the one in the middle is what the estimate lets expect.
    let expected = price.cases.get(price.cases.len() / 2);
    Ok(expected.and_then(|case| Some((case, case.more?))).map(|(case, more)| Needed {
        rows: more.max(1),
        because: format!(
            "the gate's price of `{}` if the truth is {}: {} more {}, with a chance of {:.0} % to be met",
            verdict.criterion,
            text::number(case.assumed),
            text::thousands(more),
            price.unit,
            case.chance * 100.0
        ),
        price: Some(price.clone()),
    }))
}

/// Rows until a slice that is as bad as it looks is confirmed with a chance of 80 %: by Cohen's h at Holm's strictest level,
/// twice, since half of the rows are searched and the other half confirms.
fn confirming(chosen: &Chosen<'_>) -> Option<Needed> {
    let (sliced, found) = chosen.found?;
    if found.confirmed || !sliced.is_rate {
        return None;
    }
    let (inside, rest) = (found.inside.value?, found.rest?);
    let level = LEVEL / sliced.slices.len().max(1) as f64;
    let rows = cohen_h(inside, rest, level, CHANCE).ok()?.ceil();
    let more = 2 * (rows as u64).saturating_sub(found.rows);
    (more > 0).then(|| Needed {
        rows: more,
        because: format!(
            "so many more confirm it with a chance of {:.0} %, if its {} is {} and that of the rest {}",
            CHANCE * 100.0,
            sliced.loss,
            text::number(inside),
            text::number(rest)
        ),
        price: None,
    })
}
