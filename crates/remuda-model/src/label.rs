//! Labels: what a label column may say. (Schema versions, annotations and queues grow here.)

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The labels of a task: classes in a fixed order, or a number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LabelSpace {
    /// Classes in a fixed order; for a binary task with a positive class that class is last.
    Classes(Vec<String>),
    /// A number.
    Number,
}

impl LabelSpace {
    /// The classes, or none for a number.
    pub fn classes(&self) -> &[String] {
        match self {
            LabelSpace::Classes(classes) => classes,
            LabelSpace::Number => &[],
        }
    }
}
