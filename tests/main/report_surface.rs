//! Surfaces: where corners and marks stand, colours, holes, and the table behind.

use crate::pixels::Pixels;
use crate::svg::{elements_of, texts};
use latentlink::report::axis_label::NumberStyle;
use latentlink::report::surface::{SurfaceAxis, SurfaceMark, SurfacePanel, SurfacePlot};
use latentlink::report::{NumberAxis, PageFormat, ReportError};

fn axis(title: &str, values: &[f64]) -> SurfaceAxis {
    let labels = values.iter().map(|value| format!("{value} {title}")).collect();
    SurfaceAxis { title: title.to_owned(), values: values.to_vec(), labels }
}

fn figure() -> SurfacePlot {
    SurfacePlot {
        title: "QoE".to_owned(),
        x: axis("BEP", &[0.0, 0.05, 0.15]),
        y: axis("steps", &[2.0, 8.0]),
        z: NumberAxis { name: "qoe".to_owned(), title: "QoE".to_owned(), style: NumberStyle::Plain, log: false },
        panels: vec![SurfacePanel {
            title: "GA1".to_owned(),
            heights: vec![vec![Some(0.0), Some(0.25), Some(0.5)], vec![Some(0.5), Some(0.75), Some(1.0)]],
            mark: Some(SurfaceMark { x: 0.05, y: 8.0, z: 0.75, label: "chosen".to_owned() }),
        }],
        footer: "seed 41".to_owned(),
    }
}

const RED: &str = "#d61820";

#[test]
fn the_mark_stands_where_the_orthographic_view_puts_it() {
    let star = |mark: SurfaceMark| {
        let mut plot = figure();
        plot.panels[0].mark = Some(mark);
        let elements = elements_of(&plot.draw().unwrap());
        let red =
            elements.iter().find(|element| element.attributes.get("fill").is_some_and(|fill| fill == RED)).unwrap();
        // The first corner of a star is its top, 8 points above the centre.
        let top = red.attributes["points"].split(' ').next().unwrap().split_once(',').unwrap();
        (top.0.parse::<f64>().unwrap(), top.1.parse::<f64>().unwrap())
    };
    let at = |x: f64, y: f64, z: f64| star(SurfaceMark { x, y, z, label: "chosen".to_owned() });
    let origin = at(0.0, 2.0, 0.0);
    let moved = |to: (f64, f64)| (to.0 - origin.0, origin.1 - to.1);
    // Turned by 37.5°, seen from 30° above, floor of 260 points: right and up along each axis.
    let (turn, tilt) = (37.5_f64.to_radians(), 30_f64.to_radians());
    let expected = [
        (at(0.15, 2.0, 0.0), (260.0 * turn.cos(), -260.0 * turn.sin() * tilt.sin())),
        (at(0.0, 8.0, 0.0), (260.0 * turn.sin(), 260.0 * turn.cos() * tilt.sin())),
        (at(0.0, 2.0, 1.0), (0.0, 0.72 * 260.0 * tilt.cos())),
        (at(0.05, 2.0, 0.0), (260.0 / 3.0 * turn.cos(), -260.0 / 3.0 * turn.sin() * tilt.sin())),
    ];
    for (place, expected) in expected {
        let moved = moved(place);
        assert!((moved.0 - expected.0).abs() < 0.01 && (moved.1 - expected.1).abs() < 0.01, "{moved:?} {expected:?}");
    }
}

#[test]
fn all_labels_and_titles_are_there_and_nothing_is_cut_off() {
    for panels in [1, 3] {
        let mut plot = figure();
        plot.panels = vec![plot.panels[0].clone(); panels];
        let canvas = plot.draw().unwrap();
        let elements = elements_of(&canvas);
        let texts = texts(&elements);
        for text in ["0 BEP", "0.05 BEP", "0.15 BEP", "2 steps", "8 steps", "BEP", "steps", "QoE", "GA1", "chosen"] {
            assert!(texts.contains(&text), "{text}: {texts:?}");
        }
        assert!(Pixels::of_canvas(&canvas).has_white_edge(16), "{panels} panels");
    }
}

#[test]
fn a_missing_height_leaves_a_hole() {
    let tiles = |plot: &SurfacePlot| {
        let elements = elements_of(&plot.draw().unwrap());
        elements.iter().filter(|element| element.name == "polygon").count()
    };
    let whole = tiles(&figure());
    let mut with_hole = figure();
    with_hole.panels[0].heights[0][0] = None;
    // One of two faces became a triangle of one tile; the other keeps its own.
    let three_polygons_of_the_box_and_two_of_each_of_two_stars = 3 + 4;
    let of_faces = whole - three_polygons_of_the_box_and_two_of_each_of_two_stars;
    assert_eq!(tiles(&with_hole), whole - of_faces / 2 + 1);
    with_hole.panels[0].heights[1][1] = None;
    with_hole.panels[0].heights[0][1] = None;
    // Three lone points are dots.
    let elements = elements_of(&with_hole.draw().unwrap());
    assert_eq!(elements.iter().filter(|element| element.name == "circle").count(), 3);
}

#[test]
fn the_table_holds_every_height() {
    let folder = tempfile::tempdir().unwrap();
    let mut plot = figure();
    plot.panels[0].heights[1][2] = None;
    plot.write(&folder.path().join("surface"), &PageFormat::default()).unwrap();
    assert_eq!(
        std::fs::read_to_string(folder.path().join("surface.csv")).unwrap(),
        "panel,y,y_label,x,x_label,qoe\n\
         GA1,2.0,2 steps,0.0,0 BEP,0.0\n\
         GA1,2.0,2 steps,0.05,0.05 BEP,0.25\n\
         GA1,2.0,2 steps,0.15,0.15 BEP,0.5\n\
         GA1,8.0,8 steps,0.0,0 BEP,0.5\n\
         GA1,8.0,8 steps,0.05,0.05 BEP,0.75\n\
         GA1,8.0,8 steps,0.15,0.15 BEP,\n"
    );
}

#[test]
fn what_does_not_fit_the_axes_is_refused() {
    let refused = |change: fn(&mut SurfacePlot)| {
        let mut bad = figure();
        change(&mut bad);
        matches!(bad.draw(), Err(ReportError::Figure { .. }))
    };
    assert!(!refused(|_| ()));
    assert!(refused(|plot| plot.panels.clear()), "no panels");
    assert!(refused(|plot| plot.panels[0].heights[0][0] = Some(f64::NAN)), "not a number");
    assert!(refused(|plot| plot.panels[0].heights[1].truncate(2)), "a short row");
    assert!(refused(|plot| plot.x.values[1] = 0.2), "out of order");
    assert!(refused(|plot| plot.y.labels.truncate(1)), "a label is missing");
    assert!(refused(|plot| plot.panels[0].mark.as_mut().unwrap().x = 0.2), "a mark outside");
    assert!(refused(|plot| plot.z.log = true), "a logarithmic z axis");
}
