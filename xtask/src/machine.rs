//! What the tests need that is not Rust: PostgreSQL, a browser for the pages, a Python with onnxruntime and
//! scikit-learn for the reference outputs. Installed where that is possible, named where it is not.

use crate::ci::succeeds;
use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where the tests find things.
pub struct Machine {
    /// Where cargo builds.
    pub target: PathBuf,
    /// A Python with onnxruntime, numpy, scikit-learn, skl2onnx and pandas.
    pub python: PathBuf,
}

/// Python packages that tests compare with.
const PYTHON_PACKAGES: [&str; 5] = ["onnxruntime", "numpy", "scikit-learn", "skl2onnx", "pandas"];

/// Makes the machine ready.
pub fn prepare(with_postgres: bool) -> Result<Machine> {
    let cache = cache()?;
    let target = target()?;
    install_packages(with_postgres)?;
    let python = match std::env::var_os("REMUDA_PYTHON") {
        Some(python) => PathBuf::from(python),
        None => prepare_python(&cache.join("venv"))?,
    };
    Ok(Machine { target, python })
}

/// Where cargo builds: the folder that the environment names, or one among our caches.
pub fn target() -> Result<PathBuf> {
    let named = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    named.map_or_else(|| Ok(cache()?.join("target")), Ok)
}

/// Our folder among the user's caches.
pub fn cache() -> Result<PathBuf> {
    let named = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    Ok(named.or_else(home).context("neither XDG_CACHE_HOME nor HOME is set")?.join("remuda"))
}

/// Installs Debian packages where we may; says what is missing where we may not.
fn install_packages(with_postgres: bool) -> Result<()> {
    let mut missing = Vec::new();
    if with_postgres && !has_postgres() {
        missing.push("postgresql");
    }
    if !["chromium", "chromium-browser", "google-chrome"].into_iter().any(is_program) {
        missing.push("chromium");
    }
    if !is_program("python3") || !succeeds(Command::new("python3").args(["-m", "ensurepip", "--version"])) {
        missing.push("python3-venv");
    }
    if missing.is_empty() {
        return Ok(());
    }
    if is_root() && is_program("apt-get") {
        println!("installing {}", missing.join(", "));
        apt(&["update", "-q"])?;
        let mut words = vec!["install", "-y", "-q", "--no-install-recommends"];
        words.extend(&missing);
        return apt(&words);
    }
    if missing.contains(&"postgresql") {
        bail!("PostgreSQL is not here: install it, or leave its tests out with `cargo xtask ci --without-postgres`");
    }
    if missing.contains(&"chromium") {
        bail!("Chromium is not here: install it, so that the pages can be looked at");
    }
    println!("not here: {}; the tests that need them say so", missing.join(", "));
    Ok(())
}

fn apt(words: &[&str]) -> Result<()> {
    let mut command = Command::new("apt-get");
    command.args(words).env("DEBIAN_FRONTEND", "noninteractive");
    let status = command.status().context("cannot start apt-get")?;
    if !status.success() {
        bail!("{command:?} ended with {status}");
    }
    Ok(())
}

/// PostgreSQL's own programs: Debian keeps them beside the path.
fn has_postgres() -> bool {
    let debian = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    is_program("initdb") || debian.into_iter().any(|version| version.path().join("bin/initdb").is_file())
}

/// Whether a program of this name is on the path.
pub fn is_program(name: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(name).is_file())
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

/// The virtual environment, made and filled where it is not yet.
fn prepare_python(folder: &Path) -> Result<PathBuf> {
    let python = folder.join("bin").join("python");
    let imports = "import onnxruntime, numpy, sklearn, skl2onnx, pandas";
    if succeeds(Command::new(&python).args(["-c", imports])) {
        return Ok(python);
    }
    println!("making a Python environment with {}", PYTHON_PACKAGES.join(", "));
    let made = Command::new("python3").args(["-m", "venv"]).arg(folder).status().context("cannot start python3")?;
    if !made.success() {
        bail!("python3 could not make a virtual environment in {}", folder.display());
    }
    let mut install = Command::new(&python);
    install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]).args(PYTHON_PACKAGES);
    let status = install.status().context("cannot start pip")?;
    if !status.success() {
        bail!("{install:?} ended with {status}");
    }
    Ok(python)
}
