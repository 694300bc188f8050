//! What sharing saves: the grid of Fig. 14 with and without it, on the same executor with the same batches.
//!
//!     cargo bench --bench sharing
//!
//! Without sharing every point has a start latent of its own, so that no two chains have a step in common: the same pictures'
//! worth of work, batched over all points as before. The two sides take turns. The ratio of UNet evaluations that were made
//! has to be the one that the plan predicts before anything is made.

use std::path::Path;

use latentlink::experiment::{Observer, Reuse, RunOptions, StudyOutcome, StudyPlan, StudyProgress};
use latentlink::scenario::ScenarioFile;

const TURNS: usize = 5;
const REPLICATIONS: u32 = 2;
const SERVER_STEPS: [u32; 3] = [2, 3, 4];
const DEVICE_STEPS: [u32; 4] = [2, 4, 6, 8];
const BIT_ERROR_PROBABILITIES: [f64; 6] = [0.005, 0.02, 0.04, 0.06, 0.1, 0.15];

struct Quiet;

impl Observer for Quiet {
    fn stage(&self, _: &str) {}
    fn warn(&self, _: &str) {}
    fn progress(&self, _: StudyProgress) {}
}

/// The grid with one seed for all points, or one for each.
fn scenario(seeds: &str) -> miette::Result<ScenarioFile> {
    let (mut t0s, mut tks, mut beps) = (Vec::new(), Vec::new(), Vec::new());
    for t0 in SERVER_STEPS {
        for tk in DEVICE_STEPS {
            for bep in BIT_ERROR_PROBABILITIES {
                t0s.push(t0);
                tks.push(tk);
                beps.push(bep);
            }
        }
    }
    let text = format!(
        "study = {{ name = \"sharing\", replications = {REPLICATIONS} }}\njudge.kind = \"none\"\n\
         diffusion = {{ split = \"joint\", metrics_against = [] }}\nserver.prompt = \"a tiger sits in front of a bush\"\n\
         device = [{{ prompt = \"a dog sits in front of a bush\" }}]\npolicy = {{ t0 = 4, tk = 6 }}\n\
         [sweep]\nmode = \"zip\"\n\"policy.t0\" = {t0s:?}\n\"policy.tk\" = {tks:?}\n\
         \"radio.bit_error_probability\" = {beps:?}\n{seeds}"
    );
    Ok(ScenarioFile::from_str(text, "sharing.toml")?)
}

fn main() -> miette::Result<()> {
    let folder = std::env::temp_dir().join(format!("latentlink-sharing-{}", std::process::id()));
    let points = SERVER_STEPS.len() * DEVICE_STEPS.len() * BIT_ERROR_PROBABILITIES.len();
    let seeds: Vec<usize> = (0..points).collect();
    let (shared, unshared) = (scenario("")?, scenario(&format!("\"study.seed\" = {seeds:?}\n"))?);
    let mut ratios = Vec::new();
    for turn in 0..=TURNS {
        let (with, without) = (made(&shared, &folder)?, made(&unshared, &folder)?);
        if turn == 0 {
            // The first turn warms up.
            let predicted = with.unshared as f64 / with.predicted as f64;
            let found = without.evaluations as f64 / with.evaluations as f64;
            println!("UNet evaluations: {} with sharing, {} without", with.evaluations, without.evaluations);
            println!("their ratio: {found:.4}; the plan had predicted {predicted:.4}");
        } else {
            ratios.push(without.seconds / with.seconds);
        }
    }
    ratios.sort_by(f64::total_cmp);
    let (least, most) = (ratios[0], ratios[TURNS - 1]);
    println!(
        "time until all pictures are there: without sharing {:.2} times as long ({least:.2} to {most:.2}, {TURNS} turns)",
        ratios[TURNS / 2]
    );
    Ok(())
}

/// One study from its plan to its pictures, without a score store.
struct Made {
    /// Evaluations that the plan counted: with sharing, and without.
    predicted: u64,
    unshared: u64,
    evaluations: u64,
    seconds: f64,
}

fn made(scenario: &ScenarioFile, folder: &Path) -> miette::Result<Made> {
    let reuse = Reuse { force: true, retry_failed: false };
    let options = RunOptions { out: Some(folder.to_owned()), reuse, ..RunOptions::default() };
    let plan = StudyPlan::prepare(scenario, &options, &Quiet)?;
    let cost = plan.cost()?;
    let StudyOutcome::Done(report) = plan.run(&Quiet)? else { unreachable!("--force never finds it finished") };
    Ok(Made {
        predicted: cost.work.unet_evaluations,
        unshared: cost.unet_evaluations_unshared,
        evaluations: report.origins.unet_evaluations_made,
        seconds: report.work_time_s,
    })
}
