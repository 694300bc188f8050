//! Stable Diffusion packs as optimum exports them, against diffusers' own pipelines
//! (`tests/reference/tiny_stable_diffusion.py`): 1e-3 in 32 bits, 2e-2 in 16.

use std::sync::Arc;

use latentlink::diffusion::text::TextEmbedding;
use latentlink::diffusion::value::{Latent, Value};
use latentlink::diffusion::worker::{DenoiseItem, decode, denoise};
use latentlink::diffusion::{NoiseSchedule, Sampler, guide};
use latentlink::onnx::pack::TextEncoders;
use latentlink::onnx::{Conditioning, DiffusionModels, DiffusionPack};
use ndarray::{Array2, Axis, concatenate};

use crate::tiny_stable_diffusion::{Expected, PACKS, StableDiffusionPack, deviation, largest_difference};

/// Folder, reference, and how far a value may be off.
const CASES: [(&str, &str, f32); 5] = [
    (PACKS[0], PACKS[0], 1e-3),
    (PACKS[1], PACKS[1], 1e-3),
    (PACKS[2], PACKS[2], 1e-3),
    (PACKS[3], PACKS[3], 1e-3),
    ("sd15_fp16", PACKS[0], 2e-2),
];

fn embedding(pack: &DiffusionPack, models: &mut DiffusionModels, prompt: &str) -> TextEmbedding {
    let ids = pack.tokenize(prompt).expect("any prompt can be tokenized");
    TextEmbedding::sole(models.encode_prompts(&[ids]).expect("the text encoders run"))
}

/// What a guided step is told in place of a prompt.
fn unconditional(pack: &DiffusionPack, models: &mut DiffusionModels) -> TextEmbedding {
    let empty = embedding(pack, models, "");
    match pack.architecture().text_encoders {
        TextEncoders::Two { zeros_for_empty_prompt: true } => empty.zeroed(),
        _ => empty,
    }
}

#[test]
fn prompts_become_the_ids_of_transformers_slow_tokenizer() {
    let expected = Expected::read();
    for name in PACKS {
        let pack = StableDiffusionPack::new(name).open();
        assert_eq!(pack.tokenizer().file().file_name(), Some("vocab.json".as_ref()));
        let found = pack.tokenize(expected.prompt()).expect("it can be tokenized");
        assert_eq!(serde_json::json!(found.first), expected.case(name)["ids"], "{name}");
        // The second tokenizer of Stable Diffusion XL is that of 2.1.
        let second = found.second.map(|ids| serde_json::json!(ids));
        assert_eq!(second.as_ref(), (name == "sdxl").then_some(&expected.case("sd21")["ids"]), "{name}");
    }
}

#[test]
fn text_encoders_give_the_embeddings_of_diffusers() {
    let expected = Expected::read();
    for (folder, reference, tolerance) in CASES {
        let (pack, mut models) = StableDiffusionPack::new(folder).load();
        let case = expected.case(reference);
        let text = embedding(&pack, &mut models, expected.prompt());
        let none = unconditional(&pack, &mut models);
        for (found, place, pooled) in [(text, "text", "pooled"), (none, "empty_text", "empty_pooled")] {
            assert_eq!(found.tokens.dim(), expected.matrix(&case[place]).dim(), "{folder}");
            let off = largest_difference(&found.tokens, expected.array(&case[place]));
            assert!(off < tolerance, "{folder}: {place} is off by {off:e}");
            assert_eq!(found.pooled.is_some(), reference == "sdxl");
            if let Some(found) = found.pooled {
                let off = largest_difference(&found, &expected.row(&case[pooled]));
                assert!(off < tolerance, "{folder}: {pooled} is off by {off:e}");
            }
        }
    }
}

#[test]
fn one_call_of_the_denoiser_under_guidance_predicts_what_diffusers_does() {
    let expected = Expected::read();
    for (folder, reference, tolerance) in CASES {
        let (pack, mut models) = StableDiffusionPack::new(folder).load();
        let case = &expected.case(reference)["guided"];
        let (text, none) = (embedding(&pack, &mut models, expected.prompt()), unconditional(&pack, &mut models));
        let timestep = case["timestep"].as_f64().expect("a number");
        let start = expected.start();
        let mut predict = |text: &TextEmbedding| {
            let pooled = text.pooled.as_ref().map(|pooled| pooled.view().insert_axis(Axis(0)));
            let conditioning = Conditioning {
                text: text.tokens.view().insert_axis(Axis(0)),
                pooled,
                guidance: &[expected.guidance()],
            };
            models
                .predict(start.view(), &[timestep], &conditioning)
                .expect("the denoiser runs")
                .into_raw_vec_and_offset()
                .0
        };
        let found = if pack.architecture().guidance_width.is_some() {
            predict(&text)
        } else {
            let (mut without, with) = (predict(&none), predict(&text));
            guide(&mut without, &with, expected.guidance() as f32);
            without
        };
        let off = largest_difference(&found, expected.array(case));
        assert!(off < tolerance, "{folder}: off by {off:e}");
    }
}

#[test]
fn whole_chains_end_in_the_latents_and_pictures_of_diffusers() {
    let expected = Expected::read();
    for (folder, reference, tolerance) in CASES {
        let (pack, mut models) = StableDiffusionPack::new(folder).load();
        let (path, config) = pack.scheduler_config();
        let schedule = NoiseSchedule::from_config(path, config).expect("the schedule is understood");
        let text = Arc::new(embedding(&pack, &mut models, expected.prompt()));
        let none = pack.architecture().guidance_width.is_none().then(|| Arc::new(unconditional(&pack, &mut models)));
        let chains = expected.case(reference)["chains"].as_array().expect("a list");
        assert_eq!(chains.len(), 4);
        for case in chains {
            let (name, steps) = (&case["sampler"], case["steps"].as_u64().expect("a number") as u32);
            let sampler = if name == "ddim" { Sampler::Ddim { eta: 0.0 } } else { Sampler::Euler };
            let chain = schedule.chain(sampler, steps).expect("so many steps can be taken");
            let mut values: Vec<f32> = expected.start().iter().map(|value| value * chain.start_scale as f32).collect();
            for step in chain.steps {
                let item = DenoiseItem {
                    latent: Arc::new(Latent { values, history: Vec::new(), link_errors: None }),
                    text: Arc::clone(&text),
                    unconditional_text: none.clone(),
                    guidance: expected.guidance(),
                    step,
                    noise: None,
                };
                let results = denoise(&mut models, pack.latent_shape(), &[item]).expect("the denoiser runs");
                let Value::Latent(next) = &results[0] else { panic!("the latent stays finite") };
                values = next.values.clone();
            }
            let last = expected.array(&case["latent"]);
            let off = largest_difference(&values, last) / deviation(last);
            assert!(off < tolerance, "{folder} {name} {steps}: off by {off:e} standard deviations");
            println!("{folder} {name} {steps}: latent off by {off:e} standard deviations");
            if case["picture"].is_object() {
                let latent = Arc::new(Latent { values, history: Vec::new(), link_errors: None });
                let decoded = decode(&mut models, pack.latent_shape(), &[latent]).expect("the decoder runs");
                let Value::Picture(picture) = &decoded[0] else { panic!("the picture is finite") };
                // Ours are row by row, diffusers' channel by channel.
                let rows = expected.array(&case["picture"]).iter().enumerate();
                let mut by_pixel = vec![0.0; rows.len()];
                let pixels = picture.width() * picture.height();
                for (index, value) in rows {
                    by_pixel[3 * (index % pixels) + index / pixels] = *value;
                }
                let off = largest_difference(picture.rgb(), &by_pixel);
                assert!(off < tolerance, "{folder} {name} {steps}: the picture is off by {off:e}");
                println!("{folder} {name} {steps}: picture off by {off:e}");
            }
        }
    }
}

#[test]
fn a_batch_of_mixed_timesteps_prompts_and_scales_predicts_what_each_does_alone() {
    let expected = Expected::read();
    for name in PACKS {
        let (pack, mut models) = StableDiffusionPack::new(name).load();
        let texts = [expected.prompt(), "the dog", ""].map(|prompt| embedding(&pack, &mut models, prompt));
        let start = expected.start();
        let latents = concatenate(Axis(0), &[start.view(), (&start * 0.5).view(), (&start * -1.0).view()]).unwrap();
        let tokens: Vec<_> = texts.iter().map(|text| text.tokens.view().insert_axis(Axis(0))).collect();
        let tokens = concatenate(Axis(0), &tokens).expect("texts of one shape");
        let pooled: Vec<_> =
            texts.iter().filter_map(|text| Some(text.pooled.as_ref()?.view().insert_axis(Axis(0)))).collect();
        let pooled = (!pooled.is_empty()).then(|| concatenate(Axis(0), &pooled).expect("texts of one shape"));
        let (timesteps, scales) = ([801.0, 1.0, 801.0], [2.0, 3.0, 7.5]);
        let conditioning = Conditioning {
            text: tokens.view(),
            pooled: pooled.as_ref().map(|rows: &Array2<f32>| rows.view()),
            guidance: &scales,
        };
        let together = models.predict(latents.view(), &timesteps, &conditioning).expect("the denoiser runs");
        for sample in 0..3 {
            let one = sample..=sample;
            let conditioning = Conditioning {
                text: tokens.slice(ndarray::s![one.clone(), .., ..]),
                pooled: pooled.as_ref().map(|rows| rows.slice(ndarray::s![one.clone(), ..])),
                guidance: &scales[one.clone()],
            };
            let alone = models
                .predict(latents.slice(ndarray::s![one.clone(), .., .., ..]), &timesteps[one], &conditioning)
                .expect("the denoiser runs");
            let off = largest_difference(together.index_axis(Axis(0), sample), &alone);
            assert!(off < 1e-5, "{name}: sample {sample} is off by {off:e}");
        }
    }
}
