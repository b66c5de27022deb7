use serde_json::json;

use super::*;
use crate::event::MetricBatch;

fn captured(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/tests/data/captured/prometheus/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

#[test]
fn what_is_not_finite_is_left_out_and_the_rest_is_known_when_it_was_measured() {
    let end = Time::from_second(1_795_308_376).unwrap();
    let body = json!({"status":"success","warnings":["partial"],"data":{"resultType":"matrix","result":[
        {"metric":{"__name__":"up","job":"app"},"values":[[1_795_308_376,"NaN"],[1_795_308_361,"1"],[1_795_308_300.5,"+Inf"],[1_795_308_286,"0.5"]]}]}});
    let brought = range("up", body.to_string().as_bytes(), end).unwrap();
    assert_eq!(brought.warnings, ["partial"]);
    assert_eq!(
        brought.drafts.iter().map(|draft| draft.at.as_second()).collect::<Vec<_>>(),
        [1_795_308_286, 1_795_308_361]
    );
    let batch: MetricBatch = serde_json::from_slice(&brought.drafts[1].body).unwrap();
    assert_eq!((batch.series[0].name.raw(), batch.series[0].service().unwrap().raw()), ("up", "app"));
    assert!(!batch.series[0].labels.contains_key("__name__"));
}

#[test]
fn a_real_answer_is_read_and_an_error_named() {
    let brought = range("checkout", &captured("query_range.json"), Time::from_second(1_795_309_000).unwrap()).unwrap();
    assert!(!brought.drafts.is_empty());
    let error = range("x", &captured("query_range_too_many_points.json"), Time::UNIX_EPOCH).unwrap_err().to_string();
    assert!(error.starts_with("/status: is \"error\": exceeded maximum resolution"), "{error}");
    let error = range("x", &captured("query_instant.json"), Time::UNIX_EPOCH).unwrap_err().to_string();
    assert!(error.starts_with("/data/resultType: is \"vector\""), "{error}");
    assert_eq!(super::super::client::words(&captured("query_error_422_parse.json")).get(..7), Some("invalid"));
}

#[test]
fn a_service_graph_gives_edges_once_each() {
    let edge = |client: &str, server: &str| json!({"metric":{"client":client,"server":server},"value":[1,"1"]});
    let found = [edge("a", "b"), edge("a", "b"), edge("", "b"), edge("unknown", "b"), edge("b", "b"), edge("b", "c")];
    let body = json!({"status":"success","data":{"resultType":"vector","result":found}}).to_string();
    let edges = graph(body.as_bytes(), "client", "server").unwrap();
    let edges: Vec<_> = edges.iter().map(|edge| (edge.caller.raw(), edge.callee.raw())).collect();
    assert_eq!(edges, [("a", "b"), ("b", "c")]);
}
