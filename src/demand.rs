//! Demand over time: when users ask, and for what.
//!
//! ```text
//!  arrivals   ──► at which time          one stream of the population, or one per device
//!  prompts    ──► for which picture      a list, a file or a grammar, by popularity
//!  trace      ──► both, and by whom      requests that somebody wrote down
//! ```
//!
//! Everything here is drawn or read; the network decides what becomes of it.

pub mod arrivals;
pub mod grammar;
pub mod object_list;
pub mod prompt_file;
pub mod prompts;
pub mod trace;

pub use arrivals::{ArrivalProcess, mean_rate_hz, think_time_s};
pub use prompt_file::read_prompts;
pub use prompts::PromptSampler;
pub use trace::{TraceFile, read_trace};
