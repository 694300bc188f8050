//! The language model of a judge pack: sequences of different lengths side by side, each with its own past.
//!
//! A batch is a rectangle, so shorter rows are padded on the left, in the past and in what is new; the attention mask
//! hides the padding, and position ids count what is left:
//!
//! ```text
//!                 past               new
//! row 0   . . . p0 p1 p2 p3 │ n4 n5 n6 n7      mask 0001111 1111   positions of the new ones   4 5 6 7
//! row 1   q0 q1 q2 q3 q4 q5 q6 │ . . n7 n8     mask 1111111 0011                               0 0 7 8
//! ```
//!
//! How positions are counted where a picture's tokens lie on a grid: `position.rs`.

mod position;
mod reading;
mod resident;
mod row;

use std::path::Path;
use std::sync::Arc;

use ndarray::{Array3, Array4, CowArray, Ix4, s};
use ort::session::SessionInputValue;
use ort::value::Tensor;
use serde_json::Value;

use self::position::{AXES, Position};
use self::reading::Reading;
use self::resident::TakeRows;
use self::row::Stored;
pub use self::row::{Continuation, DecoderRow, Keep, KeysAndValues, PictureSpan};
use crate::onnx::pack::positive;
use crate::onnx::pack_error::PackError;
use crate::onnx::provider::ResolvedProvider;
use crate::onnx::session::{FloatInput, ModelSession, NumberType, TensorDeclaration, WantedOutputs, number_tensor};

/// An input of small numbers.
#[derive(Debug)]
struct NumberInput {
    name: String,
    number_type: NumberType,
}

/// Which rows may go in together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Company {
    /// Any: the attention mask hides what makes them equally long.
    Any,
    /// Those of equal lengths: padding cannot be hidden.
    OfEqualLengths,
    /// The same, but one that reads several tokens after a past goes in alone.
    OfEqualLengthsOrAlone,
}

#[derive(Debug)]
pub(super) struct Decoder {
    session: ModelSession,
    embeddings: FloatInput,
    attention_mask: Option<NumberInput>,
    position_ids: Option<NumberInput>,
    /// Whether positions have a time, a row and a column.
    has_axes: bool,
    company: Company,
    /// `num_logits_to_keep`: how many of the last tokens get logits.
    logits_to_keep: Option<NumberInput>,
    /// `use_cache_branch`, a truth value.
    cache_branch: Option<String>,
    past: Vec<FloatInput>,
    present: Vec<TensorDeclaration>,
    take_rows: TakeRows,
    logits: TensorDeclaration,
    logits_alone: WantedOutputs,
    logits_and_cache: WantedOutputs,
    heads: usize,
    head_size: usize,
}

impl Decoder {
    /// `text_config`: what the pack's configuration, `config_file`, says of the language model. `attends_by_length`: whether its attention
    /// takes the mask for a number of tokens.
    pub(super) fn new(
        session: ModelSession,
        hidden: Option<usize>,
        (config_file, text_config): (&Path, &Value),
        attends_by_length: bool,
        provider: ResolvedProvider,
    ) -> Result<Self, PackError> {
        let embeddings = session.input("inputs_embeds")?;
        embeddings.require_shape("[batch, tokens, hidden], as embed_tokens gives", &[None, None, hidden])?;
        let number_input = |name: &str| match session.has_input(name) {
            false => Ok(None),
            true => session.input(name).map(Some),
        };
        let attention_mask = number_input("attention_mask")?;
        let position_ids = number_input("position_ids")?;
        let logits_to_keep = number_input("num_logits_to_keep")?;
        let cache_branch = number_input("use_cache_branch")?;

        let has_axes = match &position_ids {
            Some(declared) if declared.shape.len() == 2 => false,
            Some(declared) if declared.shape.len() == 3 && matches!(declared.shape[0], Some(AXES) | None) => true,
            Some(declared) => {
                return Err(declared.unfit("[batch, tokens], or [3, batch, tokens] with time, row and column"));
            }
            None => false,
        };

        let (mut past, mut present) = (Vec::new(), Vec::new());
        for layer in 0.. {
            if layer > 0 && !session.has_input(&format!("past_key_values.{layer}.key")) {
                break;
            }
            for part in ["key", "value"] {
                let declared = session.input(&format!("past_key_values.{layer}.{part}"))?;
                declared.require_shape("[batch, heads, past, head size]", &[None; 4])?;
                past.push(declared);
                present.push(session.output(&format!("present.{layer}.{part}"))?);
            }
        }
        let number = |key: &str| match &text_config[key] {
            Value::Null => Ok(None),
            number => positive(number)
                .map(Some)
                .ok_or_else(|| PackError::config(config_file, key, "a whole number, at least 1", number)),
        };
        let attention_heads = number("num_attention_heads")?;
        let heads = past[0].shape[1].or(number("num_key_value_heads")?).or(attention_heads);
        let by_width =
            number("hidden_size")?.zip(attention_heads).and_then(|(hidden, heads)| hidden.checked_div(heads));
        let head_size = past[0].shape[3].or(number("head_dim")?).or(by_width);
        let (Some(heads), Some(head_size)) = (heads, head_size) else {
            return Err(past[0].unfit("[batch, heads, past, head size] with both sizes given, here or in config.json"));
        };
        let layout = format!("[batch, {heads}, any, {head_size}]");
        for declared in past.iter().chain(&present) {
            declared.require_shape(&layout, &[None, Some(heads), None, Some(head_size)])?;
        }
        let optional = [&attention_mask, &position_ids, &logits_to_keep, &cache_branch];
        let fed: Vec<_> = [&embeddings].into_iter().chain(&past).chain(optional.into_iter().flatten()).collect();
        session.require_no_input_but(&fed)?;

        let logits = session.output("logits")?;
        logits.float_type()?;
        logits.require_shape("[batch, tokens, vocabulary]", &[None; 3])?;
        let typed = |declared: Option<TensorDeclaration>| {
            declared
                .map(|declared| {
                    Ok::<_, PackError>(NumberInput { number_type: declared.number_type()?, name: declared.name })
                })
                .transpose()
        };
        Ok(Self {
            company: match () {
                () if attends_by_length => Company::OfEqualLengthsOrAlone,
                // A branch without a past ignores the others' pasts.
                () if attention_mask.is_none() || position_ids.is_none() || cache_branch.is_some() => {
                    Company::OfEqualLengths
                }
                () => Company::Any,
            },
            has_axes,
            embeddings: FloatInput::new(&embeddings)?,
            attention_mask: typed(attention_mask)?,
            position_ids: typed(position_ids)?,
            logits_to_keep: typed(logits_to_keep)?,
            cache_branch: cache_branch.map(|declared| declared.name),
            past: past.iter().map(FloatInput::new).collect::<Result<_, _>>()?,
            logits_alone: session.wanted([logits.name.as_str()])?,
            logits_and_cache: session
                .wanted([&logits].into_iter().chain(&present).map(|output| output.name.as_str()))?,
            take_rows: TakeRows::load(&past[0], provider)?,
            present,
            logits,
            heads,
            head_size,
            session,
        })
    }

    pub(super) fn has_cache_branch(&self) -> bool {
        self.cache_branch.is_some()
    }

    pub(super) fn cache_bytes_per_token(&self) -> usize {
        self.past.len() * self.heads * self.head_size * size_of::<f32>()
    }

    pub(super) fn continue_rows(
        &mut self,
        rows: &[DecoderRow<'_>],
        keep: Keep,
    ) -> Result<Vec<Continuation>, PackError> {
        assert!(rows.iter().all(|row| row.embeddings.nrows() > 0), "every row has at least one new token");
        let mut results: Vec<Option<Continuation>> = rows.iter().map(|_| None).collect();
        for index in 0..rows.len() {
            if results[index].is_some() {
                continue;
            }
            let with: Vec<_> = (index..rows.len()).filter(|&other| self.go_together(rows, index, other)).collect();
            let together: Vec<_> = with.iter().map(|&other| rows[other]).collect();
            for (&place, result) in with.iter().zip(self.run(&together, keep)?) {
                results[place] = Some(result);
            }
        }
        Ok(results.into_iter().map(|result| result.expect("every row goes with itself")).collect())
    }

    /// Whether two rows may go in together: their pasts are in one place, and the model takes their lengths.
    fn go_together(&self, rows: &[DecoderRow<'_>], one: usize, other: usize) -> bool {
        if one == other {
            return true;
        }
        let [past, new] = rows[one].lengths();
        let alike = rows[other].lengths() == [past, new];
        let in_one_place = rows[one].source() == rows[other].source();
        in_one_place
            && match self.company {
                Company::Any => true,
                Company::OfEqualLengths => alike,
                Company::OfEqualLengthsOrAlone => alike && !(past > 0 && new > 1),
            }
    }

    /// One call of the session.
    fn run(&mut self, rows: &[DecoderRow<'_>], keep: Keep) -> Result<Vec<Continuation>, PackError> {
        let batch = rows.len();
        let new = rows.iter().map(|row| row.lengths()[1]).max().unwrap_or(0);
        let hidden = rows.first().map_or(0, |row| row.embeddings.ncols());

        let resident = rows.first().and_then(|row| row.past?.resident()).map(|(source, _)| Arc::clone(source));
        let past = match &resident {
            Some(source) => source.places(),
            None => rows.iter().map(|row| row.lengths()[0]).max().unwrap_or(0),
        };
        let mut embeddings = Array3::zeros((batch, new, hidden));
        let (mut positions, mut next_positions) = (Vec::with_capacity(batch * new), Vec::with_capacity(batch));
        let mut shown: Vec<Vec<bool>> = Vec::with_capacity(batch);
        for (row, mut place) in rows.iter().zip(embeddings.outer_iter_mut()) {
            let [own_past, own_new] = row.lengths();
            place.slice_mut(s![new - own_new.., ..]).assign(&row.embeddings);
            let mut places = match row.past.and_then(KeysAndValues::resident) {
                Some((source, row)) => source.shown[row].clone(),
                None => padded(past, own_past),
            };
            places.extend(padded(new, own_new));
            shown.push(places);
            let (own_positions, next) = row.positions(self.has_axes);
            positions.extend(std::iter::repeat_n(Position::default(), new - own_new));
            positions.extend(own_positions);
            next_positions.push(next);
        }
        let embeddings = embeddings.as_standard_layout();

        let chosen: Vec<usize> = rows.iter().filter_map(|row| Some(row.past?.resident()?.1)).collect();
        let taken = match &resident {
            Some(source) if !chosen.iter().copied().eq(0..source.shown.len()) => {
                Some(self.take_rows.take(&source.parts, &chosen)?)
            }
            _ => None,
        };
        let ours: Vec<CowArray<'_, f32, Ix4>> = match &resident {
            Some(_) => Vec::new(),
            None => (0..self.past.len()).map(|part| self.past_of(rows, part, past).into()).collect(),
        };

        let owned = keep == Keep::Resident && self.session.is_on_gpu();
        let mut inputs: Vec<(&str, ort::Result<SessionInputValue<'_>>)> = vec![match owned {
            true => self.embeddings.feed_owned(&embeddings),
            false => self.embeddings.feed(&embeddings),
        }];
        match &resident {
            Some(source) => {
                let parts = taken.as_ref().unwrap_or(&source.parts);
                inputs.extend(self.past.iter().zip(parts).map(|(input, part)| (input.name.as_str(), Ok(part.into()))));
            }
            None if owned => {
                inputs.extend(self.past.iter().zip(&ours).map(|(input, values)| input.feed_owned(values)));
            }
            None => inputs.extend(self.past.iter_mut().zip(&ours).map(|(input, values)| input.feed(values))),
        }
        if let Some(NumberInput { name, number_type }) = &self.attention_mask {
            let mask = shown.iter().flatten().map(|&shown| f64::from(u8::from(shown)));
            inputs.push((name, number_tensor(*number_type, &[batch, past + new], mask)));
        }
        if let Some(NumberInput { name, number_type }) = &self.position_ids {
            let along = |axis: usize| positions.iter().map(move |position: &Position| position.axes[axis] as f64);
            let tensor = match self.has_axes {
                true => number_tensor(*number_type, &[AXES, batch, new], (0..AXES).flat_map(along)),
                false => number_tensor(*number_type, &[batch, new], along(0)),
            };
            inputs.push((name, tensor));
        }
        if let Some(NumberInput { name, number_type }) = &self.logits_to_keep {
            inputs.push((name, number_tensor(*number_type, &[], [1.0].into_iter())));
        }
        if let Some(name) = &self.cache_branch {
            inputs.push((name, Tensor::from_array((vec![1_usize], vec![past > 0])).map(Into::into)));
        }

        let reading = Reading {
            logits: &self.logits,
            present: &self.present,
            whole: [batch, self.heads, past + new, self.head_size],
        };
        // On a GPU keys and values are large and slow to bring over: only where they are kept in this machine's memory.
        let (logits, stored) = match keep {
            Keep::Nothing => {
                let outputs = self.session.run_for(&self.logits_alone, batch, inputs)?;
                (reading.logits(&outputs)?, None)
            }
            Keep::Here => {
                let outputs = self.session.run_for(&self.logits_and_cache, batch, inputs)?;
                (reading.logits(&outputs)?, Some(reading.here(&outputs, &shown)?))
            }
            Keep::Resident => {
                let here = Some(self.logits.name.as_str());
                self.session.run_resident(&self.logits_and_cache, here, batch, inputs, |outputs| {
                    Ok((reading.logits(&outputs)?, Some(reading.resident(outputs, shown)?)))
                })?
            }
        };
        let caches = match stored {
            None => rows.iter().map(|_| None).collect(),
            Some(stored) => {
                let cache = |((row, next_position), stored): ((&DecoderRow<'_>, usize), Stored)| {
                    Some(KeysAndValues { tokens: row.lengths().iter().sum(), next_position, stored })
                };
                rows.iter().zip(next_positions).zip(stored).map(cache).collect::<Vec<_>>()
            }
        };
        Ok(logits.into_iter().zip(caches).map(|(logits, cache)| Continuation { logits, cache }).collect())
    }

    /// The pasts of all rows in one layer's keys or values, [batch, heads, past, head size].
    fn past_of(&self, rows: &[DecoderRow<'_>], part: usize, past: usize) -> Array4<f32> {
        let mut values = Array4::zeros((rows.len(), self.heads, past, self.head_size));
        for (row, mut place) in rows.iter().zip(values.outer_iter_mut()) {
            if let Some(KeysAndValues { tokens, stored: Stored::Here(parts), .. }) = row.past {
                place.slice_mut(s![.., past - tokens.., ..]).assign(&parts[part]);
            }
        }
        values
    }
}

/// `own` places at the end of `all`.
fn padded(all: usize, own: usize) -> Vec<bool> {
    (0..all).map(|place| place >= all - own).collect()
}
