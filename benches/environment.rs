//! How many decisions a second the learning environment answers, under each judge.
//!
//! ```text
//! cargo bench --bench environment
//! ```
//!
//! Three users (two where pictures are made) on the hard link, random allocations, so many environments side by side; the simulator
//! and the judge work, no network learns. A decision is a step: in a round each is an episode.

use std::sync::Arc;
use std::time::Instant;

use latentlink::error::Error;
use latentlink::experiment::{Observer, RunOptions, StudyPlan, StudyProgress};
use latentlink::learn::environment::{EnvironmentState, Environments};
use latentlink::learn::training_study::trained_point;
use latentlink::policy::ActionSpace;
use latentlink::scenario::ScenarioFile;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

struct Silent;

impl Observer for Silent {
    fn stage(&self, _: &str) {}
    fn warn(&self, _: &str) {}
    fn progress(&self, _: StudyProgress) {}
}

fn main() -> Result<(), Error> {
    std::env::set_current_dir(env!("CARGO_MANIFEST_DIR")).expect("the repository is here");
    println!("{:<42} {:>2} {:>12} {:>14}", "judge", "K", "environments", "steps/s");
    let measured = "kind = \"surface\"\nfile = \"results/paper/measured_surface/measured.csv\"";
    for (name, judge, users, decisions) in [
        ("synthetic surface", "kind = \"surface\"", 3, 20_000),
        ("measured surface", measured, 3, 20_000),
        ("pictures of emoji-ldm, judged by emoji-llava", "kind = \"vlm\"", 2, 256),
    ] {
        for environments in [1, 8, 32] {
            let steps_per_s = measure(judge, users, environments, decisions)?;
            println!("{name:<42} {users:>2} {environments:>12} {steps_per_s:>14.1}");
        }
    }
    Ok(())
}

fn measure(judge: &str, users: usize, environments: usize, decisions: usize) -> Result<f64, Error> {
    let file = ScenarioFile::from_str(scenario(judge, users), "environment.toml").map_err(Box::new)?;
    let plan = Arc::new(StudyPlan::prepare(&file, &RunOptions::default(), &Silent)?);
    let (point, settings) = trained_point(&plan, 0, &file)?;
    let space = ActionSpace {
        users,
        shared_steps: settings.maximum_shared_steps as usize,
        own_steps: settings.maximum_own_steps as usize,
    };
    let mut rng = ChaCha8Rng::seed_from_u64(41);
    let states = vec![EnvironmentState::default(); environments];
    let mut running = Environments::start(plan, point, Environments::first_replication(0), states);
    let mut waiting = running.wait()?;
    let begin = Instant::now();
    for _ in 0..decisions.div_ceil(environments) {
        let allocations = waiting.problems.iter().map(|problem| {
            let action: Vec<f32> = (0..space.len()).map(|_| rng.random_range(-1.0..=1.0)).collect();
            space.decode(&action, problem, problem.power_budget_w(0).unwrap_or(0.0)).projected(problem)
        });
        running.answer(allocations.collect());
        waiting = running.wait()?;
    }
    Ok((decisions.div_ceil(environments) * environments) as f64 / begin.elapsed().as_secs_f64())
}

fn scenario(judge: &str, users: usize) -> String {
    let prompts = ["a tiger sits in front of a bush", "a dog sits in front of a bush", "a dog sits in front of a bush"];
    let devices: String = prompts[..users]
        .iter()
        .map(|prompt| {
            format!(
                "[[device]]\nprompt = \"{prompt}\"\npersona = \"population\"\ndistance_m = 800.0\ndistance_max_m = 1300.0\n\
                 energy_budget_j = 8.0\n"
            )
        })
        .collect();
    format!(
        "study = {{ name = \"environment\" }}\n\
         diffusion = {{ steps = 11, metrics_against = [] }}\n\
         server = {{ prompt = \"{}\", energy_budget_j = 20.0 }}\n\
         radio = {{ energy_per_watt_j = 0.1 }}\n\
         population = {{ kind = \"uniform\" }}\n\
         policy = {{ kind = \"exhaustive\" }}\n\
         [judge]\n{judge}\n[train]\nmaximum_shared_steps = 8\n{devices}",
        prompts[0]
    )
}
