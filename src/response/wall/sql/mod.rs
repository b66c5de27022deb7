//! A question to a PostgreSQL database: one statement that only reads, in a transaction that the server keeps from writing.
//!
//! What a read-only transaction does not keep from is refused here: see [`words`] and [`SAFE`].

mod tls;
mod words;

use std::fmt::Write as _;
use std::time::Instant;

use tokio_postgres::{Client, Config, SimpleQueryMessage};

use self::tls::Tls;
use super::http::cancelled;
use super::kinds::{Heard, Limits, Surroundings, WallError, refused, stopped};
use crate::event::{ReadEnd, Untrusted};

/// Longest statement, in bytes.
const LONGEST: usize = 64 * 1024;
/// Functions that PostgreSQL calls volatile although they change nothing: sizes, clocks, positions in its log, who waits for whom.
const SAFE: &[&str] = &[
    "clock_timestamp",
    "timeofday",
    "random",
    "random_normal",
    "gen_random_uuid",
    "uuidv7",
    "pg_database_size",
    "pg_relation_size",
    "pg_table_size",
    "pg_indexes_size",
    "pg_total_relation_size",
    "pg_tablespace_size",
    "pg_current_wal_lsn",
    "pg_current_wal_insert_lsn",
    "pg_current_wal_flush_lsn",
    "pg_last_wal_receive_lsn",
    "pg_last_wal_replay_lsn",
    "pg_last_xact_replay_timestamp",
    "pg_is_in_recovery",
    "pg_blocking_pids",
    "pg_safe_snapshot_blocking_pids",
    "pg_isolation_test_session_is_blocked",
    "pg_get_wal_replay_pause_state",
    "pg_is_wal_replay_paused",
    "pg_control_checkpoint",
    "pg_control_system",
    "pg_notification_queue_usage",
    "pg_stat_get_wal_senders",
    "pg_stat_statements_info",
    "pg_jit_available",
];

/// Asks `database` for what `statement` says.
pub(super) fn ask(
    database: &Untrusted,
    statement: &Untrusted,
    around: &Surroundings,
    heard: &mut Heard<'_>,
    cancel: &dyn Fn() -> bool,
) -> Result<ReadEnd, WallError> {
    let Some(known) = around.databases.get(database.raw()) else {
        return Ok(refused("the configuration knows no database of this name"));
    };
    let statement = statement.raw();
    if statement.len() > LONGEST {
        return Ok(refused("the statement is longer than 64 KiB"));
    }
    if let Err(why) = words::begins_as_a_question(statement) {
        return Ok(refused(why));
    }
    let config: Config = match known.url().parse() {
        Ok(config) => config,
        // Its words may hold the address, which may hold a password.
        Err(_) => return Ok(refused("the address of this database in the configuration cannot be read")),
    };
    let tls = match Tls::trusting(known.certificates()) {
        Ok(tls) => tls,
        Err(why) => return Ok(refused(why)),
    };
    let until = Instant::now() + around.limits.time;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    Ok(runtime.block_on(within(&config, tls, statement, around, heard, cancel, until)))
}

async fn within(
    config: &Config,
    tls: Tls,
    statement: &str,
    around: &Surroundings,
    heard: &mut Heard<'_>,
    cancel: &dyn Fn() -> bool,
    until: Instant,
) -> ReadEnd {
    let connecting = config.connect(tls.clone());
    let (client, connection) = tokio::select! {
        connected = connecting => match connected {
            Ok(connected) => connected,
            Err(error) => return refused(format!("the database cannot be reached ({})", said(&error))),
        },
        () = cancelled(cancel) => return stopped(),
        () = tokio::time::sleep_until(until.into()) => return around.limits.out_of_time(),
    };
    // Ends with the client; what went wrong is told to the client too.
    let running = tokio::spawn(connection);
    let token = client.cancel_token();
    let ended = tokio::select! {
        ended = question(&client, statement, around, heard, until) => ended,
        () = cancelled(cancel) => Ok(stopped()),
        () = tokio::time::sleep_until(until.into()) => Ok(around.limits.out_of_time()),
    };
    if matches!(ended, Ok(ReadEnd::Limit { .. })) {
        // The server ends it by its own clock otherwise.
        let _ = tokio::time::timeout(std::time::Duration::from_secs(1), token.cancel_query(tls)).await;
    }
    drop(client);
    running.abort();
    ended.unwrap_or_else(|error| match error.code() {
        Some(code) if *code == tokio_postgres::error::SqlState::QUERY_CANCELED => around.limits.out_of_time(),
        _ => refused(said(&error)),
    })
}

/// Inside a transaction that only reads, and that is never committed.
async fn question(
    client: &Client,
    statement: &str,
    around: &Surroundings,
    heard: &mut Heard<'_>,
    until: Instant,
) -> Result<ReadEnd, tokio_postgres::Error> {
    let left = until.saturating_duration_since(Instant::now()).as_millis().max(1);
    client
        .batch_execute(&format!(
            "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY; SET LOCAL statement_timeout = {left}; \
             SET LOCAL standard_conforming_strings = on; \
             SET LOCAL lock_timeout = {}; SET LOCAL idle_in_transaction_session_timeout = {left}",
            left.min(5_000)
        ))
        .await?;
    let named = match words::names(statement) {
        Ok(named) => named,
        Err(why) => return Ok(refused(why)),
    };
    let volatile = client
        .query(
            "SELECT DISTINCT proname::text FROM pg_catalog.pg_proc \
             WHERE proname::text = ANY($1) AND provolatile = 'v' AND NOT proname::text = ANY($2)",
            &[&named, &SAFE],
        )
        .await?;
    if let Some(row) = volatile.first() {
        let name: String = row.get(0);
        return Ok(refused(format!(
            "it names the function {name}, which can change something even where nothing is written"
        )));
    }
    // The extended protocol takes one statement; nothing is run as yet.
    let prepared = client.prepare(statement).await?;
    if !prepared.params().is_empty() {
        return Ok(refused("the statement has places for parameters ($1), and there are none to put there"));
    }
    if prepared.columns().is_empty() {
        return Ok(refused("the statement answers no rows, so it is no question"));
    }
    rows(client, statement, &around.limits, heard).await
}

/// The answer as text, a line a row, its fields parted by tabs.
async fn rows(
    client: &Client,
    statement: &str,
    limits: &Limits,
    heard: &mut Heard<'_>,
) -> Result<ReadEnd, tokio_postgres::Error> {
    let most = limits.rows;
    // What can be read in pieces is; SHOW and EXPLAIN answer little.
    let asked = if words::may_be_read_in_pieces(statement) {
        client.execute(&format!("DECLARE step NO SCROLL CURSOR FOR {statement}"), &[]).await?;
        format!("FETCH FORWARD {} FROM step", u64::from(most) + 1)
    } else {
        statement.to_owned()
    };
    let mut count = 0;
    for message in client.simple_query(&asked).await? {
        let line = match message {
            SimpleQueryMessage::RowDescription(columns) => {
                columns.iter().map(|column| escaped(column.name())).collect::<Vec<_>>().join("\t")
            }
            SimpleQueryMessage::Row(_) if count == u64::from(most) => {
                heard.push(format!("(more than {most} rows; the rest was not read)\n").as_bytes());
                break;
            }
            SimpleQueryMessage::Row(row) => {
                count += 1;
                (0..row.len()).map(|at| row.get(at).map_or("NULL".to_owned(), escaped)).collect::<Vec<_>>().join("\t")
            }
            _ => continue,
        };
        if !heard.push(format!("{line}\n").as_bytes()) {
            return Ok(limits.out_of_output());
        }
    }
    Ok(ReadEnd::Rows { count })
}

/// A value in one field of one line.
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('\t', "\\t").replace('\n', "\\n").replace('\r', "\\r")
}

/// What the database says is wrong.
fn said(error: &tokio_postgres::Error) -> String {
    let mut words = error.as_db_error().map_or_else(|| error.to_string(), |said| said.message().to_owned());
    let mut cause = std::error::Error::source(error);
    while let Some(deeper) = cause.filter(|_| error.as_db_error().is_none()) {
        let _ = write!(words, ": {deeper}");
        cause = deeper.source();
    }
    words
}
