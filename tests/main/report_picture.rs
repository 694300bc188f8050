//! Pictures: conversion from tensors, rounding to 8 bit, PNG and enlarging.

use latentlink::picture::{Enlargement, Picture, PictureError};
use ndarray::{Array3, array};

#[test]
fn channels_first_become_interleaved_rows_and_values_are_clipped() {
    let channels = array![[[0.0, 0.1], [-4.0, 0.3]], [[0.4, 0.5], [0.6, 0.7]], [[0.8, 0.9], [1.0, 7.0f32]]];
    let picture = Picture::from_chw(channels.view()).unwrap();
    assert_eq!((picture.width(), picture.height()), (2, 2));
    assert_eq!(picture.rgb(), [0.0, 0.4, 0.8, 0.1, 0.5, 0.9, 0.0, 0.6, 1.0, 0.3, 0.7, 1.0]);
}

#[test]
fn eight_bit_values_round_to_the_nearest_with_halves_away_from_zero() {
    // 0.5 · 255 = 127.5 is exact in f32; 1/510 · 255 would be 0.5 but for rounding.
    let picture = Picture::new(2, 1, vec![0.5, 0.0, 1.0, 100.4 / 255.0, 100.6 / 255.0, 0.7 / 255.0]).unwrap();
    assert_eq!(picture.to_rgb8(), [128, 0, 255, 100, 101, 1]);
}

#[test]
fn values_that_are_no_numbers_are_refused_with_their_place() {
    let mut channels = Array3::<f32>::zeros((3, 4, 5));
    channels[[1, 2, 3]] = f32::NAN;
    assert_eq!(Picture::from_chw(channels.view()), Err(PictureError::NotFinite { row: 2, column: 3 }));
    assert_eq!(
        Picture::from_chw(Array3::<f32>::zeros((4, 2, 2)).view()),
        Err(PictureError::Shape { shape: vec![4, 2, 2] })
    );
    assert_eq!(Picture::new(2, 2, vec![0.0; 11]), Err(PictureError::Length { width: 2, height: 2, length: 11 }));
}

#[test]
fn a_png_decodes_to_the_same_pixels_and_carries_its_provenance() {
    let rgb = (0..3 * 7 * 5).map(|at| at as f32 / 104.0).collect();
    let picture = Picture::new(7, 5, rgb).unwrap();
    let bytes = picture.to_png_bytes(&[("Software", "latentlink"), ("Comment", "t₀ = 4")]).unwrap();
    let mut reader = png::Decoder::new(std::io::Cursor::new(&bytes)).read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let frame = reader.next_frame(&mut pixels).unwrap();
    assert_eq!((frame.width, frame.height), (7, 5));
    assert_eq!(pixels, picture.to_rgb8());
    let info = reader.info();
    assert_eq!(info.uncompressed_latin1_text[0].text, "latentlink");
    assert_eq!(info.utf8_text[0].get_text().unwrap(), "t₀ = 4");
    let again = picture.to_png_bytes(&[("Software", "latentlink"), ("Comment", "t₀ = 4")]).unwrap();
    assert_eq!(bytes, again);
}

#[test]
fn enlarging_repeats_pixels_or_interpolates_between_their_centres() {
    let picture = Picture::new(2, 1, vec![0.0, 0.0, 0.0, 1.0, 0.5, 0.25]).unwrap();
    let nearest = picture.enlarge(2, Enlargement::Nearest);
    assert_eq!((nearest.width(), nearest.height()), (4, 2));
    let red = |picture: &Picture| -> Vec<f32> { picture.rgb().iter().step_by(3).copied().collect() };
    assert_eq!(red(&nearest), [0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 1.0, 1.0]);
    let bilinear = picture.enlarge(2, Enlargement::Bilinear);
    assert_eq!(red(&bilinear), [0.0, 0.25, 0.75, 1.0, 0.0, 0.25, 0.75, 1.0]);
}
