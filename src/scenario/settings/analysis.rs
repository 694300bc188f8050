//! `[analysis]`: how a run in time is summed up.

/// `[analysis]`
#[derive(Debug, Clone, PartialEq)]
pub struct AnalysisSettings {
    /// Default `mser-5`.
    pub warm_up: WarmUp,
    /// Batches of the method of batch means. Default 20; 2 to 1000.
    pub batches: u32,
    /// Whether every request has a row in requests.csv. Default true.
    pub write_requests: bool,
    /// Whether Little's law, the ledger and the books of requests are held against each other after each run. Default true.
    pub check_invariants: bool,
    /// Simulated time between two checkpoints of a run [s]; `None`: none are written.
    pub checkpoint_interval_s: Option<f64>,
}

/// `analysis.warm_up`: what of a run is left out of its statistics.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum WarmUp {
    /// As many first requests as MSER-5 says, of the series of latencies.
    Mser5,
    /// Requests that arrive before this time [s].
    Time { time_s: f64 },
}

impl Default for AnalysisSettings {
    fn default() -> Self {
        Self {
            warm_up: WarmUp::Mser5,
            batches: 20,
            write_requests: true,
            check_invariants: true,
            checkpoint_interval_s: None,
        }
    }
}
