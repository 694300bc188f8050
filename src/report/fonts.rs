//! The typeface of all figures: DejaVu Sans, built into the program, so that figures need no system fonts and look the
//! same on every machine.

use std::sync::LazyLock;

use ab_glyph::{Font, FontRef, Glyph, PxScale, ScaleFont, point};

/// DejaVu Sans, normal or bold.
fn face(bold: bool) -> &'static FontRef<'static> {
    static NORMAL: LazyLock<FontRef<'static>> = LazyLock::new(|| read(dejavu::sans::regular()));
    static BOLD: LazyLock<FontRef<'static>> = LazyLock::new(|| read(dejavu::sans::bold()));
    if bold { &BOLD } else { &NORMAL }
}

fn read(bytes: &'static [u8]) -> FontRef<'static> {
    FontRef::try_from_slice(bytes).expect("the built-in faces of DejaVu Sans are valid TrueType")
}

/// The glyphs of one line set from (0, 0) on along the baseline, and the width of the line. `em` is the height of the em
/// square; all in pixels.
fn set_line(text: &str, em: f32, bold: bool) -> (Vec<Glyph>, f32) {
    let face = face(bold);
    // ab_glyph sizes a font by ascent plus descent, which is 1.164 em here.
    let units_per_em = face.units_per_em().unwrap_or(2048.0);
    let scale = PxScale::from(em * face.height_unscaled() / units_per_em);
    let scaled = face.as_scaled(scale);
    let (mut glyphs, mut caret, mut previous) = (Vec::new(), 0.0, None);
    for character in text.chars() {
        let id = scaled.glyph_id(character);
        if let Some(previous) = previous {
            caret += scaled.kern(previous, id);
        }
        glyphs.push(id.with_scale_and_position(scale, point(caret, 0.0)));
        caret += scaled.h_advance(id);
        previous = Some(id);
    }
    (glyphs, caret)
}

/// Width of one line [pixels].
pub(super) fn line_width(text: &str, em: f32, bold: bool) -> f32 {
    set_line(text, em, bold).1
}

/// Rasterises one line: calls `cover` with pixel column and row against the beginning of the baseline (rows above it are
/// negative) and the part of the pixel that is covered.
pub(super) fn rasterise_line(text: &str, em: f32, bold: bool, mut cover: impl FnMut(i32, i32, f32)) {
    for glyph in set_line(text, em, bold).0 {
        if let Some(outline) = face(bold).outline_glyph(glyph) {
            let corner = outline.px_bounds().min;
            outline.draw(|column, row, coverage| {
                cover(corner.x as i32 + column as i32, corner.y as i32 + row as i32, coverage);
            });
        }
    }
}
