//! A small software rasteriser: discs, capsules, convex polygons and fills with anti-aliased edges, by signed distance.
//!
//! The coverage of a pixel is clamp(½ − d, 0, 1) with d the signed distance in pixels from its centre to the shape, exact
//! for straight edges and near enough for round ones. World coordinates have y up; [`Canvas::view`] sets which part is seen.

use worldwright_core::Frame;

/// Red, green, blue.
pub(crate) type Colour = [u8; 3];

/// The few colours of all pictures.
pub(crate) mod palette {
    use super::Colour;

    /// Behind everything.
    pub(crate) const PAPER: Colour = [250, 249, 246];
    /// Quiet areas.
    pub(crate) const PANEL: Colour = [235, 232, 225];
    /// Lines, pivots.
    pub(crate) const INK: Colour = [52, 58, 70];
    /// Rails, ground.
    pub(crate) const GROUND: Colour = [160, 165, 174];
    /// The thing that is moved.
    pub(crate) const BODY: Colour = [58, 110, 165];
    /// Its end or second part.
    pub(crate) const EFFECTOR: Colour = [226, 125, 56];
    /// Where it should be.
    pub(crate) const GOAL: Colour = [74, 157, 108];
    /// What pushes it.
    pub(crate) const FORCE: Colour = [200, 62, 77];
}

/// Steps of coverage: few, so that a picture has few colours and a GIF needs no dithering.
const COVERAGE_STEPS: f64 = 8.0;

/// A picture being painted.
#[derive(Debug)]
pub(crate) struct Canvas {
    width: usize,
    height: usize,
    rgb: Vec<u8>,
    centre: [f64; 2],
    /// Pixels a world unit.
    scale: f64,
}

impl Canvas {
    /// Paper, with the unit square in view.
    pub(crate) fn new(width: usize, height: usize) -> Self {
        let rgb = palette::PAPER.repeat(width * height);
        let mut canvas = Self { width, height, rgb, centre: [0.0; 2], scale: 1.0 };
        canvas.view([0.0, 0.0], 1.0);
        canvas
    }

    /// Puts `centre` in the middle with `height` world units from bottom to top.
    pub(crate) fn view(&mut self, centre: [f64; 2], height: f64) {
        self.centre = centre;
        self.scale = self.height as f64 / height;
    }

    /// Half of the world's width in view.
    pub(crate) fn half_width(&self) -> f64 {
        self.width as f64 / self.scale / 2.0
    }

    /// The finished picture.
    pub(crate) fn into_frame(self) -> Frame {
        Frame { width: self.width, height: self.height, rgb: self.rgb }
    }

    fn pixel(&self, p: [f64; 2]) -> [f64; 2] {
        [
            (p[0] - self.centre[0]) * self.scale + self.width as f64 / 2.0,
            self.height as f64 / 2.0 - (p[1] - self.centre[1]) * self.scale,
        ]
    }

    fn blend(&mut self, x: usize, y: usize, colour: Colour, coverage: f64) {
        let coverage = (coverage * COVERAGE_STEPS).round() / COVERAGE_STEPS;
        let at = 3 * (y * self.width + x);
        for (slot, c) in self.rgb[at..at + 3].iter_mut().zip(colour) {
            *slot = (f64::from(*slot) + (f64::from(c) - f64::from(*slot)) * coverage).round() as u8;
        }
    }

    /// Paints every pixel of a box (in pixels) by the signed distance of its centre. Shapes that are not finite are left out.
    fn shape(&mut self, low: [f64; 2], high: [f64; 2], colour: Colour, distance: impl Fn([f64; 2]) -> f64) {
        if !(low[0].is_finite() && low[1].is_finite() && high[0].is_finite() && high[1].is_finite()) {
            return;
        }
        let span = |low: f64, high: f64, size: usize| {
            ((low - 1.0).clamp(0.0, size as f64) as usize, (high + 2.0).clamp(0.0, size as f64) as usize)
        };
        let (x0, x1) = span(low[0], high[0], self.width);
        let (y0, y1) = span(low[1], high[1], self.height);
        for y in y0..y1 {
            for x in x0..x1 {
                let coverage = (0.5 - distance([x as f64 + 0.5, y as f64 + 0.5])).clamp(0.0, 1.0);
                if coverage > 0.0 {
                    self.blend(x, y, colour, coverage);
                }
            }
        }
    }

    /// A filled circle.
    pub(crate) fn disc(&mut self, centre: [f64; 2], radius: f64, colour: Colour) {
        self.capsule(centre, centre, radius, colour);
    }

    /// A thick line with round ends.
    pub(crate) fn capsule(&mut self, from: [f64; 2], to: [f64; 2], radius: f64, colour: Colour) {
        let (a, b, r) = (self.pixel(from), self.pixel(to), (radius * self.scale).max(0.5));
        let low = [a[0].min(b[0]) - r, a[1].min(b[1]) - r];
        let high = [a[0].max(b[0]) + r, a[1].max(b[1]) + r];
        let along = [b[0] - a[0], b[1] - a[1]];
        let squared = along[0] * along[0] + along[1] * along[1];
        self.shape(low, high, colour, |p| {
            let offset = [p[0] - a[0], p[1] - a[1]];
            let t = if squared > 0.0 {
                ((offset[0] * along[0] + offset[1] * along[1]) / squared).clamp(0.0, 1.0)
            } else {
                0.0
            };
            (offset[0] - t * along[0]).hypot(offset[1] - t * along[1]) - r
        });
    }

    /// A filled convex polygon, its corners in order.
    pub(crate) fn polygon(&mut self, corners: &[[f64; 2]], colour: Colour) {
        let points: Vec<[f64; 2]> = corners.iter().map(|corner| self.pixel(*corner)).collect();
        let mut low = [f64::INFINITY; 2];
        let mut high = [f64::NEG_INFINITY; 2];
        for p in &points {
            low = [low[0].min(p[0]), low[1].min(p[1])];
            high = [high[0].max(p[0]), high[1].max(p[1])];
        }
        let area: f64 = (0..points.len())
            .map(|i| {
                let (a, b) = (points[i], points[(i + 1) % points.len()]);
                a[0] * b[1] - b[0] * a[1]
            })
            .sum();
        let turn = area.signum();
        self.shape(low, high, colour, |p| {
            (0..points.len())
                .map(|i| {
                    let (a, b) = (points[i], points[(i + 1) % points.len()]);
                    let edge = [b[0] - a[0], b[1] - a[1]];
                    let length = edge[0].hypot(edge[1]).max(1e-12);
                    turn * ((p[0] - a[0]) * edge[1] - (p[1] - a[1]) * edge[0]) / length
                })
                .fold(f64::NEG_INFINITY, f64::max)
        });
    }

    /// An upright rectangle about a centre.
    pub(crate) fn rectangle(&mut self, centre: [f64; 2], half: [f64; 2], colour: Colour) {
        let [x, y] = centre;
        let [w, h] = half;
        self.polygon(&[[x - w, y - h], [x + w, y - h], [x + w, y + h], [x - w, y + h]], colour);
    }

    /// Everything below a curve.
    pub(crate) fn below(&mut self, curve: impl Fn(f64) -> f64, colour: Colour) {
        for x in 0..self.width {
            let world = (x as f64 + 0.5 - self.width as f64 / 2.0) / self.scale + self.centre[0];
            let top = self.pixel([world, curve(world)])[1];
            // Edge distance shrinks with the slope, so that steep flanks are as soft as flat ones.
            let slope = (curve(world + 0.5 / self.scale) - curve(world - 0.5 / self.scale)) * self.scale;
            let tilt = 1.0 / (1.0 + slope * slope).sqrt();
            for y in 0..self.height {
                let coverage = (0.5 + (y as f64 + 0.5 - top) * tilt).clamp(0.0, 1.0);
                if coverage > 0.0 {
                    self.blend(x, y, colour, coverage);
                }
            }
        }
    }

    /// A horizontal arrow from `from`, `length` long (negative: to the left).
    pub(crate) fn arrow(&mut self, from: [f64; 2], length: f64, thickness: f64, colour: Colour) {
        let head = 3.0 * thickness;
        if length.abs() < 1e-9 || !length.is_finite() {
            return;
        }
        let end = from[0] + length;
        let neck = end - head.min(length.abs()) * length.signum();
        self.capsule(from, [neck, from[1]], thickness / 2.0, colour);
        self.polygon(&[[neck, from[1] - head / 2.0], [end, from[1]], [neck, from[1] + head / 2.0]], colour);
    }

    /// A bent arrow about a pivot, as long as `strength` in [-1, 1] says; positive turns counter-clockwise.
    pub(crate) fn turn_arrow(&mut self, pivot: [f64; 2], radius: f64, strength: f64, colour: Colour) {
        if strength.abs() < 0.02 || !strength.is_finite() {
            return;
        }
        let sweep = 2.4 * strength;
        let start = -std::f64::consts::FRAC_PI_2 - sweep / 2.0;
        let at = |angle: f64, r: f64| [pivot[0] + r * angle.cos(), pivot[1] + r * angle.sin()];
        let thickness = radius * 0.16;
        let pieces = 24;
        for i in 0..pieces {
            let a = start + sweep * f64::from(i) / f64::from(pieces);
            let b = start + sweep * f64::from(i + 1) / f64::from(pieces);
            self.capsule(at(a, radius), at(b, radius), thickness / 2.0, colour);
        }
        let end = start + sweep;
        let tip = at(end + 0.42 * strength.signum(), radius);
        self.polygon(&[at(end, radius * 0.78), tip, at(end, radius * 1.22)], colour);
    }
}
