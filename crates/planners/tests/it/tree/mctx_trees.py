"""Writes mctx_trees.txt: search trees of mctx over random worlds, node by node in the order in which they were expanded.

    pip install mctx jax && python mctx_trees.py > mctx_trees.txt

A world's rewards, values and logits are draws from a key that each step folds the action into. A case is a line of its settings, a line a
node (parent, action, reward, value, logits) and a line of what the root came to (visits, then values of its actions, then the policy).
"""

import functools

import jax
import jax.numpy as jnp
import mctx

# name, method, settings of the planner here, keyword arguments of mctx, actions, simulations, discount, rewards
BY_NODE = dict(qtransform=mctx.qtransform_by_parent_and_siblings)


def fixed(low, high):
    return dict(qtransform=functools.partial(mctx.qtransform_by_min_max, min_value=low, max_value=high))


def completed(considered, **keywords):
    transform = functools.partial(mctx.qtransform_completed_by_mix_value, **keywords)
    return dict(qtransform=transform, max_num_considered_actions=considered, gumbel_scale=0.0)


CASES = [
    ("puct", "normalise=node", BY_NODE, 6, 60, 0.97, True),
    ("puct", "normalise=node", BY_NODE, 18, 50, 0.997, True),
    ("puct", "normalise=node pb_c_init=2.5 pb_c_base=30.0", dict(pb_c_init=2.5, pb_c_base=30.0, **BY_NODE), 4, 120, -1.0, False),
    ("puct", "normalise=fixed value_range=-1.0,1.0", fixed(-1.0, 1.0), 6, 60, -1.0, False),
    ("puct", "normalise=fixed value_range=-4.0,6.0", fixed(-4.0, 6.0), 9, 90, 0.9, True),
    ("gumbel", "considered=16", completed(16), 6, 60, 0.97, True),
    ("gumbel", "considered=8 rescale=false c_visit=20.0", completed(8, rescale_values=False, maxvisit_init=20.0), 18, 50, 0.997, True),
    ("gumbel", "considered=16 rescale=false c_scale=0.5", completed(16, rescale_values=False, value_scale=0.5), 30, 200, -1.0, False),
    ("gumbel", "considered=4 mixed_value=false", completed(4, use_mixed_value=False), 6, 60, 0.97, True),
    (
        "gumbel",
        "considered=5 rescale=false mixed_value=false c_scale=1.5 c_visit=3.0",
        completed(5, rescale_values=False, use_mixed_value=False, value_scale=1.5, maxvisit_init=3.0),
        7,
        80,
        0.9,
        True,
    ),
]


def drawn(key, actions):
    policy, value, reward = jax.random.split(key, 3)
    return (
        jax.random.normal(policy, shape=[actions]),
        jax.random.uniform(value, minval=-1.0, maxval=1.0),
        jax.random.uniform(reward, minval=-1.0, maxval=1.0),
    )


def main():
    for seed, (method, settings, keywords, actions, simulations, discount, rewards) in enumerate(CASES):

        def step(params, rng, action, embedding):
            embedding = jax.vmap(jax.random.fold_in)(embedding, action)
            logits, value, reward = jax.vmap(lambda key: drawn(key, actions))(embedding)
            reward = reward if rewards else jnp.zeros_like(reward)
            out = mctx.RecurrentFnOutput(
                reward=reward, discount=jnp.full_like(reward, discount), prior_logits=logits, value=value
            )
            return out, embedding

        start = jax.random.PRNGKey(seed)[None]
        logits, value, _ = jax.vmap(lambda key: drawn(key, actions))(start)
        root = mctx.RootFnOutput(prior_logits=logits, value=value, embedding=start)
        policy = mctx.muzero_policy if method == "puct" else mctx.gumbel_muzero_policy
        noise = dict(dirichlet_fraction=0.0) if method == "puct" else {}
        found = jax.jit(
            lambda: policy((), jax.random.PRNGKey(1), root, step, num_simulations=simulations, **noise, **keywords)
        )()
        tree = found.search_tree
        numbers = lambda row: " ".join(f"{float(x):.9g}" for x in row)
        print(f"case {method} {actions} {simulations} {discount} {settings}")
        for node in range(simulations + 1):
            parent, action = int(tree.parents[0, node]), int(tree.action_from_parent[0, node])
            reward = float(tree.children_rewards[0, parent, action]) if parent >= 0 else 0.0
            logits = root.prior_logits[0] if node == 0 else tree.children_prior_logits[0, node]
            print(f"node {parent} {action} {numbers([reward, tree.raw_values[0, node], *logits])}")
        visits, values = tree.children_visits[0, 0], tree.qvalues(jnp.zeros([1], jnp.int32))[0]
        print(f"root {numbers([*visits, *values, *found.action_weights[0]])}")


if __name__ == "__main__":
    main()
