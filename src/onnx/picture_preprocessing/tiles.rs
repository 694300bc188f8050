//! Tiles of a picture, as `Idefics3ImageProcessor` and `SmolVLMImageProcessor` make them:
//!
//! ```text
//! resize (longest edge) ─► resize to multiples of the tile's side ─► tiles, row by row
//!                                          └─► resize to one tile ─► the whole picture, last
//! ```
//!
//! A picture that is one tile already, or isn't to be split, becomes that one.

use ndarray::Array4;
use serde_json::Value;

use super::config_reader::{ConfigReader, pixels};
use super::resampling::{ResamplingFilter, resize_rgb8};
use super::values::{HALVES, ValueScaling};
use crate::onnx::pack_error::PackError;
use crate::picture::Picture;

/// What the processor takes where the file is silent.
const USUAL_SIDE_PX: usize = 364;
const USUAL_LONGEST_EDGE_PX: usize = 4 * USUAL_SIDE_PX;
/// `MAX_IMAGE_SIZE` of the processor.
const LONGEST_EDGE_PX: usize = 4096;

#[derive(Debug, Clone, PartialEq)]
pub(super) struct PictureTiles {
    resize: Option<TargetSize>,
    filter: ResamplingFilter,
    splits: bool,
    side: usize,
    values: ValueScaling,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TargetSize {
    LongestEdge(usize),
    /// Height and width.
    Exactly([usize; 2]),
}

impl PictureTiles {
    pub fn new(reader: ConfigReader<'_>) -> Result<Self, PackError> {
        let resize = match reader.flag("do_resize", true)? {
            true => Some(target_size(reader)?),
            false => None,
        };
        let side = match &reader.config["max_image_size"] {
            Value::Null => USUAL_SIDE_PX,
            size => pixels(&size["longest_edge"])
                .ok_or_else(|| reader.wrong("max_image_size", "{ longest_edge } in pixels, the side of a tile"))?,
        };
        Ok(Self {
            resize,
            filter: reader.filter(ResamplingFilter::Lanczos)?,
            splits: reader.flag("do_image_splitting", true)?,
            side,
            values: ValueScaling::new(reader, HALVES)?,
        })
    }

    /// Of a tile [pixels].
    pub fn side(&self) -> usize {
        self.side
    }

    /// Of the tiles before the whole picture; none where it isn't split.
    pub fn rows_and_columns(&self, size: [usize; 2]) -> [usize; 2] {
        let tiles = self.multiple_of_tiles(self.resized(size)).map(|length| length / self.side);
        if !self.splits || tiles == [1, 1] { [0, 0] } else { tiles }
    }

    /// [tiles, 3, side, side]
    pub fn pixels(&self, picture: &Picture) -> Array4<f32> {
        let mut size = [picture.height(), picture.width()];
        let mut rgb = picture.to_rgb8();
        let [rows, columns] = self.rows_and_columns(size);
        let resized = self.resized(size);
        rgb = resize_rgb8(&rgb, size, resized, self.filter);
        size = resized;
        if self.splits {
            let multiple = self.multiple_of_tiles(size);
            rgb = resize_rgb8(&rgb, size, multiple, self.filter);
            size = multiple;
        }
        // The processor hands its filter on to all resizing but this.
        let filter = if self.splits { ResamplingFilter::Lanczos } else { self.filter };
        let side = self.side;
        let whole = resize_rgb8(&rgb, size, [side, side], filter);
        let level = |tile: usize, channel: usize, row: usize, column: usize| match tile < rows * columns {
            true => {
                let (down, right) = (tile / columns * side + row, tile % columns * side + column);
                rgb[3 * (down * size[1] + right) + channel]
            }
            false => whole[3 * (row * side + column) + channel],
        };
        Array4::from_shape_fn((rows * columns + 1, 3, side, side), |(tile, channel, row, column)| {
            self.values.value(level(tile, channel, row, column), channel)
        })
    }

    /// The size after the first resizing.
    fn resized(&self, [height, width]: [usize; 2]) -> [usize; 2] {
        match self.resize {
            None => [height, width],
            Some(TargetSize::Exactly(size)) => size,
            Some(TargetSize::LongestEdge(edge)) => {
                let aspect_ratio = width as f64 / height as f64;
                // Cut to a whole number, then made even, as the processor does.
                let even = |length: f64| (length as usize).next_multiple_of(2).max(1);
                match width >= height {
                    true => [even(edge as f64 / aspect_ratio), edge],
                    false => [edge, even(edge as f64 * aspect_ratio)],
                }
            }
        }
    }

    /// The size after the second resizing: both sides are multiples of a tile's.
    fn multiple_of_tiles(&self, [height, width]: [usize; 2]) -> [usize; 2] {
        let aspect_ratio = width as f64 / height as f64;
        let up = |length: usize| length.next_multiple_of(self.side);
        match width >= height {
            true => {
                let width = up(width);
                [up((width as f64 / aspect_ratio) as usize).max(self.side), width]
            }
            false => {
                let height = up(height);
                [height, up((height as f64 * aspect_ratio) as usize).max(self.side)]
            }
        }
    }
}

fn target_size(reader: ConfigReader<'_>) -> Result<TargetSize, PackError> {
    let size = &reader.config["size"];
    if size.is_null() {
        return Ok(TargetSize::LongestEdge(USUAL_LONGEST_EDGE_PX));
    }
    let height_and_width = (pixels(&size["height"]), pixels(&size["width"]));
    match (pixels(&size["longest_edge"]).filter(|&edge| edge <= LONGEST_EDGE_PX), height_and_width) {
        (Some(edge), _) => Ok(TargetSize::LongestEdge(edge)),
        (None, (Some(height), Some(width))) => Ok(TargetSize::Exactly([height, width])),
        _ => Err(reader.wrong("size", "{ longest_edge } of at most 4096, or { height, width }, in pixels")),
    }
}
