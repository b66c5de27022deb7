//! Two responders on one host, one journal: each sees what the other decides within a second.

use std::time::{Duration, Instant};

use crate::support::bodies;
use crate::support::house::House;
use crate::support::pty::Session;
use crate::support::{free_port, http, wait_until};

#[test]
fn what_one_responder_records_the_other_sees_within_a_second() {
    let house = House::new();
    let first = Session::warroom(&house, &["--listen", &house.listen()], 160, 50);
    wait_until("the listener", || http::get(house.port, "/healthz").is_ok());
    let alert = bodies::alert("HighErrorRate", "checkout", &[("severity", "page")], &bodies::ago(60), "");
    let answer = http::post(house.port, "/alertmanager", "application/json", &bodies::webhook(&[alert]));
    assert_eq!(answer.expect("the listener answers").status, 200);
    first.wait_for("INC-1");
    let second = Session::warroom(&house, &["--listen", &format!("127.0.0.1:{}", free_port())], 160, 50);
    second.wait_for("INC-1");

    for (writer, reader, note) in
        [(&first, &second, "cache was flushed at noon"), (&second, &first, "the rollout is halted")]
    {
        writer.press("n");
        writer.settle(Duration::from_millis(300));
        writer.press(note);
        reader.press("8");
        writer.press("<c-s>");
        let recorded =
            |note: &str| house.entries().iter().any(|entry| entry.kind == "noted" && entry.body["text"] == note);
        wait_until("the note on record", || recorded(note));
        let written = Instant::now();
        reader.wait_for(note);
        assert!(written.elapsed() < Duration::from_secs(1), "seen after {:?}", written.elapsed());
    }
}
