//! The one table of what can be done. Dispatch, palette (`:`), help (`?`), footer and `docs/keys.md` are made of it.

/// Where an action can be called, and the section of a keymap file that binds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// Moving about, in panes and in everything that scrolls.
    Move,
    /// Among the panes.
    Room,
    /// In a layer that shows something: help, a detail, a diff, a list.
    Viewer,
    /// In the output reader.
    Reader,
    /// On the triage walk.
    Triage,
    /// Where recorded runs are run again.
    Replay,
    /// In a dialog that asks for a yes.
    Dialog,
    /// In a line where something is typed: palette, search.
    Input,
    /// In a text of several lines.
    Editor,
}

impl Place {
    /// Every place.
    pub const ALL: [Self; 9] = [
        Self::Move,
        Self::Room,
        Self::Viewer,
        Self::Reader,
        Self::Triage,
        Self::Replay,
        Self::Dialog,
        Self::Input,
        Self::Editor,
    ];

    /// Its section's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Move => "move",
            Self::Room => "room",
            Self::Viewer => "viewer",
            Self::Reader => "reader",
            Self::Triage => "triage",
            Self::Replay => "replay",
            Self::Dialog => "dialog",
            Self::Input => "input",
            Self::Editor => "editor",
        }
    }

    /// What a person reads above its keys.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Move => "Moving, everywhere",
            Self::Room => "Among the panes",
            Self::Viewer => "In an opened thing or a list",
            Self::Reader => "While reading outputs",
            Self::Triage => "On the triage walk",
            Self::Replay => "While a step or recorded runs run",
            Self::Dialog => "In a dialog that asks",
            Self::Input => "In the palette and the search",
            Self::Editor => "While writing",
        }
    }
}

/// One row of the table.
#[derive(Debug)]
pub struct About {
    /// Which.
    pub action: Action,
    /// Its name in the palette, in keymap files and in the docs.
    pub name: &'static str,
    /// What it does, from the first word on: "accept the hypothesis".
    pub does: &'static str,
    /// One or two words for the footer.
    pub short: &'static str,
    /// Where it is bound.
    pub place: Place,
    /// What has to follow its name in the palette, if anything can: `NAME`, `[MINUTES]`.
    pub argument: Option<&'static str>,
}

macro_rules! argument {
    () => {
        None
    };
    ($argument:literal) => {
        Some($argument)
    };
}

macro_rules! actions {
    ($($place:ident { $($name:ident $text:literal $([$argument:literal])? $short:literal: $does:literal;)* })*) => {
        /// Something a person can do at the console.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Action {
            $($(
                #[doc = $does]
                $name,
            )*)*
        }

        /// The table.
        pub static ACTIONS: &[About] = &[$($(
            About {
                action: Action::$name,
                name: $text,
                does: $does,
                short: $short,
                place: Place::$place,
                argument: argument!($($argument)?),
            },
        )*)*];
    };
}

// variant  name [argument]  footer word : what it does
actions! {
    Move {
        Up "up" "up": "one row up";
        Down "down" "down": "one row down";
        Left "left" "left": "to the left: fold, the side before";
        Right "right" "right": "to the right: unfold, the side after";
        PageUp "page-up" "page up": "one page up";
        PageDown "page-down" "page down": "one page down";
        HalfUp "half-up" "half up": "half a page up";
        HalfDown "half-down" "half down": "half a page down";
        Top "top" "top": "to the first row";
        Bottom "bottom" "bottom": "to the last row";
    }
    Room {
        Open "open" "open": "open what is under the cursor";
        First "first-look" "first look": "everything for the first twenty minutes on one sheet";
        Accept "accept" "accept": "accept the hypothesis";
        Modify "modify" "modify": "accept it with another cause";
        Reject "reject" "reject": "reject the hypothesis";
        Diff "diff" "diff": "open the diff of the most suspicious change, or of the one under the cursor";
        Compare "compare" ["[A | B]"] "compare": "compare what runs are made of at any two moments or in any two slices";
        Stops "stops" ["[WHICH]"] "how runs ended": "how runs ended, over time and by what they were made of";
        Act "act" "act": "open the plan that waits, or propose one";
        Runbooks "runbooks" "runbooks": "runbooks that fit: look with their steps, or propose a change";
        Harm "harm" "harm": "whom it harmed, what cannot be undone, what can be stopped, and what is frozen";
        Call "call" ["[NAME] [WHY]"] "call": "propose to call somebody whom the configuration names";
        Cancel "cancel" ["[WHY]"] "stop action": "stop the running action where it is, whoever approved it";
        Halt "halt" ["WHY"] "halt changes": "switch all changes off, for everybody, until somebody lets them run again";
        Unhalt "let-run" ["WHY"] "let changes run": "let changes run again after a halt";
        Silence "silence" ["[MINUTES]"] "silence": "propose to silence the alerts under the cursor";
        Freeze "freeze" ["[off | MINUTES SERVICE … SURFACE …]"] "freeze": "propose to hold further changes to what fails, through the team's own hook, or to let them go on";
        Reconcile "reconcile" "look again": "look again at the target of an action whose outcome is unknown; nothing is sent again";
        Own "own" "own": "take the incident";
        Severity "severity" "severity": "set how severe it is, with what the rubric suggests and why";
        Note "note" "note": "write a note";
        Hunch "hunch" "hunch": "write down a guess before looking";
        Reveal "reveal" "reveal": "see the hypotheses without writing a hunch first, where they wait for one";
        Resolve "resolve" "resolve": "declare the incident over";
        Confirm "confirm" "confirm": "confirm what the cause really was";
        Split "split" "split": "make the marked alerts an incident of their own";
        Merge "merge" ["INC-N"] "merge": "make this incident part of another";
        Lock "lock" "lock": "let no alert join or leave by itself";
        Read "read" ["[KIND]"] "read outputs": "read outputs from before and since, or of two kinds of runs, without knowing which";
        Triage "triage" "triage": "walk over what an AI feature is made of, one question at a time";
        Replay "replay" "replay": "run recorded runs again with another prompt, model or tools, and see which fails more";
        Mark "mark" "mark": "mark or unmark what is under the cursor";
        Filter "filter" ["[WORDS]"] "filter": "show only what matches";
        Toggle "toggle" "toggle": "the other way to look at it: waterfall or turns, side by side or in line";
        Incidents "incidents" "incidents": "choose among the incidents";
        NextIncident "next-incident" "next": "to the next incident";
        PreviousIncident "previous-incident" "previous": "to the incident before";
        FocusNext "focus-next" "next pane": "to the next pane";
        FocusPrevious "focus-previous" "pane before": "to the pane before";
        Pane1 "pane-incidents" "incidents": "to the pane of incidents";
        Pane2 "pane-alerts" "alerts": "to the pane of alerts";
        Pane3 "pane-timeline" "timeline": "to the timeline";
        Pane4 "pane-hypotheses" "hypotheses": "to the hypotheses";
        Pane5 "pane-changes" "changed": "to what changed";
        Pane6 "pane-runs" "runs": "to the agent runs";
        Pane7 "pane-actions" "actions": "to the actions";
        Pane8 "pane-notes" "notes": "to notes, hunches and decisions";
        Pane9 "pane-accuracy" "accuracy": "to the record of judgement";
        Pane10 "pane-sources" "sources": "to the sources: who was heard of, what was refused, limits reached";
        Zoom "zoom" "zoom": "this pane alone, or all of them again";
        Join "join" "join": "let in what arrived while reading, or hold it back";
        StepBack "step-back" "wind back": "wind the time back by one entry";
        StepForward "step-forward" "forward": "forward by one entry";
        JumpBack "jump-back" "back 5 min": "wind the time back by five minutes";
        JumpForward "jump-forward" "forward 5 min": "forward by five minutes";
        Goto "goto" ["TIME"] "go to": "wind to a moment: 02:53, 02:53:10, -15m, or a whole date and time";
        Live "live" "live": "back to now";
        Find "find" "find": "find an incident, alert, change, run or event";
        Palette "palette" "command": "any command by its name";
        Help "help" "keys": "the keys that work here";
        Messages "messages" "messages": "the messages so far";
        Copy "copy" "copy": "copy what is under the cursor to your own clipboard (OSC 52)";
        Theme "theme" ["NAME"] "theme": "another theme: a name or a file";
        Keymap "keymap" ["NAME"] "keymap": "another keymap: a name or a file";
        Reload "reload" "reload": "read the theme and the keymap again";
        Redraw "redraw" "redraw": "draw the whole screen again";
        Back "back" "back": "close what is open, undo the filter, leave the zoom";
        Suspend "suspend" "suspend": "stop the console and go to the shell (fg comes back)";
        Quit "quit" "quit": "leave the console; nothing is lost";
    }
    Viewer {
        ViewClose "close" "close": "close it";
        ViewOpen "choose" "open": "open what is under the cursor";
        ViewToggle "view-toggle" "other view": "the other way to look at it";
        ViewCopy "view-copy" "copy": "copy it to your own clipboard (OSC 52)";
        ViewNext "view-next" "next": "to the next place: a hit, a change, a suspicious step";
        ViewPrevious "view-previous" "previous": "to the place before";
        ViewFind "view-find" "find": "find words in it; then n and N go from one to the next";
        ViewBeside "view-beside" "beside a good one": "hold the step against the same step of a good run";
        ViewReplay "view-replay" "replay": "run this run again with another prompt, model or tools; or another replay";
        ViewChoose "view-choose" "choose": "choose what is compared or counted";
        ViewMark "view-mark" "its status": "set the status of what was harmed to the next: open, told, repaired, harmless, lost";
        ViewCall "view-call" "call": "propose to call whom this escalation point names";
        ViewHelp "view-help" "keys": "the keys that work here";
    }
    Reader {
        Good "good" "good": "this output is right";
        Bad "bad" "bad": "this output is wrong";
        Unsure "unsure" "unsure": "it cannot be told";
        Skip "skip" "skip": "say nothing of this one";
        Undo "undo" "undo": "take the last answer back";
        Sides "sides" "other kinds": "read other kinds of runs against each other, before the first answer";
        ReadUp "read-up" "back up": "up in the output";
        ReadDown "read-down" "more": "down in the output";
    }
    Replay {
        ReplayStop "replay-stop" "stop": "stop what runs here; what it found until then stays";
    }
    Triage {
        Answer1 "answer-1" "1st": "the first answer";
        Answer2 "answer-2" "2nd": "the second answer";
        Answer3 "answer-3" "3rd": "the third answer";
        Answer4 "answer-4" "4th": "the fourth answer";
        Answer5 "answer-5" "5th": "the fifth answer";
        Answer6 "answer-6" "6th": "the sixth answer";
    }
    Dialog {
        Yes "yes" "yes": "do it, once all of it was on the screen";
        No "no" "no": "do not; a plan goes on waiting";
        Refuse "refuse" "refuse": "refuse the plan for good, with a reason";
        Glass "break-glass" "emergency": "approve without the second person it asks for, with a reason: everybody sees it, for good";
        CallFirst "call-first" "call": "propose to call whoever must be called before this plan";
        Enter "default" "default": "the safe answer: to a plan it is no, to a form it is record";
        FieldNext "field-next" "next field": "to the next field";
        FieldPrevious "field-previous" "field before": "to the field before";
    }
    Input {
        InputAccept "input-accept" "run": "take what is marked";
        InputCancel "input-cancel" "cancel": "close it";
        InputUp "input-up" "up": "to the row above";
        InputDown "input-down" "down": "to the row below";
        InputComplete "input-complete" "complete": "complete the name";
        InputClear "input-clear" "clear": "empty the line";
    }
    Editor {
        EditorDone "editor-done" "record": "record what was written";
        EditorCancel "editor-cancel" "cancel": "close it; the draft is kept";
    }
}

impl Action {
    /// Its row.
    #[must_use]
    pub fn about(self) -> &'static About {
        &ACTIONS[self as usize]
    }

    /// The action of that name.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        ACTIONS.iter().find(|about| about.name == name).map(|about| about.action)
    }
}

/// An action with what was typed after its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// Which.
    pub action: Action,
    /// What followed.
    pub argument: Option<String>,
}

impl From<Action> for Command {
    fn from(action: Action) -> Self {
        Self { action, argument: None }
    }
}

impl Command {
    /// Reads `name argument`, as typed in the palette.
    #[must_use]
    pub fn parse(line: &str) -> Option<Self> {
        let (name, argument) = line.trim().split_once(char::is_whitespace).unwrap_or((line.trim(), ""));
        let argument = argument.trim();
        Some(Self { action: Action::of_name(name)?, argument: (!argument.is_empty()).then(|| argument.to_owned()) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_table_is_in_the_order_of_the_actions_and_names_are_unique() {
        let names: BTreeSet<_> = ACTIONS.iter().map(|about| about.name).collect();
        assert_eq!(names.len(), ACTIONS.len());
        for about in ACTIONS {
            assert_eq!(about.action.about().name, about.name);
            assert_eq!(Action::of_name(about.name), Some(about.action));
        }
    }

    #[test]
    fn a_typed_command_is_read_with_its_argument() {
        let command = Command::parse("  theme   high-contrast ").expect("a command");
        assert_eq!((command.action, command.argument.as_deref()), (Action::Theme, Some("high-contrast")));
        assert_eq!(Command::parse("quit"), Some(Action::Quit.into()));
        assert_eq!(Command::parse("rm -rf"), None);
    }
}
