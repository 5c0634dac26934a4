//! Reading `remuda.toml`: the product, its team and what its hand-offs demand. Other files' references to members are
//! checked where they stand.

use crate::source::{Source, Table};
use crate::tree::{self, Entry};
use remuda_model::run::captured::RunSettings;
use remuda_model::team::{Member, Product, Risk, Role, Stage};
use std::ops::Range;

/// How many evaluations a holdout bears when `remuda.toml` does not say.
pub(crate) const USUAL_HOLDOUT_BUDGET: u32 = 10;

/// Reads `remuda.toml`.
pub(crate) fn read(source: &mut Source<'_>) -> Option<Product> {
    let root = match tree::toml::parse(source.text, 0) {
        Ok(root) => root,
        Err(faults) => {
            source.syntax("TOML", &faults);
            return None;
        }
    };
    let root = source.table_of(&root, "remuda.toml")?;
    root.allow(source, &["product", "holdout", "run", "members", "retention"]);
    crate::retention::check(source, root);
    let holdout_budget = read_budget(source, root);
    let run = read_run(source, root);
    let members = read_members(source, root);
    let product = root.require(source, "product", "[product]")?;
    let product = source.table_of(product, "product")?;
    product.allow(source, &["name", "stage", "risk", "solo", "server"]);

    let name = product.require_text(source, "name", "name = \"churn\"");
    if let (Some(name), Some(node)) = (name, product.get("name")) {
        source.check_name(&node.span, "product", name);
    }
    let stage =
        read_word(source, product, "stage", "stage = \"explore\"", &["explore", "build", "operate"], Stage::parse);
    let risk = read_word(source, product, "risk", "risk = \"medium\"", &["low", "medium", "high"], Risk::parse);
    let solo = product.get("solo").and_then(|node| source.flag_of(node, "solo")).unwrap_or(false);
    let server = read_server(source, product);
    if let Some(members) = &members {
        check_solo(source, product, solo, members);
    }
    Some(Product {
        name: name?.to_owned(),
        stage: stage?,
        risk: risk?,
        solo,
        server,
        holdout_budget: holdout_budget?,
        run: run?,
        members: members?,
    })
}

/// A key whose value is one of a few words.
pub(crate) fn read_word<T>(
    source: &mut Source<'_>,
    table: Table<'_>,
    key: &str,
    example: &str,
    known: &[&str],
    parse: impl Fn(&str) -> Option<T>,
) -> Option<T> {
    let node = table.require(source, key, example)?;
    let word = source.text_of(node, key)?;
    let parsed = parse(word);
    if parsed.is_none() {
        source.unknown_word(&node.span, "invalid_value", key, word, known);
    }
    parsed
}

fn read_server(source: &mut Source<'_>, product: Table<'_>) -> Option<String> {
    let node = product.get("server")?;
    let address = source.text_of(node, "server")?;
    let host = address.strip_prefix("http://").or_else(|| address.strip_prefix("https://"));
    if host.is_none_or(|host| host.is_empty() || host.contains(char::is_whitespace)) {
        let hint = "write an address such as \"http://127.0.0.1:7878\"";
        source.error(&node.span, "invalid_value", format!("`{address}` is no address of a server"), hint);
        return None;
    }
    Some(address.trim_end_matches('/').to_owned())
}

fn read_budget(source: &mut Source<'_>, root: Table<'_>) -> Option<u32> {
    let Some(node) = root.get("holdout") else { return Some(USUAL_HOLDOUT_BUDGET) };
    let holdout = source.table_of(node, "holdout")?;
    holdout.allow(source, &["budget"]);
    let Some(node) = holdout.get("budget") else { return Some(USUAL_HOLDOUT_BUDGET) };
    let budget = source.count_of(node, "budget", 1)?;
    if budget > 1_000 {
        let hint = "a holdout that is looked at so often decides nothing; 10 is usual";
        source.error(&node.span, "invalid_value", "`budget` must be at most 1,000", hint);
        return None;
    }
    u32::try_from(budget).ok()
}

/// `[run]`: what snapshots of runs take in.
fn read_run(source: &mut Source<'_>, root: Table<'_>) -> Option<RunSettings> {
    let Some(node) = root.get("run") else { return Some(RunSettings::default()) };
    let table = source.table_of(node, "run")?;
    table.allow(source, &["environment", "largest_file"]);
    let mut settings = RunSettings::default();
    if let Some(node) = table.get("environment") {
        for (name, span) in source.texts_of(node, "environment")? {
            let plain = name.strip_suffix('*').unwrap_or(name);
            let letters = plain.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
            if plain.is_empty() || !letters {
                let hint = "write a name such as \"MY_SETTING\", or \"MY_*\" for all that begin so";
                source.error(span, "invalid_value", format!("`{name}` is no name of an environment variable"), hint);
            }
            settings.environment.push(name.to_owned());
        }
    }
    if let Some(node) = table.get("largest_file") {
        let text = source.text_of(node, "largest_file")?;
        settings.largest_file = remuda_model::text::read_bytes(text);
        if settings.largest_file.is_none() {
            let hint = "write a size such as \"50 MB\" or \"2 GiB\"";
            source.error(&node.span, "invalid_value", format!("`{text}` is no size"), hint);
            return None;
        }
    }
    Some(settings)
}

fn read_members(source: &mut Source<'_>, root: Table<'_>) -> Option<Vec<Member>> {
    let example = "[members.NAME]";
    let node = root.require(source, "members", example)?;
    let table = source.table_of(node, "members")?;
    if table.entries.is_empty() {
        source.error(&node.span, "missing_key", "the product has no members", &format!("add `{example}`"));
    }
    let members: Vec<Member> = table.entries.iter().filter_map(|entry| read_member(source, entry)).collect();
    for (index, member) in members.iter().enumerate() {
        let Some(email) = &member.email else { continue };
        let same = |other: &Member| other.email.as_ref().is_some_and(|other| other.eq_ignore_ascii_case(email));
        if let Some(earlier) = members[..index].iter().find(|earlier| same(earlier)) {
            let span = email_span(table, &member.name);
            let message = format!("members `{}` and `{}` have the same email", earlier.name, member.name);
            source.error(&span, "duplicate", message, "commits are told apart by email: give each their own");
        }
    }
    Some(members)
}

fn email_span(members: Table<'_>, name: &str) -> Range<usize> {
    let entry = members.entry(name);
    let email = entry.and_then(|entry| match &entry.node.value {
        tree::Value::Table(entries) => entries.iter().find(|entry| entry.key == "email"),
        _ => None,
    });
    email.map(|email| email.node.span.clone()).or(entry.map(|entry| entry.key_span.clone())).unwrap_or(0..0)
}

fn read_member(source: &mut Source<'_>, entry: &Entry) -> Option<Member> {
    source.check_name(&entry.key_span, "member", &entry.key);
    if Role::parse(&entry.key).is_some() {
        let message = format!("`{}` is a role, so it cannot be the name of a member", entry.key);
        source.error(&entry.key_span, "conflict", message, "choose another name and list the role under `roles`");
    }
    let table = source.table_of(&entry.node, &entry.key)?;
    table.allow(source, &["email", "roles"]);
    let email = table.text(source, "email");
    if let (Some(email), Some(node)) = (email, table.get("email")) {
        let parts = email.split_once('@');
        if parts.is_none_or(|(name, host)| name.is_empty() || host.is_empty()) || email.contains(char::is_whitespace) {
            let hint = "write the address that the member's commits carry: `git config user.email`";
            source.error(&node.span, "invalid_value", format!("`{email}` is no email address"), hint);
        }
    }
    let Some(node) = table.get("roles") else {
        let message = format!("member `{}` has no `roles`", entry.key);
        source.error(&entry.key_span, "missing_key", message, "add `roles = [\"data-scientist\"]`");
        return None;
    };
    let roles = read_roles(source, node);
    Some(Member { name: entry.key.clone(), email: email.map(str::to_owned), roles: roles? })
}

fn read_roles(source: &mut Source<'_>, node: &tree::Node) -> Option<Vec<Role>> {
    let words = source.texts_of(node, "roles")?;
    if words.is_empty() {
        source.error(&node.span, "invalid_value", "a member needs a role", "write `[\"data-scientist\"]`");
    }
    let known: Vec<&str> = Role::ALL.iter().map(|role| role.as_str()).collect();
    let mut roles = Vec::new();
    for (word, span) in words {
        match Role::parse(word) {
            Some(role) if roles.contains(&role) => {
                source.error(span, "duplicate", format!("role `{word}` is listed twice"), "remove one of them");
            }
            Some(role) => roles.push(role),
            None => source.unknown_word(span, "unknown_role", "role", word, &known),
        }
    }
    Some(roles)
}

fn check_solo(source: &mut Source<'_>, product: Table<'_>, solo: bool, members: &[Member]) {
    if solo && members.len() > 1 {
        let span = product.get("solo").map_or(product.span.clone(), |node| node.span.clone());
        let message = format!("`solo = true`, but the product has {} members", members.len());
        source.error(&span, "conflict", message, "write `solo = false`: members can check each other");
    }
    if !solo && members.len() == 1 {
        let span =
            product.entry("solo").or(product.entry("name")).map_or(product.span.clone(), |at| at.key_span.clone());
        let message = "with one member, no signature can be independent";
        source.warning(&span, "conflict", message, "add a member, or declare `solo = true`");
    }
}
