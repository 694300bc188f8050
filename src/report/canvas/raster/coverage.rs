//! Which part of each pixel a shape covers, so that a translucent shape is blended once and its edges are smooth.

/// A pixel (column, row) and the part of it that is covered, from 0 to 1.
pub(super) type Covered = ((i32, i32), f32);

/// Lines on which a row of pixels is sampled; along them coverage is exact.
const LINES_PER_ROW: usize = 4;

/// Pixels of a page that a polygon covers, by the even-odd rule. All in pixels.
pub(super) fn polygon_coverage(corners: &[(f64, f64)], (width, height): (usize, usize)) -> Vec<Covered> {
    let lowest = corners.iter().map(|corner| corner.1).fold(f64::INFINITY, f64::min);
    let highest = corners.iter().map(|corner| corner.1).fold(f64::NEG_INFINITY, f64::max);
    let first = lowest.floor().clamp(0.0, height as f64) as usize;
    let last = highest.ceil().clamp(0.0, height as f64) as usize;
    let mut covered = Vec::new();
    let mut row_coverage = vec![0.0; width];
    for row in first..last {
        row_coverage.fill(0.0);
        for line in 0..LINES_PER_ROW {
            let y = row as f64 + (line as f64 + 0.5) / LINES_PER_ROW as f64;
            for pair in crossings(corners, y).chunks_exact(2) {
                add_run(&mut row_coverage, pair[0], pair[1]);
            }
        }
        let of_row = row_coverage.iter().enumerate().filter(|(_, part)| **part > 0.0);
        covered.extend(of_row.map(|(column, part)| ((column as i32, row as i32), *part as f32)));
    }
    covered
}

/// Where the sides of a polygon cross the height `y`, from left to right.
fn crossings(corners: &[(f64, f64)], y: f64) -> Vec<f64> {
    let next = corners.iter().cycle().skip(1);
    let mut crossings: Vec<f64> = corners
        .iter()
        .zip(next)
        .filter(|(from, to)| (from.1 <= y) != (to.1 <= y))
        .map(|(from, to)| from.0 + (y - from.1) / (to.1 - from.1) * (to.0 - from.0))
        .collect();
    crossings.sort_by(f64::total_cmp);
    crossings
}

/// Adds one sampled line's share to the pixels between `from` and `to`.
fn add_run(row_coverage: &mut [f64], from: f64, to: f64) {
    let (from, to) = (from.clamp(0.0, row_coverage.len() as f64), to.clamp(0.0, row_coverage.len() as f64));
    let first = from.floor() as usize;
    for (at, coverage) in row_coverage[first..to.ceil() as usize].iter_mut().enumerate() {
        let left = (first + at) as f64;
        let inside = to.min(left + 1.0) - from.max(left);
        *coverage += inside.max(0.0) / LINES_PER_ROW as f64;
    }
}

/// Pixels under a circle, by the distance of their centres from its own.
pub(super) fn disc_coverage(centre: (f64, f64), radius: f64) -> Vec<Covered> {
    by_distance(centre, radius, |distance| radius + 0.5 - distance)
}

/// Pixels under a circle's line of `stroke` pixels.
pub(super) fn ring_coverage(centre: (f64, f64), radius: f64, stroke: f64) -> Vec<Covered> {
    let half = stroke / 2.0;
    by_distance(centre, radius + half, |distance| half + 0.5 - (distance - radius).abs())
}

fn by_distance((x, y): (f64, f64), reach: f64, part: impl Fn(f64) -> f64) -> Vec<Covered> {
    let mut covered = Vec::new();
    for row in (y - reach - 1.0).floor() as i32..(y + reach + 1.0).ceil() as i32 {
        for column in (x - reach - 1.0).floor() as i32..(x + reach + 1.0).ceil() as i32 {
            let distance = (f64::from(column) + 0.5 - x).hypot(f64::from(row) + 0.5 - y);
            let part = part(distance).clamp(0.0, 1.0);
            if part > 0.0 {
                covered.push(((column, row), part as f32));
            }
        }
    }
    covered
}
