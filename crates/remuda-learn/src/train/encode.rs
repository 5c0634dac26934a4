//! Encoders: from columns to a matrix of floats, as ONNX nodes. What is learned about a column (means, categories, terms) is
//! learned here from the training rows; the rows are then encoded by our evaluator running those very nodes.

use crate::error::LearnError;
use crate::evaluate::graph::Plan;
use crate::evaluate::inputs::Inputs;
use crate::evaluate::value::Value;
use crate::onnx::FLOAT;
use crate::onnx::build::{Builder, ML, float, floats, int, string, strings};
use crate::reading::Reading;
use crate::train::{Target, TrainRequest, text};
use rayon::prelude::*;
use remuda_model::data::FeatureKind;
use remuda_model::feature::Feature;
use remuda_model::table::{MISSING, Table, Texts, Values};
use remuda_model::text::list;
use std::collections::BTreeMap;

/// Rows encoded at once.
const BLOCK: usize = 4096;
/// The most columns that one category column may become.
const MOST_CATEGORIES: usize = 1000;
/// Rows of the overall mean that are mixed into each category's mean.
const SMOOTHING: f64 = 10.0;
/// Categories with fewer rows are treated as unseen by the trees.
const FEWEST_OF_CATEGORY: u64 = 5;

/// The encoded matrix.
#[derive(Debug)]
pub(crate) struct Encoded {
    /// The name of the matrix in the graph.
    pub(crate) name: String,
    /// For each of its columns, the feature it came from.
    pub(crate) origins: Vec<usize>,
}

/// `[N, 1]` zeros, made from one feature.
pub(crate) fn zeros(builder: &mut Builder, feature: &Feature) -> String {
    if feature.kind == FeatureKind::Number {
        let missing = builder.node("", "IsNaN", &[&feature.name], Vec::new());
        let missing = builder.node("", "Cast", &[&missing], vec![int("to", i64::from(FLOAT))]);
        let zero = builder.floats(&[1], vec![0.0]);
        return builder.node("", "Mul", &[&missing, &zero], Vec::new());
    }
    let attributes =
        vec![strings("keys_strings", &[""]), floats("values_floats", vec![0.0]), float("default_float", 0.0)];
    builder.node(ML, "LabelEncoder", &[&feature.name], attributes)
}

/// Runs the nodes so far on a table: the matrix of that name, in blocks of rows.
pub(crate) fn apply(
    builder: &Builder,
    name: &str,
    width: usize,
    table: &Table,
) -> Result<Vec<Value<'static>>, LearnError> {
    let mut builder = builder.clone();
    builder.output("encoded", name, FLOAT, Some(width));
    let model = builder.into_model();
    let graph = model.graph.as_ref().ok_or_else(|| LearnError::malformed("the encoder", "it has no graph"))?;
    let inputs = Inputs::read(&model, graph, &Reading::default())?;
    let plan = Plan::compile(graph, &inputs.names())?;
    let wanted = graph.outputs.iter().filter_map(|output| plan.places.get(&output.name).copied()).collect::<Vec<_>>();
    let columns = inputs.columns(table)?;
    let starts: Vec<usize> = (0..table.rows).step_by(BLOCK).collect();
    starts
        .into_par_iter()
        .map(|start| {
            let values = inputs.values(table, &columns, start..(start + BLOCK).min(table.rows))?;
            let value = plan.run(values, &wanted)?.pop();
            match value {
                Some(Value::Sparse(sparse)) => Ok(Value::Sparse(sparse)),
                Some(Value::Float(dense)) => Ok(Value::Float(dense)),
                _ => Err(LearnError::malformed("the encoder", "it gives no matrix")),
            }
        })
        .collect()
}

/// Sums per feature as shares of the whole.
pub(crate) fn shares(request: &TrainRequest, sums: Vec<f64>) -> Vec<(String, f64)> {
    let whole: f64 = sums.iter().sum();
    let share = |sum: f64| if whole > 0.0 { sum / whole } else { 0.0 };
    request.features.iter().zip(sums).map(|(feature, sum)| (feature.name.clone(), share(sum))).collect()
}

fn numbers<'a>(request: &TrainRequest<'a>, feature: &Feature) -> &'a [f64] {
    match request.table.column(&feature.name) {
        Some(Values::Number(numbers)) => numbers,
        _ => &[],
    }
}

fn texts<'a>(request: &TrainRequest<'a>, feature: &Feature) -> Option<&'a Texts> {
    match request.table.column(&feature.name) {
        Some(Values::Text(texts)) => Some(texts),
        _ => None,
    }
}

/// What the finite values of a column look like, as 32-bit floats.
struct Summary {
    mean: f64,
    deviation: f64,
    lowest: f32,
    highest: f32,
    missing: usize,
}

fn summarise(numbers: &[f64]) -> Summary {
    let (mut count, mut sum, mut missing) = (0_usize, 0.0, 0);
    let (mut lowest, mut highest) = (f32::INFINITY, f32::NEG_INFINITY);
    for value in numbers.iter().map(|value| *value as f32) {
        if value.is_finite() {
            count += 1;
            sum += f64::from(value);
            lowest = lowest.min(value);
            highest = highest.max(value);
        }
        missing += usize::from(value.is_nan());
    }
    let mean = if count > 0 { sum / count as f64 } else { 0.0 };
    let finite = numbers.iter().map(|value| *value as f32).filter(|value| value.is_finite());
    let squares: f64 = finite.map(|value| (f64::from(value) - mean).powi(2)).sum();
    Summary { mean, deviation: (squares / count.max(1) as f64).sqrt(), lowest, highest, missing }
}

/// Columns for linear models. Numbers: missing ones become the mean and set an indicator, all are held within the seen range
/// (widened by its own width on both sides) and standardised. Categories: one column each. Texts: TF-IDF, rows of length 1.
pub(crate) fn for_linear(
    request: &TrainRequest,
    builder: &mut Builder,
    most_terms: usize,
    notes: &mut Vec<String>,
) -> Result<Encoded, LearnError> {
    let mut parts = Vec::new();
    let mut origins = Vec::new();
    let mut useless = Vec::new();
    linear_numbers(request, builder, &mut parts, &mut origins, &mut useless);
    for (index, feature) in request.features.iter().enumerate() {
        let Some(texts) = texts(request, feature) else { continue };
        let width = match feature.kind {
            FeatureKind::Category => one_hot(builder, feature, texts, &mut parts, notes),
            _ => tf_idf(builder, feature, texts, most_terms, &mut parts),
        };
        origins.extend(std::iter::repeat_n(index, width));
        if width == 0 {
            useless.push(format!("`{}`", feature.name));
        }
    }
    if !useless.is_empty() {
        notes.push(format!("constant or empty, so without use: {}", list(&useless)));
    }
    if parts.is_empty() {
        parts.push(zeros(builder, &request.features[0]));
        origins.push(0);
    }
    Ok(Encoded { name: builder.concatenate(&parts), origins })
}

fn linear_numbers(
    request: &TrainRequest,
    builder: &mut Builder,
    parts: &mut Vec<String>,
    origins: &mut Vec<usize>,
    useless: &mut Vec<String>,
) {
    let (mut varying, mut gappy) = (Vec::new(), Vec::new());
    for (index, feature) in
        request.features.iter().enumerate().filter(|(_, feature)| feature.kind == FeatureKind::Number)
    {
        let summary = summarise(numbers(request, feature));
        let gaps = summary.missing > 0 && summary.missing < request.table.rows;
        let varies = summary.highest > summary.lowest;
        if !gaps && !varies {
            useless.push(format!("`{}`", feature.name));
        }
        if gaps {
            gappy.push(index);
        }
        if varies {
            varying.push((index, summary));
        }
    }
    if !varying.is_empty() {
        let names: Vec<String> = varying.iter().map(|(index, _)| request.features[*index].name.clone()).collect();
        let matrix = builder.concatenate(&names);
        let of =
            |value: &dyn Fn(&Summary) -> f32| varying.iter().map(|(_, summary)| value(summary)).collect::<Vec<f32>>();
        let means = of(&|summary| summary.mean as f32);
        let width = |summary: &Summary| summary.highest - summary.lowest;
        let filled = vec![floats("imputed_value_floats", means.clone()), float("replaced_value_float", f32::NAN)];
        let filled = builder.node(ML, "Imputer", &[&matrix], filled);
        let bound = |value: f32| value.clamp(f32::MIN, f32::MAX);
        let highest = builder.floats(&[1, varying.len()], of(&|summary| bound(summary.highest + width(summary))));
        let lowest = builder.floats(&[1, varying.len()], of(&|summary| bound(summary.lowest - width(summary))));
        let held = builder.node("", "Min", &[&filled, &highest], Vec::new());
        let held = builder.node("", "Max", &[&held, &lowest], Vec::new());
        let scale = of(&|summary| (1.0 / summary.deviation.max(f64::from(f32::MIN_POSITIVE))) as f32);
        let scaled = vec![floats("offset", means), floats("scale", scale)];
        parts.push(builder.node(ML, "Scaler", &[&held], scaled));
        origins.extend(varying.iter().map(|(index, _)| *index));
    }
    if !gappy.is_empty() {
        let names: Vec<String> = gappy.iter().map(|index| request.features[*index].name.clone()).collect();
        let matrix = builder.concatenate(&names);
        let missing = builder.node("", "IsNaN", &[&matrix], Vec::new());
        parts.push(builder.node("", "Cast", &[&missing], vec![int("to", i64::from(FLOAT))]));
        origins.extend(gappy);
    }
}

/// How many of these rows have each text; missing ones are counted as the empty text.
fn count(texts: &Texts, rows: impl Iterator<Item = usize>) -> BTreeMap<&str, u64> {
    let mut by_code = vec![0_u64; texts.dictionary.len() + 1];
    for row in rows {
        let code = texts.codes[row];
        by_code[if code == MISSING { texts.dictionary.len() } else { code as usize }] += 1;
    }
    let mut counts = BTreeMap::new();
    let names = texts.dictionary.iter().map(AsRef::as_ref).chain([""]);
    for (name, rows) in names.zip(by_code).filter(|(_, rows)| *rows > 0) {
        *counts.entry(name).or_default() += rows;
    }
    counts
}

fn one_hot(
    builder: &mut Builder,
    feature: &Feature,
    texts: &Texts,
    parts: &mut Vec<String>,
    notes: &mut Vec<String>,
) -> usize {
    let counts = count(texts, 0..texts.codes.len());
    if counts.len() < 2 {
        return 0;
    }
    let fewest = if texts.codes.len() >= 1000 { 2 } else { 1 };
    let mut kept: Vec<(&str, u64)> = counts.into_iter().filter(|(_, rows)| *rows >= fewest).collect();
    let found = kept.len();
    kept.sort_by_key(|(name, rows)| (std::cmp::Reverse(*rows), *name));
    kept.truncate(MOST_CATEGORIES);
    if kept.is_empty() {
        return 0;
    }
    if found > kept.len() {
        notes.push(format!("`{}`: only the {} most frequent of {found} categories count", feature.name, kept.len()));
    }
    let names: Vec<&str> = kept.iter().map(|(name, _)| *name).collect();
    let encoded =
        builder.node(ML, "OneHotEncoder", &[&feature.name], vec![strings("cats_strings", &names), int("zeros", 1)]);
    let shape = builder.ints(vec![-1, names.len() as i64]);
    parts.push(builder.node("", "Reshape", &[&encoded, &shape], Vec::new()));
    names.len()
}

fn tf_idf(builder: &mut Builder, feature: &Feature, texts: &Texts, most: usize, parts: &mut Vec<String>) -> usize {
    let rows: Vec<u32> = (0..texts.codes.len() as u32).collect();
    let fewest = if rows.len() >= 100_000 {
        5
    } else if rows.len() >= 1000 {
        2
    } else {
        1
    };
    let vocabulary = text::find(texts, &rows, (&[], 1), fewest, most, &|counts| counts.iter().sum::<u64>() as f64);
    if vocabulary.terms.is_empty() {
        return 0;
    }
    // Smooth inverse document frequency, as if one more row held every term.
    let all = rows.len() as f64 + 1.0;
    let weights = vocabulary.rows.iter().map(|rows| ((all / (*rows as f64 + 1.0)).ln() + 1.0) as f32).collect();
    let counted = vocabulary.nodes(builder, &feature.name, Some(weights));
    parts.push(builder.node(ML, "Normalizer", &[&counted], vec![string("norm", "L2")]));
    vocabulary.terms.len()
}

/// Columns for trees, dense, column by column.
#[derive(Debug)]
pub(crate) struct TreeColumns {
    /// The encoded matrix.
    pub(crate) encoded: Encoded,
    /// Its values in the training table.
    pub(crate) columns: Vec<Vec<f32>>,
}

/// Columns for trees, fitted on `fit` rows. Numbers stay as they are. Categories become the smoothed mean of the target (of
/// each of up to eight classes); rare and unseen ones are missing. Texts become counts of the most telling terms.
///
/// The rows fitted on get means made without their own fifth of the rows, where a column has many categories: else
/// the trees would trust means that know the answer (Micci-Barreca, SIGKDD Explorations 3(1), 2001; cross-fitting).
pub(crate) fn for_trees(
    request: &TrainRequest,
    builder: &mut Builder,
    fit: &[u32],
    seed: u64,
    most_terms: usize,
) -> Result<TreeColumns, LearnError> {
    let views = request.target.views(8);
    let (mut parts, mut origins) = (Vec::new(), Vec::new());
    let mut replaced: Vec<(usize, Vec<(u32, f32)>)> = Vec::new();
    for (index, feature) in request.features.iter().enumerate() {
        match (feature.kind, texts(request, feature)) {
            (FeatureKind::Number, _) => {
                parts.push(feature.name.clone());
                origins.push(index);
            }
            (FeatureKind::Category, Some(texts)) => {
                for view in &views {
                    let (keys, values, own) = target_means(texts, view, fit, seed);
                    if keys.is_empty() {
                        continue;
                    }
                    if let Some(own) = own {
                        replaced.push((origins.len(), own));
                    }
                    let table = vec![
                        strings("keys_strings", &keys),
                        floats("values_floats", values),
                        float("default_float", f32::NAN),
                    ];
                    parts.push(builder.node(ML, "LabelEncoder", &[&feature.name], table));
                    origins.push(index);
                }
            }
            (FeatureKind::Text, Some(texts)) => {
                let width = counted_terms(request.target, builder, feature, texts, fit, most_terms, &mut parts);
                origins.extend(std::iter::repeat_n(index, width));
            }
            _ => {}
        }
    }
    if parts.is_empty() {
        parts.push(zeros(builder, &request.features[0]));
        origins.push(0);
    }
    let name = builder.concatenate(&parts);
    let blocks = apply(builder, &name, origins.len(), request.table)?;
    let mut columns = to_columns(&blocks, origins.len(), request.table.rows)?;
    for (column, own) in replaced {
        own.into_iter().for_each(|(row, value)| columns[column][row as usize] = value);
    }
    Ok(TreeColumns { encoded: Encoded { name, origins }, columns })
}

fn to_columns(blocks: &[Value], width: usize, rows: usize) -> Result<Vec<Vec<f32>>, LearnError> {
    let mut columns: Vec<Vec<f32>> = (0..width).map(|_| Vec::with_capacity(rows)).collect();
    for block in blocks {
        let dense = block.floats().map_err(|problem| LearnError::malformed("the encoder", problem))?;
        for (column, values) in columns.iter_mut().enumerate() {
            values.extend(dense.data.iter().skip(column).step_by(width.max(1)));
        }
    }
    Ok(columns)
}

/// The categories, their smoothed means, and for columns of many categories what each fitted row sees instead.
type TargetMeans = (Vec<String>, Vec<f32>, Option<Vec<(u32, f32)>>);

fn target_means(texts: &Texts, view: &[f64], fit: &[u32], seed: u64) -> TargetMeans {
    const FOLDS: usize = 5;
    // Codes to distinct names: a missing text and an empty one are the same.
    let mut numbers: BTreeMap<&str, usize> = BTreeMap::new();
    let number_of: Vec<usize> = texts
        .dictionary
        .iter()
        .map(AsRef::as_ref)
        .chain([""])
        .map(|name| {
            let next = numbers.len();
            *numbers.entry(name).or_insert(next)
        })
        .collect();
    let number = |row: u32| number_of[(texts.codes[row as usize] as usize).min(texts.dictionary.len())];
    let fold = |row: u32| (mix(seed ^ u64::from(row)) % FOLDS as u64) as usize;
    let mut sums = vec![[(0.0, 0_u64); FOLDS]; numbers.len()];
    let mut whole = 0.0;
    for row in fit {
        let cell = &mut sums[number(*row)][fold(*row)];
        cell.0 += view[*row as usize];
        cell.1 += 1;
        whole += view[*row as usize];
    }
    let overall = whole / fit.len().max(1) as f64;
    let mean = |sum: f64, rows: u64| ((sum + SMOOTHING * overall) / (rows as f64 + SMOOTHING)) as f32;
    let total: Vec<(f64, u64)> =
        sums.iter().map(|folds| folds.iter().fold((0.0, 0), |all, one| (all.0 + one.0, all.1 + one.1))).collect();
    let fewest = if fit.len() >= 1000 { FEWEST_OF_CATEGORY } else { 2 };
    let (mut keys, mut values) = (Vec::new(), Vec::new());
    for (name, number) in &numbers {
        if total[*number].1 >= fewest {
            keys.push((*name).to_owned());
            values.push(mean(total[*number].0, total[*number].1));
        }
    }
    let many = keys.len() > 30;
    let own = many.then(|| {
        let of = |row: &u32| {
            let (place, own) = (number(*row), sums[number(*row)][fold(*row)]);
            let rest = (total[place].0 - own.0, total[place].1 - own.1);
            (*row, if total[place].1 >= fewest && rest.1 > 0 { mean(rest.0, rest.1) } else { f32::NAN })
        };
        fit.iter().map(of).collect()
    });
    (keys, values, own)
}

/// SplitMix64's finaliser: spreads row numbers over folds.
pub(crate) fn mix(value: u64) -> u64 {
    let mut mixed = value.wrapping_add(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

fn counted_terms(
    target: &Target,
    builder: &mut Builder,
    feature: &Feature,
    texts: &Texts,
    fit: &[u32],
    most: usize,
    parts: &mut Vec<String>,
) -> usize {
    let (groups, count) = groups(target, fit);
    let mut sizes = vec![0_u64; count];
    fit.iter().for_each(|row| sizes[groups[*row as usize] as usize] += 1);
    let all = fit.len().max(1) as f64;
    // Pearson's chi-squared of "has the term" against the groups.
    let worth = |counts: &[u64]| {
        let have: u64 = counts.iter().sum();
        let share = have as f64 / all;
        let cells = counts.iter().zip(&sizes).filter(|(_, size)| **size > 0);
        cells.map(|(count, size)| (*count as f64 - share * *size as f64).powi(2) / (share * *size as f64)).sum::<f64>()
    };
    let fewest = if fit.len() >= 1000 { 5 } else { 2 };
    let vocabulary = text::find(texts, fit, (&groups, count), fewest, most, &worth);
    if vocabulary.terms.is_empty() {
        return 0;
    }
    parts.push(vocabulary.nodes(builder, &feature.name, None));
    vocabulary.terms.len()
}

/// The classes, or eighths of the numbers.
fn groups(target: &Target, fit: &[u32]) -> (Vec<u32>, usize) {
    match target {
        Target::Classes { labels, index } => (index.clone(), labels.len()),
        Target::Number(numbers) => {
            let mut sorted: Vec<f64> = fit.iter().map(|row| numbers[*row as usize]).collect();
            sorted.sort_by(f64::total_cmp);
            let bounds: Vec<f64> = (1..8).filter_map(|eighth| sorted.get(eighth * sorted.len() / 8).copied()).collect();
            (numbers.iter().map(|number| bounds.iter().filter(|bound| *number >= **bound).count() as u32).collect(), 8)
        }
    }
}
