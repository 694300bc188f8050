//! The scenarios that come along.

use latentlink::scenario::{CoordinateValue, FigureKind, PolicySettings, ScenarioFile};

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
        let PolicySettings::Fixed(policy) = &point.scenario.policy;
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
        let PolicySettings::Fixed(policy) = &point.scenario.policy;
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
            let PolicySettings::Fixed(policy) = &point.scenario.policy;
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
            let PolicySettings::Fixed(policy) = &point.scenario.policy;
            (policy.t0, policy.tk.clone())
        })
        .collect();
    assert_eq!(allocations, [(3, vec![5, 7]), (0, vec![8, 10])]);
    let PolicySettings::Fixed(policy) = &points[0].scenario.policy;
    let expected_w = [10_f64.powf(1.8), 10_f64.powf(2.1)];
    assert!(policy.tx_power_w.iter().zip(expected_w).all(|(power_w, expected)| (power_w - expected).abs() < 1e-9));
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
