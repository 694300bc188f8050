//! The executor against bare `ort` calls in one loop, and batch sizes against each other.
//!
//!     cargo bench --bench executor
//!
//! Both sides evaluate the same number of UNet calls of the same batch sizes on one thread with the same session
//! options. They take turns, and ratios are taken turn by turn, so that a machine whose speed drifts drifts under
//! both. What the executor adds is noise, batching, guidance, the sampler step, and freeing.

use std::sync::Arc;
use std::time::Instant;

use latentlink::diffusion::graph::{DenoisingGraph, Operation};
use latentlink::diffusion::{Executor, NoiseSchedule, Sampler};
use latentlink::onnx::{DiffusionPack, ResolvedProvider, runtime};
use latentlink::random::StreamKey;
use ndarray::{Array1, Array3, Array4};
use ort::session::Session;
use ort::session::builder::GraphOptimizationLevel;
use ort::value::TensorRef;

const PACK: &str = "models/emoji-ldm";
const TURNS: usize = 15;
const STEPS: u32 = 4;
/// Pictures of one wave: with guidance, two calls of sixteen evaluations a step.
const PICTURES: u64 = 16;
const EVALUATIONS_PER_CALL: usize = 16;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    runtime::environment_with_progress(&|text| eprintln!("{text}"))?;
    let pack = Arc::new(DiffusionPack::open(PACK.as_ref())?);
    let mut bare = bare_session(&pack)?;
    overhead(&pack, &mut bare)?;
    batch_sizes(&pack, &mut bare)
}

/// The UNet as a program without latentlink would open it.
fn bare_session(pack: &DiffusionPack) -> Result<Session, Box<dyn std::error::Error>> {
    Ok(Session::builder(runtime::environment()?)?
        .with_optimization_level(GraphOptimizationLevel::All)?
        .with_intra_threads(1)?
        .with_deterministic_compute(true)?
        .with_intra_op_spinning(false)?
        .commit_from_file(pack.root().join("unet/model.onnx"))?)
}

/// One call with a batch of equal latents.
struct BareInputs {
    sample: Array4<f32>,
    timestep: Array1<i64>,
    text: Array3<f32>,
}

impl BareInputs {
    fn new(pack: &DiffusionPack, batch: usize) -> Result<Self, Box<dyn std::error::Error>> {
        let [channels, height, width] = pack.latent_shape();
        let mut models = pack.load_worker(ResolvedProvider::Cpu, 1)?;
        let (_, tokens, hidden) = models.encode_prompts(&[pack.tokenize("")?])?.text.dim();
        Ok(Self {
            sample: Array4::from_elem((batch, channels, height, width), 0.5),
            timestep: Array1::from_elem(batch, 500),
            text: Array3::from_elem((batch, tokens, hidden), 0.5),
        })
    }

    fn call(&self, session: &mut Session) -> Result<(), ort::Error> {
        session.run(ort::inputs![
            "sample" => TensorRef::from_array_view(&self.sample)?,
            "timestep" => TensorRef::from_array_view(&self.timestep)?,
            "encoder_hidden_states" => TensorRef::from_array_view(&self.text)?,
        ])?;
        Ok(())
    }
}

fn overhead(pack: &Arc<DiffusionPack>, bare: &mut Session) -> Result<(), Box<dyn std::error::Error>> {
    let executor = Executor::new(Arc::clone(pack), ResolvedProvider::Cpu, 1)?;
    let (path, config) = pack.scheduler_config();
    let chain = NoiseSchedule::from_config(path, config)?.chain(Sampler::Ddim { eta: 0.0 }, STEPS)?;
    let mut graph = DenoisingGraph::new(pack.digest());
    let prompt = graph.prompt("a tiger sits in front of a bush");
    let wanted: Vec<_> = (0..PICTURES)
        .map(|picture| {
            let seed = StreamKey::new(41, 0, "bench", "latent").child(picture);
            let mut node = graph.insert(Operation::Noise { seed, scale: chain.start_scale });
            for step in &chain.steps {
                node = graph.insert(Operation::Denoise { from: node, prompt, guidance: 3.0, step: *step, noise: None });
            }
            node
        })
        .collect();
    let calls = (2 * PICTURES * u64::from(STEPS)) as usize / EVALUATIONS_PER_CALL;
    let inputs = BareInputs::new(pack, EVALUATIONS_PER_CALL)?;
    let (mut ratios, mut bare_times) = (Vec::new(), Vec::new());
    for turn in 0..=TURNS {
        let start = Instant::now();
        executor.run(&graph, &wanted, &|_| {}, &mut |_, _| Ok(()))?;
        let executor_s = start.elapsed().as_secs_f64();
        let start = Instant::now();
        for _ in 0..calls {
            inputs.call(bare)?;
        }
        let bare_s = start.elapsed().as_secs_f64();
        // The first turn warms both up.
        if turn > 0 {
            ratios.push(executor_s / bare_s);
            bare_times.push(bare_s);
        }
    }
    println!(
        "executor / bare ort loop, {calls} calls of {EVALUATIONS_PER_CALL} evaluations, one thread, {TURNS} turns:"
    );
    println!(
        "  ratio of times: median {:.3}, quartiles {:.3} and {:.3}",
        quantile(&ratios, 0.5),
        quantile(&ratios, 0.25),
        quantile(&ratios, 0.75)
    );
    println!(
        "  bare: {:.2} ms an evaluation",
        1e3 * quantile(&bare_times, 0.5) / (calls * EVALUATIONS_PER_CALL) as f64
    );
    Ok(())
}

fn batch_sizes(pack: &DiffusionPack, bare: &mut Session) -> Result<(), Box<dyn std::error::Error>> {
    println!("bare UNet calls by batch size, one thread, {TURNS} turns:");
    let sizes = [1, 2, 4, 8, 16, 32];
    let inputs: Vec<BareInputs> = sizes.iter().map(|&batch| BareInputs::new(pack, batch)).collect::<Result<_, _>>()?;
    let mut times = vec![Vec::new(); sizes.len()];
    for turn in 0..=TURNS {
        for (index, &batch) in sizes.iter().enumerate() {
            let start = Instant::now();
            inputs[index].call(bare)?;
            if turn > 0 {
                times[index].push(start.elapsed().as_secs_f64() / batch as f64);
            }
        }
    }
    let single = quantile(&times[0], 0.5);
    for (batch, times) in sizes.iter().zip(&times) {
        let (time, least) = (quantile(times, 0.5), quantile(times, 0.0));
        println!(
            "  batch {batch:>2}: {:.2} of batch 1's time a sample, {:.2} ms a sample (least {:.2})",
            time / single,
            1e3 * time,
            1e3 * least
        );
    }
    Ok(())
}

fn quantile(values: &[f64], part: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[((sorted.len() - 1) as f64 * part).round() as usize]
}
