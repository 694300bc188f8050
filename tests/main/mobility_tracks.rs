//! Files of tracks: what is read, and what is said of one that is wrong.

use std::sync::Arc;

use latentlink::mobility::read_tracks;
use latentlink::scenario::TrackPoint;
use latentlink::timed_rows::TraceError;

fn read(text: &str) -> Result<Arc<[Vec<TrackPoint>]>, TraceError> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("tracks.csv");
    std::fs::write(&path, text).expect("a file in it");
    read_tracks(&path, &|name| ["bus", "car", "tram"].iter().position(|known| *known == name).map(|at| at as u32), 3)
}

#[test]
fn rows_of_several_devices_may_be_mixed() {
    let tracks = read("device,time_s,x_m,y_m\ncar,5,1,2\nbus,0,-10,0.5\ncar,7.5,3,-4e2\nbus,1,0,0\n")
        .unwrap_or_else(|error| panic!("{error}"));
    let point = |time_s, x_m, y_m| TrackPoint { time_s, x_m, y_m };
    assert_eq!(tracks[0], [point(0.0, -10.0, 0.5), point(1.0, 0.0, 0.0)]);
    assert_eq!(tracks[1], [point(5.0, 1.0, 2.0), point(7.5, 3.0, -400.0)]);
    assert!(tracks[2].is_empty() && tracks.len() == 3);
}

#[test]
fn a_file_that_is_wrong_is_refused_with_the_line() {
    let rows = |rows: &str| format!("device,time_s,x_m,y_m\nbus,1,0,0\n{rows}\n");
    for (text, said) in [
        (String::new(), "has no rows"),
        ("device,time_s,x_m,y_m\n".to_owned(), "has no rows"),
        ("device,time_s,x_m\nbus,0,0\n".to_owned(), ":1: 0 columns are called `y_m`"),
        (rows("bus,2,0"), ":3: this row has 3 values, expected 4"),
        (rows("bus,2,,0"), ":3: `x_m` is blank"),
        (rows(",2,0,0"), ":3: `device` is blank"),
        (rows("bus,2,0,NaN"), ":3: `y_m` is `NaN`, expected a finite number"),
        (rows("bus,-2,0,0"), ":3: `time_s` is `-2`, expected a finite number of seconds ≥ 0"),
        (rows("boat,2,0,0"), ":3: there is no device `boat`"),
        (rows("car,0,0,0\nbus,0.5,0,0"), ":4: time 0.5 s of this device is not after 1 s of an earlier row"),
        (rows("bus,1,5,5"), ":3: time 1 s of this device is not after 1 s of an earlier row"),
    ] {
        let error = read(&text).expect_err(said);
        assert!(error.to_string().contains(said), "{error}\nlacks {said}");
    }
}
