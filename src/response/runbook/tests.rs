use super::*;

fn book(text: &str) -> Runbook {
    Runbook::parse("test", "test.md", false, text.as_bytes())
}

#[test]
fn an_unannotated_runbook_works() {
    let book = book(
        "# Web down\n\nLook at the pods:\n\n```sh\nkubectl -n shop get pods\n```\n\n## Restart\n\n```\nkubectl rollout restart deployment/web\n```\n",
    );
    assert_eq!(book.findings, []);
    assert_eq!(book.title.raw(), "Web down");
    assert_eq!(book.steps.len(), 2);
    assert_eq!(book.steps[0].mode, Mode::Read, "{:?}", book.steps[0].why);
    assert_eq!(book.steps[1].mode, Mode::Write);
}
