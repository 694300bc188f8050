//! The picture decoder of a pack: latents [b, c, h, w] → pictures [b, 3, H, W].

use ndarray::{Array4, ArrayView4, Axis, CowArray};

use crate::onnx::pack::{DiffusionPack, LatentScale, VAE_DECODER_FILE};
use crate::onnx::pack_error::PackError;
use crate::onnx::provider::ResolvedProvider;
use crate::onnx::session::{FloatInput, FloatOutput, ModelSession, Place};

#[derive(Debug)]
pub(super) struct Decoder {
    session: ModelSession,
    latent: FloatInput,
    picture: FloatOutput,
    scale: LatentScale,
}

impl Decoder {
    pub fn load(pack: &DiffusionPack, provider: ResolvedProvider, intra_threads: usize) -> Result<Self, PackError> {
        let session = ModelSession::load(&pack.root().join(VAE_DECODER_FILE), provider, intra_threads)?;
        let [channels, height, width] = pack.latent_shape();
        let latent = session.sole_input("latent_sample")?;
        let shape = [None, Some(channels), Some(height), Some(width)];
        latent
            .require_shape(&format!("[batch, {channels}, {height}, {width}]"), &shape)
            .map_err(|error| error.advising(|| pack.latent_advice()))?;
        session.require_no_input_but(&[&latent])?;
        let picture = session.output("sample")?;
        picture.require_shape("[batch, 3, height, width]", &[None, Some(3), None, None])?;
        Ok(Self {
            latent: FloatInput::new(&latent)?,
            picture: FloatOutput::new(picture)?,
            scale: pack.latent_scale(),
            session,
        })
    }

    /// The model, with the output that is read of it.
    pub fn session(&self) -> (&ModelSession, &str) {
        (&self.session, self.picture.name())
    }

    /// What the model paints, nearly all of it in [−1, 1].
    pub fn paint(&mut self, latents: ArrayView4<'_, f32>) -> Result<Array4<f32>, PackError> {
        let LatentScale { scaling_factor, shift_factor } = self.scale;
        let batch = latents.len_of(Axis(0));
        let latents: CowArray<'_, f32, _> = if self.scale.is_identity() {
            latents.as_standard_layout()
        } else {
            let (divisor, shift) = (scaling_factor as f32, shift_factor as f32);
            let scaled = latents.mapv(|value| value / divisor + shift);
            scaled.as_standard_layout().into_owned().into()
        };
        let values = latents.as_slice().expect("it is in standard layout");
        let input = self.session.host_floats(self.latent.float_type, latents.shape(), values).map(Into::into);
        // Pictures are large: 3 MiB each of Stable Diffusion's.
        let wanted = vec![(self.picture.name(), Place::Host)];
        self.session.run_bound(wanted, batch, [(self.latent.name.as_str(), input)], |outputs| {
            self.picture.read(&outputs, &[batch, 3])
        })
    }
}
