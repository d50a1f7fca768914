//! Interpolation within a cell: multilinear over all corners, or simplex over the corners of one of Kuhn's simplices.
//!
//! Multilinear: `V = Σ_c Π_d (f_d or 1 − f_d) V_c`, as d rounds of halving. Simplex (Moore 1992; Munos and Moore 2002): with fractions
//! sorted `f_(1) ≥ … ≥ f_(d)`, walk from the lowest corner along axis (1), then (2) …: `V = (1 − f_(1)) V_0 + Σ_k (f_(k) − f_(k+1)) V_k`.

use super::axes::Grid;

/// How values between the points come about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Interpolation {
    /// From all 2^d corners of the cell.
    #[default]
    Multilinear,
    /// From the d + 1 corners of a simplex in it: cheaper beyond two dimensions, and less smooth.
    Simplex,
}

/// Interpolates over cells of `D` dimensions.
#[derive(Debug, Clone)]
pub(super) struct Stencil<const D: usize> {
    strides: [usize; D],
    /// Distance of each corner from the lowest: bit `D − 1 − d` of its number stands for axis d.
    corners: [usize; 16],
}

impl<const D: usize> Stencil<D> {
    pub(super) fn new(grid: &Grid) -> Self {
        let strides: [usize; D] = std::array::from_fn(|dim| grid.strides()[dim]);
        let corner = |number: usize| (0..D).map(|dim| (number >> (D - 1 - dim) & 1) * strides[dim]).sum();
        Self { strides, corners: std::array::from_fn(|number| if number < 1 << D { corner(number) } else { 0 }) }
    }

    /// Between all corners of a cell.
    #[inline(always)]
    pub(super) fn multilinear(&self, values: &[f64], base: usize, fraction: &[f32; D]) -> f64 {
        // One check for all corners: the last is the farthest.
        let cell = &values[base..=base + self.corners[(1 << D) - 1]];
        let mut corner = [0.0; 16];
        for number in 0..1 << D {
            corner[number] = cell[self.corners[number]];
        }
        let mut count = 1 << D;
        // The last axis is the lowest bit.
        for dim in (0..D).rev() {
            count /= 2;
            let f = f64::from(fraction[dim]);
            for i in 0..count {
                corner[i] = corner[2 * i] + f * (corner[2 * i + 1] - corner[2 * i]);
            }
        }
        corner[0]
    }

    /// Between the corners of one simplex.
    #[inline(always)]
    pub(super) fn simplex(&self, values: &[f64], base: usize, fraction: &[f32; D]) -> f64 {
        let mut sorted: [(f32, usize); D] = std::array::from_fn(|dim| (fraction[dim], self.strides[dim]));
        for i in 1..D {
            let mut j = i;
            while j > 0 && sorted[j - 1].0 < sorted[j].0 {
                sorted.swap(j - 1, j);
                j -= 1;
            }
        }
        let mut at = base;
        let mut sum = 0.0;
        let mut above = 1.0;
        for (f, stride) in sorted {
            let f = f64::from(f);
            sum += (above - f) * values[at];
            above = f;
            at += stride;
        }
        sum + above * values[at]
    }
}
