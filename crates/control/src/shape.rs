//! Sizes of a problem, and arrays that fit them: on the stack and unrolled where the compiler knows the sizes, on the heap where not.
//!
//! All matrices are stored column after column. One solver is compiled for either kind: [`Fixed`] turns every loop bound into a
//! constant, [`Dynamic`] is the dense fallback for any size.

use std::ops::{Deref, DerefMut};

/// Numbers that a solver can take on its stack: [`Default`] must not allocate.
pub trait Numbers: DerefMut<Target = [f64]> + Clone + Default + Send {}

impl<T: DerefMut<Target = [f64]> + Clone + Default + Send> Numbers for T {}

/// Sizes n (state) and m (control) of a problem.
pub trait Shape: Copy + Default + Send + Sync {
    /// `[n]`
    type X: Numbers;
    /// `[m]`
    type U: Numbers;
    /// `[n][n]`, n rows.
    type Xx: Numbers;
    /// `[m][n]`, m columns of n rows.
    type Xu: Numbers;
    /// `[n][m]`, n columns of m rows.
    type Ux: Numbers;
    /// `[m][m]`
    type Uu: Numbers;

    /// n, the length of a state.
    fn nx(self) -> usize;
    /// m, the length of a control.
    fn nu(self) -> usize;
    /// Zeros.
    fn x(self) -> Self::X;
    /// Zeros.
    fn u(self) -> Self::U;
    /// Zeros.
    fn xx(self) -> Self::Xx;
    /// Zeros.
    fn xu(self) -> Self::Xu;
    /// Zeros.
    fn ux(self) -> Self::Ux;
    /// Zeros.
    fn uu(self) -> Self::Uu;
}

/// C columns of R numbers, in place.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Array<const R: usize, const C: usize>([[f64; R]; C]);

impl<const R: usize, const C: usize> Default for Array<R, C> {
    #[inline(always)]
    fn default() -> Self {
        Self([[0.0; R]; C])
    }
}

impl<const R: usize, const C: usize> Deref for Array<R, C> {
    type Target = [f64];

    #[inline(always)]
    fn deref(&self) -> &[f64] {
        self.0.as_flattened()
    }
}

impl<const R: usize, const C: usize> DerefMut for Array<R, C> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut [f64] {
        self.0.as_flattened_mut()
    }
}

/// Sizes that the compiler knows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Fixed<const NX: usize, const NU: usize>;

impl<const NX: usize, const NU: usize> Shape for Fixed<NX, NU> {
    type X = Array<NX, 1>;
    type U = Array<NU, 1>;
    type Xx = Array<NX, NX>;
    type Xu = Array<NX, NU>;
    type Ux = Array<NU, NX>;
    type Uu = Array<NU, NU>;

    #[inline(always)]
    fn nx(self) -> usize {
        NX
    }
    #[inline(always)]
    fn nu(self) -> usize {
        NU
    }
    #[inline(always)]
    fn x(self) -> Self::X {
        Array::default()
    }
    #[inline(always)]
    fn u(self) -> Self::U {
        Array::default()
    }
    #[inline(always)]
    fn xx(self) -> Self::Xx {
        Array::default()
    }
    #[inline(always)]
    fn xu(self) -> Self::Xu {
        Array::default()
    }
    #[inline(always)]
    fn ux(self) -> Self::Ux {
        Array::default()
    }
    #[inline(always)]
    fn uu(self) -> Self::Uu {
        Array::default()
    }
}

/// Sizes known when the program runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Dynamic {
    /// n
    pub nx: usize,
    /// m
    pub nu: usize,
}

impl Shape for Dynamic {
    type X = Vec<f64>;
    type U = Vec<f64>;
    type Xx = Vec<f64>;
    type Xu = Vec<f64>;
    type Ux = Vec<f64>;
    type Uu = Vec<f64>;

    fn nx(self) -> usize {
        self.nx
    }
    fn nu(self) -> usize {
        self.nu
    }
    fn x(self) -> Vec<f64> {
        vec![0.0; self.nx]
    }
    fn u(self) -> Vec<f64> {
        vec![0.0; self.nu]
    }
    fn xx(self) -> Vec<f64> {
        vec![0.0; self.nx * self.nx]
    }
    fn xu(self) -> Vec<f64> {
        vec![0.0; self.nx * self.nu]
    }
    fn ux(self) -> Vec<f64> {
        vec![0.0; self.nx * self.nu]
    }
    fn uu(self) -> Vec<f64> {
        vec![0.0; self.nu * self.nu]
    }
}
