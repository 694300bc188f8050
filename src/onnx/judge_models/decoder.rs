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
mod row;

use half::f16;
use ndarray::{Array3, Array4, ArrayView3, ArrayViewD, Axis, CowArray, Ix3, Ix4, s};
use ort::session::SessionInputValue;
use ort::value::{DynValue, Tensor};
use serde_json::Value;

use self::position::{AXES, Position};
pub use self::row::{Continuation, DecoderRow, KeysAndValues, PictureSpan};
use crate::onnx::pack_error::PackError;
use crate::onnx::session::{
    FloatInput, FloatType, ModelSession, NumberType, TensorDeclaration, WantedOutputs, number_tensor,
};

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
    logits: TensorDeclaration,
    logits_alone: WantedOutputs,
    logits_and_cache: WantedOutputs,
    heads: usize,
    head_size: usize,
}

impl Decoder {
    /// `text_config`: what the pack's configuration says of the language model. `attends_by_length`: whether its attention
    /// takes the mask for a number of tokens.
    pub(super) fn new(
        session: ModelSession,
        hidden: Option<usize>,
        text_config: &Value,
        attends_by_length: bool,
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
        let number = |key: &str| text_config[key].as_u64().and_then(|number| usize::try_from(number).ok());
        let heads = past[0].shape[1].or(number("num_key_value_heads")).or(number("num_attention_heads"));
        let head_size = past[0].shape[3].or(number("head_dim")).or_else(|| {
            let (hidden, heads) = (number("hidden_size")?, number("num_attention_heads")?);
            hidden.checked_div(heads)
        });
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
            logits_and_cache: session.wanted([&logits].into_iter().chain(&present).map(|output| output.name.as_str()))?,
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
        keep_cache: bool,
    ) -> Result<Vec<Continuation>, PackError> {
        assert!(rows.iter().all(|row| row.embeddings.nrows() > 0), "every row has at least one new token");
        if self.company == Company::Any {
            return self.run(rows, keep_cache);
        }
        let mut results: Vec<Option<Continuation>> = rows.iter().map(|_| None).collect();
        for index in 0..rows.len() {
            if results[index].is_some() {
                continue;
            }
            let [past, new] = rows[index].lengths();
            let alone = self.company == Company::OfEqualLengthsOrAlone && past > 0 && new > 1;
            let last = if alone { index + 1 } else { rows.len() };
            let like: Vec<_> = (index..last).filter(|&other| rows[other].lengths() == [past, new]).collect();
            let alike: Vec<_> = like.iter().map(|&other| rows[other]).collect();
            for (&place, result) in like.iter().zip(self.run(&alike, keep_cache)?) {
                results[place] = Some(result);
            }
        }
        Ok(results.into_iter().map(|result| result.expect("every row is like itself")).collect())
    }

    /// One call of the session.
    fn run(&mut self, rows: &[DecoderRow<'_>], keep_cache: bool) -> Result<Vec<Continuation>, PackError> {
        let batch = rows.len();
        let longest = |which: usize| rows.iter().map(|row| row.lengths()[which]).max().unwrap_or(0);
        let (past, new) = (longest(0), longest(1));
        let hidden = rows.first().map_or(0, |row| row.embeddings.ncols());

        let mut embeddings = Array3::zeros((batch, new, hidden));
        let mut mask = Vec::with_capacity(batch * (past + new));
        let (mut positions, mut next_positions) = (Vec::with_capacity(batch * new), Vec::with_capacity(batch));
        for (row, mut place) in rows.iter().zip(embeddings.outer_iter_mut()) {
            let [own_past, own_new] = row.lengths();
            place.slice_mut(s![new - own_new.., ..]).assign(&row.embeddings);
            for (padding, own) in [(past - own_past, own_past), (new - own_new, own_new)] {
                mask.extend(std::iter::repeat_n(0.0, padding).chain(std::iter::repeat_n(1.0, own)));
            }
            let (own_positions, next) = row.positions(self.has_axes);
            positions.extend(std::iter::repeat_n(Position::default(), new - own_new));
            positions.extend(own_positions);
            next_positions.push(next);
        }
        let embeddings = embeddings.as_standard_layout();
        let pasts: Vec<CowArray<'_, f32, Ix4>> =
            (0..self.past.len()).map(|part| self.past_of(rows, part, past).into()).collect();

        let mut inputs: Vec<(&str, ort::Result<SessionInputValue<'_>>)> = vec![self.embeddings.feed(&embeddings)];
        for (input, values) in self.past.iter_mut().zip(&pasts) {
            inputs.push(input.feed(values));
        }
        if let Some(NumberInput { name, number_type }) = &self.attention_mask {
            inputs.push((name, number_tensor(*number_type, &[batch, past + new], mask.into_iter())));
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
        // On a GPU the cache is large and slow to bring over: only where it is kept.
        let wanted = if keep_cache { &self.logits_and_cache } else { &self.logits_alone };
        let outputs = self.session.run_for(wanted, batch, inputs)?;

        let output = |declared: &TensorDeclaration| {
            outputs.get(&declared.name).ok_or_else(|| declared.unfit("among the outputs of a run"))
        };
        let vocabulary_of = |logits: ArrayView3<'_, f32>| -> Vec<Vec<f32>> {
            logits.outer_iter().map(|own| own.index_axis(Axis(0), own.nrows() - 1).to_vec()).collect()
        };
        let logits = with_floats(output(&self.logits)?, &self.logits, |values| {
            let values =
                values.into_dimensionality::<Ix3>().ok().filter(|values| values.dim().0 == batch && values.dim().1 > 0);
            values.map(vocabulary_of)
        })?;
        let mut caches: Vec<Option<KeysAndValues>> = rows
            .iter()
            .zip(next_positions)
            .map(|(row, next_position)| {
                let (tokens, parts) = (row.lengths().iter().sum(), Vec::with_capacity(self.present.len()));
                keep_cache.then_some(KeysAndValues { tokens, next_position, parts })
            })
            .collect();
        if keep_cache {
            for declared in &self.present {
                let whole = [batch, self.heads, past + new, self.head_size];
                with_floats(output(declared)?, declared, |values| {
                    let values = values.into_dimensionality::<Ix4>().ok().filter(|values| values.shape() == whole)?;
                    for ((row, values), cache) in rows.iter().zip(values.outer_iter()).zip(caches.iter_mut().flatten())
                    {
                        cache.parts.push(without_padding(values, row.lengths(), past, new));
                    }
                    Some(())
                })?;
            }
        }
        Ok(logits.into_iter().zip(caches).map(|(logits, cache)| Continuation { logits, cache }).collect())
    }

    /// The pasts of all rows in one layer's keys or values, [batch, heads, past, head size].
    fn past_of(&self, rows: &[DecoderRow<'_>], part: usize, past: usize) -> Array4<f32> {
        let mut values = Array4::zeros((rows.len(), self.heads, past, self.head_size));
        for (row, mut place) in rows.iter().zip(values.outer_iter_mut()) {
            if let Some(own) = row.past {
                place.slice_mut(s![.., past - own.tokens.., ..]).assign(&own.parts[part]);
            }
        }
        values
    }
}

/// What a row has read, of [heads, past + new, head size] with padding before either.
fn without_padding(
    values: ArrayView3<'_, f32>,
    [own_past, own_new]: [usize; 2],
    past: usize,
    new: usize,
) -> Array3<f32> {
    let (heads, total, size) = values.dim();
    let mut own = Array3::zeros((heads, own_past + own_new, size));
    own.slice_mut(s![.., ..own_past, ..]).assign(&values.slice(s![.., past - own_past..past, ..]));
    own.slice_mut(s![.., own_past.., ..]).assign(&values.slice(s![.., total - own_new.., ..]));
    debug_assert_eq!(total, past + new);
    own
}

/// Reads a float output without a copy where it has 32 bits. `read` gives `None` where the shape is not what it should be.
fn with_floats<T>(
    output: &DynValue,
    declared: &TensorDeclaration,
    read: impl FnOnce(ArrayViewD<'_, f32>) -> Option<T>,
) -> Result<T, PackError> {
    let of_other_type = |_| declared.unfit("of the declared type");
    let result = match declared.float_type()? {
        FloatType::F32 => read(output.try_extract_array::<f32>().map_err(of_other_type)?),
        FloatType::F16 => read(output.try_extract_array::<f16>().map_err(of_other_type)?.mapv(f16::to_f32).view()),
    };
    result.ok_or_else(|| declared.unfit("as large as the batch asks for"))
}
