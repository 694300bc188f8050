//! Pictures become pixels as transformers' `CLIPImageProcessor` makes them (`tests/reference/tiny_llava.py`).

use std::path::Path;

use latentlink::onnx::picture_preprocessing::{PicturePixels, PicturePreprocessing};
use serde_json::json;

use crate::tiny_llava::{bytes, expected, floats, open, pictures};
use crate::vlm_vectors::usize_of;

/// One of 255 levels, in normalised pixels of the smallest standard deviation.
const LEVEL: f32 = 1.0 / 255.0 / 0.26;

fn largest_difference(found: &PicturePixels, reference: &[f32]) -> f32 {
    let found = found.values();
    assert_eq!(found.len(), reference.len(), "shape {:?}", found.shape());
    found.iter().zip(reference).map(|(found, reference)| (found - reference).abs()).fold(0.0, f32::max)
}

#[test]
fn pixels_of_a_pack_are_those_of_transformers_within_one_level() {
    let (pack, reference) = (open(), floats("pixels.bin"));
    for (picture, reference) in pictures().iter().zip(reference.chunks_exact(3 * 32 * 32)) {
        let pixels = pack.preprocessing().pixels(picture);
        assert_eq!(pixels.values().shape(), [3, 32, 32]);
        let difference = largest_difference(&pixels, reference);
        assert!(difference <= LEVEL, "{difference} for {} × {}", picture.width(), picture.height());
    }
}

#[test]
fn resizing_cropping_and_padding_are_those_of_transformers_to_the_last_bit() {
    let (expected, pictures, levels, pixels) = (expected(), pictures(), bytes("levels.bin"), floats("pixels.bin"));
    let mut levels = levels.as_slice();
    let mut pixels = &pixels[3 * 3 * 32 * 32..];
    let ways = expected["preprocessings"].as_array().expect("a list");
    assert_eq!(ways.len(), 14);
    for way in ways {
        let settings = &way["settings"];
        let preprocessing = PicturePreprocessing::from_config(Path::new("here"), settings).expect("it is understood");
        let found = preprocessing.pixels(&pictures[usize_of(&way["picture"])]);
        let (height, width) = (usize_of(&way["height"]), usize_of(&way["width"]));
        assert_eq!(found.values().shape(), [3, height, width], "{settings}");
        let values = 3 * height * width;
        if settings["do_rescale"] == false {
            let (own, rest) = levels.split_at(values);
            levels = rest;
            let reference: Vec<f32> = own.iter().map(|&level| f32::from(level)).collect();
            assert_eq!(largest_difference(&found, &reference), 0.0, "{settings}");
        } else {
            let (own, rest) = pixels.split_at(values);
            pixels = rest;
            assert!(largest_difference(&found, own) < 1e-6, "{settings}");
        }
    }
    assert!(levels.is_empty() && pixels.is_empty(), "every way was compared");
}

#[test]
fn a_preprocessor_that_is_not_understood_is_refused_with_the_key_and_what_is_possible() {
    for (config, key, expected) in [
        (json!({ "resample": 0 }), "resample", "3 (bicubic)"),
        (json!({ "image_processor_type": "PixtralImageProcessor" }), "image_processor_type", "CLIPImageProcessor"),
        (json!({ "image_processor_type": "SmolVLMImageProcessor", "size": { "longest_edge": 8000 } }), "size", "4096"),
        (json!({ "image_processor_type": "Idefics3ImageProcessor", "max_image_size": 512 }), "max_image_size", "side"),
        (
            json!({ "image_processor_type": "Qwen2VLImageProcessor", "min_pixels": "few" }),
            "min_pixels",
            "whole picture",
        ),
        (json!({ "image_processor_type": "Qwen2VLImageProcessor", "max_pixels": 100 }), "max_pixels", "patch_size"),
        (json!({ "image_processor_type": "Qwen2VLImageProcessorFast", "patch_size": 0 }), "patch_size", "at least 1"),
        (json!({ "size": { "longest_edge": 336 } }), "size", "shortest_edge"),
        (json!({ "size": { "shortest_edge": 0 } }), "size", "pixels"),
        (json!({ "crop_size": "336" }), "crop_size", "height, width"),
        (json!({ "image_mean": [0.5, 0.5] }), "image_mean", "three numbers"),
        (json!({ "image_std": [0.5, 0.0, 0.5] }), "image_std", "other than zero"),
        (json!({ "do_resize": "yes" }), "do_resize", "true or false"),
    ] {
        let error = PicturePreprocessing::from_config(Path::new("pack/preprocessor_config.json"), &config)
            .expect_err("it is not understood");
        let text = error.to_string();
        for part in ["pack/preprocessor_config.json", key, expected] {
            assert!(text.contains(part), "{part} is not in: {text}");
        }
    }
}
