#!/usr/bin/env python3
"""Does grouping hold on storms nobody tuned on?  Makes new storms out of the incidents of recorded ones.

usage: docs/measure/storms.py CASES_DIR OUT_DIR [--seed N] [--count N] [--half 1|2]

CASES_DIR holds recorded storms (bundle.json of kind "storm", truth.json with "groups", "roots" and "scenarios") in any depth; standard
library only. A new storm is two to four recorded incidents of different scenarios in one window, begun one to fifteen minutes apart,
each with its alerts as far apart as they were, give or take a fifth; one alert in twenty is lost, components are called otherwise,
one to three of the recorded alerts that belong to nothing fire beside. An alert that two incidents raise is the first one's. Sent as
Alertmanager does: by name, half a minute after the first, then every five minutes. --half takes every second scenario only, so that what
was fitted on one half can be tried on the other. Score with `warroom backtest --score`, or any scorer that reads truth.json.
"""
import hashlib, json, os, random, sys
from datetime import datetime, timedelta, timezone


def moment(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def stamp(seconds):
    return (datetime(2026, 3, 1, tzinfo=timezone.utc) + timedelta(seconds=seconds)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def digest(labels):
    return hashlib.sha256(json.dumps(labels, sort_keys=True).encode()).hexdigest()[:16]


def read(root):
    """Recorded incidents by scenario, alerts that belong to nothing, and the calls."""
    incidents, strays, calls = {}, [], set()
    for path, _, files in sorted(os.walk(root)):
        if "truth.json" not in files:
            continue
        with open(os.path.join(path, "truth.json"), encoding="utf-8") as file:
            truth = json.load(file)
        if truth.get("family") != "storms":
            continue
        with open(os.path.join(path, "topology.json"), encoding="utf-8") as file:
            calls |= {(edge["caller"], edge["callee"]) for edge in json.load(file)}
        alerts = {}
        with open(os.path.join(path, "events.ndjson"), encoding="utf-8") as file:
            for line in file:
                for alert in json.loads(line)["data"].get("alerts", []):
                    known = alerts.setdefault(alert["fingerprint"], (alert["labels"], moment(alert["startsAt"])))
                    alerts[alert["fingerprint"]] = (known[0], min(known[1], moment(alert["startsAt"])))
        for number, scenario in enumerate(truth["scenarios"]):
            own = [alerts[print] for print, group in truth["groups"].items() if group == number and print in alerts]
            if own:
                incidents.setdefault(scenario, []).append((own, truth["roots"][number]))
        strays += [alerts[print][0] for print, group in truth["groups"].items() if group >= len(truth["roots"]) and print in alerts]
    return incidents, strays, sorted(calls)


def make(incidents, strays, calls, dice):
    other = {name: f"svc-{dice.randrange(16 ** 4):04x}" for name in sorted({name for call in calls for name in call})}

    def called(labels):
        old = labels["service"]
        new = other.setdefault(old, f"svc-{dice.randrange(16 ** 4):04x}")
        return {key: value.replace(old, new) if key in ("service", "pod") else value for key, value in labels.items()}
    placed, groups, roots = {}, {}, []
    scenarios = dice.sample(sorted(incidents), dice.choice([2, 2, 3, 3, 4]))
    for number, scenario in enumerate(scenarios):
        alerts, root = dice.choice(incidents[scenario])
        first, begin = min(at for _, at in alerts), 0 if number == 0 else dice.uniform(60, 900)
        for labels, at in sorted(alerts, key=lambda alert: alert[1]):
            labels = called(labels)
            if digest(labels) not in placed and dice.random() > .05:
                placed[digest(labels)] = (labels, begin + (at - first) * dice.uniform(.8, 1.2))
                groups[digest(labels)] = number
        roots.append(sorted(other.get(name, name) for name in root))
    last = max(at for _, at in placed.values())
    for stray in range(dice.randint(1, 3)):
        labels = called(dice.choice(strays))
        if digest(labels) not in placed:
            placed[digest(labels)], groups[digest(labels)] = (labels, dice.uniform(-600, last)), len(scenarios) + stray
    return placed, groups, roots, scenarios, sorted([other[a], other[b]] for a, b in calls)


def send(placed):
    by_name, events = {}, []
    for print, (labels, at) in placed.items():
        by_name.setdefault(labels["alertname"], []).append((at, print, labels))
    for name, waiting in sorted(by_name.items()):
        flush = min(waiting)[0] + 30
        while waiting:
            now = [alert for alert in waiting if alert[0] <= flush]
            waiting = [alert for alert in waiting if alert[0] > flush]
            alerts = [{"status": "firing", "labels": labels, "annotations": {}, "startsAt": stamp(at), "endsAt": "0001-01-01T00:00:00Z",
                       "generatorURL": "", "fingerprint": print} for at, print, labels in now]
            if alerts:
                body = {"receiver": "warroom", "status": "firing", "alerts": alerts, "groupLabels": {"alertname": name}, "commonLabels": {},
                        "commonAnnotations": {}, "externalURL": "", "version": "4", "groupKey": f"{{}}:{{alertname=\"{name}\"}}", "truncatedAlerts": 0}
                events.append({"specversion": "1.0", "type": "org.prometheus.alertmanager.webhook.v4", "source": "alertmanager",
                               "id": f"{name}-{flush:.0f}", "time": stamp(flush), "data": body})
            flush += 300
    return events


def main(cases, out, *options):
    chosen = dict(zip(options[::2], options[1::2]))
    dice, count = random.Random(int(chosen.get("--seed", 1))), int(chosen.get("--count", 40))
    incidents, strays, calls = read(cases)
    if "--half" in chosen:
        incidents = {name: incidents[name] for name in sorted(incidents)[int(chosen["--half"]) - 1::2]}
    for number in range(count):
        placed, groups, roots, scenarios, called = make(incidents, strays, calls, dice)
        folder = os.path.join(out, f"storm-{number:03d}")
        os.makedirs(folder, exist_ok=True)
        end = max(at for _, at in placed.values()) + 400
        files = {"bundle.json": {"name": f"storm-{number:03d}", "kind": "storm", "as_of": stamp(end), "note": "made of recorded incidents"},
                 "topology.json": [{"caller": a, "callee": b} for a, b in called],
                 "truth.json": {"cause": {"surface": "infra", "subject": None, "change": None}, "onset": None, "family": "storms",
                                "groups": groups, "roots": roots, "root_group": 0, "scenarios": scenarios, "decoys": []}}
        for name, value in files.items():
            with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                json.dump(value, file)
        with open(os.path.join(folder, "events.ndjson"), "w", encoding="utf-8") as file:
            file.writelines(json.dumps(event) + "\n" for event in send(placed))
    print(f"{count} storms in {out}")


if __name__ == "__main__":
    main(*sys.argv[1:])
