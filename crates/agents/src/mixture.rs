//! Real and imagined transitions as one experience.

use worldwright_core::{Dataset, Error, Experience, Priorities, Result, Rng, Sample, StepColumn, Want};

/// What was experienced, with imagined transitions in the place of a share of each sample of single ones or of returns. All else is what was experienced.
pub(crate) struct Mixture<'a> {
    pub(crate) real: &'a dyn Experience,
    pub(crate) imagined: &'a Dataset,
    /// Share of imagined ones.
    pub(crate) share: f64,
    /// Whether imagined ones may pay sums of many steps, or punishments, which say nothing of how large rewards are.
    pub(crate) punishes: bool,
}

impl Experience for Mixture<'_> {
    fn observation_dim(&self) -> usize {
        self.real.observation_dim()
    }

    fn action_dim(&self) -> usize {
        self.real.action_dim()
    }

    fn columns(&self) -> &[StepColumn] {
        self.real.columns()
    }

    fn rows(&self) -> std::ops::Range<u64> {
        self.real.rows()
    }

    fn taken(&self) -> u64 {
        self.real.taken()
    }

    fn is_open(&self) -> bool {
        self.real.is_open()
    }

    fn ends_sequence(&self, row: u64, length: usize) -> bool {
        self.real.ends_sequence(row, length)
    }

    fn before(&self, row: u64) -> Option<u64> {
        self.real.before(row)
    }

    fn after(&self, row: u64) -> Option<u64> {
        self.real.after(row)
    }

    fn behind(&self, row: u64) -> u64 {
        self.real.behind(row)
    }

    fn ahead(&self, row: u64, steps: u64) -> Option<u64> {
        self.real.ahead(row, steps)
    }

    fn reach(&self) -> u64 {
        self.real.reach()
    }

    fn gather(&self, first: u64, length: usize, weight: f64, out: &mut Sample) {
        self.real.gather(first, length, weight, out);
    }

    fn append_to(&self, dataset: &mut Dataset, from: u64) -> Result<u64> {
        self.real.append_to(dataset, from)
    }

    fn sample_real(&self, want: Want, rng: &mut Rng, out: &mut Sample) -> Result<()> {
        self.real.sample(want, rng, out)
    }

    fn sample_by(&self, _: &mut Priorities, _: (Want, f64), _: &mut Rng, _: &mut Sample) -> Result<()> {
        let what = "drawing by priority: set policy.priority to 0, all that is imagined is as likely";
        Err(Error::unsupported("experience of which a part is imagined", what))
    }

    fn sample_paid(&self, want: Want, rng: &mut Rng, out: &mut Sample) -> Result<()> {
        if self.punishes { self.real.sample(want, rng, out) } else { self.sample(want, rng, out) }
    }

    fn add_sample(&self, want: Want, rng: &mut Rng, out: &mut Sample) -> Result<()> {
        if matches!(want, Want::Sequences { .. }) {
            return self.real.add_sample(want, rng, out);
        }
        let count = want.count();
        let imagined = if self.imagined.is_empty() { 0 } else { (self.share * count as f64).round() as usize };
        // Imagined ones first: they are floats, and bytes that come behind become floats with them, while floats would be rounded into bytes.
        self.imagined.add_sample(want.with_count(imagined), rng, out)?;
        self.real.add_sample(want.with_count(count - imagined.min(count)), rng, out)
    }
}
