//! The room's models through their public face.

mod contracts;
mod derivatives;
mod ensemble;
mod expression;
mod gp;
mod heads;
mod known;
mod latent;
mod learners;
mod linear;
mod muzero;
mod rssm;
mod systems;
mod tabular;
mod tdmpc2;
