//! `warroom accuracy`: how often the diagnoses were right.

use anyhow::Context as _;

use super::out::Out;
use super::{Common, Exit, house};
use crate::engine;
use crate::engine::view::{AccuracyView, InvestigatorRecord};
use crate::event::Policy;

/// Arguments of `warroom accuracy`.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Args {
    /// JSON instead of text, one object
    #[arg(long)]
    pub json: bool,
}

/// Shows it. Exit code 0, also when nothing was confirmed yet.
///
/// # Errors
/// When it could not be done; the error says why and what to do.
pub fn run(args: &Args, common: &Common, out: &mut Out) -> anyhow::Result<Exit> {
    let view = engine::picture(&house::read_only(common)?, None).context("the journal cannot be folded")?;
    if args.json {
        out.json(&view.accuracy)?;
    } else {
        for line in lines(&view.accuracy) {
            out.line(&line)?;
        }
    }
    Ok(Exit::Good)
}

fn lines(accuracy: &AccuracyView) -> Vec<String> {
    let mut lines = vec![format!(
        "{} incidents with a confirmed cause, {} resolved without one",
        accuracy.confirmed, accuracy.unconfirmed
    )];
    if accuracy.investigators.is_empty() {
        lines.push(
            "No diagnosis can be compared with a confirmed cause yet: confirm one after resolving an incident.".into(),
        );
    }
    for record in &accuracy.investigators {
        investigator(record, &mut lines);
    }
    lines.push(format!(
        "People: {} decisions within 2 s of first seeing the hypothesis, {} acceptances with nothing opened before",
        accuracy.hasty, accuracy.unlooked
    ));
    lines
}

fn investigator(record: &InvestigatorRecord, lines: &mut Vec<String>) {
    lines.push(record.engine.show(Policy::Prose).as_str().to_owned());
    if record.n > 0 {
        lines.push(format!(
            "  right             {} of {} (95 % interval {:.0} % to {:.0} %)",
            record.right,
            record.n,
            record.low * 100.0,
            record.high * 100.0
        ));
        lines.push(format!("  confident, wrong  {} of {}", record.confident_wrong, record.n));
        lines.push(format!(
            "  Brier score       {:.3} (0 is perfect; always saying one half scores 0.25)",
            record.brier
        ));
    }
    lines.push(format!(
        "  people accepted   {} right, {} wrong; rejected or modified {} right, {} wrong",
        record.accepted_right, record.accepted_wrong, record.rejected_right, record.rejected_wrong
    ));
    for (tenth, (n, right)) in record.reliability.iter().enumerate().filter(|(_, (n, _))| *n > 0) {
        lines.push(format!("  said {:>3} to {:>3} %  right {right} of {n}", tenth * 10, tenth * 10 + 10));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_told_with_its_n_and_interval() {
        let mut reliability = [(0, 0); 10];
        reliability[7] = (4, 3);
        let accuracy = AccuracyView {
            confirmed: 4,
            investigators: vec![InvestigatorRecord {
                engine: "builtin/1".into(),
                n: 4,
                right: 3,
                low: 0.3,
                high: 0.95,
                confident_wrong: 1,
                brier: 0.2,
                accepted_right: 2,
                accepted_wrong: 1,
                rejected_right: 0,
                rejected_wrong: 1,
                reliability,
            }],
            ..AccuracyView::default()
        };
        let text = lines(&accuracy).join("\n");
        for part in
            ["3 of 4 (95 % interval 30 % to 95 %)", "confident, wrong  1 of 4", "said  70 to  80 %  right 3 of 4"]
        {
            assert!(text.contains(part), "{text}");
        }
    }

    #[test]
    fn an_empty_record_says_what_would_fill_it() {
        assert!(lines(&AccuracyView::default()).join("\n").contains("confirm one"));
    }
}
