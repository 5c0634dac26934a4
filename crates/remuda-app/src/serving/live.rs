//! What is live: traffic, the live metric with its interval, drift per column against the training version.

use super::{Alert, ColumnDrift, InputColumn, LabelShare, Live, LivePage, MetricBucket, Share, TrafficBucket};
use crate::app::App;
use crate::context::Context;
use crate::error::Result;
use crate::gate::{ClassSample, Sample, metric_value, usual_metrics};
use crate::model;
use crate::release::ReleaseLine;
use crate::use_case::{Access, UseCase};
use remuda_ledger::{Joined, MINUTE, Window};
use remuda_model::data::{ColumnProfile, Profile};
use remuda_model::gate::criterion::Metric;
use remuda_model::model::ModelVersion;
use remuda_model::run::MetricValue;
use remuda_model::serving::PredictionRecord;
use remuda_model::team::Role;
use remuda_stats::drift;
use serde_json::{Map, Value};
use std::sync::{Arc, Mutex};

const DAY: i64 = 86_400_000_000;
/// Stretches of time that a window is cut into.
const BUCKETS: i64 = 30;
/// The newest predictions that drift and expectations are computed on.
const NEWEST_ROWS: usize = 5_000;
/// Predictions that labels are counted on, and outcomes that metrics are computed on: of more, a sample spread evenly.
const SAMPLE: i64 = 50_000;
/// Categories shown; the others are taken together.
const CATEGORIES: usize = 12;
/// A tail with fewer rows than this has no bin of its own.
const TAIL_ROWS: u64 = 30;
/// Bins of a number.
const BINS: usize = 10;

impl UseCase for Live {
    const NOUN: &'static str = "serving";
    const VERB: &'static str = "live";
    const ACCESS: Access = Access::Read;
    const ABOUT: &'static str = "Show what is live: traffic, the live metric with its interval, drift per column.";
    type Answer = LivePage;

    async fn run(self, app: &App, context: &Context) -> Result<LivePage> {
        // What is live follows from the facts, so until another fact comes the page of a moment ago is the page.
        let product = &context.product()?.name;
        let head = app.ledger.head(product).await?.map_or(0, |fact| fact.sequence);
        let settings = context.definitions.serving.as_ref().map(|serving| serving.digest.clone());
        let release = crate::release::live_release(app, context).await?;
        let live = release.as_ref().map(|release| release.digest.clone());
        let key = LiveKey { product: product.clone(), head, live, days: self.days, settings };
        if let Some(known) = app.live.get(&key, app.clock.now()) {
            return Ok(known);
        }
        let begun = app.clock.now();
        let page = self.compute(app, context, release).await?;
        app.live.set(key, app.clock.now() - begun, page.clone());
        Ok(page)
    }
}

/// The live page of a moment ago, and how long it took (microseconds).
#[derive(Default)]
pub struct LiveCache(Mutex<Option<(LiveKey, i64, LivePage)>>);

/// What a live page follows from.
#[derive(Clone, PartialEq)]
struct LiveKey {
    product: String,
    /// The newest fact.
    head: i64,
    /// The live release.
    live: Option<remuda_model::Digest>,
    days: u32,
    /// The settings in force.
    settings: Option<remuda_model::Digest>,
}

/// A page is kept for this long (microseconds): its window ends now.
const KEPT: i64 = 60_000_000;
/// From this duration on (microseconds) a page is dear: under traffic, when every second brings a fact, it is kept for
/// [`DEAR_KEPT`] times what it took, so that looking at it never takes more than a twentieth of the machine.
const DEAR: i64 = 200_000;
const DEAR_KEPT: i64 = 20;

impl LiveCache {
    fn get(&self, key: &LiveKey, now: i64) -> Option<LivePage> {
        let kept = self.0.lock().ok()?;
        let (known, took, page) = kept.as_ref()?;
        let age = now - page.until;
        let same = known == key && (0..KEPT).contains(&age);
        let dear = *took > DEAR
            && LiveKey { head: key.head, ..known.clone() } == *key
            && (0..KEPT.min(DEAR_KEPT * took)).contains(&age);
        (same || dear).then(|| page.clone())
    }

    fn set(&self, key: LiveKey, took: i64, page: LivePage) {
        if let Ok(mut kept) = self.0.lock() {
            *kept = Some((key, took, page));
        }
    }
}

impl Live {
    async fn compute(self, app: &App, context: &Context, release: Option<ReleaseLine>) -> Result<LivePage> {
        let product = context.product()?;
        let usual = remuda_model::serving::Serving::usual(&product.name);
        let settings = context.definitions.serving.as_ref().map_or(usual, |serving| serving.value.clone());
        let until = app.clock.now();
        // Traffic is counted by minutes, so the window begins with one.
        let since = (until - i64::from(self.days.clamp(1, 3650)) * DAY).div_euclid(MINUTE) * MINUTE;
        let history = crate::release::promotions(app, context).await?;
        let mut page = LivePage {
            endpoint: settings.endpoint,
            on_duty: settings.on_duty,
            release,
            inputs: Vec::new(),
            predictions: 0,
            outcomes: 0,
            measured: 0,
            traffic: Vec::new(),
            metrics: Vec::new(),
            expected: Vec::new(),
            metric_history: Vec::new(),
            drift: Vec::new(),
            unwatched: Vec::new(),
            labels: Vec::new(),
            alerts: Vec::new(),
            history,
            since,
            until,
        };
        let Some(release) = page.release.clone() else { return Ok(page) };
        let model = model::resolve_model(app, context, release.model.hex()).await?.version;
        let window = Window {
            product: product.name.clone(),
            release: Some(release.digest.to_string()),
            since,
            until: until.saturating_add(1),
            every: 1,
        };
        let width = bucket_width(app, &window).await?;
        page.inputs = inputs(app, context, &model).await?;
        fill_traffic(app, &window, width, &mut page).await?;
        let joined = fill_metrics(app, &window, width, &model, &mut page).await?;
        let records: Vec<PredictionRecord> = app.ledger.predictions(&window, NEWEST_ROWS).await?;
        page.expected = super::expected::expected(app, context, &model, &records, &joined).await?;
        fill_drift(app, context, &records, &model, settings.drift_distance, &mut page).await?;
        page.alerts = alerts(&page);
        Ok(page)
    }
}

/// Buckets fit the stretch in which there is traffic, so that a first hour is not one bar.
async fn bucket_width(app: &App, window: &Window) -> Result<i64> {
    let counts = app.ledger.prediction_counts(&window.product).await?;
    let mine = counts.iter().find(|count| Some(&count.release) == window.release.as_ref());
    let (first, last) = mine.map_or((window.since, window.until), |count| (count.first.max(window.since), count.last));
    let stretch = (last - first).max(1);
    const WIDTHS: [i64; 8] = [60, 300, 900, 3_600, 3 * 3_600, 6 * 3_600, 12 * 3_600, 24 * 3_600];
    let fitting = WIDTHS.iter().map(|seconds| seconds * 1_000_000).find(|width| stretch / width < BUCKETS);
    Ok(fitting.unwrap_or(DAY * (stretch / DAY / BUCKETS + 1)))
}

async fn inputs(app: &App, context: &Context, model: &ModelVersion) -> Result<Vec<InputColumn>> {
    let Some(trained_on) = &model.trained_on else { return Ok(Vec::new()) };
    let version = crate::data::resolve_version(app, context, trained_on.hex()).await?.version;
    let Some(contract) = crate::data::contract_of(app, context, &version).await? else { return Ok(Vec::new()) };
    let features = model.signature.features.iter().filter_map(|feature| contract.column(&feature.name));
    Ok(features
        .map(|column| InputColumn {
            name: column.name.clone(),
            column_type: column.column_type,
            required: column.required,
        })
        .collect())
}

async fn fill_traffic(app: &App, window: &Window, width: i64, page: &mut LivePage) -> Result<()> {
    for bucket in app.ledger.traffic(window, width).await? {
        page.predictions += bucket.count.unsigned_abs();
        page.outcomes += bucket.outcomes.unsigned_abs();
        page.traffic.push(TrafficBucket {
            start: bucket.bucket,
            width,
            count: bucket.count.unsigned_abs(),
            mean_microseconds: bucket.mean_microseconds,
        });
    }
    page.traffic.sort_by_key(|bucket| bucket.start);
    Ok(())
}

/// Answers the predictions with outcomes that it measured.
async fn fill_metrics(
    app: &App,
    window: &Window,
    width: i64,
    model: &ModelVersion,
    page: &mut LivePage,
) -> Result<Vec<Joined>> {
    let mut joined = match page.outcomes {
        0 => Vec::new(),
        outcomes => app.ledger.joined(&sampled(window, outcomes)).await?,
    };
    joined.sort_by_key(|row| row.time);
    page.measured = joined.len() as u64;
    label_shares(app, window, &joined, page).await?;
    if joined.is_empty() {
        return Ok(joined);
    }
    let metrics = usual_metrics(&model.signature);
    let sample = sample_of(model, &joined)?;
    // A log of the score of one class cannot give the loss over many, so that one is left to evaluations.
    let shown = || metrics.iter().filter(|metric| metric.metric != Metric::LogLoss);
    page.metrics = shown().map(|metric| metric_value(metric, &sample, "live")).collect();
    let Some(first) = shown().find(|metric| metric.metric != Metric::Auc).or_else(|| shown().next()) else {
        return Ok(joined);
    };
    let mut start = 0;
    while start < joined.len() {
        let bucket = joined[start].time.div_euclid(width) * width;
        let end = joined.partition_point(|row| row.time < bucket + width);
        let metric = metric_value(first, &sample_of(model, &joined[start..end])?, "live");
        page.metric_history.push(MetricBucket { start: bucket, width, metric });
        start = end;
    }
    Ok(joined)
}

/// The window, thinned so that about [`SAMPLE`] of `rows` are left.
fn sampled(window: &Window, rows: u64) -> Window {
    let every = rows.div_ceil(SAMPLE.unsigned_abs()).max(1).cast_signed();
    Window { every, ..window.clone() }
}

async fn label_shares(app: &App, window: &Window, joined: &[Joined], page: &mut LivePage) -> Result<()> {
    if page.release.is_none() || page.predictions == 0 {
        return Ok(());
    }
    let counts = app.ledger.label_counts(&sampled(window, page.predictions), 0).await?;
    if counts.len() > 200 {
        // A regression: every number is a label of its own.
        return Ok(());
    }
    let mut labels: Vec<(String, u64)> =
        counts.into_iter().map(|count| (count.label, count.count.unsigned_abs())).collect();
    let counted: u64 = labels.iter().map(|(_, count)| count).sum();
    labels.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    page.labels = labels
        .into_iter()
        .take(20)
        .map(|(label, count)| {
            let seen = joined.iter().filter(|row| row.outcome == label).count();
            LabelShare {
                predicted: count as f64 / counted as f64,
                observed: (!joined.is_empty()).then(|| seen as f64 / joined.len() as f64),
                label,
            }
        })
        .collect();
    Ok(())
}

/// Truth and predictions of joined rows.
fn sample_of(model: &ModelVersion, joined: &[Joined]) -> Result<Sample> {
    let classes = model.signature.labels.classes();
    if classes.is_empty() {
        let number = |text: &str| text.parse::<f64>().unwrap_or(f64::NAN);
        let rows = joined.iter().map(|row| (number(&row.outcome), number(&row.label)));
        let (truth, predicted) = rows.filter(|(truth, predicted)| truth.is_finite() && predicted.is_finite()).unzip();
        return Ok(Sample::Numbers { truth, predicted });
    }
    let mut names: Vec<String> = classes.to_vec();
    let mut place = |name: &str| {
        names.iter().position(|known| known == name).unwrap_or_else(|| {
            names.push(name.to_owned());
            names.len() - 1
        }) as u32
    };
    let truth: Vec<u32> = joined.iter().map(|row| place(&row.outcome)).collect();
    let predicted: Vec<u32> = joined.iter().map(|row| place(&row.label)).collect();
    let positive =
        model.signature.positive.as_ref().and_then(|positive| classes.iter().position(|class| class == positive));
    let mut probabilities = vec![0.0f32; joined.len() * classes.len()];
    if let (Some(positive), 2) = (positive, classes.len()) {
        for (row, prediction) in joined.iter().enumerate() {
            probabilities[row * 2 + positive] = prediction.score as f32;
            probabilities[row * 2 + 1 - positive] = 1.0 - prediction.score as f32;
        }
    }
    Ok(Sample::Classes(ClassSample {
        classes: Arc::from(names),
        known: classes.len(),
        positive,
        truth,
        predicted,
        probabilities,
    }))
}

async fn fill_drift(
    app: &App,
    context: &Context,
    records: &[PredictionRecord],
    model: &ModelVersion,
    threshold: f64,
    page: &mut LivePage,
) -> Result<()> {
    let Some(trained_on) = &model.trained_on else { return Ok(()) };
    let version = crate::data::resolve_version(app, context, trained_on.hex()).await?.version;
    let profile: Profile = serde_json::from_slice(&app.blobs.get_checked(&version.profile).await?)?;
    let rows: Vec<Map<String, Value>> =
        records.iter().filter_map(|record| serde_json::from_str(&record.inputs).ok()).collect();
    if rows.is_empty() {
        return Ok(());
    }
    let columns = model.signature.features.len().max(1) as f64;
    for feature in &model.signature.features {
        let Some(column) = profile.columns.iter().find(|column| column.name == feature.name) else { continue };
        match column_drift(column, &rows, threshold, columns) {
            Some(found) => page.drift.push(found),
            None => page.unwatched.push(feature.name.clone()),
        }
    }
    page.drift.sort_by(|left, right| right.distance.total_cmp(&left.distance));
    Ok(())
}

/// Counts per category or bin, then and now.
struct Counts {
    names: Vec<String>,
    training: Vec<u64>,
    live: Vec<u64>,
}

/// How one column drifts: the population stability index, what chance explains of it at these sizes, and the chi-square
/// p-value. A column counts as drifted when its distance is above the threshold and, with the risk of 1 % shared by all
/// columns (Bonferroni), more than chance.
fn column_drift(
    column: &ColumnProfile,
    rows: &[Map<String, Value>],
    threshold: f64,
    columns: f64,
) -> Option<ColumnDrift> {
    let values = || rows.iter().map(|row| row.get(&column.name).filter(|value| !value.is_null()));
    let counts = if column.histogram.len() >= 2 && column.top.is_empty() {
        number_counts(column, values())
    } else if column.mean_length.is_some_and(|length| length > 40.0) && column.distinct > 200 {
        return None;
    } else {
        category_counts(column, values())
    };
    let distances = drift::category_distances(&counts.training, &counts.live).ok()?;
    let bins = counts.names.len() as u64;
    let by_chance =
        drift::stability_index_critical(bins, distances.n_reference, distances.n_live, 0.95).unwrap_or(f64::MAX);
    let share = |count: u64, total: u64| count as f64 / total.max(1) as f64;
    let shares = counts
        .names
        .into_iter()
        .zip(counts.training.iter().zip(&counts.live))
        .map(|(name, (training, live))| Share {
            name,
            training: share(*training, distances.n_reference),
            live: share(*live, distances.n_live),
        })
        .collect();
    Some(ColumnDrift {
        column: column.name.clone(),
        distance: distances.stability_index,
        by_chance,
        p_value: distances.p_value,
        rows: distances.n_live,
        drifted: distances.stability_index > threshold.max(by_chance) && distances.p_value < 0.01 / columns,
        shares,
    })
}

fn number_counts<'a>(column: &ColumnProfile, values: impl Iterator<Item = Option<&'a Value>>) -> Counts {
    // Bins of equal width are joined until each holds a fair share, so that a long tail is one bin.
    let least = column.count.saturating_sub(column.missing) / (2 * BINS as u64);
    let mut edges = vec![column.histogram[0].lower];
    let mut training = Vec::new();
    let mut sum = 0;
    for bin in &column.histogram {
        sum += bin.count;
        if sum > least {
            edges.push(bin.upper);
            training.push(sum);
            sum = 0;
        }
    }
    // What is left has a bin of its own if it can be told from chance, as the few others of a column of zeros; else it joins
    // the last one.
    match (training.last_mut(), column.histogram.last()) {
        (Some(last), Some(bin)) if sum < TAIL_ROWS => {
            *last += sum;
            edges.last_mut().into_iter().for_each(|edge| *edge = bin.upper);
        }
        (_, last) => {
            training.push(sum);
            edges.extend(last.map(|bin| bin.upper).filter(|_| edges.len() == training.len()));
        }
    }
    let mut names: Vec<String> = edges
        .windows(2)
        .map(|pair| format!("{} – {}", remuda_model::text::number(pair[0]), remuda_model::text::number(pair[1])))
        .collect();
    names.truncate(training.len());
    let mut live = vec![0u64; training.len()];
    let mut missing = 0u64;
    for value in values {
        match value.and_then(as_number) {
            None => missing += 1,
            Some(number) => {
                let inner = &edges[1..edges.len().saturating_sub(1).max(1)];
                let place = inner.partition_point(|edge| *edge <= number).min(live.len() - 1);
                live[place] += 1;
            }
        }
    }
    add_missing(Counts { names, training, live }, column.missing, missing)
}

fn as_number(value: &Value) -> Option<f64> {
    match value {
        Value::Bool(flag) => Some(f64::from(u8::from(*flag))),
        Value::String(text) => {
            let moment = text.parse::<jiff::Timestamp>().or_else(|_| format!("{text}T00:00:00Z").parse());
            moment.ok().map(|moment| moment.as_second() as f64)
        }
        other => other.as_f64(),
    }
}

fn category_counts<'a>(column: &ColumnProfile, values: impl Iterator<Item = Option<&'a Value>>) -> Counts {
    let known = column.top.iter().take(CATEGORIES);
    let mut names: Vec<String> = known.clone().map(|value| value.value.clone()).collect();
    let mut training: Vec<u64> = known.map(|value| value.count).collect();
    let mut live = vec![0u64; names.len()];
    let (mut other, mut missing) = (0u64, 0u64);
    for value in values {
        let Some(value) = value else {
            missing += 1;
            continue;
        };
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        match names.iter().position(|name| *name == text) {
            Some(place) => live[place] += 1,
            None => other += 1,
        }
    }
    let training_other = column.count.saturating_sub(column.missing + training.iter().sum::<u64>());
    if other + training_other > 0 {
        names.push("other".to_owned());
        training.push(training_other);
        live.push(other);
    }
    add_missing(Counts { names, training, live }, column.missing, missing)
}

fn add_missing(mut counts: Counts, training: u64, live: u64) -> Counts {
    if training + live > 0 {
        counts.names.push("missing".to_owned());
        counts.training.push(training);
        counts.live.push(live);
    }
    counts
}

/// What somebody on duty should look at.
fn alerts(page: &LivePage) -> Vec<Alert> {
    let duty = vec![Role::BackendEngineer, Role::DataScientist];
    let mut alerts = Vec::new();
    for column in page.drift.iter().filter(|column| column.drifted) {
        alerts.push(Alert {
            message: format!(
                "`{}` has drifted: distance {} where chance explains {} (n = {})",
                column.column,
                remuda_model::text::number(column.distance),
                remuda_model::text::number(column.by_chance),
                remuda_model::text::thousands(column.rows)
            ),
            command: "remuda live".to_owned(),
            roles: duty.clone(),
        });
    }
    if let Some(fall) = metric_fall(&page.metric_history) {
        alerts.push(Alert { message: fall, command: "remuda live".to_owned(), roles: duty });
    }
    alerts
}

/// The live metric's newest stretch lies wholly on the bad side of its first one's interval.
fn metric_fall(history: &[MetricBucket]) -> Option<String> {
    let bounded = |bucket: &&MetricBucket| bucket.metric.n >= 30 && bucket.metric.lower.is_some();
    let first = history.iter().find(bounded)?;
    let last = history.iter().rev().find(bounded)?;
    let name = &first.metric.name;
    let smaller_is_better = ["mae", "rmse"].contains(&name.as_str());
    let fell = if smaller_is_better {
        last.metric.lower? > first.metric.upper?
    } else {
        last.metric.upper? < first.metric.lower?
    };
    fell.then(|| {
        let shown = |metric: &MetricValue| metric.value.map(remuda_model::text::number).unwrap_or_default();
        format!(
            "live {name} has fallen from {} to {}: the intervals do not overlap",
            shown(&first.metric),
            shown(&last.metric)
        )
    })
}
