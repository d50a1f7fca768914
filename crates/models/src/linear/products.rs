//! Inputs of a regression: numbers as they are, and where asked also their products in pairs, which make it quadratic.

use worldwright_core::{Array, Batch, Columns, Result, State};

/// The most inputs whose products with each other are all taken; of more, only the squares.
const MOST_CROSSED: usize = 32;

/// Pairs of inputs whose products are inputs too. Products are centred over the data as all inputs are, so that the offset stays the
/// targets' mean.
#[derive(Debug, Clone, Default)]
pub(super) struct Products {
    pairs: Vec<(usize, usize)>,
    /// Mean of each product over the data.
    means: Vec<f64>,
}

impl Products {
    /// All products of the columns of `inputs` in pairs, squares included.
    pub(super) fn of(inputs: Columns<'_>) -> Self {
        let dims = inputs.dims();
        let last = |i: usize| if dims <= MOST_CROSSED { dims } else { i + 1 };
        let pairs: Vec<(usize, usize)> = (0..dims).flat_map(|i| (i..last(i)).map(move |j| (i, j))).collect();
        let mean = |(i, j): &(usize, usize)| {
            let products = inputs.column(*i).iter().zip(inputs.column(*j)).map(|(a, b)| a * b);
            products.sum::<f64>() / inputs.rows().max(1) as f64
        };
        let means = pairs.iter().map(mean).collect();
        Self { pairs, means }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.pairs.len()
    }

    /// The products with their means taken off.
    pub(super) fn each(&self) -> impl Iterator<Item = (usize, usize, f64)> {
        self.pairs.iter().zip(&self.means).map(|((i, j), mean)| (*i, *j, *mean))
    }

    /// The inputs with their products behind them.
    pub(super) fn expand(&self, inputs: Columns<'_>) -> Batch {
        let mut expanded = Batch::zeros(inputs.dims() + self.len(), inputs.rows());
        let mut columns = expanded.columns_mut();
        for dim in 0..inputs.dims() {
            columns.column_mut(dim).copy_from_slice(inputs.column(dim));
        }
        for (place, (i, j, mean)) in self.each().enumerate() {
            let both = inputs.column(i).iter().zip(inputs.column(j));
            let into = columns.column_mut(inputs.dims() + place);
            into.iter_mut().zip(both).for_each(|(slot, (a, b))| *slot = a * b - mean);
        }
        expanded
    }

    pub(super) fn save(&self, state: &mut State) {
        let places = self.pairs.iter().flat_map(|(i, j)| [*i as u64, *j as u64]).collect();
        state.put("products", Array::U64(places));
        state.put("product_means", Array::F64(vec![self.means.len()], self.means.clone()));
    }

    /// What was saved of products of `inputs` inputs.
    pub(super) fn restore(state: &State, inputs: usize, count: usize) -> Result<Self> {
        let places = state.u64s("products", 2 * count)?;
        let place = |at: usize| (places[at] as usize).min(inputs.saturating_sub(1));
        let pairs = (0..count).map(|i| (place(2 * i), place(2 * i + 1))).collect();
        Ok(Self { pairs, means: state.f64s("product_means", count)?.to_vec() })
    }
}
