//! Text that would do something to a terminal, a reader or a box, and where it comes in.

use serde_json::json;

use crate::support::bodies;
use crate::support::house::House;
use crate::support::http;

/// One of each kind, every one with a plain word before it by which its line is found on the screen.
pub const STRINGS: &[&str] = &[
    "clear \x1b[2J\x1b[H gone",
    "red \x1b[31m text \x1b[0m",
    "title \x1b]0;pwned\x07",
    "title-st \x1b]2;pwned\x1b\\",
    "link \x1b]8;;http://evil.example/\x1b\\click\x1b]8;;\x1b\\",
    "clipboard \x1b]52;c;cm0gLXJmIC8=\x07",
    "iterm \x1b]1337;File=:AAAA\x07",
    "notify \x1b]9;pwned\x07\x1b]777;notify;a;b\x07",
    "dcs \x1bP$qm\x1b\\",
    "sixel \x1bPq#0~\x1b\\",
    "apc \x1b_Ga=T\x1b\\",
    "pm \x1b^pm\x1b\\",
    "sos \x1bXsos\x1b\\",
    "reset \x1bc",
    "charset \x1b(0lqqk",
    "margins \x1b[5;6r",
    "alternate \x1b[?1049l",
    "paste \x1b[201~y\r",
    "query \x1b[c\x1b[6n\x1b[?u",
    "c1-csi \u{9b}2J",
    "c1-osc \u{9d}0;pwned\u{9c}",
    "c1-dcs \u{90}q\u{9c}",
    "bells \x07\x07\x07\x07",
    "backspace rm -rf /\x08\x08\x08\x08ls",
    "return rm -rf /\rls",
    "lines one\ntwo\n\n\nthree",
    "tabs a\tb\t\t\tc",
    "nul a\0b",
    "delete a\x7fb",
    "override \u{202e}gnp.exe",
    "isolate \u{2066}a\u{2069}\u{200f}\u{061c}",
    "zero-width che\u{200b}ck\u{200d}out\u{2060}\u{feff}",
    "soft-hyphen check\u{ad}out",
    "tags a\u{e0061}\u{e0062}\u{e007f}",
    "variation a\u{fe0f}\u{e0100}",
    "filler \u{3164}\u{115f}\u{2800}\u{ffa0}",
    "separators a\u{2028}b\u{2029}c",
    "interlinear a\u{fff9}b\u{fffa}c\u{fffb}",
    "private \u{e000}\u{f8ff}",
    "homoglyph check\u{43e}ut",
    "wide 決済サービス停止中",
    "zalgo h\u{301}\u{302}\u{303}\u{304}\u{305}\u{306}\u{307}\u{308}i",
    "family \u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}",
    "flags \u{1f1e9}\u{1f1ea}",
];

/// Fills every field that a source can fill: labels and annotations of alerts, changes with both sides and files, agent
/// runs with messages, tool calls and results, logs.
pub fn deliver(house: &House) {
    let port = house.port;
    let accepted = |what: &str, answer: std::io::Result<http::Answer>| {
        let answer = answer.expect("the listener answers");
        assert!((200..300).contains(&answer.status), "{what}: {} {}", answer.status, answer.text());
    };
    let starts = bodies::ago(120);
    let mut alerts = Vec::new();
    for (number, text) in STRINGS.iter().enumerate() {
        // One component for most, so that they become one incident; their own name and component for some.
        let service = if number % 4 == 0 { text } else { "checkout" };
        let name = if number % 4 == 1 { text } else { "HighErrorRate" };
        let number = number.to_string();
        let more = [("number", number.as_str()), ("severity", text), ("summary", text), ("instance", text)];
        let mut alert = bodies::alert(name, service, &more, &starts, "");
        alert["annotations"] = json!({"summary": text, "description": text, "runbook_url": text, *text: text});
        alert["generatorURL"] = json!(text);
        alerts.push(alert);
    }
    accepted("alerts", http::post(port, "/alertmanager", "application/json", &bodies::webhook(&alerts)));

    for (number, text) in STRINGS.iter().enumerate() {
        let kind = ["prompt", "flag", "model", "index", "tool", "judge"][number % 6];
        let kind = format!("dev.cdeventsx.tests-{kind}.modified.0.1.0");
        let long = "long line ".repeat(20);
        let data = json!({
            "name": text, "flag": text, "alias": text, "index": text, "tool": text, "judge": text,
            "actor": text, "files": [text], "version": text, "version_before": text, "model": text, "schema": text,
            "before": format!("You are a support agent.\n{text}\nBe kind.\n{long}"),
            "after": format!("You are a support agent.\n{text} now\nBe brief.\n{long}"),
        });
        let subject = if number % 2 == 0 { "checkout" } else { text };
        let body = bodies::change(&format!("change-{number} {text}"), &kind, subject, &data, &bodies::ago(180));
        accepted("change", http::post(port, "/events", "application/cloudevents+json", &body));
    }

    for (number, text) in STRINGS.iter().enumerate() {
        let trace = format!("{:032x}", number + 1);
        let said = json!([{"role": text, "parts": [{"type": "text", "content": text}]}]).to_string();
        let spans = [
            bodies::span(
                &trace,
                "0000000000000001",
                "",
                text,
                &[
                    ("gen_ai.operation.name", "invoke_agent"),
                    ("gen_ai.agent.name", text),
                    ("gen_ai.conversation.id", text),
                ],
            ),
            bodies::span(
                &trace,
                "0000000000000002",
                "0000000000000001",
                text,
                &[
                    ("gen_ai.operation.name", "chat"),
                    ("gen_ai.request.model", text),
                    ("gen_ai.response.model", text),
                    ("gen_ai.prompt.name", text),
                    ("gen_ai.response.finish_reasons", text),
                    ("gen_ai.system_instructions", &said),
                    ("gen_ai.input.messages", &said),
                    ("gen_ai.output.messages", &said),
                    ("error.type", text),
                    (text, text),
                ],
            ),
            bodies::span(
                &trace,
                "0000000000000003",
                "0000000000000001",
                text,
                &[
                    ("gen_ai.operation.name", "execute_tool"),
                    ("gen_ai.tool.name", text),
                    ("gen_ai.tool.call.arguments", text),
                    ("gen_ai.tool.call.result", text),
                ],
            ),
        ];
        let service = if number % 2 == 0 { "checkout" } else { text };
        accepted("spans", http::post(port, "/v1/traces", "application/json", &bodies::spans(service, &spans)));
    }
}
