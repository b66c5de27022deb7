//! Which keys call which actions: a trie for each context, read from a file, conflicts refused.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use toml::Spanned;

use super::action::{ACTIONS, Action, Place};
use super::key::{self, Key};
use super::shelf::{BadFile, Shelf};

/// What is in front when a key arrives; says which sections of the keymap hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Context {
    /// The panes.
    Room,
    /// A layer that shows something.
    Viewer,
    /// The output reader.
    Reader,
    /// The triage walk.
    Triage,
    /// A replay.
    Replay,
    /// A dialog.
    Dialog,
    /// A line being typed.
    Input,
    /// A text being written.
    Editor,
}

impl Context {
    /// Every context.
    pub const ALL: [Self; 8] =
        [Self::Room, Self::Viewer, Self::Reader, Self::Triage, Self::Replay, Self::Dialog, Self::Input, Self::Editor];

    /// The sections that hold in it.
    #[must_use]
    pub fn places(self) -> &'static [Place] {
        match self {
            Self::Room => &[Place::Room, Place::Move],
            Self::Viewer => &[Place::Viewer, Place::Move],
            // One key an answer: nothing that begins a sequence of keys.
            Self::Reader => &[Place::Reader, Place::Viewer],
            Self::Triage => &[Place::Triage, Place::Viewer, Place::Move],
            Self::Replay => &[Place::Replay, Place::Viewer, Place::Move],
            Self::Dialog => &[Place::Dialog, Place::Move],
            Self::Input => &[Place::Input],
            Self::Editor => &[Place::Editor],
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Node {
    Leaf(Action),
    Branch(HashMap<Key, Node>),
}

/// What a sequence of keys means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// Nothing.
    Nothing,
    /// The beginning of something.
    Begins,
    /// This.
    Does(Action),
}

/// A keymap without conflicts.
#[derive(Clone, Debug, PartialEq)]
pub struct Keymap {
    /// Its name.
    pub name: String,
    tries: BTreeMap<Context, Node>,
    keys: BTreeMap<Action, Vec<Vec<Key>>>,
}

type Bindings = BTreeMap<Spanned<String>, Vec<Spanned<String>>>;

impl Keymap {
    /// Reads the keymap `name`; `own` is the person's folder.
    ///
    /// # Errors
    /// What is wrong and where, as one line.
    pub fn load(name: &str, own: Option<&Path>) -> Result<Self, String> {
        let found = Shelf::Keymaps.find(name, own)?;
        Self::parse(name, &found.place, &found.text).map_err(|error| error.to_string())
    }

    /// Reads a keymap's text; `place` is what to call it in errors.
    ///
    /// # Errors
    /// An unknown section or action, what is no key, or two actions on one key, with its place.
    pub fn parse(name: &str, place: &str, text: &str) -> Result<Self, BadFile> {
        let sections: BTreeMap<Spanned<String>, Bindings> =
            toml::from_str(text).map_err(|error| BadFile::of_toml(place, text, &error))?;
        let mut keymap = Self {
            name: name.to_owned(),
            tries: Context::ALL.iter().map(|context| (*context, Node::Branch(HashMap::new()))).collect(),
            keys: BTreeMap::new(),
        };
        for (section, bindings) in &sections {
            let bad = |at: usize, what: String| BadFile::at(place, text, at, what);
            let Some(at) = Place::ALL.iter().find(|known| known.name() == section.get_ref()) else {
                let known = Place::ALL.map(Place::name).join(", ");
                return Err(bad(section.span().start, format!("no section [{}]: {known}", section.get_ref())));
            };
            for (action, sequences) in bindings {
                let Some(about) = ACTIONS.iter().find(|about| about.name == action.get_ref() && about.place == *at)
                else {
                    let what =
                        format!("no action {:?} in [{}]; docs/keys.md lists them", action.get_ref(), section.get_ref());
                    return Err(bad(action.span().start, what));
                };
                for sequence in sequences {
                    let keys = key::sequence(sequence.get_ref())
                        .and_then(|keys| keymap.bind(about.action, *at, keys))
                        .map_err(|what| bad(sequence.span().start, what))?;
                    keymap.keys.entry(about.action).or_default().push(keys);
                }
            }
        }
        Ok(keymap)
    }

    fn bind(&mut self, action: Action, place: Place, keys: Vec<Key>) -> Result<Vec<Key>, String> {
        for (context, trie) in &mut self.tries {
            if !context.places().contains(&place) {
                continue;
            }
            let mut node = trie;
            for (nth, key) in keys.iter().enumerate() {
                let Node::Branch(branch) = node else { unreachable!("leaves are never walked into") };
                let last = nth + 1 == keys.len();
                let next = branch.entry(*key);
                node = match next {
                    std::collections::hash_map::Entry::Vacant(free) => {
                        free.insert(if last { Node::Leaf(action) } else { Node::Branch(HashMap::new()) })
                    }
                    std::collections::hash_map::Entry::Occupied(taken) => {
                        let taken = taken.into_mut();
                        match taken {
                            Node::Leaf(other) => {
                                return Err(format!(
                                    "{} is taken by {:?}{}",
                                    key::written(&keys[..=nth]),
                                    other.about().name,
                                    if last { "" } else { ", so nothing longer can begin with it" }
                                ));
                            }
                            Node::Branch(_) if last => {
                                return Err(format!(
                                    "{} begins longer sequences, so it cannot mean something by itself",
                                    key::written(&keys)
                                ));
                            }
                            Node::Branch(_) => taken,
                        }
                    }
                };
            }
        }
        Ok(keys)
    }

    /// What `keys` mean in `context`.
    #[must_use]
    pub fn meaning(&self, context: Context, keys: &[Key]) -> Meaning {
        let mut node = self.tries.get(&context);
        for key in keys {
            node = match node {
                Some(Node::Branch(branch)) => branch.get(key),
                _ => None,
            };
        }
        match node {
            Some(Node::Leaf(action)) => Meaning::Does(*action),
            Some(Node::Branch(_)) => Meaning::Begins,
            None => Meaning::Nothing,
        }
    }

    /// The key sequences of `action`, the first one first; empty when it has none.
    #[must_use]
    pub fn keys(&self, action: Action) -> &[Vec<Key>] {
        self.keys.get(&action).map_or(&[], Vec::as_slice)
    }

    /// The first key sequence of `action`, written out; `None` when it has none.
    #[must_use]
    pub fn first(&self, action: Action) -> Option<String> {
        self.keys(action).first().map(|keys| key::written(keys))
    }

    /// What can follow `keys` in `context`: the rest and what it does.
    #[must_use]
    pub fn continuations(&self, context: Context, keys: &[Key]) -> Vec<(String, Action)> {
        let mut out = Vec::new();
        for (action, sequences) in &self.keys {
            if !context.places().contains(&action.about().place) {
                continue;
            }
            for sequence in sequences {
                if sequence.len() > keys.len() && sequence.starts_with(keys) {
                    out.push((key::written(&sequence[keys.len()..]), *action));
                }
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(text: &str) -> Vec<Key> {
        key::sequence(text).expect("keys")
    }

    #[test]
    fn the_built_in_keymaps_reach_every_action_that_needs_no_argument() {
        for name in Shelf::Keymaps.names() {
            let keymap = Keymap::load(name, None).unwrap_or_else(|error| panic!("{error}"));
            let without: Vec<_> = ACTIONS
                .iter()
                .filter(|about| about.argument.is_none() && keymap.keys(about.action).is_empty())
                .map(|about| about.name)
                .collect();
            // These are for the palette; a key for each would only be in the way.
            let palette_only = ["lock", "split", "reload"];
            assert!(without.iter().all(|name| palette_only.contains(name)), "{name}: {without:?}");
        }
    }

    #[test]
    fn sequences_are_walked_key_by_key() {
        let keymap = Keymap::load("vim", None).expect("a keymap");
        assert_eq!(keymap.meaning(Context::Room, &keys("g")), Meaning::Begins);
        assert_eq!(keymap.meaning(Context::Room, &keys("g g")), Meaning::Does(Action::Top));
        assert_eq!(keymap.meaning(Context::Room, &keys("g x")), Meaning::Nothing);
        assert_eq!(keymap.meaning(Context::Input, &keys("j")), Meaning::Nothing);
    }

    #[test]
    fn fault_70_a_conflict_is_refused_with_its_line() {
        let two = "[room]\nquit = [\"q\"]\nopen = [\"enter\", \"q\"]\n";
        let error = Keymap::parse("mine", "mine.toml", two).expect_err("q twice").to_string();
        assert!(error.starts_with("mine.toml:2:") || error.starts_with("mine.toml:3:"), "{error}");
        assert!(error.contains("taken by"), "{error}");
        let across = "[move]\nup = [\"k\"]\n[room]\nquit = [\"k\"]\n";
        assert!(Keymap::parse("mine", "mine.toml", across).is_err());
        let prefix = "[room]\nquit = [\"g\"]\nopen = [\"g g\"]\n";
        assert!(Keymap::parse("mine", "mine.toml", prefix).is_err());
        let apart = "[room]\nquit = [\"q\"]\n[viewer]\nclose = [\"q\"]\n";
        assert!(Keymap::parse("mine", "mine.toml", apart).is_ok());
    }

    #[test]
    fn fault_70_an_unknown_section_action_or_key_is_refused_with_its_line() {
        for (text, line, word) in [
            ("[rooms]\nquit = [\"q\"]\n", 1, "rooms"),
            ("[room]\n\nleave = [\"q\"]\n", 3, "leave"),
            ("[move]\nquit = [\"q\"]\n", 2, "quit"),
            ("[room]\nquit = [\"qq\"]\n", 2, "qq"),
            ("[room]\nquit = [\n", 2, ""),
            ("[room]\nquit = \"q\"\n", 2, ""),
        ] {
            let error = Keymap::parse("mine", "mine.toml", text).expect_err(text);
            assert_eq!(error.line, line, "{error}");
            assert!(error.what.contains(word), "{error}");
        }
    }
}
