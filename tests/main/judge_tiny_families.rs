//! SmolVLM and Qwen2-VL against transformers, on tiny models with random weights (`tests/reference/tiny_vlms.py`): what a
//! picture becomes, the ids of a whole prompt, the logits of every step, answers and expectations.

use std::path::Path;

use latentlink::judge::vlm::{VlmJudge, VlmOptions, VlmWorker};
use latentlink::judge::{Question, Readout};
use latentlink::onnx::judge_models::{DecoderRow, Keep, PictureSpan};
use latentlink::onnx::picture_preprocessing::{PictureLayout, PicturePreprocessing};
use latentlink::onnx::{JudgeModels, JudgePack, ResolvedProvider};
use latentlink::picture::Picture;
use ndarray::{Array2, s};
use serde_json::Value;

use crate::vlm_vectors::{VlmCase, VlmVectors, usize_of};

const FAMILIES: [VlmVectors; 2] = [VlmVectors::SMOLVLM, VlmVectors::QWEN2_VL];
const LOGIT_TOLERANCE: f32 = 1e-3;

fn size(picture: &Picture) -> [usize; 2] {
    [picture.height(), picture.width()]
}

/// Rows and columns as the reference counts them: tiles, or patches of which each merged square has 2 × 2.
fn rows_and_columns(layout: PictureLayout) -> [usize; 2] {
    match layout {
        PictureLayout::Tiles { rows, columns } => [rows, columns],
        PictureLayout::Patches { rows, columns } => [2 * rows, 2 * columns],
        PictureLayout::Whole => panic!("these packs cut pictures"),
    }
}

#[test]
fn tiles_and_patches_are_those_of_transformers() {
    for family in FAMILIES {
        let (pack, expected, pictures) = (family.open(), family.expected(), family.pictures());
        let pixels = family.floats("pixels.bin");
        let mut rest = pixels.as_slice();
        let own = expected["pictures"].as_array().expect("a list").iter().enumerate();
        let own = own.filter(|(_, way)| !way["shape"].is_null()).map(|(index, way)| (index, way, None));
        let others = expected["preprocessings"].as_array().expect("a list").iter();
        let others = others.map(|way| (usize_of(&way["picture"]), way, Some(&way["settings"])));
        let mut compared = 0;
        for (index, way, settings) in own.chain(others) {
            let picture = &pictures[index];
            let other = settings.map(|settings| PicturePreprocessing::from_config(Path::new("here"), settings));
            let other = other.map(|preprocessing| preprocessing.expect("it is understood"));
            let preprocessing = other.as_ref().unwrap_or(pack.preprocessing());
            let found = preprocessing.pixels(picture);
            let shape: Vec<usize> = way["shape"].as_array().expect("a list").iter().map(usize_of).collect();
            assert_eq!(found.values().shape(), shape, "{} {way}", family.name());
            let layout = rows_and_columns(preprocessing.layout(size(picture)));
            assert_eq!(layout, [usize_of(&way["rows"]), usize_of(&way["columns"])], "{way}");
            let (reference, after) = rest.split_at(found.values().len());
            rest = after;
            let apart = found.values().iter().zip(reference).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(apart < 1e-6, "{} {way}: {apart}", family.name());
            compared += 1;
        }
        assert!(rest.is_empty() && compared >= 6, "every way was compared");
    }
}

/// Before the picture, in its place, after it.
fn ids(family: VlmVectors, pack: &JudgePack, case: &VlmCase, picture: &Picture) -> [Vec<i64>; 3] {
    let text = family.template().render(&case.persona, &case.request);
    let before = pack.tokenizer().encode_start(&text.before_picture).expect("it encodes");
    let place = pack.picture_place(size(picture), 0).expect("it has a place").ids;
    [before, place, pack.tokenizer().encode_rest(&text.after_picture).expect("it encodes")]
}

#[test]
fn the_ids_of_a_prompt_in_the_packs_chat_template_are_those_of_the_processor() {
    for family in FAMILIES {
        let (pack, pictures) = (family.open(), family.pictures());
        assert!(pack.chat_template().is_some());
        for case in family.cases() {
            assert_eq!(ids(family, &pack, &case, &pictures[case.picture]).concat(), case.ids, "{}", family.name());
        }
    }
}

/// A prompt's embeddings, the tokens before the picture, and where the picture lies on a grid.
struct Embedded {
    rows: Array2<f32>,
    before: usize,
    grid: Option<[usize; 2]>,
}

fn embedded(family: VlmVectors, pack: &JudgePack, models: &mut JudgeModels, case: &VlmCase) -> Embedded {
    let picture = &family.pictures()[case.picture];
    let [before, place, after] = ids(family, pack, case, picture);
    let mut rows = models.embed(&[before.as_slice(), &place, &after].concat()).expect("it embeds");
    let pixels = pack.preprocessing().pixels(picture);
    let features = models.image_features(&[pixels]).expect("the encoder runs").remove(0);
    let places: Vec<usize> = (0..place.len()).filter(|&index| place[index] == pack.image_token()).collect();
    assert_eq!(places.len(), features.nrows());
    for (index, features) in places.into_iter().zip(features.outer_iter()) {
        rows.row_mut(before.len() + index).assign(&features);
    }
    let grid = pack.picture_place(size(picture), 0).expect("it has a place").grid;
    Embedded { rows, before: before.len(), grid }
}

#[test]
fn logits_of_every_step_are_those_of_transformers_in_one_batch_with_and_without_a_read_prefix() {
    for family in FAMILIES {
        let (pack, cases) = (family.open(), family.cases());
        let mut models = pack.load_worker(ResolvedProvider::Cpu, 1).expect("the sessions load");
        let prompts: Vec<_> = cases.iter().map(|case| embedded(family, &pack, &mut models, case)).collect();
        for reads_prefix in [false, true] {
            let start = |prompt: &Embedded| if reads_prefix { prompt.before } else { 0 };
            let mut pasts = Vec::new();
            for prompt in &prompts {
                let row =
                    DecoderRow { past: None, embeddings: prompt.rows.slice(s![..prompt.before, ..]), picture: None };
                let read = reads_prefix.then(|| models.continue_rows(&[row], Keep::Here).expect("it runs").remove(0));
                pasts.push(read.map(|read| read.cache.expect("it was asked for")));
            }
            let mut next: Vec<_> =
                prompts.iter().map(|prompt| prompt.rows.slice(s![start(prompt).., ..]).to_owned()).collect();
            for step in 0..cases[0].tokens.len() {
                let span = |prompt: &Embedded| {
                    let [rows, columns] = prompt.grid.filter(|_| step == 0)?;
                    Some(PictureSpan { first: prompt.before - start(prompt), rows, columns })
                };
                let rows: Vec<_> = pasts
                    .iter()
                    .zip(&next)
                    .zip(&prompts)
                    .map(|((past, next), prompt)| DecoderRow {
                        past: past.as_ref(),
                        embeddings: next.view(),
                        picture: span(prompt),
                    })
                    .collect();
                let read = models.continue_rows(&rows, Keep::Here).expect("it runs");
                for (case, read) in cases.iter().zip(&read) {
                    let apart = read.logits.iter().zip(&case.logits[step]).map(|(a, b)| (a - b).abs());
                    let apart = apart.fold(0.0, f32::max);
                    assert!(apart < LOGIT_TOLERANCE, "{} step {step}, prefix {reads_prefix}: {apart}", family.name());
                }
                next = cases.iter().map(|case| models.embed(&[case.tokens[step]]).expect("it embeds")).collect();
                pasts = read.into_iter().map(|read| read.cache).collect();
            }
        }
    }
}

fn judge(family: VlmVectors, readout: Readout) -> (VlmJudge, VlmWorker) {
    let options = VlmOptions { readout, temperature: 1.0, max_new_tokens: 6, retries: 0 };
    let judge = VlmJudge::new(family.open(), family.template(), options).expect("the pack can answer");
    let worker = judge.load_worker(ResolvedProvider::Cpu, 1).expect("the sessions load");
    (judge, worker)
}

fn questions<'a>(cases: &'a [VlmCase], pictures: &'a [Picture]) -> Vec<Question<'a>> {
    let question = |case: &'a VlmCase| Question {
        persona: case.persona,
        picture: &pictures[case.picture],
        request: &case.request,
        seed: None,
    };
    cases.iter().map(question).collect()
}

#[test]
fn answers_and_expectations_are_those_of_transformers_with_and_without_prefix_reuse() {
    for family in FAMILIES {
        let (cases, pictures) = (family.cases(), family.pictures());
        for reuse in [true, false] {
            let (greedy, mut worker) = judge(family, Readout::Greedy);
            worker.set_prefix_reuse(reuse);
            for (case, answer) in
                cases.iter().zip(greedy.ask(&mut worker, &questions(&cases, &pictures)).expect("it answers"))
            {
                assert_eq!(answer.text.as_deref(), Some(case.answer.as_str()), "{}", family.name());
            }
            let tokens: u64 = cases.iter().map(|case| case.ids.len() as u64 + 5).sum();
            assert_eq!(worker.work().tokens_without_prefix_reuse, tokens, "every token was read, and no other");

            let (expectation, mut worker) = judge(family, Readout::Expectation);
            worker.set_prefix_reuse(reuse);
            for (case, answer) in
                cases.iter().zip(expectation.ask(&mut worker, &questions(&cases, &pictures)).expect("it answers"))
            {
                let score = answer.score.expect("a score");
                assert!((score - case.expectation).abs() < 1e-5, "{score} for {}", case.expectation);
            }
        }
    }
}

#[test]
fn the_room_that_a_prompt_needs_depends_on_the_size_of_the_picture() {
    for family in FAMILIES {
        let (judge, worker) = judge(family, Readout::Expectation);
        let (expected, pictures) = (family.expected(), family.pictures());
        for (picture, way) in pictures.iter().zip(expected["pictures"].as_array().expect("a list")).take(3) {
            let tokens = worker.picture_tokens(judge.pack(), size(picture)).expect("it has a place");
            assert_eq!(tokens, usize_of(&way["picture_tokens"]), "{}", family.name());
        }
        let case = &family.cases()[0];
        let check = |size| judge.check_prompt(&worker, &case.persona, &case.request, size);
        check(size(&pictures[case.picture])).expect("it fits");
        if family.name() == VlmVectors::SMOLVLM.name() {
            return;
        }
        let text = check([4000, 30]).map_err(|error| error.to_string());
        assert!(text.is_ok(), "the processor bounds what a picture becomes: {text:?}");
    }
}

#[test]
fn a_pack_whose_files_contradict_each_other_is_refused_by_what_does_not_fit() {
    let copied = |family: VlmVectors, edit: &dyn Fn(&Path)| {
        let folder = tempfile::tempdir().expect("a temporary folder");
        copy(&family.path("pack"), folder.path());
        edit(folder.path());
        let pack = JudgePack::open(folder.path());
        let result = pack.and_then(|pack| pack.load_worker(ResolvedProvider::Cpu, 1).map(|_| ()));
        result.expect_err("it does not fit").to_string()
    };
    let set = |file: &'static str, key: &'static str, value: Value| {
        move |root: &Path| {
            let path = root.join(file);
            let mut json: Value = serde_json::from_slice(&std::fs::read(&path).expect("there")).expect("JSON");
            json[key] = value.clone();
            std::fs::write(path, json.to_string()).expect("writable");
        }
    };
    let remove = |file: &'static str| move |root: &Path| std::fs::remove_file(root.join(file)).expect("there");
    let (smolvlm, qwen2_vl) = (VlmVectors::SMOLVLM, VlmVectors::QWEN2_VL);
    let processor = "preprocessor_config.json";
    type Row<'a> = (VlmVectors, &'a dyn Fn(&Path), [&'a str; 3]);
    let rows: [Row<'_>; 10] = [
        (
            smolvlm,
            &set(processor, "image_processor_type", "Qwen2VLImageProcessor".into()),
            ["preprocessor_config.json", "`max_pixels`", "found 48"],
        ),
        (
            qwen2_vl,
            &set(processor, "image_processor_type", "CLIPImageProcessor".into()),
            ["vision_encoder.onnx", "pixel_values", "[batch, 3, 224, 224]"],
        ),
        (
            qwen2_vl,
            &set(processor, "image_processor_type", "SmolVLMImageProcessor".into()),
            ["tokenizer.json", "<fake_token_around_image>", "tiles"],
        ),
        (
            qwen2_vl,
            &set(processor, "patch_size", 14.into()),
            ["vision_encoder.onnx", "pixel_values", "[patches, 1176]"],
        ),
        (
            smolvlm,
            &set("config.json", "image_token_id", 5000.into()),
            ["config.json: `image_token_id` should be", "5000, which is no token", "tokenizer.json"],
        ),
        (
            smolvlm,
            &|root: &Path| {
                remove("processor_config.json")(root);
                set("config.json", "scale_factor", Value::Null)(root);
            },
            ["processor_config.json", "image_seq_len", "scale_factor"],
        ),
        // "are", a word of every conversation.
        (
            qwen2_vl,
            &set("config.json", "image_token_id", 7.into()),
            ["config.json: `image_token_id` should be", "one of the added_tokens", "found 7, which is the word `are`"],
        ),
        (
            smolvlm,
            &set("processor_config.json", "image_seq_len", 9_007_199_254_740_993_u64.into()),
            ["processor_config.json", "image_seq_len", "at most 16384"],
        ),
        (qwen2_vl, &set(processor, "min_pixels", (1_u64 << 28).into()), [processor, "`min_pixels`", "at most 4096"]),
        (qwen2_vl, &remove("onnx/embed_tokens.onnx"), ["embed_tokens.onnx", "lacks", "embedding"]),
    ];
    for (family, edit, said) in rows {
        let text = copied(family, edit);
        assert!(said.iter().all(|said| text.contains(said)), "{said:?} are not in: {text}");
    }
}

fn copy(from: &Path, to: &Path) {
    for entry in from.read_dir().expect("a folder") {
        let entry = entry.expect("an entry");
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            std::fs::create_dir(&to).expect("a new folder");
            copy(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), to).expect("a new file");
        }
    }
}
