//! Which columns feed a model from elsewhere: by the names of its inputs, or as the caller lists them.

use super::Add;
use crate::error::{Error, Result};
use remuda_learn::{Inspection, ModelInput, Reading};
use remuda_model::data::{ColumnType, Contract, FeatureKind};
use remuda_model::text;

/// More columns than this are not written out in a hint.
const SHOWN: usize = 60;

/// What a model reads.
pub(super) struct Interface {
    /// What its file must declare beyond what it says itself.
    pub(super) reading: Reading,
    /// The columns and how they are read, in the model's order.
    pub(super) columns: Vec<(String, FeatureKind)>,
    /// What a person should know.
    pub(super) notes: Vec<String>,
}

/// Maps the inputs of a model to the contract's columns. What the file declares already stands, unless the caller says
/// something else.
pub(super) fn map(inspection: &Inspection, contract: &Contract, asked: &Add) -> Result<Interface> {
    let mut interface = Interface {
        reading: Reading { inputs: Default::default(), ..inspection.reading.clone() },
        columns: Vec::new(),
        notes: Vec::new(),
    };
    if !asked.classes.is_empty() {
        interface.reading.classes.clone_from(&asked.classes);
    }
    interface.reading.logits |= asked.logits;
    let mut left = asked.features.as_slice();
    let mut renamed = Vec::new();
    for input in &inspection.inputs {
        let columns = if asked.features.is_empty() {
            own_columns(input, inspection, contract, &mut renamed)?
        } else {
            deal(input, &mut left, asked.features.len())?
        };
        for name in &columns {
            check_column(input, name, contract)?;
            let kind = if input.texts { FeatureKind::Category } else { FeatureKind::Number };
            interface.columns.push((name.clone(), kind));
        }
        if columns != [input.name.as_str()] {
            interface.reading.inputs.insert(input.name.clone(), columns);
        }
    }
    if !renamed.is_empty() {
        interface.notes.push(format!("inputs are spelt otherwise than columns: {}", text::list(&renamed)));
    }
    if !left.is_empty() {
        let message =
            format!("`--features` names {} more than the model reads", text::count(left.len() as u64, "column"));
        return Err(Error::new("request.invalid", message).hint(format!("leave out {}", text::list(left))));
    }
    Ok(interface)
}

/// The columns of an input that the caller did not list.
fn own_columns(
    input: &ModelInput,
    inspection: &Inspection,
    contract: &Contract,
    renamed: &mut Vec<String>,
) -> Result<Vec<String>> {
    if let Some(declared) = inspection.reading.inputs.get(&input.name) {
        return Ok(declared.clone());
    }
    if input.columns != Some(1) {
        return Err(unnamed(input, contract));
    }
    if contract.column(&input.name).is_some() {
        return Ok(vec![input.name.clone()]);
    }
    // Exporters write names as programs like them.
    let alike = |name: &str| plain(name) == plain(&input.name);
    let mut near = contract.columns.iter().map(|column| &column.name).filter(|name| alike(name));
    match (near.next(), near.next()) {
        (Some(only), None) => {
            renamed.push(format!("`{}` reads `{only}`", input.name));
            Ok(vec![only.clone()])
        }
        _ => {
            let error = Error::new(
                "model.unusable",
                format!("the model's input `{}` is no column of `{}`", input.name, contract.name),
            );
            let names = contract.columns.iter().map(|column| column.name.as_str());
            Err(match text::nearest(&input.name, names) {
                Some(near) => error.hint(format!("did you mean `{near}`? Then export it with that name")),
                None if inspection.inputs.len() == 1 => {
                    error.hint("name the column that it reads: `--features COLUMN`")
                }
                None => error.hint("name the columns of all inputs in their order: `--features a,b,c`"),
            })
        }
    }
}

/// Lower case letters and digits, all else an underscore.
fn plain(name: &str) -> String {
    name.chars().map(|letter| if letter.is_alphanumeric() { letter.to_ascii_lowercase() } else { '_' }).collect()
}

fn unnamed(input: &ModelInput, contract: &Contract) -> Error {
    let width = input.columns.map_or("a matrix".to_owned(), |width| text::count(width as u64, "column"));
    let message = format!("the model's input `{}` is {width}, and the file does not say of what", input.name);
    let error = Error::new("model.unusable", message);
    let fits = |column: &&remuda_model::data::Column| input.texts || column.column_type != ColumnType::String;
    let fitting: Vec<&str> = contract.features().filter(fits).map(|column| column.name.as_str()).collect();
    let how = "name its columns in the order in which it was trained";
    if input.columns.is_none_or(|width| width == fitting.len()) && !fitting.is_empty() && fitting.len() <= SHOWN {
        return error.hint(format!("{how}: `--features {}`", fitting.join(",")));
    }
    let some = &fitting[..fitting.len().min(SHOWN)];
    error.hint(format!("{how}: `--features a,b,c`; `{}` has {}", contract.name, text::list(some)))
}

/// The next of the listed columns, as many as the input has.
fn deal(input: &ModelInput, left: &mut &[String], listed: usize) -> Result<Vec<String>> {
    let width = input.columns.unwrap_or(left.len());
    if width == 0 || width > left.len() {
        let wanted = text::count(width.max(1) as u64, "column");
        let message =
            format!("input `{}` reads {wanted}, and `--features` leaves {} of {listed} for it", input.name, left.len());
        return Err(Error::new("request.invalid", message).hint("name every column that the model reads, in its order"));
    }
    let (columns, rest) = left.split_at(width);
    *left = rest;
    Ok(columns.to_vec())
}

fn check_column(input: &ModelInput, name: &str, contract: &Contract) -> Result<()> {
    let Some(column) = contract.column(name) else {
        let known = contract.columns.iter().map(|column| column.name.as_str());
        let error = Error::new("model.unusable", format!("feature `{name}` is no column of `{}`", contract.name));
        return Err(match text::nearest(name, known) {
            Some(near) => error.hint(format!("did you mean `{near}`?")),
            None => error,
        });
    };
    if contract.label().is_some_and(|label| label.name == name) {
        return Err(Error::new("model.unusable", format!("the model reads `{name}`, which is the label"))
            .hint("train it without that column"));
    }
    if column.column_type == ColumnType::String && !input.texts {
        let message = format!("the model's input `{}` reads numbers, and column `{name}` holds texts", input.name);
        return Err(Error::new("model.unusable", message).hint(
            "export the whole pipeline, with the steps that encode texts, and with an input of its own per column",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]

    use super::*;
    use remuda_model::data::{Column, ColumnUse, SplitRule};

    fn contract() -> Contract {
        let column = |name: &str, column_type, column_use| Column {
            name: name.to_owned(),
            column_type,
            required: false,
            column_use,
            kind: None,
            description: String::new(),
        };
        Contract {
            name: "customers".to_owned(),
            version: "1.0.0".to_owned(),
            description: String::new(),
            columns: vec![
                column("Monthly Charges", ColumnType::Number, ColumnUse::Feature),
                column("tenure", ColumnType::Integer, ColumnUse::Feature),
                column("plan", ColumnType::String, ColumnUse::Feature),
                column("left", ColumnType::String, ColumnUse::Label),
            ],
            rules: Vec::new(),
            missing: Vec::new(),
            split: SplitRule::usual(Vec::new()),
            positive: None,
        }
    }

    fn input(name: &str, columns: Option<usize>, texts: bool) -> ModelInput {
        ModelInput { name: name.to_owned(), columns, texts }
    }

    fn mapped(inputs: Vec<ModelInput>, features: &[&str]) -> Result<Interface> {
        let asked = Add { features: features.iter().map(|name| (*name).to_owned()).collect(), ..Add::default() };
        map(&Inspection { inputs, reading: Reading::default(), lacking: Vec::new() }, &contract(), &asked)
    }

    fn refusal(inputs: Vec<ModelInput>, features: &[&str]) -> String {
        match mapped(inputs, features) {
            Ok(_) => panic!("it was mapped"),
            Err(error) => [vec![error.message], error.hints].concat().join(" | "),
        }
    }

    #[test]
    fn inputs_are_found_by_name_and_by_what_exporters_make_of_names() {
        let both = mapped(vec![input("tenure", Some(1), false), input("plan", Some(1), true)], &[]).unwrap();
        assert_eq!(both.reading, Reading::default(), "the file says it all");
        assert_eq!(both.columns[1], ("plan".to_owned(), FeatureKind::Category));
        let renamed = mapped(vec![input("Monthly_Charges", Some(1), false)], &[]).unwrap();
        assert_eq!(renamed.reading.inputs["Monthly_Charges"], ["Monthly Charges"]);
        assert_eq!(
            renamed.notes,
            ["inputs are spelt otherwise than columns: `Monthly_Charges` reads `Monthly Charges`"]
        );
    }

    #[test]
    fn a_matrix_reads_the_columns_that_are_listed() {
        let columns = ["tenure", "Monthly Charges"];
        for width in [None, Some(2)] {
            let read = mapped(vec![input("X", width, false)], &columns).unwrap();
            assert_eq!(read.reading.inputs["X"], columns);
        }
        let read = mapped(
            vec![input("numbers", Some(2), false), input("words", Some(1), true)],
            &["tenure", "Monthly Charges", "plan"],
        );
        assert_eq!(read.unwrap().columns.len(), 3);
    }

    #[test]
    fn what_does_not_fit_is_said_with_the_next_step() {
        let cases = [
            (
                refusal(vec![input("X", Some(2), false)], &[]),
                "the model's input `X` is 2 columns, and the file does not say of what | name its columns in the order in which it was trained: `--features Monthly Charges,tenure`",
            ),
            (
                refusal(vec![input("X", Some(1), true)], &[]),
                "the model's input `X` is no column of `customers` | name the column that it reads: `--features COLUMN`",
            ),
            (
                refusal(vec![input("X", Some(5), false)], &[]),
                "the model's input `X` is 5 columns, and the file does not say of what | name its columns in the order in which it was trained: `--features a,b,c`; `customers` has Monthly Charges and tenure",
            ),
            (
                refusal(vec![input("X", Some(3), false)], &["tenure"]),
                "input `X` reads 3 columns, and `--features` leaves 1 of 1 for it | name every column that the model reads, in its order",
            ),
            (
                refusal(vec![input("X", Some(1), false)], &["tenure", "plan"]),
                "`--features` names 1 column more than the model reads | leave out plan",
            ),
            (
                refusal(vec![input("tenur", Some(1), false)], &[]),
                "the model's input `tenur` is no column of `customers` | did you mean `tenure`? Then export it with that name",
            ),
            (
                refusal(vec![input("left", Some(1), true)], &[]),
                "the model reads `left`, which is the label | train it without that column",
            ),
            (
                refusal(vec![input("plan", Some(1), false)], &[]),
                "the model's input `plan` reads numbers, and column `plan` holds texts | export the whole pipeline, with the steps that encode texts, and with an input of its own per column",
            ),
        ];
        for (found, expected) in cases {
            assert_eq!(found, expected);
        }
    }
}
