//! Figures: labels people read, pictures that are there pixel by pixel, nothing cut off, and the table behind each.

use crate::pixels::Pixels;
use latentlink::picture::Picture;
use latentlink::report::axis_label::{NumberStyle, axis_title, number_label, tick_label, tick_labels};
use latentlink::report::axis_scale::round_ticks;
use latentlink::report::image_grid::{Axis, ImageGrid, Tile, TileContent};
use latentlink::report::ledger_bars::{LedgerBar, LedgerBars, LedgerGroup};
use latentlink::report::line_plot::{Intervals, LinePlot, NumberAxis, Point, Series};
use latentlink::report::{Cell, Column, PageFormat, ReportError, Table};

const RED: [u8; 3] = [255, 0, 0];

fn red_picture(side: usize) -> Picture {
    Picture::new(side, side, [1.0, 0.0, 0.0].repeat(side * side)).unwrap()
}

fn tile(column: usize, row: usize, content: TileContent) -> Tile {
    Tile { column, row, content, caption: "SSIM 0.87".to_owned(), numbers: vec![0.87.into()] }
}

fn axis(title: &str, labels: &[&str]) -> Axis {
    Axis { title: title.to_owned(), labels: labels.iter().map(|label| (*label).to_owned()).collect() }
}

fn grid(columns: usize, rows: usize) -> ImageGrid {
    let labels = |count: usize| (0..count).map(|at| format!("{at}.25 MHz")).collect();
    let places = (0..rows).flat_map(|row| (0..columns).map(move |column| (column, row)));
    ImageGrid {
        title: "A title that is longer than a grid of one column is wide, and more".to_owned(),
        x: Axis { title: "bandwidth of the downlink".to_owned(), labels: labels(columns) },
        y: Axis { title: "device".to_owned(), labels: labels(rows) },
        tiles: places.map(|(column, row)| tile(column, row, TileContent::Picture(red_picture(64)))).collect(),
        numbers: vec![Column::new("ssim", "SSIM against the error-free picture")],
        footer: "study quickstart · seed 41 · pack emoji-ldm · n = 1 · SSIM against the error-free picture".to_owned(),
    }
}

#[test]
fn of_paths_on_an_axis_stands_what_tells_them_apart() {
    let labels = |values: &[&str]| {
        tick_labels("policy.file", &values.iter().map(|value| (*value).to_owned()).collect::<Vec<String>>())
    };
    let actor = |seed: u32| format!("\"results/train/actors/point-0000_seed-00{seed}/actor.onnx\"");
    assert_eq!(labels(&[&actor(0), &actor(1)]), ["point-0000_seed-000", "point-0000_seed-001"]);
    assert_eq!(labels(&["\"a/b/x.onnx\"", "\"a/y.onnx\""]), ["b/x.onnx", "y.onnx"]);
    // one value, a path that is the beginning of another, and words that are no paths stay whole
    assert_eq!(labels(&["\"a/x.onnx\""]), ["a/x.onnx"]);
    assert_eq!(labels(&["\"a/b\"", "\"a/b/c\""]), ["a/b", "a/b/c"]);
    assert_eq!(labels(&["\"restart\"", "\"send\""]), ["restart", "send"]);
}

#[test]
fn values_of_scenario_fields_are_written_as_people_write_them() {
    for (field, value, expected) in [
        ("radio.bit_error_probability", "0.005", "0.5 %"),
        ("radio.bit_error_probability", "0.10", "10 %"),
        ("radio.bandwidth_hz", "5e6", "5 MHz"),
        ("radio.bandwidth_hz", "10_000_000", "10 MHz"),
        ("radio.carrier_hz", "3.5e9", "3.5 GHz"),
        ("device.distance_m", "1200.0", "1200 m"),
        ("server.step_time_s", "0.05", "50 ms"),
        ("policy.tx_power_dbw", "-3", "−3 dBW"),
        ("policy.t0", "4", "4"),
        ("diffusion.codec", "\"int8-gray\"", "int8-gray"),
        ("cache.enabled", "true", "on"),
        ("cache.enabled", "false", "off"),
        ("fault[0].rate_hz", "0.002", "2 mHz"),
        ("radio.protection", "{ kind = \"arq\" }", "arq"),
        ("radio.fading", "{ kind = \"rician\", k_db = 3.0 }", "rician, k 3 dB"),
    ] {
        assert_eq!(tick_label(field, value), expected, "{field} = {value}");
    }
    assert_eq!(axis_title("radio.bit_error_probability"), "bit error probability");
    assert_eq!(axis_title("radio.bandwidth_hz"), "bandwidth");
    assert_eq!(axis_title("policy.t0"), "steps on the server, t₀");
    assert_eq!(axis_title("policy.tk[device-2]"), "steps on the device, tₖ (device-2)");
    assert_eq!(axis_title("device.phone.distance_m"), "distance (phone)");
    assert_eq!(axis_title("fault[1].rate_hz"), "rate (fault 1)");
    assert_eq!(axis_title("architecture.kind"), "architecture");
    assert_eq!(axis_title("cache.enabled"), "cache");
    assert_eq!(axis_title("demand.arrivals.rate_hz"), "arrival rate");
    assert_eq!(axis_title("policy.tx_power_dbw"), "transmit power");
    assert_eq!(number_label(0.1 + 0.2, NumberStyle::Plain), "0.3");
}

#[test]
fn round_ticks_hold_the_data_between_their_ends() {
    assert_eq!(round_ticks(0.0, 35.64, 6), [0.0, 10.0, 20.0, 30.0, 40.0]);
    assert_eq!(round_ticks(0.0, 40.0, 4), [0.0, 10.0, 20.0, 30.0, 40.0]);
    assert_eq!(round_ticks(-3.0, 3.0, 6), [-3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0]);
    let around_one_number = round_ticks(7.0, 7.0, 5);
    assert!(around_one_number[0] < 7.0 && *around_one_number.last().unwrap() > 7.0);
}

#[test]
fn every_picture_of_a_grid_is_shown_whole_at_the_size_for_its_number_of_columns() {
    // 64 pixels become 128, 96 or 64 points of two pixels.
    for (columns, rows, shown) in [(1, 1, 256), (3, 2, 256), (8, 1, 256), (10, 2, 192), (24, 3, 128)] {
        let pixels = Pixels::of_canvas(&grid(columns, rows).draw().unwrap());
        assert_eq!(pixels.count(RED), columns * rows * shown * shown, "{columns} × {rows}");
        assert!(pixels.has_white_edge(16), "{columns} × {rows}");
    }
}

#[test]
fn large_pictures_keep_their_own_pixels() {
    let mut large = grid(1, 1);
    large.tiles = vec![tile(0, 0, TileContent::Picture(red_picture(512)))];
    assert_eq!(Pixels::of_canvas(&large.draw().unwrap()).count(RED), 512 * 512);
}

#[test]
fn failed_and_missing_pictures_are_drawn_as_such_and_told_in_the_table() {
    let mut three = grid(3, 1);
    three.x = axis("bit error probability", &["0.5 %", "3 %", "15 %"]);
    three.y = axis("", &[""]);
    three.tiles.remove(1);
    let failed = TileContent::Failed { reason: "NaN latent".to_owned() };
    three.tiles[1] = Tile { caption: String::new(), numbers: vec![Cell::Blank], ..tile(2, 0, failed) };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("figures/fig.08");
    three.write(&path, &PageFormat::default()).unwrap();
    let png = std::fs::read(folder.path().join("figures/fig.08.png")).unwrap();
    let pixels = Pixels::of(&png);
    assert_eq!(pixels.count(RED), 256 * 256);
    // The gray tile lacks its frame, its cross and the plate's letters.
    let gray = pixels.count([238; 3]);
    assert!((50_000..256 * 256).contains(&gray), "{gray}");
    assert_eq!(
        std::fs::read_to_string(folder.path().join("figures/fig.08.csv")).unwrap(),
        "row,column,y,x,state,failure,caption,ssim\n\
         0,0,,0.5 %,picture,,SSIM 0.87,0.87\n\
         0,1,,3 %,missing,,,\n\
         0,2,,15 %,failed,NaN latent,,\n"
    );
    three.write(&path, &PageFormat::default()).unwrap();
    assert_eq!(std::fs::read(folder.path().join("figures/fig.08.png")).unwrap(), png, "same bytes again");
}

#[test]
fn a_grid_refuses_tiles_outside_of_it_and_on_top_of_each_other() {
    let mut outside = grid(2, 2);
    outside.tiles.push(tile(2, 0, TileContent::Picture(red_picture(64))));
    assert!(matches!(outside.draw(), Err(ReportError::Figure { .. })));
    let mut doubled = grid(2, 2);
    doubled.tiles.push(tile(1, 1, TileContent::Picture(red_picture(64))));
    assert!(matches!(doubled.table(), Err(ReportError::Figure { .. })));
    assert!(matches!(grid(0, 3).draw(), Err(ReportError::Figure { .. })));
}

fn bars(device_compute_j: f64) -> LedgerBars {
    let bar = LedgerBar {
        label: "split".to_owned(),
        server_compute_j: 20.0,
        server_radio_j: 10.0,
        device_compute_j,
        device_radio_j: 0.0,
        budget_j: Some(40.0),
    };
    LedgerBars {
        title: "Energy".to_owned(),
        groups: vec![LedgerGroup { label: "t₀ = 4".to_owned(), bars: vec![bar] }],
        footer: String::new(),
    }
}

#[test]
fn bars_are_as_long_as_their_energies() {
    let pixels = Pixels::of_canvas(&bars(5.0).draw().unwrap());
    // The axis ends at 40 J after 840 pixels; bars are 30 high; swatches of the legend are 20 × 20. The axis line
    // covers one pixel column of the first part.
    let expected = |energy_j: usize| energy_j * 21 * 30 + 400;
    assert_eq!(pixels.count([0, 90, 150]), expected(20) - 30);
    assert_eq!(pixels.count([120, 190, 235]), expected(10));
    assert_eq!(pixels.count([205, 85, 0]), expected(5));
    assert_eq!(pixels.count([245, 190, 110]), 400);
    assert!(pixels.has_white_edge(16));
    assert!(matches!(bars(-1.0).draw(), Err(ReportError::Figure { .. })));
    assert_eq!(
        bars(5.0).table().unwrap().to_csv(),
        "group,bar,server_compute_j,server_radio_j,device_compute_j,device_radio_j,budget_j\n\
         t₀ = 4,split,20.0,10.0,5.0,0.0,40.0\n"
    );
}

#[test]
fn a_line_plot_drawn_again_from_its_table_is_the_same_figure() {
    let points = |slope: f64| {
        let at = |x: f64| {
            let mean = 1.0 - slope * x;
            Point {
                x,
                y: (x != 0.06).then_some(mean),
                low_95: Some(mean - 0.1 * x),
                high_95: Some(mean + 0.2 * x),
                n: 8,
            }
        };
        [0.005, 0.03, 0.06, 0.1, 0.15].map(at).to_vec()
    };
    let numbers =
        |name: &str, title: &str, style| NumberAxis { name: name.into(), title: title.into(), style, log: false };
    let plot = LinePlot {
        title: "SSIM".to_owned(),
        x: numbers("bit_error_probability", "bit error probability", NumberStyle::Percent),
        y: numbers("ssim", "SSIM against the error-free picture", NumberStyle::Plain),
        series: vec![
            Series { name: "t₀ = 2".to_owned(), points: points(2.0) },
            Series { name: "t₀ = 4".to_owned(), points: points(4.0) },
        ],
        intervals: Intervals::Bars,
        reference_lines: Vec::new(),
        footer: "n = 8".to_owned(),
    };
    let folder = tempfile::tempdir().unwrap();
    plot.write(&folder.path().join("lines"), &PageFormat::default()).unwrap();
    let table = Table::read_csv(&folder.path().join("lines.csv")).unwrap();
    assert_eq!(table.rows().len(), 10);
    let again = LinePlot { series: LinePlot::series_from_table(&table).unwrap(), ..plot.clone() };
    assert_eq!(again, plot);
    again.write(&folder.path().join("again"), &PageFormat::default()).unwrap();
    let bytes = |name: &str| std::fs::read(folder.path().join(name)).unwrap();
    assert_eq!(bytes("again.png"), bytes("lines.png"));
    let pixels = Pixels::of(&bytes("lines.png"));
    assert!(pixels.has_white_edge(16));
    assert!(pixels.count([0, 114, 178]) > 1000 && pixels.count([213, 94, 0]) > 1000);
    let empty = LinePlot { series: Vec::new(), ..plot };
    assert!(matches!(empty.draw(), Err(ReportError::Figure { .. })));
}
