//! What `remuda.toml` and `serving.toml` can get wrong.

use crate::support::{PRODUCT, findings, good};
use insta::assert_snapshot;

#[test]
fn a_good_product_is_read_whole() {
    let serving = "endpoint = \"churn\"\non_duty = \"dan\"\n[drift]\ndistance = 0.2\n";
    let definitions = good(&[("serving.toml", serving)]);
    let product = definitions.product.unwrap();
    assert_eq!(product.path, "remuda.toml");
    assert_eq!(product.digest, remuda_model::Digest::of(PRODUCT.as_bytes()));
    assert_eq!(product.value.holdout_budget, 10);
    assert_eq!(product.value.members.iter().map(|member| member.name.as_str()).collect::<Vec<_>>(), ["petra", "dan"]);
    assert_eq!(definitions.contracts[0].value.label().unwrap().name, "churn");
    assert_eq!(definitions.contracts[0].value.split.by, ["customer"]);
    assert_eq!(definitions.pipeline.unwrap().value.steps.len(), 2);
    assert_eq!(definitions.requirements[0].value.prose, "Why it matters.");
    assert_eq!(definitions.requirements[0].value.criteria[0].line, 5);
    assert_eq!(definitions.serving.unwrap().value.drift_distance, 0.2);
    assert_eq!(definitions.files.len(), 5);
}

#[test]
fn every_mistake_in_the_product_is_found_at_once() {
    let product = r#"colour = 1
[product]
name = "Churn Model"
stage = "biuld"
rsik = "medium"
solo = "no"
server = "example.org"
[holdout]
budget = 0
[members.petra]
email = "petra"
roles = ["product-owner", "data-scientits", "product-owner"]
[members.annotator]
roles = []
[members.dan]
emial = "dan@example.org"
"#;
    assert_snapshot!(findings(&[("remuda.toml", product)]));
}

#[test]
fn two_members_cannot_share_an_email_and_solo_is_for_one() {
    let product = PRODUCT
        .replace("solo = false", "solo = true")
        .replace("[members.dan]", "[members.dan]\nemail = \"PETRA@example.org\"");
    assert_snapshot!(findings(&[("remuda.toml", &product)]));
}

#[test]
fn a_single_member_is_told_about_solo() {
    let product = "[product]\nname = \"churn\"\nstage = \"explore\"\nrisk = \"low\"\n[members.petra]\nroles = [\"product-owner\"]\n";
    assert_snapshot!(findings(&[("remuda.toml", product)]));
}

#[test]
fn broken_toml_shows_every_place_and_blames_no_other_file() {
    let product = "[product]\nname = \"churn\nstage = build\nrisk = \"low\"\nrisk = \"high\"\n";
    assert_snapshot!(findings(&[("remuda.toml", product)]));
}

#[test]
fn missing_parts_are_named_with_what_to_add() {
    assert_snapshot!(findings(&[("remuda.toml", "")]));
    let (_, found) = remuda_repo::check(&remuda_repo::DefinitionFiles::default(), &crate::support::parse_criterion);
    assert_snapshot!(found[0].to_string());
}

#[test]
fn serving_names_an_endpoint_and_somebody_on_duty() {
    assert_snapshot!(findings(&[(
        "serving.toml",
        "endpoint = \"My Model\"\non_duty = \"backend\"\n[drift]\ndistance = 7\nwindow = 3\n"
    )]));
}
