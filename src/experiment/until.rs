//! Replications until an interval is narrow: `study.until_relative_half_width`.
//!
//! After each round every point looks at its own replications. One whose 95 % interval is not narrow enough gets as many more
//! as its spread asks for, at most as many again as it has, up to the stated cap. Which replications a point has changes
//! nothing about them: replication r is the same whether there are 5 or 500. Stopping by looking at the data makes the
//! interval cover a little less often than 95 %, most where replications are few (Law, chapter 9.4.1).

use super::journal::{Journal, Outcome};
use super::statistics::{Summary, relative_half_width};
use super::tables::TableLayout;
use super::tables::observations::ObservedColumns;
use super::work_order::{RunId, Shard};
use crate::error::Error;
use crate::scenario::{Scenario, Until};

/// Checks that the rule can be followed.
///
/// # Errors
/// [`Error::Usage`] for a quantity that does not exist, with those that do, and for a shard.
pub fn check(scenario: &Scenario, shard: Option<Shard>, layout: &TableLayout) -> Result<(), Error> {
    let Some(until) = &scenario.study.until else { return Ok(()) };
    if shard.is_some() {
        return Err(Error::Usage {
            message: "a shard cannot add replications until an interval is narrow: it does not see the others"
                .to_owned(),
            help: "leave --shard or --until out".to_owned(),
        });
    }
    let observed = ObservedColumns::of(layout);
    if observed.run_numbers().any(|name| name == until.quantity) {
        return Ok(());
    }
    Err(Error::Usage {
        message: format!("there is no \"{}\" in this study whose interval could become narrow", until.quantity),
        help: format!(
            "give study.until_quantity one of {}",
            observed.run_numbers().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ")
        ),
    })
}

/// What the rule says of a study.
#[derive(Debug, Default)]
pub struct Wanted {
    /// Replications of each point.
    pub replications: Vec<u32>,
    /// Those of them that are not in the journal; none where every point is narrow enough or at its cap.
    pub missing: Vec<RunId>,
}

/// Applies the rule to each point from its first `replications` on, round by round, whatever else is in the journal: a study
/// that was stopped takes the same decisions as one that was not.
///
/// # Errors
/// What reading the journal says.
pub fn look(
    until: &Until,
    points: u32,
    replications: u32,
    journal: &Journal,
    layout: &TableLayout,
) -> Result<Wanted, Error> {
    let observed = ObservedColumns::of(layout);
    let mut wanted = Wanted::default();
    for point in 0..points {
        let mut numbers = Vec::new();
        let (mut known, mut asked) = (0, replications);
        loop {
            let runs = (known..asked).map(|replication| RunId { point, replication });
            let missing: Vec<RunId> = runs.clone().filter(|run| !journal.contains(*run)).collect();
            if !missing.is_empty() {
                wanted.missing.extend(missing);
                break;
            }
            for run in runs {
                if let Outcome::Done(rows) = journal.read(run)?.outcome {
                    numbers.extend(observed.of_run(&rows, &until.quantity)?);
                }
            }
            known = asked;
            asked = replications_wanted(until, known, &numbers).min(until.maximum_replications);
            if asked <= known {
                break;
            }
        }
        wanted.replications.push(asked.max(known));
    }
    Ok(wanted)
}

/// Replications that a point should have, from those it has: `replications` of them, of which some gave a number.
fn replications_wanted(until: &Until, replications: u32, numbers: &[f64]) -> u32 {
    if numbers.is_empty() && replications > 1 {
        // Every run failed: more of them would tell no more.
        return replications;
    }
    let summary = Summary::of(numbers.iter().copied()).ok();
    let twice = replications.saturating_mul(2);
    if summary.as_ref().is_some_and(|summary| summary.half_width_95 == Some(0.0)) {
        // All numbers are equal, be it to zero, of which no width is a part.
        return replications;
    }
    let Some(relative) = summary.as_ref().and_then(relative_half_width) else { return twice };
    if relative <= until.relative_half_width {
        return replications;
    }
    // The half width falls with the root of n.
    let predicted = f64::from(replications) * (relative / until.relative_half_width).powi(2);
    let predicted = if predicted.is_finite() { predicted.ceil().min(f64::from(u32::MAX)) as u32 } else { twice };
    predicted.clamp(replications + 1, twice.max(replications + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn until(relative_half_width: f64) -> Until {
        Until { relative_half_width, quantity: "sum_qoe".to_owned(), maximum_replications: 100 }
    }

    #[test]
    fn a_point_gets_what_its_spread_asks_for_and_at_most_as_many_again() {
        // mean 1, s = 0.1, n = 4: half width 3.182 · 0.1 / 2 = 0.159
        let numbers = [0.9, 0.9, 1.1, 1.1].map(|x: f64| 1.0 + (x - 1.0) * (0.75_f64).sqrt());
        assert_eq!(replications_wanted(&until(0.2), 4, &numbers), 4, "narrow enough");
        // 4 · (0.159 / 0.15)² = 4.5
        assert_eq!(replications_wanted(&until(0.15), 4, &numbers), 5);
        assert_eq!(replications_wanted(&until(0.001), 4, &numbers), 8);
    }

    #[test]
    fn one_number_has_no_interval_and_asks_for_more_and_none_asks_for_nothing() {
        assert_eq!(replications_wanted(&until(0.1), 1, &[0.5]), 2);
        assert_eq!(replications_wanted(&until(0.1), 3, &[0.5]), 6);
        assert_eq!(replications_wanted(&until(0.1), 3, &[]), 3);
        assert_eq!(replications_wanted(&until(0.1), 2, &[-1.0, 1.0]), 4, "the mean is zero");
        assert_eq!(replications_wanted(&until(0.1), 2, &[0.0, 0.0]), 2, "nothing varies");
    }
}
