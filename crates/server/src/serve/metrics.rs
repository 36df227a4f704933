//! `/metrics` in Prometheus' text format 0.0.4. No ids: figures only.

use std::fmt::Write;

use peerloom_server::hub::{Counters, Gauges, Reason};

/// Returns the page.
pub(super) fn text(counters: &Counters, gauges: &Gauges) -> String {
    let mut page = String::new();
    let counted = [
        ("connections_total", "Connections that came in.", counters.connections),
        ("registrations_total", "Peers that showed who they are.", counters.registrations),
        ("introductions_total", "Pairs that were introduced.", counters.introductions),
        ("envelopes_total", "Envelopes that were handed on.", counters.envelopes),
        ("envelopes_away_total", "Envelopes to nobody.", counters.envelopes_away),
        ("received_messages_total", "Messages from clients.", counters.received_messages),
        ("received_bytes_total", "Bytes of them.", counters.received_bytes),
        ("sent_messages_total", "Messages to clients.", counters.sent_messages),
        ("sent_bytes_total", "Bytes of them.", counters.sent_bytes),
    ];
    for (name, help, value) in counted {
        family(&mut page, name, help, "counter");
        sample(&mut page, name, "", value);
    }
    let now = [
        ("connections", "Open connections.", gauges.connections),
        ("peers", "Registered peers.", gauges.peers),
        ("rooms", "Tags with members.", gauges.rooms),
        ("addresses", "Addresses that are remembered.", gauges.addresses),
        ("queued_bytes", "Bytes that wait to be read by clients.", gauges.queued_bytes),
        ("memory_bytes", "What --memory-bytes-max is about.", gauges.memory_bytes),
    ];
    for (name, help, value) in now {
        family(&mut page, name, help, "gauge");
        sample(&mut page, name, "", u64::try_from(value).unwrap_or(u64::MAX));
    }
    by_reason(&mut page, "refused_total", "Messages that were refused.", |reason| {
        counters.refused(reason)
    });
    by_reason(&mut page, "closed_total", "Connections that the server closed.", |reason| {
        counters.closed(reason)
    });
    page
}

fn by_reason(page: &mut String, name: &str, help: &str, count: impl Fn(Reason) -> u64) {
    family(page, name, help, "counter");
    for reason in Reason::ALL {
        sample(page, name, &format!("{{reason=\"{}\"}}", reason.name()), count(*reason));
    }
}

fn family(page: &mut String, name: &str, help: &str, kind: &str) {
    // Writing to a string does not fail.
    let _ = write!(page, "# HELP peerloom_{name} {help}\n# TYPE peerloom_{name} {kind}\n");
}

fn sample(page: &mut String, name: &str, labels: &str, value: u64) {
    let _ = writeln!(page, "peerloom_{name}{labels} {value}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sample_has_its_family_and_a_number() {
        let page = text(&Counters::default(), &Gauges { peers: 7, ..Gauges::default() });
        assert!(page.contains("# TYPE peerloom_peers gauge\npeerloom_peers 7\n"));
        assert!(page.contains("peerloom_closed_total{reason=\"too-slow\"} 0\n"));
        let mut family = "";
        for line in page.lines() {
            if let Some(typed) = line.strip_prefix("# TYPE ") {
                family = typed.split(' ').next().unwrap();
            } else if !line.starts_with('#') {
                let (name, value) = line.split_once(' ').unwrap();
                assert_eq!(name.split('{').next(), Some(family), "{line}");
                assert!(value.parse::<u64>().is_ok(), "{line}");
            }
        }
    }
}
