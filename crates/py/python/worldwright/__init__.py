"""Worldwright: learn a world model from little data, plan with it, and know how far to trust it.

    import gymnasium
    import worldwright as wm

    run = wm.learn(gymnasium.make("Pendulum-v1"), steps=1000)
    run.plot()
    agent = run.agent()
    action = agent.act(observation)

What there is: ``wm.environments()``, ``wm.models()``, ``wm.planners()``, ``wm.policies()``, ``wm.learners()``,
``wm.algorithms()``, ``wm.studies()``.
"""

from __future__ import annotations

from . import data, distributed, errors, mcts
from ._native import __version__
from .agents import Agent, Estimate, Estimated, Evaluation, load
from .catalogue import Entry, algorithms, environments, learners, models, planners, policies, studies
from .collecting import collect
from .designing import Candidate, DesignedModel, build
from .dream import as_env, as_vector_env
from .errors import (
    ConfigError,
    DivergedError,
    ExternalError,
    NotFittedError,
    ShapeError,
    SpaceError,
    UnknownNameError,
    UnsupportedError,
    WorldwrightError,
    WorldwrightWarning,
)
from .learning import learn
from .model import Imagination, Model
from .multiagent import from_pettingzoo
from .planner import Plan, Planner, Weighed
from .plots import plot
from .predicted import FitReport, Prediction
from .runs import Run
from .studying import Study, StudyTable, study
from .written import Policy, WorldModel

__all__ = [
    "Agent",
    "Candidate",
    "ConfigError",
    "DesignedModel",
    "DivergedError",
    "Entry",
    "Estimate",
    "Estimated",
    "Evaluation",
    "ExternalError",
    "FitReport",
    "Imagination",
    "Model",
    "NotFittedError",
    "Plan",
    "Planner",
    "Policy",
    "Prediction",
    "Run",
    "ShapeError",
    "SpaceError",
    "Study",
    "StudyTable",
    "UnknownNameError",
    "UnsupportedError",
    "Weighed",
    "WorldModel",
    "WorldwrightError",
    "WorldwrightWarning",
    "__version__",
    "algorithms",
    "as_env",
    "as_vector_env",
    "build",
    "collect",
    "data",
    "distributed",
    "environments",
    "errors",
    "from_pettingzoo",
    "learn",
    "learners",
    "load",
    "mcts",
    "models",
    "planners",
    "plot",
    "policies",
    "studies",
    "study",
]
