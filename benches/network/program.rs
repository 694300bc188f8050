//! The whole program as a user starts it: 10⁶ requests over 10⁵ devices, with every table and figure.

use std::fs;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use miette::{IntoDiagnostic, bail};

use super::simulator::many_devices;

const DEVICES: u32 = 100_000;
const REQUESTS: u64 = 1_000_000;

/// Part 3.
pub fn report() -> miette::Result<()> {
    println!("latentlink run: {REQUESTS} requests over {DEVICES} devices, one thread");
    for writes_requests in [false, true] {
        let folder = tempfile::tempdir().into_diagnostic()?;
        let scenario = folder.path().join("many-devices.toml");
        let analysis = format!("[analysis]\nwrite_requests = {writes_requests}\n");
        fs::write(&scenario, many_devices(DEVICES, REQUESTS) + &analysis).into_diagnostic()?;
        let begin = Instant::now();
        let mut program = Command::new(env!("CARGO_BIN_EXE_latentlink"))
            .arg("run")
            .arg(&scenario)
            .args(["--quiet", "--threads", "1", "--out"])
            .arg(folder.path().join("results"))
            .args(["--store"])
            .arg(folder.path().join("store.redb"))
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .stdout(Stdio::null())
            .spawn()
            .into_diagnostic()?;
        let usage = watch(&mut program)?;
        let rows = if writes_requests { "with a row for each request" } else { "without rows of requests" };
        println!("  {rows}: {:.1} s on the wall, {usage}", begin.elapsed().as_secs_f64());
    }
    Ok(())
}

/// Waits for the end; what the program had taken when it was last looked at.
fn watch(program: &mut Child) -> miette::Result<String> {
    let place = format!("/proc/{}", program.id());
    let mut usage = "memory not known".to_owned();
    loop {
        if let Some(status) = program.try_wait().into_diagnostic()? {
            if !status.success() {
                bail!("latentlink run ended with {status}");
            }
            return Ok(usage);
        }
        if let (Some(peak_mib), Some(busy_s)) = (peak_mib(&place), busy_s(&place)) {
            usage = format!("{busy_s:.1} s of processor, {peak_mib:.0} MiB at most");
        }
        sleep(Duration::from_millis(20));
    }
}

/// `VmHWM` of Linux [MiB].
fn peak_mib(place: &str) -> Option<f64> {
    let status = fs::read_to_string(format!("{place}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<f64>().ok()? / 1024.0)
}

/// User and system time so far [s], which Linux counts in hundredths.
fn busy_s(place: &str) -> Option<f64> {
    let stat = fs::read_to_string(format!("{place}/stat")).ok()?;
    // After the name in brackets come the state, ten numbers, utime and stime.
    let mut numbers = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let user: f64 = numbers.next()?.parse().ok()?;
    let system: f64 = numbers.next()?.parse().ok()?;
    Some((user + system) / 100.0)
}
