//! Statements that try to change something in a real PostgreSQL, by writing or by a function, and those that only ask.

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use warroom::event::{ReadEnd, Request};
use warroom::response::wall::{self, Database};

use crate::behind::{Scene, Seen};
use crate::support::{self, postgres::Postgres};

/// One server for all tests that run at once; it ends with the last of them.
fn server() -> Arc<Postgres> {
    static NOW: Mutex<Weak<Postgres>> = Mutex::new(Weak::new());
    let mut now = NOW.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(server) = now.upgrade() {
        return server;
    }
    let server = Arc::new(Postgres::start());
    server
        .psql(
            "CREATE TABLE orders (id int, note text); INSERT INTO orders SELECT n, 'note ' || n FROM generate_series(1, 2500) n; \
             CREATE SEQUENCE numbers; CREATE TABLE log (at text); \
             CREATE FUNCTION quiet() RETURNS int LANGUAGE sql STABLE AS 'SELECT 7'; \
             CREATE FUNCTION writes() RETURNS int LANGUAGE plpgsql AS 'BEGIN INSERT INTO log VALUES (1); RETURN 1; END'; \
             CREATE FUNCTION hides_it() RETURNS int LANGUAGE plpgsql STABLE AS 'BEGIN INSERT INTO log VALUES (1); RETURN 1; END'; \
             CREATE FUNCTION \"Odd Name\"() RETURNS int LANGUAGE sql VOLATILE AS 'SELECT 1'",
        )
        .expect("a superuser may");
    *now = Arc::downgrade(&server);
    server
}

fn scene(server: &Postgres) -> Scene {
    let mut scene = Scene::default();
    scene.around.databases.insert("shop".into(), Database::new(server.url()));
    scene
}

fn ask(scene: &Scene, statement: &str) -> Seen {
    let request = Request::Sql { database: "shop".into(), statement: statement.into() };
    Seen(wall::read(&request, &scene.around, &mut |_| {}, &|| false).unwrap())
}

/// What is in the database that a statement could have changed.
fn state(server: &Postgres) -> String {
    let all = "SELECT (SELECT count(*) FROM orders), (SELECT count(*) FROM log), (SELECT last_value FROM numbers), \
               (SELECT is_called FROM numbers), (SELECT count(*) FROM pg_largeobject_metadata), (SELECT count(*) FROM pg_class), \
               (SELECT count(*) FROM pg_proc), (SELECT count(*) FROM pg_replication_slots), (SELECT count(*) FROM pg_roles), \
               (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'), current_setting('work_mem')";
    server.psql(all).unwrap()
}

#[test]
fn a_question_is_answered_as_text() {
    if !support::require("postgres") {
        return;
    }
    let server = server();
    let scene = scene(&server);
    let rows = |statement: &str, count: u64, text: &str| {
        let seen = ask(&scene, statement);
        assert_eq!(seen.0.ended, ReadEnd::Rows { count }, "{statement}: {}", seen.text());
        assert!(seen.text().contains(text), "{statement}: {}", seen.text());
    };
    rows("SELECT id, note FROM orders ORDER BY id LIMIT 2", 2, "id\tnote\n1\tnote 1\n2\tnote 2\n");
    rows("-- words\nselect NULL as a, E'x\\ty\\nz' as b", 1, "a\tb\nNULL\tx\\ty\\nz\n");
    rows("WITH t AS (SELECT 1 AS n) TABLE t;", 1, "n\n1\n");
    rows("VALUES (1), (2)", 2, "1\n2\n");
    rows("SHOW server_version", 1, "server_version");
    rows("EXPLAIN SELECT * FROM orders WHERE id = 1", 2, "orders");
    rows("SELECT quiet(), pg_size_pretty(pg_database_size('postgres')), now() < clock_timestamp()", 1, "7\t");
    rows("SELECT count(*) > 0 AS some FROM pg_stat_activity WHERE state = 'active'", 1, "some\nt\n");
    rows("SELECT 'pg_terminate_backend(1)' AS words", 1, "pg_terminate_backend");
    rows("SELECT * FROM orders WHERE false", 0, "");
}

#[test]
fn an_answer_without_end_is_cut_off_and_says_so() {
    if !support::require("postgres") {
        return;
    }
    let server = server();
    let mut scene = scene(&server);
    let seen = ask(&scene, "SELECT * FROM orders, generate_series(1, 100000)");
    assert_eq!(seen.0.ended, ReadEnd::Rows { count: 1_000 });
    assert!(seen.text().ends_with("(more than 1000 rows; the rest was not read)\n"));
    scene.around.limits.output = 100;
    assert_eq!(ask(&scene, "SELECT * FROM orders").limit(), "100 bytes of output");
    scene.around.limits.time = Duration::from_millis(700);
    assert_eq!(ask(&scene, "SELECT count(*) FROM orders a, orders b, orders c, orders d").limit(), "0.7 s");
    support::wait_until("the server to end what nobody waits for", || {
        server.psql("SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%orders d'").unwrap() == "0"
    });
}

#[test]
fn nothing_can_be_changed() {
    if !support::require("postgres") {
        return;
    }
    let server = server();
    let scene = scene(&server);
    let before = state(&server);
    let file = server.folder().join("escaped");
    let program = format!("COPY orders TO PROGRAM 'touch {}'", file.display());
    let export = format!("SELECT lo_export(1, '{}')", file.display());
    let statements = [
        "INSERT INTO orders VALUES (0)",
        "DELETE FROM orders",
        "SELECT 1; DELETE FROM orders",
        "SELECT 1; COMMIT; DELETE FROM orders",
        "COMMIT",
        "ROLLBACK",
        "SET TRANSACTION READ WRITE",
        "SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE",
        "WITH gone AS (DELETE FROM orders RETURNING id) SELECT * FROM gone",
        "with x as (insert into log values ('x') returning at) table x",
        "SELECT * INTO copied FROM orders",
        "CREATE TABLE copied AS TABLE orders",
        "SELECT * FROM orders FOR UPDATE",
        "EXPLAIN ANALYZE DELETE FROM orders",
        "EXPLAIN (ANALYZE) INSERT INTO log VALUES ('x')",
        "DO $$ BEGIN DELETE FROM orders; END $$",
        "CALL x()",
        "LOCK TABLE orders",
        "NOTIFY x",
        "LISTEN x",
        "TRUNCATE orders",
        "VACUUM",
        "COPY orders TO STDOUT",
        &program,
        &export,
        "SELECT nextval('numbers')",
        "SELECT setval('numbers', 1000)",
        "SELECT writes()",
        "SELECT public . \"writes\" ( )",
        "SELECT hides_it()",
        "SELECT \"Odd Name\"()",
        "SELECT U&\"\\0077rites\"()",
        "SELECT U&\"!0077rites\" UESCAPE '!' ()",
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity",
        "SELECT pg_cancel_backend(pid) FROM pg_stat_activity",
        "SELECT pg_reload_conf()",
        "SELECT pg_rotate_logfile()",
        "SELECT set_config('work_mem', '1GB', false)",
        "SELECT pg_advisory_lock(1)",
        "SELECT pg_try_advisory_lock(1)",
        "SELECT pg_advisory_xact_lock_shared(1)",
        "SELECT pg_notify('x', 'y')",
        "SELECT pg_switch_wal()",
        "SELECT pg_create_restore_point('x')",
        "SELECT pg_create_physical_replication_slot('x')",
        "SELECT pg_create_logical_replication_slot('x', 'y')",
        "SELECT pg_logical_emit_message(false, 'x', 'y')",
        "SELECT pg_stat_reset()",
        "SELECT pg_promote()",
        "SELECT pg_sleep(3600)",
        "SELECT pg_read_file('/etc/passwd')",
        "SELECT pg_ls_dir('.')",
        "SELECT lo_create(0)",
        "SELECT lo_import('/etc/passwd')",
        "SELECT lo_from_bytea(0, 'x')",
        "SELECT query_to_xml('DELETE FROM orders RETURNING id', true, false, '')",
        "SELECT query_to_xml('SELECT nextval(''numbers'')', true, false, '')",
        "SELECT * FROM dblink('x', 'DELETE FROM orders') AS t(x int)",
        "SELECT $1",
        "SELECT",
        "",
    ];
    for statement in statements {
        let seen = ask(&scene, statement);
        assert!(matches!(seen.0.ended, ReadEnd::Refused { .. }), "{statement}: {:?} {}", seen.0.ended, seen.text());
    }
    assert_eq!(state(&server), before);
    assert!(!file.exists());
}

#[test]
fn a_refusal_says_which_function_it_is_about() {
    if !support::require("postgres") {
        return;
    }
    let words = ask(&scene(&server()), "SELECT PG_Terminate_Backend (1)").refusal();
    assert!(words.contains("pg_terminate_backend") && words.contains("can change something"), "{words}");
}

#[test]
fn every_function_that_postgresql_calls_volatile_is_refused_but_those_that_only_look() {
    if !support::require("postgres") {
        return;
    }
    let server = server();
    let scene = scene(&server);
    let all = "SELECT string_agg(DISTINCT proname, ' ') FROM pg_proc WHERE provolatile = 'v' AND proname ~ '^[a-z_0-9]+$' \
               AND prorettype <> 'trigger'::regtype AND prorettype <> 'event_trigger'::regtype";
    let names = server.psql(all).unwrap();
    let names: Vec<&str> = names.split(' ').collect();
    // A lot of them in one statement: the first that is found is named.
    assert!(names.len() > 100, "{}", names.len());
    let looks = [
        "size",
        "lsn",
        "clock",
        "random",
        "uuid",
        "timeofday",
        "block",
        "recovery",
        "paus",
        "control",
        "wal_senders",
        "usage",
        "statements",
        "jit",
        "timestamp",
    ];
    for name in names {
        let seen = ask(&scene, &format!("SELECT {name}()"));
        let refused = matches!(&seen.0.ended, ReadEnd::Refused { why } if why.raw().contains("can change something"));
        assert!(refused || looks.iter().any(|word| name.contains(word)), "{name}: {:?}", seen.0.ended);
    }
}

#[test]
fn a_database_that_is_not_there_or_not_known_is_no_crash() {
    let mut scene = Scene::default();
    let ask = |scene: &Scene| {
        let request = Request::Sql { database: "shop".into(), statement: "SELECT 1".into() };
        Seen(wall::read(&request, &scene.around, &mut |_| {}, &|| false).unwrap()).refusal()
    };
    assert!(ask(&scene).contains("knows no database"));
    let port = support::free_port();
    let url = format!("postgres://app:a-secret@127.0.0.1:{port}/x");
    scene.around.databases.insert("shop".into(), Database::new(url.clone()));
    let words = ask(&scene);
    assert!(words.contains("cannot be reached") && !words.contains("a-secret"), "{words}");
    assert!(!format!("{:?}", Database::new(url)).contains("a-secret"));
    scene.around.databases.insert("shop".into(), Database::new("nonsense a-secret".into()));
    assert!(!ask(&scene).contains("a-secret"));
}

/// A certificate for 127.0.0.1 that signs itself, and its key, into this folder; the certificate.
fn certificate(folder: &std::path::Path) -> Vec<u8> {
    let (key, certificate) = (folder.join("server.key"), folder.join("server.crt"));
    let made = std::process::Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"])
        .args(["-subj", "/CN=warroom test", "-addext", "subjectAltName=IP:127.0.0.1"])
        .args(["-addext", "basicConstraints=critical,CA:FALSE", "-keyout"])
        .arg(&key)
        .arg("-out")
        .arg(&certificate)
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    if rustix::process::geteuid().is_root() {
        for file in [&key, &certificate] {
            std::os::unix::fs::chown(file, Some(support::postgres::NOBODY), Some(support::postgres::NOBODY)).unwrap();
        }
    }
    let settings = std::fs::File::options().append(true).open(folder.join("postgresql.conf")).unwrap();
    std::io::Write::write_all(&mut &settings, b"\nssl = on\n").unwrap();
    std::fs::read(certificate).unwrap()
}

#[test]
fn a_connection_is_encrypted_and_its_certificate_looked_at() {
    if !support::require_all(&["postgres", "openssl"]) {
        return;
    }
    let mut trusted = Vec::new();
    let server = Postgres::start_with(|data| trusted = certificate(data));
    let mut scene = Scene::default();
    let question = "SELECT ssl::text AS encrypted FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    let mut ask_by = |database: Database| {
        scene.around.databases.insert("shop".into(), database);
        ask(&scene, question)
    };
    let required = format!("{}?sslmode=require", server.url());
    for url in [server.url(), required] {
        let seen = ask_by(Database::new(url.clone()).trusting(trusted.clone()));
        assert_eq!((seen.0.ended.clone(), seen.text().as_str()), (ReadEnd::Rows { count: 1 }, "encrypted\ntrue\n"));
        let words = ask_by(Database::new(url)).refusal();
        assert!(words.contains("certificate"), "{words}");
    }
    let open = ask_by(Database::new(format!("{}?sslmode=disable", server.url())));
    assert_eq!(open.text(), "encrypted\nfalse\n");
    let odd = ask_by(
        Database::new(server.url()).trusting(b"-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n".to_vec()),
    );
    assert!(odd.refusal().contains("cannot be read"));
}
