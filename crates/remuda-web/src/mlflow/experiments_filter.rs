//! Filters and orders of experiments: few enough to look at each.

use super::fields::invalid;
use remuda_app::Error;
use remuda_app::words::run::filter::{Attribute, Filter, Key, Subject, parse};
use remuda_app::words::run::tracked::Experiment;
use std::borrow::Cow;
use std::cmp::Ordering;

/// Which experiments, and in which order.
pub(super) struct Wanted {
    filter: Filter,
    order: Vec<(Column, bool)>,
}

#[derive(Clone, Copy)]
enum Column {
    Name,
    Id,
    Created,
    Updated,
}

struct Judged<'a>(&'a Experiment);

impl Wanted {
    /// Reads a filter and orders.
    pub(super) fn read(filter: &str, orders: &[String]) -> Result<Self, Error> {
        let filter = renamed(filter);
        let filter = parse(&filter).map_err(|error| invalid(format!("Invalid filter string: {}", error.message)))?;
        check(&filter)?;
        let mut order = orders.iter().map(|one| read_order(one)).collect::<Result<Vec<_>, Error>>()?;
        if order.is_empty() {
            order.push((Column::Created, true));
        }
        Ok(Self { filter, order })
    }

    pub(super) fn matches(&self, experiment: &Experiment) -> bool {
        self.filter.matches(&Judged(experiment))
    }

    pub(super) fn sort(&self, experiments: &mut [Experiment]) {
        experiments.sort_by(|one, other| {
            for (column, descending) in &self.order {
                let ordering = match column {
                    Column::Name => one.name.cmp(&other.name),
                    Column::Id => one.id.cmp(&other.id),
                    Column::Created => one.created.cmp(&other.created),
                    Column::Updated => one.updated.cmp(&other.updated),
                };
                let ordering = if *descending { ordering.reverse() } else { ordering };
                if ordering != Ordering::Equal {
                    return ordering;
                }
            }
            other.id.cmp(&one.id)
        });
    }
}

/// Times of experiments under the words that runs have for theirs.
fn renamed(filter: &str) -> String {
    let mut words = String::new();
    let mut quote: Option<char> = None;
    let mut word = String::new();
    let finish = |word: &mut String, words: &mut String| {
        match word.trim_start_matches("attribute.").trim_start_matches("attributes.") {
            "creation_time" => words.push_str("start_time"),
            "last_update_time" => words.push_str("end_time"),
            _ => words.push_str(word),
        }
        word.clear();
    };
    for letter in filter.chars() {
        let plain = quote.is_none() && (letter.is_alphanumeric() || letter == '_' || letter == '.');
        if plain {
            word.push(letter);
            continue;
        }
        finish(&mut word, &mut words);
        match quote {
            Some(open) if open == letter => quote = None,
            None if matches!(letter, '\'' | '"' | '`') => quote = Some(letter),
            _ => {}
        }
        words.push(letter);
    }
    finish(&mut word, &mut words);
    words
}

/// An experiment has no metrics, parameters or datasets.
fn check(filter: &Filter) -> Result<(), Error> {
    match filter {
        Filter::All(parts) | Filter::Any(parts) => parts.iter().try_for_each(check),
        Filter::Not(part) => check(part),
        Filter::Is(Key::Tag(_), _) => Ok(()),
        Filter::Is(
            Key::Attribute(Attribute::Name | Attribute::Experiment | Attribute::Started | Attribute::Ended),
            _,
        ) => Ok(()),
        Filter::Is(..) => Err(invalid(
            "Invalid filter string: experiments have name, experiment_id, creation_time, last_update_time and tags",
        )),
    }
}

fn read_order(text: &str) -> Result<(Column, bool), Error> {
    let odd = || {
        invalid(format!(
            "Invalid order_by clause '{text}': order by name, experiment_id, creation_time or last_update_time, ASC or DESC"
        ))
    };
    let mut words = text.split_whitespace();
    let key = words.next().ok_or_else(odd)?.trim_matches('`');
    let key = key.strip_prefix("attributes.").or_else(|| key.strip_prefix("attribute.")).unwrap_or(key);
    let column = match key {
        "name" => Column::Name,
        "experiment_id" => Column::Id,
        "creation_time" => Column::Created,
        "last_update_time" => Column::Updated,
        _ => return Err(odd()),
    };
    let descending = match words.next().map(str::to_ascii_uppercase).as_deref() {
        None | Some("ASC") => false,
        Some("DESC") => true,
        Some(_) => return Err(odd()),
    };
    if words.next().is_some() { Err(odd()) } else { Ok((column, descending)) }
}

impl Subject for Judged<'_> {
    fn metric(&self, _name: &str) -> Option<f64> {
        None
    }

    fn number(&self, attribute: Attribute) -> Option<f64> {
        match attribute {
            Attribute::Started => Some(self.0.created as f64),
            Attribute::Ended => Some(self.0.updated as f64),
            _ => None,
        }
    }

    fn texts(&self, key: &Key) -> Vec<Cow<'_, str>> {
        match key {
            Key::Attribute(Attribute::Name) => vec![Cow::Borrowed(&self.0.name)],
            Key::Attribute(Attribute::Experiment) => vec![Cow::Owned(self.0.id.to_string())],
            Key::Tag(name) => self.0.tags.get(name).map(|value| Cow::Borrowed(value.as_str())).into_iter().collect(),
            _ => Vec::new(),
        }
    }
}
