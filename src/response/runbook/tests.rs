//! What holds of runbooks as a whole: unannotated ones work, ugly ones do no harm, no value becomes more than a value.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::event::{Labels, Request, Surface, Untrusted};

fn book(text: &str) -> Runbook {
    Runbook::parse("test", "test.md", false, text.as_bytes())
}

fn only_step(text: &str) -> Step {
    let book = book(text);
    assert_eq!(book.steps.len(), 1, "{text}: {:?}", book.findings);
    book.steps.into_iter().next().unwrap()
}

fn argv(request: Request) -> Vec<String> {
    match request {
        Request::Process { argv } => argv.iter().map(|word| word.raw().to_owned()).collect(),
        other => panic!("no process: {other:?}"),
    }
}

fn values(book: &Runbook, given: &[(&str, &str)]) -> Values {
    let given: Vec<(Untrusted, Untrusted)> =
        given.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    Values::check(&book.inputs, given.iter().map(|(name, value)| (name, value))).unwrap()
}

#[test]
fn an_unannotated_runbook_works() {
    let text = "# Web down\n\nLook at the pods:\n\n```sh\nkubectl -n shop get pods\n```\n\n## Restart\n\n```\nkubectl rollout restart deployment/web\n```\n";
    let book = book(text);
    assert_eq!(book.findings, []);
    assert_eq!(book.title.raw(), "Web down");
    let told: Vec<_> =
        book.steps.iter().map(|step| (step.name.raw(), step.line, step.mode, step.about.raw())).collect();
    assert_eq!(told, [("web-down", 6, Mode::Read, "Look at the pods:"), ("restart", 12, Mode::Write, "")]);
    assert!(book.steps[0].why.raw().starts_with("kubectl get only reads (reading.toml:"), "{:?}", book.steps[0].why);
}

#[test]
fn lines_that_only_read_are_steps_of_their_own_and_others_are_one_script() {
    let book = book(
        "# X\n```sh\n# first\nkubectl get pods\nkubectl describe pod \\\n  web-1\n```\n```sh\nkubectl get pods\nkubectl delete pod web-1\n```\n",
    );
    let told: Vec<_> = book.steps.iter().map(|step| (step.name.raw(), step.line, step.mode)).collect();
    assert_eq!(told, [("x", 4, Mode::Read), ("x-2", 5, Mode::Read), ("x-3", 9, Mode::Write)]);
    assert!(book.steps[2].shell);
    assert!(book.steps[2].effects.contains(&Effect::DeletesData));
}

#[test]
fn what_takes_a_shell_writes_unless_its_author_says_otherwise() {
    for (text, part) in [
        ("kubectl get pods | grep web", "pipe"),
        ("kubectl get pods > /tmp/x", "redirects"),
        ("cat $HOME/x", "variables"),
        ("cat *.log", "patterns"),
        ("cat a; cat b", "joins"),
        ("cat `which x`", "commands inside others"),
        ("cd /tmp", "the shell's own"),
        ("A=b kubectl get pods", "sets a variable"),
        ("cat 'x", "not closed"),
    ] {
        let step = only_step(&format!("```sh\n{text}\n```\n"));
        assert_eq!(step.mode, Mode::Write, "{text}");
        assert!(step.why.raw().contains(part), "{text}: {:?}", step.why);
        let declared = only_step(&format!("```sh {{mode=read}}\n{text}\n```\n"));
        assert!(declared.mode == Mode::Read && declared.shell && declared.why.raw().contains("wall"), "{text}");
    }
}

#[test]
fn an_option_that_nobody_knows_writes() {
    for (line, reads) in [
        ("kubectl get pods -n x -o wide", true),
        ("kubectl get pods -nx -owide", true),
        ("kubectl --context prod get pods --namespace=x", true),
        ("kubectl get pods --kubeconfig /tmp/x", false),
        ("kubectl get pods --frobnicate", false),
        ("kubectl delete pod x", false),
        ("kubectl exec x -- ls", false),
        ("curl -sS http://127.0.0.1:9090/-/healthy", true),
        ("curl -s 'http://127.0.0.1:9090/api/v1/query?query=up'", true),
        ("curl -s http://127.0.0.1:9090/api/v1/query?query=up", true),
        ("curl -XPOST http://127.0.0.1:9090/-/reload", false),
        ("curl -X GET http://x/y", true),
        ("curl -o /tmp/x http://x/y", false),
        ("curl -d @/etc/passwd http://x/y", false),
        ("curl -w %{http_code}%output{/tmp/x} http://x/y", false),
        ("curl file:///etc/passwd", false),
        ("journalctl -u web -n 100 --no-pager", true),
        ("journalctl --vacuum-size=1M", false),
        ("find /var -name x -mtime -1", true),
        ("find /var -name x -delete", false),
        ("git -c core.pager=x log", false),
        ("git log -n 5 --stat", true),
        ("psql -h db -c 'select count(*) from x'", true),
        ("psql -h db -c 'delete from x'", false),
        ("psql -h db -c 'select pg_terminate_backend(1)'", false),
        ("psql -c '\\d+ orders'", true),
        ("psql -c '\\! rm'", false),
        ("psql -f x.sql", false),
        ("systemctl status nginx", true),
        ("systemctl restart nginx", false),
        ("ss -tlnp", true),
        ("ss -K dst 10.0.0.1", false),
        ("ip addr show", true),
        ("ip link set eth0 down", false),
        ("date -s 12:00", false),
        ("date 010100002030", false),
        ("hostname evil", false),
        ("redis-cli -h r info memory", true),
        ("redis-cli -h r flushall", false),
        ("amtool alert query --alertmanager.url=http://am:9093", true),
        ("amtool alert add x", false),
        ("tail -100 /var/log/syslog", true),
        ("sort -o /etc/passwd x", false),
        ("./kubectl get pods", false),
        ("/usr/bin/kubectl get pods", true),
        ("sudo kubectl get pods", false),
        ("docker ps -a", true),
        ("docker rm x", false),
    ] {
        let step = only_step(&format!("```sh\n{line}\n```\n"));
        assert_eq!(step.mode == Mode::Read, reads, "{line}: {:?}", step.why);
    }
}

#[test]
fn other_languages_are_steps_too() {
    for (text, reads) in [
        ("```sql\nSELECT 1\n```", true),
        ("```sql\nDELETE FROM x\n```", false),
        ("```sql {mode=read}\nDELETE FROM x\n```", false),
        ("```http\nGET http://x:9090/-/healthy\nAccept: application/json\n```", true),
        ("```http\nPOST http://x:9090/-/reload\n```", false),
        ("```http {mode=read}\nPOST http://x:9090/-/reload\n```", false),
        ("```promql\nup == 0\n```", true),
        ("```console\n$ kubectl get pods\nNAME READY\nweb 1/1\n```", true),
        ("```sh\n$ kubectl get pods\nNAME READY\n```", true),
    ] {
        assert_eq!(only_step(text).mode == Mode::Read, reads, "{text}");
    }
    assert!(book("```yaml\na: b\n```\n\n    rm -rf /\n\n<!--\n```sh\nrm -rf /\n```\n-->\n").steps.is_empty());
}

/// Shapes of real runbooks, with how many steps each has and how many errors.
const UGLY: &[(&str, usize, usize)] = &[
    ("", 0, 0),
    ("\u{feff}# BOM\n```sh\nls\n```", 1, 0),
    ("# CRLF\r\n\r\n```sh\r\nls\r\n```\r\n", 1, 0),
    ("~~~sh\nls\n~~~\n", 1, 0),
    ("````sh\nls\n```\nls\n````\n", 1, 0),
    ("1. one\n\n   ```sh\n   ls\n   ```\n\n   - two\n\n     ```sh\n     df\n     ```\n", 2, 0),
    ("- tight\n  ```sh\n  ls\n  ```\n", 1, 0),
    ("> ```sh\n> ls\n> ```\n", 1, 0),
    ("\t```sh\n\tls\n\t```\n", 0, 0),
    ("```sh\nls\n", 1, 1),
    ("---\ntitle: x\n```sh\nls\n```\n", 1, 1),
    ("---\n\n# a ruler first\n\n```sh\nls\n```\n", 1, 0),
    ("---\ntitle: [\n---\n```sh\nls\n```\n", 1, 1),
    ("---\n- a\n---\n```sh\nls\n```\n", 1, 1),
    ("+++\ntitle = \"x\"\n+++\n```sh\nls\n```\n", 1, 0),
    ("| a | b |\n|---|---|\n| `ls` | x |\n", 0, 0),
    ("```sh\n```\n", 0, 0),
    ("```sh {name=a name=b}\nls\n```\n", 1, 1),
    ("```sh {name=a}\nls\n```\n```sh {name=a}\nls\n```\n", 2, 1),
    ("```sh {verify=none rollback=nothing}\nls\n```\n", 1, 2),
    ("```sh {tier=9 timeout=soon mode=maybe}\nls\n```\n", 1, 3),
    ("```http\nnonsense\n```\n", 1, 1),
    ("---\nescalate: [{ when: sometimes, who: me }]\n---\n```sh\nls\n```\n", 1, 1),
];

#[test]
fn ugly_shapes_are_read_and_their_faults_named_by_line() {
    for (text, steps, errors) in UGLY {
        let book = book(text);
        assert_eq!(book.steps.len(), *steps, "{text:?}: {:?}", book.findings);
        let found = book.findings.iter().filter(|one| one.level == Level::Error).count();
        assert_eq!(found, *errors, "{text:?}: {:?}", book.findings);
        let lines = u32::try_from(text.lines().count().max(1)).unwrap();
        assert!(book.findings.iter().all(|one| (1..=lines).contains(&one.line)), "{text:?}: {:?}", book.findings);
    }
    let bad = Runbook::parse("x", "x.md", false, b"# a\n\xff\n");
    assert_eq!((bad.steps.len(), bad.findings[0].line), (0, 2));
}

#[test]
fn what_turns_text_around_or_is_not_seen_never_only_reads() {
    for hidden in ["\u{202e}", "\u{200b}", "\u{1b}[2K", "\u{e0041}", "\u{a0}"] {
        for info in ["sh", "sh {mode=read}"] {
            let step = only_step(&format!("```{info}\nkubectl get pods {hidden}x\n```\n"));
            assert!(step.hidden && step.mode == Mode::Write, "{hidden:?}");
        }
    }
}

#[test]
fn a_point_of_escalation_that_is_not_understood_holds_everywhere() {
    let book =
        book("---\nescalate: [{ when: before nothing, who: me }, { when: sometimes, who: me }]\n---\n```sh\nls\n```\n");
    assert!(book.escalate.len() == 2 && book.escalate.iter().all(|point| point.when == When::Always));
}

#[test]
fn a_blank_is_filled_from_the_label_of_its_name() {
    let book = book("```sh\nkubectl -n <namespace> logs $POD\n```\n```sh\nkubectl get pod {{ $labels.pod }}\n```\n");
    let label = |name: &str, value: &str| (Untrusted::from(name), Untrusted::from(value));
    let alert: Labels = [label("alertname", "X"), label("namespace", "shop"), label("pod", "web-1")].into();
    let facts = Facts { alerts: vec![alert], ..Facts::default() };
    let found = known(&book.inputs, &facts);
    let given: BTreeMap<&Untrusted, &Untrusted> =
        found.iter().filter_map(|one| one.value.as_ref().map(|value| (&one.input, value))).collect();
    let values = Values::check(&book.inputs, given).unwrap();
    let request = |nth: usize| argv(book.request(&book.steps[nth], &values, &Surroundings::default()).unwrap());
    assert_eq!(request(0), ["kubectl", "-n", "shop", "logs", "web-1"]);
    assert_eq!(request(1), ["kubectl", "get", "pod", "web-1"]);
    assert!(found.iter().all(|one| one.outside && one.from.raw().starts_with("alert label ")), "{found:?}");
    // A label that says something else than a name fills nothing.
    let hostile: Labels = [label("namespace", "$(reboot)"), label("pod", "--kubeconfig=/tmp/x")].into();
    let found = known(&book.inputs, &Facts { alerts: vec![hostile], ..Facts::default() });
    assert!(found.iter().all(|one| one.value.is_none()), "{found:?}");
}

#[test]
fn the_reason_for_a_match_names_what_matched_and_the_order_of_files_does_not_matter() {
    let parse = |name: &str, matches: &str| {
        Runbook::parse(name, name, false, format!("---\nmatches: {matches}\n---\n```sh\nls\n```\n").as_bytes())
    };
    let mut books = vec![
        parse("a", "{ alerts: [HighErrorRate], services: [checkout] }"),
        parse("b", "{ alerts: ['High*'] }"),
        parse("c", "{ surfaces: [prompt] }"),
        parse("d", "{ alerts: [Other] }"),
        parse("e", "[{ words: [refund] }, { labels: { team: 'pay*' } }]"),
        parse("f", "{ alerts: [HighErrorRate], services: [search] }"),
        parse("g", "{ surfaces: [model] }"),
    ];
    let label = |name: &str, value: &str| (Untrusted::from(name), Untrusted::from(value));
    let facts = Facts {
        alerts: vec![[label("alertname", "HighErrorRate"), label("team", "payments")].into()],
        services: vec!["checkout".into()],
        surfaces: vec![Surface::Model, Surface::Prompt],
        stops: vec![],
        title: "checkout: errors".into(),
    };
    let told = |books: &[Runbook]| -> Vec<(String, String)> {
        matched(books, &facts)
            .iter()
            .map(|one| (one.runbook.name.raw().to_owned(), one.reason.raw().to_owned()))
            .collect()
    };
    let found = told(&books);
    let expected = [
        ("a", "matches alert HighErrorRate and service checkout"),
        ("b", "matches alert HighErrorRate"),
        ("e", "matches label team=pay*"),
        ("g", "matches surface model"),
        ("c", "matches surface prompt"),
    ];
    assert_eq!(found, expected.map(|(name, reason)| (name.to_owned(), reason.to_owned())));
    for turn in 1..books.len() {
        books.rotate_left(1);
        assert_eq!(told(&books), found, "turned by {turn}");
    }
}

#[test]
fn the_runbooks_that_come_with_the_program_are_in_order() {
    struct Everything;
    impl Here for Everything {
        fn has_program(&self, _: &str) -> bool {
            true
        }
        fn reaches(&self, _: &Host) -> Result<(), String> {
            Ok(())
        }
        fn has_database(&self, name: &str) -> bool {
            name == "main"
        }
        fn has_prometheus(&self) -> bool {
            true
        }
        fn wall_lacks(&self) -> Option<String> {
            None
        }
        fn has_hosts(&self) -> bool {
            true
        }
    }
    let shelf = Shelf::built_in();
    assert!(shelf.runbooks.len() >= 22, "{}", shelf.runbooks.len());
    for book in &shelf.runbooks {
        let checked = check(book, &Everything);
        let bad: Vec<String> =
            checked.findings.iter().filter(|one| one.level > Level::Note).map(ToString::to_string).collect();
        assert!(bad.is_empty() && checked.unable.is_empty(), "{bad:#?} {:?}", checked.unable);
        assert!(!book.matches.is_empty(), "{}", book.name.raw());
        assert!(!book.steps.is_empty(), "{}", book.name.raw());
        assert!(book.inputs.iter().all(|input| input.declared), "{}: {:?}", book.name.raw(), book.inputs);
        for step in book.steps.iter().filter(|step| step.mode == Mode::Write) {
            assert!(step.tier.is_some() && step.verify.is_some(), "{} {}", book.name.raw(), step.name.raw());
            assert!(!step.effects.contains(&Effect::Unknown), "{} {}", book.name.raw(), step.name.raw());
        }
        if let Some(back) = &book.rollback {
            assert!(!back.wont_return.is_empty(), "{}", book.name.raw());
            assert!(
                book.steps.iter().any(|step| step.stage.hold.is_some() && step.stage.within.is_some()),
                "{}",
                book.name.raw()
            );
        }
    }
    for of in RollbackOf::ALL {
        assert!(shelf.runbooks.iter().any(|book| book.rollback.as_ref().is_some_and(|back| back.of == of)), "{of:?}");
    }
    for surface in
        [Surface::Model, Surface::Prompt, Surface::Retrieval, Surface::Tool, Surface::Judge, Surface::Traffic]
    {
        let facts = Facts { surfaces: vec![surface], ..Facts::default() };
        assert!(!matched(&shelf.runbooks, &facts).is_empty(), "{surface:?}");
    }
}

/// Values that would do harm if they became more than values.
fn hostile() -> impl Strategy<Value = String> {
    prop_oneof![
        "[ -~]{1,30}",
        proptest::sample::select(vec![
            "$(touch canary)",
            "`touch canary`",
            "; touch canary",
            "a' ; touch canary ; '",
            "a\" ; touch canary ; \"",
            "a\n touch canary",
            "&& touch canary",
            "| touch canary",
            "> canary",
            "*",
            "~",
            "$IFS",
            "${x:-a}",
            "--help",
            "-rf",
            "x' OR '1'='1",
            "1); DROP TABLE x; --",
            "\\'; DROP TABLE x; --",
            "a}}{{b",
            "../../etc/passwd",
            "%2e%2e",
            "\"}",
            "a b",
        ])
        .prop_map(str::to_owned),
    ]
}

proptest! {
    #[test]
    fn fault_62_a_value_stays_one_word(value in hostile()) {
        let text = "---\ninputs:\n  x: { pattern: '(?s).+' }\n---\n```sh\nprintf a {{x}} \"b{{x}}\" 'c {{x}}' d=$x\n```\n";
        let book = book(text);
        let given = [(Untrusted::from("x"), Untrusted::from(value.as_str()))];
        let Ok(values) = Values::check(&book.inputs, given.iter().map(|(name, value)| (name, value))) else { return Ok(()) };
        if let Ok(request) = book.request(&book.steps[0], &values, &Surroundings::default()) {
            let words = argv(request);
            prop_assert_eq!(words, ["printf", "a", &value, &format!("b{value}"), &format!("c {value}"), &format!("d={value}")]);
        }
    }

    #[test]
    fn fault_62_a_value_never_becomes_part_of_a_script(value in hostile()) {
        let text = "---\ninputs:\n  x: { pattern: '(?s).+' }\n---\n```sh\nprintf '%s' {{x}} | cat; echo \"{{x}}\" '{{x}}' $x\n```\n";
        let book = book(text);
        let given = [(Untrusted::from("x"), Untrusted::from(value.as_str()))];
        let harmless = values(&book, &[("x", "a")]);
        let script = |values: &Values| book.request(&book.steps[0], values, &Surroundings::default()).map(argv);
        let Ok(values) = Values::check(&book.inputs, given.iter().map(|(name, value)| (name, value))) else { return Ok(()) };
        if let Ok(words) = script(&values) {
            prop_assert_eq!(&words[..4], &script(&harmless).unwrap()[..4], "the text is the same whatever the value");
            prop_assert_eq!(&words[4..], [value.clone()]);
            prop_assert!(pattern::is_plain(&value));
        }
    }

    #[test]
    fn fault_62_a_value_never_leaves_its_literal_its_string_or_its_part_of_an_address(value in hostile()) {
        let text = "---\ninputs:\n  x: { pattern: '(?s).+' }\ndatabases: [d]\n---\n```sql\nSELECT * FROM t WHERE a = {{x}} AND b = '{{x}}' AND \"{{x}}\" = 1\n```\n```http\nPOST http://h/a/{{x}}?q={{x}}\n\n{\"a\": \"{{x}}\"}\n```\n```promql\nup{a=\"{{x}}\"}\n```\n";
        let book = book(text);
        prop_assert_eq!(&book.findings, &[]);
        let given = [(Untrusted::from("x"), Untrusted::from(value.as_str()))];
        let Ok(values) = Values::check(&book.inputs, given.iter().map(|(name, value)| (name, value))) else { return Ok(()) };
        let around = Surroundings { prometheus: Some("http://p/".into()) };
        if let Ok(Request::Sql { statement, .. }) = book.request(&book.steps[0], &values, &around) {
            let single = value.replace('\'', "''");
            let double = value.replace('"', "\"\"");
            prop_assert_eq!(statement.raw().trim(), format!("SELECT * FROM t WHERE a = '{single}' AND b = '{single}' AND \"{double}\" = 1"));
        }
        if let Ok(Request::Http { url, body, .. }) = book.request(&book.steps[1], &values, &around) {
            let url = url::Url::parse(url.raw()).unwrap();
            prop_assert_eq!(url.path_segments().unwrap().count(), 2);
            prop_assert_eq!(url.query_pairs().map(|(_, value)| value.into_owned()).collect::<Vec<_>>(), [value.clone()]);
            prop_assert_eq!(url.fragment(), None);
            let body: serde_json::Value = serde_json::from_str(body.raw()).unwrap();
            prop_assert_eq!(body, serde_json::json!({ "a": value }));
        }
        if let Ok(Request::Http { url, .. }) = book.request(&book.steps[2], &values, &around) {
            let query = url::Url::parse(url.raw()).unwrap().query_pairs().next().unwrap().1.into_owned();
            let inner = query.strip_prefix("up{a=\"").and_then(|rest| rest.strip_suffix("\"}")).unwrap().to_owned();
            prop_assert!(!inner.contains('"'), "{}", inner);
        }
    }

    #[test]
    fn no_bytes_make_reading_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = Runbook::parse("x", "x.md", false, &bytes);
    }

    #[test]
    fn no_shape_makes_reading_panic(parts in proptest::collection::vec(proptest::sample::select(vec![
        "```", "~~~", "sh", " {", "}", "name=", "mode=read", "\"", "'", "\\", "\n", "\n\n", "---\n", "+++\n", "- ", "> ", "    ", "\t", "# ",
        "{{x}}", "<x>", "$x", "${x}", "$(", ")", "|", "<<EOF", "kubectl get pods", "inputs: {x: {}}", "SELECT ", "GET http://", "é", "\u{202e}",
        "\r\n", "<!--", "-->", "http", "sql", "promql", ":", "[", "]", "&a", "*a",
    ]), 0..60)) {
        let text: String = parts.concat();
        let book = Runbook::parse("x", "x.md", false, text.as_bytes());
        for step in &book.steps {
            let _ = book.request(step, &Values::default(), &Surroundings::default());
            prop_assert!(!(step.hidden && step.mode == Mode::Read));
        }
    }
}
