#!/usr/bin/env python3
"""Does judgement depend on what must not matter?  Alters recorded cases and judges them again.

usage: docs/measure/robust.py WARROOM CASES_DIR [--only ALTERATION,...] [--seed N,...] [--measures] [--kinds] [--detail]

CASES_DIR holds cases (bundle.json, truth.json, ...) in any depth; standard library only. Each alteration keeps the confirmed cause true,
or makes it "nothing is wrong" (the last two). What is printed: right answers and confidently wrong ones, by family and alteration,
with Wilson intervals; with --measures also Brier score, calibration, macro-F1, false alarms and onset error with bootstrap intervals. A figure that falls under an alteration that must not matter points at a rule that fits only its cases.

  shift     all times 11 days 3 h 17 min later
  names     every component called otherwise; agents: every tool, agent and verdict too
  shuffle   lines in another order
  thin      every third run, log line and sample left out (series of fewer than 40 samples stay whole)
  metrics   a third of the series gone, none of the true component or of an alert's own metric
  decoys    the logged changes that did nothing happen at another moment within the hour before
  late      alerts begin two minutes later
  quiet     only what was before half of the time up to the onset, paged near the end of it: nothing is wrong yet
  calm      the same without a page: what an alert-free look says
"""
import json, os, random, re, shutil, subprocess, sys, tempfile
from datetime import datetime, timedelta, timezone

SHIFT = (11 * 24 + 3) * 3600 + 17 * 60
CONFIDENT = 0.5


def moment(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def stamp(seconds):
    return datetime.fromtimestamp(seconds, timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def read(folder):
    case = {"folder": folder}
    for name in sorted(os.listdir(folder)):
        with open(os.path.join(folder, name), encoding="utf-8") as file:
            text = file.read()
        if name.endswith(".json"):
            case[name] = json.loads(text)
        elif name.endswith(".ndjson"):
            case[name] = [json.loads(line) for line in text.splitlines() if line.strip()]
        else:
            case[name] = text.splitlines()
    return case


def write(case, folder):
    os.makedirs(folder, exist_ok=True)
    for name, value in case.items():
        if name == "folder":
            continue
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            if name.endswith(".json"):
                json.dump(value, file)
            elif name.endswith(".ndjson"):
                file.writelines(json.dumps(line) + "\n" for line in value)
            else:
                file.writelines(line + "\n" for line in value)


def copy(case):
    return {"folder": case["folder"], **{k: json.loads(json.dumps(v)) for k, v in case.items() if k != "folder"}}


# --- time ---------------------------------------------------------------------------------------------------------------
ISO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)")


def walk(value, of):
    if isinstance(value, dict):
        return {key: of(key, inner) if not isinstance(inner, (dict, list)) else walk(inner, of) for key, inner in value.items()}
    if isinstance(value, list):
        return [walk(inner, of) if isinstance(inner, (dict, list)) else of("", inner) for inner in value]
    return value


def shifted(by):
    def of(key, value):
        if key.endswith("UnixNano"):
            return str(int(value) + by * 10 ** 9)
        if isinstance(value, str) and not value.startswith("0001"):
            return ISO.sub(lambda m: m.group() if m.group().startswith("0001") else stamp(moment(m.group()) + by), value) if ISO.search(value) else value
        return value
    return of


def shift(case, _rng):
    for name in case:
        if name.endswith((".json", ".ndjson")) and name != "topology.json":
            case[name] = walk(case[name], shifted(SHIFT))
        elif name.endswith(".om"):
            case[name] = [line if line.startswith("#") else " ".join([*line.split(" ")[:-1], repr(float(line.split(" ")[-1]) + SHIFT)]) for line in case[name]]
    return case


# --- names --------------------------------------------------------------------------------------------------------------
def components(case):
    found = {edge[end] for edge in case.get("topology.json", []) for end in ("caller", "callee")}
    for line in case.get("metrics.om", []):
        found.update(re.findall(r'service="([^"]+)"', line))
    for name in ("spans.ndjson", "logs.ndjson"):
        for line in case.get(name, []):
            for block in line.get("resourceSpans", line.get("resourceLogs", [])):
                found.update(a["value"].get("stringValue", "") for a in block["resource"]["attributes"] if a["key"] == "service.name")
    return found - {""}


def tools_of(case):
    found = set()
    for line in case.get("spans.ndjson", []):
        for block in line["resourceSpans"]:
            for scope in block["scopeSpans"]:
                for span in scope["spans"]:
                    if span["name"].startswith("execute_tool "):
                        found.add(span["name"].split(" ", 1)[1])
                    for event in span.get("events", []):
                        found.update(a["value"].get("stringValue", "") for a in event.get("attributes", []) if a["key"] == "gen_ai.evaluation.name")
    return {name for name in found if len(name) > 4}


def names(case, rng):
    old = sorted(components(case) | tools_of(case), key=lambda name: (-len(name), name))
    syllables = ["ka", "lo", "mi", "ru", "te", "zo", "va", "ne", "pi", "su"]
    fresh = {}
    for name in old:
        while True:
            word = "".join(rng.choice(syllables) for _ in range(4))
            if word not in fresh.values():
                break
        fresh[name] = word
    if not fresh:
        return case
    pattern = re.compile(r"(?<![A-Za-z0-9])(" + "|".join(map(re.escape, old)) + r")(?![A-Za-z0-9])")
    swap = lambda text: pattern.sub(lambda m: fresh[m.group(1)], text)
    for name in list(case):
        if name in ("folder", "bundle.json"):
            continue
        if name.endswith(".om"):
            case[name] = [swap(line) for line in case[name]]
        else:
            case[name] = json.loads(swap(json.dumps(case[name])))
    return case


# --- less and other -----------------------------------------------------------------------------------------------------
def shuffle(case, rng):
    for name in case:
        if name.endswith(".ndjson"):
            rng.shuffle(case[name])
    return case


def series(line):
    return line.rsplit(" ", 2)[0]


def thin(case, rng):
    for name in ("spans.ndjson", "logs.ndjson"):
        if name in case:
            case[name] = [line for line in case[name] if rng.random() > 1 / 3]
    counts = {}
    for line in case.get("metrics.om", []):
        counts[series(line)] = counts.get(series(line), 0) + 1
    if "metrics.om" in case:
        case["metrics.om"] = [line for line in case["metrics.om"] if line.startswith("#") or counts[series(line)] < 40 or rng.random() > 1 / 3]
    return case


def metrics(case, rng):
    own = case["truth.json"]["cause"].get("subject")
    paged = {a["labels"].get("metric") for e in case.get("events.ndjson", []) if "alertmanager" in e["type"] for a in e["data"]["alerts"]} - {None}
    keep = {}
    for line in case.get("metrics.om", []):
        key = series(line)
        if key not in keep:
            safe = line.startswith("#") or (own and f'service="{own}"' in line) or any(line.startswith(name + "{") for name in paged)
            keep[key] = safe or rng.random() > 1 / 3
    if "metrics.om" in case:
        case["metrics.om"] = [line for line in case["metrics.om"] if keep[series(line)]]
    return case


def decoys(case, rng):
    wrong = set(case["truth.json"].get("decoys", []))
    end = moment(case["bundle.json"]["as_of"])
    for event in case.get("events.ndjson", []):
        if event["id"] in wrong:
            event["time"] = stamp(end - rng.uniform(60, 3600))
    return case


def late(case, _rng):
    end = moment(case["bundle.json"]["as_of"])
    for event in case.get("events.ndjson", []):
        if "alertmanager" in event["type"]:
            for alert in event["data"]["alerts"]:
                alert["startsAt"] = stamp(min(moment(alert["startsAt"]) + 120, end))
            event["time"] = stamp(min(moment(event["time"]) + 120, end))
    return case


# --- nothing is wrong ---------------------------------------------------------------------------------------------------
def earliest(case):
    found = []
    for line in case.get("metrics.om", []):
        if not line.startswith("#"):
            found.append(float(line.rsplit(" ", 1)[1]))
    for line in case.get("spans.ndjson", []):
        for block in line["resourceSpans"]:
            found.extend(int(s["startTimeUnixNano"]) / 1e9 for scope in block["scopeSpans"] for s in scope["spans"])
    return min(found) if found else None


def before_onset(case, rng, paged):
    truth, begin = case["truth.json"], earliest(case)
    starts = [moment(a["startsAt"]) for e in case["events.ndjson"] if "alertmanager" in e["type"] for a in e["data"]["alerts"]]
    starts += [moment(truth["onset"])] if truth.get("onset") else []
    if not starts or begin is None or truth["cause"]["surface"] == "none":
        return None
    onset = min(starts)
    # Where the onset is not stated, trouble may have been under way for long before the page.
    early = truth.get("onset") or case["bundle.json"].get("kind") == "ranking"
    end = begin + (onset - begin) * (rng.uniform(0.6, 0.95) if early else rng.uniform(0.3, 0.5))
    page = begin + (end - begin) * 0.9
    kept = []
    for event in case["events.ndjson"]:
        if "alertmanager" in event["type"]:
            if not paged:
                continue
            event["time"] = stamp(page + 1)
            for alert in event["data"]["alerts"]:
                alert["startsAt"] = stamp(page)
                alert["annotations"] = {}
        elif moment(event["time"]) > end or event["type"].endswith("status.notice"):
            continue
        kept.append(event)
    case["events.ndjson"] = kept
    for name in ("spans.ndjson", "logs.ndjson"):
        for line in case.get(name, []):
            for block in line.get("resourceSpans", []):
                for scope in block["scopeSpans"]:
                    scope["spans"] = [s for s in scope["spans"] if int(s["startTimeUnixNano"]) / 1e9 <= end]
            for block in line.get("resourceLogs", []):
                for scope in block["scopeLogs"]:
                    scope["logRecords"] = [r for r in scope["logRecords"] if int(r["timeUnixNano"]) / 1e9 <= end]
    if "metrics.om" in case:
        case["metrics.om"] = [line for line in case["metrics.om"] if line.startswith("#") or float(line.rsplit(" ", 1)[1]) <= end]
    case["bundle.json"]["as_of"] = stamp(end)
    truth["cause"] = {"surface": "none", "subject": None, "change": None}
    truth.pop("confounded", None)
    return case


ALTERATIONS = {"as it is": lambda case, rng: case, "shift": shift, "names": names, "shuffle": shuffle, "thin": thin, "metrics": metrics, "decoys": decoys,
               "late": late, "quiet": lambda case, rng: before_onset(case, rng, True), "calm": lambda case, rng: before_onset(case, rng, False)}


# --- judging ------------------------------------------------------------------------------------------------------------
def right(top, truth):
    cause, family = truth["cause"], truth.get("family", "changes")
    if cause["surface"] == "none":
        return top is None or top["surface"] == "none"
    if family == "changes":
        return (top is None or top["change"] is None) if cause["change"] is None else top is not None and top["change"] == cause["change"]
    if top is None:
        return False
    if family in ("petshop", "sockshop", "sockshop-late"):
        return top["subject"] == cause["subject"]
    if truth.get("confounded"):
        return top["surface"] in truth["confounded"] and top["change"] == truth.get("confounded_changes", {}).get(top["surface"])
    return top["surface"] == cause["surface"] and top["change"] == cause["change"]


def storm(row, truth):
    group, true = row["incident"]["assignments"], truth["groups"]
    roots, prints, hit, together, pairs = row["incident"]["roots"], sorted(true), 0, 0, 0
    for i, a in enumerate(prints):
        for b in prints[i + 1:]:
            same, claimed = true[a] == true[b], a in group and group.get(a) == group.get(b)
            pairs, together, hit = pairs + same, together + claimed, hit + (same and claimed)
    found = []
    for index, accepted in enumerate(truth["roots"]):
        members = [str(group[f]) for f in prints if true[f] == index and f in group]
        main = max(sorted(set(members)), key=members.count) if members else None
        found.append(roots.get(main) in accepted)
    return 2 * hit / (together + pairs) if together + pairs else 1.0, sum(found) / len(found)


def wilson(k, n):
    if n == 0:
        return 0.0, 1.0
    z, p = 1.959964, k / n
    middle, half = (p + z * z / (2 * n)) / (1 + z * z / n), z / (1 + z * z / n) * (p * (1 - p) / n + z * z / (4 * n * n)) ** .5
    return max(0.0, middle - half), min(1.0, middle + half)


def runs_between(case, truth, said):
    """How many runs lie between the onset that is true and the one that was said; None without either."""
    if not (truth.get("onset") and said and "spans.ndjson" in case):
        return None
    low, high = sorted((moment(truth["onset"]), moment(said)))
    starts = {}
    for line in case["spans.ndjson"]:
        for block in line["resourceSpans"]:
            for scope in block["scopeSpans"]:
                for span in scope["spans"]:
                    starts[span["traceId"]] = min(starts.get(span["traceId"], float("inf")), int(span["startTimeUnixNano"]) / 1e9)
    return sum(low <= start < high for start in starts.values())


def mean(values):
    values = list(values)
    return sum(values) / len(values) if values else None


def median(values):
    values = sorted(values)
    return None if not values else (values[(len(values) - 1) // 2] + values[len(values) // 2]) / 2


def macro_f1(marks):
    scores = []
    for surface in sorted({mark["is"] for mark in marks}):
        hit = sum(mark["is"] == surface and mark["surface right"] for mark in marks)
        said = sum(mark["said"] == surface or (mark["is"] == surface and mark["surface right"]) for mark in marks)
        scores.append(2 * hit / (said + sum(mark["is"] == surface for mark in marks)))
    return mean(scores)


def calibration_error(marks):
    bins = {}
    for mark in marks:
        bins.setdefault(min(9, int(mark["p"] * 10)), []).append(mark)
    return sum(len(own) / len(marks) * abs(mean(mark["p"] for mark in own) - mean(mark["right"] for mark in own)) for own in bins.values())


MEASURES = {"Brier": lambda marks: mean((mark["p"] - mark["right"]) ** 2 for mark in marks), "calibration error": calibration_error,
            "macro-F1 over surfaces": lambda marks: macro_f1(marks) if marks[0]["family"] == "agents" else None,
            "false alarms where nothing is wrong": lambda marks: mean(mark["sure"] for mark in marks if mark["is"] == "none"),
            "confident where two moved together": lambda marks: mean(mark["p"] >= CONFIDENT and mark["said"] != "none" for mark in marks if mark["both"]),
            "onset off by so many runs, median": lambda marks: median(mark["off"] for mark in marks if mark["off"] is not None)}


def bootstrap(marks, measure, rounds=1000):
    rng, draws = random.Random(1), []
    for _ in range(rounds):
        value = measure([rng.choice(marks) for _ in marks])
        if value is not None:
            draws.append(value)
    draws.sort()
    return (draws[int(.025 * len(draws))], draws[int(.975 * len(draws)) - 1]) if draws else None


def judge(warroom, folders, wanted, seed):
    """The marks of every case under every alteration, thrown by `seed`."""
    home, cases, marks = tempfile.mkdtemp(prefix="robust-"), {}, []
    try:
        for number, folder in enumerate(folders):
            case = read(folder)
            family = case["truth.json"].get("family", "changes")
            for way in wanted:
                if family == "storms" and way in ("quiet", "calm", "late", "thin", "metrics"):
                    continue
                rng = random.Random(f"{seed}/{way}/{number}")
                altered = ALTERATIONS[way](copy(case), rng)
                if altered is not None:
                    name = f"{number}-{way.replace(' ', '_')}"
                    altered["bundle.json"]["name"] = name
                    write(altered, os.path.join(home, name))
                    keep = {key: altered[key] for key in ("truth.json", "spans.ndjson") if key in altered and family in ("agents", "storms")}
                    cases[name] = (family, way, os.path.basename(folder), {"truth.json": altered["truth.json"], **keep})
        out = subprocess.run([warroom, "backtest", "--json", home], stdout=subprocess.PIPE, check=False).stdout
        rows = {row["case"]: row for row in map(json.loads, out.splitlines())}
    finally:
        shutil.rmtree(home)
    for name, (family, way, folder, case) in cases.items():
        row, truth = rows.get(name), case["truth.json"]
        mark = {"family": family, "way": way, "case": folder, "kind": truth.get("kind", "")}
        marks.append(mark)
        if family == "storms":
            mark["storm"] = storm(row, truth) if row else (0, 0)
            continue
        top = row["hypotheses"][0] if row and row["hypotheses"] and row["hypotheses"][0]["probability"] > row["none_of_these"] else None
        ok, cause = row is not None and right(top, truth), truth["cause"]
        p = top["probability"] if top else row["none_of_these"] if row else 1.0
        said = top["surface"] if top else "none"
        mark |= {"right": int(ok), "sure": int(not ok and (row is None or (top is not None and p >= CONFIDENT))), "p": p, "said": said, "is": cause["surface"],
                 "surface right": int(said == cause["surface"] or said in truth.get("confounded", [])), "both": bool(truth.get("confounded")),
                 "off": runs_between(case, truth, row and row.get("onset"))}
        mark["text"] = (f"  {family}/{folder} {way} seed {seed}: said {said} {top and top['subject']} {top and top['change']} {p:.2f}, "
                        f"is {cause['surface']} {cause.get('subject')} {cause['change']}")
    return marks


def main(argv):
    if len(argv) < 2:
        sys.exit(__doc__)
    option = lambda name, other: argv[argv.index(name) + 1] if name in argv else other
    wanted = option("--only", ",".join(ALTERATIONS)).split(",")
    folders = [path for path, _, files in sorted(os.walk(argv[1])) if "bundle.json" in files and "truth.json" in files]
    marks = [mark for seed in option("--seed", "1").split(",") for mark in judge(argv[0], folders, wanted, int(seed))]
    if "--detail" in argv:
        print("\n".join(mark["text"] for mark in marks if not mark.get("right", 1)), file=sys.stderr)
    groups = {}
    for mark in marks:
        groups.setdefault((mark["family"], mark["way"]), []).append(mark)
    print(f"{'family':14} {'altered':9} {'n':>4}  right                 confidently wrong")
    for (family, way), own in groups.items():
        n = len(own)
        if family == "storms":
            print(f"{family:14} {way:9} {n:4}  pairwise F1 {mean(m['storm'][0] for m in own):.3f}  root hit {mean(m['storm'][1] for m in own):.3f}")
            continue
        one, two = sum(m["right"] for m in own), sum(m["sure"] for m in own)
        a, b = wilson(one, n), wilson(two, n)
        print(f"{family:14} {way:9} {n:4}  {one:3} {one / n:.2f} ({a[0]:.2f}-{a[1]:.2f})   {two:3} {two / n:.2f} ({b[0]:.2f}-{b[1]:.2f})")
    if "--measures" in argv:
        for (family, way), own in groups.items():
            for name, measure in MEASURES.items() if family != "storms" else ():
                value = measure(own)
                if value is not None:
                    low, high = bootstrap(own, measure)
                    print(f"{family:14} {way:9} {name:36} {value:.3f} ({low:.3f}-{high:.3f})")
    if "--kinds" in argv:
        kinds = {}
        for mark in marks:
            if mark["kind"]:
                kinds.setdefault((mark["way"], mark["kind"]), []).append(mark)
        for (way, kind), own in sorted(kinds.items()):
            print(f"{way:9} {kind:24} right {sum(m['right'] for m in own)} of {len(own)}, confidently wrong {sum(m['sure'] for m in own)}")


if __name__ == "__main__":
    main(sys.argv[1:])
