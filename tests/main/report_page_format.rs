//! Printed size and resolution of figures: pixels, what the PNG says about them, and pictures in them.

use crate::pixels::Pixels;
use latentlink::report::canvas::{Canvas, INK, PALETTE};
use latentlink::report::{PageFormat, ReportError};

fn size_and_dots_per_metre(canvas: &Canvas, format: &PageFormat) -> (u32, u32, u32) {
    let png = canvas.to_png_bytes_in(format, &[]).unwrap();
    let reader = png::Decoder::new(std::io::Cursor::new(&png)).read_info().unwrap();
    let info = reader.info();
    let dots = info.pixel_dims.unwrap();
    assert_eq!((dots.xppu, dots.unit), (dots.yppu, png::Unit::Meter));
    (info.width, info.height, dots.xppu)
}

#[test]
fn pixels_are_printed_size_times_resolution_and_the_png_says_so() {
    let canvas = Canvas::new(300.0, 150.0);
    // 300 points are 300/72 inches: 600 pixels at 144 dots per inch, 1250 at 300. A metre has 1/0.0254 inches.
    assert_eq!(size_and_dots_per_metre(&canvas, &PageFormat::default()), (600, 300, 5669));
    let fine = PageFormat { dots_per_inch: 300.0, width_mm: None };
    assert_eq!(size_and_dots_per_metre(&canvas, &fine), (1250, 625, 11_811));
    // 127 mm are 5 inches.
    let wide = PageFormat { dots_per_inch: 200.0, width_mm: Some(127.0) };
    assert_eq!(size_and_dots_per_metre(&canvas, &wide), (1000, 500, 7874));
    let coarse = PageFormat { dots_per_inch: 72.0, width_mm: None };
    assert_eq!(size_and_dots_per_metre(&canvas, &coarse), (300, 150, 2835));
}

#[test]
fn shapes_and_pictures_grow_with_the_resolution() {
    let mut canvas = Canvas::new(60.0, 40.0);
    canvas.fill([10.0, 10.0, 20.0, 14.0], PALETTE[0]);
    // 2 × 2 pixels of red, green, blue and black, each half a point wide.
    canvas.blit(&[255, 0, 0, 0, 255, 0, 0, 0, 255, 0, 0, 0], 2, (30.0, 10.0));
    for pixels_per_point in [2, 4, 6] {
        let format = PageFormat { dots_per_inch: 72.0 * f64::from(pixels_per_point), width_mm: None };
        let pixels = Pixels::of(&canvas.to_png_bytes_in(&format, &[]).unwrap());
        let per_point = pixels_per_point as usize;
        assert_eq!(pixels.count([0, 114, 178]), 10 * 4 * per_point * per_point);
        for colour in [[255, 0, 0], [0, 255, 0], [0, 0, 255], [0, 0, 0]] {
            assert_eq!(pixels.count(colour), per_point * per_point / 4, "{colour:?} at {pixels_per_point}");
        }
        // The corner of the picture is red, right of it green, below it blue.
        let at = |x: usize, y: usize| pixels.rgb[y * pixels.width + x];
        let (x, y, half) = (30 * per_point, 10 * per_point, per_point / 2);
        assert_eq!([at(x, y), at(x + half, y), at(x, y + half)], [[255, 0, 0], [0, 255, 0], [0, 0, 255]]);
    }
}

#[test]
fn grid_lines_of_half_a_point_are_seen_at_any_resolution() {
    let mut canvas = Canvas::new(50.0, 20.0);
    canvas.fill([0.0, 9.75, 50.0, 10.25], INK);
    for (dots_per_inch, thickness) in [(36.0, 1), (72.0, 1), (144.0, 1), (288.0, 2), (576.0, 4)] {
        let format = PageFormat { dots_per_inch, width_mm: None };
        let pixels = Pixels::of(&canvas.to_png_bytes_in(&format, &[]).unwrap());
        assert_eq!(pixels.count([34; 3]), pixels.width * thickness, "{dots_per_inch}");
    }
}

#[test]
fn what_is_translucent_is_blended_once() {
    let mut canvas = Canvas::new(40.0, 40.0);
    let square = |from: f64, to: f64| [(from, from), (to, from), (to, to), (from, to)];
    canvas.translucent_polygon(&square(5.0, 25.0), INK, 0.5);
    canvas.translucent_disc((32.0, 32.0), 5.0, PALETTE[1], 0.5);
    let pixels = Pixels::of_canvas(&canvas);
    // Half of 34 on white, everywhere.
    assert_eq!(pixels.count([145; 3]), 40 * 40);
    // Half of (213, 94, 0) on white, but for the rim: π · 10² pixels.
    let disc = pixels.count([234, 175, 128]) as f64;
    assert!((250.0..std::f64::consts::PI * 100.0).contains(&disc), "{disc}");
}

#[test]
fn formats_that_no_page_has_are_refused() {
    let canvas = Canvas::new(300.0, 150.0);
    for (dots_per_inch, width_mm) in
        [(0.0, None), (-300.0, None), (f64::NAN, None), (300.0, Some(0.0)), (300.0, Some(f64::INFINITY)), (1e9, None)]
    {
        let format = PageFormat { dots_per_inch, width_mm };
        assert!(matches!(canvas.to_png_bytes_in(&format, &[]), Err(ReportError::PageFormat { .. })), "{format:?}");
    }
}
