//! What the language model reads in a picture's place: its features, among the tokens that stand between them.

use ndarray::{Array2, ArrayView2, Axis, concatenate};

use super::JudgeModels;
use crate::onnx::judge_pack::JudgePack;
use crate::onnx::pack_error::PackError;

/// A picture as the language model reads it.
#[derive(Debug)]
pub struct PictureRows {
    /// [tokens, hidden]
    pub rows: Array2<f32>,
    /// Rows and columns, where its tokens lie on a grid.
    pub grid: Option<[usize; 2]>,
}

impl JudgeModels {
    /// `features` of a picture of `size`, height and width, in their places; `whole` is the number of features of one that
    /// is not cut.
    ///
    /// # Errors
    /// [`PackError::Config`] or [`PackError::UnfitTensor`] where there are more or fewer places than features, or the features
    /// are not as wide as an embedded token.
    pub fn picture_rows(
        &mut self,
        pack: &JudgePack,
        size: [usize; 2],
        features: Array2<f32>,
        whole: usize,
    ) -> Result<PictureRows, PackError> {
        let place = pack.picture_place(size, whole)?;
        let is_feature = |id: &&i64| **id == pack.image_token();
        let places = place.ids.iter().filter(is_feature).count();
        if places != features.nrows() {
            return Err(pack.misfit_of_features(size, places, features.nrows()));
        }
        if places == place.ids.len() {
            return Ok(PictureRows { rows: features, grid: place.grid });
        }
        let mut rows = self.embed(&place.ids)?;
        if rows.ncols() != features.ncols() {
            let found = format!("width {}, not {}", features.ncols(), rows.ncols());
            return Err(pack.unfit_features(AS_WIDE.into(), found));
        }
        let places = rows.outer_iter_mut().zip(&place.ids).filter(|(_, id)| is_feature(id));
        for ((mut row, _), features) in places.zip(features.outer_iter()) {
            row.assign(&features);
        }
        Ok(PictureRows { rows, grid: place.grid })
    }
}

const AS_WIDE: &str = "as wide as an embedded token";

/// A picture between the tokens around it. The models declare one width, or none at all.
///
/// # Errors
/// [`PackError::UnfitTensor`] where the parts differ in width.
pub fn joined(pack: &JudgePack, parts: &[ArrayView2<'_, f32>]) -> Result<Array2<f32>, PackError> {
    concatenate(Axis(0), parts).map_err(|_| {
        let widths: Vec<_> = parts.iter().map(|part| part.ncols()).collect();
        pack.unfit_features(AS_WIDE.into(), format!("widths {widths:?}"))
    })
}
