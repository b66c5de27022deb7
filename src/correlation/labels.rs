//! Calls that labels name: meshes, service graphs and clients write both ends of a call on their series and alerts.

use crate::event::{Labels, Untrusted};

/// Labels that name who calls and who is called. The names are those of Istio, of OpenTelemetry's and Tempo's service graph, of
/// Linkerd and of hand-made clients.
const PAIRS: [(&str, &str); 9] = [
    ("source_workload", "destination_workload"),
    ("source_canonical_service", "destination_canonical_service"),
    ("source_app", "destination_app"),
    ("source_service", "destination_service"),
    ("src_service", "dst_service"),
    ("deployment", "dst_deployment"),
    ("caller_service", "callee_service"),
    ("caller", "callee"),
    ("client_service", "server_service"),
];
/// The same on series of a service graph; elsewhere a server is a machine.
const GRAPH_PAIR: (&str, &str) = ("client", "server");
const GRAPH: &str = "service_graph";
/// Labels that name who is called by the component the series is of. Of what a mesh counts on the side of the called one, that
/// is itself, and no call.
const CALLED: [&str; 7] = [
    "destination_service_name",
    "destination_service",
    "dst_service",
    "peer_service",
    "upstream_service",
    "remote_service",
    "target_service",
];
/// What meshes write where they do not know, or where nobody in particular is called.
const NOBODY: [&str; 6] = ["", "unknown", "-", "none", "PassthroughCluster", "BlackHoleCluster"];

/// A component by the name others know it by: without namespace and domain of the cluster, and without port.
fn known_as(name: &Untrusted) -> Option<Untrusted> {
    let raw = name.raw();
    let short = match raw.split_once('.') {
        Some((first, rest)) if rest.contains("svc") => first,
        _ => raw
            .rsplit_once(':')
            .filter(|(_, port)| port.bytes().all(|b| b.is_ascii_digit()))
            .map_or(raw, |(host, _)| host),
    };
    (!NOBODY.contains(&short)).then(|| if short.len() == raw.len() { name.clone() } else { short.into() })
}

/// The call that the labels of a series or alert called `name`, of the component `own`, tell of: caller and callee.
pub(super) fn call(name: &str, own: Option<&Untrusted>, labels: &Labels) -> Option<(Untrusted, Untrusted)> {
    let graph = name.contains(GRAPH).then_some(GRAPH_PAIR);
    for (from, to) in PAIRS.into_iter().chain(graph) {
        if let (Some(from), Some(to)) = (labels.get(from), labels.get(to)) {
            return known_as(from).zip(known_as(to)).filter(|(from, to)| from != to);
        }
    }
    let called = CALLED.iter().find_map(|label| labels.get(*label)).and_then(known_as)?;
    let own = known_as(own?)?;
    (own != called).then_some((own, called))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(name: &str, own: &str, labels: &[(&str, &str)]) -> Option<(String, String)> {
        let labels: Labels = labels.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect();
        let call = call(name, Some(&own.into()), &labels)?;
        Some((call.0.raw().to_owned(), call.1.raw().to_owned()))
    }

    #[expect(clippy::unnecessary_wraps, reason = "it is held against what may be nothing")]
    fn calls(from: &str, to: &str) -> Option<(String, String)> {
        Some((from.to_owned(), to.to_owned()))
    }

    #[test]
    fn meshes_service_graphs_and_clients_name_both_ends() {
        let istio = [
            ("source_workload", "shop-v1"),
            ("destination_workload", "pay-v2"),
            ("destination_service", "pay.prod.svc.cluster.local"),
        ];
        assert_eq!(told("istio_requests_total", "pay", &istio), calls("shop-v1", "pay-v2"));
        let tempo = [("client", "shop"), ("server", "pay")];
        assert_eq!(told("traces_service_graph_request_total", "tempo", &tempo), calls("shop", "pay"));
        let client = [("peer_service", "pay:8080")];
        assert_eq!(told("rpc_client_duration", "shop", &client), calls("shop", "pay"));
        let service = [("destination_service", "pay.prod.svc.cluster.local")];
        assert_eq!(told("requests", "shop", &service), calls("shop", "pay"));
    }

    #[test]
    fn what_names_nobody_or_itself_or_a_machine_is_no_call() {
        for labels in [
            [("source_workload", "unknown"), ("destination_workload", "pay")],
            [("source_workload", "pay"), ("destination_workload", "pay")],
            [("client", "10.0.0.7"), ("server", "db-3")],
            [("destination_service", "PassthroughCluster"), ("code", "502")],
            [("destination_service", "shop.prod.svc.cluster.local"), ("code", "200")],
        ] {
            assert_eq!(told("node_connections", "shop", &labels), None, "{labels:?}");
        }
        // An address with dots is no name in a cluster.
        let outside = [("peer_service", "api.payments.example:443")];
        assert_eq!(told("rpc", "shop", &outside), calls("shop", "api.payments.example"));
    }
}
