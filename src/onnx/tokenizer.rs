//! From texts to token ids, and back.
//!
//! ```text
//!  tokenizer.json ─ tokenizer_json ────────────────┬─► prompt ─► ids for a text encoder, of one length
//!  vocab.json, merges.txt ─ clip_vocabulary ───────┤
//!  tokenizer_config.json, special_tokens_map.json  ┘        └─► judge ─► ids for a language model, and text of its answers
//!             └─ special_tokens
//! ```

mod clip_vocabulary;
mod judge;
mod prompt;
mod special_tokens;
mod tokenizer_json;

pub use self::judge::JudgeTokenizer;
pub use self::prompt::{PromptTokenizer, Tokenized};
pub(super) use self::special_tokens::{CONFIG_FILE, token_text};
pub(super) use self::tokenizer_json::unusable;
