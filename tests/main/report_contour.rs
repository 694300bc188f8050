//! Lines of one level through numbers on a grid, against planes and circles whose lines are known.

use latentlink::report::contour::contour_lines;

fn grid(columns: usize, rows: usize, number: impl Fn(f64, f64) -> Option<f64>) -> Vec<Vec<Option<f64>>> {
    let row = |row: usize| (0..columns).map(|column| number(column as f64, row as f64)).collect();
    (0..rows).map(row).collect()
}

#[test]
fn the_line_through_a_plane_is_straight_and_where_the_equation_says() {
    // x + 2 y = 7.3 from the lower side, at (7.3, 0), to the left one, at (0, 3.65).
    let plane = grid(9, 6, |x, y| Some(x + 2.0 * y));
    let lines = contour_lines(&plane, 7.3);
    assert_eq!(lines.len(), 1);
    for (x, y) in &lines[0] {
        assert!((x + 2.0 * y - 7.3).abs() < 1e-12, "({x}, {y})");
    }
    let mut ends = [lines[0][0], *lines[0].last().unwrap()];
    ends.sort_by(|one, other| one.0.total_cmp(&other.0));
    let expected = [(0.0, 3.65), (7.3, 0.0)];
    for (end, expected) in ends.into_iter().zip(expected) {
        assert!((end.0 - expected.0).abs() < 1e-12 && (end.1 - expected.1).abs() < 1e-12, "{end:?}");
    }
    // It crosses x = 1 … 7 and y = 0 … 3 and x = 0: twelve sides.
    assert_eq!(lines[0].len(), 12);
}

#[test]
fn a_line_around_a_peak_is_closed() {
    let peak = grid(21, 21, |x, y| Some((x - 10.0).hypot(y - 10.0)));
    let lines = contour_lines(&peak, 6.5);
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0].first(), lines[0].last());
    for (x, y) in &lines[0] {
        // Between neighbours a cone is nearly straight.
        assert!(((x - 10.0).hypot(y - 10.0) - 6.5).abs() < 0.03);
    }
    assert!(contour_lines(&peak, -1.0).is_empty(), "a level that nothing reaches");
}

#[test]
fn a_place_without_a_number_interrupts_the_line() {
    let plane = |x: f64, y: f64| (!(x == 4.0 && y == 3.0)).then_some(y);
    let lines = contour_lines(&grid(9, 6, plane), 2.5);
    let mut spans: Vec<(f64, f64)> = lines.iter().map(|line| (line[0].0, line[line.len() - 1].0)).collect();
    spans.iter_mut().for_each(|span| *span = (span.0.min(span.1), span.0.max(span.1)));
    spans.sort_by(|one, other| one.0.total_cmp(&other.0));
    assert_eq!(spans, [(0.0, 3.0), (5.0, 8.0)]);
}

#[test]
fn the_mean_of_a_saddle_decides_which_corners_belong_together() {
    // High on one diagonal. Where the mean is above the level, the low corners are cut off, and else the high ones.
    for (high, cut_off) in [(1.0, [(1.0, 0.0), (0.0, 1.0)]), (0.9, [(0.0, 0.0), (1.0, 1.0)])] {
        let saddle = grid(2, 2, |x, y| Some(if x == y { high } else { 0.05 }));
        let lines = contour_lines(&saddle, 0.5);
        assert_eq!(lines.len(), 2);
        for (x, y) in cut_off {
            let near = |line: &Vec<(f64, f64)>| line.iter().all(|place| (place.0 - x).hypot(place.1 - y) < 0.75);
            assert_eq!(lines.iter().filter(|line| near(line)).count(), 1, "{high}: {lines:?}");
        }
    }
}
