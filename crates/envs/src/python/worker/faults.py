"""What foreign code raised, in one sentence: who raised it, the last line of its traceback, and where in files of its own."""

import difflib
import inspect
import os
import re
import site
import sysconfig
import traceback

from worldwright_spaces import Refusal

LONGEST = 1000
# Between a call and the code that it is for; this program's own modules have names without a folder.
BETWEEN = ("<frozen ", os.path.join("gymnasium", "core.py"), os.path.join("gymnasium", "envs", "registration.py"))
BELOW = tuple({sysconfig.get_path("stdlib"), *site.getsitepackages(), site.getusersitepackages()})


def last_line(error):
    """What a traceback ends with."""
    text = " ".join("".join(traceback.format_exception_only(error)).split())
    return text if len(text) <= LONGEST else text[:LONGEST] + "…"


def chain(error):
    """The exception and those that it came of, the first of all last."""
    found = [error]
    while len(found) < 10:
        below = found[-1].__cause__ or (None if found[-1].__suppress_context__ else found[-1].__context__)
        if below is None:
            break
        found.append(below)
    return found


def places(error):
    """Where it was raised, the innermost frames last: those of the user's own files, or else of whatever package it was in."""
    frames = [frame for one in reversed(chain(error)) for frame in traceback.extract_tb(one.__traceback__)]
    frames = [frame for frame in frames if os.path.dirname(frame.filename) and not any(part in frame.filename for part in BETWEEN)]
    own = [frame for frame in frames if not frame.filename.startswith(BELOW)]
    shown = dict.fromkeys(f"{frame.filename}, line {frame.lineno}, in {frame.name}" for frame in own or frames[-1:])
    return list(shown)[-3:]


def sentence(error, what):
    """What to tell of an exception that `what` raised."""
    found = places(error)
    where = f" ({'; '.join(found)})" if found else ""
    return f"{what} raised {last_line(error)}{where}"


def parameters(creator):
    """Names of the arguments that a class or a function takes; those of a class's bases too where it hands on what it does not know."""
    if not isinstance(creator, type):
        return named_in(creator)[0]
    names = []
    for kind in creator.__mro__:
        if "__init__" in vars(kind) and kind is not object:
            own, hands_on = named_in(kind.__init__)
            names += [name for name in own if name not in names and name != "self"]
            if not hands_on:
                break
    return names


def named_in(function):
    """Names of a function's arguments, and whether it takes others."""
    try:
        found = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return [], False
    named = [one.name for one in found if one.kind in (one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY)]
    return named, any(one.kind is one.VAR_KEYWORD for one in found)


def argument(error, name, given, creator):
    """A Refusal for an argument that the environment `name` does not take, or that it wants; None where the exception is about something else.

    `given` are the user's own arguments, `creator` is what is called with them."""
    for said in chain(error):
        if not isinstance(said, TypeError):
            continue
        # What Gymnasium adds repeats the arguments.
        last = last_line(said).partition(" was raised from the environment creator")[0]
        surplus = re.search(r"unexpected keyword argument '(\w+)'", last)
        if surplus and surplus.group(1) in given:
            key, known = surplus.group(1), parameters(creator)
            near = difflib.get_close_matches(key, known, 1, 0.5)
            meant = f"; did you mean '{near[0]}'?" if near else ""
            takes = f" (it takes {', '.join(known)})" if known else ""
            return Refusal(f"{name} takes no argument '{key}', which environment.{key} gives it{meant}{takes}: {last}")
        wanted = re.search(r"missing \d+ required (?:positional|keyword-only) arguments?: '(\w+)'", last)
        if wanted:
            return Refusal(f"{name} needs the argument '{wanted.group(1)}': say it as environment.{wanted.group(1)}=…: {last}")
    return None
