//! Steps that `[policy]` gives, and limits of those that a policy chooses.

use super::{per_device, per_table};
use crate::diffusion::Split;
use crate::scenario::check::diffusion::MAXIMUM_STEPS;
use crate::scenario::error::Problem;
use crate::scenario::reader::TableReader;
use crate::scenario::settings::{DeviceSettings, DiffusionSettings, GivenSteps, StepLimits};
use crate::scenario::source::Origin;
use crate::scenario::tree::{Data, Value};

/// Most steps among which a policy chooses: it has an action for each.
const MAXIMUM_CHOICE: u32 = 100;

/// The paper's T_s = 40 is what the budget allows; the spec's reading takes 10.
const USUAL_SHARED_STEPS: u32 = 10;
/// 8 J at 1 J a step.
const USUAL_OWN_STEPS: u32 = 8;

/// `t0` and `tk`.
pub(super) fn given(
    table: &mut TableReader<'_>,
    diffusion: &DiffusionSettings,
    devices: &[DeviceSettings],
) -> Option<GivenSteps> {
    let t0 = t0(table, diffusion.steps);
    let tk = tk(table, diffusion.steps, devices);
    Some(GivenSteps { t0: t0?, tk: tk? })
}

/// `maximum_shared_steps` and `maximum_own_steps`: whatever is chosen within them is a chain.
pub(in crate::scenario::check) fn limits(
    table: &mut TableReader<'_>,
    diffusion: &DiffusionSettings,
) -> Option<StepLimits> {
    // A device that re-spaces needs something left to re-space.
    let most_shared = match diffusion.split {
        Split::Respaced => diffusion.steps - 1,
        Split::Joint => diffusion.steps,
    };
    if most_shared == 0 {
        let problem = Problem::new("`steps` = 1 under [diffusion] leaves nothing to divide");
        let problem = problem.expected("`diffusion.steps` of at least 2");
        table.push_at(
            "kind",
            problem.help("a chain of one step cannot be split: raise `steps`, or take kind = \"fixed\""),
        );
        return None;
    }
    let mut limit = |key: &str, usual: u32, most: u32, why: &str| {
        let most = most.min(MAXIMUM_CHOICE);
        let Some(value) = table.value(key) else {
            return Some(usual.min(most));
        };
        if let Data::Integer(number) = value.data
            && number > i128::from(most)
        {
            let problem = Problem::new(format!("`{key}` = {number} is more than {most}")).at(&value.origin);
            table.push(problem.expected(format!("a whole number from 1 to {most}")).help(why));
            return None;
        }
        table.integer_from(key, value, 1, most.into()).map(|count| count as u32)
    };
    let why_shared = match diffusion.split {
        Split::Respaced => {
            "with split = \"respaced\" the server leaves at least one of the `diffusion.steps` steps to the devices, and a \
             policy chooses among 100 at most; take fewer, or raise `steps` under [diffusion]"
        }
        Split::Joint => {
            "the server runs no more than the `diffusion.steps` steps, and a policy chooses among 100 at most; take fewer, \
             or raise `steps` under [diffusion]"
        }
    };
    let why_own = "a device runs no more than the `diffusion.steps` steps, and a policy chooses among 100 at most; take \
                   fewer, or raise `steps` under [diffusion]";
    let maximum_shared_steps = limit("maximum_shared_steps", USUAL_SHARED_STEPS, most_shared, why_shared);
    let maximum_own_steps = limit("maximum_own_steps", USUAL_OWN_STEPS, diffusion.steps, why_own);
    Some(StepLimits { maximum_shared_steps: maximum_shared_steps?, maximum_own_steps: maximum_own_steps? })
}

fn t0(table: &mut TableReader<'_>, steps: u32) -> Option<u32> {
    let Some(value) = table.value("t0") else {
        table.missing("t0", "t0 = 4        # denoising steps on the server");
        return None;
    };
    step_count(table, "t0", value, steps)
}

fn tk(table: &mut TableReader<'_>, steps: u32, devices: &[DeviceSettings]) -> Option<Vec<u32>> {
    let Some(value) = table.value("tk") else {
        table.missing("tk", "tk = 6        # denoising steps on each device, or a list of one per device");
        return None;
    };
    let expected = "a whole number, or a list of one per device";
    let values = per_table(table, "tk", value, devices, expected)?;
    let counts: Vec<_> = values.iter().map(|value| step_count(table, "tk", value, steps)).collect();
    Some(per_device(counts.into_iter().collect::<Option<Vec<u32>>>()?, devices))
}

/// t0 or t_k: neither may exceed the reference chain.
fn step_count(table: &mut TableReader<'_>, key: &str, value: &Value, steps: u32) -> Option<u32> {
    if let Data::Integer(number) = value.data
        && number > i128::from(steps)
    {
        let message = format!("`{key}` = {number} is more than the {steps} steps of `diffusion.steps`");
        let problem = Problem::new(message).at(&value.origin).expected(format!("a whole number from 0 to {steps}"));
        table.push(problem.help(format!("take fewer steps here, or raise `steps` under [diffusion] to {number}")));
        return None;
    }
    table.integer_from(key, value, 0, steps.into()).map(|count| count as u32)
}

/// What t0, t_k and the reading of the split must not do to one another.
pub(super) fn check_together(
    table: &mut TableReader<'_>,
    given: &GivenSteps,
    diffusion: &DiffusionSettings,
    devices: &[DeviceSettings],
) -> Option<()> {
    let (t0, steps) = (given.t0, diffusion.steps);
    // The devices of a table have the same steps.
    let firsts = given.tk.iter().zip(devices).filter(|(_, device)| device.member == 0);
    for (&tk, device) in firsts {
        let name = device.table_name();
        let (message, expected, help) = if t0 == 0 && tk == 0 {
            (
                format!("`t0` and `tk` are both 0 for \"{name}\": nobody denoises"),
                "a `tk` of at least 1 where `t0` is 0".to_owned(),
                "t0 = 0 is independent generation, tk = 0 leaves the device only the decoder; not both".to_owned(),
            )
        } else if diffusion.split == Split::Respaced && t0 == steps && tk > 0 {
            (
                format!("`tk` = {tk} for \"{name}\", but the server's `t0` = {t0} steps finish the chain"),
                format!("0, or a `t0` below {steps}"),
                "with split = \"respaced\" a device re-spaces what is left of the `diffusion.steps` steps; lower t0, \
                 raise steps, or take split = \"joint\""
                    .to_owned(),
            )
        } else if diffusion.split == Split::Joint && t0 + tk > MAXIMUM_STEPS {
            (
                format!("`t0` + `tk` = {} for \"{name}\" is too long a chain", t0 + tk),
                format!("at most {MAXIMUM_STEPS} steps in all"),
                "with split = \"joint\" one schedule has t0 + tk steps".to_owned(),
            )
        } else {
            continue;
        };
        let problem = Problem::new(message).expected(expected).help(help);
        table.push(match value_place(table, "tk", device.table as usize) {
            Some(origin) => problem.at(origin),
            None => problem,
        });
        return None;
    }
    Some(())
}

/// Where the value for the devices of the table of that index stands.
fn value_place<'a>(table: &TableReader<'a>, key: &str, index: usize) -> Option<&'a Origin> {
    let value = table.value(key)?;
    match &value.data {
        Data::List(list) => list.get(index).map(|value| &value.origin),
        _ => Some(&value.origin),
    }
}
