//! The scenarios that come along.

use std::collections::HashSet;

use latentlink::radio::PathLoss;
use latentlink::scenario::{
    ArchitectureKind, CacheSharing, CoordinateValue, FaultSettings, FaultTimes, FigureKind, PolicyKind, PolicySettings,
    Scenario, ScenarioFile,
};

fn read(path: &str) -> ScenarioFile {
    let path = format!("{}/scenarios/{path}", env!("CARGO_MANIFEST_DIR"));
    ScenarioFile::read(path).expect("a shipped scenario is TOML")
}

#[test]
fn the_quickstart_is_a_grid_of_fifteen_points_with_two_devices() {
    let points = read("quickstart.toml").points().expect("the quickstart passes its check");
    assert_eq!(points.len(), 15);
    assert!(points.iter().all(|point| point.scenario.devices.len() == 2));
    // the last key varies fastest
    let second = &points[1].coordinates;
    assert_eq!(second[0].value, CoordinateValue::Integer(2));
    assert_eq!(second[1].value, CoordinateValue::Float(0.03));
    assert_eq!(points[14].scenario.radio.bit_error_probability, Some(0.15));
}

#[test]
fn figure_3_of_the_earlier_paper_has_its_six_bit_error_probabilities_in_four_codecs() {
    let points = read("paper/fig03.toml").points().expect("fig03 passes its check");
    assert_eq!(points.len(), 4 * 12);
    let pinned: Vec<f64> = points.iter().filter_map(|point| point.scenario.radio.bit_error_probability).collect();
    assert!([0.005, 0.01, 0.02, 0.04, 0.06, 0.10].iter().all(|of_paper| pinned.contains(of_paper)));
    for point in &points {
        let PolicySettings::Fixed(policy) = &point.scenario.policy else { panic!("a fixed policy") };
        assert_eq!((policy.t0, policy.tk.as_slice()), (5, [6].as_slice()));
    }
}

#[test]
fn every_study_of_the_papers_figures_has_twenty_replications_or_more() {
    for file in ["fig03", "fig08", "fig09", "fig10", "fig12", "fig13", "fig14"] {
        let points = read(&format!("paper/{file}.toml")).points().expect("it passes its check");
        assert!(points[0].scenario.study.replications >= 20, "{file}");
    }
}

#[test]
fn figure_8_sweeps_the_bit_error_probability_over_a_chain_of_four_and_six_steps() {
    let points = read("paper/fig08.toml").points().expect("fig08 passes its check");
    assert_eq!(points.len(), 16);
    for point in &points {
        let PolicySettings::Fixed(policy) = &point.scenario.policy else { panic!("a fixed policy") };
        assert_eq!((policy.t0, policy.tk.as_slice()), (4, [6].as_slice()));
        assert_eq!(point.scenario.diffusion.steps, 10);
    }
    assert_eq!(points[0].scenario.radio.bit_error_probability, Some(0.005));
    assert_eq!(points[15].scenario.radio.bit_error_probability, Some(0.15));
}

#[test]
fn figure_9_sweeps_the_steps_of_server_and_device_at_three_percent() {
    let points = read("paper/fig09.toml").points().expect("fig09 passes its check");
    let steps: Vec<(u32, u32)> = points
        .iter()
        .map(|point| {
            let PolicySettings::Fixed(policy) = &point.scenario.policy else { panic!("a fixed policy") };
            (policy.t0, policy.tk[0])
        })
        .collect();
    let expected: Vec<(u32, u32)> = (2..=4).flat_map(|t0| (1..=8).map(move |t2| (t0, t2))).collect();
    assert_eq!(steps, expected);
    assert!(points.iter().all(|point| point.scenario.radio.bit_error_probability == Some(0.03)));
    let figure = &points[0].scenario.figures[0];
    let FigureKind::ImageGrid(grid) = &figure.kind else { panic!("a grid of pictures") };
    assert_eq!(grid.scores, ["GA1", "GA2"]);
    assert_eq!(
        (grid.x.as_str(), grid.y.as_deref(), figure.device.as_deref()),
        ("policy.tk[device-2]", Some("policy.t0"), Some("device-2"))
    );
}

#[test]
fn figure_10_asks_two_agents_for_two_hundred_answers_about_two_pictures() {
    let points = read("paper/fig10.toml").points().expect("fig10 passes its check");
    assert_eq!(points.len(), 2);
    let judge = &points[0].scenario.judge;
    assert_eq!(judge.answers_per_picture, 200);
    let neuroticism: Vec<f64> = judge.panel.iter().map(|persona| persona.persona.neuroticism()).collect();
    assert_eq!(neuroticism, [0.1, 0.5]);
}

#[test]
fn figure_12_is_the_papers_allocation_beside_working_alone() {
    let points = read("paper/fig12.toml").points().expect("fig12 passes its check");
    let allocations: Vec<(u32, Vec<u32>)> = points
        .iter()
        .map(|point| {
            let PolicySettings::Fixed(policy) = &point.scenario.policy else { panic!("a fixed policy") };
            (policy.t0, policy.tk.clone())
        })
        .collect();
    assert_eq!(allocations, [(3, vec![5, 7]), (0, vec![8, 10])]);
    let PolicySettings::Fixed(policy) = &points[0].scenario.policy else { panic!("a fixed policy") };
    let expected_w = [10_f64.powf(1.8), 10_f64.powf(2.1)];
    assert!(policy.tx_power_w.iter().zip(expected_w).all(|(power_w, expected)| (power_w - expected).abs() < 1e-9));
}

#[test]
fn the_optimum_is_compared_with_four_policies_on_two_links_for_two_and_three_users() {
    let points = read("learning/optimum.toml").points().expect("optimum passes its check");
    assert_eq!(points.len(), 2 * 5 * 2);
    let kinds: HashSet<PolicyKind> = points.iter().map(|point| point.scenario.policy.kind()).collect();
    assert_eq!(kinds.len(), 5);
    let links: HashSet<(usize, u64)> = points
        .iter()
        .map(|point| (point.scenario.devices.len(), point.scenario.devices[1].distance_m as u64))
        .collect();
    assert_eq!(links, HashSet::from([(2, 400), (2, 800), (3, 400), (3, 800)]));
}

#[test]
fn figures_13_and_14_differ_in_what_the_device_asks_for() {
    for (file, request) in [("paper/fig13.toml", "a tiger"), ("paper/fig14.toml", "a dog")] {
        let points = read(file).points().expect("it passes its check");
        assert_eq!(points.len(), 5 * 5 * 5);
        let scenario = &points[0].scenario;
        assert!(scenario.devices[0].prompt.starts_with(request));
        assert!(scenario.server.prompt.as_ref().is_some_and(|prompt| prompt.starts_with("a tiger")));
        let map = scenario.figures.iter().find_map(|figure| match &figure.kind {
            FigureKind::HeatMap(map) => Some(map),
            _ => None,
        });
        assert_eq!(map.expect("there is a heat map").value, ["qoe_GA1", "qoe_GA2"]);
        let ends: Vec<_> = [0, 124].map(|at| points[at].scenario.radio.bit_error_probability).into();
        assert_eq!(ends, [Some(0.005), Some(0.15)]);
    }
}

#[test]
fn the_cache_scenario_asks_for_the_same_pictures_with_and_without_a_cache() {
    let points = read("network/async_cache.toml").points().expect("it passes its check");
    assert_eq!(points.len(), 4 * 2);
    for pair in points.chunks(2) {
        let [without, with] = pair else { panic!("the cache varies fastest") };
        assert!(without.scenario.cache.is_none());
        let cache = with.scenario.cache.as_ref().expect("the cache is on");
        assert_eq!((cache.capacity_entries, cache.sharing), (Some(100), CacheSharing::Everyone));
        assert_eq!(without.scenario.demand, with.scenario.demand);
    }
}

#[test]
fn one_word_tells_the_three_architectures_apart() {
    let points = read("network/architectures.toml").points().expect("it passes its check");
    let at_4_hz: Vec<_> =
        points.iter().filter(|point| point.coordinates[1].value == CoordinateValue::Float(4.0)).collect();
    let kinds: Vec<ArchitectureKind> = at_4_hz.iter().map(|point| point.scenario.architecture.kind).collect();
    assert_eq!(kinds, [ArchitectureKind::Edge, ArchitectureKind::DeviceToDevice, ArchitectureKind::Cluster]);
    for point in &at_4_hz[1..] {
        let mut same = point.scenario.clone();
        same.architecture.kind = ArchitectureKind::Edge;
        assert_eq!(same, at_4_hz[0].scenario);
    }
}

#[test]
fn the_protection_scenario_has_a_mean_snr_in_db_of_the_power_in_dbw() {
    let points = read("network/protection.toml").points().expect("it passes its check");
    assert_eq!(points.len(), 6 * 9);
    let radio = &points[0].scenario.radio;
    // −174 dBm/Hz is −204 dBW/Hz; 1 MHz is 60 dB.
    let noise_dbw = -204.0 + 60.0 + radio.noise_figure_db;
    assert_eq!(radio.bandwidth_hz, 1e6);
    assert_eq!(radio.path_loss, PathLoss::FixedGain { gain_db: noise_dbw });
}

#[test]
fn the_first_point_of_the_faults_scenario_is_without_any() {
    let points = read("network/faults.toml").points().expect("it passes its check");
    assert_eq!(points.len(), 5);
    let rates = |index: usize| -> Vec<f64> {
        let of_fault = |fault: &FaultSettings| match fault.times {
            FaultTimes::Rate { rate_hz } => rate_hz,
            FaultTimes::At(_) => panic!("they are drawn"),
        };
        points[index].scenario.faults.iter().map(of_fault).collect()
    };
    assert_eq!(rates(0), [0.0; 3]);
    assert_eq!(rates(4), [0.004; 3]);
}

#[test]
fn the_grouping_scenario_compares_with_a_threshold_at_which_nobody_shares() {
    let points = read("network/grouping.toml").points().expect("it passes its check");
    assert_eq!(points.len(), 5 * 5);
    assert!(
        points[..5].iter().all(|point| point.scenario.grouping.similarity_threshold.is_some_and(|least| least > 1.0))
    );
}

#[test]
fn the_city_has_a_hundred_thousand_phones_under_a_hundred_cells_for_a_day() {
    let points = read("network/city.toml").points().expect("it passes its check");
    let scenario = &points[0].scenario;
    assert_eq!((scenario.devices.len(), scenario.cells.len()), (100_000, 100));
    let demand = scenario.demand.as_ref().expect("it is in time");
    assert_eq!(demand.duration_s, Some(24.0 * 3600.0));
    assert!(!scenario.analysis.write_requests);
}

#[test]
fn figure_11_trains_five_actors_ten_times_on_two_links_with_equal_budgets() {
    let points = read("paper/fig11.toml").points().expect("fig11 passes its check");
    assert_eq!(points.len(), 2 * 5);
    let trainings: Vec<_> = points.iter().filter_map(|point| point.scenario.train.clone()).collect();
    assert_eq!(trainings.len(), points.len());
    let first = &trainings[0];
    for training in &trainings {
        assert_eq!((training.seeds, training.interactions, training.updates), (10, first.interactions, first.updates));
        assert_eq!((training.batch_size, training.exploration_noise), (first.batch_size, first.exploration_noise));
    }
    let of_caption = |point: &latentlink::scenario::Point| {
        let Scenario { server, radio, judge, devices, .. } = &point.scenario;
        (
            devices.len(),
            server.energy_budget_j,
            radio.energy_per_watt_j,
            judge.qoe_threshold,
            devices[0].energy_budget_j,
        )
    };
    assert!(points.iter().all(|point| of_caption(point) == (3, Some(20.0), Some(0.1), 0.6, Some(8.0))));
}

#[test]
fn the_scenario_of_histories_hands_over_two_multistep_chains_of_ten_steps_in_both_ways() {
    let points = read("history.toml").points().expect("it passes its check");
    assert_eq!(points.len(), 2 * 2 * 2 * 6);
    for point in &points {
        let PolicySettings::Fixed(policy) = &point.scenario.policy else { panic!("a fixed policy") };
        assert!(policy.tk.iter().all(|tk| policy.t0 + tk == 10));
        assert!(point.scenario.diffusion.sampler.longest_history() > 0);
    }
}

#[test]
fn scenarios_of_learning_pass_their_checks() {
    for name in ["train", "tuning", "ablations", "best", "two_users", "sequential", "real_judge"] {
        let points = read(&format!("learning/{name}.toml")).points().expect("it passes its check");
        assert!(points.iter().all(|point| point.scenario.train.is_some()), "{name}");
    }
    assert!(read("learning/measured_surface.toml").points().is_ok_and(|points| points.len() == 240));
}
