//! Heat maps: colours of known numbers, hatched gaps, a star on the highest cell, nothing cut off, and the table behind.

use crate::pixels::Pixels;
use crate::svg::{Element, elements_of, texts};
use latentlink::report::axis_label::NumberStyle;
use latentlink::report::colour_map::{readable_on, viridis};
use latentlink::report::heat_map::{ColourBar, ContourLine, HeatCell, HeatMap, HeatMark, HeatPanel};
use latentlink::report::image_grid::Axis;
use latentlink::report::{PageFormat, ReportError, Table};
use plotters::style::RGBColor;

fn levels(RGBColor(red, green, blue): RGBColor) -> [u8; 3] {
    [red, green, blue]
}

fn axis(title: &str, labels: &[&str]) -> Axis {
    Axis { title: title.to_owned(), labels: labels.iter().map(|label| (*label).to_owned()).collect() }
}

fn cell(column: usize, row: usize, value: Option<f64>) -> HeatCell {
    HeatCell { column, row, value, n: u64::from(value.is_some()), missing: u64::from(value.is_none()) }
}

/// Two columns, two rows: 0 and 1 below, 0.5 and nothing above.
fn map() -> HeatMap {
    HeatMap {
        title: "QoE".to_owned(),
        x: axis("bit error probability", &["0.5 %", "3 %"]),
        y: axis("steps on the device, tₖ", &["2", "8"]),
        colour: ColourBar { title: "quality of experience (QoE)".to_owned(), style: NumberStyle::Plain },
        panels: vec![vec![HeatPanel {
            title: String::new(),
            value: "qoe".to_owned(),
            cells: vec![cell(0, 0, Some(0.0)), cell(1, 0, Some(1.0)), cell(0, 1, Some(0.5)), cell(1, 1, None)],
            mark: None,
        }]],
        mark_maximum: false,
        contour: None,
        footer: "study quickstart · seed 41 · n = 1".to_owned(),
    }
}

#[test]
fn the_colours_are_those_of_matplotlib_to_one_level() {
    let mut rows = csv::Reader::from_path("tests/vectors/viridis_reference.csv").unwrap();
    let mut count = 0;
    for row in rows.deserialize() {
        let (level, red, green, blue): (u8, u8, u8, u8) = row.unwrap();
        let ours = levels(viridis(f64::from(level) / 255.0));
        for (ours, theirs) in ours.into_iter().zip([red, green, blue]) {
            assert!(ours.abs_diff(theirs) <= 1, "level {level}: {ours} for {theirs}");
        }
        count += 1;
    }
    assert_eq!(count, 256);
    assert_eq!((viridis(-3.0), viridis(7.0)), (viridis(0.0), viridis(1.0)));
}

#[test]
fn numbers_are_dark_on_light_cells_and_light_on_dark_ones() {
    assert_eq!(levels(readable_on(viridis(0.0))), [255; 3]);
    assert_eq!(levels(readable_on(viridis(1.0))), [34; 3]);
    assert_eq!(levels(readable_on(RGBColor(255, 255, 255))), [34; 3]);
}

#[test]
fn cells_have_the_colours_of_their_numbers_and_gaps_are_hatched() {
    let pixels = Pixels::of_canvas(&map().draw().unwrap());
    for value in [0.0, 0.5, 1.0] {
        let colour = levels(viridis(value));
        // A cell is 56 points wide, and as high as the long title of the colour bar needs: more than the 30 points, or
        // 6720 pixels of two a point, of other figures. A number and the frame cover some.
        let count = pixels.count(colour);
        assert!((12_000..18_000).contains(&count), "{value}: {count} pixels");
    }
    let gray = pixels.count([238; 3]);
    assert!((10_000..18_000).contains(&gray), "{gray} gray pixels");
    assert!(pixels.count([176; 3]) > 300, "lines of the hatching");
    assert!(pixels.has_white_edge(16));
}

#[test]
fn rows_grow_upwards() {
    let pixels = Pixels::of_canvas(&map().draw().unwrap());
    // The colour bar has all colours; the cells stand left of it.
    let first_row_of = |value: f64| {
        let colour = levels(viridis(value));
        pixels.rgb.iter().enumerate().position(|(at, pixel)| *pixel == colour && at % pixels.width < pixels.width / 2)
    };
    assert!(first_row_of(0.5).unwrap() < first_row_of(0.0).unwrap());
}

#[test]
fn the_highest_cell_gets_a_star_where_one_is_asked_for() {
    let plain = Pixels::of_canvas(&map().draw().unwrap());
    let marked = HeatMap { mark_maximum: true, ..map() };
    let with_star = Pixels::of_canvas(&marked.draw().unwrap());
    let yellow = levels(viridis(1.0));
    // A star of 6 points has an area of about 45 square points or 180 pixels, and a rim.
    let covered = plain.count(yellow) - with_star.count(yellow);
    assert!((150..900).contains(&covered), "{covered} pixels under the star");
    assert_eq!(plain.count(levels(viridis(0.0))), with_star.count(levels(viridis(0.0))));
}

#[test]
fn a_contour_line_runs_where_the_level_is_and_a_mark_stands_on_its_place() {
    let mut whole = map();
    whole.panels[0][0].cells[3].value = Some(1.5);
    whole.contour = Some(ContourLine { level: 0.75, label: "Q_th = 0.75".to_owned() });
    whole.panels[0][0].mark = Some(HeatMark { column: 0.75, row: 0.25, label: "chosen".to_owned() });
    let elements = elements_of(&whole.draw().unwrap());
    let all_points = |text: &str| -> Vec<(f64, f64)> {
        let pairs = text.split(' ').map(|point| point.split_once(',').unwrap());
        pairs.map(|(x, y)| (x.parse().unwrap(), y.parse().unwrap())).collect()
    };
    // The legend has lines of these colours too, and is drawn first.
    let drawn = |colour: &str| {
        let mut lines =
            elements.iter().filter(|element| element.name == "polyline" && element.attributes["stroke"] == colour);
        all_points(&lines.next_back().unwrap().attributes["points"])
    };
    // Cells of the plane x + y / 2, by their fills: 0 at the lower left.
    let centre = |value: f64| {
        let RGBColor(red, green, blue) = viridis(value / 1.5);
        let fill = format!("#{red:02x}{green:02x}{blue:02x}");
        // The bar of colours is narrower.
        let is_cell = |element: &&Element| {
            element.attributes.get("fill") == Some(&fill) && element.name == "rect" && element.number("width") > 20.0
        };
        let cell = elements.iter().find(is_cell).unwrap();
        (cell.number("x") + cell.number("width") / 2.0, cell.number("y") + cell.number("height") / 2.0)
    };
    let (lower_left, upper_right) = (centre(0.0), centre(1.5));
    let place = |column: f64, row: f64| {
        let (across, up) = (upper_right.0 - lower_left.0, upper_right.1 - lower_left.1);
        (lower_left.0 + column * across, lower_left.1 + row * up)
    };
    let near = |one: (f64, f64), other: (f64, f64)| (one.0 - other.0).hypot(one.1 - other.1) < 0.01;
    for colour in ["#ffffff", "#222222"] {
        let line = drawn(colour);
        let expected = [place(0.75, 0.0), place(0.25, 1.0)];
        assert!(near(line[0], expected[0]) && near(line[1], expected[1]), "{line:?} {expected:?}");
    }
    let mut red =
        elements.iter().filter(|element| element.attributes.get("fill").is_some_and(|fill| fill == "#d61820"));
    let top = all_points(&red.next_back().unwrap().attributes["points"])[0];
    assert!(near((top.0, top.1 + 6.0), place(0.75, 0.25)), "{top:?}");
    for text in ["Q_th = 0.75", "chosen"] {
        assert!(texts(&elements).contains(&text), "{text}");
    }
    assert!(Pixels::of_canvas(&whole.draw().unwrap()).has_white_edge(16));
}

#[test]
fn the_table_holds_every_cell_and_says_what_failed() {
    let folder = tempfile::tempdir().unwrap();
    map().write(&folder.path().join("figures/map"), &PageFormat::default()).unwrap();
    assert_eq!(
        std::fs::read_to_string(folder.path().join("figures/map.csv")).unwrap(),
        "panel,value,y,x,mean,n,missing\n\
         ,qoe,2,0.5 %,0.0,1,0\n\
         ,qoe,2,3 %,1.0,1,0\n\
         ,qoe,8,0.5 %,0.5,1,0\n\
         ,qoe,8,3 %,,0,1\n"
    );
    let png = std::fs::read(folder.path().join("figures/map.png")).unwrap();
    map().write(&folder.path().join("figures/map"), &PageFormat::default()).unwrap();
    assert_eq!(std::fs::read(folder.path().join("figures/map.png")).unwrap(), png, "same bytes again");
    assert_eq!(Table::read_csv(&folder.path().join("figures/map.csv")).unwrap().rows().len(), 4);
}

#[test]
fn nothing_is_cut_off_whatever_the_number_of_cells_and_panels() {
    for (columns, rows, panels) in [(1, 1, 1), (1, 9, 2), (6, 4, 3), (30, 20, 1), (100, 3, 2)] {
        let labels = |count: usize, unit: &str| (0..count).map(|at| format!("{at}.25 {unit}")).collect();
        let places = || (0..rows).flat_map(|row| (0..columns).map(move |column| (column, row)));
        let cells: Vec<HeatCell> =
            places().map(|(column, row)| cell(column, row, Some((column * row) as f64 * 0.0123))).collect();
        let panel = |at: usize| HeatPanel {
            title: format!("o0.10-c0.80-e0.70-a0.80-n0.10, t₀ = {at}"),
            value: "qoe".to_owned(),
            cells: cells.clone(),
            mark: None,
        };
        let map = HeatMap {
            title: "A title that is longer than a map of one cell is wide, and more".to_owned(),
            x: Axis { title: "bandwidth of the downlink".to_owned(), labels: labels(columns, "MHz") },
            y: Axis { title: "steps on the device, tₖ (device-2)".to_owned(), labels: labels(rows, "m") },
            panels: vec![(0..panels).map(panel).collect(); 2],
            mark_maximum: true,
            ..map()
        };
        assert!(Pixels::of_canvas(&map.draw().unwrap()).has_white_edge(16), "{columns} × {rows}, {panels} panels");
    }
}

#[test]
fn a_map_of_failures_alone_is_drawn_and_impossible_ones_are_refused() {
    let mut failed = map();
    failed.panels[0][0].cells.clear();
    assert!(Pixels::of_canvas(&failed.draw().unwrap()).count([238; 3]) > 12_000);
    let refused = |change: fn(&mut HeatMap)| {
        let mut bad = map();
        change(&mut bad);
        matches!(bad.draw(), Err(ReportError::Figure { .. }))
    };
    assert!(refused(|map| map.panels[0][0].cells.push(cell(0, 0, Some(0.3)))), "two cells at one place");
    assert!(refused(|map| map.panels[0][0].cells[0].column = 2), "a cell outside");
    assert!(refused(|map| map.panels[0][0].cells[0].value = Some(f64::NAN)), "not a number");
    assert!(refused(|map| map.x.labels.clear()), "no columns");
    let outside = |map: &mut HeatMap| {
        map.panels[0][0].mark = Some(HeatMark { column: 1.6, row: 0.0, label: String::new() });
    };
    assert!(refused(outside), "a mark outside");
    let no_level = |map: &mut HeatMap| map.contour = Some(ContourLine { level: f64::NAN, label: String::new() });
    assert!(refused(no_level), "a level that is not a number");
    assert!(refused(|map| map.panels.clear()), "no panels");
}
