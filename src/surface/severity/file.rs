//! Reading a rubric from its file, and refusing one that leaves answers without a level.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use toml::Spanned;

use crate::event::{Digest, Severity};

use super::super::team::{BadFile, Reader};
use super::rule::{Rule, SEVERITIES};
use super::{Answer, Level, MOST, Question, Rubric, Wanted};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    level: Vec<LevelRow>,
    #[serde(default)]
    question: Vec<QuestionRow>,
    #[serde(default)]
    suggest: Vec<SuggestRow>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LevelRow {
    name: Spanned<String>,
    means: String,
    counts_as: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct QuestionRow {
    name: Spanned<String>,
    asks: String,
    #[serde(default)]
    evidence: Vec<RuleRow>,
    answer: Vec<AnswerRow>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AnswerRow {
    name: Spanned<String>,
    says: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleRow {
    answer: Spanned<String>,
    alerts: Option<Vec<Spanned<String>>>,
    components: Option<u64>,
    failing: Option<Spanned<[f64; 2]>>,
    label: Option<String>,
    is: Option<Vec<String>>,
    only: Option<Vec<String>>,
    read: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SuggestRow {
    level: Spanned<String>,
    when: Option<BTreeMap<Spanned<String>, Vec<Spanned<String>>>>,
}

pub(super) fn read(place: &str, text: &str) -> Result<Rubric, BadFile> {
    let reader = Rubrics(Reader { place, text });
    let file: File = reader.0.rows()?;
    if !(2..=MOST).contains(&file.level.len()) {
        let what = format!("there are {} [[level]]: a rubric has two to {MOST}, the worst first", file.level.len());
        return Err(reader.0.bad(0, what));
    }
    if !(1..=MOST).contains(&file.question.len()) {
        let what = format!("there are {} [[question]]: a rubric has one to {MOST}", file.question.len());
        return Err(reader.0.bad(0, what));
    }
    reader.named(file.level.iter().map(|level| &level.name), "level")?;
    reader.named(file.question.iter().map(|question| &question.name), "question")?;
    let levels = file.level.into_iter().map(|row| reader.level(row)).collect::<Result<Vec<_>, _>>()?;
    let questions = file.question.into_iter().map(|row| reader.question(row)).collect::<Result<Vec<_>, _>>()?;
    let last = file.suggest.len().saturating_sub(1);
    let mut suggest = Vec::new();
    for (nth, row) in file.suggest.iter().enumerate() {
        let at = row.level.span().start;
        match (&row.when, nth == last) {
            (None, false) => {
                return Err(reader
                    .0
                    .bad(at, "without `when` it takes everything: nothing below it is reached".to_owned()));
            }
            (Some(_), true) => {
                let what = "the last [[suggest]] has no `when`, so that every answer leads to a level".to_owned();
                return Err(reader.0.bad(at, what));
            }
            _ => suggest.push(reader.suggest(row, &levels, &questions)?),
        }
    }
    if suggest.is_empty() {
        return Err(reader.0.bad(0, "there is no [[suggest]]: no answer would lead to a level".to_owned()));
    }
    Ok(Rubric { levels, questions, suggest, digest: Digest::of(text.as_bytes()) })
}

/// Reads the rows of a rubric.
struct Rubrics<'t>(Reader<'t>);

impl Rubrics<'_> {
    /// Each has a name, and none is given twice.
    fn named<'n>(&self, names: impl Iterator<Item = &'n Spanned<String>>, what: &str) -> Result<(), BadFile> {
        let each = names.map(|name| match name.get_ref().trim() {
            "" => Err(self.0.bad(name.span().start, format!("a {what} without a name"))),
            _ => Ok(name),
        });
        self.0.once(each, what)
    }

    fn severity(&self, name: &Spanned<String>) -> Result<Severity, BadFile> {
        SEVERITIES.into_iter().find(|known| known.name() == name.get_ref()).ok_or_else(|| {
            let known = SEVERITIES.map(Severity::name).join(", ");
            self.0.bad(name.span().start, format!("no severity {:?}: {known}", name.get_ref()))
        })
    }

    fn level(&self, row: LevelRow) -> Result<Level, BadFile> {
        let counts_as = self.severity(&row.counts_as)?;
        Ok(Level { name: row.name.into_inner(), means: row.means, counts_as })
    }

    fn question(&self, row: QuestionRow) -> Result<Question, BadFile> {
        let at = row.name.span().start;
        if !(2..=MOST).contains(&row.answer.len()) {
            return Err(self.0.bad(at, format!("a question has two to {MOST} answers, one key each")));
        }
        self.named(row.answer.iter().map(|answer| &answer.name), "answer")?;
        let answers: Vec<Answer> =
            row.answer.into_iter().map(|answer| Answer { name: answer.name.into_inner(), says: answer.says }).collect();
        let mut rules = Vec::new();
        for rule in &row.evidence {
            let Some(answer) = answers.iter().position(|answer| answer.name == *rule.answer.get_ref()) else {
                let what = format!("this question has no answer {:?}", rule.answer.get_ref());
                return Err(self.0.bad(rule.answer.span().start, what));
            };
            rules.push((answer, self.rule(rule)?));
        }
        Ok(Question { name: row.name.into_inner(), asks: row.asks, answers, rules })
    }

    fn rule(&self, row: &RuleRow) -> Result<Rule, BadFile> {
        let RuleRow { answer, alerts, components, failing, label, is, only, read } = row;
        match (alerts, components, failing, label, is, only, read) {
            (Some(names), None, None, None, None, None, None) => {
                Ok(Rule::Alerts(names.iter().map(|name| self.severity(name)).collect::<Result<_, _>>()?))
            }
            (None, Some(least), None, None, None, None, None) => Ok(Rule::Components(*least)),
            (None, None, Some(failing), None, None, None, None) => {
                let [from, to] = *failing.get_ref();
                if (0.0..=1.0).contains(&from) && (0.0..=1.0).contains(&to) && from < to {
                    Ok(Rule::Failing(from, to))
                } else {
                    let what = "`failing` is a share from and a share to, each 0 to 1: [0.1, 1.0]".to_owned();
                    Err(self.0.bad(failing.span().start, what))
                }
            }
            (None, None, None, Some(label), Some(values), None, None) => Ok(Rule::Is(label.clone(), values.clone())),
            (None, None, None, Some(label), None, Some(values), None) => Ok(Rule::Only(label.clone(), values.clone())),
            (None, None, None, None, None, None, Some(word)) => match word.get_ref().as_str() {
                "worse" => Ok(Rule::Read { worse: true }),
                "no worse" => Ok(Rule::Read { worse: false }),
                other => Err(self.0.bad(word.span().start, format!("{other:?} is neither \"worse\" nor \"no worse\""))),
            },
            _ => Err(self.0.bad(
                answer.span().start,
                "a rule is one of `alerts`, `components`, `failing`, `label` with `is`, `label` with `only`, `read`"
                    .to_owned(),
            )),
        }
    }

    fn suggest(&self, row: &SuggestRow, levels: &[Level], questions: &[Question]) -> Result<(usize, Wanted), BadFile> {
        let Some(level) = levels.iter().position(|level| level.name == *row.level.get_ref()) else {
            let known: Vec<&str> = levels.iter().map(|level| level.name.as_str()).collect();
            let what = format!("no level {:?}: {}", row.level.get_ref(), known.join(", "));
            return Err(self.0.bad(row.level.span().start, what));
        };
        let mut wanted: Wanted = vec![None; questions.len()];
        for (name, answers) in row.when.iter().flatten() {
            let Some(nth) = questions.iter().position(|question| question.name == *name.get_ref()) else {
                let known: Vec<&str> = questions.iter().map(|question| question.name.as_str()).collect();
                let what = format!("no question {:?}: {}", name.get_ref(), known.join(", "));
                return Err(self.0.bad(name.span().start, what));
            };
            let mut some = BTreeSet::new();
            for answer in answers {
                let known = &questions[nth].answers;
                let Some(place) = known.iter().position(|one| one.name == *answer.get_ref()) else {
                    let known: Vec<&str> = known.iter().map(|one| one.name.as_str()).collect();
                    let what =
                        format!("{:?} has no answer {:?}: {}", name.get_ref(), answer.get_ref(), known.join(", "));
                    return Err(self.0.bad(answer.span().start, what));
                };
                some.insert(place);
            }
            wanted[nth] = Some(some);
        }
        Ok((level, wanted))
    }
}
