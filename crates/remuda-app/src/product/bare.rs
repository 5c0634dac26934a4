//! A product without data: a place for runs, made where `remuda up` finds none. Data and requirements may come later.

use crate::context::Actor;
use crate::error::{Error, Result};
use remuda_model::team::{Member, Product, Risk, Role, Stage};
use std::path::Path;

/// Submissions that a holdout bears.
const HOLDOUT_BUDGET: u32 = 10;

/// Writes a `remuda.toml` into the folder, named after it, with the actor as its only member; gives the product's name.
/// In a git repository, git is told to ignore `.remuda/`.
///
/// # Errors
/// The folder cannot be written, or has a `remuda.toml` already.
pub fn begin_bare(folder: &Path, actor: &Actor) -> Result<String> {
    let path = folder.join("remuda.toml");
    let called = folder.file_name().map_or_else(|| "product".into(), |name| name.to_string_lossy());
    let product = bare(&remuda_model::text::to_name(&called), actor);
    let text = remuda_repo::render::product(&product);
    let written = std::fs::OpenOptions::new().write(true).create_new(true).open(&path);
    let written = written.and_then(|mut file| std::io::Write::write_all(&mut file, text.as_bytes()));
    written.map_err(|source| {
        Error::new("repository.unusable", format!("cannot write {}", path.display())).caused_by(&source)
    })?;
    if remuda_repo::git::is_repository(folder)? {
        remuda_repo::git::ignore_own_folder(folder)?;
    }
    Ok(product.name)
}

/// A product of one member, who holds every role but the annotator's.
pub(super) fn bare(name: &str, actor: &Actor) -> Product {
    let roles = Role::ALL.iter().copied().filter(|role| *role != Role::Annotator).collect();
    Product {
        name: name.to_owned(),
        stage: Stage::Explore,
        risk: Risk::Medium,
        solo: true,
        server: None,
        holdout_budget: HOLDOUT_BUDGET,
        run: Default::default(),
        members: vec![Member { name: remuda_model::text::to_name(&actor.name), email: actor.email.clone(), roles }],
    }
}
