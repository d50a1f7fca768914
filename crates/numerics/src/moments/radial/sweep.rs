//! The inner loop over all pairs of centres: `W_ij = m_i n_ij exp(e_ij)` with `e_ij = α_i + β_j + (T u_i)ᵀ v_j`, and the sums of it that moments and
//! derivatives need. It is nearly all the time that moments take.

use crate::dense::{LANES, vectorized};
use crate::exp_nonpositive;

/// Weights of pairs.
#[derive(Clone, Copy)]
pub(super) enum Weights<'a> {
    /// `m_i n_j`: one vector for the rows, one, padded, for the columns.
    Product(&'a [f64], &'a [f64]),
    /// A symmetric matrix `[N][padded]`, where both sides are the same function.
    Matrix(&'a [f64]),
}

/// What the loop reads.
pub(super) struct Pairs<'a> {
    /// `[N][D]`: T u.
    pub(super) turned: &'a [f64],
    /// `[N]` and `[padded]`: α and β.
    pub(super) offsets: [&'a [f64]; 2],
    /// `[group][D][8]`: v, zero in the padding.
    pub(super) packed: &'a [f64],
    pub(super) weights: Weights<'a>,
}

/// What it sums.
pub(super) struct Sums<'a> {
    /// `[N]`: `Σ_j n_ij exp(e_ij)`, without the row's own weight.
    pub(super) rows: &'a mut [f64],
    /// `[N][D]`: `Σ_j n_ij exp(e_ij) v_j`, without the row's own weight.
    pub(super) toward: &'a mut [f64],
    /// `[padded]`: `Σ_i m_i exp(e_ij)`, without the column's own weight; untouched for a matrix.
    pub(super) columns: &'a mut [f64],
}

/// Sums over all pairs of functions of `dims` inputs.
pub(super) fn sweep(dims: usize, pairs: &Pairs<'_>, sums: &mut Sums<'_>) {
    // Sums of a few dimensions stay in registers where their number is known.
    match dims {
        1 => swept::<1>(pairs, sums),
        2 => swept::<2>(pairs, sums),
        3 => swept::<3>(pairs, sums),
        4 => swept::<4>(pairs, sums),
        5 => swept::<5>(pairs, sums),
        6 => swept::<6>(pairs, sums),
        7 => swept::<7>(pairs, sums),
        8 => swept::<8>(pairs, sums),
        _ => many(dims, pairs, sums),
    }
}

fn swept<const D: usize>(pairs: &Pairs<'_>, sums: &mut Sums<'_>) {
    vectorized(
        #[inline(always)]
        || {
            if let Weights::Product(..) = pairs.weights {
                sums.columns.fill(0.0);
            }
            let betas = pairs.offsets[1].as_chunks::<LANES>().0;
            for (i, turned) in pairs.turned.as_chunks::<D>().0.iter().enumerate() {
                let alpha = pairs.offsets[0][i];
                let (mut total, mut toward) = ([0.0; LANES], [[0.0; LANES]; D]);
                let groups = pairs.packed.as_chunks::<LANES>().0.as_chunks::<D>().0;
                let weights = |matrix: &'_ [f64]| -> usize { matrix.len() / pairs.offsets[0].len() };
                let (own, others, product) = match pairs.weights {
                    Weights::Product(rows, columns) => (rows[i], columns, true),
                    Weights::Matrix(matrix) => (1.0, &matrix[i * weights(matrix)..][..weights(matrix)], false),
                };
                let others = others.as_chunks::<LANES>().0;
                let columns = sums.columns.as_chunks_mut::<LANES>().0;
                for (group, v) in groups.iter().enumerate() {
                    let mut exponent = [0.0; LANES];
                    for lane in 0..LANES {
                        exponent[lane] = alpha + betas[group][lane];
                    }
                    for d in 0..D {
                        for lane in 0..LANES {
                            exponent[lane] = turned[d].mul_add(v[d][lane], exponent[lane]);
                        }
                    }
                    let mut weight = [0.0; LANES];
                    for lane in 0..LANES {
                        // Rounding alone takes an exponent above zero.
                        weight[lane] = exp_nonpositive(if exponent[lane] > 0.0 { 0.0 } else { exponent[lane] });
                    }
                    if product {
                        for lane in 0..LANES {
                            columns[group][lane] = own.mul_add(weight[lane], columns[group][lane]);
                        }
                    }
                    for lane in 0..LANES {
                        weight[lane] *= others[group][lane];
                        total[lane] += weight[lane];
                    }
                    for d in 0..D {
                        for lane in 0..LANES {
                            toward[d][lane] = weight[lane].mul_add(v[d][lane], toward[d][lane]);
                        }
                    }
                }
                sums.rows[i] = total.iter().sum();
                for d in 0..D {
                    sums.toward[i * D + d] = toward[d].iter().sum();
                }
            }
        },
    );
}

/// The same for any number of dimensions.
fn many(dims: usize, pairs: &Pairs<'_>, sums: &mut Sums<'_>) {
    if let Weights::Product(..) = pairs.weights {
        sums.columns.fill(0.0);
    }
    let n = pairs.offsets[0].len();
    for i in 0..n {
        let turned = &pairs.turned[i * dims..(i + 1) * dims];
        let toward = &mut sums.toward[i * dims..(i + 1) * dims];
        toward.fill(0.0);
        let mut total = 0.0;
        for j in 0..n {
            let v = |d: usize| pairs.packed[(j / LANES * dims + d) * LANES + j % LANES];
            let cross: f64 = turned.iter().enumerate().map(|(d, t)| t * v(d)).sum();
            let exponent = pairs.offsets[0][i] + pairs.offsets[1][j] + cross;
            let bare = exp_nonpositive(if exponent > 0.0 { 0.0 } else { exponent });
            let weight = bare
                * match pairs.weights {
                    Weights::Product(rows, columns) => {
                        sums.columns[j] += rows[i] * bare;
                        columns[j]
                    }
                    Weights::Matrix(matrix) => matrix[i * (matrix.len() / n) + j],
                };
            total += weight;
            toward.iter_mut().enumerate().for_each(|(d, slot)| *slot += weight * v(d));
        }
        sums.rows[i] = total;
    }
}
