//! How text on a figure looks, how wide it gets, and where it breaks.

use plotters::style::RGBColor;

use super::canvas::{FAINT_INK, INK};
use super::fonts;

/// How a text looks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TextLook {
    /// Height of the em square [points].
    pub size: f64,
    pub bold: bool,
    pub colour: RGBColor,
}

/// Ordinary text of `size` points.
pub fn plain(size: f64) -> TextLook {
    TextLook { size, bold: false, colour: INK }
}

/// Bold text of `size` points.
pub fn bold(size: f64) -> TextLook {
    TextLook { bold: true, ..plain(size) }
}

/// Text of `size` points that stands back.
pub fn faint(size: f64) -> TextLook {
    TextLook { colour: FAINT_INK, ..plain(size) }
}

impl TextLook {
    /// Width of one line of text [points].
    pub fn width(self, text: &str) -> f64 {
        f64::from(fonts::line_width(text, self.size as f32, self.bold))
    }

    /// Distance of two baselines [points].
    pub fn line_height(self) -> f64 {
        1.3 * self.size
    }

    /// Breaks text into lines of at most `width` points where there is a space; a longer word keeps its line. Line breaks
    /// in the text stay; no-break spaces do not break, and blanks at the end of a line are dropped.
    pub fn wrap(self, text: &str, width: f64) -> Vec<String> {
        let mut lines = Vec::new();
        for paragraph in text.lines() {
            let mut line = String::new();
            for word in paragraph.split(' ').filter(|word| !word.is_empty()) {
                let longer = if line.is_empty() { word.to_owned() } else { format!("{line} {word}") };
                if line.is_empty() || self.width(&longer) <= width {
                    line = longer;
                } else {
                    lines.push(std::mem::replace(&mut line, word.to_owned()).trim_end().to_owned());
                }
            }
            lines.push(line.trim_end().to_owned());
        }
        lines
    }
}

/// The width of the widest line [points].
pub fn widest<'a>(lines: impl Iterator<Item = &'a String>, look: TextLook) -> f64 {
    lines.map(|line| look.width(line)).fold(0.0, f64::max)
}
