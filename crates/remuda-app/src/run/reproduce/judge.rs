//! Whether a repeated run gave the same: outputs by digest, metrics within a tolerance; and if not, what else differs.

use crate::run::{Difference, RunDiff, RunState, restore};
use remuda_model::run::MetricValue;
use remuda_model::run::captured::OutputFile;
use remuda_model::text;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use utoipa::ToSchema;

/// How far metrics may be apart when nothing is said: what the order of additions may change.
const USUAL_TOLERANCE: f64 = 1e-9;

/// How far metrics may be apart: the difference over the greater of 1 and the recorded value.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tolerance {
    /// Of every metric that is not named.
    pub usual: Option<f64>,
    /// By metric.
    pub named: BTreeMap<String, f64>,
}

impl Tolerance {
    /// Reads `1e-9` and `accuracy=0.01`, one each.
    ///
    /// # Errors
    /// The text that is neither.
    pub fn read(texts: &[String]) -> Result<Self, String> {
        let mut tolerance = Self::default();
        for text in texts {
            let (name, number) = match text.rsplit_once('=') {
                Some((name, number)) => (Some(name.trim()), number),
                None => (None, text.as_str()),
            };
            let number: Option<f64> = number.trim().parse().ok().filter(|number: &f64| *number >= 0.0);
            let number = number.filter(|number| number.is_finite()).ok_or_else(|| text.clone())?;
            match name {
                Some(name) => drop(tolerance.named.insert(name.to_owned(), number)),
                None => tolerance.usual = Some(number),
            }
        }
        Ok(tolerance)
    }

    fn of(&self, metric: &str) -> f64 {
        self.named.get(metric).copied().or(self.usual).unwrap_or(USUAL_TOLERANCE)
    }
}

/// How a reproduction ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Everything was captured, and everything came out the same.
    Reproduced,
    /// What could be compared came out the same, but the snapshot lacks something, or there was nothing to compare.
    Unproven,
    /// Something came out differently.
    Differs,
}

impl Outcome {
    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Outcome::Reproduced => "reproduced",
            Outcome::Unproven => "unproven",
            Outcome::Differs => "differs",
        }
    }
}

/// What came of a reproduction.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Reproduction {
    /// How it ended.
    pub outcome: Outcome,
    /// The run that was repeated.
    pub run: String,
    /// The new run.
    pub repeated: String,
    /// Its files, where they were kept.
    #[schema(value_type = Option<String>)]
    pub folder: Option<PathBuf>,
    /// Outputs of either.
    pub outputs: Vec<OutputCheck>,
    /// Metrics of either.
    pub metrics: Vec<MetricCheck>,
    /// How the runs ended, if differently.
    pub ending: Option<Difference>,
    /// Code, environment, data, hardware and seeds: what could explain a difference.
    pub parts: Vec<Part>,
    /// What the snapshot lacks.
    pub missing: Vec<String>,
    /// What was not as it was when the run was rebuilt.
    pub notes: Vec<String>,
}

/// One output, compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OutputCheck {
    /// The file.
    pub path: String,
    /// It came out the same; `None`: it could not be compared.
    pub same: Option<bool>,
    /// `same digest`, `other content`, `not written`, `new`.
    pub words: String,
}

/// One metric, compared.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MetricCheck {
    /// Its name.
    pub name: String,
    /// Recorded.
    pub recorded: Option<f64>,
    /// Repeated.
    pub repeated: Option<f64>,
    /// How far they may be apart.
    pub tolerance: f64,
    /// They are no farther.
    pub same: bool,
}

/// One part of what a run starts from, compared.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Part {
    /// `code`, `environment`, `data`, `hardware`, `seeds`.
    pub name: String,
    /// It is the same in both; `None`: nothing is known about it.
    pub same: Option<bool>,
    /// What differs, or what is known.
    pub words: String,
}

/// Judges a repeated run, which stands on the right.
pub(super) fn judge(diff: &RunDiff, tolerance: &Tolerance, notes: Vec<String>) -> Reproduction {
    let (recorded, repeated) = (&diff.left, &diff.right);
    let mut outputs = check_outputs(&recorded.outputs, &repeated.outputs);
    outputs.extend(check_models(recorded, repeated));
    let metrics = check_metrics(&recorded.metrics, &repeated.metrics, tolerance);
    let ending = ending(recorded, repeated);
    let missing = restore::missing(recorded);
    let differs = ending.is_some()
        || outputs.iter().any(|output| output.same == Some(false))
        || metrics.iter().any(|metric| !metric.same);
    let compared = outputs.iter().any(|output| output.same.is_some()) || !metrics.is_empty();
    let unknown = outputs.iter().any(|output| output.same.is_none());
    let outcome = match () {
        () if differs => Outcome::Differs,
        () if !missing.is_empty() || !compared || unknown => Outcome::Unproven,
        () => Outcome::Reproduced,
    };
    Reproduction {
        outcome,
        run: recorded.run.clone(),
        repeated: repeated.run.clone(),
        folder: None,
        outputs,
        metrics,
        ending,
        parts: parts(diff),
        missing,
        notes,
    }
}

fn check_outputs(recorded: &[OutputFile], repeated: &[OutputFile]) -> Vec<OutputCheck> {
    let by_path = |outputs: &'_ [OutputFile]| -> BTreeMap<String, OutputFile> {
        outputs.iter().map(|output| (output.path.clone(), output.clone())).collect()
    };
    let (recorded, repeated) = (by_path(recorded), by_path(repeated));
    let paths: BTreeSet<&String> = recorded.keys().chain(repeated.keys()).collect();
    paths
        .into_iter()
        .map(|path| {
            let (same, words) = match (recorded.get(path), repeated.get(path)) {
                (Some(left), Some(right)) => compare(left, right),
                (Some(_), None) => (Some(false), "not written this time"),
                _ => (Some(false), "written this time only"),
            };
            OutputCheck { path: path.clone(), same, words: words.to_owned() }
        })
        .collect()
}

fn compare(left: &OutputFile, right: &OutputFile) -> (Option<bool>, &'static str) {
    match (&left.digest, &right.digest) {
        (Some(left), Some(right)) if left == right => return (Some(true), "same digest"),
        _ => {}
    }
    match (&left.meaning, &right.meaning) {
        (Some(left), Some(right)) if left == right => (Some(true), "same code and results, other times"),
        _ if left.digest.is_none() || right.digest.is_none() => (None, "not compared: it was not read"),
        _ => (Some(false), "other content"),
    }
}

/// Models that steps made: a model of the same name has the same digest.
fn check_models(recorded: &RunState, repeated: &RunState) -> Vec<OutputCheck> {
    let digest = |run: &RunState, name: &str| {
        run.models.iter().find(|model| model.name == name).map(|model| model.digest.clone())
    };
    let names: BTreeSet<&String> = recorded.models.iter().chain(&repeated.models).map(|model| &model.name).collect();
    names
        .into_iter()
        .map(|name| {
            let (same, words) = match (digest(recorded, name), digest(repeated, name)) {
                (Some(left), Some(right)) if left == right => (true, "same digest"),
                (Some(_), Some(_)) => (false, "another model"),
                (Some(_), None) => (false, "not made this time"),
                _ => (false, "made this time only"),
            };
            OutputCheck { path: format!("model {name}"), same: Some(same), words: words.to_owned() }
        })
        .collect()
}

fn check_metrics(recorded: &[MetricValue], repeated: &[MetricValue], tolerance: &Tolerance) -> Vec<MetricCheck> {
    let names: BTreeSet<&String> = recorded.iter().chain(repeated).map(|metric| &metric.name).collect();
    let of = |metrics: &[MetricValue], name: &str| {
        metrics.iter().find(|metric| metric.name == name).and_then(|metric| metric.value)
    };
    let known = |metrics: &[MetricValue], name: &str| metrics.iter().any(|metric| metric.name == name);
    names
        .into_iter()
        .map(|name| {
            let allowed = tolerance.of(name);
            let (left, right) = (of(recorded, name), of(repeated, name));
            let same = match (left, right) {
                (Some(left), Some(right)) => near(left, right, allowed),
                (None, None) => known(recorded, name) && known(repeated, name),
                _ => false,
            };
            MetricCheck { name: name.clone(), recorded: left, repeated: right, tolerance: allowed, same }
        })
        .collect()
}

/// Whether two values are no farther apart than allowed. What is not finite has no distance: it is the same or not.
fn near(left: f64, right: f64, allowed: f64) -> bool {
    if left.is_finite() && right.is_finite() {
        return (left - right).abs() <= allowed * left.abs().max(1.0);
    }
    left == right || (left.is_nan() && right.is_nan())
}

fn ending(recorded: &RunState, repeated: &RunState) -> Option<Difference> {
    let words = |run: &RunState| match run.exit_code {
        Some(code) => format!("{}, exit code {code}", run.status.as_str()),
        None => run.status.as_str().to_owned(),
    };
    let (left, right) = (words(recorded), words(repeated));
    (left != right).then(|| Difference { name: "ending".to_owned(), left, right })
}

/// What could explain a difference, part by part.
fn parts(diff: &RunDiff) -> Vec<Part> {
    let captured = &diff.captured;
    let named = |differences: &[&Vec<Difference>]| -> Vec<String> {
        let words = |one: &Difference| format!("{} {} → {}", one.name, shown(&one.left), shown(&one.right));
        differences.iter().flat_map(|one| one.iter()).map(words).collect()
    };
    let part = |name: &str, differing: Vec<String>| {
        let words = match differing.len() {
            0 => "the same".to_owned(),
            1..=4 => differing.join("; "),
            many => format!("{}; and {} more", differing[..3].join("; "), many - 3),
        };
        Part { name: name.to_owned(), same: Some(differing.is_empty()), words }
    };
    let files: Vec<String> = diff.files.iter().map(|file| format!("{} {}", file.kind, file.path)).collect();
    let mut parts = vec![
        part("code", files),
        part("environment", named(&[&captured.python, &captured.packages, &captured.variables])),
        part("hardware", named(&[&captured.hardware])),
    ];
    parts.push(match diff.left.data.is_empty() && diff.right.data.is_empty() {
        true => {
            Part { name: "data".to_owned(), same: None, words: "no dataset version is known to be read".to_owned() }
        }
        false => part("data", named(&[&diff.data])),
    });
    parts.push(seeds(&diff.left));
    parts
}

/// Seeds are seen in the command, the environment and the script, and are parameters of a pipeline's steps.
fn seeds(run: &RunState) -> Part {
    let seen = run.snapshot.captured.as_ref().map_or(0, |captured| captured.seeds.len());
    let given = run.parameters.keys().filter(|name| name.rsplit('/').next() == Some("seed")).count();
    let words = match seen + given {
        0 => "none was seen: chance may differ at each run".to_owned(),
        many => format!("{} seen; others may be unset", text::count(many as u64, "seed")),
    };
    Part { name: "seeds".to_owned(), same: None, words }
}

fn shown(text: &str) -> &str {
    if text.is_empty() { "none" } else { text }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

    use super::*;

    #[test]
    fn tolerances_are_read_for_all_and_by_name() {
        let read = |texts: &[&str]| Tolerance::read(&texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>());
        let tolerance = read(&["1e-6", "trees/auc=0.01"]).unwrap();
        assert_eq!((tolerance.of("accuracy"), tolerance.of("trees/auc")), (1e-6, 0.01));
        assert_eq!(Tolerance::default().of("x"), 1e-9);
        for bad in ["x", "-1", "auc=", "nan", "inf", "auc=-1"] {
            assert_eq!(read(&[bad]).unwrap_err(), bad);
        }
    }

    #[test]
    fn metrics_are_the_same_within_their_tolerance_only() {
        let metric = |name: &str, value| MetricValue {
            name: name.into(),
            value,
            lower: None,
            upper: None,
            confidence: 0.975,
            n: 1,
            split: String::new(),
            method: String::new(),
        };
        let same = |left, right, text: &str| {
            let tolerance = Tolerance::read(&[text.to_owned()]).unwrap();
            check_metrics(&[metric("m", left)], &[metric("m", right)], &tolerance)[0].same
        };
        assert!(same(Some(0.5), Some(0.5 + 1e-10), "1e-9"));
        assert!(!same(Some(0.5), Some(0.5001), "1e-9"));
        assert!(same(Some(1e6), Some(1e6 + 1e-4), "1e-9"));
        assert!(same(Some(f64::INFINITY), Some(f64::INFINITY), "0"));
        assert!(!same(Some(f64::INFINITY), Some(1.0), "1"));
        assert!(same(None, None, "0"));
        assert!(!same(Some(0.5), None, "1"));
        assert!(!check_metrics(&[metric("m", Some(1.0))], &[], &Tolerance::default())[0].same);
    }

    #[test]
    fn outputs_are_compared_by_digest_and_notebooks_by_meaning() {
        let file = |path: &str, content: &str, meaning: Option<&str>| OutputFile {
            path: path.into(),
            bytes: 1,
            digest: Some(remuda_model::Digest::of(content.as_bytes())),
            meaning: meaning.map(|meaning| remuda_model::Digest::of(meaning.as_bytes())),
            blob: None,
        };
        let unread = OutputFile { digest: None, ..file("huge", "", None) };
        let left = [
            file("a", "1", None),
            file("b", "1", None),
            file("n.ipynb", "1", Some("x")),
            unread.clone(),
            file("c", "1", None),
        ];
        let right =
            [file("a", "1", None), file("b", "2", None), file("n.ipynb", "2", Some("x")), unread, file("d", "1", None)];
        let found: Vec<(String, Option<bool>)> =
            check_outputs(&left, &right).into_iter().map(|check| (check.path, check.same)).collect();
        let expected = [
            ("a", Some(true)),
            ("b", Some(false)),
            ("c", Some(false)),
            ("d", Some(false)),
            ("huge", None),
            ("n.ipynb", Some(true)),
        ];
        assert_eq!(found, expected.map(|(path, same)| (path.to_owned(), same)));
    }
}
