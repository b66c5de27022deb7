//! Items gathered into journal entries of bounded size.

use std::collections::BTreeSet;

use super::{Item, Sender, Sink};
use crate::event::{Digest, Resource, Time, TraceId};
use crate::intake::{key, limits};
use crate::journal::{Draft, term};

/// Gathers items into drafts, in the order they come; a new one is begun when one is full.
pub struct Entries<T> {
    key: String,
    drafts: Vec<Draft>,
    open: Option<Open<T>>,
}

struct Open<T> {
    resources: Vec<Resource<T>>,
    /// Whose the last resource is.
    sender: Sender,
    items: u64,
    bytes: usize,
    known: Time,
    traces: BTreeSet<TraceId>,
}

impl<T: Item> Entries<T> {
    /// Entries named by the body they come from.
    #[must_use]
    pub fn of(body: &[u8]) -> Self {
        Self::named(key::telemetry(Digest::of(body)))
    }

    /// Entries of this key.
    pub(in crate::intake) fn named(key: String) -> Self {
        Self { key, drafts: Vec::new(), open: None }
    }

    /// The drafts.
    #[must_use]
    pub fn done(mut self) -> Vec<Draft> {
        self.close();
        self.drafts
    }

    fn close(&mut self) {
        if let Some(open) = self.open.take() {
            let key = key::part(&self.key, self.drafts.len());
            let mut draft = Draft::new(open.known, key, &T::fact(open.resources));
            draft.terms.extend(open.traces.into_iter().map(term::trace));
            self.drafts.push(draft);
        }
    }
}

impl<T: Item> Sink<T> for Entries<T> {
    fn take(&mut self, sender: &Sender, item: T, size: usize) {
        let full = |open: &Open<T>| {
            open.items >= limits::ENTRY_ITEMS || open.bytes.saturating_add(size) > limits::size(limits::ENTRY_BYTES)
        };
        if self.open.as_ref().is_some_and(full) {
            self.close();
        }
        let open = self.open.get_or_insert_with(|| Open {
            resources: Vec::new(),
            sender: Sender::default(),
            items: 0,
            bytes: 0,
            known: Time::UNIX_EPOCH,
            traces: BTreeSet::new(),
        });
        open.items += 1;
        open.bytes = open.bytes.saturating_add(size);
        open.known = open.known.max(item.known());
        open.traces.extend(item.trace());
        match open.resources.last_mut() {
            Some(last) if open.sender == *sender => last.items.push(item),
            _ => {
                open.sender.clone_from(sender);
                let Sender { service, attributes } = sender.clone();
                open.resources.push(Resource { service, attributes, items: vec![item] });
            }
        }
    }
}
