//! Pillow's way to resize an 8-bit picture, to the last bit: transformers resizes with it, so every judge was trained on
//! its pictures.
//!
//! A row is resized first, then a column. Every target pixel is a weighted sum of the source pixels below its filter,
//! which is widened by the scale where the picture shrinks (antialiasing). Weights are fixed-point numbers and the
//! picture between the two passes has 8 bits again, as in `libImaging/Resample.c`.
//!
//! Since version 13 Pillow resizes columns first where a picture shrinks much more in height than in width, which
//! rounds some pixels otherwise. The judges of today were trained before; and where the shortest edge is resized, both
//! sides shrink alike and the versions agree.

use std::f64::consts::PI;

/// Bits after the point of a weight.
const PRECISION_BITS: u32 = 32 - 8 - 2;

/// A filter by its number in Pillow, which is what `resample` in a `preprocessor_config.json` means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResamplingFilter {
    /// 1
    Lanczos,
    /// 2
    Bilinear,
    /// 3, with a = −0.5
    Bicubic,
    /// 4
    Box,
    /// 5
    Hamming,
}

impl ResamplingFilter {
    /// The filter that Pillow gives this number; `None` for nearest (0) and numbers that mean nothing.
    pub fn from_pillow(number: u64) -> Option<Self> {
        match number {
            1 => Some(Self::Lanczos),
            2 => Some(Self::Bilinear),
            3 => Some(Self::Bicubic),
            4 => Some(Self::Box),
            5 => Some(Self::Hamming),
            _ => None,
        }
    }

    /// Half the filter's width, in source pixels.
    fn support(self) -> f64 {
        match self {
            Self::Lanczos => 3.0,
            Self::Bilinear | Self::Hamming => 1.0,
            Self::Bicubic => 2.0,
            Self::Box => 0.5,
        }
    }

    fn weight(self, x: f64) -> f64 {
        let distance = x.abs();
        match self {
            Self::Lanczos if distance < 3.0 => sinc(x) * sinc(x / 3.0),
            Self::Bilinear if distance < 1.0 => 1.0 - distance,
            Self::Bicubic => {
                const A: f64 = -0.5;
                if distance < 1.0 {
                    ((A + 2.0) * distance - (A + 3.0)) * distance * distance + 1.0
                } else if distance < 2.0 {
                    (((distance - 5.0) * distance + 8.0) * distance - 4.0) * A
                } else {
                    0.0
                }
            }
            Self::Box if x > -0.5 && x <= 0.5 => 1.0,
            Self::Hamming if distance == 0.0 => 1.0,
            Self::Hamming if distance < 1.0 => sinc(distance) * (0.54 + 0.46 * (PI * distance).cos()),
            _ => 0.0,
        }
    }
}

fn sinc(x: f64) -> f64 {
    if x == 0.0 { 1.0 } else { (PI * x).sin() / (PI * x) }
}

/// The source pixels of one target pixel: the first of them, and the weight of each.
struct Window {
    first: usize,
    weights: Vec<i32>,
}

fn windows(from: usize, to: usize, filter: ResamplingFilter) -> Vec<Window> {
    let scale = from as f64 / to as f64;
    let stretch = scale.max(1.0);
    let support = filter.support() * stretch;
    let narrowing = 1.0 / stretch;
    (0..to)
        .map(|target| {
            let centre = (target as f64 + 0.5) * scale;
            // The casts cut towards zero, as C's do; a negative start becomes 0 all the same.
            let first = (centre - support + 0.5) as usize;
            let end = ((centre + support + 0.5) as usize).min(from);
            let weights: Vec<f64> =
                (first..end).map(|source| filter.weight((source as f64 - centre + 0.5) * narrowing)).collect();
            let sum: f64 = weights.iter().sum();
            let fixed = |weight: f64| {
                let weight = if sum == 0.0 { weight } else { weight / sum } * f64::from(1 << PRECISION_BITS);
                (weight + 0.5_f64.copysign(weight)) as i32
            };
            Window { first, weights: weights.into_iter().map(fixed).collect() }
        })
        .collect()
}

fn weighted(window: &Window, source: impl Fn(usize) -> u8) -> u8 {
    let half = 1_i32 << (PRECISION_BITS - 1);
    let sum = (window.first..)
        .zip(&window.weights)
        .fold(half, |sum, (pixel, weight)| sum.wrapping_add(i32::from(source(pixel)).wrapping_mul(*weight)));
    (sum >> PRECISION_BITS).clamp(0, 255) as u8
}

/// `rgb` (interleaved rows [height × width × 3]) brought to `to_height` × `to_width`.
pub fn resize_rgb8(
    rgb: &[u8],
    [height, width]: [usize; 2],
    [to_height, to_width]: [usize; 2],
    filter: ResamplingFilter,
) -> Vec<u8> {
    let mut narrowed = rgb.to_vec();
    if to_width != width {
        narrowed = Vec::with_capacity(3 * height * to_width);
        let windows = windows(width, to_width, filter);
        for row in rgb.chunks_exact(3 * width) {
            for window in &windows {
                narrowed.extend((0..3).map(|channel| weighted(window, |column| row[3 * column + channel])));
            }
        }
    }
    if to_height == height {
        return narrowed;
    }
    let row = 3 * to_width;
    let mut resized = Vec::with_capacity(to_height * row);
    for window in windows(height, to_height, filter) {
        resized.extend((0..row).map(|place| weighted(&window, |line| narrowed[line * row + place])));
    }
    resized
}
