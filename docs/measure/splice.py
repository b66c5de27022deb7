#!/usr/bin/env python3
"""Makes AI incidents nobody tuned on: real agent runs, put before and after a moment at which one thing moved, or nothing.

usage: docs/measure/splice.py CASES_DIR OUT [--seed N] [--each K] [--only KIND,...]

CASES_DIR holds agent cases (bundle.json, truth.json, spans.ndjson) in any depth. Their runs from before the onset, and all runs of quiet
cases, are real and unaltered: they are the pool. Each new case draws from it: who is called what, when, how many, how fast, in which
order, which surface moves, how and by how much, and which innocent changes lie about are all thrown by the dice of --seed. Conversations,
tool calls, results and verdicts are real until the moment; after it they are altered as KINDS says. Standard library only.
"""
import copy, json, os, random, sys, hashlib
from datetime import datetime, timezone

MOMENT = datetime(2026, 3, 2, 6, tzinfo=timezone.utc).timestamp()
SYLLABLES = ["ba", "de", "fi", "go", "hu", "ja", "ke", "li", "mo", "nu", "pa", "ri", "so", "ta", "ve", "wi", "zu"]
KINDS = ["quiet", "quiet-paged", "prompt-harmless", "model-harmless", "model-logged", "model-reported", "model-silent", "prompt-logged", "prompt-silent",
         "judge-logged", "judge-silent", "tool-logged", "tool-silent", "outage", "outage-unsaid", "traffic", "region-model", "region-prompt",
         "both-model-prompt", "both-prompt-tool", "both-model-tool", "swap-then-prompt"]
SURFACE = {"model": "model", "prompt": "prompt", "judge": "judge", "tool": "tool", "outage": "dependency", "traffic": "traffic", "quiet": "none"}


def stamp(seconds):
    return datetime.fromtimestamp(seconds, timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def value(of):
    return next(iter(of.values())) if of else None


def get(span, key):
    return next((value(a["value"]) for a in span["attributes"] if a["key"] == key), None)


def put(span, key, to):
    span["attributes"] = [a for a in span["attributes"] if a["key"] != key]
    if to is not None:
        kind = "stringValue" if isinstance(to, str) else "boolValue" if isinstance(to, bool) else "doubleValue"
        span["attributes"].append({"key": key, "value": {kind: to}})


class Run:
    """One real run: its root span, its steps in order, and its verdicts."""
    def __init__(self, line):
        spans = [s for block in line["resourceSpans"] for scope in block["scopeSpans"] for s in scope["spans"]]
        self.root = next(s for s in spans if not s.get("parentSpanId"))
        self.steps = sorted((s for s in spans if s is not self.root), key=lambda s: int(s["startTimeUnixNano"]))
        self.verdicts = {}
        for event in self.root.get("events", []):
            told = {a["key"]: value(a["value"]) for a in event["attributes"]}
            self.verdicts[told["gen_ai.evaluation.name"]] = told["gen_ai.evaluation.score.label"] == "pass"
        said = [s for s in self.steps if s["name"].startswith("chat ")]
        self.print = hashlib.sha1("".join(str(get(s, "gen_ai.input.messages")) for s in said).encode()).hexdigest()
        self.task = str(get(said[0], "gen_ai.input.messages"))[:160] if said else self.print
        self.family, self.prompt = get(self.root, "app.task"), get(self.root, "gen_ai.system_instructions")
        self.model = self.definitions = None

    @property
    def good(self):
        return self.verdicts["task_success"]

    @good.setter
    def good(self, to):
        self.verdicts["task_success"] = to

    def calls(self):
        return [get(s, "gen_ai.tool.name") for s in self.steps if s["name"].startswith("execute_tool ")]


def pool(root):
    runs, definitions = {}, None
    for path, _, files in sorted(os.walk(root)):
        if not {"truth.json", "spans.ndjson"} <= set(files):
            continue
        truth = json.load(open(os.path.join(path, "truth.json"), encoding="utf-8"))
        if truth.get("family") != "agents":
            continue
        until = datetime.fromisoformat(truth["onset"].replace("Z", "+00:00")).timestamp() if truth["onset"] else float("inf")
        for line in open(os.path.join(path, "spans.ndjson"), encoding="utf-8"):
            run = Run(json.loads(line))
            definitions = definitions or get(run.root, "gen_ai.tool.definitions")
            if int(run.root["startTimeUnixNano"]) / 1e9 < until:
                runs.setdefault(run.print, run)
    runs = [runs[print_] for print_ in sorted(runs)]
    prompts = [run.prompt for run in runs]
    plain = max(sorted(set(prompts)), key=prompts.count)
    for run in runs:
        run.prompt, run.definitions = plain, definitions
    return runs


# --- what moves ---------------------------------------------------------------------------------------------------------
def fail(runs, share, rng, of=lambda run: True):
    for run in runs:
        run.good = run.good and not (of(run) and rng.random() < share)


def behave(runs, rng):
    """Another model: a tool unused, or calls twice, or more or fewer words; in most runs, not in all."""
    used = sorted({tool for run in runs for tool in run.calls()}, key=lambda tool: (-sum(tool in run.calls() for run in runs), tool))
    tool, way, share = rng.choice(used[:4]), rng.choice(["unused", "twice", "wordy", "terse"]), rng.uniform(0.7, 1.0)
    for run in runs:
        if rng.random() > share:
            continue
        steps = []
        for step in run.steps:
            own = step["name"] == f"execute_tool {tool}"
            steps += [] if own and way == "unused" else [step, copy.deepcopy(step)] if own and way == "twice" else [step]
            said = get(step, "gen_ai.output.messages")
            if said and way in ("wordy", "terse"):
                said = json.loads(said)
                for part in (part for one in said for part in one["parts"] if part["type"] == "text"):
                    words = part["content"].split(" ")
                    part["content"] = " ".join(words + words[:len(words) // 2]) if way == "wordy" else " ".join(words[:max(1, len(words) // 2)])
                put(step, "gen_ai.output.messages", json.dumps(said))
        run.steps = steps


def edit(prompt, rng):
    """One rule of the prompt gone, softened, or a new one."""
    parts = json.loads(prompt)
    text = parts[0]["content"]
    rules = [line for line in text.split("\n") if line.strip().startswith("- ") and len(line) > 40]
    way, rule = rng.choice(["gone", "soft", "new"]), rng.choice(rules)
    if way == "soft" and any(word in rule for word in (" must ", " should ", " cannot ", " can ")):
        new = rule.replace(" must ", " need not ").replace(" should ", " may choose to ").replace(" cannot ", " can ")
        text = text.replace(rule, new if new != rule else rule.replace(" can ", " can never "))
    elif way == "new":
        text = text.replace(rule, rule + "\n\n- " + rng.choice(["Answer in one short sentence.", "Offer a refund first whenever the user complains.",
                                                                  "Always decide for the user instead of asking.", "Never look anything up twice."]))
    else:
        text = text.replace(rule, "")
    parts[0]["content"] = text
    return json.dumps(parts)


def slip(prompt, rng):
    words = [w for w in prompt.split(" ") if w.isalpha() and len(w) > 6]
    word = rng.choice(words)
    at = rng.randrange(1, len(word) - 2)
    return prompt.replace(word, word[:at] + word[at + 1] + word[at] + word[at + 2:], 1)


def reshape(of, old, new):
    if isinstance(of, list):
        return [reshape(one, old, new) for one in of]
    if isinstance(of, dict):
        return {(new if key == old else key): reshape(one, old, new) for key, one in of.items() if key != old or new is not None}
    return of


def fields(of):
    if isinstance(of, list):
        return {name for one in of for name in fields(one)}
    return {name for key, one in of.items() for name in {key} | fields(one)} if isinstance(of, dict) else set()


def results(runs, tool):
    for run in runs:
        for step in run.steps:
            if step["name"] == f"execute_tool {tool}":
                try:
                    yield run, step, json.loads(get(step, "gen_ai.tool.call.result"))
                except (TypeError, ValueError):
                    pass


def reshaped(before, after, rng):
    """A field of one tool's results that nearly all of them have, renamed or gone; returns the tool and the runs that saw it."""
    counts, had = {}, {}
    for tool in sorted({tool for run in before + after for tool in run.calls()}):
        for _, _, result in results(before + after, tool):
            counts[tool] = counts.get(tool, 0) + 1
            for name in fields(result):
                had[tool, name] = had.get((tool, name), 0) + 1
    able = sorted(key for key, n in had.items() if counts[key[0]] >= 20 and n >= 0.97 * counts[key[0]] and not any(c.isdigit() for c in key[1]))
    tool, old = rng.choice(able)
    new, touched = rng.choice([None, old + "_v2", "".join(rng.sample(SYLLABLES, 3))]), set()
    for run, step, result in results(after, tool):
        put(step, "gen_ai.tool.call.result", json.dumps(reshape(result, old, new)))
        touched.add(id(run))
    return tool, touched


def outage(runs, rng, said):
    words = rng.choice(["429 insufficient_quota: monthly limit reached", "503 upstream connect error: overloaded", "timeout after 60 s", "529 overloaded_error"])
    share = rng.uniform(0.4, 0.9)
    for run in runs:
        turns = [i for i, step in enumerate(run.steps) if step["name"].startswith("chat ")]
        if turns and rng.random() < share:
            cut = rng.choice(turns)
            last = copy.deepcopy(run.steps[cut])
            put(last, "gen_ai.output.messages", None)
            put(last, "gen_ai.response.finish_reasons", None)
            put(last, "error.type", words.split(":")[0] if said else None)
            last["status"] = {"code": 2, "message": words} if said else {}
            run.steps, run.good = run.steps[:cut] + [last], False


def stricter(runs, rng):
    """The judge fails what it passed: a run with a failed call, a handover, many steps, or a coin."""
    rule = rng.choice([lambda run: any(step.get("status", {}).get("code") == 2 for step in run.steps), lambda run: len(run.calls()) > 4,
                       lambda run: "transfer_to_human_agents" in run.calls() or len(run.calls()) > 6])
    for run in runs:
        run.good = run.good and not rule(run)


# --- one case -----------------------------------------------------------------------------------------------------------
class Case:
    def __init__(self, kind, name, runs, rng):
        self.kind, self.name, self.rng, self.events, self.changes = kind, name, rng, [], {}
        word = lambda: "".join(rng.sample(SYLLABLES, 3))
        self.agent, self.alias = f"{word()}-agent", f"{word()}-chat"
        self.models = [f"{word()}-{rng.randint(1, 9)}", f"{word()}-{rng.randint(1, 9)}-mini"]
        self.masked = kind in ("model-silent",) or (not kind.startswith(("model", "region-model", "both-model", "swap")) and rng.random() < 0.5)
        self.step = rng.choice([10, 30, 60, 60, 150])
        self.start = MOMENT + 3600 * rng.randint(0, 2000)
        before, after = rng.randint(16, 36), rng.randint(14, 36)
        order = copy.deepcopy(runs)
        rng.shuffle(order)
        tasks = sorted({run.task for run in order})
        rng.shuffle(tasks)
        early = set(tasks[:len(tasks) * before // (before + after)])
        if kind == "traffic":
            hard = sorted({run.family for run in order}, key=lambda f: sum(r.good for r in order if r.family == f) / sum(r.family == f for r in order))[:2]
            early = {t for t in tasks if rng.random() < (0.12 if any(r.task == t and r.family in hard for r in order) else 0.85)}
        self.before = self.draw([r for r in order if r.task in early], before)
        self.after = self.draw([r for r in order if r.task not in early], after)
        for run in self.before + self.after:
            run.model, run.region = self.models[0], rng.choice(["north", "south", "west"])
            run.tenant = rng.choice(["one", "two", "three", "four"])
        self.at = self.start + self.step * len(self.before)
        self.end = self.at + self.step * len(self.after)

    def draw(self, runs, n):
        return [copy.deepcopy(run) for run in (runs[:n] if len(runs) >= n else runs + self.rng.choices(runs, k=n - len(runs)))]

    def event(self, kind, subject, data, at, id_=None):
        id_ = id_ or "c-" + "".join(self.rng.choice("0123456789abcdef") for _ in range(10))
        self.events.append({"specversion": "1.0", "type": kind, "source": "log", "id": id_, "time": stamp(at), "subject": subject, "data": data})
        return id_

    def log(self, what, at, data, subject):
        self.changes[what] = self.event(f"dev.cdeventsx.{what}.changed", subject, {"actor": "someone", **data}, at)
        return self.changes[what]

    def move(self, what, runs, logged, harm=None):
        rng, at = self.rng, self.at - self.rng.uniform(2, 0.9 * self.step)
        share = rng.uniform(0.45, 0.9) if harm is None else harm
        if what == "model":
            for run in runs:
                run.model = self.models[1]
            if harm is None and (self.masked or rng.random() < 0.7):
                behave(runs, rng)
            fail(runs, share, rng)
            data = ({"alias": self.alias, "before": self.models[0], "after": self.models[1], "parameters_before": {}, "parameters": {}}, self.alias)
        elif what == "prompt":
            # The same edit to each, whatever slips they carry.
            old, same = self.before[-1].prompt, rng.random()
            new = edit(old, random.Random(same))
            for run in runs:
                run.prompt = edit(run.prompt, random.Random(same))
            fail(runs, share, rng)
            told = lambda prompt: json.loads(prompt)[0]["content"]
            data = ({"name": self.agent + "-main", "version_before": "7", "version": "8", "before": told(old), "after": told(new)}, self.agent)
        elif what == "tool":
            tool, touched = reshaped(self.before, runs, rng)
            fail(runs, share, rng, lambda run: id(run) in touched)
            data = ({"tool": tool, "schema_before": {"a": "string"}, "schema": {"b": "string"}}, tool)
        else:
            stricter(runs, rng)
            data = ({"judge": "task_success", "prompt_before": "v3", "prompt": "v4", "threshold_before": 1.0, "threshold": 1.0}, "task_success")
        if logged:
            self.log(what, at, *data)

    def innocent(self):
        rng = self.rng
        word = lambda: "".join(rng.sample(SYLLABLES, 3))
        makers = [lambda: ("dev.cdevents.service.deployed", word(), {"service": word(), "version": f"{rng.randint(1, 9)}.{rng.randint(1, 99)}", "sha": word() * 3}),
                  lambda: ("dev.cdeventsx.flag.changed", word(), {"flag": word(), "service": word(), "before": "off", "after": "on", "actor": word()}),
                  lambda: ("dev.cdeventsx.model.changed", word() + "-chat", {"alias": word() + "-chat", "before": word(), "after": word(), "actor": word()}),
                  lambda: ("dev.cdeventsx.tool.changed", word(), {"tool": word(), "schema_before": {"x": 1}, "schema": {"x": 2}, "actor": word()}),
                  lambda: ("dev.cdeventsx.judge.changed", word(), {"judge": word(), "prompt_before": "a", "prompt": "b"}),
                  lambda: ("dev.cdeventsx.prompt.changed", word() + "-agent", {"name": word(), "version_before": "1", "version": "2", "before": "Say it in ten lines.",
                                                                                "after": "Say it in eight lines.", "actor": word()})]
        found = []
        for nth, make in enumerate(rng.sample(makers, rng.randint(2, 5))):
            kind, subject, data = make()
            subject = data.get("service", data.get("alias", data.get("tool", data.get("judge", subject))))
            near = rng.uniform(-4 * self.step, 4 * self.step)
            found.append(self.event(kind, subject, data, self.at + near if nth == 0 else rng.uniform(self.start, self.end)))
        return found

    def page(self, anyway):
        rate = lambda runs: sum(run.good for run in runs) / max(1, len(runs))
        first, last = rate(self.before), rate(self.after[-20:])
        text = f"task_success is {last:.2f} lately, {first:.2f} earlier" if anyway or last < first else "the runs look different from before"
        alert = {"status": "firing", "labels": {"alertname": "AgentWorse", "service": self.agent, "severity": "page"}, "annotations": {"summary": text},
                 "startsAt": stamp(self.end), "endsAt": "0001-01-01T00:00:00Z", "generatorURL": "", "fingerprint": hashlib.sha1(self.name.encode()).hexdigest()[:16]}
        self.event("org.prometheus.alertmanager.webhook.v4", self.agent, {"receiver": "x", "status": "firing", "alerts": [alert], "version": "4"}, self.end)

    def build(self):
        kind, rng = self.kind, self.rng
        decoys, confounded = self.innocent(), []
        what, how = kind.split("-", 1) if "-" in kind else (kind, "")
        if rng.random() < 0.25:
            self.slipped(decoys)
        if how == "harmless":
            self.move(what, self.after, True, harm=0.0)
            decoys, what = decoys + list(self.changes.values()), "quiet"
        elif what in ("model", "prompt", "judge", "tool"):
            self.move(what, self.after, how == "logged")
        elif what == "outage":
            outage(self.after, rng, how != "unsaid")
        elif what == "region":
            place = rng.choice(["north", "south", "west"])
            what = how
            for run in self.before + self.after:
                run.region = place if rng.random() < 0.5 else run.region
            self.move(what, [run for run in self.after if run.region == place], rng.random() < 0.5)
        elif what == "both":
            logged, confounded = rng.random() < 0.6, how.split("-")
            for one in confounded:
                self.move(one, self.after, logged)
            what = confounded[0]
        elif what == "swap":
            place = rng.randrange(6, max(7, len(self.before) - 6))
            for run in self.before[place:] + self.after:
                run.model = self.models[1]
            decoys.append(self.log("model", self.start + self.step * place - 3, {"alias": self.alias, "before": self.models[0], "after": self.models[1]}, self.alias))
            del self.changes["model"]
            what = "prompt"
            self.move(what, self.after, rng.random() < 0.5)
        paged = not (kind == "quiet" or (how == "harmless" and rng.random() < 0.5))
        if paged:
            self.page(kind == "quiet-paged")
        quiet = what == "quiet"
        truth = {"cause": {"surface": SURFACE[what], "subject": None, "change": None if quiet else self.changes.get(what)},
                 "onset": None if quiet else stamp(self.at), "decoys": decoys, "family": "agents", "kind": kind, "run_seconds": self.step,
                 "runs": [len(self.before), len(self.after)]}
        if confounded:
            truth |= {"confounded": confounded, "confounded_changes": dict(self.changes)}
        return truth

    def slipped(self, decoys):
        """A slip in the prompt is mended some time: harmless, logged, and visible in the runs."""
        rng, runs = self.rng, self.before + self.after
        place = rng.randrange(3, len(runs) - 3)
        good = runs[0].prompt
        bad = slip(good, rng)
        for run in runs[:place]:
            run.prompt = bad
        told = lambda prompt: json.loads(prompt)[0]["content"]
        decoys.append(self.event("dev.cdeventsx.prompt.changed", self.agent, {"name": self.agent + "-main", "version_before": "6", "version": "7",
                                 "before": told(bad), "after": told(good), "actor": "someone"}, self.start + self.step * place - 2))

    def write(self, folder):
        truth = self.build()
        os.makedirs(folder)
        last, ids = 0, iter(range(1, 10 ** 9))
        with open(os.path.join(folder, "spans.ndjson"), "w", encoding="utf-8") as file:
            for nth, run in enumerate(self.before + self.after):
                begin = self.start + self.step * nth + self.rng.uniform(0, 0.4 * self.step)
                trace, end = f"{self.rng.getrandbits(128):032x}", begin
                root = f"{next(ids):016x}"
                origin = int(run.root["startTimeUnixNano"]) / 1e9
                spans = []
                for step in run.steps:
                    t = [begin + int(step[key]) / 1e9 - origin for key in ("startTimeUnixNano", "endTimeUnixNano")]
                    end = max(end, t[1])
                    one = {**step, "traceId": trace, "spanId": f"{next(ids):016x}", "parentSpanId": root,
                           "startTimeUnixNano": str(int(t[0] * 1e9)), "endTimeUnixNano": str(int(t[1] * 1e9)), "attributes": list(step["attributes"])}
                    if step["name"].startswith("chat "):
                        one["name"] = "chat " + self.alias
                        put(one, "gen_ai.request.model", self.alias)
                        failed = get(one, "gen_ai.output.messages") is None
                        put(one, "gen_ai.response.model", None if failed else self.alias if self.masked else run.model)
                    spans.append(one)
                head = {**run.root, "traceId": trace, "spanId": root, "name": "invoke_agent " + self.agent, "attributes": list(run.root["attributes"]),
                        "startTimeUnixNano": str(int(begin * 1e9)), "endTimeUnixNano": str(int(end * 1e9))}
                for key, to in {"gen_ai.agent.name": self.agent, "gen_ai.request.model": self.alias, "gen_ai.system_instructions": run.prompt,
                                "deployment.region": run.region, "tenant.id": run.tenant, "gen_ai.tool.definitions": run.definitions if nth % 8 == 0 else None}.items():
                    put(head, key, to)
                told = lambda name, ok: {"timeUnixNano": str(int(end * 1e9)), "name": "gen_ai.evaluation.result", "attributes": [
                    {"key": "gen_ai.evaluation.name", "value": {"stringValue": name}}, {"key": "gen_ai.evaluation.score.value", "value": {"doubleValue": float(ok)}},
                    {"key": "gen_ai.evaluation.score.label", "value": {"stringValue": "pass" if ok else "fail"}}]}
                head["events"] = [told(name, ok) for name, ok in run.verdicts.items()]
                last = max(last, end)
                line = {"resourceSpans": [{"resource": {"attributes": [{"key": "service.name", "value": {"stringValue": self.agent}}]},
                                           "scopeSpans": [{"scope": {"name": "splice"}, "spans": [head, *spans]}]}]}
                file.write(json.dumps(line) + "\n")
        with open(os.path.join(folder, "events.ndjson"), "w", encoding="utf-8") as file:
            file.writelines(json.dumps(event) + "\n" for event in sorted(self.events, key=lambda event: event["time"]))
        head = {"name": self.name, "kind": "incident", "as_of": stamp(max(last, self.end) + 30), "note": "real runs, spliced"}
        for name, what in (("bundle.json", head), ("truth.json", truth)):
            with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                json.dump(what, file, indent=1)


def main(argv):
    if len(argv) < 2:
        sys.exit(__doc__)
    option = lambda name, other: argv[argv.index(name) + 1] if name in argv else other
    seed, each = int(option("--seed", "1")), int(option("--each", "2"))
    runs = pool(argv[0])
    if len(runs) < 40:
        sys.exit(f"{argv[0]} holds {len(runs)} runs from before an onset; 40 are needed to make cases")
    for kind in option("--only", ",".join(KINDS)).split(","):
        for nth in range(each):
            name = f"{kind}-{seed}-{nth}"
            Case(kind, name, runs, random.Random(f"{seed}/{kind}/{nth}")).write(os.path.join(argv[1], name))
    print(f"{len(runs)} real runs in the pool")


if __name__ == "__main__":
    main(sys.argv[1:])
