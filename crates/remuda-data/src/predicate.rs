//! Predicates over rows: one SQL expression that is true or false per row, checked against an allow-list and run by
//! DataFusion.
//!
//! What does not live here: whole statements (see `sql`), and where predicates are written down.

use crate::columns::schema_of;
use crate::error::{DataError, PredicateError};
use arrow::array::{Array, AsArray, BooleanArray};
use arrow::datatypes::DataType;
use arrow::record_batch::RecordBatch;
use datafusion::common::DFSchema;
use datafusion::execution::session_state::{SessionState, SessionStateBuilder};
use datafusion::logical_expr::ExprSchemable;
use datafusion::physical_plan::PhysicalExpr;
use datafusion::sql::sqlparser::ast::{
    Expr, ExprWithAlias, Function, FunctionArg, FunctionArgExpr, FunctionArguments, Ident, Spanned, visit_expressions,
    visit_expressions_mut,
};
use datafusion::sql::sqlparser::tokenizer::Location;
use remuda_model::data::ColumnType;
use remuda_model::text::nearest;
use std::ops::{ControlFlow, Range};
use std::sync::{Arc, LazyLock};

/// The functions that a predicate may call: all give the same answer for the same row, whenever asked.
const FUNCTIONS: [&str; 54] = [
    "abs",
    "ascii",
    "btrim",
    "cbrt",
    "ceil",
    "char_length",
    "character_length",
    "coalesce",
    "concat",
    "contains",
    "date_part",
    "date_trunc",
    "ends_with",
    "exp",
    "factorial",
    "floor",
    "greatest",
    "ifnull",
    "initcap",
    "isnan",
    "least",
    "left",
    "length",
    "levenshtein",
    "ln",
    "log",
    "log10",
    "log2",
    "lower",
    "lpad",
    "ltrim",
    "mod",
    "nanvl",
    "nullif",
    "nvl",
    "octet_length",
    "pow",
    "power",
    "regexp_count",
    "regexp_like",
    "regexp_replace",
    "replace",
    "reverse",
    "right",
    "round",
    "rpad",
    "rtrim",
    "sign",
    "signum",
    "sqrt",
    "starts_with",
    "strpos",
    "substr",
    "trim",
];
const MORE_FUNCTIONS: [&str; 6] = ["iszero", "position", "split_part", "substring", "trunc", "upper"];

/// The engine's functions and type rules. Never changed after it is built: a constant that takes a moment to make.
static ENGINE: LazyLock<SessionState> = LazyLock::new(|| SessionStateBuilder::new().with_default_features().build());

/// Checks that a text is a predicate over these columns.
///
/// Errors: anything but one expression that is true or false for each row by itself (no statement, subquery,
/// aggregate or window; functions from an allow-list), and unknown columns, with the nearest name.
pub fn check_predicate(text: &str, columns: &[(String, ColumnType)]) -> Result<(), PredicateError> {
    Predicate::compile(text, columns).map(|_| ())
}

/// Checks that a text is an expression over these columns that gives a number per row.
///
/// Errors: as [`check_predicate`], and one that gives something else.
pub fn check_expression(text: &str, columns: &[(String, ColumnType)]) -> Result<(), PredicateError> {
    Predicate::compile_number(text, columns).map(|_| ())
}

/// A predicate ready to run on batches with exactly the columns it was compiled for.
pub(crate) struct Predicate {
    text: String,
    expression: Arc<dyn PhysicalExpr>,
    /// The columns that it reads.
    pub(crate) columns: Vec<String>,
}

impl Predicate {
    /// Compiles a predicate for batches with these columns.
    pub(crate) fn compile(text: &str, columns: &[(String, ColumnType)]) -> Result<Self, PredicateError> {
        let (compiled, gives) = Self::compile_any(text, columns)?;
        match gives {
            DataType::Boolean | DataType::Null => Ok(compiled),
            other => Err(PredicateError {
                message: format!(
                    "it gives {} where true or false is expected: compare it with something",
                    word_of(&other)
                ),
                span: 0..text.len(),
            }),
        }
    }

    /// Compiles an expression that gives a number per row.
    pub(crate) fn compile_number(text: &str, columns: &[(String, ColumnType)]) -> Result<Self, PredicateError> {
        let (compiled, gives) = Self::compile_any(text, columns)?;
        if gives.is_numeric() || gives == DataType::Null {
            return Ok(compiled);
        }
        let message = format!("it gives {} where a number is expected", word_of(&gives));
        Err(PredicateError { message, span: 0..text.len() })
    }

    /// Compiles an expression over one row, and tells the type of what it gives.
    fn compile_any(text: &str, columns: &[(String, ColumnType)]) -> Result<(Self, DataType), PredicateError> {
        let whole = |message: String| PredicateError { message, span: 0..text.len() };
        if text.trim().is_empty() {
            return Err(whole("the predicate is empty: write a condition such as `age >= 18`".to_owned()));
        }
        let dialect = ENGINE.config().options().sql_parser.dialect;
        let mut parsed =
            ENGINE.sql_to_expr_with_alias(text, &dialect).map_err(|error| parse_error(text, &error.to_string()))?;
        if let Some(alias) = &parsed.alias {
            let message = format!("`{}` is not expected here: a predicate has no name", alias.value);
            return Err(PredicateError { message, span: ident_span(text, alias) });
        }
        check_shape(text, &parsed)?;
        let read = resolve_columns(text, &mut parsed, columns)?;
        let schema =
            DFSchema::try_from(schema_of(columns)).map_err(|error| whole(engine_message(&error.to_string())))?;
        let logical = ENGINE
            .create_logical_expr_from_sql_expr(parsed, &schema)
            .map_err(|error| whole(engine_message(&error.to_string())))?;
        let expression = ENGINE
            .create_physical_expr(logical.clone(), &schema)
            .map_err(|error| whole(engine_message(&error.to_string())))?;
        let gives = expression
            .data_type(schema.as_arrow())
            .or_else(|_| logical.get_type(&schema))
            .map_err(|error| whole(engine_message(&error.to_string())))?;
        Ok((Self { text: text.to_owned(), expression, columns: read }, gives))
    }

    /// The number of each row; NaN where missing.
    pub(crate) fn numbers(&self, batch: &RecordBatch) -> Result<Vec<f64>, DataError> {
        let failed =
            |error: datafusion::error::DataFusionError| DataError::engine(format!("evaluate `{}`", self.text), error);
        let value = self.expression.evaluate(batch).map_err(failed)?;
        let array = value.into_array(batch.num_rows()).map_err(failed)?;
        let array = arrow::compute::cast(&array, &DataType::Float64)
            .map_err(|error| DataError::engine(format!("read `{}` as numbers", self.text), error))?;
        let numbers = array.as_primitive::<arrow::datatypes::Float64Type>();
        Ok((0..numbers.len()).map(|row| if numbers.is_valid(row) { numbers.value(row) } else { f64::NAN }).collect())
    }

    /// Which rows match; a missing answer does not.
    pub(crate) fn matches(&self, batch: &RecordBatch) -> Result<BooleanArray, DataError> {
        let failed = |error: datafusion::error::DataFusionError| {
            DataError::engine(format!("evaluate the predicate `{}`", self.text), error)
        };
        let value = self.expression.evaluate(batch).map_err(failed)?;
        let array = value.into_array(batch.num_rows()).map_err(failed)?;
        let Some(found) = array.as_boolean_opt() else {
            return Ok(BooleanArray::from(vec![false; batch.num_rows()]));
        };
        Ok((0..found.len()).map(|row| Some(found.is_valid(row) && found.value(row))).collect())
    }
}

fn word_of(data_type: &DataType) -> &'static str {
    match data_type {
        DataType::Boolean => "true or false",
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "text",
        DataType::Date32 | DataType::Date64 => "a date",
        DataType::Timestamp(..) => "a timestamp",
        other if other.is_numeric() => "a number",
        _ => "something else",
    }
}

/// Refuses every expression that is not plain arithmetic on one row.
fn check_shape(text: &str, parsed: &ExprWithAlias) -> Result<(), PredicateError> {
    let found = visit_expressions(parsed, |expression| {
        let refusal = match expression {
            Expr::InSubquery { .. }
            | Expr::Exists { .. }
            | Expr::Subquery(_)
            | Expr::AnyOp { .. }
            | Expr::AllOp { .. } => {
                Some("a subquery is not allowed in a predicate: it sees one row at a time".to_owned())
            }
            Expr::Function(function) => refuse_function(function),
            expression if is_plain(expression) => None,
            _ => Some("this is not allowed in a predicate: use comparisons, arithmetic and plain functions".to_owned()),
        };
        match refusal {
            Some(message) => {
                let span = expression.span();
                ControlFlow::Break(PredicateError { message, span: offsets(text, span.start, span.end) })
            }
            None => ControlFlow::Continue(()),
        }
    });
    match found {
        ControlFlow::Break(error) => Err(error),
        ControlFlow::Continue(()) => Ok(()),
    }
}

fn is_plain(expression: &Expr) -> bool {
    matches!(
        expression,
        Expr::Identifier(_)
            | Expr::CompoundIdentifier(_)
            | Expr::IsFalse(_)
            | Expr::IsNotFalse(_)
            | Expr::IsTrue(_)
            | Expr::IsNotTrue(_)
            | Expr::IsNull(_)
            | Expr::IsNotNull(_)
            | Expr::IsUnknown(_)
            | Expr::IsNotUnknown(_)
            | Expr::IsDistinctFrom(..)
            | Expr::IsNotDistinctFrom(..)
            | Expr::InList { .. }
            | Expr::Between { .. }
            | Expr::BinaryOp { .. }
            | Expr::Like { any: false, .. }
            | Expr::ILike { any: false, .. }
            | Expr::SimilarTo { .. }
            | Expr::UnaryOp { .. }
            | Expr::Cast { .. }
            | Expr::Extract { .. }
            | Expr::Ceil { .. }
            | Expr::Floor { .. }
            | Expr::Position { .. }
            | Expr::Substring { .. }
            | Expr::Trim { .. }
            | Expr::Nested(_)
            | Expr::Value(_)
            | Expr::TypedString(_)
            | Expr::Case { .. }
            | Expr::Interval(_)
    )
}

fn refuse_function(function: &Function) -> Option<String> {
    let name = function.name.to_string().to_lowercase();
    let allowed = || FUNCTIONS.iter().chain(&MORE_FUNCTIONS).copied();
    if function.over.is_some() {
        return Some(format!("`{name}` over a window is not allowed in a predicate: it sees one row at a time"));
    }
    if matches!(name.as_str(), "count" | "sum" | "avg" | "mean" | "min" | "max" | "median" | "stddev" | "var") {
        return Some(format!("the aggregate `{name}` is not allowed in a predicate: it sees one row at a time"));
    }
    if !allowed().any(|known| known == name) {
        return Some(match nearest(&name, allowed()) {
            Some(near) => format!("the function `{name}` is not allowed in a predicate; did you mean `{near}`?"),
            None => format!("the function `{name}` is not allowed in a predicate"),
        });
    }
    let plain_arguments = match &function.args {
        FunctionArguments::None => true,
        FunctionArguments::Subquery(_) => false,
        FunctionArguments::List(list) => {
            list.duplicate_treatment.is_none()
                && list.clauses.is_empty()
                && list.args.iter().all(|argument| matches!(argument, FunctionArg::Unnamed(FunctionArgExpr::Expr(_))))
        }
    };
    let plain = plain_arguments && function.filter.is_none() && function.within_group.is_empty();
    (!plain).then(|| format!("`{name}` takes plain values here"))
}

/// Makes every name the exact column name in quotes, and gives the columns that are read.
fn resolve_columns(
    text: &str,
    parsed: &mut ExprWithAlias,
    columns: &[(String, ColumnType)],
) -> Result<Vec<String>, PredicateError> {
    let mut read: Vec<String> = Vec::new();
    let found = visit_expressions_mut(parsed, |expression| {
        let (name, quoted, span) = match &*expression {
            Expr::Identifier(ident) => (ident.value.clone(), ident.quote_style.is_some(), ident_span(text, ident)),
            Expr::CompoundIdentifier(parts) => {
                // `a.b` may be a column's whole name.
                let name = parts.iter().map(|part| part.value.as_str()).collect::<Vec<_>>().join(".");
                let span = expression.span();
                (name, false, offsets(text, span.start, span.end))
            }
            _ => return ControlFlow::Continue(()),
        };
        match find_column(&name, quoted, columns) {
            Ok(column) => {
                *expression = Expr::Identifier(Ident::with_quote('"', column));
                if !read.iter().any(|known| known == column) {
                    read.push(column.to_owned());
                }
                ControlFlow::Continue(())
            }
            Err(message) => ControlFlow::Break(PredicateError { message, span }),
        }
    });
    match found {
        ControlFlow::Break(error) => Err(error),
        ControlFlow::Continue(()) => Ok(read),
    }
}

/// The exact column, or for a name without quotes the only one that differs in case alone.
fn find_column<'a>(name: &str, quoted: bool, columns: &'a [(String, ColumnType)]) -> Result<&'a str, String> {
    let names = || columns.iter().map(|(name, _)| name.as_str());
    if let Some(exact) = names().find(|column| *column == name) {
        return Ok(exact);
    }
    let alike: Vec<&str> = names().filter(|column| column.to_lowercase() == name.to_lowercase()).collect();
    match alike.as_slice() {
        [only] if !quoted => Ok(only),
        [_, _, ..] if !quoted => Err(format!(
            "`{name}` could be {}: write the one you mean in double quotes",
            remuda_model::text::list(&alike)
        )),
        _ => Err(match alike.first().copied().or_else(|| nearest(name, names())) {
            Some(near) if is_bare(near) => format!("there is no column `{name}`; did you mean `{near}`?"),
            Some(near) => format!("there is no column `{name}`; did you mean `\"{near}\"`, in double quotes?"),
            None if quoted => format!("there is no column `{name}`; texts stand in single quotes: `'{name}'`"),
            None => {
                let odd =
                    names().find(|column| !is_bare(column) && column.to_lowercase().contains(&name.to_lowercase()));
                match odd {
                    Some(column) => {
                        format!("there is no column `{name}`; did you mean `\"{column}\"`, in double quotes?")
                    }
                    None => format!("there is no column `{name}`; texts stand in single quotes: `'{name}'`"),
                }
            }
        }),
    }
}

/// Whether a name needs no quotes in SQL.
fn is_bare(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name.chars().all(|character| character.is_ascii_alphanumeric() || character == '_')
}

/// The parser's own words, with the place that it names at their end.
fn parse_error(text: &str, message: &str) -> PredicateError {
    let message = engine_message(message);
    let Some((problem, place)) = message.rsplit_once(" at Line: ") else {
        return PredicateError { message, span: 0..text.len() };
    };
    let mut numbers = place.split(", Column: ").map(|number| number.trim().parse::<u64>().unwrap_or(0));
    let start = Location { line: numbers.next().unwrap_or(0), column: numbers.next().unwrap_or(0) };
    let range = offsets(text, start, start);
    let end = text[range.start..].find(char::is_whitespace).map_or(text.len(), |length| range.start + length.max(1));
    PredicateError { message: problem.to_owned(), span: range.start..end.min(text.len()) }
}

/// The engine's message without its layers' names and backtraces, on one line.
fn engine_message(message: &str) -> String {
    let mut first = message.lines().next().unwrap_or(message).trim();
    for layer in [
        "SQL error: ",
        "Error during planning: ",
        "Schema error: ",
        "type_coercion",
        "Optimizer rule",
        "caused by",
        "Invalid function ",
        "This feature is not implemented: ",
        "Arrow error: ",
        "Execution error: ",
    ] {
        first = first.strip_prefix(layer).unwrap_or(first);
    }
    // The engine takes a wrong pattern for a mistake of its own, and asks to be told of it.
    let first = first.split_once("This issue was likely caused by").map_or(first, |(before, _)| before.trim());
    let first = first.strip_prefix("Internal error: ").unwrap_or(first);
    let first = first.strip_prefix("ParserError(\"").map_or(first, |rest| rest.split("\")").next().unwrap_or(rest));
    first.trim_end_matches('.').to_owned()
}

fn ident_span(text: &str, ident: &Ident) -> Range<usize> {
    let start = offset(text, ident.span.start);
    let length = ident.value.len() + if ident.quote_style.is_some() { 2 } else { 0 };
    start..(start + length).min(text.len())
}

fn offsets(text: &str, start: Location, end: Location) -> Range<usize> {
    if start.line == 0 {
        return 0..text.len();
    }
    let start = offset(text, start);
    let end = offset(text, end).max(start);
    start..end
}

/// The byte offset of a place that counts lines and characters from 1.
fn offset(text: &str, place: Location) -> usize {
    let mut line_start = 0;
    for _ in 1..place.line {
        line_start += text[line_start..].find('\n').map_or(text.len() - line_start, |at| at + 1);
    }
    let line = &text[line_start..];
    let column = (place.column as usize).saturating_sub(1);
    line_start + line.char_indices().nth(column).map_or(line.len(), |(at, _)| at)
}
