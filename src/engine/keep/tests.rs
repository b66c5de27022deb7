//! Old telemetry is thinned, and the record stays whole.

use super::*;
use crate::engine::Fold;
use crate::event::{
    Attributes, Fingerprint, IncidentOpened, LogRecord, Note, OutputLabel, OutputRead, Person, Resource, SampleOf,
    Series, Span, SpanEvent, SpanId, SpanKind, SpanStatus, Stays,
};
use crate::journal::suite::{Hands, at};
use crate::journal::{Options, SqliteJournal};

const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;

fn trace(n: u32) -> TraceId {
    let mut id = [9; 16];
    id[12..].copy_from_slice(&n.to_be_bytes());
    TraceId(id)
}

/// How the runs of the history end, in turn.
#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    Good,
    Fails,
    Error,
}

fn end(n: u32) -> End {
    match n % 10 {
        3 => End::Fails,
        7 => End::Error,
        _ => End::Good,
    }
}

/// One of the two spans of a run: the agent, or its model call.
fn span(n: u32, second: i64, part: u8) -> Span {
    let mut attributes: Attributes =
        [("gen_ai.request.model".into(), "m".into()), ("gen_ai.agent.name".into(), "bot".into())].into();
    let operation = if part == 0 { "invoke_agent" } else { "chat" };
    attributes.insert("gen_ai.operation.name".into(), operation.into());
    attributes.insert("gen_ai.response.finish_reasons".into(), serde_json::json!(["stop"]));
    // Long enough to weigh, and nobody else's.
    let mut dice = crate::surface::dice::Dice(u64::from(n) * 2 + u64::from(part));
    attributes
        .insert("app.trail".into(), (0..60).map(|_| format!("{:x}", dice.next())).collect::<Vec<_>>().join(" ").into());
    let verdict = |label: &str| SpanEvent {
        time: at(second),
        name: "gen_ai.evaluation.result".into(),
        attributes: [
            ("gen_ai.evaluation.name".into(), "task".into()),
            ("gen_ai.evaluation.score.label".into(), label.into()),
        ]
        .into(),
    };
    let label = if end(n) == End::Fails { "fail" } else { "pass" };
    Span {
        trace_id: trace(n),
        span_id: SpanId([part + 1; 8]),
        parent: (part > 0).then_some(SpanId([1; 8])),
        name: operation.into(),
        kind: SpanKind::Client,
        start: at(second),
        end: at(second + 1 + i64::from(n % 7)),
        status: if part == 1 && end(n) == End::Error { SpanStatus::Error } else { SpanStatus::Ok },
        status_message: "".into(),
        attributes,
        events: if part == 0 { vec![verdict(label)] } else { Vec::new() },
    }
}

fn spans(key: &str, second: i64, spans: Vec<Span>) -> Draft {
    let traces: BTreeSet<TraceId> = spans.iter().map(|span| span.trace_id).collect();
    let batch =
        SpanBatch { resources: vec![Resource { service: "bot".into(), attributes: Attributes::new(), items: spans }] };
    let draft = Draft::new(at(second), key.into(), &batch.into());
    traces.into_iter().fold(draft, |draft, id| draft.found_by(term::trace(id)))
}

/// Forty days, five runs an hour in one delivery, their agents' spans half an hour later in another; a line of log for each run, a
/// sample an hour; an incident on the tenth day; one output read.
fn history(path: Option<&std::path::Path>) -> (SharedJournal, Hands) {
    let hands = Hands::default();
    let options = Options { clock: hands.clock(), ..Options::default() };
    let journal = match path {
        Some(path) => SqliteJournal::open_with(path, at(0), options).unwrap(),
        None => SqliteJournal::in_memory_with(options).unwrap(),
    };
    let journal: SharedJournal = Arc::new(journal);
    let mut n = 0;
    for hour in (0..40 * 24).step_by(6) {
        let second = i64::from(hour) * HOUR;
        hands.set(second + 60);
        let of: Vec<u32> = (n..n + 5).collect();
        n += 5;
        let line = |n: &u32| LogRecord {
            time: at(second),
            severity: 9,
            body: format!("line {n}").into(),
            attributes: Attributes::new(),
            trace_id: Some(trace(*n)),
        };
        let lines = LogBatch {
            resources: vec![Resource {
                service: "bot".into(),
                attributes: Attributes::new(),
                items: of.iter().map(line).collect(),
            }],
        };
        let series = Series { name: "up".into(), labels: [].into(), points: vec![(at(second), 1.0)] };
        journal
            .append(vec![
                spans(&format!("calls/{hour}"), second, of.iter().map(|n| span(*n, second, 1)).collect()),
                Draft::new(at(second), format!("logs/{hour}"), &lines.into()),
                Draft::new(at(second), format!("samples/{hour}"), &MetricBatch { series: vec![series] }.into()),
            ])
            .unwrap();
        hands.set(second + HOUR / 2);
        let mut drafts =
            vec![spans(&format!("agents/{hour}"), second, of.iter().map(|n| span(*n, second, 0)).collect())];
        if hour == 240 {
            let opened = IncidentOpened {
                incident: IncidentId(1),
                founder: Fingerprint::of_labels(&[].into()),
                engine: "test".into(),
            };
            let note = Note { incident: Some(IncidentId(1)), author: "ada".into(), text: "over".into() };
            drafts.push(Draft::new(at(second), "incident/1".into(), &opened.into()));
            drafts.push(Draft::new(at(second), "note".into(), &note.into()));
        }
        journal.append(drafts).unwrap();
    }
    let read = OutputRead {
        incident: None,
        trace: trace(ASKED),
        by: Person { login: "ada".into(), known_by: "uid".into(), session: "1".into() },
        label: OutputLabel::Good,
        sample: SampleOf { moment: at(0), from: at(0), until: at(0), seed: 0, slice: None },
    };
    journal.append(vec![Draft::new(at(40 * DAY), "read".into(), &read.into())]).unwrap();
    // Entries are found by their traces once they are indexed.
    journal.drop_projections().unwrap();
    (journal, hands)
}

/// A good run that does not stay by chance, and whose output was read.
const ASKED: u32 = 21;

fn retention() -> Retention {
    Retention { whole: SignedDuration::from_hours(14 * 24), share: 0.2, at_most: None }
}

fn all(journal: &SharedJournal) -> Vec<Record> {
    journal.read(&Query { limit: usize::MAX >> 1, ..Query::default() }).unwrap()
}

/// How many spans of each run there are, and how many lines of log and samples.
fn held(journal: &SharedJournal) -> (BTreeMap<TraceId, usize>, usize, usize) {
    let (mut runs, mut lines, mut samples) = (BTreeMap::new(), 0, 0);
    for record in all(journal) {
        match record.fact().unwrap() {
            Fact::Spans(batch) => {
                for span in batch.resources.iter().flat_map(|resource| &resource.items) {
                    *runs.entry(span.trace_id).or_default() += 1;
                }
            }
            Fact::Logs(batch) => lines += batch.resources.iter().map(|resource| resource.items.len()).sum::<usize>(),
            Fact::Metrics(batch) => samples += batch.series.iter().map(|series| series.points.len()).sum::<usize>(),
            _ => {}
        }
    }
    (runs, lines, samples)
}

fn released(journal: &SharedJournal) -> Vec<Released> {
    let facts =
        all(journal).into_iter().filter(|record| record.kind == Kind::Released).map(|record| record.fact().unwrap());
    facts.filter_map(|fact| if let Fact::Released(released) = fact { Some(*released) } else { None }).collect()
}

fn thin(journal: &SharedJournal, stretch: usize, retention: Retention, now: Time) {
    let mut keeper = Keeper { stretch, ..Keeper::new(Arc::clone(journal), retention) };
    keeper.pass(&mut None, now, &mut || false).unwrap();
}

fn whole(journal: &SharedJournal) {
    assert_eq!(journal.verify(None, &mut |_, _| {}).unwrap().broken, None);
}

#[test]
fn old_ordinary_runs_go_and_everything_else_stays_and_is_counted() {
    let (journal, _hands) = history(None);
    let before = held(&journal);
    let n = u32::try_from(before.0.len()).unwrap();
    let fold = |records: &[Record]| {
        let mut fold = Fold::new();
        fold.apply_all(records);
        fold
    };
    let mut live = fold(&all(&journal));
    let last = live.head();
    assert!(!keep::stays(trace(ASKED), 0.2) && end(ASKED) == End::Good);
    let now = at(40 * DAY);
    thin(&journal, 7, retention(), now);
    whole(&journal);
    let (runs, lines, samples) = held(&journal);
    let told = released(&journal);
    assert!(told.len() > 10, "a stretch at a time: {}", told.len());
    let also: BTreeSet<TraceId> = told.iter().flat_map(|one| one.also.iter().copied()).collect();
    let (mut gone, mut old) = (0, 0);
    for number in 0..n {
        let second = i64::from(number / 5) * 6 * HOUR;
        let is_old = second + HOUR / 2 <= 26 * DAY;
        let near = (9 * DAY..=10 * DAY + 2 * HOUR).contains(&second);
        let left = runs.get(&trace(number)).copied().unwrap_or(0);
        old += u64::from(is_old);
        gone += u64::from(left == 0);
        assert!(left == 0 || left == 2, "run {number} is cut");
        let must_stay =
            !is_old || near || end(number) != End::Good || number == ASKED || keep::stays(trace(number), 0.2);
        assert!(left == 2 || !must_stay, "run {number} had to stay");
        assert!(left == 0 || must_stay || also.contains(&trace(number)), "run {number} stays without a reason");
    }
    assert!(gone > u64::from(n) / 4, "{gone} of {n}");
    // What is said adds up to what was there, line by line, and what is gone is really gone.
    let sum = |of: fn(&crate::event::Thinned) -> u64| told.iter().flat_map(|one| &one.runs).map(of).sum::<u64>();
    let judged = sum(|line| line.seen);
    // Stretches in which everything stays say nothing: those around the incident.
    assert!(judged <= old && judged >= old - 40, "{judged} of {old}");
    assert_eq!(judged - sum(|line| line.kept), gone);
    assert_eq!(sum(|line| line.spans), 2 * gone);
    assert!(told.iter().flat_map(|one| &one.runs).all(|line| line.why == Stays::Sampled || line.kept == line.seen));
    assert_eq!((before.1 - lines) as u64, told.iter().map(|one| one.log_lines).sum::<u64>());
    assert_eq!((before.2 - samples) as u64, told.iter().map(|one| one.samples).sum::<u64>());
    assert!(lines < before.1 && samples < before.2 && samples > 14 * 4, "{lines} {samples}");
    // Nothing is left to do, also for a process that begins anew.
    let head = journal.head().unwrap();
    thin(&journal, 7, retention(), now);
    assert_eq!(journal.head().unwrap(), head);
    // Who was there all the time and who folds what is left have the same picture.
    let after = all(&journal);
    live.apply_all(&after.iter().filter(|record| record.seq > last).cloned().collect::<Vec<_>>());
    let mut anew = fold(&after);
    assert!(live.checkpoint() == anew.checkpoint(), "what is kept differs");
    let (live, anew) = (live.view(), anew.view());
    assert_eq!(live.let_go, anew.let_go);
    assert_eq!((live.let_go.gone, live.let_go.seen), (gone, judged));
}

#[test]
fn it_goes_on_where_it_was_interrupted_and_comes_to_the_same() {
    let now = at(40 * DAY);
    let dir = tempfile::tempdir().unwrap();
    let (once, _) = history(None);
    thin(&once, 11, retention(), now);
    let path = dir.path().join("journal.db");
    let (mut journal, hands) = history(Some(&path));
    for round in 0..500 {
        let before = journal.head().unwrap();
        let mut keeper = Keeper { stretch: 11, ..Keeper::new(Arc::clone(&journal), retention()) };
        keeper.pass(&mut None, now, &mut || true).unwrap();
        whole(&journal);
        // What changed nothing is looked at again after a start, so only as many rounds as there is something to do.
        if journal.head().unwrap() == before {
            thin(&journal, 11, retention(), now);
            if journal.head().unwrap() == before {
                assert!(round > 3);
                break;
            }
        }
        drop(keeper);
        drop(journal);
        let options = Options { clock: hands.clock(), ..Options::default() };
        journal = Arc::new(SqliteJournal::open_with(&path, at(0), options).unwrap());
    }
    assert_eq!(held(&journal), held(&once));
    whole(&journal);
}

#[test]
fn a_store_that_is_too_large_gives_its_oldest_before_their_day() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, _hands) = history(Some(&dir.path().join("journal.db")));
    let now = at(40 * DAY);
    let forever = Retention { whole: SignedDuration::from_hours(24 * 3_650), share: 0.0, at_most: None };
    thin(&journal, 20, forever, now);
    assert_eq!(released(&journal).len(), 0, "it is young enough and fits");
    let size = journal.size().unwrap();
    thin(&journal, 20, Retention { at_most: Some(size - size / 10), ..forever }, now);
    assert!(journal.size().unwrap() <= size - size / 10);
    let (runs, ..) = held(&journal);
    let newest = u32::try_from(40 * 4 * 5 - 1).unwrap();
    assert!(runs.contains_key(&trace(newest)) && (0..20).any(|n| !runs.contains_key(&trace(n))), "oldest first");
    // Never enough: all that may go goes, and what must stay stays.
    thin(&journal, 20, Retention { at_most: Some(1), ..forever }, now);
    let (runs, ..) = held(&journal);
    assert!((0..newest).filter(|n| end(*n) != End::Good).all(|n| runs.get(&trace(n)) == Some(&2)));
    whole(&journal);
}

#[test]
fn only_one_process_thins_at_a_time() {
    let (journal, _hands) = history(None);
    let held = journal.lease(LEASE).unwrap();
    assert!(held.is_some());
    thin(&journal, 0, retention(), at(40 * DAY));
    assert_eq!(released(&journal).len(), 0);
    drop(held);
    thin(&journal, 0, retention(), at(40 * DAY));
    assert_eq!(released(&journal).len(), 1);
}
