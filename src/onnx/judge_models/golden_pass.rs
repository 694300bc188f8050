//! Whether the models of a judge pack take what its other files make, and answer with numbers. One question shows it:
//!
//! ```text
//!  words before the picture ─► token embedding ─► finite? ─► language model ────┐ keys and values
//!  a picture of slopes ─► vision encoder ─► finite? ─► in its place ─┐          ▼
//!  words after the picture ─► token embedding ───────────────────────┴─► language model ─► finite? ─► one token more
//! ```
//!
//! The words stand in the pack's chat template, if it brings one. What a graph declares is checked before, when it is
//! loaded; but exporters leave most lengths open, and then only a call tells that a picture has more places than
//! features, or that the tokenizer knows more tokens than the embedding.
//!
//! A pack is tried once in a process.

use std::path::Path;
use std::sync::PoisonError;

use ndarray::{Array2, ArrayView2};

use super::picture_rows::{PictureRows, joined};
use super::{DecoderRow, JudgeModels, Keep, PictureSpan};
use crate::onnx::judge_pack::JudgePack;
use crate::onnx::pack_error::PackError;
use crate::picture::Picture;

const SIDE_PX: usize = 64;
const BEFORE: &str = "You are a person who likes animals and bright colours.\n";
const AFTER: &str = "How much do you like this picture of a dog, from 0 to 9? Give the score only.";
const SO: &str = "scores would mean nothing";
const HELP: &str = "take the models in another precision with `judge.dtype`, say \"fp32\", where the pack has them; the \
                    vision encoder is the first to overflow, and its file in 32 bits may take the place of this one. If it \
                    is the same in 32 bits, the weights are broken: fetch them again";

/// Tries the models of `pack` unless that was done before.
///
/// # Errors
/// [`PackError::Unworkable`], [`PackError::NotFinite`], [`PackError::Config`], [`PackError::UnfitTensor`],
/// [`PackError::Run`].
pub(super) fn once(pack: &JudgePack, models: &mut JudgeModels) -> Result<(), PackError> {
    // Held while one worker looks: the others wait for what it finds.
    let mut done = pack.golden_pass.lock().unwrap_or_else(PoisonError::into_inner);
    if !*done {
        Trial { pack, models }.examine()?;
        *done = true;
    }
    Ok(())
}

struct Trial<'a> {
    pack: &'a JudgePack,
    models: &'a mut JudgeModels,
}

impl<'a> Trial<'a> {
    fn examine(&mut self) -> Result<(), PackError> {
        let [_, embedding, _] = self.files();
        let highest = self.embed_highest()?;
        require_finite(self.pack, &highest, embedding, "inputs_embeds")?;
        let PictureRows { rows: picture, grid } = self.look()?;
        let (before, after) = words(self.pack, picture.nrows())?;
        let (before, after) = (self.embed(&before, picture.view())?, self.embed(&after, picture.view())?);
        for rows in [&before, &after] {
            require_finite(self.pack, rows, embedding, "inputs_embeds")?;
        }
        self.answer(before, &picture, grid, after, highest)
    }

    fn files(&self) -> [&'a Path; 3] {
        self.pack.models().each_ref().map(|model| model.file.file())
    }

    /// The embedding of the highest id that a prompt may hold.
    fn embed_highest(&mut self) -> Result<Array2<f32>, PackError> {
        let tokenizer = self.pack.tokenizer();
        let highest = tokenizer.highest_id();
        let file = tokenizer.file().display();
        self.models.embed(&[highest]).map_err(|error| match self.models.embed(&[0]) {
            Err(_) => error,
            Ok(_) => error.blaming(
                || format!("the token {highest}, the highest of {file}"),
                || {
                    format!(
                        "the tokenizer has ids up to {highest}, the model fewer: take both from one repository, and leave out \
                         tokens that were added to tokenizer.json alone"
                    )
                },
            ),
        })
    }

    /// The picture, in its place.
    fn look(&mut self) -> Result<PictureRows, PackError> {
        let [vision, ..] = self.files();
        let (pack, preprocessing) = (self.pack, self.pack.preprocessing());
        let pixels = preprocessing.pixels(&slopes());
        let shape = format!("{:?}", pixels.values().shape());
        let features = self.models.image_features(&[pixels]).map_err(|error| {
            let made_by = pack.preprocessor_file().display().to_string();
            error.blaming(
                || format!("a picture of {SIDE_PX} × {SIDE_PX} pixels, which {made_by} makes into {shape}"),
                || {
                    format!(
                        "correct {} in {made_by}, or take it and the model from one repository",
                        preprocessing.settings_of_size()
                    )
                },
            )
        })?;
        let features = features.into_iter().next().unwrap_or_default();
        require_finite(pack, &features, vision, "image_features")?;
        let whole = features.nrows();
        self.models.picture_rows(pack, [SIDE_PX; 2], features, whole)
    }

    /// The embeddings of `ids`, which may be none; then they are as wide as `like`.
    fn embed(&mut self, ids: &[i64], like: ArrayView2<'_, f32>) -> Result<Array2<f32>, PackError> {
        if ids.is_empty() { Ok(Array2::zeros((0, like.ncols()))) } else { self.models.embed(ids) }
    }

    /// Reads the question as it is read in a run, and one token more.
    fn answer(
        &mut self,
        before: Array2<f32>,
        picture: &Array2<f32>,
        grid: Option<[usize; 2]>,
        after: Array2<f32>,
        next: Array2<f32>,
    ) -> Result<(), PackError> {
        let [_, _, decoder] = self.files();
        let pack = self.pack;
        let tokens = before.nrows() + picture.nrows() + after.nrows();
        let blame = |error: PackError| {
            error.blaming(
                || format!("a question of {tokens} tokens, {} of them a picture's", picture.nrows()),
                || {
                    "take the three models and the configurations of the pack from one repository, and the models in one \
                     export"
                        .into()
                },
            )
        };
        let row = |past, embeddings, picture| DecoderRow { past, embeddings, picture };
        let reads_prefix = self.models.continues_with_several_tokens() && before.nrows() > 0;
        let past = match reads_prefix {
            true => {
                let row = row(None, before.view(), None);
                self.models.continue_rows(&[row], Keep::Here).map_err(blame)?.remove(0).cache
            }
            false => None,
        };
        let parts = [before.view(), picture.view(), after.view()];
        let rest = joined(pack, &parts[usize::from(reads_prefix)..])?;
        let first = if reads_prefix { 0 } else { before.nrows() };
        let span = grid.map(|[rows, columns]| PictureSpan { first, rows, columns });
        let read = row(past.as_ref(), rest.view(), span);
        let read = self.models.continue_rows(&[read], Keep::Here).map_err(blame)?.remove(0);
        require_finite_values(pack, read.logits.iter().copied(), decoder, "logits")?;
        self.require_marks(read.logits.len())?;
        let more = row(read.cache.as_ref(), next.view(), None);
        let more = self.models.continue_rows(&[more], Keep::Nothing).map_err(blame)?.remove(0);
        require_finite_values(pack, more.logits.iter().copied(), decoder, "logits")
    }

    /// An answer is made of words: each needs a logit.
    fn require_marks(&self, logits: usize) -> Result<(), PackError> {
        let [_, _, decoder] = self.files();
        let tokenizer = self.pack.tokenizer();
        let highest = tokenizer.highest_word_id();
        if i64::try_from(logits).is_ok_and(|logits| logits > highest) {
            return Ok(());
        }
        let file = tokenizer.file().display();
        Err(PackError::UnfitTensor {
            file: decoder.to_owned(),
            tensor: "logits".into(),
            expected: format!("at least {} wide, as the words of {file} have ids up to {highest}", highest + 1).into(),
            found: format!("{logits} values").into(),
            help: Some("take tokenizer.json and the three models from one repository".into()),
        })
    }
}

/// Ids of the words before and after a picture of so many tokens, as many as the context has room for.
fn words(pack: &JudgePack, picture: usize) -> Result<(Vec<i64>, Vec<i64>), PackError> {
    let room = pack.context_tokens().saturating_sub(picture + 1);
    if room == 0 {
        return Err(pack.picture_too_large(picture, [SIDE_PX; 2]));
    }
    // A scenario's template may go without a chat template that cannot be used: whoever fills it in for a run says so.
    let filled = pack.chat_template().and_then(|template| template.fill_in(BEFORE, AFTER).ok());
    let (before, after) = match &filled {
        Some(filled) => (filled.before_picture.as_str(), filled.after_picture.as_str()),
        None => (BEFORE, AFTER),
    };
    let tokenizer = pack.tokenizer();
    // A list of words without a token for others may know none of these; its own templates are checked where they are read.
    let ids = |encoded: Result<Vec<i64>, PackError>| encoded.unwrap_or_else(|_| vec![0]);
    let (mut before, mut after) = (ids(tokenizer.encode_start(before)), ids(tokenizer.encode_rest(after)));
    before.truncate(room);
    after.truncate(room - before.len());
    Ok((before, after))
}

fn require_finite(pack: &JudgePack, rows: &Array2<f32>, file: &Path, tensor: &str) -> Result<(), PackError> {
    require_finite_values(pack, rows.iter().copied(), file, tensor)
}

fn require_finite_values(
    pack: &JudgePack,
    values: impl Iterator<Item = f32> + Clone,
    file: &Path,
    tensor: &str,
) -> Result<(), PackError> {
    let narrow = pack.models().iter().any(|model| model.file.has_16_bit_weights() && model.file.file() == file);
    PackError::require_finite(values, (file, tensor), narrow, SO, HELP)
}

/// A picture that gets brighter to the right, redder downwards.
fn slopes() -> Picture {
    let last = (SIDE_PX - 1) as f32;
    let value = |place: usize| {
        let (pixel, channel) = (place / 3, place % 3);
        let (down, right) = ((pixel / SIDE_PX) as f32 / last, (pixel % SIDE_PX) as f32 / last);
        if channel == 0 { down } else { right }
    };
    Picture::new(SIDE_PX, SIDE_PX, (0..3 * SIDE_PX * SIDE_PX).map(value).collect())
        .expect("three values for each pixel")
}
