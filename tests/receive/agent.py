"""One run of a support agent, traced by the unmodified OpenTelemetry SDK and its OpenAI instrumentation.

    agent.py ENDPOINT[,ENDPOINT] proto|json [gzip]

The agent asks a model (a stub on loopback that answers as the OpenAI API does), calls a tool, and asks again. Prints
the trace id of the run and, when every exporter got every span through, `exported`.
"""
import http.server
import json
import os
import sys
import threading

os.environ.setdefault("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "span_only")
os.environ.setdefault("OTEL_SEMCONV_STABILITY_OPT_IN", "gen_ai_latest_experimental")

import openai
from opentelemetry import trace
from opentelemetry.instrumentation.genai.openai import OpenAIInstrumentor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExportResult

endpoints, encoding, compressed = sys.argv[1].split(","), sys.argv[2], "gzip" in sys.argv[3:]
if encoding == "proto":
    from opentelemetry.exporter.otlp.proto.http import Compression
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    compression = Compression.Gzip if compressed else Compression.NoCompression
    exporters = [OTLPSpanExporter(endpoint=endpoint, compression=compression) for endpoint in endpoints]
else:
    from opentelemetry.exporter.otlp.json.http.trace_exporter import OTLPSpanExporter

    exporters = [OTLPSpanExporter(endpoint=endpoint) for endpoint in endpoints]

outcomes = []


def noted(export):
    def export_and_note(spans):
        outcomes.append(export(spans))
        return outcomes[-1]

    return export_and_note


for exporter in exporters:
    exporter.export = noted(exporter.export)


class Model(http.server.BaseHTTPRequestHandler):
    """First asks for the tool, then answers."""

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        message, reason = {"role": "assistant", "content": "Order 991 is refunded."}, "stop"
        if not any(turn["role"] == "tool" for turn in asked["messages"]):
            call = {"id": "call_1", "type": "function", "function": {"name": "refund", "arguments": '{"order": 991}'}}
            message, reason = {"role": "assistant", "content": None, "tool_calls": [call]}, "tool_calls"
        body = json.dumps({
            "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "stub-model-2026-11-01",
            "system_fingerprint": "fp_1", "usage": {"prompt_tokens": 812, "completion_tokens": 31, "total_tokens": 843},
            "choices": [{"index": 0, "message": message, "finish_reason": reason}],
        }).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Model)
threading.Thread(target=server.serve_forever, daemon=True).start()

resource = Resource.create({"service.name": "support-bot", "service.version": "2.3.1"})
provider = TracerProvider(resource=resource)
for exporter in exporters:
    provider.add_span_processor(BatchSpanProcessor(exporter))
trace.set_tracer_provider(provider)
OpenAIInstrumentor().instrument()
tracer = trace.get_tracer("support-bot")
client = openai.OpenAI(base_url=f"http://127.0.0.1:{server.server_port}/v1", api_key="not-a-key")

agent = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "support-bot", "gen_ai.conversation.id": "conv_1"}
with tracer.start_as_current_span("invoke_agent support-bot", attributes=agent) as run:
    turns = [{"role": "system", "content": "You are a support agent."}, {"role": "user", "content": "Refund order 991, please."}]
    tools = [{"type": "function", "function": {"name": "refund", "parameters": {"type": "object"}}}]
    asked = client.chat.completions.create(model="stub-model", messages=turns, tools=tools).choices[0].message
    call = asked.tool_calls[0]
    tool = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "refund", "gen_ai.tool.call.id": call.id,
            "gen_ai.tool.call.arguments": call.function.arguments, "gen_ai.tool.call.result": '{"ok": true}'}
    with tracer.start_as_current_span("execute_tool refund", attributes=tool):
        turns += [asked.model_dump(exclude_none=True), {"role": "tool", "tool_call_id": call.id, "content": '{"ok": true}'}]
    client.chat.completions.create(model="stub-model", messages=turns, tools=tools)
    print(format(run.get_span_context().trace_id, "032x"), flush=True)

provider.force_flush(10_000)
provider.shutdown()
if outcomes and all(outcome is SpanExportResult.SUCCESS for outcome in outcomes):
    print("exported")
