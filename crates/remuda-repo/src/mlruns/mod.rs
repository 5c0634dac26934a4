//! MLflow's file store, a folder `mlruns/`: experiments and runs on their way in (`read.rs`), and out (`write.rs`).
//!
//! A folder of an experiment holds `meta.yaml`, its tags, its datasets, and a folder for each run with `meta.yaml`, one
//! file per parameter, tag and metric. Deleted experiments lie in `.trash/`.

mod read;
mod write;

pub use read::MlflowFolder;
pub use write::{FolderWriter, RunFolder};

/// What describes an experiment, a run, a dataset.
const META: &str = "meta.yaml";
/// Where deleted experiments lie.
const TRASH: &str = ".trash";
/// Folders of an experiment that are no runs.
const RESERVED: [&str; 4] = ["tags", "datasets", "traces", "models"];
/// The tag that says what a dataset was read for.
const CONTEXT: &str = "mlflow.data.context";
