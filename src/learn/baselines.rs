//! Policies without learning, on the replications that learned ones are evaluated on: the yardstick of every table.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::best_constant;
use super::evaluation::{Evaluated, Evaluation, evaluate};
use crate::error::Error;
use crate::experiment::StudyPlan;
use crate::experiment::points::StudyPoint;
use crate::policy;
use crate::scenario::{JudgeKind, PolicySettings, Scenario, SearchPolicy, StepLimits, TrainSettings};

/// One policy and what it is worth.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Baseline {
    /// As scenarios call it.
    pub name: String,
    pub evaluation: Evaluation,
}

/// Name of the policy that every score is normalised by: 0 is what it gets.
pub const RANDOM: &str = "random";
/// The other end: 1 is what it gets.
pub const EXHAUSTIVE: &str = "exhaustive";
/// Steepest ascent.
pub const GREEDY: &str = "greedy";
/// The constant allocation that is best on training states.
pub const BEST_CONSTANT: &str = "best-constant";

/// Distance of the powers that are tried [W].
const USUAL_POWER_STEP_W: f64 = 1.0;

/// Evaluates them all; those that search only where a formula judges, which they search on.
///
/// # Errors
/// What the simulator or the judge says.
pub fn evaluate_all(
    plan: &StudyPlan,
    point: &Arc<StudyPoint>,
    settings: &TrainSettings,
) -> Result<Vec<Baseline>, Error> {
    let limits = StepLimits {
        maximum_shared_steps: settings.maximum_shared_steps,
        maximum_own_steps: settings.maximum_own_steps,
    };
    let constant = best_constant::find(plan, point, limits)?;
    let split = constant.steps(&point.scenario);
    let search = SearchPolicy { limits, power_step_w: USUAL_POWER_STEP_W };
    let mut policies = vec![
        (RANDOM, PolicySettings::Random(limits)),
        ("equal", PolicySettings::Equal(split.clone())),
        ("channel-inversion", PolicySettings::ChannelInversion(split)),
        (BEST_CONSTANT, constant.into_policy(&point.scenario)),
    ];
    if matches!(point.scenario.judge.kind, JudgeKind::Surface(_)) {
        policies.push((GREEDY, PolicySettings::Greedy(search)));
        policies.push((EXHAUSTIVE, PolicySettings::Exhaustive(search)));
    }
    policies
        .into_iter()
        .map(|(name, settings_of_policy)| {
            let scenario = Scenario { policy: settings_of_policy, ..Scenario::clone(&point.scenario) };
            let policy = policy::from_settings(&scenario)?;
            let evaluation = evaluate(plan, point, &Evaluated::Policy(policy), settings.evaluation_replications)?;
            Ok(Baseline { name: name.to_owned(), evaluation })
        })
        .collect()
}
