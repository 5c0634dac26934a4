//! Looking for secrets in files, values and words: what is found is named by place and kind, and never quoted.
//!
//! The formats are those that the issuers publish. A value behind a telling name counts only if it looks drawn at
//! random, so that a token of a vocabulary (`pad_token = "[PAD]"`) or a path is none. Hashes of lock files have no
//! telling name, and images within notebooks are passed over.

use regex::bytes::{Regex, RegexSet};
use remuda_model::run::captured::Withheld;
use std::sync::LazyLock;

/// How many bytes of a file are looked at, from its beginning.
pub const MOST_BYTES: u64 = 4 * 1024 * 1024;
/// How many findings of one file are named.
const MOST_FINDINGS: usize = 5;

/// Names of files that hold secrets whatever they say: the last part of the path, and what such a file is.
const NAMES: [(&str, &str); 11] = [
    (".env", "environment file"),
    (".netrc", "login file"),
    ("_netrc", "login file"),
    (".git-credentials", "login file"),
    (".pypirc", "login file"),
    (".pgpass", "login file"),
    ("id_rsa", "private key"),
    ("id_dsa", "private key"),
    ("id_ecdsa", "private key"),
    ("id_ed25519", "private key"),
    ("kaggle.json", "Kaggle key"),
];

/// Ends of paths that hold secrets.
const ENDS: [(&str, &str); 4] = [
    (".aws/credentials", "AWS credentials"),
    (".docker/config.json", "login file"),
    (".config/gcloud/application_default_credentials.json", "Google credentials"),
    (".cache/huggingface/token", "Hugging Face token"),
];

/// How a secret's value is to look before it counts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Look {
    /// The format alone says it.
    Any,
    /// As if drawn at random.
    Drawn,
    /// No placeholder.
    Real,
}

/// Formats: the kind, the pattern (its first group, if any, is the value), and how the value must look.
const FORMATS: [(&str, &str, Look); 18] = [
    ("private key", r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY(?: BLOCK)?-----[\sA-Za-z0-9+/=\\n]{20}", Look::Any),
    ("AWS access key", r"\b((?:AKIA|ASIA)[0-9A-Z]{16})\b", Look::Real),
    ("AWS secret key", r#"(?i)aws_?secret_?(?:access_?)?key["']?\s*[=:]\s*["']?([A-Za-z0-9/+]{40})\b"#, Look::Drawn),
    ("GitHub token", r"\bgh[pousr]_[A-Za-z0-9]{36,251}\b", Look::Any),
    ("GitHub token", r"\bgithub_pat_[A-Za-z0-9_]{50,}\b", Look::Any),
    ("GitLab token", r"\bglpat-[A-Za-z0-9_-]{20,}", Look::Any),
    ("Hugging Face token", r"\bhf_([A-Za-z0-9]{30,})\b", Look::Drawn),
    ("API key", r"\bsk-((?:[A-Za-z]+[0-9]*-)*[A-Za-z0-9_-]{20,})", Look::Drawn),
    ("Slack token", r"\bxox[abeoprs]-[A-Za-z0-9-]{20,}", Look::Any),
    ("Slack webhook", r"https://hooks\.slack\.com/services/T[A-Za-z0-9_]+/B[A-Za-z0-9_]+/[A-Za-z0-9_]{16,}", Look::Any),
    ("Google API key", r"\bAIza[0-9A-Za-z_-]{35}\b", Look::Any),
    ("Stripe key", r"\b[sr]k_live_[0-9A-Za-z]{20,}", Look::Any),
    ("PyPI token", r"\bpypi-AgEIcHlwaS5vcmc[A-Za-z0-9_-]{50,}", Look::Any),
    ("npm token", r"\bnpm_([A-Za-z0-9]{36})\b", Look::Drawn),
    ("Azure storage key", r"AccountKey=([A-Za-z0-9+/]{86}==)", Look::Any),
    ("JSON web token", r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{20,}", Look::Any),
    (
        "password in an address",
        r#"\b[a-z][a-z0-9+]{2,20}://[^/\s:@'"<>{}$]+:([^@/\s'"<>{}$]{6,})@[A-Za-z0-9]"#,
        Look::Real,
    ),
    (
        "value with a secret's name",
        r#"(?i)(?:token|api_?key|secret(?:_?key)?|access_?key|private_?key|passw(?:or)?d|passphrase)["']?\s*(?:=|:)\s*["']([^"'\s]{10,200})["']"#,
        Look::Drawn,
    ),
];

/// The formats, all in one and each by itself; empty only if a pattern above were wrong, which a test would show.
static PATTERNS: LazyLock<Option<(RegexSet, Vec<Regex>)>> = LazyLock::new(|| {
    let set = RegexSet::new(FORMATS.iter().map(|(_, pattern, _)| *pattern)).ok()?;
    let each = FORMATS.iter().map(|(_, pattern, _)| Regex::new(pattern)).collect::<Result<_, _>>().ok()?;
    Some((set, each))
});

/// Looks at a file: its path from the top, and its content (the beginning is enough).
pub fn scan_file(path: &str, content: &[u8]) -> Vec<Withheld> {
    let at = |line, kind: &str| Withheld { place: path.to_owned(), line, kind: kind.to_owned() };
    if let Some(kind) = kind_by_name(path).filter(|_| !content.is_empty()) {
        return vec![at(None, kind)];
    }
    let is_binary = content.iter().take(8_000).any(|byte| *byte == 0);
    if is_binary {
        return Vec::new();
    }
    let is_notebook = path.ends_with(".ipynb");
    let mut found = Vec::new();
    for (offset, kind) in matches(content) {
        let begin = content[..offset].iter().rposition(|byte| *byte == b'\n').map_or(0, |place| place + 1);
        if is_notebook && is_image(&content[begin..offset]) {
            continue;
        }
        let line = content[..begin].iter().filter(|byte| **byte == b'\n').count() as u64 + 1;
        found.push(at(Some(line), kind));
    }
    // One line, one secret: the formats are ordered from the surest to the vaguest.
    found.sort_by_key(|one| one.line);
    found.dedup_by_key(|one| one.line);
    found.truncate(MOST_FINDINGS);
    found
}

/// What a variable's value looks like, if it is a secret.
pub fn scan_variable(name: &str, value: &str) -> Option<&'static str> {
    if let Some(kind) = scan_word(value) {
        return Some(kind);
    }
    let upper = name.to_ascii_uppercase();
    let telling = ["TOKEN", "_KEY", "APIKEY", "PASSWORD", "PASSWD", "PASSPHRASE", "SECRET", "CREDENTIAL"];
    let named = telling.iter().any(|word| upper.contains(word));
    let plain = value.len() < 8 || value.parse::<f64>().is_ok() || matches!(value, "disabled" | "anonymous");
    (named && !plain).then_some("value with a secret's name")
}

/// What a word looks like, if it is a secret: its format alone, or `NAME=VALUE`.
pub fn scan_word(word: &str) -> Option<&'static str> {
    matches(word.as_bytes()).into_iter().next().map(|(_, kind)| kind)
}

/// Where each secret begins, and its kind.
fn matches(content: &[u8]) -> Vec<(usize, &'static str)> {
    let Some((set, each)) = PATTERNS.as_ref() else { return Vec::new() };
    let mut found = Vec::new();
    for index in set.matches(content) {
        let (kind, _, look) = FORMATS[index];
        for captures in each[index].captures_iter(content) {
            let (Some(whole), value) = (captures.get(0), captures.get(1).or(captures.get(0))) else { continue };
            let value = value.map_or(&[][..], |value| value.as_bytes());
            let counts = match look {
                Look::Any => true,
                Look::Real => !is_placeholder(value),
                Look::Drawn => !is_placeholder(value) && looks_drawn(value),
            };
            if counts {
                found.push((whole.start(), kind));
            }
        }
    }
    found
}

fn kind_by_name(path: &str) -> Option<&'static str> {
    let name = path.rsplit('/').next().unwrap_or(path);
    let sample = ["example", "sample", "template", "dist", "defaults"].iter().any(|word| name.ends_with(word));
    if let Some((_, kind)) = NAMES.iter().find(|(known, _)| *known == name) {
        return Some(kind);
    }
    if name.starts_with(".env.") && !sample {
        return Some("environment file");
    }
    let ends = |end: &str| path == end || path.strip_suffix(end).is_some_and(|rest| rest.ends_with('/'));
    ENDS.iter().find(|(end, _)| ends(end)).map(|(_, kind)| *kind)
}

/// The line of a notebook's output that holds an image.
fn is_image(line: &[u8]) -> bool {
    let line = line.trim_ascii_start();
    line.starts_with(b"\"image/") || line.starts_with(b"\"data:image/")
}

/// `EXAMPLE`, `your-token-here`, `${TOKEN}`, `xxxxxxxx`: nobody's secret.
fn is_placeholder(value: &[u8]) -> bool {
    let text = String::from_utf8_lossy(value).to_ascii_lowercase();
    let words =
        ["example", "your", "placeholder", "changeme", "change_me", "dummy", "secret_here", "password", "redacted"];
    let open = ["${", "{{", "<", "%(", "os.environ", "getenv", "$("];
    let mut letters: Vec<u8> = value.to_vec();
    letters.sort_unstable();
    letters.dedup();
    words.iter().any(|word| text.contains(word)) || open.iter().any(|mark| text.contains(mark)) || letters.len() < 5
}

/// Whether a value looks drawn at random: letters and digits mixed, and at least 3.2 bits of Shannon's entropy for
/// each byte. (A hexadecimal digest of 40 digits has about 3.8, an English word of 12 letters about 3.0.)
fn looks_drawn(value: &[u8]) -> bool {
    let digits = value.iter().filter(|byte| byte.is_ascii_digit()).count();
    let letters = value.iter().filter(|byte| byte.is_ascii_alphabetic()).count();
    let path =
        value.contains(&b'/') && !value.contains(&b'+') && value.iter().filter(|byte| **byte == b'/').count() > 1;
    // Words joined by marks, as in `sk-toggleable__label-arrow` or `customer_id_2024`.
    let longest_run = value.split(|byte| !byte.is_ascii_alphanumeric()).map(<[u8]>::len).max().unwrap_or(0);
    digits >= 2 && letters >= 2 && !path && longest_run >= 10 && entropy(value) >= 3.2
}

/// Shannon's entropy of the bytes, in bits for each.
fn entropy(value: &[u8]) -> f64 {
    let mut counts = [0_u32; 256];
    for byte in value {
        counts[*byte as usize] += 1;
    }
    let total = value.len() as f64;
    let share = |count: &u32| f64::from(*count) / total;
    counts.iter().filter(|count| **count > 0).map(share).map(|share| -share * share.log2()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(path: &str, text: &str) -> Vec<(Option<u64>, String)> {
        scan_file(path, text.as_bytes()).into_iter().map(|found| (found.line, found.kind)).collect()
    }

    /// A value that looks drawn and is nobody's: made here, so that no scanner stumbles over this file.
    fn drawn(length: usize) -> String {
        let letters = b"aB3dE5fG7hJ9kL2mN4pQ6rS8tU0vW1xY";
        (0..length).map(|place| letters[(place * 7 + place / 5) % letters.len()] as char).collect()
    }

    #[test]
    fn every_pattern_is_one() {
        assert!(PATTERNS.is_some());
    }

    #[test]
    fn each_kind_of_secret_is_found_with_its_line() {
        let key = format!("-----BEGIN {}KEY-----\n{}\n", "RSA PRIVATE ", drawn(64));
        for (text, kind) in [
            (key, "private key"),
            (format!("id = '{}{}'", "AKIA", "Q3EGRJ7KX5LMN2PT"), "AWS access key"),
            (format!("aws_secret_access_key = {}", drawn(40)), "AWS secret key"),
            (format!("git clone https://{}{}@x", "ghp_", drawn(36)), "GitHub token"),
            (format!("login('{}{}')", "hf_", drawn(34)), "Hugging Face token"),
            (format!("client = OpenAI('{}{}')", "sk-proj-", drawn(48)), "API key"),
            (format!("{}{}", "xoxb-", drawn(30)), "Slack token"),
            (format!("postgres://bob:{}@db", "h7Jq92kd"), "password in an address"),
            (format!("WANDB_API_KEY = \"{}\"", drawn(40)), "value with a secret's name"),
            (format!("{{\"password\": \"{}\"}}", drawn(16)), "value with a secret's name"),
        ] {
            let found = kinds("train.py", &format!("import x\n{text}\n"));
            assert_eq!(found, [(Some(2), kind.to_owned())], "{text}");
        }
        for (path, kind) in [
            (".env", "environment file"),
            ("config/.env.production", "environment file"),
            ("home/.aws/credentials", "AWS credentials"),
            (".netrc", "login file"),
            ("keys/id_ed25519", "private key"),
        ] {
            assert_eq!(kinds(path, "A=1"), [(None, kind.to_owned())], "{path}");
        }
    }

    #[test]
    fn what_only_resembles_a_secret_passes() {
        let hash = drawn(64).to_ascii_lowercase();
        for (path, text) in [
            ("uv.lock", format!("{{ url = \"https://x\", hash = \"sha256:{hash}\" }}")),
            ("requirements.txt", format!("numpy==1.0 --hash=sha256:{hash}")),
            ("a.py", "pad_token = \"[PAD]\"\ntoken = 'placeholder-value'\nsecret = os.environ['SECRET']".to_owned()),
            ("a.py", "API_KEY = \"your-api-key-goes-here-123\"".to_owned()),
            ("a.py", "tokenizer = 'bert-base-uncased-v2'\nmask_token='<mask>1234567'".to_owned()),
            (
                "a.html",
                "<div class=\"sk-toggleable__label-arrow sk-estimator-doc-link sk-container-id-12\">".to_owned(),
            ),
            ("a.py", "url = 'postgres://user:{password}@host/db'".to_owned()),
            ("a.py", format!("id = '{}IOSFODNN7EXAMPLE'", "AKIA")),
            ("a.ipynb", format!("\n      \"image/png\": \"{}hf_{}\"", drawn(20), drawn(40))),
            (".env.example", "A=1".to_owned()),
            (".env", String::new()),
        ] {
            assert_eq!(kinds(path, &text), [], "{path}: {text}");
        }
    }

    #[test]
    fn variables_are_judged_by_name_and_by_value() {
        assert!(scan_variable("WANDB_API_KEY", "local-9f3c1").is_some());
        assert!(scan_variable("HF_TOKEN", "abcdefgh").is_some());
        assert!(scan_variable("NOTE", &format!("{}{}", "ghp_", drawn(36))).is_some());
        assert_eq!(scan_variable("OMP_NUM_THREADS", "4"), None);
        assert_eq!(scan_variable("TOKENIZERS_PARALLELISM", "false"), None);
        assert_eq!(scan_variable("MAX_TOKENS_KEY", "12345678"), None);
    }
}
