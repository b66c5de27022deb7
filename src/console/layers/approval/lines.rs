//! A plan, laid out so that nothing of it can hide.

use ratatui::text::Line;

use crate::console::action::Action;
use crate::console::glyph::Glyphs;
use crate::console::pane::Cx;
use crate::console::safe;
use crate::console::theme::Role;
use crate::event::{Plan, PlanId, Policy, Purpose, Request, Untrusted};
use crate::response::{asks, environment};

/// Blanks in a row from which on each is shown as a sign.
const LONG_BLANK: usize = 3;

/// Whether everything that runs is printable ASCII, so that it looks like what it is.
pub(super) fn is_plain(plan: &Plan) -> bool {
    let texts = plan.requests().flat_map(Request::texts).chain(plan.targets.iter().flat_map(|t| [&t.kind, &t.name]));
    texts.into_iter().all(|text| text.raw().bytes().all(|b| b == b' ' || b == b'\n' || b.is_ascii_graphic()))
}

pub(super) fn lay_out(plan: &Plan, id: PlanId, cx: &Cx<'_>, glyphs: &'static Glyphs) -> Vec<Line<'static>> {
    let mut page = Page { out: Vec::new(), cx, glyphs };
    page.whose(plan, id);
    page.reach(plan);
    page.runs(plan);
    page.beside(plan);
    page.out
}

/// The page on which a plan is laid out, from the top.
struct Page<'c, 'a> {
    out: Vec<Line<'static>>,
    cx: &'c Cx<'a>,
    glyphs: &'static Glyphs,
}

impl Page<'_, '_> {
    fn line(&mut self, text: &str, role: Role) {
        self.out.push(Line::from(safe::made(text, self.cx.of(role))));
    }

    fn heading(&mut self, what: &str) {
        self.out.push(Line::default());
        self.line(what, Role::Title);
    }

    /// Words, broken between them.
    fn words(&mut self, text: &str, role: Role) {
        for line in safe::wrap(text, self.cx.area.width) {
            self.line(&line, role);
        }
    }

    /// Something exact, broken wherever the line ends.
    fn exact(&mut self, text: &str, role: Role) {
        for line in chunks(text, self.cx.area.width) {
            self.line(&line, role);
        }
    }

    fn quoted(&mut self, text: &Untrusted) {
        quoted(&mut self.out, text, Policy::Prose, self.cx, self.glyphs);
    }

    /// What it is, who proposed it, and its identity.
    fn whose(&mut self, plan: &Plan, id: PlanId) {
        self.quoted(&plan.title);
        let whose = format!(
            "proposed by {} · policy {} · approve by {} · serves {}",
            safe::clean(plan.proposed_by.raw(), Policy::Prose),
            safe::clean(plan.policy.raw(), Policy::Prose),
            self.cx.clock(plan.approve_by),
            plan.incident,
        );
        self.line(&whose, Role::Muted);
        self.line(&format!("sha-256 {}", id.0), Role::Muted);
        if let Some(many) = self.cx.live.accuracy.prompts.too_many(self.cx.now.wall) {
            let line = format!(
                "{many} plans were proposed within ten minutes. Each is answered for itself; none is approved by waiting."
            );
            self.words(&line, Role::Unclear);
        }
        for why in warnings(plan, self.cx) {
            self.words(&why, Role::DialogDanger);
        }
    }

    /// How wide it reaches, what it takes, and every target.
    fn reach(&mut self, plan: &Plan) {
        self.heading(&format!("Blast radius: tier {}, {}", plan.tier.0, many(plan.targets.len())));
        self.words(&format!("  it takes: {}", asks(plan)), Role::Text);
        if plan.asks.as_ref().is_some_and(|asks| !asks.first.is_empty()) {
            let key = self.cx.keymap.first(Action::CallFirst).unwrap_or_else(|| ":call".to_owned());
            let call = format!("  {key} proposes to call them from here, where the configuration says how");
            self.words(&call, Role::Muted);
        }
        for reason in &plan.reasons {
            self.words(&format!("  because {}", safe::clean(reason.raw(), Policy::Prose)), Role::Muted);
        }
        for target in &plan.targets {
            let name =
                format!("{} {}", safe::clean(target.kind.raw(), Policy::Exact), visible(&target.name, self.glyphs));
            for line in chunks(&name, self.cx.area.width.saturating_sub(2)) {
                self.line(&format!("  {line}"), Role::Text);
            }
        }
    }

    /// Exactly what runs, now and later.
    fn runs(&mut self, plan: &Plan) {
        let (what, first, rest) = exactly(&plan.request, self.glyphs);
        self.heading(&what);
        self.head_and_rest(&first, &rest);
        let environment = environment(plan);
        if !environment.is_empty() && matches!(plan.request, Request::Process { .. }) {
            self.heading("In its environment");
            for (name, value) in &environment {
                let line = format!("{name}={}", visible(&Untrusted::from(value.as_str()), self.glyphs));
                self.exact(&line, Role::Text);
            }
        }
        let Purpose::Freeze { until, release, .. } = &plan.purpose else { return };
        let when = self.cx.clock(*until);
        match release {
            Some(release) => {
                let (what, first, rest) = exactly(release, self.glyphs);
                self.heading(&format!(
                    "Approved with it: at {when} this lets changes go on, without being asked again"
                ));
                self.line(&what, Role::Muted);
                self.head_and_rest(&first, &rest);
            }
            None => self.heading(&format!("It was told to end by itself at {when}; nothing is sent then")),
        }
    }

    fn head_and_rest(&mut self, first: &str, rest: &[String]) {
        self.exact(first, Role::New);
        for line in rest {
            self.exact(line, Role::Text);
        }
    }

    /// What a person wants to know besides.
    fn beside(&mut self, plan: &Plan) {
        if let Some(dry) = &plan.dry_run {
            self.heading("A dry run of it, which changed nothing, said");
            let (_, first, rest) = exactly(&dry.request, self.glyphs);
            self.exact(&format!("{first} {}", rest.join(" ")), Role::Muted);
            self.quoted(&dry.output);
        }
        if let Some(origin) = &plan.origin {
            self.heading("It is a step of a runbook");
            let from = format!(
                "{}, step {}",
                safe::clean(origin.runbook.raw(), Policy::Exact),
                safe::clean(origin.step.raw(), Policy::Exact)
            );
            self.words(&from, Role::Text);
        }
        if !plan.taint.is_empty() {
            self.heading("Text from outside reached it by");
            for path in &plan.taint {
                self.quoted(path);
            }
        }
        self.heading("To undo it");
        self.quoted(&plan.undo);
    }
}

/// `1 target`, `3 targets`.
fn many(targets: usize) -> String {
    if targets == 1 { "1 target".to_owned() } else { format!("{targets} targets") }
}

/// What would run: what it is and how long, its head, and the rest line by line.
fn exactly(request: &Request, glyphs: &'static Glyphs) -> (String, String, Vec<String>) {
    let by_line = |text: &Untrusted| -> Vec<String> {
        text.raw().split('\n').map(|line| visible(&Untrusted::from(line), glyphs)).collect()
    };
    match request {
        Request::Http { method, url, body } => {
            let (bytes, rows) = (body.raw().len(), body.raw().lines().count());
            let what = format!("Exactly this is sent: {bytes} bytes of body in {rows} lines");
            (what, format!("{} {}", visible(method, glyphs), visible(url, glyphs)), by_line(body))
        }
        Request::Process { argv } => {
            let what = format!("Exactly this is run, without a shell of ours: {} words, one a line", argv.len());
            let mut words = argv.iter();
            let first = words.next().map(|word| visible(word, glyphs)).unwrap_or_default();
            let rest = words.flat_map(|word| by_line(word).into_iter().map(|line| format!("  {line}")));
            (what, first, rest.collect())
        }
        Request::Sql { database, statement } => {
            let what = format!("Exactly this statement is sent: {} bytes", statement.raw().len());
            (what, format!("on {}", visible(database, glyphs)), by_line(statement))
        }
    }
}

/// Words that are not the console's own stand behind a bar.
fn quoted(out: &mut Vec<Line<'static>>, text: &Untrusted, policy: Policy, cx: &Cx<'_>, glyphs: &'static Glyphs) {
    for line in safe::lines(text, policy) {
        for line in safe::wrap(&line, cx.area.width.saturating_sub(2)) {
            let bar = safe::lit(glyphs.quote, cx.of(Role::Untrusted));
            out.push(Line::from(vec![bar, safe::lit(" ", cx.of(Role::Text)), safe::made(line, cx.of(Role::Text))]));
        }
    }
}

/// What a person must be told before they believe their eyes.
fn warnings(plan: &Plan, cx: &Cx<'_>) -> Vec<String> {
    let mut out = Vec::new();
    if !is_plain(plan) {
        out.push("It holds characters that look like others or like nothing; each is shown as \\u{…}, and approving it has to be typed.".to_owned());
    }
    let known: Vec<_> = cx
        .incident
        .map(|incident| incident.groups.items.iter().map(|group| &group.service).collect())
        .unwrap_or_default();
    for target in &plan.targets {
        let name = safe::clean(target.name.raw(), Policy::Exact);
        if target.name.mixes_scripts() {
            out.push(format!("{name} mixes scripts."));
        }
        if let Some(twin) = target.name.looks_like(known.iter().copied()) {
            let twin = safe::clean(twin, Policy::Exact);
            out.push(format!("{name} differs from the known name {twin}, though it looks the same."));
        }
    }
    out
}

/// The text with every character that is not printable ASCII escaped, and blanks that could push something out of
/// sight made visible.
fn visible(text: &Untrusted, glyphs: &'static Glyphs) -> String {
    let exact = safe::clean(text.raw(), Policy::Exact);
    let mut out = String::with_capacity(exact.len());
    let mut rest = exact.as_str();
    while !rest.is_empty() {
        let word = rest.find(' ').unwrap_or(rest.len());
        out.push_str(&rest[..word]);
        rest = &rest[word..];
        let blanks = rest.len() - rest.trim_start_matches(' ').len();
        let outer = out.is_empty() || blanks == rest.len();
        let sign = if outer || blanks >= LONG_BLANK { glyphs.blank } else { " " };
        out.extend(std::iter::repeat_n(sign, blanks));
        rest = &rest[blanks..];
    }
    out
}

/// Cut every `width` columns, wherever that falls: here no blank may be lost.
fn chunks(text: &str, width: u16) -> Vec<String> {
    let mut out = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (head, tail) = safe::split_at_width(rest, usize::from(width.max(2)));
        let cut = if head.is_empty() { rest.chars().next().map_or(1, char::len_utf8) } else { head.len() };
        out.push(rest[..cut].to_owned());
        rest = if head.is_empty() { &rest[cut..] } else { tail };
    }
    if out.is_empty() {
        out.push(String::new());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::glyph::ASCII;
    use proptest::prelude::*;

    #[test]
    fn fault_25_blanks_cannot_push_anything_out_of_sight() {
        let text = Untrusted::from(format!("ls{}; rm -rf /", " ".repeat(500)));
        let shown = visible(&text, &ASCII);
        assert_eq!(shown.matches('_').count(), 500);
        assert_eq!(chunks(&shown, 40).concat(), shown);
        assert_eq!(visible(&" a b ".into(), &ASCII), "_a b_");
    }

    proptest! {
        #[test]
        fn cutting_loses_nothing(text in "[ -~]{0,200}", width in 0u16..50) {
            prop_assert_eq!(chunks(&text, width).concat(), text);
        }
    }
}
