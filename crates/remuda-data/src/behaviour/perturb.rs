//! Changing a text: slips of the finger, letters, marks, digits, words of a lexicon, additions. Each answers `None`
//! where the text has nothing to change.

use super::fill::{Lexicons, fill_once};
use super::negation::negated;
use super::random::Stream;
use remuda_model::behaviour::{LetterCase, Perturbation, Punctuation};

/// The changed text; `None` where nothing can be changed, or nothing was.
pub(super) fn perturbed(text: &str, what: &Perturbation, lexicons: &Lexicons, stream: &mut Stream) -> Option<String> {
    let changed = match what {
        Perturbation::Typos(count) => typos(text, *count, stream),
        Perturbation::Case(case) => Some(letters(text, *case)),
        Perturbation::Punctuation(Punctuation::Strip) => Some(stripped(text)),
        Perturbation::Punctuation(Punctuation::Add) => Some(other_end(text)),
        Perturbation::Numbers => Some(other_digits(text, stream)),
        Perturbation::Swap(lexicon) => swapped(text, lexicons.get(lexicon)?, stream),
        Perturbation::Negation => negated(text),
        Perturbation::Prepend(template) => Some(beside(&fill_once(template, lexicons, stream)?, text)),
        Perturbation::Append(template) => Some(beside(text, &fill_once(template, lexicons, stream)?)),
        Perturbation::Set(_) | Perturbation::Add(_) => None,
    };
    changed.filter(|changed| changed != text)
}

fn beside(left: &str, right: &str) -> String {
    if left.is_empty() || right.is_empty() { format!("{left}{right}") } else { format!("{left} {right}") }
}

/// Letters swapped with their neighbour, dropped or doubled, within words of at least three letters.
fn typos(text: &str, count: u32, stream: &mut Stream) -> Option<String> {
    let mut letters: Vec<char> = text.chars().collect();
    for _ in 0..count {
        let is = |place: Option<usize>| place.and_then(|at| letters.get(at)).is_some_and(|one| one.is_alphabetic());
        // Both neighbours are letters: the first letter of a word is seldom mistyped, and no word disappears.
        let inner: Vec<usize> =
            (1..letters.len()).filter(|at| is(at.checked_sub(1)) && is(Some(*at)) && is(Some(*at + 1))).collect();
        let at = *inner.get(stream.place(inner.len()))?;
        match stream.below(4) {
            0 => {
                letters.remove(at);
            }
            1 => letters.insert(at, letters[at]),
            _ if letters[at] != letters[at + 1] => letters.swap(at, at + 1),
            _ => {
                letters.remove(at);
            }
        }
    }
    Some(letters.into_iter().collect())
}

fn letters(text: &str, case: LetterCase) -> String {
    match case {
        LetterCase::Upper => text.to_uppercase(),
        LetterCase::Lower => text.to_lowercase(),
        LetterCase::Title => {
            let mut begins = true;
            let mut out = String::with_capacity(text.len());
            for letter in text.chars() {
                if begins {
                    out.extend(letter.to_uppercase())
                } else {
                    out.extend(letter.to_lowercase())
                }
                begins = !(letter.is_alphanumeric() || letter == '\'' || letter == '’');
            }
            out
        }
    }
}

fn is_mark(letter: char) -> bool {
    letter.is_ascii_punctuation() || "«»“”„‘’…¿¡–—‹›·、。！？，：；".contains(letter)
}

/// Without marks. Those within a word or a number stay: `don't`, `self-made`, `3.50`.
fn stripped(text: &str) -> String {
    let letters: Vec<char> = text.chars().collect();
    let mut kept = String::with_capacity(text.len());
    for (at, letter) in letters.iter().enumerate() {
        let joins =
            |place: Option<usize>| place.and_then(|at| letters.get(at)).is_some_and(|one| one.is_alphanumeric());
        let within = joins(at.checked_sub(1)) && joins(Some(at + 1));
        if !is_mark(*letter) || within {
            kept.push(*letter);
        } else {
            kept.push(' ');
        }
    }
    if kept.split_whitespace().eq(text.split_whitespace()) {
        return text.to_owned();
    }
    kept.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Without the marks at the end where there are some, else with a full stop.
fn other_end(text: &str) -> String {
    let bare = text.trim_end().trim_end_matches(is_mark);
    if bare.len() < text.trim_end().len() { bare.trim_end().to_owned() } else { format!("{}.", text.trim_end()) }
}

/// Each digit another one; a number that began without zero still does.
fn other_digits(text: &str, stream: &mut Stream) -> String {
    let mut out = String::with_capacity(text.len());
    let mut within = false;
    for letter in text.chars() {
        match letter.to_digit(10) {
            Some(digit) => {
                let least = u64::from(!within && digit != 0);
                let mut drawn = least + stream.below(9 - least);
                if drawn >= u64::from(digit) {
                    drawn += 1;
                }
                out.push(char::from_digit(drawn as u32, 10).unwrap_or(letter));
                within = true;
            }
            None => {
                out.push(letter);
                within = false;
            }
        }
    }
    out
}

/// Each word of the lexicon that occurs, whatever its case, replaced by another one of it: the same by the same.
fn swapped(text: &str, words: &[String], stream: &mut Stream) -> Option<String> {
    let shift = 1 + stream.place(words.len().checked_sub(1).filter(|others| *others > 0)?);
    let lower = |word: &str| -> Vec<char> { word.chars().flat_map(char::to_lowercase).collect() };
    let known: Vec<Vec<char>> = words.iter().map(|word| lower(word)).collect();
    let letters: Vec<char> = text.chars().collect();
    let small: Vec<char> = letters.iter().map(|letter| letter.to_lowercase().next().unwrap_or(*letter)).collect();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while at < letters.len() {
        let starts = at == 0 || !letters[at - 1].is_alphanumeric();
        let fits = |word: &&Vec<char>| {
            starts
                && !word.is_empty()
                && small[at..].starts_with(word)
                && small.get(at + word.len()).is_none_or(|next| !next.is_alphanumeric())
        };
        let longest = known.iter().filter(fits).max_by_key(|word| word.len());
        match longest.and_then(|found| known.iter().position(|word| word == found)) {
            Some(place) => {
                out.push_str(&words[(place + shift) % words.len()]);
                at += known[place].len();
            }
            None => {
                out.push(letters[at]);
                at += 1;
            }
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn lexicons() -> Lexicons {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        BTreeMap::from([
            ("city".to_owned(), words(&["New York", "York", "Bern"])),
            ("only".to_owned(), words(&["one"])),
            ("thanks".to_owned(), words(&["thanks", "cheers"])),
        ])
    }

    fn change(text: &str, what: Perturbation) -> Option<String> {
        perturbed(text, &what, &lexicons(), &mut Stream::of(3, &["test"]))
    }

    #[test]
    fn marks_letters_and_ends_change_as_they_are_told() {
        let cases = [
            (Perturbation::Punctuation(Punctuation::Strip), "Well, don't pay 3.50!", Some("Well don't pay 3.50")),
            (Perturbation::Punctuation(Punctuation::Strip), "¿Dónde está…?", Some("Dónde está")),
            (Perturbation::Punctuation(Punctuation::Strip), "no  marks here", None),
            (Perturbation::Punctuation(Punctuation::Add), "Is it?", Some("Is it")),
            (Perturbation::Punctuation(Punctuation::Add), "It is", Some("It is.")),
            (Perturbation::Case(LetterCase::Upper), "straße", Some("STRASSE")),
            (Perturbation::Case(LetterCase::Lower), "lower already", None),
            (Perturbation::Case(LetterCase::Title), "don't SHOUT so", Some("Don't Shout So")),
            (Perturbation::Swap("only".into()), "one", None),
            (Perturbation::Swap("city".into()), "nowhere", None),
            (Perturbation::Swap("missing".into()), "one", None),
            (Perturbation::Typos(1), "to be", None),
            (Perturbation::Numbers, "no digits", None),
            (Perturbation::Append("{unknown}".into()), "hi", None),
        ];
        for (what, text, expected) in cases {
            assert_eq!(change(text, what.clone()).as_deref(), expected, "{what:?} {text}");
        }
    }

    #[test]
    fn the_longest_word_of_a_lexicon_is_swapped_and_parts_of_words_are_not() {
        for seed in 0..20 {
            let what = Perturbation::Swap("city".into());
            let text = "from new york to Yorkshire and New York";
            let swapped = perturbed(text, &what, &lexicons(), &mut Stream::of(seed, &[])).unwrap_or_default();
            let expected =
                ["York", "Bern"].map(|other| format!("from {other} to Yorkshire and {other}")).contains(&swapped);
            assert!(expected, "{swapped}");
        }
    }

    #[test]
    fn numbers_keep_their_length_and_every_digit_changes() {
        for seed in 0..200 {
            let text = "pay 1,205 by 2026-01-09 to 007";
            let changed =
                perturbed(text, &Perturbation::Numbers, &lexicons(), &mut Stream::of(seed, &[])).unwrap_or_default();
            assert_eq!(changed.len(), text.len());
            for (before, after) in text.chars().zip(changed.chars()) {
                assert_eq!(before.is_ascii_digit(), after.is_ascii_digit());
                assert_eq!(before.is_ascii_digit(), before != after, "{changed}");
            }
            assert!(!changed.starts_with("pay 0"), "{changed}");
        }
    }

    #[test]
    fn typos_keep_the_first_letters_and_the_number_of_words() {
        for seed in 0..200 {
            let text = "Where is the größte parcel";
            let Some(changed) = perturbed(text, &Perturbation::Typos(2), &lexicons(), &mut Stream::of(seed, &[]))
            else {
                continue;
            };
            assert_ne!(changed, text);
            let first = |text: &str| text.split(' ').filter_map(|word| word.chars().next()).collect::<String>();
            assert_eq!(first(&changed), first(text), "{changed}");
        }
    }

    #[test]
    fn text_is_added_with_lexicons_filled_in() {
        let added = change("It broke", Perturbation::Append("{thanks}!".into())).unwrap_or_default();
        assert!(["It broke thanks!", "It broke cheers!"].contains(&added.as_str()), "{added}");
        assert_eq!(change("it", Perturbation::Prepend("Hi,".into())).as_deref(), Some("Hi, it"));
    }
}
