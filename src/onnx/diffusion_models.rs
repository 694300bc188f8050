//! The three networks of a diffusion pack, ready to run: text encoder, denoiser, picture decoder.
//!
//! ```text
//! ids [b, tokens] ─ encode_text ─► text [b, tokens, hidden] ┐
//! latents [b, c, h, w], timesteps [b] ──────────────────────┴─ predict ─► prediction [b, c, h, w]
//! latents [b, c, h, w] ─ decode ─► pictures [b, 3, H, W] in [0, 1]
//! ```
//!
//! Names, ranks and element types are read from the sessions; arrays here are always 32-bit floats.

use ndarray::{Array3, Array4, ArrayView3, ArrayView4, Axis, CowArray, s};

use super::pack::{DiffusionPack, LatentScale, TEXT_ENCODER_FILE, UNET_FILE, VAE_DECODER_FILE};
use super::pack_error::PackError;
use super::provider::ResolvedProvider;
use super::session::{FloatInput, FloatOutput, ModelSession, NumberType, number_tensor};

/// One set of sessions, for one worker at a time.
#[derive(Debug)]
pub struct DiffusionModels {
    text_encoder: TextEncoder,
    denoiser: Denoiser,
    decoder: Decoder,
}

impl DiffusionModels {
    /// Loads the three models of `pack` and checks that they fit the layout, the tokenizer and each other. See
    /// [`DiffusionPack::load_worker`].
    pub(super) fn load(
        pack: &DiffusionPack,
        provider: ResolvedProvider,
        intra_threads: usize,
    ) -> Result<Self, PackError> {
        let load = |file| ModelSession::load(&pack.root().join(file), provider, intra_threads);
        let tokens = pack.tokenizer().prompt_length();
        let text_encoder = TextEncoder::new(load(TEXT_ENCODER_FILE)?, tokens)?;
        Ok(Self {
            denoiser: Denoiser::new(load(UNET_FILE)?, pack.latent_shape(), tokens, text_encoder.hidden)?,
            decoder: Decoder::new(load(VAE_DECODER_FILE)?, pack.latent_shape(), pack.latent_scale())?,
            text_encoder,
        })
    }

    /// Encodes prompts that the pack's tokenizer made: `b` × `tokens` ids → `[b, tokens, hidden]`, the last hidden
    /// state.
    ///
    /// # Errors
    /// [`PackError::Run`].
    pub fn encode_text(&mut self, prompts: &[impl AsRef<[i64]>]) -> Result<Array3<f32>, PackError> {
        self.text_encoder.run(prompts)
    }

    /// One evaluation of the denoiser: what it predicts (noise, velocity or sample, as the scheduler's
    /// `prediction_type` says) for `b` latents `[b, channels, height, width]` at their `timesteps` (`b` of them, in
    /// training steps) with their `text` `[b, tokens, hidden]`.
    ///
    /// Timesteps may differ within a batch; where the model takes one timestep only, it runs once for each.
    /// Models with an integer timestep get the nearest integer.
    ///
    /// # Errors
    /// [`PackError::Run`].
    ///
    /// # Panics
    /// Where the three batches differ in length.
    pub fn predict(
        &mut self,
        latents: ArrayView4<'_, f32>,
        timesteps: &[f64],
        text: ArrayView3<'_, f32>,
    ) -> Result<Array4<f32>, PackError> {
        assert!(
            latents.len_of(Axis(0)) == timesteps.len() && text.len_of(Axis(0)) == timesteps.len(),
            "every latent of a batch has one timestep and one text"
        );
        self.denoiser.run(latents, timesteps, text)
    }

    /// Pictures of `b` finished latents `[b, channels, height, width]`: `[b, 3, H, W]`, red, green, blue in [0, 1].
    /// A NaN in a latent gives NaN in its picture.
    ///
    /// # Errors
    /// [`PackError::Run`].
    pub fn decode(&mut self, latents: ArrayView4<'_, f32>) -> Result<Array4<f32>, PackError> {
        self.decoder.run(latents)
    }
}

#[derive(Debug)]
struct TextEncoder {
    session: ModelSession,
    ids_name: String,
    ids_type: NumberType,
    text: FloatOutput,
    tokens: usize,
    /// Width of the text's embedding, where the model declares it.
    hidden: Option<usize>,
}

impl TextEncoder {
    fn new(session: ModelSession, tokens: usize) -> Result<Self, PackError> {
        let ids = session.sole_input("input_ids")?;
        let ids_type = ids.number_type()?;
        if !matches!(ids_type, NumberType::I64 | NumberType::I32) {
            return Err(ids.unfit("of type i64 or i32"));
        }
        ids.require_shape(&format!("[batch, {tokens} tokens]"), &[None, Some(tokens)])?;
        session.require_no_input_but(&[&ids])?;
        let text = session.output("last_hidden_state")?;
        text.require_shape(&format!("[batch, {tokens} tokens, hidden]"), &[None, Some(tokens), None])?;
        Ok(Self { hidden: text.shape[2], text: FloatOutput::new(text)?, ids_name: ids.name, ids_type, tokens, session })
    }

    fn run(&mut self, prompts: &[impl AsRef<[i64]>]) -> Result<Array3<f32>, PackError> {
        assert!(
            prompts.iter().all(|prompt| prompt.as_ref().len() == self.tokens),
            "every prompt has the length that the pack's tokenizer gives it"
        );
        let shape = [prompts.len(), self.tokens];
        // Ids are far below 2⁵³, so a float carries them exactly.
        let ids = prompts.iter().flat_map(|prompt| prompt.as_ref().iter().map(|&id| id as f64));
        let ids = number_tensor(self.ids_type, &shape, ids);
        let outputs = self.session.run(prompts.len(), [(self.ids_name.as_str(), ids)])?;
        self.text.read(&outputs, &shape)
    }
}

/// How a denoiser takes its timestep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TimestepShape {
    /// One number for the whole batch, without an axis.
    Scalar,
    /// One number for the whole batch, in an axis of length 1.
    One,
    /// One number for each sample.
    Batch,
}

#[derive(Debug)]
struct Denoiser {
    session: ModelSession,
    latent: FloatInput,
    text: FloatInput,
    timestep_name: String,
    timestep_type: NumberType,
    timestep_shape: TimestepShape,
    prediction: FloatOutput,
}

impl Denoiser {
    fn new(
        session: ModelSession,
        [channels, height, width]: [usize; 3],
        tokens: usize,
        hidden: Option<usize>,
    ) -> Result<Self, PackError> {
        let latent_layout = format!("[batch, {channels}, {height}, {width}]");
        let latent_shape = [None, Some(channels), Some(height), Some(width)];
        let latent = session.input("sample")?;
        latent.require_shape(&latent_layout, &latent_shape)?;

        let timestep = session.input("timestep")?;
        let timestep_shape = match timestep.shape.as_slice() {
            [] => TimestepShape::Scalar,
            [Some(1)] => TimestepShape::One,
            [None] => TimestepShape::Batch,
            _ => return Err(timestep.unfit("a single number, [1] or [batch]")),
        };

        let text = session.input("encoder_hidden_states")?;
        let hidden_text = hidden.map_or("hidden".into(), |hidden| hidden.to_string());
        text.require_shape(
            &format!("[batch, {tokens} tokens, {hidden_text}], as the text encoder gives"),
            &[None, Some(tokens), hidden],
        )?;
        session.require_no_input_but(&[&latent, &timestep, &text])?;

        let prediction = session.output("out_sample")?;
        prediction.require_shape(&latent_layout, &latent_shape)?;
        Ok(Self {
            latent: FloatInput::new(&latent)?,
            text: FloatInput::new(&text)?,
            timestep_type: timestep.number_type()?,
            timestep_name: timestep.name,
            timestep_shape,
            prediction: FloatOutput::new(prediction)?,
            session,
        })
    }

    fn run(
        &mut self,
        latents: ArrayView4<'_, f32>,
        timesteps: &[f64],
        text: ArrayView3<'_, f32>,
    ) -> Result<Array4<f32>, PackError> {
        let uniform = timesteps.windows(2).all(|pair| pair[0] == pair[1]);
        if uniform || self.timestep_shape == TimestepShape::Batch {
            return self.run_once(latents, timesteps, text);
        }
        let mut prediction = Array4::zeros(latents.raw_dim());
        for samples in samples_by_timestep(timesteps) {
            let timestep = [timesteps[samples[0]]];
            let part = match consecutive(&samples) {
                // A run of neighbours is a view; others are gathered.
                Some(run) => {
                    let latents = latents.slice(s![run.clone(), .., .., ..]);
                    self.run_once(latents, &timestep, text.slice(s![run, .., ..]))?
                }
                None => {
                    let latents = latents.select(Axis(0), &samples);
                    self.run_once(latents.view(), &timestep, text.select(Axis(0), &samples).view())?
                }
            };
            for (&sample, predicted) in samples.iter().zip(part.outer_iter()) {
                prediction.index_axis_mut(Axis(0), sample).assign(&predicted);
            }
        }
        Ok(prediction)
    }

    /// One session call. `timesteps` holds one for each sample where the model takes so many; else its first counts.
    fn run_once(
        &mut self,
        latents: ArrayView4<'_, f32>,
        timesteps: &[f64],
        text: ArrayView3<'_, f32>,
    ) -> Result<Array4<f32>, PackError> {
        let shape: [usize; 4] = latents.dim().into();
        let timestep_shape: &[usize] = match self.timestep_shape {
            TimestepShape::Scalar => &[],
            TimestepShape::One => &[1],
            TimestepShape::Batch => &shape[..1],
        };
        let count = timestep_shape.iter().product();
        let timestep = number_tensor(self.timestep_type, timestep_shape, timesteps.iter().copied().take(count));
        let latents = latents.as_standard_layout();
        let text = text.as_standard_layout();
        let outputs = self.session.run(
            shape[0],
            [self.latent.feed(&latents), (self.timestep_name.as_str(), timestep), self.text.feed(&text)],
        )?;
        self.prediction.read(&outputs, &shape)
    }
}

/// The samples of a batch by their timestep, in the order in which the timesteps first appear.
fn samples_by_timestep(timesteps: &[f64]) -> Vec<Vec<usize>> {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for (sample, timestep) in timesteps.iter().enumerate() {
        match groups.iter_mut().find(|group| timesteps[group[0]] == *timestep) {
            Some(group) => group.push(sample),
            None => groups.push(vec![sample]),
        }
    }
    groups
}

/// The ascending `samples` as a range, where none is left out.
fn consecutive(samples: &[usize]) -> Option<std::ops::Range<usize>> {
    let (first, last) = (*samples.first()?, *samples.last()?);
    (last - first + 1 == samples.len()).then_some(first..last + 1)
}

#[derive(Debug)]
struct Decoder {
    session: ModelSession,
    latent: FloatInput,
    picture: FloatOutput,
    scale: LatentScale,
}

impl Decoder {
    fn new(
        session: ModelSession,
        [channels, height, width]: [usize; 3],
        scale: LatentScale,
    ) -> Result<Self, PackError> {
        let latent = session.sole_input("latent_sample")?;
        latent.require_shape(
            &format!("[batch, {channels}, {height}, {width}]"),
            &[None, Some(channels), Some(height), Some(width)],
        )?;
        session.require_no_input_but(&[&latent])?;
        let picture = session.output("sample")?;
        picture.require_shape("[batch, 3, height, width]", &[None, Some(3), None, None])?;
        Ok(Self { latent: FloatInput::new(&latent)?, picture: FloatOutput::new(picture)?, scale, session })
    }

    fn run(&mut self, latents: ArrayView4<'_, f32>) -> Result<Array4<f32>, PackError> {
        let LatentScale { scaling_factor, shift_factor } = self.scale;
        let batch = latents.len_of(Axis(0));
        let latents: CowArray<'_, f32, _> = if self.scale.is_identity() {
            latents.as_standard_layout()
        } else {
            let (divisor, shift) = (scaling_factor as f32, shift_factor as f32);
            let scaled = latents.mapv(|value| value / divisor + shift);
            scaled.as_standard_layout().into_owned().into()
        };
        let outputs = self.session.run(batch, [self.latent.feed(&latents)])?;
        let mut pictures: Array4<f32> = self.picture.read(&outputs, &[batch, 3])?;
        // The decoder paints in [−1, 1].
        pictures.mapv_inplace(|value| (value / 2.0 + 0.5).clamp(0.0, 1.0));
        Ok(pictures)
    }
}
