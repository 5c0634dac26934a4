//! Short texts for learners: words and pairs of neighbouring words, counted over the training rows, and the ONNX nodes that
//! find them again.
//!
//! A word is a run of letters and digits. Only ASCII letters are lowered: ONNX Runtime lowers others by the machine's locale,
//! and a model must not depend on that.

use crate::onnx::build::{Builder, MICROSOFT, floats, int, ints, string, strings};
use regex::Regex;
use remuda_model::table::{MISSING, Texts};
use std::collections::HashMap;

/// What a word is, for Rust's and RE2's expressions alike.
const WORD: &str = "[\\p{L}\\p{N}]+";

/// The terms of a text column.
#[derive(Debug, Default)]
pub(crate) struct Vocabulary {
    /// The terms: one word, or two with a space between. Single words first, each group in order.
    pub(crate) terms: Vec<String>,
    /// In how many of the rows each is.
    pub(crate) rows: Vec<u64>,
}

/// Each distinct text's terms, each term once.
fn terms_of(texts: &Texts) -> Vec<Vec<String>> {
    let Ok(word) = Regex::new(WORD) else { return Vec::new() };
    let of = |text: &str| {
        let text = text.to_ascii_lowercase();
        let words: Vec<&str> = word.find_iter(&text).map(|found| found.as_str()).collect();
        let mut terms: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        terms.extend(words.windows(2).map(|pair| format!("{} {}", pair[0], pair[1])));
        terms.sort_unstable();
        terms.dedup();
        terms
    };
    texts.dictionary.iter().map(|text| of(text)).collect()
}

/// Finds the terms of these rows: in at least `fewest` of them, at most `most` terms, the best by `worth` (a function of
/// how many rows of each group have the term), ties by the alphabet.
pub(crate) fn find(
    texts: &Texts,
    rows: &[u32],
    groups: (&[u32], usize),
    fewest: u64,
    most: usize,
    worth: &dyn Fn(&[u64]) -> f64,
) -> Vocabulary {
    let terms = terms_of(texts);
    // How often each distinct text is in each group.
    let (group_of, count) = groups;
    let mut uses: Vec<HashMap<u32, u64>> = vec![HashMap::new(); terms.len()];
    for row in rows {
        let code = texts.codes[*row as usize];
        if code != MISSING
            && let Some(uses) = uses.get_mut(code as usize)
        {
            *uses.entry(group_of.get(*row as usize).copied().unwrap_or(0)).or_default() += 1;
        }
    }
    let mut totals: HashMap<&str, u64> = HashMap::new();
    for (terms, uses) in terms.iter().zip(&uses) {
        let rows: u64 = uses.values().sum();
        if rows > 0 {
            terms.iter().for_each(|term| *totals.entry(term).or_default() += rows);
        }
    }
    totals.retain(|_, rows| *rows >= fewest);
    let mut by_group: HashMap<&str, Vec<u64>> = totals.keys().map(|term| (*term, vec![0; count])).collect();
    for (terms, uses) in terms.iter().zip(&uses) {
        for term in terms {
            if let Some(counts) = by_group.get_mut(term.as_str()) {
                uses.iter().for_each(|(group, rows)| counts[*group as usize] += rows);
            }
        }
    }
    let mut ranked: Vec<(f64, &str)> = by_group.iter().map(|(term, counts)| (worth(counts), *term)).collect();
    ranked.sort_by(|left, right| right.0.total_cmp(&left.0).then_with(|| left.1.cmp(right.1)));
    ranked.truncate(most);
    let mut kept: Vec<&str> = ranked.into_iter().map(|(_, term)| term).collect();
    kept.sort_by_key(|term| (term.contains(' '), *term));
    Vocabulary {
        rows: kept.iter().map(|term| totals[term]).collect(),
        terms: kept.into_iter().map(str::to_owned).collect(),
    }
}

impl Vocabulary {
    /// Adds the nodes from a string input to counts of terms, weighed by `weights` where given.
    pub(crate) fn nodes(&self, builder: &mut Builder, input: &str, weights: Option<Vec<f32>>) -> String {
        let list = builder.ints(vec![-1]);
        let list = builder.node("", "Reshape", &[input, &list], Vec::new());
        let lower = vec![string("case_change_action", "LOWER"), string("locale", "C")];
        let lowered = builder.node("", "StringNormalizer", &[&list], lower);
        let cut = vec![string("tokenexp", WORD), string("pad_value", "#"), int("mark", 0), int("mincharnum", 1)];
        let tokens = builder.node(MICROSOFT, "Tokenizer", &[&lowered], cut);
        let words = self.terms.iter().filter(|term| !term.contains(' ')).count();
        let pool: Vec<&str> = self.terms.iter().flat_map(|term| term.split(' ')).collect();
        let longest = if words < self.terms.len() { 2 } else { 1 };
        let starts = if longest == 2 { vec![0, words as i64] } else { vec![0] };
        let mut attributes = vec![
            string("mode", if weights.is_some() { "TFIDF" } else { "TF" }),
            int("min_gram_length", 1),
            int("max_gram_length", longest),
            int("max_skip_count", 0),
            ints("ngram_counts", starts),
            ints("ngram_indexes", (0..self.terms.len() as i64).collect()),
            strings("pool_strings", &pool),
        ];
        attributes.extend(weights.map(|weights| floats("weights", weights)));
        builder.node("", "TfIdfVectorizer", &[&tokens], attributes)
    }
}
