//! Steps that try to reach over the network what was not declared, and those that reach what was.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, UdpSocket};
use std::os::unix::net::UnixListener;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use warroom::event::{ReadEnd, Request};
use warroom::response::wall;

use crate::behind::{Scene, Seen};
use crate::support;

/// A server of the host that answers every request with the same words, and keeps what it was asked.
struct Server {
    port: u16,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
    fn answering(at: &str, answer: &str) -> Self {
        let listener = TcpListener::bind((at, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::<Mutex<Vec<String>>>::default();
        let (kept, answer) = (Arc::clone(&asked), answer.to_owned());
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let mut piece = [0; 4096];
                let read = stream.read(&mut piece).unwrap_or(0);
                kept.lock().unwrap().push(String::from_utf8_lossy(&piece[..read]).into_owned());
                let _ = stream.write_all(answer.as_bytes());
            }
        });
        Self { port, asked }
    }

    fn saying(words: &str) -> Self {
        Self::answering(
            "127.0.0.1",
            &format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{words}", words.len()),
        )
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

#[test]
fn what_was_not_declared_is_not_reached() {
    let scene = Scene::default();
    let server = Server::saying("reached");
    let port = server.port;
    scene.run(&["/bin/bash", "-c", &format!("exec 3<>/dev/tcp/127.0.0.1/{port}")]).failed();
    if support::require("python3") {
        scene.python(&format!("socket.create_connection(('127.0.0.1', {port}))")).failed();
        scene.python(&format!("socket.create_connection(('localhost', {port}))")).failed();
        scene.python("socket.create_connection(('169.254.169.254', 80), timeout=5)").failed();
    }
    assert!(server.asked().is_empty());
}

#[test]
fn only_the_declared_address_and_port_are_reached() {
    if !support::require("python3") {
        return;
    }
    let mut scene = Scene::default();
    // One port on every address of this host.
    let server = Server::answering("0.0.0.0", "HTTP/1.0 200 OK\r\n\r\nreached");
    let other = Server::saying("reached");
    scene.around.hosts = vec![("127.0.0.1".into(), server.port)];
    let ask = |to: &str, port: u16| {
        scene.python(&format!(
            "s = socket.create_connection(('{to}', {port}), timeout=20); s.sendall(b'GET / HTTP/1.0\\r\\n\\r\\n'); print(s.recv(999)); print(s.recv(999))"
        ))
    };
    ask("127.0.0.1", server.port).says("reached");
    for (to, port) in
        [("127.0.0.2", server.port), ("127.0.0.1", other.port), ("0.0.0.0", other.port), ("::1", server.port)]
    {
        ask(to, port).failed();
    }
    assert_eq!(server.asked().len(), 1);
    assert!(other.asked().is_empty());
}

#[test]
fn a_declared_host_is_asked_by_its_name() {
    if !support::require("python3") {
        return;
    }
    let mut scene = Scene::default();
    let server = Server::saying("reached");
    scene.around.hosts = vec![("localhost".into(), server.port)];
    let seen = scene.python(&format!(
        "import urllib.request; print(urllib.request.urlopen('http://localhost:{}/x').read())",
        server.port
    ));
    seen.says("reached");
    if support::find_program("curl").is_some() {
        scene.run(&["curl", "-sS", &format!("http://localhost:{}/y", server.port)]).says("reached");
    }
    assert!(server.asked()[0].starts_with("GET /x "));
}

#[test]
fn fault_50_an_outside_name_that_leads_to_this_host_is_refused() {
    let mut scene = Scene::default();
    // What a resolver takes for 127.0.0.1, under a word that is none of its names.
    for name in ["0x7f000001", "2130706433", "127.1"] {
        scene.around.hosts = vec![(name.into(), 80)];
        let words = scene.run(&["true"]).refusal();
        assert!(words.contains("nothing was sent") || words.contains("cannot be looked up"), "{name}: {words}");
    }
    for name in ["a b", "a\nb", "", "x/y", "a@b"] {
        scene.around.hosts = vec![(name.into(), 80)];
        assert!(scene.run(&["true"]).refusal().contains("no name of a host"), "{name:?}");
    }
    scene.around.hosts = vec![("localhost".into(), 0)];
    scene.run(&["true"]).refusal();
}

#[test]
fn only_tcp_is_spoken() {
    if !support::require("python3") {
        return;
    }
    let mut scene = Scene::default();
    let server = Server::saying("reached");
    scene.around.hosts = vec![("127.0.0.1".into(), server.port)];
    let seen = scene.python(
        "good = []\nfor family in range(46):\n  for kind in (1, 2, 3, 4, 5, 6, 10):\n    for protocol in (0, 1, 6, 17, 132, 255, 262):\n      for flags in (0, 0o2000000, 0o4000):\n        try:\n          socket.socket(family, kind | flags, protocol).close()\n          good.append((family, kind, protocol))\n        except OSError: pass\nprint(sorted(set(good)))",
    );
    seen.says("[(2, 1, 0), (2, 1, 6), (10, 1, 0), (10, 1, 6)]");
}

#[test]
fn no_datagram_leaves_and_no_name_is_looked_up() {
    if !support::require("python3") {
        return;
    }
    let scene = Scene::default();
    let victim = UdpSocket::bind("127.0.0.1:0").unwrap();
    victim.set_nonblocking(true).unwrap();
    let port = victim.local_addr().unwrap().port();
    scene
        .python(&format!("socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', {port}))"))
        .failed();
    scene.run(&["/bin/bash", "-c", &format!("echo x > /dev/udp/127.0.0.1/{port}")]).failed();
    scene.python("socket.getaddrinfo('example.com', 80)").failed();
    assert!(victim.recv(&mut [0; 8]).is_err());
}

#[test]
fn no_daemon_behind_a_socket_in_a_folder_is_reached() {
    if !support::require("python3") {
        return;
    }
    let scene = Scene::default();
    let elsewhere = tempfile::TempDir::with_prefix("warroom-socket-").unwrap();
    let path = elsewhere.path().canonicalize().unwrap().join("docker.sock");
    let daemon = UnixListener::bind(&path).unwrap();
    daemon.set_nonblocking(true).unwrap();
    let mut scene = scene;
    // Even where somebody declares it.
    scene.around.reads = vec![path.clone()];
    scene.sh(&format!("test -S '{}'", path.display())).says("");
    scene.python(&format!("socket.socket(socket.AF_UNIX).connect('{}')", path.display())).failed();
    if support::find_program("curl").is_some() {
        scene.run(&["curl", "-sS", "--unix-socket", &path.to_string_lossy(), "http://x/"]).failed();
    }
    let abstracted = {
        use std::os::linux::net::SocketAddrExt as _;
        let name = format!("warroom-test-{}", std::process::id());
        let address = std::os::unix::net::SocketAddr::from_abstract_name(&name).unwrap();
        let daemon = UnixListener::bind_addr(&address).unwrap();
        daemon.set_nonblocking(true).unwrap();
        scene.python(&format!("socket.socket(socket.AF_UNIX).connect('\\0{name}')")).failed();
        daemon
    };
    assert!(daemon.accept().is_err() && abstracted.accept().is_err());
}

#[test]
fn nothing_can_be_listened_on() {
    if !support::require("python3") {
        return;
    }
    let mut scene = Scene::default();
    let server = Server::saying("reached");
    scene.around.hosts = vec![("127.0.0.1".into(), server.port)];
    scene.python("s = socket.socket(); s.bind(('127.0.0.1', 0))").failed();
    scene.python("s = socket.socket(); s.listen()").failed();
}

fn http(scene: &Scene, method: &str, url: &str) -> Seen {
    let request = Request::Http { method: method.into(), url: url.into(), body: "".into() };
    Seen(wall::read(&request, &scene.around, &mut |_| {}, &|| false).unwrap())
}

#[test]
fn a_question_over_http_is_asked_where_its_host_is_declared() {
    let mut scene = Scene::default();
    let server = Server::saying("the answer");
    let url = format!("http://127.0.0.1:{}/metrics?x=1", server.port);
    assert!(http(&scene, "GET", &url).refusal().contains("this host"), "not declared");
    assert!(server.asked().is_empty());
    scene.around.hosts = vec![("127.0.0.1".into(), server.port)];
    let seen = http(&scene, "GET", &url);
    assert_eq!((seen.0.ended.clone(), seen.text().as_str()), (ReadEnd::Http { status: 200 }, "the answer"));
    for method in ["POST", "PUT", "DELETE", "PATCH"] {
        assert!(http(&scene, method, &url).refusal().contains("only GET and HEAD"));
    }
    let asked = server.asked();
    assert_eq!(asked.len(), 1);
    assert!(asked[0].starts_with("GET /metrics?x=1 HTTP/1.1\r\n"), "{asked:?}");
    assert!(
        !asked[0].to_lowercase().contains("authorization") && !asked[0].to_lowercase().contains("cookie"),
        "{asked:?}"
    );
}

#[test]
fn fault_50_an_address_that_keeps_credentials_is_refused_however_it_is_written() {
    let mut scene = Scene::default();
    for host in [
        "169.254.169.254",
        "[::ffff:169.254.169.254]",
        "0xa9fea9fe",
        "2852039166",
        "[fd00:ec2::254]",
        "[fe80::1]",
        "0.0.0.0",
    ] {
        assert!(
            http(&scene, "GET", &format!("http://{host}/latest/meta-data/")).refusal().contains("nothing was sent"),
            "{host}"
        );
    }
    let server = Server::saying("reached");
    for host in ["127.0.0.1", "[::ffff:127.0.0.1]", "0x7f000001", "127.1", "localhost", "2130706433"] {
        assert!(
            http(&scene, "GET", &format!("http://{host}:{}/", server.port)).refusal().contains("nothing was sent"),
            "{host}"
        );
    }
    // Another port of a declared host, and another word for it, are not declared.
    scene.around.hosts = vec![("localhost".into(), server.port + 1)];
    http(&scene, "GET", &format!("http://localhost:{}/", server.port)).refusal();
    http(&scene, "GET", "file:///etc/hostname").refusal();
    assert!(server.asked().is_empty());
}

#[test]
fn a_redirect_is_an_answer_that_nobody_follows() {
    let mut scene = Scene::default();
    let target = Server::saying("followed");
    let to = format!("http://127.0.0.1:{}/secret", target.port);
    let answer = format!("HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    let server = Server::answering("127.0.0.1", &answer);
    scene.around.hosts = vec![("127.0.0.1".into(), server.port), ("127.0.0.1".into(), target.port)];
    let seen = http(&scene, "GET", &format!("http://127.0.0.1:{}/", server.port));
    assert_eq!(seen.0.ended, ReadEnd::Http { status: 302 });
    assert!(seen.text().contains(&to), "{}", seen.text());
    assert!(target.asked().is_empty());
}

#[test]
fn an_answer_that_does_not_end_is_ended() {
    let mut scene = Scene::default();
    let long = "x".repeat(100_000);
    let server = Server::saying(&long);
    scene.around.hosts = vec![("127.0.0.1".into(), server.port)];
    let url = format!("http://127.0.0.1:{}/", server.port);
    scene.around.limits.kept = 100;
    let seen = http(&scene, "GET", &url);
    assert_eq!((seen.0.output.len(), seen.0.output_bytes, seen.0.ended), (100, 100_000, ReadEnd::Http { status: 200 }));
    scene.around.limits.output = 1_000;
    assert_eq!(http(&scene, "GET", &url).limit(), "1000 bytes of output");
    // One that takes the question and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    scene.around.hosts = vec![("127.0.0.1".into(), port)];
    scene.around.limits.time = Duration::from_millis(700);
    assert_eq!(http(&scene, "GET", &format!("http://127.0.0.1:{port}/")).limit(), "0.7 s");
    scene.around.limits.time = Duration::from_secs(100);
    let request = Request::Http {
        method: "GET".into(),
        url: format!("http://127.0.0.1:{port}/").as_str().into(),
        body: "".into(),
    };
    let stopped = wall::read(&request, &scene.around, &mut |_| {}, &|| true).unwrap();
    assert!(matches!(stopped.ended, ReadEnd::Limit { .. }), "{stopped:?}");
}
