//! Which slice a request means, and the writing of what comes of it into the definition files of the product's folder.

use super::{FoundSlice, Sliced};
use crate::context::{Context, DefinitionFiles};
use crate::error::{Error, Result};
use remuda_model::analysis::NamedSlice;
use remuda_model::diagnostic::{Diagnostic, Severity};
use remuda_model::text;
use std::io::ErrorKind;
use std::path::Path;

/// A slice that something is to be done with.
pub(super) struct Chosen<'a> {
    /// Its name in `slices.toml`, if it has one.
    pub(super) name: Option<String>,
    /// The dataset.
    pub(super) dataset: String,
    /// Which rows.
    pub(super) filter: String,
    /// Why anybody looks at it.
    pub(super) why: String,
    /// The analysis and what it found; none for a slice by its name.
    pub(super) found: Option<(&'a Sliced, &'a FoundSlice)>,
}

/// Whether these words mean a slice by its number in an analysis, not by its name.
pub fn is_number(slice: &str) -> bool {
    slice.trim().parse::<u32>().is_ok()
}

/// The slice that is meant: by its number in an analysis, or by its name in `slices.toml`.
///
/// # Errors
/// No slice of that number or name.
pub(super) fn choose<'a>(context: &Context, slice: &str, sliced: Option<&'a Sliced>) -> Result<Chosen<'a>> {
    if let Ok(number) = slice.trim().parse::<u32>() {
        let sliced = sliced.ok_or_else(|| Error::not_found("analysis", "newest"))?;
        return numbered(sliced, number).map(|found| Chosen {
            name: found.name.clone(),
            dataset: sliced.dataset.clone(),
            filter: found.filter.clone(),
            why: why(sliced, found),
            found: Some((sliced, found)),
        });
    }
    let named = named_slices(context);
    let Some(found) = named.iter().find(|known| known.name == slice) else {
        let error = Error::not_found("slice", slice);
        return Err(match text::nearest(slice, named.iter().map(|known| known.name.as_str())) {
            Some(near) => error.hint(format!("did you mean `{near}`?")),
            None => error.hint("`remuda analysis show newest` numbers what was found; `remuda analysis keep NAME --slice NUMBER` names one"),
        });
    };
    let NamedSlice { name, dataset, filter, why } = found.clone();
    Ok(Chosen { name: Some(name), dataset, filter, why, found: None })
}

/// The slices of `slices.toml`.
pub(super) fn named_slices(context: &Context) -> &[NamedSlice] {
    context.definitions.slices.as_ref().map(|slices| slices.value.as_slice()).unwrap_or_default()
}

/// A slice of an analysis by its number.
pub(super) fn numbered(sliced: &Sliced, number: u32) -> Result<&FoundSlice> {
    sliced.slices.iter().find(|slice| slice.number == number).ok_or_else(|| {
        Error::not_found("slice", &number.to_string()).hint(format!("`remuda analysis show {}` lists them", sliced.id))
    })
}

/// What was found of a slice, in one line for those who read the file later.
pub(super) fn why(sliced: &Sliced, found: &FoundSlice) -> String {
    let number = |value: Option<f64>| value.map_or_else(|| "unknown".to_owned(), text::number);
    let verdict = if found.confirmed { "" } else { ", not confirmed" };
    let elsewhere = match found.within {
        Some(_) => "in the rest of the slice around it",
        None => "elsewhere",
    };
    format!(
        "{} {} against {} {elsewhere} ({}, {} rows{verdict}, analysis {})",
        sliced.loss,
        number(found.inside.value),
        number(found.rest),
        sliced.model_name,
        text::thousands(found.rows),
        sliced.id
    )
}

/// The folder whose files are written.
pub(super) fn folder(context: &Context) -> Result<&Path> {
    context.root.as_deref().ok_or_else(|| Error::new("definition.missing", "there is no product here"))
}

/// The text of a definition file as it lies on disk, empty where there is none. It must be what the caller reads: a
/// caller elsewhere may have other files than this folder.
pub(super) fn text_of(context: &Context, path: &str) -> Result<String> {
    let known = context.files.0.get(path);
    let on_disk = match std::fs::read_to_string(folder(context)?.join(path)) {
        Ok(text) => Some(text),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => {
            return Err(Error::new("repository.unusable", format!("cannot read `{path}`")).caused_by(&error));
        }
    };
    if known != on_disk.as_ref() {
        let message = format!("`{path}` in the product's folder is not the one that this command read");
        return Err(Error::new("definition.changed", message)
            .hint("run the command again; with files of your own, run `remuda` in their folder"));
    }
    Ok(on_disk.unwrap_or_default())
}

/// Writes a definition file after its new text was checked with all the others: what would be an error is not written.
/// Answers the definitions as they are then.
pub(super) fn write(context: &Context, path: &str, text: &str) -> Result<Context> {
    let mut files: DefinitionFiles = (*context.files).clone();
    files.0.insert(path.to_owned(), text.to_owned());
    let next = Context::new(files, context.root.clone(), context.actor.clone());
    let misfits = crate::gate::misfits(&next);
    let broken = |found: &&Diagnostic| found.file == path && found.severity == Severity::Error;
    let found: Vec<Diagnostic> = next.diagnostics.iter().chain(&misfits).filter(broken).cloned().collect();
    if !found.is_empty() {
        return Err(Error::definitions(found).hint(format!("`{path}` was left as it is")));
    }
    // Of two who write at the same moment the second finds that the file has changed, and overwrites nothing.
    let own = folder(context)?.join(".remuda");
    let turn = own.join("definitions.lock");
    let unusable = |error: std::io::Error| {
        Error::new("repository.unusable", format!("cannot lock {}", turn.display())).caused_by(&error)
    };
    // A member's folder that names a server may have none yet.
    std::fs::create_dir_all(&own).map_err(unusable)?;
    let lock = std::fs::File::create(&turn).map_err(unusable)?;
    lock.lock().map_err(unusable)?;
    text_of(context, path)?;
    remuda_repo::scaffold::write_over(&folder(context)?.join(path), text)?;
    Ok(next)
}
