//! Fault 34: nobody can keep the listener from serving others.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::scene::Scene;
use crate::support::bodies;

fn connect(scene: &Scene) -> TcpStream {
    let stream = TcpStream::connect(("127.0.0.1", scene.port)).expect("the listener listens");
    stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a socket");
    stream
}

fn answer(stream: &mut TcpStream) -> String {
    let mut all = Vec::new();
    let _ = stream.read_to_end(&mut all);
    String::from_utf8_lossy(&all).lines().next().unwrap_or_default().to_owned()
}

const HEAD: &str = "POST /alertmanager HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n";

fn good() -> Vec<u8> {
    bodies::webhook(&[bodies::alert("Down", "cart", &[], "2026-11-22T00:46:14Z", "")])
}

#[test]
fn fault_34_a_body_over_its_limit_or_not_as_announced_is_refused() {
    let scene = Scene::new();
    let mut announced = connect(&scene);
    write!(announced, "{HEAD}Content-Length: 999999999\r\n\r\n").expect("a head");
    assert!(answer(&mut announced).contains("413"), "before a byte of it is read");

    let mut endless = connect(&scene);
    write!(
        endless,
        "POST /pagerduty HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    .expect("a head");
    let chunk = [b"10000\r\n".as_slice(), &vec![b' '; 0x10000], b"\r\n"].concat();
    for _ in 0..64 {
        if endless.write_all(&chunk).is_err() {
            break;
        }
    }
    assert!(answer(&mut endless).contains("413"));

    let mut short = connect(&scene);
    write!(short, "{HEAD}Content-Length: 500\r\n\r\n{{").expect("a head");
    short.shutdown(std::net::Shutdown::Write).expect("a socket");
    let said = answer(&mut short);
    assert!(said.is_empty() || said.contains("400"), "{said}");
    scene.take("/alertmanager", &good());
}

#[test]
fn fault_34_the_slow_are_shown_out_while_the_others_are_served() {
    let scene = Scene::new();
    let begun = Instant::now();
    let mut silent_head = connect(&scene);
    write!(silent_head, "POST /alert").expect("half a line");
    let mut silent_body = connect(&scene);
    write!(silent_body, "{HEAD}Content-Length: 1000\r\n\r\n{{").expect("a head");
    let mut drip = connect(&scene);
    write!(drip, "{HEAD}Content-Length: 1000000\r\n\r\n").expect("a head");
    let mut dripping = drip.try_clone().expect("a socket");
    let dripper = std::thread::spawn(move || {
        while dripping.write_all(b" ").is_ok() && begun.elapsed() < Duration::from_secs(40) {
            std::thread::sleep(Duration::from_millis(300));
        }
    });
    scene.take("/alertmanager", &good());
    assert!(answer(&mut drip).contains("408"), "a byte now and then is no pace");
    assert!(answer(&mut silent_body).contains("408"));
    let said = answer(&mut silent_head);
    assert!(said.is_empty() || said.contains("408"), "{said}");
    assert!(begun.elapsed() < Duration::from_secs(35), "{:?}", begun.elapsed());
    dripper.join().expect("the dripper ends");
}

#[test]
fn fault_34_idle_connections_give_way_to_a_page() {
    let scene = Scene::new();
    let more = usize::try_from(warroom::intake::limits::CONNECTIONS).expect("small") + 200;
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    let wanted = rustix::process::Rlimit { current: limit.maximum, maximum: limit.maximum };
    let _ = rustix::process::setrlimit(rustix::process::Resource::Nofile, wanted);
    let idle: Vec<TcpStream> = (0..more).map(|_| connect(&scene)).collect();
    let begun = Instant::now();
    scene.take("/alertmanager", &good());
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    drop(idle);
}
