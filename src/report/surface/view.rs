//! From space to the page: an orthographic view of a box, the floor turned by 37.5° and seen from 30° above.
//!
//! ```text
//!              far (0, 1)
//!             ╱         ╲
//!   (0, 0)  ╱             ╲  (1, 1)        x runs from the left corner to the near one,
//!            ╲           ╱                 y from the near corner to the right one.
//!              near (1, 0)
//! ```

/// Height of the box; its floor is 1 × 1.
const HEIGHT: f64 = 0.72;

/// A point in the box: x, y and z from 0 to 1.
pub(super) type Place = (f64, f64, f64);

/// Where the box stands on the page.
#[derive(Debug, Clone, Copy)]
pub(super) struct View {
    /// Side of the floor [points].
    pub(super) scale: f64,
    /// Of the left corner of the floor [points].
    pub(super) corner: (f64, f64),
}

/// Cosine and sine of the angle by which the floor is turned.
fn turn() -> (f64, f64) {
    let angle = 37.5_f64.to_radians();
    (angle.cos(), angle.sin())
}

/// Cosine and sine of the angle from above.
fn tilt() -> (f64, f64) {
    let angle = 30_f64.to_radians();
    (angle.cos(), angle.sin())
}

impl View {
    /// The place on the page [points].
    pub(super) fn project(&self, (x, y, z): Place) -> (f64, f64) {
        let ((turn_cos, turn_sin), (tilt_cos, tilt_sin)) = (turn(), tilt());
        let right = turn_cos * x + turn_sin * y;
        let up = tilt_sin * (turn_cos * y - turn_sin * x) + tilt_cos * HEIGHT * z;
        (self.corner.0 + self.scale * right, self.corner.1 - self.scale * up)
    }

    /// How far the box reaches above and below its left corner, and to the right [points].
    pub(super) fn extent(scale: f64) -> [f64; 3] {
        let view = View { scale, corner: (0.0, 0.0) };
        [-view.project((0.0, 1.0, 1.0)).1, view.project((1.0, 0.0, 0.0)).1, view.project((1.0, 1.0, 0.0)).0]
    }
}
