//! Who did what when, as bars on one lane per server, link and device, as one figure with the table and a trace behind it.

/// What somebody did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activity {
    /// Denoising.
    Compute,
    /// Sending a latent.
    Transmit,
    /// Waiting for others, for a free channel or a free server.
    Wait,
    /// Turning a latent into a picture.
    Decode,
}

/// One bar.
#[derive(Debug, Clone, PartialEq)]
pub struct TimelineSpan {
    /// Position in the lanes.
    pub lane: usize,
    pub activity: Activity,
    /// Simulated time [s].
    pub start_s: f64,
    pub end_s: f64,
    /// Stands in the bar where there is room.
    pub label: String,
}

/// The figure.
#[derive(Debug, Clone, PartialEq)]
pub struct Timeline {
    pub title: String,
    /// Names from the top downwards.
    pub lanes: Vec<String>,
    pub spans: Vec<TimelineSpan>,
    /// Small print: study, seed, run.
    pub footer: String,
}
