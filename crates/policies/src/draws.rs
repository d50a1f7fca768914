//! Passes over a batch beside which a graph takes random numbers: noise of actions, masks of dropout, which critics are believed.
//!
//! A graph records the inputs of its batch first and what is drawn behind them; a [`Pass`] draws these anew each time, in the order of their recording.

use worldwright_core::{Error, Result, Rng};
use worldwright_nn::{Feed, Graph, Node, Runner, Store};

/// Inputs that a graph takes at most.
const MOST: usize = 64;
/// What is added to the values of critics that are not believed: more than any value, and little enough to stay finite.
const UNBELIEVED: f32 = 1e30;

/// How the numbers of an input are distributed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Law {
    /// Standard normal.
    Normal,
    /// Uniform in [−1, 1].
    Uniform,
    /// Normal with deviation `scale`, brought between `−most` and `most`.
    Clipped {
        /// The deviation.
        scale: f32,
        /// The bound.
        most: f32,
    },
    /// `scale` times what makes the largest of logits a draw.
    Gumbel {
        /// The factor.
        scale: f32,
    },
    /// 0 with this probability, else what keeps the mean at 1 (Srivastava et al., "Dropout", JMLR 2014).
    Dropout(f32),
    /// In each row the same: 0 in so many columns at random, more than any value in the others.
    Subset(usize),
}

impl Law {
    fn fill(self, columns: usize, rng: &mut Rng, out: &mut [f32]) {
        match self {
            Self::Normal => rng.fill_normal(out),
            Self::Uniform => {
                rng.fill_uniform(out);
                out.iter_mut().for_each(|number| *number = 2.0 * *number - 1.0);
            }
            Self::Clipped { scale, most } => {
                rng.fill_normal(out);
                out.iter_mut().for_each(|number| *number = (scale * *number).clamp(-most, most));
            }
            Self::Gumbel { scale } => {
                rng.fill_gumbel(out);
                out.iter_mut().for_each(|number| *number *= scale);
            }
            Self::Dropout(share) => {
                let kept = 1.0 / (1.0 - share);
                rng.fill_uniform(out);
                out.iter_mut().for_each(|number| *number = if *number < share { 0.0 } else { kept });
            }
            Self::Subset(count) => {
                let (row, others) = out.split_at_mut(columns.min(out.len()));
                // Selection sampling: each column with the chance that the places left over the columns left give it.
                let mut wanted = count;
                for (i, number) in row.iter_mut().enumerate() {
                    let taken = rng.below((columns - i) as u64) < wanted as u64;
                    wanted -= usize::from(taken);
                    *number = if taken { 0.0 } else { UNBELIEVED };
                }
                others.chunks_exact_mut(columns).for_each(|other| other.copy_from_slice(row));
            }
        }
    }
}

/// What a graph is given at random.
#[derive(Debug, Clone, Default)]
pub(crate) struct Draws {
    laws: Vec<(Law, usize)>,
}

impl Draws {
    /// The next input of the graph, of so many columns.
    pub(crate) fn input(&mut self, g: &mut Graph, columns: usize, law: Law) -> Node {
        self.laws.push((law, columns));
        g.input(columns)
    }
}

/// A graph that is passed forwards and backwards, with room for what it is given at random.
pub(crate) struct Pass {
    runner: Runner,
    batch: usize,
    drawn: Vec<(Law, usize, Vec<f32>)>,
}

impl Pass {
    /// Room for batches of `batch` samples.
    pub(crate) fn new(graph: Graph, draws: Draws, batch: usize) -> Self {
        let drawn = draws.laws.into_iter().map(|(law, columns)| (law, columns, vec![0.0; batch * columns])).collect();
        Self { runner: Runner::new(graph, batch), batch, drawn }
    }

    /// Passes over a batch and gives the loss. `given` are the inputs of the batch, in the order of their recording.
    ///
    /// # Errors
    /// As for [`Runner::forward_backward`].
    pub(crate) fn run<const N: usize>(&mut self, stores: &[&Store], given: [&[f32]; N], rng: &mut Rng) -> Result<f64> {
        // Each pass begins on a block of the generator's own, whether it draws or not, so that what is drawn for a batch depends on no graph.
        rng.fill_normal(&mut []);
        for (law, columns, numbers) in &mut self.drawn {
            law.fill(*columns, rng, numbers);
        }
        let inputs = N + self.drawn.len();
        let mut feeds = [Feed::Shared(&[]); MOST];
        let slots = feeds.get_mut(..inputs).ok_or_else(|| Error::shape("inputs of a pass", &[MOST], &[inputs]))?;
        let all = given.into_iter().chain(self.drawn.iter().map(|(.., numbers)| numbers.as_slice()));
        slots.iter_mut().zip(all).for_each(|(slot, numbers)| *slot = Feed::Shared(numbers));
        self.runner.forward_backward(stores, self.batch, slots)?;
        Ok(self.runner.loss(0))
    }

    /// What passed, for optimisers and for values of nodes.
    pub(crate) fn runner(&self) -> &Runner {
        &self.runner
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_law_has_the_moments_that_it_says() {
        let (rng, mut out) = (&mut Rng::new(1), vec![0.0; 40_000]);
        let mut moments = |law: Law| {
            law.fill(4, rng, &mut out);
            let mean = out.iter().map(|x| f64::from(*x)).sum::<f64>() / out.len() as f64;
            let square = out.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>() / out.len() as f64;
            let most = out.iter().fold(0f32, |most, x| most.max(x.abs()));
            (mean, (square - mean * mean).sqrt(), most)
        };
        let (mean, std, most) = moments(Law::Clipped { scale: 0.2, most: 0.5 });
        assert!(mean.abs() < 5e-3 && (std - 0.197).abs() < 5e-3 && most == 0.5, "{mean} {std} {most}");
        // 1 / √3.
        let (mean, std, most) = moments(Law::Uniform);
        assert!(mean.abs() < 0.01 && (std - 0.5774).abs() < 0.01 && most <= 1.0, "{mean} {std} {most}");
        // Euler's constant and π / √6, times the scale.
        let (mean, std, _) = moments(Law::Gumbel { scale: 2.0 });
        assert!((mean - 1.1544).abs() < 0.05 && (std - 2.565).abs() < 0.05, "{mean} {std}");
        // Numbers of two sizes with mean 1: the variance is share / (1 − share).
        let (mean, std, most) = moments(Law::Dropout(0.2));
        assert!((mean - 1.0).abs() < 0.01 && (std - 0.5).abs() < 0.01 && most == 1.25, "{mean} {std} {most}");
    }

    #[test]
    fn subsets_are_of_their_size_alike_in_all_rows_and_equally_likely() {
        let (rng, mut out) = (&mut Rng::new(2), vec![0.0; 15]);
        let mut often = [0; 5];
        for _ in 0..5000 {
            Law::Subset(2).fill(5, rng, &mut out);
            assert!(out.chunks_exact(5).all(|row| row == &out[..5]));
            let chosen: Vec<usize> = (0..5).filter(|i| out[*i] == 0.0).collect();
            assert_eq!(chosen.len(), 2);
            chosen.into_iter().for_each(|i| often[i] += 1);
        }
        assert!(often.iter().all(|count| (1850..2150).contains(count)), "{often:?}");
    }
}
