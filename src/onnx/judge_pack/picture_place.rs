//! The tokens that stand in the place of a picture: one for each row of its features, and in some families others between
//! them that say which part of the picture it is.
//!
//! ```text
//!  LLaVA          ▢ ▢ ▢ … ▢
//!  SmolVLM        ‹fake› ‹row_1_col_1› ▢ … ▢ ‹fake› ‹row_1_col_2› ▢ … ▢ \n   a row of tiles, and so on
//!                 \n ‹fake› ‹global-img› ▢ … ▢ ‹fake›                         the whole picture
//!  Qwen2-VL       ▢ ▢ ▢ … ▢                                                  on a grid of rows and columns
//! ```

use std::path::Path;

use serde_json::Value;

use super::{CONFIG_FILE, PROCESSOR_FILE};
use crate::onnx::pack::{positive, read_object_if_there};
use crate::onnx::pack_error::PackError;
use crate::onnx::picture_preprocessing::{PictureLayout, PicturePreprocessing};
use crate::onnx::tokenizer::JudgeTokenizer;

/// What stands before each part of a picture, and after the last (`Idefics3Processor`).
const BETWEEN_PARTS: &str = "<fake_token_around_image>";
const WHOLE_PICTURE: &str = "<global-img>";

/// Most features of one tile, far beyond any model.
const MOST_FEATURES: usize = 1 << 14;

/// The tokens in one picture's place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PicturePlace {
    /// With the picture's token where features go.
    pub ids: Vec<i64>,
    /// Rows and columns of the features, where their positions depend on it.
    pub grid: Option<[usize; 2]>,
}

/// How a pack writes the place of a picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PictureTokens {
    /// The id of the picture's token, and its text.
    token: i64,
    text: String,
    /// Features of one tile, where pictures become tiles.
    of_tile: Option<TileFeatures>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct TileFeatures {
    number: usize,
    /// Whether `processor_config.json` says so itself.
    is_written: bool,
}

impl PictureTokens {
    pub(super) fn new(
        root: &Path,
        (key, token): (&'static str, i64),
        config: &Value,
        preprocessing: &PicturePreprocessing,
        tokenizer: &JudgeTokenizer,
    ) -> Result<Self, PackError> {
        let text = tokenizer.picture_token_text(&root.join(CONFIG_FILE), key, token)?;
        let is_tiled = matches!(preprocessing.layout([1, 1]), PictureLayout::Tiles { .. });
        let of_tile = match is_tiled {
            true => {
                tokenizer.require_tokens(&[BETWEEN_PARTS, WHOLE_PICTURE, "<row_1_col_1>"])?;
                Some(features_of_tile(root, config)?)
            }
            false => None,
        };
        Ok(Self { token, text, of_tile })
    }

    pub(super) fn token(&self) -> i64 {
        self.token
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Whether `processor_config.json` says how many features a tile has.
    pub(super) fn tile_is_written(&self) -> bool {
        self.of_tile.is_some_and(|of_tile| of_tile.is_written)
    }

    /// The tokens in the place of a picture with this layout; `whole` is the number of features of one that is not cut.
    pub(super) fn place(
        &self,
        layout: PictureLayout,
        whole: usize,
        tokenizer: &JudgeTokenizer,
    ) -> Result<PicturePlace, PackError> {
        match layout {
            PictureLayout::Whole => Ok(PicturePlace { ids: vec![self.token; whole], grid: None }),
            PictureLayout::Patches { rows, columns } => {
                Ok(PicturePlace { ids: vec![self.token; rows * columns], grid: Some([rows, columns]) })
            }
            PictureLayout::Tiles { rows, columns } => {
                let features = self.text.repeat(self.of_tile.map_or(0, |of_tile| of_tile.number));
                let mut written = String::new();
                for row in 1..=rows {
                    for column in 1..=columns {
                        written += &format!("{BETWEEN_PARTS}<row_{row}_col_{column}>{features}");
                    }
                    written.push('\n');
                }
                if rows > 0 {
                    written.push('\n');
                }
                written += &format!("{BETWEEN_PARTS}{WHOLE_PICTURE}{features}{BETWEEN_PARTS}");
                Ok(PicturePlace { ids: tokenizer.encode_rest(&written)?, grid: None })
            }
        }
    }
}

/// `image_seq_len` of `processor_config.json`, else what the configuration of the model gives: patches along the side,
/// squared, over those that are shuffled into one.
fn features_of_tile(root: &Path, config: &Value) -> Result<TileFeatures, PackError> {
    let processor = read_object_if_there(&root.join(PROCESSOR_FILE))?;
    let written = &processor["image_seq_len"];
    let wrong = |expected: &str| PackError::config(&root.join(PROCESSOR_FILE), "image_seq_len", expected, written);
    if !written.is_null() {
        let features = positive(written).filter(|&features| features <= MOST_FEATURES);
        let features = features.ok_or_else(|| wrong("the number of tokens that a tile becomes, at most 16384"))?;
        return Ok(TileFeatures { number: features, is_written: true });
    }
    let vision = &config["vision_config"];
    let of_model = || {
        let (side, patch) = (positive(&vision["image_size"])?, positive(&vision["patch_size"])?);
        let patches = side.checked_div(patch)?.checked_pow(2)?;
        let merged = positive(&config["scale_factor"])?.checked_pow(2)?;
        patches.checked_div(merged).filter(|features| (1..=MOST_FEATURES).contains(features))
    };
    let of_model = of_model().map(|number| TileFeatures { number, is_written: false });
    of_model.ok_or_else(|| {
        wrong(
            "the number of tokens that a tile becomes, or vision_config.image_size, .patch_size and scale_factor in \
             config.json",
        )
    })
}
