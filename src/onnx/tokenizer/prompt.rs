//! From a prompt to the token ids that a text encoder takes, as diffusers does it: the pack's `tokenizer.json`, or
//! CLIP's `vocab.json` and `merges.txt`, splits and numbers the words, and every prompt is cut or padded to one length.
//!
//! Length and padding come from `tokenizer_config.json` (`model_max_length`, `pad_token`, `padding_side`), where CLIP
//! keeps them; else both from `tokenizer.json` itself. Which file names the padding token: `special_tokens.rs`.

use std::path::{Path, PathBuf};

use serde_json::Value;
use tokenizers::utils::padding::{PaddingDirection, PaddingParams, PaddingStrategy};
use tokenizers::utils::truncation::{TruncationDirection, TruncationParams};
use tokenizers::{
    Encoding, Normalizer, OffsetReferential, OffsetType, PostProcessor, PreTokenizedString, PreTokenizer, Tokenizer,
};

use super::clip_vocabulary::{self, END, MERGES_FILE, SpecialTokens, VOCABULARY_FILE, is_clip};
use super::special_tokens::{CONFIG_FILE, Named, SpecialTokenFiles};
use super::tokenizer_json::{tokenizer_of, unusable};
use crate::onnx::pack::{parse_json, read_text, require_file};
use crate::onnx::pack_error::PackError;

/// A longer prompt than this is no limit.
const LONGEST_PROMPT_TOKENS: u64 = 1 << 20;

/// One prompt as the text encoder takes it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Tokenized {
    /// Exactly [`PromptTokenizer::prompt_length`] ids, special tokens and padding included.
    pub ids: Vec<i64>,
    /// Words (and signs) of the prompt that the tokenizer does not know, each once, in their order: the pack cannot
    /// draw them. Always empty for byte-level tokenizers such as CLIP's, which spell out what they do not know.
    pub unknown_words: Vec<String>,
    /// The prompt was longer than the pack takes; its end is lost.
    pub truncated: bool,
}

impl AsRef<[i64]> for Tokenized {
    fn as_ref(&self) -> &[i64] {
        &self.ids
    }
}

/// The tokenizer of a diffusion pack.
#[derive(Debug)]
pub struct PromptTokenizer {
    file: PathBuf,
    /// Cuts and pads.
    tokenizer: Tokenizer,
    /// Does neither, and so sees every word of a prompt: `tokenizer` stops soon after the cut.
    uncut: Tokenizer,
    prompt_length: usize,
    /// The setting that says so, and its file.
    length_place: String,
    /// The token that stands for unknown words.
    unknown_id: Option<u32>,
    /// Words that the vocabulary lists as such, if it is a list of words.
    known_words: Option<Vec<String>>,
    /// A word list without a token for unknown words: they must be dropped before `tokenizer` sees them.
    drops_unknown_words: bool,
}

impl PromptTokenizer {
    /// Opens the folder `tokenizer/` of a pack: its `tokenizer.json`, or without one CLIP's `vocab.json` and
    /// `merges.txt`.
    ///
    /// # Errors
    /// None of these files, unparsable ones, no prompt length or no padding token in any of them.
    pub fn open(folder: &Path) -> Result<Self, PackError> {
        let whole = folder.join("tokenizer.json");
        let files = SpecialTokenFiles::read(folder)?;
        let (file, text, padding) = if whole.is_file() {
            let text = read_text(&whole)?;
            (whole, text, None)
        } else if [VOCABULARY_FILE, MERGES_FILE].iter().any(|file| folder.join(file).is_file()) {
            require_file(folder, VOCABULARY_FILE, "the tokens of a prompt and their ids")?;
            let special = SpecialTokens::named_by(&files)?;
            let description = clip_vocabulary::description(folder, &files, &special)?;
            (folder.join(VOCABULARY_FILE), description.to_string(), Some(special.padding))
        } else {
            return Err(PackError::MissingFile { file: whole, role: "how prompts become tokens" });
        };
        let description = parse_json(&file, &text)?;
        let mut tokenizer = tokenizer_of(&file, &text, &description)?;

        let (prompt_length, length_place) = prompt_length(&file, &files, &tokenizer)?;
        let truncation = TruncationParams {
            max_length: prompt_length,
            direction: files
                .word("truncation_side", &[("left", TruncationDirection::Left), ("right", TruncationDirection::Right)])?
                .or(tokenizer.get_truncation().map(|given| given.direction))
                .unwrap_or(TruncationDirection::Right),
            ..TruncationParams::default()
        };
        let mut uncut = tokenizer.clone();
        uncut.with_truncation(None).map_err(|error| unusable(&file, error.to_string()))?.with_padding(None);
        let padding = padding_params(&file, prompt_length, &files, padding, &tokenizer)?;
        tokenizer
            .with_truncation(Some(truncation))
            .map_err(|error| unusable(&file, error.to_string()))?
            .with_padding(Some(padding));

        let unknown_id = unknown_token(&tokenizer, &description);
        let word_list = description["model"]["type"] == "WordLevel";
        Ok(Self {
            known_words: word_list.then(|| words_of(&tokenizer, &description)),
            drops_unknown_words: word_list && unknown_id.is_none(),
            file,
            tokenizer,
            uncut,
            prompt_length,
            length_place,
            unknown_id,
        })
    }

    /// The ids of `prompt`. The empty prompt (the unconditional one of classifier-free guidance) is all padding
    /// between the special tokens.
    ///
    /// # Errors
    /// [`PackError::Tokenizer`] where the tokenizer itself fails.
    pub fn encode(&self, prompt: &str) -> Result<Tokenized, PackError> {
        let failed = |error: tokenizers::Error| unusable(&self.file, format!("cannot tokenize “{prompt}”: {error}"));
        let mut unknown_words = Vec::new();
        let known;
        let text = if self.drops_unknown_words {
            known = self.without_unknown_words(prompt, &mut unknown_words).map_err(failed)?;
            known.as_str()
        } else {
            prompt
        };
        let encoding = self.tokenizer.encode(text, true).map_err(failed)?;
        let uncut = self.uncut.encode(text, true).map_err(failed)?;
        note_unknown_words(&self.tokenizer, self.unknown_id, text, &uncut, &mut unknown_words);
        Ok(Tokenized {
            ids: encoding.get_ids().iter().map(|&id| i64::from(id)).collect(),
            unknown_words,
            truncated: uncut.len() > self.prompt_length,
        })
    }

    /// The file that says how words are split and numbered: `tokenizer.json`, or `vocab.json` with `merges.txt` beside it.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Tokens of one prompt, special tokens and padding included: the width of the text encoder's input.
    pub fn prompt_length(&self) -> usize {
        self.prompt_length
    }

    /// Which setting of which file says how many tokens a prompt has, for messages.
    pub(in crate::onnx) fn length_place(&self) -> &str {
        &self.length_place
    }

    /// The highest id that a prompt may hold.
    pub(in crate::onnx) fn highest_id(&self) -> i64 {
        highest_id(&self.tokenizer, true)
    }

    /// Number of tokens that the tokenizer knows, special ones included.
    pub fn vocabulary_size(&self) -> usize {
        self.tokenizer.get_vocab_size(true)
    }

    /// All words that prompts may use, sorted, where the vocabulary is a list of words; `None` for tokenizers that
    /// build any word from pieces (CLIP's).
    pub fn known_words(&self) -> Option<&[String]> {
        self.known_words.as_deref()
    }

    /// `prompt` with its unknown words blanked out, as the tokenizer's own normaliser and word splitter see them.
    fn without_unknown_words(
        &self,
        prompt: &str,
        unknown_words: &mut Vec<String>,
    ) -> Result<String, tokenizers::Error> {
        let mut words = PreTokenizedString::from(prompt);
        if let Some(normalizer) = self.tokenizer.get_normalizer() {
            words.normalize(|text| normalizer.normalize(text))?;
        }
        if let Some(splitter) = self.tokenizer.get_pre_tokenizer() {
            splitter.pre_tokenize(&mut words)?;
        }
        let mut known = String::with_capacity(prompt.len());
        let mut copied = 0;
        for (word, (start, end), _) in words.get_splits(OffsetReferential::Original, OffsetType::Byte) {
            if !word.is_empty() && self.tokenizer.token_to_id(word).is_none() {
                note(unknown_words, prompt.get(start..end).unwrap_or(word));
                known.push_str(prompt.get(copied..start).unwrap_or_default());
                known.push(' ');
                copied = end;
            }
        }
        known.push_str(prompt.get(copied..).unwrap_or_default());
        Ok(known)
    }
}

/// The token that stands for words a tokenizer doesn't know, where it has one.
pub(super) fn unknown_token(tokenizer: &Tokenizer, description: &Value) -> Option<u32> {
    let model = &description["model"];
    match model["unk_token"].as_str() {
        Some(token) => tokenizer.token_to_id(token),
        None => model["unk_id"].as_u64().and_then(|id| u32::try_from(id).ok()),
    }
}

/// Adds the words of `text` that became the token `unknown_id` to `unknown_words`, each once.
pub(super) fn note_unknown_words(
    tokenizer: &Tokenizer,
    unknown_id: Option<u32>,
    text: &str,
    encoding: &Encoding,
    unknown_words: &mut Vec<String>,
) {
    let Some(unknown_id) = unknown_id else {
        return;
    };
    let tokens = encoding.get_ids().iter().zip(encoding.get_offsets());
    // CLIP's unknown token is its end token and its padding too: only tokens that come from the text count.
    for ((&id, &(start, end)), &special) in tokens.zip(encoding.get_special_tokens_mask()) {
        if id == unknown_id && special == 0 && start < end {
            let word = text.get(start..end).unwrap_or(text);
            // The user may well write the token itself.
            if tokenizer.token_to_id(word) != Some(unknown_id) {
                note(unknown_words, word);
            }
        }
    }
}

fn note(words: &mut Vec<String>, word: &str) {
    if !words.iter().any(|noted| noted == word) {
        words.push(word.to_owned());
    }
}

/// The vocabulary without its special tokens, sorted.
fn words_of(tokenizer: &Tokenizer, description: &Value) -> Vec<String> {
    let special = |word: &String| {
        description["model"]["unk_token"] == word.as_str()
            || !description["post_processor"]["special_tokens"][word.as_str()].is_null()
            || tokenizer.get_padding().is_some_and(|padding| padding.pad_token == *word)
    };
    let mut words: Vec<_> = tokenizer.get_vocab(false).into_keys().collect();
    words.retain(|word| !special(word));
    words.sort();
    words
}

/// How many tokens a prompt has, and which setting says so.
fn prompt_length(file: &Path, files: &SpecialTokenFiles, tokenizer: &Tokenizer) -> Result<(usize, String), PackError> {
    let from_config = length_in_config(files)?.map(|length| (length, "model_max_length", CONFIG_FILE));
    let from_padding = tokenizer.get_padding().and_then(|padding| match padding.strategy {
        PaddingStrategy::Fixed(length) => Some((length, "padding", "tokenizer.json")),
        PaddingStrategy::BatchLongest => None,
    });
    let from_truncation = tokenizer.get_truncation().map(|given| (given.max_length, "truncation", "tokenizer.json"));
    let (length, key, named_in) = from_config.or(from_padding).or(from_truncation).ok_or_else(|| {
        unusable(
            file,
            "neither it nor tokenizer_config.json (`model_max_length`) says how many tokens a prompt has".into(),
        )
    })?;
    let special = tokenizer.get_post_processor().map_or(0, |processor| processor.added_tokens(false));
    if length <= special {
        let message = format!("a prompt of {length} tokens has no room for words beside {special} special tokens");
        return Err(unusable(file, message));
    }
    Ok((length, format!("`{key}` in {}", file.with_file_name(named_in).display())))
}

/// `model_max_length`, where it is a length: transformers writes 10³⁰ where a tokenizer has none.
fn length_in_config(files: &SpecialTokenFiles) -> Result<Option<usize>, PackError> {
    let key = "model_max_length";
    let wrong = || Err(files.wrong(key, "the number of tokens of a prompt, special ones included"));
    match &files.config[key] {
        Value::Null => Ok(None),
        Value::Number(length) => match (length.as_u64(), length.as_f64()) {
            (Some(0), _) => wrong(),
            (Some(length), _) if length <= LONGEST_PROMPT_TOKENS => Ok(Some(length as usize)),
            (Some(_), _) => Ok(None),
            (None, Some(length)) if length > LONGEST_PROMPT_TOKENS as f64 => Ok(None),
            (None, _) => wrong(),
        },
        _ => wrong(),
    }
}

/// `token`: the padding token, where it is known already.
fn padding_params(
    file: &Path,
    prompt_length: usize,
    files: &SpecialTokenFiles,
    token: Option<String>,
    tokenizer: &Tokenizer,
) -> Result<PaddingParams, PackError> {
    let own = tokenizer.get_padding();
    let named = match (token, files.named("pad_token")?) {
        (Some(token), _) | (None, Named::Token(token)) => Some(token),
        // What CLIP's class takes where no file says anything.
        (None, Named::Nothing) if own.is_none() && is_clip(&files.config["tokenizer_class"]) => Some(END.to_owned()),
        (None, Named::Nothing | Named::None) => None,
    };
    let (pad_token, pad_id) = match (named, own) {
        (Some(token), _) => {
            let id = tokenizer.token_to_id(&token).ok_or_else(|| {
                let message = format!("the padding token `{token}` of {CONFIG_FILE} is not in its vocabulary");
                unusable(file, message)
            })?;
            (token, id)
        }
        (None, Some(own)) => (own.pad_token.clone(), own.pad_id),
        (None, None) => {
            let message = "neither it nor tokenizer_config.json nor special_tokens_map.json names a padding token";
            return Err(unusable(file, message.into()));
        }
    };
    let direction = files
        .word("padding_side", &[("left", PaddingDirection::Left), ("right", PaddingDirection::Right)])?
        .or(own.map(|own| own.direction))
        .unwrap_or(PaddingDirection::Right);
    Ok(PaddingParams {
        strategy: PaddingStrategy::Fixed(prompt_length),
        direction,
        pad_to_multiple_of: None,
        pad_id,
        pad_type_id: own.map_or(0, |own| own.pad_type_id),
        pad_token,
    })
}

/// The highest id of a token; with those that were added to the vocabulary proper where `with_added`.
pub(super) fn highest_id(tokenizer: &Tokenizer, with_added: bool) -> i64 {
    tokenizer.get_vocab(with_added).into_values().max().map_or(0, i64::from)
}
