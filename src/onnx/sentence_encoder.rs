//! A sentence encoder: a network trained so that its embeddings say how similar two sentences are in meaning. In the
//! layout that sentence-transformers and transformers.js use:
//!
//! ```text
//! tokenizer.json                 how a sentence becomes tokens
//! model.onnx or onnx/model.onnx  input_ids, attention_mask, token_type_ids (the last two optional) [b, n]
//!                                → sentence_embedding [b, d], or last_hidden_state / token_embeddings [b, n, d]
//! sentence_bert_config.json      max_seq_length (optional)
//! 1_Pooling/config.json          how token embeddings become one: their mean, or that of the first (optional)
//! digests.json                   SHA-256 of the files (optional)
//! ```
//!
//! [`SentenceEncoder::open`] needs no ONNX Runtime; [`SentenceEncoder::load`] makes the session. Every sentence is encoded
//! alone, so that its embedding does not depend on its neighbours.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ndarray::{ArrayD, Axis, IxDyn};
use serde_json::Value;
use tokenizers::Tokenizer;
use tokenizers::utils::truncation::TruncationParams;

use super::digest::{FileDigest, digest_of_files, digests_that_hold, files_below};
use super::pack::{positive, read_object_if_there, require_file};
use super::pack_error::PackError;
use super::provider::ResolvedProvider;
use super::session::{FloatOutput, ModelSession, NumberType, TensorDeclaration, number_tensor};
use super::tokenizer::unusable;

const TOKENIZER_FILE: &str = "tokenizer.json";
const MODEL_FILES: [&str; 2] = ["model.onnx", "onnx/model.onnx"];
const LENGTH_FILE: &str = "sentence_bert_config.json";
const POOLING_FILE: &str = "1_Pooling/config.json";
/// What a sentence is cut to where no file says it.
const LONGEST_SENTENCE_TOKENS: usize = 512;

/// How the embeddings of tokens become that of a sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pooling {
    Mean,
    FirstToken,
}

/// An opened and checked folder. No session exists yet.
#[derive(Debug)]
pub struct SentenceEncoder {
    root: PathBuf,
    model_file: &'static str,
    tokenizer: Tokenizer,
    pooling: Pooling,
    file_digests: BTreeMap<String, FileDigest>,
}

impl SentenceEncoder {
    /// Opens the folder `root`: the files are there, their digests hold where a `digests.json` lists them, and all
    /// configurations parse. The model is hashed, not loaded.
    ///
    /// # Errors
    /// [`PackError`], with the file and the mend.
    pub fn open(root: &Path) -> Result<Self, PackError> {
        if !root.is_dir() {
            return Err(PackError::MissingPack {
                path: root.to_owned(),
                why: "there is no such folder",
                help: "give the folder of a sentence encoder in `models.sentence_encoder`, one with tokenizer.json and \
                       model.onnx or onnx/model.onnx, or leave the key out: the text encoder of the diffusion pack then \
                       says how similar prompts are"
                    .into(),
            });
        }
        require_file(root, TOKENIZER_FILE, "how a sentence becomes tokens")?;
        let model_file =
            MODEL_FILES.into_iter().find(|file| root.join(file).is_file()).ok_or_else(|| PackError::MissingFile {
                file: root.join(MODEL_FILES[1]),
                role: "the sentence encoder; model.onnx beside tokenizer.json would do",
            })?;
        let file_digests = check_digests(root, model_file)?;
        let file = root.join(TOKENIZER_FILE);
        let mut tokenizer = Tokenizer::from_file(&file).map_err(|error| unusable(&file, error.to_string()))?;
        let own = tokenizer.get_truncation().cloned();
        let max_length =
            longest_sentence(root)?.or(own.as_ref().map(|own| own.max_length)).unwrap_or(LONGEST_SENTENCE_TOKENS);
        let truncation = TruncationParams { max_length, ..own.unwrap_or_default() };
        tokenizer
            .with_truncation(Some(truncation))
            .map_err(|error| unusable(&file, error.to_string()))?
            .with_padding(None);
        Ok(Self { root: root.to_owned(), model_file, tokenizer, pooling: pooling(root)?, file_digests })
    }

    /// The folder, as it was given.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// SHA-256 over the names and digests of all files that decide what an embedding is.
    pub fn digest(&self) -> [u8; 32] {
        digest_of_files(b"latentlink sentence encoder 1", &self.file_digests)
    }

    /// Makes a session.
    ///
    /// # Errors
    /// ONNX Runtime or the provider cannot be had, the file does not load, or its inputs and outputs do not fit.
    pub fn load(&self, provider: ResolvedProvider, intra_threads: usize) -> Result<SentenceModel, PackError> {
        let session = ModelSession::load(&self.root.join(self.model_file), provider, intra_threads)?;
        SentenceModel::new(session, self)
    }
}

/// A sentence encoder ready to run.
#[derive(Debug)]
pub struct SentenceModel {
    session: ModelSession,
    tokenizer_file: PathBuf,
    tokenizer: Tokenizer,
    pooling: Pooling,
    inputs: Vec<(InputRole, String, NumberType)>,
    /// Where the model takes sentences of one length only.
    tokens: Option<usize>,
    declared: TensorDeclaration,
    embedding: FloatOutput,
}

/// What an input is fed: one number for each token.
#[derive(Debug, Clone, Copy)]
enum InputRole {
    Ids,
    /// 1 of a token, 0 of padding.
    Mask,
    /// 0: a sentence has one part.
    Types,
}

impl SentenceModel {
    fn new(session: ModelSession, encoder: &SentenceEncoder) -> Result<Self, PackError> {
        let mut declarations = vec![(InputRole::Ids, session.input("input_ids")?)];
        for (role, name) in [(InputRole::Mask, "attention_mask"), (InputRole::Types, "token_type_ids")] {
            if session.has_input(name) {
                declarations.push((role, session.input(name)?));
            }
        }
        for (_, declared) in &declarations {
            declared.require_shape("[batch, tokens]", &[None; 2])?;
        }
        let tokens = declarations[0].1.shape[1];
        session.require_no_input_but(&declarations.iter().map(|(_, declared)| declared).collect::<Vec<_>>())?;
        let declared = session
            .output("sentence_embedding")
            .or_else(|_| session.output("last_hidden_state"))
            .or_else(|_| session.output("token_embeddings"))
            .or_else(|_| session.output("sentence_embedding"))?;
        if !matches!(declared.shape.len(), 2 | 3) {
            return Err(declared.unfit("[batch, hidden], or [batch, tokens, hidden]"));
        }
        let inputs = declarations.into_iter().map(|(role, declared)| {
            let number_type = declared.number_type()?;
            Ok((role, declared.name, number_type))
        });
        Ok(Self {
            inputs: inputs.collect::<Result<_, PackError>>()?,
            tokens,
            embedding: FloatOutput::new(declared.clone())?,
            declared,
            tokenizer_file: encoder.root.join(TOKENIZER_FILE),
            tokenizer: encoder.tokenizer.clone(),
            pooling: encoder.pooling,
            session,
        })
    }

    /// Direction of a sentence's embedding: a unit vector [hidden]. The scalar product of two is the cosine similarity of
    /// the sentences.
    ///
    /// # Errors
    /// [`PackError::Tokenizer`], [`PackError::Run`]; [`PackError::UnfitTensor`] where an embedding has no direction: it is
    /// zero or not finite.
    pub fn direction(&mut self, sentence: &str) -> Result<Vec<f64>, PackError> {
        let failed = |error| unusable(&self.tokenizer_file, format!("cannot tokenize “{sentence}”: {error}"));
        let encoding = self.tokenizer.encode(sentence, true).map_err(failed)?;
        let mut ids: Vec<f64> = encoding.get_ids().iter().map(|&id| f64::from(id)).collect();
        if let Some(tokens) = self.tokens {
            ids.truncate(tokens);
        }
        let words = ids.len();
        let length = self.tokens.unwrap_or(words);
        ids.resize(length, 0.0);
        let shape = [1, length];
        let inputs: Vec<_> = self
            .inputs
            .iter()
            .map(|(role, name, number_type)| {
                let values = (0..length).map(|place| match role {
                    InputRole::Ids => ids[place],
                    InputRole::Mask => f64::from(u8::from(place < words)),
                    InputRole::Types => 0.0,
                });
                (name.as_str(), number_tensor(*number_type, &shape, values))
            })
            .collect();
        let outputs = self.session.run(1, inputs)?;
        let values: ArrayD<f32> = self.embedding.read::<IxDyn>(&outputs, &[1])?;
        let values = values.index_axis_move(Axis(0), 0);
        let pooled: Vec<f64> = match (values.ndim(), self.pooling) {
            (1, _) => values.iter().map(|&value| f64::from(value)).collect(),
            (_, Pooling::FirstToken) if words > 0 => {
                values.index_axis(Axis(0), 0).iter().map(|&value| f64::from(value)).collect()
            }
            // The sum points where the mean does.
            _ => values
                .lanes(Axis(0))
                .into_iter()
                .map(|lane| lane.iter().take(words).map(|&x| f64::from(x)).sum())
                .collect(),
        };
        let norm = pooled.iter().map(|value| value * value).sum::<f64>().sqrt();
        if !(norm > 0.0 && norm.is_finite()) {
            return Err(self.declared.unfit(format!("a finite embedding of “{sentence}” that is not zero")));
        }
        Ok(pooled.into_iter().map(|value| value / norm).collect())
    }
}

/// Hashes the files that decide what an embedding is, the model's external data (`{model}_data`, `{name}.data`) included.
fn check_digests(root: &Path, model_file: &str) -> Result<BTreeMap<String, FileDigest>, PackError> {
    let stem = model_file.strip_suffix("onnx").unwrap_or(model_file);
    let decides = |file: &str| [TOKENIZER_FILE, LENGTH_FILE, POOLING_FILE].contains(&file) || file.starts_with(stem);
    let mut files = files_below(root, "")?;
    files.retain(|file| decides(file));
    digests_that_hold(root, &files, decides)
}

/// Tokens of a sentence at most, where the folder says it; special ones included.
fn longest_sentence(root: &Path) -> Result<Option<usize>, PackError> {
    let file = root.join(LENGTH_FILE);
    match &read_object_if_there(&file)?["max_seq_length"] {
        Value::Null => Ok(None),
        length => positive(length).map(Some).ok_or_else(|| {
            PackError::config(&file, "max_seq_length", "the number of tokens of a sentence at most", length)
        }),
    }
}

fn pooling(root: &Path) -> Result<Pooling, PackError> {
    let file = root.join(POOLING_FILE);
    let config = read_object_if_there(&file)?;
    let Some(config) = config.as_object() else { return Ok(Pooling::Mean) };
    let asked: Vec<_> =
        config.iter().filter(|(key, on)| key.starts_with("pooling_mode_") && **on == Value::Bool(true)).collect();
    match asked.as_slice() {
        [(key, _)] if *key == "pooling_mode_mean_tokens" => Ok(Pooling::Mean),
        [(key, _)] if *key == "pooling_mode_cls_token" => Ok(Pooling::FirstToken),
        _ => {
            let names: Vec<&str> = asked.iter().map(|(key, _)| key.as_str()).collect();
            let expected = "one of pooling_mode_mean_tokens and pooling_mode_cls_token alone";
            Err(PackError::config(&file, "pooling_mode_…", expected, &Value::from(names)))
        }
    }
}
