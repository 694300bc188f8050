//! Colours for numbers: matplotlib's viridis, which looks equally steep everywhere, keeps its order in gray and with any
//! common colour blindness.
//!
//! Viridis is by Stéfan van der Walt, Nathaniel Smith and Eric Firing, dedicated to the public domain under CC0. Here it
//! has every fifth of its 256 colours, with straight lines between them; no colour is off by more than one level.

use plotters::style::RGBColor;

use super::canvas::INK;

const ANCHORS: [(u8, u8, u8); 52] = [
    (68, 1, 84),
    (69, 8, 91),
    (71, 15, 98),
    (71, 22, 105),
    (72, 29, 111),
    (72, 35, 116),
    (71, 42, 121),
    (70, 48, 125),
    (69, 54, 129),
    (67, 60, 132),
    (65, 66, 134),
    (62, 72, 136),
    (60, 77, 138),
    (58, 83, 139),
    (55, 88, 140),
    (53, 93, 140),
    (50, 98, 141),
    (48, 103, 141),
    (46, 108, 142),
    (44, 113, 142),
    (42, 118, 142),
    (40, 122, 142),
    (38, 127, 142),
    (36, 132, 141),
    (35, 137, 141),
    (33, 141, 140),
    (31, 146, 140),
    (30, 151, 138),
    (30, 155, 137),
    (30, 160, 135),
    (32, 165, 133),
    (35, 169, 130),
    (40, 174, 127),
    (46, 178, 124),
    (53, 183, 120),
    (61, 187, 116),
    (69, 191, 111),
    (79, 195, 105),
    (89, 199, 100),
    (100, 203, 93),
    (112, 206, 86),
    (124, 210, 79),
    (136, 213, 71),
    (149, 215, 63),
    (162, 218, 55),
    (175, 220, 46),
    (189, 222, 38),
    (202, 224, 30),
    (215, 226, 25),
    (228, 227, 24),
    (241, 229, 28),
    (253, 231, 36),
];

/// The colour of a number from 0 (dark blue) to 1 (yellow); what lies outside takes the colour of that end.
pub fn viridis(at: f64) -> RGBColor {
    let place = at.clamp(0.0, 1.0) * (ANCHORS.len() - 1) as f64;
    let before = (place.floor() as usize).min(ANCHORS.len() - 2);
    let (low, high, part) = (ANCHORS[before], ANCHORS[before + 1], place - before as f64);
    let mix = |low: u8, high: u8| (f64::from(low) + part * (f64::from(high) - f64::from(low))).round() as u8;
    RGBColor(mix(low.0, high.0), mix(low.1, high.1), mix(low.2, high.2))
}

/// A quarter of a colour on white.
pub fn pale(RGBColor(red, green, blue): RGBColor) -> RGBColor {
    let mix = |level: u8| 255 - (255 - level) / 4;
    RGBColor(mix(red), mix(green), mix(blue))
}

/// Half of a colour on white.
pub fn half_pale(RGBColor(red, green, blue): RGBColor) -> RGBColor {
    let mix = |level: u8| 255 - (255 - level) / 2;
    RGBColor(mix(red), mix(green), mix(blue))
}

/// Dark or light, whichever has the higher contrast ratio with `ground` (WCAG 2.2).
pub fn readable_on(ground: RGBColor) -> RGBColor {
    const LIGHT: RGBColor = RGBColor(255, 255, 255);
    let contrast = |ink: RGBColor| {
        let (one, other) = (luminance(ink) + 0.05, luminance(ground) + 0.05);
        one.max(other) / one.min(other)
    };
    if contrast(INK) >= contrast(LIGHT) { INK } else { LIGHT }
}

/// Relative luminance of an sRGB colour, from 0 to 1.
fn luminance(RGBColor(red, green, blue): RGBColor) -> f64 {
    let linear = |level: u8| {
        let value = f64::from(level) / 255.0;
        if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)
}
