//! Steps that ask over the network: statements, queries and requests, with places for inputs where a value stays a value.

use std::collections::BTreeSet;

use crate::event::Untrusted;

use super::attributes::Attributes;
use super::places::Signs;
use super::steps::{Found, Steps};
use super::template::{Fit, Piece, Template};
use super::types::{Action, Host, Mode};
use super::{effects, reading, sql};

impl Steps<'_> {
    pub(super) fn sql(&mut self, attributes: &Attributes<'_>, text: &str, line: u32) -> Found {
        let statement = sql::template(text, self.places, line).unwrap_or_else(|(at, what)| {
            self.says.error(at, what);
            Template::text(text)
        });
        // An input is a literal there, whatever its value is.
        let shown: String = statement
            .0
            .iter()
            .map(|piece| match piece {
                Piece::Text(text) => text.as_str(),
                Piece::Input { fit: Fit::SqlLiteral, .. } => "'x'",
                Piece::Input { .. } => "x",
            })
            .collect();
        let reads = sql::reads(&shown, reading::functions());
        let mode = if reads.is_ok() { Mode::Read } else { Mode::Write };
        Found {
            does: effects::of_sql(&shown, mode),
            shown: reads.map(|what| format!("{what}, in a transaction that only reads")),
            action: Action::Sql { database: attributes.get("database").map(Untrusted::from), statement },
            shell: false,
            hosts: Vec::new(),
        }
    }

    pub(super) fn promql(&mut self, text: &str, line: u32) -> Found {
        let query = self.quoting(text.trim(), line, Fit::Plain);
        Found {
            action: Action::Promql(query),
            shown: Ok("a query of Prometheus only reads".to_owned()),
            shell: false,
            does: effects::Does::NOTHING,
            hosts: Vec::new(),
        }
    }

    /// A text with places for inputs, which are escaped inside double and single quotes and fit as `outside` elsewhere.
    fn quoting(&mut self, text: &str, line: u32, outside: Fit) -> Template {
        let none = BTreeSet::new();
        let mut pieces: Vec<Piece> = Vec::new();
        let (mut rest, mut line, mut inside) = (text, line, None);
        while let Some(c) = rest.chars().next() {
            if let Some((length, name)) = self.places.at(rest, None, Signs::Declared, &none, line) {
                let fit = if matches!(inside, Some('"' | '\'')) { Fit::Quoted } else { outside };
                pieces.push(Piece::Input { name, fit });
                rest = &rest[length..];
                continue;
            }
            let mut taken = c.len_utf8();
            inside = match (inside, c) {
                (None, '"' | '\'' | '`') => Some(c),
                (Some('"' | '\''), '\\') => {
                    taken += rest[taken..].chars().next().map_or(0, char::len_utf8);
                    inside
                }
                (Some(quote), c) if quote == c => None,
                (inside, _) => inside,
            };
            line += u32::from(c == '\n');
            match pieces.last_mut() {
                Some(Piece::Text(before)) => before.push_str(&rest[..taken]),
                _ => pieces.push(Piece::Text(rest[..taken].to_owned())),
            }
            rest = &rest[taken..];
        }
        Template(pieces)
    }

    pub(super) fn http(&mut self, text: &str, line: u32) -> Found {
        let bad = |what: &str| Found {
            action: Action::Http { method: "?".into(), url: Template::text(""), body: Template::text(text) },
            shown: Err(what.to_owned()),
            shell: false,
            does: effects::of_http("?", "", Mode::Write),
            hosts: Vec::new(),
        };
        let mut lines = text.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with('#')).peekable();
        while lines.next_if(|(_, line)| line.trim().is_empty()).is_some() {}
        let Some((nth, request)) = lines.next() else { return bad("there is no request in it") };
        let at = line + u32::try_from(nth).unwrap_or(0);
        let mut parts = request.split_whitespace();
        let (method, address) = match (parts.next(), parts.next()) {
            (Some(method), Some(address)) if method.bytes().all(|byte| byte.is_ascii_alphabetic()) => {
                (method.to_ascii_uppercase(), address)
            }
            (Some(address), None) if address.contains("://") => ("GET".to_owned(), address),
            _ => {
                self.says.error(at, "the block begins with a method and an address: GET https://host/path");
                return bad("it is no request");
            }
        };
        // Long queries are parted over lines that begin with ? or &.
        let mut address = address.to_owned();
        while let Some((_, more)) = lines.next_if(|(_, line)| line.trim_start().starts_with(['?', '&'])) {
            address.push_str(more.trim());
        }
        while let Some((nth, header)) = lines.next_if(|(_, line)| !line.trim().is_empty()) {
            let name = header.split(':').next().unwrap_or_default().trim().to_ascii_lowercase();
            if !matches!(name.as_str(), "accept" | "content-type" | "user-agent") {
                let what = format!("the header {name:?} is not sent: credentials belong in the configuration");
                self.says.warn(line + u32::try_from(nth).unwrap_or(0), what);
            }
        }
        let body = lines.map(|(_, line)| line).collect::<Vec<_>>().join("\n");
        let body = body.trim();
        let (url, hosts) = match self.url(&address, at) {
            Ok(found) => found,
            Err(what) => {
                self.says.error(at, what.clone());
                return bad(&what);
            }
        };
        let looks = matches!(method.as_str(), "GET" | "HEAD") && body.is_empty();
        let mode = if looks { Mode::Read } else { Mode::Write };
        let why = if body.is_empty() { format!("{method} may change something") } else { "it sends a body".to_owned() };
        let body = self.json(body, at);
        Found {
            does: effects::of_http(&method, &address, mode),
            shown: if looks { Ok(format!("{method} only reads")) } else { Err(why) },
            action: Action::Http { method: method.into(), url, body },
            shell: false,
            hosts,
        }
    }

    /// An address with places for inputs behind its host only.
    fn url(&mut self, text: &str, line: u32) -> Result<(Template, Vec<Host>), String> {
        let none = BTreeSet::new();
        let mut pieces: Vec<Piece> = Vec::new();
        let (mut rest, mut plain) = (text, String::new());
        let mut behind_host = false;
        while let Some(c) = rest.chars().next() {
            if let Some((length, name)) = self.places.at(rest, None, Signs::Blanks, &none, line) {
                if !behind_host {
                    return Err(format!("{name} would choose the host: write out which one is asked"));
                }
                pieces.push(Piece::Input { name, fit: Fit::Url });
                plain.push('x');
                rest = &rest[length..];
                continue;
            }
            plain.push(c);
            // Behind `scheme://host` comes a slash or a question mark.
            behind_host |= matches!(c, '/' | '?' | '#') && plain.find("://").is_some_and(|at| plain.len() > at + 3);
            match pieces.last_mut() {
                Some(Piece::Text(before)) => before.push(c),
                _ => pieces.push(Piece::Text(c.to_string())),
            }
            rest = &rest[c.len_utf8()..];
        }
        let url =
            url::Url::parse(&plain).map_err(|error| format!("{text:?} is no address ({error}): https://host/path"))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(format!("{text:?} must begin with http:// or https://"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("a name or password in an address ends up in the record".to_owned());
        }
        let host = url.host_str().zip(url.port_or_known_default()).map(|(name, port)| Host { name: name.into(), port });
        Ok((Template(pieces), host.into_iter().collect()))
    }

    /// A body; with inputs in it, it must be JSON and they stand inside its strings.
    fn json(&mut self, body: &str, line: u32) -> Template {
        let template = self.quoting(body, line, Fit::Plain);
        let outside = template.0.iter().any(|piece| matches!(piece, Piece::Input { fit: Fit::Plain, .. }));
        if template.inputs().next().is_some() {
            let shown: String = template
                .0
                .iter()
                .map(|piece| match piece {
                    Piece::Text(text) => text.as_str(),
                    Piece::Input { .. } => "0",
                })
                .collect();
            if serde_json::from_str::<serde::de::IgnoredAny>(&shown).is_err() || outside {
                self.says.error(line, "a body with inputs is JSON, and they stand inside its strings: \"{{name}}\"");
                return Template::text(body);
            }
        }
        template
    }
}
