//! Going live and going back. A promotion is refused with the list of what is missing; a rollback asks for nothing.

use super::look::{self, PromotionRecord};
use super::{Promote, ReleasePage, Rollback};
use crate::app::App;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::pin;
use crate::use_case::{Access, UseCase};
use remuda_ledger::Append;
use remuda_model::fact::Link;
use remuda_model::team::Missing;

impl UseCase for Promote {
    const NOUN: &'static str = "release";
    const VERB: &'static str = "promote";
    const ACCESS: Access = Access::Write;
    const ABOUT: &'static str = "Make a release live. Refused with the list of what is missing.";
    type Answer = ReleasePage;

    async fn run(self, app: &App, context: &Context) -> Result<ReleasePage> {
        let page = self.promote(app, context).await?;
        crate::model::registry::follow(app, context, &page.line.model).await;
        Ok(page)
    }
}

impl Promote {
    async fn promote(self, app: &App, context: &Context) -> Result<ReleasePage> {
        context.need_sound()?;
        let wanted = self.release.as_deref().unwrap_or("newest");
        let page = look::page(app, context, wanted).await?;
        if !page.missing.is_empty() {
            return Err(refused(&page));
        }
        if page.line.live {
            return Ok(page);
        }
        // The model is loaded and its golden rows are predicted once more: what goes live is known to run here.
        let model = crate::model::resolve_model(app, context, page.line.model.hex()).await?;
        crate::model::load(app, &model.version).await?;
        loop {
            let head = head(app, context).await?;
            // Of two who promote the same release at the same moment, one does; the other finds it done. And what was
            // complete a moment ago may have been changed since.
            let page = look::page(app, context, page.line.digest.as_str()).await?;
            if !page.missing.is_empty() {
                return Err(refused(&page));
            }
            let digest = page.line.digest.clone();
            if page.line.live || append(app, context, "release.promoted", &digest, String::new(), head).await? {
                return look::page(app, context, digest.as_str()).await;
            }
        }
    }
}

impl UseCase for Rollback {
    const NOUN: &'static str = "release";
    const VERB: &'static str = "rollback";
    const ACCESS: Access = Access::Write;
    const ABOUT: &'static str = "Make the release that was live before live again. Asks for nothing.";
    type Answer = ReleasePage;

    async fn run(self, app: &App, context: &Context) -> Result<ReleasePage> {
        let live = look::live_release(app, context).await?.map(|live| live.digest);
        loop {
            let head = head(app, context).await?;
            let before = before_live(app, context).await?;
            if look::live_release(app, context).await?.map(|live| live.digest) != live {
                return Err(Error::new("ledger.conflict", "somebody else changed at the same moment what is live")
                    .hint("look first: `remuda release list`"));
            }
            if append(app, context, "release.rolled_back", &before, self.why.clone(), head).await? {
                let page = look::page(app, context, before.as_str()).await?;
                crate::model::registry::follow(app, context, &page.line.model).await;
                return Ok(page);
            }
        }
    }
}

/// The release to go back to. Promotions stack up; each rollback takes one off, so that two in a row go back two.
async fn before_live(app: &App, context: &Context) -> Result<remuda_model::Digest> {
    let mut promotions = look::promotions(app, context).await?;
    promotions.reverse();
    let mut stack = Vec::new();
    for promotion in promotions {
        if promotion.how == "promoted" {
            stack.push(promotion.release);
        } else {
            stack.pop();
        }
    }
    stack.pop();
    stack.pop().ok_or_else(|| {
        Error::new("release.not_ready", "no release was live before this one")
            .hint("`remuda release list` shows all; promote another")
    })
}

/// Where the chain ends now.
async fn head(app: &App, context: &Context) -> Result<i64> {
    Ok(app.ledger.head(&context.product()?.name).await?.map_or(0, |fact| fact.sequence))
}

/// Appends what goes live, if nothing was appended since `head`; false if something was.
async fn append(
    app: &App,
    context: &Context,
    verb: &str,
    release: &remuda_model::Digest,
    why: String,
    head: i64,
) -> Result<bool> {
    let live = look::live_release(app, context).await?;
    let record = PromotionRecord { before: live.map(|live| live.digest.to_string()), why };
    let mut links = vec![Link::uses("release", release.as_str())];
    if let Some(before) = &record.before
        && before != release.as_str()
    {
        links.push(Link::uses("replaced_release", before.as_str()));
    }
    let fact = pin::fact(app, context, verb, release.as_str(), &record, links)?;
    let append = Append { facts: vec![fact], expect_head: Some(head), ..Append::default() };
    match app.ledger.append(&context.product()?.name, append).await {
        Ok(_) => Ok(true),
        Err(remuda_ledger::Error::Conflict { .. }) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// The error that lists what is missing, who can provide it, and with which command.
fn refused(page: &ReleasePage) -> Error {
    let count = remuda_model::text::count(page.missing.len() as u64, "thing");
    let mut error = Error::new(
        "release.not_ready",
        format!("release {} cannot go live: {count} missing", page.line.digest.short()),
    );
    error.causes = page.missing.iter().map(sentence).collect();
    for missing in &page.missing {
        if !error.hints.contains(&missing.command) {
            error.hints.push(missing.command.clone());
        }
    }
    error
}

/// One missing thing as a sentence: what, and who can provide it.
pub(super) fn sentence(missing: &Missing) -> String {
    let roles: Vec<String> = missing.roles.iter().map(|role| role.words()).collect();
    let who = if missing.members.is_empty() {
        format!("nobody holds the role: {}", roles.join(" or "))
    } else {
        format!("{} ({})", remuda_model::text::list(&missing.members), roles.join(" or "))
    };
    format!("{} — {who}", missing.what)
}
