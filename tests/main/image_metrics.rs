//! MSE, PSNR and SSIM against scikit-image, on pictures from the formula of `tests/reference/image_metrics.py`.

use latentlink::diffusion::image_metrics::{MetricsError, PictureMetrics};
use latentlink::picture::Picture;

const LEVELS: i64 = 1023;

fn level(pattern: &str, x: i64, y: i64, channel: i64) -> i64 {
    match pattern {
        "waves" => (x * x * 3 + y * y * 5 + x * y * 2 + channel * 211) % (LEVELS + 1),
        "ramp" => LEVELS.min((x * 17 + y * 9) / (channel + 1)),
        "flat" => 200 + 300 * channel,
        other => panic!("no pattern {other}"),
    }
}

fn picture(width: usize, height: usize, level: impl Fn(i64, i64, i64) -> i64) -> Picture {
    let mut rgb = Vec::new();
    for y in 0..height as i64 {
        for x in 0..width as i64 {
            for channel in 0..3 {
                rgb.push(level(x, y, channel) as f32 / LEVELS as f32);
            }
        }
    }
    Picture::new(width, height, rgb).unwrap()
}

#[test]
fn metrics_agree_with_scikit_image() {
    #[derive(serde::Deserialize)]
    struct Row {
        case: String,
        width: usize,
        height: usize,
        pattern: String,
        amplitude: i64,
        mse: f64,
        psnr_db: f64,
        ssim: f64,
    }
    let mut rows = csv::Reader::from_path("tests/vectors/image_metrics_reference.csv").unwrap();
    let mut count = 0;
    for row in rows.deserialize() {
        let row: Row = row.unwrap();
        let clean = |x, y, channel| level(&row.pattern, x, y, channel);
        let reference = picture(row.width, row.height, clean);
        let disturbed = picture(row.width, row.height, |x, y, channel| {
            let offset = (x * 7919 + y * 104_729 + channel * 1_299_709) % (2 * row.amplitude + 1);
            (clean(x, y, channel) + offset - row.amplitude).clamp(0, LEVELS)
        });
        let metrics = PictureMetrics::between(&disturbed, &reference).unwrap();
        let case = &row.case;
        assert!((metrics.mse - row.mse).abs() < 1e-9, "{case}: {metrics:?}");
        assert!((metrics.psnr_db - row.psnr_db).abs() < 1e-9, "{case}: {metrics:?}");
        assert!((metrics.ssim - row.ssim).abs() < 1e-7, "{case}: {metrics:?}");
        count += 1;
    }
    assert_eq!(count, 9);
}

#[test]
fn identical_pictures_have_no_error_infinite_psnr_and_similarity_one() {
    let one = picture(64, 64, |x, y, channel| level("waves", x, y, channel));
    let metrics = PictureMetrics::between(&one, &one.clone()).unwrap();
    assert_eq!(metrics.mse, 0.0);
    assert_eq!(metrics.psnr_db, f64::INFINITY);
    assert!((metrics.ssim - 1.0).abs() < 1e-12);
}

#[test]
fn black_against_white_has_zero_psnr_and_the_closed_form_similarity() {
    let black = picture(20, 20, |_, _, _| 0);
    let white = picture(20, 20, |_, _, _| LEVELS);
    let metrics = PictureMetrics::between(&black, &white).unwrap();
    assert_eq!((metrics.mse, metrics.psnr_db), (1.0, 0.0));
    // Both variances vanish, so that C1 / (1 + C1) is left of the formula.
    assert!((metrics.ssim - 1e-4 / 1.0001).abs() < 1e-9);
}

#[test]
fn pictures_of_different_size_or_smaller_than_the_window_are_refused() {
    let gray = |width, height| picture(width, height, |_, _, _| 500);
    assert!(matches!(
        PictureMetrics::between(&gray(20, 30), &gray(30, 20)),
        Err(MetricsError::DifferentSizes { width: 20, reference_width: 30, .. })
    ));
    assert_eq!(
        PictureMetrics::between(&gray(10, 30), &gray(10, 30)),
        Err(MetricsError::TooSmall { width: 10, height: 30 })
    );
}
