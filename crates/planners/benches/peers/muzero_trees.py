"""mctx on `tree_speed`'s network: 18 actions, a 64-wide latent, random weights, compiled before it is timed."""
import time

import jax
import jax.numpy as jnp
import mctx

ACTIONS, WIDTH = 18, 64


def layers(key, sizes):
    keys = jax.random.split(key, len(sizes) - 1)
    return [(jax.random.normal(k, (a, b)) / a**0.5, jnp.zeros(b)) for k, a, b in zip(keys, sizes, sizes[1:])]


def forward(parameters, x):
    for weights, bias in parameters[:-1]:
        x = jax.nn.relu(x @ weights + bias)
    weights, bias = parameters[-1]
    return x @ weights + bias


def step(parameters, _key, action, latent):
    dynamics, prediction = parameters
    latent = jnp.tanh(forward(dynamics, jnp.concatenate([latent, jax.nn.one_hot(action, ACTIONS)], -1)))
    head = forward(prediction, latent)
    discount = jnp.full_like(head[:, 0], 0.99)
    return mctx.RecurrentFnOutput(reward=head[:, 0], discount=discount, prior_logits=head[:, 2:], value=head[:, 1]), latent


def measure(name, policy, batch, simulations):
    key = jax.random.PRNGKey(0)
    parameters = (layers(key, [WIDTH + ACTIONS, WIDTH, WIDTH]), layers(key, [WIDTH, WIDTH, ACTIONS + 2]))

    @jax.jit
    def search(parameters, key, latent):
        head = forward(parameters[1], latent)
        root = mctx.RootFnOutput(prior_logits=head[:, 2:], value=head[:, 1], embedding=latent)
        return policy(parameters, key, root, step, num_simulations=simulations).action_weights

    latent = jax.random.normal(key, (batch, WIDTH))
    search(parameters, key, latent).block_until_ready()
    seconds = []
    for i in range(5):
        start = time.perf_counter()
        search(parameters, jax.random.fold_in(key, i), latent).block_until_ready()
        seconds.append(time.perf_counter() - start)
    median = sorted(seconds)[2]
    print(f"mctx {name:6} batch {batch:3}, {simulations:3} simulations: median {batch * simulations / median:9.0f}, "
          f"most {batch * simulations / min(seconds):9.0f} simulations/s", flush=True)


for batch, simulations in ((1, 50), (32, 50), (256, 50), (32, 200)):
    measure("muzero", mctx.muzero_policy, batch, simulations)
    measure("gumbel", mctx.gumbel_muzero_policy, batch, simulations)
