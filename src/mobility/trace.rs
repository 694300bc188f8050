//! Tracks that somebody wrote down: a CSV file with the columns `device`, `time_s`, `x_m` and `y_m`.
//!
//! The rows of one device are in the order of time; those of different devices may be mixed.

use std::path::Path;
use std::sync::Arc;

use crate::scenario::TrackPoint;
use crate::timed_rows::{TimedRows, TraceError};

const HEADER: &str = "device,time_s,x_m,y_m";

/// The tracks of a file, by device; empty for devices that are not in it. `device` knows the number of a device, below
/// `device_count`, by its name.
///
/// # Errors
/// [`TraceError`] for the first thing that is wrong.
pub fn read_tracks(
    path: &Path,
    device: &dyn Fn(&str) -> Option<u32>,
    device_count: usize,
) -> Result<Arc<[Vec<TrackPoint>]>, TraceError> {
    let mut file = TimedRows::open(path, HEADER)?;
    let [device_column, time, x, y] =
        [file.column("device")?, file.column("time_s")?, file.column("x_m")?, file.column("y_m")?];
    let mut tracks = vec![Vec::<TrackPoint>::new(); device_count];
    let mut is_empty = true;
    while file.advance()? {
        let track = &mut tracks[file.device(device_column, device)? as usize];
        let point = TrackPoint { time_s: file.time_s(time)?, x_m: file.number(x)?, y_m: file.number(y)? };
        if let Some(before) = track.last()
            && point.time_s <= before.time_s
        {
            return Err(file.unsorted(point.time_s, before.time_s, "of this device is not after"));
        }
        track.push(point);
        is_empty = false;
    }
    if is_empty {
        return Err(file.no_rows());
    }
    Ok(tracks.into())
}
