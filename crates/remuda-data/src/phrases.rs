//! Words and phrases of prose: which of them mark rows with great losses, the predicate that selects their rows, and
//! where they stand in a text.
//!
//! What does not live here: whether a phrase really marks mistakes; that is for rows which nobody searched to say.

use crate::rows::Rows;
use crate::slices::{Cutting, literal, quoted};
use remuda_model::table::Texts;
use std::collections::HashMap;

/// The most words of a phrase.
pub const LONGEST: usize = 3;

/// A phrase of more than this share of the rows tells nothing.
const COMMON: f64 = 0.3;

/// Words of a text that are read; what stands behind them is not.
const WORDS_READ: usize = 4_000;

/// Letters of a word that may stand alone as a phrase.
const LETTERS: std::ops::RangeInclusive<usize> = 2..=30;

/// A phrase, in lower case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Phrase {
    words: Vec<String>,
}

/// A phrase whose rows, of those searched, have great losses.
#[derive(Clone, Debug, PartialEq)]
pub struct TellingPhrase {
    /// The phrase.
    pub phrase: Phrase,
    /// The searched rows that have it, ascending.
    pub rows: Vec<u32>,
    /// Their mean loss.
    pub mean: f64,
    /// By how many standard errors that lies above the mean of all rows searched.
    pub excess: f64,
}

/// A word in a text.
struct Token {
    start: usize,
    end: usize,
    word: String,
    /// A sentence ended before it.
    begins: bool,
}

impl Phrase {
    /// The phrase as people read it.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for (place, word) in self.words.iter().enumerate() {
            if place > 0 && !(is_glued(word) && is_glued(&self.words[place - 1])) {
                text.push(' ');
            }
            text.push_str(word);
        }
        text
    }

    /// The SQL predicate that holds for texts with the phrase; `expression` is the column as SQL names it.
    ///
    /// ```
    /// let found = remuda_data::phrases::phrases_of("My top-up hasn’t come", 2);
    /// let predicate = |text: &str| found.iter().find(|one| one.text() == text).map(|one| one.predicate("note"));
    /// assert_eq!(predicate("top up").as_deref(), Some(r"regexp_like(note, '\btop\W+up\b', 'i')"));
    /// assert_eq!(predicate("hasn't").as_deref(), Some(r"regexp_like(note, '\bhasn[''’]t\b', 'i')"));
    /// ```
    pub fn predicate(&self, expression: &str) -> String {
        let mut pattern = String::new();
        for (place, word) in self.words.iter().enumerate() {
            let glued = is_glued(word);
            match place.checked_sub(1).map(|before| is_glued(&self.words[before])) {
                Some(true) if glued => {}
                Some(_) if glued || is_glued(&self.words[place - 1]) => pattern.push_str("\\W*"),
                Some(_) => pattern.push_str("\\W+"),
                None if glued => {}
                None => pattern.push_str("\\b"),
            }
            pattern.push_str(&word.replace('\'', "['’]"));
        }
        if self.words.last().is_some_and(|word| !is_glued(word)) {
            pattern.push_str("\\b");
        }
        format!("regexp_like({expression}, {}, 'i')", literal(&pattern))
    }

    /// The text in pieces, those that are the phrase marked with true. Pieces make up the whole text.
    ///
    /// ```
    /// let phrase = &remuda_data::phrases::phrases_of("top up", 2)[2];
    /// let pieces = phrase.marked("Why did my Top-up fail");
    /// let words: Vec<(&str, bool)> = pieces.iter().map(|(text, marked)| (text.as_str(), *marked)).collect();
    /// assert_eq!(words, [("Why did my ", false), ("Top-up", true), (" fail", false)]);
    /// ```
    pub fn marked(&self, text: &str) -> Vec<(String, bool)> {
        let tokens = tokens(text);
        let mut pieces = Vec::new();
        let (mut done, mut place) = (0, 0);
        while place + self.words.len() <= tokens.len() {
            let here = &tokens[place..place + self.words.len()];
            if self.words.is_empty() || here.iter().zip(&self.words).any(|(token, word)| token.word != *word) {
                place += 1;
                continue;
            }
            let (start, end) = (here[0].start, here[here.len() - 1].end);
            if start > done {
                pieces.push((text[done..start].to_owned(), false));
            }
            pieces.push((text[start..end].to_owned(), true));
            done = end;
            place += self.words.len();
        }
        if done < text.len() {
            pieces.push((text[done..].to_owned(), false));
        }
        pieces
    }
}

/// All phrases of up to so many words in a text, by length and place. Words are runs of letters, digits and marks, with
/// apostrophes inside; in scripts that write no spaces (Chinese, Japanese) each letter is one. A phrase does not reach
/// over the end of a sentence.
pub fn phrases_of(text: &str, longest: usize) -> Vec<Phrase> {
    let tokens = tokens(text);
    let mut phrases = Vec::new();
    for length in 1..=longest {
        for here in tokens.windows(length).filter(|here| here[1..].iter().all(|token| !token.begins)) {
            phrases.push(Phrase { words: here.iter().map(|token| token.word.clone()).collect() });
        }
    }
    phrases
}

/// A column of these rows as SQL names it.
pub fn expression_of(rows: &Rows, column: &str) -> String {
    quoted(column, &rows.columns())
}

/// The mean number of words of the texts that are there; none without any.
pub fn mean_words(texts: &Texts) -> Option<f64> {
    let of_value: Vec<usize> = texts.dictionary.iter().map(|text| tokens(text).len()).collect();
    let counts: Vec<usize> = texts.codes.iter().filter_map(|code| of_value.get(*code as usize)).copied().collect();
    (!counts.is_empty()).then(|| counts.iter().sum::<usize>() as f64 / counts.len() as f64)
}

fn is_word(letter: char) -> bool {
    // Marks that combine with the letter before belong to its word, as they do for regular expressions.
    const MARKS: [(char, char); 14] = [
        ('\u{300}', '\u{36f}'),
        ('\u{483}', '\u{487}'),
        ('\u{591}', '\u{5c7}'),
        ('\u{610}', '\u{61a}'),
        ('\u{64b}', '\u{65f}'),
        ('\u{93c}', '\u{93c}'),
        ('\u{94d}', '\u{94d}'),
        ('\u{9cd}', '\u{9cd}'),
        ('\u{bcd}', '\u{bcd}'),
        ('\u{c4d}', '\u{c4d}'),
        ('\u{d4d}', '\u{d4d}'),
        ('\u{e31}', '\u{e3a}'),
        ('\u{e47}', '\u{e4e}'),
        ('\u{1dc0}', '\u{1dff}'),
    ];
    letter.is_alphanumeric() || letter == '_' || MARKS.iter().any(|(from, to)| (*from..=*to).contains(&letter))
}

/// Letters of scripts without spaces: each is a word of its own.
fn is_glued_letter(letter: char) -> bool {
    matches!(letter,
        '\u{3040}'..='\u{30ff}' | '\u{31f0}'..='\u{31ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}'
        | '\u{f900}'..='\u{faff}' | '\u{ff66}'..='\u{ff9f}' | '\u{20000}'..='\u{3ffff}')
}

fn is_glued(word: &str) -> bool {
    word.chars().next().is_some_and(is_glued_letter)
}

fn is_end(letter: char) -> bool {
    matches!(letter, '.' | '!' | '?' | '…' | '\n' | '。' | '！' | '？')
}

fn tokens(text: &str) -> Vec<Token> {
    let mut tokens: Vec<Token> = Vec::new();
    let mut letters = text.char_indices().peekable();
    let (mut open, mut begins) = (None, true);
    while let Some((at, letter)) = letters.next() {
        let next = letters.peek().map(|(_, next)| *next);
        let inside = open.is_some() && matches!(letter, '\'' | '’') && next.is_some_and(|next| next.is_alphanumeric());
        if is_glued_letter(letter) || !(is_word(letter) || inside) {
            close(text, &mut tokens, &mut open, at, &mut begins);
        }
        if is_glued_letter(letter) {
            open = Some(at);
            close(text, &mut tokens, &mut open, at + letter.len_utf8(), &mut begins);
        } else if is_word(letter) {
            open.get_or_insert(at);
        } else if !inside && is_end(letter) && next.is_none_or(|next| !next.is_alphanumeric()) {
            begins = true;
        }
        if tokens.len() >= WORDS_READ {
            return tokens;
        }
    }
    close(text, &mut tokens, &mut open, text.len(), &mut begins);
    tokens
}

/// Ends the word that is open.
fn close(text: &str, tokens: &mut Vec<Token>, open: &mut Option<usize>, end: usize, begins: &mut bool) {
    if let Some(start) = open.take() {
        let word = text[start..end].to_lowercase().replace('’', "'");
        tokens.push(Token { start, end, word, begins: std::mem::replace(begins, false) });
    }
}

/// The place of a word that ends a sentence: no phrase reaches over it.
const STOP: u32 = u32::MAX;

/// How often a phrase occurs in the rows searched, and the losses of its rows.
#[derive(Clone, Copy, Default)]
struct Counted {
    rows: usize,
    loss: f64,
    /// The last value that was counted, plus one: a value counts once.
    last: u32,
}

impl Counted {
    fn count(&mut self, value: u32, (rows, loss): (usize, f64)) {
        if self.last != value + 1 {
            *self = Self { rows: self.rows + rows, loss: self.loss + loss, last: value + 1 };
        }
    }
}

/// Texts as numbers of words.
struct Read {
    words: Vec<String>,
    /// Per value that a searched row has: its place in the dictionary, and its words.
    values: Vec<(u32, Vec<u32>)>,
    /// Per value rows and losses.
    weights: Vec<(usize, f64)>,
}

/// The phrases of up to `longest` words that tell rows with great losses from others, on the rows that may be searched:
/// those in rows enough and not in nearly all, whose mean loss lies the most standard errors above the mean, and at least
/// one; the most telling `most` of them. Phrases of rare words are never counted (Agrawal & Srikant 1994, "Fast algorithms
/// for mining association rules").
pub fn telling_phrases(texts: &Texts, cutting: &Cutting<'_>, longest: usize, most: usize) -> Vec<TellingPhrase> {
    let (mut rows, mut sum, mut squares) = (0usize, 0.0, 0.0);
    let searched = || texts.codes.iter().zip(cutting.losses).zip(cutting.searched).filter(|(_, searched)| **searched);
    let mut weights = vec![(0usize, 0.0); texts.dictionary.len()];
    for ((code, loss), _) in searched() {
        (rows, sum, squares) = (rows + 1, sum + loss, squares + loss * loss);
        if let Some((count, total)) = weights.get_mut(*code as usize) {
            (*count, *total) = (*count + 1, *total + loss);
        }
    }
    let read = Read::of(texts, weights);
    let mean = sum / rows.max(1) as f64;
    let spread = (squares / rows.max(1) as f64 - mean * mean).max(0.0).sqrt();
    let least = cutting.least_rows.max(1);
    let mut telling: Vec<(f64, Counted, Phrase)> = Vec::new();
    for (phrase, counted) in read.frequent(longest, least) {
        let excess = (counted.loss / counted.rows as f64 - mean) * (counted.rows as f64).sqrt() / spread;
        if counted.rows as f64 <= COMMON * rows as f64 && excess >= 1.0 && read.may_stand(&phrase) {
            let words = phrase.iter().map(|word| read.words[*word as usize].clone()).collect();
            telling.push((excess, counted, Phrase { words }));
        }
    }
    // Of equally telling ones the longer says more.
    telling.sort_by(|one, other| {
        let longer = || other.2.words.len().cmp(&one.2.words.len());
        other.0.total_cmp(&one.0).then_with(longer).then_with(|| one.2.cmp(&other.2))
    });
    telling.truncate(most);
    read.with_rows(telling, texts, cutting.searched)
}

impl Read {
    fn of(texts: &Texts, weights: Vec<(usize, f64)>) -> Self {
        let mut numbers: HashMap<String, u32> = HashMap::new();
        let mut read = Self { words: Vec::new(), values: Vec::new(), weights };
        for (value, text) in texts.dictionary.iter().enumerate().filter(|(value, _)| read.weights[*value].0 > 0) {
            let mut sequence = Vec::new();
            for token in tokens(text) {
                if token.begins {
                    sequence.push(STOP);
                }
                let number = match numbers.get(&token.word) {
                    Some(number) => *number,
                    None => {
                        let number = read.words.len() as u32;
                        read.words.push(token.word.clone());
                        numbers.insert(token.word, number);
                        number
                    }
                };
                sequence.push(number);
            }
            read.values.push((value as u32, sequence));
        }
        read
    }

    /// Every phrase that rows enough have, in no order.
    fn frequent(&self, longest: usize, least: usize) -> Vec<(Vec<u32>, Counted)> {
        let mut found: Vec<(Vec<u32>, Counted)> = Vec::new();
        // Of the last length: the number that a frequent phrase has, by its parts.
        let mut known: HashMap<(u32, u32), u32> = HashMap::new();
        let mut phrases: Vec<Vec<u32>> = Vec::new();
        for length in 1..=longest {
            let mut counts: HashMap<(u32, u32), Counted> = HashMap::new();
            for (value, sequence) in &self.values {
                for here in sequence.windows(length).filter(|here| !here.contains(&STOP)) {
                    if let Some(key) = key_of(here, &known) {
                        counts.entry(key).or_default().count(*value, self.weights[*value as usize]);
                    }
                }
            }
            counts.retain(|_, counted| counted.rows >= least);
            let mut next: HashMap<(u32, u32), u32> = HashMap::new();
            let mut longer = Vec::with_capacity(counts.len());
            for (key, counted) in counts {
                let mut words = if length == 1 { Vec::new() } else { phrases[key.0 as usize].clone() };
                words.push(key.1);
                next.insert(key, longer.len() as u32);
                longer.push(words.clone());
                found.push((words, counted));
            }
            if length > 1 {
                // Keys of longer phrases are built from those of shorter ones, all of which stay known.
                let offset = phrases.len() as u32;
                known.extend(next.into_iter().map(|(key, number)| (key, number + offset)));
                phrases.extend(longer);
            } else {
                (known, phrases) = (next, longer);
            }
        }
        found
    }

    /// Whether a phrase says something by itself: a single word has letters enough, and none is of underscores.
    fn may_stand(&self, phrase: &[u32]) -> bool {
        let words = || phrase.iter().map(|word| self.words[*word as usize].as_str());
        let long = |word: &str| is_glued(word) || LETTERS.contains(&word.chars().count());
        !words().any(|word| word.contains('_')) && (words().any(long))
    }

    /// The rows of each, by reading the texts once more.
    fn with_rows(&self, telling: Vec<(f64, Counted, Phrase)>, texts: &Texts, searched: &[bool]) -> Vec<TellingPhrase> {
        let numbers: HashMap<&str, u32> =
            self.words.iter().enumerate().map(|(number, word)| (word.as_str(), number as u32)).collect();
        let by_words: HashMap<Vec<u32>, usize> = telling
            .iter()
            .enumerate()
            .map(|(place, (_, _, phrase))| (phrase.words.iter().map(|word| numbers[word.as_str()]).collect(), place))
            .collect();
        let mut has: Vec<Vec<u32>> = vec![Vec::new(); texts.dictionary.len()];
        for (value, sequence) in &self.values {
            let own = &mut has[*value as usize];
            for length in 1..=LONGEST {
                own.extend(sequence.windows(length).filter_map(|here| by_words.get(here)).map(|place| *place as u32));
            }
            own.sort_unstable();
            own.dedup();
        }
        let mut rows: Vec<Vec<u32>> = vec![Vec::new(); telling.len()];
        for (row, code) in texts.codes.iter().enumerate().filter(|(row, _)| searched[*row]) {
            for place in has.get(*code as usize).into_iter().flatten() {
                rows[*place as usize].push(row as u32);
            }
        }
        let joined = telling.into_iter().zip(rows);
        joined
            .map(|((excess, counted, phrase), rows)| TellingPhrase {
                phrase,
                rows,
                mean: counted.loss / counted.rows as f64,
                excess,
            })
            .collect()
    }
}

/// The key of a phrase: the number of the phrase without its last word, and that word; none where a part of it is rare.
fn key_of(words: &[u32], known: &HashMap<(u32, u32), u32>) -> Option<(u32, u32)> {
    let single = |word: u32| known.get(&(STOP, word)).copied();
    match words {
        [word] => Some((STOP, *word)),
        [first, rest @ ..] => {
            let mut number = single(*first)?;
            for word in &rest[..rest.len() - 1] {
                number = *known.get(&(number, *word))?;
            }
            let last = rest[rest.len() - 1];
            single(last)?;
            Some((number, last))
        }
        [] => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    fn texts(values: &[&str]) -> Texts {
        Texts {
            dictionary: values.iter().map(|text| Arc::from(*text)).collect(),
            codes: (0..values.len() as u32).collect(),
        }
    }

    fn words(text: &str) -> Vec<String> {
        tokens(text).into_iter().map(|token| token.word).collect()
    }

    #[test]
    fn words_are_what_readers_take_for_words() {
        assert_eq!(
            words("Why hasn’t my TOP-UP come? It's 3.50€"),
            ["why", "hasn't", "my", "top", "up", "come", "it's", "3", "50"]
        );
        assert_eq!(words("Ünïcode naïve – ça va ‘so’"), ["ünïcode", "naïve", "ça", "va", "so"]);
        assert_eq!(words("银行卡 lost"), ["银", "行", "卡", "lost"]);
        assert_eq!(words("caf\u{65}\u{301} นี่คือ"), ["cafe\u{301}", "นี่คือ"]);
        assert_eq!(words(" \u{200b} ''' "), Vec::<String>::new());
        assert_eq!(words(&"word ".repeat(10_000)).len(), WORDS_READ);
    }

    #[test]
    fn phrases_end_with_their_sentence_and_letters_without_spaces_are_joined() {
        let found: Vec<String> = phrases_of("My card. Lost it", 2).iter().map(Phrase::text).collect();
        assert_eq!(found, ["my", "card", "lost", "it", "my card", "lost it"]);
        let glued = &phrases_of("银行卡丢了", 3)[9];
        assert_eq!(
            (glued.text(), glued.predicate("t")),
            ("银行卡".to_owned(), "regexp_like(t, '银行卡', 'i')".to_owned())
        );
        assert_eq!(glued.marked("我的银行卡"), [("我的".to_owned(), false), ("银行卡".to_owned(), true)]);
    }

    /// Counting by brute force: every phrase of every text.
    #[test]
    fn what_is_counted_is_what_stands_there() {
        let pool = ["my card", "top up", "has failed", "is lost", "again", "why did it"];
        let values: Vec<String> = (0..200)
            .map(|row: usize| {
                (0..4).map(|part| pool[(row * 7 + part * (row / 5 + 1)) % pool.len()]).collect::<Vec<_>>().join(" ")
            })
            .collect();
        let mut distinct = values.clone();
        distinct.sort();
        distinct.dedup();
        let codes = values.iter().map(|text| distinct.iter().position(|one| one == text).unwrap_or(0) as u32).collect();
        let column = Texts { dictionary: distinct.iter().map(|text| Arc::from(text.as_str())).collect(), codes };
        let losses: Vec<f64> = values.iter().map(|text| f64::from(u8::from(text.contains("top up has")))).collect();
        let searched: Vec<bool> = (0..200).map(|row| row % 3 != 0).collect();
        let cutting = Cutting { least_rows: 5, losses: &losses, searched: &searched };
        let found = telling_phrases(&column, &cutting, LONGEST, 1_000);
        assert!(!found.is_empty());
        assert_eq!(found[0].phrase.text(), "top up has");
        for one in &found {
            let has = |row: &usize| phrases_of(&values[*row], LONGEST).contains(&one.phrase);
            let rows: Vec<u32> = (0..200).filter(|row| searched[*row]).filter(has).map(|row| row as u32).collect();
            assert_eq!(one.rows, rows, "{}", one.phrase.text());
            let mean = rows.iter().map(|row| losses[*row as usize]).sum::<f64>() / rows.len() as f64;
            assert!((mean - one.mean).abs() < 1e-12 && rows.len() >= 5);
        }
    }

    #[test]
    fn texts_without_words_tell_nothing() {
        let column = texts(&["", "…", "🙂"]);
        let cutting = Cutting { least_rows: 1, losses: &[1.0, 0.0, 1.0], searched: &[true; 3] };
        assert_eq!(telling_phrases(&column, &cutting, LONGEST, 10), []);
        assert_eq!(mean_words(&Texts::default()), None);
        assert_eq!(mean_words(&texts(&["one two", "three"])), Some(1.5));
    }
}
