//! Large studies: bounded memory, a full disk, nothing said that nobody asked for.

use crate::program::{Workplace, shipped_pack};

/// No pictures, two users a run; `points` values of one power.
fn scenario(points: u32) -> String {
    format!(
        "[models]\ndiffusion = '{}'\n[study]\nname = \"large\"\n[judge]\nkind = \"surface\"\nsimilarity = 0.9\n\
         [server]\nprompt = \"a tiger\"\n[[device]]\nname = \"one\"\nprompt = \"a tiger\"\n\
         [[device]]\nname = \"two\"\nprompt = \"a dog\"\n[policy]\nt0 = 2\ntk = 6\n[sweep]\n\
         \"policy.tx_power_w\" = {{ from = 1.0, to = 100.0, points = {points} }}\n",
        shipped_pack().display()
    )
}

/// The most memory that the process had at any time [bytes], as long as it lives.
#[cfg(target_os = "linux")]
fn peak_memory_bytes(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    Some(1024 * line.split_whitespace().nth(1)?.parse::<u64>().ok()?)
}

#[cfg(target_os = "linux")]
#[test]
fn memory_does_not_grow_with_the_number_of_points() {
    use std::process::{Command, Stdio};

    let peak = |points: u32| {
        let workplace = Workplace::with("large.toml", &scenario(points));
        let mut child = Command::new(env!("CARGO_BIN_EXE_latentlink"))
            .args(["run", "large.toml", "--threads", "1", "--quiet"])
            .current_dir(workplace.path("."))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program starts");
        let mut peak = 0;
        while child.try_wait().expect("a child").is_none() {
            peak = peak.max(peak_memory_bytes(child.id()).unwrap_or(0));
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        assert_eq!(workplace.csv("results/large/runs.csv").rows.len() as u32, points);
        peak
    };
    let (small, large) = (peak(2_000), peak(60_000));
    // 58,000 points more: all of them as checked scenarios, or all rows of all tables, would be far more than this.
    assert!(small > 0 && large < small + 100 * (1 << 20), "{small} bytes for 2,000 points, {large} for 60,000");
}

#[test]
fn a_sweep_too_large_for_a_summary_says_where_its_numbers_are() {
    let workplace = Workplace::with("large.toml", &scenario(100_001));
    let said = workplace.run(&["run", "large.toml"]).assert_done().stdout;
    assert!(!said.contains("summary.csv") && !workplace.path("results/large/summary.csv").exists(), "{said}");
    let dictionary = workplace.text("results/large/columns.md");
    assert!(
        dictionary.contains("# summary.csv\n\nNot written for more than 100000 points: see runs.csv."),
        "{dictionary}"
    );
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_ends_a_study_with_1_and_the_same_command_goes_on() {
    let workplace = Workplace::with("large.toml", &scenario(20_000));
    // No file may grow beyond 2 MiB, as on a full disk: the journal soon does.
    let program = env!("CARGO_BIN_EXE_latentlink");
    let output = std::process::Command::new("sh")
        .args(["-c", &format!("trap '' XFSZ; ulimit -f 4096; exec '{program}' run large.toml --threads 1")])
        .current_dir(workplace.path("."))
        .output()
        .expect("a shell");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    for text in ["the disk is full", "results/large.unfinished/journal", "make room", "same command"] {
        assert!(said.contains(text), "`{text}` is not said:\n{said}");
    }
    let said = workplace.run(&["run", "large.toml"]).assert_done();
    assert!(said.stderr.contains("of 20000 runs were finished before"), "{said:#?}");
    assert_eq!(workplace.csv("results/large/runs.csv").rows.len(), 20_000);
}

#[test]
fn quiet_says_nothing_but_errors() {
    let workplace = Workplace::with("large.toml", &scenario(3));
    let said = workplace.run(&["run", "large.toml", "--quiet"]).assert_done();
    assert_eq!((said.stdout.as_str(), said.stderr.as_str()), ("", ""));
    workplace.run(&["run", "large.toml", "--quiet", "--seed", "4"]).assert_fails(2, &["results are there already"]);
}

#[test]
fn a_sweep_needs_something_to_sweep_and_a_memory_limit_needs_a_unit() {
    let workplace = Workplace::with("large.toml", &scenario(3));
    workplace.run(&["sweep", "large.toml"]).assert_done();
    let alone = scenario(3).split("[sweep]").next().expect("a scenario").replace("large", "alone");
    workplace.write("alone.toml", &alone);
    workplace.run(&["sweep", "alone.toml"]).assert_fails(2, &["alone.toml sweeps nothing", "--set PATH=a,b,c"]);
    let swept = workplace.run(&["sweep", "alone.toml", "--set", "policy.t0=2,3", "--memory", "300MiB"]);
    assert!(swept.assert_done().stdout.starts_with("2 runs of 2 points"), "a sweep from the command line");
    for wrong in ["2", "lots", "1MiB"] {
        workplace.run(&["run", "large.toml", "--memory", wrong]).assert_fails(2, &["--memory"]);
    }
}
