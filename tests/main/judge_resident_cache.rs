//! Keys and values that a call left where they were computed give what they give when they come over: rows in the same order,
//! in another, some of them, one of them several times, of several calls at once.

use std::path::Path;
use std::sync::Arc;

use latentlink::onnx::judge_models::{Continuation, DecoderRow, Keep, KeysAndValues};
use latentlink::onnx::{JudgeModels, JudgePack, ResolvedProvider};
use ndarray::Array2;

use crate::tiny_llava::CopiedPack;
use crate::vlm_vectors::VlmVectors;

/// Packs with every kind of decoder: with and without padding, in 16 bits, with attention by length, with three positions.
fn packs() -> Vec<(&'static str, Arc<JudgePack>, f32, Option<CopiedPack>)> {
    let variants = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/tiny_llava_variants");
    let with = |name: &'static str, files: &[&str], tolerance: f32| {
        let copied = CopiedPack::new();
        for model in files {
            let file = variants.join(format!("{model}_{name}.onnx"));
            std::fs::copy(file, copied.path(&format!("onnx/{model}.onnx"))).expect("a copy");
        }
        (name, copied.open(), tolerance, Some(copied))
    };
    vec![
        ("llava", VlmVectors::LLAVA.open(), 1e-4, None),
        ("smolvlm", VlmVectors::SMOLVLM.open(), 1e-4, None),
        ("qwen2-vl", VlmVectors::QWEN2_VL.open(), 1e-4, None),
        with("branch", &["decoder_model_merged"], 1e-4),
        with("gqa", &["decoder_model_merged"], 1e-4),
        with("fp16", &["decoder_model_merged", "embed_tokens", "vision_encoder"], 5e-2),
    ]
}

fn row<'a>(past: Option<&'a KeysAndValues>, embeddings: &'a Array2<f32>) -> DecoderRow<'a> {
    DecoderRow { past, embeddings: embeddings.view(), picture: None }
}

fn caches(read: Vec<Continuation>) -> Vec<KeysAndValues> {
    read.into_iter().map(|read| read.cache.expect("it was asked for")).collect()
}

/// Sequences of different lengths, two calls' worth, read both ways.
struct Read {
    here: Vec<KeysAndValues>,
    resident: Vec<KeysAndValues>,
}

fn read(models: &mut JudgeModels) -> Read {
    let texts: [&[i64]; 5] = [&[1, 20, 33, 41, 12], &[1, 22], &[1, 20, 30, 31], &[1, 44, 45], &[1, 50, 51, 52, 53, 54]];
    let embedded: Vec<_> = texts.iter().map(|ids| models.embed(ids).expect("it embeds")).collect();
    let mut both = [Keep::Here, Keep::Resident].map(|keep| {
        let mut kept = Vec::new();
        for call in embedded.chunks(3) {
            let rows: Vec<_> = call.iter().map(|embeddings| row(None, embeddings)).collect();
            kept.extend(caches(models.continue_rows(&rows, keep).expect("it runs")));
        }
        kept
    });
    let [here, resident] = &mut both;
    Read { here: std::mem::take(here), resident: std::mem::take(resident) }
}

#[test]
fn rows_that_stayed_on_the_device_go_on_as_those_that_came_over_in_any_company() {
    for (name, pack, tolerance, _folder) in packs() {
        let mut models = pack.load_worker(ResolvedProvider::Cpu, 1).expect("the sessions load");
        let Read { here, resident } = read(&mut models);
        for (one, other) in here.iter().zip(&resident) {
            assert_eq!(one.tokens(), other.tokens());
        }
        for chosen in [vec![0, 1, 2], vec![2, 0], vec![1, 1, 1, 0], vec![0, 3, 1, 4, 2, 3], vec![4]] {
            let mut pasts =
                [&here, &resident].map(|all| chosen.iter().map(|&row| all[row].clone()).collect::<Vec<_>>());
            // Three tokens more, the last of which leaves nothing behind.
            for (step, keep) in [Keep::Resident, Keep::Here, Keep::Nothing].into_iter().enumerate() {
                let next: Vec<_> = (0..chosen.len())
                    .map(|place| models.embed(&[(20 + 7 * place + step) as i64]).expect("it embeds"))
                    .collect();
                let ways = [Keep::Here, keep];
                let mut logits = Vec::new();
                for (pasts, keep) in pasts.iter_mut().zip(ways) {
                    let rows: Vec<_> = pasts.iter().zip(&next).map(|(past, next)| row(Some(past), next)).collect();
                    let read = models.continue_rows(&rows, keep).expect("it runs");
                    logits.push(read.iter().map(|read| read.logits.clone()).collect::<Vec<_>>());
                    *pasts = read.into_iter().filter_map(|read| read.cache).collect();
                }
                for (row, (one, other)) in logits[0].iter().zip(&logits[1]).enumerate() {
                    let apart = one.iter().zip(other).map(|(one, other)| (one - other).abs()).fold(0.0, f32::max);
                    assert!(apart < tolerance, "{name}, rows {chosen:?}, step {step}, row {row}: {apart}");
                }
            }
        }
    }
}

#[test]
fn a_text_that_was_read_once_and_stayed_on_the_device_goes_before_many() {
    for (name, pack, tolerance, _folder) in packs() {
        let mut models = pack.load_worker(ResolvedProvider::Cpu, 1).expect("the sessions load");
        if !models.continues_with_several_tokens() {
            continue;
        }
        let prefix = models.embed(&[1, 20, 33, 41, 12]).expect("it embeds");
        let rests = [[60_i64, 61, 62], [63, 64, 65], [66, 67, 68]].map(|ids| models.embed(&ids).expect("it embeds"));
        let logits = [Keep::Here, Keep::Resident].map(|keep| {
            let past = caches(models.continue_rows(&[row(None, &prefix)], keep).expect("it runs")).remove(0);
            let rows: Vec<_> = rests.iter().map(|rest| row(Some(&past), rest)).collect();
            let read = models.continue_rows(&rows, Keep::Nothing).expect("it runs");
            read.into_iter().flat_map(|read| read.logits).collect::<Vec<_>>()
        });
        let apart = logits[0].iter().zip(&logits[1]).map(|(one, other)| (one - other).abs()).fold(0.0, f32::max);
        assert!(apart < tolerance, "{name}: {apart}");
    }
}

#[test]
fn what_stays_is_counted_in_the_models_own_width() {
    for (name, bytes) in [("llava", 4), ("fp16", 2)] {
        let (_, pack, _, _folder) = packs().into_iter().find(|pack| pack.0 == name).expect("it is one of them");
        let mut models = pack.load_worker(ResolvedProvider::Cpu, 1).expect("the sessions load");
        let Read { here, resident } = read(&mut models);
        // Two layers of keys and values, two heads of eight, in 32 bits here.
        assert_eq!(here[0].bytes(), 5 * 2 * 2 * 2 * 8 * 4);
        assert_eq!(resident[0].bytes(), 5 * 2 * 2 * 2 * 8 * bytes, "{name}");
    }
}
