//! Who calls, with which definitions, from which folder.

use crate::app::Progress;
use crate::error::{Error, Result};
use remuda_model::data::Contract;
use remuda_model::requirement::Requirement;
use remuda_model::team::{Product, Role};
use remuda_repo::{Defined, Definitions};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

pub use remuda_repo::DefinitionFiles;

/// Whoever acts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// The member's name, or for one who is no member the name that git or the token gives.
    pub name: String,
    /// The address that their commits carry.
    pub email: Option<String>,
    /// The roles they hold; empty for one who is no member.
    pub roles: Vec<Role>,
}

/// Everything about a call that is not in its request.
#[derive(Clone)]
pub struct Context {
    /// Who calls.
    pub actor: Actor,
    /// The checked definitions.
    pub definitions: Arc<Definitions>,
    /// Their texts: what gets pinned.
    pub files: Arc<DefinitionFiles>,
    /// What is wrong in them.
    pub diagnostics: Arc<Vec<remuda_model::diagnostic::Diagnostic>>,
    /// The product's folder, when the caller has one (a remote caller has none).
    pub root: Option<PathBuf>,
    /// Paths in requests are the caller's own files. False for callers over HTTP: there `file` is an upload's digest.
    pub trusts_paths: bool,
    /// Whoever waits for a long use case.
    pub progress: Progress,
}

impl Context {
    /// A context over these definition texts. `actor` is looked up among the members.
    pub fn new(files: DefinitionFiles, root: Option<PathBuf>, actor: Actor) -> Self {
        let (definitions, mut diagnostics) = remuda_repo::check(&files, &parse_criterion);
        diagnostics.extend(crate::analysis::check_slices(&definitions, &files));
        let mut context = Self {
            actor,
            definitions: Arc::new(definitions),
            files: Arc::new(files),
            diagnostics: Arc::new(diagnostics),
            root,
            trusts_paths: true,
            progress: Arc::new(|_, _| {}),
        };
        context.actor = context.recognise(context.actor.clone());
        context
    }

    /// The same context with somebody else acting.
    #[must_use]
    pub fn acting_as(&self, name: &str) -> Self {
        let actor = Actor { name: name.to_owned(), email: None, roles: Vec::new() };
        Self { actor: self.recognise(actor), ..self.clone() }
    }

    /// The same context with somebody waiting.
    #[must_use]
    pub fn with_progress(mut self, progress: Progress) -> Self {
        self.progress = progress;
        self
    }

    /// The member that the actor is, by name or by address.
    fn recognise(&self, actor: Actor) -> Actor {
        let Some(product) = &self.definitions.product else { return actor };
        let by_name = product.value.members.iter().find(|member| member.name == actor.name);
        let by_email = || {
            let email = actor.email.as_deref()?;
            product
                .value
                .members
                .iter()
                .find(|member| member.email.as_deref().is_some_and(|known| known.eq_ignore_ascii_case(email)))
        };
        match by_name.or_else(by_email) {
            Some(member) => Actor {
                name: member.name.clone(),
                email: member.email.clone().or(actor.email),
                roles: member.roles.clone(),
            },
            None => actor,
        }
    }

    /// Whether the actor is a member.
    pub fn may_write(&self) -> bool {
        !self.actor.roles.is_empty()
    }

    /// Reports how far a long use case is.
    pub fn tell(&self, share: f64, what: &str) {
        (self.progress)(share, what);
    }

    /// The product's name, for messages.
    pub fn product_name(&self) -> &str {
        self.definitions.product.as_ref().map_or("this product", |product| product.value.name.as_str())
    }

    /// The product, or an error that says what is wrong with `remuda.toml`.
    pub fn product(&self) -> Result<&Product> {
        match &self.definitions.product {
            Some(product) => Ok(&product.value),
            None => Err(self.broken("remuda.toml").unwrap_or_else(|| {
                Error::new("definition.missing", "there is no product here: `remuda.toml` is missing")
                    .hint("make one with `remuda init NAME --from FILE --label COLUMN`")
            })),
        }
    }

    /// The contract of a dataset, if there is one. A contract that has errors is an error, never none.
    pub fn contract(&self, dataset: &str) -> Result<Option<&Defined<Contract>>> {
        let found = self.definitions.contracts.iter().find(|contract| contract.value.name == dataset);
        match found {
            Some(contract) => Ok(Some(contract)),
            None => match self.broken(&format!("data/{dataset}.odcs.yaml")) {
                Some(error) => Err(error),
                None => Ok(None),
            },
        }
    }

    /// The contract of a dataset, or the error that it is missing.
    pub fn need_contract(&self, dataset: &str) -> Result<&Defined<Contract>> {
        self.contract(dataset)?.ok_or_else(|| {
            let known: Vec<&str> =
                self.definitions.contracts.iter().map(|contract| contract.value.name.as_str()).collect();
            let error = Error::new("definition.missing", format!("dataset `{dataset}` has no contract"));
            match remuda_model::text::nearest(dataset, known) {
                Some(near) => error.hint(format!("did you mean `{near}`?")),
                None => error.hint(format!("write `data/{dataset}.odcs.yaml`; `remuda init` infers one from a file")),
            }
        })
    }

    /// The requirement of that name.
    pub fn requirement(&self, name: &str) -> Result<&Defined<Requirement>> {
        let found = self.definitions.requirements.iter().find(|requirement| requirement.value.name == name);
        found.ok_or_else(|| match self.broken(&format!("requirements/{name}.md")) {
            Some(error) => error,
            None => {
                let known = self.definitions.requirements.iter().map(|requirement| requirement.value.name.as_str());
                let error = Error::not_found("requirement", name);
                match remuda_model::text::nearest(name, known) {
                    Some(near) => error.hint(format!("did you mean `{near}`?")),
                    None => error.hint("`remuda requirement list` shows them"),
                }
            }
        })
    }

    /// Fails when any definition has an error: for use cases that rely on all of them.
    pub fn need_sound(&self) -> Result<()> {
        let errors = self.errors();
        if errors.is_empty() { Ok(()) } else { Err(Error::definitions(errors)) }
    }

    /// The errors (not warnings) in definitions.
    pub fn errors(&self) -> Vec<remuda_model::diagnostic::Diagnostic> {
        let is_error =
            |found: &&remuda_model::diagnostic::Diagnostic| found.severity == remuda_model::diagnostic::Severity::Error;
        self.diagnostics.iter().filter(is_error).cloned().collect()
    }

    /// The error that this file's diagnostics make, if it has any errors.
    fn broken(&self, path: &str) -> Option<Error> {
        let found: Vec<_> = self.errors().into_iter().filter(|diagnostic| diagnostic.file == path).collect();
        if found.is_empty() { None } else { Some(Error::definitions(found)) }
    }
}

/// The criterion parser in the shape that the repository layer takes.
pub(crate) fn parse_criterion(
    text: &str,
) -> std::result::Result<remuda_model::gate::Criterion, (String, std::ops::Range<usize>, Vec<String>)> {
    remuda_model::gate::parse(text).map_err(|error| (error.message, error.span, error.hints))
}

/// Where contexts come from: the product's folder, read again when its definition files changed.
pub struct Source {
    /// The product's folder.
    pub root: PathBuf,
    /// Who acts when nobody says so.
    pub default_actor: Actor,
    cache: Mutex<Option<(Fingerprint, Context)>>,
}

/// Path, size and time of change of each definition file.
type Fingerprint = Vec<(PathBuf, u64, Option<SystemTime>)>;

impl Source {
    /// A source over a product's folder.
    pub fn new(root: PathBuf, default_actor: Actor) -> Self {
        Self { root, default_actor, cache: Mutex::new(None) }
    }

    /// A context for a caller on this machine.
    ///
    /// # Errors
    /// A definition file cannot be read.
    pub fn context(&self, actor: Option<Actor>) -> Result<Context> {
        let actor = actor.unwrap_or_else(|| self.default_actor.clone());
        let fingerprint = fingerprint(&self.root);
        if let Ok(cache) = self.cache.lock()
            && let Some((known, context)) = cache.as_ref()
            && *known == fingerprint
        {
            let actor = context.recognise(actor);
            return Ok(Context { actor, ..context.clone() });
        }
        let files = remuda_repo::read_files(&self.root)?;
        let context = Context::new(files, Some(self.root.clone()), actor);
        if let Ok(mut cache) = self.cache.lock() {
            *cache = Some((fingerprint, context.clone()));
        }
        Ok(context)
    }

    /// A context for a caller over HTTP: with the set of definitions that they pushed, or the folder's.
    ///
    /// # Errors
    /// The set is not known, or a definition file cannot be read.
    pub async fn context_with(
        &self,
        app: &crate::App,
        definitions: Option<&str>,
        actor: Option<Actor>,
    ) -> Result<Context> {
        let context = match definitions {
            None => self.context(actor)?,
            Some(digest) => {
                let mut files = app.definition_set(digest).await?;
                // Who is a member, and of which roles, is said by the server's own folder: a pushed set must not make
                // its sender a product owner.
                let own = self.context(actor.clone())?;
                if let Some(text) = own.files.0.get("remuda.toml") {
                    files.0.insert("remuda.toml".to_owned(), text.clone());
                }
                // Who wrote what is read from the server's own repository: the caller's is out of reach.
                let actor = actor.unwrap_or_else(|| self.default_actor.clone());
                Context::new(files, Some(self.root.clone()), actor)
            }
        };
        Ok(Context { trusts_paths: false, ..context })
    }
}

fn fingerprint(root: &Path) -> Fingerprint {
    let mut found = Vec::new();
    let folders = ["", "requirements", "data", "labels", "features", "tests", "decisions", "assumptions"];
    for folder in folders {
        let Ok(entries) = std::fs::read_dir(root.join(folder)) else { continue };
        for entry in entries.flatten() {
            if let Ok(about) = entry.metadata()
                && about.is_file()
            {
                found.push((entry.path(), about.len(), about.modified().ok()));
            }
        }
    }
    found.sort();
    found
}

/// Whoever git says works in this folder.
pub fn git_user(root: &Path) -> Actor {
    match remuda_repo::git::user(root) {
        Ok(Some(user)) => Actor { name: user.name, email: Some(user.email), roles: Vec::new() },
        _ => Actor { name: "unknown".to_owned(), email: None, roles: Vec::new() },
    }
}
