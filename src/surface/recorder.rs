//! The flight recorder's gaps: what a service does not send, and what nobody will be able to answer because of it.
//!
//! Known before the incident, a gap is one line of configuration; after it, a question without an answer.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet, VecDeque};
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::event::{Span, SpanBatch, SpanId, TraceId, Untrusted};

use super::alias::{self, EventKind, Field, Flattened, Op};
use super::message;

/// At most so many services are told apart; the rest are counted together.
const MOST_SERVICES: usize = 500;
/// At most so many steps are remembered as counted.
const MOST_REMEMBERED: usize = 50_000;
/// Steps are counted in stretches of so many seconds by when they began …
const STRETCH_SECONDS: i64 = 3_600;
/// … and the newest so many in which a service sent anything make up what is reported: what it sends now, not what it sent last
/// week. One clock that runs ahead takes one of them, and no more.
const STRETCHES: usize = 24;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    field: Vec<Need>,
}

/// One field that should be there.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Need {
    field: Field,
    on: Op,
    needed: bool,
    question: String,
    mend: String,
}

/// The embedded table. A test reads it, so that a fault in it never reaches a user.
static NEEDS: LazyLock<Vec<Need>> = LazyLock::new(|| {
    toml::from_str::<File>(include_str!("../../assets/recorder.toml")).map(|file| file.field).unwrap_or_default()
});

impl Need {
    /// Whether a run takes it from its agent step as well as from a model call.
    fn is_of_the_agent(&self) -> bool {
        self.on == Op::Model && matches!(self.field, Field::PromptText | Field::PromptVersion | Field::Tools)
    }
}

/// Counts, per service, how often each field that should be there was.
#[derive(Clone, Debug, Default)]
pub struct Recorder {
    /// Per service its stretches, by number.
    services: BTreeMap<Untrusted, BTreeMap<i64, Counts>>,
    counted: Counted,
    left_out: u64,
}

/// The newest steps that were counted: one that is sent again, or by another way, counts once.
#[derive(Clone, Debug, Default)]
struct Counted {
    steps: HashSet<(TraceId, SpanId)>,
    in_order: VecDeque<(TraceId, SpanId)>,
}

impl Counted {
    /// Whether the step was not counted yet, as far as that is remembered.
    fn add(&mut self, step: (TraceId, SpanId)) -> bool {
        let new = self.steps.insert(step);
        if new {
            self.in_order.push_back(step);
        }
        if self.in_order.len() > MOST_REMEMBERED {
            self.in_order.pop_front().map(|oldest| self.steps.remove(&oldest));
        }
        new
    }
}

/// Steps of a kind, and how many of them carry each need of the table, by its place.
#[derive(Clone, Debug, Default)]
struct Counts {
    steps: BTreeMap<Op, u64>,
    captured: Vec<u64>,
    /// Agent steps that carry what belongs on model calls: said once, it holds for every call below.
    by_agent: Vec<u64>,
}

/// What one service sends and does not send.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ServiceGaps {
    /// The service; empty = it does not say its name.
    pub service: Untrusted,
    /// Its steps: model calls, tool calls, retrievals, agents.
    pub steps: u64,
    /// Share of the needed fields it sends, over all its steps, 0 to 1.
    pub score: f64,
    /// Fields it does not send on every step, the needed and rarest first.
    pub gaps: Vec<Gap>,
}

/// A field that is missing on some steps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Gap {
    /// The newest name of the field.
    pub field: Cow<'static, str>,
    /// The kind of step it belongs on.
    pub on: Cow<'static, str>,
    /// Whether it counts in the score.
    pub needed: bool,
    /// Steps that carry it.
    pub captured: u64,
    /// Steps that should.
    pub of: u64,
    /// What cannot be answered without it.
    pub question: Cow<'static, str>,
    /// The one line that mends it.
    pub mend: Cow<'static, str>,
}

impl Recorder {
    /// Takes in spans; those that are no step of an agent do not count.
    pub fn apply(&mut self, batch: &SpanBatch) {
        for resource in &batch.resources {
            for span in &resource.items {
                self.see(&resource.service, span);
            }
        }
    }

    fn see(&mut self, service: &Untrusted, span: &Span) {
        let op = Op::of(&span.attributes, &span.name);
        // An embedding is read as a retrieval, but finds no documents.
        let embeds =
            alias::text(&span.attributes, Field::Operation).is_some_and(|operation| operation.contains("mbedding"));
        if embeds || matches!(op, Op::Other | Op::Judge) || !self.counted.add((span.trace_id, span.span_id)) {
            return;
        }
        if self.services.len() >= MOST_SERVICES && !self.services.contains_key(service) {
            self.left_out += 1;
            return;
        }
        let stretches = self.services.entry(service.clone()).or_default();
        let stretch = span.start.as_second().div_euclid(STRETCH_SECONDS);
        let room = stretches.len() < STRETCHES || stretches.contains_key(&stretch);
        if !room {
            // What came so late says nothing of today.
            if stretches.first_key_value().is_some_and(|(oldest, _)| stretch < *oldest) {
                return;
            }
            stretches.pop_first();
        }
        let counts = stretches.entry(stretch).or_default();
        counts.captured.resize(NEEDS.len(), 0);
        counts.by_agent.resize(NEEDS.len(), 0);
        *counts.steps.entry(op).or_default() += 1;
        for (captured, need) in counts.captured.iter_mut().zip(NEEDS.iter()).filter(|(_, need)| need.on == op) {
            *captured += u64::from(carries(span, need.field));
        }
        if op == Op::Agent {
            for (captured, need) in
                counts.by_agent.iter_mut().zip(NEEDS.iter()).filter(|(_, need)| need.is_of_the_agent())
            {
                *captured += u64::from(carries(span, need.field));
            }
        }
    }

    /// Every service, the one with the worst score first.
    #[must_use]
    pub fn report(&self) -> Vec<ServiceGaps> {
        let mut report: Vec<ServiceGaps> =
            self.services.iter().map(|(service, stretches)| Counts::sum(stretches).report(service.clone())).collect();
        report.sort_by(|a, b| a.score.total_cmp(&b.score).then_with(|| a.service.cmp(&b.service)));
        report
    }

    /// Steps of services beyond the most that are told apart.
    #[must_use]
    pub fn left_out(&self) -> u64 {
        self.left_out
    }
}

impl Counts {
    /// All stretches together.
    fn sum(stretches: &BTreeMap<i64, Self>) -> Self {
        let mut sum = Self::default();
        for counts in stretches.values() {
            counts.steps.iter().for_each(|(op, steps)| *sum.steps.entry(*op).or_default() += steps);
            for (all, own) in [(&mut sum.captured, &counts.captured), (&mut sum.by_agent, &counts.by_agent)] {
                all.resize(NEEDS.len(), 0);
                all.iter_mut().zip(own).for_each(|(all, own)| *all += own);
            }
        }
        sum
    }

    #[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
    fn report(&self, service: Untrusted) -> ServiceGaps {
        let (mut sent, mut wanted) = (0, 0);
        let mut gaps = Vec::new();
        let agents = self.steps.get(&Op::Agent).copied().unwrap_or(0);
        for ((captured, by_agent), need) in self.captured.iter().zip(&self.by_agent).zip(NEEDS.iter()) {
            let of = self.steps.get(&need.on).copied().unwrap_or(0);
            let captured = if agents > 0 && *by_agent == agents { of } else { *captured };
            if need.needed {
                sent += captured;
                wanted += of;
            }
            if captured < of {
                gaps.push(Gap {
                    field: alias::names(need.field).first().map_or("", String::as_str).into(),
                    on: need.on.name().into(),
                    needed: need.needed,
                    captured,
                    of,
                    question: need.question.as_str().into(),
                    mend: need.mend.as_str().into(),
                });
            }
        }
        gaps.sort_by(|a, b| {
            let share = |gap: &Gap| gap.captured as f64 / gap.of as f64;
            b.needed.cmp(&a.needed).then(share(a).total_cmp(&share(b)))
        });
        let score = if wanted == 0 { 1.0 } else { sent as f64 / wanted as f64 };
        ServiceGaps { service, steps: self.steps.values().sum(), score, gaps }
    }
}

/// Whether a span carries a field, in whatever form its sender writes it.
fn carries(span: &Span, field: Field) -> bool {
    let flattened = |which| !alias::flattened(&span.attributes, which).is_empty();
    match field {
        Field::PromptText => message::system_prompt(span).is_some(),
        Field::MessagesIn => message::messages_in(span).iter().any(message::Message::says_something),
        Field::MessagesOut => message::messages_out(span).iter().any(message::Message::says_something),
        Field::Finish => {
            alias::value(&span.attributes, field).is_some()
                || message::messages_out(span).iter().any(|message| message.finish.is_some())
        }
        Field::Tools => alias::value(&span.attributes, field).is_some() || flattened(Flattened::Tools),
        Field::RetrievalDocuments => alias::value(&span.attributes, field).is_some() || flattened(Flattened::Documents),
        Field::Temperature => [field, Field::Parameters].iter().any(|f| alias::value(&span.attributes, *f).is_some()),
        Field::EvaluationName => span.events.iter().any(|event| alias::is_event(&event.name, EventKind::Evaluation)),
        _ => alias::value(&span.attributes, field).is_some(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use serde_json::{Value, json};

    use super::*;
    use crate::event::Time;
    use crate::surface::made;

    fn batch(service: &str, spans: &[&[(&str, Value)]]) -> SpanBatch {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let span = |pairs: &&[(&str, Value)]| made::span(1, NEXT.fetch_add(1, Ordering::Relaxed), 0, 0, pairs);
        made::batch_of(&service.into(), &[], spans.iter().map(span).collect())
    }

    #[test]
    fn a_step_that_comes_again_counts_once() {
        let mut recorder = Recorder::default();
        let one = batch("bot", &[&[("gen_ai.operation.name", "chat".into())]]);
        let two = batch("bot", &[&[("gen_ai.operation.name", "chat".into())]]);
        for batch in [&one, &one, &two, &one] {
            recorder.apply(batch);
        }
        assert_eq!(recorder.report()[0].steps, 2);
    }

    #[test]
    fn the_table_is_readable_and_every_entry_says_what_to_do() {
        let read: Result<File, _> = toml::from_str(include_str!("../../assets/recorder.toml"));
        assert!(read.as_ref().is_ok_and(|file| file.field.len() >= 18), "{read:?}");
        for need in NEEDS.iter() {
            let name = alias::names(need.field).first();
            assert!(
                name.is_some_and(
                    |name| need.mend.contains(name.as_str()) || need.mend.contains("CAPTURE_MESSAGE_CONTENT")
                ),
                "{need:?}"
            );
            assert!(!need.question.is_empty());
        }
    }

    #[test]
    fn what_is_missing_is_named_with_its_question_and_the_whole_is_not() {
        let chat: &[(&str, Value)] = &[
            ("gen_ai.operation.name", "chat".into()),
            ("gen_ai.request.model", "m".into()),
            ("gen_ai.usage.input_tokens", 7.into()),
            (
                "gen_ai.output.messages",
                json!([{"role": "assistant", "parts": [{"type": "text", "content": "x"}], "finish_reason": "stop"}]),
            ),
        ];
        let web: &[(&str, Value)] = &[("http.route", "/".into())];
        let mut recorder = Recorder::default();
        recorder.apply(&batch("support", &[chat, chat, web]));
        let report = recorder.report();
        assert_eq!((report.len(), report[0].steps), (1, 2));
        let gaps: Vec<(&str, u64, u64)> =
            report[0].gaps.iter().map(|gap| (&*gap.field, gap.captured, gap.of)).collect();
        assert!(gaps.contains(&("gen_ai.response.model", 0, 2)), "{gaps:?}");
        assert!(
            gaps.iter().all(|(field, ..)| *field != "gen_ai.request.model" && *field != "gen_ai.output.messages"),
            "{gaps:?}"
        );
        assert!(report[0].gaps[0].needed && !report[0].gaps.last().unwrap().needed);
        // Asked, in and out messages as said, finish: of nine needed fields on a model call four are there.
        assert!((report[0].score - 4.0 / 9.0).abs() < 1e-12, "{}", report[0].score);
    }

    #[test]
    fn what_the_agent_says_once_holds_for_its_calls() {
        let chat: &[(&str, Value)] = &[("gen_ai.operation.name", "chat".into())];
        let agent: &[(&str, Value)] = &[
            ("gen_ai.operation.name", "invoke_agent".into()),
            ("gen_ai.system_instructions", json!([{"type": "text", "content": "be brief"}])),
        ];
        let missing = |spans: &[&[(&str, Value)]]| {
            let mut recorder = Recorder::default();
            recorder.apply(&batch("support", spans));
            recorder.report()[0].gaps.iter().any(|gap| gap.field == "gen_ai.system_instructions")
        };
        assert!(!missing(&[agent, chat, chat]));
        // An agent that does not say it, and calls without an agent, leave the question open.
        assert!(missing(&[agent, &[("gen_ai.operation.name", "invoke_agent".into())], chat]) && missing(&[chat]));
    }

    #[test]
    fn what_a_service_lacked_before_it_was_mended_is_forgotten_after_a_day() {
        let mut recorder = Recorder::default();
        let bare: &[(&str, Value)] = &[("gen_ai.operation.name", "chat".into())];
        let told: &[(&str, Value)] = &[("gen_ai.operation.name", "chat".into()), ("gen_ai.request.model", "m".into())];
        let mut send = |hour: i64, spans: &[&[(&str, Value)]]| {
            let mut batch = batch("support", spans);
            for span in &mut batch.resources[0].items {
                span.start = Time::from_second(1_790_000_000 + hour * 3_600).unwrap();
            }
            recorder.apply(&batch);
            let report = recorder.report();
            let gap = report[0].gaps.iter().find(|gap| gap.field == "gen_ai.request.model");
            (report[0].steps, gap.map(|gap| (gap.captured, gap.of)))
        };
        assert_eq!(send(0, &[bare, bare]), (2, Some((0, 2))));
        // A clock far ahead takes one hour of the day, and hides nothing of the others.
        assert_eq!(send(90_000, &[told]), (3, Some((1, 3))));
        for hour in 1..=22 {
            assert!(send(hour, &[told]).1.is_some());
        }
        assert_eq!(send(23, &[told]), (24, None), "a day later only what is sent now counts");
        assert_eq!(send(0, &[bare]), (24, None), "what comes a day late is of the past");
    }

    #[test]
    fn services_beyond_the_bound_are_counted() {
        let mut recorder = Recorder::default();
        let chat: &[(&str, Value)] = &[("gen_ai.operation.name", "chat".into())];
        for n in 0..=MOST_SERVICES {
            recorder.apply(&batch(&format!("s{n}"), &[chat]));
        }
        assert_eq!((recorder.report().len(), recorder.left_out()), (MOST_SERVICES, 1));
    }
}
