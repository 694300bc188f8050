//! A page as SVG 1.1 elements, for print and for editing: lines stay lines, text stays text.

use std::fmt::Write;

use plotters::style::RGBColor;

use super::operation::{OUTLINE, Operation, PIXEL, rows};
use crate::picture::encode_rgb8_png;
use crate::report::durable_file::ReportError;
use crate::report::page_format::PageScale;
use crate::report::text_look::TextLook;

/// A whole SVG file.
///
/// # Errors
/// [`ReportError::Picture`].
pub(super) fn document(
    operations: &[Operation],
    (width, height): (f64, f64),
    scale: &PageScale,
    provenance: &[(&str, &str)],
) -> Result<String, ReportError> {
    let mut svg = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let (width, height) = (number(width), number(height));
    add(
        &mut svg,
        format_args!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" xmlns:xlink=\"http://www.w3.org/1999/xlink\" version=\"1.1\" \
             width=\"{}mm\" height=\"{}mm\" viewBox=\"0 0 {width} {height}\" font-family=\"DejaVu Sans, sans-serif\">",
            number(scale.width_mm),
            number(scale.height_mm)
        ),
    );
    for (_, title) in provenance.iter().filter(|(keyword, _)| *keyword == "Title") {
        add(&mut svg, format_args!("<title>{}</title>", escaped(title)));
    }
    let rest: Vec<String> = provenance
        .iter()
        .filter(|(keyword, _)| *keyword != "Title")
        .map(|(keyword, text)| format!("{}: {}", escaped(keyword), escaped(text)))
        .collect();
    if !rest.is_empty() {
        add(&mut svg, format_args!("<desc>{}</desc>", rest.join("\n")));
    }
    add(&mut svg, format_args!("<rect width=\"{width}\" height=\"{height}\" fill=\"#ffffff\"/>"));
    for operation in operations {
        add_element(&mut svg, operation)?;
    }
    svg.push_str("</svg>\n");
    Ok(svg)
}

fn add(svg: &mut String, element: std::fmt::Arguments<'_>) {
    writeln!(svg, "{element}").expect("writing into a string never fails");
}

fn add_element(svg: &mut String, operation: &Operation) -> Result<(), ReportError> {
    match operation {
        Operation::Fill { corners: [left, top, right, bottom], colour } => {
            if right > left && bottom > top {
                let (x, y, width, height) = (number(*left), number(*top), number(right - left), number(bottom - top));
                // Without smoothing, rectangles that share a side show no seam.
                add(
                    svg,
                    format_args!(
                        "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" fill=\"{}\" \
                         shape-rendering=\"crispEdges\"/>",
                        hex(*colour)
                    ),
                );
            }
        }
        Operation::Outline { corners: [left, top, right, bottom], colour } => {
            let inset = OUTLINE / 2.0;
            add(
                svg,
                format_args!(
                    "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"{}\"/>",
                    number(left + inset),
                    number(top + inset),
                    number((right - left - OUTLINE).max(0.0)),
                    number((bottom - top - OUTLINE).max(0.0)),
                    hex(*colour),
                    number(OUTLINE)
                ),
            );
        }
        Operation::Path { points, colour, width } => add(
            svg,
            format_args!(
                "<polyline points=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"{}\" stroke-linejoin=\"round\"/>",
                list(points),
                hex(*colour),
                number(*width)
            ),
        ),
        Operation::Polygon { corners, colour, opacity } => add(
            svg,
            format_args!(
                "<polygon points=\"{}\" fill=\"{}\"{} fill-rule=\"evenodd\"/>",
                list(corners),
                hex(*colour),
                fill_opacity(*opacity)
            ),
        ),
        Operation::Disc { centre, radius, colour, opacity } => {
            let (circle, opacity) = (circle(*centre, *radius), fill_opacity(*opacity));
            add(svg, format_args!("<circle {circle} fill=\"{}\"{opacity}/>", hex(*colour)));
        }
        Operation::Ring { centre, radius, colour, width } => add(
            svg,
            format_args!(
                "<circle {} fill=\"none\" stroke=\"{}\" stroke-width=\"{}\"/>",
                circle(*centre, *radius),
                hex(*colour),
                number(*width)
            ),
        ),
        Operation::Text { text, start, upwards, look } => add_text(svg, text, *start, *upwards, *look),
        Operation::Picture { rgb8, width, corner } => add_picture(svg, rgb8, *width, *corner)?,
    }
    Ok(())
}

/// The width is part of the element, so that it holds with a typeface that stands in for ours.
fn add_text(svg: &mut String, text: &str, (x, y): (f64, f64), upwards: bool, look: TextLook) {
    let turn = if upwards { format!(" transform=\"rotate(-90 {} {})\"", number(x), number(y)) } else { String::new() };
    let weight = if look.bold { " font-weight=\"bold\"" } else { "" };
    add(
        svg,
        format_args!(
            "<text x=\"{}\" y=\"{}\" font-size=\"{}\"{weight} fill=\"{}\" textLength=\"{}\" \
             lengthAdjust=\"spacingAndGlyphs\" xml:space=\"preserve\"{turn}>{}</text>",
            number(x),
            number(y),
            number(look.size),
            hex(look.colour),
            number(look.width(text)),
            escaped(text)
        ),
    );
}

fn add_picture(svg: &mut String, rgb8: &[u8], width: usize, (x, y): (f64, f64)) -> Result<(), ReportError> {
    let height = rows(rgb8, width);
    let png = encode_rgb8_png(width, height, rgb8, None, &[])?;
    add(
        svg,
        format_args!(
            "<image x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" preserveAspectRatio=\"none\" \
             style=\"image-rendering: pixelated\" xlink:href=\"data:image/png;base64,{}\"/>",
            number(x),
            number(y),
            number(width as f64 * PIXEL),
            number(height as f64 * PIXEL),
            base64::encode(&png)
        ),
    );
    Ok(())
}

fn circle((x, y): (f64, f64), radius: f64) -> String {
    format!("cx=\"{}\" cy=\"{}\" r=\"{}\"", number(x), number(y), number(radius))
}

fn fill_opacity(opacity: f64) -> String {
    if opacity < 1.0 { format!(" fill-opacity=\"{}\"", number(opacity)) } else { String::new() }
}

fn list(points: &[(f64, f64)]) -> String {
    let points: Vec<String> = points.iter().map(|&(x, y)| format!("{},{}", number(x), number(y))).collect();
    points.join(" ")
}

fn hex(RGBColor(red, green, blue): RGBColor) -> String {
    format!("#{red:02x}{green:02x}{blue:02x}")
}

/// At most three decimals, which is a third of a micrometre in print.
fn number(value: f64) -> String {
    let fixed = format!("{value:.3}");
    match fixed.trim_end_matches('0').trim_end_matches('.') {
        "-0" => "0".to_owned(),
        short => short.to_owned(),
    }
}

/// Text as XML 1.0 can hold it: what means something there is named, and what it forbids is replaced.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\t' | '\n' | '\r' => escaped.push(' '),
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            other => escaped.push(other),
        }
    }
    escaped
}
