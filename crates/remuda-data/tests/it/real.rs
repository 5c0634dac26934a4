//! The four real data sets, with the traps that their READMEs name.

use crate::support::{Shelf, about, draft, shared};
use remuda_data::{ReadRequest, read};
use remuda_model::data::{Check, ColumnType, ColumnUse, FeatureKind, Split, Task};

#[test]
fn telco_has_eleven_blank_totals_and_a_key() {
    let found = draft(&shared("telco-churn/Telco-Customer-Churn.csv"), Some("Churn"));
    assert_eq!(found.profile.rows, 7043);
    assert_eq!(found.profile.duplicate_rows, 0);
    assert_eq!(found.task, Some(Task::Binary));
    let contract = &found.contract;
    assert_eq!(contract.positive.as_deref(), Some("Yes"));
    assert_eq!(contract.keys(), ["customerID"]);
    assert_eq!(contract.split.by, ["customerID"]);
    assert_eq!(contract.missing, [" "]);
    let total = contract.column("TotalCharges").unwrap();
    assert_eq!((total.column_type, total.column_use), (ColumnType::Number, ColumnUse::Feature));
    let profile = found.profile.columns.iter().find(|column| column.name == "TotalCharges").unwrap();
    assert_eq!(profile.missing, 11);
    assert_eq!(
        about(&found, Some("TotalCharges")),
        [
            "11 of 7,043 rows have nothing but blanks in `TotalCharges`, all other values are numbers / read as missing: \
             a blank field stands under `missing` in the contract"
        ]
    );
    assert_eq!(contract.features().count(), 19);
    let senior = found.profile.columns.iter().find(|column| column.name == "SeniorCitizen").unwrap();
    assert_eq!(
        senior.top.iter().map(|top| (top.value.as_str(), top.count)).collect::<Vec<_>>(),
        [("0", 5901), ("1", 1142)]
    );
    let columns: Vec<_> = found.oddities.iter().map(|oddity| oddity.column.as_deref().unwrap_or("")).collect();
    assert_eq!(columns, ["customerID", "TotalCharges"], "{:#?}", found.oddities);
}

#[test]
fn adult_has_question_marks_copies_a_weight_and_a_column_twice() {
    let found = draft(&shared("adult-income/adult.csv"), Some("income-per-year"));
    let contract = &found.contract;
    assert_eq!((found.profile.rows, found.profile.duplicate_rows), (32_561, 24));
    assert_eq!(contract.missing, ["?"]);
    let missing: Vec<_> = found
        .profile
        .columns
        .iter()
        .filter(|column| column.missing > 0)
        .map(|column| (column.name.as_str(), column.missing))
        .collect();
    assert_eq!(missing, [("workclass", 1836), ("occupation", 1843), ("native-country", 583)]);
    assert_eq!(contract.column("fnlwgt").unwrap().column_use, ColumnUse::Weight);
    assert_eq!(contract.column("education-num").unwrap().column_use, ColumnUse::Ignore);
    assert_eq!(contract.column("education").unwrap().kind, Some(FeatureKind::Category));
    assert_eq!(contract.positive.as_deref(), Some(">50K"));
    assert!(contract.split.by.is_empty());
    assert!(about(&found, Some("education-num"))[0].starts_with("`education-num` repeats `education`"));
    assert!(about(&found, Some("capital-gain"))[0].contains("99,999"), "{:#?}", about(&found, Some("capital-gain")));
    assert!(about(&found, None)[0].starts_with("24 rows repeat an earlier row exactly"));
    assert_eq!(found.oddities.len(), 7, "{:#?}", found.oddities);
    let age = found.profile.columns[0].numbers.as_ref().unwrap();
    assert_eq!((age.minimum, age.maximum), (17.0, 90.0));
    assert!((age.mean - 38.581_647).abs() < 1e-6 && (age.deviation - 13.640_433).abs() < 1e-6);
    assert_eq!(age.quantiles, [19.0, 28.0, 37.0, 48.0, 63.0]);
    let weight = found.profile.columns[2].numbers.as_ref().unwrap();
    // Exact values 117,827 / 178,356 / 237,051: a t-digest stays within a tenth of a percentile.
    for (estimate, exact) in weight.quantiles[1..4].iter().zip([117_827.0, 178_356.0, 237_051.0]) {
        assert!((estimate - exact).abs() / exact < 0.01, "{estimate} {exact}");
    }
    assert_eq!(found.profile.columns[2].histogram.iter().map(|bin| bin.count).sum::<u64>(), 32_561);
}

#[test]
fn banking_questions_are_text_and_keep_their_line_breaks() {
    let found = draft(&shared("banking77/train.csv"), Some("category"));
    assert_eq!(found.profile.rows, 10_003);
    assert_eq!(found.task, Some(Task::Multiclass));
    assert_eq!(found.contract.column("text").unwrap().kind, Some(FeatureKind::Text));
    let classes = found.contract.rules.iter().find_map(|rule| match &rule.check {
        Check::ValidValues { column, values } if column == "category" => Some(values.len()),
        _ => None,
    });
    assert_eq!(classes, Some(77));
    assert_eq!(found.profile.columns[1].distinct, 77);
    assert_eq!(found.profile.columns[1].top[0].value, "card_payment_fee_charged");
    assert_eq!(found.profile.columns[1].top[0].count, 187);
}

#[test]
fn birdstrikes_none_is_a_class_and_speed_may_be_missing() {
    let found = draft(&shared("birdstrikes/birdstrikes.csv"), Some("Effect Amount of damage"));
    assert_eq!(found.task, Some(Task::Multiclass));
    let label = &found.profile.columns[2];
    assert_eq!((label.missing, label.top[0].value.as_str(), label.top[0].count), (0, "None", 8939));
    assert_eq!(found.contract.column("Flight Date").unwrap().column_use, ColumnUse::Time);
    let speed = found.profile.columns.last().unwrap();
    assert_eq!((speed.column_type, speed.missing), (ColumnType::Integer, 2836));
    assert_eq!(found.profile.duplicate_rows, 24);
    assert_eq!(
        about(&found, Some("Effect Amount of damage")),
        [
            "too few rows of 2 classes: `C` (14) and `B` (1) / no statement about such a class can be certain; merge it with another, or label more"
        ]
    );
    assert!(found.contract.missing.is_empty(), "{:?}", found.contract.missing);
}

#[tokio::test]
async fn every_set_goes_in_by_its_own_contract_and_comes_out_in_three_splits() {
    for (file, label) in [
        ("telco-churn/Telco-Customer-Churn.csv", "Churn"),
        ("adult-income/adult.csv", "income-per-year"),
        ("banking77/train.csv", "category"),
        ("birdstrikes/birdstrikes.csv", "Effect Amount of damage"),
    ] {
        let found = draft(&shared(file), Some(label));
        let mut shelf = Shelf::new();
        let (ingested, parts) = shelf.ingest(&shared(file), Some(&found.contract));
        assert_eq!(ingested.profile, found.profile, "{file}");
        let broken: Vec<_> = ingested.report.breaches().collect();
        assert!(broken.is_empty(), "{file}: {broken:#?}");
        assert_eq!(ingested.split_rows.iter().sum::<u64>(), found.profile.rows);
        assert_eq!(parts.manifest.rows(), found.profile.rows);
        for split in [Split::Train, Split::Validation, Split::Holdout] {
            let request =
                ReadRequest { split: Some(split), columns: Some(vec![label.to_owned()]), ..Default::default() };
            let rows = read(&parts, Some(&found.contract), &request).await.unwrap();
            assert_eq!(rows.len() as u64, ingested.split_rows[split as usize], "{file} {split:?}");
        }
        let (again, _) = shelf.ingest(&shared(file), Some(&found.contract));
        assert_eq!(again.manifest, ingested.manifest);
        assert!(again.new_parts.is_empty());
    }
}
