//! Reading a tree from its file, and refusing one that could lead a person in circles.

use serde::Deserialize;
use toml::Spanned;

use crate::event::{Digest, Surface};

use super::super::stop::StopClass;
use super::super::team::{BadFile, Reader};
use super::rule::Rule;
use super::{Answer, Branch, Leads, MOST_ANSWERS, Question, Tree};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    branch: Vec<BranchRow>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BranchRow {
    surface: Spanned<String>,
    title: String,
    question: Vec<QuestionRow>,
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
    leads: Spanned<String>,
    surface: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleRow {
    answer: Spanned<String>,
    surface: Option<Spanned<String>>,
    is: Option<Spanned<String>>,
    suspect: Option<Spanned<String>>,
    cleared: Option<Spanned<String>>,
    rose: Option<Vec<Spanned<String>>>,
    read: Option<Spanned<String>>,
}

pub(super) fn read(place: &str, text: &str) -> Result<Tree, BadFile> {
    let reader = Trees(Reader { place, text });
    let file: File = reader.0.rows()?;
    if file.branch.is_empty() {
        return Err(reader.0.bad(0, "there is no [[branch]]: a walk needs one at least".to_owned()));
    }
    let questions = file.branch.iter().flat_map(|branch| &branch.question);
    reader.0.once(questions.map(|question| Ok(&question.name)), "question")?;
    let mut branches = Vec::new();
    for row in file.branch {
        branches.push(reader.branch(row)?);
    }
    Ok(Tree { branches, digest: Digest::of(text.as_bytes()) })
}

/// Reads the rows of a tree.
struct Trees<'t>(Reader<'t>);

impl Trees<'_> {
    fn surface(&self, name: &Spanned<String>) -> Result<Surface, BadFile> {
        let found = Surface::ALL.into_iter().find(|surface| surface.name() == name.get_ref());
        found.ok_or_else(|| {
            let known = Surface::ALL.map(Surface::name).join(", ");
            self.0.bad(name.span().start, format!("no surface {:?}: {known}", name.get_ref()))
        })
    }

    fn branch(&self, row: BranchRow) -> Result<Branch, BadFile> {
        let surface = self.surface(&row.surface)?;
        if row.question.is_empty() {
            return Err(self.0.bad(row.surface.span().start, "a branch needs a question".to_owned()));
        }
        let places: Vec<(String, usize)> =
            row.question.iter().map(|one| (one.name.get_ref().clone(), one.name.span().start)).collect();
        let mut reached = vec![false; places.len()];
        let mut questions = Vec::new();
        for (nth, question) in row.question.into_iter().enumerate() {
            // Answers lead down only, so what leads here stands above it.
            if nth > 0 && !reached[nth] {
                return Err(self.0.bad(places[nth].1, format!("nothing leads to the question {:?}", places[nth].0)));
            }
            let read = self.question(surface, nth, question, &places)?;
            for answer in &read.answers {
                if let Leads::Question(to) = answer.leads {
                    reached[to] = true;
                }
            }
            questions.push(read);
        }
        Ok(Branch { surface, title: row.title, questions })
    }

    fn question(
        &self,
        surface: Surface,
        nth: usize,
        row: QuestionRow,
        places: &[(String, usize)],
    ) -> Result<Question, BadFile> {
        let at = row.name.span().start;
        if !(2..=MOST_ANSWERS).contains(&row.answer.len()) {
            return Err(self.0.bad(at, format!("a question has two to {MOST_ANSWERS} answers, one key each")));
        }
        let mut answers: Vec<Answer> = Vec::new();
        for answer in row.answer {
            if answers.iter().any(|before| before.name == *answer.name.get_ref()) {
                return Err(self
                    .0
                    .bad(answer.name.span().start, format!("the answer {:?} twice", answer.name.get_ref())));
            }
            let leads = self.leads(surface, nth, &answer, places)?;
            answers.push(Answer { name: answer.name.into_inner(), says: answer.says, leads });
        }
        let mut rules = Vec::new();
        for rule in row.evidence {
            let Some(answer) = answers.iter().position(|answer| answer.name == *rule.answer.get_ref()) else {
                let what = format!("this question has no answer {:?}", rule.answer.get_ref());
                return Err(self.0.bad(rule.answer.span().start, what));
            };
            rules.push((answer, self.rule(&rule)?));
        }
        Ok(Question { name: row.name.into_inner(), asks: row.asks, answers, rules })
    }

    fn leads(
        &self,
        surface: Surface,
        nth: usize,
        answer: &AnswerRow,
        places: &[(String, usize)],
    ) -> Result<Leads, BadFile> {
        let at = answer.leads.span().start;
        if let Some(other) = answer.surface.as_ref().filter(|_| answer.leads.get_ref() != "stands") {
            return Err(self.0.bad(other.span().start, "only what \"stands\" can name a surface".to_owned()));
        }
        Ok(match answer.leads.get_ref().as_str() {
            "stands" => Leads::Stands(answer.surface.as_ref().map_or(Ok(surface), |other| self.surface(other))?),
            "clear" => Leads::Clear,
            "unclear" => Leads::Unclear,
            name => match places.iter().position(|(question, _)| question == name) {
                Some(to) if to > nth => Leads::Question(to),
                Some(_) => {
                    let what = format!(
                        "{name:?} leads back: an answer leads to a question further down, so that every walk ends"
                    );
                    return Err(self.0.bad(at, what));
                }
                None => {
                    let what =
                        format!("{name:?} is no question of this branch, nor \"stands\", \"clear\" or \"unclear\"");
                    return Err(self.0.bad(at, what));
                }
            },
        })
    }

    fn rule(&self, row: &RuleRow) -> Result<Rule, BadFile> {
        let one_of = |name: &Spanned<String>, yes: &str, no: &str| match name.get_ref().as_str() {
            word if word == yes => Ok(true),
            word if word == no => Ok(false),
            word => Err(self.0.bad(name.span().start, format!("{word:?} is neither {yes:?} nor {no:?}"))),
        };
        match row {
            RuleRow {
                surface: Some(surface),
                is: Some(is),
                suspect: None,
                cleared: None,
                rose: None,
                read: None,
                ..
            } => Ok(Rule::Surface { surface: self.surface(surface)?, changed: one_of(is, "changed", "same")? }),
            RuleRow {
                suspect: Some(surface), surface: None, is: None, cleared: None, rose: None, read: None, ..
            } => Ok(Rule::Suspect(self.surface(surface)?)),
            RuleRow {
                cleared: Some(surface), surface: None, is: None, suspect: None, rose: None, read: None, ..
            } => Ok(Rule::Cleared(self.surface(surface)?)),
            RuleRow {
                rose: Some(stops), surface: None, is: None, suspect: None, cleared: None, read: None, ..
            } => {
                let mut classes = Vec::new();
                for stop in stops {
                    let known = StopClass::ALL.into_iter().find(|class| class.name() == stop.get_ref());
                    classes.push(known.ok_or_else(|| {
                        let all = StopClass::ALL.map(StopClass::name).join(", ");
                        self.0.bad(stop.span().start, format!("runs never end as {:?}: {all}", stop.get_ref()))
                    })?);
                }
                Ok(Rule::Rose(classes))
            }
            RuleRow { read: Some(word), surface: None, is: None, suspect: None, cleared: None, rose: None, .. } => {
                Ok(Rule::Read { worse: one_of(word, "worse", "no worse")? })
            }
            _ => Err(self.0.bad(
                row.answer.span().start,
                "a rule is one of `surface` with `is`, `suspect`, `cleared`, `rose`, `read`".to_owned(),
            )),
        }
    }
}
