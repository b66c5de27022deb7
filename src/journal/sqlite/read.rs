//! Reading: by place, by kind, by index term, as known at a time. Every read touches about as many rows as it returns.

use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row, params_from_iter};

use super::coding::{one_line, unpack};
use super::commit::PAGE_BITS;
use super::place::{Place, Use};
use super::values::{self, nanoseconds, place, time};
use super::writer::Hand;
use super::{coding, index, parts, schema};
use crate::event::{Digest, Kind, Seq, Time, WriterId};
use crate::journal::{JournalError, Query, Record, limits};

/// Connections for reading.
pub(super) struct Readers {
    place: Arc<Place>,
    idle: Mutex<Vec<Connection>>,
    /// In memory there is only the one connection.
    only: Option<Hand>,
    /// The file cannot even be locked.
    frozen: bool,
}

impl Readers {
    pub(super) fn new(place: Arc<Place>, only: Option<Hand>, frozen: bool) -> Self {
        Self { place, idle: Mutex::default(), only, frozen }
    }

    /// Opens a connection that nobody else uses.
    pub(super) fn open(&self) -> Result<Connection, JournalError> {
        if self.frozen { self.place.connect_frozen() } else { self.place.connect(Use::Read) }
    }

    /// Runs `read` on a free connection. One that failed is not used again.
    pub(super) fn with<T>(&self, read: impl FnOnce(&Connection) -> Result<T, JournalError>) -> Result<T, JournalError> {
        if let Some(only) = &self.only {
            let hand = only.lock().unwrap_or_else(PoisonError::into_inner);
            let gone = || JournalError::Store { path: self.place.shown.clone(), error: "it is closed".into() };
            return read(hand.as_ref().ok_or_else(gone)?);
        }
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = match idle {
            Some(connection) => connection,
            None => self.open()?,
        };
        let result = read(&connection)?;
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < limits::READERS {
            idle.push(connection);
        }
        Ok(result)
    }
}

/// The columns of a record, in the order [`record`] takes them.
const COLUMNS: &str = "seq, writer, at, at_ns, arrived, kind, key, digest, coding, blob, body";

/// A row whose body is not decoded yet.
struct Raw {
    seq: Seq,
    kind: String,
    coding: i64,
    blob: Option<[u8; 32]>,
    body: Option<Vec<u8>>,
    record: Record,
}

fn raw(row: &Row<'_>) -> rusqlite::Result<Raw> {
    let seq = Seq(row.get(0)?);
    let record = Record {
        seq,
        writer: WriterId(row.get(1)?),
        at: stored_time(row.get(2)?, row.get(3)?),
        arrived: time(row.get(4)?),
        key: row.get(6)?,
        kind: Kind::Alert, // set once the stored name is known to be one
        body: Vec::new(),
        digest: Digest(row.get(7)?),
    };
    Ok(Raw { seq, kind: row.get(5)?, coding: row.get(8)?, blob: row.get(9)?, body: row.get(10)?, record })
}

/// Stored seconds and nanoseconds as a time. What cannot be one is 1970; `verify` names such a row.
pub(super) fn stored_time(seconds: i64, nanoseconds: i32) -> Time {
    Time::new(seconds, nanoseconds).unwrap_or_default()
}

fn finish(place: &Place, connection: &Connection, raw: Raw) -> Result<Record, JournalError> {
    let store = |error: String| JournalError::Store { path: place.shown.clone(), error };
    let Some(kind) = Kind::of_name(&raw.kind) else {
        let format = schema::format(connection).map_err(|error| place.error(&error))?;
        return Err(if format > schema::FORMAT {
            place.newer(format)
        } else {
            store(format!("entry {} is of the unknown kind {:?}: run `warroom verify`", raw.seq, raw.kind))
        });
    };
    let body = body(connection, raw.coding, raw.blob, raw.body).map_err(|error| place.error(&error))?;
    let body = body.map_err(|error| JournalError::Undecodable { seq: raw.seq, kind, error })?;
    Ok(Record { kind, body, ..raw.record })
}

/// The content of a stored body; the inner error says in words what is wrong with it.
pub(super) fn body(
    connection: &Connection,
    coding: i64,
    blob: Option<[u8; 32]>,
    body: Option<Vec<u8>>,
) -> rusqlite::Result<Result<Vec<u8>, String>> {
    Ok(match (coding, blob, body) {
        (0, None, Some(bytes)) => Ok(bytes),
        (1, None, Some(bytes)) | (4, Some(_), Some(bytes)) => unpack(&bytes),
        (3, None, Some(bytes)) | (5, Some(_), Some(bytes)) => parts::whole(connection, &bytes)?,
        (2, Some(digest), None) => {
            let stored: Option<Vec<u8>> = connection
                .prepare_cached("SELECT stored FROM blobs WHERE digest = ?1")?
                .query_row([digest], |row| row.get(0))
                .optional()?;
            stored.map_or_else(|| Err("its blob is missing".into()), |stored| coding::unpack(&stored))
        }
        _ => Err("its coding is unknown".into()),
    })
}

/// The bounds of a query.
#[derive(Clone, Copy)]
struct Bounds {
    after: i64,
    through: i64,
    known_at: Option<i64>,
    limit: usize,
    bytes: usize,
    order: &'static str,
}

/// Answers a query.
pub(super) fn read(place: &Place, connection: &Connection, query: &Query) -> Result<Vec<Record>, JournalError> {
    let failed = |error: rusqlite::Error| place.error(&error);
    let bounds = bounds(connection, query).map_err(failed)?;
    if bounds.through <= bounds.after {
        return Ok(Vec::new());
    }
    match &query.term {
        Some(term) => of_term(place, connection, &bounds, &one_line(term), &query.kinds),
        None if query.kinds.is_empty() => {
            rows(place, connection, &bounds, "entries WHERE seq > ?1 AND seq <= ?2", "seq", "", vec![])
        }
        None => of_kinds(place, connection, &bounds, &query.kinds),
    }
}

fn bounds(connection: &Connection, query: &Query) -> rusqlite::Result<Bounds> {
    let mut through = query.through.map_or(i64::MAX, place);
    let known_at = query.known_at.map(nanoseconds);
    if let Some(known_at) = known_at {
        // Nothing after the last page that has an early enough arrival can be meant.
        let page: Option<i64> = connection
            .prepare_cached("SELECT page FROM pages WHERE earliest <= ?1 ORDER BY page DESC LIMIT 1")?
            .query_row([known_at], |row| row.get(0))
            .optional()?;
        through = through.min(page.map_or(0, |page| ((page + 1) << PAGE_BITS) - 1));
    }
    let paged = query.limit == 0;
    Ok(Bounds {
        after: place(query.after),
        through,
        known_at,
        limit: if paged { limits::PAGE } else { query.limit },
        bytes: if paged { limits::PAGE_BYTES } else { usize::MAX },
        order: if query.newest_first { "DESC" } else { "ASC" },
    })
}

/// By term: the indexed entries from the index, those behind its mark one by one.
fn of_term(
    place: &Place,
    connection: &Connection,
    bounds: &Bounds,
    term: &str,
    kinds: &[Kind],
) -> Result<Vec<Record>, JournalError> {
    // Should entries be indexed between here and the reading, they are found behind the old mark all the same.
    let mark = values::place(index::indexed(connection).map_err(|error| place.error(&error))?);
    let mut values = vec![Value::Text(term.to_owned()), Value::Integer(index::term_hash(term))];
    let kinds = kind_filter(kinds, &mut values);
    let same = "instr(char(10) || entries.terms || char(10), char(10) || ?5 || char(10)) > 0";
    let found = format!(
        "terms CROSS JOIN entries USING (seq) WHERE hash = ?6 AND terms.seq > ?1 AND terms.seq <= ?2 AND {same}"
    );
    let scanned = format!("entries WHERE seq > ?1 AND seq <= ?2 AND ?6 IS NOT NULL AND {same}");
    let old = Bounds { through: bounds.through.min(mark), ..*bounds };
    let new = Bounds { after: bounds.after.max(mark), ..*bounds };
    let halves = [(old, found.as_str(), "terms.seq"), (new, scanned.as_str(), "seq")];
    let in_order = if bounds.order == "ASC" { [0, 1] } else { [1, 0] };
    let mut records: Vec<Record> = Vec::new();
    for (half, from, by) in in_order.map(|i| &halves[i]) {
        let bytes: usize = records.iter().map(|record| record.body.len()).sum();
        let left = Bounds { limit: bounds.limit - records.len(), bytes: bounds.bytes.saturating_sub(bytes), ..*half };
        if left.limit > 0 && left.bytes > 0 && left.through > left.after {
            records.extend(rows(place, connection, &left, from, by, &kinds, values.clone())?);
        }
    }
    Ok(records)
}

fn kind_filter(kinds: &[Kind], values: &mut Vec<Value>) -> String {
    if kinds.is_empty() {
        return String::new();
    }
    let names: Vec<String> = kinds
        .iter()
        .map(|kind| {
            values.push(Value::Text(kind.name().to_owned()));
            format!("?{}", values.len() + 4)
        })
        .collect();
    format!(" AND kind IN ({})", names.join(", "))
}

/// The first parameters of every statement: after, through, known at, limit.
fn parameters(bounds: &Bounds, more: Vec<Value>) -> Vec<Value> {
    let limit = i64::try_from(bounds.limit).unwrap_or(i64::MAX);
    let known_at = bounds.known_at.unwrap_or(i64::MAX);
    let mut values = vec![
        Value::Integer(bounds.after),
        Value::Integer(bounds.through),
        Value::Integer(known_at),
        Value::Integer(limit),
    ];
    values.extend(more);
    values
}

fn rows(
    place: &Place,
    connection: &Connection,
    bounds: &Bounds,
    from: &str,
    by: &str,
    filter: &str,
    values: Vec<Value>,
) -> Result<Vec<Record>, JournalError> {
    let order = bounds.order;
    let sql = format!("SELECT {COLUMNS} FROM {from} AND arrived <= ?3{filter} ORDER BY {by} {order} LIMIT ?4");
    let failed = |error: rusqlite::Error| place.error(&error);
    let mut statement = connection.prepare_cached(&sql).map_err(failed)?;
    let mut found = statement.query(params_from_iter(parameters(bounds, values))).map_err(failed)?;
    let mut records = Vec::new();
    let mut bytes = 0;
    while let Some(row) = found.next().map_err(failed)? {
        let record = finish(place, connection, raw(row).map_err(failed)?)?;
        bytes += record.body.len();
        records.push(record);
        if bytes >= bounds.bytes {
            break;
        }
    }
    Ok(records)
}

/// By kind: the first places of each kind from its index, the first of them all together, then their rows.
fn of_kinds(
    place: &Place,
    connection: &Connection,
    bounds: &Bounds,
    kinds: &[Kind],
) -> Result<Vec<Record>, JournalError> {
    let failed = |error: rusqlite::Error| place.error(&error);
    let order = bounds.order;
    let known = if bounds.known_at.is_some() { "AND arrived <= ?3" } else { "AND ?3 IS NOT NULL" };
    let sql = format!(
        "SELECT seq FROM entries INDEXED BY entries_by_kind
         WHERE kind = ?5 AND seq > ?1 AND seq <= ?2 {known} ORDER BY seq {order} LIMIT ?4"
    );
    let mut statement = connection.prepare_cached(&sql).map_err(failed)?;
    let mut places: Vec<i64> = Vec::new();
    for kind in kinds {
        let values = parameters(bounds, vec![Value::Text(kind.name().to_owned())]);
        let found = statement.query_map(params_from_iter(values), |row| row.get(0)).map_err(failed)?;
        for seq in found {
            places.push(seq.map_err(failed)?);
        }
    }
    places.sort_unstable();
    places.dedup();
    if order == "DESC" {
        places.reverse();
    }
    places.truncate(bounds.limit);
    let mut statement =
        connection.prepare_cached(&format!("SELECT {COLUMNS} FROM entries WHERE seq = ?1")).map_err(failed)?;
    let mut records = Vec::new();
    let mut bytes = 0;
    for seq in places {
        let found = statement.query_row([seq], raw).map_err(failed)?;
        let record = finish(place, connection, found)?;
        bytes += record.body.len();
        records.push(record);
        if bytes >= bounds.bytes {
            break;
        }
    }
    Ok(records)
}
