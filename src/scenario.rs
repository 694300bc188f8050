//! A scenario: what a user wrote, checked once.
//!
//! ```text
//!  scenario.toml ──► ScenarioFile ──set()──► ScenarioFile ──grid()──► Grid ──point()──► Point { …, Scenario }
//!                    every value knows       `--set` replaces         of `[sweep]`,     checked, made one by
//!                    where it stands         values                   maybe millions    one when asked for
//! ```
//!
//! A file is read into a [`ScenarioFile`], which still knows where every value stands; `--set` arguments and the
//! points of a sweep replace values in it; a [`Grid`] turns it into [`Scenario`]s, in which nothing can be wrong any
//! more. Nothing downstream checks again.
//!
//! What was wrong comes back as a [`ScenarioError`]: all problems of the file at once, each with its place, what was
//! expected there and how to mend it.

mod check;
mod device_names;
mod error;
mod figures;
mod file;
mod path;
mod range;
mod reader;
mod schema;
mod settings;
mod source;
mod sweep;
mod tree;
mod unknown;
pub(crate) mod words;
mod write;

pub use error::{Problem, ScenarioError};
pub use figures::{
    ENERGY, LIVE_REQUEST_NUMBERS, LIVE_RUN_NUMBERS, REQUEST_NUMBERS, RUN_NUMBERS, SharedAxis, is_of_runs,
    request_numbers, run_numbers, shared_axis,
};
pub use file::ScenarioFile;
pub use schema::known_fields;
pub use settings::{
    ActorHead, ActorPolicy, Admission, Algorithm, AnalysisSettings, ArchitectureKind, ArchitectureSettings,
    ArrivalStream, Arrivals, BoxSettings, CacheSettings, CacheSharing, CdfSettings, CellGrid, CellSettings,
    CriticInput, DemandSettings, DeviceSettings, DiffusionSettings, Election, EndpointSettings, ErrorModel, Eviction,
    Execution, FaultKind, FaultSettings, FaultTimes, FigureKind, FigureSettings, FixedPolicy, GivenSteps,
    GroupingSettings, HeatMapSettings, ImageGridSettings, IntervalStyle, JudgeKind, JudgeSettings, LineSettings,
    MeasuredSettings, MobilitySettings, ModelSettings, MultipleAccess, PageSettings, Patience, PersonaSettings,
    PictureReference, Placement, PolicyKind, PolicySettings, PopulationSettings, ProfileSettings, PromptChoice,
    QoeTerm, QueueDiscipline, RadioSettings, RecoverySettings, RewardSettings, SERIES_OF_DEVICES, ScatterSettings,
    Scenario, SearchPolicy, ServerSettings, SimilaritySettings, StartLatent, StepLimits, StudySettings,
    SurfacePlotSettings, SurfaceSettings, TimeToLive, TimelineSettings, Topology, TraceRow, TrackPoint, TrainSettings,
    USUAL_QUEUE_CAPACITY, Until, VlmSettings, WarmUp,
};
pub use sweep::{Coordinate, CoordinateValue, Dimension, Grid, MAXIMUM_POINTS, Point};
