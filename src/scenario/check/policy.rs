//! `[policy]`

use super::diffusion::MAXIMUM_STEPS;
use crate::diffusion::Split;
use crate::radio::db_to_linear;
use crate::scenario::error::Problem;
use crate::scenario::range::Range;
use crate::scenario::reader::TableReader;
use crate::scenario::settings::{DeviceSettings, DiffusionSettings, FixedPolicy, PolicySettings};
use crate::scenario::source::Origin;
use crate::scenario::tree::{Data, Value};
use crate::scenario::words::Words;

/// The transmit power of the paper's first device.
const USUAL_POWER_DBW: f64 = 18.0;

const KINDS: Words<()> = &[("fixed", ())];

pub(super) fn read(
    table: &mut TableReader<'_>,
    diffusion: &DiffusionSettings,
    devices: &[DeviceSettings],
) -> Option<PolicySettings> {
    table.word("kind", (), KINDS);
    let t0 = t0(table, diffusion.steps);
    let tk = tk(table, diffusion.steps, devices);
    let tx_power_w = tx_power_w(table, devices);
    let policy = FixedPolicy { t0: t0?, tk: tk?, tx_power_w: tx_power_w? };
    check_together(table, &policy, diffusion, devices)?;
    Some(PolicySettings::Fixed(policy))
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

fn tx_power_w(table: &mut TableReader<'_>, devices: &[DeviceSettings]) -> Option<Vec<f64>> {
    let (key, value) = match (table.value("tx_power_w"), table.value("tx_power_dbw")) {
        (None, None) => return Some(vec![db_to_linear(USUAL_POWER_DBW); devices.len()]),
        (Some(watts), None) => ("tx_power_w", watts),
        (None, Some(dbw)) => ("tx_power_dbw", dbw),
        (Some(_), Some(dbw)) => {
            let problem = Problem::new("`tx_power_w` and `tx_power_dbw` are both given").at(&dbw.origin);
            table.push(problem.expected("only one of the two").help("take one of the two lines away"));
            return None;
        }
    };
    let is_dbw = key == "tx_power_dbw";
    let range = if is_dbw { Range::Between(-300.0, 300.0) } else { Range::AtLeast(0.0) };
    let values = per_table(table, key, value, devices, "a number, or a list of one per device")?;
    let powers: Vec<_> = values.iter().map(|value| table.number_from(key, value, range)).collect();
    let in_watts = |power: Option<f64>| power.map(|power| if is_dbw { db_to_linear(power) } else { power });
    Some(per_device(powers.into_iter().map(in_watts).collect::<Option<Vec<f64>>>()?, devices))
}

/// A single value for all, or one for each [[device]] table.
fn per_table<'v>(
    table: &mut TableReader<'_>,
    key: &str,
    value: &'v Value,
    devices: &[DeviceSettings],
    expected: &str,
) -> Option<&'v [Value]> {
    let tables = table_count(devices);
    match &value.data {
        Data::List(list) if list.len() == tables => Some(list),
        Data::List(list) => {
            let whom = match devices.len() == tables {
                true => format!("{tables} device{}", if tables == 1 { "" } else { "s" }),
                false => format!("{tables} [[device]] table{}", if tables == 1 { "" } else { "s" }),
            };
            let message = format!("`{key}` has {} values for {whom}", list.len());
            let problem = Problem::new(message).at(&value.origin).expected(expected);
            table.push(problem.help(format!("write {tables} values, or a single one for all")));
            None
        }
        Data::Integer(_) | Data::Float(_) => Some(std::slice::from_ref(value)),
        _ => {
            table.wrong_type(key, value, expected);
            None
        }
    }
}

/// How many [[device]] tables the devices are of.
fn table_count(devices: &[DeviceSettings]) -> usize {
    devices.last().map_or(0, |last| last.table as usize + 1)
}

/// The values of the tables, or a single one for all, for each device.
fn per_device<T: Copy>(values: Vec<T>, devices: &[DeviceSettings]) -> Vec<T> {
    match values.as_slice() {
        [single] => vec![*single; devices.len()],
        _ if values.len() == devices.len() => values,
        several => devices.iter().map(|device| several[device.table as usize]).collect(),
    }
}

/// What t0, t_k and the reading of the split must not do to one another.
fn check_together(
    table: &mut TableReader<'_>,
    policy: &FixedPolicy,
    diffusion: &DiffusionSettings,
    devices: &[DeviceSettings],
) -> Option<()> {
    let (t0, steps) = (policy.t0, diffusion.steps);
    // The devices of a table have the same steps.
    let firsts = policy.tk.iter().zip(devices).filter(|(_, device)| device.member == 0);
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
