//! Tokens: how members prove over HTTP who they are. A token is 256 random bits; the ledger keeps its hash.

use super::{NewToken, RevokeToken, Token};
use crate::app::App;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::pin;
use crate::run::Done;
use crate::use_case::{Access, UseCase};
use remuda_ledger::Append;
use remuda_model::Digest;
use serde::Serialize;

/// Tokens begin with this, so that scanners for leaked secrets can know them.
const PREFIX: &str = "remuda_";

#[derive(Serialize)]
struct TokenRecord<'a> {
    member: &'a str,
}

impl UseCase for Token {
    const NOUN: &'static str = "team";
    const VERB: &'static str = "token";
    const ACCESS: Access = Access::Write;
    const ABOUT: &'static str = "Make a token for a member. It is shown once; the ledger keeps its hash.";
    type Answer = NewToken;

    async fn run(self, app: &App, context: &Context) -> Result<NewToken> {
        check_member(context, &self.member)?;
        let token = format!("{PREFIX}{}", app.ids.secret());
        app.ledger.add_token(&self.member, &hash(&token), app.clock.now()).await?;
        let record = TokenRecord { member: &self.member };
        let fact = pin::fact(app, context, "team.token_made", self.member.as_str(), &record, Vec::new())?;
        app.ledger.append(&context.product()?.name, Append { facts: vec![fact], ..Append::default() }).await?;
        Ok(NewToken { member: self.member, token })
    }
}

impl UseCase for RevokeToken {
    const NOUN: &'static str = "team";
    const VERB: &'static str = "revoke-token";
    const ACCESS: Access = Access::Write;
    const ABOUT: &'static str = "Withdraw all tokens of a member.";
    type Answer = Done;

    async fn run(self, app: &App, context: &Context) -> Result<Done> {
        let now = app.clock.now();
        let mut revoked = 0u32;
        for token in app.ledger.tokens().await?.iter().filter(|token| token.member == self.member) {
            revoked += u32::from(app.ledger.revoke_token(&token.hash, now).await?);
        }
        if revoked == 0 {
            return Err(Error::not_found("valid token of", &self.member));
        }
        let record = TokenRecord { member: &self.member };
        let fact = pin::fact(app, context, "team.token_revoked", self.member.as_str(), &record, Vec::new())?;
        app.ledger.append(&context.product()?.name, Append { facts: vec![fact], ..Append::default() }).await?;
        Ok(Done { done: true })
    }
}

/// Only members get tokens, and over HTTP a member only makes their own, unless they own the product.
fn check_member(context: &Context, member: &str) -> Result<()> {
    let product = context.product()?;
    if product.member(member).is_none() {
        let names = product.members.iter().map(|member| member.name.as_str());
        let error = Error::not_found("member", member);
        return Err(match remuda_model::text::nearest(member, names) {
            Some(near) => error.hint(format!("did you mean `{near}`?")),
            None => error.hint("add a `[members.NAME]` table to `remuda.toml`"),
        });
    }
    let owns = context.actor.roles.contains(&remuda_model::team::Role::ProductOwner);
    if context.trusts_paths || context.actor.name == member || owns {
        return Ok(());
    }
    Err(Error::new("access.denied", "a member makes tokens for themselves only").hint("ask a product owner"))
}

fn hash(token: &str) -> String {
    Digest::of(token.as_bytes()).to_string()
}

/// The member whom a token lets in.
///
/// # Errors
/// The ledger cannot be read.
pub async fn identify(app: &App, token: &str) -> Result<Option<String>> {
    let known = app.ledger.token(&hash(token)).await?;
    Ok(known.filter(|token| token.revoked.is_none()).map(|token| token.member))
}

/// Whether anybody has a valid token: a server that others can reach needs one.
///
/// # Errors
/// The ledger cannot be read.
pub async fn has_tokens(app: &App) -> Result<bool> {
    Ok(app.ledger.tokens().await?.iter().any(|token| token.revoked.is_none()))
}
