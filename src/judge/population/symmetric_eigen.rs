//! Eigenvalues and eigenvectors of a small symmetric matrix, by Jacobi's rotations.

/// The eigenvalues, and the matrix whose column j is the eigenvector of the j-th.
///
/// A rotation is made only where an entry off the diagonal is not zero, so that a row without any stays exact.
pub(super) fn eigen_of_symmetric<const N: usize>(matrix: &[[f64; N]; N]) -> ([f64; N], [[f64; N]; N]) {
    let mut a = *matrix;
    let mut vectors = [[0.0; N]; N];
    for (index, row) in vectors.iter_mut().enumerate() {
        row[index] = 1.0;
    }
    // convergence is quadratic: a handful of sweeps does, and each ends where nothing is left to rotate
    for _ in 0..50 {
        let mut rotated = false;
        for p in 0..N {
            for q in p + 1..N {
                let negligible = f64::EPSILON * f64::EPSILON * (a[p][p] * a[q][q]).abs();
                if a[p][q] == 0.0 || a[p][q] * a[p][q] <= negligible {
                    continue;
                }
                rotated = true;
                rotate(&mut a, &mut vectors, p, q);
            }
        }
        if !rotated {
            break;
        }
    }
    (std::array::from_fn(|index| a[index][index]), vectors)
}

/// Turns the plane of axes `p` and `q` so that the entry (p, q) vanishes.
fn rotate<const N: usize>(a: &mut [[f64; N]; N], vectors: &mut [[f64; N]; N], p: usize, q: usize) {
    let theta = (a[q][q] - a[p][p]) / (2.0 * a[p][q]);
    let tangent = theta.signum() / (theta.abs() + theta.hypot(1.0));
    let cosine = 1.0 / tangent.hypot(1.0);
    let sine = tangent * cosine;
    for row in a.iter_mut() {
        (row[p], row[q]) = (cosine * row[p] - sine * row[q], sine * row[p] + cosine * row[q]);
    }
    let [row_p, row_q] = a.get_disjoint_mut([p, q]).expect("p and q are different rows of the matrix");
    for (x, y) in row_p.iter_mut().zip(row_q) {
        (*x, *y) = (cosine * *x - sine * *y, sine * *x + cosine * *y);
    }
    (a[p][q], a[q][p]) = (0.0, 0.0);
    for row in vectors.iter_mut() {
        (row[p], row[q]) = (cosine * row[p] - sine * row[q], sine * row[p] + cosine * row[q]);
    }
}
