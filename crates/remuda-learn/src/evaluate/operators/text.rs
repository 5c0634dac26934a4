//! Operators on texts: `StringNormalizer`, `Tokenizer` (of ONNX Runtime's own domain) and `TfIdfVectorizer`.
//!
//! A text costs its own length, never the size of the vocabulary: terms are found by hashing tokens, counts are sparse.

use crate::error::LearnError;
use crate::evaluate::attributes::Attributes;
use crate::evaluate::value::{Problem, Sparse, Tokens, Value};
use regex::Regex;
use std::collections::HashMap;

/// The longest n-gram that we read.
const LONGEST: usize = 8;

/// What `StringNormalizer` does to case.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Case {
    /// Nothing.
    Keep,
    /// Lower, ASCII letters only: the locale `C`, the only one that is the same on every machine.
    LowerAscii,
    /// Lower.
    Lower,
    /// Upper, ASCII letters only.
    UpperAscii,
    /// Upper.
    Upper,
}

impl Case {
    /// Reads the attributes of `StringNormalizer`.
    pub(crate) fn read(attributes: Attributes) -> Result<Self, LearnError> {
        if attributes.has("stopwords") && !attributes.strings("stopwords")?.is_empty() {
            return Err(attributes.malformed("stop words are not supported"));
        }
        let ascii = matches!(attributes.string("locale", "en_US")?.as_str(), "C" | "POSIX");
        match (attributes.string("case_change_action", "NONE")?.as_str(), ascii) {
            ("NONE", _) => Ok(Case::Keep),
            ("LOWER", true) => Ok(Case::LowerAscii),
            ("LOWER", false) => Ok(Case::Lower),
            ("UPPER", true) => Ok(Case::UpperAscii),
            ("UPPER", false) => Ok(Case::Upper),
            (other, _) => Err(attributes.malformed(format!("case change {other} is unknown"))),
        }
    }

    /// Changes the case of each text.
    pub(crate) fn run<'a>(self, input: &Value<'a>) -> Result<Value<'a>, Problem> {
        let texts = input.texts()?;
        let one = |character: char, mut mapped: Box<dyn Iterator<Item = char>>| match (mapped.next(), mapped.next()) {
            (Some(single), None) => single,
            _ => character,
        };
        Ok(match self {
            Case::Keep => input.clone(),
            Case::LowerAscii => Value::Text(texts.rewrite(str::to_ascii_lowercase)),
            Case::UpperAscii => Value::Text(texts.rewrite(str::to_ascii_uppercase)),
            Case::Lower => {
                Value::Text(texts.rewrite(|text| text.chars().map(|c| one(c, Box::new(c.to_lowercase()))).collect()))
            }
            Case::Upper => {
                Value::Text(texts.rewrite(|text| text.chars().map(|c| one(c, Box::new(c.to_uppercase()))).collect()))
            }
        })
    }
}

/// `Tokenizer`: cuts texts into tokens by an expression for tokens, or by separators.
#[derive(Debug)]
pub(crate) struct Tokenizer {
    expression: Option<Regex>,
    separators: Option<Regex>,
    shortest: usize,
    mark: bool,
}

impl Tokenizer {
    /// Reads the attributes.
    pub(crate) fn read(attributes: Attributes) -> Result<Self, LearnError> {
        let compile = |text: &str| {
            let regex = regex::RegexBuilder::new(text).size_limit(1 << 20).build();
            regex.map_err(|_| attributes.malformed("an expression cannot be read, or is too large"))
        };
        let expression = attributes.string("tokenexp", "")?;
        let separators = attributes.strings("separators")?;
        if expression.is_empty() && separators.is_empty() {
            return Err(attributes.malformed("neither an expression nor separators are given"));
        }
        let any = separators.iter().map(|separator| format!("(?:{separator})")).collect::<Vec<_>>().join("|");
        // No separator, or an empty one, means one token per character.
        let by_character = expression.is_empty() && separators.iter().any(String::is_empty);
        Ok(Tokenizer {
            expression: if by_character {
                Some(compile("(?s).")?)
            } else if expression.is_empty() {
                None
            } else {
                Some(compile(&expression)?)
            },
            separators: if expression.is_empty() && !by_character { Some(compile(&any)?) } else { None },
            shortest: attributes.count("mincharnum", 1)?.max(1),
            mark: attributes.int("mark", 0) != 0,
        })
    }

    /// Cuts each text.
    pub(crate) fn run(&self, input: &Value) -> Result<Value<'static>, Problem> {
        let texts = input.texts()?;
        if texts.shape.len() > 1 && texts.shape[1..].iter().product::<usize>() != 1 {
            return Err("one text per row is needed".to_owned());
        }
        let mut tokens = Tokens { offsets: vec![0], ..Tokens::default() };
        for code in &texts.codes {
            self.cut(texts.text(*code), &mut tokens);
        }
        Ok(Value::Tokens(tokens))
    }

    fn cut(&self, text: &str, tokens: &mut Tokens) {
        let start = tokens.text.len();
        tokens.text.push_str(text);
        let keep =
            |from: usize, to: usize| to > from && text[from..to].chars().take(self.shortest).count() == self.shortest;
        if self.mark {
            tokens.text.push('\u{2}');
            tokens.spans.push((tokens.text.len() - 1, tokens.text.len()));
        }
        if let Some(expression) = &self.expression {
            let found = expression.find_iter(text).filter(|found| keep(found.start(), found.end()));
            tokens.spans.extend(found.map(|found| (start + found.start(), start + found.end())));
        } else if let Some(separators) = &self.separators {
            let mut from = 0;
            for found in
                separators.find_iter(text).map(|found| (found.start(), found.end())).chain([(text.len(), text.len())])
            {
                if keep(from, found.0) {
                    tokens.spans.push((start + from, start + found.0));
                }
                from = found.1;
            }
        }
        if self.mark {
            tokens.text.push('\u{3}');
            tokens.spans.push((tokens.text.len() - 1, tokens.text.len()));
        }
        tokens.offsets.push(tokens.spans.len());
    }
}

/// `TfIdfVectorizer`: counts n-grams, weighs them or not.
#[derive(Debug)]
pub(crate) struct Vectorizer {
    words: HashMap<String, u32>,
    /// Longer n-grams as a walk: (state, word) to the next state. State 0 is the start.
    walks: HashMap<(u32, u32), u32>,
    /// The column and weight of the n-gram that ends in a state.
    ends: Vec<Option<(u32, f32)>>,
    shortest: usize,
    longest: usize,
    weigh: Weigh,
    width: usize,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Weigh {
    Count,
    Presence,
    Product,
}

impl Vectorizer {
    /// Reads the attributes.
    pub(crate) fn read(attributes: Attributes) -> Result<Self, LearnError> {
        let weigh = match attributes.string("mode", "")?.as_str() {
            "TF" => Weigh::Count,
            "IDF" => Weigh::Presence,
            "TFIDF" => Weigh::Product,
            other => {
                return Err(
                    attributes.malformed(format!("mode {} is unknown", super::super::attributes::shorten(other)))
                );
            }
        };
        let pool = attributes.strings("pool_strings")?;
        let starts = attributes.ints("ngram_counts");
        let columns = attributes.ints("ngram_indexes");
        let weights = attributes.floats("weights");
        let (shortest, longest) = (attributes.count("min_gram_length", 1)?, attributes.count("max_gram_length", 1)?);
        if attributes.int("max_skip_count", 0) != 0 {
            return Err(attributes.malformed("skips between the words of an n-gram are not supported"));
        }
        if shortest == 0 || shortest > longest || longest > LONGEST || starts.len() > LONGEST {
            return Err(attributes.malformed("the lengths of n-grams are impossible"));
        }
        let width = columns
            .iter()
            .map(|column| usize::try_from(*column).ok().filter(|column| *column < 1 << 28).map(|column| column + 1));
        let width = width
            .collect::<Option<Vec<usize>>>()
            .ok_or_else(|| attributes.malformed("an n-gram has an impossible column"))?;
        let mut vectorizer = Vectorizer {
            words: HashMap::new(),
            walks: HashMap::new(),
            ends: vec![None],
            shortest,
            longest,
            weigh,
            width: width.into_iter().max().unwrap_or(0),
        };
        vectorizer.fill(&pool, starts, columns, weights).map_err(|problem| attributes.malformed(problem))?;
        Ok(vectorizer)
    }

    fn fill(&mut self, pool: &[String], starts: &[i64], columns: &[i64], weights: &[f32]) -> Result<(), Problem> {
        let wrong = || "the pool of n-grams and its counts do not fit".to_owned();
        let mut grams = 0;
        for (place, start) in starts.iter().enumerate() {
            let start = usize::try_from(*start).map_err(|_| wrong())?;
            let end = starts.get(place + 1).map_or(Ok(pool.len()), |end| usize::try_from(*end).map_err(|_| wrong()))?;
            let length = place + 1;
            let slice = pool.get(start..end).ok_or_else(wrong)?;
            if !slice.len().is_multiple_of(length) {
                return Err(wrong());
            }
            for gram in slice.chunks_exact(length) {
                let column = *columns.get(grams).ok_or_else(wrong)? as u32;
                let weight = weights.get(grams).copied().unwrap_or(1.0);
                self.add(gram, column, weight, length);
                grams += 1;
            }
        }
        if grams != columns.len() || (!weights.is_empty() && weights.len() != grams) { Err(wrong()) } else { Ok(()) }
    }

    fn add(&mut self, gram: &[String], column: u32, weight: f32, length: usize) {
        let mut state = 0;
        for word in gram {
            let number = self.words.len() as u32;
            let word = *self.words.entry(word.clone()).or_insert(number);
            let next = self.ends.len() as u32;
            state = *self.walks.entry((state, word)).or_insert(next);
            if state == next {
                self.ends.push(None);
            }
        }
        if (self.shortest..=self.longest).contains(&length) {
            self.ends[state as usize] = Some((column, weight));
        }
    }

    /// Rows x terms.
    pub(crate) fn run(&self, input: &Value) -> Result<Value<'static>, Problem> {
        let owned;
        let tokens = match input {
            Value::Tokens(tokens) => tokens,
            Value::Text(texts) if texts.shape.len() == 2 => {
                let mut made = Tokens { offsets: vec![0], ..Tokens::default() };
                for row in texts.codes.chunks(texts.shape[1].max(1)) {
                    for code in row {
                        let start = made.text.len();
                        made.text.push_str(texts.text(*code));
                        made.spans.push((start, made.text.len()));
                    }
                    made.offsets.push(made.spans.len());
                }
                owned = made;
                &owned
            }
            other => return Err(format!("tokens are needed, not {}", other.kind())),
        };
        let mut sparse = Sparse { width: self.width, offsets: vec![0], ..Sparse::default() };
        let mut found: Vec<(u32, f32)> = Vec::new();
        let mut words: Vec<u32> = Vec::new();
        for range in tokens.offsets.windows(2) {
            words.clear();
            let spans = &tokens.spans[range[0]..range[1]];
            words.extend(
                spans
                    .iter()
                    .map(|(start, end)| self.words.get(&tokens.text[*start..*end]).copied().unwrap_or(u32::MAX)),
            );
            self.count(&words, &mut found);
            for (column, value) in found.drain(..) {
                sparse.indices.push(column);
                sparse.values.push(value);
            }
            sparse.offsets.push(sparse.indices.len());
        }
        Ok(Value::Sparse(sparse))
    }

    /// The columns of one row, ascending, each once.
    fn count(&self, words: &[u32], found: &mut Vec<(u32, f32)>) {
        for start in 0..words.len() {
            let mut state = 0;
            for word in words[start..].iter().take(self.longest) {
                match self.walks.get(&(state, *word)) {
                    Some(next) => state = *next,
                    None => break,
                }
                found.extend(self.ends[state as usize]);
            }
        }
        found.sort_unstable_by_key(|(column, _)| *column);
        let weigh = self.weigh;
        let mut kept = 0;
        let mut at = 0;
        while at < found.len() {
            let (column, weight) = found[at];
            let run = found[at..].iter().take_while(|entry| entry.0 == column).count();
            let value = match weigh {
                Weigh::Count => run as f32,
                Weigh::Presence => weight,
                Weigh::Product => run as f32 * weight,
            };
            found[kept] = (column, value);
            kept += 1;
            at += run;
        }
        found.truncate(kept);
    }
}
