//! A path: configurations joined by local paths; its length, its smoothing and points along it.

use worldwright_core::Rng;

use super::MAX_DIMS;
use super::scene::Scene;

/// Configurations one after another.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Path {
    /// Each as long as the space has dimensions.
    pub points: Vec<Vec<f64>>,
}

impl Path {
    /// The sum of the local paths' lengths.
    pub fn length(&self, scene: &dyn Scene) -> f64 {
        self.points.windows(2).map(|pair| scene.space().distance(&pair[0], &pair[1])).sum()
    }

    /// Configurations no farther apart than `step`, from the first to the last.
    pub fn sampled(&self, scene: &dyn Scene, step: f64) -> Vec<Vec<f64>> {
        let space = scene.space();
        let mut out: Vec<Vec<f64>> = self.points.first().cloned().into_iter().collect();
        for pair in self.points.windows(2) {
            let pieces = (space.distance(&pair[0], &pair[1]) / step).ceil().max(1.0) as usize;
            for i in 1..=pieces {
                let mut at = vec![0.0; space.dims()];
                space.interpolate(&pair[0], &pair[1], i as f64 / pieces as f64, &mut at);
                out.push(at);
            }
        }
        out
    }

    /// Shortens the path by `tries` attempts to go straight between two points drawn uniformly along it (Geraerts and Overmars,
    /// "Creating high-quality paths for motion planning", 2007, section 4.1). It never becomes longer, and stays free.
    pub fn shorten(&mut self, scene: &dyn Scene, tries: usize, rng: &mut Rng) {
        let space = scene.space();
        let dims = space.dims();
        let mut lengths: Vec<f64> = self.points.windows(2).map(|pair| space.distance(&pair[0], &pair[1])).collect();
        for _ in 0..tries {
            if self.points.len() < 3 {
                return;
            }
            let total: f64 = lengths.iter().sum();
            let (a, b) = (rng.uniform() * total, rng.uniform() * total);
            let (first, second) = (place(&lengths, a.min(b)), place(&lengths, a.max(b)));
            if first.0 == second.0 {
                continue;
            }
            let (mut from, mut to) = ([0.0; MAX_DIMS], [0.0; MAX_DIMS]);
            let (from, to) = (&mut from[..dims], &mut to[..dims]);
            space.interpolate(&self.points[first.0], &self.points[first.0 + 1], first.1, from);
            space.interpolate(&self.points[second.0], &self.points[second.0 + 1], second.1, to);
            let head = space.distance(&self.points[first.0], from);
            let tail = space.distance(to, &self.points[second.0 + 1]);
            let cut = space.distance(from, to);
            let old: f64 = lengths[first.0..=second.0].iter().sum();
            if head + cut + tail >= old - 1e-12 || !self.replaces(scene, first.0, second.0, from, to) {
                continue;
            }
            self.points.splice(first.0 + 1..=second.0, [from.to_vec(), to.to_vec()]);
            lengths.splice(first.0..=second.0, [head, cut, tail]);
        }
    }

    /// Leaves out every point that both its neighbours can do without, from the start on. In a space whose distance obeys the triangle
    /// inequality the path does not become longer; it stays free.
    pub fn straighten(&mut self, scene: &dyn Scene) {
        let mut kept: Vec<Vec<f64>> = Vec::new();
        for point in self.points.drain(..) {
            // Once a point is left out, the one before it may be as well.
            while kept.len() > 1 && scene.motion_is_free(&kept[kept.len() - 2], &point) {
                kept.pop();
            }
            kept.push(point);
        }
        self.points = kept;
    }

    /// Whether going over `from` and `to` between two segments is free. Ends of segments are checked again, since a local path need
    /// not contain the local paths between its points to the last bit.
    fn replaces(&self, scene: &dyn Scene, first: usize, second: usize, from: &[f64], to: &[f64]) -> bool {
        scene.is_free(from)
            && scene.is_free(to)
            && scene.motion_is_free(from, to)
            && scene.motion_is_free(&self.points[first], from)
            && scene.motion_is_free(to, &self.points[second + 1])
    }
}

/// The segment at a distance along the path, and the share of it.
fn place(lengths: &[f64], mut distance: f64) -> (usize, f64) {
    for (i, length) in lengths.iter().enumerate() {
        if distance < *length {
            return (i, distance / length);
        }
        distance -= length;
    }
    (lengths.len() - 1, 1.0)
}
