#!/usr/bin/env python3
"""Sends agent runs as an SDK sends them, and says what a span takes on disk.

    docs/measure/disk.py --program target/release/warroom --runs 1000 --batch 12 --batch 512

Each run is an agent with six model calls and five tool calls. Every model call carries, as the OpenTelemetry conventions have it, the
system prompt (about 6 KB, one of three), the definitions of eight tools (about 6 KB) and all that was said so far; every tool call its
arguments and its result (0.3 to 3 KB, made of random words, new each time). `--batch` = spans in one delivery: 12 is one run, 512 is
what an SDK's batch processor sends at most. What a span takes is the pages of the journal that are in use, with all its
indexes, divided by the spans. Python 3.9 or later, nothing to install.
"""
import argparse
import http.client
import json
import os
import pathlib
import random
import signal
import sqlite3
import subprocess
import tempfile
import time
import zlib

HERE = pathlib.Path(__file__).resolve().parents[2]
# Words that differ in length and are used as unevenly as words are.
LETTERS = "etaoinshrdlcumwfgypbvk"
DICE = random.Random(20261122)
WORDS = ["".join(DICE.choices(LETTERS, weights=range(len(LETTERS), 0, -1), k=DICE.randint(2, 10))) for _ in range(6000)]
WEIGHTS = [1 / (rank + 3) for rank in range(len(WORDS))]


def prose(dice, length):
    words, size = [], 0
    while size < length:
        word = dice.choices(WORDS, WEIGHTS)[0]
        words.append(word)
        size += len(word) + 1
    return " ".join(words)[:length]


PROMPTS = [(HERE / "assets/demo/prompt.md").read_text() + "\n\n" + prose(random.Random(n), 3000) for n in range(3)]
TOOLS = json.dumps([{"type": "function", "name": f"tool_{n}", "description": prose(random.Random(100 + n), 400),
                     "parameters": {"type": "object", "properties": {
                         f"field_{m}": {"type": "string", "description": prose(random.Random(200 + n * 9 + m), 60)}
                         for m in range(4)}}} for n in range(8)])


def attribute(key, value):
    if isinstance(value, int):
        return {"key": key, "value": {"intValue": str(value)}}
    return {"key": key, "value": {"stringValue": value}}


def run(number):
    dice = random.Random(number)
    trace = dice.randbytes(16).hex() if hasattr(dice, "randbytes") else f"{dice.getrandbits(128):032x}"
    start = time.time_ns() - 3_600_000_000_000 + number * 1_000_000
    spans = []

    def span(name, attributes, parent=""):
        identity = f"{dice.getrandbits(64):016x}"
        spans.append({"traceId": trace, "spanId": identity, "parentSpanId": parent, "name": name, "kind": 3,
                      "startTimeUnixNano": str(start + len(spans) * 900_000_000),
                      "endTimeUnixNano": str(start + len(spans) * 900_000_000 + 800_000_000),
                      "attributes": [attribute(key, value) for key, value in attributes.items()], "status": {}})
        return identity

    root = span("invoke_agent helper", {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "helper",
                                        "gen_ai.conversation.id": f"conv_{dice.getrandbits(48):x}"})
    said = [{"role": "user", "parts": [{"type": "text", "content": prose(dice, dice.randint(80, 600))}]}]
    system = json.dumps([{"type": "text", "content": PROMPTS[number % 3]}])
    for turn in range(6):
        call = None
        if turn < 5:
            arguments = {"field_0": prose(dice, 40), "field_1": dice.randint(1, 10**9)}
            call = {"type": "tool_call", "id": f"call_{dice.getrandbits(64):x}", "name": f"tool_{dice.randrange(8)}",
                    "arguments": arguments}
        answer = {"role": "assistant", "parts": [call or {"type": "text", "content": prose(dice, 700)}],
                  "finish_reason": "tool_call" if call else "stop"}
        span("chat large", {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai",
                            "gen_ai.request.model": "large", "gen_ai.response.model": "large-2026-09-30",
                            "gen_ai.usage.input_tokens": 3000 + 400 * turn, "gen_ai.usage.output_tokens": 150,
                            "gen_ai.system_instructions": system, "gen_ai.tool.definitions": TOOLS,
                            "gen_ai.input.messages": json.dumps(said), "gen_ai.output.messages": json.dumps([answer])}, root)
        said.append(answer)
        if call:
            result = json.dumps({"rows": [prose(dice, dice.randint(60, 600)) for _ in range(5)]})
            span(f"execute_tool {call['name']}", {
                "gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": call["name"], "gen_ai.tool.call.id": call["id"],
                "gen_ai.tool.call.arguments": json.dumps(call["arguments"]), "gen_ai.tool.call.result": result}, root)
            said.append({"role": "tool", "parts": [{"type": "tool_call_response", "id": call["id"], "response": result}]})
    return spans


def deliveries(runs, batch):
    """Bodies of so many spans each; runs beside each other are mixed as they would be, span by span."""
    waiting = []
    for number in range(0, runs, 8):
        together = [run(other) for other in range(number, min(number + 8, runs))]
        if batch <= 12:
            waiting = [span for spans in together for span in spans]
        else:
            waiting += [spans[n] for n in range(12) for spans in together]
        while len(waiting) >= batch or (waiting and (batch <= 12 or number + 8 >= runs)):
            yield len(waiting[:batch]), json.dumps({"resourceSpans": [{
                "resource": {"attributes": [attribute("service.name", "helper")]},
                "scopeSpans": [{"scope": {"name": "measure"}, "spans": waiting[:batch]}]}]}).encode()
            waiting = waiting[batch:]


def ask(port, method, path, body):
    """One request, a connection each: what is between two may take longer than a listener waits. Tried for a minute."""
    for attempt in range(600):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
            connection.request(method, path, body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            answer.read()
            assert answer.status == 200, answer.status
            return
        except OSError:
            time.sleep(0.1)
    raise SystemExit(f"nobody takes {path} on port {port}")


def measure(program, runs, batch, port):
    with tempfile.TemporaryDirectory() as folder:
        journal = os.path.join(folder, "state", "journal.db")
        os.mkdir(os.path.dirname(journal), 0o700)
        server = subprocess.Popen([program, "--journal", journal, "serve", "--listen", f"127.0.0.1:{port}"],
                                  stderr=subprocess.DEVNULL, env={"HOME": folder, "PATH": os.environ["PATH"]})
        try:
            ask(port, "GET", "/healthz", b"")
            spans = sent = zipped = 0
            for count, body in deliveries(runs, batch):
                ask(port, "POST", "/v1/traces", body)
                spans += count
                sent += len(body)
                zipped += len(zlib.compress(body, 6))
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait()
        store = sqlite3.connect(journal)
        store.execute("DELETE FROM projections")  # saved pictures, a cache
        store.commit()
        number = lambda sql: store.execute(sql).fetchone()[0] or 0
        disk = (number("PRAGMA page_count") - number("PRAGMA freelist_count")) * number("PRAGMA page_size")
        shared = number("SELECT sum(length(stored)) FROM chunks") if number(
            "SELECT count(*) FROM sqlite_schema WHERE name = 'chunks'") else 0
        print(f"batch {batch:4}: {spans} spans, sent {sent / spans:8.0f} B/span, each delivery gzipped {zipped / spans:7.0f}, "
              f"on disk {disk / spans:7.0f} B/span ({sent / disk:.1f} : 1), of it shared texts {shared / spans:.0f}", flush=True)


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--program", default="target/release/warroom")
    options.add_argument("--runs", type=int, default=1000)
    options.add_argument("--batch", type=int, action="append")
    options.add_argument("--port", type=int, default=19797)
    options = options.parse_args()
    for batch in options.batch or [12, 512]:
        measure(os.path.realpath(options.program), options.runs, batch, options.port)


if __name__ == "__main__":
    main()
