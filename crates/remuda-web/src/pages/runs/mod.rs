//! Many runs: `/run`, the list, sorted, grouped and filtered; `/run/compare`; and what a run's page draws while it goes on.

mod columns;
pub mod compare;
mod compared;
pub mod family;
pub mod files;
pub mod groups;
pub mod list;
pub mod live;
mod routes;

pub(crate) use routes::{routes, run_page};

use crate::components::lines::Manner;
use crate::components::{Frame, action};
use crate::format;
use maud::Markup;
use remuda_app::run as app;

/// What a run's script logged, besides its latest metrics.
#[derive(Clone, Debug, Default)]
pub struct Logged {
    /// Its curves.
    pub curves: Option<app::RunCurves>,
    /// Its files, those at the top.
    pub files: Option<app::RunArtifacts>,
    /// How its curves are drawn.
    pub manner: Manner,
}

/// What of runs is asked for: the query of `/run`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// Only runs that fit.
    pub filter: Option<String>,
    /// What to order by.
    pub order_by: Option<String>,
    /// Only runs of this experiment.
    pub experiment: Option<String>,
    /// Which columns.
    pub select: Option<String>,
    /// What to group by.
    pub group: Option<String>,
    /// The run that the page before ended with.
    pub before: Option<String>,
    /// Deleted runs instead of the others.
    pub deleted: bool,
}

impl Asked {
    /// Reads a query. What is there twice is joined by commas, as check boxes send it.
    pub fn read(pairs: &[(String, String)]) -> Self {
        let of = |wanted: &str| {
            let found: Vec<&str> = pairs
                .iter()
                .filter(|(name, value)| name == wanted && !value.trim().is_empty())
                .map(|(_, value)| value.trim())
                .collect();
            (!found.is_empty()).then(|| found.join(", "))
        };
        let once = |wanted: &str| {
            let found = pairs.iter().rev().find(|(name, value)| name == wanted && !value.trim().is_empty());
            found.map(|(_, value)| value.trim().to_owned())
        };
        Self {
            filter: once("filter"),
            order_by: once("order_by"),
            experiment: once("experiment"),
            select: of("select"),
            group: once("group"),
            before: once("before"),
            deleted: once("deleted").is_some(),
        }
    }

    /// The fields that have a value, by name.
    pub fn fields(&self) -> Vec<(&'static str, &str)> {
        let fields = [
            ("filter", &self.filter),
            ("order_by", &self.order_by),
            ("experiment", &self.experiment),
            ("select", &self.select),
            ("group", &self.group),
            ("before", &self.before),
        ];
        let mut found: Vec<(&str, &str)> =
            fields.into_iter().filter_map(|(name, value)| Some((name, value.as_deref()?))).collect();
        if self.deleted {
            found.push(("deleted", "1"));
        }
        found
    }

    /// The address at which this is shown.
    pub fn address(&self) -> String {
        address("/run", &self.fields())
    }

    /// The same with a change; the first page of it.
    pub fn but(&self, change: impl FnOnce(&mut Self)) -> Self {
        let mut changed = Self { before: None, ..self.clone() };
        change(&mut changed);
        changed
    }

    /// Whether anything narrows or orders the list.
    pub fn is_plain(&self) -> bool {
        *self == Self::default()
    }

    /// The question for the application.
    pub fn list(&self) -> app::List {
        app::List {
            limit: list::SHOWN,
            before: self.before.clone(),
            filter: self.filter.clone(),
            order_by: self.order_by.clone(),
            experiment: self.experiment.clone(),
            select: self.select.clone(),
            deleted: self.deleted,
            count: true,
        }
    }

    /// Flags of the command that does the same, without `--select`.
    fn flags(&self) -> String {
        let flags = [("filter", &self.filter), ("order-by", &self.order_by), ("experiment", &self.experiment)];
        let mut words: String = flags
            .into_iter()
            .filter_map(|(name, value)| Some(format!(" --{name} {}", quoted(value.as_deref()?))))
            .collect();
        if self.deleted {
            words.push_str(" --deleted");
        }
        words
    }
}

/// The button that brings a deleted run back.
pub(super) fn restore(frame: &Frame, run: &str) -> Markup {
    let filter = format!("attributes.run_id = '{}'", run.replace('\'', "''"));
    action::button(frame, "run", "undelete", "Restore", &[("filter", &filter)])
}

/// A text as one word of a shell.
fn quoted(text: &str) -> String {
    let plain = text.chars().all(|letter| letter.is_alphanumeric() || "._-/".contains(letter));
    if plain && !text.is_empty() { text.to_owned() } else { format!("'{}'", text.replace('\'', "'\\''")) }
}

/// A path with a query.
fn address(path: &str, fields: &[(&str, &str)]) -> String {
    let query: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={}", format::segment(value))).collect();
    if query.is_empty() { path.to_owned() } else { format!("{path}?{}", query.join("&")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_goes_into_an_address_and_back() {
        let pairs = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        let asked = Asked::read(&pairs(&[
            ("filter", " a = 'b & c' "),
            ("select", "metrics.auc"),
            ("select", "params.lr"),
            ("experiment", ""),
            ("deleted", "on"),
        ]));
        assert_eq!(asked.select.as_deref(), Some("metrics.auc, params.lr"));
        assert_eq!(
            asked.address(),
            "/run?filter=a%20%3D%20%27b%20%26%20c%27&select=metrics.auc%2C%20params.lr&deleted=1"
        );
        assert_eq!(asked.flags(), " --filter 'a = '\\''b & c'\\''' --deleted");
        assert!(Asked::read(&[]).is_plain() && Asked::default().address() == "/run");
        let older = Asked { before: Some("x".into()), ..asked.clone() };
        assert_eq!(older.but(|asked| asked.deleted = false).before, None);
    }
}
