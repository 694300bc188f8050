//! ONNX Runtime: finding or fetching the library, execution providers, model packs, sessions, tokenizers.

pub mod diffusion_models;
pub mod digest;
pub mod pack;
pub mod pack_error;
pub mod pack_summary;
pub mod provider;
pub mod runtime;
pub mod session;
pub mod tokenizer;
pub mod wheels;

pub use diffusion_models::DiffusionModels;
pub use pack::DiffusionPack;
pub use pack_error::PackError;
pub use provider::{ExecutionProvider, ResolvedProvider};
pub use runtime::RuntimeError;
pub use tokenizer::{PromptTokenizer, Tokenized};
