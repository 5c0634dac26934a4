//! From rows and losses to slices: half of the rows is searched, the other half says what is true of what was found.

use super::numbers::value;
use super::{FoundSlice, LeftOut};
use crate::error::{Error, Result};
use remuda_data::{Cutting, Levels, Rows, levels};
use remuda_model::data::{ColumnType, ColumnUse, Contract, FeatureKind, Split, SplitRule};
use remuda_model::run::MetricValue;
use remuda_stats::multiplicity::{Adjustment, adjust};
use remuda_stats::slices::{
    Column, Confirmed, Losses, MOST_COLUMNS, Merged, Settings, Slice, around, confirm, confirm_units, confirm_within,
    in_common, members, merge, search, settle, widen,
};
use remuda_stats::{Estimate, mean, proportion};
use std::collections::HashMap;

/// Slices that share more than this of their rows (both over either) are one.
pub(super) const OVERLAP: f64 = 0.5;
/// How many slices the search keeps for each that is reported: most of them overlap.
const SPARE: usize = 8;
/// One-sided confidence of each bound: intervals are of 95 %.
pub(super) const CONFIDENCE: f64 = 0.975;
/// The level at which a slice is confirmed, all claims together.
const LEVEL: f64 = 0.05;
/// The fewest rows of a slice, and the least share of the rows searched, when nobody says.
pub(super) const USUAL_LEAST: (f64, f64) = (30.0, 0.01);

/// What to look for.
pub(super) struct Wanted {
    pub(super) least_rows: usize,
    pub(super) depth: usize,
    pub(super) limit: usize,
    pub(super) weight: f64,
    pub(super) is_rate: bool,
    pub(super) metric: String,
    pub(super) split: String,
}

/// Which rows are searched (the others check what was found): dealt by what deals the splits, so that rows which belong
/// together stay together, and the same rows give the same halves.
pub(super) fn halves(rows: &Rows, contract: &Contract) -> Result<Vec<bool>> {
    let label = contract.label().map(|label| label.name.as_str());
    let by: Vec<String> = if contract.split.by.is_empty() {
        contract.columns.iter().map(|column| column.name.clone()).filter(|name| Some(name.as_str()) != label).collect()
    } else {
        contract.split.by.clone()
    };
    let rule = SplitRule {
        by: Vec::new(),
        salt: format!("{} slices", contract.split.salt),
        train: 0.5,
        validation: 0.0,
        holdout: 0.5,
    };
    let mut texts = Vec::with_capacity(by.len());
    for name in by.iter().filter(|name| rows.has(name)) {
        texts.push(rows.text(name)?);
    }
    let mut key = String::new();
    let searched = |row: usize| {
        key.clear();
        for text in &texts {
            match text.get(row) {
                Some(value) => key.extend(["=", value, "\u{1f}"]),
                None => key.push('\u{1e}'),
            }
        }
        rule.split_of(key.as_bytes()) == Split::Train
    };
    Ok((0..rows.len()).map(searched).collect())
}

/// The unit of each row, where the contract says that rows of one group depend on each other.
pub(super) fn units(rows: &Rows, contract: &Contract) -> Result<Option<Vec<u32>>> {
    let groups =
        contract.columns.iter().filter(|column| column.column_use == ColumnUse::Group && rows.has(&column.name));
    let texts = groups.map(|column| Ok(rows.text(&column.name)?)).collect::<Result<Vec<_>>>()?;
    if texts.is_empty() {
        return Ok(None);
    }
    let mut known: HashMap<Vec<u32>, u32> = HashMap::new();
    let unit = |row: usize| {
        let next = known.len() as u32;
        *known.entry(texts.iter().map(|text| text.codes[row]).collect()).or_insert(next)
    };
    Ok(Some((0..rows.len()).map(unit).collect()))
}

/// Columns with how each is cut.
type Kinds = Vec<(String, FeatureKind)>;

/// The columns to slice by, and those that are left out.
pub(super) fn choose_columns(rows: &Rows, contract: &Contract, asked: &[String]) -> Result<(Kinds, Vec<LeftOut>)> {
    let types = rows.columns();
    let mut left_out = Vec::new();
    if !asked.is_empty() {
        let known = || types.iter().map(|(name, _)| name.as_str());
        let mut chosen = Vec::with_capacity(asked.len());
        for name in asked.iter().map(|name| name.trim()) {
            let Some((name, column_type)) = types.iter().find(|(known, _)| known == name) else {
                let error = Error::new("request.invalid", format!("there is no column `{name}`"));
                return Err(match remuda_model::text::nearest(name, known()) {
                    Some(near) => error.hint(format!("did you mean `{near}`?")),
                    None => error.hint("`remuda data show NAME` lists the columns"),
                });
            };
            chosen.push((name.clone(), kind_of(contract, name, *column_type)));
        }
        return Ok((chosen, left_out));
    }
    let mut chosen = Vec::new();
    for (name, column_type) in &types {
        let Some(column) = contract.column(name) else { continue };
        let why = match column.column_use {
            ColumnUse::Key => "it is the key",
            ColumnUse::Label => "it is the label",
            ColumnUse::Weight => "it is a weight",
            ColumnUse::Group => "rows of one unit stay in one half",
            _ => {
                chosen.push((name.clone(), kind_of(contract, name, *column_type)));
                continue;
            }
        };
        left_out.push(LeftOut { column: name.clone(), why: why.to_owned() });
    }
    Ok((chosen, left_out))
}

/// How a column is cut: prose by words, other texts by value, the rest by bins.
fn kind_of(contract: &Contract, name: &str, column_type: ColumnType) -> FeatureKind {
    match (column_type, contract.column(name).and_then(|column| column.kind)) {
        (ColumnType::String, Some(FeatureKind::Text)) => FeatureKind::Text,
        (ColumnType::String, _) => FeatureKind::Category,
        _ => FeatureKind::Number,
    }
}

/// The fewest rows of a slice, from what was asked: a number or a share of the rows searched. What is `usual` holds when
/// nobody asked: the greater of a number and a share.
pub(super) fn least_rows(asked: Option<&str>, searched: usize, usual: (f64, f64)) -> Result<usize> {
    let Some(text) = asked.map(str::trim) else {
        return Ok((searched as f64 * usual.1).max(usual.0).ceil() as usize);
    };
    let refused = || {
        Error::new("request.invalid", format!("`{text}` is no number of rows and no share of them"))
            .hint("write `--min-support 40`, `--min-support 2%` or `--min-support 0.02`")
    };
    let (number, percent) = match text.strip_suffix('%') {
        Some(number) => (number.trim(), true),
        None => (text, false),
    };
    let number: f64 = number.parse().map_err(|_| refused())?;
    let rows = match number {
        share if percent && share > 0.0 && share < 100.0 => share / 100.0 * searched as f64,
        share if !percent && share > 0.0 && share < 1.0 => share * searched as f64,
        rows if !percent && rows >= 1.0 && rows.fract() == 0.0 && rows < 1e15 => rows,
        _ => return Err(refused()),
    };
    Ok((rows.ceil() as usize).max(1))
}

/// What was found, and over which columns.
pub(super) struct Outcome {
    pub(super) columns: Vec<String>,
    pub(super) left_out: Vec<LeftOut>,
    pub(super) overall: MetricValue,
    pub(super) searched_mean: f64,
    pub(super) slices: Vec<FoundSlice>,
    pub(super) nothing: Option<String>,
}

/// The levels of the columns; those beyond what one search takes are named.
pub(super) async fn cut(
    rows: &Rows,
    columns: &[(String, FeatureKind)],
    losses: &[f64],
    searched: &[bool],
    least_rows: usize,
    left_out: &mut Vec<LeftOut>,
) -> Result<Vec<Levels>> {
    let mut found = levels(rows, columns, &Cutting { least_rows, losses, searched }).await?;
    for (name, _) in columns {
        if found.iter().all(|one| one.column != *name) {
            let why = "it has no two values with enough rows".to_owned();
            left_out.push(LeftOut { column: name.clone(), why });
        }
    }
    for one in found.iter().skip(MOST_COLUMNS) {
        if left_out.iter().all(|known| known.column != one.column) {
            let why = format!("one search takes {MOST_COLUMNS} columns: name those that matter with `--columns`");
            left_out.push(LeftOut { column: one.column.clone(), why });
        }
    }
    found.truncate(MOST_COLUMNS);
    Ok(found)
}

/// Searches one half, checks on the other. `units` says which rows depend on each other.
pub(super) fn find(
    cut: &[Levels],
    (losses, units): (&[f64], Option<&[u32]>),
    searched: &[bool],
    wanted: &Wanted,
    left_out: Vec<LeftOut>,
) -> Result<Outcome> {
    let half = |first: bool| -> Vec<usize> { (0..losses.len()).filter(|row| searched[*row] == first).collect() };
    let (first, second) = (Half::new(cut, (losses, units), half(true)), Half::new(cut, (losses, units), half(false)));
    let searched_mean = first.losses.iter().sum::<f64>() / first.losses.len().max(1) as f64;
    let overall = overall(&second.losses, wanted);
    let found = first.search(cut, wanted)?;
    let nothing = found.is_empty().then(|| why_nothing(cut, &first, &second, wanted));
    let bare: Vec<Slice> = found.iter().map(|merged| merged.slice.clone()).collect();
    let outer = around(&bare);
    let columns = second.columns(cut);
    let fresh = Fresh { losses: &second.losses, units: second.units.as_deref() };
    let judged = |(merged, outer): (&Merged, &Option<usize>)| {
        let slice = &merged.slice;
        let terms = slice.conditions.iter().map(|one| cut[one.column].predicate(one.from, one.to));
        let filter = terms.collect::<Vec<_>>().join(" AND ");
        let of = |slice: &Slice| members(&columns, &slice.conditions, second.losses.len());
        let whole = outer.and_then(|outer| bare.get(outer)).map(of);
        let (rows, mean, score) = (slice.rows, slice.mean, slice.score);
        let claimed = Claimed { filter, rows, mean, score, others: merged.others as u32 };
        judge(claimed, &fresh, &of(slice), whole.as_deref(), wanted)
    };
    let slices = correct(found.iter().zip(&outer).map(judged).collect(), &outer)?;
    let mut columns: Vec<String> = cut.iter().map(|one| one.column.clone()).collect();
    columns.dedup();
    Ok(Outcome { columns, left_out, overall, searched_mean, slices, nothing })
}

/// One half of the rows.
struct Half {
    codes: Vec<Vec<u8>>,
    losses: Vec<f64>,
    units: Option<Vec<u32>>,
}

impl Half {
    fn new(cut: &[Levels], (losses, units): (&[f64], Option<&[u32]>), rows: Vec<usize>) -> Self {
        Self {
            codes: cut.iter().map(|one| rows.iter().map(|row| one.codes[*row]).collect()).collect(),
            losses: rows.iter().map(|row| losses[*row]).collect(),
            units: units.map(|units| rows.iter().map(|row| units[*row]).collect()),
        }
    }

    fn columns<'a>(&'a self, cut: &[Levels]) -> Vec<Column<'a>> {
        let column = |(codes, one): (&'a Vec<u8>, &Levels)| Column { codes, levels: one.levels, ordered: one.ordered };
        self.codes.iter().zip(cut).map(column).collect()
    }

    /// Searches, lets bins grow into ranges, and joins what is much the same.
    fn search(&self, cut: &[Levels], wanted: &Wanted) -> Result<Vec<Merged>> {
        if self.losses.is_empty() {
            return Ok(Vec::new());
        }
        let columns = self.columns(cut);
        let top = wanted.limit.saturating_mul(SPARE).clamp(32, 512);
        let settings = Settings { alpha: wanted.weight, least_rows: wanted.least_rows, depth: wanted.depth, top };
        let rows = self.losses.len();
        let found = search(&columns, &self.losses, &settings).map_err(unusable)?;
        let merged = merge(&columns, rows, &found, OVERLAP, wanted.limit.saturating_mul(3));
        let mut wide: Vec<(Slice, usize)> = Vec::with_capacity(merged.len());
        for one in merged {
            let slice = widen(&columns, &self.losses, &settings, &one.slice).map_err(unusable)?;
            // A range over everything says nothing.
            if !slice.conditions.is_empty() {
                wide.push((slice, one.others));
            }
        }
        wide.sort_by(|one, other| other.0.score.total_cmp(&one.0.score));
        let slices: Vec<Slice> = wide.iter().map(|(slice, _)| slice.clone()).collect();
        let mut merged = merge(&columns, rows, &slices, OVERLAP, wanted.limit);
        for one in &mut merged {
            one.others += wide.iter().find(|(slice, _)| *slice == one.slice).map_or(0, |(_, others)| *others);
        }
        // What many of them share is a claim of its own, against which they have to stand.
        let bare: Vec<Slice> = merged.iter().map(|one| one.slice.clone()).collect();
        let mut shared = in_common(&columns, &self.losses, &settings, &bare).map_err(unusable)?;
        shared.truncate(wanted.limit / 4);
        merged.truncate(wanted.limit - shared.len());
        merged.extend(shared.into_iter().map(|slice| Merged { slice, others: 0 }));
        Ok(merged)
    }
}

fn unusable(reason: remuda_stats::Undefined) -> Error {
    Error::new("data.unusable", format!("the losses of these rows cannot be searched: {reason}"))
}

fn why_nothing(cut: &[Levels], first: &Half, second: &Half, wanted: &Wanted) -> String {
    let all = || first.losses.iter().chain(&second.losses);
    let count = |number: usize| remuda_model::text::count(number as u64, "row");
    let greatest = all().copied().fold(0.0, f64::max);
    if all().next().is_none() {
        "no row counts for this metric".to_owned()
    } else if greatest == 0.0 {
        format!("no row has any loss: all {} are right", count(first.losses.len() + second.losses.len()))
    } else if all().all(|loss| *loss == greatest) {
        format!(
            "all {} are equally wrong, so no slice is worse than the rest",
            count(first.losses.len() + second.losses.len())
        )
    } else if cut.is_empty() {
        "no column has two values with enough rows to slice by".to_owned()
    } else if first.losses.len() < 2 * wanted.least_rows {
        format!("{} were searched, too few for slices of {} and a rest", count(first.losses.len()), wanted.least_rows)
    } else {
        format!(
            "no slice of at least {} is worse than the rest by more than its size outweighs",
            count(wanted.least_rows)
        )
    }
}

/// The mean loss of all rows that slices are checked on.
pub(super) fn overall(losses: &[f64], wanted: &Wanted) -> MetricValue {
    let wrong = losses.iter().filter(|loss| **loss > 0.0).count() as u64;
    let found = if wanted.is_rate {
        proportion::rate(wrong, losses.len() as u64, CONFIDENCE)
    } else {
        mean::estimate(losses, CONFIDENCE)
    };
    let point = (!losses.is_empty()).then(|| losses.iter().sum::<f64>() / losses.len() as f64);
    value(&wanted.metric, &wanted.split, &found, point, losses.len())
}

/// What the search says of a slice.
pub(super) struct Claimed {
    pub(super) filter: String,
    pub(super) rows: u64,
    pub(super) mean: f64,
    pub(super) score: f64,
    pub(super) others: u32,
}

/// Rows that the search has not seen.
pub(super) struct Fresh<'a> {
    pub(super) losses: &'a [f64],
    /// The unit of each, where rows of one unit depend on each other.
    pub(super) units: Option<&'a [u32]>,
}

impl Fresh<'_> {
    /// A slice against all other rows, or against those of the slice around it (`whole`).
    fn confirm(&self, inside: &[bool], whole: Option<&[bool]>, kind: Losses) -> remuda_stats::Result<Confirmed> {
        match (self.units, whole) {
            (Some(units), whole) => confirm_units(self.losses, inside, whole, units, CONFIDENCE),
            (None, Some(whole)) => confirm_within(self.losses, inside, whole, kind, CONFIDENCE),
            (None, None) => confirm(self.losses, inside, kind, CONFIDENCE),
        }
    }
}

/// What the other half says of it: which of its rows are inside, and, for a slice within another, which are in that.
pub(super) fn judge(
    claimed: Claimed,
    fresh: &Fresh<'_>,
    inside: &[bool],
    whole: Option<&[bool]>,
    wanted: &Wanted,
) -> FoundSlice {
    let losses = fresh.losses;
    let rows = inside.iter().filter(|inside| **inside).count();
    let kind = if wanted.is_rate { Losses::Wrong } else { Losses::Numbers };
    let confirmed = fresh.confirm(inside, whole, kind);
    let around = |row: usize| whole.is_none_or(|whole| whole[row]);
    let mean_where = |wanted: bool| {
        let own = (0..losses.len()).filter(|row| around(*row) && inside[*row] == wanted);
        let (count, sum) = own.fold((0, 0.0), |(count, sum), row| (count + 1, sum + losses[row]));
        (count > 0).then(|| sum / f64::from(count))
    };
    let part = |pick: fn(&Confirmed) -> &Estimate| match &confirmed {
        Ok(confirmed) => Ok(pick(confirmed).clone()),
        Err(reason) => Err(reason.clone()),
    };
    FoundSlice {
        number: 0,
        filter: claimed.filter,
        searched_rows: claimed.rows,
        searched_mean: claimed.mean,
        score: claimed.score,
        others: claimed.others,
        within: None,
        parts: 0,
        rows: rows as u64,
        inside: value(&wanted.metric, &wanted.split, &part(|confirmed| &confirmed.inside), mean_where(true), rows),
        rest: mean_where(false),
        difference: value("difference", &wanted.split, &part(|confirmed| &confirmed.difference), None, rows),
        p_value: confirmed.as_ref().ok().map(|confirmed| confirmed.p_value),
        adjusted: None,
        test: confirmed.as_ref().map(|confirmed| confirmed.test.to_owned()).unwrap_or_default(),
        confirmed: false,
        name: None,
    }
}

/// Holm over all claims, those about slices within others among them: one that could not be tested counts as a claim all
/// the same. A slice that is not shown to be worse than the one around it becomes a part of that. Those that are
/// confirmed come first, else they stay in the order of the search.
pub(super) fn correct(mut slices: Vec<FoundSlice>, outer: &[Option<usize>]) -> Result<Vec<FoundSlice>> {
    let p_values: Vec<f64> = slices.iter().map(|slice| slice.p_value.unwrap_or(1.0)).collect();
    if p_values.is_empty() {
        return Ok(slices);
    }
    let adjusted = adjust(&p_values, Adjustment::Holm).map_err(unusable)?;
    for (slice, adjusted) in slices.iter_mut().zip(adjusted) {
        slice.adjusted = slice.p_value.map(|_| adjusted);
        slice.confirmed = slice.p_value.is_some() && adjusted <= LEVEL;
    }
    let confirmed: Vec<bool> = slices.iter().map(|slice| slice.confirmed).collect();
    let homes = settle(outer, &confirmed);
    for (_, home) in homes.iter().enumerate().filter(|(place, home)| place != *home) {
        slices[*home].parts += 1;
    }
    let mut order: Vec<usize> = (0..slices.len()).filter(|place| homes[*place] == *place).collect();
    order.sort_by_key(|place| !slices[*place].confirmed);
    let number = |place: usize| order.iter().position(|one| *one == place).map(|at| at as u32 + 1);
    let numbered = order.iter().map(|place| FoundSlice {
        number: number(*place).unwrap_or(0),
        within: outer[*place].and_then(number),
        ..slices[*place].clone()
    });
    Ok(numbered.collect())
}
