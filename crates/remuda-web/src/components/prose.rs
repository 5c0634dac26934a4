//! A small Markdown: headings, paragraphs, lists, quotes, code, strong words, links to http(s). Everything else stays
//! text; no HTML passes. Enough for requirements and guidelines, with nothing that could carry a script.

use maud::{Markup, html};

/// The text as markup.
pub fn markdown(text: &str) -> Markup {
    let blocks = blocks(text);
    html! {
        div.prose {
            @for block in &blocks {
                @match block {
                    Block::Heading(level, line) => {
                        @if *level <= 1 { h3 { (inline(line)) } } @else { h4 { (inline(line)) } }
                    }
                    Block::List(items) => { ul { @for item in items { li { (inline(item)) } } } }
                    Block::Numbers(items) => { ol { @for item in items { li { (inline(item)) } } } }
                    Block::Quote(line) => { blockquote { p { (inline(line)) } } }
                    Block::Code(code) => { pre { code { (code) } } }
                    Block::Paragraph(line) => { p { (inline(line)) } }
                }
            }
        }
    }
}

enum Block {
    Heading(usize, String),
    List(Vec<String>),
    Numbers(Vec<String>),
    Quote(String),
    Code(String),
    Paragraph(String),
}

fn blocks(text: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut open = false;
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let trimmed = line.trim();
        if trimmed.starts_with("```") {
            let code: Vec<&str> = lines.by_ref().take_while(|line| !line.trim().starts_with("```")).collect();
            blocks.push(Block::Code(code.join("\n")));
            open = false;
        } else if trimmed.is_empty() {
            open = false;
        } else {
            open = extend(&mut blocks, line, trimmed, open);
        }
    }
    blocks
}

/// Adds a line to the last block if that is still open and of the same kind, else begins a new one. Says whether the
/// block may go on.
fn extend(blocks: &mut Vec<Block>, line: &str, trimmed: &str, open: bool) -> bool {
    let hashes = trimmed.bytes().take_while(|byte| *byte == b'#').count();
    if (1..=6).contains(&hashes) && trimmed[hashes..].starts_with(' ') {
        blocks.push(Block::Heading(hashes, trimmed[hashes..].trim().to_owned()));
        return false;
    }
    let bullet = trimmed.strip_prefix("- ").or_else(|| trimmed.strip_prefix("* "));
    match (bullet, numbered(trimmed), trimmed.strip_prefix('>'), blocks.last_mut()) {
        (Some(item), _, _, Some(Block::List(items))) => items.push(item.to_owned()),
        (Some(item), _, _, _) => blocks.push(Block::List(vec![item.to_owned()])),
        (_, Some(item), _, Some(Block::Numbers(items))) => items.push(item.to_owned()),
        (_, Some(item), _, _) => blocks.push(Block::Numbers(vec![item.to_owned()])),
        (_, _, Some(quote), Some(Block::Quote(text))) if open => join(text, quote.trim()),
        (_, _, Some(quote), _) => blocks.push(Block::Quote(quote.trim().to_owned())),
        (_, _, _, Some(Block::Paragraph(text))) if open => join(text, trimmed),
        (_, _, _, Some(Block::List(items) | Block::Numbers(items))) if open && line.starts_with(' ') => {
            if let Some(item) = items.last_mut() {
                join(item, trimmed);
            }
        }
        _ => blocks.push(Block::Paragraph(trimmed.to_owned())),
    }
    true
}

fn numbered(line: &str) -> Option<&str> {
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    if (1..=3).contains(&digits) { line[digits..].strip_prefix(". ") } else { None }
}

fn join(text: &mut String, more: &str) {
    text.push(' ');
    text.push_str(more);
}

/// One line: `code`, **strong**, [text](https://…).
fn inline(line: &str) -> Markup {
    html! {
        @for (index, piece) in line.split('`').enumerate() {
            @if index % 2 == 1 { code { (piece) } } @else { (emphasised(piece)) }
        }
    }
}

fn emphasised(text: &str) -> Markup {
    html! {
        @for (index, piece) in text.split("**").enumerate() {
            @if index % 2 == 1 { strong { (linked(piece)) } } @else { (linked(piece)) }
        }
    }
}

fn linked(text: &str) -> Markup {
    let mut rest = text;
    let mut out = Vec::new();
    while let Some((before, label, target, after)) = first_link(rest) {
        out.push(html! { (before) a href=(target) rel="noreferrer noopener" { (label) } });
        rest = after;
    }
    html! { @for piece in &out { (piece) } (rest) }
}

fn first_link(text: &str) -> Option<(&str, &str, &str, &str)> {
    let middle = text.find("](")?;
    let start = text[..middle].rfind('[')?;
    let end = text[middle..].find(')')? + middle;
    let target = &text[middle + 2..end];
    let safe = target.starts_with("https://") || target.starts_with("http://");
    if safe { Some((&text[..start], &text[start + 1..middle], target, &text[end + 1..])) } else { None }
}

#[cfg(test)]
mod tests {
    use super::markdown;

    #[test]
    fn prose_is_rendered_and_nothing_of_it_runs() {
        let text = "# Why\nFew *calls*,\n**less** `cost`.\n\n- one\n- two\n  more\n\n1. first\n\n> said\n\n```\n<b>\n```\n\
                    <script>x</script> [ok](https://a.example/b) [bad](javascript:x)";
        assert_eq!(
            markdown(text).into_string(),
            "<div class=\"prose\"><h3>Why</h3><p>Few *calls*, <strong>less</strong> <code>cost</code>.</p>\
             <ul><li>one</li><li>two more</li></ul><ol><li>first</li></ol><blockquote><p>said</p></blockquote>\
             <pre><code>&lt;b&gt;</code></pre><p>&lt;script&gt;x&lt;/script&gt; \
             <a href=\"https://a.example/b\" rel=\"noreferrer noopener\">ok</a> [bad](javascript:x)</p></div>"
        );
    }
}
