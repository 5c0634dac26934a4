//! The machine that a run ran on: what can make numbers differ between two of them.

use super::Surroundings;
use super::python::answer_of;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

/// How long a program that describes the machine may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Processor, cores, memory, operating system, graphics.
pub(super) fn facts(surroundings: &Surroundings) -> BTreeMap<String, String> {
    let mut facts = BTreeMap::new();
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    facts.insert("cores".to_owned(), cores.to_string());
    facts.insert("architecture".to_owned(), std::env::consts::ARCH.to_owned());
    let mut add = |name: &str, value: Option<String>| {
        if let Some(value) = value.map(|value| value.trim().to_owned()).filter(|value| !value.is_empty()) {
            facts.insert(name.to_owned(), value);
        }
    };
    if cfg!(target_os = "macos") {
        add("processor", ask(surroundings, "sysctl", &["-n", "machdep.cpu.brand_string"]));
        let bytes = ask(surroundings, "sysctl", &["-n", "hw.memsize"]);
        add("memory", bytes.and_then(|bytes| bytes.trim().parse::<f64>().ok()).map(gibibytes));
        add("system", ask(surroundings, "sw_vers", &["-productVersion"]).map(|version| format!("macOS {version}")));
    } else {
        add("processor", field("/proc/cpuinfo", "model name", ':').or_else(|| field("/proc/cpuinfo", "Model", ':')));
        let kilobytes = field("/proc/meminfo", "MemTotal", ':');
        let kilobytes = kilobytes.and_then(|text| text.split_whitespace().next()?.parse::<f64>().ok());
        add("memory", kilobytes.map(|kilobytes| gibibytes(kilobytes * 1024.0)));
        let system = field("/etc/os-release", "PRETTY_NAME", '=').map(|name| name.trim_matches('"').to_owned());
        add("system", system.or_else(|| Some(std::env::consts::OS.to_owned())));
        add("kernel", std::fs::read_to_string("/proc/sys/kernel/osrelease").ok());
    }
    let query = ["--query-gpu=name,driver_version,memory.total", "--format=csv,noheader"];
    let graphics = ask(surroundings, "nvidia-smi", &query);
    add("graphics", graphics.map(|text| text.trim().lines().map(str::trim).collect::<Vec<_>>().join("; ")));
    facts
}

fn ask(surroundings: &Surroundings, program: &str, arguments: &[&str]) -> Option<String> {
    let arguments: Vec<String> = arguments.iter().map(|word| (*word).to_owned()).collect();
    answer_of(program, &arguments, surroundings, Path::new("/"), PATIENCE)
}

fn gibibytes(bytes: f64) -> String {
    format!("{:.1} GiB", bytes / (1024.0 * 1024.0 * 1024.0))
}

/// The first value of a name in a file of lines `NAME MARK VALUE`.
fn field(file: &str, name: &str, mark: char) -> Option<String> {
    let text = std::fs::read_to_string(file).ok()?;
    let mut pairs = text.lines().filter_map(|line| line.split_once(mark));
    pairs.find(|(key, _)| key.trim() == name).map(|(_, value)| value.trim().to_owned())
}
