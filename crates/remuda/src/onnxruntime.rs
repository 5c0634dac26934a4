//! Where ONNX Runtime's library lies on this machine: named by a variable, or in the Python environment that is active.
//! Only names are made here; a library is opened when a model needs it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The places to look, in order. A place that was named is the only one, so that no other library is taken silently.
pub(crate) fn places() -> Vec<PathBuf> {
    places_in(&|name| std::env::var_os(name).filter(|value| !value.is_empty()))
}

fn places_in(variable: &dyn Fn(&str) -> Option<OsString>) -> Vec<PathBuf> {
    if let Some(named) = variable("REMUDA_ONNXRUNTIME").or_else(|| variable("ORT_DYLIB_PATH")) {
        let named = PathBuf::from(named);
        return if named.is_dir() { libraries(&named) } else { vec![named] };
    }
    let active = ["VIRTUAL_ENV", "CONDA_PREFIX"].iter().filter_map(|name| variable(name).map(PathBuf::from));
    let mut found: Vec<PathBuf> = active.flat_map(|environment| in_environment(&environment)).collect();
    if let Some(path) = variable("PATH") {
        // The first Python of the path is the one that a script would get.
        let first = std::env::split_paths(&path)
            .filter(|folder| folder.is_absolute())
            .find(|folder| folder.join("python3").is_file() || folder.join("python").is_file());
        found.extend(first.as_deref().and_then(Path::parent).map(in_environment).unwrap_or_default());
    }
    let mut distinct = Vec::new();
    for place in found {
        if !distinct.contains(&place) {
            distinct.push(place);
        }
    }
    distinct
}

/// The libraries in the wheel `onnxruntime` of a Python environment.
fn in_environment(environment: &Path) -> Vec<PathBuf> {
    let mut packages = vec![environment.join("Lib/site-packages")];
    for entry in std::fs::read_dir(environment.join("lib")).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with("python3") {
            packages.extend(["site-packages", "dist-packages"].map(|folder| entry.path().join(folder)));
        }
    }
    packages.sort();
    packages.iter().flat_map(|folder| libraries(&folder.join("onnxruntime/capi"))).collect()
}

fn libraries(folder: &Path) -> Vec<PathBuf> {
    let is_library = |name: &str| {
        name == "onnxruntime.dll"
            || name.starts_with("libonnxruntime.so")
            || (name.starts_with("libonnxruntime.") && name.ends_with(".dylib"))
    };
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> =
        entries.filter(|entry| is_library(&entry.file_name().to_string_lossy())).map(|entry| entry.path()).collect();
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

    use super::*;

    fn touch(path: &Path) -> PathBuf {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, "").unwrap();
        path.to_owned()
    }

    #[test]
    fn a_named_library_is_the_only_one() {
        let folder = tempfile::tempdir().unwrap();
        touch(&folder.path().join("lib/python3.11/site-packages/onnxruntime/capi/libonnxruntime.so.1.30.0"));
        let root = folder.path().as_os_str().to_owned();
        let named = |name: &str| match name {
            "ORT_DYLIB_PATH" => Some("/opt/own.so".into()),
            "VIRTUAL_ENV" => Some(root.clone()),
            _ => None,
        };
        assert_eq!(places_in(&named), [Path::new("/opt/own.so")]);
        let both = |name: &str| if name == "REMUDA_ONNXRUNTIME" { Some("/opt/first.so".into()) } else { named(name) };
        assert_eq!(places_in(&both), [Path::new("/opt/first.so")]);
    }

    #[test]
    fn the_active_python_is_asked_first_then_the_first_of_the_path() {
        let folder = tempfile::tempdir().unwrap();
        let capi =
            |environment: &str| folder.path().join(environment).join("lib/python3.11/site-packages/onnxruntime/capi");
        let active = touch(&capi("active").join("libonnxruntime.so.1.30.0"));
        let first = touch(&capi("first").join("libonnxruntime.so.1.28.0"));
        touch(&capi("first").join("libonnxruntime_providers_shared.so"));
        touch(&capi("second").join("libonnxruntime.so.1.27.0"));
        touch(&folder.path().join("first/bin/python3"));
        touch(&folder.path().join("second/bin/python3"));
        let path =
            std::env::join_paths(["none/bin", "first/bin", "second/bin"].map(|bin| folder.path().join(bin))).unwrap();
        let variable = |name: &str| match name {
            "VIRTUAL_ENV" => Some(folder.path().join("active").into_os_string()),
            "PATH" => Some(path.clone()),
            _ => None,
        };
        assert_eq!(places_in(&variable), [active, first]);
        assert!(places_in(&|_| None).is_empty());
    }
}
