//! Filling templates with words of lexicons.

use super::random::Stream;
use remuda_model::behaviour::Segment;
use remuda_model::behaviour::template::{Part, lexicon_of, parse};
use std::collections::{BTreeMap, BTreeSet};

/// Words by lexicon.
pub(super) type Lexicons = BTreeMap<String, Vec<String>>;

/// At most `limit` different texts that a template stands for, each with the filled parts marked: all of them in the
/// order of the lexicons where there are no more, else a sample. Two places of one lexicon never hold the same word.
/// A template that cannot be read (its file was checked) stands for nothing.
pub(super) fn fills(template: &str, lexicons: &Lexicons, limit: u64, stream: &mut Stream) -> Vec<Vec<Segment>> {
    let Some(places) = Places::of(template, lexicons) else { return Vec::new() };
    let total = places.words.iter().fold(1_u64, |total, words| total.saturating_mul(words.len() as u64));
    let mut seen = BTreeSet::new();
    let mut filled = Vec::new();
    // Some fills say the same or use a word twice, so a sample begins with more than is wanted.
    for number in stream.sample(total, limit.saturating_mul(4)) {
        let Some(segments) = places.fill(number) else { continue };
        if seen.insert(joined(&segments)) {
            filled.push(segments);
        }
    }
    let kept = stream.sample(filled.len() as u64, limit);
    kept.into_iter().map(|place| std::mem::take(&mut filled[place as usize])).collect()
}

/// One text that a template stands for.
pub(super) fn fill_once(template: &str, lexicons: &Lexicons, stream: &mut Stream) -> Option<String> {
    fills(template, lexicons, 1, stream).first().map(|segments| joined(segments))
}

/// The text of its segments.
pub(super) fn joined(segments: &[Segment]) -> String {
    segments.iter().map(|segment| segment.text.as_str()).collect()
}

/// A template with the words of each of its distinct places.
struct Places<'a> {
    parts: Vec<Part>,
    names: Vec<String>,
    lexicons: Vec<String>,
    words: Vec<&'a [String]>,
}

impl<'a> Places<'a> {
    fn of(template: &str, lexicons: &'a Lexicons) -> Option<Self> {
        let mut places =
            Self { parts: parse(template).ok()?, names: Vec::new(), lexicons: Vec::new(), words: Vec::new() };
        for part in &places.parts {
            let Part::Place { name, .. } = part else { continue };
            if !places.names.contains(name) {
                let lexicon = lexicon_of(name, |known| lexicons.contains_key(known))?;
                places.words.push(lexicons.get(lexicon)?);
                places.lexicons.push(lexicon.to_owned());
                places.names.push(name.clone());
            }
        }
        Some(places)
    }

    /// The fill of this number: its digits, in the base of each place's count of words, choose the words.
    fn fill(&self, number: u64) -> Option<Vec<Segment>> {
        let mut rest = number;
        let mut chosen: Vec<&str> = Vec::with_capacity(self.words.len());
        for words in self.words.iter().rev() {
            chosen.push(words.get((rest % words.len() as u64) as usize)?);
            rest /= words.len() as u64;
        }
        chosen.reverse();
        let repeats = |place: usize| {
            (0..place).any(|other| self.lexicons[other] == self.lexicons[place] && chosen[other] == chosen[place])
        };
        if (0..chosen.len()).any(repeats) {
            return None;
        }
        let mut segments: Vec<Segment> = Vec::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => segments.push(Segment { text: text.clone(), changed: false }),
                Part::Place { name, .. } => {
                    let place = self.names.iter().position(|known| known == name)?;
                    segments.push(Segment { text: chosen[place].to_owned(), changed: true });
                }
            }
        }
        Some(tidied(segments))
    }
}

/// Where an empty word was filled in, the blank beside it goes too.
fn tidied(segments: Vec<Segment>) -> Vec<Segment> {
    let mut tidy: Vec<Segment> = Vec::with_capacity(segments.len());
    let mut blank = true;
    for mut segment in segments {
        if segment.text.is_empty() {
            continue;
        }
        if blank {
            segment.text = segment.text.trim_start().to_owned();
        }
        if !segment.text.is_empty() {
            blank = segment.text.ends_with(char::is_whitespace);
            tidy.push(segment);
        }
    }
    if let Some(last) = tidy.last_mut() {
        last.text = last.text.trim_end().to_owned();
    }
    tidy.retain(|segment| !segment.text.is_empty());
    tidy
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lexicons() -> Lexicons {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        BTreeMap::from([
            ("greeting".to_owned(), words(&["hi", ""])),
            ("name".to_owned(), words(&["Ana", "Bo", "Cy"])),
            ("many".to_owned(), (0..1000).map(|number| number.to_string()).collect()),
        ])
    }

    fn texts(template: &str, limit: u64) -> Vec<String> {
        let filled = fills(template, &lexicons(), limit, &mut Stream::of(1, &["test"]));
        filled.iter().map(|segments| joined(segments)).collect()
    }

    #[test]
    fn all_fills_in_order_and_no_blank_for_an_empty_word() {
        assert_eq!(
            texts("{greeting} I am {name}", 100),
            ["hi I am Ana", "hi I am Bo", "hi I am Cy", "I am Ana", "I am Bo", "I am Cy"]
        );
    }

    #[test]
    fn two_places_of_a_lexicon_hold_different_words() {
        let pairs = texts("{name} met {name2}", 100);
        assert_eq!(pairs.len(), 6);
        assert!(!pairs.contains(&"Bo met Bo".to_owned()));
        assert_eq!(texts("{name} and {name}", 100), ["Ana and Ana", "Bo and Bo", "Cy and Cy"]);
    }

    #[test]
    fn a_great_product_is_sampled_and_the_sample_is_always_the_same() {
        let sample = texts("{many} {many2} {many3} {many4}", 50);
        assert_eq!(sample.len(), 50);
        assert_eq!(sample, texts("{many} {many2} {many3} {many4}", 50));
        assert_eq!(sample.iter().collect::<BTreeSet<_>>().len(), 50);
    }

    #[test]
    fn the_filled_parts_are_marked() {
        let filled = fills("hi {name}!", &lexicons(), 1, &mut Stream::of(1, &["test"]));
        let marks: Vec<bool> = filled[0].iter().map(|segment| segment.changed).collect();
        assert_eq!(marks, [false, true, false]);
    }
}
