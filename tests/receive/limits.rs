//! Fault 34: nobody can keep the listener from serving others.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::scene::Scene;
use crate::support::house::House;
use crate::support::{PATIENCE, allowed, bodies, http, memory};

fn connect(scene: &Scene) -> TcpStream {
    let stream = TcpStream::connect(("127.0.0.1", scene.port)).expect("the listener listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
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

/// Sends a piece every now and then until nobody takes it any more.
fn drip(stream: &TcpStream, piece: &'static [u8]) -> std::thread::JoinHandle<()> {
    let mut dripping = stream.try_clone().expect("a socket");
    let begun = Instant::now();
    std::thread::spawn(move || {
        while dripping.write_all(piece).is_ok() && begun.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(300));
        }
    })
}

#[test]
fn fault_34_the_slow_are_shown_out_while_the_others_are_served() {
    let scene = Scene::new();
    let begun = Instant::now();
    let mut silent_head = connect(&scene);
    write!(silent_head, "POST /alert").expect("half a line");
    let mut silent_body = connect(&scene);
    write!(silent_body, "{HEAD}Content-Length: 1000\r\n\r\n{{").expect("a head");
    // One byte, header or chunk at a time, for ever.
    let mut slow_head = connect(&scene);
    write!(slow_head, "POST /alertmanager HTTP/1.1\r\nHost: x\r\nX-Slow: ").expect("half a head");
    let mut slow_body = connect(&scene);
    write!(slow_body, "{HEAD}Content-Length: 1000000\r\n\r\n").expect("a head");
    let mut slow_chunks = connect(&scene);
    write!(slow_chunks, "{HEAD}Transfer-Encoding: chunked\r\n\r\n").expect("a head");
    let drippers = [drip(&slow_head, b"z"), drip(&slow_body, b" "), drip(&slow_chunks, b"1\r\n \r\n")];
    scene.take("/alertmanager", &good());
    assert!(answer(&mut slow_body).contains("408"), "a byte now and then is no pace");
    assert!(answer(&mut slow_chunks).contains("408"), "nor is a chunk");
    assert!(answer(&mut silent_body).contains("408"));
    for mut head in [silent_head, slow_head] {
        let said = answer(&mut head);
        assert!(said.is_empty() || said.contains("408"), "{said}");
    }
    // Each limit is one of seconds; what the reading of a whole body may take is not given to any of them.
    assert!(begun.elapsed() < Duration::from_secs(warroom::intake::limits::BODY_TIME), "{:?}", begun.elapsed());
    scene.take("/alertmanager", &good());
    for dripper in drippers {
        dripper.join().expect("the dripper ends");
    }
}

#[test]
fn fault_34_ten_thousand_idle_connections_give_way_to_a_page() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
    // What this test program itself keeps open must fit beside them.
    let most = limit.maximum.unwrap_or(u64::MAX).saturating_sub(500);
    let wanted = usize::try_from(most.min(10_000)).expect("small");
    let house = House::new();
    let server = house.serve();
    let address = std::net::SocketAddr::from(([127, 0, 0, 1], server.port));
    let idle: Vec<TcpStream> =
        (0..wanted).map(|_| TcpStream::connect_timeout(&address, PATIENCE).expect("it goes on accepting")).collect();
    let _ = writeln!(
        std::io::stderr(),
        "{} idle connections, {} allowed",
        idle.len(),
        warroom::intake::limits::CONNECTIONS
    );
    assert!(idle.len() > 2 * usize::try_from(warroom::intake::limits::CONNECTIONS).expect("small"), "{}", idle.len());
    let begun = Instant::now();
    let page = server.post("/alertmanager", &good()).expect("the listener answers");
    assert_eq!(page.status, 200, "{}", page.text());
    let took = begun.elapsed();
    assert!(took < allowed(Duration::from_secs(5)), "a page waited {took:?} behind {} idle connections", idle.len());
    // What it keeps open is bounded, and so is its memory.
    let open = std::fs::read_dir(format!("/proc/{}/fd", server.pid())).expect("our own child").count();
    let bound = usize::try_from(warroom::intake::limits::CONNECTIONS).expect("small") + 100;
    assert!(open < bound, "{open} files are open");
    let peak = memory(server.pid(), "VmHWM");
    assert!(peak < 200 << 20, "{} MiB", peak >> 20);
    let closed = http::get(server.port, "/metrics").expect("metrics").text();
    let closed =
        closed.lines().find_map(|line| line.strip_prefix("warroom_connections_closed_total ")).map(str::to_owned);
    let closed: usize = closed.and_then(|count| count.parse().ok()).expect("it is counted");
    assert!(closed >= idle.len() - bound, "{closed} were closed for the others' sake");
}
