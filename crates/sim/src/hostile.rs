//! What hostile tabs do to what their (honest) nodes say: the world passes it through here.

use core::time::Duration;

use bytes::Bytes;
use peerloom_crypto::{PUBLIC_KEY_BYTES, PublicKey, Signature};
use peerloom_wire::frame::FRAME_VERSION;
use peerloom_wire::record::{self, PeerRecord};
use peerloom_wire::{AppId, FRAME_BYTES_MAX, Protocol, RequestId, frame};

use crate::dice::Dice;
use crate::fabric::{Body, End, Fabric};
use crate::keyring;
use crate::options::Hostility;
use crate::schedule::Schedule;

/// How many made-up envelopes a flood has: more than a carrier takes at once.
const FLOOD_FRAMES: usize = 600;

/// How often each may be handed on: as often as is allowed.
const FLOOD_STEPS: u8 = 31;

/// How long each is.
const FLOOD_ENVELOPE_BYTES: usize = 100;

/// As many announcements as fit a message.
const MADE_UP_POSTS: usize = 256;

/// Sends a frame as this hostile tab does: bent, or followed by garbage.
pub(crate) fn send(
    hostility: Hostility,
    dice: &mut Dice,
    fabric: &mut Fabric,
    schedule: &mut Schedule,
    end: End,
    (frame, app, now_ms): (&Bytes, AppId, u64),
) {
    if matches!(frame::decode(frame), Ok((Protocol::Routing, _))) {
        if dice.chance(hostility.carried_dropped_per_mille) {
            return fabric.count("envelopes dropped by carriers");
        }
        if dice.chance(hostility.carried_doubled_per_mille) {
            fabric.inject(schedule, end, frame.clone());
        }
        if dice.chance(hostility.carried_claimed_per_mille) {
            claim_way(dice, fabric, schedule, end, frame);
        }
        if dice.chance(hostility.carried_spent_per_mille)
            && let Some(spent) = spend(frame)
        {
            return fabric.inject(schedule, end, spent);
        }
        let ends = fabric.open_ends(end.seat);
        if let Some((other, _)) = dice.pick(&ends).copied()
            && dice.chance(hostility.carried_looped_per_mille)
        {
            fabric.inject(schedule, other, frame.clone());
        }
    }
    if let Ok((Protocol::Broadcast, body)) = frame::decode(frame) {
        // A post whole, which crossed more than this connection.
        if matches!(body, [0, 2..=u8::MAX, ..]) && dice.chance(hostility.posts_dropped_per_mille) {
            return fabric.count("posts dropped by carriers");
        }
        if dice.chance(hostility.posts_doubled_per_mille) {
            fabric.inject(schedule, end, frame.clone());
        }
        if dice.chance(hostility.made_up_posts_per_mille) {
            fabric.inject(schedule, end, made_up_posts(dice));
        }
    }
    let bent = dice.chance(hostility.bent_frame_per_mille).then(|| bend(dice, frame));
    fabric.inject(schedule, end, bent.unwrap_or_else(|| frame.clone()));
    if dice.chance(hostility.garbage_frame_per_mille) {
        fabric.inject(schedule, end, garbage(dice, frame));
    }
    if hostility.flood_per_mille > 0 && dice.chance(hostility.flood_per_mille) {
        fabric.count("floods");
        for _ in 0..FLOOD_FRAMES {
            fabric.inject(schedule, end, made_up_envelope(dice));
        }
    }
    if dice.chance(hostility.bad_list_per_mille) {
        fabric.count("bad lists of peers");
        for list in bad_lists(dice, now_ms) {
            fabric.inject(schedule, end, list);
        }
    }
    if dice.chance(hostility.bad_gossip_per_mille) {
        fabric.count("bad gossip");
        for frame in bad_gossip(dice, now_ms) {
            fabric.inject(schedule, end, frame);
        }
    }
    if let Ok((protocol @ (Protocol::Pex | Protocol::Gossip), _)) = frame::decode(frame)
        && dice.chance(hostility.sybil_per_mille)
    {
        fabric.count("peers made up");
        fabric.inject(schedule, end, sybils(dice, protocol, app, now_ms));
    }
}

/// Pretends that something of the target came by this tab, one hop away: all that goes there may come here.
fn claim_way(
    dice: &mut Dice,
    fabric: &mut Fabric,
    schedule: &mut Schedule,
    end: End,
    frame: &Bytes,
) {
    let Ok((_, [number, _, _, ends @ ..])) = frame::decode(frame) else { return };
    let Some((ends, _)) = ends.split_first_chunk::<64>() else { return };
    let (_, target) = ends.split_at(32);
    let header = [FRAME_VERSION, Protocol::Routing as u8, *number, 0, FLOOD_STEPS];
    let made_up = [&header[..], target, &dice.bytes(32 + FLOOD_ENVELOPE_BYTES)].concat();
    for (other, _) in fabric.open_ends(end.seat) {
        fabric.inject(schedule, other, made_up.clone().into());
    }
}

/// "I could not bring it any nearer", with no step left; `None` if the frame is anything else.
fn spend(frame: &Bytes) -> Option<Bytes> {
    let (_, body) = frame::decode(frame).ok()?;
    let (_steps_left, head) = frame.split_last()?;
    (body.first() == Some(&1)).then(|| [head, &[0]].concat().into())
}

/// An envelope to be carried from nobody to nobody, as `docs/protocol/routing.md` lays it out.
fn made_up_envelope(dice: &mut Dice) -> Bytes {
    // A signal, a message, or a receipt.
    let number = [0, 2, 3][dice.index(3)];
    let header = [FRAME_VERSION, Protocol::Routing as u8, number, 0, FLOOD_STEPS];
    let rest = dice.bytes(64 + FLOOD_ENVELOPE_BYTES);
    [&header[..], &rest].concat().into()
}

/// Announces as many posts as a message may, as `docs/protocol/broadcast.md` lays it out.
fn made_up_posts(dice: &mut Dice) -> Bytes {
    let mut frame = vec![FRAME_VERSION, Protocol::Broadcast as u8, 1];
    for _ in 0..MADE_UP_POSTS {
        frame.extend_from_slice(&dice.bytes(16));
        frame.extend_from_slice(&[1, 0]);
    }
    frame.into()
}

/// Peers that nobody has signed for, more than may be, too much of one, or an empty list too often.
fn bad_lists(dice: &mut Dice, now_ms: u64) -> Vec<Bytes> {
    let (added, times): (Vec<Bytes>, usize) = match dice.below(4) {
        0 => (vec![forged(dice, now_ms)], 1),
        1 => ((0..60).map(|_| forged(dice, now_ms)).collect(), 1),
        2 => (vec![dice.bytes(200).into()], 1),
        _ => (Vec::new(), 6),
    };
    let count = u8::try_from(added.len()).unwrap_or(u8::MAX);
    let mut frame = vec![FRAME_VERSION, Protocol::Pex as u8, 0, 0, count];
    for record in added {
        frame.push(u8::try_from(record.len()).unwrap_or(u8::MAX));
        frame.extend_from_slice(&record);
    }
    vec![frame.into(); times]
}

/// What nobody has signed for, hops that nobody has, more than may be, the same again and again.
fn bad_gossip(dice: &mut Dice, now_ms: u64) -> Vec<Bytes> {
    let one = |dice: &mut Dice, ttl| (ttl, forged(dice, now_ms));
    let (records, times) = match dice.below(5) {
        0 => (vec![one(dice, 3)], 1),
        1 => ((0..30).map(|_| one(dice, 3)).collect(), 1),
        2 => (vec![one(dice, 255)], 1),
        3 => (vec![(3, dice.bytes(200).into())], 1),
        _ => (vec![one(dice, 1)], 20),
    };
    vec![gossip(&records); times]
}

fn gossip(records: &[(u8, Bytes)]) -> Bytes {
    let mut frame = vec![FRAME_VERSION, Protocol::Gossip as u8, 0];
    for (ttl, record) in records {
        frame.extend_from_slice(&[*ttl, u8::try_from(record.len()).unwrap_or(u8::MAX)]);
        frame.extend_from_slice(record);
    }
    frame.into()
}

/// Peers that nobody is, rightly signed, each a supernode that can do everything: in a list or as
/// gossip, as much as one message takes.
fn sybils(dice: &mut Dice, protocol: Protocol, app: AppId, now_ms: u64) -> Bytes {
    let made_up = |dice: &mut Dice| {
        let record = PeerRecord {
            roles: u8::MAX,
            capabilities: u32::MAX,
            connections_max: u16::MAX,
            ..made_up_record(dice, now_ms)
        };
        let encoded = record.encode();
        let signature = keyring::sign(&record.key, &record::payload(app, &encoded));
        record::sign_with(&encoded, signature)
    };
    let records: Vec<Bytes> = (0..20).map(|_| made_up(dice)).collect();
    if protocol == Protocol::Gossip {
        return gossip(&records.into_iter().map(|record| (3, record)).collect::<Vec<_>>());
    }
    let mut frame = vec![FRAME_VERSION, Protocol::Pex as u8, 0, 0, 20];
    for record in records {
        frame.push(u8::try_from(record.len()).unwrap_or(u8::MAX));
        frame.extend_from_slice(&record);
    }
    frame.into()
}

fn forged(dice: &mut Dice, now_ms: u64) -> Bytes {
    record::sign_with(&made_up_record(dice, now_ms).encode(), Signature([7; 64]))
}

fn made_up_record(dice: &mut Dice, now_ms: u64) -> PeerRecord {
    let mut key = [4; PUBLIC_KEY_BYTES];
    key.iter_mut().zip(dice.bytes(PUBLIC_KEY_BYTES)).for_each(|(to, from)| *to = from);
    PeerRecord {
        key: PublicKey(key),
        issued_ms: now_ms,
        protocols: 1,
        roles: 0,
        capabilities: 0,
        connections_max: 8,
    }
}

/// Serves a body as this hostile tab does: wrong, cut, too long, or with one more behind it.
pub(crate) fn serve(
    hostility: Hostility,
    dice: &mut Dice,
    fabric: &mut Fabric,
    schedule: &mut Schedule,
    end: End,
    (request, mut body): (RequestId, Body),
    read: Duration,
) {
    let mut bytes_max = u32::MAX;
    if dice.chance(hostility.wrong_body_per_mille) {
        fabric.count("bodies falsified");
        body.sha256 = dice.bytes32();
        body.inline = body.inline.map(|inline| bend(dice, &inline));
    }
    if dice.chance(hostility.cut_body_per_mille) {
        bytes_max = u32::try_from(dice.below(u64::from(body.bytes))).unwrap_or(0);
    }
    let stray = dice.chance(hostility.stray_body_per_mille);
    if stray && dice.chance(500) {
        body.bytes += u32::try_from(dice.between(1, 100_000)).unwrap_or(1);
    } else if stray {
        let name = RequestId(u32::try_from(dice.below(1 << 32)).unwrap_or(0));
        fabric.serve(schedule, end, (name, body.clone(), u32::MAX), read);
    }
    fabric.serve(schedule, end, (request, body, bytes_max), read);
}

/// One byte changed, a byte more, or the end cut off.
fn bend(dice: &mut Dice, bytes: &Bytes) -> Bytes {
    let mut changed = bytes.to_vec();
    let index = dice.index(changed.len());
    match dice.below(4) {
        0 => changed.truncate(index),
        1 => changed.insert(index, 0),
        _ => {
            let flip = u8::try_from(dice.between(1, 255)).unwrap_or(1);
            if let Some(byte) = changed.get_mut(index) {
                *byte ^= flip;
            }
        }
    }
    changed.into()
}

/// Something that nobody would send: random, of a version or protocol unknown, a known protocol
/// with nonsense in it, a frame again that had its time, or one over the bound.
fn garbage(dice: &mut Dice, frame: &Bytes) -> Bytes {
    let length = dice.index(300);
    let mut bytes = dice.bytes(length);
    match dice.below(6) {
        0 => return frame.clone(),
        1 => bytes.splice(0..0, [255, 1]).for_each(drop),
        2 => bytes.splice(0..0, [1, 200]).for_each(drop),
        3 => {
            let protocol = u8::try_from(dice.between(1, 4)).unwrap_or(1);
            let message = u8::try_from(dice.below(12)).unwrap_or(0);
            bytes.splice(0..0, [1, protocol, message]).for_each(drop);
        }
        4 if dice.chance(100) => bytes = vec![1; FRAME_BYTES_MAX + 1 + length],
        _ => {}
    }
    bytes.into()
}
