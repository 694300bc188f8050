//! Dots along an axis that step aside where they would touch.

/// The lane of each of `places` along an axis, counted from 0, so that dots in one lane stand at least `distance` apart.
/// Where all `most` lanes are taken, dots overlap in the one that is free soonest.
pub(super) fn lanes(places: &[f64], distance: f64, most: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..places.len()).collect();
    order.sort_by(|&one, &other| places[one].total_cmp(&places[other]));
    let mut last_in: Vec<f64> = vec![f64::NEG_INFINITY; most.max(1)];
    let mut lanes = vec![0; places.len()];
    for index in order {
        let place = places[index];
        let free = last_in.iter().position(|last| place - last >= distance);
        let soonest = || (0..last_in.len()).min_by(|&one, &other| last_in[one].total_cmp(&last_in[other]));
        let lane = free.or_else(soonest).unwrap_or(0);
        last_in[lane] = place;
        lanes[index] = lane;
    }
    lanes
}
