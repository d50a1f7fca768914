//! Which examples to keep when there are more than an exact Gaussian process bears: those of greatest remaining variance.
//!
//! Pivoted Cholesky decomposition of the prior covariance (Harbrecht, Peters and Schneider, "On the low-rank approximation by the
//! pivoted Cholesky decomposition", 2012): each pivot is the example about which those kept before say least. All outputs keep
//! the same examples, chosen with the geometric mean of their lengths.

use worldwright_core::{Columns, Interrupt};
use worldwright_numerics::dense::dot;

use super::kernel::{Hyper, Kernel, Points};

/// Examples among which to choose, the most recent ones: the decomposition holds this times the number kept.
const POOL: usize = 10_000;

/// The examples to keep, in ascending order: all of them up to `keep`; fewer after an interrupt.
pub(super) fn choose(
    kernel: Kernel,
    hypers: &[Hyper],
    inputs: Columns<'_>,
    keep: usize,
    interrupt: &Interrupt,
) -> Vec<usize> {
    let (count, dims) = (inputs.rows(), inputs.dims());
    if count <= keep {
        return (0..count).collect();
    }
    let first = count.saturating_sub(POOL.max(keep));
    let pool = count - first;
    let mean_log = |dim: usize| hypers.iter().map(|hyper| hyper.log_lengths[dim]).sum::<f64>() / hypers.len() as f64;
    let inverse_lengths: Vec<f64> = (0..dims).map(|dim| (-mean_log(dim)).exp()).collect();
    let numbers: Vec<f64> = (0..dims).flat_map(|dim| &inputs.column(dim)[first..]).copied().collect();
    let candidates = Columns::new(&numbers, dims, pool).expect("as many columns as dimensions");
    let points = Points::new(candidates, inverse_lengths);

    let (mut remaining, mut rows) = (vec![1.0_f64; pool], vec![0.0; pool * keep]);
    let (mut query, mut covariance) = (vec![0.0; dims], vec![0.0; pool]);
    let mut kept = Vec::with_capacity(keep);
    for step in 0..keep {
        let Some(pivot) = (0..pool).max_by(|a, b| remaining[*a].total_cmp(&remaining[*b]).then(b.cmp(a))) else {
            break;
        };
        if remaining[pivot] < 1e-10 || interrupt.requested() {
            break;
        }
        points.covariances(kernel, 1.0, candidates, pivot, pool, &mut query, &mut covariance, None);
        let (done, row) = rows.split_at_mut(pivot * keep);
        let (row, after) = row.split_at_mut(keep);
        row[step] = remaining[pivot].sqrt();
        let (root, before) = (row[step], &row[..step]);
        let others = done.chunks_exact_mut(keep).chain([&mut [][..]]).chain(after.chunks_exact_mut(keep));
        for (i, other) in others.enumerate() {
            if i != pivot {
                other[step] = (covariance[i] - dot(&other[..step], before)) / root;
                remaining[i] -= other[step] * other[step];
            }
        }
        // Never chosen again, whatever rounding left.
        remaining[pivot] = f64::NEG_INFINITY;
        kept.push(first + pivot);
    }
    kept.sort_unstable();
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use worldwright_core::{Batch, Rng};

    #[test]
    fn the_examples_kept_cover_the_data_better_than_the_first_ones() {
        let (mut rng, n, keep) = (Rng::new(4), 400, 30);
        let mut inputs = Batch::zeros(1, n);
        inputs.columns_mut().column_mut(0).iter_mut().for_each(|x| *x = rng.normal());
        let hypers = [Hyper { log_lengths: vec![0.1_f64.ln()], log_signal: 0.0, log_noise: -3.0 }];
        let kept = choose(Kernel::SquaredExponential, &hypers, inputs.columns(), keep, &Interrupt::never());
        assert!(kept.len() == keep && kept.is_sorted_by(|a, b| a < b));
        let x = inputs.columns().column(0);
        let farthest = |kept: &[usize]| {
            let nearest = |x0: &f64| kept.iter().map(|i| (x[*i] - x0).abs()).fold(f64::INFINITY, f64::min);
            x.iter().map(nearest).fold(0.0, f64::max)
        };
        let first: Vec<usize> = (0..keep).collect();
        assert!(farthest(&kept) < 0.15 && farthest(&first) > 0.5, "{} {}", farthest(&kept), farthest(&first));
    }
}
