//! Dataset versions: what was added, lists, profiles with histograms, differences row by row.

use super::Paper;
use super::chart;
use super::layout::{self, wrap};
use super::paint;
use super::table::{Side, Table};
use super::words::{ago, bytes, day, percent, short};
use remuda_app::data::{Added, ChangeCounts, Exported, RowChange, VersionDiff, VersionLine, VersionPage, Versions};
use remuda_model::data::{
    Column, ColumnProfile, ColumnType, ColumnUse, ContractReport, DatasetVersion, Oddity, RuleSeverity,
};
use remuda_model::diagnostic::Severity;
use remuda_model::text;

/// `data add`.
pub(crate) fn added(answer: &Added, paper: &Paper) -> String {
    let version = &answer.version;
    let mut out = if answer.unchanged {
        format!("{} {} is {} already: the very same rows\n", paint::green("✓"), version.source, headline(version))
    } else {
        format!("{} {}\n", paint::green("✓"), headline(version))
    };
    out.push_str(&size_line(version));
    out.push_str(&split_line(version));
    if let Some(change) = &answer.change {
        out.push_str(&format!("  against the version before: {}\n", change_words(change)));
    }
    out.push_str(&report(&version.report, paper));
    out.push_str(&oddities(&answer.oddities, paper));
    out
}

/// `data log`.
pub(crate) fn log(answer: &Versions, paper: &Paper) -> String {
    if answer.versions.is_empty() {
        return "No data yet: `remuda data add FILE`.\n".to_owned();
    }
    versions(&answer.versions, paper, 0)
}

/// Versions as a table.
pub(crate) fn versions(lines: &[VersionLine], paper: &Paper, indent: usize) -> String {
    let columns = [
        ("dataset", Side::Left),
        ("version", Side::Whole),
        ("rows", Side::Right),
        ("new", Side::Right),
        ("contract", Side::Left),
        ("when", Side::Whole),
        ("who", Side::Left),
        ("from", Side::Left),
    ];
    let mut table = Table::new(&columns).indent(indent);
    for VersionLine { version, actor, time, .. } in lines {
        table.row(vec![
            paint::bold(&version.dataset),
            version.digest.short().to_owned(),
            text::thousands(version.rows),
            bytes(version.new_bytes),
            report_word(&version.report),
            ago(*time, paper.now),
            actor.clone(),
            paint::dim(&version.source),
        ]);
    }
    table.render(paper.width)
}

/// `data show`.
pub(crate) fn show(page: &VersionPage, paper: &Paper) -> String {
    let VersionLine { version, actor, time, .. } = &page.line;
    let mut out = format!("{}\n", headline(version));
    out.push_str(&format!("  added {} by {actor} from {}\n", ago(*time, paper.now), version.source));
    out.push_str(&size_line(version));
    out.push_str(&split_line(version));
    let spent: u32 = page.looks.iter().filter(|look| !look.retired).map(|look| look.charge).sum();
    out.push_str(&format!("  holdout  {spent} of {} looks spent\n", page.budget));
    if page.profile.duplicate_rows > 0 {
        let count = text::count(page.profile.duplicate_rows, "row");
        out.push_str(&format!("  {}\n", paint::yellow(&format!("{count} repeat an earlier row exactly"))));
    }
    out.push('\n');
    out.push_str(&profile(page, paper));
    let report = report(&version.report, paper);
    if !report.is_empty() {
        out.push_str(&format!("\n{}\n{report}", paint::bold("Contract")));
    }
    if !page.looks.is_empty() {
        out.push_str(&format!("\n{}\n{}", paint::bold("Looks at the holdout"), looks(page, paper)));
    }
    if !page.used_by.is_empty() {
        out.push_str(&format!("\n{}\n{}", paint::bold("Used by"), super::ledger::facts(&page.used_by, paper, 2)));
    }
    out
}

fn looks(page: &VersionPage, paper: &Paper) -> String {
    let columns = [
        ("charge", Side::Right),
        ("revealed", Side::Left),
        ("for", Side::Left),
        ("when", Side::Whole),
        ("who", Side::Left),
    ];
    let mut table = Table::new(&columns).indent(2);
    for look in page.looks.iter().take(10) {
        table.row(vec![
            look.charge.to_string(),
            look.revealed.clone(),
            if look.retired { format!("{} (a retired holdout)", look.purpose) } else { look.purpose.clone() },
            ago(look.time, paper.now),
            look.actor.clone(),
        ]);
    }
    table.render(paper.width)
}

/// One line per column: type, missing, distinct, and a picture in the room that is left.
fn profile(page: &VersionPage, paper: &Paper) -> String {
    let names: Vec<String> = page.profile.columns.iter().map(|column| named(column, &page.columns)).collect();
    let name_room = names.iter().map(|name| layout::width(name)).max().unwrap_or(0).clamp(6, 26);
    let (type_room, missing_room, distinct_room) = (9, 7, 9);
    let picture_room = paper.width.saturating_sub(name_room + type_room + missing_room + distinct_room + 8);
    let header = format!(
        "{}  {}  {}  {}",
        layout::left("column", name_room),
        layout::left("type", type_room),
        layout::right("missing", missing_room),
        layout::right("distinct", distinct_room),
    );
    let mut out = format!("{}\n", paint::dim(&header));
    for (column, name) in page.profile.columns.iter().zip(&names) {
        let missing = text::thousands(column.missing);
        let missing = if column.missing > 0 { paint::yellow(&missing) } else { paint::dim(&missing) };
        let line = format!(
            "{}  {}  {}  {}  {}",
            layout::left(&layout::cut(name, name_room), name_room),
            layout::left(column.column_type.as_str(), type_room),
            layout::right(&missing, missing_room),
            layout::right(&text::thousands(column.distinct), distinct_room),
            picture(column, picture_room),
        );
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

/// The column's name, and what it is for when it is no feature.
fn named(column: &ColumnProfile, columns: &[Column]) -> String {
    let purpose = columns.iter().find(|known| known.name == column.name).map(|known| known.column_use);
    match purpose {
        None | Some(ColumnUse::Feature) => column.name.clone(),
        Some(purpose) => format!("{} {}", column.name, paint::cyan(&format!("({})", purpose.as_str()))),
    }
}

/// A number with so few values is shown by its values.
const FEW: u64 = 6;

/// A histogram between its ends, or the most frequent values with their shares.
fn picture(column: &ColumnProfile, room: usize) -> String {
    if let Some(numbers) = &column.numbers
        && !column.histogram.is_empty()
        && (column.top.is_empty() || column.distinct > FEW)
    {
        let (least, greatest) =
            (number(numbers.minimum, column.column_type), number(numbers.maximum, column.column_type));
        let space = room.saturating_sub(least.len() + greatest.len() + 2);
        let bars = chart::blocks(&chart::join_bins(&column.histogram, space.min(20)));
        return layout::cut(&format!("{} {} {}", paint::dim(&least), paint::cyan(&bars), paint::dim(&greatest)), room);
    }
    // Every row another value: a list of some says nothing.
    if column.distinct > 50 && column.top.first().is_none_or(|first| first.count <= 1) {
        return paint::dim("all different");
    }
    let present = column.count.saturating_sub(column.missing).max(1) as f64;
    let shares = column
        .top
        .iter()
        .take(8)
        .map(|top| format!("{} {}", layout::cut(&top.value, 20), paint::dim(&percent(top.count as f64 / present))));
    layout::cut(&shares.collect::<Vec<_>>().join(", "), room)
}

fn number(value: f64, column_type: ColumnType) -> String {
    match column_type {
        ColumnType::Date | ColumnType::Timestamp => day((value * 1e6) as i64),
        _ => text::number(value),
    }
}

/// `data diff`.
pub(crate) fn diff(diff: &VersionDiff, paper: &Paper) -> String {
    let counts = &diff.counts;
    let mut out = format!("{} → {}\n", short(&diff.before), short(&diff.after));
    let mut table = Table::new(&[("", Side::Right), ("", Side::Left)]).indent(2);
    let rows = [
        (counts.added, paint::green("added")),
        (counts.removed, paint::red("removed")),
        (counts.changed, paint::yellow("changed")),
        (counts.relabelled, paint::yellow("relabelled")),
        (diff.same, paint::dim("the same")),
    ];
    for (count, word) in rows {
        table.row(vec![text::thousands(count), word]);
    }
    out.push_str(&table.render(paper.width));
    let matched = if diff.key.is_empty() {
        "Rows have no key: they are matched whole, so a changed row counts as removed and added.".to_owned()
    } else {
        format!("Rows are matched by {}.", text::list(&diff.key))
    };
    out.push_str(&wrap(&matched, paper.width, 2));
    if !diff.by_column.is_empty() {
        out.push_str(&format!("\n{}\n", paint::bold("Changes by column")));
        let greatest = diff.by_column.iter().map(|change| change.rows).max().unwrap_or(1).max(1);
        let mut table = Table::new(&[("", Side::Left), ("", Side::Right), ("", Side::Left)]).indent(2);
        for change in &diff.by_column {
            let bar = chart::bar(change.rows as f64 / greatest as f64, 24);
            table.row(vec![change.column.clone(), text::thousands(change.rows), paint::cyan(&bar)]);
        }
        out.push_str(&table.render(paper.width));
    }
    if !diff.examples.is_empty() {
        out.push_str(&format!("\n{}\n", paint::bold("Examples")));
        diff.examples.iter().for_each(|example| out.push_str(&row_change(example, paper)));
    }
    if diff.hidden > 0 {
        let rows = text::count(diff.hidden, "row");
        let hidden =
            format!("{rows} of the holdout not shown; `--holdout` shows them too, and a look at rows is charged");
        out.push_str(&paint::dim(&wrap(&hidden, paper.width, 2)));
    }
    if diff.charged {
        let charged = "these rows may include the holdout: a look at rows was charged";
        out.push_str(&paint::yellow(&wrap(charged, paper.width, 2)));
    }
    out
}

fn row_change(change: &RowChange, paper: &Paper) -> String {
    let (sign, kind) = match change.kind.as_str() {
        "added" => ("+", paint::green("added")),
        "removed" => ("-", paint::red("removed")),
        other => ("~", paint::yellow(other)),
    };
    let key: Vec<String> = change.key.iter().map(|cell| format!("{} {}", cell.column, shown(&cell.value))).collect();
    let mut line = format!("{sign} {kind} {}", key.join(", "));
    for cell in &change.changes {
        let words = match sign {
            "+" => format!("{} {}", cell.column, shown(&cell.after)),
            "-" => format!("{} {}", cell.column, shown(&cell.before)),
            _ => format!("{}: {} → {}", cell.column, shown(&cell.before), shown(&cell.after)),
        };
        line.push_str(&format!("  {words}"));
    }
    format!("  {}\n", layout::cut(&line, paper.width.saturating_sub(2)))
}

fn shown(value: &str) -> &str {
    if value.is_empty() { "∅" } else { value }
}

/// `data export`.
pub(crate) fn exported(answer: &Exported, _paper: &Paper) -> String {
    let rows = text::count(answer.rows, "row");
    let mut out =
        format!("{} {rows} of {} in {}\n", paint::green("✓"), short(&answer.version), answer.output.display());
    if answer.charged {
        out.push_str(&format!("  {}\n", paint::yellow("these rows include the holdout: a look at rows was charged")));
    }
    out
}

/// What looks odd, each with what was assumed or what to do.
pub(crate) fn oddities(oddities: &[Oddity], paper: &Paper) -> String {
    let mut out = String::new();
    for oddity in oddities {
        let mark = match oddity.severity {
            Severity::Error => paint::red("✗"),
            Severity::Warning => paint::yellow("!"),
        };
        let named = oddity.column.as_ref().filter(|column| !oddity.message.contains(column.as_str()));
        let column = named.map(|column| format!("{}: ", paint::bold(column))).unwrap_or_default();
        out.push_str(&format!(
            "  {mark} {}",
            wrap(&format!("{column}{}", oddity.message), paper.width, 4).trim_start()
        ));
        if !oddity.advice.is_empty() {
            out.push_str(&paint::dim(&wrap(&oddity.advice, paper.width, 4)));
        }
    }
    out
}

/// The rules that rows break.
pub(crate) fn report(report: &ContractReport, paper: &Paper) -> String {
    let mut out = String::new();
    for result in report.breaches() {
        let mark = match result.severity {
            RuleSeverity::Error => paint::red("✗"),
            RuleSeverity::Warning => paint::yellow("!"),
        };
        let sentence = format!("{}: {}", paint::bold(&result.rule), result.message);
        out.push_str(&format!("  {mark} {}", wrap(&sentence, paper.width, 4).trim_start()));
    }
    let kept = report.results.iter().filter(|result| result.passed).count() as u64;
    if kept > 0 {
        out.push_str(&format!("  {} {} kept\n", paint::green("✓"), text::count(kept, "rule")));
    }
    out
}

fn report_word(report: &ContractReport) -> String {
    let broken = report.breaches().count() as u64;
    match (report.results.is_empty(), broken) {
        (true, _) => paint::dim("none"),
        (_, 0) => paint::green("kept"),
        (_, broken) if report.refuses() => paint::red(&text::count(broken, "breach")),
        (_, broken) => paint::yellow(&text::count(broken, "breach")),
    }
}

fn headline(version: &DatasetVersion) -> String {
    format!("{}  {}  {}", paint::bold(&version.dataset), version.digest.short(), text::count(version.rows, "row"))
}

fn size_line(version: &DatasetVersion) -> String {
    let new = match version.new_bytes {
        0 => "nothing new to store".to_owned(),
        all if all == version.bytes => "all new".to_owned(),
        some => format!("{} new", bytes(some)),
    };
    format!("  stored   {} ({new})\n", bytes(version.bytes))
}

fn split_line(version: &DatasetVersion) -> String {
    let [train, validation, holdout] = version.split_rows.map(text::thousands);
    format!("  splits   train {train}, validation {validation}, holdout {holdout}\n")
}

fn change_words(change: &ChangeCounts) -> String {
    let parts = [
        (change.added, "added"),
        (change.removed, "removed"),
        (change.changed, "changed"),
        (change.relabelled, "relabelled"),
    ];
    let words: Vec<String> = parts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{} {word}", text::thousands(*count)))
        .collect();
    if words.is_empty() { "no row differs".to_owned() } else { words.join(", ") }
}
