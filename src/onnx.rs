//! ONNX Runtime: finding or fetching the library, execution providers, model packs, sessions, tokenizers.

pub mod cuda_wheels;
pub mod diffusion_models;
pub mod digest;
pub mod judge_models;
pub mod judge_pack;
pub mod model_file;
pub mod pack;
pub mod pack_error;
pub mod picture_preprocessing;
pub mod provider;
mod python_json;
pub mod runtime;
pub mod sentence_encoder;
pub mod session;
pub mod tokenizer;
pub mod wheels;

pub use diffusion_models::{
    Conditioning, DiffusionModels, EncodedPrompts, ResidentChains, ResidentOutcome, ResidentStep, STEP_FACTORS,
};
pub use judge_models::JudgeModels;
pub use judge_pack::JudgePack;
pub use pack::{DiffusionPack, PromptIds};
pub use pack_error::PackError;
pub use provider::{CudaDevice, ExecutionProvider, ResolvedProvider};
pub use runtime::RuntimeError;
pub use sentence_encoder::{SentenceEncoder, SentenceModel};
pub use tokenizer::{PromptTokenizer, Tokenized};
