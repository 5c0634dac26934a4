//! Loading a model version on its engine, checked and kept.

use crate::app::App;
use crate::error::{Error, Result};
use remuda_learn::{Golden, Predictor};
use remuda_model::Digest;
use remuda_model::model::{Engine, ModelVersion};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

/// A model's bytes, golden rows and engine.
type Key = (Digest, Digest, Engine);

/// Models that were loaded before.
#[derive(Default)]
pub struct Cache(Mutex<HashMap<Key, Arc<dyn Predictor>>>);

/// More loaded models than this are not kept.
const CACHED: usize = 16;

/// Loads a model for predictions: its bytes are checked against its digest, and its golden rows are predicted again
/// and held against the outputs that it was packaged with, whichever engine runs it.
pub(crate) async fn load(app: &App, version: &ModelVersion) -> Result<Arc<dyn Predictor>> {
    let key = (version.digest.clone(), version.golden.clone(), version.engine);
    if let Ok(cache) = app.models.0.lock()
        && let Some(known) = cache.get(&key)
    {
        return Ok(Arc::clone(known));
    }
    let onnx = app.blobs.get_checked(&version.digest).await?;
    let golden: Golden = serde_json::from_slice(&app.blobs.get_checked(&version.golden).await?)?;
    let (engine, runtime) = (version.engine, Arc::clone(&app.runtime));
    let work = move || -> Result<Arc<dyn Predictor>> {
        let predictor = remuda_learn::load_on(engine, &onnx, &runtime)?;
        remuda_learn::check_golden(predictor.as_ref(), &golden)?;
        Ok(predictor)
    };
    let predictor = tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| Error::new("internal", "loading stopped").caused_by(&error))??;
    if let Ok(mut cache) = app.models.0.lock() {
        if cache.len() >= CACHED {
            cache.clear();
        }
        cache.insert(key, Arc::clone(&predictor));
    }
    Ok(predictor)
}
