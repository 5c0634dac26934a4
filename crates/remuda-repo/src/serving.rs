//! Reading `serving.toml`: the endpoint, who answers alerts, and when drift is called.

use crate::definitions::Context;
use crate::source::Source;
use crate::tree;
use remuda_model::model::registered::FollowedAlias;
use remuda_model::serving::Serving;

/// Reads `serving.toml`.
pub(crate) fn read(source: &mut Source<'_>, context: &Context<'_>) -> Option<Serving> {
    let root = match tree::toml::parse(source.text, 0) {
        Ok(root) => root,
        Err(faults) => {
            source.syntax("TOML", &faults);
            return None;
        }
    };
    let root = source.table_of(&root, "serving.toml")?;
    root.allow(source, &["endpoint", "on_duty", "alias", "drift"]);
    let on_duty = root.text(source, "on_duty");
    if let (Some(word), Some(node)) = (on_duty, root.get("on_duty")) {
        context.check_member_or_role(source, &node.span, word);
    }
    let mut drift_distance = Some(Serving::usual("").drift_distance);
    if let Some(node) = root.get("drift") {
        let drift = source.table_of(node, "drift")?;
        drift.allow(source, &["distance"]);
        if let Some(node) = drift.get("distance") {
            drift_distance = source.number_of(node, "distance");
            if drift_distance.is_some_and(|distance| !(distance > 0.0 && distance <= 1.0)) {
                source.error(&node.span, "invalid_value", "`distance` must lie between 0 and 1", "0.1 is usual");
            }
        }
    }
    let endpoint = root.require_text(source, "endpoint", "endpoint = \"churn\"")?;
    if let Some(node) = root.get("endpoint") {
        source.check_name(&node.span, "endpoint", endpoint);
    }
    let mut alias = None;
    if let (Some(word), Some(node)) = (root.text(source, "alias"), root.get("alias")) {
        alias = FollowedAlias::parse(word);
        if alias.is_none() {
            let hint = "write \"champion\", or \"churn@champion\" for that of one registered model";
            source.error(&node.span, "invalid_value", "`alias` must be the alias of a registered model", hint);
        }
    }
    Some(Serving {
        alias,
        endpoint: endpoint.to_owned(),
        on_duty: on_duty.map(str::to_owned),
        drift_distance: drift_distance?,
    })
}
