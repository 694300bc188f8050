//! What is said where the vision encoder's features do not fit their places, or a picture the context: the setting at
//! fault, and the file that it stands in.

use super::{CONFIG_FILE, JudgePack, PREPROCESSOR_FILE, PROCESSOR_FILE};
use crate::onnx::pack_error::PackError;
use crate::onnx::picture_preprocessing::PictureLayout;

impl JudgePack {
    /// The error for a picture of `size`, height and width, which has `places` for features, and becomes `features`.
    pub(in crate::onnx) fn misfit_of_features(&self, size: [usize; 2], places: usize, features: usize) -> PackError {
        let [height, width] = size;
        let encoder = &self.files.vision_encoder;
        let config = |file: &str, key: &str, expected: String, found: String| PackError::Config {
            file: self.root.join(file),
            key: key.into(),
            expected,
            found,
        };
        match self.preprocessing.layout(size) {
            PictureLayout::Tiles { rows, columns } if features.is_multiple_of(rows * columns + 1) => {
                let (of_tile, placed) = (features / (rows * columns + 1), places / (rows * columns + 1));
                match self.picture_tokens.tile_is_written() {
                    true => config(
                        PROCESSOR_FILE,
                        "image_seq_len",
                        format!("{of_tile}, as many features as {encoder} makes of a tile"),
                        placed.to_string(),
                    ),
                    false => config(
                        CONFIG_FILE,
                        "scale_factor",
                        format!(
                            "such that (vision_config.image_size / vision_config.patch_size / scale_factor)² is {of_tile}, as \
                             many features as {encoder} makes of a tile"
                        ),
                        format!("what makes it {placed}"),
                    ),
                }
            }
            PictureLayout::Patches { rows, columns } => {
                let merge = self.preprocessing.merge_size().unwrap_or(1);
                let patches = rows * columns * merge * merge;
                let merged = (patches as f64 / features as f64).sqrt();
                let expected = match merged.fract() == 0.0 {
                    true => format!("{merged}, as many patches in a row as {encoder} merges"),
                    false => format!("the number of patches in a row that {encoder} merges"),
                };
                config(PREPROCESSOR_FILE, "merge_size", expected, merge.to_string())
            }
            PictureLayout::Tiles { .. } | PictureLayout::Whole => self.unfit_features(
                format!("{places} rows for a picture of {height} × {width}"),
                format!("{features} rows"),
            ),
        }
    }

    /// The error for features that should be `expected`.
    pub(in crate::onnx) fn unfit_features(&self, expected: String, found: String) -> PackError {
        let file = self.root.join(&self.files.vision_encoder);
        let help = Some("take the three models and the configurations of the pack from one repository".into());
        PackError::UnfitTensor {
            file,
            tensor: "image_features".into(),
            expected: expected.into(),
            found: found.into(),
            help,
        }
    }

    /// The error for a picture that leaves no room for words.
    pub(in crate::onnx) fn picture_too_large(&self, tokens: usize, [height, width]: [usize; 2]) -> PackError {
        PackError::Unworkable {
            file: self.root.join(&self.files.decoder),
            fed: format!("a picture of {height} × {width} pixels, which becomes {tokens} tokens"),
            reason: format!(
                "it can hold {} tokens in all (`max_position_embeddings` in {})",
                self.context_tokens,
                self.root.join(CONFIG_FILE).display()
            ),
            help: self.smaller_pictures().unwrap_or_else(|| "use a pack with a longer context".into()),
        }
    }

    /// What makes fewer tokens of a picture, where anything does.
    pub fn smaller_pictures(&self) -> Option<String> {
        let settings = self.preprocessing.settings_of_tokens()?;
        Some(format!("for fewer tokens a picture, {settings} in {}", self.preprocessor_file().display()))
    }
}
