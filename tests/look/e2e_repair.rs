//! From the page to the repair: a real service breaks, a real Prometheus and a real Alertmanager page, a runbook's step is proposed
//! and approved by keys, the service recovers and the console sees it.

use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::support::alerting::{Alertmanager, Prometheus, impatient};
use crate::support::house::House;
use crate::support::pty::Session;
use crate::support::{Running, find_program, free_port, http, require_all, wait_until};

/// A service of which a file decides whether it works.
const SERVICE: &str = r#"
import http.server, os, sys
folder, port = sys.argv[1], int(sys.argv[2])
class Shop(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        broken = not os.path.exists(os.path.join(folder, "open.sign"))
        text = f"shop_up {0 if broken else 1}\n" if self.path == "/metrics" else "closed\n" if broken else "open\n"
        self.send_response(503 if broken and self.path != "/metrics" else 200)
        self.send_header("Content-Type", "text/plain")
        self.end_headers()
        self.wfile.write(text.encode())
    def log_message(self, *rest):
        pass
http.server.ThreadingHTTPServer(("127.0.0.1", port), Shop).serve_forever()
"#;

const RULES: &str = "  - alert: ShopClosed\n    expr: shop_up == 0\n    for: 1s\n    labels: {severity: critical, service: shop, env: staging}";

/// The service, running.
struct Shop {
    folder: TempDir,
    port: u16,
    _process: Running,
}

impl Shop {
    fn open() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let script = folder.path().join("shop.py");
        std::fs::write(&script, SERVICE).expect("a writable temporary folder");
        let port = free_port();
        let mut command = Command::new(find_program("python3").expect("python3 was asked for first"));
        command.arg(&script).arg(folder.path()).arg(port.to_string());
        let log = folder.path().join("log");
        std::fs::write(folder.path().join("open.sign"), "").expect("a writable temporary folder");
        let shop = Self { folder, port, _process: Running::start(&mut command, &log) };
        wait_until("the shop to open", || shop.status() == Some(200));
        shop
    }

    fn status(&self) -> Option<u16> {
        http::get(self.port, "/").ok().map(|answer| answer.status)
    }

    fn sign(&self) -> std::path::PathBuf {
        self.folder.path().join("open.sign")
    }
}

fn runbook(folder: &Path, sign: &Path) {
    let text = format!(
        "---\ntitle: The shop is closed\nmatches:\n  alerts: [ShopClosed]\n---\n\n\
         ## Put the sign out\n\nWithout it nobody is let in.\n\n\
         ```sh {{name=sign tier=2 rollback=take-in}}\ntouch {0}\n```\n\n\
         ## Take it in\n\n```sh {{name=take-in rollback=sign}}\nrm {0}\n```\n",
        sign.display()
    );
    std::fs::create_dir_all(folder).expect("a folder");
    std::fs::write(folder.join("shop.md"), text).expect("a file");
}

#[test]
fn a_broken_service_is_repaired_by_an_approved_step_and_seen_to_recover() {
    if !require_all(&["prometheus", "alertmanager", "python3"]) {
        return;
    }
    let shop = Shop::open();
    let house = House::new();
    let url = format!("http://127.0.0.1:{}/alertmanager", house.port);
    let alertmanager = Alertmanager::start(&impatient(&format!("url: '{url}'")));
    let _prometheus = Prometheus::start(shop.port, alertmanager.port, RULES);
    let books = house.path().join("runbooks");
    runbook(&books, &shop.sign());
    house.configure(&format!(
        "[alertmanager]\nurl = \"http://127.0.0.1:{}\"\nevery_seconds = 2\n\n[runbooks]\ndir = [\"{}\"]\n",
        alertmanager.port,
        books.display()
    ));
    let session = Session::warroom(&house, &["--listen", &house.listen()], 120, 50);
    session.wait_until("the first frame", |screen| screen.contents().trim().len() > 40);

    // It breaks, and somebody is paged.
    std::fs::remove_file(shop.sign()).expect("a file of ours");
    wait_until("the shop to be closed", || shop.status() == Some(503));
    session.wait_for("ShopClosed");

    // Six keys at most from the evidence to the approval: the runbook, its step, the plan, yes.
    session.press("b");
    session.wait_for("The shop is closed");
    session.wait_for("Put the sign out");
    assert!(session.text().contains("runs      touch "), "{}", session.text());
    session.press("<enter>");
    session.wait_for("1 wait for a person");
    assert!(!shop.sign().exists(), "nothing ran yet");
    session.press("x");
    session.wait_for("y runs exactly this once");
    let asked = session.text();
    for shown in ["/touch", "open.sign", "Blast radius: tier 2, 1 target", "step sign", "one key"] {
        assert!(asked.contains(shown), "the dialog does not show `{shown}`:\n{asked}");
    }
    session.settle(std::time::Duration::from_millis(600));
    session.press("y");

    wait_until("the shop to be open again", || shop.status() == Some(200));
    let ended = |kind: &str| house.entries().iter().filter(|entry| entry.kind == kind).count();
    wait_until("the outcome on record", || ended("finished") == 1);
    let entries = house.entries();
    let finished = entries.iter().find(|entry| entry.kind == "finished").expect("just seen");
    assert_eq!(finished.body["outcome"]["outcome"], "done", "{}", finished.body);
    // The symptom went: Prometheus says so, through Alertmanager, to the console.
    wait_until("the alert to resolve on record", || {
        house.entries().iter().any(|entry| entry.kind == "alert" && entry.body["status"] == "resolved")
    });
    session.wait_for("0/1");
    wait_until("what came of it on record", || ended("effect_checked") == 1);
    let entries = house.entries();
    let checked = entries.iter().find(|entry| entry.kind == "effect_checked").expect("just seen");
    assert_eq!(checked.body["effect"], "recovered", "{}", checked.body);
    assert_eq!(checked.body["symptoms"][0]["before"], "1 of 1", "{}", checked.body);
    assert_eq!(ended("started"), 1, "it ran once");
    assert!(house.run(&["verify"]).status.success());
}
