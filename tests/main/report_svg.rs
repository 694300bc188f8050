//! Figures as vectors: well-formed, with text as text, pictures pixel by pixel, and the same size as on paper.

use crate::svg::{elements, elements_of};
use latentlink::report::PageFormat;
use latentlink::report::canvas::{Align, Canvas, INK, PALETTE, bold, plain};

fn of_name(canvas: &Canvas, name: &str) -> Vec<crate::svg::Element> {
    elements_of(canvas).into_iter().filter(|element| element.name == name).collect()
}

#[test]
fn every_drawing_becomes_one_element_in_points() {
    let mut canvas = Canvas::new(200.0, 100.0);
    canvas.fill([10.0, 20.0, 40.0, 25.5], PALETTE[0]);
    canvas.outline([10.0, 20.0, 40.0, 25.5], INK);
    canvas.path(&[(0.0, 0.0), (50.0, 12.25)], PALETTE[1], 1.5);
    canvas.polygon(&[(0.0, 0.0), (5.0, 0.0), (0.0, 5.0)], INK);
    canvas.translucent_polygon(&[(0.0, 0.0), (5.0, 0.0), (0.0, 5.0)], INK, 0.25);
    canvas.disc((7.0, 8.0), 3.5, INK);
    canvas.ring((7.0, 8.0), 2.0, INK, 0.75);
    let all = elements_of(&canvas);
    let names: Vec<&str> = all.iter().map(|element| element.name.as_str()).collect();
    // The first rectangle is the page.
    let expected = ["svg", "rect", "rect", "rect", "polyline", "polygon", "polygon", "circle", "circle"];
    assert_eq!(names, expected);
    assert_eq!(all[0].attributes["viewBox"], "0 0 200 100");
    let sides = ["x", "y", "width", "height"].map(|side| all[2].number(side));
    assert_eq!(sides, [10.0, 20.0, 30.0, 5.5]);
    assert_eq!(all[2].attributes["fill"], "#0072b2");
    // The line of an outline is half a point wide, inside its corners.
    let sides = ["x", "y", "width", "height"].map(|side| all[3].number(side));
    assert_eq!(sides, [10.25, 20.25, 29.5, 5.0]);
    assert_eq!(all[4].attributes["points"], "0,0 50,12.25");
    assert_eq!(all[5].attributes.get("fill-opacity"), None);
    assert_eq!(all[6].number("fill-opacity"), 0.25);
    assert_eq!(all[8].number("stroke-width"), 0.75);
}

#[test]
fn text_stays_text_with_its_width_and_what_xml_forbids_does_no_harm() {
    let mut canvas = Canvas::new(200.0, 100.0);
    canvas.text("t₀ < 4 & \"x\"\u{1}", (100.0, 50.0), Align::Centre, bold(12.0));
    canvas.text_upwards("QoE", (20.0, 80.0), Align::Left, plain(10.0));
    canvas.text("", (20.0, 80.0), Align::Left, plain(10.0));
    let texts = of_name(&canvas, "text");
    assert_eq!(texts.len(), 2);
    assert_eq!(texts[0].text, "t₀ < 4 & \"x\"\u{fffd}");
    let width = texts[0].number("textLength");
    assert!((width - bold(12.0).width("t₀ < 4 & \"x\"\u{1}")).abs() < 1e-3);
    assert!((texts[0].number("x") + width / 2.0 - 100.0).abs() < 1e-3, "centred");
    assert_eq!(texts[0].attributes["font-weight"], "bold");
    assert_eq!(texts[1].attributes["transform"], "rotate(-90 20 80)");
    assert!(elements_of(&canvas)[0].attributes["font-family"].contains("DejaVu Sans"));
}

#[test]
fn pictures_are_embedded_pixel_by_pixel() {
    let rgb8: Vec<u8> = (0..3 * 5 * 4).map(|at| 4 * at).collect();
    let mut canvas = Canvas::new(60.0, 40.0);
    canvas.blit(&rgb8, 5, (10.0, 12.0));
    let image = &of_name(&canvas, "image")[0];
    // Half a point a pixel.
    assert_eq!(["x", "y", "width", "height"].map(|side| image.number(side)), [10.0, 12.0, 2.5, 2.0]);
    assert!(image.attributes["style"].contains("pixelated"));
    let data = image.attributes["xlink:href"].strip_prefix("data:image/png;base64,").unwrap();
    assert_eq!(crate::pixels::Pixels::of(&decoded(data)).rgb.concat(), rgb8);
}

/// Base64 after RFC 4648.
fn decoded(text: &str) -> Vec<u8> {
    const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bytes, mut bits, mut count) = (Vec::new(), 0u32, 0);
    for character in text.trim_end_matches('=').chars() {
        bits = bits << 6 | ALPHABET.find(character).unwrap() as u32;
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
            bits &= (1 << count) - 1;
        }
    }
    bytes
}

#[test]
fn the_file_says_its_printed_size_and_where_it_comes_from() {
    let canvas = Canvas::new(144.0, 72.0);
    let provenance = [("Title", "QoE & <cost>"), ("Software", "latentlink"), ("Comment", "seed 41")];
    let natural = canvas.to_svg(&PageFormat::default(), &provenance).unwrap();
    let all = elements(&natural);
    // Two inches by one.
    assert_eq!((all[0].number("width"), all[0].number("height")), (50.8, 25.4));
    assert_eq!((all[1].name.as_str(), all[1].text.as_str()), ("title", "QoE & <cost>"));
    assert_eq!((all[2].name.as_str(), all[2].text.as_str()), ("desc", "Software: latentlink\nComment: seed 41"));
    let column = PageFormat { dots_per_inch: 300.0, width_mm: Some(88.0) };
    let all = elements(&canvas.to_svg(&column, &[]).unwrap());
    assert_eq!((all[0].number("width"), all[0].number("height")), (88.0, 44.0));
    assert_eq!(all[0].attributes["viewBox"], "0 0 144 72");
    assert_eq!(canvas.to_svg(&PageFormat::default(), &provenance).unwrap(), natural, "same bytes again");
}
