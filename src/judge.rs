//! The judge: generative agents with Big Five personalities rate the pictures (sections 4.1 and 4.2.1 of the paper).
//!
//! ```text
//!  persona ─┬─► prompt to the agent ─┐
//!  request ─┘                        ├─► vision-language model ─► answer ─► score in [0, 1], a user's QoE
//!  picture ──────────────────────────┘
//! ```

pub mod endpoint;
pub mod error;
pub mod measured_surface;
pub mod persona;
pub mod picture_judge;
pub mod population;
pub mod quality_model;
pub mod question;
pub mod readout;
pub mod score_reading;
pub mod score_scale;
pub mod surface;
pub mod template;
pub mod vlm;

pub use endpoint::{BaseUrl, ConnectionOptions, EndpointClient, EndpointError, EndpointJudge, EndpointOptions};
pub use error::JudgeError;
pub use measured_surface::MeasuredSurface;
pub use persona::{NamedPersona, Persona};
pub use picture_judge::PictureJudge;
pub use population::{NormalPopulation, Spread};
pub use quality_model::QualityModel;
pub use question::{Answer, Question};
pub use readout::Readout;
pub use score_reading::read_score;
pub use score_scale::ScoreScale;
pub use surface::{SurfaceInputs, noisy_quality_of_experience, quality_of_experience};
pub use template::{AgentPrompt, PromptTemplate, TemplateError};
pub use vlm::{VlmJudge, VlmOptions, VlmWork, VlmWorker};
