//! Checking all definition files at once: the order in which they are read, what each may refer to in the others,
//! and the outcome. What a single file may say is in the file of its noun.

use crate::files::{DefinitionFiles, PRODUCT_FILE, is_definition_path};
use crate::source::Source;
use crate::{analysis, behaviour, data, requirement, run, serving, team, tree};
use remuda_model::Digest;
use remuda_model::analysis::NamedSlice;
use remuda_model::behaviour::BehaviouralTests;
use remuda_model::data::Contract;
use remuda_model::diagnostic::Diagnostic;
use remuda_model::gate::Criterion;
use remuda_model::requirement::Requirement;
use remuda_model::run::Pipeline;
use remuda_model::serving::Serving;
use remuda_model::team::{Member, Product, Role};
use std::collections::BTreeMap;
use std::ops::Range;

/// Why a criterion cannot be read: a message, the place within the line (bytes), and next steps.
pub type CriterionFault = (String, Range<usize>, Vec<String>);

/// Reads one line of the criterion language.
pub type CriterionParser<'a> = dyn Fn(&str) -> Result<Criterion, CriterionFault> + 'a;

/// The criterion language itself ([`remuda_model::gate::parse()`]), in the shape that [`check`] takes.
pub fn parse_criterion(text: &str) -> Result<Criterion, CriterionFault> {
    remuda_model::gate::parse::parse(text).map_err(|fault| (fault.message, fault.span, fault.hints))
}

/// A definition, the file it stands in and the digest of that file's text.
#[derive(Clone, Debug, PartialEq)]
pub struct Defined<T> {
    /// What the file says.
    pub value: T,
    /// Path from the root, with forward slashes.
    pub path: String,
    /// Digest of the file's text.
    pub digest: Digest,
}

/// What the definition files say. A file with an error is left out; the findings tell why.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Definitions {
    /// `remuda.toml`.
    pub product: Option<Defined<Product>>,
    /// `data/*.odcs.yaml`, by name.
    pub contracts: Vec<Defined<Contract>>,
    /// `requirements/*.md`, by name.
    pub requirements: Vec<Defined<Requirement>>,
    /// `tests/*.toml`, by name.
    pub tests: Vec<Defined<BehaviouralTests>>,
    /// `pipeline.toml`.
    pub pipeline: Option<Defined<Pipeline>>,
    /// `serving.toml`.
    pub serving: Option<Defined<Serving>>,
    /// `slices.toml`.
    pub slices: Option<Defined<Vec<NamedSlice>>>,
    /// All files with the digests of their texts, by path.
    pub files: Vec<(String, Digest)>,
}

impl Definitions {
    /// The contract of the dataset of that name.
    pub fn contract(&self, dataset: &str) -> Option<&Defined<Contract>> {
        self.contracts.iter().find(|contract| contract.value.name == dataset)
    }

    /// The requirement of that name.
    pub fn requirement(&self, name: &str) -> Option<&Defined<Requirement>> {
        self.requirements.iter().find(|requirement| requirement.value.name == name)
    }
}

/// What one file may refer to in the others. A list is `None` while its file cannot be read, so that one broken file
/// does not make every other look broken.
pub(crate) struct Context<'a> {
    /// The members of the product.
    pub(crate) members: Option<Vec<Member>>,
    /// Datasets that have a contract file; the contract where it can be read.
    pub(crate) contracts: BTreeMap<String, Option<Contract>>,
    /// Names of the pipeline's steps.
    pub(crate) steps: Option<Vec<String>>,
    /// All files.
    pub(crate) files: &'a DefinitionFiles,
}

impl Context<'_> {
    /// Reports a person who is neither a member nor a role.
    pub(crate) fn check_member_or_role(&self, source: &mut Source<'_>, span: &Range<usize>, word: &str) {
        let Some(members) = &self.members else { return };
        if Role::parse(word).is_some() || members.iter().any(|member| member.name == word) {
            return;
        }
        let mut known: Vec<&str> = members.iter().map(|member| member.name.as_str()).collect();
        known.extend(Role::ALL.iter().map(|role| role.as_str()));
        source.unknown_word(span, "unknown_member", "member or role", word, &known);
    }

    /// Reports a dataset without contract; the contract where there is one that can be read.
    pub(crate) fn check_dataset(&self, source: &mut Source<'_>, span: &Range<usize>, name: &str) -> Option<&Contract> {
        if let Some(contract) = self.contracts.get(name) {
            return contract.as_ref();
        }
        let known: Vec<&str> = self.contracts.keys().map(String::as_str).collect();
        if known.is_empty() {
            let hint = format!("add one with `remuda data add FILE --as {name}`");
            source.error(span, "unknown_dataset", format!("no contract describes a dataset `{name}`"), &hint);
        } else {
            source.unknown_word(span, "unknown_dataset", "dataset", name, &known);
        }
        None
    }
}

/// Reads all definition files and reports everything that is wrong with them, file by file and from top to bottom.
///
/// Pure: nothing is read from disk. A file with an error does not reach the [`Definitions`]; one with warnings does.
pub fn check(files: &DefinitionFiles, parse_criterion: &CriterionParser<'_>) -> (Definitions, Vec<Diagnostic>) {
    let mut found = Vec::new();
    let mut definitions = Definitions {
        files: definition_files(files).map(|(path, text)| (path.to_owned(), Digest::of(text.as_bytes()))).collect(),
        ..Definitions::default()
    };
    let mut context = Context { members: None, contracts: BTreeMap::new(), steps: None, files };

    definitions.product = read_product(files, &mut found);
    context.members = definitions.product.as_ref().map(|product| product.value.members.clone());
    for (path, text) in in_folder(files, "data") {
        let contract = read(path, text, &mut found, data::read);
        let name = data::name_of_path(path).to_owned();
        context.contracts.insert(name, contract.as_ref().map(|contract| contract.value.clone()));
        definitions.contracts.extend(contract);
    }
    if let Some(text) = files.0.get("pipeline.toml") {
        definitions.pipeline = read("pipeline.toml", text, &mut found, |source| run::read(source, &context));
        context.steps = run::step_names(text);
    } else {
        context.steps = Some(Vec::new());
    }
    for (path, text) in in_folder(files, "requirements").filter(|(path, _)| path.ends_with(".md")) {
        definitions
            .requirements
            .extend(read(path, text, &mut found, |source| requirement::read(source, &context, parse_criterion)));
    }
    for (path, text) in in_folder(files, "tests") {
        definitions.tests.extend(read(path, text, &mut found, |source| behaviour::read(source, &context)));
    }
    if let Some(text) = files.0.get("serving.toml") {
        definitions.serving = read("serving.toml", text, &mut found, |source| serving::read(source, &context));
    }
    if let Some(text) = files.0.get(analysis::SLICES_FILE) {
        definitions.slices = read(analysis::SLICES_FILE, text, &mut found, |source| analysis::read(source, &context));
    }
    for (path, text) in definition_files(files).filter(|(path, _)| has_own_reader_later(path)) {
        read(path, text, &mut found, check_syntax);
    }
    found.sort_by(|left, right| (&left.file, left.line, left.column).cmp(&(&right.file, right.line, right.column)));
    (definitions, found)
}

fn read_product(files: &DefinitionFiles, found: &mut Vec<Diagnostic>) -> Option<Defined<Product>> {
    match files.0.get(PRODUCT_FILE) {
        Some(text) => read(PRODUCT_FILE, text, found, team::read),
        None => {
            let finding =
                Diagnostic::whole_file(PRODUCT_FILE, "definition.missing_file", "the product's file is missing");
            found.push(finding.hint("make one with `remuda init`"));
            None
        }
    }
}

/// Runs one file's reader; the value is kept if there was no error.
fn read<T>(
    path: &str,
    text: &str,
    found: &mut Vec<Diagnostic>,
    reader: impl FnOnce(&mut Source<'_>) -> Option<T>,
) -> Option<Defined<T>> {
    let mut source = Source::new(path, text);
    let value = reader(&mut source);
    let (mut findings, broken) = source.finish();
    found.append(&mut findings);
    let value = value.filter(|_| !broken)?;
    Some(Defined { value, path: path.to_owned(), digest: Digest::of(text.as_bytes()) })
}

/// Files that are definitions by their path: what came over the wire may hold others.
fn definition_files(files: &DefinitionFiles) -> impl Iterator<Item = (&str, &str)> {
    files.0.iter().map(|(path, text)| (path.as_str(), text.as_str())).filter(|(path, _)| is_definition_path(path))
}

fn in_folder<'f>(files: &'f DefinitionFiles, folder: &str) -> impl Iterator<Item = (&'f str, &'f str)> {
    let prefix = format!("{folder}/");
    definition_files(files).filter(move |(path, _)| path.starts_with(&prefix))
}

/// Files whose meaning is not read here yet, but whose syntax can be judged.
fn has_own_reader_later(path: &str) -> bool {
    path.ends_with(".toml") && ["labels/", "assumptions/"].iter().any(|folder| path.starts_with(folder))
}

fn check_syntax(source: &mut Source<'_>) -> Option<()> {
    if let Err(faults) = tree::toml::parse(source.text, 0) {
        source.syntax("TOML", &faults);
    }
    None
}
