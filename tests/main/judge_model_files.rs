//! The tiny LLaVA with its language model in the other forms in which published packs have it
//! (`tests/reference/tiny_llava_variants.py`): what ONNX Runtime's own Python gives for each, and what judges make of it.

use std::path::Path;
use std::sync::Arc;

use latentlink::judge::vlm::{VlmJudge, VlmOptions};
use latentlink::judge::{Answer, Question, Readout};
use latentlink::onnx::judge_models::{DecoderRow, Keep};
use latentlink::onnx::judge_pack::ModelDtype;
use latentlink::onnx::{JudgePack, ResolvedProvider};
use ndarray::{Axis, concatenate};

use crate::tiny_llava::{CopiedPack, cases, pictures, template};
use crate::vlm_vectors::usize_of;

/// Which models of the tiny LLaVA a variant replaces.
struct Variant {
    name: &'static str,
    parts: usize,
    files: &'static [&'static str],
    /// Of logits, against the same computation in Python.
    tolerance: f32,
    /// Of logits of rows in one batch, and after a prefix, against those alone and at once: 8-bit weights come with 8-bit
    /// activations, whose scale depends on all that is in the call.
    in_company: f32,
}

const VARIANTS: [Variant; 8] = [
    Variant { name: "kept", parts: 1, files: &["decoder_model_merged_kept"], tolerance: 1e-4, in_company: 1e-4 },
    Variant { name: "branch", parts: 1, files: &["decoder_model_merged_branch"], tolerance: 1e-4, in_company: 1e-4 },
    Variant {
        name: "fp16",
        parts: 1,
        files: &["decoder_model_merged_fp16", "embed_tokens_fp16", "vision_encoder_fp16"],
        tolerance: 2e-2,
        in_company: 5e-2,
    },
    Variant { name: "int8", parts: 1, files: &["decoder_model_merged_int8"], tolerance: 1e-3, in_company: 2.0 },
    Variant { name: "int8", parts: 2, files: &["decoder_model_merged_int8"], tolerance: 1e-3, in_company: 2.0 },
    Variant { name: "q4", parts: 1, files: &["decoder_model_merged_q4"], tolerance: 1e-4, in_company: 1e-4 },
    Variant { name: "gqa", parts: 1, files: &["decoder_model_merged_gqa"], tolerance: 1e-4, in_company: 1e-4 },
    Variant { name: "q4f16", parts: 1, files: &["decoder_model_merged_q4f16"], tolerance: 1e-2, in_company: 5e-2 },
];

fn variants() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/tiny_llava_variants")
}

/// The pack with these models in the place of its own.
fn pack_of(variant: &Variant) -> (CopiedPack, Arc<JudgePack>) {
    let copied = CopiedPack::new();
    for file in variant.files {
        let model = ["decoder_model_merged", "embed_tokens", "vision_encoder"]
            .into_iter()
            .find(|model| file.starts_with(model))
            .expect("one of the three");
        std::fs::copy(variants().join(format!("{file}.onnx")), copied.path(&format!("onnx/{model}.onnx")))
            .expect("a copy");
    }
    let pack = copied.open();
    (copied, pack)
}

/// Logits [cases][vocabulary] of a run.
fn reference(variant: &Variant) -> Vec<Vec<f32>> {
    let read = |file: &str| std::fs::read(variants().join(file)).expect("the vectors are there");
    let expected: serde_json::Value = serde_json::from_slice(&read("expected.json")).expect("JSON");
    let runs = expected["runs"].as_array().expect("a list");
    let run = runs.iter().position(|run| run["name"] == variant.name && usize_of(&run["parts"]) == variant.parts);
    let (cases, vocabulary) = (usize_of(&expected["cases"]), usize_of(&expected["vocabulary"]));
    let logits: Vec<f32> = read("logits.bin")
        .chunks_exact(4)
        .map(|bytes| f32::from_le_bytes(bytes.try_into().expect("four bytes")))
        .collect();
    let own = run.expect("the run is there") * cases * vocabulary;
    logits[own..own + cases * vocabulary].chunks_exact(vocabulary).map(<[f32]>::to_vec).collect()
}

fn apart(found: &[f32], reference: &[f32]) -> f32 {
    assert_eq!(found.len(), reference.len());
    found.iter().zip(reference).map(|(found, reference)| (found - reference).abs()).fold(0.0, f32::max)
}

#[test]
fn every_form_of_the_language_model_gives_the_logits_of_onnx_runtime_itself_alone_and_in_company() {
    let (cases, pictures) = (cases(), pictures());
    for variant in &VARIANTS {
        let (_folder, pack) = pack_of(variant);
        let mut models = pack.load_worker(ResolvedProvider::Cpu, 1).expect("the sessions load");
        let mut prompts = Vec::new();
        for case in &cases {
            let before = pack.tokenizer().encode_start(&case.before).expect("it encodes");
            let after = pack.tokenizer().encode_rest(&case.after).expect("it encodes");
            let pixels = pack.preprocessing().pixels(&pictures[case.picture]);
            let features = models.image_features(&[pixels]).expect("the encoder runs").remove(0);
            let rest = [features.view(), models.embed(&after).expect("it embeds").view()].map(|part| part.to_owned());
            let rest = concatenate(Axis(0), &[rest[0].view(), rest[1].view()]).expect("one width");
            prompts.push((models.embed(&before).expect("it embeds"), rest));
        }
        let mut pasts = Vec::new();
        let mut whole = Vec::new();
        for ((before, rest), reference) in prompts.iter().zip(reference(variant)) {
            let row = DecoderRow { past: None, embeddings: before.view(), picture: None };
            let past =
                models.continue_rows(&[row], Keep::Here).expect("it runs").remove(0).cache.expect("it was asked for");
            let all = concatenate(Axis(0), &[before.view(), rest.view()]).expect("one width");
            let (past, embeddings) = if variant.parts == 1 { (None, all.view()) } else { (Some(&past), rest.view()) };
            let row = DecoderRow { past, embeddings, picture: None };
            let logits = models.continue_rows(&[row], Keep::Nothing).expect("it runs").remove(0).logits;
            let apart = apart(&logits, &reference);
            assert!(apart < variant.tolerance, "{} in {} parts: {apart}", variant.name, variant.parts);
            whole.push(logits);
            let row = DecoderRow { past: None, embeddings: before.view(), picture: None };
            pasts.push(models.continue_rows(&[row], Keep::Here).expect("it runs").remove(0).cache);
        }
        if !models.continues_with_several_tokens() {
            continue;
        }
        let rows: Vec<_> = pasts
            .iter()
            .zip(&prompts)
            .map(|(past, (_, rest))| DecoderRow { past: past.as_ref(), embeddings: rest.view(), picture: None })
            .collect();
        for (read, alone) in models.continue_rows(&rows, Keep::Nothing).expect("it runs").iter().zip(&whole) {
            let apart = apart(&read.logits, alone);
            assert!(apart < variant.in_company, "{} after a prefix, in one batch: {apart}", variant.name);
        }
    }
}

#[test]
fn judges_answer_alike_with_every_form_that_computes_the_same() {
    let (cases, pictures) = (cases(), pictures());
    let questions: Vec<_> = cases
        .iter()
        .map(|case| Question {
            persona: case.persona,
            picture: &pictures[case.picture],
            request: &case.request,
            seed: None,
        })
        .collect();
    for variant in VARIANTS.iter().filter(|variant| ["kept", "branch", "gqa"].contains(&variant.name)) {
        let (_folder, pack) = pack_of(variant);
        let options = VlmOptions { readout: Readout::Greedy, temperature: 1.0, max_new_tokens: 6, retries: 0 };
        let judge = VlmJudge::new(Arc::clone(&pack), template(&pack), options).expect("the pack can answer");
        let mut worker = judge.load_worker(ResolvedProvider::Cpu, 1).expect("the sessions load");
        let answers = judge.ask(&mut worker, &questions).expect("it answers");
        let texts: Vec<_> = answers.iter().map(|Answer { text, .. }| text.clone().expect("a text")).collect();
        let reference: Vec<_> = cases.iter().map(|case| case.text.clone()).collect();
        assert_eq!(texts, reference, "{}", variant.name);
    }
}

#[test]
fn a_dtype_takes_its_own_file_of_each_model_or_says_which_are_there() {
    let copied = CopiedPack::new();
    for file in ["decoder_model_merged_fp16", "embed_tokens_fp16", "vision_encoder_fp16", "decoder_model_merged_q4"] {
        let name = format!("{file}.onnx");
        std::fs::copy(variants().join(&name), copied.path("onnx").join(&name)).expect("a copy");
    }
    std::fs::copy(copied.path("onnx/embed_tokens.onnx"), copied.path("onnx/embed_tokens_quantized.onnx"))
        .expect("a copy");
    let open = |dtype| JudgePack::open_as(copied.root(), Some(dtype));
    let half = open(ModelDtype::Fp16).expect("all three are there");
    assert_eq!(half.model_files().decoder, "onnx/decoder_model_merged_fp16.onnx");
    assert_eq!(half.models().each_ref().map(|model| model.file.weight_type()), [Some("f16"); 3]);
    let plain = open(ModelDtype::Fp32).expect("all three are there");
    assert_eq!(plain.model_files().decoder, "onnx/decoder_model_merged.onnx");
    assert_ne!(plain.digest(), half.digest());

    let text = open(ModelDtype::Q4).expect_err("no vision encoder in 4 bits").to_string();
    for said in ["vision_encoder_q4.onnx", "vision_encoder.onnx, onnx/vision_encoder_fp16.onnx"] {
        assert!(text.contains(said), "{said} is not in: {text}");
    }
    let error = open(ModelDtype::Q8).expect_err("no vision encoder in 8 bits");
    let help = miette::Diagnostic::help(&error).expect("a help").to_string();
    assert!(error.to_string().contains("vision_encoder_quantized.onnx") && help.contains("judge.dtype"), "{help}");
}

#[test]
fn a_model_that_was_not_fetched_to_its_end_is_found_out_before_anything_runs() {
    let copied = CopiedPack::new();
    let file = copied.path("onnx/decoder_model_merged.onnx");
    let whole = std::fs::read(&file).expect("there");
    std::fs::write(&file, &whole[..whole.len() / 2]).expect("writable");
    let text = JudgePack::open(copied.root()).expect_err("cut short").to_string();
    assert!(text.contains("decoder_model_merged.onnx is damaged") && text.contains("cut short"), "{text}");
}

#[test]
fn a_model_whose_16_bit_arithmetic_overflows_is_refused_with_its_file_and_a_way_out() {
    let copied = CopiedPack::new();
    for model in ["decoder_model_merged", "embed_tokens", "vision_encoder"] {
        std::fs::copy(variants().join(format!("{model}_fp16.onnx")), copied.path(&format!("onnx/{model}.onnx")))
            .expect("a copy");
    }
    copied.open().load_worker(ResolvedProvider::Cpu, 1).expect("as it is it stays within range");
    // The 32 × 3 × 8 × 8 weights of the first convolution, two bytes each: field 9 (0x4a) of 12,288 (0x80 0x60) bytes.
    let file = copied.path("onnx/vision_encoder.onnx");
    let mut bytes = std::fs::read(&file).expect("there");
    let start = bytes.windows(3).position(|window| window == [0x4a, 0x80, 0x60]).expect("a convolution") + 3;
    bytes[start..start + 12_288].chunks_exact_mut(2).for_each(|half| half.copy_from_slice(&0x7bff_u16.to_le_bytes()));
    std::fs::write(&file, bytes).expect("writable");
    let error = copied.open().load_worker(ResolvedProvider::Cpu, 1).expect_err("it overflows");
    let (text, help) = (error.to_string(), miette::Diagnostic::help(&error).expect("a help").to_string());
    for said in
        ["vision_encoder.onnx gives", "`image_features`", "16-bit arithmetic overflows", "scores would mean nothing"]
    {
        assert!(text.contains(said), "{said} is not in: {text}");
    }
    assert!(help.contains("judge.dtype"), "{help}");
}
