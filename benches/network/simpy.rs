//! The station in SimPy: `simpy_network.py`, run by a Python that has SimPy.

use std::path::{Path, PathBuf};
use std::process::Command;

use miette::{Context, IntoDiagnostic, miette};
use serde::Deserialize;

use super::outcome::{Number, Outcome};
use super::station::Station;

#[derive(Deserialize)]
struct Printed {
    elapsed_s: f64,
    hit_rate: Number,
    wait_s: Number,
    latency_s: Number,
}

/// One run. SimPy comes from PyPI into a virtual environment in the temporary folder, which goes away again; the variable
/// SIMPY_PYTHON names a Python that has it already.
pub fn run(station: &Station, requests: u64) -> miette::Result<Outcome> {
    let environment = tempfile::tempdir().into_diagnostic()?;
    let python = match std::env::var_os("SIMPY_PYTHON") {
        Some(python) => PathBuf::from(python),
        None => install(environment.path())?,
    };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/simpy_network.py");
    let mut command = Command::new(python);
    command.arg(script).arg(requests.to_string());
    for number in [
        station.arrival_rate_hz,
        f64::from(station.prompts),
        station.zipf_exponent,
        f64::from(station.cache_entries),
        station.service_s,
        station.squared_cv,
        station.airtime_s,
        f64::from(station.devices),
        station.device_s,
    ] {
        command.arg(number.to_string());
    }
    let printed: Printed = serde_json::from_str(&output(&mut command)?).into_diagnostic()?;
    let Printed { elapsed_s, hit_rate, wait_s, latency_s } = printed;
    Ok(Outcome { name: "SimPy", requests, elapsed_s, numbers: [hit_rate, wait_s, latency_s] })
}

fn install(environment: &Path) -> miette::Result<PathBuf> {
    output(Command::new("python3").args(["-m", "venv"]).arg(environment))?;
    let python = environment.join("bin/python");
    output(Command::new(&python).args(["-m", "pip", "install", "--quiet", "simpy==4.1.2"]))?;
    Ok(python)
}

fn output(command: &mut Command) -> miette::Result<String> {
    let what = format!("{command:?}");
    let output = command.output().into_diagnostic().wrap_err_with(|| what.clone())?;
    if !output.status.success() {
        return Err(miette!(
            help = "SIMPY_PYTHON names a Python that has SimPy; --no-simpy leaves it out",
            "{what} failed: {}",
            String::from_utf8_lossy(&output.stderr)
        ));
    }
    String::from_utf8(output.stdout).into_diagnostic()
}
