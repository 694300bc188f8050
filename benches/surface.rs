//! Rounds without pictures: how many users' rounds are simulated and rated by the surface in a second, and what a second
//! thread brings.
//!
//!     cargo bench --bench surface
//!
//! Counted is everything of a run but what a study does once: the event simulation, the scores, and the rows of all tables as
//! they go to the journal. The two sides take turns, and the ratio is taken turn by turn.

use std::path::Path;
use std::time::Instant;

use latentlink::experiment::{Observer, Reuse, RunOptions, StudyOutcome, StudyPlan, StudyProgress};
use latentlink::scenario::ScenarioFile;

const TURNS: usize = 7;
const REPLICATIONS: u32 = 50;

struct Quiet;

impl Observer for Quiet {
    fn stage(&self, _: &str) {}
    fn warn(&self, _: &str) {}
    fn progress(&self, _: StudyProgress) {}
}

/// The paper's Fig. 11: three users, links that fade; 200 points.
const SCENARIO: &str = r#"
study.name = "surface"
judge = { kind = "surface", similarity = 0.9 }
server = { prompt = "a tiger sits in front of a bush", energy_budget_j = 20.0 }
radio = { energy_per_watt_j = 0.1 }
device = [
    { name = "device-1", prompt = "a tiger sits in front of a bush", persona = "GA1", distance_m = 901.0, energy_budget_j = 8.0 },
    { name = "device-2", prompt = "a dog sits in front of a bush", persona = "GA2", distance_m = 955.0, energy_budget_j = 8.0 },
    { name = "device-3", prompt = "a cat sits in front of a bush", persona = "GA1", distance_m = 700.0, energy_budget_j = 8.0 },
]
policy = { t0 = 3, tk = 6, tx_power_dbw = 18.0 }

[sweep]
"policy.t0" = [2, 3, 4, 5]
"policy.tx_power_dbw" = { from = 10.0, to = 22.0, points = 50 }
"#;
const USERS: u32 = 3;
const POINTS: u32 = 200;

fn main() -> miette::Result<()> {
    let folder = std::env::temp_dir().join(format!("latentlink-surface-{}", std::process::id()));
    let mut scenario = ScenarioFile::from_str(SCENARIO, "surface.toml")?;
    scenario.set(&format!("study.replications={REPLICATIONS}"))?;
    let user_rounds = f64::from(USERS * POINTS * REPLICATIONS);
    let (mut rates, mut ratios) = (Vec::new(), Vec::new());
    for turn in 0..=TURNS {
        let seconds: Vec<f64> =
            [1, 2].map(|threads| simulated_in(&scenario, threads, &folder)).into_iter().collect::<Result<_, _>>()?;
        // The first turn warms up.
        if turn > 0 {
            rates.push(user_rounds / seconds[1]);
            ratios.push(seconds[0] / seconds[1]);
        }
    }
    println!("{user_rounds} users' rounds, median (least and most) of {TURNS} turns:");
    println!("  users' rounds a second on two threads: {}", spread(&mut rates, 0));
    println!("  one thread against two: {} times as long", spread(&mut ratios, 2));
    Ok(())
}

/// Time of all runs until they are in the journal [s]; tables are not counted.
fn simulated_in(scenario: &ScenarioFile, threads: usize, folder: &Path) -> miette::Result<f64> {
    let options = RunOptions {
        out: Some(folder.to_owned()),
        threads: Some(threads),
        reuse: Reuse { force: true, retry_failed: false },
        ..RunOptions::default()
    };
    let plan = StudyPlan::prepare(scenario, &options, &Quiet)?;
    let begin = Instant::now();
    match plan.run(&Quiet)? {
        StudyOutcome::Done(report) => Ok(report.work_time_s),
        StudyOutcome::FinishedBefore { .. } => Ok(begin.elapsed().as_secs_f64()),
    }
}

fn spread(values: &mut [f64], digits: usize) -> String {
    values.sort_by(f64::total_cmp);
    let (least, most) = (values[0], values[values.len() - 1]);
    format!("{:.digits$} ({least:.digits$} to {most:.digits$})", values[values.len() / 2])
}
