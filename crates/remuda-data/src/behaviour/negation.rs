//! Negating an English sentence by rule: the first auxiliary verb gets its `n't`, or loses it. Other languages, and
//! sentences without such a verb, have nothing to change.

/// Auxiliary verbs and their negations.
const AUXILIARIES: [(&str, &str); 22] = [
    ("is", "isn't"),
    ("are", "aren't"),
    ("was", "wasn't"),
    ("were", "weren't"),
    ("can", "can't"),
    ("could", "couldn't"),
    ("will", "won't"),
    ("would", "wouldn't"),
    ("should", "shouldn't"),
    ("must", "mustn't"),
    ("do", "don't"),
    ("does", "doesn't"),
    ("did", "didn't"),
    ("has", "hasn't"),
    ("have", "haven't"),
    ("had", "hadn't"),
    ("am", "am not"),
    ("may", "may not"),
    ("might", "might not"),
    ("i'm", "i'm not"),
    ("it's", "it isn't"),
    ("there's", "there isn't"),
];

/// Subjects after which a plain verb is negated by `don't`.
const SUBJECTS: [&str; 4] = ["i", "we", "you", "they"];

/// The sentence negated, or its negation taken out.
pub(super) fn negated(text: &str) -> Option<String> {
    let text = &text.replace('’', "'");
    let words: Vec<&str> = text.split(' ').collect();
    let bare: Vec<String> = words.iter().map(|word| core(word).to_lowercase()).collect();
    without(&words, &bare).or_else(|| with(&words, &bare))
}

/// The first negation taken out.
fn without(words: &[&str], bare: &[String]) -> Option<String> {
    for (at, word) in bare.iter().enumerate() {
        let plain = AUXILIARIES.iter().find(|(_, negation)| negation == word).map(|(plain, _)| *plain);
        let replaced = match (word.as_str(), plain) {
            ("not" | "never", _) if at > 0 => None,
            ("cannot", _) => Some("can"),
            // `I don't want` becomes `I want`, `don't you` becomes `do you`.
            ("don't", _) if at > 0 && SUBJECTS.contains(&bare[at - 1].as_str()) => None,
            (_, Some(plain)) => Some(plain),
            _ => continue,
        };
        let mut kept: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        match replaced {
            Some(plain) => kept[at] = in_place(words[at], plain),
            None if words[at] == core(words[at]) => {
                kept.remove(at);
            }
            None => continue,
        }
        return Some(kept.join(" "));
    }
    None
}

/// The first verb that can be negated, negated.
fn with(words: &[&str], bare: &[String]) -> Option<String> {
    let mut kept: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
    for (at, word) in bare.iter().enumerate() {
        if let Some((_, negation)) = AUXILIARIES.iter().find(|(plain, _)| plain == word) {
            // `Am I`, `may I` would need the words in another order.
            if at == 0 && negation.ends_with(" not") && !word.starts_with("i'") {
                return None;
            }
            kept[at] = in_place(words[at], negation);
            return Some(kept.join(" "));
        }
        let is_subject = SUBJECTS.contains(&word.as_str()) && words[at] == core(words[at]);
        let next = bare.get(at + 1).map(String::as_str).unwrap_or_default();
        let next_is_verb = !next.is_empty() && !AUXILIARIES.iter().any(|(plain, _)| *plain == next);
        if is_subject && next_is_verb && !next.ends_with("ed") && !next.ends_with("ly") && at == 0 {
            kept.insert(at + 1, "don't".to_owned());
            return Some(kept.join(" "));
        }
    }
    None
}

/// A word without the marks around it.
fn core(word: &str) -> &str {
    word.trim_matches(|letter: char| !letter.is_alphanumeric())
}

/// Another word in the place of this one, with its marks and its first letter's case.
fn in_place(word: &str, other: &str) -> String {
    let old = core(word);
    let big = old.chars().next().is_some_and(char::is_uppercase);
    let mut letters = other.chars();
    let other = match letters.next() {
        Some(first) if big => first.to_uppercase().collect::<String>() + letters.as_str(),
        _ => other.to_owned(),
    };
    word.replacen(old, &other, 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_is_negated_or_its_negation_goes() {
        let cases = [
            ("My card is lost", Some("My card isn't lost")),
            ("Is my card lost?", Some("Isn't my card lost?")),
            ("I can't log in", Some("I can log in")),
            ("I cannot log in", Some("I can log in")),
            ("It is not here", Some("It is here")),
            ("I don’t want it", Some("I want it")),
            ("I want it", Some("I don't want it")),
            ("Don't you see", Some("Do you see")),
            ("I'm lost", Some("I'm not lost")),
            ("Am I late", None),
            ("lost card", None),
            ("la tarjeta", None),
            ("", None),
        ];
        for (text, expected) in cases {
            assert_eq!(negated(text).as_deref(), expected, "{text}");
        }
    }
}
