//! Reads a split, or all, of a version into memory.
//!
//! What does not live here: the right to see a split, and the fact that somebody looked.

use crate::columns::{views, write_key};
use crate::error::DataError;
use crate::ingest::split_columns;
use crate::part::{Parts, batches};
use crate::predicate::Predicate;
use crate::rows::Rows;
use arrow::array::BooleanArray;
use arrow::compute::filter_record_batch;
use arrow::record_batch::RecordBatch;
use remuda_model::data::{ColumnType, Contract, Split, SplitRule};

/// Which rows and columns to read.
#[derive(Clone, Debug, Default)]
pub struct ReadRequest {
    /// Only this split (`None`: all rows).
    pub split: Option<Split>,
    /// Only these columns, in this order (`None`: all).
    pub columns: Option<Vec<String>>,
    /// Only rows that match this SQL predicate.
    pub filter: Option<String>,
    /// At most this many rows.
    pub limit: Option<usize>,
}

/// Reads rows on a blocking thread of the current tokio runtime.
///
/// Without a contract a split is dealt by the usual rule over all columns.
///
/// Errors: an unknown column, a predicate that cannot be used, a part that cannot be read.
pub async fn read(parts: &Parts, contract: Option<&Contract>, request: &ReadRequest) -> Result<Rows, DataError> {
    let (parts, contract, request) = (parts.clone(), contract.cloned(), request.clone());
    tokio::task::spawn_blocking(move || read_now(&parts, contract.as_ref(), &request))
        .await
        .map_err(|error| DataError::engine("read rows", error))?
}

/// The same as [`read`], on this thread.
pub fn read_now(parts: &Parts, contract: Option<&Contract>, request: &ReadRequest) -> Result<Rows, DataError> {
    let plan = Plan::new(&parts.manifest.columns, contract, request)?;
    let mut kept = Vec::new();
    let mut left = request.limit.unwrap_or(usize::MAX);
    for path in &parts.paths {
        if left == 0 {
            break;
        }
        for batch in batches(path, Some(&plan.read))? {
            if left == 0 {
                break;
            }
            let batch = plan.apply(&batch?)?;
            let batch = batch.slice(0, batch.num_rows().min(left));
            left -= batch.num_rows();
            if batch.num_rows() > 0 {
                kept.push(batch);
            }
        }
    }
    Ok(Rows::new(&plan.given, kept))
}

/// Which columns to read, and what to do with them.
struct Plan {
    /// Places in the part, ascending.
    read: Vec<usize>,
    split: Option<(SplitRule, Vec<usize>, Split)>,
    filter: Option<Predicate>,
    /// Places among the columns read, in the order of the request.
    give: Vec<usize>,
    given: Vec<(String, ColumnType)>,
}

impl Plan {
    fn new(
        columns: &[(String, ColumnType)],
        contract: Option<&Contract>,
        request: &ReadRequest,
    ) -> Result<Self, DataError> {
        let names: Vec<String> = columns.iter().map(|(name, _)| name.clone()).collect();
        let place = |name: &str| {
            let found = names.iter().position(|known| known == name);
            found.ok_or_else(|| DataError::missing_column(name, names.iter().map(String::as_str)))
        };
        let wanted: Vec<usize> = match &request.columns {
            Some(wanted) => wanted.iter().map(|name| place(name)).collect::<Result<_, _>>()?,
            None => (0..columns.len()).collect(),
        };
        let mut needed = wanted.clone();
        let mut split = None;
        if let Some(wanted_split) = request.split {
            let rule = contract.map_or_else(|| SplitRule::usual(Vec::new()), |contract| contract.split.clone());
            let label = contract.and_then(Contract::label).map(|column| column.name.as_str());
            let by = split_columns(&rule, &names, label)?;
            needed.extend(&by);
            split = Some((rule, by, wanted_split));
        }
        if let Some(filter) = &request.filter {
            for name in Predicate::compile(filter, columns)?.columns {
                needed.push(place(&name)?);
            }
        }
        needed.sort_unstable();
        needed.dedup();
        if needed.is_empty() && !columns.is_empty() {
            // A file without columns would have no rows either.
            needed.push(0);
        }
        let read_columns: Vec<(String, ColumnType)> = needed.iter().map(|place| columns[*place].clone()).collect();
        let among = |places: &[usize]| -> Vec<usize> {
            places.iter().filter_map(|place| needed.iter().position(|read| read == place)).collect()
        };
        let filter = match &request.filter {
            Some(filter) => Some(Predicate::compile(filter, &read_columns)?),
            None => None,
        };
        Ok(Self {
            split: split.map(|(rule, by, wanted)| (rule, among(&by), wanted)),
            filter,
            give: among(&wanted),
            given: wanted.iter().map(|place| columns[*place].clone()).collect(),
            read: needed,
        })
    }

    fn apply(&self, batch: &RecordBatch) -> Result<RecordBatch, DataError> {
        let failed = |error| DataError::engine("filter rows", error);
        let mut batch = batch.clone();
        if let Some((rule, by, wanted)) = &self.split {
            let mask = split_mask(&batch, rule, by, *wanted)?;
            batch = filter_record_batch(&batch, &mask).map_err(failed)?;
        }
        if let Some(filter) = &self.filter {
            batch = filter_record_batch(&batch, &filter.matches(&batch)?).map_err(failed)?;
        }
        batch.project(&self.give).map_err(failed)
    }
}

fn split_mask(batch: &RecordBatch, rule: &SplitRule, by: &[usize], wanted: Split) -> Result<BooleanArray, DataError> {
    let views = views(batch)?;
    let mut scratch = String::new();
    let mut key = Vec::new();
    let mut mask = Vec::with_capacity(batch.num_rows());
    for row in 0..batch.num_rows() {
        key.clear();
        write_key(&views, by, row, &mut scratch, &mut key);
        mask.push(rule.split_of(&key) == wanted);
    }
    Ok(BooleanArray::from(mask))
}
