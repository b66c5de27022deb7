"""Writes an incident bundle: CloudEvents, OTLP/JSON, OpenMetrics. Standard library only; same input, same bytes."""

import datetime as dt
import hashlib
import json
import os
import random


def at(clock, day="2026-11-17"):
    """'02:49:10' of the demo's day, as seconds since the epoch."""
    whole = dt.datetime.fromisoformat(f"{day}T{clock}+00:00")
    return whole.timestamp()


def rfc3339(seconds):
    moment = dt.datetime.fromtimestamp(round(seconds, 3), dt.timezone.utc)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def nanos(seconds):
    return str(int(round(seconds * 1000)) * 1_000_000)


def fnv1a(labels):
    """Alertmanager's fingerprint of a label set: FNV-1a over the sorted names and values, each followed by 0xff."""
    value = 0xCBF29CE484222325
    for name in sorted(labels):
        for byte in name.encode() + b"\xff" + labels[name].encode() + b"\xff":
            value = ((value ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return f"{value:016x}"


def attributes(pairs):
    def value(v):
        if isinstance(v, bool):
            return {"boolValue": v}
        if isinstance(v, int):
            return {"intValue": str(v)}
        if isinstance(v, float):
            return {"doubleValue": v}
        if isinstance(v, list):
            return {"arrayValue": {"values": [value(x) for x in v]}}
        return {"stringValue": v}

    return [{"key": k, "value": value(v)} for k, v in pairs.items()]


class Bundle:
    """One case. `seed` makes ids and noise the same every time."""

    def __init__(self, seed):
        self.rng = random.Random(seed)
        self.seed = seed
        self.events, self.traces, self.logs, self.series, self.calls = [], [], {}, {}, []
        self.count = 0

    def id(self, digits, kind):
        self.count += 1
        return hashlib.sha256(f"{self.seed}/{kind}/{self.count}".encode()).hexdigest()[:digits]

    # --- events ---------------------------------------------------------------------------------------------

    def event(self, when, kind, source, ident, subject, data):
        line = {"specversion": "1.0", "type": kind, "source": source, "id": ident, "time": rfc3339(when)}
        if subject:
            line["subject"] = subject
        self.events.append((when, dict(line, datacontenttype="application/json", data=data)))

    def webhook(self, when, receiver, group, alerts, reason):
        """An Alertmanager notification (webhook v4) with each alert's state at `when`."""

        def body(alert):
            over = alert.get("end") is not None and alert["end"] <= when
            labels = alert["labels"]
            return {
                "status": "resolved" if over else "firing",
                "labels": labels,
                "annotations": alert["annotations"],
                "startsAt": rfc3339(alert["start"]),
                "endsAt": rfc3339(alert["end"]) if over else "0001-01-01T00:00:00Z",
                "generatorURL": f"http://prometheus.demo.invalid/graph?g0.expr={labels['alertname']}&g0.tab=1",
                "fingerprint": fnv1a(labels),
            }

        shown = [body(alert) for alert in alerts]
        firing = any(alert["status"] == "firing" for alert in shown)
        common = set.intersection(*(set(a["labels"].items()) for a in shown))
        key = "{}:{" + ", ".join(f'{k}="{v}"' for k, v in sorted(group.items())) + "}"
        self.event(when, "org.prometheus.alertmanager.webhook.v4", "alertmanager", "am-" + self.id(12, "webhook"), None, {
            "receiver": receiver, "status": "firing" if firing else "resolved", "alerts": shown, "groupLabels": group,
            "commonLabels": dict(sorted(common)), "commonAnnotations": {}, "notification_reason": reason,
            "externalURL": "http://alertmanager.demo.invalid", "version": "4", "groupKey": key, "truncatedAlerts": 0,
        })

    def deliver(self, receiver, alerts, group_by, until, wait=10, interval=120, repeat=600):
        """Sends alerts the way Alertmanager does: by group, after `wait`, again on news every `interval`, and as a
        reminder every `repeat` seconds."""
        groups = {}
        for alert in alerts:
            key = tuple((name, alert["labels"].get(name, "")) for name in group_by)
            groups.setdefault(key, []).append(alert)
        for key, members in groups.items():
            when, sent, last = min(a["start"] for a in members) + wait, {}, None
            while when <= until:
                known = [a for a in members if a["start"] <= when and sent.get(id(a)) != "resolved"]
                state = {id(a): "resolved" if a.get("end") and a["end"] <= when else "firing" for a in known}
                news = [a for a in known if sent.get(id(a)) != state[id(a)]]
                if known and (news or when - last >= repeat):
                    if last is None:
                        reason = "first notification"
                    elif not news:
                        reason = "repeat interval elapsed"
                    else:
                        over = all(state[id(a)] == "resolved" for a in news)
                        reason = "some alerts resolved" if over else "new alerts added"
                    self.webhook(when, receiver, dict(key), known, reason)
                    sent.update(state)
                    last = when
                when += interval

    # --- telemetry ------------------------------------------------------------------------------------------

    def trace(self, resources):
        """`resources`: [(service, resource attributes, [span, …]), …], delivered together."""
        line = {"resourceSpans": [
            {"resource": {"attributes": attributes({"service.name": service, **more})},
             "scopeSpans": [{"scope": {"name": "demo"}, "spans": spans}]}
            for service, more, spans in resources]}
        last = max(int(span["endTimeUnixNano"]) for _, _, spans in resources for span in spans)
        self.traces.append((last, line))

    def span(self, trace, parent, name, kind, start, end, attrs=None, events=(), error=None):
        span = {"traceId": trace, "spanId": self.id(16, "span"), "name": name, "kind": kind,
                "startTimeUnixNano": nanos(start), "endTimeUnixNano": nanos(end),
                "attributes": attributes(attrs or {}),
                "status": {"code": 2, "message": error} if error else {}}
        if parent:
            span["parentSpanId"] = parent
        if events:
            span["events"] = [{"timeUnixNano": nanos(when), "name": event, "attributes": attributes(pairs)}
                              for when, event, pairs in events]
        return span

    def log(self, when, service, severity, text, attrs=None, trace=None):
        number = {"INFO": 9, "WARN": 13, "ERROR": 17}[severity]
        record = {"timeUnixNano": nanos(when), "observedTimeUnixNano": nanos(when), "severityNumber": number,
                  "severityText": severity, "body": {"stringValue": text}, "attributes": attributes(attrs or {})}
        if trace:
            record["traceId"] = trace
        self.logs.setdefault((int(when // 60), service), []).append((when, record))

    def gauge(self, name, labels, start, end, step, value):
        """Samples `value(t)` every `step` seconds."""
        points, when = [], start
        while when <= end:
            points.append((when, value(when)))
            when += step
        self.series.setdefault(name, []).append((labels, points))

    def noisy(self, before, after, onset, spread, ramp=60.0):
        """A level that moves from `before` to `after` over `ramp` seconds from `onset`, with noise in proportion."""

        def value(when):
            share = min(1.0, max(0.0, (when - onset) / ramp)) if onset else 0.0
            level = before + (after - before) * share
            return max(0.0, level * (1 + self.rng.gauss(0, spread)))

        return value

    # --- files ----------------------------------------------------------------------------------------------

    def write(self, folder, about, truth):
        os.makedirs(folder, exist_ok=True)

        def lines(name, items):
            with open(os.path.join(folder, name), "w", encoding="utf-8", newline="\n") as file:
                for item in items:
                    file.write(json.dumps(item, ensure_ascii=False, separators=(",", ":")) + "\n")

        lines("events.ndjson", [e for _, e in sorted(self.events, key=lambda pair: pair[0])])
        lines("spans.ndjson", [t for _, t in sorted(self.traces, key=lambda pair: pair[0])])
        lines("logs.ndjson", [
            {"resourceLogs": [{"resource": {"attributes": attributes({"service.name": service})}, "scopeLogs": [
                {"scope": {"name": "demo"}, "logRecords": [r for _, r in sorted(records, key=lambda pair: pair[0])]}]}]}
            for (_, service), records in sorted(self.logs.items())])
        with open(os.path.join(folder, "metrics.om"), "w", encoding="utf-8", newline="\n") as file:
            for name, series in sorted(self.series.items()):
                file.write(f"# TYPE {name} gauge\n")
                for labels, points in series:
                    text = ",".join(f'{k}="{v}"' for k, v in labels.items())
                    for when, value in points:
                        file.write(f"{name}{{{text}}} {value:.4g} {when:.0f}\n")
            file.write("# EOF\n")
        for name, value in [("topology", [{"caller": a, "callee": b} for a, b in self.calls]), ("bundle", about),
                            ("truth", truth)]:
            with open(os.path.join(folder, name + ".json"), "w", encoding="utf-8", newline="\n") as file:
                file.write(json.dumps(value, indent=1) + "\n")
