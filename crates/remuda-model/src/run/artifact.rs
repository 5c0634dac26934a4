//! Paths of artifacts: names in a tree that only looks like folders, checked so that they mean the same everywhere.

use super::tracked::TrackedRun;

/// A path in the tree of artifacts: segments parted by slashes, none of them empty, `.` or `..`. The tree's own top is the
/// empty path.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ArtifactPath(String);

/// A text that is no path of an artifact.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Invalid path")]
pub struct InvalidPath;

/// Bytes of a path at most: what fits an index of either database.
const LONGEST: usize = 1024;

/// How often a text may have been percent-encoded: whoever reads the path later may decode it again.
const DECODINGS: usize = 8;

impl ArtifactPath {
    /// Reads a path. It may end with one slash.
    ///
    /// # Errors
    /// It is absolute, leaves its folder, holds an empty segment, a backslash, a `#`, a drive's letter or a control character, or
    /// would do so when it is decoded (again).
    pub fn parse(text: &str) -> Result<Self, InvalidPath> {
        let path = text.strip_suffix('/').unwrap_or(text);
        if text == "/" || path.len() > LONGEST {
            return Err(InvalidPath);
        }
        let mut read = path.to_owned();
        for _ in 0..DECODINGS {
            if !is_plain(&read) {
                return Err(InvalidPath);
            }
            match decoded(&read) {
                Some(next) => read = next,
                None => return Ok(Self(path.to_owned())),
            }
        }
        Err(InvalidPath)
    }

    /// The place in the tree that an address such as `mlflow-artifacts:/0/RUN/artifacts` stands for; `None` where the artifacts
    /// lie elsewhere (`s3://…`, `file:…`) and whoever logs them writes there.
    pub fn of_address(address: &str) -> Option<Self> {
        const ROUTE: &str = "/api/2.0/mlflow-artifacts/artifacts/";
        let (scheme, rest) = address.split_once(':')?;
        let path = match scheme {
            "mlflow-artifacts" => match rest.strip_prefix("//") {
                Some(rest) if !rest.starts_with('/') => rest.split_once('/').map_or("", |(_, path)| path),
                _ => rest,
            },
            "http" | "https" => rest.split_once(ROUTE)?.1,
            _ => return None,
        };
        Self::parse(path.trim_start_matches('/')).ok()
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is the top of the tree.
    pub fn is_top(&self) -> bool {
        self.0.is_empty()
    }

    /// The folder and the name in it; the top is in no folder.
    pub fn split(&self) -> (&str, &str) {
        self.0.rsplit_once('/').unwrap_or(("", &self.0))
    }

    /// The name in its folder.
    pub fn name(&self) -> &str {
        self.split().1
    }

    /// The path below this one.
    #[must_use]
    pub fn join(&self, below: &ArtifactPath) -> Self {
        match (self.0.as_str(), below.0.as_str()) {
            ("", _) => below.clone(),
            (_, "") => self.clone(),
            (folder, name) => Self(format!("{folder}/{name}")),
        }
    }
}

impl TrackedRun {
    /// Where its artifacts lie in the tree; `None` where its script writes them elsewhere.
    pub fn artifact_folder(&self) -> Option<ArtifactPath> {
        ArtifactPath::of_address(&self.artifacts)
    }
}

fn is_plain(path: &str) -> bool {
    let mut letters = path.chars();
    let drive = letters.next().is_some_and(|letter| letter.is_ascii_alphabetic()) && letters.next() == Some(':');
    let fine = |segment: &str| !matches!(segment, "" | "." | "..");
    !drive
        && !path.chars().any(|letter| letter.is_control() || matches!(letter, '\\' | '#'))
        && (path.is_empty() || path.split('/').all(fine))
}

/// The text with its `%XX` decoded; `None` if there are none. Bytes that are no UTF-8 become a character that is refused.
fn decoded(text: &str) -> Option<String> {
    let bytes = percent_decoded(text.as_bytes())?;
    Some(String::from_utf8(bytes).unwrap_or_else(|_| "\0".to_owned()))
}

/// The bytes with each `%XX` decoded; `None` if there are none.
pub fn percent_decoded(text: &[u8]) -> Option<Vec<u8>> {
    let digit = |byte: &u8| (*byte as char).to_digit(16);
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    let mut found = false;
    while let Some((first, after)) = rest.split_first() {
        match (first, after) {
            (b'%', [high, low, beyond @ ..]) if digit(high).is_some() && digit(low).is_some() => {
                let value = digit(high).unwrap_or_default() * 16 + digit(low).unwrap_or_default();
                bytes.push(u8::try_from(value).unwrap_or_default());
                found = true;
                rest = beyond;
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    found.then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::{ArtifactPath, InvalidPath};

    #[test]
    fn a_path_means_itself_or_is_refused() {
        for good in ["", "a", "0/run/artifacts/model/MLmodel", "größe/ü.csv", "a b/c:d", "100%.txt", "..a/b..", "a%20b"]
        {
            assert_eq!(ArtifactPath::parse(good).map(|path| path.as_str().to_owned()), Ok(good.to_owned()), "{good}");
        }
        assert_eq!(ArtifactPath::parse("a/b/").map(|path| path.as_str().to_owned()), Ok("a/b".to_owned()));
        let long = "x".repeat(1025);
        for bad in [
            "/",
            "/etc/passwd",
            "//a",
            "a//b",
            "a/b//",
            ".",
            "..",
            "../a",
            "a/../b",
            "a/..",
            "./a",
            "a\\b",
            "\\\\host\\share",
            "C:/a",
            "c:\\a",
            "a\0b",
            "a\nb",
            "a#b",
            "%2e%2e/a",
            "%2E%2e%2fa",
            "a/%2e%2e/b",
            "%252e%252e/a",
            "%25252e%25252e/a",
            "a%5cb",
            "a%255cb",
            "a%00",
            "a%2500b",
            "%2fetc/passwd",
            "a/%2fb",
            "C%3a/a",
            "a%ff",
            &long,
        ] {
            assert_eq!(ArtifactPath::parse(bad), Err(InvalidPath), "{bad:?}");
        }
    }

    #[test]
    fn an_address_is_ours_or_anothers() {
        let place = |address: &str| ArtifactPath::of_address(address).map(|path| path.as_str().to_owned());
        assert_eq!(place("mlflow-artifacts:/0/abc/artifacts"), Some("0/abc/artifacts".to_owned()));
        assert_eq!(place("mlflow-artifacts:///0/abc"), Some("0/abc".to_owned()));
        assert_eq!(place("mlflow-artifacts://host:5000/0/abc"), Some("0/abc".to_owned()));
        assert_eq!(place("mlflow-artifacts://host"), Some(String::new()));
        assert_eq!(place("http://h/api/2.0/mlflow-artifacts/artifacts/0/abc"), Some("0/abc".to_owned()));
        for elsewhere in ["s3://bucket/0", "file:///srv/x", "/srv/x", "mlflow-artifacts:/../x", "http://h/x", ""] {
            assert_eq!(place(elsewhere), None, "{elsewhere}");
        }
    }

    #[test]
    fn a_path_is_taken_apart_and_put_together() {
        let path = |text: &str| ArtifactPath::parse(text).unwrap_or_default();
        assert_eq!(path("a/b/c").split(), ("a/b", "c"));
        assert_eq!(path("c").split(), ("", "c"));
        assert_eq!(path("a").join(&path("b/c")), path("a/b/c"));
        assert_eq!(path("").join(&path("b")), path("b"));
        assert_eq!(path("a").join(&path("")), path("a"));
    }
}
