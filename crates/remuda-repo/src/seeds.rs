//! Random seeds that can be seen in source text and in the words of a command. Seen, not complete: a seed may come
//! from a file, a default or a computation.

use regex::Regex;
use remuda_model::run::captured::SeenSeed;
use std::sync::LazyLock;

/// How many seeds of one text are named.
const MOST: usize = 20;

/// Assignments and keyword arguments: `random_state=42`, `SEED = 7`.
const ASSIGNED: &str = r"\b((?:[A-Za-z0-9_]*_)?(?:random_state|random_seed|seed|SEED|RANDOM_STATE|RANDOM_SEED))\s*(?::\s*int\s*)?=\s*(-?[0-9_]+)\b";
/// Calls: `np.random.seed(1)`, `torch.manual_seed(0)`.
const CALLED: &str = r"\b((?:[A-Za-z_]+\.)*(?:seed|manual_seed|manual_seed_all|set_seed|set_random_seed|seed_everything|default_rng|RandomState|PRNGKey|Generator))\(\s*(-?[0-9_]+)\s*[,)]";

static PATTERNS: LazyLock<Vec<Regex>> =
    LazyLock::new(|| [ASSIGNED, CALLED].iter().filter_map(|pattern| Regex::new(pattern).ok()).collect());

/// Seeds in the text of a Python file. A notebook's JSON serves too: its lines of code stand in quotes.
pub fn in_source(path: &str, text: &str) -> Vec<SeenSeed> {
    let mut found = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let code = line.trim_start_matches([' ', '\t', '"']);
        if code.starts_with('#') {
            continue;
        }
        let code = code.split(" #").next().unwrap_or(code);
        for pattern in PATTERNS.iter() {
            for captures in pattern.captures_iter(code) {
                let place = format!("{path}:{}", index + 1);
                found.push(SeenSeed { name: captures[1].to_owned(), value: captures[2].to_owned(), place });
            }
        }
    }
    found.truncate(MOST);
    found
}

/// Seeds among the words of a command: `--seed 3`, `--random-state=1`, `trainer.seed=7`.
pub fn in_words(words: &[String]) -> Vec<SeenSeed> {
    let named = |name: &str| {
        let name = name.trim_start_matches('-').replace('-', "_").to_ascii_lowercase();
        let last = name.rsplit(['.', '+']).next().unwrap_or_default();
        last == "seed" || last.ends_with("_seed") || last == "random_state"
    };
    let number = |value: &str| value.parse::<i64>().is_ok();
    let seen = |name: &str, value: &str| SeenSeed {
        name: name.to_owned(),
        value: value.to_owned(),
        place: "the command".to_owned(),
    };
    let mut found = Vec::new();
    for (index, word) in words.iter().enumerate() {
        match word.split_once('=') {
            Some((name, value)) if named(name) && number(value) => found.push(seen(name, value)),
            None if word.starts_with('-') && named(word) => {
                found.extend(words.get(index + 1).filter(|value| number(value)).map(|value| seen(word, value)));
            }
            _ => {}
        }
    }
    found.truncate(MOST);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(seeds: Vec<SeenSeed>) -> Vec<String> {
        seeds.iter().map(|seed| format!("{} {} {}", seed.place, seed.name, seed.value)).collect()
    }

    #[test]
    fn seeds_in_source_are_seen_with_their_line() {
        let text = "import numpy as np\nnp.random.seed(1)\nSEED = 42  # seed = 5\nmodel = Forest(random_state=7, n=3)\n# seed = 9\nrng = default_rng(3)\nseedling = 4\nsplit_seed: int = 8\n";
        assert_eq!(
            pairs(in_source("train.py", text)),
            [
                "train.py:2 np.random.seed 1",
                "train.py:3 SEED 42",
                "train.py:4 random_state 7",
                "train.py:6 default_rng 3",
                "train.py:8 split_seed 8"
            ]
        );
        assert_eq!(pairs(in_source("a.ipynb", "    \"torch.manual_seed(0)\\n\",")), ["a.ipynb:1 torch.manual_seed 0"]);
    }

    #[test]
    fn seeds_in_a_command_are_seen() {
        let words: Vec<String> =
            ["python", "train.py", "--seed", "3", "--random-state=1", "trainer.seed=7", "--seed-file", "x", "--seed"]
                .map(str::to_owned)
                .into();
        assert_eq!(
            pairs(in_words(&words)),
            ["the command --seed 3", "the command --random-state 1", "the command trainer.seed 7"]
        );
    }
}
