//! The component an incident most likely began in.

use crate::event::Untrusted;

use super::graph::Graph;
use super::group::Group;
use super::reach::Routes;
use super::story::Story;

/// The likeliest root component of an incident.
#[derive(Clone, Debug, PartialEq)]
pub struct Root {
    /// The component.
    pub component: Untrusted,
    /// Why, in words.
    pub why: Untrusted,
}

/// Finds the root: the source of the story that accounts best for the earliest alerts.
pub(super) fn find(group: &Group, graph: &Graph) -> Option<Root> {
    group.first?;
    let story = match &group.story {
        Some(story) => story.clone(),
        None => Story::of(group.early.iter(), None, graph, &mut Routes::default()),
    };
    let others = group.moved.keys().filter(|name| **name != story.source).count();
    let when = if story.onset < 0.0 {
        format!("about {:.0} s before the first alert", -story.onset)
    } else {
        format!("about {:.0} s after the first alert", story.onset)
    };
    let own = match (group.moved.contains_key(&story.source), story.inside) {
        (true, true) => "; it is ill itself",
        (true, false) => "",
        (false, _) => "; it raises no alert itself",
    };
    let why = format!(
        "trouble that began in it {when} would reach the {others} other components one call after another{own}"
    );
    Some(Root { component: story.source, why: why.into() })
}
