//! `warroom accuracy`: how often the diagnoses were right.

use anyhow::Context as _;
use serde::Serialize;

use super::out::Out;
use super::{Common, Exit, house};
use crate::engine;
use crate::engine::view::{AccuracyView, InvestigatorRecord, Part, Procedure, Response, Spread, View};
use crate::event::{Calibration, Policy};
use crate::feedback::PromptsView;

/// Arguments of `warroom accuracy`.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Args {
    /// JSON instead of text, one object
    #[arg(long)]
    pub json: bool,
}

/// The record, and what makes probabilities of scores now.
#[derive(Serialize)]
struct Told<'a> {
    calibration: Option<Calibration>,
    #[serde(flatten)]
    accuracy: &'a AccuracyView,
}

/// Shows it. Exit code 0, also when nothing was confirmed yet.
///
/// # Errors
/// When it could not be done; the error says why and what to do.
pub fn run(args: &Args, common: &Common, out: &mut Out) -> anyhow::Result<Exit> {
    let view = engine::picture(&house::read_only(common)?, None).context("the journal cannot be folded")?;
    if args.json {
        out.json(&Told { calibration: view.calibration, accuracy: &view.accuracy })?;
    } else {
        for line in lines(&view) {
            out.line(&line)?;
        }
    }
    Ok(Exit::Good)
}

fn lines(view: &View) -> Vec<String> {
    let accuracy = &view.accuracy;
    let mut lines = vec![format!(
        "{} incidents with a confirmed cause, {} resolved without one",
        accuracy.confirmed, accuracy.unconfirmed
    )];
    if let Some(by) = &view.calibration {
        lines.push(format!(
            "Probabilities by calibration {}: {} recorded cases as shipped, {} confirmed causes of this record",
            by.name(),
            by.shipped,
            by.own
        ));
    }
    if accuracy.investigators.is_empty() {
        lines.push(
            "No diagnosis can be compared with a confirmed cause yet: confirm one after resolving an incident.".into(),
        );
    }
    for record in &accuracy.investigators {
        investigator(record, &mut lines);
    }
    for (title, parts) in [
        ("By what the cause was really of", &accuracy.surfaces),
        ("By the component it was in", &accuracy.services),
        ("By whether its like was confirmed before", &accuracy.novelty),
    ] {
        if !parts.is_empty() {
            lines.push(title.to_owned());
            lines.extend(parts.iter().map(part));
        }
    }
    times(&accuracy.response, &mut lines);
    for procedure in &accuracy.procedures {
        going_back(procedure, &mut lines);
    }
    lines.push(format!(
        "People: {} decisions within 2 s of first seeing the hypothesis, {} acceptances with nothing opened before, at most {} of \
         them in a row",
        accuracy.hasty, accuracy.unlooked, accuracy.habits.longest_streak
    ));
    prompts(&accuracy.prompts, &mut lines);
    lines
}

fn rate(k: u64, n: u64, (low, high): (f64, f64)) -> String {
    format!("{k} of {n} (95 % interval {:.0} % to {:.0} %)", low * 100.0, high * 100.0)
}

fn investigator(record: &InvestigatorRecord, lines: &mut Vec<String>) {
    lines.push(record.engine.show(Policy::Prose).as_str().to_owned());
    let tally = &record.tally;
    if tally.n > 0 {
        let (low, high) = tally.brier_interval;
        lines.push(format!("  right             {}", rate(tally.right, tally.n, (tally.low, tally.high))));
        lines.push(format!(
            "  confident, wrong  {}",
            rate(tally.confident_wrong, tally.n, tally.confident_wrong_interval)
        ));
        lines.push(format!(
            "  Brier score       {:.3} (95 % interval {low:.3} to {high:.3}; 0 is perfect, always saying one half scores 0.25)",
            tally.brier
        ));
        lines.push(format!(
            "  calibration       off by {:.3}; true probabilities would be by {:.3} with so few",
            tally.calibration_error, tally.calibration_error_by_chance
        ));
    }
    lines.push(format!(
        "  people accepted   {} right, {} wrong; rejected or modified {} right, {} wrong",
        tally.accepted_right, tally.accepted_wrong, tally.rejected_right, tally.rejected_wrong
    ));
    for (tenth, (n, right)) in tally.reliability.iter().enumerate().filter(|(_, (n, _))| *n > 0) {
        lines.push(format!("  said {:>3} to {:>3} %  right {right} of {n}", tenth * 10, tenth * 10 + 10));
    }
}

fn part(part: &Part) -> String {
    let tally = &part.tally;
    let right = rate(tally.right, tally.n, (tally.low, tally.high));
    format!(
        "  {:<24} right {right}, sure and wrong {}, Brier {:.3}",
        part.name.show(Policy::Prose).as_str(),
        tally.confident_wrong,
        tally.brier
    )
}

fn prompts(prompts: &PromptsView, lines: &mut Vec<String>) {
    if prompts.proposed == 0 {
        return;
    }
    lines.push(format!(
        "Plans: {} proposed, at most {} within ten minutes. From opened to approved:",
        prompts.proposed, prompts.most
    ));
    for read in &prompts.people {
        let of = &read.read;
        let login = read.login.show(Policy::Prose);
        let typical = match of.n {
            0 => "not measured".to_owned(),
            n => format!("{:.1} s (median, n {n}, 95 % interval {:.1} to {:.1} s)", of.median_s, of.low_s, of.high_s),
        };
        let rest = if read.unmeasured > 0 { format!("; {} not measured", read.unmeasured) } else { String::new() };
        let hint = if read.too_short { ": too short to read what will run" } else { "" };
        lines.push(format!("  {}, tier {:<2} {typical}{rest}{hint}", login.as_str(), read.tier.0));
    }
}

fn spread(what: &str, of: &Spread) -> String {
    match of.n {
        0 => format!("  {what:<28} not known yet"),
        n => format!(
            "  {what:<28} {:.0} s (median, n {n}, 95 % interval {:.0} to {:.0} s; mean {:.0} s)",
            of.median_s, of.low_s, of.high_s, of.mean_s
        ),
    }
}

/// How fast a procedure went, and whether anybody rehearsed it.
fn going_back(procedure: &Procedure, lines: &mut Vec<String>) {
    let name = procedure.name.show(Policy::Exact);
    let rehearsed = match procedure.rehearsed {
        None => "never rehearsed".to_owned(),
        Some(last) if last.failed == 0 => format!("last rehearsed {}, all of it would have done", last.at),
        Some(last) => format!("last rehearsed {}, {} steps would NOT have done", last.at, last.failed),
    };
    lines.push(format!("Going back by {}: used in {} incidents, {rehearsed}", name.as_str(), procedure.used));
    if procedure.used > 0 {
        lines.push(spread("page to its first stage", &procedure.until_begun));
        lines.push(spread("a stage", &procedure.stage));
        lines.push(spread("first stage to last", &procedure.whole));
        lines.push(spread("first stage to as before", &procedure.until_recovered));
    }
}

fn times(response: &Response, lines: &mut Vec<String>) {
    lines.push("Time".to_owned());
    lines.push(spread("page to taken", &response.acknowledge));
    lines.push(spread("page to resolved", &response.resolve));
    lines.push(spread("to check a hypothesis", &response.verify));
    lines.push(spread("saved at most by right ones", &response.saved));
    lines.push(spread("lost to wrong ones accepted", &response.lost));
    let pages = &response.pages;
    lines.push(format!(
        "  pages                        {} in {} shifts of 12 h, {} in the busiest, {} shifts with more than two",
        pages.n, pages.shifts, pages.busiest, pages.too_many
    ));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::view::Tally;

    fn view(accuracy: AccuracyView) -> View {
        View { accuracy, ..View::default() }
    }

    #[test]
    fn a_record_is_told_with_its_n_and_interval() {
        let mut reliability = [(0, 0); 10];
        reliability[7] = (4, 3);
        let tally = Tally {
            n: 4,
            right: 3,
            low: 0.3,
            high: 0.95,
            confident_wrong: 1,
            confident_wrong_interval: (0.05, 0.7),
            brier: 0.2,
            brier_interval: (0.1, 0.3),
            calibration_error: 0.02,
            calibration_error_by_chance: 0.17,
            accepted_right: 2,
            accepted_wrong: 1,
            rejected_right: 0,
            rejected_wrong: 1,
            reliability,
            said: [0.0; 10],
        };
        let accuracy = AccuracyView {
            confirmed: 4,
            investigators: vec![InvestigatorRecord { engine: "builtin/1".into(), tally: tally.clone() }],
            surfaces: vec![Part { name: "prompt\u{1b}[2J".into(), tally }],
            ..AccuracyView::default()
        };
        let text = lines(&view(accuracy)).join("\n");
        for part in [
            "3 of 4 (95 % interval 30 % to 95 %)",
            "confident, wrong  1 of 4 (95 % interval 5 % to 70 %)",
            "said  70 to  80 %  right 3 of 4",
            "off by 0.020; true probabilities would be by 0.170",
            "prompt^[[2J",
            "page to taken                not known yet",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }

    #[test]
    fn an_empty_record_says_what_would_fill_it() {
        assert!(lines(&view(AccuracyView::default())).join("\n").contains("confirm one"));
    }
}
