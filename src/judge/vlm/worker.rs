//! What one worker thread keeps from call to call: sessions, and what was read before pictures.

use std::collections::HashMap;
use std::sync::Arc;

use ndarray::{Array2, Array3, ArrayView2, Axis};

use super::prompts::Prompts;
use super::{CACHE_BYTES, CACHE_BYTES_ON_GPU};
use crate::onnx::judge_models::{Continuation, DecoderRow, Keep, KeysAndValues, PictureRows, PictureSpan, joined};
use crate::onnx::picture_preprocessing::{PictureLayout, PicturePixels};
use crate::onnx::{JudgeModels, JudgePack, PackError, ResolvedProvider};

/// Pictures that are encoded in one call of the vision encoder.
const PICTURES_AT_ONCE: usize = 8;

/// Sessions of a judge pack and the prefixes that were read with them.
#[derive(Debug)]
pub struct VlmWorker {
    pub(super) models: JudgeModels,
    pub(super) work: VlmWork,
    /// Features of a picture that isn't cut; 0 where all are.
    whole_features: usize,
    prefixes: PrefixStore,
    reuses_prefixes: bool,
    /// In the machine's memory prompts of several personas may share a call, on a GPU nothing has to come over.
    keeps_prefixes: Keep,
    cache_bytes: usize,
}

/// What a worker has done so far. A token is one position of one sequence on its way through the language model;
/// padding isn't counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct VlmWork {
    /// Questions asked.
    pub questions: u64,
    /// Distinct prompts read: persona, picture, request.
    pub prompts: u64,
    /// Texts before the picture that were read and kept.
    pub prefixes: u64,
    /// Pictures encoded.
    pub pictures: u64,
    /// Tokens read.
    pub tokens: u64,
    /// Tokens that reading would have taken, had every distinct prompt been read from its first token.
    pub tokens_without_prefix_reuse: u64,
    /// Tokens that would have been read, had every question and every attempt been answered on its own.
    pub tokens_one_by_one: u64,
}

impl VlmWork {
    /// How many times the tokens would have been read without prefix reuse, all else equal: 1 and above (a little below
    /// where prefixes were kept for nothing).
    pub fn prefix_saving(&self) -> f64 {
        self.tokens_without_prefix_reuse as f64 / self.tokens.max(1) as f64
    }
}

impl VlmWorker {
    /// A worker on `models` of `pack`. Where the vision encoder doesn't declare how many tokens a whole picture becomes, a
    /// black one is encoded to see.
    pub(super) fn new(
        pack: &JudgePack,
        mut models: JudgeModels,
        provider: ResolvedProvider,
    ) -> Result<Self, PackError> {
        let is_cut = pack.preprocessing().layout([1, 1]) != PictureLayout::Whole;
        let whole_features = match (models.image_tokens(), pack.preprocessing().size()) {
            _ if is_cut => 0,
            (Some(features), _) => features,
            (None, size) => {
                let [height, width] = size.expect("a pack whose whole pictures have no fixed size isn't opened");
                let black = PicturePixels::Whole(Array3::zeros((3, height, width)));
                models.image_features(&[black])?.first().map_or(0, |rows| rows.nrows())
            }
        };
        let reuses_prefixes = models.continues_with_several_tokens();
        let (keeps_prefixes, cache_bytes) = match provider {
            ResolvedProvider::Cpu => (Keep::Here, CACHE_BYTES),
            ResolvedProvider::Cuda(_) => (Keep::Resident, CACHE_BYTES_ON_GPU),
        };
        Ok(Self {
            models,
            work: VlmWork::default(),
            whole_features,
            prefixes: PrefixStore::default(),
            reuses_prefixes,
            keeps_prefixes,
            cache_bytes,
        })
    }

    /// What was done since the worker was made.
    pub fn work(&self) -> VlmWork {
        self.work
    }

    /// Tokens that a picture of `size`, height and width, becomes.
    ///
    /// # Errors
    /// [`PackError::Tokenizer`].
    pub fn picture_tokens(&self, pack: &JudgePack, size: [usize; 2]) -> Result<usize, PackError> {
        Ok(pack.picture_place(size, self.whole_features)?.ids.len())
    }

    /// Whether the text before the picture is read once for each persona, or again with every picture (to compare).
    /// The answer is no for decoders that can't go on with several tokens (`use_cache_branch`), whatever is wanted.
    pub fn set_prefix_reuse(&mut self, wanted: bool) {
        self.reuses_prefixes = wanted && self.models.continues_with_several_tokens();
    }

    /// Most memory for keys and values: of one batch, and of the prefixes that are kept.
    pub(super) fn cache_bytes(&self) -> usize {
        self.cache_bytes
    }

    pub(super) fn cache_bytes_per_token(&self) -> usize {
        self.models.cache_bytes_per_token()
    }

    /// Reads the prompts of `batch` and returns what comes after their last tokens.
    pub(super) fn read_prompts(
        &mut self,
        pack: &JudgePack,
        prompts: &mut Prompts<'_>,
        batch: &[usize],
        keep: Keep,
    ) -> Result<Vec<Continuation>, PackError> {
        self.encode_pictures(pack, prompts, batch)?;
        let (mut pasts, mut rests, mut spans) = (Vec::new(), Vec::new(), Vec::new());
        for &index in batch {
            let prompt = &prompts.list[index];
            let PictureRows { rows: picture, grid } = &prompts.embedded[&prompt.picture];
            let after = self.embed(&prompt.after, picture.view())?;
            let before = if self.reuses_prefixes && !prompt.before.is_empty() {
                pasts.push(Some(self.prefix(&prompt.before, picture.view())?));
                Array2::zeros((0, picture.ncols()))
            } else {
                pasts.push(None);
                self.embed(&prompt.before, picture.view())?
            };
            spans.push(grid.map(|[rows, columns]| PictureSpan { first: before.nrows(), rows, columns }));
            rests.push(joined(pack, &[before.view(), picture.view(), after.view()])?);
            self.work.tokens_without_prefix_reuse += prompt.tokens as u64;
        }
        let rows: Vec<_> = pasts
            .iter()
            .zip(&rests)
            .zip(spans)
            .map(|((past, rest), picture)| DecoderRow { past: past.as_deref(), embeddings: rest.view(), picture })
            .collect();
        self.work.prompts += rows.len() as u64;
        self.work.tokens += rests.iter().map(|rest| rest.nrows() as u64).sum::<u64>();
        // Batches go by pictures: what comes after this one needs no earlier picture than its last.
        let last = batch.iter().map(|&index| prompts.list[index].picture).max();
        prompts.embedded.retain(|picture, _| Some(*picture) >= last);
        self.models.continue_rows(&rows, keep)
    }

    /// Reads one more token of each sequence.
    pub(super) fn read_tokens(
        &mut self,
        pasts: &[Arc<KeysAndValues>],
        tokens: &[i64],
        keep: Keep,
    ) -> Result<Vec<Continuation>, PackError> {
        let embeddings = self.models.embed(tokens)?;
        let rows: Vec<_> = pasts
            .iter()
            .zip(embeddings.axis_chunks_iter(Axis(0), 1))
            .map(|(past, embeddings)| DecoderRow { past: Some(past), embeddings, picture: None })
            .collect();
        self.work.tokens += tokens.len() as u64;
        self.work.tokens_without_prefix_reuse += tokens.len() as u64;
        self.models.continue_rows(&rows, keep)
    }

    fn encode_pictures(
        &mut self,
        pack: &JudgePack,
        prompts: &mut Prompts<'_>,
        batch: &[usize],
    ) -> Result<(), PackError> {
        let mut wanted: Vec<usize> = batch.iter().map(|&index| prompts.list[index].picture).collect();
        wanted.dedup();
        wanted.retain(|picture| !prompts.embedded.contains_key(picture));
        for pictures in wanted.chunks(PICTURES_AT_ONCE) {
            let pixels: Vec<_> =
                pictures.iter().map(|&picture| pack.preprocessing().pixels(prompts.pictures[picture])).collect();
            let features = self.models.image_features(&pixels)?;
            for (&picture, features) in pictures.iter().zip(features) {
                let size = [prompts.pictures[picture].height(), prompts.pictures[picture].width()];
                let embedded = self.models.picture_rows(pack, size, features, self.whole_features)?;
                prompts.embedded.insert(picture, embedded);
            }
            self.work.pictures += pictures.len() as u64;
        }
        Ok(())
    }

    /// The text before a picture, read now or earlier. It is read on its own, not in a batch, so that it comes out the
    /// same whatever else the worker has to do.
    fn prefix(&mut self, ids: &[i64], like: ArrayView2<'_, f32>) -> Result<Arc<KeysAndValues>, PackError> {
        if let Some(known) = self.prefixes.get(ids) {
            return Ok(known);
        }
        let embeddings = self.embed(ids, like)?;
        let row = DecoderRow { past: None, embeddings: embeddings.view(), picture: None };
        let read = self.models.continue_rows(&[row], self.keeps_prefixes)?.pop().and_then(|read| read.cache);
        let cache = Arc::new(read.expect("a row whose cache was asked for has one"));
        self.work.prefixes += 1;
        self.work.tokens += ids.len() as u64;
        self.prefixes.insert(ids, &cache, self.cache_bytes);
        Ok(cache)
    }

    /// The embeddings of `ids`, which may be none; then they are as wide as `like`.
    fn embed(&mut self, ids: &[i64], like: ArrayView2<'_, f32>) -> Result<Array2<f32>, PackError> {
        if ids.is_empty() { Ok(Array2::zeros((0, like.ncols()))) } else { self.models.embed(ids) }
    }
}

/// Texts before pictures that were read: those used last, as many as there is memory for, and one at least.
#[derive(Debug, Default)]
struct PrefixStore {
    entries: HashMap<Vec<i64>, PrefixEntry>,
    bytes: usize,
    uses: u64,
}

#[derive(Debug)]
struct PrefixEntry {
    cache: Arc<KeysAndValues>,
    last_use: u64,
}

impl PrefixStore {
    fn get(&mut self, ids: &[i64]) -> Option<Arc<KeysAndValues>> {
        self.uses += 1;
        let entry = self.entries.get_mut(ids)?;
        entry.last_use = self.uses;
        Some(Arc::clone(&entry.cache))
    }

    fn insert(&mut self, ids: &[i64], cache: &Arc<KeysAndValues>, most_bytes: usize) {
        while self.bytes + cache.bytes() > most_bytes {
            let oldest = self.entries.iter().min_by_key(|(_, entry)| entry.last_use).map(|(ids, _)| ids.clone());
            let Some(removed) = oldest.and_then(|ids| self.entries.remove(&ids)) else {
                break;
            };
            self.bytes -= removed.cache.bytes();
        }
        self.bytes += cache.bytes();
        self.entries.insert(ids.to_owned(), PrefixEntry { cache: Arc::clone(cache), last_use: self.uses });
    }
}
