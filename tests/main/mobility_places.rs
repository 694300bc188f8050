//! Where devices are: placed, walking, on tracks, and in whose cell.

use latentlink::mobility::{CellMap, Places, Position};
use latentlink::random::StreamKey;
use latentlink::scenario::{CellGrid, CellSettings, MobilitySettings, Placement, Scenario, ScenarioFile, TrackPoint};
use rand::RngExt;

fn cell(index: usize, x_m: f64, y_m: f64) -> CellSettings {
    CellSettings { name: format!("cell-{}", index + 1), x_m, y_m }
}

/// Devices at 500 m, one cell at the origin; the rest is what a test says.
fn scenario(devices: usize, placement: Placement, cells: &[(f64, f64)], mobility: MobilitySettings) -> Scenario {
    let text = format!("{}[policy]\nt0 = 4\ntk = 6\n", "[[device]]\nprompt = \"a dog\"\n".repeat(devices));
    let points = ScenarioFile::from_str(text, "places.toml").and_then(|file| file.points());
    let mut scenario = points.unwrap_or_else(|error| panic!("{error:#}")).remove(0).scenario;
    scenario.cells = cells.iter().enumerate().map(|(index, &(x_m, y_m))| cell(index, x_m, y_m)).collect();
    scenario.devices.iter_mut().for_each(|device| device.placement = placement);
    scenario.mobility = mobility;
    scenario
}

const SQUARE: [(f64, f64); 4] = [(-500.0, -500.0), (500.0, -500.0), (-500.0, 500.0), (500.0, 500.0)];
const WALKING: MobilitySettings =
    MobilitySettings::RandomWaypoint { speed_min_mps: 1.0, speed_max_mps: 4.0, pause_s: 60.0 };

fn mean_and_error(values: &[f64]) -> (f64, f64) {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (count - 1.0);
    (mean, (variance / count).sqrt())
}

#[track_caller]
fn assert_mean(values: &[f64], expected: f64) {
    let (mean, error) = mean_and_error(values);
    assert!((mean - expected).abs() < 4.0 * error, "{mean} ± {error}, expected {expected}");
}

#[test]
fn a_device_at_a_distance_is_exactly_there_in_a_direction_of_its_own() {
    let mut scenario = scenario(400, Placement::Distance, &[(250.0, -80.0)], MobilitySettings::Static);
    for (index, device) in scenario.devices.iter_mut().enumerate() {
        device.distance_m = 0.1 + 7.3 * index as f64;
    }
    let cells = CellMap::new(&scenario.cells);
    let mut places = Places::new(&scenario, 0);
    let (mut cosines, mut sines) = (Vec::new(), Vec::new());
    for (index, device) in scenario.devices.iter().enumerate() {
        let serving = places.serving_cell(&scenario, &cells, index, 10.0);
        assert_eq!((serving.cell, serving.distance_m), (0, device.distance_m));
        let position = places.position(&scenario, index, 10.0);
        cosines.push((position.x_m - 250.0) / device.distance_m);
        sines.push((position.y_m + 80.0) / device.distance_m);
        let distance_m = (position.x_m - 250.0).hypot(position.y_m + 80.0);
        assert!((distance_m / device.distance_m - 1.0).abs() < 1e-9);
    }
    assert_mean(&cosines, 0.0);
    assert_mean(&sines, 0.0);
    assert_mean(&cosines.iter().zip(&sines).map(|(x, y)| x * y).collect::<Vec<_>>(), 0.0);
    assert_mean(&cosines.iter().map(|x| x * x).collect::<Vec<_>>(), 0.5);
}

#[test]
fn places_depend_on_device_and_replication_and_not_on_who_else_is_there() {
    let four = scenario(4, Placement::Area, &SQUARE, WALKING);
    let two = scenario(2, Placement::Area, &SQUARE, WALKING);
    let at = |scenario: &Scenario, replication, device, time_s| {
        Places::new(scenario, replication).position(scenario, device, time_s)
    };
    for device in 0..2 {
        for time_s in [0.0, 1234.5] {
            assert_eq!(at(&four, 0, device, time_s), at(&two, 0, device, time_s));
        }
    }
    assert_ne!(at(&four, 0, 0, 0.0), at(&four, 0, 1, 0.0));
    assert_ne!(at(&four, 0, 0, 0.0), at(&four, 1, 0, 0.0));
}

#[test]
fn an_area_of_several_cells_is_their_box_and_half_a_spacing_more() {
    // Cells 400 m apart in a row: 200 m more on each side.
    let row = scenario(4_000, Placement::Area, &[(0.0, 0.0), (400.0, 0.0), (800.0, 0.0)], MobilitySettings::Static);
    let mut grid = scenario(4_000, Placement::Area, &SQUARE, MobilitySettings::Static);
    grid.cell_grid = Some(CellGrid { count: 4, spacing_m: 1000.0 });
    for (scenario, left, right, bottom, top) in
        [(row, -200.0, 1000.0, -200.0, 200.0), (grid, -1000.0, 1000.0, -1000.0, 1000.0)]
    {
        let mut places = Places::new(&scenario, 0);
        let positions: Vec<Position> = (0..4_000).map(|device| places.position(&scenario, device, 0.0)).collect();
        for (coordinates, low, high) in [
            (positions.iter().map(|position| position.x_m).collect::<Vec<_>>(), left, right),
            (positions.iter().map(|position| position.y_m).collect(), bottom, top),
        ] {
            assert!(coordinates.iter().all(|value| (low..=high).contains(value)));
            assert_mean(&coordinates, (low + high) / 2.0);
            let (middle, width): (f64, f64) = ((low + high) / 2.0, high - low);
            assert_mean(&coordinates.iter().map(|x| (x - middle).powi(2)).collect::<Vec<_>>(), width * width / 12.0);
        }
    }
}

#[test]
fn the_area_of_one_cell_is_a_disc_as_far_as_the_farthest_device() {
    let mut scenario = scenario(4_000, Placement::Area, &[(100.0, 0.0)], MobilitySettings::Static);
    scenario.devices[17].distance_m = 800.0;
    let (cells, mut places) = (CellMap::new(&scenario.cells), Places::new(&scenario, 0));
    let distances: Vec<f64> =
        (0..4_000).map(|device| places.serving_cell(&scenario, &cells, device, 0.0).distance_m).collect();
    assert!(distances.iter().all(|distance| (1.0..=800.0).contains(distance)));
    // The mean distance from the centre of a disc is 2/3 of its radius.
    assert_mean(&distances, 800.0 * 2.0 / 3.0);
}

#[test]
fn a_walker_moves_without_jumps_at_a_speed_within_the_bounds() {
    let scenario = scenario(3, Placement::Area, &SQUARE, WALKING);
    let mut places = Places::new(&scenario, 0);
    for device in 0..3 {
        let mut before = places.position(&scenario, device, 0.0);
        let (mut pauses, mut moves) = (0, 0);
        for tick in 1..40_000 {
            let position = places.position(&scenario, device, 0.5 * f64::from(tick));
            let speed_mps = position.distance_m(before) / 0.5;
            assert!(speed_mps <= 4.0 + 1e-9, "{speed_mps} m/s");
            assert!(position.x_m.abs() <= 1000.0 && position.y_m.abs() <= 1000.0);
            // A tick in which a pause begins or ends shows a part of the speed.
            pauses += u32::from(speed_mps == 0.0);
            moves += u32::from(speed_mps >= 1.0 - 1e-9);
            before = position;
        }
        assert!(pauses > 1_000 && moves > 10_000 && pauses + moves > 39_900, "{pauses} and {moves} of 40000");
    }
}

#[test]
fn a_position_is_the_same_whether_or_not_somebody_asked_before() {
    let scenario = scenario(1, Placement::Area, &SQUARE, WALKING);
    let mut often = Places::new(&scenario, 0);
    for tick in 0..5_000 {
        often.position(&scenario, 0, f64::from(tick) * 1.7);
    }
    assert_eq!(often.position(&scenario, 0, 9_000.0), Places::new(&scenario, 0).position(&scenario, 0, 9_000.0));
}

#[test]
fn the_share_of_time_in_pauses_and_the_mean_speed_are_those_of_renewal_theory() {
    let scenario = scenario(40, Placement::Area, &SQUARE, WALKING);
    let mut places = Places::new(&scenario, 0);
    // Mean distance of two points of a square of side 1; mean of 1 / v for a speed uniform on [1, 4].
    let mean_leg_m = 2000.0 * (2.0 + 2f64.sqrt() + 5.0 * (1.0 + 2f64.sqrt()).ln()) / 15.0;
    let mean_move_s = mean_leg_m * 4f64.ln() / 3.0;
    let (mut paused, mut speeds) = (Vec::new(), Vec::new());
    for device in 0..40 {
        let (mut still, mut way_m, mut before) = (0.0, 0.0, places.position(&scenario, device, 0.0));
        for tick in 1..=50_000 {
            let position = places.position(&scenario, device, 2.0 * f64::from(tick));
            still += f64::from(u8::from(position == before));
            way_m += position.distance_m(before);
            before = position;
        }
        // A pause of 60 s shows 29 to 30 still ticks of 2 s: on the mean 29, since its ends fall into a tick.
        paused.push(still / 50_000.0 * (60.0 / 58.0));
        speeds.push(way_m / 100_000.0);
    }
    assert_mean(&paused, 60.0 / (60.0 + mean_move_s));
    assert_mean(&speeds, mean_leg_m / (60.0 + mean_move_s));
}

#[test]
fn a_walk_saved_in_mid_leg_goes_on_as_if_nothing_had_happened() {
    let scenario = scenario(3, Placement::Area, &SQUARE, WALKING);
    let mut places = Places::new(&scenario, 0);
    (0..3).for_each(|device| {
        places.position(&scenario, device, 4_321.0);
    });
    let saved = serde_json::to_string(&places).expect("it can be saved");
    let mut restored: Places = serde_json::from_str(&saved).expect("it can be restored");
    for device in 0..3 {
        assert_eq!(places.position(&scenario, device, 50_000.0), restored.position(&scenario, device, 50_000.0));
    }
}

#[test]
fn a_device_on_a_track_is_handed_over_half_way_between_two_cells() {
    // Along y = 100 m from below the first cell to below the second at 10 m/s; the second device is on no track.
    let track = [(0.0, 0.0), (100.0, 1000.0)].map(|(time_s, x_m)| TrackPoint { time_s, x_m, y_m: 100.0 });
    let tracks = vec![track.to_vec(), Vec::new()].into();
    let mobility = MobilitySettings::Trace { file: "tracks.csv".into(), tracks };
    let placement = Placement::At { x_m: 3.0, y_m: 4.0 };
    let scenario = scenario(2, placement, &[(0.0, 0.0), (1000.0, 0.0)], mobility);
    let (cells, mut places) = (CellMap::new(&scenario.cells), Places::new(&scenario, 0));
    let mut serving = |device, time_s| {
        let serving = places.serving_cell(&scenario, &cells, device, time_s);
        (serving.cell, serving.distance_m)
    };
    assert_eq!(serving(0, 0.0), (0, 100.0));
    assert_eq!(serving(0, 50.0), (0, 500f64.hypot(100.0)), "of two equally near cells the first one serves");
    assert_eq!(serving(0, 50.1), (1, 499f64.hypot(100.0)));
    assert_eq!(serving(0, 100.0), (1, 100.0));
    assert_eq!(serving(0, 1e6), (1, 100.0), "after the last row it stays there");
    assert_eq!(serving(1, 0.0), (0, 5.0));
    assert_eq!(serving(1, 1e6), (0, 5.0));
}

#[test]
fn nobody_is_nearer_to_a_server_than_a_metre_unless_the_scenario_says_so() {
    let at = |placement, distance_m| {
        let mut scenario = scenario(1, placement, &[(0.0, 0.0)], MobilitySettings::Static);
        scenario.devices[0].distance_m = distance_m;
        Places::new(&scenario, 0).serving_cell(&scenario, &CellMap::new(&scenario.cells), 0, 0.0).distance_m
    };
    assert_eq!(at(Placement::At { x_m: 0.0, y_m: 0.0 }, 500.0), 1.0);
    assert_eq!(at(Placement::Distance, 0.25), 0.25);
}

#[test]
fn the_map_finds_the_cell_that_a_look_at_all_of_them_finds() {
    let mut rng = StreamKey::new(41, 0, "cells", "map").rng();
    let mut uniform = |low: f64, high: f64| low + (high - low) * rng.random::<f64>();
    let grid = (0..100).map(|index| (f64::from(index % 10) * 100.0, f64::from(index / 10) * 100.0)).collect();
    let scattered = (0..137).map(|_| (uniform(-300.0, 900.0), uniform(0.0, 50.0))).collect();
    let clustered = (0..60).map(|index| (f64::from(index / 30) * 1e6 + uniform(0.0, 1.0), uniform(0.0, 1.0))).collect();
    let on_a_line = (0..30).map(|index| (7.0, f64::from(index) * 10.0)).collect();
    let doubled = (0..40).map(|index| (f64::from(index % 20) * 5.0, 3.0)).collect();
    let layouts: [Vec<(f64, f64)>; 6] = [grid, scattered, clustered, on_a_line, doubled, vec![(1.0, 2.0); 3]];
    for layout in layouts {
        let cells: Vec<CellSettings> =
            layout.iter().enumerate().map(|(index, &(x_m, y_m))| cell(index, x_m, y_m)).collect();
        let map = CellMap::new(&cells);
        for query in 0..3_000 {
            // Inside, far outside, and on multiples of 50 m, which are corners of the grid's boxes.
            let spread = [1_200.0, 1e5, 1_200.0][query % 3];
            let (mut x_m, mut y_m) = (uniform(-spread, spread), uniform(-spread, spread));
            if query % 3 == 2 {
                (x_m, y_m) = ((x_m / 50.0).round() * 50.0, (y_m / 50.0).round() * 50.0);
            }
            let squared = |other: &CellSettings| (other.x_m - x_m).powi(2) + (other.y_m - y_m).powi(2);
            let mut expected = (0, f64::INFINITY);
            for (index, other) in (0..).zip(&cells) {
                if squared(other) < expected.1 {
                    expected = (index, squared(other));
                }
            }
            assert_eq!(map.nearest(Position { x_m, y_m }), (expected.0, expected.1.sqrt()), "at {x_m}, {y_m}");
        }
    }
}
