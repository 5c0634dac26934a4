//! What all commands share: the product's folder, who acts, where use cases run, where answers go.

use crate::cli::Globals;
use crate::client::Client;
use crate::progress::ProgressLine;
use crate::remote::Remote;
use crate::render::layout::wrap;
use crate::render::{Paper, paint};
use crate::screen::Screen;
use remuda_app::{Actor, App, Caller, Context, Error, Local, Result, Source, UseCase};
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// One run of the program.
pub(crate) struct Session {
    /// The options that all commands share.
    pub(crate) globals: Globals,
    /// Where words go.
    pub(crate) screen: Screen,
    /// How far a long command is.
    pub(crate) progress: Arc<ProgressLine>,
    /// What was opened and must be closed at the end.
    opened: Mutex<Vec<App>>,
}

/// How long the end of a command waits for its ledger to be closed.
const CLOSING: Duration = Duration::from_secs(20);

impl Session {
    /// A session with these options.
    pub(crate) fn new(globals: Globals) -> Self {
        let screen = Screen::new(globals.color, globals.quiet);
        let progress = ProgressLine::new(screen.is_watched() && !globals.json);
        Self { globals, screen, progress, opened: Mutex::default() }
    }

    /// What renderers need to know.
    pub(crate) fn paper(&self) -> Paper {
        Paper { width: self.screen.width, now: jiff::Timestamp::now().as_microsecond() }
    }

    /// Carries out a use case, here or on the server, and writes its answer.
    pub(crate) async fn ask<U: UseCase>(
        &self,
        request: U,
        render: impl FnOnce(&U::Answer, &Paper) -> String,
    ) -> Result<U::Answer> {
        let answer = self.client().await?.call(request).await?;
        self.answer(&answer, render)?;
        Ok(answer)
    }

    /// Carries out a use case, here or on the server, for a command that writes its answer elsewhere.
    pub(crate) async fn fetch<U: UseCase>(&self, request: U) -> Result<U::Answer> {
        let answer = self.client().await?.call(request).await?;
        self.progress.clear();
        Ok(answer)
    }

    /// Writes an answer: as JSON where that was asked for, else as a page for people.
    pub(crate) fn answer<A: Serialize>(&self, answer: &A, render: impl FnOnce(&A, &Paper) -> String) -> Result<()> {
        self.progress.clear();
        if self.globals.json {
            self.screen.data(&serde_json::to_string_pretty(answer)?);
        } else {
            self.screen.data(&render(answer, &self.paper()));
        }
        Ok(())
    }

    /// Says something beside the answer, to people.
    pub(crate) fn say(&self, text: &str) {
        if !self.globals.json {
            self.progress.clear();
            self.screen.talk(text);
        }
    }

    /// Writes an error.
    pub(crate) fn fail(&self, error: &Error) {
        self.progress.clear();
        if self.globals.json {
            let text = serde_json::to_string_pretty(error).unwrap_or_else(|_| error.message.clone());
            self.screen.complain(&text);
        } else {
            self.screen.complain(&crate::render::error::error(error, &self.paper()));
        }
    }

    /// The product's folder: the one that was named, else the nearest upwards with a `remuda.toml`.
    pub(crate) fn root(&self) -> Result<PathBuf> {
        let start = self.globals.product.clone().unwrap_or_else(|| PathBuf::from("."));
        let missing = |source: &std::io::Error| {
            Error::new("repository.unusable", format!("cannot open the folder {}", start.display())).caused_by(source)
        };
        let absolute = std::fs::canonicalize(&start).map_err(|source| missing(&source))?;
        let found = absolute.ancestors().find(|folder| folder.join("remuda.toml").is_file());
        found.map(Path::to_owned).ok_or_else(|| {
            Error::new("definition.missing", format!("there is no product in {} or above it", absolute.display()))
                .hint("make one with `remuda init NAME --from FILE --label COLUMN`")
                .hint("or name its folder with `-C DIR`")
        })
    }

    /// Who acts when nobody was named: whoever git knows in this folder.
    pub(crate) fn default_actor(&self, folder: &Path) -> Actor {
        match &self.globals.acting_member {
            Some(name) => Actor { name: name.clone(), email: None, roles: Vec::new() },
            None => remuda_app::context::git_user(folder),
        }
    }

    /// Who was named with `--as`.
    pub(crate) fn named_actor(&self) -> Option<Actor> {
        let name = self.globals.acting_member.clone()?;
        Some(Actor { name, email: None, roles: Vec::new() })
    }

    /// The definitions of the product and who acts.
    pub(crate) fn context(&self) -> Result<Context> {
        let root = self.root()?;
        let source = Source::new(root.clone(), self.default_actor(&root));
        Ok(source.context(self.named_actor())?.with_progress(self.progress.as_progress()))
    }

    /// Where use cases run: on the server that `--server` or `remuda.toml` names, else here.
    pub(crate) async fn client(&self) -> Result<Client> {
        let context = match (self.context(), &self.globals.server) {
            (Ok(context), _) => Some(context),
            // Without a product's folder the server's own definitions are in force.
            (Err(error), Some(_)) if error.code == "definition.missing" && self.globals.product.is_none() => None,
            (Err(error), _) => return Err(error),
        };
        self.client_for(context).await
    }

    /// The same, when the definitions were read already.
    pub(crate) async fn client_for(&self, context: Option<Context>) -> Result<Client> {
        let named = context.as_ref().and_then(|context| context.definitions.product.as_ref()?.value.server.clone());
        if let Some(url) = self.globals.server.clone().or(named) {
            if self.globals.acting_member.is_some() {
                return Err(Error::new("request.invalid", "a server knows members by their tokens, not by `--as`")
                    .hint("leave out `--as` (and REMUDA_MEMBER), and send the member's token with `--token` or REMUDA_TOKEN"));
            }
            let files = context.map(|context| context.files);
            return Ok(Client::Remote(Remote::new(&url, self.globals.token.clone(), files)?));
        }
        let context = context.ok_or_else(|| Error::new("definition.missing", "there is no product here"))?;
        let app = self.app(&self.root()?).await?;
        Ok(Client::Local(Box::new(Local { app, context })))
    }

    /// The ledger of a product on this machine.
    pub(crate) async fn app(&self, root: &Path) -> Result<App> {
        let folder = remuda_app::product::ledger_folder(root);
        let app = App::open_at(&folder, self.globals.ledger.as_deref()).await?;
        let app = app.with_onnx_runtime(crate::onnxruntime::places());
        for note in app.notes.iter() {
            self.say(&wrap(&format!("{} {note}", paint::yellow("note:")), self.screen.width, 0));
        }
        self.opened.lock().unwrap_or_else(PoisonError::into_inner).push(app.clone());
        Ok(app)
    }

    /// Closes what was opened, so that the ledger's file is whole by itself. One that is still at work is left: the
    /// next to open it finds all that was acknowledged in the log beside the file.
    pub(crate) async fn close(&self) {
        let opened = std::mem::take(&mut *self.opened.lock().unwrap_or_else(PoisonError::into_inner));
        for app in opened {
            let _ = tokio::time::timeout(CLOSING, app.close()).await;
        }
    }
}
