//! The VLM judge against transformers on the same tiny LLaVA (`tests/reference/tiny_llava.py`): logits of every step,
//! greedy answers and expectations, with and without prefix reuse, one by one and in batches of different lengths.

use std::sync::Arc;

use latentlink::judge::vlm::{VlmJudge, VlmOptions, VlmWorker};
use latentlink::judge::{Answer, JudgeError, Question, Readout};
use latentlink::onnx::judge_models::{DecoderRow, Keep};
use latentlink::onnx::{JudgeModels, JudgePack, ResolvedProvider};
use latentlink::picture::Picture;
use latentlink::random::StreamKey;
use ndarray::{Array2, Axis, concatenate, s};

use crate::tiny_llava::{Case, CopiedPack, cases, open, pictures, template};

const LOGIT_TOLERANCE: f32 = 1e-3;

fn options(readout: Readout, max_new_tokens: u32) -> VlmOptions {
    VlmOptions { readout, temperature: 1.0, max_new_tokens, retries: 3 }
}

fn judge(pack: &Arc<JudgePack>, options: VlmOptions) -> VlmJudge {
    VlmJudge::new(Arc::clone(pack), template(pack), options).expect("the pack can answer")
}

fn worker(judge: &VlmJudge) -> VlmWorker {
    judge.load_worker(ResolvedProvider::Cpu, 1).expect("the sessions load")
}

fn question<'a>(case: &'a Case, pictures: &'a [Picture], seed: Option<StreamKey>) -> Question<'a> {
    Question { persona: case.persona, picture: &pictures[case.picture], request: &case.request, seed }
}

fn seed(index: u64) -> StreamKey {
    StreamKey::new(11, 0, "judge", "device-1").child(index)
}

/// The three parts of a case's prompt, embedded.
fn parts(pack: &JudgePack, models: &mut JudgeModels, case: &Case) -> [Array2<f32>; 3] {
    let before = pack.tokenizer().encode_start(&case.before).expect("it encodes");
    let after = pack.tokenizer().encode_rest(&case.after).expect("it encodes");
    let pixels = pack.preprocessing().pixels(&pictures()[case.picture]);
    let features = models.image_features(&[pixels]).expect("the encoder runs").remove(0);
    assert_eq!(before.len() + features.nrows() + after.len(), case.prompt_tokens);
    [models.embed(&before).expect("it embeds"), features, models.embed(&after).expect("it embeds")]
}

fn assert_close(found: &[f32], reference: &[f32], what: &str) {
    assert_eq!(found.len(), reference.len());
    let difference =
        found.iter().zip(reference).map(|(found, reference)| (found - reference).abs()).fold(0.0, f32::max);
    assert!(difference < LOGIT_TOLERANCE, "{what}: {difference}");
}

#[test]
fn logits_of_every_step_are_those_of_transformers_in_one_batch_with_and_without_a_read_prefix() {
    let (pack, cases) = (open(), cases());
    let mut models = pack.load_worker(ResolvedProvider::Cpu, 1).expect("the sessions load");
    let prompts: Vec<_> = cases.iter().map(|case| parts(&pack, &mut models, case)).collect();
    for reads_prefix in [false, true] {
        let mut pasts: Vec<_> = prompts
            .iter()
            .map(|[before, _, _]| {
                let row = DecoderRow { past: None, embeddings: before.view(), picture: None };
                let read = reads_prefix.then(|| models.continue_rows(&[row], Keep::Here).expect("it runs").remove(0));
                read.map(|read| read.cache.expect("it was asked for"))
            })
            .collect();
        let mut next: Vec<Array2<f32>> = prompts
            .iter()
            .map(|[before, features, after]| {
                let skipped = if reads_prefix { before.nrows() } else { 0 };
                concatenate(Axis(0), &[before.slice(s![skipped.., ..]), features.view(), after.view()])
                    .expect("one width")
            })
            .collect();
        for step in 0..cases[0].tokens.len() {
            let rows: Vec<_> = pasts
                .iter()
                .zip(&next)
                .map(|(past, next)| DecoderRow { past: past.as_ref(), embeddings: next.view(), picture: None })
                .collect();
            let read = models.continue_rows(&rows, Keep::Here).expect("it runs");
            for (case, read) in cases.iter().zip(&read) {
                assert_close(&read.logits, &case.logits[step], &format!("step {step}, prefix {reads_prefix}"));
            }
            next = cases.iter().map(|case| models.embed(&[case.tokens[step]]).expect("it embeds")).collect();
            pasts = read.into_iter().map(|read| read.cache).collect();
        }
    }
}

#[test]
fn greedy_answers_are_those_of_transformers_with_and_without_prefix_reuse_and_batches() {
    let (pack, cases, pictures) = (open(), cases(), pictures());
    let judge = judge(&pack, options(Readout::Greedy, 6));
    let questions: Vec<_> = cases.iter().map(|case| question(case, &pictures, None)).collect();
    for reuse in [true, false] {
        let mut worker = worker(&judge);
        worker.set_prefix_reuse(reuse);
        let together = judge.ask(&mut worker, &questions).expect("it answers");
        let singly: Vec<_> = questions
            .iter()
            .flat_map(|question| judge.ask(&mut worker, std::slice::from_ref(question)).expect("it answers"))
            .collect();
        assert_eq!(together, singly);
        for (case, answer) in cases.iter().zip(&together) {
            assert_eq!(answer.text.as_deref(), Some(case.text.as_str()));
        }
    }
}

#[test]
fn expectations_are_the_means_over_the_marks_chances_in_transformers() {
    let (pack, cases, pictures) = (open(), cases(), pictures());
    let judge = judge(&pack, options(Readout::Expectation, 0));
    let questions: Vec<_> = cases.iter().map(|case| question(case, &pictures, None)).collect();
    for reuse in [true, false] {
        let mut worker = worker(&judge);
        worker.set_prefix_reuse(reuse);
        for answers in [
            judge.ask(&mut worker, &questions).expect("it answers"),
            questions
                .iter()
                .flat_map(|one| judge.ask(&mut worker, std::slice::from_ref(one)).expect("it answers"))
                .collect(),
        ] {
            for (case, answer) in cases.iter().zip(&answers) {
                let score = answer.score.expect("a score");
                assert!((score - case.expectation).abs() < 1e-5, "{score} for {}", case.expectation);
                assert_eq!((answer.attempts, &answer.text), (1, &None));
            }
        }
    }
}

#[test]
fn the_text_before_the_picture_is_read_once_a_persona_and_a_picture_once_a_call() {
    let (pack, cases, pictures) = (open(), cases(), pictures());
    let judge = judge(&pack, options(Readout::Expectation, 0));
    let mut questions: Vec<_> = cases.iter().map(|case| question(case, &pictures, None)).collect();
    questions.extend(questions.clone());
    let mut worker = worker(&judge);
    judge.ask(&mut worker, &questions).expect("it answers");

    let all: u64 = cases.iter().map(|case| case.prompt_tokens as u64).sum();
    let before = |case: &Case| pack.tokenizer().encode_start(&case.before).expect("it encodes").len() as u64;
    let (first, second) = (before(&cases[0]), before(&cases[3]));
    assert_ne!(first, second, "the prompts of the two personas differ in length");
    let work = worker.work();
    assert_eq!((work.questions, work.prompts, work.prefixes, work.pictures), (12, 6, 2, 3));
    assert_eq!(work.tokens, all - 2 * (first + second));
    assert_eq!(work.tokens_without_prefix_reuse, all);
    assert_eq!(work.tokens_one_by_one, 2 * all);

    judge.ask(&mut worker, &questions).expect("it answers");
    assert_eq!(worker.work().prefixes, 2, "what was read before pictures is kept from call to call");
}

#[test]
fn questions_that_differ_in_their_seed_alone_share_the_prompt_and_draw_the_same_again() {
    let (pack, cases, pictures) = (open(), cases(), pictures());
    let judge = judge(&pack, VlmOptions { retries: 0, ..options(Readout::Sample, 3) });
    let questions: Vec<_> = (0..200).map(|index| question(&cases[1], &pictures, Some(seed(index)))).collect();
    let mut first = worker(&judge);
    let answers = judge.ask(&mut first, &questions).expect("it answers");
    let work = first.work();
    let prompt = cases[1].prompt_tokens as u64;
    assert_eq!((work.questions, work.prompts, work.pictures), (200, 1, 1));
    assert!(work.tokens <= prompt + 2 * 200, "{work:?}");
    assert!(work.tokens_one_by_one >= 200 * prompt, "{work:?}");

    let mut again = worker(&judge);
    assert_eq!(judge.ask(&mut again, &questions).expect("it answers"), answers);
    let reversed: Vec<_> = questions.iter().rev().cloned().collect();
    let mut backwards = judge.ask(&mut again, &reversed).expect("it answers");
    backwards.reverse();
    assert_eq!(backwards, answers);
    let texts: std::collections::BTreeSet<_> = answers.iter().map(|answer| &answer.text).collect();
    assert!(texts.len() > 50, "drawn answers differ");
}

#[test]
fn drawn_tokens_have_the_chances_that_transformers_gives_them() {
    let (pack, cases, pictures) = (open(), cases(), pictures());
    const DRAWS: u64 = 4000;
    for temperature in [1.0, 0.5] {
        let judge = judge(&pack, VlmOptions { retries: 0, temperature, ..options(Readout::Sample, 1) });
        let questions: Vec<_> = (0..DRAWS).map(|index| question(&cases[4], &pictures, Some(seed(index)))).collect();
        let answers = judge.ask(&mut worker(&judge), &questions).expect("it answers");
        let weight = |logit: f32| (f64::from(logit) / temperature).exp();
        let sum: f64 = cases[4].logits[0].iter().map(|&logit| weight(logit)).sum();
        let mut likely = 0;
        for (token, &logit) in cases[4].logits[0].iter().enumerate() {
            let chance = weight(logit) / sum;
            if chance < 0.01 {
                continue;
            }
            likely += 1;
            let word = pack.tokenizer().decode(&[token as i64]).expect("a word");
            let times = answers.iter().filter(|answer| answer.text.as_deref() == Some(word.as_str())).count();
            let spread = (chance * (1.0 - chance) / DRAWS as f64).sqrt();
            let found = times as f64 / DRAWS as f64;
            assert!((found - chance).abs() < 4.5 * spread, "{word}: {found} for {chance}");
        }
        assert!(likely > 5, "{likely}");
    }
}

#[test]
fn an_answer_without_a_score_is_drawn_anew_and_then_failed_with_its_text() {
    let (pack, cases, pictures) = (open(), cases(), pictures());
    let with_retries = judge(&pack, options(Readout::Sample, 1));
    let questions: Vec<_> = (0..100).map(|index| question(&cases[0], &pictures, Some(seed(index)))).collect();
    let answers = with_retries.ask(&mut worker(&with_retries), &questions).expect("it answers");
    let without = judge(&pack, VlmOptions { retries: 0, ..options(Readout::Sample, 1) });
    let mut without_worker = worker(&without);
    let mut numbers = [0; 2];
    for (index, answer) in answers.iter().enumerate() {
        // Attempt i draws from the i-th child of the question's stream, whatever else is asked.
        let text = answer.text.as_deref().expect("a drawn answer has a text");
        match (answer.score, answer.attempts) {
            (Some(score), 1..=4) => {
                assert_eq!(score, text.parse::<f64>().expect("the only words with a score are digits") / 9.0);
                numbers[0] += 1;
            }
            (None, 4) => {
                // A zero that the limit cut off may be the beginning of "0.7".
                assert!(text.parse::<f64>().map_or(true, |mark| mark == 0.0), "{text}");
                numbers[1] += 1;
            }
            other => panic!("{other:?}"),
        }
        if answer.attempts == 1 {
            let alone = without.ask(&mut without_worker, &questions[index..=index]).expect("it answers");
            assert_eq!(alone, std::slice::from_ref(answer));
        }
    }
    assert!(numbers.iter().all(|&number| number > 5), "both happen: {numbers:?}");

    // The likeliest answer is what it is: no retry.
    let greedy = judge(&pack, options(Readout::Greedy, 3));
    let answer = greedy.ask(&mut worker(&greedy), &[question(&cases[0], &pictures, None)]).expect("it answers");
    let begins: Vec<_> = cases[0].text.split(' ').take(3).collect();
    assert_eq!(answer, [Answer { score: None, text: Some(begins.join(" ")), attempts: 1 }]);
}

#[test]
fn an_answer_ends_at_any_of_the_end_tokens_which_is_not_part_of_it() {
    let (cases, pictures) = (cases(), pictures());
    let copied = CopiedPack::new();
    let (end_of_first, end_of_second) = (cases[0].tokens[2], cases[1].tokens[4]);
    copied.edit("generation_config.json", |config| config["eos_token_id"] = [end_of_first, end_of_second].into());
    let judge = judge(&copied.open(), options(Readout::Greedy, 6));
    let questions = [question(&cases[0], &pictures, None), question(&cases[1], &pictures, None)];
    let answers = judge.ask(&mut worker(&judge), &questions).expect("it answers");
    for ((answer, case), end) in answers.iter().zip(&cases).zip([end_of_first, end_of_second]) {
        let kept = case.tokens.iter().take_while(|&&token| token != end).count();
        let words: Vec<_> = case.text.split(' ').take(kept).collect();
        assert_eq!(answer.text, Some(words.join(" ")));
        assert!(kept < 6);
    }
}

#[test]
fn a_prompt_that_the_model_cannot_hold_is_refused_with_the_tokens_it_needs() {
    let (cases, pictures) = (cases(), pictures());
    let copied = CopiedPack::new();
    let needed = cases[2].prompt_tokens;
    for (allowed, max_new_tokens, fits) in [(needed, 0, true), (needed - 1, 0, false), (needed + 5, 6, false)] {
        copied.edit("config.json", |config| config["text_config"]["max_position_embeddings"] = allowed.into());
        let readout = if max_new_tokens == 0 { Readout::Expectation } else { Readout::Greedy };
        let judge = judge(&copied.open(), options(readout, max_new_tokens));
        let result = judge.ask(&mut worker(&judge), &[question(&cases[2], &pictures, None)]);
        assert_eq!(result.is_ok(), fits);
        if let Err(error) = result {
            let text = error.to_string();
            let total = needed + max_new_tokens as usize;
            for part in [&cases[2].request, &total.to_string(), &allowed.to_string()] {
                assert!(text.contains(part.as_str()), "{part} is not in: {text}");
            }
        }
    }
}

#[test]
fn expectation_is_refused_where_a_mark_is_not_one_token_and_says_which() {
    let copied = CopiedPack::new();
    let file = copied.path("judge_template.toml");
    let text = std::fs::read_to_string(&file).expect("the pack has one");
    std::fs::write(&file, text.replace("highest = 9", "highest = 12")).expect("it is writable");
    let pack = copied.open();
    let error =
        VlmJudge::new(Arc::clone(&pack), template(&pack), options(Readout::Expectation, 0)).expect_err("no tokens");
    let text = error.to_string();
    assert!(matches!(error, JudgeError::ScoreTokens { missing: 3, .. }), "{text}");
    assert!(text.contains("10, 11, 12"), "{text}");
    // Answers in words are possible all the same.
    judge(&pack, options(Readout::Greedy, 3));

    // A vocabulary without digits: all of them are the unknown word.
    let copied = CopiedPack::new();
    copied.edit("tokenizer.json", |tokenizer| {
        let words = tokenizer["model"]["vocab"].as_object_mut().expect("a word list");
        words.retain(|word, _| word != "4" && word != "7");
    });
    let pack = copied.open();
    let error =
        VlmJudge::new(Arc::clone(&pack), template(&pack), options(Readout::Expectation, 0)).expect_err("no tokens");
    assert!(error.to_string().contains("4, 7"), "{error}");
}

#[test]
fn a_judges_digest_changes_with_what_its_answers_depend_on_and_with_nothing_else() {
    let pack = open();
    let digest = |options: VlmOptions| judge(&pack, options).digest();
    let sample = options(Readout::Sample, 6);
    assert_eq!(digest(sample), digest(sample));
    let others = [
        digest(VlmOptions { temperature: 0.9, ..sample }),
        digest(VlmOptions { retries: 1, ..sample }),
        digest(VlmOptions { max_new_tokens: 7, ..sample }),
        digest(VlmOptions { readout: Readout::Greedy, ..sample }),
        digest(VlmOptions { readout: Readout::Expectation, ..sample }),
    ];
    assert!(others.iter().all(|other| *other != digest(sample)));
    let expectation = options(Readout::Expectation, 6);
    assert_eq!(
        digest(expectation),
        digest(VlmOptions { temperature: 2.0, retries: 0, max_new_tokens: 1, ..expectation })
    );
    let copied = CopiedPack::new();
    copied.edit("generation_config.json", |config| config["eos_token_id"] = 3.into());
    assert_ne!(judge(&copied.open(), sample).digest(), digest(sample));
}

#[test]
fn options_and_questions_that_make_no_sense_are_refused() {
    let (pack, cases, pictures) = (open(), cases(), pictures());
    for wrong in [
        VlmOptions { temperature: 0.0, ..options(Readout::Sample, 6) },
        VlmOptions { temperature: f64::NAN, ..options(Readout::Sample, 6) },
        options(Readout::Greedy, 0),
    ] {
        let error = VlmJudge::new(Arc::clone(&pack), template(&pack), wrong).expect_err("no such judge");
        assert!(matches!(error, JudgeError::Options { .. }), "{error}");
    }
    let sample = judge(&pack, options(Readout::Sample, 6));
    let error = sample.ask(&mut worker(&sample), &[question(&cases[0], &pictures, None)]).expect_err("no seed");
    assert!(matches!(error, JudgeError::NoSeed), "{error}");
    assert_eq!(sample.unknown_words("a zebra sits in the rain , a zebra").expect("it encodes"), ["zebra", "rain"]);
}
