"""``learn``: an experiment from an environment to a run's folder."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from . import _native
from ._callables import Choices, Reward, start_of
from ._choices import Section, flat, mapping, toml_text
from ._contract import counted, seeded
from ._environments import EnvironmentLike, Source
from ._progress import Bar
from .agents import untrained
from .data import dataset
from .errors import ConfigError, WorldwrightError, WorldwrightWarning
from .model import Model
from .runs import Run

Follower = Callable[[str, Mapping[str, Any]], None]
"""Hears what happens in a run: a kind (``"step"``, ``"episode"``, ``"learn"``, …) and its values."""


def learn(
    environment: EnvironmentLike | str | None = None,
    *,
    algorithm: str | None = None,
    steps: int | None = None,
    updates: int | None = None,
    seed: int | None = None,
    run_dir: str | Path | None = None,
    resume: bool = False,
    checkpoint_steps: int = 1000,
    checkpoint_secs: float = 5.0,
    config: str | Path | Mapping[str, Any] | None = None,
    model: Section = None,
    planner: Section = None,
    policy: Section = None,
    learner: Section = None,
    agent: Section = None,
    evaluation: Section = None,
    budget: Section = None,
    reward: Section | Callable[..., Any] = None,
    termination: Callable[..., Any] | None = None,
    data: Any = None,
    settings: Mapping[str, Any] | None = None,
    progress: bool = True,
    follow: Follower | None = None,
) -> Run:
    """Learns a world model of an environment and plans with it.

    Args:
        environment: An environment of Gymnasium's API, a function that makes one, or a name (``wm.environments()``, ``"gym:ID"``,
            ``"dmc:DOMAIN-TASK"``). An object is stepped in this process; the names in the last two are stepped in a worker of their own.
            None where everything is learned from ``data``, as behaviour cloning does (``algorithm="bc"``): nothing is evaluated then.
        algorithm: One of ``wm.algorithms()``; ``None`` or ``"auto"`` chooses by what is observed and what can be done.
        steps: Steps in the real environment; five episodes, or 1,000 where their length is open; 0 to learn from ``data`` alone.
        updates: Updates on ``data`` before the first step; the algorithm's own number where no step is taken, else 0.
        seed: What all randomness comes from; 0 unless told otherwise.
        run_dir: Where the run is kept; ``runs/ENVIRONMENT-ALGORITHM-seedSEED`` unless told otherwise.
        resume: Whether to go on with the run that the folder holds. An interrupt (Ctrl-C, or the stop button of a notebook) keeps
            everything, and this goes on from there with the same results as if nothing had been.
        checkpoint_steps: Steps after which a checkpoint is written: a kill loses no more.
        checkpoint_secs: Seconds after which one is written, if that is sooner.
        config: Settings from a TOML or YAML file, or a mapping; keyword arguments win over it.
        model: A name of ``wm.models()``, or settings such as ``{"name": "ensemble", "members": 7}``.
        planner: A name of ``wm.planners()``, or settings.
        policy: A name of ``wm.policies()``, or settings, for algorithms that act by one.
        learner: A name of ``wm.learners()``, or settings, for algorithms that learn a table.
        agent: Settings of the algorithm, such as ``{"initial_steps": 100}``.
        evaluation: ``{"episodes": 20, "interval": 1000, "interval_episodes": 3}``.
        budget: How much the run may ask for: ``{"model_steps": 10**6, "gradients": 50_000, "resets": 20, "rewards": …, "policy_bytes": …}``. Once one is
            spent, the run ends as if its steps were taken; ``run.summary["accounts"]`` tells what was asked for.
        reward: A function ``(observation, action, next_observation) -> reward``, or ``-> (reward, terminated)``, of one row or of a batch;
            or settings such as ``{"kind": "expression", "expression": "..."}``. The environment's own unless told otherwise, where
            that is known as a function, else learned.
        termination: A function ``(observation, action, next_observation) -> terminated``, beside ``reward``.
        data: What was recorded before, for the agent to begin with as if it had seen it: whatever ``wm.data.dataset`` takes, such as episodes,
            another run or its path, a table. Steps that it has count towards ``agent={"initial_steps": …}``, none of them towards ``steps``.
        settings: Any settings by dotted key, such as ``{"planner.horizon": 20}``.
        progress: Whether to show a progress bar.
        follow: A function that hears what happens: ``(kind, values)``.

    Returns:
        The run.

    Raises:
        KeyboardInterrupt: After an interrupt, when everything is saved.
        ConfigError: A setting is wrong, or goes with another that is not there.
        WorldwrightError: See ``worldwright.errors``; an exception of the environment or of a function is the cause.
    """
    written = None
    sections: dict[str, Section] = {
        "algorithm": algorithm,
        "model": model,
        "planner": planner,
        "policy": policy,
        "learner": learner,
        "agent": agent,
        "evaluation": evaluation,
        "budget": budget,
    }
    if termination is not None and not callable(reward):
        raise ConfigError("termination is a function beside reward, a function: give both, or let reward return (reward, terminated)")
    if callable(reward):
        sections["reward"] = {"kind": "known"}
    else:
        sections["reward"] = reward
    choices = {**flat({}, mapping(config)), **flat(sections, settings)}
    if seed is not None:
        # Kept in the run's configuration, whose whole numbers have a sign.
        seed = seeded(seed, bits=63)
    choices |= {key: value for key, value in (("steps", steps), ("updates", updates), ("seed", seed)) if value is not None}
    source = None
    if isinstance(environment, str):
        choices["environment"] = environment
    elif environment is not None:
        source = Source(environment)
        choices["environment"] = source.name
    action_space = None if data is None and not callable(reward) else _action_space(environment, source)
    if callable(reward):
        written = Reward(reward, termination=termination, choices=Choices(None, start_of(action_space)))
    with Bar(progress, follow) as bar:
        folder, finished = _native.learn(
            choices=choices,
            source=source,
            reward=written,
            data=None if data is None else dataset(data, action_space=action_space),
            toml=toml_text(config),
            run_dir=run_dir,
            resume=resume,
            checkpoint=(counted("checkpoint_steps", checkpoint_steps), _seconds(checkpoint_secs)),
            follow=bar.hear if progress or follow else None,
        )
    # A name stands in the run's own configuration, with its settings.
    run = Run(folder, environment=None if isinstance(environment, str) else environment, reward=written)
    if not finished:
        raise KeyboardInterrupt(f"the run is kept in {folder}: go on with the same call and resume=True")
    if not run.trained:
        warnings.warn(untrained(run.summary["real_steps"]), WorldwrightWarning, stacklevel=2)
    return run


def _seconds(given: float) -> float:
    """How often a checkpoint is due by the clock; infinity for never."""
    if isinstance(given, bool) or not isinstance(given, (int, float)) or not given >= 0:
        raise ConfigError(f"checkpoint_secs must be a number of seconds of at least 0, got {given!r}")
    return float(given)


def _action_space(environment: EnvironmentLike | str | None, source: Source | None) -> Any:
    """What the environment can be told to do, so that choices that nobody made count too; none where only the run finds it out."""
    if source is not None:
        return source.action_space
    if not isinstance(environment, str):
        return None
    try:
        return Model("known", environment=environment).action_space
    except WorldwrightError:
        return None
