"""What is no datum is refused wherever arrays enter: masked numbers, complex ones, times, and whole numbers that would be rounded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
import pytest
import worldwright as wm
from gymnasium import spaces

SEEN, DONE = np.random.default_rng(0).normal(size=(50, 1)), np.zeros((50, 1))
PAID = 2 * SEEN[:, 0]
COLUMNS = {"observations": SEEN, "actions": DONE, "rewards": PAID, "next_observations": SEEN}


def fit(**columns: Any) -> wm.Model:
    model = wm.Model("linear", observation_space=([-50.0], [50.0]), action_space=([-1.0], [1.0]))
    model.fit(**{**COLUMNS, **columns})
    return model


def masked(array: Any, row: int) -> Any:
    mask = np.zeros(np.shape(array), dtype=bool)
    mask[row:] = True
    return np.ma.array(array, mask=mask)


def episode(**columns: Any) -> wm.data.Episodes:
    own = {"observations": np.zeros((3, 1)), "actions": np.zeros((2, 1)), "rewards": np.zeros(2)}
    return wm.data.episodes([{**own, **columns}])


@pytest.mark.parametrize(
    ("enter", "row"),
    [
        (lambda: fit(rewards=masked(PAID, 25)), 25),
        (lambda: fit(observations=masked(SEEN, 7)), 7),
        (lambda: fit(actions=masked(DONE, 3)), 3),
        (lambda: fit(terminated=masked(np.zeros(50), 4)), 4),
        (lambda: wm.data.episodes({**COLUMNS, "rewards": masked(PAID, 9)}), 9),
        (lambda: episode(rewards=masked(np.zeros(2), 1)), 1),
        (lambda: episode(observations=masked(np.zeros((3, 1)), 2)), 2),
        (lambda: episode(actions=masked(np.zeros((2, 1)), 1)), 1),
        (lambda: fit().predict(masked(np.zeros((4, 1)), 2), np.zeros((4, 1))), 2),
        (lambda: fit().predict(np.zeros((4, 1)), masked(np.zeros((4, 1)), 3)), 3),
        (lambda: wm.build({"observations": masked(SEEN, 6), "actions": DONE[1:]}, progress=False), 6),
    ],
)
def test_masked_numbers_are_missing_ones(enter: Callable[[], Any], row: int) -> None:
    with pytest.raises(wm.WorldwrightError, match=f"row {row} is masked"):
        enter()


def test_an_array_without_masked_numbers_is_one() -> None:
    assert fit(rewards=np.ma.array(PAID)).predict(np.ones((1, 1)), np.zeros((1, 1))).rewards[0, 0] == pytest.approx(2.0, abs=1e-3)


@pytest.mark.parametrize("foreign", [lambda a: a + 3j, lambda a: np.full(np.shape(a), "2024-01-01", dtype="datetime64[s]")])
@pytest.mark.parametrize("name", list(COLUMNS))
def test_complex_numbers_and_times_are_no_quantities(name: str, foreign: Callable[[Any], Any]) -> None:
    with pytest.raises((wm.ShapeError, wm.ConfigError), match=r"complex128|datetime64"):
        fit(**{name: foreign(COLUMNS[name])})
    if name in ("observations", "actions"):
        pair = {"observations": np.zeros((2, 1)), "actions": np.zeros((2, 1))}
        with pytest.raises(wm.ShapeError, match=r"complex128|datetime64"):
            fit().predict(**{**pair, name: foreign(pair[name])})


class Shows(gymnasium.Env[Any, Any]):
    """Shows what it is told to."""

    action_space = spaces.Box(-1.0, 1.0, (1,), np.float64)

    def __init__(self, space: spaces.Space[Any], first: Any, shown: Any) -> None:
        self.observation_space, self._first, self._shown = space, first, shown

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        return self._first, {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        return self._shown, 0.0, False, False, {}


@pytest.mark.parametrize("shown", [np.ma.array([1.0, 2.0], mask=[0, 1]), np.array([1j, 0])])
def test_what_an_environment_shows_is_a_datum(shown: Any, tmp_path: Any) -> None:
    space = spaces.Box(-9.0, 9.0, (2,), np.float64)
    for enter in (
        lambda: wm.collect(Shows(space, np.zeros(2), shown), steps=3),
        lambda: wm.learn(Shows(space, np.zeros(2), shown), steps=9, run_dir=tmp_path / "run", progress=False),
    ):
        with pytest.raises(wm.WorldwrightError, match=r"masked|complex128"):
            enter()


def test_whole_numbers_that_would_be_rounded_are_refused(tmp_path: Any) -> None:
    big = 2**53 + 1
    space = spaces.Box(0, 2**62, (1,), np.int64)
    environment = Shows(space, np.array([0]), np.array([big]))
    for enter in (
        lambda: wm.collect(environment, steps=3),
        lambda: fit(observations=np.full((50, 1), big), next_observations=np.full((50, 1), big)),
        lambda: episode(rewards=np.array([1, big])),
        lambda: wm.learn(Shows(space, np.array([0]), np.array([big])), steps=9, run_dir=tmp_path / "run", progress=False),
    ):
        with pytest.raises(wm.WorldwrightError, match=str(big)):
            enter()
    # What a double holds is taken.
    assert wm.collect(Shows(space, np.array([0]), np.array([2**53 + 2])), steps=2)[0].observations[1, 0] == 2**53 + 2


def test_no_rows_are_said_in_words() -> None:
    with pytest.raises(wm.ConfigError, match="holds no step"):
        fit(**{name: column[:0] for name, column in COLUMNS.items()})
    with pytest.raises(wm.ShapeError, match="there are no observations"):
        fit().predict(np.zeros((0, 1)), np.zeros((0, 1)))
