//! From a picture to what a vision tower takes, after `preprocessor_config.json`, on 8-bit RGB pictures as transformers
//! does it:
//!
//! ```text
//!  CLIP, SigLIP (LLaVA)       one picture [3, h, w]                                     whole.rs
//!  Idefics3, SmolVLM          tiles of it [n, 3, s, s], the whole picture as the last   tiles.rs
//!  Qwen2-VL, Qwen2.5-VL       patches of it [n, 3 · 2 · p · p], in merged squares       patches.rs
//! ```

mod config_reader;
mod patches;
pub mod resampling;
mod tiles;
mod values;
mod whole;

use std::path::Path;

use ndarray::{Array2, Array3, Array4, ArrayViewD};
use serde_json::Value;

use self::config_reader::ConfigReader;
use self::patches::PicturePatches;
use self::tiles::PictureTiles;
use self::whole::WholePicture;
use super::pack_error::PackError;
use crate::picture::Picture;

/// The steps from a picture to a vision tower's input.
#[derive(Debug, Clone, PartialEq)]
pub struct PicturePreprocessing(Way);

#[derive(Debug, Clone, PartialEq)]
enum Way {
    Whole(WholePicture),
    Tiles(PictureTiles),
    Patches(PicturePatches),
}

/// What a picture of a given size becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PictureLayout {
    /// One picture.
    Whole,
    /// Tiles in rows and columns, then the whole picture as one more. No rows and columns: the whole picture alone.
    Tiles { rows: usize, columns: usize },
    /// Squares of patches that the model merges into one row of features each, in rows and columns.
    Patches { rows: usize, columns: usize },
}

/// What a vision tower is fed.
#[derive(Debug, Clone, PartialEq)]
pub enum PicturePixels {
    /// [3, height, width]
    Whole(Array3<f32>),
    /// [tiles, 3, side, side]
    Tiles(Array4<f32>),
    Patches {
        /// [patches, channels · frames · side · side], square by square
        patches: Array2<f32>,
        /// Patches in a column and in a row.
        grid: [usize; 2],
    },
}

impl PicturePixels {
    /// All of them, whatever they are.
    pub fn values(&self) -> ArrayViewD<'_, f32> {
        match self {
            Self::Whole(picture) => picture.view().into_dyn(),
            Self::Tiles(tiles) => tiles.view().into_dyn(),
            Self::Patches { patches, .. } => patches.view().into_dyn(),
        }
    }
}

impl PicturePreprocessing {
    /// From the contents `config` of `preprocessor_config.json`, which is `file` in messages.
    ///
    /// # Errors
    /// [`PackError::Config`] for a processor, a filter or a size that isn't understood.
    pub fn from_config(file: &Path, config: &Value) -> Result<Self, PackError> {
        let reader = ConfigReader { file, config };
        let named = ["image_processor_type", "feature_extractor_type"].into_iter().find(|key| !config[*key].is_null());
        let kind = match named {
            None => None,
            Some(key) => Some(config[key].as_str().ok_or_else(|| reader.wrong(key, "the name of a class"))?),
        };
        let way = match kind {
            None => Way::Whole(WholePicture::clip(reader)?),
            Some(kind) if kind.starts_with("CLIP") => Way::Whole(WholePicture::clip(reader)?),
            Some(kind) if kind.starts_with("Siglip") => Way::Whole(WholePicture::siglip(reader)?),
            Some(kind) if kind.starts_with("Idefics3") || kind.starts_with("SmolVLM") => {
                Way::Tiles(PictureTiles::new(reader)?)
            }
            Some(kind) if kind.starts_with("Qwen2VL") => Way::Patches(PicturePatches::new(reader)?),
            Some(_) => {
                let known = "CLIPImageProcessor, SiglipImageProcessor, Idefics3ImageProcessor, SmolVLMImageProcessor or \
                             Qwen2VLImageProcessor";
                return Err(reader.wrong("image_processor_type", known));
            }
        };
        Ok(Self(way))
    }

    /// Height and width of every picture or tile, where they don't depend on the picture.
    pub fn size(&self) -> Option<[usize; 2]> {
        match &self.0 {
            Way::Whole(whole) => whole.size(),
            Way::Tiles(tiles) => Some([tiles.side(); 2]),
            Way::Patches(_) => None,
        }
    }

    /// Values of one patch, where pictures become patches.
    pub fn patch_values(&self) -> Option<usize> {
        match &self.0 {
            Way::Patches(patches) => Some(patches.patch_values()),
            Way::Whole(_) | Way::Tiles(_) => None,
        }
    }

    /// The settings on which the sizes of pixels, tiles or patches depend, for messages.
    pub(super) fn settings_of_size(&self) -> &'static str {
        match &self.0 {
            Way::Whole(_) => "`size` and `crop_size`",
            Way::Tiles(_) => "`max_image_size`, the side of a tile,",
            Way::Patches(_) => "`patch_size`, `temporal_patch_size` and `merge_size`",
        }
    }

    /// The settings that make fewer tokens of a picture, for messages; none where their number is fixed.
    pub fn settings_of_tokens(&self) -> Option<&'static str> {
        match &self.0 {
            Way::Whole(_) => None,
            Way::Tiles(_) => Some("set `\"do_image_splitting\": false` or a smaller `size`"),
            Way::Patches(_) => Some("lower `max_pixels` and, if it is above that, `min_pixels`"),
        }
    }

    /// Patches along a side of the square that becomes one row of features, where pictures become patches.
    pub(super) fn merge_size(&self) -> Option<usize> {
        match &self.0 {
            Way::Patches(patches) => Some(patches.merge_size()),
            Way::Whole(_) | Way::Tiles(_) => None,
        }
    }

    /// What a picture of `height` × `width` becomes.
    pub fn layout(&self, size: [usize; 2]) -> PictureLayout {
        match &self.0 {
            Way::Whole(_) => PictureLayout::Whole,
            Way::Tiles(tiles) => {
                let [rows, columns] = tiles.rows_and_columns(size);
                PictureLayout::Tiles { rows, columns }
            }
            Way::Patches(patches) => {
                let [rows, columns] = patches.squares(size);
                PictureLayout::Patches { rows, columns }
            }
        }
    }

    /// What the vision tower is fed of `picture`, which is taken with 8 bits a channel, as a PNG file would hold it.
    pub fn pixels(&self, picture: &Picture) -> PicturePixels {
        match &self.0 {
            Way::Whole(whole) => PicturePixels::Whole(whole.pixels(picture)),
            Way::Tiles(tiles) => PicturePixels::Tiles(tiles.pixels(picture)),
            Way::Patches(patches) => {
                let (patches, grid) = patches.pixels(picture);
                PicturePixels::Patches { patches, grid }
            }
        }
    }
}
