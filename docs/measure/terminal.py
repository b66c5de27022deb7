#!/usr/bin/env python3
"""Measures a full-screen program from outside: what it costs and how soon it answers, on a pty of a given size.

    docs/measure/terminal.py [options] -- PROGRAM [ARGUMENT ...]

Prints the median of the runs, and the lowest and highest. Linux, Python 3.9 or later, nothing to install.

  first_frame_ms   from the start of the process until READY stands on the screen (or 60 visible characters)
  start_bytes      written until it first fell silent
  pss_mb           memory of the process tree, shared pages divided, after the first silence
  idle_bytes_s     written per second with no key pressed
  idle_wakeups_s   how often per second a thread of it woke up while idle
  idle_cpu_pct     of one core, while idle
  key_bytes        written in answer to one key
  key_ms           from one key to the last byte of its answer
  quit             exit code, and terminal modes left on
"""
import argparse
import fcntl
import json
import os
import pty
import re
import select
import signal
import statistics
import struct
import sys
import termios
import time

NAMED = {"enter": "\r", "esc": "\x1b", "tab": "\t", "up": "\x1b[A", "down": "\x1b[B", "left": "\x1b[D",
         "right": "\x1b[C", "pgup": "\x1b[5~", "pgdn": "\x1b[6~", "space": " "}
SEQUENCE = re.compile(rb"\x1b(?:\[[0-9;:?<>=$ ]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[()].|.)")
QUESTIONS = [(b"\x1b[c", b"\x1b[?62;22c"), (b"\x1b[6n", b"\x1b[1;1R"), (b"\x1b[?u", b"\x1b[?0u"),
             (b"\x1b[?2026$p", b"\x1b[?2026;2$y")]


def split_keys(text):
    """'jk<esc>' -> ['j', 'k', ESC]"""
    return [NAMED[token[1:-1]] if len(token) > 1 else token for token in re.findall(r"<\w+>|.", text)]


def descendants(pid):
    found = [pid]
    for process in found:
        try:
            for task in os.listdir(f"/proc/{process}/task"):
                with open(f"/proc/{process}/task/{task}/children") as children:
                    found.extend(int(child) for child in children.read().split())
        except OSError:
            pass
    return found


def per_thread(pid, read):
    total = 0
    for process in descendants(pid):
        try:
            tasks = os.listdir(f"/proc/{process}/task")
        except OSError:
            continue
        for task in tasks:
            try:
                total += read(f"/proc/{process}/task/{task}")
            except OSError:
                pass
    return total


def wakeups(task):
    with open(f"{task}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("voluntary"))


def cpu_seconds(task):
    with open(f"{task}/schedstat") as schedstat:
        return int(schedstat.read().split()[0]) / 1e9


def pss_kb(pid):
    total = 0
    for process in descendants(pid):
        try:
            with open(f"/proc/{process}/smaps_rollup") as rollup:
                total += next(int(line.split()[1]) for line in rollup if line.startswith("Pss:"))
        except OSError:
            pass
    return total


class Terminal:
    def __init__(self, command, columns, rows, environment):
        self.output = bytearray()
        self.asked = 0
        self.ended = None
        self.start = time.perf_counter()
        self.last = self.start
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("4H", rows, columns, 0, 0))
            os.execvpe(command[0], command, environment)

    def pump(self, seconds):
        """Reads once, waiting at most `seconds`; says whether anything came."""
        if not select.select([self.fd], [], [], max(seconds, 0))[0]:
            return False
        try:
            chunk = os.read(self.fd, 65536)
        except OSError:
            chunk = b""
        if not chunk:
            self.reap(True)
            return False
        self.last = time.perf_counter()
        self.output += chunk
        for question, reply in QUESTIONS:
            for _ in range(self.output.count(question, self.asked)):
                os.write(self.fd, reply)
        self.asked = len(self.output)
        return True

    def until(self, holds, limit):
        end = time.perf_counter() + limit
        while not holds() and self.ended is None and time.perf_counter() < end:
            self.pump(end - time.perf_counter())
        return holds()

    def silence(self, quiet, limit):
        """Reads until `quiet` seconds passed without a byte, at most `limit` seconds."""
        begin = time.perf_counter()
        while self.ended is None:
            now = time.perf_counter()
            wait = min(max(self.last, begin) + quiet, begin + limit) - now
            if wait <= 0:
                return
            self.pump(wait)

    def for_seconds(self, seconds):
        end = time.perf_counter() + seconds
        while self.ended is None and time.perf_counter() < end:
            self.pump(end - time.perf_counter())

    def visible(self):
        return SEQUENCE.sub(b"", bytes(self.output))

    def type(self, key):
        os.write(self.fd, key.encode())

    def reap(self, wait=False):
        if self.ended is None:
            pid, status = os.waitpid(self.pid, 0 if wait else os.WNOHANG)
            if pid:
                self.ended = os.waitstatus_to_exitcode(status)
        return self.ended

    def modes_left(self):
        on = set()
        for modes, switch in re.findall(rb"\x1b\[\?([\d;]+)([hl])", bytes(self.output)):
            for mode in modes.split(b";"):
                # The cursor and the wrapping of lines are on at rest.
                rest = b"h" if mode in (b"25", b"7") else b"l"
                (on.discard if switch == rest else on.add)(mode.decode())
        return sorted(on)

    def close(self):
        if self.reap() is None:
            os.kill(self.pid, signal.SIGKILL)
            self.reap(True)
        os.close(self.fd)


def one_run(options):
    environment = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
    for name in ("TMUX", "NO_COLOR"):
        environment.pop(name, None)
    for pair in options.env:
        name, _, value = pair.partition("=")
        environment[name] = value
    columns, rows = options.size
    terminal = Terminal(options.command, columns, rows, environment)
    result = {}
    try:
        if options.ready:
            holds = lambda: options.ready.encode() in terminal.visible()
        else:
            holds = lambda: len(re.sub(rb"\s", b"", terminal.visible())) >= 60
        if not terminal.until(holds, options.limit):
            sys.exit(f"no first frame within {options.limit} s: {terminal.visible()[-400:]!r}")
        result["first_frame_ms"] = (terminal.last - terminal.start) * 1e3
        terminal.silence(0.3, options.limit)
        result["start_bytes"] = len(terminal.output)
        for key in split_keys(options.before):
            terminal.type(key)
            terminal.silence(0.2, 2)
        time.sleep(options.rest)
        terminal.silence(0.3, 2)
        if options.idle:
            before = (len(terminal.output), per_thread(terminal.pid, wakeups), per_thread(terminal.pid, cpu_seconds))
            begin = time.perf_counter()
            terminal.for_seconds(options.idle)
            seconds = time.perf_counter() - begin
            result["idle_bytes_s"] = (len(terminal.output) - before[0]) / seconds
            result["idle_wakeups_s"] = (per_thread(terminal.pid, wakeups) - before[1]) / seconds
            result["idle_cpu_pct"] = (per_thread(terminal.pid, cpu_seconds) - before[2]) / seconds * 100
        result["pss_mb"] = pss_kb(terminal.pid) / 1024
        sizes, times = [], []
        for key in split_keys(options.keys) * options.repeat:
            length, begin = len(terminal.output), time.perf_counter()
            terminal.type(key)
            if options.answer:
                # Something else draws too: the answer is the text that only this key brings.
                shown = lambda: options.answer.encode() in SEQUENCE.sub(b"", bytes(terminal.output[length:]))
                answered, moment = terminal.until(shown, 1.0), terminal.last
                terminal.type("\x1b")
                terminal.for_seconds(0.15)
            else:
                terminal.silence(0.06, 1.0)
                answered, moment = len(terminal.output) > length, terminal.last
            sizes.append(len(terminal.output) - length)
            if answered:
                times.append((moment - begin) * 1e3)
        if times:
            times.sort()
            result["key_ms"] = statistics.median(times)
            result["key_ms_p99"] = times[min(len(times) - 1, int(len(times) * 0.99))]
            if not options.answer:
                result["key_bytes"] = statistics.median(sizes)
                result["key_bytes_max"] = max(sizes)
        for key in split_keys(options.quit):
            if terminal.ended is None:
                terminal.type(key)
                terminal.silence(0.2, 1)
        end = time.perf_counter() + 2
        while terminal.reap() is None and time.perf_counter() < end:
            terminal.for_seconds(0.02)
        result["quit"] = f"code {terminal.ended}, modes left on: {' '.join(terminal.modes_left()) or 'none'}"
    finally:
        terminal.close()
    return result


def size(text):
    columns, _, rows = text.partition("x")
    return int(columns), int(rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=size, default=(160, 50), help="columns x rows")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--ready", help="text whose appearance is the first useful frame")
    parser.add_argument("--limit", type=float, default=30, help="seconds to wait for the first frame")
    parser.add_argument("--before", default="", help="keys pressed before anything is measured")
    parser.add_argument("--rest", type=float, default=1, help="seconds of rest before idleness is measured")
    parser.add_argument("--idle", type=float, default=5, help="seconds to watch it idle; 0 = not at all")
    parser.add_argument("--keys", default="jk", help="keys to measure, such as 'jk' or '<down><up>'")
    parser.add_argument("--repeat", type=int, default=20, help="how often the keys are pressed")
    parser.add_argument("--answer", help="text that each of the keys brings, undone by esc: for when something else draws too")
    parser.add_argument("--quit", default="q", help="keys that end the program")
    parser.add_argument("--env", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--json", action="store_true", help="print the runs as JSON")
    parser.add_argument("command", nargs="+")
    options = parser.parse_args()
    runs = [one_run(options) for _ in range(options.runs)]
    if options.json:
        print(json.dumps(runs))
        return
    for name in runs[0]:
        values = [run[name] for run in runs if name in run]
        if isinstance(values[0], str):
            print(f"{name:16} {' | '.join(sorted(set(values)))}")
        else:
            print(f"{name:16} {statistics.median(values):10.2f}   {min(values):.2f} to {max(values):.2f}")


if __name__ == "__main__":
    main()
