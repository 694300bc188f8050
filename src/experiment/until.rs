//! Replications until an interval is narrow: `study.until_relative_half_width`.
//!
//! After each round every point looks at its own replications, five at least. One whose 95 % interval is not narrow enough gets as many more
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

/// Replications that a point gets before its interval is believed: that of two is narrow by chance too often.
const LEAST_REPLICATIONS: u32 = 5;

/// What the rule says of a study.
#[derive(Debug, Default)]
pub struct Wanted {
    /// Replications of each point.
    pub replications: Vec<u32>,
    /// Points that are at the cap with an interval that is not narrow.
    pub capped: u32,
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
            asked = replications_wanted(until, known, &numbers);
            if asked > known && known >= until.maximum_replications {
                wanted.capped += 1;
            }
            asked = asked.min(until.maximum_replications);
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
    if replications < LEAST_REPLICATIONS {
        return LEAST_REPLICATIONS;
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
        // mean 1, s = 0.1, n = 5: half width 2.776 · 0.1 / √5 = 0.1242
        let numbers = [0.9, 0.9, 1.0, 1.1, 1.1];
        assert_eq!(replications_wanted(&until(0.13), 5, &numbers), 5, "narrow enough");
        // 5 · (0.1242 / 0.12)² = 5.35
        assert_eq!(replications_wanted(&until(0.12), 5, &numbers), 6);
        assert_eq!(replications_wanted(&until(0.001), 5, &numbers), 10);
    }

    #[test]
    fn few_numbers_ask_for_five_and_none_for_nothing() {
        assert_eq!(replications_wanted(&until(0.1), 1, &[0.5]), 5);
        assert_eq!(replications_wanted(&until(0.1), 2, &[0.5, 0.5]), 5, "narrow by chance");
        assert_eq!(replications_wanted(&until(0.1), 3, &[]), 3, "every run failed");
        assert_eq!(replications_wanted(&until(0.1), 6, &[-1.0, 1.0, -1.0, 1.0, -1.0, 1.0]), 12, "the mean is zero");
        assert_eq!(replications_wanted(&until(0.1), 6, &[0.0; 6]), 6, "nothing varies");
    }
}
