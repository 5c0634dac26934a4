//! Text in columns: visible widths, cutting, padding, wrapping. Colours take no room.

use unicode_width::UnicodeWidthChar;

/// How many columns a text takes.
pub(crate) fn width(text: &str) -> usize {
    pieces(text).map(|piece| piece.width).sum()
}

/// The text in at most `room` columns, with `…` where something was left out.
pub(crate) fn cut(text: &str, room: usize) -> String {
    if width(text) <= room {
        return text.to_owned();
    }
    let mut kept = String::new();
    let mut used = 0;
    let mut coloured = false;
    for piece in pieces(text) {
        if piece.width > 0 && used + piece.width + 1 > room {
            break;
        }
        coloured |= piece.text.starts_with('\u{1b}');
        used += piece.width;
        kept.push_str(piece.text);
    }
    if room > 0 {
        kept.push('…');
    }
    if coloured {
        kept.push_str("\u{1b}[0m");
    }
    kept
}

/// The text followed by spaces up to `room` columns.
pub(crate) fn left(text: &str, room: usize) -> String {
    format!("{text}{}", " ".repeat(room.saturating_sub(width(text))))
}

/// The text after spaces up to `room` columns.
pub(crate) fn right(text: &str, room: usize) -> String {
    format!("{}{text}", " ".repeat(room.saturating_sub(width(text))))
}

/// The text in lines of at most `room` columns, each after `indent` spaces. Ends with a line break.
pub(crate) fn wrap(text: &str, room: usize, indent: usize) -> String {
    let space = room.saturating_sub(indent).max(20);
    let margin = " ".repeat(indent);
    let mut out = String::new();
    for paragraph in text.lines() {
        let mut line = String::new();
        for word in paragraph.split_whitespace() {
            if !line.is_empty() && width(&line) + 1 + width(word) > space {
                out.push_str(&format!("{margin}{line}\n"));
                line.clear();
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        out.push_str(if line.is_empty() { "" } else { &margin });
        out.push_str(&line);
        out.push('\n');
    }
    out
}

/// Markdown prose in lines of at most `room` columns: lines of one paragraph are joined, headings and items are not.
pub(crate) fn prose(text: &str, room: usize, indent: usize) -> String {
    let mut paragraphs: Vec<String> = Vec::new();
    let mut open = false;
    for line in text.trim().lines() {
        let line = line.trim();
        let own = line.is_empty() || line.starts_with(['#', '-', '*', '>', '|', '`']);
        match paragraphs.last_mut() {
            Some(paragraph) if open && !own => {
                paragraph.push(' ');
                paragraph.push_str(line);
            }
            _ => paragraphs.push(line.to_owned()),
        }
        open = !own || line.starts_with(['-', '*', '>']);
    }
    paragraphs.iter().map(|paragraph| wrap(&format!("{paragraph}\n"), room, indent)).collect()
}

/// A character or an escape sequence.
struct Piece<'a> {
    text: &'a str,
    width: usize,
}

fn pieces(text: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let first = rest.chars().next()?;
        let length = if first == '\u{1b}' {
            // CSI sequences end with a letter; ours are all colours and end with `m`.
            rest.find(|end: char| end.is_ascii_alphabetic()).map_or(rest.len(), |at| at + 1)
        } else {
            first.len_utf8()
        };
        let (piece, after) = rest.split_at(length);
        rest = after;
        let width = if first == '\u{1b}' { 0 } else { first.width().unwrap_or(0) };
        Some(Piece { text: piece, width })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::paint;

    #[test]
    fn colours_take_no_room_and_wide_letters_take_two() {
        assert_eq!(width(&paint::green("met")), 3);
        assert_eq!(width("日本"), 4);
        assert_eq!(cut("日本語", 5), "日本…");
        assert_eq!(left("a", 3), "a  ");
        assert_eq!(right("a", 3), "  a");
        let short = cut(&paint::green("undecided"), 4);
        assert_eq!(width(&short), 4);
        assert!(short.ends_with("\u{1b}[0m"));
    }

    #[test]
    fn paragraphs_are_joined_and_headings_are_not() {
        let text = "# Why\n\nOne line\nand its other half.\n- an item\n  and more of it\n- another";
        let expected = "# Why\n\nOne line and its other half.\n- an item and more of it\n- another\n";
        assert_eq!(prose(text, 60, 0), expected);
    }

    #[test]
    fn long_sentences_are_wrapped_and_paragraphs_kept() {
        assert_eq!(wrap("one two three four five six", 24, 2), "  one two three four\n  five six\n");
        assert_eq!(wrap("a\n\nb", 24, 2), "  a\n\n  b\n");
    }
}
