"""The infrastructure incident: a merged change lowers the connection pool of the payments service; its deploy starves it,
callers wait, time out and retry, and the page storms from six services at once."""

from bundle import Bundle, at

BEGIN, DEPLOY, PAGED = at("13:25:00"), at("13:44:20"), at("13:59:30")
FULL = at("13:45:40")
CALLS = [("web-frontend", "checkout"), ("web-frontend", "catalog"), ("web-frontend", "cart"), ("checkout", "payments"),
         ("checkout", "cart"), ("checkout", "shipping"), ("payments", "ledger-db"), ("payments", "fraud-check"),
         ("orders-worker", "payments"), ("cart", "cart-cache"), ("shipping", "carrier-gateway"), ("catalog", "catalog-db")]
DIFF = """--- a/payments/config/database.yaml
+++ b/payments/config/database.yaml
@@ -7,10 +7,10 @@ ledger:
   host: ledger-db.internal
   name: ledger
   pool:
-    max_connections: 48
+    max_connections: 8
     min_connections: 4
-    acquire_timeout_ms: 10000
+    acquire_timeout_ms: 3000
     idle_timeout_s: 300
"""


def changes(b):
    merge, deploy = "dev.cdevents.change.merged", "dev.cdevents.service.deployed"
    sha = {name: b.id(40, "sha") for name in ["cart", "catalog", "pool", "docs", "fraud", "shipping"]}
    for when, name, author, message, files, diff in [
        ("12:51:08", "docs", "p.novak", "docs: say how refunds are booked", ["docs/refunds.md"],
         "--- a/docs/refunds.md\n+++ b/docs/refunds.md\n@@ -3,3 +3,4 @@\n A refund is booked on the day it is approved.\n+It never changes a closed month.\n"),
        ("13:02:40", "cart", "s.ibarra", "cart: keep the gift note when a line is removed", ["cart/lines.go", "cart/lines_test.go"],
         "--- a/cart/lines.go\n+++ b/cart/lines.go\n@@ -61,6 +61,9 @@ func (c *Cart) Remove(id string) {\n \tline := c.find(id)\n \tif line == nil {\n \t\treturn\n"
         " \t}\n+\tif line.Note != \"\" {\n+\t\tc.Note = line.Note\n+\t}\n \tc.drop(line)\n }\n"),
        ("13:09:15", "pool", "r.haas", "payments: settings in line with the new database plan", ["payments/config/database.yaml"], DIFF),
        ("13:21:33", "catalog", "d.osei", "catalog: sort colours by name", ["catalog/facets.py"],
         "--- a/catalog/facets.py\n+++ b/catalog/facets.py\n@@ -30,4 +30,4 @@ def facets(items):\n-    return list(colours)\n+    return sorted(colours)\n"),
        ("13:27:50", "fraud", "k.lindholm", "fraud: count retries of one card once", ["fraud/rules.py"],
         "--- a/fraud/rules.py\n+++ b/fraud/rules.py\n@@ -88,5 +88,5 @@ def attempts(card, events):\n-    return len(events)\n+    return len({e.order for e in events})\n"),
        ("13:31:19", "shipping", "s.ibarra", "shipping: log the carrier's request id", ["shipping/client.go"],
         "--- a/shipping/client.go\n+++ b/shipping/client.go\n@@ -44,3 +44,4 @@\n \tres, err := c.http.Do(req)\n+\tlog.Debug(\"carrier\", \"request\", res.Header.Get(\"X-Request-Id\"))\n"),
    ]:
        b.event(at(when), merge, "git", sha[name], None, {"sha": sha[name], "author": author, "message": message, "files": files, "diff": diff})
    deployed = {}
    for when, service, version, name in [
        ("13:12:05", "cart", "5.4.1", "cart"), ("13:36:30", "catalog", "2.18.0", "catalog"), ("13:40:55", "fraud-check", "0.9.7", "fraud"),
        ("13:44:20", "payments", "3.22.0", "pool"), ("13:49:10", "shipping", "4.0.3", "shipping"),
    ]:
        deployed[name] = "deploy-" + b.id(10, "deploy")
        b.event(at(when), deploy, "deploys", deployed[name], service, {"service": service, "version": version, "sha": sha[name]})
    b.event(at("13:38:00"), "dev.cdeventsx.flag.changed", "flags", "flag-" + b.id(10, "flag"), "web-frontend",
            {"flag": "autumn_banner", "service": "web-frontend", "before": "off", "after": "on", "actor": "d.osei"})
    b.event(at("13:52:20"), "com.warroom.status.notice", "status.carrier.invalid", "notice-1", "carrier-gateway", {
        "provider": "carrier", "component": "labels", "status": "maintenance", "text": "Label printing is read-only until 15:00 UTC, as announced."})
    return sha["pool"], deployed["pool"]


def alert(name, service, severity, start, summary, end=None, **labels):
    labels = {"alertname": name, "service": service, "severity": severity, "env": "production", **labels}
    return {"labels": labels, "annotations": {"summary": summary}, "start": start, "end": end}


def alerts(b):
    rng, found = b.rng, []

    def storm(name, service, severity, first, summary, values, key, step, end=None):
        for index, value in enumerate(values):
            found.append(alert(name, service, severity, at(first) + index * step + rng.uniform(0, step / 2), summary, end, **{key: value}))

    pods = lambda service, n: [f"{service}-{i}" for i in range(n)]
    storm("ConnectionPoolExhausted", "payments", "critical", "13:46:40", "All database connections in use for 1 min", pods("payments", 6), "pod", 7)
    storm("RequestLatencyHigh", "payments", "warning", "13:47:05", "p95 above 1 s for 1 min", pods("payments", 6), "pod", 6)
    storm("ErrorRateHigh", "payments", "critical", "13:47:40", "5xx above 5 % for 1 min", ["/charge", "/refund", "/capture"], "route", 12)
    storm("RequestLatencyHigh", "checkout", "critical", "13:47:50", "p95 above 2 s for 1 min", pods("checkout", 8), "pod", 5)
    storm("ErrorRateHigh", "checkout", "critical", "13:48:30", "5xx above 5 % for 1 min", ["/place", "/quote", "/confirm"], "route", 14)
    storm("RetryRateHigh", "checkout", "warning", "13:48:50", "Retries above a quarter of requests", pods("checkout", 8), "pod", 6)
    storm("RequestLatencyHigh", "web-frontend", "warning", "13:49:10", "p95 above 3 s for 1 min", pods("web", 10), "pod", 4)
    storm("ErrorRateHigh", "web-frontend", "critical", "13:49:45", "5xx above 2 % for 1 min", ["/checkout", "/pay", "/account/orders"], "route", 11)
    storm("QueueAgeHigh", "orders-worker", "warning", "13:50:20", "Oldest job older than 2 min", ["capture", "refund", "receipt", "settle"], "queue", 15)
    storm("JobFailuresHigh", "orders-worker", "warning", "13:51:30", "Jobs fail after their last try", ["capture", "refund", "settle"], "queue", 13)
    storm("CartAbandonRateHigh", "cart", "warning", "13:52:10", "Baskets left at the last step above the usual", ["web", "ios", "android"], "channel", 16)
    storm("SessionLockWaitHigh", "cart", "warning", "13:52:50", "Sessions wait for an order that is not finished", pods("cart", 4), "pod", 9)
    storm("RateTokensIdle", "shipping", "info", "13:53:30", "Label requests far below the usual", ["road", "air"], "mode", 20)
    storm("TrafficDrop", "shipping", "warning", "13:54:10", "Requests below half of the hour before", pods("shipping", 3), "pod", 8, end=at("13:58:40"))
    return found


def metrics(b):
    for service, base, latency, hit, rise, errors in [
        ("payments", 62, 0.11, FULL, 3.4, 0.19), ("checkout", 70, 0.24, FULL + 25, 4.1, 0.16), ("web-frontend", 410, 0.31, FULL + 50, 4.6, 0.07),
        ("cart", 150, 0.04, None, 0, 0), ("catalog", 300, 0.06, None, 0, 0), ("shipping", 22, 0.14, None, 0, 0),
        ("fraud-check", 60, 0.05, None, 0, 0), ("orders-worker", 18, 0.4, FULL + 60, 3.0, 0.11),
    ]:
        labels = {"service": service}
        b.gauge("http_requests_per_second", labels, BEGIN, PAGED, 30, b.noisy(base, base * (0.96 if hit else 1), hit, 0.05, 120))
        b.gauge("http_latency_p95_seconds", labels, BEGIN, PAGED, 30, b.noisy(latency, latency + rise, hit, 0.07, 90))
        b.gauge("http_error_ratio", labels, BEGIN, PAGED, 30, b.noisy(0.002, 0.002 + errors, hit, 0.2, 90))
    pool = {"service": "payments", "pool": "ledger"}
    b.gauge("db_pool_in_use", pool, BEGIN, PAGED, 30, lambda t: b.rng.randrange(17, 25) if t < DEPLOY + 40 else 8)
    b.gauge("db_pool_waiting", pool, BEGIN, PAGED, 30, lambda t: 0 if t < FULL else b.rng.randrange(30, 74))
    b.gauge("db_connections", {"service": "ledger-db"}, BEGIN, PAGED, 30, b.noisy(128, 49, DEPLOY + 40, 0.03, 60))
    b.gauge("db_cpu_ratio", {"service": "ledger-db"}, BEGIN, PAGED, 30, b.noisy(0.42, 0.19, DEPLOY + 40, 0.05, 60))
    b.gauge("queue_depth", {"service": "orders-worker"}, BEGIN, PAGED, 30, b.noisy(14, 620, FULL + 60, 0.06, 600))


def telemetry(b):
    rng, when = b.rng, BEGIN
    while when < PAGED - 10:
        when += rng.uniform(24, 46)
        sick = when > FULL
        failed = sick and rng.random() < 0.55
        wait = (3.0 if failed else rng.uniform(0.8, 2.9)) if sick else rng.uniform(0.001, 0.006)
        pay = wait + rng.uniform(0.06, 0.12)
        trace = b.id(32, "trace")
        why = "acquire timed out after 3000 ms: 8 of 8 connections in use" if failed else None
        total = pay + rng.uniform(0.08, 0.2)
        root = b.span(trace, None, "POST /checkout", 2, when, when + total + 0.04, {"http.request.method": "POST",
                      "http.response.status_code": 502 if failed else 200}, error="upstream" if failed else None)
        place = b.span(trace, root["spanId"], "PlaceOrder", 2, when + 0.01, when + total, error="payments: 503" if failed else None)
        charge = b.span(trace, place["spanId"], "Charge", 2, when + 0.05, when + 0.05 + pay, {"http.response.status_code": 503 if failed else 200}, error=why)
        spans = [b.span(trace, charge["spanId"], "pool.acquire", 1, when + 0.05, when + 0.05 + wait, {"db.client.connection.pool.name": "ledger"}, error=why)]
        if not failed:
            spans.append(b.span(trace, charge["spanId"], "INSERT ledger.entry", 3, when + 0.05 + wait, when + pay, {"db.system.name": "postgresql"}))
        b.trace([("web-frontend", {}, [root]), ("checkout", {}, [place]), ("payments", {"service.version": "3.22.0" if when > DEPLOY else "3.21.4"}, [charge] + spans)])
        if failed:
            b.log(when + 3, "payments", "ERROR", f"{why} (pool ledger, {rng.randrange(20, 70)} waiting)", {"route": "/charge"}, trace)
            b.log(when + 3.1, "checkout", "WARN", "payments answered 503, retrying in 250 ms", {"route": "/place"}, trace)
            if rng.random() < 0.5:
                b.log(when + 3.3, "orders-worker", "WARN", "job capture: payments timed out, attempt 2 of 5")
        else:
            b.log(when + 1, rng.choice(["web-frontend", "cart", "catalog", "shipping"]), "INFO", "request served")
    b.log(DEPLOY + 5, "payments", "INFO", "starting version 3.22.0, pool ledger: max_connections=8 acquire_timeout_ms=3000")
    b.log(at("13:49:14"), "shipping", "INFO", "starting version 4.0.3")
    b.log(at("13:40:58"), "fraud-check", "INFO", "starting version 0.9.7")


def make(folder):
    b = Bundle("infra")
    b.calls = CALLS
    merged, deployed = changes(b)
    b.deliver("warroom", alerts(b), ["alertname", "service"], PAGED)
    metrics(b)
    telemetry(b)
    b.write(folder, {
        "name": "demo-infra", "kind": "incident", "as_of": "2026-11-17T13:59:30Z",
        "note": "Demo, invented: a shop with six services in trouble. No company or person in it exists."}, {
        "cause": {"surface": "config", "subject": "payments", "change": merged}, "onset": "2026-11-17T13:44:20Z",
        "first_failing": "payments", "blast_radius": ["checkout", "web-frontend", "orders-worker"], "remediation": "rollback",
        "same_change": [deployed],
        "decoys": [e["id"] for _, e in b.events if e["type"].startswith("dev.") and e["id"] not in (merged, deployed)] + ["notice-1"]})
