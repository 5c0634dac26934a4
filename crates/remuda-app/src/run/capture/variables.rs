//! Environment variables that change what a script computes, and secrets among variables and words.

use super::Surroundings;
use remuda_model::run::captured::{Captured, RunSettings, Withheld};
use remuda_repo::secrets;

/// What is captured of the environment unless `[run] environment` adds to it: seeds, threads, devices, determinism,
/// language. A `*` stands for any ending.
const USUAL: [&str; 47] = [
    "PYTHONHASHSEED",
    "PYTHONPATH",
    "PYTHONOPTIMIZE",
    "PYTHONWARNINGS",
    "PYTHONUTF8",
    "PYTHONIOENCODING",
    "SEED",
    "RANDOM_SEED",
    "PL_GLOBAL_SEED",
    "CUDA_VISIBLE_DEVICES",
    "CUDA_DEVICE_ORDER",
    "CUDA_LAUNCH_BLOCKING",
    "CUBLAS_WORKSPACE_CONFIG",
    "NVIDIA_VISIBLE_DEVICES",
    "NVIDIA_TF32_OVERRIDE",
    "HIP_VISIBLE_DEVICES",
    "OMP_*",
    "KMP_*",
    "MKL_*",
    "OPENBLAS_*",
    "GOTO_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_*",
    "NPY_*",
    "POLARS_MAX_THREADS",
    "RAYON_NUM_THREADS",
    "TF_DETERMINISTIC_OPS",
    "TF_CUDNN_DETERMINISTIC",
    "TF_ENABLE_ONEDNN_OPTS",
    "TF_NUM_INTEROP_THREADS",
    "TF_NUM_INTRAOP_THREADS",
    "TF_XLA_FLAGS",
    "XLA_FLAGS",
    "JAX_*",
    "PYTORCH_*",
    "TORCH_*",
    "TOKENIZERS_PARALLELISM",
    "LOKY_MAX_CPU_COUNT",
    "WORLD_SIZE",
    "RANK",
    "LOCAL_RANK",
    "LANG",
    "LC_ALL",
    "TZ",
    "CONDA_DEFAULT_ENV",
    "REMUDA_PARAM_*",
];

/// The longest value that is kept.
const LONGEST: usize = 4096;
/// What stands for a word that was withheld.
pub(crate) const MASK: &str = "[withheld]";

/// Captures the allowed variables, without those that look like secrets.
pub(crate) fn take(surroundings: &Surroundings, settings: &RunSettings, captured: &mut Captured) {
    let patterns: Vec<&str> = USUAL.iter().copied().chain(settings.environment.iter().map(String::as_str)).collect();
    for (name, value) in &surroundings.variables {
        if !patterns.iter().any(|pattern| fits(pattern, name)) || value.len() > LONGEST {
            continue;
        }
        match secrets::scan_variable(name, value) {
            Some(kind) => captured.withheld.push(Withheld {
                place: format!("environment {name}"),
                line: None,
                kind: kind.to_owned(),
            }),
            None => drop(captured.variables.insert(name.clone(), value.clone())),
        }
    }
}

fn fits(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(beginning) => name.starts_with(beginning),
        None => pattern == name,
    }
}

/// The words of a command with secrets masked: by their format, or by the name of the option before them.
pub(super) fn masked(words: &[String], withheld: &mut Vec<Withheld>) -> Vec<String> {
    let mut shown = Vec::with_capacity(words.len());
    for (index, word) in words.iter().enumerate() {
        let option =
            index.checked_sub(1).and_then(|before| words.get(before)).filter(|before| before.starts_with("--"));
        let named = option.and_then(|option| secrets::scan_variable(&as_variable(option), word));
        let assigned = word.split_once('=').and_then(|(name, value)| secrets::scan_variable(&as_variable(name), value));
        match named.filter(|_| !word.starts_with('-')).or(assigned).or_else(|| secrets::scan_word(word)) {
            Some(kind) => {
                withheld.push(Withheld { place: format!("argument {index}"), line: None, kind: kind.to_owned() });
                let kept = word.split_once('=').filter(|_| assigned.is_some());
                shown.push(kept.map_or_else(|| MASK.to_owned(), |(name, _)| format!("{name}={MASK}")));
            }
            None => shown.push(word.clone()),
        }
    }
    shown
}

/// `--api-key` as `API_KEY`.
fn as_variable(option: &str) -> String {
    option.trim_start_matches('-').replace('-', "_").to_ascii_uppercase()
}

/// A command line as it is shown: secrets masked.
pub(crate) fn shown_words(words: &[String]) -> Vec<String> {
    masked(words, &mut Vec::new())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn only_allowed_variables_are_taken_and_secrets_are_named_without_their_value() {
        let variables = [
            ("OMP_NUM_THREADS", "4"),
            ("HOME", "/home/me"),
            ("MY_SETTING", "a"),
            ("MY_API_KEY", "a8f2c9d1e7b3"),
            ("PYTHONPATH", "src"),
        ];
        let variables: BTreeMap<String, String> =
            variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let surroundings = Surroundings { variables, ..Surroundings::default() };
        let settings = RunSettings { environment: vec!["MY_*".into()], largest_file: None };
        let mut captured = Captured::default();
        take(&surroundings, &settings, &mut captured);
        let names: Vec<&str> = captured.variables.keys().map(String::as_str).collect();
        assert_eq!(names, ["MY_SETTING", "OMP_NUM_THREADS", "PYTHONPATH"]);
        assert_eq!(captured.withheld.len(), 1);
        assert_eq!(captured.withheld[0].place, "environment MY_API_KEY");
    }

    #[test]
    fn secrets_among_the_words_are_masked() {
        let words: Vec<String> =
            ["python", "a.py", "--api-key", "a8f2c9d1e7b3", "--seed", "3", "token=a8f2c9d1e7b3", "--max-tokens", "512"]
                .map(str::to_owned)
                .into();
        let mut withheld = Vec::new();
        let shown = masked(&words, &mut withheld);
        assert_eq!(shown.join(" "), format!("python a.py --api-key {MASK} --seed 3 token={MASK} --max-tokens 512"));
        let places: Vec<&str> = withheld.iter().map(|one| one.place.as_str()).collect();
        assert_eq!(places, ["argument 3", "argument 6"]);
    }
}
