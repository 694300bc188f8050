//! A shared budget of whole power steps among users, exactly: dynamic programming over the users.
//!
//! ```text
//!  g_k(b) = max over p ≤ b of q_k(p) + g_{k+1}(b − p)        best of users k … K with b steps
//! ```

/// Who gets how many steps of power.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Division {
    /// Σ q_k.
    pub(super) quality: f64,
    /// One per user.
    pub(super) steps: Vec<usize>,
}

/// The division of at most `budget` steps with the largest Σ q_k(p_k); `qualities[k][p]` is q_k(p) for p = 0 … budget at least.
/// Of equally good ones the one with the lowest powers, the first user's first.
pub(super) fn best_division(qualities: &[&[f64]], budget: usize) -> Division {
    // What user k gets of b steps, the last user first.
    let mut taken: Vec<Vec<usize>> = Vec::with_capacity(qualities.len());
    let mut rest = vec![0.0; budget + 1];
    for (index, quality) in qualities.iter().enumerate().rev() {
        // Of the first user only the whole budget is asked for.
        let first_asked = if index == 0 { budget } else { 0 };
        let is_last = index + 1 == qualities.len();
        let (mut best, mut steps) = (vec![0.0; budget + 1], vec![0; budget + 1]);
        for asked in first_asked..=budget {
            let (most, of_most) = match (is_last, asked.checked_sub(1)) {
                // Nobody comes after it: more steps are one more to choose from.
                (true, Some(less)) if asked > first_asked => {
                    if quality[asked] > best[less] {
                        (quality[asked], asked)
                    } else {
                        (best[less], steps[less])
                    }
                }
                _ => first_largest(&quality[..=asked], &rest[..=asked]),
            };
            (best[asked], steps[asked]) = (most, of_most);
        }
        rest = best;
        taken.push(steps);
    }
    let mut left = budget;
    let steps = taken.iter().rev().map(|steps| {
        let own = steps[left];
        left -= own;
        own
    });
    let steps = steps.collect();
    Division { quality: rest[budget], steps }
}

/// The largest q(p) + g(b − p) and the lowest p that reaches it.
fn first_largest(quality: &[f64], rest: &[f64]) -> (f64, usize) {
    let mut most = (f64::NEG_INFINITY, 0);
    for (own, (quality, rest)) in quality.iter().zip(rest.iter().rev()).enumerate() {
        let sum = quality + rest;
        if sum > most.0 {
            most = (sum, own);
        }
    }
    most
}
