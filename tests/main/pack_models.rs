//! The sessions of a pack, on models whose results are known in closed form (`tests/reference/tiny_models.py`):
//! whatever their element types and ranks, the numbers are the same; what does not fit is refused by name.

use latentlink::onnx::provider::probe;
use latentlink::onnx::{
    Conditioning, CudaDevice, DiffusionModels, DiffusionPack, PackError, PromptIds, ResolvedProvider,
};
use miette::Diagnostic;
use ndarray::{Array3, Array4, ArrayView3, ArrayView4, s};

use crate::tiny_pack::TinyPack;

fn load(pack: &TinyPack) -> Result<DiffusionModels, PackError> {
    DiffusionPack::open(pack.root()).expect("the pack is whole").load_worker(ResolvedProvider::Cpu, 1)
}

fn predict(
    models: &mut DiffusionModels,
    latents: ArrayView4<'_, f32>,
    timesteps: &[f64],
    text: ArrayView3<'_, f32>,
) -> Array4<f32> {
    let conditioning = Conditioning { text, pooled: None, guidance: &vec![1.0; timesteps.len()] };
    models.predict(latents, timesteps, &conditioning).expect("the model runs")
}

/// Multiples of 1/8 below 64: exact in 16 bits.
fn latents(samples: usize) -> Array4<f32> {
    let mut next = -1.0;
    Array4::from_shape_simple_fn((samples, 4, 2, 2), || {
        next += 0.125;
        next
    })
}

/// Text with the mean `sample` / 4.
fn text(samples: usize) -> Array3<f32> {
    Array3::from_shape_fn((samples, 4, 4), |(sample, _, _)| sample as f32 / 4.0)
}

/// 0.5 latent + timestep / 8 + mean of the text.
fn predicted(latents: &Array4<f32>, timesteps: &[f64], text: &Array3<f32>) -> Array4<f32> {
    Array4::from_shape_fn(latents.raw_dim(), |(sample, channel, row, column)| {
        let text = text[[sample, 0, 0]];
        0.5 * latents[[sample, channel, row, column]] + timesteps[sample] as f32 / 8.0 + text
    })
}

#[test]
fn a_denoiser_predicts_the_same_whatever_the_rank_and_type_of_its_timestep() {
    for variant in ["unet", "unet_scalar_int32", "unet_one_f32", "unet_scalar_f16", "unet_f64_time"] {
        let pack = TinyPack::new();
        pack.model("unet", variant);
        let mut models = load(&pack).expect(variant);
        let (latents, text) = (latents(5), text(5));
        for timesteps in [[16.0; 5], [16.0, 16.0, 8.0, 8.0, 8.0], [16.0, 8.0, 24.0, 8.0, 16.0]] {
            let found = predict(&mut models, latents.view(), &timesteps, text.view());
            assert_eq!(found, predicted(&latents, &timesteps, &text), "{variant} {timesteps:?}");
        }
    }
}

#[test]
fn a_fractional_timestep_reaches_a_float_model_whole_and_an_integer_model_rounded() {
    for (variant, seen) in [("unet_one_f32", 99.5), ("unet_f64_time", 99.5), ("unet", 100.0)] {
        let pack = TinyPack::new();
        pack.model("unet", variant);
        let (latents, text) = (latents(1), text(1));
        let found = predict(&mut load(&pack).expect(variant), latents.view(), &[99.5], text.view());
        assert_eq!(found, predicted(&latents, &[seen], &text), "{variant}");
    }
}

#[test]
fn arrays_in_any_memory_order_are_taken() {
    let mut models = load(&TinyPack::new()).expect("it fits");
    let (all_latents, all_text) = (latents(6), text(6));
    let (every_second, every_second_text) = (all_latents.slice(s![..;2, .., .., ..]), all_text.slice(s![..;2, .., ..]));
    let found = predict(&mut models, every_second, &[8.0; 3], every_second_text);
    let expected = predicted(&every_second.to_owned(), &[8.0; 3], &every_second_text.to_owned());
    assert_eq!(found, expected);
}

#[test]
fn ids_reach_the_text_encoder_in_its_own_integer_type() {
    for (variant, unet) in
        [("text_encoder", "unet"), ("text_encoder_int32_f16", "unet_scalar_f16"), ("text_encoder_other_name", "unet")]
    {
        let pack = TinyPack::new();
        pack.model("text_encoder", variant).model("unet", unet);
        let mut models = load(&pack).expect(variant);
        let prompts = [[7_i64, 0, 3, 2047], [1, 1, 1, 2]];
        let ids = prompts.map(|ids| PromptIds { first: ids.to_vec(), second: None });
        let found = models.encode_prompts(&ids).expect("the model runs");
        let expected = Array3::from_shape_fn((2, 4, 4), |(prompt, token, place)| match place {
            0 => prompts[prompt][token] as f32,
            place => place as f32,
        });
        assert_eq!((found.text, found.pooled), (expected, None), "{variant}");
    }
}

#[test]
fn pictures_are_the_decoder_of_the_rescaled_latent_brought_to_zero_and_one() {
    for variant in ["vae_decoder", "vae_decoder_f16"] {
        let pack = TinyPack::new();
        pack.model("vae_decoder", variant);
        let latents = latents(2);
        let found = load(&pack).expect(variant).decode(latents.view()).expect("the model runs");
        let expected = Array4::from_shape_fn((2, 3, 4, 4), |(picture, channel, row, column)| {
            // scaling factor 0.5, shift 0.25
            let painted = latents[[picture, channel, row / 2, column / 2]] / 0.5 + 0.25;
            (painted / 2.0 + 0.5).clamp(0.0, 1.0)
        });
        assert_eq!(found, expected, "{variant}");
    }
}

#[test]
fn a_latent_that_is_not_a_number_gives_a_picture_that_is_not_either() {
    let mut latents = latents(2);
    latents[[1, 0, 0, 0]] = f32::NAN;
    let pictures = load(&TinyPack::new()).expect("it fits").decode(latents.view()).expect("the model runs");
    assert!(pictures.slice(s![0, .., .., ..]).iter().all(|value| value.is_finite()));
    assert!(pictures[[1, 0, 0, 0]].is_nan());
}

#[test]
fn a_model_that_does_not_fit_is_refused_with_file_tensor_expected_and_found() {
    for (folder, variant, tensor, expected, found) in [
        ("text_encoder", "text_encoder_float_ids", "input_ids", "i64 or i32", "f32 [any, 4]"),
        ("text_encoder", "text_encoder_five_tokens", "input_ids", "4 tokens", "i64 [any, 5]"),
        ("unet", "unet_nine_channels", "sample", "[batch, 4, 2, 2]", "f32 [any, 9, any, any]"),
        ("unet", "unet_hidden_5", "encoder_hidden_states", "4 tokens, 4]", "f32 [any, any, 5]"),
        ("unet", "unet_timestep_cond", "timestep_cond", "absent", "an input"),
        ("unet", "vae_decoder", "sample", "an input of the model", "`latent_sample`"),
        ("vae_decoder", "unet", "latent_sample", "an input of the model", "`sample`, `timestep`"),
        ("vae_decoder", "text_encoder", "input_ids", "[batch, 4, 2, 2]", "i64 [any, 4]"),
    ] {
        let pack = TinyPack::new();
        pack.model(folder, variant);
        let error = load(&pack).expect_err("it does not fit");
        let text = error.to_string();
        assert!(matches!(error, PackError::UnfitTensor { .. }), "{text}");
        for part in [&pack.path(folder).display().to_string(), tensor, expected, found] {
            assert!(text.contains(part), "{part} is not in: {text}");
        }
    }
}

#[test]
fn a_model_whose_16_bit_arithmetic_overflows_is_refused_when_it_is_loaded() {
    for (folder, variant, tensor, what, advice) in [
        ("vae_decoder", "vae_decoder_f16_overflow", "sample", "NaN", "sdxl-vae-fp16-fix"),
        ("unet", "unet_f16_inside_overflow", "out_sample", "infinity", "export in 32 bits"),
        ("text_encoder", "text_encoder_f16_overflow", "last_hidden_state", "infinity", "export in 32 bits"),
    ] {
        let pack = TinyPack::new();
        pack.model(folder, variant);
        let error = load(&pack).expect_err("it overflows");
        assert!(matches!(error, PackError::NotFinite { .. }), "{error}");
        let text = format!("{error}\n{}", error.help().expect("the error helps"));
        let file = pack.path(folder).join("model.onnx").display().to_string();
        for part in [&file, tensor, what, advice] {
            assert!(text.contains(part), "{part} is not in: {text}");
        }
    }
}

#[test]
fn a_model_of_32_bits_that_gives_no_numbers_is_refused_as_one_with_broken_weights() {
    let pack = TinyPack::new();
    pack.model("vae_decoder", "vae_decoder_f32_overflow");
    let error = load(&pack).expect_err("it gives no numbers");
    assert!(matches!(error, PackError::NotFinite { narrow: false, .. }), "{error}");
    let text = format!("{error}\n{}", error.help().expect("the error helps"));
    assert!(text.contains("gives NaN in `sample`") && text.contains("its weights are broken"), "{text}");
    assert!(text.contains("fetch this model again") && !text.contains("16"), "{text}");
}

#[test]
fn a_pack_asked_to_run_on_cuda_never_runs_on_the_cpu_instead() {
    let cuda = ResolvedProvider::Cuda(CudaDevice::default());
    let tiny = TinyPack::new();
    let pack = DiffusionPack::open(tiny.root()).expect("the pack is whole");
    assert_eq!(pack.load_worker(cuda, 1).is_ok(), probe(cuda).is_ok());
}
