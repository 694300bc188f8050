//! One diffusion pack: single calls of its networks, and whole pictures by the executor.

use std::path::Path;
use std::sync::Arc;

use latentlink::diffusion::graph::{DenoisingGraph, Operation};
use latentlink::diffusion::value::Value;
use latentlink::diffusion::{Executor, NoiseSchedule, Sampler};
use latentlink::onnx::{Conditioning, DiffusionModels, DiffusionPack, ResolvedProvider};
use latentlink::picture::Picture;
use latentlink::random::StreamKey;
use ndarray::{Array3, Array4, Axis, concatenate};
use rand_distr::{Distribution, StandardNormal};

use super::{Failure, Item, Work, seconds_of_one};

const PROMPT: &str = "a dog, in front of the bush!";
/// Half way.
const TIMESTEP: f64 = 501.0;

pub struct DiffusionSide {
    pack: Arc<DiffusionPack>,
    provider: ResolvedProvider,
    models: DiffusionModels,
    has_resident_latents: bool,
    /// Has sessions of its own; made when it is first needed.
    executor: Option<Executor>,
    /// Chains timed so far: each has other start latents.
    chains: u64,
}

impl DiffusionSide {
    pub fn open(pack: &Path, provider: ResolvedProvider, has_resident_latents: bool) -> Result<Self, Failure> {
        let pack = Arc::new(DiffusionPack::open(pack)?);
        let models = pack.load_worker(provider, 1)?;
        Ok(Self { pack, provider, models, has_resident_latents, executor: None, chains: 0 })
    }

    pub fn seconds(&mut self, work: &Work) -> Result<f64, Failure> {
        let batch = work.batch;
        match work.item {
            Item::Denoise => {
                let (latents, text) = (self.latents(batch), self.text(PROMPT)?);
                let text = concatenate(Axis(0), &vec![text.view(); batch])?;
                let (timesteps, guidance) = (vec![TIMESTEP; batch], vec![1.0; batch]);
                let conditioning = Conditioning { text: text.view(), pooled: None, guidance: &guidance };
                seconds_of_one(work.least_s, || {
                    self.models.predict(latents.view(), &timesteps, &conditioning)?;
                    Ok(())
                })
            }
            Item::Decode => {
                let latents = self.latents(batch);
                seconds_of_one(work.least_s, || {
                    self.models.decode(latents.view())?;
                    Ok(())
                })
            }
            Item::Chain { steps, guidance } => seconds_of_one(work.least_s, || {
                self.chains += 1;
                self.chain(batch, steps, guidance).map(drop)
            }),
            Item::Score { .. } => Err("a diffusion pack gives no scores".into()),
        }
    }

    /// The values of one picture, the same each time.
    pub fn picture(&mut self, steps: u32, guidance: f64) -> Result<Vec<f64>, Failure> {
        self.chains = 0;
        let pictures = self.chain(1, steps, guidance)?;
        Ok(pictures[0].rgb().iter().map(|value| f64::from(*value)).collect())
    }

    /// `pictures` from noise, as a study without a split makes them.
    fn chain(&mut self, pictures: usize, steps: u32, guidance: f64) -> Result<Vec<Arc<Picture>>, Failure> {
        let (path, config) = self.pack.scheduler_config();
        let chain = NoiseSchedule::from_config(path, config)?.chain(Sampler::Ddim { eta: 0.0 }, steps)?;
        let mut graph = DenoisingGraph::new(self.pack.digest());
        let prompt = graph.prompt(PROMPT);
        let stream = StreamKey::new(41, 0, "bench", "latent").child(self.chains);
        let wanted: Vec<_> = (0..pictures as u64)
            .map(|picture| {
                let mut node = graph.insert(Operation::Noise { seed: stream.child(picture), scale: chain.start_scale });
                for step in &chain.steps {
                    node = graph.insert(Operation::Denoise { from: node, prompt, guidance, step: *step, noise: None });
                }
                graph.insert(Operation::Decode { from: node })
            })
            .collect();
        let executor = match &mut self.executor {
            Some(executor) => executor,
            none => {
                let executor = Executor::new(Arc::clone(&self.pack), self.provider, cores())?;
                none.insert(executor.with_resident_latents(self.has_resident_latents))
            }
        };
        let mut made = Vec::with_capacity(pictures);
        executor.run(&graph, &wanted, &|_| {}, &mut |_, value| match value {
            Value::Picture(picture) => {
                made.push(Arc::clone(picture));
                Ok(())
            }
            other => Err(format!("no picture: {other:?}").into()),
        })?;
        if made.len() == pictures {
            Ok(made)
        } else {
            Err(format!("{} of {pictures} pictures were made", made.len()).into())
        }
    }

    pub fn predict(&mut self, latent: Vec<f32>, timestep: f64, prompt: &str) -> Result<Vec<f64>, Failure> {
        let (latent, text) = (self.shaped(latent)?, self.text(prompt)?);
        let conditioning = Conditioning { text: text.view(), pooled: None, guidance: &[1.0] };
        Ok(widened(self.models.predict(latent.view(), &[timestep], &conditioning)?))
    }

    pub fn decode(&mut self, latent: Vec<f32>) -> Result<Vec<f64>, Failure> {
        let latent = self.shaped(latent)?;
        Ok(widened(self.models.decode(latent.view())?))
    }

    /// `[1, tokens, hidden]`.
    fn text(&mut self, prompt: &str) -> Result<Array3<f32>, Failure> {
        Ok(self.models.encode_prompts(&[self.pack.tokenize(prompt)?])?.text)
    }

    fn latents(&self, batch: usize) -> Array4<f32> {
        let [channels, height, width] = self.pack.latent_shape();
        let mut rng = StreamKey::new(41, 0, "bench", "latents").rng();
        Array4::from_shape_simple_fn((batch, channels, height, width), || StandardNormal.sample(&mut rng))
    }

    fn shaped(&self, latent: Vec<f32>) -> Result<Array4<f32>, Failure> {
        let [channels, height, width] = self.pack.latent_shape();
        Ok(Array4::from_shape_vec((1, channels, height, width), latent)?)
    }
}

fn widened(values: Array4<f32>) -> Vec<f64> {
    values.iter().map(|value| f64::from(*value)).collect()
}

/// As many workers as a run has.
fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}
