#!/usr/bin/env python3
"""How soon spans can be seen: the same spans to warroom and to Phoenix, on this machine, in turns.

    docs/measure/visible.py [--program target/release/warroom] [--count 2000] [--rounds 3] [--many 200000]

A span counts as visible when the program shows it to who looks: warroom when the console on a real terminal (tmux) draws the
service that only the last span of the round names - entries are taken in the order in which they were recorded, so all others are
in the picture by then; Phoenix when its REST API gives as many spans as were sent. The clock starts with the first byte sent.
Phoenix is asked twice a second, so that asking does not slow it; the screen is looked at fifty times a second.
`--many` is one more round of so many spans, for warroom alone. Needs tmux and Phoenix (tests/setup installs both); Python 3.9 or
later, nothing else. Everything it starts has a folder of its own and ends with it.
"""
import argparse
import base64
import json
import os
import pathlib
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import types
import urllib.request

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import intake  # noqa: E402


def body(spans, service):
    resource = intake.field(1, intake.field(1, intake.attribute("service.name", service)))
    return intake.field(1, resource + intake.field(2, intake.field(1, intake.field(1, b"measure")) + spans))


def requests(port, count, run, last):
    """`count` spans as requests of 500, ten spans a run; the last span is one of the service `last`."""
    options = types.SimpleNamespace(what="spans", path="/v1/traces", host="127.0.0.1", port=port, connections=4)
    now, spans = time.time_ns(), []
    for number in range(count):
        identity = intake.struct.pack(">Q", (run + 1 << 32) + number)
        root = intake.struct.pack(">Q", (run + 1 << 32) + number // 10 * 10)
        trace = intake.hashlib.sha256(f"{run}/{number // 10}".encode()).digest()[:16]
        spans.append(intake.field(2, intake.span(trace, identity, b"" if identity == root else root, now)))
    most, end = spans[:-1], spans[-1]
    parts = [most[first:first + 500] for first in range(0, len(most), 500)]
    whole = [(intake.message(options, body(b"".join(part), "support-bot")), len(part)) for part in parts]
    return options, whole, [(intake.message(options, body(end, last)), 1)]


def send(port, count, run, last):
    """Sends them, the last one when all others were answered; (begin, seconds to the last answer)."""
    options, most, end = requests(port, count, run, last)
    begin = time.perf_counter()
    for part in (most, end):
        accepted, refused, *_ = intake.send_all(options, part)
        if refused or accepted != sum(number for _, number in part):
            sys.exit(f"port {port} did not take all of it: {accepted} taken, {refused}")
    return begin, time.perf_counter() - begin


def until(begin, seen, patience=1800, every=0.02):
    while not seen():
        if time.perf_counter() - begin > patience:
            sys.exit("it was never shown")
        time.sleep(every)
    return time.perf_counter() - begin


class Warroom:
    def __init__(self, program, port, folder):
        self.port, self.name = port, f"warroom-visible-{os.getpid()}"
        os.chmod(folder, 0o700)
        environment = {"PATH": os.environ["PATH"], "HOME": folder, "LANG": "C.UTF-8", "TERM": "xterm-256color",
                       "XDG_STATE_HOME": f"{folder}/state", "XDG_CONFIG_HOME": f"{folder}/config"}
        for inner in ("state", "config"):
            os.mkdir(f"{folder}/{inner}", 0o700)
        self.tmux = ["tmux", "-L", self.name, "-f", "/dev/null"]
        command = f"{program} --listen 127.0.0.1:{port}"
        subprocess.run([*self.tmux, "new-session", "-d", "-x", "160", "-y", "200", command], env=environment, check=True)
        until(time.perf_counter(), lambda: "incident" in self.screen().lower(), 60)
        subprocess.run([*self.tmux, "send-keys", "0"], check=True)
        until(time.perf_counter(), lambda: "Sources" in self.screen() or "source" in self.screen(), 60)

    def screen(self):
        return subprocess.run([*self.tmux, "capture-pane", "-p"], capture_output=True, text=True).stdout

    def visible(self, count, run):
        last = f"seen{run}"
        begin, answered = send(self.port, count, run, last)
        return answered, until(begin, lambda: last in self.screen())

    def end(self):
        subprocess.run([*self.tmux, "kill-server"], capture_output=True)


class Phoenix:
    def __init__(self, program, port, folder):
        self.port, self.there = port, 0
        environment = {**os.environ, "HOME": folder, "PHOENIX_WORKING_DIR": folder, "PHOENIX_HOST": "127.0.0.1",
                       "PHOENIX_PORT": str(port), "PHOENIX_GRPC_PORT": str(port + 1), "PHOENIX_TELEMETRY_ENABLED": "false"}
        with open(f"{folder}/log", "w") as log:
            self.process = subprocess.Popen([program, "serve"], env=environment, cwd=folder, stdout=log, stderr=log)
        until(time.perf_counter(), lambda: self.ask("/v1/projects") is not None, 600)

    def ask(self, path):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=60) as answer:
                return json.load(answer)
        except OSError:
            return None

    def shown(self):
        """How many spans it shows: they are numbered as they arrive, and nothing was deleted."""
        newest = ((self.ask("/v1/projects/default/spans?limit=1") or {}).get("data") or [{"id": "U3BhbjowCg=="}])[0]["id"]
        return int(base64.b64decode(newest).decode().split(":")[1])

    def visible(self, count, run):
        begin, answered = send(self.port, count, run, "seen")
        self.there += count
        return answered, until(begin, lambda: self.shown() >= self.there, every=0.5)

    def end(self):
        self.process.kill()
        self.process.wait()


def say(name, count, answered, seen):
    print(f"{name:8}  {count:7} spans  answered in {answered:8.2f} s  visible in {seen:8.2f} s  = {count / seen:9.0f} spans/s visible",
          flush=True)


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "warroom-tests"
    options.add_argument("--program", default="target/release/warroom")
    options.add_argument("--phoenix", default=str(cache / "phoenix/bin/phoenix"))
    options.add_argument("--count", type=int, default=2_000)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--many", type=int, default=200_000)
    options.add_argument("--port", type=int, default=19_795)
    options = options.parse_args()
    # What was started ends with it, also when it is ended.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    folders, running, rates = [tempfile.mkdtemp() for _ in range(2)], [], {"warroom": [], "phoenix": []}
    try:
        phoenix = Phoenix(options.phoenix, options.port + 1, folders[1])
        running.append(phoenix)
        warroom = Warroom(os.path.abspath(options.program), options.port, folders[0])
        running.append(warroom)
        for number in range(options.rounds):
            for name, one in (("warroom", warroom), ("phoenix", phoenix)):
                answered, seen = one.visible(options.count, number)
                say(name, options.count, answered, seen)
                rates[name].append(options.count / seen)
        for name, found in rates.items():
            print(f"{name:8}  median {statistics.median(found):.0f} spans/s visible [{min(found):.0f}, {max(found):.0f}]")
        answered, seen = warroom.visible(options.many, options.rounds)
        say("warroom", options.many, answered, seen)
    finally:
        for one in running:
            one.end()
        for folder in folders:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
