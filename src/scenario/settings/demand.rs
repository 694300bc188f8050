//! `[demand]`: who asks for pictures, when, and for what.

use std::path::PathBuf;
use std::sync::Arc;

/// `[demand]`; a scenario without it is one synchronous round, in which every device asks once at time 0.
#[derive(Debug, Clone, PartialEq)]
pub struct DemandSettings {
    pub arrivals: Arrivals,
    /// Whether each device has arrivals of its own, or all of them together. Default `population`.
    pub stream: ArrivalStream,
    /// No request arrives after this many; `None`: only `duration_s` ends the demand. At least one of the two is there.
    pub requests: Option<u64>,
    /// No request arrives after this time [s].
    pub duration_s: Option<f64>,
    /// What is asked for. Default `own`.
    pub prompts: PromptChoice,
    /// The i-th prompt of a list or grammar is asked for with a probability in proportion to i^−α. Default 0: all alike.
    pub zipf_exponent: f64,
    /// Which start latent z_T a request begins from. Default `request`.
    pub start_latent: StartLatent,
    /// From the request until the picture should be there [s]; `None`: nobody waits for a clock.
    pub deadline_s: Option<f64>,
    /// How long a user waits for the server to begin; `None`: for ever.
    pub patience: Option<Patience>,
    /// How often a request that was dropped is sent again. Default 0.
    pub retries: u32,
    /// Time between a drop and the next attempt [s]. Default 1.
    pub retry_delay_s: f64,
}

/// `demand.arrivals`
#[derive(Debug, Clone, PartialEq)]
pub enum Arrivals {
    /// Exponential times between requests.
    Poisson {
        /// > 0.
        rate_hz: f64,
    },
    /// Gamma renewal process: burstier than Poisson above a coefficient of variation of 1, more regular below.
    Gamma {
        rate_hz: f64,
        /// Of the times between requests; > 0.
        coefficient_of_variation: f64,
    },
    /// Poisson whose rate alternates between two states of exponential length.
    Mmpp {
        /// Rates of the two states; not both 0.
        rates_hz: [f64; 2],
        /// Mean sojourns in the two states; > 0.
        sojourns_s: [f64; 2],
    },
    /// One request every interval, the first after one interval.
    Deterministic { interval_s: f64 },
    /// Each user asks again an exponential think time after the last request ended, always per device.
    ClosedLoop {
        /// Mean; > 0.
        think_time_s: f64,
    },
    /// Requests of a file.
    Trace {
        /// Relative to the working directory.
        file: PathBuf,
        /// In the order of time; shared by the points of a sweep.
        rows: Arc<[TraceRow]>,
        /// The different prompts of the rows.
        prompts: Arc<[String]>,
    },
}

/// One row of a trace of requests.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TraceRow {
    pub arrival_s: f64,
    /// Index in the scenario; `None`: any device.
    pub device: Option<u32>,
    /// Index in the trace's prompts; `None`: as `demand.prompts` says.
    pub prompt: Option<u32>,
}

/// `demand.stream`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ArrivalStream {
    /// One stream; each request is of a device drawn with equal probability.
    Population,
    /// One stream per device, each with the rates given.
    Device,
}

/// `demand.prompts`
#[derive(Debug, Clone, PartialEq)]
pub enum PromptChoice {
    /// Each device asks for its own `prompt`.
    Own,
    /// One of a list, most popular first.
    List { prompts: Vec<String> },
    /// One of those in a file, most popular first.
    File {
        /// Relative to the working directory.
        file: PathBuf,
        /// Each once; shared by the points of a sweep.
        prompts: Arc<[String]>,
    },
    /// Objects put into templates such as `"a {object} under the tree"`, the object drawn by popularity, the template with
    /// equal probability.
    Grammar { objects: Vec<String>, templates: Vec<String> },
}

/// `demand.start_latent`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StartLatent {
    /// Every request draws its own; who shares steps shares that of the chain.
    Request,
    /// One for the whole run.
    Shared,
}

/// `demand.patience`
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Patience {
    /// Everybody waits this long [s].
    Fixed { time_s: f64 },
    /// Exponential with this mean [s].
    Exponential { mean_s: f64 },
}

impl PromptChoice {
    /// Its prompts, most popular first; none where devices ask for their own.
    pub fn texts(&self) -> Box<dyn Iterator<Item = String> + '_> {
        match self {
            Self::Own => Box::new(std::iter::empty()),
            Self::List { prompts } => Box::new(prompts.iter().cloned()),
            Self::File { prompts, .. } => Box::new(prompts.iter().cloned()),
            Self::Grammar { objects, templates } => Box::new(
                objects
                    .iter()
                    .flat_map(move |object| templates.iter().map(move |template| template.replace("{object}", object))),
            ),
        }
    }
}

impl Arrivals {
    /// The prompts of a trace; none of other arrivals.
    pub fn prompts(&self) -> impl Iterator<Item = String> + '_ {
        let prompts: &[String] = match self {
            Self::Trace { prompts, .. } => prompts,
            _ => &[],
        };
        prompts.iter().cloned()
    }
}
