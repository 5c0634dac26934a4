//! Making a model version live in one step, for callers who name a model and not a release: a release of it is found or
//! made, and promoted. What is missing is said before anything is made.

use super::promote::sentence;
use super::{Promote, ReleasePage, create, look};
use crate::app::App;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::use_case;
use remuda_model::Digest;

/// Makes a model version live. One that is live already stays so.
///
/// # Errors
/// `release.not_ready` with all that is missing in its message; nothing was made live then.
pub(crate) async fn go_live(app: &App, context: &Context, model: &Digest) -> Result<ReleasePage> {
    context.need_sound()?;
    if let Some(live) = look::live_release(app, context).await?.filter(|live| live.model == *model) {
        return promote(app, context, &live.digest).await;
    }
    for release in look::releases(app, context).await?.iter().filter(|release| release.model == *model) {
        let page = look::page(app, context, release.digest.as_str()).await?;
        if page.missing.is_empty() && !page.content.evaluations.is_empty() {
            return promote(app, context, &release.digest).await;
        }
    }
    let prepared = create::prepare(app, context, model.hex()).await?;
    let page = look::page_of_prepared(app, context, prepared.created.clone()).await?;
    // A signature binds a release, so one is made where signatures are all that is missing.
    if page.missing.iter().any(|missing| !missing.command.starts_with("remuda sign")) {
        return Err(refused(&page, false));
    }
    let page = create::store(app, context, prepared).await?;
    if !page.missing.is_empty() {
        return Err(refused(&page, true));
    }
    promote(app, context, &page.line.digest).await
}

async fn promote(app: &App, context: &Context, release: &Digest) -> Result<ReleasePage> {
    use_case::run(Promote { release: Some(release.to_string()) }, app, context).await
}

/// The refusal, with everything in its message: clients of others' protocols show no more.
fn refused(page: &ReleasePage, made: bool) -> Error {
    let short = page.line.digest.short();
    let list: Vec<String> = page
        .missing
        .iter()
        .map(|missing| match made || !missing.command.contains(short) {
            true => format!("{}: `{}`", sentence(missing), missing.command),
            false => sentence(missing).replace(short, "the release, once it is made"),
        })
        .collect();
    let count = remuda_model::text::count(list.len() as u64, "thing");
    let of = if made { format!(" in release {short}") } else { String::new() };
    let message = format!("model {} cannot go live{of}: {count} missing: {}", page.line.model.short(), list.join("; "));
    Error::new("release.not_ready", message)
}
