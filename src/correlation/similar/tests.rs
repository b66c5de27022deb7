//! What is near is found, what is new is said to be new, and chance is not taken for likeness.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::event::{IncidentId, Untrusted};
use crate::surface::dice::Dice;

const LAST: IncidentId = IncidentId(u64::MAX);

fn portrait(names: &[(Aspect, &str)]) -> Portrait {
    let mut portrait = Portrait::default();
    for (aspect, name) in names {
        portrait.add(*aspect, &(*name).into());
    }
    portrait
}

/// A page of one alert, as text says it.
fn paged(component: &str, alert: &str, text: &str) -> Portrait {
    let text: Untrusted = text.into();
    Portrait::of(Seen {
        alerts: [(component.into(), alert.into())].into_iter(),
        texts: [&text].into_iter(),
        diagnosis: None,
        began: jiff::Timestamp::UNIX_EPOCH,
        change_log: false,
    })
}

/// One of `kinds` of incidents; what tells it apart is drawn anew for each kind, what does not for each incident.
fn drawn(dice: &mut Dice, kind: usize) -> Portrait {
    let mut own = Dice(kind as u64 + 1);
    let mut portrait = Portrait::default();
    portrait.add(Aspect::Components, &format!("service-{}", own.below(40)).into());
    portrait.add(Aspect::Began, &format!("service-{}", own.below(40)).into());
    portrait.add(Aspect::Alerts, &format!("Alert{}", own.below(30)).into());
    portrait.add(Aspect::Changed, &format!("code of service-{}", own.below(40)).into());
    for _ in 0..6 {
        portrait.add(Aspect::Words, &format!("word-{}", own.below(400)).into());
    }
    for _ in 0..4 {
        portrait.add(Aspect::Words, &format!("noise-{}", dice.below(60)).into());
    }
    portrait.add(Aspect::Onset, &["slow", "sudden"][dice.below(2)].into());
    portrait
}

/// A record of `n` incidents of so many kinds, numbered from 1.
fn record(n: u64, kinds: usize, dice: &mut Dice) -> Album {
    let mut album = Album::default();
    for number in 1..=n {
        let kind = dice.below(kinds);
        album.take(IncidentId(number), &drawn(dice, kind));
    }
    album
}

#[test]
fn one_that_came_before_is_found_with_what_was_alike_and_what_differed() {
    let mut dice = Dice(7);
    let mut album = record(200, 190, &mut dice);
    let then = portrait(&[
        (Aspect::Components, "checkout"),
        (Aspect::Alerts, "PoolExhausted"),
        (Aspect::Began, "payments"),
        (Aspect::Changed, "config of payments"),
        (Aspect::Words, "pool"),
        (Aspect::Words, "timeout"),
    ]);
    album.take(IncidentId(201), &then);
    let now = portrait(&[
        (Aspect::Components, "checkout"),
        (Aspect::Alerts, "PoolExhausted"),
        (Aspect::Began, "payments"),
        (Aspect::Changed, "code of payments"),
        (Aspect::Words, "pool"),
        (Aspect::Words, "waiting"),
    ]);
    let nearest = album.nearest(&now, LAST);
    assert_eq!((nearest.past, nearest.novelty), (201, Novelty::Known));
    let first = &nearest.found[0];
    assert_eq!(first.incident, IncidentId(201));
    assert!(first.chance.is_some_and(|chance| chance.share() <= CHANCE), "{first:?}");
    let of = |aspect| first.aspects.iter().find(|one| one.aspect == aspect).expect("captured");
    let said = |names: &[Untrusted]| names.iter().map(|name| name.raw().to_owned()).collect::<Vec<_>>();
    assert_eq!(said(&of(Aspect::Began).both), ["payments"]);
    assert_eq!(
        (said(&of(Aspect::Changed).now), said(&of(Aspect::Changed).then)),
        (vec!["code of payments".to_owned()], vec!["config of payments".to_owned()])
    );
    assert_eq!(
        (said(&of(Aspect::Words).both), said(&of(Aspect::Words).then)),
        (vec!["pool".to_owned()], vec!["timeout".to_owned()])
    );
}

#[test]
fn a_new_kind_is_said_to_be_new_and_only_its_nearest_is_named() {
    let mut dice = Dice(11);
    let album = record(300, 60, &mut dice);
    let new = portrait(&[
        (Aspect::Components, "service-3"),
        (Aspect::Began, "never-seen"),
        (Aspect::Alerts, "NeverFired"),
        (Aspect::Changed, "prompt of never-seen"),
        (Aspect::Words, "unheard"),
        (Aspect::Onset, "slow"),
    ]);
    let nearest = album.nearest(&new, LAST);
    assert_eq!((nearest.past, nearest.novelty), (300, Novelty::New));
    assert!(nearest.found.len() <= 1, "{nearest:?}");
}

#[test]
fn what_came_back_is_known_and_what_is_new_is_new_nearly_always() {
    let mut dice = Dice(23);
    let album = record(400, 80, &mut dice);
    let told = |portrait: &Portrait| album.nearest(portrait, LAST).novelty;
    let back = (0..100).filter(|_| {
        let kind = dice.below(80);
        told(&drawn(&mut dice, kind)) == Novelty::Known
    });
    let back = back.count();
    let new = (0..200).filter(|kind| told(&drawn(&mut dice, 10_000 + kind)) == Novelty::Known).count();
    assert!(back >= 95, "{back} of 100 that came back are known");
    // One in twenty by the threshold; with 200 drawn, more than 20 come up once in ten thousand times.
    assert!(new <= 20, "{new} of 200 new ones are taken for known");
}

#[test]
fn a_record_full_of_one_incident_still_knows_it() {
    let mut dice = Dice(5);
    let mut album = record(30, 30, &mut dice);
    for number in 31..=200 {
        album.take(IncidentId(number), &drawn(&mut dice, 1));
    }
    let nearest = album.nearest(&drawn(&mut dice, 1), LAST);
    assert_eq!(nearest.novelty, Novelty::Known, "{:?}", nearest.found.first());
    assert_eq!(album.nearest(&drawn(&mut dice, 777), LAST).novelty, Novelty::New);
}

#[test]
fn with_few_past_incidents_nothing_is_said_of_chance() {
    let mut dice = Dice(3);
    let album = record(19, 5, &mut dice);
    let nearest = album.nearest(&drawn(&mut dice, 2), LAST);
    assert_eq!((nearest.past, nearest.novelty), (19, Novelty::TooFew));
    assert!(nearest.found.iter().all(|one| one.chance.is_none()) && nearest.found.len() <= 3);
    let none = Album::default().nearest(&drawn(&mut dice, 2), LAST);
    assert_eq!((none.past, none.novelty, none.found.len()), (0, Novelty::TooFew, 0));
    assert_eq!(
        record(400, 5, &mut dice).nearest(&drawn(&mut dice, 2), IncidentId(20)).past,
        19,
        "later ones do not count"
    );
}

#[test]
fn an_aspect_that_was_not_captured_then_is_not_called_different() {
    let mut album = Album::default();
    album.take(IncidentId(1), &portrait(&[(Aspect::Components, "web"), (Aspect::Alerts, "Slow")]));
    let now = portrait(&[(Aspect::Components, "web"), (Aspect::Alerts, "Slow"), (Aspect::Changed, "code of web")]);
    let found = album.nearest(&now, LAST).found;
    let changed = found[0].aspects.iter().find(|one| one.aspect == Aspect::Changed).expect("captured now");
    assert!(!changed.captured && changed.then.is_empty() && changed.both.is_empty());
    assert!(found[0].likeness < 1.0, "what nobody captured is not alike either");
}

#[test]
fn the_oldest_goes_first_and_what_was_forgotten_is_not_found() {
    let mut album = Album::keeping(50);
    let mut dice = Dice(9);
    for number in 1..=60 {
        album.take(IncidentId(number), &drawn(&mut dice, usize::try_from(number).expect("small")));
    }
    assert_eq!((album.len(), album.left_out()), (50, 10));
    assert!(!album.holds(IncidentId(10)) && album.holds(IncidentId(11)));
    let turned = album.turned();
    album.forget(IncidentId(60));
    album.forget(IncidentId(60));
    assert_eq!((album.len(), album.turned()), (49, turned + 1));
    let found = album.nearest(&drawn(&mut dice, 60), LAST).found;
    assert!(found.iter().all(|one| one.incident != IncidentId(60)), "{found:?}");
    // An alert that flaps makes an incident past and present again and again: the book does not grow by it.
    let portrait = drawn(&mut dice, 61);
    for _ in 0..10_000 {
        album.take(IncidentId(61), &portrait);
        album.forget(IncidentId(61));
    }
    assert!(serde_json::to_vec(&album).expect("plain data").len() < 100_000);
}

#[test]
fn words_are_taken_of_any_language_and_numbers_and_names_of_hosts_are_not() {
    let portrait =
        paged("web", "Slow", "Verbindung zu db-7 abgelehnt: 31 % der Anfragen, id 4f3a9c; 接続が拒否されました");
    let words = portrait.names(Aspect::Words).expect("captured");
    for word in ["verbindung", "abgelehnt", "anfragen", "接続", "拒否"] {
        assert!(words.contains(word), "{word}: {words:?}");
    }
    assert!(!words.iter().any(|word| word.raw().chars().any(char::is_numeric)), "{words:?}");
    let hostile = "\u{202e}pool\u{1b}[2J\u{0} ".repeat(50_000) + &"x".repeat(1_000_000);
    let words = paged("web", "Slow", &hostile);
    assert!(words.names(Aspect::Words).is_some_and(|words| words.contains("pool") && words.len() <= 32));
}

#[test]
fn of_two_like_storms_the_same_names_are_kept_whatever_came_first() {
    let names: Vec<(Untrusted, Untrusted)> =
        (0..500).map(|nth| (format!("service-{nth}").into(), "Down".into())).collect();
    let of = |names: Vec<(Untrusted, Untrusted)>| {
        Portrait::of(Seen {
            alerts: names.into_iter(),
            texts: std::iter::empty(),
            diagnosis: None,
            began: jiff::Timestamp::UNIX_EPOCH,
            change_log: false,
        })
    };
    let back: Vec<_> = names.iter().rev().cloned().collect();
    assert_eq!(of(names.clone()), of(back));
    assert_eq!(of(names).names(Aspect::Components).map(BTreeSet::len), Some(32));
}

/// The same by its definition, without an index.
#[expect(clippy::cast_precision_loss, reason = "counts of a few incidents")]
fn by_definition(pages: &[(IncidentId, Portrait)], now: &Portrait) -> Vec<(IncidentId, f64)> {
    let telling = |aspect, name: &Untrusted| {
        let held =
            pages.iter().filter(|(_, page)| page.names(aspect).is_some_and(|names| names.contains(name))).count();
        (1.0 + pages.len() as f64 / (held as f64 + 0.5)).ln()
    };
    let weigh = |aspect: Aspect| if matches!(aspect, Aspect::Failing | Aspect::Onset) { 0.5 } else { 1.0 };
    let all: f64 = now.iter().map(|(aspect, _)| weigh(aspect)).sum();
    let none = BTreeSet::new();
    let mut found: Vec<(IncidentId, f64)> = pages
        .iter()
        .map(|(id, page)| {
            let likeness = now.iter().map(|(aspect, names)| {
                let then = page.names(aspect).unwrap_or(&none);
                let sum =
                    |names: &mut dyn Iterator<Item = &Untrusted>| names.map(|name| telling(aspect, name)).sum::<f64>();
                weigh(aspect) * sum(&mut names.intersection(then)) / sum(&mut names.union(then))
            });
            (*id, likeness.sum::<f64>() / all)
        })
        .filter(|(_, likeness)| *likeness > 0.0)
        .collect();
    found.sort_by(|a, b| b.1.total_cmp(&a.1).then(b.0.cmp(&a.0)));
    found
}

fn any_portrait() -> impl Strategy<Value = Portrait> {
    prop::collection::vec((0_usize..7, 0_u8..6), 1..14).prop_map(|names| {
        let mut portrait = Portrait::default();
        for (aspect, name) in names {
            portrait.add(Aspect::ALL[aspect], &format!("n{name}").into());
        }
        portrait
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_index_finds_what_looking_at_all_of_them_finds_and_so_it_does_after_a_restart(
        pages in prop::collection::vec((1_u64..30, any_portrait()), 1..60), gone in prop::collection::vec(1_u64..30, 0..6),
        now in any_portrait(),
    ) {
        let mut album = Album::default();
        let mut plain = std::collections::BTreeMap::new();
        for (number, portrait) in &pages {
            album.take(IncidentId(*number), portrait);
            plain.insert(IncidentId(*number), portrait.clone());
        }
        for number in gone {
            album.forget(IncidentId(number));
            plain.remove(&IncidentId(number));
        }
        let pages: Vec<_> = plain.into_iter().collect();
        let found = album.nearest(&now, LAST);
        let wanted = by_definition(&pages, &now);
        for (one, (_, likeness)) in found.found.iter().zip(&wanted) {
            prop_assert!((one.likeness - likeness).abs() < 1e-9, "{:?} {:?}", found.found, wanted);
        }
        let shown = match found.novelty {
            Novelty::TooFew => wanted.len().min(3),
            Novelty::New => wanted.len().min(1),
            Novelty::Known => found.found.len(),
        };
        prop_assert_eq!(found.found.len(), shown);
        let again: Album = serde_json::from_slice(&serde_json::to_vec(&album).expect("plain data")).expect("read back");
        prop_assert_eq!(again.nearest(&now, LAST), found);
    }
}
