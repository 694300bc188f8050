//! The system that all three simulate.

use std::fmt;

/// An M/G/1 queue with a cache in front of its server, then a radio, then devices.
///
/// ```text
///  Poisson ─► queue ─► cache ──┬─ hit ──► nothing to do ───┬─► radio: one after the other ─► own device: one after the other
///  Zipf prompts     exact LRU  └─ miss ─► Gamma service ───┘
/// ```
///
/// The cache is asked when a request comes to the server, and gets the latent when the service is over.
#[derive(Debug, Clone)]
pub struct Station {
    /// [1/s]
    pub arrival_rate_hz: f64,
    pub prompts: u32,
    pub zipf_exponent: f64,
    /// Entries of the cache.
    pub cache_entries: u32,
    /// Mean service time of a miss [s].
    pub service_s: f64,
    /// Squared coefficient of variation of the service time.
    pub squared_cv: f64,
    /// One latent on the air [s].
    pub airtime_s: f64,
    /// Each picture on its device [s].
    pub device_s: f64,
    pub devices: u32,
}

impl Default for Station {
    fn default() -> Self {
        Self {
            arrival_rate_hz: 15.0,
            prompts: 1000,
            zipf_exponent: 0.9,
            cache_entries: 100,
            service_s: 0.1,
            squared_cv: 0.5,
            airtime_s: 0.004096,
            device_s: 0.5,
            devices: 100,
        }
    }
}

impl Station {
    /// The same as a scenario of latentlink: five shared steps, five of the device's own, latents of 8192 bits over QPSK.
    pub fn scenario(&self, requests: u64) -> String {
        let objects: Vec<String> = (1..=self.prompts).map(|number| format!("\"object {number}\"")).collect();
        format!(
            "[demand]\narrivals = {{ kind = \"poisson\", rate_hz = {} }}\nrequests = {requests}\n\
             prompts = {{ kind = \"list\", prompts = [{}] }}\nzipf_exponent = {}\n\
             [server]\nstep_time_s = {}\nstep_time_cv = {}\n\
             [cache]\ncapacity_entries = {}\nsteps = [5]\nthresholds = [0.99]\nsharing = \"everyone\"\n\
             [radio]\nbandwidth_hz = {}\nmodulation = \"qpsk\"\nefficiency = 1.0\nheader_bits = 0\nbit_error_probability = 0\n\
             [judge]\nkind = \"surface\"\nsimilarity = 0.5\n\
             [[device]]\nname = \"phone\"\nprompt = \"object 1\"\ncount = {}\nstep_time_s = {}\n\
             [policy]\nt0 = 5\ntk = 5\n",
            self.arrival_rate_hz,
            objects.join(", "),
            self.zipf_exponent,
            self.service_s / 5.0,
            self.squared_cv.sqrt(),
            self.cache_entries,
            8192.0 / (2.0 * self.airtime_s),
            self.devices,
            self.device_s / 5.0,
        )
    }
}

impl fmt::Display for Station {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "M/G/1 with cache: {} requests/s, {} prompts with Zipf exponent {}, LRU of {}, service {} s (cv² {}), airtime {} s, \
             {} devices of {} s",
            self.arrival_rate_hz,
            self.prompts,
            self.zipf_exponent,
            self.cache_entries,
            self.service_s,
            self.squared_cv,
            self.airtime_s,
            self.devices,
            self.device_s
        )
    }
}
