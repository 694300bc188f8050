//! Random states: users, distances and similarities that are drawn anew in each replication.

use latentlink::mobility::{CellMap, Places};
use latentlink::scenario::{Scenario, ScenarioFile};

use crate::network_runs::{Network, run};

const REPLICATIONS: u32 = 2_000;

/// "Random states: u~U, s_1 = 1, s_k~U[.6, 1], 400–900 m", with what a test adds.
fn text(more: &str) -> String {
    format!(
        "[server]\nprompt = \"a\"\n[population]\nkind = \"uniform\"\n[judge]\nkind = \"surface\"\nsimilarity = [0.6, 1.0]\n\
         [[device]]\nprompt = \"a\"\ndistance_m = 400\ndistance_max_m = 900\n\
         [[device]]\nprompt = \"b\"\ndistance_m = 400\ndistance_max_m = 900\n\
         [policy]\nt0 = 4\ntk = 6\n{more}"
    )
}

fn points(text: String) -> Vec<Scenario> {
    let points = ScenarioFile::from_str(text, "states.toml").and_then(|file| file.points());
    points.unwrap_or_else(|error| panic!("{error:#}")).into_iter().map(|point| point.scenario).collect()
}

/// Kolmogorov–Smirnov: the largest distance of the empirical distribution to the uniform one on [low, high] stays below
/// 1.95 / √n, which an honest sample exceeds once in 1,000 times.
#[track_caller]
fn assert_uniform(mut drawn: Vec<f64>, low: f64, high: f64) {
    drawn.sort_by(f64::total_cmp);
    let n = drawn.len() as f64;
    assert!(drawn[0] >= low && drawn[drawn.len() - 1] <= high, "{} to {}", drawn[0], drawn[drawn.len() - 1]);
    let distance = |(index, value): (usize, &f64)| {
        let expected = (value - low) / (high - low);
        (expected - index as f64 / n).abs().max((expected - (index as f64 + 1.0) / n).abs())
    };
    let largest = drawn.iter().enumerate().map(distance).fold(0.0, f64::max);
    assert!(largest < 1.95 / n.sqrt(), "{largest}");
}

/// Pearson's correlation of independent samples stays within 4/√n.
#[track_caller]
fn assert_uncorrelated(one: &[f64], other: &[f64]) {
    let n = one.len() as f64;
    let mean = |values: &[f64]| values.iter().sum::<f64>() / n;
    let covariance = |a: &[f64], b: &[f64]| {
        let (mean_a, mean_b) = (mean(a), mean(b));
        a.iter().zip(b).map(|(x, y)| (x - mean_a) * (y - mean_b)).sum::<f64>() / n
    };
    let correlation = covariance(one, other) / (covariance(one, one) * covariance(other, other)).sqrt();
    assert!(correlation.abs() < 4.0 / n.sqrt(), "{correlation}");
}

fn by_replication(draw: impl Fn(u32) -> f64) -> Vec<f64> {
    (0..REPLICATIONS).map(draw).collect()
}

#[test]
fn traits_of_a_uniform_population_are_uniform_hundredths_independent_of_each_other() {
    let scenario = points(text("")).remove(0);
    // 1/200 on either side of a hundredth that is told
    let of_trait =
        |index: usize| by_replication(|replication| scenario.persona_of(1, replication).persona.traits()[index]);
    let traits: Vec<Vec<f64>> = (0..5).map(of_trait).collect();
    for (index, values) in traits.iter().enumerate() {
        assert!(values.iter().all(|value| (0.0..=1.0).contains(value) && (value * 100.0).round() / 100.0 == *value));
        let spread = |value: f64, replication: usize| value + (replication as f64 * 0.618_034 % 1.0 - 0.5) / 100.0;
        let inside = values.iter().enumerate().map(|(replication, &value)| spread(value, replication));
        assert_uniform(inside.map(|value| value.clamp(0.0, 1.0)).collect(), 0.0, 1.0);
        traits[..index].iter().for_each(|other| assert_uncorrelated(values, other));
    }
    assert_uncorrelated(&traits[0], &by_replication(|run| scenario.persona_of(0, run).persona.traits()[0]));
}

#[test]
fn a_range_of_distances_is_drawn_from_uniformly_and_seen_wherever_a_device_is_placed() {
    let scenario = points(text("")).remove(0);
    let cells = CellMap::new(&scenario.cells);
    let distances = |device: usize| {
        by_replication(|replication| {
            let mut places = Places::new(&scenario, replication);
            let position = places.position(&scenario, device, 0.0);
            let distance_m = places.serving_cell(&scenario, &cells, device, 0.0).distance_m;
            assert_eq!(distance_m, scenario.distance_of_m(device, replication));
            assert!((position.x_m.hypot(position.y_m) / distance_m - 1.0).abs() < 1e-9, "{position:?}");
            distance_m
        })
    };
    let (first, second) = (distances(0), distances(1));
    assert_uncorrelated(&first, &second);
    assert_uniform(first, 400.0, 900.0);
    assert_uniform(second, 400.0, 900.0);
}

#[test]
fn a_range_of_similarities_is_drawn_from_uniformly_for_prompts_that_differ() {
    let scenario = points(text("")).remove(0);
    let similarities = by_replication(|replication| scenario.drawn_similarity(1, replication).expect("a range"));
    let distances = by_replication(|replication| scenario.distance_of_m(1, replication));
    assert_uncorrelated(&similarities, &distances);
    assert_uniform(similarities, 0.6, 1.0);
    let given = points(text("").replace("[0.6, 1.0]", "0.8")).remove(0);
    assert_eq!(given.drawn_similarity(1, 0), None, "one number is nothing to draw from");
}

#[test]
fn all_points_of_a_sweep_see_the_same_states() {
    let swept = text("[sweep]\npolicy.t0 = [1, 4, 8]\nradio.bandwidth_hz = [1e6, 5e6]\n");
    let (first, rest) =
        { points(swept).split_first().map(|(first, rest)| (first.clone(), rest.to_vec())) }.expect("six");
    assert_eq!(rest.len(), 5);
    for (point, replication) in rest.iter().flat_map(|point| (0..20).map(move |replication| (point, replication))) {
        for device in 0..2 {
            assert_eq!(point.persona_of(device, replication), first.persona_of(device, replication));
            assert_eq!(point.distance_of_m(device, replication), first.distance_of_m(device, replication));
            assert_eq!(point.drawn_similarity(device, replication), first.drawn_similarity(device, replication));
        }
    }
    // a wider range stretches the same draws
    let wider = points(text("").replace("distance_max_m = 900", "distance_max_m = 1400")).remove(0);
    let (narrow_m, wide_m) = (first.distance_of_m(0, 7) - 400.0, wider.distance_of_m(0, 7) - 400.0);
    assert!((wide_m / narrow_m - 2.0).abs() < 1e-9, "{narrow_m} {wide_m}");
    let reseeded = points(text("[study]\nseed = 42\n")).remove(0);
    assert_ne!(reseeded.distance_of_m(0, 7), first.distance_of_m(0, 7));
    assert_ne!(reseeded.drawn_similarity(1, 7), first.drawn_similarity(1, 7));
}

#[test]
fn what_is_drawn_is_what_a_run_is_made_with() {
    let round = format!("{}[radio]\nbit_error_probability = 0\n", text(""));
    let scenario = points(round.clone()).remove(0);
    let ran = run(&round, |book| book.with_server_prompt("a"));
    let of_device = |device: usize| {
        let user = ran.users.iter().find(|user| user.record.journey.device == device).expect("everyone is served");
        (user.record.journey.distance_m, user.record.similarity)
    };
    assert_eq!(of_device(0), (scenario.distance_of_m(0, 0), 1.0), "it asks for the prompt of the shared steps");
    assert_eq!(of_device(1), (scenario.distance_of_m(1, 0), scenario.drawn_similarity(1, 0).expect("a range")));
}

#[test]
fn a_range_that_no_threshold_cuts_goes_with_groups() {
    let network = Network {
        demand: "arrivals = { kind = \"deterministic\", interval_s = 1 }\nrequests = 40",
        devices: "[[device]]\nprompt = \"a\"\n[[device]]\nprompt = \"b\"\n[[device]]\nprompt = \"c\"\n",
        rest: "[grouping]\nwindow_s = 5\nsimilarity_threshold = 0.6\n",
        ..Network::default()
    };
    let toml = network.toml().replace("similarity = 1\n", "similarity = [0.6, 0.9]\n");
    let scenario = points(toml.clone()).remove(0);
    let ran = run(&toml, |book| book.with_given_similarity(0.6));
    assert_eq!(ran.users.len(), 40);
    let mut drawn = 0;
    for user in &ran.users {
        let record = &user.record;
        let of_device = scenario.drawn_similarity(record.journey.device, 0).expect("a range");
        assert!(record.similarity == 1.0 || record.similarity == of_device, "{}", record.similarity);
        drawn += usize::from(record.similarity == of_device);
    }
    assert!(drawn > 5, "groups of different prompts are formed: {drawn}");
}
