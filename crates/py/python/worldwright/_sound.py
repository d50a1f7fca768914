"""What a plan needs in order to mean something: something that is paid, numbers that stay finite, choices that differ."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from ._actions import action_row
from .errors import ConfigError, DivergedError, WorldwrightError
from .model import Model

ROWS, STEPS = 64, 50
"""Random walks that look for the place where numbers stop being finite."""


def discounting(given: Any) -> Any:
    """A discount as it was given.

    Raises:
        ConfigError: It is no number from 0 to 1.
    """
    number = isinstance(given, (int, float, np.number)) and not isinstance(given, bool)
    if given is not None and not (number and 0.0 <= given <= 1.0):
        raise ConfigError(f"discount is what a reward one step later is worth, a number from 0 to 1, got {given!r}")
    return given


def distinct(action_space: Any) -> Any:
    """Choices as they were given.

    Raises:
        ConfigError: Two are the same, so that a plan would not say which of them it means.
    """
    if isinstance(action_space, list):
        words = [repr(choice) for choice in action_space]
        twice = next((word for place, word in enumerate(words) if word in words[:place]), None)
        if twice is not None:
            raise ConfigError(f"{twice} stands twice among the choices: give each a name of its own")
    return action_space


def paying(transition: Callable[..., Any]) -> Callable[..., Any]:
    """A transition function that is the only one to say what is paid: it must."""

    @functools.wraps(transition)
    def paid(*given: Any) -> Any:
        answer = transition(*given)
        if not isinstance(answer, tuple):
            raise ConfigError(
                "nothing says what is paid, so no plan is better than another: give reward_fn=…, (observation, action, next_observation) "
                "-> reward, or let the transition function return (next_observation, reward)"
            )
        return answer

    return paid


def paid_by(model: Model, observation: Any) -> None:
    """Sees to it that a model of a user's own function or class says what is paid, by one step from an observation where that is not
    known yet.

    Raises:
        ConfigError: Nothing says so, and what to give.
    """
    dynamics = model._dynamics
    if dynamics is None:
        return
    if dynamics.pays is None:
        space = copy.deepcopy(model.action_space)
        space.seed(0)
        imagined = model.imagination(1)
        imagined.observe([observation])
        imagined.step(action_row(space, space.sample()))
    if dynamics.pays is False:
        raise ConfigError(
            f"nothing says what is paid in the model '{model.name}', so no plan is better than another: make it with reward=…, a function "
            "(observation, action, next_observation) -> reward, let it give (next_observation, reward), or plan with value_fn=…, "
            "the value of an observation"
        )


def all_diverged(model: Model, observation: Any) -> DivergedError:
    """What is said where no candidate had a finite return, with the first place where numbers stop being finite."""
    return DivergedError(
        f"every plan from this observation becomes infinite or undefined{_place(model, observation)}; give finite rewards and observations "
        "for whatever may be met (a large negative reward for what is forbidden), or plan with a smaller horizon"
    )


def _place(model: Model, observation: Any) -> str:
    space = copy.deepcopy(model.action_space)
    space.seed(0)
    try:
        imagined = model.imagination(ROWS)
        imagined.observe([observation] * ROWS)
        before = imagined.observations()
        for step in range(STEPS):
            actions = [space.sample() for _ in range(ROWS)]
            rewards, _, _ = imagined.step(np.concatenate([action_row(space, action) for action in actions]))
            after = imagined.observations()
            for what, array in (("the next observation holds", after), ("the reward is", np.asarray(rewards)[..., np.newaxis])):
                wrong = np.argwhere(~np.isfinite(array))
                if len(wrong):
                    member, row, place = wrong[0]
                    at = f" at place {place}" if array is after else ""
                    number = "NaN" if np.isnan(array[member, row, place]) else array[member, row, place]
                    seen = np.array2string(before[member, row], separator=", ", threshold=20)
                    return f": {what} {number}{at} at step {step} of it, observation {seen}, action {model.choice(actions[row])!r}"
            before = after
    except WorldwrightError:
        # The place is a help beside the error: what fails while it is looked for is not what failed.
        pass
    return ""
