//! The three networks of a judge pack, ready to run: vision encoder, token embedding, language model.
//!
//! ```text
//! pixels of a picture ─ image_features ─► [features, hidden] ────────┐
//! ids [n] ───────────── embed ──────────► [n, hidden] ───────────────┴─ continue_rows ─► logits [vocabulary], cache
//! ```
//!
//! Names, ranks and element types are read from the sessions, and so are the number of layers, heads and their size;
//! arrays here are always 32-bit floats.
//!
//! When a pack is loaded for the first time in a process, it answers one question (`golden_pass`), so that files that do not
//! fit each other, and models whose arithmetic overflows, are errors that name file and setting before any work is done.

mod decoder;
mod golden_pass;
mod picture_rows;
mod token_embedding;
mod vision_encoder;

use ndarray::Array2;

use self::decoder::Decoder;
use self::token_embedding::TokenEmbedding;
use self::vision_encoder::VisionEncoder;
use super::judge_pack::{CONFIG_FILE, JudgePack};
use super::pack_error::PackError;
use super::picture_preprocessing::PicturePixels;
use super::provider::ResolvedProvider;
use super::session::ModelSession;

pub use self::decoder::{Continuation, DecoderRow, Keep, KeysAndValues, PictureSpan};
pub use self::picture_rows::{PictureRows, joined};

/// An operator of ONNX Runtime whose attention takes the mask for a number of tokens: it cannot have gaps.
const ATTENTION_BY_LENGTH: &str = "GroupQueryAttention";

/// One set of sessions, for one worker at a time.
#[derive(Debug)]
pub struct JudgeModels {
    vision: VisionEncoder,
    embedding: TokenEmbedding,
    decoder: Decoder,
}

impl JudgeModels {
    /// See [`JudgePack::load_worker`].
    pub(super) fn load(pack: &JudgePack, provider: ResolvedProvider, intra_threads: usize) -> Result<Self, PackError> {
        let load = |file: &str| ModelSession::load(&pack.root().join(file), provider, intra_threads);
        let files = pack.model_files();
        let embedding = TokenEmbedding::new(load(&files.embed_tokens)?)?;
        let [_, _, decoder] = pack.models();
        let by_length = decoder.file.has_operator(ATTENTION_BY_LENGTH);
        let mut models = Self {
            vision: VisionEncoder::new(
                load(&files.vision_encoder)?,
                embedding.hidden(),
                pack.preprocessing(),
                &pack.preprocessor_file(),
            )?,
            decoder: Decoder::new(
                load(&files.decoder)?,
                embedding.hidden(),
                (&pack.root().join(CONFIG_FILE), pack.text_config()),
                by_length,
                provider,
            )?,
            embedding,
        };
        golden_pass::once(pack, &mut models)?;
        Ok(models)
    }

    /// What the projector makes of each picture: its features [features, hidden]. `pixels` come from the pack's
    /// preprocessing.
    ///
    /// # Errors
    /// [`PackError::Run`].
    pub fn image_features(&mut self, pixels: &[PicturePixels]) -> Result<Vec<Array2<f32>>, PackError> {
        self.vision.features(pixels)
    }

    /// Features of a picture that is not cut, where the vision encoder declares it.
    pub fn image_tokens(&self) -> Option<usize> {
        self.vision.declared_features()
    }

    /// Embeddings [n, hidden] of `n` token ids.
    ///
    /// # Errors
    /// [`PackError::Run`], say for an id that the model doesn't have.
    pub fn embed(&mut self, ids: &[i64]) -> Result<Array2<f32>, PackError> {
        self.embedding.run(ids)
    }

    /// Reads on: every row is a sequence with what was read of it before, and the embeddings of what comes next. Rows
    /// may differ in both lengths. What was read comes back with each row, the new tokens included, where `keep` says so.
    ///
    /// # Errors
    /// [`PackError::Run`].
    ///
    /// # Panics
    /// Where a row has nothing new.
    pub fn continue_rows(&mut self, rows: &[DecoderRow<'_>], keep: Keep) -> Result<Vec<Continuation>, PackError> {
        self.decoder.continue_rows(rows, keep)
    }

    /// Whether several tokens may be read on top of a past. Merged decoders that switch between two branches
    /// (`use_cache_branch`) were traced with one new token on the branch that has a past, and may mask more wrongly.
    pub fn continues_with_several_tokens(&self) -> bool {
        !self.decoder.has_cache_branch()
    }

    /// Bytes that one token of one sequence takes in the cache.
    pub fn cache_bytes_per_token(&self) -> usize {
        self.decoder.cache_bytes_per_token()
    }
}
