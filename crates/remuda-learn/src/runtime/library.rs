//! The library: found, loaded once, kept until the process ends. Whatever goes wrong on the way becomes an error: the crate
//! that binds it panics where an interface is missing, so every call into it is guarded.

use super::OnnxRuntime;
use crate::error::LearnError;
use ort::environment::Environment;
use ort::logging::LogLevel;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

/// The one environment of this process. It is never dropped: the library may not be loaded twice.
static ENVIRONMENT: Mutex<Option<Environment>> = Mutex::new(None);

/// The environment, after the library was loaded from the first place that has one that fits.
pub(super) fn environment(runtime: &OnnxRuntime) -> Result<Environment, LearnError> {
    let mut known = ENVIRONMENT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(environment) = known.as_ref() {
        return Ok(environment.clone());
    }
    let mut problems = Vec::new();
    for place in &runtime.places {
        match guarded(|| open(place)).and_then(|opened| opened) {
            Ok(environment) => return Ok(known.insert(environment).clone()),
            Err(problem) => problems.push(problem),
        }
    }
    let none = "its library was not found".to_owned();
    Err(LearnError::RuntimeMissing { problem: if problems.is_empty() { none } else { problems.join("; ") } })
}

fn open(place: &Path) -> Result<Environment, String> {
    if !place.is_file() {
        return Err(format!("{} is no file", place.display()));
    }
    let absolute = std::path::absolute(place).map_err(|error| format!("{}: {error}", place.display()))?;
    let builder = ort::init_from(absolute).map_err(explain)?;
    // Nothing is reported to anybody, and what it would print has no place on our terminal: errors come back as errors.
    let silent = builder.with_telemetry(false).with_logger(Arc::new(|_, _, _, _, _| {}));
    let environment = silent.build().map_err(|error| format!("{}: {error}", place.display()))?;
    environment.set_log_level(LogLevel::Fatal);
    Ok(environment)
}

fn explain(error: ort::LoadDynamicError) -> String {
    match error {
        ort::LoadDynamicError::BadVersion { version_str, path } => {
            format!("{} is version {version_str}, and 1.{} at least is needed", path.display(), ort::MINOR_VERSION)
        }
        ort::LoadDynamicError::MissingApi { path } => format!("{} is another library", path.display()),
        other => other.to_string(),
    }
}

/// Runs a call into the library; a panic on the way is a problem like any other.
pub(super) fn guarded<T>(call: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(call)).map_err(|panic| {
        let said = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
        format!("its interface broke: {}", said.unwrap_or("no reason was given"))
    })
}
