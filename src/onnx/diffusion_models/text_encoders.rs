//! The one or two text encoders of a pack, as one.
//!
//! ```text
//! Stable Diffusion     input_ids ─► text_encoder ─ last_hidden_state ─► text
//!
//! Stable Diffusion XL  input_ids ─► text_encoder   ─ hidden_states, last but one ─┐
//!                      input_ids ─► text_encoder_2 ─ hidden_states, last but one ─┴─► text, side by side
//!                                                  └ text_embeds ──────────────────► pooled
//! ```

use ndarray::{Array2, Array3, Axis, concatenate};

use super::EncodedPrompts;
use crate::onnx::pack::{DiffusionPack, PromptIds, SECOND_TEXT_ENCODER_FILE, TEXT_ENCODER_FILE};
use crate::onnx::pack_error::PackError;
use crate::onnx::provider::ResolvedProvider;
use crate::onnx::session::{FloatOutput, ModelSession, NumberType, TensorDeclaration, WantedOutputs, number_tensor};
use crate::onnx::tokenizer::PromptTokenizer;

/// What exporters call the hidden states: 0 is the embedding of the tokens, then one for each layer.
const HIDDEN_STATES: &str = "hidden_states.";

/// Widths of the encoders' outputs, where the models declare them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TextWidths {
    pub tokens: usize,
    pub hidden: Option<usize>,
    /// Absent where nothing is pooled.
    pub pooled: Option<Option<usize>>,
}

#[derive(Debug)]
pub(super) struct PromptEncoder {
    first: TextEncoder,
    second: Option<TextEncoder>,
}

impl PromptEncoder {
    pub fn load(pack: &DiffusionPack, provider: ResolvedProvider, intra_threads: usize) -> Result<Self, PackError> {
        let load = |file: &str| ModelSession::load(&pack.root().join(file), provider, intra_threads);
        let tokens = pack.tokenizer().prompt_length();
        let Some(second) = pack.second_tokenizer() else {
            let first = TextEncoder::new(load(TEXT_ENCODER_FILE)?, pack.tokenizer(), Wanted::LastHiddenState)?;
            return Ok(Self { first, second: None });
        };
        let first = TextEncoder::new(load(TEXT_ENCODER_FILE)?, pack.tokenizer(), Wanted::Penultimate)?;
        // The two stand side by side, so a prompt has as many tokens in both.
        if second.prompt_length() != tokens {
            return Err(PackError::Tokenizer {
                file: second.file().to_owned(),
                message: format!("a prompt has {} tokens, and {tokens} in tokenizer/", second.prompt_length()),
                help: "set the same `model_max_length` in both tokenizer_config.json, or export the pack again".into(),
            });
        }
        let session = load(SECOND_TEXT_ENCODER_FILE)?;
        let second = TextEncoder::new(session, second, Wanted::PenultimateAndPooled)?;
        Ok(Self { first, second: Some(second) })
    }

    pub fn widths(&self) -> TextWidths {
        let both = |second: &TextEncoder| Some(self.first.hidden? + second.hidden?);
        TextWidths {
            tokens: self.first.tokens,
            hidden: self.second.as_ref().map_or(self.first.hidden, both),
            pooled: self.second.as_ref().map(|second| second.pooled_width),
        }
    }

    pub fn run(&mut self, prompts: &[PromptIds]) -> Result<EncodedPrompts, PackError> {
        let first: Vec<&[i64]> = prompts.iter().map(|prompt| prompt.first.as_slice()).collect();
        let (text, _) = self.first.run(&first)?;
        let Some(second) = &mut self.second else {
            return Ok(EncodedPrompts { text, pooled: None });
        };
        let ids: Vec<&[i64]> = prompts
            .iter()
            .map(|prompt| prompt.second.as_deref().expect("a pack with two text encoders tokenizes for both"))
            .collect();
        let (other, pooled) = second.run(&ids)?;
        let text =
            concatenate(Axis(2), &[text.view(), other.view()]).expect("both have one batch and one prompt length");
        Ok(EncodedPrompts { text, pooled })
    }

    /// The models, with the outputs that are read of them, in the order in which they run.
    pub fn sessions(&self) -> impl Iterator<Item = (&ModelSession, &str)> {
        [Some(&self.first), self.second.as_ref()]
            .into_iter()
            .flatten()
            .map(|encoder| (&encoder.session, encoder.text.name()))
    }

    /// The hidden states of one prompt alone, by encoder: for looking at what each of them says.
    pub fn run_apart(&mut self, prompt: &PromptIds) -> Result<Vec<Array3<f32>>, PackError> {
        let mut texts = vec![self.first.run(&[&prompt.first])?.0];
        if let (Some(second), Some(ids)) = (&mut self.second, &prompt.second) {
            texts.push(second.run(&[ids])?.0);
        }
        Ok(texts)
    }
}

/// What is read of a text encoder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    LastHiddenState,
    Penultimate,
    PenultimateAndPooled,
}

#[derive(Debug)]
struct TextEncoder {
    session: ModelSession,
    ids_name: String,
    ids_type: NumberType,
    text: FloatOutput,
    pooled: Option<FloatOutput>,
    wanted: WantedOutputs,
    tokens: usize,
    hidden: Option<usize>,
    pooled_width: Option<usize>,
}

impl TextEncoder {
    fn new(session: ModelSession, tokenizer: &PromptTokenizer, wanted: Wanted) -> Result<Self, PackError> {
        let tokens = tokenizer.prompt_length();
        let ids = session.sole_input("input_ids")?;
        let ids_type = ids.number_type()?;
        if !matches!(ids_type, NumberType::I64 | NumberType::I32) {
            return Err(ids.unfit("of type i64 or i32"));
        }
        ids.require_shape(&format!("[batch, {tokens} tokens]"), &[None, Some(tokens)]).map_err(|error| {
            let place = tokenizer.length_place();
            error.advising(|| {
                format!(
                    "correct {place} to what the model declares, or take the tokenizer and the model from one export"
                )
            })
        })?;
        session.require_no_input_but(&[&ids])?;
        let text = match wanted {
            Wanted::LastHiddenState => session.output("last_hidden_state")?,
            Wanted::Penultimate | Wanted::PenultimateAndPooled => penultimate_hidden_state(&session)?,
        };
        text.require_shape(&format!("[batch, {tokens} tokens, hidden]"), &[None, Some(tokens), None])?;
        let pooled = match wanted {
            Wanted::PenultimateAndPooled => Some(session.named_output("text_embeds")?),
            Wanted::LastHiddenState | Wanted::Penultimate => None,
        };
        if let Some(pooled) = &pooled {
            pooled.require_shape("[batch, width]", &[None, None])?;
        }
        let names = [Some(&text), pooled.as_ref()].into_iter().flatten().map(|output| output.name.as_str());
        Ok(Self {
            wanted: session.wanted(names)?,
            hidden: text.shape[2],
            pooled_width: pooled.as_ref().and_then(|pooled| pooled.shape[1]),
            text: FloatOutput::new(text)?,
            pooled: pooled.map(FloatOutput::new).transpose()?,
            ids_name: ids.name,
            ids_type,
            tokens,
            session,
        })
    }

    fn run(&mut self, prompts: &[&[i64]]) -> Result<(Array3<f32>, Option<Array2<f32>>), PackError> {
        assert!(
            prompts.iter().all(|prompt| prompt.len() == self.tokens),
            "every prompt has the length that the pack's tokenizer gives it"
        );
        let shape = [prompts.len(), self.tokens];
        // Ids are far below 2⁵³, so a float carries them exactly.
        let ids = prompts.iter().flat_map(|prompt| prompt.iter().map(|&id| id as f64));
        let ids = number_tensor(self.ids_type, &shape, ids);
        let outputs = self.session.run_for(&self.wanted, prompts.len(), [(self.ids_name.as_str(), ids)])?;
        let pooled = self.pooled.as_ref().map(|pooled| pooled.read(&outputs, &shape[..1])).transpose()?;
        Ok((self.text.read(&outputs, &shape)?, pooled))
    }
}

/// The output before the last of `hidden_states.0`, `hidden_states.1`, …
fn penultimate_hidden_state(session: &ModelSession) -> Result<TensorDeclaration, PackError> {
    let numbers = session.output_names().filter_map(|name| name.strip_prefix(HIDDEN_STATES)?.parse::<usize>().ok());
    match numbers.max() {
        Some(last) if last > 0 => session.named_output(&format!("{HIDDEN_STATES}{}", last - 1)),
        _ => Err(session.absent_output(
            "hidden_states.N",
            "an output of the model for each of its layers: Stable Diffusion XL takes the last but one",
        )),
    }
}
