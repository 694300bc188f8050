//! The denoiser of a pack, and what it is told besides latents:
//!
//! ```text
//! sample [b, c, h, w]                                     the latents
//! timestep, [1] or [b] or without an axis                 where they are on the way
//! encoder_hidden_states [b, tokens, hidden]               the text
//! text_embeds [b, width], time_ids [b, 6]                 Stable Diffusion XL: the pooled text, the picture's sizes
//! timestep_cond [b, width]                                latent consistency models: the guidance scale
//! ```

mod guidance_embedding;
mod on_device;

use ndarray::{Array4, ArrayView2, ArrayView4, Axis, CowArray, Ix2, Ix3};

use self::guidance_embedding::guidance_embedding;
use super::Conditioning;
use super::text_encoders::TextWidths;
use crate::onnx::pack::{DiffusionPack, UNET_CONFIG_FILE, UNET_FILE};
use crate::onnx::pack_error::PackError;
use crate::onnx::provider::ResolvedProvider;
use crate::onnx::session::{FloatInput, FloatOutput, ModelSession, NumberType, TensorDeclaration, number_tensor};

/// Numbers in Stable Diffusion XL's `time_ids`: heights and widths of picture and crop, and where the crop begins.
const SIZES: usize = 6;

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
pub(super) struct Denoiser {
    session: ModelSession,
    latent: FloatInput,
    text: FloatInput,
    timestep_name: String,
    timestep_type: NumberType,
    timestep_shape: TimestepShape,
    pooled: Option<PooledInputs>,
    guidance: Option<GuidanceInput>,
    prediction: FloatOutput,
}

/// Stable Diffusion XL's additional inputs.
#[derive(Debug)]
struct PooledInputs {
    text: FloatInput,
    sizes: FloatInput,
    /// What diffusers says of a picture of the model's own size that is not cropped: height, width, 0, 0, height, width.
    picture: [f32; SIZES],
}

#[derive(Debug)]
struct GuidanceInput {
    input: FloatInput,
    width: usize,
}

impl Denoiser {
    pub fn load(
        pack: &DiffusionPack,
        provider: ResolvedProvider,
        intra_threads: usize,
        widths: TextWidths,
    ) -> Result<Self, PackError> {
        let session = ModelSession::load_for_fixed_calls(&pack.root().join(UNET_FILE), provider, intra_threads)?;
        let [channels, height, width] = pack.latent_shape();
        let latent_layout = format!("[batch, {channels}, {height}, {width}]");
        let latent_shape = [None, Some(channels), Some(height), Some(width)];
        let latent = session.input("sample")?;
        let advice = || pack.latent_advice();
        latent.require_shape(&latent_layout, &latent_shape).map_err(|error| error.advising(advice))?;

        let timestep = session.input("timestep")?;
        let timestep_shape = match timestep.shape.as_slice() {
            [] => TimestepShape::Scalar,
            [Some(1)] => TimestepShape::One,
            [None] => TimestepShape::Batch,
            _ => return Err(timestep.unfit("a single number, [1] or [batch]")),
        };

        let text = session.input("encoder_hidden_states")?;
        let TextWidths { tokens, hidden, .. } = widths;
        text.require_shape(
            &format!("[batch, {tokens} tokens, {}], as the text encoder gives", or_word(hidden, "hidden")),
            &[None, Some(tokens), hidden],
        )?;
        let mut fed = vec![latent, timestep, text];
        let pooled = match widths.pooled {
            Some(width) => Some(PooledInputs::declared(&session, pack, width, &mut fed)?),
            None => None,
        };
        let guidance = match pack.architecture().guidance_width {
            Some(width) => {
                let scale = session.input("timestep_cond")?;
                let layout = format!("[batch, {width}], as `time_cond_proj_dim` of unet/config.json says");
                scale.require_shape(&layout, &[None, Some(width)]).map_err(|error| {
                    error.advising(|| {
                        format!(
                            "correct `time_cond_proj_dim` in {}, or take it and the model from one export",
                            pack.root().join(UNET_CONFIG_FILE).display()
                        )
                    })
                })?;
                let input = FloatInput::new(&scale)?;
                fed.push(scale);
                Some(GuidanceInput { input, width })
            }
            None => None,
        };
        session.require_no_input_but(&fed.iter().collect::<Vec<_>>())?;

        let prediction = session.output("out_sample")?;
        prediction.require_shape(&latent_layout, &latent_shape).map_err(|error| error.advising(advice))?;
        let [latent, timestep, text, ..] = fed.as_slice() else { unreachable!("these three were declared above") };
        Ok(Self {
            latent: FloatInput::new(latent)?,
            text: FloatInput::new(text)?,
            timestep_type: timestep.number_type()?,
            timestep_name: timestep.name.clone(),
            timestep_shape,
            pooled,
            guidance,
            prediction: FloatOutput::new(prediction)?,
            session,
        })
    }

    /// The model, with the output that is read of it.
    pub fn session(&self) -> (&ModelSession, &str) {
        (&self.session, self.prediction.name())
    }

    pub fn run(
        &mut self,
        latents: ArrayView4<'_, f32>,
        timesteps: &[f64],
        conditioning: &Conditioning<'_>,
    ) -> Result<Array4<f32>, PackError> {
        let uniform = timesteps.windows(2).all(|pair| pair[0] == pair[1]);
        if uniform || self.timestep_shape == TimestepShape::Batch {
            return self.run_once(latents, timesteps, conditioning);
        }
        let mut prediction = Array4::zeros(latents.raw_dim());
        for samples in samples_by_timestep(timesteps) {
            let text = conditioning.text.select(Axis(0), &samples);
            let pooled = conditioning.pooled.map(|pooled| pooled.select(Axis(0), &samples));
            let guidance: Vec<f64> = samples.iter().map(|&sample| conditioning.guidance[sample]).collect();
            let own = Conditioning {
                text: text.view(),
                pooled: pooled.as_ref().map(|rows| rows.view()),
                guidance: &guidance,
            };
            let part = self.run_once(latents.select(Axis(0), &samples).view(), &[timesteps[samples[0]]], &own)?;
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
        conditioning: &Conditioning<'_>,
    ) -> Result<Array4<f32>, PackError> {
        let shape: [usize; 4] = latents.dim().into();
        let timestep_shape = self.timestep_shape.lengths(shape[0]);
        let count = timestep_shape.iter().product();
        let timestep = number_tensor(self.timestep_type, &timestep_shape, timesteps.iter().copied().take(count));
        let latents = latents.as_standard_layout();
        let arrays = self.condition_arrays(shape[0], conditioning);
        let mut inputs =
            vec![self.latent.feed(&latents), (self.timestep_name.as_str(), timestep), self.text.feed(&arrays.text)];
        if let (Some(pooled), Some((text, sizes))) = (&mut self.pooled, &arrays.pooled) {
            inputs.extend([pooled.text.feed(text), pooled.sizes.feed(sizes)]);
        }
        if let (Some(guidance), Some(scales)) = (&mut self.guidance, &arrays.scales) {
            inputs.push(guidance.input.feed(scales));
        }
        let outputs = self.session.run(shape[0], inputs)?;
        self.prediction.read(&outputs, &shape)
    }

    /// What the model is told of `batch` latents besides their timesteps, as arrays in standard layout.
    fn condition_arrays<'a>(&self, batch: usize, conditioning: &'a Conditioning<'_>) -> ConditionArrays<'a> {
        let pooled = self.pooled.as_ref().map(|pooled| {
            let text = conditioning.pooled.as_ref().expect("a pack with two text encoders has pooled text");
            let sizes = ArrayView2::from_shape((1, SIZES), &pooled.picture).expect("six numbers in a row");
            let sizes = sizes.broadcast((batch, SIZES)).expect("a row is broadcast to any number of rows");
            (text.as_standard_layout(), sizes.as_standard_layout().into_owned().into())
        });
        let scales = |input: &GuidanceInput| guidance_embedding(conditioning.guidance, input.width).into();
        ConditionArrays {
            text: conditioning.text.as_standard_layout(),
            pooled,
            scales: self.guidance.as_ref().map(scales),
        }
    }
}

/// Arrays for the inputs that say what to denoise to.
struct ConditionArrays<'a> {
    text: CowArray<'a, f32, Ix3>,
    /// Pooled text, and sizes.
    pooled: Option<(CowArray<'a, f32, Ix2>, CowArray<'a, f32, Ix2>)>,
    /// Embedded guidance scales.
    scales: Option<CowArray<'a, f32, Ix2>>,
}

impl TimestepShape {
    fn lengths(self, batch: usize) -> Vec<usize> {
        match self {
            Self::Scalar => Vec::new(),
            Self::One => vec![1],
            Self::Batch => vec![batch],
        }
    }
}

impl PooledInputs {
    fn declared(
        session: &ModelSession,
        pack: &DiffusionPack,
        width: Option<usize>,
        fed: &mut Vec<TensorDeclaration>,
    ) -> Result<Self, PackError> {
        let text = session.input("text_embeds")?;
        text.require_shape(&format!("[batch, {}], as text_encoder_2 gives", or_word(width, "width")), &[None, width])?;
        let sizes = session.input("time_ids")?;
        sizes.require_shape(
            "[batch, 6], for a text-to-image model (a refiner of pictures takes 5)",
            &[None, Some(SIZES)],
        )?;
        let Some([height, width]) = pack.picture_size() else {
            let file = pack.root().join("vae_decoder/config.json");
            return Err(PackError::MissingFile { file, role: "the size of pictures, in `block_out_channels`" });
        };
        let (height, width) = (height as f32, width as f32);
        let inputs = Self {
            text: FloatInput::new(&text)?,
            sizes: FloatInput::new(&sizes)?,
            picture: [height, width, 0.0, 0.0, height, width],
        };
        fed.extend([text, sizes]);
        Ok(inputs)
    }
}

fn or_word(length: Option<usize>, word: &str) -> String {
    length.map_or(word.into(), |length| length.to_string())
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
