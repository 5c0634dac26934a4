//! Rows in memory: values, filters, chunks, requests, queries.

use crate::support::{Shelf, draft, shared};
use remuda_data::{DataError, ReadRequest, Rows, chunks, json_rows, json_table, read, run_sql};
use remuda_model::data::FeatureKind;
use remuda_model::table::{MISSING, Texts, Values};
use serde_json::{Map, Value, json};

async fn telco(filter: Option<&str>, columns: &[&str]) -> Result<Rows, DataError> {
    let path = shared("telco-churn/Telco-Customer-Churn.csv");
    let found = draft(&path, Some("Churn"));
    let mut shelf = Shelf::new();
    let (_, parts) = shelf.ingest(&path, Some(&found.contract));
    let columns = columns.iter().map(|column| (*column).to_owned()).collect();
    let request = ReadRequest { filter: filter.map(str::to_owned), columns: Some(columns), ..Default::default() };
    read(&parts, Some(&found.contract), &request).await
}

#[tokio::test]
async fn filters_read_columns_that_are_not_given_back() {
    let rows = telco(Some("gender = 'Male' and seniorcitizen = 1"), &["Churn", "TotalCharges"]).await.unwrap();
    assert_eq!(rows.columns().iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["Churn", "TotalCharges"]);
    assert_eq!(rows.len(), 574);
    // A missing total is neither above nor below.
    let rows = telco(None, &["TotalCharges", "customerID"]).await.unwrap();
    let count = |marks: Vec<bool>| marks.into_iter().filter(|mark| *mark).count();
    let above = count(rows.matching("totalcharges > 1000").await.unwrap());
    let below = count(rows.matching("not (totalcharges > 1000)").await.unwrap());
    assert_eq!(above + below, 7043 - 11);
    assert_eq!(count(rows.matching("TotalCharges is null").await.unwrap()), 11);
    let error = telco(Some("gendre = 'Male'"), &["Churn"]).await.unwrap_err();
    assert!(matches!(error, DataError::Predicate(error) if error.message.contains("did you mean `gender`?")));
    let error = telco(None, &["Chrun"]).await.unwrap_err();
    assert_eq!(error.to_string(), "there is no column `Chrun`; did you mean `Churn`?");
}

#[tokio::test]
async fn predictions_are_columns_like_any_other() {
    let mut rows = telco(Some("tenure < 3"), &["tenure", "Churn"]).await.unwrap();
    let scores: Vec<f64> = (0..rows.len()).map(|row| row as f64 / rows.len() as f64).collect();
    rows.set("score", Values::Number(scores)).unwrap();
    rows.set(
        "predicted",
        Values::Text(Texts::from_values((0..rows.len()).map(|row| Some(if row % 2 == 0 { "Yes" } else { "No" })))),
    )
    .unwrap();
    let marks = rows.matching("score >= 0.5 and predicted = 'Yes'").await.unwrap();
    assert_eq!(marks.iter().filter(|mark| **mark).count(), rows.len() / 4);
    assert_eq!(rows.row_json(0).unwrap()["predicted"], json!("Yes"));
    let error = rows.set("short", Values::Number(vec![1.0])).unwrap_err();
    assert!(error.to_string().starts_with("column `short` has 1 values"));
    let kept = rows.filter(&marks).unwrap();
    assert_eq!(kept.take(&[0]).unwrap().row_json(0), kept.row_json(0));
    let table =
        kept.table(&[("tenure".to_owned(), FeatureKind::Category), ("score".to_owned(), FeatureKind::Number)]).unwrap();
    assert!(matches!(&table.columns[0].values, Values::Text(_)));
    assert_eq!(table.rows, kept.len());
}

#[test]
fn any_file_streams_in_chunks_with_or_without_a_contract() {
    let path = shared("adult-income/adult.csv");
    let contract = draft(&path, Some("income-per-year")).contract;
    let sizes: Vec<usize> =
        chunks(&path, None, Some(&contract), 10_000).unwrap().map(|chunk| chunk.unwrap().len()).collect();
    assert_eq!(sizes, [10_000, 10_000, 10_000, 2561]);
    let shelf = Shelf::new();
    let outcomes = shelf.file("outcomes.csv", "id,outcome\n007,yes\n8,\n");
    let rows = chunks(&outcomes, None, None, 100).unwrap().next().unwrap().unwrap();
    assert_eq!(rows.text("id").unwrap().get(0), Some("007"));
    assert_eq!(rows.text("outcome").unwrap().codes, [0, MISSING]);
    let bad = shelf.file("bad.csv", "age,sex\n30,Male\nold,Female\n");
    let mut read = chunks(&bad, None, Some(&contract), 100).unwrap();
    assert_eq!(
        read.next().unwrap().unwrap_err().to_string(),
        "`bad.csv` line 3, column `age`: `old` is no integer; correct it, or leave the field empty if it is missing"
    );
    assert!(read.next().is_none());
}

fn object(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

#[test]
fn requests_are_typed_by_the_contract() {
    let mut contract = draft(&shared("adult-income/adult.csv"), Some("income-per-year")).contract;
    // No age is missing in the file, so the draft requires it; here one may be.
    contract.columns.iter_mut().filter(|column| column.name == "age").for_each(|column| column.required = false);
    let features = [("age".to_owned(), FeatureKind::Number), ("workclass".to_owned(), FeatureKind::Category)];
    let good = [object(json!({"age": 30, "workclass": "Private"})), object(json!({"age": null, "workclass": "?"}))];
    let table = json_table(&good, &contract, &features).unwrap();
    assert_eq!(table.columns[1].values, Values::Text(Texts::from_values([Some("Private"), None])));
    assert!(matches!(&table.columns[0].values, Values::Number(ages) if ages[0] == 30.0 && ages[1].is_nan()));
    assert_eq!(
        json_rows(&good, &contract).unwrap().row_json(1).unwrap(),
        object(json!({"age": null, "workclass": null}))
    );
    for (bad, said) in [
        (
            json!({"age": "30", "workclass": "Private"}),
            "row 1, column `age`: expected an integer or null, found the string `30`",
        ),
        (
            json!({"age": 30.5, "workclass": "Private"}),
            "row 1, column `age`: expected an integer or null, found the number 30.5",
        ),
        (
            json!({"age": 30, "workclass": 5}),
            "row 1, column `workclass`: expected a string or null, found the number 5",
        ),
        (json!({"age": 30, "workclas": "Private"}), "there is no column `workclass`; did you mean `workclas`?"),
        (json!({"age": 30}), "there is no column `workclass`"),
    ] {
        assert_eq!(json_table(&[object(bad)], &contract, &features).unwrap_err().to_string(), said);
    }
}

#[tokio::test]
async fn queries_run_over_versions() {
    let mut shelf = Shelf::new();
    let path = shared("birdstrikes/birdstrikes.csv");
    let (_, parts) = shelf.ingest(&path, None);
    let sql = "select \"Wildlife Size\" as size, count(*) as rows, avg(\"Speed IAS in knots\") as speed from strikes group by 1 order by rows desc";
    let rows = run_sql(sql, &[("strikes", &parts)]).await.unwrap();
    assert_eq!(rows.row_json(0).unwrap()["size"], json!("Small"));
    assert_eq!(rows.numbers("rows").unwrap().iter().sum::<f64>(), 10_000.0);
    for bad in [
        "drop table strikes",
        "select * from other",
        "copy strikes to 'x.csv'",
        "create table x as select 1",
        "set a = 1",
    ] {
        assert!(run_sql(bad, &[("strikes", &parts)]).await.is_err(), "{bad}");
    }
}
