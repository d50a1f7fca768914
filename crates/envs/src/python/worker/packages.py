"""Packages that environments need: those that the user installed are imported for what they register, and those that are missing are
named with the command that brings them."""

import importlib
import importlib.metadata
import re

from worldwright_spaces import Refusal

EXTRAS = ("atari", "box2d", "classic-control", "jax", "mujoco", "other", "torch", "toy-text")
# What is asked for where a module's name is not its package's.
PACKAGES = {
    "Box2D": "box2d", "ale_py": "atari", "gymnasium_robotics": "robotics", "cv2": "opencv-python", "PIL": "pillow", "yaml": "pyyaml",
    "skimage": "scikit-image", "sklearn": "scikit-learn", "OpenGL": "PyOpenGL", "dm_control": "dm-control", "labmaze": "labmaze",
}  # fmt: skip
# Which package registers an id, by the id's beginning.
FAMILIES = {
    "ALE/": "atari", "Fetch": "robotics", "HandManipulate": "robotics", "HandReach": "robotics", "Adroit": "robotics",
    "AntMaze": "robotics", "PointMaze": "robotics", "FrankaKitchen": "robotics", "Maniskill": "mani-skill", "MiniGrid-": "minigrid",
    "BabyAI-": "minigrid", "MiniWorld-": "miniworld", "Panda": "panda-gym", "FlappyBird-": "flappy-bird-gymnasium",
    "gym_pusht/": "gym-pusht", "gym_aloha/": "gym-aloha", "gym_xarm/": "gym-xarm", "PyFlyt/": "PyFlyt", "highway-": "highway-env",
    "merge-": "highway-env", "roundabout-": "highway-env", "parking-": "highway-env", "intersection-": "highway-env",
    "racetrack-": "highway-env", "deep-sea-treasure": "mo-gymnasium", "mo-": "mo-gymnasium", "stocks-": "gym-anytrading",
    "forex-": "gym-anytrading", "tetris_gymnasium/": "tetris-gymnasium", "Meta-World/": "metaworld",
}  # fmt: skip


def command(setup, packages):
    """What the user runs to get them, where this environment is made."""
    pip = setup["install"].endswith("pip install")
    words = [f'"gymnasium[{name}]"' if pip and name in EXTRAS else name for name in packages]
    if pip:
        words = ["gymnasium-robotics" if name == "robotics" else name for name in words]
    return f"run `{setup['install']} {' '.join(words)}`"


def missing(error):
    """The packages that an exception asks for; none where it is about something else."""
    text = str(error)
    asked = re.findall(r"gymnasium\[([\w,-]+)\]", text)
    if asked:
        return [name for part in asked for name in part.split(",")]
    module = error.name if isinstance(error, ModuleNotFoundError) else None
    if module is None:
        found = re.search(r"No module named '?([\w.]+)", text)
        module = found and found.group(1)
    if module is None:
        # The module's own words on what it lacks, as `pip install swig` before `pip install box2d-py`.
        named = [word.strip("\"'`.,;()") for part in re.findall(r"pip3? install ([^\n.;`]+)", text) for word in part.split()]
        return [word for word in dict.fromkeys(named) if re.fullmatch(r"[A-Za-z][\w.\[\]-]*", word) and word not in PROSE][:3]
    top = module.split(".")[0]
    return [PACKAGES.get(top, top.replace("_", "-"))]


PROSE = {"and", "or", "to", "then", "followed", "by", "the", "for", "with", "pip", "install", "it", "in", "your"}


def explained(error, setup):
    """`error`, or what to do about it where a package is missing somewhere below it."""
    below = error
    for _ in range(10):
        if isinstance(below, Refusal):
            return below
        if isinstance(below, ImportError) or type(below).__name__ in ("DependencyNotInstalled", "MissingDependency"):
            packages = missing(below)
            if packages:
                said = " ".join(str(below).split())
                return Refusal(f"a package is missing ({said}): {command(setup, packages)}")
        below = below.__cause__ or below.__context__
        if below is None:
            break
    return error


def modules_of(requirement):
    """The modules that a distribution brings."""
    name = re.split(r"[^\w.-]", requirement, maxsplit=1)[0]
    try:
        distribution = importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError:
        return []
    listed = (distribution.read_text("top_level.txt") or "").split()
    if not listed:
        paths = [file.parts for file in distribution.files or [] if file.suffix == ".py"]
        listed = [parts[0] if len(parts) > 1 else parts[0].removesuffix(".py") for parts in paths]
    skipped = ("tests", "test", "docs", "examples", "scripts", "..", "gymnasium", "setup")
    return [module for module in dict.fromkeys(listed) if module.isidentifier() and module not in skipped]


def bring_in(setup, name, registry):
    """Imports, until `name` is registered, what the user installed and what the name's family is known to come with; says of each module
    that cannot be imported why not."""
    family = [package for start, package in FAMILIES.items() if name.startswith(start)]
    named = {"atari": "ale_py", "robotics": "gymnasium-robotics", "gymnasium[atari]": "ale_py"}
    failures = []
    for package in dict.fromkeys([named.get(package, package) for package in family + setup["packages"]]):
        for module in modules_of(package):
            if name in registry:
                return failures
            try:
                importlib.import_module(module)
            except Exception as error:
                failures.append((module, error))
    return failures


def nearest(setup, name, registry):
    """What to say of an id that nothing registered."""
    import difflib

    module = setup["id"].removesuffix(name)
    family = [package for start, package in FAMILIES.items() if name.startswith(start)]
    if family and not modules_of({"atari": "ale_py", "robotics": "gymnasium-robotics"}.get(family[0], family[0])):
        return f"; its package is not here: {command(setup, family[:1])}"
    base = re.sub(r"-v\d+$", "", name)
    versions = sorted(
        (id for id in registry if re.sub(r"-v\d+$", "", id) == base), key=lambda id: int(id.rpartition("-v")[2] or 0)
    )
    lower = {id.lower(): id for id in registry}
    close = versions[-1:] or [lower[id] for id in difflib.get_close_matches(name.lower(), lower, 1, 0.6)]
    if close:
        return f"; did you mean '{setup['name']}:{module}{close[0]}'?"
    return f"; a package that registers it may be missing: {command(setup, ['PACKAGE'])}, or write {setup['name']}:MODULE:ID to import a module first"
