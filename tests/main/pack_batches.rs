//! The shipped pack on the CPU: a sample's result does not depend on the batch in which it is computed, so batches may
//! be cut as is best for speed.

use latentlink::onnx::{Conditioning, DiffusionModels, DiffusionPack, ResolvedProvider};
use ndarray::{Array3, Array4, ArrayView, Axis, Dimension, s};

use crate::tiny_pack::shipped_pack;

const PROMPTS: [&str; 3] = ["a tiger sits in front of a bush", "a dog sits in front of a bush", ""];

fn bits<D: Dimension>(values: ArrayView<'_, f32, D>) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

/// Numbers in [−2, 2) without a pattern: a Weyl sequence.
fn latents(samples: usize, [channels, height, width]: [usize; 3]) -> Array4<f32> {
    let mut weyl = 0.0_f64;
    Array4::from_shape_simple_fn((samples, channels, height, width), || {
        weyl = (weyl + 0.618_033_988_749_895).fract();
        (4.0 * weyl - 2.0) as f32
    })
}

fn load(intra_threads: usize) -> (DiffusionPack, DiffusionModels) {
    let pack = DiffusionPack::open(shipped_pack()).expect("the shipped pack is whole");
    let models = pack.load_worker(ResolvedProvider::Cpu, intra_threads).expect("the shipped pack fits");
    (pack, models)
}

fn texts(pack: &DiffusionPack, models: &mut DiffusionModels, samples: usize) -> Array3<f32> {
    let prompts: Vec<_> = (0..samples).map(|sample| pack.tokenize(PROMPTS[sample % 3]).expect("known words")).collect();
    models.encode_prompts(&prompts).expect("the text encoder runs").text
}

#[test]
fn the_denoiser_gives_the_same_bytes_in_any_batch_and_with_any_number_of_threads() {
    const SAMPLES: usize = 16;
    let (pack, mut models) = load(1);
    let latents = latents(SAMPLES, pack.latent_shape());
    let text = texts(&pack, &mut models, SAMPLES);
    let timesteps: Vec<f64> = (0..SAMPLES).map(|sample| [999.0, 499.0][sample / 8]).collect();
    let predict = |models: &mut DiffusionModels, size: usize| {
        let mut all = Vec::new();
        for start in (0..SAMPLES).step_by(size) {
            let range = start..(start + size).min(SAMPLES);
            let predicted = models
                .predict(
                    latents.slice(s![range.clone(), .., .., ..]),
                    &timesteps[range.clone()],
                    &Conditioning {
                        text: text.slice(s![range.clone(), .., ..]),
                        pooled: None,
                        guidance: &vec![1.0; range.len()],
                    },
                )
                .expect("the denoiser runs");
            all.extend(bits(predicted.view()));
        }
        all
    };
    let whole = predict(&mut models, SAMPLES);
    for size in [1, 2, 3, 8] {
        assert!(predict(&mut models, size) == whole, "batches of {size}");
    }
    let (_, mut two_threads) = load(2);
    assert!(predict(&mut two_threads, 8) == whole, "two threads");
}

#[test]
fn text_encoder_and_decoder_give_the_same_bytes_in_any_batch() {
    let (pack, mut models) = load(1);
    let together = texts(&pack, &mut models, 3);
    let latents = latents(3, pack.latent_shape());
    let pictures = models.decode(latents.view()).expect("the decoder runs");
    assert_eq!(pictures.len_of(Axis(1)), 3);
    assert!(pictures.iter().all(|value| (0.0..=1.0).contains(value)));
    for (sample, prompt) in PROMPTS.into_iter().enumerate() {
        let prompt = pack.tokenize(prompt).expect("known words");
        let alone = models.encode_prompts(&[prompt]).expect("the text encoder runs").text;
        assert!(bits(alone.view()) == bits(together.slice(s![sample, .., ..])), "prompt {sample}");
        let latent = latents.slice(s![sample..=sample, .., .., ..]);
        let picture = models.decode(latent).expect("the decoder runs");
        assert!(bits(picture.view()) == bits(pictures.slice(s![sample, .., .., ..])), "picture {sample}");
    }
}
