//! Two texts side by side with the parts that differ marked, word by word.

use remuda_model::behaviour::Segment;

/// Words of both texts beyond which only a common beginning and end is looked for.
const CELLS_CAP: usize = 250_000;

/// The segments of both texts; what is not common to both is marked as changed.
///
/// ```
/// let (before, after) = remuda_data::behaviour::segments("my card is lost", "my crad is lost");
/// assert_eq!(before.iter().filter(|part| part.changed).map(|part| part.text.as_str()).collect::<Vec<_>>(), ["card"]);
/// assert_eq!(after.iter().filter(|part| part.changed).map(|part| part.text.as_str()).collect::<Vec<_>>(), ["crad"]);
/// ```
pub fn segments(before: &str, after: &str) -> (Vec<Segment>, Vec<Segment>) {
    let (left, right) = (words(before), words(after));
    let start = left.iter().zip(&right).take_while(|(one, other)| one == other).count();
    let rest = left.len().min(right.len()) - start;
    let end = left.iter().rev().zip(right.iter().rev()).take(rest).take_while(|(one, other)| one == other).count();
    let mut kept_left = vec![true; left.len()];
    let mut kept_right = vec![true; right.len()];
    let (middle_left, middle_right) = (start..left.len() - end, start..right.len() - end);
    kept_left[middle_left.clone()].fill(false);
    kept_right[middle_right.clone()].fill(false);
    if middle_left.len().saturating_mul(middle_right.len()) <= CELLS_CAP {
        for (one, other) in common(&left[middle_left], &right[middle_right]) {
            kept_left[start + one] = true;
            kept_right[start + other] = true;
        }
    }
    (marked(&left, &kept_left), marked(&right, &kept_right))
}

/// Runs of letters and digits, runs of blanks, and single other characters.
fn words(text: &str) -> Vec<&str> {
    let kind = |letter: char| match letter {
        letter if letter.is_alphanumeric() || letter == '\'' || letter == '’' => 0,
        letter if letter.is_whitespace() => 1,
        _ => 2,
    };
    let mut words = Vec::new();
    let mut start = 0;
    let mut before = None;
    for (at, letter) in text.char_indices() {
        let now = kind(letter);
        if before.is_some_and(|before| before != now || now == 2) {
            words.push(&text[start..at]);
            start = at;
        }
        before = Some(now);
    }
    if start < text.len() {
        words.push(&text[start..]);
    }
    words
}

/// Pairs of places of a longest common subsequence.
fn common(left: &[&str], right: &[&str]) -> Vec<(usize, usize)> {
    let width = right.len() + 1;
    let mut longest = vec![0_u32; (left.len() + 1) * width];
    for i in (0..left.len()).rev() {
        for j in (0..right.len()).rev() {
            longest[i * width + j] = if left[i] == right[j] {
                longest[(i + 1) * width + j + 1] + 1
            } else {
                longest[(i + 1) * width + j].max(longest[i * width + j + 1])
            };
        }
    }
    let (mut i, mut j) = (0, 0);
    let mut pairs = Vec::new();
    while i < left.len() && j < right.len() {
        if left[i] == right[j] {
            pairs.push((i, j));
            (i, j) = (i + 1, j + 1);
        } else if longest[(i + 1) * width + j] >= longest[i * width + j + 1] {
            i += 1;
        } else {
            j += 1;
        }
    }
    pairs
}

fn marked(words: &[&str], kept: &[bool]) -> Vec<Segment> {
    let mut segments: Vec<Segment> = Vec::new();
    for (word, kept) in words.iter().zip(kept) {
        match segments.last_mut() {
            Some(last) if last.changed != *kept => last.text.push_str(word),
            _ => segments.push(Segment { text: (*word).to_owned(), changed: !kept }),
        }
    }
    segments
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(before: &str, after: &str) -> (String, String) {
        let draw = |segments: Vec<Segment>| -> String {
            let mark = |part: Segment| if part.changed { format!("[{}]", part.text) } else { part.text };
            segments.into_iter().map(mark).collect()
        };
        let (left, right) = segments(before, after);
        (draw(left), draw(right))
    }

    #[test]
    fn only_what_differs_is_marked() {
        let cases = [
            ("I lost my card", "I lsot my card", "I [lost] my card", "I [lsot] my card"),
            ("it works", "it does not work", "it [works]", "it [does not work]"),
            ("a b c d e", "a x c y e", "a [b] c [d] e", "a [x] c [y] e"),
            ("same", "same", "same", "same"),
            ("", "new", "", "[new]"),
            ("Is it?", "Is it", "Is it[?]", "Is it"),
            ("größer", "kleiner", "[größer]", "[kleiner]"),
        ];
        for (before, after, left, right) in cases {
            assert_eq!(shown(before, after), (left.to_owned(), right.to_owned()));
        }
    }

    #[test]
    fn segments_always_join_to_the_whole() {
        let long = "word ".repeat(2_000);
        let other = format!("another {long} end");
        let (left, right) = segments(&long, &other);
        assert_eq!(left.iter().map(|part| part.text.as_str()).collect::<String>(), long);
        assert_eq!(right.iter().map(|part| part.text.as_str()).collect::<String>(), other);
    }
}
