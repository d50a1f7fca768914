"""The process that holds Python environments: arrays in shared memory, control over a socket.

One frame on the socket is b"w" (look at the shared memory) or b"m", a 32-bit length and that much JSON; an answer's JSON names
the length of the bytes behind it as "blob". Steps and resets go by two counters in the shared memory: the host raises
`request`, this process answers by setting `reply` to it. Each side watches the other's counter for a short while and then
sleeps on the socket, having said so, so that the other knows to wake it. The words of the header stand in shared.rs.
"""

import ctypes.util
import importlib.metadata
import json
import mmap
import os
import platform
import signal
import sys
import threading
import time

import numpy as np
from worldwright_faults import sentence
from worldwright_spaces import Refusal
from worldwright_vectors import Loop, Vector

STEP = 1
ELEMENTS = {"f32": np.float32, "f64": np.float64, "u8": np.uint8, "i64": np.int64}


class Arrays:
    """Views of the shared memory, one axis of environments in front of each."""

    def __init__(self, memory, layout, env):
        count = layout["environments"]

        def leaves(space, offsets):
            return [
                np.frombuffer(memory, ELEMENTS[element], count * int(np.prod(shape)), offset).reshape((count, *shape))
                for (element, shape), offset in zip(space.leaves(), offsets, strict=True)
            ]

        self.actions = leaves(env.action_space, layout["actions"])
        self.observations = leaves(env.observation_space, layout["observations"])
        self.starts = leaves(env.observation_space, layout["starts"])
        # Single numbers are read and written faster through memoryviews than through arrays.
        view = memoryview(memory)
        self.rewards = view[layout["rewards"] : layout["rewards"] + 8 * count].cast("d")
        self.seeds = view[layout["seeds"] : layout["seeds"] + 8 * count].cast("Q")
        self.flags = view[layout["flags"] : layout["flags"] + count]
        self.mask = view[layout["mask"] : layout["mask"] + count]


class Server:
    def __init__(self, stream):
        self.stream, self.env, self.attached, self.last = stream, None, False, 0
        self.fence = threading.Lock()

    def receive(self, size):
        data = bytearray()
        while len(data) < size:
            more = self.stream.recv(size - len(data))
            if not more:
                # The host is gone: leave at once, without waiting for anything that the environment started.
                os._exit(0)
            data += more
        return bytes(data)

    def answer(self, message, blob=b""):
        text = json.dumps({**message, "blob": len(blob)}).encode()
        self.stream.sendall(b"m" + len(text).to_bytes(4, "little") + text + blob)

    def message(self):
        """Answers one message; errors in it are answers too."""
        request = json.loads(self.receive(int.from_bytes(self.receive(4), "little")))
        try:
            getattr(self, "do_" + request["do"])(request)
        except BaseException as error:
            self.answer({"error": explain(error, "making it" if request["do"] == "make" else f"'{request['do']}'")})

    def do_make(self, setup):
        sys.path[:0] = setup["path"]
        choose_renderer()
        self.env = Loop(setup) if setup["vectorization"] == "loop" else Vector(setup)
        versions = [["python", platform.python_version()]]
        for package in self.env.packages:
            try:
                versions.append([package, importlib.metadata.version(package)])
            except importlib.metadata.PackageNotFoundError:
                pass
        bounds = bytearray()
        spaces = {
            "observation_space": self.env.observation_space.describe(bounds),
            "action_space": self.env.action_space.describe(bounds),
        }
        about = {**self.env.about, **spaces, "autoreset": self.env.autoreset, "versions": versions}
        self.answer(about, bytes(bounds))

    def do_attach(self, layout):
        with open(layout["file"], "r+b") as file:
            memory = mmap.mmap(file.fileno(), layout["size"])
        words = memoryview(memory)[: layout["text"]].cast("Q")
        self.request, self.reply, self.asleep, self.host_asleep = (words[i : i + 1] for i in (0, 8, 16, 24))
        self.operation, self.status, self.length = (words[i : i + 1] for i in (32, 33, 34))
        self.text = memoryview(memory)[layout["text"] : layout["text"] + layout["text_size"]]
        # Stores become visible in order on x86 only; elsewhere every request and answer goes through the socket.
        self.spin_ns = layout["spin_ns"]
        self.env.attach(Arrays(memory, layout, self.env))
        self.attached = True
        self.answer({})

    def do_render(self, _request):
        try:
            frame = self.env.render()
        except Refusal:
            raise
        except Exception as error:
            raise Refusal(
                f"rendering failed with MUJOCO_GL={os.environ.get('MUJOCO_GL', '(not set)')}; without a display MuJoCo draws by "
                "EGL or OSMesa: install libegl1 or libosmesa6, or set MUJOCO_GL to egl, osmesa or glfw; " + explain(error, "its render")
            ) from error
        frame = np.ascontiguousarray(frame)
        if frame.ndim != 3 or frame.shape[2] != 3 or frame.dtype != np.uint8:
            raise Refusal(f"a picture of shape {frame.shape} and type {frame.dtype} came, not rows x columns x 3 bytes")
        self.answer({"height": frame.shape[0], "width": frame.shape[1]}, frame.tobytes())

    def order(self):
        """Orders the stores before it before the loads after it: taking a lock is an atomic read-modify-write."""
        self.fence.acquire()
        self.fence.release()

    def watch(self):
        """Whether a request came within the time of watching."""
        request, last, now, pause = self.request, self.last, time.perf_counter_ns, getattr(os, "sched_yield", int)
        end = now() + self.spin_ns
        while now() < end:
            for _ in range(32):
                if request[0] != last:
                    return True
            pause()
        self.asleep[0] = 1
        self.order()
        return request[0] != last

    def wait(self):
        """Returns when there is a request, having answered the messages before it."""
        while True:
            if self.spin_ns and self.watch():
                self.asleep[0] = 0
                return
            kind = self.receive(1)
            if self.spin_ns:
                self.asleep[0] = 0
            if kind == b"m":
                self.message()
            elif self.request[0] != self.last:
                return

    def serve(self):
        while not self.attached:
            self.receive(1)
            self.message()
        while True:
            self.wait()
            self.last = self.request[0]
            try:
                if self.operation[0] == STEP:
                    self.env.step()
                else:
                    self.env.reset()
                self.status[0] = 0
            except BaseException as error:
                text = explain(error, "its step" if self.operation[0] == STEP else "its reset").encode()[: len(self.text)]
                self.text[: len(text)] = text
                self.length[0], self.status[0] = len(text), 1
            self.reply[0] = self.last
            if self.spin_ns:
                self.order()
            if not self.spin_ns or self.host_asleep[0]:
                self.stream.sendall(b"w")


def explain(error, what):
    """What to tell of an exception that `what` raised."""
    return str(error) if isinstance(error, Refusal) else sentence(error, what)


def choose_renderer():
    """Where there is no display, MuJoCo's off-screen drawing by whichever library is here; the user's choice stands."""
    if "MUJOCO_GL" in os.environ or os.environ.get("DISPLAY") or not sys.platform.startswith("linux"):
        return
    for name, library in (("egl", "EGL"), ("osmesa", "OSMesa")):
        if ctypes.util.find_library(library):
            os.environ["MUJOCO_GL"] = name
            return


def leave_with(guard):
    """Ends this process, and all that it started, when its guard is gone, which would have done so."""
    while True:
        time.sleep(1.0)
        if os.getppid() != guard:
            sys.modules["__main__"].sweep()
            os.killpg(0, signal.SIGKILL)


def main(stream):
    # What environments print must not be lost, nor reach the host's own output.
    os.dup2(2, 1)
    if os.name == "posix":
        threading.Thread(target=leave_with, args=(os.getppid(),), daemon=True).start()
    Server(stream).serve()
