//! The shipped judge: what it answers in transformers (`tests/reference/shipped_judge.py`), and that its scores move as
//! its card says on pictures that the shipped diffusion pack makes.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use latentlink::diffusion::graph::{DenoisingGraph, NodeId, Operation};
use latentlink::diffusion::value::Value;
use latentlink::diffusion::{Sampler, Split, SplitChain};
use latentlink::judge::template::PromptTemplate;
use latentlink::judge::vlm::{VlmJudge, VlmOptions, VlmWorker};
use latentlink::judge::{Answer, Persona, Question, Readout};
use latentlink::onnx::judge_models::{DecoderRow, Keep};
use latentlink::onnx::{JudgePack, ResolvedProvider, runtime};
use latentlink::picture::Picture;
use latentlink::random::StreamKey;
use ndarray::{Axis, concatenate};
use rand::RngExt;

use crate::shipped_pack;

const LOGIT_TOLERANCE: f32 = 1e-3;
const SCORE_TOLERANCE: f64 = 1e-4;
const AGENTS: [Persona; 2] = [Persona::GA1, Persona::GA2];

fn folder(below: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(below)
}

fn open() -> Arc<JudgePack> {
    runtime::environment().expect("ONNX Runtime is found or fetched");
    Arc::new(JudgePack::open(&folder("models/emoji-llava")).expect("the shipped judge is whole"))
}

fn template(pack: &JudgePack) -> PromptTemplate {
    PromptTemplate::read(&pack.template_file().expect("the pack brings one")).expect("the template is right")
}

fn judge(readout: Readout) -> (VlmJudge, VlmWorker) {
    let pack = open();
    let options = VlmOptions { readout, temperature: 1.0, max_new_tokens: 4, retries: 3 };
    let judge = VlmJudge::new(Arc::clone(&pack), template(&pack), options).expect("the pack can answer");
    let worker = judge.load_worker(ResolvedProvider::Cpu, 1).expect("the sessions load");
    (judge, worker)
}

fn question<'a>(persona: Persona, picture: &'a Picture, request: &'a str) -> Question<'a> {
    Question { persona, picture, request, seed: None }
}

/// The reference's cases and pictures.
struct Reference {
    pictures: Vec<Picture>,
    cases: Vec<Case>,
}

#[derive(serde::Deserialize)]
struct Case {
    picture: usize,
    persona: String,
    request: String,
    prompt_tokens: usize,
    text: String,
    expectation: f64,
    logits: Vec<f32>,
}

#[derive(serde::Deserialize)]
struct ReferenceFile {
    digests: std::collections::BTreeMap<String, String>,
    pictures: usize,
    side_px: usize,
    max_new_tokens: u32,
    cases: Vec<Case>,
}

impl Case {
    fn persona(&self) -> Persona {
        Persona::named(&self.persona).expect("a persona of the paper")
    }
}

impl Reference {
    /// Refuses vectors that were made for another pack than the one that is here.
    fn of(pack: &JudgePack) -> Self {
        let text = std::fs::read(folder("tests/vectors/shipped_judge.json")).expect("the vectors are there");
        let file: ReferenceFile = serde_json::from_slice(&text).expect("the vectors are JSON");
        for (name, digest) in pack.file_digests() {
            assert_eq!(
                file.digests.get(name),
                Some(&digest.to_string()),
                "{name}: run tests/reference/shipped_judge.py"
            );
        }
        assert_eq!(file.max_new_tokens, 4);
        let rgb = std::fs::read(folder("tests/vectors/shipped_judge.bin")).expect("the vectors are there");
        let length = 3 * file.side_px * file.side_px;
        assert_eq!(rgb.len(), file.pictures * length);
        let picture = |rgb: &[u8]| {
            let values = rgb.iter().map(|&value| f32::from(value) / 255.0).collect();
            Picture::new(file.side_px, file.side_px, values).expect("bytes make a picture")
        };
        assert_eq!(file.cases.len(), 4 * file.pictures, "two agents with two requests each");
        Self { pictures: rgb.chunks_exact(length).map(picture).collect(), cases: file.cases }
    }

    fn questions(&self) -> Vec<Question<'_>> {
        self.cases.iter().map(|case| question(case.persona(), &self.pictures[case.picture], &case.request)).collect()
    }

    /// All answers, asked in one call and one by one, with and without prefix reuse.
    fn answers(&self, readout: Readout) -> Vec<Vec<Answer>> {
        let questions = self.questions();
        let mut all = Vec::new();
        for reuse in [true, false] {
            let (judge, mut worker) = judge(readout);
            worker.set_prefix_reuse(reuse);
            all.push(judge.ask(&mut worker, &questions).expect("it answers"));
            let singly = |one| judge.ask(&mut worker, std::slice::from_ref(one)).expect("it answers");
            all.push(questions.iter().flat_map(singly).collect());
        }
        all
    }
}

#[test]
fn the_logits_where_the_answer_begins_are_those_of_transformers_with_and_without_a_read_prefix() {
    let pack = open();
    let (reference, template) = (Reference::of(&pack), template(&pack));
    let mut models = pack.load_worker(ResolvedProvider::Cpu, 1).expect("the sessions load");
    for case in &reference.cases {
        let prompt = template.render(&case.persona(), &case.request);
        let before = pack.tokenizer().encode_start(&prompt.before_picture).expect("it encodes");
        let after = pack.tokenizer().encode_rest(&prompt.after_picture).expect("it encodes");
        let pixels = pack.preprocessing().pixels(&reference.pictures[case.picture]);
        let features = models.image_features(&[pixels]).expect("the encoder runs").remove(0);
        assert_eq!(before.len() + features.nrows() + after.len(), case.prompt_tokens);
        let before = models.embed(&before).expect("it embeds");
        let after = models.embed(&after).expect("it embeds");

        let whole = concatenate(Axis(0), &[before.view(), features.view(), after.view()]).expect("one width");
        let row = DecoderRow { past: None, embeddings: whole.view(), picture: None };
        let at_once = models.continue_rows(&[row], Keep::Nothing).expect("it runs").remove(0).logits;
        let row = DecoderRow { past: None, embeddings: before.view(), picture: None };
        let prefix = models.continue_rows(&[row], Keep::Here).expect("it runs").remove(0).cache;
        let rest = concatenate(Axis(0), &[features.view(), after.view()]).expect("one width");
        let row = DecoderRow { past: prefix.as_ref(), embeddings: rest.view(), picture: None };
        let continued = models.continue_rows(&[row], Keep::Nothing).expect("it runs").remove(0).logits;
        for found in [at_once, continued] {
            assert_eq!(found.len(), case.logits.len());
            let difference = found.iter().zip(&case.logits).map(|(found, logit)| (found - logit).abs());
            let difference = difference.fold(0.0, f32::max);
            assert!(difference < LOGIT_TOLERANCE, "{} {}: {difference}", case.persona, case.request);
        }
    }
}

#[test]
fn expected_scores_are_those_of_transformers_batched_or_not_with_and_without_prefix_reuse() {
    let reference = Reference::of(&open());
    for answers in reference.answers(Readout::Expectation) {
        assert_eq!(answers.len(), reference.cases.len());
        for (case, answer) in reference.cases.iter().zip(answers) {
            let score = answer.score.expect("a score");
            assert!((score - case.expectation).abs() < SCORE_TOLERANCE, "{score} for {}", case.expectation);
        }
    }
}

#[test]
fn greedy_answers_are_those_of_transformers_batched_or_not_with_and_without_prefix_reuse() {
    let reference = Reference::of(&open());
    let distinct: std::collections::BTreeSet<_> = reference.cases.iter().map(|case| &case.text).collect();
    assert!(distinct.len() > 3, "{distinct:?}");
    for answers in reference.answers(Readout::Greedy) {
        assert_eq!(answers.len(), reference.cases.len());
        for (case, answer) in reference.cases.iter().zip(answers) {
            assert_eq!(answer.text.as_deref(), Some(case.text.as_str()));
            assert_eq!(answer.score, Some(case.text.parse::<f64>().expect("a mark") / 100.0));
        }
    }
}

/// What is drawn, and a request that it does not fulfil.
const REQUESTS: [(&str, &str); 3] = [
    ("a dog sits in front of a bush", "a tiger on the beach"),
    ("an apple on a table", "a cat on the street"),
    ("a cat on the street", "an apple on a table"),
];

/// One picture for each right request, drawn in 10 steps by the shipped diffusion pack.
fn drawn() -> &'static [Picture] {
    static DRAWN: OnceLock<Vec<Picture>> = OnceLock::new();
    DRAWN.get_or_init(|| {
        let executor = shipped_pack::executor(2);
        let schedule = shipped_pack::schedule(executor.pack());
        let sampler = Sampler::Ddim { eta: 0.0 };
        let chain = SplitChain::new(&schedule, sampler, Split::Joint, 10, 10, 0).expect("the chain can be made");
        let mut graph = DenoisingGraph::new(executor.pack().digest());
        let seed = StreamKey::new(3, 0, "start-latent", "round");
        let decodes: Vec<NodeId> = REQUESTS
            .iter()
            .map(|(request, _)| {
                let prompt = graph.prompt(request);
                let mut from = graph.insert(Operation::Noise { seed, scale: chain.start_scale });
                for step in &chain.server {
                    from = graph.insert(Operation::Denoise { from, prompt, guidance: 2.0, step: *step, noise: None });
                }
                graph.insert(Operation::Decode { from })
            })
            .collect();
        let mut pictures = vec![None; decodes.len()];
        let mut sink = |node: NodeId, value: &Value| {
            if let Value::Picture(picture) = value {
                let at = decodes.iter().position(|decode| *decode == node).expect("only these are asked for");
                pictures[at] = Some(Picture::clone(picture));
            }
            Ok(())
        };
        executor.run(&graph, &decodes, &|_| {}, &mut sink).expect("the pack draws");
        pictures.into_iter().map(|picture| picture.expect("no chain fails")).collect()
    })
}

/// `picture` with independent noise of standard deviation 0.15 on every value.
fn with_noise(picture: &Picture) -> Picture {
    let mut stream = StreamKey::new(4, 0, "test", "noise").rng();
    let half_width = 0.15 * 3f32.sqrt();
    let values = picture.rgb().iter().map(|value| value + half_width * (2.0 * stream.random::<f32>() - 1.0)).collect();
    Picture::new(picture.width(), picture.height(), values).expect("finite values")
}

#[test]
fn a_picture_of_what_was_asked_for_is_marked_higher_than_one_of_something_else() {
    let (judge, mut worker) = judge(Readout::Expectation);
    for (picture, (right, wrong)) in drawn().iter().zip(REQUESTS) {
        for persona in AGENTS {
            let questions = [question(persona, picture, right), question(persona, picture, wrong)];
            let answers = judge.ask(&mut worker, &questions).expect("it answers");
            let [right_score, wrong_score] = [0, 1].map(|index: usize| answers[index].score.expect("a score"));
            assert!(right_score > wrong_score + 0.3, "{right}, {persona:?}: {right_score}; {wrong}: {wrong_score}");
        }
    }
}

#[test]
fn a_neurotic_person_marks_lower_than_a_calm_one() {
    let (judge, mut worker) = judge(Readout::Expectation);
    let of_neuroticism = |neuroticism| Persona::new([0.5, 0.5, 0.5, 0.5, neuroticism]).expect("in [0, 1]");
    for (picture, (request, _)) in drawn().iter().zip(REQUESTS) {
        let questions = [0.1, 0.9].map(|neuroticism| question(of_neuroticism(neuroticism), picture, request));
        let answers = judge.ask(&mut worker, &questions).expect("it answers");
        let [calm, neurotic] = [0, 1].map(|index: usize| answers[index].score.expect("a score"));
        assert!(neurotic < calm, "{request}: {neurotic} for {calm}");
    }
}

#[test]
fn noise_lowers_the_mark() {
    let (judge, mut worker) = judge(Readout::Expectation);
    for (picture, (request, _)) in drawn().iter().zip(REQUESTS) {
        let noisy = with_noise(picture);
        for persona in AGENTS {
            let questions = [question(persona, picture, request), question(persona, &noisy, request)];
            let answers = judge.ask(&mut worker, &questions).expect("it answers");
            let [clean, noisy] = [0, 1].map(|index: usize| answers[index].score.expect("a score"));
            assert!(noisy < clean - 0.1, "{request}, {persona:?}: {noisy} for {clean}");
        }
    }
}

#[test]
fn drawn_marks_scatter_around_the_expected_one() {
    const DRAWS: u64 = 200;
    let (expecting, mut expecting_worker) = judge(Readout::Expectation);
    let (drawing, mut drawing_worker) = judge(Readout::Sample);
    let (picture, request) = (&drawn()[0], REQUESTS[0].0);
    for persona in AGENTS {
        let asked = question(persona, picture, request);
        let expected = expecting.ask(&mut expecting_worker, std::slice::from_ref(&asked)).expect("it answers");
        let expected = expected[0].score.expect("a score");
        let seed = |index| Some(StreamKey::new(12, 0, "judge", "device-1").child(index));
        let questions: Vec<_> = (0..DRAWS).map(|index| Question { seed: seed(index), ..asked.clone() }).collect();
        let answers = drawing.ask(&mut drawing_worker, &questions).expect("it answers");
        let scores: Vec<f64> = answers.iter().map(|answer| answer.score.expect("every answer is a mark")).collect();
        let mean = scores.iter().sum::<f64>() / DRAWS as f64;
        let variance = scores.iter().map(|score| (score - mean).powi(2)).sum::<f64>() / (DRAWS - 1) as f64;
        let standard_error = (variance / DRAWS as f64).sqrt();
        assert!(variance > 0.0, "drawn answers differ");
        assert!((mean - expected).abs() < 3.0 * standard_error, "{mean} ± {standard_error} for {expected}");
    }
}
