//! What is live.

use super::run::metric;
use super::{HOUR, NOW, gate};
use remuda_app::serving::{Alert, ColumnDrift, InputColumn, LabelShare, LivePage, MetricBucket, Share, TrafficBucket};
use remuda_model::data::ColumnType;
use remuda_model::team::Role;

pub(crate) fn page() -> LivePage {
    let width = 6 * HOUR;
    let start = NOW - 120 * width;
    let traffic = (0..120i64).map(|index| {
        let day = (index % 4) as f64;
        let count = (90.0 + 60.0 * (day * 1.6).sin() + index as f64 * 0.9) as u64;
        TrafficBucket { start: start + index * width, width, count, mean_microseconds: 310.0 + day * 20.0 }
    });
    let history = (0..28i64).map(|index| MetricBucket {
        start: start + index * 4 * width,
        width: 4 * width,
        metric: metric(
            "accuracy",
            0.81 - 0.0022 * index as f64 + 0.008 * (index as f64 * 1.3).sin(),
            0.02 + 0.0008 * index as f64,
            380,
        ),
    });
    let share = |name: &str, training, live| Share { name: name.into(), training, live };
    let drift = |column: &str, distance, drifted, shares: Vec<Share>| ColumnDrift {
        column: column.into(),
        distance,
        by_chance: 0.0187,
        p_value: if drifted { 0.00001 } else { 0.41 },
        rows: 14_820,
        drifted,
        shares,
    };
    LivePage {
        endpoint: "churn".into(),
        on_duty: Some("operations".into()),
        release: Some(gate::release_line(true)),
        inputs: vec![
            InputColumn { name: "tenure".into(), column_type: ColumnType::Integer, required: true },
            InputColumn { name: "MonthlyCharges".into(), column_type: ColumnType::Number, required: true },
            InputColumn { name: "Contract".into(), column_type: ColumnType::String, required: false },
        ],
        predictions: 14_820,
        outcomes: 9_204,
        measured: 9_204,
        traffic: traffic.collect(),
        metrics: vec![metric("accuracy", 0.7814, 0.0085, 9_204), metric("recall of Yes", 0.532, 0.019, 2_603)],
        expected: vec![metric("accuracy", 0.7752, 0.0041, 5_000), metric("recall of Yes", 0.524, 0.011, 5_000)],
        metric_history: history.collect(),
        unwatched: vec!["notes".into()],
        drift: vec![
            drift(
                "tenure",
                0.0121,
                false,
                vec![
                    share("0 to 9", 0.27, 0.29),
                    share("9 to 29", 0.25, 0.24),
                    share("29 to 55", 0.24, 0.23),
                    share("55 to 72", 0.24, 0.24),
                ],
            ),
            drift(
                "PaymentMethod",
                0.3122,
                true,
                vec![
                    share("Electronic check", 0.336, 0.114),
                    share("Mailed check", 0.229, 0.221),
                    share("Bank transfer (automatic)", 0.219, 0.402),
                    share("Credit card (automatic)", 0.216, 0.263),
                ],
            ),
            drift(
                "Contract",
                0.044,
                false,
                vec![
                    share("Month-to-month", 0.55, 0.49),
                    share("Two year", 0.241, 0.28),
                    share("One year", 0.209, 0.23),
                ],
            ),
        ],
        labels: vec![
            LabelShare { label: "No".into(), predicted: 0.774, observed: Some(0.717) },
            LabelShare { label: "Yes".into(), predicted: 0.226, observed: None },
        ],
        alerts: vec![Alert {
            message: "`PaymentMethod` drifts: distance 0.31, and chance alone explains 0.02".into(),
            command: "remuda live".into(),
            roles: vec![Role::BackendEngineer],
        }],
        history: gate::history(),
        since: start,
        until: NOW,
    }
}

pub(crate) fn empty() -> LivePage {
    LivePage {
        endpoint: "churn".into(),
        on_duty: None,
        release: None,
        inputs: Vec::new(),
        predictions: 0,
        outcomes: 0,
        measured: 0,
        traffic: Vec::new(),
        metrics: Vec::new(),
        expected: Vec::new(),
        metric_history: Vec::new(),
        drift: Vec::new(),
        unwatched: Vec::new(),
        labels: Vec::new(),
        alerts: Vec::new(),
        history: Vec::new(),
        since: NOW - 720 * HOUR,
        until: NOW,
    }
}
