//! The three networks of a judge pack, ready to run: vision encoder, token embedding, language model.
//!
//! ```text
//! pixels [b, 3, h, w] ─ image_features ─► b × [image tokens, hidden] ┐
//! ids [n] ───────────── embed ──────────► [n, hidden] ───────────────┴─ continue_rows ─► logits [vocabulary], cache
//! ```
//!
//! Names, ranks and element types are read from the sessions, and so are the number of layers, heads and their size;
//! arrays here are always 32-bit floats.

use ndarray::{Array, Array2, Array3, Array4, ArrayD, Axis, IxDyn};

use super::judge_decoder::{Continuation, Decoder, DecoderRow};
use super::judge_pack::JudgePack;
use super::pack_error::PackError;
use super::provider::ResolvedProvider;
use super::session::{FloatInput, FloatOutput, ModelSession, NumberType, TensorDeclaration, number_tensor};

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
        Ok(Self {
            vision: VisionEncoder::new(load(&files.vision_encoder)?, embedding.hidden(), pack.preprocessing().size())?,
            decoder: Decoder::new(load(&files.decoder)?, embedding.hidden(), pack.config())?,
            embedding,
        })
    }

    /// What stands in the place of each picture: its features [image tokens, hidden], the projector's output.
    /// Pictures `pixels` [3, height, width] come from the pack's preprocessing, all of one size.
    ///
    /// # Errors
    /// [`PackError::Run`].
    pub fn image_features(&mut self, pixels: &[Array3<f32>]) -> Result<Vec<Array2<f32>>, PackError> {
        if self.vision.one_at_a_time {
            let each = pixels.iter().map(|picture| self.vision.run(std::slice::from_ref(picture)));
            return each
                .flat_map(|features| {
                    features.map_or_else(|error| vec![Err(error)], |rows| rows.into_iter().map(Ok).collect())
                })
                .collect();
        }
        self.vision.run(pixels)
    }

    /// Tokens that a picture becomes, where the vision encoder declares it.
    pub fn image_tokens(&self) -> Option<usize> {
        match self.vision.declared.shape.as_slice() {
            [_, tokens, _] => *tokens,
            _ => None,
        }
    }

    /// Embeddings [n, hidden] of `n` token ids.
    ///
    /// # Errors
    /// [`PackError::Run`], say for an id that the model doesn't have.
    pub fn embed(&mut self, ids: &[i64]) -> Result<Array2<f32>, PackError> {
        self.embedding.run(ids)
    }

    /// Reads on: every row is a sequence with what was read of it before, and the embeddings of what comes next. Rows
    /// may differ in both lengths. With `keep_cache` each row's memory, the new tokens included, comes back.
    ///
    /// # Errors
    /// [`PackError::Run`].
    ///
    /// # Panics
    /// Where a row has nothing new.
    pub fn continue_rows(&mut self, rows: &[DecoderRow<'_>], keep_cache: bool) -> Result<Vec<Continuation>, PackError> {
        self.decoder.continue_rows(rows, keep_cache)
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

#[derive(Debug)]
struct VisionEncoder {
    session: ModelSession,
    pixels: FloatInput,
    declared: TensorDeclaration,
    features: FloatOutput,
    one_at_a_time: bool,
}

impl VisionEncoder {
    fn new(session: ModelSession, hidden: Option<usize>, size: Option<[usize; 2]>) -> Result<Self, PackError> {
        let pixels = session.sole_input("pixel_values")?;
        let [height, width] = size.map_or([None; 2], |size| size.map(Some));
        let one_at_a_time = pixels.shape.first() == Some(&Some(1));
        let mut any_batch = pixels.clone();
        if let (true, Some(batch)) = (one_at_a_time, any_batch.shape.first_mut()) {
            *batch = None;
        }
        let length = |length: Option<usize>| length.map_or("any".into(), |length| length.to_string());
        any_batch.require_shape(
            &format!("[batch, 3, {}, {}], as preprocessor_config.json makes pictures", length(height), length(width)),
            &[None, Some(3), height, width],
        )?;
        session.require_no_input_but(&[&pixels])?;
        let features = session.output("image_features")?;
        let declared_hidden = features.shape.last().copied().flatten();
        let rank_fits = matches!(features.shape.len(), 2 | 3);
        if !rank_fits || matches!((declared_hidden, hidden), (Some(ours), Some(theirs)) if ours != theirs) {
            return Err(
                features.unfit(format!("[batch, image tokens, {}], as wide as a token's embedding", length(hidden)))
            );
        }
        Ok(Self {
            pixels: FloatInput::new(&pixels)?,
            declared: features.clone(),
            features: FloatOutput::new(features)?,
            one_at_a_time,
            session,
        })
    }

    fn run(&mut self, pictures: &[Array3<f32>]) -> Result<Vec<Array2<f32>>, PackError> {
        let Some(first) = pictures.first() else {
            return Ok(Vec::new());
        };
        let (batch, (channels, height, width)) = (pictures.len(), first.dim());
        let mut pixels = Array4::zeros((batch, channels, height, width));
        for (mut place, picture) in pixels.outer_iter_mut().zip(pictures) {
            place.assign(picture);
        }
        let pixels = pixels.as_standard_layout();
        let outputs = self.session.run(batch, [self.pixels.feed(&pixels)])?;
        let features: ArrayD<f32> = self.features.read::<IxDyn>(&outputs, &[])?;
        // [b, tokens, hidden], or [b · tokens, hidden] from newer exporters.
        let hidden = *features.shape().last().unwrap_or(&0);
        let rows = features.len().checked_div(hidden).unwrap_or(0);
        if rows == 0 || !rows.is_multiple_of(batch) {
            return Err(self.declared.unfit(format!("image tokens for each of {batch} pictures")));
        }
        let features: Array3<f32> = Array::from_iter(features)
            .into_shape_with_order((batch, rows / batch, hidden))
            .expect("as many values as the shape asks for");
        Ok(features.axis_iter(Axis(0)).map(|own| own.to_owned()).collect())
    }
}

#[derive(Debug)]
struct TokenEmbedding {
    session: ModelSession,
    ids_name: String,
    ids_type: NumberType,
    embeddings: FloatOutput,
    hidden: Option<usize>,
}

impl TokenEmbedding {
    fn new(session: ModelSession) -> Result<Self, PackError> {
        let ids = session.sole_input("input_ids")?;
        let ids_type = ids.number_type()?;
        if !matches!(ids_type, NumberType::I64 | NumberType::I32) || ids.shape.len() != 2 {
            return Err(ids.unfit("of type i64 or i32, [batch, tokens]"));
        }
        session.require_no_input_but(&[&ids])?;
        let embeddings = session.output("inputs_embeds")?;
        if embeddings.shape.len() != 3 {
            return Err(embeddings.unfit("[batch, tokens, hidden]"));
        }
        let hidden = embeddings.shape[2];
        Ok(Self { ids_name: ids.name, ids_type, embeddings: FloatOutput::new(embeddings)?, hidden, session })
    }

    /// Width of an embedding, where the model declares it.
    fn hidden(&self) -> Option<usize> {
        self.hidden
    }

    fn run(&mut self, ids: &[i64]) -> Result<Array2<f32>, PackError> {
        let shape = [1, ids.len()];
        // Ids are far below 2⁵³, so a float carries them exactly.
        let input = number_tensor(self.ids_type, &shape, ids.iter().map(|&id| id as f64));
        let outputs = self.session.run(1, [(self.ids_name.as_str(), input)])?;
        let embeddings: Array3<f32> = self.embeddings.read(&outputs, &shape)?;
        Ok(embeddings.index_axis_move(Axis(0), 0))
    }
}
