//! Where a version says it came from: a run's files, a logged model, another version. What a client says is checked
//! against the run or logged model that it names, so that no version can point to files of somebody else.

use crate::error::{Error, Result};
use crate::run::tracked::Tracking;
use remuda_model::model::registered::VersionStage;

/// What a client says.
#[derive(Clone, Debug, Default)]
pub struct Source {
    /// The address.
    pub uri: String,
    /// The run, if one was named; an empty text is a run that was named as none.
    pub run: Option<String>,
    /// The logged model, likewise.
    pub logged: Option<String>,
}

/// What it means.
#[derive(Clone, Debug)]
pub(super) struct Resolved {
    pub(super) uri: String,
    pub(super) run: Option<String>,
    pub(super) logged: Option<String>,
    /// Where the files lie.
    pub(super) storage: String,
}

/// A `models:/…` address.
#[derive(Clone, Debug, PartialEq, Eq)]
enum ModelAddress {
    Logged(String),
    Version(String, String),
    Alias(String, String),
    /// The newest of a stage, or of all.
    Newest(String, Option<String>),
}

/// Addresses that prompts have, which have no files.
const PROMPTS: [&str; 2] = ["dummy-source", "prompt-template"];

impl Tracking {
    /// Checks what a client says of a version's source, and finds out where the files lie.
    pub(super) async fn resolve_source(&self, given: &Source, is_prompt: bool) -> Result<Resolved> {
        let named = |name: &Option<String>| name.clone().filter(|name| !name.is_empty());
        let (run, logged) = (named(&given.run), named(&given.logged));
        if is_prompt {
            if !PROMPTS.contains(&given.uri.as_str()) {
                let why = "Prompt sources must use an MLflow placeholder.";
                return Err(invalid(format!("Invalid prompt source: '{}'. {why}", given.uri)));
            }
            return Ok(Resolved { uri: given.uri.clone(), run, logged, storage: given.uri.clone() });
        }
        refuse_host_of_ours(&given.uri)?;
        let mut resolved = Resolved { uri: given.uri.clone(), run, logged, storage: given.uri.clone() };
        if scheme(&given.uri) == "models" {
            self.follow_version(given, &mut resolved).await?;
        }
        let kind = if resolved.logged.is_some() { "model_id" } else { "run_id" };
        if is_local(&resolved.uri) {
            return Err(invalid(format!(
                "Invalid model version source: '{}'. To use a local path as a model version source, the {kind} request \
                 parameter has to be specified and the local path has to be contained within the artifact directory of \
                 the run specified by the {kind}.",
                resolved.uri
            )));
        }
        refuse_relative(&resolved.uri)?;
        self.check_owner(&resolved, kind).await?;
        resolved.storage = self.storage(&mut resolved).await?;
        Ok(resolved)
    }

    /// A version as a source: it is named by its number, and its run and logged model are this one's too.
    async fn follow_version(&self, given: &Source, resolved: &mut Resolved) -> Result<()> {
        if has_host(&given.uri) {
            let why = "Registered model sources must use the active model registry.";
            return Err(invalid(format!("Invalid model version source: '{}'. {why}", given.uri)));
        }
        let address = model_address(&given.uri).ok_or_else(|| must_identify(&given.uri, "model_id"))?;
        let (name, version) = match address {
            ModelAddress::Logged(_) => return Ok(()),
            ModelAddress::Version(name, digits) => {
                let number = digits.parse().map_err(|_| must_identify(&given.uri, "model_id"))?;
                let version = self.version(&name, number).await?;
                (name, version)
            }
            ModelAddress::Alias(name, alias) => {
                let version = self.version_by_alias(&name, &alias).await?;
                (name, version)
            }
            ModelAddress::Newest(name, stage) => {
                let stages = match &stage {
                    None => Vec::new(),
                    Some(word) => vec![read_stage(word)?],
                };
                let newest = self.latest_versions(&name, &stages).await?;
                let newest = newest.into_iter().max_by_key(|version| version.version);
                let of = stage.map(|stage| format!(" and stage '{stage}'")).unwrap_or_default();
                let none = || invalid(format!("No versions of model with name '{name}'{of} found"));
                (name.clone(), newest.ok_or_else(none)?)
            }
        };
        if self.registered(&name).await?.is_prompt() {
            let why = "Prompt versions cannot be used as model version sources.";
            return Err(invalid(format!("Invalid model version source: '{}'. {why}", given.uri)));
        }
        let differs = |said: &Option<String>, known: &Option<String>| {
            said.as_ref().is_some_and(|said| *said != known.clone().unwrap_or_default())
        };
        if differs(&given.run, &version.run) || differs(&given.logged, &version.logged) {
            return Err(invalid(format!(
                "Invalid model version source: '{}'. The run_id and model_id request parameters must match the \
                 referenced model version.",
                given.uri
            )));
        }
        resolved.uri = format!("models:/{name}/{}", version.version);
        resolved.run = version.run;
        resolved.logged = version.logged;
        resolved.storage = version.storage;
        Ok(())
    }

    /// That the run or logged model which was named holds the source.
    async fn check_owner(&self, resolved: &Resolved, kind: &str) -> Result<()> {
        let uri = resolved.uri.as_str();
        let refused = || must_identify(uri, kind);
        match scheme(uri).as_str() {
            "runs" => {
                let (run, _) = runs_address(uri).ok_or_else(|| {
                    let form = "Runs URIs must be of the form 'runs:/<run_id>/run-relative/path/to/artifact'";
                    invalid(format!("Not a proper runs:/ URI: {uri}. {form}"))
                })?;
                let named = resolved.logged.is_none() && resolved.run.as_deref() == Some(run);
                if named && !has_host(uri) { Ok(()) } else { Err(refused()) }
            }
            "models" => match model_address(uri) {
                Some(ModelAddress::Logged(id)) if resolved.logged.as_deref() != Some(id.as_str()) => Err(refused()),
                _ => Ok(()),
            },
            _ if is_proxied(uri) => {
                let root = match (&resolved.logged, &resolved.run) {
                    (Some(id), _) => self.logged(id, false).await.map(|model| model.artifacts),
                    (None, Some(run)) => self.run(run).await.map(|run| run.artifacts),
                    (None, None) => return Err(refused()),
                };
                let root = root.map_err(|error| if error.code == "request.not_found" { refused() } else { error })?;
                if is_within(uri, &root) { Ok(()) } else { Err(refused()) }
            }
            _ => Ok(()),
        }
    }

    /// Where the files lie; a logged model's run becomes the version's.
    async fn storage(&self, resolved: &mut Resolved) -> Result<String> {
        let uri = resolved.uri.clone();
        let model = match model_address(&uri) {
            Some(ModelAddress::Logged(id)) => Some(self.logged(&id, false).await.map_err(|error| {
                invalid(format!(
                    "Unable to fetch model from model URI source artifact location '{uri}'. Error: {}",
                    error.message
                ))
            })?),
            _ => match &resolved.logged {
                Some(id) if resolved.run.is_none() => Some(self.logged(id, false).await?),
                _ => None,
            },
        };
        if let Some(model) = &model
            && resolved.run.is_none()
        {
            resolved.run.clone_from(&model.source_run);
        }
        if let Some((run, path)) = runs_address(&uri) {
            // The client may name a run of another server: then the address stays as it is.
            return Ok(match self.run(run).await {
                Ok(found) => format!("{}/{path}", found.artifacts).trim_end_matches('/').to_owned(),
                Err(_) => uri.clone(),
            });
        }
        Ok(match model_address(&uri) {
            Some(ModelAddress::Logged(_)) => model.map(|model| model.artifacts).unwrap_or_default(),
            _ => resolved.storage.clone(),
        })
    }
}

fn invalid(message: String) -> Error {
    Error::new("request.invalid", message)
}

fn must_identify(uri: &str, kind: &str) -> Error {
    invalid(format!(
        "Invalid model version source: '{uri}'. The {kind} request parameter must identify the resource that contains \
         the source."
    ))
}

/// Reads a stage, with the message that clients know.
///
/// # Errors
/// There is none of that name.
pub fn read_stage(word: &str) -> Result<VersionStage> {
    VersionStage::parse(word).ok_or_else(|| {
        let known: Vec<&str> = VersionStage::ALL.into_iter().map(VersionStage::as_str).collect();
        invalid(format!("Invalid Model Version stage: {word}. Value must be one of {}.", known.join(", ")))
    })
}

/// What stands before the first colon, in lower case; empty for a path.
fn scheme(uri: &str) -> String {
    let (scheme, _) = uri.split_once(':').unwrap_or_default();
    let fits = scheme.starts_with(|letter: char| letter.is_ascii_alphabetic())
        && scheme.chars().all(|letter| letter.is_ascii_alphanumeric() || "+-.".contains(letter));
    if fits { scheme.to_ascii_lowercase() } else { String::new() }
}

/// What follows the scheme.
fn rest(uri: &str) -> &str {
    if scheme(uri).is_empty() { uri } else { uri.split_once(':').map_or(uri, |(_, rest)| rest) }
}

/// The host of an address, with its port.
fn host(uri: &str) -> &str {
    rest(uri).strip_prefix("//").map_or("", |rest| rest.split(['/', '?', '#']).next().unwrap_or_default())
}

fn has_host(uri: &str) -> bool {
    !host(uri).is_empty()
}

/// The path of an address, without query and fragment.
fn path(uri: &str) -> &str {
    let rest = rest(uri);
    let path = rest.strip_prefix("//").map_or(rest, |rest| rest.find('/').map_or("", |slash| &rest[slash..]));
    path.split(['?', '#']).next().unwrap_or_default()
}

/// Whether it is a path of this machine.
fn is_local(uri: &str) -> bool {
    matches!(scheme(uri).as_str(), "" | "file")
}

/// Whether it points into an artifact store that a server like this one hands out.
fn is_proxied(uri: &str) -> bool {
    let parts = parts(uri);
    let route = ["api", "2.0", "mlflow-artifacts", "artifacts"];
    match scheme(uri).as_str() {
        "mlflow-artifacts" => true,
        "http" | "https" => parts.windows(route.len()).any(|window| window == route),
        _ => false,
    }
}

/// The parts of a path, each decoded until nothing is left to decode.
fn parts(uri: &str) -> Vec<String> {
    path(uri).split('/').filter(|part| !part.is_empty()).map(decoded).collect()
}

fn is_within(uri: &str, root: &str) -> bool {
    let (inner, outer) = (parts(uri), parts(root));
    scheme(uri) == scheme(root)
        && host(uri).eq_ignore_ascii_case(host(root))
        && !outer.is_empty()
        && inner.starts_with(&outer)
}

/// A text with its `%41` decoded, again and again: what is hidden twice is found too.
fn decoded(text: &str) -> String {
    let mut text = text.to_owned();
    loop {
        let once = decoded_once(&text);
        if once == text {
            return text;
        }
        text = once;
    }
}

fn decoded_once(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let digits = after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()).filter(|_| first == b'%') {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Refuses an address that climbs out of the folder that it names.
fn refuse_relative(uri: &str) -> Result<()> {
    let plain = decoded(&uri.replace('+', " "));
    let climbs = plain.split(['/', '\\']).any(|part| part == "..");
    let odd = path(&plain).split('/').any(|part| part == ".") || plain.contains('\0');
    if climbs || odd {
        return Err(invalid(format!(
            "Invalid model version source: '{uri}'. If supplying a source as an http, https, local file path, ftp, \
             objectstore, or mlflow-artifacts uri, an absolute path must be provided without relative path references \
             present. Please provide an absolute path."
        )));
    }
    Ok(())
}

/// Refuses addresses that would make a server open connections to a host of the client's choice.
fn refuse_host_of_ours(uri: &str) -> Result<()> {
    let scheme = scheme(uri);
    if matches!(scheme.as_str(), "ftp" | "sftp" | "hdfs" | "viewfs") {
        return Err(invalid(format!(
            "Invalid source: the scheme '{scheme}' names a host that files would be fetched from; it is not allowed here"
        )));
    }
    Ok(())
}

/// Run and path of `runs:/RUN/PATH`.
fn runs_address(uri: &str) -> Option<(&str, &str)> {
    let path = (scheme(uri) == "runs").then(|| path(uri).strip_prefix('/'))??;
    let (run, path) = path.split_once('/').unwrap_or((path, ""));
    (!run.is_empty()).then_some((run, path))
}

/// What a `models:/…` address means.
fn model_address(uri: &str) -> Option<ModelAddress> {
    let path = (scheme(uri) == "models").then(|| path(uri).strip_prefix('/'))??;
    let (name, suffix) = match path.split_once('/') {
        Some((_, suffix)) if suffix.contains('/') || suffix.trim().is_empty() => return None,
        Some((name, suffix)) => (name, Some(suffix)),
        None => (path, None),
    };
    if name.trim().is_empty() {
        return None;
    }
    let owned = name.to_owned();
    Some(match suffix {
        Some(digits) if digits.chars().all(|digit| digit.is_ascii_digit()) => {
            ModelAddress::Version(owned, digits.to_owned())
        }
        Some(latest) if latest.eq_ignore_ascii_case("latest") => ModelAddress::Newest(owned, None),
        Some(stage) => ModelAddress::Newest(owned, Some(stage.to_owned())),
        None => match name.rsplit_once('@') {
            Some((_, alias)) if alias.trim().is_empty() => return None,
            Some((name, alias)) => ModelAddress::Alias(name.to_owned(), alias.to_owned()),
            None => ModelAddress::Logged(owned),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_apart() {
        assert_eq!(runs_address("runs:/abc/model/x"), Some(("abc", "model/x")));
        assert_eq!(runs_address("runs:/abc"), Some(("abc", "")));
        assert_eq!(runs_address("runs:/"), None);
        let logged = |id: &str| Some(ModelAddress::Logged(id.to_owned()));
        assert_eq!(model_address("models:/m-1"), logged("m-1"));
        let version = Some(ModelAddress::Version("churn".to_owned(), "3".to_owned()));
        assert_eq!(model_address("models:/churn/3"), version);
        assert_eq!(model_address("models:/churn/Latest"), Some(ModelAddress::Newest("churn".to_owned(), None)));
        let alias = Some(ModelAddress::Alias("churn".to_owned(), "champion".to_owned()));
        assert_eq!(model_address("models:/churn@champion"), alias);
        for bad in ["models:/", "models:/a/", "models:/a/1/b", "models:/a@", "models:a"] {
            assert_eq!(model_address(bad), None, "{bad}");
        }
    }

    #[test]
    fn no_address_climbs_out_of_its_folder() {
        for bad in [
            "mlflow-artifacts://host:1/../../../../",
            "http://host/api/2.0/mlflow-artifacts/artifacts/../../",
            "s3:/bucket/models/path/../../other/path",
            "mlflow-artifacts://host:1/..%2f..%2f..%2f",
            "mlflow-artifacts://host:1/models/..%252f..%252f",
            "mlflow-artifacts:/1/%2e%2e/2",
            "http://host/api/2.0/mlflow-artifacts/artifacts%00",
            "https://host/models/artifacts/./x",
        ] {
            assert!(refuse_relative(bad).is_err(), "{bad}");
        }
        for good in ["s3://bucket/models/a..b", "mlflow-artifacts:/1/abc/artifacts/model", "runs:/a/model"] {
            assert!(refuse_relative(good).is_ok(), "{good}");
        }
        assert!(is_within("mlflow-artifacts:/1/run/artifacts/model", "mlflow-artifacts:/1/run/artifacts"));
        assert!(is_within("mlflow-artifacts:/1/r%75n/artifacts", "mlflow-artifacts:/1/run/artifacts"));
        assert!(!is_within("mlflow-artifacts:/1/run2/artifacts", "mlflow-artifacts:/1/run/artifacts"));
        assert!(!is_within("mlflow-artifacts://other/1/run/artifacts", "mlflow-artifacts:/1/run/artifacts"));
    }
}
