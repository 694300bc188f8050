//! The lines of SSIM beside a picture grid: means and intervals of what `requests.csv` holds.

use crate::program::{Workplace, assert_close};
use crate::small_study::small;

/// The 97.5 % quantile of Student's t with one degree of freedom, tan(0.475 π).
const T_ONE_DEGREE: f64 = 12.706_204_736_174_7;

#[test]
fn ssim_lines_are_means_over_replications_with_their_intervals() {
    let scenario = small()
        .replace("name = \"small\"", "name = \"small\"\nreplications = 2")
        .replace("radio.multiple_access = [\"tdma\", \"ofdma\"]", "\"radio.bit_error_probability\" = [0.02, 0.2]");
    let workplace = Workplace::with("lines.toml", &scenario);
    workplace.run(&["run", "lines.toml", "--out", "out"]).assert_done();
    let requests = workplace.csv("out/requests.csv");
    let lines = workplace.csv("out/figures/pictures_ssim.csv");
    assert_eq!(lines.column("series"), ["phone", "phone", "tablet", "tablet"]);
    assert_eq!(lines.numbers("radio.bit_error_probability"), [0.02, 0.2, 0.02, 0.2]);
    for row in 0..4 {
        let observed: Vec<f64> = (0..8)
            .filter(|&request| {
                requests.cell(request, "device") == lines.cell(row, "series")
                    && requests.number(request, "radio.bit_error_probability")
                        == lines.number(row, "radio.bit_error_probability")
            })
            .map(|request| requests.number(request, "ssim_error_free"))
            .collect();
        let [first, second] = observed[..] else { panic!("two replications a point, not {observed:?}") };
        assert_ne!(first, second, "replications have other bit errors");
        assert_close(lines.number(row, "ssim"), (first + second) / 2.0);
        // s / √2 = |x1 − x2| / 2 for two observations.
        let half_width = T_ONE_DEGREE * (first - second).abs() / 2.0;
        assert_close(lines.number(row, "low_95"), (first + second) / 2.0 - half_width);
        assert_close(lines.number(row, "high_95"), (first + second) / 2.0 + half_width);
        assert_eq!(lines.cell(row, "n"), "2");
    }
}

#[test]
fn a_sweep_over_words_draws_no_lines() {
    let workplace = Workplace::with("small.toml", &small());
    workplace.run(&["run", "small.toml", "--out", "out"]).assert_done();
    assert!(workplace.path("out/figures/pictures.png").exists());
    assert!(!workplace.path("out/figures/pictures_ssim.png").exists());
}
