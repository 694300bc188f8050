//! Scores per second of the VLM judge: with and without prefix reuse, with and without batches, as ratios.
//!
//!     cargo bench --bench judge                                  the shipped judge
//!     cargo bench --bench judge -- tests/vectors/tiny_llava/pack  another pack
//!     cargo bench --bench judge -- PACK --seconds                 only seconds a score, for transformers_judge.py
//!
//! All ways answer the same questions, two personas before each picture, with `expectation` on one thread. They take
//! turns, and ratios are taken turn by turn, so that a machine whose speed drifts drifts under all of them.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use latentlink::judge::{Persona, PromptTemplate, Question, Readout, VlmJudge, VlmOptions, VlmWorker};
use latentlink::onnx::{JudgePack, ResolvedProvider, runtime};
use latentlink::picture::Picture;
use latentlink::random::StreamKey;

const PACK: &str = "models/emoji-llava";
const PICTURES: usize = 16;
const SIDE_PX: usize = 64;
const PERSONAS: [Persona; 2] = [Persona::GA1, Persona::GA2];
const REQUEST: &str = "a tiger sits in front of a bush";
const TURNS: usize = 11;
/// Drawn answers to one question.
const SEEDS: u64 = 200;

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let folder = arguments.iter().find(|argument| !argument.starts_with('-')).map_or(PACK, String::as_str);
    runtime::environment_with_progress(&|text| eprintln!("{text}"))?;
    let pack = Arc::new(JudgePack::open(Path::new(folder))?);
    let pictures: Vec<Picture> = (0..PICTURES).map(picture).collect::<Result<_, _>>()?;
    let questions: Vec<Question<'_>> = pictures
        .iter()
        .flat_map(|picture| PERSONAS.map(|persona| Question { persona, picture, request: REQUEST, seed: None }))
        .collect();
    let judge = judge(&pack, Readout::Expectation)?;
    if arguments.iter().any(|argument| argument == "--seconds") {
        let mut worker = judge.load_worker(ResolvedProvider::Cpu, 1)?;
        ask(&judge, &mut worker, &questions, true)?;
        let seconds: Vec<f64> =
            (0..TURNS).map(|_| ask(&judge, &mut worker, &questions, true)).collect::<Result<_, _>>()?;
        println!("{}", quantile(&seconds, 0.5) / questions.len() as f64);
        return Ok(());
    }
    ways(&judge, &questions)?;
    seeds(&pack, &questions[0])
}

/// Waves that differ from picture to picture.
fn picture(index: usize) -> Result<Picture, Failure> {
    let value = |place: usize| {
        let (pixel, channel) = (place / 3, place % 3);
        let (x, y) = ((pixel % SIDE_PX) as f32, (pixel / SIDE_PX) as f32);
        0.5 + 0.5 * (x / (3 + index) as f32 + y / (5 + channel) as f32).sin()
    };
    Ok(Picture::new(SIDE_PX, SIDE_PX, (0..3 * SIDE_PX * SIDE_PX).map(value).collect())?)
}

fn judge(pack: &Arc<JudgePack>, readout: Readout) -> Result<VlmJudge, Failure> {
    let template = PromptTemplate::for_pack(pack.root(), None)?.template;
    let options = VlmOptions { readout, temperature: 1.0, max_new_tokens: 4, retries: 0 };
    Ok(VlmJudge::new(Arc::clone(pack), template, options)?)
}

/// Seconds to answer all questions, in one call or one by one.
fn ask(judge: &VlmJudge, worker: &mut VlmWorker, questions: &[Question<'_>], batched: bool) -> Result<f64, Failure> {
    let start = Instant::now();
    for some in questions.chunks(if batched { questions.len() } else { 1 }) {
        judge.ask(worker, some)?;
    }
    Ok(start.elapsed().as_secs_f64())
}

fn ways(judge: &VlmJudge, questions: &[Question<'_>]) -> Result<(), Failure> {
    let ways = [
        ("reuse, batches", true, true),
        ("reuse, one by one", true, false),
        ("no reuse, batches", false, true),
        ("no reuse, one by one", false, false),
    ];
    let mut workers = Vec::new();
    for (_, reuse, _) in ways {
        let mut worker = judge.load_worker(ResolvedProvider::Cpu, 1)?;
        worker.set_prefix_reuse(reuse);
        workers.push(worker);
    }
    let mut times = vec![Vec::new(); ways.len()];
    for turn in 0..=TURNS {
        for (way, (_, _, batched)) in ways.iter().enumerate() {
            let seconds = ask(judge, &mut workers[way], questions, *batched)?;
            // The first turn warms all up, and reads the prefixes.
            if turn > 0 {
                times[way].push(seconds);
            }
        }
    }
    println!(
        "{} scores ({} pictures, {} personas), expectation, one thread, {TURNS} turns:",
        questions.len(),
        PICTURES,
        PERSONAS.len()
    );
    for (way, (name, _, _)) in ways.iter().enumerate() {
        let slower: Vec<f64> = times[way].iter().zip(&times[0]).map(|(own, first)| own / first).collect();
        let seconds = quantile(&times[way], 0.5) / questions.len() as f64;
        println!(
            "  {name:<22} {:>8.1} scores/s, {:>7.3} ms a score; time against the first: {:.2} (quartiles {:.2}, {:.2})",
            1.0 / seconds,
            1e3 * seconds,
            quantile(&slower, 0.5),
            quantile(&slower, 0.25),
            quantile(&slower, 0.75)
        );
    }
    println!("  tokens without prefix reuse / with: {:.2}", workers[0].work().prefix_saving());
    Ok(())
}

/// Many drawn answers to one question, against one prompt for each.
fn seeds(pack: &Arc<JudgePack>, question: &Question<'_>) -> Result<(), Failure> {
    let judge = judge(pack, Readout::Sample)?;
    let stream = StreamKey::new(41, 0, "bench", "judge");
    let questions: Vec<_> =
        (0..SEEDS).map(|seed| Question { seed: Some(stream.child(seed)), ..question.clone() }).collect();
    let mut worker = judge.load_worker(ResolvedProvider::Cpu, 1)?;
    let mut ratios = Vec::new();
    for turn in 0..=TURNS {
        let together = ask(&judge, &mut worker, &questions, true)?;
        let one = ask(&judge, &mut worker, &questions[..1], true)?;
        if turn > 0 {
            ratios.push(together / one);
        }
    }
    println!("{SEEDS} drawn answers take {:.1} times as long as one", quantile(&ratios, 0.5));
    Ok(())
}

fn quantile(values: &[f64], part: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[((sorted.len() - 1) as f64 * part).round() as usize]
}
