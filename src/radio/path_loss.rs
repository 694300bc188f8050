//! Distance-dependent loss: 3GPP TR 38.901 UMa and UMi, log-distance, or a fixed gain.

use std::ops::RangeInclusive;

/// Where the two ends of a link stand.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LinkGeometry {
    /// Ground distance between base station and device [m].
    pub distance_m: f64,
    /// Carrier frequency [Hz].
    pub carrier_hz: f64,
    /// Antenna height of the base station [m].
    pub base_station_height_m: f64,
    /// Antenna height of the device [m].
    pub device_height_m: f64,
}

impl LinkGeometry {
    /// Distance between the antennas, d_3D [m] (TR 38.901, Figure 7.4.1-1).
    pub fn antenna_distance_m(&self) -> f64 {
        self.distance_m.hypot(self.base_station_height_m - self.device_height_m)
    }

    /// Breakpoint distance d'_BP = 4·h'_BS·h'_UT·f_c/c [m] (TR 38.901, Table 7.4.1-1, Note 1).
    ///
    /// The effective environment height is 1 m: always so for UMi, and for UMa below 13 m of device height, where the
    /// line-of-sight probability's C(d, h_UT) is zero. An antenna below that height has its breakpoint at 0.
    pub fn breakpoint_distance_m(&self) -> f64 {
        /// h_E [m].
        const ENVIRONMENT_HEIGHT_M: f64 = 1.0;
        /// The standard's own value, not 299,792,458.
        const SPEED_OF_LIGHT_M_PER_S: f64 = 3.0e8;
        let effective = |height: f64| (height - ENVIRONMENT_HEIGHT_M).max(0.0);
        4.0 * effective(self.base_station_height_m) * effective(self.device_height_m) * self.carrier_hz
            / SPEED_OF_LIGHT_M_PER_S
    }
}

/// A path loss model.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum PathLoss {
    /// Urban macro, line of sight (TR 38.901, Table 7.4.1-1).
    UmaLos,
    /// Urban macro, no line of sight.
    UmaNlos,
    /// Urban micro street canyon, line of sight.
    UmiLos,
    /// Urban micro street canyon, no line of sight.
    UmiNlos,
    /// `reference_loss_db + 10·exponent·log10(d / reference_distance_m)`.
    LogDistance { exponent: f64, reference_distance_m: f64, reference_loss_db: f64 },
    /// A gain that does not depend on distance [dB] (negative for a loss).
    FixedGain { gain_db: f64 },
}

impl PathLoss {
    /// Loss of the link [dB], without any shadowing.
    ///
    /// TR 38.901 puts d_3D, the distance between the antennas, into its logarithms; `geometry.distance_m` is d_2D, along the
    /// ground. The reference losses of `spec` 2 (3.5 GHz, UMa without line of sight: 139.89 dB at 901 m, 140.88 dB at 955 m) are
    /// those of d_3D = 901 m and 955 m. The same figures taken as ground distances, with antennas at 25 m and 1.5 m, give
    /// 0.006 and 0.005 dB more. Log-distance uses the ground distance.
    pub fn loss_db(&self, geometry: &LinkGeometry) -> f64 {
        let carrier_log = (geometry.carrier_hz / 1e9).log10();
        let distance_log = geometry.antenna_distance_m().log10();
        let above_reference_m = geometry.device_height_m - 1.5;
        match *self {
            Self::UmaLos => line_of_sight_db(geometry, 28.0, 22.0, 9.0),
            Self::UmaNlos => {
                let loss = 13.54 + 39.08 * distance_log + 20.0 * carrier_log - 0.6 * above_reference_m;
                loss.max(Self::UmaLos.loss_db(geometry))
            }
            Self::UmiLos => line_of_sight_db(geometry, 32.4, 21.0, 9.5),
            Self::UmiNlos => {
                let loss = 22.4 + 35.3 * distance_log + 21.3 * carrier_log - 0.3 * above_reference_m;
                loss.max(Self::UmiLos.loss_db(geometry))
            }
            Self::LogDistance { exponent, reference_distance_m, reference_loss_db } => {
                reference_loss_db + 10.0 * exponent * (geometry.distance_m / reference_distance_m).log10()
            }
            Self::FixedGain { gain_db } => -gain_db,
        }
    }

    /// Ground distances for which the model was made [m]; `None` where it sets no bounds.
    ///
    /// Outside, [`PathLoss::loss_db`] extrapolates: worth a warning.
    pub fn validity_m(&self) -> Option<RangeInclusive<f64>> {
        match self {
            Self::UmaLos | Self::UmaNlos | Self::UmiLos | Self::UmiNlos => Some(10.0..=5000.0),
            Self::LogDistance { .. } | Self::FixedGain { .. } => None,
        }
    }
}

/// Two slopes that meet at the breakpoint: PL_1 with `near_slope_db` per decade before it, PL_2 with 40 dB after it.
fn line_of_sight_db(geometry: &LinkGeometry, intercept_db: f64, near_slope_db: f64, breakpoint_slope_db: f64) -> f64 {
    let distance_log = geometry.antenna_distance_m().log10();
    let at_one_metre_db = intercept_db + 20.0 * (geometry.carrier_hz / 1e9).log10();
    let breakpoint_m = geometry.breakpoint_distance_m();
    if geometry.distance_m <= breakpoint_m {
        return at_one_metre_db + near_slope_db * distance_log;
    }
    let height_difference_m = geometry.base_station_height_m - geometry.device_height_m;
    at_one_metre_db + 40.0 * distance_log
        - breakpoint_slope_db * (breakpoint_m * breakpoint_m + height_difference_m * height_difference_m).log10()
}
