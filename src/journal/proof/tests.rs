use proptest::prelude::*;

use super::*;
use crate::event::{IncidentId, Note, Owned, Person};
use crate::journal::{Draft, Journal as _, SqliteJournal};

/// A journal of two incidents in turn, and the proof of one of them.
fn proof() -> (SqliteJournal, Vec<u8>) {
    let journal = SqliteJournal::in_memory().unwrap();
    let by = Person { login: "ana".into(), known_by: "uid".into(), session: "pts/1".into() };
    for n in 0..12_u64 {
        let incident = IncidentId(n % 2 + 1);
        let fact = if n < 2 {
            Owned { incident, by: by.clone() }.into()
        } else {
            Note { incident: Some(incident), author: "ana".into(), text: format!("note {n}: \u{202e}größe\n").into() }
                .into()
        };
        let at = Time::from_second(1_700_000_000 + i64::try_from(n).unwrap()).unwrap();
        journal.append(vec![Draft::new(at, format!("k{n}"), &fact)]).unwrap();
    }
    let mut bytes = Vec::new();
    let exporter = Header::new(1, Time::UNIX_EPOCH, "ana", "uid", Digest([0; 32]), journal.checkpoint().unwrap());
    journal.prove(exporter, Seq(1), &|link| link.names(1).then(|| "incident".to_owned()), &mut bytes).unwrap();
    (journal, bytes)
}

fn checked(bytes: &[u8]) -> Result<Proved, Fault> {
    check(bytes, None).unwrap()
}

#[test]
fn a_proof_holds_without_the_journal_and_says_what_it_holds() {
    let (journal, bytes) = proof();
    let proved = checked(&bytes).unwrap();
    assert_eq!((proved.links, proved.entries, proved.let_go, proved.first), (12, 6, 0, Seq(1)));
    assert!(bytes.iter().all(|b| *b == b'\n' || (b' '..=b'~').contains(b)), "nothing in it that a terminal obeys");
    let text = String::from_utf8(bytes.clone()).unwrap();
    assert!(text.contains("note 2") && !text.contains("note 3"), "what others say is not in it");
    let here = journal.checkpoint().unwrap();
    assert_eq!(check(&*bytes, Some(&here)).unwrap().unwrap().checkpoint, Some(true));
    let later = Checkpoint { head: Seq(99), ..here.clone() };
    assert_eq!(check(&*bytes, Some(&later)).unwrap().unwrap().checkpoint, Some(false));
    let other = Checkpoint { digest: Digest([9; 32]), ..here };
    let fault = check(&*bytes, Some(&other)).unwrap().unwrap_err();
    assert!(fault.what.contains("history was replaced"), "{fault}");
}

#[test]
fn every_flipped_byte_is_found_and_its_line_named() {
    let (_, bytes) = proof();
    let line_of = |at: usize| bytes[..at].split(|byte| *byte == b'\n').count() as u64;
    let lines = line_of(bytes.len()) - 1;
    for at in 0..bytes.len() {
        let mut altered = bytes.clone();
        altered[at] ^= 1;
        let fault = checked(&altered).expect_err("it was altered");
        // What the links do not speak for (the first line, reasons) is found by the last line.
        assert!(
            fault.line == line_of(at) || fault.line == line_of(at) + 1 || fault.line == lines,
            "byte {at}: {fault}"
        );
    }
}

/// The proof with its last line made anew, as somebody would who alters it with care.
fn sealed_anew(bytes: &[u8]) -> Vec<u8> {
    let mut lines: Vec<&[u8]> = bytes.split_inclusive(|b| *b == b'\n').collect();
    let end = lines.pop().unwrap();
    let mut end: End = serde_json::from_slice(end).unwrap();
    let all = lines.concat();
    end.sha256 = Digest::of(&all);
    [all, spelled(&end).unwrap().into_bytes()].concat()
}

#[test]
fn who_alters_an_entry_and_makes_the_last_line_anew_is_found_by_the_links() {
    let (_, bytes) = proof();
    let text = String::from_utf8(bytes).unwrap();
    for (what, with, field) in [
        ("note 2: ", "note 9: ", "body"),
        ("\"kind\":\"noted\"", "\"kind\":\"owned\"", "digest"),
        ("\"key\":\"k4\"", "\"key\":\"k9\"", "digest"),
        ("\"place\":5,", "\"place\":6,", "place"),
        ("\"seq\":7,", "\"seq\":8,", "seq"),
    ] {
        let altered = text.replacen(what, with, 1);
        assert_ne!(altered, text, "{what}");
        let fault = checked(&sealed_anew(altered.as_bytes())).unwrap_err();
        assert_eq!(fault.field, field, "{what}: {fault}");
        assert!(fault.entry.is_some(), "{fault}");
    }
    // An entry that names the incident cannot be passed over.
    let lines: Vec<&str> = text.lines().collect();
    let mut left_out: Link = serde_json::from_str(lines[5]).unwrap();
    assert!(left_out.why.is_some());
    (left_out.why, left_out.body) = (None, None);
    let altered = text.replacen(&format!("{}\n", lines[5]), &spelled(&left_out).unwrap(), 1);
    assert_eq!(checked(&sealed_anew(altered.as_bytes())).unwrap_err().field, "why");
    // Nor can a link be taken out, or the end.
    let without = text.replacen(&format!("{}\n", lines[6]), "", 1);
    assert_eq!(checked(&sealed_anew(without.as_bytes())).unwrap_err().field, "seq");
    let cut: String = text.split_inclusive('\n').take(9).chain([lines[13], "\n"]).collect();
    assert_eq!(checked(&sealed_anew(cut.as_bytes())).unwrap_err().field, "links");
}

proptest! {
    #[test]
    fn any_byte_altered_in_any_way_and_any_cut_is_found(place in 0.0..1.0_f64, mask in 1..=255_u8, cut in 0.0..1.0_f64) {
        let (_, bytes) = proof();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "a few thousand bytes")]
        let at = |share: f64| (share * bytes.len() as f64) as usize;
        let mut altered = bytes.clone();
        altered[at(place)] ^= mask;
        prop_assert!(checked(&altered).is_err());
        prop_assert!(checked(&bytes[..at(cut)]).is_err());
        let more = [&*bytes, b"\n"].concat();
        prop_assert!(checked(&more).is_err());
    }
}
