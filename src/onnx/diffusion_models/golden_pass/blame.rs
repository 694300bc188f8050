//! Which setting is at fault where a model refuses what the pack's files make: the same call is made again with that
//! setting's part changed, and what then passes is named.

use super::Trial;
use crate::onnx::pack::{PromptIds, SECOND_TEXT_ENCODER_FILE};
use crate::onnx::pack_error::PackError;

/// Denoisers halve a latent three times at most.
const HALVED: usize = 8;

impl Trial<'_> {
    /// Of a prompt that a text encoder refuses: too many tokens, or an id that its embedding lacks.
    pub(super) fn blame_prompt(&mut self, error: PackError, prompt: &PromptIds) -> PackError {
        let second = matches!(&error, PackError::Run { file, .. } if file.ends_with(SECOND_TEXT_ENCODER_FILE));
        let zeros = |ids: &Vec<i64>| vec![0; ids.len()];
        let plain = PromptIds { first: zeros(&prompt.first), second: prompt.second.as_ref().map(zeros) };
        let length_fits = self.models.prompts.run_apart(&plain).is_ok();
        let tokenizer = match self.pack.second_tokenizer() {
            Some(tokenizer) if second => tokenizer,
            _ => self.pack.tokenizer(),
        };
        let (tokens, highest) = (tokenizer.prompt_length(), tokenizer.highest_id());
        match length_fits {
            false => error.blaming(
                || format!("a prompt of {tokens} tokens"),
                || {
                    let place = tokenizer.length_place();
                    format!(
                        "{place} says how many tokens a prompt has: set it to what the model was trained with, 77 for Stable \
                         Diffusion"
                    )
                },
            ),
            true => error.blaming(
                || format!("a prompt with the token {highest}, the highest of {}", tokenizer.file().display()),
                || {
                    format!(
                        "the tokenizer has ids up to {highest}, the model fewer: take both from one export, and leave out \
                         tokens that were added to the tokenizer alone"
                    )
                },
            ),
        }
    }

    /// Of a latent that a model refuses; `other`: a size that it takes.
    pub(super) fn blame_latent(&self, error: PackError, other: Option<[usize; 3]>) -> PackError {
        let [channels, height, width] = self.pack.latent_shape();
        let place = self.pack.latent_place();
        let fed = || format!("a latent of {channels} × {height} × {width}, as {place} says");
        match other {
            Some([_, height, width]) => error.blaming(fed, || {
                format!(
                    "{height} × {width} it takes: correct {place} to what the model was trained with (64 for Stable \
                     Diffusion 1, 96 for 2.1, 128 for XL)"
                )
            }),
            None => error.blaming(fed, || {
                format!(
                    "this model and the files that feed it are not of one pack: the latent's size is {place}, its text that \
                     of the text encoders, with as many tokens as {} says. If these are right, export the pack again",
                    self.pack.tokenizer().length_place()
                )
            }),
        }
    }

    /// The next size that may be halved as often as any denoiser does.
    pub(super) fn other_size(&self) -> Option<[usize; 3]> {
        let [channels, height, width] = self.pack.latent_shape();
        let other = [channels, height.next_multiple_of(HALVED), width.next_multiple_of(HALVED)];
        (other != [channels, height, width]).then_some(other)
    }
}
