use super::*;

const SECOND: u64 = 1000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;

fn at(ms: u64) -> Now {
    Now { mono: Instant::from_micros(ms * 1000), unix_ms: ms }
}

fn config() -> Config {
    Config { rules: RoleRules::default(), device: Device::default(), connections_max: 8 }
}

fn running(config: Config) -> Roles {
    let mut roles = Roles::new(config);
    roles.handle(at(0), Input::Start, &mut Vec::new());
    roles
}

/// Lets time pass while things stand so; gives what it became, and when.
fn pass(roles: &mut Roles, facts: Facts, until_ms: u64) -> Vec<(u64, Standing)> {
    let mut became = Vec::new();
    while let Some(due) = roles.poll_timeout().filter(|due| due.as_micros() <= until_ms * 1000) {
        let ms = due.as_micros() / 1000;
        let mut out = Vec::new();
        roles.handle_timeout(at(ms), &mut out);
        assert_eq!(out, [Effect::Look]);
        out.clear();
        roles.handle(at(ms), Input::Facts(facts), &mut out);
        for effect in out {
            let Effect::Become(standing) = effect else { panic!("{effect:?}") };
            became.push((ms, standing));
        }
    }
    became
}

/// The same, of the roles only.
fn changes(roles: &mut Roles, facts: Facts, until_ms: u64) -> Vec<(u64, u8)> {
    let became = pass(roles, facts, until_ms).into_iter();
    became.map(|(ms, standing)| (ms, standing.roles)).collect()
}

fn tell(roles: &mut Roles, ms: u64, input: Input) {
    roles.handle(at(ms), input, &mut Vec::new());
}

/// Whole contents, half of the places taken, an hour earned.
const WELL: Facts = Facts { peers: 4, is_seeding: true, out_per_second: 1 << 20, uptime_ms: HOUR };

const NOBODY: Facts = Facts { peers: 0, is_seeding: false, out_per_second: 0, uptime_ms: HOUR };

const ALL: u8 = ROLE_SEED | ROLE_RELAY | ROLE_SUPERNODE;

#[test]
fn roles_come_one_after_another_as_they_are_deserved() {
    let mut roles = running(config());
    let became = changes(&mut roles, WELL, 20 * MINUTE);
    let [seed, relay] = [ROLE_SEED, ROLE_SEED | ROLE_RELAY];
    assert_eq!(became, [(10 * SECOND, seed), (2 * MINUTE, relay), (10 * MINUTE, ALL)]);
}

#[test]
fn each_rule_counts() {
    for (facts, roles) in [
        (Facts { is_seeding: false, ..WELL }, ROLE_RELAY | ROLE_SUPERNODE),
        (Facts { peers: 1, ..WELL }, ROLE_SEED),
        (Facts { peers: 3, ..WELL }, ROLE_SEED | ROLE_RELAY),
        (Facts { uptime_ms: HOUR - 1, ..WELL }, ROLE_SEED | ROLE_RELAY),
        (NOBODY, 0),
    ] {
        let mut node = running(config());
        pass(&mut node, facts, 20 * MINUTE);
        assert_eq!(node.standing().roles, roles, "{facts:?}");
    }
    let rules = RoleRules { supernode_connections: 8, ..RoleRules::default() };
    let mut small = running(Config { rules, ..config() });
    pass(&mut small, WELL, 20 * MINUTE);
    assert_eq!(small.standing().roles, ROLE_SEED | ROLE_RELAY);
}

#[test]
fn a_role_is_kept_for_three_minutes_after_it_was_deserved() {
    let mut roles = running(config());
    pass(&mut roles, WELL, 20 * MINUTE);
    // A short time without costs nothing.
    assert_eq!(changes(&mut roles, NOBODY, 22 * MINUTE), []);
    assert_eq!(changes(&mut roles, WELL, 23 * MINUTE), []);
    assert_eq!(changes(&mut roles, NOBODY, 40 * MINUTE), [(26 * MINUTE, 0)]);
}

#[test]
fn a_hidden_page_is_no_relay_for_long_but_stays_a_seed() {
    let mut roles = running(config());
    pass(&mut roles, WELL, 20 * MINUTE);
    tell(&mut roles, 20 * MINUTE, Input::Lifecycle(Lifecycle::Hidden));
    assert_eq!(changes(&mut roles, WELL, 40 * MINUTE), [(23 * MINUTE, ROLE_SEED)]);
    tell(&mut roles, 40 * MINUTE, Input::Lifecycle(Lifecycle::Visible));
    assert_eq!(changes(&mut roles, WELL, 41 * MINUTE), [(40 * MINUTE + 10 * SECOND, ALL)]);
}

#[test]
fn who_has_to_be_sparing_gives_all_roles_up_at_once() {
    let mut roles = running(config());
    pass(&mut roles, WELL, 20 * MINUTE);
    tell(&mut roles, 20 * MINUTE, Input::Economy(Economy::Saving));
    let became = pass(&mut roles, WELL, 30 * MINUTE);
    let [(_, standing)] = became[..] else { panic!("{became:?}") };
    assert_eq!((standing.roles, standing.capabilities.relays), (0, false));
}

#[test]
fn a_supernode_has_more_places_until_it_is_none() {
    let mut roles = running(config());
    let places = |became: Vec<(u64, Standing)>| -> Vec<u16> {
        became.into_iter().map(|(_, standing)| standing.connections_max).collect()
    };
    assert_eq!(places(pass(&mut roles, WELL, 20 * MINUTE)), [8, 8, 16]);
    assert_eq!(places(pass(&mut roles, NOBODY, 40 * MINUTE)).last(), Some(&8));
    let mut large = running(Config { connections_max: 32, ..config() });
    assert_eq!(places(pass(&mut large, WELL, 20 * MINUTE)), [32; 3]);
}

#[test]
fn capabilities_alone_are_told_every_ten_minutes_at_most() {
    let device = Device { is_installed: true, store_bytes: 3 << 30 };
    let mut roles = running(Config { device, ..config() });
    let first = roles.standing().capabilities;
    assert_eq!((first.stores, first.is_installed, first.store_log2), (true, true, 31));
    let mut told = Vec::new();
    for minute in 1..=30 {
        let out_per_second = 1 << (10 + minute / 2);
        let facts = Facts { out_per_second, uptime_ms: minute * MINUTE, ..NOBODY };
        told.extend(pass(&mut roles, facts, minute * MINUTE).into_iter().map(|(ms, _)| ms));
    }
    assert_eq!(told, [10, 20, 30].map(|minutes| minutes * MINUTE));
    let last = roles.standing().capabilities;
    assert_eq!((last.bandwidth_log2, last.uptime_log2), (25, 10));
}

#[test]
fn a_node_that_stops_is_a_leaf_and_begins_anew() {
    let mut roles = running(config());
    pass(&mut roles, WELL, 20 * MINUTE);
    let mut out = Vec::new();
    roles.handle(at(20 * MINUTE), Input::Stop, &mut out);
    let [Effect::Become(leaf)] = out[..] else { panic!("{out:?}") };
    assert_eq!((leaf.roles, leaf.connections_max), (0, 8));
    assert_eq!(roles.poll_timeout(), None);
    tell(&mut roles, 30 * MINUTE, Input::Start);
    let became = changes(&mut roles, WELL, 33 * MINUTE);
    let [seed, relay] = [ROLE_SEED, ROLE_SEED | ROLE_RELAY];
    assert_eq!(became, [(30 * MINUTE + 10 * SECOND, seed), (32 * MINUTE, relay)]);
}
