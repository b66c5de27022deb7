"""The AI incident: one sentence of a support assistant's prompt is reworded in one region, and customers are told of
refunds that nobody checked. Requests succeed, latency looks ordinary, the answers are wrong."""

import json
import os

from bundle import Bundle, at

REGIONS = {"eu-west": "eu", "us-east": "us"}
MODEL = "chat-large"
SERVED = "chat-large-2026-09-30"
BEGIN, EDIT, PAGED = at("02:27:00"), at("02:49:12"), at("03:07:41")
BEFORE_TEXT = "do not promise a refund until `check_refund` answers"
AFTER_TEXT = "reassure them about the refund while `check_refund` answers"

PEOPLE = ["Aino", "Bram", "Chiara", "Dorota", "Emre", "Farah", "Gustav", "Hana", "Ines", "Jonas", "Klara", "Liam", "Maren",
          "Nadia", "Oskar", "Petra", "Quentin", "Rosa", "Samir", "Tove", "Ugo", "Vera", "Wanda", "Yusuf", "Zoe"]
ROUTES = [("Hamburg", "Vienna"), ("Lyon", "Porto"), ("Oslo", "Gdansk"), ("Boston", "Montreal"), ("Turin", "Marseille"),
          ("Chicago", "Toronto"), ("Ghent", "Leeds"), ("Denver", "Portland")]
WHY = ["I missed it because my train to the airport was late", "my mother fell ill", "the meeting was called off",
       "I booked the wrong weekend", "nobody told me that the gate had moved", "I could not get out of work"]

RULES = {
    "R-11": "R-11 Saver fares: no refund after departure.", "R-12": "R-12 Flexible fares: full refund until one hour before departure.",
    "R-14": "R-14 Cancelled by us: full refund to the card paid with.", "R-19": "R-19 Vouchers are refunded as vouchers.",
    "R-23": "R-23 Hardship: decided by the refund desk only.", "N-02": "N-02 Names: up to three letters free of charge.",
    "D-05": "D-05 Dates: flexible fares, difference in fare is due.", "I-01": "I-01 Invoices go to the address in the booking.",
}
TOOLS = [
    ("get_order", {"order": "string"}), ("search_policy", {"query": "string", "limit": "integer"}),
    ("check_refund", {"order": "string"}), ("issue_refund", {"order": "string", "amount": "number"}),
    ("handoff", {"desk": "string", "summary": "string"}),
]
DEFINITIONS = json.dumps([{"type": "function", "name": name, "parameters": {
    "type": "object", "properties": {k: {"type": v} for k, v in fields.items()}, "required": list(fields)}}
    for name, fields in TOOLS])


def say(role, text):
    return {"role": role, "parts": [{"type": "text", "content": text}]}


class Run:
    """One conversation, told as it happens: each call appends spans and moves the clock."""

    def __init__(self, bundle, start, region, version, prompt):
        self.b, self.rng, self.now, self.start = bundle, bundle.rng, start, start
        self.region, self.version, self.prompt = region, version, prompt
        self.trace = bundle.id(32, "trace")
        self.spans, self.search, self.orders = [], [], []
        self.pending, self.said = [], []
        self.root = bundle.id(16, "root")
        self.tokens = [0, 0]

    def user(self, text):
        self.pending.append(say("user", text))
        self.now += self.rng.uniform(2, 9)

    def chat(self, output, finish):
        took = self.rng.uniform(0.9, 2.4)
        tokens_in = 1150 + 70 * len(self.spans) + self.rng.randrange(120)
        tokens_out = 20 + len(json.dumps(output)) // 5
        self.tokens[0] += tokens_in
        self.tokens[1] += tokens_out
        span = self.b.span(self.trace, self.root, f"chat {MODEL}", 3, self.now, self.now + took, {
            "gen_ai.operation.name": "chat", "gen_ai.request.model": MODEL,
            "gen_ai.response.model": SERVED, "gen_ai.request.temperature": 0.2, "gen_ai.prompt.version": self.version,
            "gen_ai.usage.input_tokens": tokens_in, "gen_ai.usage.output_tokens": tokens_out,
            "gen_ai.response.finish_reasons": [finish],
            "gen_ai.input.messages": json.dumps(self.pending, ensure_ascii=False),
            "gen_ai.output.messages": json.dumps([output], ensure_ascii=False)})
        self.spans.append(span)
        self.pending = []
        self.now += took

    def answer(self, text):
        self.said.append(text)
        self.chat(say("assistant", text), "stop")

    def tool(self, name, arguments, result, service, slow=1.0, spoken=None):
        call = "call_" + self.b.id(10, "call")
        parts = [{"type": "text", "content": spoken}] if spoken else []
        if spoken:
            self.said.append(spoken)
        self.chat({"role": "assistant", "parts": parts + [
            {"type": "tool_call", "id": call, "name": name, "arguments": json.dumps(arguments)}]}, "tool_calls")
        took = self.rng.uniform(0.08, 0.3) * slow
        span = self.b.span(self.trace, self.root, f"execute_tool {name}", 1, self.now, self.now + took, {
            "gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": name, "gen_ai.tool.type": "function",
            "gen_ai.tool.call.id": call, "gen_ai.tool.call.arguments": json.dumps(arguments),
            "gen_ai.tool.call.result": json.dumps(result)})
        self.spans.append(span)
        if name in ("search_policy", "check_refund"):
            inner = self.b.span(self.trace, span["spanId"], f"POST /{name}", 2, self.now + 0.01, self.now + took - 0.01)
            (self.search if service == "search-api" else self.orders).append(inner)
        self.now += took
        self.pending.append({"role": "tool", "parts": [{"type": "tool_call_response", "id": call, "response": json.dumps(result)}]})

    def close(self, task, quality, promised):
        end = self.now + 0.2
        events = [(end, "gen_ai.evaluation.result", {
            "gen_ai.evaluation.name": name, "gen_ai.evaluation.score.value": value,
            "gen_ai.evaluation.score.label": label, **({"gen_ai.evaluation.explanation": why} if label == "fail" else {})})
            for name, value, label, why in [
                ("answer_quality", round(quality, 2), "pass" if quality >= 0.7 else "fail",
                 "States a refund that no tool had confirmed." if promised else "Does not answer what was asked."),
                ("promise_made", 1.0 if promised else 0.0, "fail" if promised else "pass",
                 "A refund was promised before it was checked.")]]
        root = self.b.span(self.trace, None, "invoke_agent support-assistant", 1, self.start, end, {
            "gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "support-assistant",
            "gen_ai.provider.name": "demo-ai", "gen_ai.request.model": MODEL, "gen_ai.conversation.id": "conv_" + self.trace[:10],
            "gen_ai.prompt.name": "refund_policy", "gen_ai.prompt.version": self.version,
            "gen_ai.system_instructions": json.dumps([{"type": "text", "content": self.prompt}], ensure_ascii=False),
            "gen_ai.tool.definitions": DEFINITIONS, "gen_ai.usage.input_tokens": self.tokens[0],
            "gen_ai.usage.output_tokens": self.tokens[1], "deployment.region": self.region, "app.task": task,
            "tenant.id": self.rng.choice(["web", "app", "partner"])}, events)
        root["spanId"] = self.root
        where = {"deployment.region": self.region}
        resources = [("support-assistant", where, [root] + self.spans)]
        if self.search:
            resources.append(("search-api", where, self.search))
        if self.orders:
            resources.append(("orders-api", where, self.orders))
        self.b.trace(resources)


def refund(run, reworded, slow):
    """A customer wants money back. Most are not eligible; what is said before the check depends on the instructions."""
    rng = run.rng
    name, (here, there), why = rng.choice(PEOPLE), rng.choice(ROUTES), rng.choice(WHY)
    order, price = f"FW{rng.randrange(10**6, 10**7)}", rng.randrange(48, 420)
    eligible = rng.random() < 0.35
    fare = rng.choice(["flexible", "cancelled by carrier"]) if eligible else "saver"
    run.user(f"Hello, this is {name}. I had a ticket {here} to {there}, booking {order}. I did not travel, {why}. "
             "Can I have my money back?")
    run.tool("get_order", {"order": order}, {"order": order, "fare": fare, "paid": price, "currency": "EUR", "departed": True},
             "orders-api")
    rule = {"saver": "R-11", "flexible": "R-12"}.get(fare, "R-14")
    run.tool("search_policy", {"query": f"refund {fare} fare after departure", "limit": 3},
             {"rules": [RULES[rule], RULES["R-23"]], "scores": [round(rng.uniform(0.71, 0.9), 2), 0.58]}, "search-api", slow)
    promised = rng.random() < (0.8 if reworded else 0.03)
    spoken = rng.choice([
        f"Please do not worry, {name}. Your {price} EUR will be on its way back to you; I am just completing the check.",
        f"I understand, {name}. You will get your {price} EUR back, I am only waiting for the refund desk to confirm.",
        f"That is no problem at all. The refund of {price} EUR is coming, I am finishing the paperwork now."]) if promised else None
    run.tool("check_refund", {"order": order}, {"order": order, "eligible": eligible, "rule": rule}, "orders-api", 1.4, spoken)
    if eligible:
        run.tool("issue_refund", {"order": order, "amount": price}, {"status": "accepted", "reference": run.b.id(8, "ref")}, "orders-api")
        run.answer(f"Your {price} EUR go back to the card you paid with (rule {rule}). It takes up to five working days.")
        return (0.93 if not promised else 0.74), promised
    if promised:
        # Having promised, it looks for a rule that would make the promise true.
        for query in rng.sample(["hardship refund saver fare", "goodwill refund after departure", "refund missed connection",
                                 "exceptions to rule R-11"], rng.randrange(2, 4)):
            run.tool("search_policy", {"query": query, "limit": 5}, {"rules": [RULES["R-11"], RULES["R-23"], RULES["R-19"]],
                     "scores": [round(rng.uniform(0.4, 0.6), 2), 0.41, 0.33]}, "search-api", slow)
        run.answer(f"Your refund of {price} EUR has been requested, {name}. You will see it on your card within five working days.")
        run.user("Great, thank you. So I can count on that?")
        run.answer("Yes, you can count on it.")
        return rng.uniform(0.12, 0.38), True
    run.answer(f"I am sorry, {name}: your ticket is a saver fare, and those are not paid back after departure (rule {rule}). "
               "Shall I hand you over to a colleague?")
    if rng.random() < 0.3:
        run.user("Yes please.")
        run.tool("handoff", {"desk": "refunds", "summary": f"{order}: saver fare, asks for goodwill"}, {"ticket": rng.randrange(70000, 80000)},
                 "orders-api")
        run.answer("A colleague from the refund desk will write to you today.")
    return (rng.uniform(0.82, 0.97) if rng.random() < 0.95 else 0.55), False


def other(run, slow):
    """Everything else people ask."""
    rng = run.rng
    name, (here, there) = rng.choice(PEOPLE), rng.choice(ROUTES)
    order = f"FW{rng.randrange(10**6, 10**7)}"
    task = rng.choice(["name", "date", "invoice"])
    question, rule, done = {
        "name": ("my name is misspelled by one letter", "N-02", "I have noted the correction; it is free of charge (rule N-02)."),
        "date": ("I would like to travel a day later", "D-05", "Your fare allows it; the difference is 18 EUR (rule D-05). Shall I book it?"),
        "invoice": ("I need the invoice once more", "I-01", "It has been sent again to the address in the booking (rule I-01)."),
    }[task]
    run.user(f"Hi, {name} here, booking {order} from {here} to {there}: {question}.")
    run.tool("get_order", {"order": order}, {"order": order, "fare": "flexible", "paid": rng.randrange(48, 420), "departed": False}, "orders-api")
    run.tool("search_policy", {"query": question, "limit": 3}, {"rules": [RULES[rule]], "scores": [round(rng.uniform(0.74, 0.92), 2)]},
             "search-api", slow)
    run.answer(done)
    return task, (rng.uniform(0.84, 0.98) if rng.random() < 0.95 else 0.58)


def alert(name, service, severity, start, summary, end=None, **labels):
    labels = {"alertname": name, "service": service, "severity": severity, "env": "production", **labels}
    return {"labels": labels, "annotations": {"summary": summary}, "start": start, "end": end}


def alerts(b):
    """What Prometheus rules on these series would page: the answers first, then the load and the tickets they cause."""
    found, rng = [], b.rng
    for task, first in [("refund", "02:57:40"), ("cancellation", "02:58:20"), ("voucher", "02:59:10")]:
        for tenant, later in [("web", 0), ("app", 25), ("partner", 55)]:
            when = at(first) + later
            found.append(alert("JudgeScoreLow", "support-assistant", "critical" if task == "refund" else "warning", when,
                               f"Mean judge score of {task} answers below 0.75 for 3 min", region="eu-west", task=task, tenant=tenant))
            found.append(alert("UncheckedPromiseRatioHigh", "support-assistant", "warning", when + 40,
                               f"More than 10 % of {task} answers promise a refund before the check", region="eu-west", task=task, tenant=tenant))
    for shard in range(6):
        when = at("02:59:30") + shard * 11 + rng.randrange(6)
        found.append(alert("SearchLatencyHigh", "search-api", "warning", when, "p95 of search above 400 ms for 2 min",
                           region="eu-west", shard=str(shard), end=at("03:05:20") if shard == 5 else None))
        found.append(alert("SearchRequestRateHigh", "search-api", "info" if shard > 3 else "warning", when + 20,
                           "Search requests more than twice the hour before", region="eu-west", shard=str(shard)))
    for queue, when in [("refunds", "03:01:50"), ("complaints", "03:03:10"), ("callbacks", "03:04:30")]:
        found.append(alert("TicketRateHigh", "helpdesk", "warning", at(when), f"Tickets in {queue} above the usual for the hour",
                           queue=queue))
    for desk, when in [("refunds", "03:03:40"), ("complaints", "03:05:10")]:
        found.append(alert("TicketBacklogGrowing", "helpdesk", "warning", at(when), f"Backlog of {desk} grows for 5 min", queue=desk))
    found.append(alert("TokenSpendHigh", "support-assistant", "warning", at("03:02:30"),
                       "Output tokens a conversation 40 % above the hour before", region="eu-west"))
    found.append(alert("CheckRefundRateHigh", "orders-api", "info", at("03:04:10"), "check_refund calls above the usual", region="eu-west"))
    return found


def changes(b, before, after):
    where = "changes"
    sha = [b.id(40, "sha") for _ in range(4)]
    merge, deploy = "dev.cdevents.change.merged", "dev.cdevents.service.deployed"
    b.event(at("02:26:31"), merge, "git", sha[0], None, {
        "sha": sha[0], "author": "t.okafor", "message": "search: reuse the tokenizer between requests",
        "files": ["search/tokenize.go", "search/tokenize_test.go"],
        "diff": "--- a/search/tokenize.go\n+++ b/search/tokenize.go\n@@ -18,9 +18,14 @@ type Index struct {\n \n"
                " func (i *Index) Tokens(text string) []string {\n-\tt := newTokenizer(i.lang)\n-\treturn t.Split(text)\n"
                "+\tt := i.pool.Get().(*tokenizer)\n+\tdefer i.pool.Put(t)\n+\treturn t.Split(text)\n }\n"})
    b.event(at("02:33:02"), merge, "git", sha[1], None, {
        "sha": sha[1], "author": "l.marchetti", "message": "web: round the corners of the chat window",
        "files": ["web/chat/window.css"],
        "diff": "--- a/web/chat/window.css\n+++ b/web/chat/window.css\n@@ -4,5 +4,5 @@\n .chat {\n   width: 24rem;\n-  border-radius: 2px;\n"
                "+  border-radius: 8px;\n }\n"})
    b.event(at("02:36:48"), deploy, "deploys", "deploy-" + b.id(10, "deploy"), "web-frontend",
            {"service": "web-frontend", "version": "7.31.0", "sha": sha[1]})
    b.event(at("02:44:15"), "dev.cdeventsx.flag.changed", "flags", "flag-" + b.id(10, "flag"), "web-frontend",
            {"flag": "compact_footer", "service": "web-frontend", "before": "off", "after": "on", "actor": "l.marchetti"})
    cause = "prompt-" + b.id(10, "prompt")
    b.event(EDIT, "dev.cdeventsx.prompt.changed", where, cause, "support-assistant", {
        "name": "refund_policy", "version_before": "41", "version": "42", "before": before, "after": after, "actor": "mei.tanaka"})
    b.event(at("02:51:26"), deploy, "deploys", "deploy-" + b.id(10, "deploy"), "search-api",
            {"service": "search-api", "version": "1.9.3", "sha": sha[0]})
    b.event(at("02:55:30"), "com.warroom.status.notice", "status.demo-ai.invalid", "notice-1", "llm-gateway", {
        "provider": "demo-ai", "component": "embeddings", "status": "degraded",
        "text": "We are looking into raised latency of embedding requests in one region. Chat is not affected."})
    b.event(at("03:04:05"), "com.warroom.status.notice", "status.demo-ai.invalid", "notice-2", "llm-gateway", {
        "provider": "demo-ai", "component": "embeddings", "status": "resolved", "text": "Embedding latency is back to normal."})
    b.event(at("03:06:10"), "com.warroom.note", "chat", "note-1", None, {
        "author": "support-lead", "text": "Three customers just quoted the assistant: 'you can count on it'. Finance says no such refunds exist."})
    return cause


def metrics(b):
    end, moved = PAGED, EDIT + 15
    for region in REGIONS:
        hit = moved if region == "eu-west" else None
        for name, before, after, onset, spread, ramp in [
            ("assistant_judge_score", 0.91, 0.66, hit, 0.02, 240), ("assistant_unchecked_promise_ratio", 0.02, 0.31, hit, 0.2, 240),
            ("assistant_output_tokens_per_run", 310, 470, hit, 0.05, 200), ("assistant_runs_per_minute", 46, 47, None, 0.06, 60),
            ("assistant_latency_p95_seconds", 9.8, 10.4, hit, 0.06, 240), ("assistant_error_ratio", 0.004, 0.004, None, 0.3, 60),
        ]:
            b.gauge(name, {"service": "support-assistant", "region": region}, BEGIN, end, 30, b.noisy(before, after, onset, spread, ramp))
        late = moved + 75 if hit else None
        for name, before, after, onset, spread, ramp in [
            ("search_requests_per_second", 31, 74, late, 0.05, 300), ("search_latency_p95_seconds", 0.21, 0.52, late and late + 60, 0.07, 300),
            ("search_error_ratio", 0.002, 0.002, None, 0.3, 60), ("search_cpu_ratio", 0.34, 0.61, late, 0.05, 300),
        ]:
            b.gauge(name, {"service": "search-api", "region": region}, BEGIN, end, 30, b.noisy(before, after, onset, spread, ramp))
    for name, service, before, after, onset, spread in [
        ("tickets_per_minute", "helpdesk", 3.1, 9.4, EDIT + 480, 0.16), ("ticket_backlog", "helpdesk", 41, 96, EDIT + 600, 0.04),
        ("orders_requests_per_second", "orders-api", 120, 126, None, 0.04), ("orders_latency_p95_seconds", "orders-api", 0.09, 0.09, None, 0.08),
        ("web_requests_per_second", "web-frontend", 840, 842, None, 0.03), ("web_error_ratio", "web-frontend", 0.003, 0.003, None, 0.3),
        ("gateway_latency_p95_seconds", "llm-gateway", 1.9, 1.95, None, 0.05), ("embedding_latency_p95_seconds", "llm-gateway", 0.12, 0.19, at("02:54:00"), 0.1),
    ]:
        b.gauge(name, {"service": service}, BEGIN, end, 30, b.noisy(before, after, onset, spread, 240))


def logs(b):
    rng, when = b.rng, BEGIN
    while when < PAGED:
        when += rng.uniform(18, 40)
        service, text = rng.choice([
            ("web-frontend", "GET /chat 200"), ("orders-api", "POST /get_order 200"), ("search-api", "query served from shard cache"),
            ("helpdesk", "ticket created"), ("llm-gateway", "chat completed")])
        b.log(when, service, "INFO", text)
        if when > EDIT + 90 and rng.random() < 0.3:
            b.log(when + 1, "search-api", "WARN", f"slow query: {rng.randrange(410, 900)} ms, shard {rng.randrange(6)}, queue {rng.randrange(9, 40)}",
                  {"deployment.region": "eu-west"})
        if when > EDIT + 60 and rng.random() < 0.35:
            b.log(when + 2, "orders-api", "INFO", "check_refund: not eligible, rule R-11", {"deployment.region": "eu-west"})
        if when > EDIT + 420 and rng.random() < 0.25:
            b.log(when + 3, "helpdesk", "INFO", "ticket created: customer asks where the promised refund is", {"queue": "refunds"})


def make(folder):
    b = Bundle("ai")
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "prompt.md"), encoding="utf-8") as file:
        before = file.read()
    assert before.count(BEFORE_TEXT) == 1
    after = before.replace(BEFORE_TEXT, AFTER_TEXT)
    b.calls = [("web-frontend", "support-assistant"), ("support-assistant", "llm-gateway"), ("support-assistant", "search-api"),
               ("support-assistant", "orders-api"), ("support-assistant", "helpdesk"), ("search-api", "llm-gateway")]
    cause = changes(b, before, after)
    when, index = BEGIN + 20, 0
    while when < PAGED - 70:
        region = list(REGIONS)[index % 2]
        new = region == "eu-west" and when >= EDIT
        run = Run(b, when, region, "42" if new else "41", after if new else before)
        slow = 2.2 if region == "eu-west" and when > EDIT + 150 else 1.0
        if b.rng.random() < 0.6:
            quality, promised = refund(run, new, slow)
            run.close("refund", quality, promised)
        else:
            task, quality = other(run, slow)
            run.close(task, quality, False)
        index += 1
        when += b.rng.uniform(32, 54) if when < EDIT else b.rng.uniform(19, 35)
    b.deliver("warroom", alerts(b), ["alertname", "service"], PAGED)
    metrics(b)
    logs(b)
    b.write(folder, {
        "name": "demo-ai", "kind": "incident", "as_of": "2026-11-17T03:07:41Z",
        "note": "Demo, invented: a support assistant in two regions. No company, person or booking in it exists."}, {
        "cause": {"surface": "prompt", "subject": "support-assistant", "change": cause}, "onset": "2026-11-17T02:49:12Z",
        "first_failing": "support-assistant", "blast_radius": ["search-api", "helpdesk"], "remediation": "rollback",
        "decoys": [e["id"] for _, e in b.events if e["type"].startswith("dev.") and e["id"] != cause] + ["notice-1"]})
