//! Networks that doubt: one with a noise of its own, ensembles of these, ensembles with priors that are drawn and stay, and dropout that stays on.
//!
//! - A probabilistic network tells a mean and a deviation (Nix and Weigend, 1994). Its deviation is noise and doubt in one; it is all that it has to decide by.
//! - An ensemble learns from bootstraps of the data; what members differ by is doubt, what they tell is noise (Lakshminarayanan et al., NeurIPS 2017; Chua et al., NeurIPS 2018).
//! - With randomised priors each member is `f_m + β p_m` with a network p_m that is never trained, so that off the data members differ by what they began with (Osband, Aslanides and Cassirer,
//!   "Randomized Prior Functions for Deep Reinforcement Learning", NeurIPS 2018).
//! - With dropout each pass is by other units; what passes differ by is doubt (Gal and Ghahramani, "Dropout as a Bayesian Approximation", ICML 2016).

use worldwright_core::{Result, Rng};
use worldwright_nn::{
    Activation, Adam, AdamConfig, EnsembleConfig, EnsembleMlp, Feed, Graph, Mlp, MlpConfig, Predictor, Runner, Store,
};

use super::world::{Data, NOISE};
use super::{Belief, Effort};

const HIDDEN: [usize; 2] = [32, 32];
const MEMBERS: usize = 8;
/// β.
const PRIOR: f64 = 1.0;
/// Share of units that dropout takes out, and passes that are compared.
const SHARE: f32 = 0.1;
const PASSES: usize = 50;
const RATE: f32 = 5e-3;

fn singles(numbers: &[f64]) -> Vec<f32> {
    numbers.iter().map(|number| *number as f32).collect()
}

fn networks(members: usize, gaussian: bool, rows: usize, rng: &mut Rng) -> Result<EnsembleMlp> {
    let config = EnsembleConfig {
        members,
        hidden: HIDDEN.to_vec(),
        activation: Activation::Tanh,
        init: worldwright_nn::WeightInit::LinearDefault,
        gaussian,
        adam: AdamConfig { learning_rate: RATE, ..AdamConfig::default() },
        ..EnsembleConfig::default()
    };
    EnsembleMlp::new(config, rows, rng)
}

/// `[member][place][outputs]` of networks.
fn predicted(networks: &EnsembleMlp, places: &[f64]) -> Result<Vec<Vec<f64>>> {
    let predictor = networks.predictor()?;
    let (members, width) = (networks.config().members, networks.outputs());
    let mut out = vec![0.0; members * places.len() * width];
    let x = singles(places).repeat(members);
    predictor.predict(&[&x], &mut [&mut out], &mut predictor.scratch())?;
    Ok(out.chunks_exact(places.len() * width).map(|member| member.iter().map(|x| f64::from(*x)).collect()).collect())
}

/// Means of members, and the root of their mean variance.
fn parts(told: &[Vec<f64>]) -> (Vec<Vec<f64>>, Vec<f64>) {
    let means: Vec<Vec<f64>> = told.iter().map(|member| member.iter().step_by(2).copied().collect()).collect();
    let variance = |i: usize| told.iter().map(|member| member[2 * i + 1].exp()).sum::<f64>() / told.len() as f64;
    let noise = (0..means[0].len()).map(|i| variance(i).sqrt()).collect();
    (means, noise)
}

/// Probabilistic networks, each trained on rows of its own.
fn trained(data: &Data, members: usize, effort: Effort<'_>, rng: &mut Rng) -> Result<EnsembleMlp> {
    let n = data.x.len();
    let mut networks = networks(members, true, n, rng)?;
    let index: Vec<u32> =
        (0..members * n).map(|i| if members == 1 { i as u32 } else { rng.below(n as u64) as u32 }).collect();
    let (x, y) = (singles(&data.x), singles(&data.y));
    for _ in 0..effort.updates {
        effort.interrupt.check("the study")?;
        let gather = |table| Feed::Gather { table, index: &index };
        networks.step(n, &[gather(&x), gather(&y)])?;
    }
    Ok(networks)
}

pub(super) fn single(data: &Data, places: &[f64], effort: Effort<'_>, rng: &mut Rng) -> Result<Belief> {
    let (means, noise) = parts(&predicted(&trained(data, 1, effort, rng)?, places)?);
    Ok(Belief { mean: means.concat(), noise: vec![0.0; places.len()], doubt: noise, members: Vec::new(), apart: None })
}

pub(super) fn ensemble(data: &Data, places: &[f64], effort: Effort<'_>, rng: &mut Rng) -> Result<Belief> {
    let (means, noise) = parts(&predicted(&trained(data, MEMBERS, effort, rng)?, places)?);
    Ok(Belief::of_members(means, noise))
}

pub(super) fn priors(data: &Data, places: &[f64], effort: Effort<'_>, rng: &mut Rng) -> Result<Belief> {
    let n = data.x.len();
    let (fixed, mut learned) = (networks(MEMBERS, false, n, rng)?, networks(MEMBERS, false, n, rng)?);
    // What is drawn is scaled to vary by as much as functions do.
    let shape = |places: &[f64]| -> Result<Vec<Vec<f64>>> { predicted(&fixed, places) };
    let wide = shape(places)?;
    let scale: Vec<f64> = wide
        .iter()
        .map(|member| {
            let mean = member.iter().sum::<f64>() / member.len() as f64;
            PRIOR / (member.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / member.len() as f64).sqrt().max(1e-6)
        })
        .collect();
    let own = shape(&data.x)?;
    let mut y = Vec::new();
    for (member, scale) in own.iter().zip(&scale) {
        // The noise is drawn anew for each member, in place of a bootstrap.
        y.extend(member.iter().zip(&data.y).map(|(p, y)| (y + NOISE * rng.normal() - scale * p) as f32));
    }
    let x = singles(&data.x);
    for _ in 0..effort.updates {
        effort.interrupt.check("the study")?;
        learned.step(n, &[Feed::Shared(&x), Feed::Members(&y)])?;
    }
    let members = predicted(&learned, places)?
        .iter()
        .zip(&wide)
        .zip(&scale)
        .map(|((f, p), scale)| f.iter().zip(p).map(|(f, p)| f + scale * p).collect())
        .collect();
    Ok(Belief::of_members(members, vec![NOISE; places.len()]))
}

pub(super) fn dropout(data: &Data, places: &[f64], effort: Effort<'_>, rng: &mut Rng) -> Result<Belief> {
    let n = data.x.len();
    let mut store = Store::new(1);
    let config = MlpConfig {
        inputs: 1,
        hidden: HIDDEN.to_vec(),
        outputs: 1,
        activation: Activation::Tanh,
        ..MlpConfig::default()
    };
    let layers = Mlp::new(&mut store, "layer", &config, rng);
    let record = |g: &mut Graph| {
        let x = g.input(1);
        let masks = HIDDEN.map(|width| g.input(width));
        layers.record_masked(g, x, &masks)
    };
    let mut g = Graph::new(1);
    g.learn(&store);
    let out = record(&mut g)?;
    let target = g.input(1);
    let error = g.square_error(out, target)?;
    g.minimise(error, 1.0)?;
    let mut says = Graph::new(1);
    says.freeze(&store);
    let said = record(&mut says)?;
    let draw = |rows: usize, rng: &mut Rng| {
        HIDDEN.map(|width| {
            let mut mask = vec![0.0; rows * width];
            rng.fill_uniform(&mut mask);
            mask.iter_mut().for_each(|slot| *slot = if *slot < SHARE { 0.0 } else { 1.0 / (1.0 - SHARE) });
            mask
        })
    };
    let (x, y) = (singles(&data.x), singles(&data.y));
    let mut runner = Runner::new(g, n);
    let mut adam = Adam::new(&store, AdamConfig { learning_rate: RATE, ..AdamConfig::default() });
    for _ in 0..effort.updates {
        effort.interrupt.check("the study")?;
        let [first, second] = draw(n, rng);
        let feeds = [Feed::Shared(&x), Feed::Shared(&first), Feed::Shared(&second), Feed::Shared(&y)];
        runner.forward_backward(&[&store], n, &feeds)?;
        adam.step(&mut store, &runner)?;
    }
    let predictor = Predictor::new(&says, &[&store], &[said])?;
    let (asked, mut members) = (singles(places), Vec::new());
    for _ in 0..PASSES {
        // The same units are out at all places of a pass: it is one function.
        let masks = draw(1, rng).map(|mask| mask.repeat(places.len()));
        let mut out = vec![0.0; places.len()];
        predictor.predict_member(
            0,
            &[&asked, &masks[0], &masks[1]],
            &mut [out.as_mut_slice()],
            &mut predictor.scratch(),
        )?;
        members.push(out.iter().map(|x| f64::from(*x)).collect());
    }
    Ok(Belief::of_members(members, vec![NOISE; places.len()]))
}

/// Features of the last layer of a network that was trained on squared error, with a one behind them: where there are data, and at places.
pub(super) fn features(data: &Data, places: &[f64], effort: Effort<'_>, rng: &mut Rng) -> Result<[Vec<Vec<f64>>; 2]> {
    let n = data.x.len();
    let mut network = networks(1, false, n, rng)?;
    let (x, y) = (singles(&data.x), singles(&data.y));
    for _ in 0..effort.updates {
        effort.interrupt.check("the study")?;
        network.step(n, &[Feed::Shared(&x), Feed::Shared(&y)])?;
    }
    let store = &network.trainer.store;
    let mut g = Graph::new(1);
    g.freeze(store);
    let mut node = g.input(1);
    for layer in &network.mlp().layers[..HIDDEN.len()] {
        node = layer.record(&mut g, node, Activation::Tanh)?;
    }
    let predictor = Predictor::new(&g, &[store], &[node])?;
    let tell = |x: &[f64]| -> Result<Vec<Vec<f64>>> {
        let width = HIDDEN[HIDDEN.len() - 1];
        let mut out = vec![0.0; x.len() * width];
        predictor.predict_member(0, &[&singles(x)], &mut [out.as_mut_slice()], &mut predictor.scratch())?;
        let rows = out.chunks_exact(width);
        Ok(rows.map(|row| row.iter().map(|x| f64::from(*x)).chain([1.0]).collect()).collect())
    };
    Ok([tell(&data.x)?, tell(places)?])
}
