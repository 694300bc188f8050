//! Vision tower and projector, as they are fed by the three families:
//!
//! ```text
//!  LLaVA       pixel_values [b, 3, h, w]                                                ─► image_features [b, features, hidden]
//!  SmolVLM     pixel_values [1, tiles, 3, s, s], pixel_attention_mask [1, tiles, s, s]  ─► [tiles, features, hidden]
//!  Qwen2-VL    pixel_values [patches, values], image_grid_thw (or grid_thw) [1, 3]      ─► [features, hidden]
//! ```
//!
//! The first takes several pictures in a call, the others one: a picture is a batch already.

use std::path::Path;

use ndarray::{Array, Array2, Array3, Array4, ArrayD, ArrayView, Axis, CowArray, Dimension, IxDyn};
use ort::session::SessionInputValue;
use ort::value::{Tensor, TensorElementType};

use crate::onnx::pack_error::PackError;
use crate::onnx::picture_preprocessing::{PictureLayout, PicturePixels, PicturePreprocessing};
use crate::onnx::session::{FloatInput, FloatOutput, ModelSession, NumberType, TensorDeclaration, number_tensor};

/// As the files of Qwen2-VL have it that transformers.js reads.
const OLDER_GRID: &str = "grid_thw";

#[derive(Debug)]
pub(super) struct VisionEncoder {
    session: ModelSession,
    pixels: FloatInput,
    companion: Companion,
    declared: TensorDeclaration,
    features: FloatOutput,
    /// Of a model that takes whole pictures.
    one_at_a_time: bool,
}

/// What goes in beside the pixels.
#[derive(Debug)]
enum Companion {
    None,
    /// Which pixels of a tile are the picture's: all.
    PixelMask(Option<MaskInput>),
    /// Frames, patches in a column, patches in a row.
    Grid {
        name: String,
        number_type: NumberType,
    },
}

/// `pixel_attention_mask`, of truth values or of numbers.
#[derive(Debug)]
struct MaskInput {
    name: String,
    /// `None`: of truth values.
    number_type: Option<NumberType>,
}

impl VisionEncoder {
    /// `made_by`: the file that says how pictures become pixels.
    pub fn new(
        session: ModelSession,
        hidden: Option<usize>,
        preprocessing: &PicturePreprocessing,
        made_by: &Path,
    ) -> Result<Self, PackError> {
        let pixels = match preprocessing.layout([1, 1]) {
            PictureLayout::Whole => session.sole_input("pixel_values")?,
            PictureLayout::Tiles { .. } | PictureLayout::Patches { .. } => session.input("pixel_values")?,
        };
        let size = preprocessing.size().map_or([None; 2], |size| size.map(Some));
        let one_at_a_time = pixels.shape.first() == Some(&Some(1));
        let companion = Self::companion(&session, &pixels, size, preprocessing).map_err(|error| {
            error.advising(|| {
                let settings = preprocessing.settings_of_size();
                format!(
                    "take {} and the model from one repository: they are of different families or sizes ({settings})",
                    made_by.display()
                )
            })
        })?;
        let features = session.output("image_features")?;
        let declared_hidden = features.shape.last().copied().flatten();
        let rank_fits = matches!(features.shape.len(), 2 | 3);
        if !rank_fits || matches!((declared_hidden, hidden), (Some(ours), Some(theirs)) if ours != theirs) {
            return Err(
                features.unfit(format!("[batch, image tokens, {}], as wide as a token's embedding", length(hidden)))
            );
        }
        Ok(Self {
            pixels: FloatInput::new(&pixels)?,
            companion,
            declared: features.clone(),
            features: FloatOutput::new(features)?,
            one_at_a_time,
            session,
        })
    }

    /// Checks that the model takes what the preprocessing makes.
    fn companion(
        session: &ModelSession,
        pixels: &TensorDeclaration,
        [height, width]: [Option<usize>; 2],
        preprocessing: &PicturePreprocessing,
    ) -> Result<Companion, PackError> {
        const MADE_SO: &str = "as preprocessor_config.json makes pictures";
        match preprocessing.layout([1, 1]) {
            PictureLayout::Whole => {
                let layout = format!("[batch, 3, {}, {}], {MADE_SO}", length(height), length(width));
                any_first(pixels).require_shape(&layout, &[None, Some(3), height, width])?;
                session.require_no_input_but(&[pixels])?;
                Ok(Companion::None)
            }
            PictureLayout::Tiles { .. } => {
                let layout = format!("[batch, tiles, 3, {}, {}], {MADE_SO}", length(height), length(width));
                any_first(pixels).require_shape(&layout, &[None, None, Some(3), height, width])?;
                let name = "pixel_attention_mask";
                let mask = session.has_input(name).then(|| session.input(name)).transpose()?;
                let fed: Vec<_> = [pixels].into_iter().chain(&mask).collect();
                session.require_no_input_but(&fed)?;
                let input = |declared: TensorDeclaration| {
                    let number_type = match declared.element_type {
                        TensorElementType::Bool => None,
                        _ => Some(declared.number_type()?),
                    };
                    Ok::<_, PackError>(MaskInput { name: declared.name, number_type })
                };
                Ok(Companion::PixelMask(mask.map(input).transpose()?))
            }
            PictureLayout::Patches { .. } => {
                let values = preprocessing.patch_values();
                let layout = format!("[patches, {}], {MADE_SO}", length(values));
                pixels.require_shape(&layout, &[None, values])?;
                let name = if session.has_input(OLDER_GRID) { OLDER_GRID } else { "image_grid_thw" };
                let grid = session.input(name)?;
                session.require_no_input_but(&[pixels, &grid])?;
                Ok(Companion::Grid { number_type: grid.number_type()?, name: grid.name })
            }
        }
    }

    /// Features of one whole picture, where the model declares their number.
    pub fn declared_features(&self) -> Option<usize> {
        match self.declared.shape.as_slice() {
            [_, features, _] => *features,
            _ => None,
        }
    }

    /// The features [features, hidden] of each picture.
    pub fn features(&mut self, pictures: &[PicturePixels]) -> Result<Vec<Array2<f32>>, PackError> {
        let at_once = match self.companion {
            Companion::None if !self.one_at_a_time => pictures.len().max(1),
            _ => 1,
        };
        let mut features = Vec::with_capacity(pictures.len());
        for pictures in pictures.chunks(at_once) {
            match pictures {
                [PicturePixels::Tiles(tiles)] => features.push(self.of_tiles(tiles)?),
                [PicturePixels::Patches { patches, grid }] => features.push(self.of_patches(patches, *grid)?),
                whole => features.extend(self.of_whole(&whole.iter().filter_map(one_picture).collect::<Vec<_>>())?),
            }
        }
        Ok(features)
    }

    fn of_whole(&mut self, pictures: &[&Array3<f32>]) -> Result<Vec<Array2<f32>>, PackError> {
        let Some(first) = pictures.first() else {
            return Ok(Vec::new());
        };
        let (batch, (channels, height, width)) = (pictures.len(), first.dim());
        let mut pixels = Array4::zeros((batch, channels, height, width));
        for (mut place, picture) in pixels.outer_iter_mut().zip(pictures) {
            place.assign(picture);
        }
        let features = self.run(batch, pixels.view(), None)?;
        // [b, features, hidden], or [b · features, hidden] from newer exporters.
        let rows = features.nrows();
        if !rows.is_multiple_of(batch) {
            return Err(self.declared.unfit(format!("image tokens for each of {batch} pictures")));
        }
        Ok(features.axis_chunks_iter(Axis(0), rows / batch).map(|own| own.to_owned()).collect())
    }

    fn of_tiles(&mut self, tiles: &Array4<f32>) -> Result<Array2<f32>, PackError> {
        let (count, _, height, width) = tiles.dim();
        let Companion::PixelMask(mask) = &self.companion else {
            return Err(self.declared.unfit("made from whole pictures or patches, not from tiles"));
        };
        let shape = [1, count, height, width];
        let mask = mask.as_ref().map(|MaskInput { name, number_type }| {
            let values = shape.iter().product();
            let tensor = match number_type {
                None => Tensor::from_array((shape, vec![true; values])).map(Into::into),
                Some(number_type) => number_tensor(*number_type, &shape, std::iter::repeat_n(1.0, values)),
            };
            (name.clone(), tensor)
        });
        let pixels = tiles.view().insert_axis(Axis(0));
        self.run(count, pixels, mask)
    }

    fn of_patches(&mut self, patches: &Array2<f32>, grid: [usize; 2]) -> Result<Array2<f32>, PackError> {
        let Companion::Grid { name, number_type } = &self.companion else {
            return Err(self.declared.unfit("made from whole pictures or tiles, not from patches"));
        };
        let sizes = [1, grid[0], grid[1]].map(|length| length as f64);
        let grid = (name.clone(), number_tensor(*number_type, &[1, 3], sizes.into_iter()));
        self.run(patches.nrows(), patches.view(), Some(grid))
    }

    /// One call; the features of all that went in, [features, hidden].
    fn run<D: Dimension>(
        &mut self,
        batch: usize,
        pixels: ArrayView<'_, f32, D>,
        beside: Option<(String, ort::Result<SessionInputValue<'_>>)>,
    ) -> Result<Array2<f32>, PackError> {
        let pixels = CowArray::from(pixels);
        let pixels = pixels.as_standard_layout();
        let mut inputs = vec![self.pixels.feed(&pixels)];
        let (name, beside) = beside.unzip();
        inputs.extend(name.as_deref().zip(beside));
        let outputs = self.session.run(batch, inputs)?;
        let features: ArrayD<f32> = self.features.read::<IxDyn>(&outputs, &[])?;
        let hidden = *features.shape().last().unwrap_or(&0);
        let rows = features.len().checked_div(hidden).unwrap_or(0);
        if rows == 0 {
            return Err(self.declared.unfit("image tokens"));
        }
        Ok(Array::from_iter(features)
            .into_shape_with_order((rows, hidden))
            .expect("as many values as the shape asks for"))
    }
}

fn one_picture(pixels: &PicturePixels) -> Option<&Array3<f32>> {
    match pixels {
        PicturePixels::Whole(picture) => Some(picture),
        PicturePixels::Tiles(_) | PicturePixels::Patches { .. } => None,
    }
}

fn any_first(declared: &TensorDeclaration) -> TensorDeclaration {
    let mut any = declared.clone();
    if let Some(first @ Some(1)) = any.shape.first_mut() {
        *first = None;
    }
    any
}

fn length(length: Option<usize>) -> String {
    length.map_or("any".into(), |length| length.to_string())
}
