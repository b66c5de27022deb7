#!/usr/bin/env python3
"""Sends alerts, spans and storms to a listener on this machine, and says how fast it took them.

    docs/measure/intake.py alerts --to http://127.0.0.1:9095/alertmanager --count 200000
    docs/measure/intake.py alerts --to http://127.0.0.1:9093/api/v2/alerts --count 200000
    docs/measure/intake.py feed   --to http://127.0.0.1:9095/alertmanager --rate 5000 --seconds 20
    docs/measure/intake.py spans  --to http://127.0.0.1:9095/v1/traces --count 200000
    docs/measure/intake.py storm  --to http://127.0.0.1:9095/alertmanager --count 100000 --pid PID

Requests are made before the clock starts and go out over kept connections; only answers of 200 count. `--pid` also
prints the highest memory the process ever had (VmHWM). Loopback only. Python 3.9 or later, nothing to install.
"""
import argparse
import datetime
import hashlib
import json
import os
import socket
import struct
import threading
import time
import urllib.parse

START = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
SERVICES = ["checkout", "search", "support-assistant", "billing", "inventory", "gateway", "profile", "mail"]


def stamp(moment):
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def alert(number, run):
    service = SERVICES[number % len(SERVICES)]
    labels = {"alertname": f"HighErrorRate{number // len(SERVICES) % 20}", "service": service, "severity": "page",
              "instance": f"pod-{number}", "cluster": "eu-1", "run": run}
    return {"labels": labels,
            "annotations": {"summary": f"{service} 5xx ratio is 12.{number % 10}%", "runbook_url": "https://example.com/r"},
            "startsAt": stamp(START), "generatorURL": "http://prometheus.example:9090/graph?g0.expr=up"}


def webhook(alerts):
    for item in alerts:
        item["status"] = "firing"
        item["endsAt"] = "0001-01-01T00:00:00Z"
        text = json.dumps(item["labels"], sort_keys=True)
        item["fingerprint"] = hashlib.sha256(text.encode()).hexdigest()[:16]
    return {"receiver": "console", "status": "firing", "alerts": alerts, "groupLabels": {}, "commonLabels": {},
            "commonAnnotations": {}, "externalURL": "http://alertmanager.example:9093", "version": "4",
            "groupKey": "{}:{}", "truncatedAlerts": 0}


def alert_bodies(options, count, run):
    # A storm is one alert of one component in many instances.
    step = len(SERVICES) * 20 if options.what == "storm" else 1
    shape = webhook if "/api/v2/" not in options.path else (lambda alerts: alerts)
    for first in range(0, count, options.batch):
        numbers = range(first, min(first + options.batch, count))
        yield json.dumps(shape([alert(number * step, run) for number in numbers])).encode(), len(numbers)


# --- OTLP spans in protobuf, by hand: field numbers of opentelemetry.proto.trace.v1 ---

def varint(number):
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def field(number, payload):
    return varint(number << 3 | 2) + varint(len(payload)) + payload


def attribute(key, value):
    if isinstance(value, int):
        return field(1, key.encode()) + field(2, varint(3 << 3) + varint(value))
    return field(1, key.encode()) + field(2, field(1, value.encode()))


def span(trace, identity, parent, now):
    attributes = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4o",
                  "gen_ai.response.model": "gpt-4o-2024-11-20", "gen_ai.usage.input_tokens": 812,
                  "gen_ai.usage.output_tokens": 31, "gen_ai.prompt.name": "support-system",
                  "gen_ai.conversation.id": "conv_1", "gen_ai.agent.name": "support-bot",
                  "gen_ai.input.messages": '[{"role":"user","parts":[{"type":"text","content":"refund order 991?"}]}]'}
    out = field(1, trace) + field(2, identity) + (field(4, parent) if parent else b"") + field(5, b"chat gpt-4o")
    out += varint(6 << 3) + varint(3)
    out += varint(7 << 3 | 1) + struct.pack("<Q", now) + varint(8 << 3 | 1) + struct.pack("<Q", now + 1_900_000_000)
    return out + b"".join(field(9, attribute(key, value)) for key, value in attributes.items())


def span_bodies(options, count, run):
    now = time.time_ns()
    resource = field(1, field(1, attribute("service.name", "support-bot")))
    for first in range(0, count, options.batch):
        spans = b""
        for number in range(first, min(first + options.batch, count)):
            # Ten spans a run: a root and nine below it.
            trace = hashlib.sha256(f"{run}/{number // 10}".encode()).digest()[:16]
            root = struct.pack(">Q", number // 10 * 10 + 1)
            identity = struct.pack(">Q", number + 1)
            spans += field(2, span(trace, identity, b"" if identity == root else root, now))
        scope = field(2, field(1, field(1, b"measure")) + spans)
        yield field(1, resource + scope), min(options.batch, count - first)


# --- sending ---

class Connection:
    def __init__(self, options):
        self.socket = socket.create_connection((options.host, options.port), timeout=120)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.rest = b""

    def send(self, message):
        self.socket.sendall(message)
        while b"\r\n\r\n" not in self.rest:
            self.more()
        head, _, self.rest = self.rest.partition(b"\r\n\r\n")
        lines = head.lower().split(b"\r\n")
        length = next((int(line.split(b":")[1]) for line in lines if line.startswith(b"content-length:")), 0)
        while len(self.rest) < length:
            self.more()
        self.rest = self.rest[length:]
        return int(lines[0].split()[1])

    def more(self):
        chunk = self.socket.recv(65536)
        if not chunk:
            raise ConnectionError("the listener closed the connection")
        self.rest += chunk


def message(options, body):
    kind = "application/x-protobuf" if options.what == "spans" else "application/json"
    head = f"POST {options.path} HTTP/1.1\r\nHost: {options.host}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def send_all(options, messages):
    """Sends every message once over `connections` kept connections; returns (accepted, refused, seconds, answer times)."""
    todo, lock = iter(messages), threading.Lock()
    accepted, refused, times = [0], {}, []

    def work():
        connection = Connection(options)
        while True:
            with lock:
                item = next(todo, None)
            if item is None:
                return
            begin = time.perf_counter()
            status = connection.send(item[0])
            took = time.perf_counter() - begin
            with lock:
                times.append(took)
                if status == 200:
                    accepted[0] += item[1]
                else:
                    refused[status] = refused.get(status, 0) + 1

    threads = [threading.Thread(target=work) for _ in range(options.connections)]
    begin = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return accepted[0], refused, time.perf_counter() - begin, sorted(times)


def peak_mb(pid):
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024


def burst(options):
    bodies = span_bodies if options.what == "spans" else alert_bodies
    for attempt in range(options.runs):
        run = f"{os.getpid()}-{attempt}"
        messages = [(message(options, body), count) for body, count in bodies(options, options.count, run)]
        accepted, refused, seconds, times = send_all(options, messages)
        print(f"{accepted} {options.what} accepted in {seconds:.2f} s: {accepted / seconds:.0f}/s in requests of "
              f"{options.batch}, answer median {times[len(times) // 2] * 1e3:.1f} ms, "
              f"p99 {times[int(len(times) * 0.99)] * 1e3:.1f} ms; refused: {refused or 'none'}", flush=True)


def feed(options):
    count = int(options.rate * options.seconds)
    options.batch = max(1, min(options.batch, int(options.rate // 10)))
    bodies = [(message(options, body), size) for body, size in alert_bodies(options, count, str(os.getpid()))]
    connection, begin, sent, slowest = Connection(options), time.perf_counter(), 0, 0.0
    for request, size in bodies:
        pause = begin + sent / options.rate - time.perf_counter()
        if pause > 0:
            time.sleep(pause)
        asked = time.perf_counter()
        if connection.send(request) == 200:
            sent += size
        slowest = max(slowest, time.perf_counter() - asked)
    seconds = time.perf_counter() - begin
    print(f"{sent} alerts accepted in {seconds:.1f} s: {sent / seconds:.0f}/s, slowest answer {slowest * 1e3:.1f} ms")


def storm(options):
    options.batch = options.count
    for attempt in range(options.runs):
        body, size = next(alert_bodies(options, options.count, f"{os.getpid()}-{attempt}"))
        request = message(options, body)
        begin = time.perf_counter()
        status = Connection(options).send(request)
        memory = f", peak memory {peak_mb(options.pid):.0f} MB" if options.pid else ""
        print(f"{size} alerts in one body of {len(body) / 1e6:.1f} MB: {status} after "
              f"{time.perf_counter() - begin:.2f} s{memory}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["alerts", "spans", "feed", "storm"])
    parser.add_argument("--to", required=True, metavar="URL")
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--batch", type=int, default=64, help="per request; 64 is what Prometheus sends")
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--rate", type=float, default=5_000, help="feed: alerts per second")
    parser.add_argument("--seconds", type=float, default=10, help="feed: how long")
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--pid", type=int)
    options = parser.parse_args()
    url = urllib.parse.urlsplit(options.to)
    options.host, options.port, options.path = url.hostname, url.port, url.path
    if options.host not in ("127.0.0.1", "localhost", "::1"):
        parser.error("only a listener on this machine is measured")
    {"alerts": burst, "spans": burst, "feed": feed, "storm": storm}[options.what](options)


if __name__ == "__main__":
    main()
