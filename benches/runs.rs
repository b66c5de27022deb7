//! How soon a run of 10 000 spans is on the screen: read from the journal, laid out, drawn for the first time; and how soon a
//! word is found in all of it.
//!
//! `cargo bench --bench runs`: medians with the lowest and highest of twenty turns.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ratatui::buffer::Buffer;
use ratatui::layout::{Rect, Size};
use warroom::console::details::{Detail, Want};
use warroom::console::keymap::Keymap;
use warroom::console::layers::viewer::Viewer;
use warroom::console::model::{Model, Msg, Setup};
use warroom::console::pane::Now;
use warroom::console::theme::{self, Depth};
use warroom::console::{draw, glyph, key, panes, update};
use warroom::engine::View;
use warroom::engine::view::Opens;
use warroom::event::{
    Attributes, Fact, Person, Resource, Seq, Span, SpanBatch, SpanId, SpanKind, SpanStatus, Time, TraceId, Untrusted,
};
use warroom::journal::{Draft, SharedJournal, SqliteJournal, term};

const SPANS: u64 = 10_000;
const A_BATCH: u64 = 500;
const TURNS: usize = 20;
const TRACE: TraceId = TraceId([7; 16]);

/// Span `number` of the run: an agent that calls a model and a tool in turn, each with what it was told and answered.
fn span(number: u64, start: Time) -> Span {
    let model = number % 2 == 1;
    let operation = if number == 0 {
        "invoke_agent"
    } else if model {
        "chat"
    } else {
        "execute_tool"
    };
    let said = format!(
        "[{{\"role\":\"assistant\",\"parts\":[{{\"type\":\"text\",\"content\":\"Step {number}: I look up the booking \
         and then read the rule that fits it, before I say anything about a refund.\"}}]}}]"
    );
    let pairs = [
        ("gen_ai.operation.name", operation.to_owned()),
        ("gen_ai.agent.name", "support-assistant".to_owned()),
        ("gen_ai.request.model", "chat-large".to_owned()),
        ("gen_ai.tool.name", "search_policy".to_owned()),
        ("gen_ai.tool.call.arguments", format!("{{\"query\":\"refund after departure {number}\",\"limit\":5}}")),
        (
            "gen_ai.tool.call.result",
            format!("[{{\"rule\":\"R{number}\",\"text\":\"Saver fares are not paid back.\"}}]"),
        ),
        ("gen_ai.output.messages", said),
        ("gen_ai.response.finish_reasons", "[\"stop\"]".to_owned()),
    ];
    let fits = |name: &str| match number {
        0 => !name.contains("tool") && !name.contains("messages"),
        _ if model => !name.contains("tool"),
        _ => !name.contains("messages") && !name.contains("model"),
    };
    let at = start + Duration::from_millis(number * 10);
    Span {
        trace_id: TRACE,
        span_id: SpanId((number + 1).to_be_bytes()),
        parent: (number > 0).then(|| SpanId(1_u64.to_be_bytes())),
        name: operation.into(),
        kind: SpanKind::Client,
        start: at,
        end: at + Duration::from_millis(9),
        status: if number == 7_000 { SpanStatus::Error } else { SpanStatus::Ok },
        status_message: Untrusted::default(),
        attributes: pairs
            .into_iter()
            .filter(|(name, _)| fits(name))
            .map(|(name, value)| (name.into(), value.into()))
            .collect(),
        events: Vec::new(),
    }
}

fn journal(folder: &std::path::Path) -> SharedJournal {
    let journal: SharedJournal =
        Arc::new(SqliteJournal::open(&folder.join("journal.db"), Time::now()).expect("a journal"));
    let start = Time::now();
    for batch in 0..SPANS / A_BATCH {
        let items = (batch * A_BATCH..(batch + 1) * A_BATCH).map(|number| span(number, start)).collect();
        let resource = Resource { service: "support".into(), attributes: Attributes::new(), items };
        let fact = Fact::from(SpanBatch { resources: vec![resource] });
        let draft = Draft::new(start, format!("batch-{batch}"), &fact).found_by(term::trace(TRACE));
        journal.append(vec![draft]).expect("recorded");
    }
    journal
}

fn model() -> Model {
    let setup = Setup {
        theme: theme::load("dark", None, Depth::None).expect("built in"),
        glyphs: &glyph::UNICODE,
        keymap: Keymap::load("vim", None).expect("built in"),
        rubric: warroom::surface::severity::Rubric::built_in(),
        tree: warroom::surface::triage::Tree::built_in(),
        endpoints: Vec::new(),
        zone: jiff::tz::TimeZone::UTC,
        may_copy: true,
        person: Person { login: "ana".into(), known_by: "uid".into(), session: "1".into() },
        hunch_first: false,
        panes: panes::all(),
    };
    let now = Now { wall: Time::now(), mono: Duration::ZERO };
    Model::new(setup, Size::new(160, 50), Arc::new(View::default()), now)
}

fn said(what: &str, mut times: Vec<Duration>) {
    times.sort();
    let ms = |time: Duration| time.as_secs_f64() * 1_000.0;
    let (low, median, high) = (times[0], times[times.len() / 2], times[times.len() - 1]);
    println!("{what}: {:.1} ms [{:.1}, {:.1}]", ms(median), ms(low), ms(high));
}

fn main() {
    let folder = tempfile::tempdir().expect("a folder");
    let details = warroom::engine::details(journal(folder.path()));
    let now = Now { wall: Time::now(), mono: Duration::ZERO };
    let (mut reading, mut showing, mut whole, mut finding) = (vec![], vec![], vec![], vec![]);
    for _ in 0..TURNS {
        let mut model = model();
        let begun = Instant::now();
        model.layers.push(Box::new(Viewer::new(panes::sheet(&Opens::Run { trace: TRACE }))));
        let run = details.run(TRACE, Seq(u64::MAX >> 1)).expect("read").expect("a run");
        assert_eq!(run.steps.len() as u64, SPANS);
        let read = begun.elapsed();
        update(&mut model, Msg::Resized(Size::new(160, 50)), now);
        update(&mut model, Msg::Fetched(Want::Run(TRACE), Seq(1), Ok(Detail::Run(Box::new(run)))), now);
        let mut buffer = Buffer::empty(Rect::new(0, 0, 160, 50));
        let _ = draw(&model, &mut buffer);
        let all = begun.elapsed();
        let shown: String = buffer.content.iter().map(ratatui::buffer::Cell::symbol).collect();
        assert!(shown.contains("failed step"), "the cursor is on the marked step: {shown}");
        reading.push(read);
        showing.push(all.checked_sub(read).unwrap());
        whole.push(all);
        for c in "/departure 9998".chars() {
            let key = key::Key::plain(crossterm::event::KeyCode::Char(c));
            update(&mut model, Msg::Key(key), now);
        }
        let begun = Instant::now();
        update(&mut model, Msg::Key(key::Key::plain(crossterm::event::KeyCode::Enter)), now);
        let _ = draw(&model, &mut buffer);
        finding.push(begun.elapsed());
        let shown: String = buffer.content.iter().map(ratatui::buffer::Cell::symbol).collect();
        assert!(shown.contains("hit 1 of 1"), "{shown}");
    }
    said("a run of 10 000 spans: read and understood", reading);
    said("laid out and drawn, 160x50", showing);
    said("together: from the key to the first frame", whole);
    said("a word found in all of it", finding);
}
