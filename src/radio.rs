//! The radio link: from transmit power to the probability that a bit of the latent flips.
//!
//! ```text
//!  P [W] ──► path loss ──► fading h ──► SNR per symbol ──► modulation ──► bit error probability
//!            (38.901)      (F, …)       P·G·h / N           (Gray)         instantaneous or averaged over h
//!                            ▲              ▲                                         │
//!                     gain in time    noise rise of           protection ◄────────────┘
//!                 (fading process)    other cells      repetition, coding, HARQ: residual errors, delay, energy
//! ```
//!
//! Everything here is a pure function of its arguments; draws take the caller's random stream.
//! The signal-to-noise ratio is always **per symbol** (E_s/N_0), linear unless a name ends in `_db`.

pub mod airtime;
pub mod average_bep;
pub mod fading;
pub mod fading_process;
pub mod finite_blocklength;
pub mod interference;
pub mod link_budget;
pub mod modulation;
pub mod multi_hop;
pub mod path_loss;
pub mod protection;
pub mod special_functions;

pub use airtime::{airtime_s, energy_per_watt_j};
pub use average_bep::average_bit_error_probability;
pub use fading::{Fading, FadingError, FisherSnedecorConvention};
pub use fading_process::{FadingProcess, LinkFading};
pub use interference::noise_rise_at_load_db;
pub use link_budget::{
    LinkBudget, RequiredSnrError, db_to_linear, linear_to_db, outage_probability, required_mean_snr,
};
pub use modulation::{GaussianTerm, Modulation};
pub use multi_hop::multi_hop_bit_error_probability;
pub use path_loss::{LinkGeometry, PathLoss};
pub use protection::{AirInterface, ChannelState, Payload, ProtectedTransmission, Protection};
